/* linux: namespaces, maps, clocks, devices, kernel parameters and what is small. */
#include <linux/sched.h>

#include "oci_fixture.h"

static void namespace_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "linux", "null", "linux must be an object, not null" },
        { "linux", NULL,
          "linux.namespaces has no mount namespace: mounts of the container would be made, and "
          "stay, among the host's" },
        { "linux.namespaces", "{}", "linux.namespaces must be an array, not an object" },
        { "linux.namespaces[0]", "1", "linux.namespaces[0] must be an object, not 1" },
        { "linux.namespaces[0]", "{}", "linux.namespaces[0].type is missing" },
        { "linux.namespaces[0]", "{\"type\": \"net\"}",
          "linux.namespaces[0].type: \"net\" is not a type of namespace" },
        { "linux.namespaces[6]", "{\"type\": \"pid\"}",
          "linux.namespaces[6].type: the namespace \"pid\" is given twice" },
        { "linux.namespaces[6]", "{\"type\": \"pid\", \"path\": \"/proc/1/ns/pid\"}",
          "linux.namespaces[6].type: the namespace \"pid\" is given twice" },
        { "linux.namespaces[6]", "{\"type\": \"time\", \"path\": \"x\"}",
          "linux.namespaces[6].path must be an absolute path, not \"x\"" },
        { "linux.namespaces[6]", "{\"type\": \"time\", \"path\": 0}",
          "linux.namespaces[6].path must be a string, not 0" },
        { "linux.namespaces[6]", "{\"type\": \"user\"}",
          "linux.namespaces makes a user namespace, which needs linux.uidMappings and "
          "linux.gidMappings" },
        { "linux.namespaces[2]", "{\"type\": \"time\"}",
          "hostname \"box\" cannot be set: linux.namespaces has no uts namespace, and it would be "
          "the host's" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void namespace_values(void **state)
{
    struct spec *spec = fixture_spec(CHANGES("linux.namespaces[4]",
                                             "{\"type\": \"network\", \"path\": \"/run/netns/a\"}",
                                             "linux.namespaces[1].path", "\"\""));

    (void)state;
    assert_true(spec->namespaces ==
                (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP));
    assert_int_equal(spec->n_joins, 1);
    assert_true(spec->joins[0].flag == CLONE_NEWNET);
    assert_string_equal(spec->joins[0].path, "/run/netns/a");
    assert_int_equal(spec->network, SPEC_NETWORK_NONE);
    spec_free(spec);
    spec = fixture_spec(CHANGES("linux.namespaces", "[{\"type\": \"mount\"}]", "hostname", NULL));
    assert_true(spec->namespaces == CLONE_NEWNS);
    assert_int_equal(spec->network, SPEC_NETWORK_HOST);
    spec_free(spec);
}

#define MAP(inside, outside, size) \
    "{\"containerID\": " inside ", \"hostID\": " outside ", \"size\": " size "}"
#define USER_NAMESPACE "linux.namespaces[6]", "{\"type\": \"user\"}"

static void id_maps(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.uidMappings", "{}", "linux.uidMappings must be an array, not an object" },
        { "linux.uidMappings", "[]", NULL },
        { "linux.uidMappings", "[" MAP("0", "1000", "1") "]",
          "linux.uidMappings and linux.gidMappings need a user namespace, which linux.namespaces "
          "does not have" },
        { "linux.uidMappings", "[{\"hostID\": 0, \"size\": 1}]",
          "linux.uidMappings[0].containerID is missing" },
        { "linux.gidMappings", "[" MAP("0", "4294967295", "1") "]",
          "linux.gidMappings[0].hostID must be a whole number from 0 to 4294967294, not "
          "4294967295" },
        { "linux.gidMappings", "[" MAP("-1", "0", "1") "]",
          "linux.gidMappings[0].containerID must be a whole number from 0 to 4294967294, not -1" },
        { "linux.gidMappings", "[" MAP("0", "0", "0") "]",
          "linux.gidMappings[0].size must be a whole number from 1 to 4294967295, not 0" },
        { "linux.gidMappings", "[" MAP("1", "0", "4294967295") "]",
          "linux.gidMappings[0]: 1 and 0 and the 4294967295 ids from there on go beyond "
          "4294967294" },
        { "linux.gidMappings", "[" MAP("0", "0", "10") ", " MAP("9", "100", "1") "]",
          "linux.gidMappings[1] overlaps an earlier one" },
        { "linux.gidMappings", "[" MAP("0", "5", "10") ", " MAP("10", "0", "6") "]",
          "linux.gidMappings[1] overlaps an earlier one" },
    };
    static const char whole[] = "[" MAP("0", "0", "4294967295") "]";
    static const char ten[] = "[" MAP("0", "1000", "5") ", " MAP("5", "2000", "5") "]";
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec =
        fixture_spec(CHANGES(USER_NAMESPACE, "linux.uidMappings", whole, "linux.gidMappings", ten));
    assert_true(spec->namespaces & CLONE_NEWUSER);
    assert_true(spec->n_uid_maps == 1 && spec->uid_maps[0].count == 4294967295u);
    assert_true(spec->n_gid_maps == 2 && spec->gid_maps[1].inside == 5);
    assert_true(spec->gid_maps[1].outside == 2000);
    spec_free(spec);
    assert_int_equal(fixture_read(CHANGES(USER_NAMESPACE, "linux.uidMappings", ten), &spec, &err),
                     -EINVAL);
    assert_int_equal(
        fixture_read(CHANGES(USER_NAMESPACE, "linux.uidMappings", ten, "linux.gidMappings", ten,
                             "process.user.additionalGids", "[9, 10]"),
                     &spec, &err),
        -EINVAL);
    assert_string_equal(err.text, "process.user.additionalGids has 10 is not among the ids of "
                                  "linux.gidMappings");
    /* A namespace that exists has its maps already. */
    spec = fixture_spec(CHANGES("linux.namespaces[6]",
                                "{\"type\": \"user\", \"path\": \"/proc/1/ns/user\"}",
                                "process.user.uid", "77"));
    assert_false(spec->namespaces & CLONE_NEWUSER);
    spec_free(spec);
}

