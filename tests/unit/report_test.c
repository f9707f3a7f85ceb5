/* report: fixed results, and the whole of what each format makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "report/report.h"

/* ---- results --------------------------------------------------------------------------------- */

static struct result *make_result(const char *name, const char *const *argv)
{
    struct result *result = result_new();

    assert_non_null(result);
    assert_int_equal(text_replace(&result->name, name), 0);
    for (size_t i = 0; argv[i]; i++)
        assert_int_equal(strv_push(&result->argv, argv[i]), 0);
    result->started_realtime_us = UINT64_C(1700000000123456);
    snprintf(result->layout, sizeof(result->layout), "hybrid");
    return result;
}

struct figure {
    enum metric_id id;
    uint64_t value;
    const char *source;
};

static const struct figure figure_table[] = {
    { METRIC_WALL_US, 2003456, "CLOCK_MONOTONIC" },
    { METRIC_CPU_TOTAL_US, 1234567, "cpuacct/cpuacct.usage" },
    { METRIC_CPU_USER_US, 1200000, "cpuacct/cpuacct.usage_user" },
    { METRIC_CPU_SYSTEM_US, 34567, "cpuacct/cpuacct.usage_sys" },
    { METRIC_NR_PERIODS, 0, "cpu/cpu.stat" },
    { METRIC_MEMORY_PEAK_BYTES, 52428800, "memory/memory.max_usage_in_bytes" },
    { METRIC_MEMORY_CURRENT_BYTES, 0, "memory/memory.usage_in_bytes" },
    { METRIC_MEMORY_FAILCNT, 36, "memory/memory.failcnt" },
    { METRIC_OOM_KILLS, 1, "memory/memory.oom_control" },
    { METRIC_PIDS_PEAK, 3, "pids/pids.peak" },
    { METRIC_IO_READ_BYTES, 4096, "blkio/blkio.throttle.io_service_bytes_recursive" },
    { METRIC_PRESSURE_CPU_SOME_US, 1500, "cpu.pressure" },
    { METRIC_RUSAGE_USER_US, 1190000, "rusage.ru_utime" },
    { METRIC_RUSAGE_SYSTEM_US, 30000, "rusage.ru_stime" },
    { METRIC_MAX_RSS_BYTES, 50331648, "rusage.ru_maxrss" },
    { METRIC_MINOR_FAULTS, 12345, "rusage.ru_minflt" },
    { METRIC_MAJOR_FAULTS, 2, "rusage.ru_majflt" },
    { METRIC_VOLUNTARY_SWITCHES, 17, "rusage.ru_nvcsw" },
    { METRIC_INVOLUNTARY_SWITCHES, 40, "rusage.ru_nivcsw" },
    { METRIC_RUSAGE_READ_BLOCKS, 8, "rusage.ru_inblock" },
    { METRIC_RUSAGE_WRITE_BLOCKS, 16, "rusage.ru_oublock" },
};

static void set_figures(struct sample *sample)
{
    for (size_t i = 0; i < ARRAY_SIZE(figure_table); i++)
        sample_set(sample, figure_table[i].id, figure_table[i].value, figure_table[i].source);
    sample_set_per_cpu(sample, "1000000000 234567000\n");
}

static struct event_count event_of(uint64_t before, uint64_t after, const char *source)
{
    struct event_count count = { .known = true, .before = before, .after = after };

    snprintf(count.source, sizeof(count.source), "%s", source);
    return count;
}

/* Killed at its own memory limit. */
static struct result *result_of_memory(void)
{
    static struct sample final;
    static struct limit_set limits;
    struct result *result =
        make_result("brisk-otter", (const char *const[]){ "./hog", "mem", "100 m", NULL });
    struct observation observation = {
        .started = true, .status = SIGKILL, .final = &final, .limits = &limits
    };

