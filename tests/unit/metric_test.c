/* metric: the table of figures, reading them out of kernel text, samples and results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "metric/metric.h"

/* ---- the table ------------------------------------------------------------------------------- */

static void rows_are_complete_and_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_info *info = metric_info((enum metric_id)i);
        assert_non_null(info->name);
        assert_true(strlen(info->help) > 20);
        assert_int_equal(metric_find(info->name), i);
    }
    assert_int_equal(metric_find("cpu"), METRIC_NONE);
    assert_null(metric_info(METRIC_NONE));
}

/* The name's ending is the unit, so that nobody must look it up. */
static void names_end_in_their_unit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_info *info = metric_info((enum metric_id)i);
        size_t len = strlen(info->name);
        bool us = len > 3 && strcmp(info->name + len - 3, "_us") == 0;
        bool bytes = len > 6 && strcmp(info->name + len - 6, "_bytes") == 0;
        assert_int_equal(us, info->unit == METRIC_UNIT_US);
        assert_int_equal(bytes, info->unit == METRIC_UNIT_BYTES);
    }
    assert_string_equal(metric_unit_name(METRIC_UNIT_US), "us");
    assert_string_equal(metric_unit_name(METRIC_UNIT_BYTES), "bytes");
    assert_string_equal(metric_unit_name(METRIC_UNIT_COUNT), "count");
}

static void sources_are_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_info *info = metric_info((enum metric_id)i);
        const struct metric_source *sources[] = { &info->v1, &info->v1_older, &info->v2 };
        for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
            bool keyed = sources[k]->parse == METRIC_PARSE_KEYED ||
                         sources[k]->parse == METRIC_PARSE_SUM_FIELD ||
                         sources[k]->parse == METRIC_PARSE_SUM_OP ||
                         sources[k]->parse == METRIC_PARSE_PRESSURE;
            assert_int_equal(sources[k]->file != NULL, sources[k]->parse != METRIC_PARSE_NONE);
            assert_int_equal(sources[k]->key != NULL, keyed);
        }
        assert_true(!info->v1_older.file || info->v1.file);
    }
}

/* ---- reading kernel text --------------------------------------------------------------------- */

#define MEMORY_STAT_V1                                                             \
    "cache 12288\nrss 4096\nshmem 0\ntotal_cache 684478464\ntotal_rss 229040128\n" \
    "total_rss_huge 165675008\ntotal_shmem 9084928\ntotal_swap 0\n"
#define IO_STAT                                                                \
    "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n" \
    "8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n"
#define BLKIO                                                                                 \
    "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 4096\n8:0 Async 8192\n8:0 Discard 0\n8:0 Total " \
    "12288\n"                                                                                 \
    "8:16 Read 512\n8:16 Write 0\n8:16 Total 512\nTotal 12800\n"
#define PRESSURE                                            \
    "some avg10=1.50 avg60=0.20 avg300=0.00 total=123456\n" \
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=789\n"

struct parse_row {
    const char *name;
    enum metric_id id;
    int version; /* 1, 2, or 0 for the older file of 1 */
    const char *text;
    bool found;
    uint64_t value;
};