static void clocks(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.timeOffsets", "{}", NULL },
        { "linux.timeOffsets", "[]", "linux.timeOffsets must be an object, not an array" },
        { "linux.timeOffsets", "{\"boottime\": 1}",
          "linux.timeOffsets.boottime must be an object, not 1" },
        { "linux.timeOffsets", "{\"realtime\": {}}",
          "linux.timeOffsets.realtime: there is no clock of that name, only monotonic and "
          "boottime" },
        { "linux.timeOffsets", "{\"monotonic\": {\"secs\": \"1\"}}",
          "linux.timeOffsets.monotonic.secs must be a whole number from -9223372036854775808 to "
          "9223372036854775807, not \"1\"" },
        { "linux.timeOffsets", "{\"monotonic\": {\"nanosecs\": 1000000000}}",
          "linux.timeOffsets.monotonic.nanosecs must be a whole number from 0 to 999999999, not "
          "1000000000" },
        { "linux.timeOffsets", "{\"monotonic\": {\"secs\": 1}}",
          "linux.timeOffsets is given, but linux.namespaces makes no time namespace" },
    };
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec = fixture_spec(CHANGES("linux.namespaces[6]", "{\"type\": \"time\"}", "linux.timeOffsets",
                                "{\"monotonic\": {\"secs\": -5, \"nanosecs\": 7},"
                                " \"boottime\": {\"secs\": 172800}}"));
    assert_true(spec->time_offset_set && spec->time_monotonic_s == -5);
    assert_true(spec->time_monotonic_ns == 7 && spec->time_boottime_s == 172800);
    assert_true(spec->time_boottime_ns == 0);
    spec_free(spec);
}

/* ---- devices ------------------------------------------------------------------------------------------------ */

#define DEVICE(path, type, rest) "{\"path\": \"" path "\", \"type\": \"" type "\"" rest "}"
#define NUMBERS                  ", \"major\": 10, \"minor\": 229"

