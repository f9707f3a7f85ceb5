/* report: a fixed plan as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "report/report.h"

#define GROUP(limit_, controller_, version_, file_, text_)                                 \
    .limit = limit_, .controller = controller_, .version = version_, .target = PLAN_GROUP, \
    .file = file_, .text = (char[])                                                        \
    {                                                                                      \
        text_                                                                              \
    }

static struct plan_step step_table[] = {
    { GROUP(LIMIT_NONE, CONTROLLER_CPUSET, 1, "cpuset.mems", "0\n"),
      .reason = (char[]){ "a process can only enter when this is set" } },
    { GROUP(LIMIT_MEMORY, CONTROLLER_MEMORY, 1, "memory.limit_in_bytes", "52424704"),
      .reason = (char[]){ "52428000 rounded down to pages of 4096" } },
    { GROUP(LIMIT_MEMORY_SWAP, CONTROLLER_MEMORY, 1, "memory.memsw.limit_in_bytes", "-1"),
      .best_effort = true },
    { GROUP(LIMIT_HUGETLB, CONTROLLER_HUGETLB, 2, "hugetlb.2MB.max", "4194304") },
    { .limit = LIMIT_DEVICE_READ_BPS,
      .controller = CONTROLLER_IO,
      .version = 1,
      .target = PLAN_INNER,
      .file = "blkio.throttle.read_bps_device",
      .text = (char[]){ "8:0 1048576" } },
    { .limit = LIMIT_RLIMIT_NOFILE,
      .controller = CONTROLLER_PROCESS,
      .target = PLAN_PROCESS,
      .file = "RLIMIT_NOFILE",
      .text = (char[]){ "1024:4096" } },
    { .limit = LIMIT_TIMEOUT,
      .controller = CONTROLLER_SUPERVISOR,
      .target = PLAN_SUPERVISOR,
      .text = (char[]){ "2500000" } },
};

static struct plan_unmet unmet_table[] = {
    { LIMIT_IO_LATENCY, (char[]){ "it exists only on v2" }, (char[]){ "boot with v2" }, NULL },
    { LIMIT_MEMORY_HIGH, (char[]){ "it exists only on v2" }, NULL, (char[]){ "RLIMIT_AS" } },
};

static const struct plan_ceiling ceiling_table[] = {
    { LIMIT_MEMORY, (char[]){ "/docker/ab\ncd" }, (char[]){ "33554432" } },
};

static const char plan_text[] =
    "plan for layout hybrid: 7 writes\n"
    "  -                cpuset v1/cpuset.mems                        0                 "
    "    a process can only enter when this is set\n"
    "  memory           memory v1/memory.limit_in_bytes              52424704 (51196 Ki"
    "B)  52428000 rounded down to pages of 4096\n"
    "  memory-swap      memory v1/memory.memsw.limit_in_bytes        -1                "
    "    skipped where the file is missing\n"
    "  hugetlb          hugetlb v2/hugetlb.2MB.max                   4194304\n"
    "  device-read-bps  blkio v1/box/blkio.throttle.read_bps_device  8:0 1048576\n"
    "  rlimit-nofile    process/RLIMIT_NOFILE                        1024:4096\n"
    "  timeout          ration                                       2500000 (2.500 s)\n"
    "\n"
    "not possible here\n"
    "  --io-latency: it exists only on v2; remedy: boot with v2\n"
    "  --memory-high: it exists only on v2; instead: RLIMIT_AS\n"
    "\n"
    "tighter above\n"
    "  --memory: /docker/ab?cd has 33554432 (32 MiB)\n";

static struct plan make_plan(void)
{
    return (struct plan){ .steps = step_table,
                          .n_steps = ARRAY_SIZE(step_table),
                          .unmet = unmet_table,
                          .n_unmet = ARRAY_SIZE(unmet_table) };
}

static void a_plan_is_one_line_a_write(void **state)
{
    struct plan plan = make_plan();
    struct layout layout = { .name = "hybrid" };
    _cleanup_buf_ struct buf buf = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(
        report_plan_text(&(struct plan_view){ &plan, &layout, ceiling_table, 1, NULL }, &buf, &err),
        0);
    assert_string_equal(buf_text(&buf), plan_text);
}

static void an_empty_plan_says_so(void **state)
{
    struct plan plan = { 0 };
    struct layout layout = { .name = "none" };
    _cleanup_buf_ struct buf buf = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(
        report_plan_text(&(struct plan_view){ &plan, &layout, NULL, 0, NULL }, &buf, &err), 0);
    assert_string_equal(buf_text(&buf), "plan for layout none: 0 writes\n");
}

static void check_step(json_t *step, const char *compact)
{
    json_error_t error;
    json_t *expected = json_loads(compact, 0, &error);

    assert_non_null(expected);
    if (!json_equal(step, expected))
        fail_msg("%s is not %s", json_dumps(step, JSON_COMPACT), compact);
    json_decref(expected);
}

static void a_plan_is_json_too(void **state)
{
    struct plan plan = make_plan();
    struct layout layout = { .name = "hybrid" };
    _cleanup_buf_ struct buf buf = BUF_INIT;
    struct err err = ERR_INIT;
    json_error_t error;

    (void)state;
    assert_int_equal(
        report_plan_json(&(struct plan_view){ &plan, &layout, ceiling_table, 1, "a reason" }, &buf,
                         &err),
        0);
    json_t *root = json_loads(buf_text(&buf), 0, &error);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "refusal")), "a reason");
    json_t *steps = json_object_get(root, "steps");
    assert_int_equal(json_array_size(steps), 7);
    check_step(
        json_array_get(steps, 0),
        "{\"limit\":null,\"target\":\"group\",\"controller\":\"cpuset\",\"cgroup_version\":1,"
        "\"file\":\"cpuset.mems\",\"value\":\"0\\n\","
        "\"reason\":\"a process can only enter when this is set\","
        "\"may_be_missing\":false}");
    check_step(json_array_get(steps, 2),
               "{\"limit\":\"memory-swap\",\"target\":\"group\",\"controller\":\"memory\","
               "\"cgroup_version\":1,\"file\":\"memory.memsw.limit_in_bytes\",\"value\":\"-1\","
               "\"reason\":null,\"may_be_missing\":true}");
    check_step(json_array_get(steps, 4),
               "{\"limit\":\"device-read-bps\",\"target\":\"inner\",\"controller\":\"blkio\","
               "\"cgroup_version\":1,\"file\":\"blkio.throttle.read_bps_device\","
               "\"value\":\"8:0 1048576\",\"reason\":null,\"may_be_missing\":false}");
    check_step(json_array_get(steps, 5),
               "{\"limit\":\"rlimit-nofile\",\"target\":\"process\",\"controller\":null,"
               "\"cgroup_version\":null,\"file\":\"RLIMIT_NOFILE\",\"value\":\"1024:4096\","
               "\"reason\":null,\"may_be_missing\":false}");
    check_step(json_array_get(json_object_get(root, "unmet"), 1),
               "{\"limit\":\"memory-high\",\"why\":\"it exists only on v2\",\"remedy\":null,"
               "\"stand_in\":\"RLIMIT_AS\"}");
    check_step(json_array_get(json_object_get(root, "ceilings"), 0),
               "{\"limit\":\"memory\",\"path\":\"/docker/ab\\ncd\",\"value\":\"33554432\"}");
    assert_string_equal(json_string_value(json_object_get(root, "layout")), "hybrid");
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    json_decref(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_one_line_a_write),
        cmocka_unit_test(an_empty_plan_says_so),
        cmocka_unit_test(a_plan_is_json_too),
    };

    return cmocka_run_group_tests_name("report_plan", tests, NULL, NULL);
}
