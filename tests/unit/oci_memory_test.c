/*
 * oci: when memory runs out. Each allocation in turn fails once: the call must say so, and nothing may
 * be lost or freed twice (which the sanitizers' build would tell).
 */
#undef _FORTIFY_SOURCE
#include "failing_alloc.h"
#include "oci_fixture.h"

static void *json_memory(size_t size)
{
    return allocation_fails() ? NULL : malloc(size);
}

/* ---- a document with something of everything ------------------------------------------------------------------ */

#define MAPS "[{\"containerID\": 0, \"hostID\": 7, \"size\": 99999}]"

static char *everything(void)
{
    return fixture_document(CHANGES(
        "hooks", "{\"prestart\": [{\"path\": \"/h\", \"args\": [\"a\"], \"env\": [\"A=1\"]}]}",
        "annotations", "{\"a\": \"b\", \"c\": \"d\"}", "domainname", "\"d\"", "mounts[1]",
        "{\"destination\": \"/a\", \"type\": \"bind\", \"source\": \"s\", \"options\": [\"idmap\"],"
        " \"uidMappings\": " MAPS ", \"gidMappings\": " MAPS "}",
        "mounts[2]",
        "{\"destination\": \"/t\", \"type\": \"tmpfs\", \"options\": [\"size=1k\", \"mode=1\"]}",
        "process.user.additionalGids", "[1, 2]", "process.apparmorProfile", "\"p\"",
        "process.selinuxLabel", "\"l\"", "process.execCPUAffinity",
        "{\"initial\": \"0\", \"final\": \"1\"}", "process.rlimits",
        "[{\"type\": \"RLIMIT_CPU\", \"soft\": 1, \"hard\": 2}]", "linux.namespaces[6]",
        "{\"type\": \"user\"}", "linux.namespaces[4].path", "\"/run/netns/a\"", "linux.uidMappings",
        MAPS, "linux.gidMappings", MAPS, "linux.devices", "[{\"type\": \"p\", \"path\": \"/x\"}]",
        "linux.netDevices", "{\"eth0\": {\"name\": \"b\"}}", "linux.cgroupsPath", "\"/c\"",
        "linux.intelRdt",
        "{\"closID\": \"c\", \"l3CacheSchema\": \"L3:0=f\", \"memBwSchema\": \"MB:0=20\","
        " \"schemata\": \"L2:0=1\\nMB:0=5\"}",
        "linux.sysctl", "{\"net.x\": \"1\"}", "linux.mountLabel", "\"l\"", "linux.maskedPaths",
        "[\"/m\"]", "linux.readonlyPaths", "[\"/r\"]", "linux.resources",
        "{\"memory\": {\"limit\": 1000000}, \"devices\": [{\"allow\": false}]}", "linux.seccomp",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"],"
        " \"listenerPath\": \"/l\", \"listenerMetadata\": \"m\", \"syscalls\": [{\"names\":"
        "  [\"bpf\"], \"action\": \"SCMP_ACT_NOTIFY\", \"args\": [{\"index\": 0, \"value\": 1,"
        "  \"op\": \"SCMP_CMP_EQ\"}]}]}"));
}

/* With the nth allocation failing; false when it was not reached. base NULL: a config.json. */
static bool read_failing(const char *text, const struct spec *base, long n)
{
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct err err = ERR_INIT;
    int r;

    allocations_left = n;
    if (base)
        r = oci_read_process(text, strlen(text), base, &fixture_context, &spec, &err);
    else
        r = oci_read_config(text, strlen(text), &fixture_context, &spec, &err);
    bool reached = allocations_left < 0;
    allocations_left = -1;
    if (r < 0 && (r != -ENOMEM || !strstr(err.text, "out of memory")))
        fail_msg("allocation %ld: %d %s", n, r, err.text);
    assert_int_equal(r < 0, reached);
    assert_int_equal(r == 0, spec != NULL);
    return reached;
}

static void test_config(void **state)
{
    char *text = everything();
    long n = 0;

    (void)state;
    while (read_failing(text, NULL, n))
        n++;
    assert_true(n > 300);
    free(text);
}

static void test_process(void **state)
{
    static const char process[] = "{\"cwd\": \"/\", \"args\": [\"a\"], \"env\": [\"A=1\"]}";
    char *text = everything();
    struct err err = ERR_INIT;
    struct spec *base;
    long n = 0;

    (void)state;
    assert_int_equal(oci_read_config(text, strlen(text), &fixture_context, &base, &err), 0);
    while (read_failing(process, base, n))
        n++;
    assert_true(n > 40);
    spec_free(base);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_process),
    };

    json_set_alloc_funcs(json_memory, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