static void device_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.devices", "{}", "linux.devices must be an array, not an object" },
        { "linux.devices", "[{\"path\": \"/dev/x\"}]", "linux.devices[0].type is missing" },
        { "linux.devices", "[{\"type\": \"c\"}]", "linux.devices[0].path is missing" },
        { "linux.devices", "[" DEVICE("/dev/x", "d", NUMBERS) "]",
          "linux.devices[0].type: \"d\" is not a type of device, which are c, b, u and p" },
        { "linux.devices", "[" DEVICE("dev/x", "c", NUMBERS) "]",
          "linux.devices[0].path must be an absolute path, not \"dev/x\"" },
        { "linux.devices", "[" DEVICE("/dev/../x", "c", NUMBERS) "]",
          "linux.devices[0].path: \"/dev/../x\" has a \"..\"" },
        { "linux.devices", "[" DEVICE("/", "c", NUMBERS) "]",
          "linux.devices[0].path: a device cannot be the root" },
        { "linux.devices", "[" DEVICE("/dev/x", "c", ", \"minor\": 1") "]",
          "linux.devices[0].major is missing" },
        { "linux.devices", "[" DEVICE("/dev/x", "b", ", \"major\": 1") "]",
          "linux.devices[0].minor is missing" },
        { "linux.devices", "[" DEVICE("/dev/x", "c", ", \"major\": 4096, \"minor\": 0") "]",
          "linux.devices[0].major must be a whole number from 0 to 4095, not 4096" },
        { "linux.devices", "[" DEVICE("/dev/x", "c", ", \"major\": -1, \"minor\": 0") "]",
          "linux.devices[0].major must be a whole number from 0 to 4095, not -1" },
        { "linux.devices", "[" DEVICE("/dev/x", "c", NUMBERS ", \"fileMode\": \"0666\"") "]",
          "linux.devices[0].fileMode must be a whole number from 0 to 65535, not \"0666\"" },
        { "linux.devices", "[" DEVICE("/dev/x", "c", NUMBERS ", \"uid\": 4294967295") "]",
          "linux.devices[0].uid must be a whole number from 0 to 4294967294, not 4294967295" },
        { "linux.devices",
          "[" DEVICE("/dev/x", "c", NUMBERS) ", " DEVICE("/dev//x", "b", NUMBERS) "]",
          "linux.devices[1].path: \"/dev/x\" is two different devices" },
        { "linux.devices",
          "[" DEVICE("/dev/x", "c", NUMBERS) ", " DEVICE("/dev/x", "u", NUMBERS) "]", NULL },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static char *devices_of(const struct spec *spec)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < spec->n_devices; i++) {
        const struct spec_device *d = &spec->devices[i];
        buf_printf(&b, "%s %c %u:%u %o %u:%u\n", d->path, d->type, d->major, d->minor, d->mode,
                   d->uid, d->gid);
        assert_string_equal(d->source, d->path);
    }
    for (size_t i = 0; i < spec->n_symlinks; i++)
        buf_printf(&b, "%s -> %s\n", spec->symlinks[i].path, spec->symlinks[i].target);
    return buf_take(&b);
}

static void check_devices(const char *const *changes, const char *expected)
{
    struct spec *spec = fixture_spec(changes);
    char *text = devices_of(spec);

    assert_string_equal(text_or_empty(text), expected);
    assert_true(spec->make_devices == (*expected != '\0'));
    assert_false(spec->fresh_dev);
    free(text);
    spec_free(spec);
}

#define LINKS                          \
    "/dev/fd -> /proc/self/fd\n"       \
    "/dev/stdin -> /proc/self/fd/0\n"  \
    "/dev/stdout -> /proc/self/fd/1\n" \
    "/dev/stderr -> /proc/self/fd/2\n"
#define REST                       \
    "/dev/zero c 1:5 666 0:0\n"    \
    "/dev/full c 1:7 666 0:0\n"    \
    "/dev/random c 1:8 666 0:0\n"  \
    "/dev/urandom c 1:9 666 0:0\n" \
    "/dev/tty c 5:0 666 0:0\n"
