/* limit: rows, text to values and back, lists. */
#include "limit_help.h"

#include <sys/resource.h>

/* ---- rows -------------------------------------------------------------------------------------- */

static void rows_are_whole(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = limit_info((enum limit_id)i);
        assert_non_null(info->name);
        assert_non_null(info->help);
        assert_int_equal(limit_find(info->name), i);
        assert_true(info->kind == LIMIT_KIND_FLAG || info->metavar);
        if (info->controller < CONTROLLER_COUNT)
            assert_true(info->v1_file || info->v2_file);
        assert_true(info->max == 0 || info->min <= info->max);
        for (int j = 0; j < i; j++) {
            const struct limit_info *other = limit_info((enum limit_id)j);
            assert_true(info->letter == 0 || info->letter != other->letter);
            assert_string_not_equal(info->name, other->name);
        }
    }
    assert_null(limit_info(LIMIT_NONE));
}

static void rows_are_found_by_alias(void **state)
{
    (void)state;
    assert_int_equal(limit_find("mem"), LIMIT_MEMORY);
    assert_int_equal(limit_find("cpuset"), LIMIT_CPUSET_CPUS);
    assert_int_equal(limit_find("cpushare"), LIMIT_CPU_SHARES);
    assert_int_equal(limit_find("cpu-share"), LIMIT_CPU_SHARES);
    assert_int_equal(limit_find("cpu"), LIMIT_CPU);
    assert_int_equal(limit_find("cpus"), LIMIT_CPUS);
    assert_int_equal(limit_find("cpu-shar"), LIMIT_NONE);
    assert_int_equal(limit_find("cpu-share cpushare"), LIMIT_NONE);
    assert_int_equal(limit_find(""), LIMIT_NONE);
    assert_int_equal(limit_info(LIMIT_MEMORY)->letter, 'm');
    assert_int_equal(limit_info(LIMIT_CPU_SHARES)->letter, 'c');
    assert_true(limit_is_many(LIMIT_HUGETLB));
    assert_false(limit_is_many(LIMIT_MEMORY));
}

static void all_sixteen_rlimits_are_there(void **state)
{
    bool seen[RLIM_NLIMITS] = { false };

    (void)state;
    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = limit_info((enum limit_id)i);
        if (info->encoder == LIMIT_ENCODE_RLIMIT) {
            assert_false(seen[info->rlimit]);
            seen[info->rlimit] = true;
        }
    }
    for (int i = 0; i < RLIM_NLIMITS; i++)
        assert_true(seen[i]);
}

static void controllers_have_two_names(void **state)
{
    (void)state;
    assert_string_equal(controller_name(CONTROLLER_IO, 1), "blkio");
    assert_string_equal(controller_name(CONTROLLER_IO, 2), "io");
    assert_string_equal(controller_name((enum controller)99, 2), "unknown");
    assert_int_equal(controller_find("blkio", 5), CONTROLLER_IO);
    assert_int_equal(controller_find("io.max", 2), CONTROLLER_IO);
    assert_int_equal(controller_find("net_cls,net_prio", 7), CONTROLLER_NET_CLS);
    assert_int_equal(controller_find("systemd", 7), CONTROLLER_NONE);
    assert_int_equal(controller_find("process", 7), CONTROLLER_NONE);
    assert_int_equal(controller_find("", 0), CONTROLLER_NONE);
}

/* ---- text to value to text --------------------------------------------------------------------- */

struct reading {
    enum limit_id id;
    const char *text;
    uint64_t number;
    const char *shown;
};

