/* base: numbers, units and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"

#define UNTOUCHED UINT64_C(0x5555555555555555)

static void number_is_strict(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        int r;
        uint64_t value;
    } table[] = {
        { "0", UINT64_MAX, 0, 0 },
        { "1", UINT64_MAX, 0, 1 },
        { "007", UINT64_MAX, 0, 7 },
        { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
        { "18446744073709551620", UINT64_MAX, -ERANGE, 0 },
        { "99999999999999999999999999999999", UINT64_MAX, -ERANGE, 0 },
        { "4294967295", UINT32_MAX, 0, UINT32_MAX },
        { "4294967296", UINT32_MAX, -ERANGE, 0 },
        { "1", 0, -ERANGE, 0 },
        { "", UINT64_MAX, -EINVAL, 0 },
        { " 1", UINT64_MAX, -EINVAL, 0 },
        { "1 ", UINT64_MAX, -EINVAL, 0 },
        { "1\n", UINT64_MAX, -EINVAL, 0 },
        { "+1", UINT64_MAX, -EINVAL, 0 },
        { "-1", UINT64_MAX, -EINVAL, 0 },
        { "0x10", UINT64_MAX, -EINVAL, 0 },
        { "1e3", UINT64_MAX, -EINVAL, 0 },
        { "1.0", UINT64_MAX, -EINVAL, 0 },
        { "1:", UINT64_MAX, -EINVAL, 0 },
        { "\xd9\xa1", UINT64_MAX, -EINVAL, 0 }, /* an Arabic digit */
        { "1_000", UINT64_MAX, -EINVAL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint64_t value = UNTOUCHED;
        int r = number_parse(table[i].text, table[i].max, &value);
        if (r != table[i].r || value != (r == 0 ? table[i].value : UNTOUCHED))
            fail_msg("'%s': %d, %llu", table[i].text, r, (unsigned long long)value);
    }
}