#define PTMX "/dev/ptmx -> pts/ptmx\n"

static void device_values(void **state)
{
    (void)state;
    check_devices(CHANGES(NULL), "/dev/null c 1:3 666 0:0\n" REST LINKS PTMX);
    /* What the document has, it has: type bits of a mode aside. */
    check_devices(
        CHANGES(
            "linux.devices",
            "[" DEVICE("/dev/fuse", "u", NUMBERS ", \"fileMode\": 8576, \"uid\": 5") ", " DEVICE(
                "/dev/null", "c",
                ", \"major\": 1, \"minor\": 3, \"fileMode\": 384") ", " DEVICE("/run/pipe", "p",
                                                                               "") "]"),
        "/dev/fuse c 10:229 600 5:0\n/dev/null c 1:3 600 0:0\n"
        "/run/pipe p 0:0 666 0:0\n" REST LINKS PTMX);
    /* The link is what the specification orders. */
    check_devices(CHANGES("linux.devices",
                          "[" DEVICE("/dev/ptmx", "c", ", \"major\": 5, \"minor\": 2") ", " DEVICE(
                              "/dev/x", "b", NUMBERS) "]"),
                  "/dev/x b 10:229 666 0:0\n/dev/null c 1:3 666 0:0\n" REST LINKS PTMX);
    /* A mount in the place of one of them. */
    check_devices(CHANGES("mounts[1]", "{\"destination\": \"/dev/null\", \"type\": \"bind\","
                                       " \"source\": \"/dev/null\"}"),
                  REST LINKS PTMX);
    /* Somebody else's /dev. */
    check_devices(CHANGES("mounts[1]", "{\"destination\": \"/dev\", \"source\": \"/dev\","
                                       " \"options\": [\"rbind\"]}"),
                  "");
    check_devices(CHANGES("mounts[1]",
                          "{\"destination\": \"/dev\", \"source\": \"/dev\","
                          " \"options\": [\"rbind\"]}",
                          "linux.devices", "[" DEVICE("/dev/x", "b", NUMBERS) "]"),
                  "/dev/x b 10:229 666 0:0\n");
}

static void network_devices(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.netDevices", "{}", NULL },
        { "linux.netDevices", "[]", "linux.netDevices must be an object, not an array" },
        { "linux.netDevices", "{\"eth0\": 1}", "linux.netDevices.eth0 must be an object, not 1" },
        { "linux.netDevices", "{\"a/b\": {}}",
          "linux.netDevices.a/b: \"a/b\" is no name of a network device" },
        { "linux.netDevices", "{\"eth0\": {\"name\": \"0123456789abcdef\"}}",
          "linux.netDevices.eth0: \"0123456789abcdef\" is no name of a network device" },
        { "linux.netDevices", "{\"eth0\": {\"name\": \"\"}}",
          "linux.netDevices.eth0: \"\" is no name of a network device" },
        { "linux.netDevices", "{\"eth0\": {\"name\": \"x\"}, \"x\": {}}",
          "linux.netDevices.x: two devices would be called x" },
    };
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    FIXTURE_CHECK(table);
    spec = fixture_spec(
        CHANGES("linux.netDevices", "{\"eth0\": {\"name\": \"inner\"}, \"eth1\": {}}"));
    assert_int_equal(spec->n_netdevs, 2);
    assert_string_equal(spec->netdevs[0].name, "eth0");
    assert_string_equal(spec->netdevs[0].new_name, "inner");
    assert_string_equal(spec->netdevs[1].name, "eth1");
    assert_null(spec->netdevs[1].new_name);
    spec_free(spec);
    assert_int_equal(fixture_read(CHANGES("linux.namespaces[4]", "{\"type\": \"time\"}",
                                          "linux.netDevices", "{\"eth0\": {}}"),
                                  &spec, &err),
                     -EINVAL);
    assert_string_equal(err.text, "linux.netDevices needs a network namespace, which "
                                  "linux.namespaces does not have");
}

/* ---- kernel parameters ----------------------------------------------------------------------------------------- */