    limits.value[LIMIT_MEMORY] = (struct limit_value){ .state = LIMIT_SET, .number = 52428800 };
    set_figures(&final);
    observation.events.event[EVENT_OOM_KILL] = event_of(0, 1, "memory.oom_control oom_kill");
    observation.events.event[EVENT_MEMORY_FAILCNT] = event_of(0, 36, "memory.failcnt");
    assert_int_equal(
        result_add_limit(result, LIMIT_MEMORY, "50m", "52428800", "memory.limit_in_bytes", NULL),
        0);
    assert_int_equal(
        result_add_limit(result, LIMIT_CPUS, "0.5", NULL, NULL, "not in force: no cpu controller"),
        0);
    result_set_end(result, &observation);
    return result;
}

/* A command that does not exist. */
static struct result *result_of_failure(void)
{
    struct result *result = make_result("calm-hare", (const char *const[]){ "nowhere", NULL });
    struct observation observation = { 0 };
    struct err *error = &observation.start_error;

    err_set_class(error, ERR_NOT_FOUND, ENOENT, "cannot execute nowhere: %s", err_name(ENOENT));
    err_step(error, "exec");
    result_set_end(result, &observation);
    return result;
}

/* A clean end with nothing known. */
static struct result *result_of_nothing(void)
{
    struct result *result = make_result("x", (const char *const[]){ "true", NULL });
    struct observation observation = { .started = true, .exited = true };

    result_set_end(result, &observation);
    return result;
}

/* Names and words that try to break out of the format. */
static struct result *result_of_evil(void)
{
    struct result *result = make_result(
        "a\"b\nc", (const char *const[]){ "sh", "it's", "a\"b\\", "line\nbreak", "tab\t\x1b[31m",
                                          "bad\xff\xc0\xafutf8", "\xed\xa0\x80",
                                          "gr\xc3\xbc\xc3\x9f", "\xc2\x9b", "", NULL });
    struct observation observation = { .started = true, .exited = true, .status = 1 };

    assert_int_equal(result_add_limit(result, LIMIT_MEMORY, "5\"0\nm", NULL, "a\\b\xff", "\x07"),
                     0);
    result_set_end(result, &observation);
    return result;
}

static char *printed(const char *format, struct result *result)
{
    struct buf buf = BUF_INIT;
    struct err err = ERR_INIT;

    assert_non_null(report_format_find(format));
    assert_int_equal(report_format_find(format)->print(result, &buf, &err), 0);
    result_free(result);
    return buf_take(&buf);
}

/* ---- comparing with tests/unit/report/ ------------------------------------------------------- */

/* With TEST_UPDATE in the environment the files are written anew: look at the difference then. */
static void check_file(const char *name, const char *text)
{
    _cleanup_buf_ struct buf expected = BUF_INIT;
    const char *data = getenv("TEST_DATA");
    char path[4096];

    assert_non_null(data);
    snprintf(path, sizeof(path), "%s/report/%s", data, name);
    if (getenv("TEST_UPDATE")) {
        unlink(path);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        close(fd);
    }
    assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &expected), 0);
    assert_string_equal(text, buf_text(&expected));
}

static struct result *result_of(const char *name)
{
    static const struct {
        const char *name;
        struct result *(*make)(void);
    } make_table[] = {
        { "memory", result_of_memory },
        { "failure", result_of_failure },
        { "nothing", result_of_nothing },
        { "evil", result_of_evil },
    };

    for (size_t i = 0; i < ARRAY_SIZE(make_table); i++) {
        if (strcmp(make_table[i].name, name) == 0)
            return make_table[i].make();
    }
    fail_msg("no result %s", name);
    return NULL;
}

/* state: "RESULT.FORMAT", also the name of the file. */
static void check_print(void **state)
{
    const char *name = *state, *dot = strchr(name, '.');
    char result[32];

    snprintf(result, sizeof(result), "%.*s", (int)(dot - name), name);
    char *text = printed(dot + 1, result_of(result));
    check_file(name, text);
    free(text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *parsed(char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);

    if (!root)
        fail_msg("%s: line %d: %s", text, error.line, error.text);
    free(text);
    return root;
}

/* ---- formats --------------------------------------------------------------------------------- */

static void formats_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < report_format_count(); i++) {
        const struct report_format *format = report_format_at(i);
        assert_ptr_equal(report_format_find(format->name), format);
        assert_true(format->help[0] != '\0');
    }
    assert_int_equal(report_format_count(), 6);
    assert_null(report_format_at(6));
    assert_null(report_format_find("xml"));
}