static void signed_number_reaches_both_ends(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max;
        int r;
        int64_t value;
    } table[] = {
        { "0", INT64_MIN, INT64_MAX, 0, 0 },
        { "-0", INT64_MIN, INT64_MAX, 0, 0 },
        { "-1", -1, 0, 0, -1 },
        { "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
        { "9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0 },
        { "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
        { "-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0 },
        { "-1000", -1000, 1000, 0, -1000 },
        { "-1001", -1000, 1000, -ERANGE, 0 },
        { "1001", -1000, 1000, -ERANGE, 0 },
        { "-", INT64_MIN, INT64_MAX, -EINVAL, 0 },
        { "--1", INT64_MIN, INT64_MAX, -EINVAL, 0 },
        { "+1", INT64_MIN, INT64_MAX, -EINVAL, 0 },
        { "- 1", INT64_MIN, INT64_MAX, -EINVAL, 0 },
        { "", INT64_MIN, INT64_MAX, -EINVAL, 0 },
        { "1-", INT64_MIN, INT64_MAX, -EINVAL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        int64_t value = 77;
        int r = number_parse_signed(table[i].text, table[i].min, table[i].max, &value);
        if (r != table[i].r || value != (r == 0 ? table[i].value : 77))
            fail_msg("'%s': %d, %lld", table[i].text, r, (long long)value);
    }
}

/* One shape for everything that is a decimal with a unit. */
struct unit_row {
    const char *text;
    int r;
    uint64_t value;
};

static void check_units(const struct unit_row *rows, size_t n,
                        int (*parse)(const char *text, uint64_t *ret))
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = UNTOUCHED;
        int r = parse(rows[i].text, &value);
        if (r != rows[i].r || value != (r == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)value);
    }
}

static int parse_millionths(const char *text, uint64_t *ret)
{
    return number_parse_fixed(text, 1000000, ret);
}

static void fixed_is_exact(void **state)
{
    static const struct unit_row table[] = {
        { "1", 0, 1000000 },
        { "1.5", 0, 1500000 },
        { "0.000001", 0, 1 },
        { ".5", 0, 500000 }, /* docker's manual writes --cpus=".5" */
        { "0.1", 0, 100000 },
        { "0.3", 0, 300000 },
        { "1.0000010", 0, 1000001 },
        { "0.00000100000000000000000000000000", 0, 1 },
        { "0.0000001", -EINVAL, 0 },
        { "0.1234567", -EINVAL, 0 },
        { "0.0000010000000000000000000000001", -EINVAL, 0 },
        { "18446744073709.551615", 0, UINT64_MAX },
        { "18446744073709.551616", -ERANGE, 0 },
        { "18446744073710", -ERANGE, 0 },
        { "18446744073709551616", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { ".", -EINVAL, 0 },
        { "1.", -EINVAL, 0 },
        { "1..5", -EINVAL, 0 },
        { "1.5.0", -EINVAL, 0 },
        { "1,5", -EINVAL, 0 },
        { "-0.5", -EINVAL, 0 },
        { "1.5x", -EINVAL, 0 },
        { "1. 5", -EINVAL, 0 },
        { "nan", -EINVAL, 0 },
        { "inf", -EINVAL, 0 },
    };

    (void)state;
    check_units(table, ARRAY_SIZE(table), parse_millionths);
}

static void sizes_are_docker_s(void **state)
{
    static const struct unit_row table[] = {
        { "0", 0, 0 },
        { "1", 0, 1 },
        { "64b", 0, 64 },
        { "4k", 0, 4096 },
        { "50m", 0, 52428800 },
        { "50M", 0, 52428800 },
        { "50mb", 0, 52428800 },
        { "50MiB", 0, 52428800 },
        { "50Mi", 0, 52428800 },
        { "1g", 0, UINT64_C(1) << 30 },
        { "2t", 0, UINT64_C(2) << 40 },
        { "1p", 0, UINT64_C(1) << 50 },
        { "1.5g", 0, UINT64_C(1610612736) },
        { ".5g", 0, UINT64_C(536870912) },
        { "0.5k", 0, 512 },
        { "1.3k", 0, 1331 }, /* whole bytes, downwards */
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE, 0 },
        { "16383p", 0, UINT64_C(16383) << 50 },
        { "16384p", -ERANGE, 0 },
        { "18014398509481984k", -ERANGE, 0 },
        { "18014398509481983.99999999k", 0, UINT64_MAX },
        { "1.5", -EINVAL, 0 }, /* half a byte */
        { "1.5b", -EINVAL, 0 },
        { "", -EINVAL, 0 },
        { "m", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "-1m", -EINVAL, 0 },
        { "1 m", -EINVAL, 0 },
        { "1mm", -EINVAL, 0 },
        { "1mib2", -EINVAL, 0 },
        { "1e6", -EINVAL, 0 },
        { "0x10m", -EINVAL, 0 },
        { "1x", -EINVAL, 0 },
        { "1m\n", -EINVAL, 0 },
        { "max", -EINVAL, 0 },
    };

    (void)state;
    check_units(table, ARRAY_SIZE(table), size_parse);
}

static int parse_seconds(const char *text, uint64_t *ret)
{
    return duration_parse(text, 1000000, ret);
}

static int parse_milliseconds(const char *text, uint64_t *ret)
{
    return duration_parse(text, 1000, ret);
}

static void durations_have_units(void **state)
{
    static const struct unit_row seconds[] = {
        { "1", 0, 1000000 },
        { "0.25", 0, 250000 },
        { ".25", 0, 250000 },
        { "250ms", 0, 250000 },
        { "80us", 0, 80 },
        { "1.5s", 0, 1500000 },
        { "2m", 0, 120000000 },
        { "1.5h", 0, UINT64_C(5400000000) },
        { "0.1us", -EINVAL, 0 },
        { "0.0000001s", -EINVAL, 0 },
        { "5124095576h", 0, UINT64_C(18446744073600000000) },
        { "5124095577h", -ERANGE, 0 },
        { "18446744073709551616us", -ERANGE, 0 },
        { "1d", -EINVAL, 0 },
        { "1 s", -EINVAL, 0 },
        { "1s ", -EINVAL, 0 },
        { "1h30m", -EINVAL, 0 },
        { "-1s", -EINVAL, 0 },
        { "s", -EINVAL, 0 },
        { "", -EINVAL, 0 },
    };
    static const struct unit_row milliseconds[] = {
        { "1", 0, 1000 },
        { "1.5", 0, 1500 },
        { "1s", 0, 1000000 },
        { "0.0001", -EINVAL, 0 },
    };

    (void)state;
    check_units(seconds, ARRAY_SIZE(seconds), parse_seconds);
    check_units(milliseconds, ARRAY_SIZE(milliseconds), parse_milliseconds);
}

struct format_row {
    uint64_t value;
    const char *text;
};

static void check_format(const struct format_row *rows, size_t n,
                         void (*format)(uint64_t value, char *ret, size_t size))
{
    for (size_t i = 0; i < n; i++) {
        char text[64];
        format(rows[i].value, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

static void shown_sizes_stay_exact(void **state)
{
    static const struct format_row table[] = {
        { 0, "0 B" },
        { 512, "512 B" },
        { 1023, "1023 B" },
        { 1024, "1 KiB" },
        { 1025, "1025 B" },
        { 1152, "1.125 KiB" },
        { 1280, "1.25 KiB" },
        { 1536, "1.5 KiB" },
        { 52428800, "50 MiB" },
        { 52428801, "52428801 B" },
        { UINT64_C(1000) << 20, "1000 MiB" },
        { UINT64_C(1610612736), "1.5 GiB" },
        { UINT64_C(1) << 50, "1024 TiB" },
        { UINT64_MAX, "18446744073709551615 B" },
        { UINT64_C(9223372036854771712), "9007199254740988 KiB" },
    };

    (void)state;
    check_format(table, ARRAY_SIZE(table), size_format);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        /* What is shown can be typed back, without its blank. */
        char text[64], *blank;
        uint64_t value;
        size_format(table[i].value, text, sizeof(text));
        blank = strchr(text, ' ');
        memmove(blank, blank + 1, strlen(blank));
        assert_int_equal(size_parse(text, &value), 0);
        assert_true(value == table[i].value);
    }
}

static void shown_durations_are_short(void **state)
{
    static const struct format_row table[] = {
        { 0, "0 us" },
        { 80, "80 us" },
        { 999, "999 us" },
        { 1000, "1 ms" },
        { 250000, "250 ms" },
        { 250100, "250.100 ms" },
        { 999999, "999.999 ms" },
        { 1000000, "1 s" },
        { 1234567, "1.234 s" },
        { 2000999, "2.000 s" }, /* not quite two seconds and a bit: not said to be exact */
        { UINT64_MAX, "18446744073709.551 s" },
    };

    (void)state;
    check_format(table, ARRAY_SIZE(table), duration_format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_is_strict),
        cmocka_unit_test(signed_number_reaches_both_ends),
        cmocka_unit_test(fixed_is_exact),
        cmocka_unit_test(sizes_are_docker_s),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(shown_sizes_stay_exact),
        cmocka_unit_test(shown_durations_are_short),
    };

    return cmocka_run_group_tests_name("base_number", tests, NULL, NULL);
}
