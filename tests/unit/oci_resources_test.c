/* linux.resources: what each field becomes, and what is refused. */
#include "limit_help.h"

#include "oci/oci.h"

/* Reads a resources object into set; fails the test when it is refused. */
static void read_into(const char *text, struct limit_set *set)
{
    struct err err = ERR_INIT;

    if (oci_read_resources(text, strlen(text), &help_context, set, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    assert_string_equal(err.text, "");
}

static void number_text(uint64_t number, struct buf *ret)
{
    if (number == LIMIT_NUMBER_UNLIMITED)
        buf_puts(ret, "-1");
    else
        buf_printf(ret, "%llu", (unsigned long long)number);
}

static void device_number_text(uint32_t number, struct buf *ret)
{
    if (number == UINT32_MAX)
        buf_putc(ret, '*');
    else
        buf_printf(ret, "%u", number);
}

static void entry_text(enum limit_kind kind, const struct limit_entry *entry, struct buf *ret)
{
    switch (kind) {
    case LIMIT_KIND_DEVICE_RULE:
        buf_printf(ret, "%s %c ", entry->allow ? "allow" : "deny", entry->type);
        device_number_text(entry->major, ret);
        buf_putc(ret, ':');
        device_number_text(entry->minor, ret);
        buf_printf(ret, " %s", entry->access);
        break;
    case LIMIT_KIND_CONF:
        buf_printf(ret, "%s=%s", entry->key, entry->text);
        break;
    case LIMIT_KIND_PAIR_TEXT:
        buf_printf(ret, "%s:%s", entry->key, entry->text);
        break;
    default:
        buf_printf(ret, "%s:", entry->key);
        number_text(entry->number, ret);
    }
}

/* "name=value" of all limits that are set, with '|' between and ';' between entries; the caller frees it. */
static char *set_text(const struct limit_set *set)
{
    struct buf text = BUF_INIT;

    buf_puts(&text, "");
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_value *value = &set->value[i];
        if (!limit_is_set(set, (enum limit_id)i))
            continue;
        buf_printf(&text, "%s%s=", text.len ? "|" : "", limit_info((enum limit_id)i)->name);
        for (size_t k = 0; k < value->n_entries; k++) {
            buf_puts(&text, k > 0 ? ";" : "");
            entry_text(limit_info((enum limit_id)i)->kind, &value->entries[k], &text);
        }
        if (value->text)
            buf_puts(&text, value->text);
        else if (value->n_entries == 0)
            number_text(value->number, &text);
    }
    return buf_take(&text);
}

static void expect(const char *text, const char *want)
{
    struct limit_set set;

    read_into(text, &set);
    char *have = set_text(&set);
    assert_string_equal(have, want);
    free(have);
    limit_set_done(&set);
}

static void refused(const char *text, const char *want)
{
    struct limit_set set;
    struct err err = ERR_INIT;

    if (oci_read_resources(text, strlen(text), &help_context, &set, &err) == 0)
        fail_msg("%s was accepted", text);
    if (!strstr(err.text, want) || strstr(err.text, "--"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, want);
    for (unsigned i = 0; i < LIMIT_COUNT; i++)
        assert_false(limit_is_set(&set, (enum limit_id)i));
}

/* ---- values -------------------------------------------------------------------------------------------- */

static const struct {
    const char *text, *want;
} field_table[] = {
    { "{}", "" },
    { "{\"memory\":{},\"cpu\":{},\"blockIO\":{},\"network\":{},\"devices\":[],\"unified\":{}}",
      "" },
    { "{\"memory\":{\"limit\":536870912}}", "memory=536870912" },
    { "{\"memory\":{\"limit\":-1}}", "memory=-1" },
    { "{\"memory\":{\"limit\":9223372036854771712}}", "memory=9223372036854771712" },
    { "{\"memory\":{\"swap\":1073741824}}", "memory-swap=1073741824" },
    { "{\"memory\":{\"swap\":-1}}", "memory-swap=-1" },
    { "{\"memory\":{\"reservation\":536870912}}", "memory-reservation=536870912" },
    { "{\"memory\":{\"kernelTCP\":536870912}}", "kernel-memory-tcp=536870912" },
    { "{\"memory\":{\"kernelTCP\":-1,\"kernel\":-1}}", "kernel-memory-tcp=-1" },
    { "{\"memory\":{\"kernel\":0}}", "" },
    { "{\"memory\":{\"swappiness\":0}}", "memory-swappiness=0" },
    { "{\"memory\":{\"swappiness\":100}}", "memory-swappiness=100" },
    { "{\"memory\":{\"disableOOMKiller\":true}}", "oom-kill-disable=1" },
    { "{\"memory\":{\"disableOOMKiller\":false}}", "" },
    { "{\"memory\":{\"useHierarchy\":true,\"checkBeforeUpdate\":true}}", "" },
    { "{\"memory\":{\"checkBeforeUpdate\":false}}", "" },
    { "{\"cpu\":{\"shares\":1024}}", "cpu-shares=1024" },
    { "{\"cpu\":{\"quota\":50000,\"period\":100000}}", "cpu-period=100000|cpu-quota=50000" },
    { "{\"cpu\":{\"quota\":-1}}", "cpu-quota=-1" },
    { "{\"cpu\":{\"burst\":0}}", "cpu-burst=0" },
    { "{\"cpu\":{\"burst\":1000000}}", "cpu-burst=1000000" },
    { "{\"cpu\":{\"realtimeRuntime\":950000,\"realtimePeriod\":1000000}}",
      "cpu-rt-period=1000000|cpu-rt-runtime=950000" },
    { "{\"cpu\":{\"cpus\":\"0-1,3\",\"mems\":\"0\"}}", "cpuset-cpus=0-1,3|cpuset-mems=0" },
    { "{\"cpu\":{\"cpus\":\"\",\"mems\":\"\"}}", "" },
    { "{\"cpu\":{\"idle\":1}}", "cpu-idle=1" },
    { "{\"cpu\":{\"idle\":0}}", "cpu-idle=0" },
    { "{\"pids\":{\"limit\":64}}", "pids-limit=64" },
    { "{\"pids\":{\"limit\":-1}}", "pids-limit=-1" },
    { "{\"pids\":{\"limit\":0}}", "" },
    { "{\"blockIO\":{\"weight\":500}}", "blkio-weight=500" },
    { "{\"blockIO\":{\"leafWeight\":0}}", "" },
    { "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500,\"leafWeight\":0},"
      "{\"major\":8,\"minor\":16,\"weight\":10}]}}",
      "blkio-weight-device=8:0:500;8:16:10" },
    { "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}],"
      "\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}],"
      "\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":300}],"
      "\"throttleWriteIOPSDevice\":[{\"major\":259,\"minor\":1048575,\"rate\":300}]}}",
      "device-read-bps=8:0:600|device-write-bps=8:0:-1|device-read-iops=8:0:300|"
      "device-write-iops=259:1048575:300" },
    { "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":209715200},"
      "{\"pageSize\":\"1GB\",\"limit\":0},{\"pageSize\":\"64KB\",\"limit\":18446744073709551615}]}",
      "hugetlb=2MB:209715200;1GB:0;64KB:-1" },
    { "{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":500},"
      "{\"name\":\"eth1:0\",\"priority\":0}]}}",
      "net-cls=1048577|net-prio=eth0:500;eth1:0:0" },
    { "{\"network\":{\"classID\":0}}", "" },
    { "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},\"rxe3\":{\"hcaObjects\":0},"
      "\"mlx4_0\":{\"hcaHandles\":7}}}",
      "rdma=mlx5_1:hca_handle=3 hca_object=10000;rxe3:hca_object=0;mlx4_0:hca_handle=7" },
    { "{\"unified\":{\"hugetlb.1GB.max\":\"1073741824\",\"memory.high\":\"max\"}}",
      "cgroup-conf=hugetlb.1GB.max=1073741824;memory.high=max" },
    { "{\"unified\":{\"io.max\":\"259:0 rbps=2097152 wiops=120\\n253:0 rbps=2097152\\n\"}}",
      "cgroup-conf=io.max=259:0 rbps=2097152 wiops=120;io.max=253:0 rbps=2097152" },
    /* "Configuration unknown to the runtime MUST still be written to the relevant file." */
    { "{\"unified\":{\"dmem.max\":\"drm/0000:03:00.0/vram0 1073741824\"}}",
      "cgroup-conf=dmem.max=drm/0000:03:00.0/vram0 1073741824" },
    { "{\"unified\":{\"cgroup.max.depth\":\"3\"}}", "cgroup-conf=cgroup.max.depth=3" },
    /* members that nobody knows */
    { "{\"memory\":{\"limits\":1},\"disk\":{\"limit\":true},\"cpu\":{\"bursts\":\"x\"}}", "" },
};