static void json_keeps_foreign_text_apart(void **state)
{
    json_t *root = parsed(printed("json", result_of_evil()));
    json_t *argv = json_object_get(root, "argv");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(root, "name")), "a\"b\nc");
    assert_int_equal(json_array_size(argv), 10);
    assert_string_equal(json_string_value(json_array_get(argv, 3)), "line\nbreak");
    assert_string_equal(json_string_value(json_array_get(argv, 4)), "tab\t\x1b[31m");
    assert_string_equal(json_string_value(json_array_get(argv, 5)),
                        "bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdutf8");
    assert_string_equal(json_string_value(json_array_get(argv, 7)), "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(json_string_value(json_array_get(argv, 9)), "");
    json_decref(root);
}

/* Every byte string comes out as JSON that a strict reader takes. */
static void json_is_valid_for_any_bytes(void **state)
{
    (void)state;
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 0; second < 256; second += second < 8 ? 1 : 7) {
            char word[5] = { (char)first, (char)second, (char)0x80, (char)first, 0 };
            struct result *result = make_result(word, (const char *const[]){ word, NULL });
            json_decref(parsed(printed("json", result)));
        }
    }
}

static void a_limit_given_twice_is_one_member(void **state)
{
    struct result *result = make_result("x", (const char *const[]){ "true", NULL });
    enum limit_id id = LIMIT_DEVICE_READ_BPS;

    (void)state;
    assert_int_equal(result_add_limit(result, id, "/dev/sda:1m", "8:0 1048576", "f", NULL), 0);
    assert_int_equal(result_add_limit(result, id, "/dev/sdb:1m", "8:16 1048576", "f", "n"), 0);
    assert_int_equal(result_add_limit(result, id, "/dev/sdb", NULL, "f", "n"), 0);
    json_t *root = parsed(printed("json", result));
    json_t *limit = json_object_get(json_object_get(root, "limits"), "device-read-bps");
    assert_string_equal(json_string_value(json_object_get(limit, "asked")),
                        "/dev/sda:1m; /dev/sdb:1m; /dev/sdb");
    assert_string_equal(json_string_value(json_object_get(limit, "in_force")),
                        "8:0 1048576; 8:16 1048576");
    assert_string_equal(json_string_value(json_object_get(limit, "file")), "f");
    assert_string_equal(json_string_value(json_object_get(limit, "note")), "n");
    json_decref(root);
}

static void numbers_that_json_cannot_hold_are_null(void **state)
{
    struct result *result = make_result("x", (const char *const[]){ "true", NULL });

    (void)state;
    sample_set(&result->final, METRIC_PIDS_PEAK, UINT64_MAX, "pids.peak");
    sample_set(&result->final, METRIC_WALL_US, INT64_MAX, "CLOCK_MONOTONIC");
    json_t *root = parsed(printed("json", result));
    json_t *metrics = json_object_get(root, "metrics");
    assert_true(json_is_null(json_object_get(json_object_get(metrics, "pids_peak"), "value")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(metrics, "wall_us"), "value")),
        INT64_MAX);
    json_decref(root);
}

/* ---- what the verdict becomes elsewhere ------------------------------------------------------ */

struct dialect_row {
    enum cause cause;
    enum whose whose;
    enum limit_id limit;
    int status, signal;
    const char *isolate, *runexec, *go_judge;
};