static void sysctl_fields(void **state)
{
#define OF_HOST " would change the host: it is no parameter of a namespace"
#define NO_NAME " is no name of a kernel parameter"
    static const struct fixture_case table[] = {
        { "linux.sysctl", "{}", NULL },
        { "linux.sysctl", "[]", "linux.sysctl must be an object, not an array" },
        { "linux.sysctl", "{\"net.core.somaxconn\": 1}",
          "linux.sysctl.net.core.somaxconn must be a string, not 1" },
        { "linux.sysctl", "{\"kernel.core_pattern\": \"|/x\"}",
          "linux.sysctl.kernel.core_pattern" OF_HOST },
        { "linux.sysctl", "{\"kernel/core_pattern\": \"|/x\"}",
          "linux.sysctl.kernel/core_pattern" OF_HOST },
        { "linux.sysctl", "{\"vm.swappiness\": \"1\"}", "linux.sysctl.vm.swappiness" OF_HOST },
        { "linux.sysctl", "{\"kernel.shmmaxx\": \"1\"}", "linux.sysctl.kernel.shmmaxx" OF_HOST },
        { "linux.sysctl", "{\"netx.y\": \"1\"}", "linux.sysctl.netx.y" OF_HOST },
        { "linux.sysctl", "{\"net\": \"1\"}", "linux.sysctl.net" OF_HOST },
        { "linux.sysctl", "{\"fs.mqueue\": \"1\"}", "linux.sysctl.fs.mqueue" OF_HOST },
        { "linux.sysctl", "{\"net/../kernel/core_pattern\": \"1\"}",
          "linux.sysctl: \"net/../kernel/core_pattern\"" NO_NAME },
        { "linux.sysctl", "{\"net.//.kernel\": \"1\"}", "linux.sysctl: \"net.//.kernel\"" NO_NAME },
        { "linux.sysctl", "{\"net./..x\": \"1\"}", "linux.sysctl: \"net./..x\"" NO_NAME },
        { "linux.sysctl", "{\"net..x\": \"1\"}", "linux.sysctl: \"net..x\"" NO_NAME },
        { "linux.sysctl", "{\".net.x\": \"1\"}", "linux.sysctl: \".net.x\"" NO_NAME },
        { "linux.sysctl", "{\"/net/x\": \"1\"}", "linux.sysctl: \"/net/x\"" NO_NAME },
        { "linux.sysctl", "{\"net.x.\": \"1\"}", "linux.sysctl: \"net.x.\"" NO_NAME },
        { "linux.sysctl", "{\"\": \"1\"}", "linux.sysctl: \"\"" NO_NAME },
        { "linux.sysctl", "{\"net.x+kernel.y\": \"1\"}",
          "linux.sysctl: \"net.x+kernel.y\"" NO_NAME },
        { "linux.sysctl", "{\"net.x\\n\": \"1\"}", "linux.sysctl: \"net.x?\"" NO_NAME },
        { "linux.sysctl", "{\"net.x\": \"1\\n2\"}",
          "linux.sysctl.net.x has a control character: \"1?2\"" },
        { "linux.sysctl", "{\"net.x\": \"1\", \"net/x\": \"1\"}",
          "linux.sysctl.net/x is given twice" },
        { "linux.sysctl", "{\"kernel.hostname\": \"a\"}",
          "linux.sysctl.kernel.hostname: the name of the host is set by hostname" },
        { "linux.sysctl", "{\"kernel.domainname\": \"a\"}", NULL },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

/* Each parameter is its namespace's, and refused without that. */
static void sysctl_namespaces(void **state)
{
    static const struct {
        const char *name, *path;
        const char *place; /* of its namespace in the base document */
    } table[] = {
        { "net.ipv4.ip_forward", "net/ipv4/ip_forward", "linux.namespaces[4]" },
        { "net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter",
          "linux.namespaces[4]" },
        { "net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter",
          "linux.namespaces[4]" },
        { "kernel.msgmax", "kernel/msgmax", "linux.namespaces[3]" },
        { "kernel.msgmnb", "kernel/msgmnb", "linux.namespaces[3]" },
        { "kernel.msgmni", "kernel/msgmni", "linux.namespaces[3]" },
        { "kernel.sem", "kernel/sem", "linux.namespaces[3]" },
        { "kernel.shmall", "kernel/shmall", "linux.namespaces[3]" },
        { "kernel.shmmax", "kernel/shmmax", "linux.namespaces[3]" },
        { "kernel.shmmni", "kernel/shmmni", "linux.namespaces[3]" },
        { "kernel.shm_rmid_forced", "kernel/shm_rmid_forced", "linux.namespaces[3]" },
        { "fs.mqueue.msg_max", "fs/mqueue/msg_max", "linux.namespaces[3]" },
        { "kernel.domainname", "kernel/domainname", "linux.namespaces[2]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct err err = ERR_INIT;
        char *value = text_format("{\"%s\": \"1 2\"}", table[i].name);
        char *sentence = text_format("linux.sysctl.%s would change the host: the container has no "
                                     "namespace of its own that it belongs to",
                                     table[i].name);
        struct spec *spec = fixture_spec(CHANGES("linux.sysctl", value));
        assert_int_equal(spec->n_sysctls, 1);
        assert_string_equal(spec->sysctls[0].path, table[i].path);
        assert_string_equal(spec->sysctls[0].value, "1 2");
        spec_free(spec);
        assert_int_equal(fixture_read(CHANGES("linux.sysctl", value, table[i].place,
                                              "{\"type\": \"time\"}", "hostname", "\"\""),
                                      &spec, &err),
                         -EPERM);
        assert_string_equal(err.text, sentence);
        assert_int_equal(err.class, ERR_REFUSED);
        free(sentence);
        free(value);
    }
}

/* ---- what is small -------------------------------------------------------------------------------------------- */

static void small_fields(void **state)
{
    static const struct fixture_case table[] = {
        { "linux.unknown", "[[]]", NULL },
        { "linux.cgroupsPath", "\"/a/b\"", NULL },
        { "linux.cgroupsPath", "\"system.slice:ration:x\"", NULL },
        { "linux.cgroupsPath", "1", "linux.cgroupsPath must be a string, not 1" },
        { "linux.cgroupsPath", "\"/a/../b\"",
          "linux.cgroupsPath: \"/a/../b\" has a part that is \"..\" or too long" },
        { "linux.cgroupsPath", "\"..\"",
          "linux.cgroupsPath: \"..\" has a part that is \"..\" or too long" },
        { "linux.cgroupsPath", "\"/a\\nb\"",
          "linux.cgroupsPath has a control character: \"/a?b\"" },
        { "linux.resources", "[]", "linux.resources must be an object, not an array" },
        { "linux.personality", "{\"domain\": \"LINUX\", \"flags\": []}", NULL },
        { "linux.personality", "{}", "linux.personality.domain is missing" },
        { "linux.personality", "{\"domain\": \"BSD\"}",
          "linux.personality.domain: \"BSD\" is not a domain, which are LINUX and LINUX32" },
        { "linux.personality", "{\"domain\": \"LINUX\", \"flags\": [\"X\"]}",
          "linux.personality.flags: no flag is supported, \"X\" is asked for" },
        { "linux.intelRdt", "{}", NULL },
        { "linux.intelRdt", "{\"closID\": \"a/b\"}",
          "linux.intelRdt.closID must be the name of one directory, not \"a/b\"" },
        { "linux.intelRdt", "{\"closID\": \"..\"}",
          "linux.intelRdt.closID must be the name of one directory, not \"..\"" },
        { "linux.intelRdt", "{\"memBwSchema\": \"L3:0=1\"}",
          "linux.intelRdt.memBwSchema must be one line that begins with MB:, not \"L3:0=1\"" },
        { "linux.intelRdt", "{\"memBwSchema\": \"MB:0=1\\nMB:1=2\"}",
          "linux.intelRdt.memBwSchema must be one line that begins with MB:, not "
          "\"MB:0=1?MB:1=2\"" },
        { "linux.intelRdt", "{\"enableCMT\": 1}",
          "linux.intelRdt.enableCMT must be true or false, not 1" },
        { "linux.intelRdt", "{\"schemata\": [1]}",
          "linux.intelRdt.schemata[0] must be a string, not 1" },
    };

    (void)state;
    FIXTURE_CHECK(table);
}

static void small_values(void **state)
{
    struct spec *spec = fixture_spec(
        CHANGES("linux.cgroupsPath", "\"/a/b\"", "linux.personality", "{\"domain\": \"LINUX32\"}",
                "linux.intelRdt",
                "{\"closID\": \"c\", \"l3CacheSchema\": \"L3:0=f\", \"memBwSchema\": \"MB:0=20\","
                " \"schemata\": \"L2:0=1\\nMB:0=5\", \"enableMBM\": true}"));

    (void)state;
    assert_string_equal(spec->cgroups_path, "/a/b");
    assert_true(spec->personality_set && spec->personality == 8);
    assert_true(spec->rdt.set && spec->rdt.monitoring);
    assert_string_equal(spec->rdt.clos_id, "c");
    assert_string_equal(spec->rdt.l3_schema, "L3:0=f");
    assert_string_equal(spec->rdt.mem_schema, "MB:0=20");
    assert_string_equal(spec->rdt.schemata[0], "L2:0=1");
    assert_string_equal(spec->rdt.schemata[1], "MB:0=5");
    assert_null(spec->rdt.schemata[2]);
    spec_free(spec);
    spec = fixture_spec(CHANGES("linux.intelRdt", "{\"schemata\": [\"L3:0=1\", \"MB:0=2\"]}"));
    assert_string_equal(spec->rdt.schemata[1], "MB:0=2");
    assert_null(spec->rdt.clos_id);
    assert_null(spec->cgroups_path);
    spec_free(spec);
}

/* Lists that are too long to be meant. */
static void long_lists(void **state)
{
    static const struct {
        const char *path, *open, *format, *close;
    } table[] = {
        { "mounts", "[", "{\"destination\": \"/%zu\", \"type\": \"tmpfs\"}", "]" },
        { "linux.devices", "[", "{\"path\": \"/%zu\", \"type\": \"p\"}", "]" },
        { "linux.netDevices", "{", "\"n%zu\": {}", "}" },
        { "linux.sysctl", "{", "\"net.%zu\": \"\"", "}" },
        { "linux.maskedPaths", "[", "\"/%zu\"", "]" },
        { "linux.readonlyPaths", "[", "\"/%zu\"", "]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct buf list = BUF_INIT;
        char *sentence =
            text_format("%s has 4097 entries, at most 4096 are allowed", table[i].path);
        buf_puts(&list, table[i].open);
        for (size_t j = 0; j < 4097; j++) {
            buf_puts(&list, j ? "," : "");
            for (const char *c = table[i].format; *c; c++) {
                if (text_starts(c, "%zu")) {
                    buf_printf(&list, "%zu", j);
                    c += 2;
                } else {
                    buf_putc(&list, *c);
                }
            }
            if (j != 4095)
                continue;
            struct buf fits = BUF_INIT;
            buf_printf(&fits, "%s%s", buf_text(&list), table[i].close);
            fixture_check(&(struct fixture_case){ table[i].path, buf_text(&fits), NULL }, 1);
            buf_done(&fits);
        }
        buf_puts(&list, table[i].close);
        fixture_check(&(struct fixture_case){ table[i].path, buf_text(&list), sentence }, 1);
        buf_done(&list);
        free(sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(namespace_fields),  cmocka_unit_test(namespace_values),
        cmocka_unit_test(id_maps),           cmocka_unit_test(clocks),
        cmocka_unit_test(device_fields),     cmocka_unit_test(device_values),
        cmocka_unit_test(network_devices),   cmocka_unit_test(sysctl_fields),
        cmocka_unit_test(sysctl_namespaces), cmocka_unit_test(small_fields),
        cmocka_unit_test(small_values),      cmocka_unit_test(long_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