static void every_field_becomes_its_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(field_table); i++)
        expect(field_table[i].text, field_table[i].want);
}

/* No row of limits.def with an oci column is forgotten in the table above. */
static void no_row_is_forgotten(void **state)
{
    bool seen[LIMIT_COUNT] = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(field_table); i++) {
        struct limit_set set;
        read_into(field_table[i].text, &set);
        for (unsigned k = 0; k < LIMIT_COUNT; k++)
            seen[k] = seen[k] || limit_is_set(&set, (enum limit_id)k);
        limit_set_done(&set);
    }
    for (unsigned k = 0; k < LIMIT_COUNT; k++) {
        const struct limit_info *info = limit_info((enum limit_id)k);
        if (info->oci && !seen[k] && k != LIMIT_DEVICE_CGROUP_RULE)
            fail_msg("nothing sets %s", info->oci);
        if (!info->oci && seen[k])
            fail_msg("%s has no field", info->name);
    }
}

/* The updates that docker, containerd and Kubernetes send: zeros are what was not asked for. */
static void clients_zeros_are_unset(void **state)
{
    (void)state;
    expect("{\"memory\":{\"limit\":67108864,\"reservation\":0,\"swap\":0,\"kernel\":0,"
           "\"kernelTCP\":0},\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0,\"realtimeRuntime\":0,"
           "\"realtimePeriod\":0,\"cpus\":\"\",\"mems\":\"\"},\"blockIO\":{\"weight\":0},"
           "\"pids\":{\"limit\":0},\"network\":{\"classID\":0}}",
           "memory=67108864");
    expect("{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],\"memory\":{},"
           "\"cpu\":{\"shares\":512}}",
           "cpu-shares=512");
}