static const struct parse_row parse_table[] = {
    { "nanoseconds become microseconds", METRIC_CPU_TOTAL_US, 1, "76497401575\n", true, 76497401 },
    { "ticks become microseconds", METRIC_CPU_USER_US, 0, "user 11681\nsystem 5348\n", true,
      116810000 },
    { "the other key of the same file", METRIC_CPU_SYSTEM_US, 0, "user 11681\nsystem 5348\n", true,
      53480000 },
    { "cpu.stat", METRIC_CPU_SYSTEM_US, 2, "usage_usec 9\nuser_usec 5\nsystem_usec 4\n", true, 4 },
    { "a missing key is unknown, not 0", METRIC_THROTTLED_US, 2, "usage_usec 9\nuser_usec 5\n",
      false, 0 },
    { "throttled_time is in nanoseconds", METRIC_THROTTLED_US, 1,
      "nr_periods 10\nnr_throttled 3\nthrottled_time 2500999\n", true, 2500 },
    { "a key that begins like another", METRIC_MEMORY_ANON_BYTES, 1, MEMORY_STAT_V1, true,
      229040128 },
    { "the hierarchical sum, not the group's own", METRIC_MEMORY_FILE_BYTES, 1, MEMORY_STAT_V1,
      true, 684478464 },
    { "zero is a value", METRIC_MEMORY_SWAP_BYTES, 1, MEMORY_STAT_V1, true, 0 },
    { "a plain number", METRIC_MEMORY_PEAK_BYTES, 2, "52428800\n", true, 52428800 },
    { "a number without newline", METRIC_MEMORY_PEAK_BYTES, 2, "52428800", true, 52428800 },
    { "max is unlimited", METRIC_PIDS_PEAK, 2, "max\n", true, UINT64_MAX },
    { "an empty file is no number", METRIC_MEMORY_PEAK_BYTES, 2, "", false, 0 },
    { "garbage is no number", METRIC_MEMORY_PEAK_BYTES, 2, "12x\n", false, 0 },
    { "a negative number is no number", METRIC_MEMORY_PEAK_BYTES, 2, "-1\n", false, 0 },
    { "two numbers are no number", METRIC_MEMORY_PEAK_BYTES, 2, "1 2\n", false, 0 },
    { "a number beyond 64 bits is no number", METRIC_MEMORY_PEAK_BYTES, 2, "18446744073709551616\n",
      false, 0 },
    { "oom_control", METRIC_OOM_KILLS, 1, "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", true,
      3 },
    { "memory.events", METRIC_OOM_KILLS, 2,
      "low 0\nhigh 0\nmax 78\noom 2\noom_kill 1\noom_group_kill 0\n", true, 1 },
    { "the shorter key of two", METRIC_MEMORY_OOM_EVENTS, 2, "max 78\noom 2\noom_kill 1\n", true,
      2 },
    { "io.stat adds devices up", METRIC_IO_READ_BYTES, 2, IO_STAT, true, 91889664 },
    { "operations beside bytes", METRIC_IO_WRITE_OPS, 2, IO_STAT, true, 1605 },
    { "no device yet", METRIC_IO_READ_BYTES, 2, "", true, 0 },
    { "a device without figures", METRIC_IO_READ_BYTES, 2, "253:0 \n8:0 rbytes=5 wbytes=0\n", true,
      5 },
    { "blkio adds devices up", METRIC_IO_READ_BYTES, 1, BLKIO, true, 4608 },
    { "blkio's last line is not a device", METRIC_IO_WRITE_BYTES, 1, BLKIO, true, 8192 },
    { "blkio without devices", METRIC_IO_READ_BYTES, 1, "Total 0\n", false, 0 },
    { "blkio with a device that nobody counts", METRIC_IO_READ_BYTES, 1,
      "8:0 Read 0\n8:0 Write 0\n8:0 Total 0\nTotal 0\n", false, 0 },
    { "blkio with a device that was only written to", METRIC_IO_READ_BYTES, 1,
      "8:0 Read 0\n8:0 Write 512\n8:0 Total 512\nTotal 512\n", true, 0 },
    { "pressure, some", METRIC_PRESSURE_IO_SOME_US, 2, PRESSURE, true, 123456 },
    { "pressure, full", METRIC_PRESSURE_IO_FULL_US, 2, PRESSURE, true, 789 },
    { "old kernels have no full line for cpu", METRIC_PRESSURE_CPU_FULL_US, 2,
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", false, 0 },
    { "pids.events", METRIC_PIDS_REFUSED, 1, "max 12\n", true, 12 },
    { "sums do not wrap", METRIC_IO_READ_BYTES, 2,
      "8:0 rbytes=18446744073709551615\n8:1 rbytes=1\n", false, 0 },
    { "scaling does not wrap", METRIC_CPU_USER_US, 0, "user 18446744073709551615\n", false, 0 },
};

static const struct metric_source *source_of(const struct parse_row *row)
{
    const struct metric_info *info = metric_info(row->id);

    return row->version == 1 ? &info->v1 : row->version == 2 ? &info->v2 : &info->v1_older;
}

static void check_parse(void **state)
{
    const struct parse_row *row = *state;
    uint64_t value = 0;

    assert_int_equal(metric_parse(source_of(row), row->text, 100, &value), row->found);
    assert_int_equal(value, row->value);
}

static void ticks_of_an_unknown_rate_are_unknown(void **state)
{
    uint64_t value;

    (void)state;
    assert_false(metric_parse(&metric_info(METRIC_CPU_USER_US)->v1_older, "user 1\n", 0, &value));
}

static void a_figure_without_file_is_never_found(void **state)
{
    uint64_t value;

    (void)state;
    assert_false(metric_parse(&metric_info(METRIC_WALL_US)->v2, "1\n", 100, &value));
}

static void lists_are_summed(void **state)
{
    static const struct metric_source list = { .parse = METRIC_PARSE_LIST_SUM, .divide = 1000 };
    uint64_t value;

    (void)state;
    assert_true(metric_parse(&list, "76497401575 93806922013 \n", 100, &value));
    assert_int_equal(value, 170304323);
    assert_false(metric_parse(&list, "\n", 100, &value));
    assert_false(metric_parse(&list, "1 x\n", 100, &value));
}

/* ---- samples --------------------------------------------------------------------------------- */

static void samples_know_what_was_set(void **state)
{
    static struct sample sample;
    uint64_t value = 7;
    char long_source[200];

    (void)state;
    assert_false(sample_get(&sample, METRIC_WALL_US, &value));
    assert_false(sample_get(NULL, METRIC_WALL_US, &value));
    assert_int_equal(value, 7);
    sample_set(&sample, METRIC_WALL_US, 0, "CLOCK_MONOTONIC");
    assert_true(sample_get(&sample, METRIC_WALL_US, &value));
    assert_int_equal(value, 0);
    assert_string_equal(sample.value[METRIC_WALL_US].source, "CLOCK_MONOTONIC");
    memset(long_source, 'x', sizeof(long_source) - 1);
    long_source[sizeof(long_source) - 1] = '\0';
    sample_set(&sample, METRIC_WALL_US, 1, long_source);
    assert_int_equal(strlen(sample.value[METRIC_WALL_US].source), 63);
}

static void cpus_are_counted_one_by_one(void **state)
{
    static struct sample sample;
    char many[3 * (SAMPLE_CPUS_MAX + 10) + 1] = "";

    (void)state;
    sample_set_per_cpu(&sample, "76497401575 93806922013 \n");
    assert_int_equal(sample.n_cpus, 2);
    assert_int_equal(sample.per_cpu_us[0], 76497401);
    assert_int_equal(sample.per_cpu_us[1], 93806922);
    sample_set_per_cpu(&sample, "garbage");
    assert_int_equal(sample.n_cpus, 0);
    for (size_t i = 0; i < SAMPLE_CPUS_MAX + 10; i++)
        memcpy(many + 3 * i, "1 \n", 4);
    sample_set_per_cpu(&sample, many);
    assert_int_equal(sample.n_cpus, SAMPLE_CPUS_MAX);
}

/* ---- results --------------------------------------------------------------------------------- */

static void limits_are_copied(void **state)
{
    struct result *result = result_new();
    char asked[] = "50m";

    (void)state;
    assert_int_equal(result->verdict.limit, LIMIT_NONE);
    assert_int_equal(result_add_limit(result, LIMIT_MEMORY, asked, NULL, NULL, NULL), 0);
    assert_int_equal(result_add_limit(result, LIMIT_CPUS, "1", "max", "cpu.max", "a note"), 0);
    asked[0] = 'x';
    assert_int_equal(result->n_limits, 2);
    assert_string_equal(result->limits[0].asked, "50m");
    assert_null(result->limits[0].in_force);
    assert_string_equal(result->limits[1].note, "a note");
    result_free(result);
    result_free(NULL);
}

static int status_of(struct observation observation, const struct err *error)
{
    struct result *result = result_new();

    if (error)
        observation.start_error = *error;
    result_set_end(result, &observation);
    int status = result->program_status;
    assert_int_equal(status, result_program_status(result));
    result_free(result);
    return status;
}

#define RAN(...) (struct observation){ .started = true, __VA_ARGS__ }, NULL

static void the_program_s_status_follows(void **state)
{
    struct err refused = { .code = EPERM, .class = ERR_REFUSED };
    struct err missing = { .code = ENOENT, .class = ERR_NOT_FOUND };
    struct err denied = { .code = EACCES, .class = ERR_NOT_EXECUTABLE };
    struct observation never = { .started = false };

    (void)state;
    assert_int_equal(status_of(RAN(.exited = true)), 0);
    assert_int_equal(status_of(RAN(.exited = true, .status = 42)), 42);
    assert_int_equal(status_of(RAN(.status = SIGSEGV)), 128 + SIGSEGV);
    assert_int_equal(status_of(RAN(.status = SIGKILL, .stopped = STOP_WALL_TIME)), 124);
    assert_int_equal(status_of(RAN(.status = SIGKILL, .stopped = STOP_CPU_TIME)), 124);
    assert_int_equal(status_of(RAN(.exited = true, .stopped = STOP_WALL_TIME)), 124);
    assert_int_equal(status_of(RAN(.status = SIGKILL, .stopped = STOP_OUTPUT)), 137);
    assert_int_equal(status_of(RAN(.exited = true, .stopped = STOP_OUTPUT)), 137);
    assert_int_equal(status_of(RAN(.status = SIGTERM, .stopped = STOP_USER)), 143);
    assert_int_equal(status_of(never, &refused), 125);
    assert_int_equal(status_of(never, &denied), 126);
    assert_int_equal(status_of(never, &missing), 127);
    assert_int_equal(status_of(never, NULL), 125);
}

static void the_end_is_taken_over(void **state)
{
    struct result *result = result_new();
    static struct sample final;
    struct observation observation = {
        .started = true, .status = SIGSEGV, .core_dumped = true, .final = &final
    };

    (void)state;
    sample_set(&final, METRIC_WALL_US, 5, "CLOCK_MONOTONIC");
    result_set_end(result, &observation);
    assert_false(result->exited);
    assert_int_equal(result->signal, SIGSEGV);
    assert_int_equal(result->exit_status, 0);
    assert_true(result->core_dumped);
    assert_int_equal(result->final.value[METRIC_WALL_US].value, 5);
    assert_int_equal(result->verdict.cause, CAUSE_SIGNALLED);
    result_free(result);
}

static void evidence_names_file_and_counts(void **state)
{
    struct observation observation = { .started = true, .status = SIGKILL };
    struct verdict verdict;

    (void)state;
    observation.events.event[EVENT_OOM_KILL] =
        (struct event_count){ true, 2, 5, "/sys/fs/cgroup/x/memory.events oom_kill" };
    observation.events.event[EVENT_OOM_OWN] = (struct event_count){ true, 0, 1, "" };
    verdict_decide(&observation, &verdict);
    assert_string_equal(verdict_rule(&observation), "memory");
    assert_int_equal(verdict.n_evidence, 2);
    assert_string_equal(verdict.evidence[0].source, "/sys/fs/cgroup/x/memory.events oom_kill");
    assert_int_equal(verdict.evidence[0].before, 2);
    assert_int_equal(verdict.evidence[0].after, 5);
    assert_string_equal(verdict.evidence[1].source, "own group out of memory");
}

static void names_of_causes(void **state)
{
    static const char *const cause_table[CAUSE_COUNT] = {
        "exited", "signalled", "memory",  "wall_time", "cpu_time",        "output",
        "pids",   "rlimit",    "seccomp", "stopped",   "failed_to_start",
    };
    char text[24];

    (void)state;
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        assert_string_equal(cause_name((enum cause)i), cause_table[i]);
    assert_null(whose_name(WHOSE_NONE));
    assert_string_equal(whose_name(WHOSE_OWN), "own");
    assert_string_equal(whose_name(WHOSE_ANCESTOR), "ancestor");
    assert_string_equal(whose_name(WHOSE_MACHINE), "machine");
    assert_string_equal(signal_format(SIGKILL, text, sizeof(text)), "SIGKILL");
    assert_string_equal(signal_format(64, text, sizeof(text)), "signal 64");
}

int main(void)
{
    static const struct CMUnitTest fixed_tests[] = {
        cmocka_unit_test(rows_are_complete_and_unique),
        cmocka_unit_test(names_end_in_their_unit),
        cmocka_unit_test(sources_are_whole),
        cmocka_unit_test(ticks_of_an_unknown_rate_are_unknown),
        cmocka_unit_test(a_figure_without_file_is_never_found),
        cmocka_unit_test(lists_are_summed),
        cmocka_unit_test(samples_know_what_was_set),
        cmocka_unit_test(cpus_are_counted_one_by_one),
        cmocka_unit_test(limits_are_copied),
        cmocka_unit_test(the_program_s_status_follows),
        cmocka_unit_test(the_end_is_taken_over),
        cmocka_unit_test(evidence_names_file_and_counts),
        cmocka_unit_test(names_of_causes),
    };
    struct CMUnitTest tests[ARRAY_SIZE(fixed_tests) + ARRAY_SIZE(parse_table)];

    memcpy(tests, fixed_tests, sizeof(fixed_tests));
    for (size_t i = 0; i < ARRAY_SIZE(parse_table); i++)
        tests[ARRAY_SIZE(fixed_tests) + i] =
            (struct CMUnitTest){ parse_table[i].name, check_parse, NULL, NULL,
                                 (void *)(uintptr_t)&parse_table[i] };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