static const struct dialect_row dialect_table[] = {
    { CAUSE_EXITED, WHOSE_NONE, LIMIT_NONE, 0, 0, NULL, NULL, "Accepted" },
    { CAUSE_EXITED, WHOSE_NONE, LIMIT_NONE, 1, 0, "RE", NULL, "Nonzero Exit Status" },
    { CAUSE_SIGNALLED, WHOSE_NONE, LIMIT_NONE, 0, 11, "SG", NULL, "Signalled" },
    { CAUSE_MEMORY, WHOSE_OWN, LIMIT_MEMORY, 0, 9, "SG", "memory", "Memory Limit Exceeded" },
    { CAUSE_MEMORY, WHOSE_ANCESTOR, LIMIT_NONE, 0, 9, "SG", "memory", "Internal Error" },
    { CAUSE_MEMORY, WHOSE_MACHINE, LIMIT_NONE, 0, 9, "SG", "killed", "Internal Error" },
    { CAUSE_WALL_TIME, WHOSE_OWN, LIMIT_TIMEOUT, 0, 9, "TO", "walltime", "Time Limit Exceeded" },
    { CAUSE_CPU_TIME, WHOSE_OWN, LIMIT_CPU_TIME, 0, 9, "TO", "cputime", "Time Limit Exceeded" },
    { CAUSE_CPU_TIME, WHOSE_OWN, LIMIT_CPU_TIME_SOFT, 0, 24, "TO", "cputime-soft",
      "Time Limit Exceeded" },
    { CAUSE_OUTPUT, WHOSE_OWN, LIMIT_OUTPUT_LIMIT, 0, 9, "SG", "killed", "Output Limit Exceeded" },
    { CAUSE_PIDS, WHOSE_OWN, LIMIT_PIDS_LIMIT, 2, 0, "RE", NULL, "Nonzero Exit Status" },
    { CAUSE_RLIMIT, WHOSE_OWN, LIMIT_RLIMIT_CPU, 0, 24, "SG", NULL, "Time Limit Exceeded" },
    { CAUSE_RLIMIT, WHOSE_OWN, LIMIT_RLIMIT_FSIZE, 0, 25, "SG", NULL, "Output Limit Exceeded" },
    { CAUSE_RLIMIT, WHOSE_NONE, LIMIT_NONE, 0, 25, "SG", NULL, "Signalled" },
    { CAUSE_SECCOMP, WHOSE_NONE, LIMIT_NONE, 0, 31, "SG", NULL, "Dangerous Syscall" },
    { CAUSE_STOPPED, WHOSE_NONE, LIMIT_NONE, 0, 15, "SG", "killed", "Signalled" },
    { CAUSE_FAILED_TO_START, WHOSE_NONE, LIMIT_NONE, 0, 0, "XX", "failed", "Internal Error" },
};

static struct result *result_of_row(const struct dialect_row *row)
{
    struct result *result = make_result("x", (const char *const[]){ "true", NULL });

    result->verdict.cause = row->cause;
    result->verdict.whose = row->whose;
    result->verdict.limit = row->limit;
    result->signal = row->signal;
    result->exited = row->signal == 0 && row->cause != CAUSE_FAILED_TO_START;
    result->exit_status = row->status;
    return result;
}

/* The value of a "key:value" or "key=value" line, or that there is none. */
static void check_line(const char *format, const struct dialect_row *row, const char *key,
                       const char *value)
{
    char *text = printed(format, result_of_row(row));
    char line[64];

    snprintf(line, sizeof(line), "%s%s\n", key, text_or_empty(value));
    if (value)
        assert_non_null(strstr(text, line));
    else
        assert_null(strstr(text, key));
    free(text);
}

static void every_cause_has_a_word_elsewhere(void **state)
{
    bool seen[CAUSE_COUNT] = { false };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(dialect_table); i++) {
        const struct dialect_row *row = &dialect_table[i];
        seen[row->cause] = true;
        check_line("isolate", row, "status:", row->isolate);
        check_line("runexec", row, "terminationreason=", row->runexec);
        json_t *root = parsed(printed("go-judge", result_of_row(row)));
        json_t *only = json_array_get(root, 0);
        assert_string_equal(json_string_value(json_object_get(only, "status")), row->go_judge);
        assert_int_equal(json_integer_value(json_object_get(only, "exitStatus")),
                         row->signal ? row->signal : row->status);
        json_decref(root);
    }
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        assert_true(seen[i]);
}