/* ---- devices ------------------------------------------------------------------------------------------- */

static void device_rules_keep_their_order(void **state)
{
    (void)state;
    expect("{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
           "{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"},"
           "{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":-1,\"access\":\"r\"},"
           "{\"allow\":false,\"type\":\"b\",\"major\":-1,\"minor\":0},"
           "{\"allow\":true,\"type\":\"c\",\"access\":\"mwr\"}]}",
           "device-cgroup-rule=deny a *:* rwm;allow c 10:229 rw;allow b 8:* r;deny b *:0 rwm;"
           "allow c *:* rwm");
    expect("{\"devices\":[{\"allow\":true,\"type\":\"a\",\"access\":\"\"}]}",
           "device-cgroup-rule=allow a *:* rwm");
    /* narrower than everything: the kernel's "a" is everything */
    expect("{\"devices\":[{\"allow\":false,\"type\":\"a\"},{\"allow\":true,\"type\":\"a\","
           "\"major\":10,\"access\":\"rw\"},{\"allow\":false,\"access\":\"m\"}]}",
           "device-cgroup-rule=deny a *:* rwm;allow b 10:* rw;allow c 10:* rw;deny b *:* m;"
           "deny c *:* m");
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

static void wrong_values_are_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } wrong_table[] = {
        { "", "" },
        { "[]", "object" },
        { "{\"memory\":5}", "resources.memory" },
        { "{\"memory\":{\"limit\":\"64m\"}}", "resources.memory.limit" },
        { "{\"memory\":{\"limit\":64.5}}", "resources.memory.limit" },
        { "{\"memory\":{\"limit\":-2}}", "resources.memory.limit" },
        { "{\"memory\":{\"limit\":9223372036854775808}}", "resources.memory.limit" },
        { "{\"memory\":{\"limit\":1000}}", "resources.memory.limit: \"1000\" is below" },
        { "{\"memory\":{\"limit\":null}}", "resources.memory.limit" },
        { "{\"memory\":{\"limit\":1,\"limit\":1}}", "limit" },
        { "{\"memory\":{\"kernel\":1048576}}", "resources.memory.kernel" },
        { "{\"memory\":{\"useHierarchy\":false}}", "resources.memory.useHierarchy" },
        { "{\"memory\":{\"checkBeforeUpdate\":1}}", "resources.memory.checkBeforeUpdate" },
        { "{\"memory\":{\"disableOOMKiller\":1}}", "resources.memory.disableOOMKiller" },
        { "{\"memory\":{\"swappiness\":101}}", "resources.memory.swappiness" },
        { "{\"memory\":{\"swappiness\":-1}}", "resources.memory.swappiness" },
        { "{\"cpu\":{\"shares\":1}}", "resources.cpu.shares" },
        { "{\"cpu\":{\"shares\":-1}}", "resources.cpu.shares" },
        { "{\"cpu\":{\"period\":999}}", "resources.cpu.period" },
        { "{\"cpu\":{\"quota\":-2}}", "resources.cpu.quota" },
        { "{\"cpu\":{\"idle\":2}}", "resources.cpu.idle" },
        { "{\"cpu\":{\"cpus\":\"0-\"}}", "resources.cpu.cpus" },
        { "{\"cpu\":{\"cpus\":[0]}}", "resources.cpu.cpus" },
        { "{\"pids\":{\"limit\":4194305}}", "resources.pids.limit" },
        { "{\"pids\":{\"limit\":1e3}}", "resources.pids.limit" },
        { "{\"blockIO\":{\"weight\":9}}", "resources.blockIO.weight" },
        { "{\"blockIO\":{\"weight\":1001}}", "resources.blockIO.weight" },
        { "{\"blockIO\":{\"leafWeight\":500}}", "resources.blockIO.leafWeight" },
        { "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}}", "weightDevice[0]" },
        { "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":9}]}}",
          "weightDevice[0].leafWeight" },
        { "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"rate\":5}]}}",
          "throttleReadBpsDevice[0]" },
        { "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":-1,\"minor\":0,\"rate\":5}]}}",
          "throttleReadBpsDevice[0].major" },
        { "{\"blockIO\":{\"throttleReadBpsDevice\":{}}}", "throttleReadBpsDevice" },
        { "{\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":4294967295}]"
          "}}",
          "throttleReadIOPSDevice[0]" },
        { "{\"hugepageLimits\":[{\"pageSize\":\"3MB\",\"limit\":1}]}", "hugepageLimits[0]" },
        { "{\"hugepageLimits\":[{\"pageSize\":\"2MB;1GB\",\"limit\":1}]}", "hugepageLimits[0]" },
        { "{\"hugepageLimits\":[{\"limit\":1}]}", "hugepageLimits[0]" },
        { "{\"hugepageLimits\":[5]}", "hugepageLimits[0]" },
        { "{\"network\":{\"classID\":4294967296}}", "resources.network.classID" },
        { "{\"network\":{\"priorities\":[{\"name\":\"a/b\",\"priority\":1}]}}", "priorities[0]" },
        { "{\"rdma\":{\"mlx\":{}}}", "resources.rdma.mlx" },
        { "{\"rdma\":{\"mlx\":5}}", "resources.rdma.mlx" },
        { "{\"rdma\":{\"mlx\":{\"hcaHandles\":-1}}}", "resources.rdma.mlx.hcaHandles" },
        { "{\"devices\":[{\"type\":\"c\"}]}", "devices[0]" },
        { "{\"devices\":[{\"allow\":1}]}", "devices[0].allow" },
        { "{\"devices\":[{\"allow\":true,\"type\":\"p\"}]}", "devices[0].type" },
        { "{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":-2}]}", "devices[0].major" },
        { "{\"devices\":[{\"allow\":true,\"type\":\"c\",\"minor\":4294967295}]}",
          "devices[0].minor" },
        { "{\"devices\":[{\"allow\":true,\"type\":\"c\",\"access\":\"rwx\"}]}", "devices[0]" },
        { "{\"devices\":[{\"allow\":true,\"access\":\"rwmrwm\"}]}", "devices[0].access" },
        { "{\"unified\":{\"../memory.max\":\"1\"}}", "../memory.max" },
        { "{\"unified\":{\"a/memory.max\":\"1\"}}", "a/memory.max" },
        { "{\"unified\":{\"memory..max\":\"1\"}}", "memory..max" },
        { "{\"unified\":{\"tasks\":\"1\"}}", "tasks" },
        { "{\"unified\":{\"cgroup.procs\":\"1\"}}", "cgroup.procs" },
        { "{\"unified\":{\"cgroup.kill\":\"1\"}}", "cgroup.kill" },
        { "{\"unified\":{\"memory.reclaim\":\"1g\"}}", "memory.reclaim" },
        { "{\"unified\":{\"memory.max\":5}}", "resources.unified.memory.max" },
        { "{\"unified\":{\"memory.max\":\"\"}}", "resources.unified.memory.max" },
        { "{\"unified\":{\"memory.max\":\"1\\u001b2\"}}", "resources.unified.memory.max" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong_table); i++)
        refused(wrong_table[i].text, wrong_table[i].want);
}

