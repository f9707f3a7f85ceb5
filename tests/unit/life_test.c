/* The pure parts of containers: state lines, names, restarts, log entries, filters, and what ps says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "life/life_private.h"

static void lines_are_merged(void **state)
{
    _cleanup_buf_ struct buf merged = BUF_INIT;

    (void)state;
    state_merge("a 1\nb 2\nbb 3\nc 4\n", "b\nc 5 6\nd 7\n", &merged);
    assert_string_equal(buf_text(&merged), "a 1\nbb 3\nc 5 6\nd 7\n");
    buf_reset(&merged);
    state_line(&merged, "key", "two\nlines");
    assert_string_equal(buf_text(&merged), "key two lines\n");
}

static void names_are_names(void **state)
{
    char name[NAME_SIZE];

    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        name_generate(i, i * 7, i, name);
        assert_true(name_valid(name));
        assert_non_null(strchr(name, '_'));
    }
    assert_true(name_valid("a.B-c_9"));
    assert_false(name_valid(""));
    assert_false(name_valid("-a"));
    assert_false(name_valid("a/b"));
    assert_false(name_valid("../a"));
}

static void restarts_are_decided(void **state)
{
    static const struct {
        struct restart_policy policy;
        struct restart_facts facts;
        bool again;
        uint64_t delay_us;
    } fact_table[] = {
        { { RESTART_NO, 0 }, { .status = 1 }, false, 0 },
        { { RESTART_ON_FAILURE, 0 }, { .status = 0 }, false, 0 },
        { { RESTART_ON_FAILURE, 0 }, { .status = 1 }, true, 100000 },
        { { RESTART_ON_FAILURE, 2 }, { .status = 1, .restarts = 1 }, true, 100000 },
        { { RESTART_ON_FAILURE, 2 }, { .status = 1, .restarts = 2 }, false, 0 },
        { { RESTART_ALWAYS, 0 }, { .status = 0, .delay_us = 100000 }, true, 200000 },
        { { RESTART_ALWAYS, 0 }, { .delay_us = 40000000 }, true, 60000000 },
        { { RESTART_ALWAYS, 0 }, { .delay_us = 60000000, .up_us = 10000000 }, true, 100000 },
        { { RESTART_ALWAYS, 0 }, { .stopped = true }, false, 0 },
        { { RESTART_UNLESS_STOPPED, 0 }, { .status = 0 }, true, 100000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fact_table); i++) {
        uint64_t delay_us = 0;
        assert_int_equal(restart_decide(&fact_table[i].policy, &fact_table[i].facts, &delay_us),
                         fact_table[i].again);
        assert_int_equal(delay_us, fact_table[i].delay_us);
    }
}

static void entries_come_back(void **state)
{
    static const char *const text_table[] = {
        "plain\n",
        "no newline",
        "\"quoted\\\" \t\r\b\f\x01\x7f",
        "caf\xc3\xa9 \xe2\x82\xac",
        "bytes \xff\xfe\xc3(\xed\xa0\x80",
        "",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++) {
        _cleanup_buf_ struct buf line = BUF_INIT;
        uint64_t time_ns;
        unsigned stream;
        size_t length;
        char *text;
        log_entry_format(&line, i % 2, 1234567890987654321u, text_table[i], strlen(text_table[i]));
        assert_int_equal(line.data[line.len - 1], '\n');
        line.data[--line.len] = '\0';
        assert_true(log_entry_parse(line.data, line.len, &text, &length, &stream, &time_ns));
        assert_int_equal(length, strlen(text_table[i]));
        assert_memory_equal(text, text_table[i], length);
        assert_int_equal(stream, i % 2);
        assert_int_equal(time_ns, 1234567890987654321u);
    }
}

static void damaged_entries_are_none(void **state)
{
    static const char *const line_table[] = {
        "",
        "{}",
        "{\"log\":\"a",
        "{\"log\":\"a\",\"stream\":\"stdin\",\"time\":\"2026-01-01T00:00:00Z\"}",
        "{\"log\":\"\\x\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:00Z\"}",
        "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"soon\"}",
        "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:00Z\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(line_table); i++) {
        char line[160], *text;
        uint64_t time_ns;
        unsigned stream;
        size_t length;
        snprintf(line, sizeof(line), "%s", line_table[i]);
        assert_false(log_entry_parse(line, strlen(line), &text, &length, &stream, &time_ns));
    }
}

static bool same_value(const void *data, const char *key, const char *value)
{
    const char *const *pairs = data;

    for (; *pairs; pairs += 2) {
        if (strcmp(pairs[0], key) == 0 && strcmp(pairs[1], value) == 0)
            return true;
    }
    return false;
}

static void filters_are_joined(void **state)
{
    static const char *const fact_table[] = {
        "status", "running", "label", "a", "label", "b", NULL
    };
    static const char *const key_table[] = { "label", "status" };
    const char *const either[] = { "status=exited", "status=running", NULL };
    const char *const both[] = { "label=a", "label=b", NULL };
    const char *const one_missing[] = { "label=a", "label=c", NULL };
    const char *const other[] = { "status=running", "label=c", NULL };
    const char *const unknown[] = { "colour=red", NULL };
    struct err err = ERR_INIT;

    (void)state;
    assert_true(filters_match(NULL, same_value, fact_table));
    assert_true(filters_match(either, same_value, fact_table));
    assert_true(filters_match(both, same_value, fact_table));
    assert_false(filters_match(one_missing, same_value, fact_table));
    assert_false(filters_match(other, same_value, fact_table));
    assert_true(filters_check(unknown, key_table, ARRAY_SIZE(key_table), &err) < 0);
    assert_string_equal(err.text, "--filter knows label and status, not \"colour\"");
    assert_true(label_matches("a=1", "a"));
    assert_true(label_matches("a=1", "a=1"));
    assert_false(label_matches("ab=1", "a"));
    assert_false(label_matches("a=1", "a=2"));
}

static void ages_are_told(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } age_table[] = {
        { 0, "Less than a second" }, { 1, "1 second" },          { 59, "59 seconds" },
        { 60, "About a minute" },    { 150, "2 minutes" },       { 3600, "About an hour" },
        { 47 * 3600, "47 hours" },   { 3 * 86400, "3 days" },    { 21 * 86400, "3 weeks" },
        { 90 * 86400, "3 months" },  { 800 * 86400, "2 years" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(age_table); i++) {
        char text[48];
        age_format(age_table[i].seconds * 1000000, text, sizeof(text));
        assert_string_equal(text, age_table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_merged),
        cmocka_unit_test(names_are_names),
        cmocka_unit_test(restarts_are_decided),
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(damaged_entries_are_none),
        cmocka_unit_test(filters_are_joined),
        cmocka_unit_test(ages_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
