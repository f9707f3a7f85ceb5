/* The pure part of the room systemd: names of scopes, properties from plans and from annotations. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "systemd/systemd.h"

/* ---- names ------------------------------------------------------------------------------------------- */

static void expect_name(const char *path, bool user, const char *slice, const char *unit)
{
    struct scope_name name;
    struct err err = ERR_INIT;

    assert_int_equal(scope_name_plan(path, "box1", user, &name, &err), 0);
    assert_string_equal(name.slice, slice);
    assert_string_equal(name.unit, unit);
    assert_int_equal(name.user, user);
    scope_name_done(&name);
}

static void expect_no_name(const char *path, const char *why)
{
    struct scope_name name;
    struct err err = ERR_INIT;

    assert_true(scope_name_plan(path, "box1", false, &name, &err) < 0);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void test_names(void **state)
{
    (void)state;
    expect_name("machine.slice:libpod:0123", false, "machine.slice", "libpod-0123.scope");
    expect_name(":cri:abc", false, "system.slice", "cri-abc.scope");
    expect_name(":cri:abc", true, "user.slice", "cri-abc.scope");
    expect_name("a-b.slice::name", false, "a-b.slice", "name.scope");
    expect_name("-.slice:p:n", false, "-.slice", "p-n.scope");
    expect_name(":p:n.scope", false, "system.slice", "p-n.scope");
    expect_name(NULL, false, "system.slice", "ration-box1.scope");
    expect_name(":p:a+b\\c/d", false, "system.slice", "p-a\\x2bb\\x5cc\\x2fd.scope");
}

static void test_bad_names(void **state)
{
    char deep[300];

    (void)state;
    expect_no_name("/a/b", "expected cgroupsPath to be of format \"slice:prefix:name\"");
    expect_no_name("a.slice:b", "slice:prefix:name");
    expect_no_name("a.slice:b:", "slice:prefix:name");
    expect_no_name("a.slice:b:c:d", "slice:prefix:name");
    expect_no_name("system:p:n", "'system' is not the name of a slice");
    expect_no_name(".slice:p:n", "is not the name of a slice");
    expect_no_name("-a.slice:p:n", "is not the name of a slice");
    expect_no_name("a-.slice:p:n", "is not the name of a slice");
    expect_no_name("a--b.slice:p:n", "is not the name of a slice");
    expect_no_name("a/b.slice:p:n", "is not the name of a slice");
    expect_no_name(":p:n.slice", "names a slice");
    snprintf(deep, sizeof(deep), ":p:%0250d", 0);
    expect_no_name(deep, "at most 255");
}

/* ---- limits ------------------------------------------------------------------------------------------- */

struct want {
    enum limit_id id;
    const char *text;
};

static void expect_limits(const char *layout_name, const struct want *want, size_t n,
                          const char *expected)
{
    struct limit_set set = { 0 };
    struct layout layout;
    struct machine machine;
    struct plan_options options = { .mirror = true, .document = true, .literal = true };
    _cleanup_(plan_freep) struct plan *plan = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;

    machine_example(&machine);
    assert_int_equal(layout_example(layout_name, &layout), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(limit_parse(want[i].id, want[i].text, NULL, &set, &err), 0);
    assert_int_equal(limits_plan(&set, &layout, &machine, &options, &plan, &err), 0);
    assert_int_equal(properties_from_plan(plan, &text, &err), 0);
    assert_string_equal(buf_text(&text), expected);
    limit_set_done(&set);
}

static void test_limits(void **state)
{
    static const struct want memory[] = { { LIMIT_MEMORY, "64m" }, { LIMIT_MEMORY_SWAP, "96m" } };
    static const struct want cpu[] = { { LIMIT_CPU_QUOTA, "33333" },
                                       { LIMIT_CPU_PERIOD, "50000" },
                                       { LIMIT_CPU_SHARES, "1024" } };
    static const struct want pids[] = { { LIMIT_PIDS_LIMIT, "-1" } };
    static const struct want cpus[] = { { LIMIT_CPUSET_CPUS, "0-1" }, { LIMIT_CPUSET_MEMS, "0" } };

    (void)state;
    expect_limits("v2", memory, 2,
                  "property MemoryMax t 1 231\n67108864\n"
                  "property MemorySwapMax t 1 232\n33554432\n");
    expect_limits("v1", memory, 2, "property MemoryLimit t 1 0\n67108864\n");
    /* 666.66 ms a second, as whole per cents: 67 */
    expect_limits("v2", cpu, 3,
                  "property CPUWeight t 1 232\n100\n"
                  "property CPUQuotaPerSecUSec t 1 0\n670000\n"
                  "property CPUQuotaPeriodUSec t 1 242\n50000\n");
    expect_limits("v1", cpu, 3,
                  "property CPUShares t 1 0\n1024\n"
                  "property CPUQuotaPerSecUSec t 1 0\n670000\n"
                  "property CPUQuotaPeriodUSec t 1 242\n50000\n");
    expect_limits("v2", pids, 1, "property TasksMax t 1 227\n18446744073709551615\n");
    expect_limits("v2", cpus, 2,
                  "property AllowedCPUs ay 1 244\n3\n"
                  "property AllowedMemoryNodes ay 1 244\n1\n");
    expect_limits("v1", cpus, 2, "");
    expect_limits("v2", NULL, 0, "");
}

static void test_before(void **state)
{
    struct plan_step step = { .target = PLAN_GROUP, .version = 1, .file = "cpu.cfs_quota_us" };
    struct plan plan = { .steps = &step, .n_steps = 1 }, none = { 0 };
    _cleanup_buf_ struct buf text = BUF_INIT;

    (void)state;
    assert_int_equal(properties_before_plan(&none, &text, NULL), 0);
    assert_string_equal(buf_text(&text), "");
    assert_int_equal(properties_before_plan(&plan, &text, NULL), 0);
    assert_string_equal(buf_text(&text),
                        "property CPUQuotaPerSecUSec t 1 0\n18446744073709551615\n");
}

/* A group of many CPUs: bits from the lowest byte on, those above the last left out. */
static void test_mask(void **state)
{
    struct plan_step step = {
        .target = PLAN_GROUP, .version = 2, .file = "cpuset.cpus", .text = (char *)"1,9,64-65"
    };
    struct plan plan = { .steps = &step, .n_steps = 1 };
    _cleanup_buf_ struct buf text = BUF_INIT;

    (void)state;
    assert_int_equal(properties_from_plan(&plan, &text, NULL), 0);
    assert_string_equal(buf_text(&text),
                        "property AllowedCPUs ay 9 244\n2\n2\n0\n0\n0\n0\n0\n0\n3\n");
}

/* ---- annotations -------------------------------------------------------------------------------------- */

#define PREFIX "org.systemd.property."

static void expect_annotation(const char *annotation, const char *expected)
{
    char *list[] = { (char *)"other=1", (char *)annotation, NULL };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;

    assert_int_equal(properties_from_annotations(list, &text, &err), 0);
    assert_string_equal(buf_text(&text), expected);
}

static void test_annotations(void **state)
{
    (void)state;
    expect_annotation("org.systemd=1", "");
    expect_annotation(PREFIX "CollectMode='inactive'", "property CollectMode s 1 0\ninactive\n");
    expect_annotation(PREFIX "Description=\"it's\"", "property Description s 1 0\nit's\n");
    expect_annotation(PREFIX "Description='a\\'b'", "property Description s 1 0\na'b\n");
    expect_annotation(PREFIX "TimeoutStopUSec=uint64 123456789",
                      "property TimeoutStopUSec t 1 0\n123456789\n");
    expect_annotation(PREFIX "TimeoutStopSec=uint64 5",
                      "property TimeoutStopUSec t 1 0\n5000000\n");
    expect_annotation(PREFIX "TimeoutStopSec=7", "property TimeoutStopUSec t 1 0\n7000000\n");
    expect_annotation(PREFIX "SendSIGKILL=true", "property SendSIGKILL b 1 0\n1\n");
    expect_annotation(PREFIX "Nice=-5", "property Nice i 1 0\n-5\n");
    expect_annotation(PREFIX "Wants=['a.service', 'b.service']",
                      "property Wants as 2 0\na.service\nb.service\n");
    expect_annotation(PREFIX "Wants=@as []", "property Wants as 0 0\n");
}

static void expect_bad_annotation(const char *annotation)
{
    char *list[] = { (char *)annotation, NULL };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;

    if (properties_from_annotations(list, &text, &err) != -EINVAL)
        fail_msg("'%s' was taken: %s", annotation, buf_text(&text));
    assert_non_null(strstr(err.text, "annotation " PREFIX));
    assert_int_equal(err.class, ERR_USAGE);
}

static void test_bad_annotations(void **state)
{
    static const char *const bad_table[] = {
        PREFIX "=1",
        PREFIX "lower=1",
        PREFIX "Two Words=1",
        PREFIX "X",
        PREFIX "X=",
        PREFIX "X=word",
        PREFIX "X='open",
        PREFIX "X='a' b",
        PREFIX "X=[",
        PREFIX "X=[1, 'a']",
        PREFIX "X=[]",
        PREFIX "X=byte 256",
        PREFIX "X=byte 0x1",
        PREFIX "X=2147483648",
        PREFIX "X=uint64 -1",
        PREFIX "X='a\nb'",
        PREFIX "X=[[1]]",
        PREFIX "X=[1,]",
        PREFIX "TimeoutSec='a'",
        PREFIX "X='a\\",
        PREFIX "X=int16 -32769",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++)
        expect_bad_annotation(bad_table[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_mask),
        cmocka_unit_test(test_before),          cmocka_unit_test(test_annotations),
        cmocka_unit_test(test_bad_annotations),
    };

    return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