/* ---- in a whole document ------------------------------------------------------------------------------- */

#define USUAL                                                                                      \
    "allow c *:* m;allow b *:* m;allow c 1:3 rwm;allow c 1:5 rwm;allow c 1:7 rwm;allow c 1:8 rwm;" \
    "allow c 1:9 rwm;allow c 5:0 rwm;allow c 5:1 rwm;allow c 5:2 rwm;allow c 136:* rwm"

static int cap_last(void *data)
{
    (void)data;
    return 40;
}

/* A document with these resources. */
static int read_container(const char *resources, bool rootless, struct spec **ret, struct err *err)
{
    const struct spec_world world = { .cap_last = cap_last };
    const struct oci_context context = {
        .name = "box", .bundle = "/b", .rootless = rootless, .world = &world
    };
    char *text = text_format("{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{"
                             "\"namespaces\":[{\"type\":\"mount\"}],\"resources\":{%s}}}",
                             resources);

    assert_non_null(text);
    int r = oci_read_config(text, strlen(text), &context, ret, err);
    free(text);
    return r;
}

static void expect_devices(const char *rules, bool rootless, const char *want)
{
    struct spec *spec = NULL;
    struct err err = ERR_INIT;

    if (read_container(rules, rootless, &spec, &err) < 0)
        fail_msg("%s", err.text);
    char *have = set_text(&spec->limits);
    assert_string_equal(have, want);
    free(have);
    spec_free(spec);
}