static void single_values_are_read(void **state)
{
    static const struct reading table[] = {
        { LIMIT_MEMORY, "50m", 52428800, "50m" },
        { LIMIT_MEMORY, "50M", 52428800, "50m" },
        { LIMIT_MEMORY, "50MiB", 52428800, "50m" },
        { LIMIT_MEMORY, "1.5g", 1610612736, "1536m" },
        { LIMIT_MEMORY, "1t", 1099511627776, "1t" },
        { LIMIT_MEMORY, "1000000", 1000000, "1000000" },
        { LIMIT_MEMORY, "25%", 250000, "25%" },
        { LIMIT_MEMORY, "12.5%", 125000, "12.5%" },
        { LIMIT_MEMORY, "0.0001%", 1, "0.0001%" },
        { LIMIT_MEMORY, "-1", LIMIT_NUMBER_UNLIMITED, "unlimited" },
        { LIMIT_MEMORY_SWAP, "max", LIMIT_NUMBER_UNLIMITED, "unlimited" },
        { LIMIT_MEMORY_LOW, "0", 0, "0" },
        { LIMIT_MEMORY_SWAPPINESS, "0", 0, "0" },
        { LIMIT_CPUS, "0.5", 500000, "0.5" },
        { LIMIT_CPUS, "2", 2000000, "2" },
        { LIMIT_CPUS, "0.001", 1000, "0.001" },
        { LIMIT_CPUS, "unlimited", LIMIT_NUMBER_UNLIMITED, "unlimited" },
        { LIMIT_CPU, "20", 200000, "20%" },
        { LIMIT_CPU, "20%", 200000, "20%" },
        { LIMIT_CPU, "12.5", 125000, "12.5%" },
        { LIMIT_CPU_QUOTA, "20000", 20000, "20ms" },
        { LIMIT_CPU_QUOTA, "20ms", 20000, "20ms" },
        { LIMIT_CPU_QUOTA, "-1", LIMIT_NUMBER_UNLIMITED, "unlimited" },
        { LIMIT_CPU_PERIOD, "1s", 1000000, "1s" },
        { LIMIT_CPU_BURST, "1", 1, "1us" },
        { LIMIT_CPU_SHARES, "512", 512, "512" },
        { LIMIT_OOM_GROUP, "true", 1, "true" },
        { LIMIT_OOM_GROUP, "off", 0, "false" },
        { LIMIT_PIDS_LIMIT, "-1", LIMIT_NUMBER_UNLIMITED, "unlimited" },
        { LIMIT_NET_CLS, "10:1", 0x100001, "0x100001" },
        { LIMIT_NET_CLS, "0x100001", 0x100001, "0x100001" },
        { LIMIT_NET_CLS, "1048577", 0x100001, "0x100001" },
        { LIMIT_NET_CLS, "ffff:FFFF", 0xffffffff, "0xffffffff" },
        { LIMIT_TIMEOUT, "10", 10000000, "10s" },
        { LIMIT_TIMEOUT, "2m", 120000000, "120s" },
        { LIMIT_TIMEOUT, "0.5", 500000, "500ms" },
        { LIMIT_CPU_TIME, "500", 500000, "500ms" },
        { LIMIT_CPU_TIME, "1500us", 1500, "1500us" },
        { LIMIT_OUTPUT_LIMIT, "1k", 1024, "1k" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct limit_set set = { 0 };
        struct err err = ERR_INIT;
        struct buf shown = BUF_INIT;
        const struct limit_value *value = &set.value[table[i].id];
        if (limit_parse(table[i].id, table[i].text, NULL, &set, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(value->number, table[i].number);
        assert_int_equal(value->state,
                         table[i].number == LIMIT_NUMBER_UNLIMITED ? LIMIT_UNLIMITED : LIMIT_SET);
        assert_int_equal(value->percent, table[i].id == LIMIT_MEMORY && strchr(table[i].text, '%'));
        limit_format(table[i].id, value, &shown);
        assert_string_equal(buf_text(&shown), table[i].shown);
        buf_done(&shown);
        limit_set_done(&set);
    }
}

static void texts_and_entries_are_read(void **state)
{
    static const struct {
        enum limit_id id;
        const char *text, *shown;
    } table[] = {
        { LIMIT_CPUSET_CPUS, "3,0-2,7", "0-3,7" },
        { LIMIT_CPUSET_MEMS, "0", "0" },
        { LIMIT_CPUSET_PARTITION, "isolated", "isolated" },
        { LIMIT_BLKIO_WEIGHT_DEVICE, "/dev/sda:500", "/dev/sda:500" },
        { LIMIT_DEVICE_READ_BPS, "8:16:1m", "8:16:1m" },
        { LIMIT_DEVICE_READ_BPS, "/dev/sda:1m;8:16:2m", "/dev/sda:1m; 8:16:2m" },
        { LIMIT_DEVICE_READ_BPS, "/dev/sda:1m; 8:0:2m", "8:0:2m" },
        { LIMIT_DEVICE_WRITE_IOPS, "/dev/sdb:unlimited", "/dev/sdb:unlimited" },
        { LIMIT_IO_LATENCY, "8:0:10ms", "8:0:10ms" },
        { LIMIT_DEVICE_CGROUP_RULE, "c 1:3 rwm", "allow c 1:3 rwm" },
        { LIMIT_DEVICE_CGROUP_RULE, "c 1:3 mr", "allow c 1:3 rm" },
        { LIMIT_DEVICE_CGROUP_RULE, "deny a", "deny a *:* rwm" },
        { LIMIT_DEVICE_CGROUP_RULE, "allow b *:7 w; deny b 8:* w", "allow b *:7 w; deny b 8:* w" },
        { LIMIT_HUGETLB, "2MB:64m", "2MB:64m" },
        { LIMIT_HUGETLB, "2m:64m", "2MB:64m" },
        { LIMIT_HUGETLB, "1024MB:1g", "1GB:1g" },
        { LIMIT_HUGETLB, "64k:max", "64KB:unlimited" },
        { LIMIT_NET_PRIO, "eth0:5", "eth0:5" },
        { LIMIT_RDMA, "mlx4_0:hca_handle=2,hca_object=100", "mlx4_0:hca_handle=2,hca_object=100" },
        { LIMIT_RDMA, "mlx4_0:hca_handle=2 hca_object=max", "mlx4_0:hca_handle=2,hca_object=max" },
        { LIMIT_MISC, "sev:4;tdx:max", "sev:4; tdx:unlimited" },
        { LIMIT_CGROUP_CONF, "memory.zswap.max=0", "memory.zswap.max=0" },
        { LIMIT_CGROUP_CONF, "io.max=8:0 rbps=1", "io.max=8:0 rbps=1" },
        { LIMIT_CGROUP_CONF, "cgroup.max.depth=3", "cgroup.max.depth=3" },
        { LIMIT_CGROUP_CONF, "hugetlb.2MB.max=0", "hugetlb.2MB.max=0" },
        { LIMIT_CGROUP_CONF, "memory.high=1m; memory.high=2m", "memory.high=2m" },
        { LIMIT_RLIMIT_NOFILE, "1024", "1024" },
        { LIMIT_RLIMIT_NOFILE, "1024:2048", "1024:2048" },
        { LIMIT_RLIMIT_NOFILE, "10:10", "10" },
        { LIMIT_RLIMIT_AS, "1g:unlimited", "1g:unlimited" },
        { LIMIT_RLIMIT_CORE, "-1", "unlimited" },
        { LIMIT_RLIMIT_CORE, "0", "0" },
        { LIMIT_RLIMIT_CPU, "10:20", "10:20" },
        { LIMIT_RLIMIT_CPU, "2m", "120" },
        { LIMIT_RLIMIT_RTTIME, "200ms:300ms", "200000:300000" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct limit_set set = { 0 };
        struct err err = ERR_INIT;
        struct buf shown = BUF_INIT;
        if (limit_parse(table[i].id, table[i].text, &help_context, &set, &err) < 0)
            fail_msg("%s", err.text);
        limit_format(table[i].id, &set.value[table[i].id], &shown);
        assert_string_equal(buf_text(&shown), table[i].shown);
        buf_done(&shown);
        limit_set_done(&set);
    }
}

static void docker_zero_means_unset(void **state)
{
    static const struct {
        enum limit_id id;
        const char *before, *text;
    } table[] = {
        { LIMIT_MEMORY, "50m", "0" },
        { LIMIT_MEMORY_SWAP, "50m", "0" },
        { LIMIT_CPU_QUOTA, "20000", "0" },
        { LIMIT_CPU_PERIOD, "20000", "0" },
        { LIMIT_CPU_SHARES, "20", "0" },
        { LIMIT_PIDS_LIMIT, "20", "0" },
        { LIMIT_BLKIO_WEIGHT, "20", "0" },
        { LIMIT_TIMEOUT, "20", "0" },
        { LIMIT_MEMORY_SWAPPINESS, "60", "-1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct limit_set set = { 0 };
        struct err err = ERR_INIT;
        struct buf shown = BUF_INIT;
        assert_int_equal(limit_parse(table[i].id, table[i].before, NULL, &set, &err), 0);
        assert_true(limit_is_set(&set, table[i].id));
        assert_int_equal(limit_parse(table[i].id, table[i].text, NULL, &set, &err), 0);
        assert_false(limit_is_set(&set, table[i].id));
        limit_format(table[i].id, &set.value[table[i].id], &shown);
        assert_string_equal(buf_text(&shown), "");
        buf_done(&shown);
        limit_set_done(&set);
    }
}

static void bad_texts_are_refused_by_name(void **state)
{
    static const struct {
        enum limit_id id;
        const char *text, *sentence;
    } table[] = {
        { LIMIT_MEMORY, "abc",
          "--memory: \"abc\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_MEMORY, "", "--memory: \"\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_MEMORY, "-5", "--memory: \"-5\" is negative" },
        { LIMIT_MEMORY, "99999999999999999999", "--memory: \"99999999999999999999\" is too large" },
        { LIMIT_MEMORY, "18446744073709551615", "--memory: \"18446744073709551615\" is too large" },
        { LIMIT_MEMORY, "20000000t", "--memory: \"20000000t\" is too large" },
        { LIMIT_MEMORY, "1k", "--memory: \"1k\" is below the minimum of 512 KiB" },
        { LIMIT_MEMORY, "50 m",
          "--memory: \"50 m\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_MEMORY, "101%", "--memory: \"101%\" is more than all there is" },
        { LIMIT_MEMORY, "0%", "--memory: \"0%\" is nothing at all" },
        { LIMIT_MEMORY, "%", "--memory: \"%\" is not a percentage such as 25% or 12.5%" },
        { LIMIT_MEMORY, "1111111111111111111111111111111111111%",
          "--memory: \"1111111111111111111111111111111111111%\" is not a percentage such as 25% or "
          "12.5%" },
        { LIMIT_OUTPUT_LIMIT, "5%",
          "--output-limit: \"5%\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_CPUS, "0", "--cpus: \"0\" is below the minimum of 0.001 CPUs" },
        { LIMIT_CPUS, "0.0000001",
          "--cpus: \"0.0000001\" is not a number of CPUs such as 2 or 0.5" },
        { LIMIT_CPUS, "-2", "--cpus: \"-2\" is negative" },
        { LIMIT_CPUS, "18446744073709.551615", "--cpus: \"18446744073709.551615\" is too large" },
        { LIMIT_CPU, "0", "--cpu: \"0\" is below the minimum of 0.1 %" },
        { LIMIT_CPU, "%", "--cpu: \"\" is not a percentage of one CPU such as 20" },
        { LIMIT_CPU, "", "--cpu: \"\" is not a percentage of one CPU such as 20" },
        { LIMIT_CPU_QUOTA, "999", "--cpu-quota: \"999\" is below the minimum of 1 ms" },
        { LIMIT_CPU_PERIOD, "2s", "--cpu-period: \"2s\" is above the maximum of 1 s" },
        { LIMIT_CPU_PERIOD, "-1", "--cpu-period: \"-1\" is negative" },
        { LIMIT_CPU_SHARES, "1", "--cpu-shares: \"1\" is below the minimum of 2" },
        { LIMIT_CPU_SHARES, "300000", "--cpu-shares: \"300000\" is above the maximum of 262144" },
        { LIMIT_CPU_SHARES, "1.5", "--cpu-shares: \"1.5\" is not a whole number" },
        { LIMIT_CPUSET_CPUS, "", "--cpuset-cpus: \"\" is not a list such as 0-3,7" },
        { LIMIT_CPUSET_CPUS, "3-1", "--cpuset-cpus: \"3-1\" is not a list such as 0-3,7" },
        { LIMIT_CPUSET_CPUS, "9999", "--cpuset-cpus: \"9999\" has a number of 8192 or more" },
        { LIMIT_CPUSET_PARTITION, "roo",
          "--cpuset-partition: \"roo\" is none of: member root isolated" },
        { LIMIT_CPUSET_PARTITION, "", "--cpuset-partition: \"\" is none of: member root isolated" },
        { LIMIT_OOM_GROUP, "maybe", "--oom-group: \"maybe\" is neither true nor false" },
        { LIMIT_OOM_GROUP, "", "--oom-group: \"\" is neither true nor false" },
        { LIMIT_NET_CLS,
          "10:", "--net-cls: \"10:\" is not a traffic class such as 10:1 or 0x100001" },
        { LIMIT_NET_CLS, "10000:1",
          "--net-cls: \"10000:1\" is not a traffic class such as 10:1 or 0x100001" },
        { LIMIT_NET_CLS, "0xg",
          "--net-cls: \"0xg\" is not a traffic class such as 10:1 or 0x100001" },
        { LIMIT_NET_CLS, "g:1",
          "--net-cls: \"g:1\" is not a traffic class such as 10:1 or 0x100001" },
        { LIMIT_TIMEOUT, "10x", "--timeout: \"10x\" is not a duration such as 500ms, 10s or 2m" },
        { LIMIT_TIMEOUT, "-1s", "--timeout: \"-1s\" is negative" },
        { LIMIT_CPU_TIME, "0", "--cpu-time: \"0\" is below the minimum of 1 ms" },
        { LIMIT_DEVICE_READ_BPS, "/dev/none:1m",
          "--device-read-bps: \"/dev/none:1m\" names /dev/none, which is no usable device: No such "
          "file or directory" },
        { LIMIT_DEVICE_READ_BPS, "sda:1m",
          "--device-read-bps: \"sda:1m\" names neither a device's path nor its numbers" },
        { LIMIT_DEVICE_READ_BPS, "8:1m",
          "--device-read-bps: \"8:1m\" names neither a device's path nor its numbers" },
        { LIMIT_DEVICE_READ_BPS, "8:99999999999999999:1",
          "--device-read-bps: \"8:99999999999999999:1\" names neither a device's path nor its "
          "numbers" },
        { LIMIT_DEVICE_READ_BPS, "/dev/sda",
          "--device-read-bps: \"/dev/sda\" is not of the form DEVICE:SIZE" },
        { LIMIT_DEVICE_READ_BPS,
          "/dev/sda:", "--device-read-bps: \"/dev/sda:\" is not of the form DEVICE:SIZE" },
        { LIMIT_DEVICE_READ_BPS, "/dev/sda:0",
          "--device-read-bps: \"0\" is below the minimum of 1 B" },
        { LIMIT_DEVICE_READ_BPS, "/dev/sda:x",
          "--device-read-bps: \"x\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_BLKIO_WEIGHT_DEVICE, "8:0:5",
          "--blkio-weight-device: \"5\" is below the minimum of 10" },
        { LIMIT_IO_LATENCY, "8:0:0", "--io-latency: \"0\" is below the minimum of 1 us" },
        { LIMIT_DEVICE_CGROUP_RULE, "x 1:3 r",
          "--device-cgroup-rule: \"x 1:3 r\" is not a device rule such as \"c 1:3 rwm\", \"allow b "
          "*:* r\" or \"deny a\"" },
        { LIMIT_DEVICE_CGROUP_RULE, "c",
          "--device-cgroup-rule: \"c\" is not a device rule such as \"c 1:3 rwm\", \"allow b *:* "
          "r\" or \"deny a\"" },
        { LIMIT_DEVICE_CGROUP_RULE, "c 1:3",
          "--device-cgroup-rule: \"c 1:3\" is not a device rule such as \"c 1:3 rwm\", \"allow b "
          "*:* r\" or \"deny a\"" },
        { LIMIT_DEVICE_CGROUP_RULE, "c 1:3 rx",
          "--device-cgroup-rule: \"c 1:3 rx\" is not a device rule such as \"c 1:3 rwm\", \"allow "
          "b *:* r\" or \"deny a\"" },
        { LIMIT_DEVICE_CGROUP_RULE, "c 1:3 rr",
          "--device-cgroup-rule: \"c 1:3 rr\" is not a device rule such as \"c 1:3 rwm\", \"allow "
          "b *:* r\" or \"deny a\"" },
        { LIMIT_DEVICE_CGROUP_RULE, "a 1:3 r",
          "--device-cgroup-rule: \"a 1:3 r\" narrows type a, which always means every device and "
          "every access: write one rule for b and one for c" },
        { LIMIT_HUGETLB, "3MB:1m",
          "--hugetlb: \"3MB:1m\" does not begin with a huge page size such as 2MB or 1GB" },
        { LIMIT_HUGETLB, "2MB:x",
          "--hugetlb: \"x\" is not a size such as 50m, 1.5g or a number of bytes" },
        { LIMIT_NET_PRIO, "a/b:1",
          "--net-prio: \"a/b:1\" has a name with a slash, blank or unprintable byte" },
        { LIMIT_NET_PRIO, "eth0:4294967296",
          "--net-prio: \"4294967296\" is above the maximum of 4294967295" },
        { LIMIT_NET_PRIO, ":1", "--net-prio: \":1\" is not of the form INTERFACE:NUMBER" },
        { LIMIT_RDMA, "mlx:none", "--rdma: \"mlx:none\" is not of the form DEVICE:LIMITS" },
        { LIMIT_RDMA, "mlx", "--rdma: \"mlx\" is not of the form DEVICE:LIMITS" },
        { LIMIT_CGROUP_CONF, "memory.high",
          "--cgroup-conf: \"memory.high\" is not of the form FILE=VALUE" },
        { LIMIT_CGROUP_CONF,
          "memory.high=", "--cgroup-conf: \"memory.high=\" is not of the form FILE=VALUE" },
        { LIMIT_CGROUP_CONF, "memory.high=1\n2",
          "--cgroup-conf: \"memory.high=1?2\" is not of the form FILE=VALUE" },
        { LIMIT_CGROUP_CONF, "../memory.high=1",
          "--cgroup-conf: \"../memory.high=1\" does not begin with a file's name such as "
          "memory.high" },
        { LIMIT_CGROUP_CONF, "memory..high=1",
          "--cgroup-conf: \"memory..high=1\" does not begin with a file's name such as "
          "memory.high" },
        { LIMIT_CGROUP_CONF, "memory.=1",
          "--cgroup-conf: \"memory.=1\" does not begin with a file's name such as memory.high" },
        { LIMIT_CGROUP_CONF, "tasks=0",
          "--cgroup-conf: \"tasks=0\" does not begin with a file's name such as memory.high" },
        { LIMIT_CGROUP_CONF, "cgroup.procs=1",
          "--cgroup-conf: \"cgroup.procs=1\" names no setting of a controller that may be written "
          "here" },
        { LIMIT_CGROUP_CONF, "cgroup.kill=1",
          "--cgroup-conf: \"cgroup.kill=1\" names no setting of a controller that may be written "
          "here" },
        { LIMIT_CGROUP_CONF, "cgroup.subtree_control=+cpu",
          "--cgroup-conf: \"cgroup.subtree_control=+cpu\" names no setting of a controller that "
          "may be written here" },
        { LIMIT_CGROUP_CONF, "freezer.state=FROZEN",
          "--cgroup-conf: \"freezer.state=FROZEN\" names no setting of a controller that may be "
          "written here" },
        { LIMIT_CGROUP_CONF, "devices.allow=a",
          "--cgroup-conf: \"devices.allow=a\" names no setting of a controller that may be written "
          "here" },
        { LIMIT_CGROUP_CONF, "memory.reclaim=1g",
          "--cgroup-conf: \"memory.reclaim=1g\" names no setting of a controller that may be "
          "written here" },
        { LIMIT_CGROUP_CONF, "nosuch.file=1",
          "--cgroup-conf: \"nosuch.file=1\" names no setting of a controller that may be written "
          "here" },
        { LIMIT_RLIMIT_NOFILE, "20:10",
          "--rlimit-nofile: \"20:10\" has a soft limit above its hard limit" },
        { LIMIT_RLIMIT_NOFILE, "unlimited:10",
          "--rlimit-nofile: \"unlimited:10\" has a soft limit above its hard limit" },
        { LIMIT_RLIMIT_NOFILE, "10:", "--rlimit-nofile: \"\" is not a whole number" },
        { LIMIT_RLIMIT_NOFILE, "10:20:30", "--rlimit-nofile: \"20:30\" is not a whole number" },
        { LIMIT_RLIMIT_NICE, "41", "--rlimit-nice: \"41\" is above the maximum of 40" },
        { LIMIT_RLIMIT_CPU, "1500ms",
          "--rlimit-cpu: \"1500ms\" is not a whole number of seconds, which this counts" },
        { LIMIT_RLIMIT_NOFILE, "11111111111111111111111111111111111111111111111111111111111111111",
          "--rlimit-nofile: \"111111111111111111111111111111111111111111111111111111111111...\" is "
          "not SOFT or SOFT:HARD" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct limit_set set = { 0 };
        struct err err = ERR_INIT;
        if (limit_parse(table[i].id, table[i].text, &help_context, &set, &err) == 0)
            fail_msg("--%s \"%s\" was read", limit_info(table[i].id)->name, table[i].text);
        assert_string_equal(err.text, table[i].sentence);
        assert_int_equal(err.class, ERR_USAGE);
        assert_int_equal(err_exit_status(&err), 2);
        assert_false(limit_is_set(&set, table[i].id));
        assert_null(set.value[table[i].id].entries);
    }
}

static void long_texts_do_no_harm(void **state)
{
    static char text[10001];
    struct limit_set set = { 0 };

    (void)state;
    memset(text, '1', sizeof(text) - 1);
    for (int i = 0; i < LIMIT_COUNT; i++) {
        struct err err = ERR_INIT;
        assert_true(limit_parse((enum limit_id)i, text, &help_context, &set, &err) < 0);
        assert_true(text_starts(err.text, "--"));
        assert_non_null(strstr(err.text, limit_info((enum limit_id)i)->name));
    }
    text[5000] = ':';
    struct err err = ERR_INIT;
    assert_true(limit_parse(LIMIT_MISC, text, &help_context, &set, &err) < 0);
    assert_non_null(strstr(err.text, "has too long a name"));
    limit_set_done(&set);
}

static void an_error_leaves_the_set_alone(void **state)
{
    struct limit_set set = { 0 }, before;
    struct err err = ERR_INIT;

    (void)state;
    help_set(&set, "memory=50m|device-read-bps=8:0:1m|cgroup-conf=memory.high=1m|cpuset-cpus=0-1");
    assert_int_equal(limit_set_copy(&set, &before), 0);
    assert_true(limit_parse(LIMIT_MEMORY, "x", NULL, &set, &err) < 0);
    assert_true(limit_parse(LIMIT_DEVICE_READ_BPS, "8:16:2m; x", NULL, &set, &err) < 0);
    assert_true(limit_parse(LIMIT_DEVICE_READ_BPS, "/dev/sda:2m", NULL, &set, &err) < 0);
    assert_non_null(strstr(err.text, "cannot be looked up here"));
    assert_true(limit_parse(LIMIT_CGROUP_CONF, "memory.low=1; x", NULL, &set, &err) < 0);
    assert_true(limit_parse(LIMIT_NONE, "1", NULL, &set, &err) < 0);
    for (int i = 0; i < LIMIT_COUNT; i++)
        assert_true(limit_equal(&set.value[i], &before.value[i]));
    limit_set_done(&set);
    limit_set_done(&before);
}

static void a_long_device_path_is_kept_by_number(void **state)
{
    char text[200];
    struct limit_set set = { 0 };
    struct err err = ERR_INIT;

    (void)state;
    snprintf(text, sizeof(text), "/dev/sda%090d:1m", 0);
    assert_int_equal(limit_parse(LIMIT_DEVICE_READ_BPS, text, &help_context, &set, &err), 0);
    assert_string_equal(set.value[LIMIT_DEVICE_READ_BPS].entries[0].key, "8:0");
    limit_set_done(&set);
}

static void values_differ_in_each_part(void **state)
{
    static const char *const texts[] = {
        "",
        "memory=50m",
        "memory=51m",
        "memory=50%",
        "memory=max",
        "rlimit-as=1m",
        "rlimit-as=1m:2m",
        "device-cgroup-rule=c 1:3 r",
        "device-cgroup-rule=c 1:3 w",
        "device-cgroup-rule=b 1:3 r",
        "device-cgroup-rule=deny c 1:3 r",
        "device-cgroup-rule=c 1:4 r",
        "device-cgroup-rule=c 2:3 r",
        "device-cgroup-rule=c 1:3 r; c 1:3 r",
        "cgroup-conf=cpu.x=1",
        "cgroup-conf=cpu.x=2",
        "cgroup-conf=cpu.y=1",
        "misc=a:1",
        "misc=a:2",
        "cpuset-cpus=1",
        "cpuset-cpus=2",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
            struct limit_set a = { 0 }, b = { 0 };
            bool equal = true;
            help_set(&a, texts[i]);
            help_set(&b, texts[j]);
            for (int id = 0; id < LIMIT_COUNT; id++)
                equal = equal && limit_equal(&a.value[id], &b.value[id]);
            assert_int_equal(equal, i == j);
            limit_set_done(&a);
            limit_set_done(&b);
        }
    }
}

/* ---- the property: parse(format(x)) == x -------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return n == 0 ? random_state : random_state % n;
}

/* In the row's range, of any magnitude. */
static uint64_t random_number(const struct limit_info *info)
{
    uint64_t max = info->max ? info->max : UINT64_MAX / 2000000;
    uint64_t number = random_below(0) >> random_below(64);

    if ((info->flags & LIMIT_ALLOW_UNLIMITED) && random_below(8) == 0)
        return LIMIT_NUMBER_UNLIMITED;
    number = info->min + number % (max - info->min + 1);
    return number == 0 && (info->flags & LIMIT_ZERO_UNSET) ? 1 : number;
}

static void random_entry(const struct limit_info *info, size_t i, struct limit_entry *entry)
{
    static const char *const access_table[] = { "r", "w", "m", "rw", "rm", "wm", "rwm" };
    static const char *const page_table[] = { "64KB", "2MB", "512MB", "1GB" };
    bool is_device = info->kind == LIMIT_KIND_DEVICE_NUMBER ||
                     info->kind == LIMIT_KIND_DEVICE_SIZE ||
                     info->kind == LIMIT_KIND_DEVICE_DURATION;

    *entry = (struct limit_entry){ .number = random_number(info) };
    if (info->kind == LIMIT_KIND_DEVICE_RULE) {
        entry->number = 0;
        entry->allow = random_below(2);
        entry->type = "abc"[random_below(3)];
        bool all = entry->type == 'a';
        entry->major = all || random_below(3) == 0 ? UINT32_MAX : (uint32_t)random_below(4096);
        entry->minor = all || random_below(3) == 0 ? UINT32_MAX : (uint32_t)random_below(1 << 20);
        const char *access = all ? "rwm" : access_table[random_below(7)];
        memcpy(entry->access, access, strlen(access) + 1);
    } else if (is_device) {
        entry->major = (uint32_t)random_below(512);
        entry->minor = (uint32_t)(random_below(1000) * 16 + i);
        snprintf(entry->key, sizeof(entry->key), "%u:%u", entry->major, entry->minor);
    } else if (info->encoder == LIMIT_ENCODE_HUGETLB) {
        snprintf(entry->key, sizeof(entry->key), "%s", page_table[i % 4]);
    } else if (info->kind == LIMIT_KIND_CONF) {
        entry->number = 0;
        snprintf(entry->key, sizeof(entry->key), "memory.x%zu.max", i);
        entry->text = text_format("%llu low=%llu", (unsigned long long)random_below(100),
                                  (unsigned long long)random_below(0));
    } else {
        snprintf(entry->key, sizeof(entry->key), "name%zu_%llu", i,
                 (unsigned long long)random_below(1000));
        if (info->kind == LIMIT_KIND_PAIR_TEXT) {
            entry->number = 0;
            entry->text =
                text_format("handle=%llu object=max", (unsigned long long)random_below(1000));
        }
    }
}

static void random_entries(const struct limit_info *info, struct limit_value *value)
{
    value->n_entries = 1 + random_below(4);
    value->entries = calloc(value->n_entries, sizeof(*value->entries));
    assert_non_null(value->entries);
    for (size_t i = 0; i < value->n_entries; i++)
        random_entry(info, i, &value->entries[i]);
}

static void random_list(struct limit_value *value)
{
    struct list_mask mask = { 0 };
    struct buf text = BUF_INIT;

    for (uint64_t n = 1 + random_below(40); n > 0; n--) {
        uint64_t bit = random_below(1u << (1 + random_below(13)));
        mask.bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    list_format(&mask, &text);
    value->text = buf_take(&text);
}

static void random_value(const struct limit_info *info, struct limit_value *value)
{
    static const char *const word_table[] = { "member", "root", "isolated" };

    *value = (struct limit_value){ .state = LIMIT_SET };
    if (info->flags & LIMIT_MANY) {
        random_entries(info, value);
    } else if (info->kind == LIMIT_KIND_LIST) {
        random_list(value);
    } else if (info->kind == LIMIT_KIND_WORD) {
        value->text = strdup(word_table[random_below(3)]);
    } else if (info->kind == LIMIT_KIND_FLAG) {
        value->number = random_below(2);
    } else if ((info->flags & LIMIT_ALLOW_PERCENT) && random_below(3) == 0) {
        value->percent = true;
        value->number = 1 + random_below(1000000);
    } else {
        value->number = random_number(info);
        if (value->number == LIMIT_NUMBER_UNLIMITED)
            value->state = LIMIT_UNLIMITED;
    }
    if (info->encoder == LIMIT_ENCODE_RLIMIT) {
        uint64_t other = random_number(info);
        value->hard = other > value->number ? other : value->number;
        value->number = other > value->number ? value->number : other;
        value->state = value->number == LIMIT_NUMBER_UNLIMITED ? LIMIT_UNLIMITED : LIMIT_SET;
    }
}

static void what_is_shown_is_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_COUNT; i++) {
        enum limit_id id = (enum limit_id)i;
        for (int round = 0; round < 300; round++) {
            struct limit_set set = { 0 };
            struct limit_value value;
            struct buf text = BUF_INIT;
            struct err err = ERR_INIT;
            random_value(limit_info(id), &value);
            limit_format(id, &value, &text);
            if (limit_parse(id, buf_text(&text), &help_context, &set, &err) < 0)
                fail_msg("%s", err.text);
            if (!limit_equal(&value, &set.value[id]))
                fail_msg("--%s %s is read back as something else", limit_info(id)->name,
                         buf_text(&text));
            buf_done(&text);
            limit_value_done(&value);
            limit_set_done(&set);
        }
    }
}

/* ---- lists ------------------------------------------------------------------------------------- */

static void lists_are_strict(void **state)
{
    static const struct {
        const char *text;
        int r;
        unsigned count;
        const char *shown;
    } table[] = {
        { "", 0, 0, "" },
        { "0", 0, 1, "0" },
        { "0-3", 0, 4, "0-3" },
        { "7,0-1,2,3", 0, 5, "0-3,7" },
        { "0,2,4-5", 0, 4, "0,2,4-5" },
        { "63-64", 0, 2, "63-64" },
        { "8191", 0, 1, "8191" },
        { "0-8191", 0, 8192, "0-8191" },
        { "8192", -ERANGE, 0, "" },
        { "0-8192", -ERANGE, 0, "" },
        { "99999999999999999999999", -ERANGE, 0, "" },
        { "3-1", -EINVAL, 0, "" },
        { "0,", -EINVAL, 0, "" },
        { ",0", -EINVAL, 0, "" },
        { "0-", -EINVAL, 0, "" },
        { "-1", -EINVAL, 0, "" },
        { "0 1", -EINVAL, 0, "" },
        { "a", -EINVAL, 0, "" },
        { "0\n", -EINVAL, 0, "" },
        { "0-7:2/4", -EINVAL, 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct list_mask mask = { 0 };
        struct buf shown = BUF_INIT;
        assert_int_equal(list_parse(table[i].text, &mask), table[i].r);
        assert_int_equal(list_count(&mask), table[i].count);
        list_format(&mask, &shown);
        assert_string_equal(buf_text(&shown), table[i].shown);
        buf_done(&shown);
    }
}

static void subsets_are_found(void **state)
{
    struct list_mask a, b;

    (void)state;
    assert_int_equal(list_parse("1,200", &a), 0);
    assert_int_equal(list_parse("0-255", &b), 0);
    assert_true(list_is_subset(&a, &b));
    assert_false(list_is_subset(&b, &a));
    assert_true(list_is_subset(&a, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(rows_are_found_by_alias),
        cmocka_unit_test(all_sixteen_rlimits_are_there),
        cmocka_unit_test(controllers_have_two_names),
        cmocka_unit_test(single_values_are_read),
        cmocka_unit_test(texts_and_entries_are_read),
        cmocka_unit_test(docker_zero_means_unset),
        cmocka_unit_test(bad_texts_are_refused_by_name),
        cmocka_unit_test(long_texts_do_no_harm),
        cmocka_unit_test(an_error_leaves_the_set_alone),
        cmocka_unit_test(a_long_device_path_is_kept_by_number),
        cmocka_unit_test(values_differ_in_each_part),
        cmocka_unit_test(what_is_shown_is_read_back),
        cmocka_unit_test(lists_are_strict),
        cmocka_unit_test(subsets_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