static void gnu_time_counts_hours(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } elapsed_table[] = {
        { 0, "ss): 0:00.00\n" },          { 59999999, "ss): 0:59.99\n" },
        { 61050000, "ss): 1:01.05\n" },   { 3599990000, "ss): 59:59.99\n" },
        { 3600000000, "ss): 1:00:00\n" }, { 90061000000, "ss): 25:01:01\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(elapsed_table); i++) {
        struct result *result = result_of_nothing();
        sample_set(&result->final, METRIC_WALL_US, elapsed_table[i].us, "CLOCK_MONOTONIC");
        sample_set(&result->final, METRIC_RUSAGE_USER_US, 0, "rusage");
        sample_set(&result->final, METRIC_RUSAGE_SYSTEM_US, 0, "rusage");
        char *text = printed("gnu-time", result);
        assert_non_null(strstr(text, elapsed_table[i].text));
        assert_non_null(strstr(text, i == 0 ? "got: ?%\n" : "got: 0%\n"));
        free(text);
    }
}

static void figures_fall_back_to_command_s_own(void **state)
{
    struct result *result = result_of_nothing();

    (void)state;
    sample_set(&result->final, METRIC_RUSAGE_USER_US, 1500000, "rusage.ru_utime");
    sample_set(&result->final, METRIC_RUSAGE_SYSTEM_US, 250000, "rusage.ru_stime");
    sample_set(&result->final, METRIC_MAX_RSS_BYTES, 4096, "rusage.ru_maxrss");
    json_t *root = parsed(printed("go-judge", result));
    json_t *only = json_array_get(root, 0);
    assert_int_equal(json_integer_value(json_object_get(only, "time")), 1750000000);
    assert_int_equal(json_integer_value(json_object_get(only, "memory")), 4096);
    json_decref(root);
}

/* What a reader can be told about a size, in the column of values. */
static void values_say_what_they_mean(void **state)
{
    static const struct {
        enum limit_id limit;
        const char *value, *shown;
    } value_table[] = {
        { LIMIT_MEMORY, "52428800", "52428800 (50 MiB)" },
        { LIMIT_MEMORY, "9223372036854771712", "9223372036854771712 (no limit)" },
        { LIMIT_MEMORY, "max", "max" },
        { LIMIT_PIDS_LIMIT, "1048576", "1048576" },
        { LIMIT_TIMEOUT, "2500000", "2500000 (2.500 s)" },
        { LIMIT_CPUSET_CPUS, "0-3\n", "0-3" },
        { LIMIT_CPUSET_CPUS, "\n", "(empty)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(value_table); i++) {
        struct result *result = result_of_nothing();
        char line[128];
        snprintf(line, sizeof(line), "  %s\n", value_table[i].shown);
        assert_int_equal(
            result_add_limit(result, value_table[i].limit, "", value_table[i].value, NULL, NULL),
            0);
        char *text = printed("text", result);
        if (!strstr(text, line))
            fail_msg("no \"%s\" in: %s", value_table[i].shown, text);
        free(text);
    }
}

int main(void)
{
    static const char *const file_table[] = {
        "memory.text",      "memory.json",     "memory.isolate",   "memory.runexec",
        "memory.gnu-time",  "memory.go-judge", "failure.text",     "failure.json",
        "failure.isolate",  "failure.runexec", "failure.gnu-time", "failure.go-judge",
        "nothing.text",     "nothing.isolate", "nothing.runexec",  "nothing.gnu-time",
        "nothing.go-judge", "evil.text",       "evil.isolate",     "evil.gnu-time",
        "evil.go-judge",
    };
    static const struct CMUnitTest fixed_tests[] = {
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(json_keeps_foreign_text_apart),
        cmocka_unit_test(json_is_valid_for_any_bytes),
        cmocka_unit_test(a_limit_given_twice_is_one_member),
        cmocka_unit_test(numbers_that_json_cannot_hold_are_null),
        cmocka_unit_test(every_cause_has_a_word_elsewhere),
        cmocka_unit_test(gnu_time_counts_hours),
        cmocka_unit_test(figures_fall_back_to_command_s_own),
        cmocka_unit_test(values_say_what_they_mean),
    };
    struct CMUnitTest tests[ARRAY_SIZE(fixed_tests) + ARRAY_SIZE(file_table)];

    memcpy(tests, fixed_tests, sizeof(fixed_tests));
    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++)
        tests[ARRAY_SIZE(fixed_tests) + i] =
            (struct CMUnitTest){ file_table[i], check_print, NULL, NULL,
                                 (void *)(uintptr_t)file_table[i] };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