static void containers_have_their_usual_devices(void **state)
{
    (void)state;
    expect_devices("", false, "device-cgroup-rule=deny a *:* rwm;" USUAL);
    expect_devices("\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]", false,
                   "device-cgroup-rule=deny a *:* rwm;" USUAL);
    /* later rules of the document still hold, and the same rule is not there twice */
    expect_devices(
        "\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"access\":\"m\"},"
        "{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":3}]",
        false,
        "device-cgroup-rule=deny a *:* rwm;allow b *:* m;allow c 1:3 rwm;allow c 1:5 "
        "rwm;allow c 1:7 rwm;allow c 1:8 rwm;allow c 1:9 rwm;allow c 5:0 rwm;allow c "
        "5:1 rwm;allow c 5:2 rwm;allow c 136:* rwm;allow c *:* m;deny c 1:3 rwm");
    expect_devices("\"devices\":[{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0}]", false,
                   "device-cgroup-rule=deny a *:* rwm;" USUAL ";allow b 8:0 rwm");
    /* everything is allowed, or all but a few */
    expect_devices("\"devices\":[{\"allow\":false},{\"allow\":true}]", false,
                   "device-cgroup-rule=deny a *:* rwm;allow a *:* rwm");
    expect_devices("\"devices\":[{\"allow\":false,\"type\":\"b\",\"major\":8}]", false,
                   "device-cgroup-rule=deny b 8:* rwm");
    /* without privileges the kernel sees to it */
    expect_devices("\"devices\":[{\"allow\":false}]", true, "");
}

/* In an update a zero leaves the period; a container that is made has none. */
static void quota_of_no_period_makes_no_container(void **state)
{
    static const struct {
        const char *cpu;
        bool fits;
    } cpu_table[] = {
        { "\"quota\":50000,\"period\":0", false },
        { "\"period\":0", true },
        { "\"quota\":0,\"period\":0", true },
        { "\"quota\":-1,\"period\":0", true },
        { "\"quota\":50000", true },
        { "\"quota\":50000,\"period\":100000", true },
    };
    (void)state;
    expect("{\"cpu\":{\"quota\":50000,\"period\":0}}", "cpu-quota=50000");
    for (size_t i = 0; i < ARRAY_SIZE(cpu_table); i++) {
        struct spec *spec = NULL;
        struct err err = ERR_INIT;
        char *text = text_format("\"cpu\":{%s}", cpu_table[i].cpu);
        assert_non_null(text);
        bool fits = read_container(text, false, &spec, &err) == 0;
        if (fits != cpu_table[i].fits || (!fits && !strstr(err.text, "linux.resources.cpu.period")))
            fail_msg("{%s}: %s", cpu_table[i].cpu, fits ? "accepted" : err.text);
        free(text);
        spec_free(spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_becomes_its_limit),
        cmocka_unit_test(no_row_is_forgotten),
        cmocka_unit_test(clients_zeros_are_unset),
        cmocka_unit_test(quota_of_no_period_makes_no_container),
        cmocka_unit_test(device_rules_keep_their_order),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(containers_have_their_usual_devices),
    };

    return cmocka_run_group_tests_name("oci_resources", tests, NULL, NULL);
}
