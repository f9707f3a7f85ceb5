/* base: numbers and units, buffers, text, errors, files and the event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define UNTOUCHED UINT64_C(0x5555555555555555)

/* ---- numbers --------------------------------------------------------------------------------- */

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

/* ---- buffers ----------------------------------------------------------------------------------- */

static void buffer_grows_and_stays_terminated(void **state)
{
    _cleanup_buf_ struct buf b = BUF_INIT;
    char long_text[1000];

    (void)state;
    assert_string_equal(buf_text(&b), "");
    for (unsigned i = 0; i < 5000; i++) {
        buf_printf(&b, "%u,", i % 10);
        assert_int_equal(b.data[b.len], 0);
    }
    assert_int_equal(b.len, 10000);
    assert_int_equal(buf_error(&b), 0);
    assert_memory_equal(buf_text(&b) + 9990, "5,6,7,8,9,", 10);

    buf_reset(&b);
    assert_string_equal(buf_text(&b), "");
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    /* Around the size of the buffer that buf_printf tries first. */
    for (int n = 250; n < 262; n++) {
        buf_reset(&b);
        buf_printf(&b, "%.*s", n, long_text);
        assert_int_equal(b.len, n);
        assert_int_equal(strlen(buf_text(&b)), n);
    }
    buf_reset(&b);
    buf_add(&b, "a\0b", 3);
    buf_putc(&b, 'c');
    buf_puts(&b, "");
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "a\0bc", 5);
}

static void buffer_failure_is_sticky(void **state)
{
    _cleanup_buf_ struct buf b = BUF_INIT;

    (void)state;
    buf_puts(&b, "before");
    buf_add(&b, NULL, SIZE_MAX - 3); /* cannot be had: not touched before that is known */
    assert_int_equal(buf_error(&b), -ENOMEM);
    assert_string_equal(buf_text(&b), "before");
    buf_puts(&b, "after");
    buf_putc(&b, 'x');
    buf_printf(&b, "%d", 1);
    assert_int_equal(buf_error(&b), -ENOMEM);
    assert_string_equal(buf_text(&b), "before");
    assert_null(buf_take(&b));
    /* After that it is as new. */
    assert_int_equal(buf_error(&b), 0);
    buf_puts(&b, "again");
    assert_string_equal(buf_text(&b), "again");
}

static void buffer_gives_its_text_away(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    char *empty = buf_take(&b);
    assert_string_equal(empty, "");
    free(empty);
    buf_puts(&b, "text");
    char *text = buf_take(&b);
    assert_string_equal(text, "text");
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    free(text);
}

/* ---- text ----------------------------------------------------------------------------------------- */

static void nearest_word_is_near(void **state)
{
    static const char *const words[] = { "memory",     "memory-swap", "cpus",        "cpu-shares",
                                         "pids-limit", "name",        "memory-high", "rm" };
    static const struct {
        const char *word, *nearest;
    } table[] = {
        { "memory", "memory" },
        { "memoyr", "memory" },
        { "memry", "memory" },
        { "memroy-swap", "memory-swap" },
        { "memory-hihg", "memory-high" },
        { "pid-limit", "pids-limit" },
        { "pidslimit", "pids-limit" },
        { "nmae", NULL }, /* two changes of four letters are too many */
        { "nam", "name" },
        { "cpu", "cpus" },
        { "xyzzy", NULL },
        { "r", NULL },
        { "", NULL },
    };
    char huge[10001];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const char *nearest = text_nearest(table[i].word, words, ARRAY_SIZE(words));
        if (!table[i].nearest)
            assert_null(nearest);
        else
            assert_string_equal(text_or_empty(nearest), table[i].nearest);
    }
    memset(huge, 'm', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_null(text_nearest(huge, words, ARRAY_SIZE(words)));
    assert_null(text_nearest("memory", NULL, 0));
}

static void vectors_own_their_strings(void **state)
{
    char **v = NULL, **copy = NULL;

    (void)state;
    assert_int_equal(strv_length(v), 0);
    assert_int_equal(strv_copy(v, &copy), 0);
    assert_int_equal(strv_length(copy), 0);
    strv_free(copy);
    for (unsigned i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(strv_push(&v, text), 0);
        assert_int_equal(strv_length(v), i + 1);
    }
    assert_int_equal(strv_copy(v, &copy), 0);
    strv_free(v);
    assert_int_equal(strv_length(copy), 100);
    assert_string_equal(copy[0], "0");
    assert_string_equal(copy[99], "99");
    strv_free(copy);

    char *text = NULL;
    assert_int_equal(text_replace(&text, "one"), 0);
    assert_int_equal(text_replace(&text, "two"), 0);
    assert_string_equal(text, "two");
    assert_int_equal(text_replace(&text, NULL), 0);
    assert_null(text);
    assert_true(text_starts("memory-swap", "memory"));
    assert_true(text_starts("memory", ""));
    assert_false(text_starts("mem", "memory"));
}

static void keyed_numbers_are_found(void **state)
{
    static const char text[] = "cache 4096\n"
                               "rss 12\n"
                               "rss_huge 0\n"
                               "MemTotal:       16384 kB\n"
                               "some avg10=1.50 total=99\n"
                               "tight=7\n"
                               "tab\t8\n"
                               "word high\n"
                               "big 18446744073709551615\n"
                               "bigger 18446744073709551616\n"
                               "biggest 999999999999999999999999999999\n"
                               "negative -5\n"
                               "last 3";
    static const struct {
        const char *key;
        bool found;
        uint64_t value;
    } table[] = {
        { "cache", true, 4096 }, { "rss", true, 12 },         { "rss_huge", true, 0 },
        { "rss_", false, 0 },    { "ss", false, 0 },          { "MemTotal", true, 16384 },
        { "tight", true, 7 },    { "tab", true, 8 },          { "some", false, 0 },
        { "word", false, 0 },    { "big", true, UINT64_MAX }, { "bigger", false, 0 },
        { "biggest", false, 0 }, { "negative", false, 0 },    { "last", true, 3 },
        { "absent", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint64_t value = UNTOUCHED;
        bool found = keyed_find_u64(text, table[i].key, &value);
        if (found != table[i].found || (found && value != table[i].value))
            fail_msg("%s: %d, %llu", table[i].key, found, (unsigned long long)value);
    }
    uint64_t value;
    assert_false(keyed_find_u64("", "rss", &value));
    assert_false(keyed_find_u64("rss", "rss", &value));
    assert_false(keyed_find_u64("rss\n12\n", "rss", &value));
    assert_false(keyed_find_u64("rss \n12\n", "rss", &value));
}

static void lines_are_walked_to_the_last(void **state)
{
    const char *cursor = "one\n\nthree\nfour", *line;
    static const size_t lengths[] = { 3, 0, 5, 4 };
    size_t len, n = 0;

    (void)state;
    while (line_next(&cursor, &line, &len)) {
        assert_in_range(n, 0, 3);
        assert_int_equal(len, lengths[n]);
        n++;
    }
    assert_int_equal(n, 4);
    cursor = NULL;
    assert_false(line_next(&cursor, &line, &len));
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void errors_are_told_once(void **state)
{
    struct err err = ERR_INIT;
    char huge[2000];

    (void)state;
    errno = EIO; /* %m means the error's own code, not what errno happens to be */
    assert_int_equal(err_set(&err, ENOENT, "cannot open %s: %m", "/x"), -ENOENT);
    assert_string_equal(err.text, "cannot open /x: No such file or directory");
    assert_int_equal(err.code, ENOENT);
    assert_string_equal(err.step, "");

    err_step(&err, "mounts");
    err_step(&err, "exec");
    assert_string_equal(err.step, "mounts");
    err_prefix(&err, "group %s", "a");
    assert_string_equal(err.text, "group a: cannot open /x: No such file or directory");
    assert_int_equal(err.code, ENOENT);

    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    err_prefix(&err, "%s", huge);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_set(&err, EIO, "%s", huge);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "short");
    assert_memory_equal(err.text, "short: xxx", 10);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.step, ""); /* a new error has no step yet */

    /* Nobody who asks for no sentence gets one. */
    assert_int_equal(err_set(NULL, EIO, "unheard"), -EIO);
    assert_int_equal(err_nomem(NULL), -ENOMEM);
    err_prefix(NULL, "x");
    err_step(NULL, "x");
    /* Goes through a pipe in one atomic write. */
    assert_true(sizeof(struct err) <= PIPE_BUF);
}

static void errors_have_an_exit_status(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    err_set(&err, EIO, "x");
    assert_int_equal(err_exit_status(&err), 125);
    assert_int_equal(err_refuse(&err, ENOTSUP, "x"), -ENOTSUP);
    assert_int_equal(err_exit_status(&err), 125);
    assert_int_equal(err_usage(&err, "x"), -EINVAL);
    assert_int_equal(err_exit_status(&err), 2);
    err_set_class(&err, ERR_NOT_EXECUTABLE, EACCES, "x");
    assert_int_equal(err_exit_status(&err), 126);
    err_set_class(&err, ERR_NOT_FOUND, ENOENT, "x");
    assert_int_equal(err_exit_status(&err), 127);
    err.class = (enum err_class)99; /* came torn through a pipe */
    assert_int_equal(err_exit_status(&err), 125);
    assert_string_equal(err_name(ENOSPC), "No space left on device");
    assert_string_equal(err_name(99999), "unknown error");
    assert_string_equal(err_name(-1), "unknown error");
}

/* ---- files ------------------------------------------------------------------------------------------- */

struct scratch {
    char path[64];
    int fd;
};

static void scratch_make(struct scratch *scratch)
{
    snprintf(scratch->path, sizeof(scratch->path), "/tmp/ration-base-test.XXXXXX");
    assert_non_null(mkdtemp(scratch->path));
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scratch->fd >= 0);
}

static void scratch_file(const struct scratch *scratch, const void *data, size_t len)
{
    int fd = openat(scratch->fd, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, data, len), 0);
    close(fd);
}

static void scratch_drop(const struct scratch *scratch)
{
    unlinkat(scratch->fd, "file", 0);
    close(scratch->fd);
    assert_int_equal(rmdir(scratch->path), 0);
}

static void files_are_read_whole_or_not(void **state)
{
    _cleanup_buf_ struct buf b = BUF_INIT;
    char *big = calloc(1, 10000), line[16];
    struct scratch scratch;

    (void)state;
    assert_non_null(big);
    scratch_make(&scratch);
    memset(big, 'a', 10000);
    scratch_file(&scratch, big, 10000);
    buf_puts(&b, "old");
    assert_int_equal(file_read(scratch.fd, "file", 10000, &b), 0);
    assert_int_equal(b.len, 10000);
    assert_int_equal(file_read(scratch.fd, "file", 9999, &b), -EFBIG);
    assert_int_equal(file_read(scratch.fd, "absent", 10, &b), -ENOENT);
    assert_int_equal(file_read(scratch.fd, ".", 10, &b), -EISDIR);
    free(big);

    /* A line that does not fit is not cut: half a number is a wrong number. */
    scratch_file(&scratch, "123456789012345\n", 16);
    assert_int_equal(file_read_line(scratch.fd, "file", line, sizeof(line)), 15);
    assert_string_equal(line, "123456789012345");
    scratch_file(&scratch, "1234567890123456", 16);
    assert_int_equal(file_read_line(scratch.fd, "file", line, sizeof(line)), -EFBIG);
    scratch_file(&scratch, "two\nlines\n\n", 11);
    assert_int_equal(file_read_line(scratch.fd, "file", line, sizeof(line)), 9);
    assert_string_equal(line, "two\nlines");
    scratch_file(&scratch, "", 0);
    assert_int_equal(file_read_line(scratch.fd, "file", line, sizeof(line)), 0);
    assert_string_equal(line, "");
    assert_int_equal(file_read_line(scratch.fd, "absent", line, sizeof(line)), -ENOENT);

    /* Writing never makes a file: kernel files are there or are not. */
    assert_int_equal(file_write(scratch.fd, "absent", "x"), -ENOENT);
    assert_int_equal(file_write(scratch.fd, "file", "text"), 0);
    assert_int_equal(file_read_line(scratch.fd, "file", line, sizeof(line)), 4);
    scratch_drop(&scratch);
}

static void closing_keeps_errno(void **state)
{
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    close(pipe_fds[1]);
    errno = ENOSPC;
    assert_int_equal(fd_close(pipe_fds[0]), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(fcntl(pipe_fds[0], F_GETFD), -1);
    errno = ENOSPC;
    fd_close(pipe_fds[0]); /* closed already: says nothing */
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(fd_close(-1), -1);
}

/* ---- the event loop ------------------------------------------------------------------------------------ */

struct play {
    struct loop loop;
    char order[32]; /* a letter per callback, in the order in which they came */
    int slot, other_slot;
    int spare[2]; /* a socket pair that a callback may bring in */
};

static void play_note(struct play *play, char letter)
{
    size_t n = strlen(play->order);

    assert_true(n + 1 < sizeof(play->order));
    play->order[n] = letter;
}

static int on_a(void *data)
{
    play_note(data, 'a');
    return 0;
}

static int on_b(void *data)
{
    play_note(data, 'b');
    return 0;
}

static int on_stop(void *data)
{
    struct play *play = data;

    play_note(play, 's');
    loop_stop(&play->loop);
    return 0;
}

static int on_error(void *data)
{
    play_note(data, 'e');
    return -EPROTO;
}

static void timers_fire_in_time_s_order(void **state)
{
    struct play play = { 0 };
    uint64_t now = clock_us(CLOCK_MONOTONIC);

    (void)state;
    loop_init(&play.loop);
    int stop = loop_add_timer(&play.loop, on_stop, &play);
    int b = loop_add_timer(&play.loop, on_b, &play);
    int a = loop_add_timer(&play.loop, on_a, &play);
    int never = loop_add_timer(&play.loop, on_error, &play);
    /* All are due at once, as after a pause of this process: still first what was due first. */
    loop_arm(&play.loop, stop, now - 10);
    loop_arm(&play.loop, b, now - 20);
    loop_arm(&play.loop, a, now - 30);
    loop_arm(&play.loop, never, now - 40);
    loop_arm(&play.loop, never, UINT64_MAX);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "abs");
    /* Each fires once. */
    loop_arm(&play.loop, stop, clock_us(CLOCK_MONOTONIC) + 2000);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "abss");
}

static int on_again(void *data)
{
    struct play *play = data;

    play_note(play, 'r');
    if (strlen(play->order) == 5)
        loop_stop(&play->loop);
    loop_arm(&play->loop, play->slot, 0);
    return 0;
}

static void timer_may_arm_itself(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    play.slot = loop_add_timer(&play.loop, on_again, &play);
    loop_arm(&play.loop, play.slot, 0);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "rrrrr");
}

static void loop_returns_a_callback_s_error(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    loop_arm(&play.loop, loop_add_timer(&play.loop, on_error, &play), 1);
    loop_arm(&play.loop, loop_add_timer(&play.loop, on_a, &play), 2);
    assert_int_equal(loop_run(&play.loop), -EPROTO);
    assert_string_equal(play.order, "e");
}

static int on_read(void *data, int fd, short revents)
{
    struct play *play = data;
    char letter = '?';

    assert_true(revents & POLLIN);
    assert_int_equal(read(fd, &letter, 1), 1);
    play_note(play, letter);
    if (letter == 's')
        loop_stop(&play->loop);
    return letter == 'e' ? -EPROTO : 0;
}

static void loop_watches_descriptors(void **state)
{
    struct play play = { 0 };
    int one[2], two[2];

    (void)state;
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    loop_init(&play.loop);
    int slot = loop_add_fd(&play.loop, one[0], POLLIN, on_read, &play);
    int other = loop_add_fd(&play.loop, two[0], POLLIN, on_read, &play);
    assert_int_equal(write(one[1], "12s", 3), 3);
    assert_int_equal(write(two[1], "x", 1), 1);
    loop_set_events(&play.loop, other, 0); /* not looked at for now */
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "12s");

    loop_set_events(&play.loop, other, POLLIN);
    loop_remove_fd(&play.loop, slot);
    assert_int_equal(write(one[1], "no", 2), 2);
    assert_int_equal(write(two[1], "e", 1), 1);
    assert_int_equal(loop_run(&play.loop), -EPROTO);
    assert_string_equal(play.order, "12sxe");
    loop_remove_fd(&play.loop, -1); /* as a failed add leaves it */
    close(one[0]), close(one[1]), close(two[0]), close(two[1]);
}

static int on_never(void *data, int fd, short revents)
{
    (void)fd, (void)revents;
    play_note(data, 'N');
    return 0;
}

/* Gives the other's slot to a descriptor that has nothing to say, under the same number. */
static int on_replace(void *data, int fd, short revents)
{
    struct play *play = data;
    char letter;

    (void)revents;
    assert_int_equal(read(fd, &letter, 1), 1);
    play_note(play, letter);
    int number = play->loop.watch[play->other_slot].fd;
    loop_remove_fd(&play->loop, play->other_slot);
    assert_int_equal(dup2(play->spare[0], number), number);
    assert_int_equal(loop_add_fd(&play->loop, number, POLLIN, on_never, play), play->other_slot);
    loop_arm(&play->loop, play->slot, 0);
    return 0;
}

static void slot_given_away_gets_no_old_event(void **state)
{
    struct play play = { 0 };
    int one[2], two[2];

    (void)state;
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    assert_int_equal(pipe(play.spare), 0);
    loop_init(&play.loop);
    play.slot = loop_add_timer(&play.loop, on_stop, &play);
    loop_add_fd(&play.loop, one[0], POLLIN, on_replace, &play);
    play.other_slot = loop_add_fd(&play.loop, two[0], POLLIN, on_read, &play);
    assert_int_equal(write(one[1], "1", 1), 1);
    assert_int_equal(write(two[1], "2", 1), 1);
    assert_int_equal(loop_run(&play.loop), 0);
    assert_string_equal(play.order, "1s");
    close(one[0]), close(one[1]), close(two[0]), close(two[1]);
    close(play.spare[0]), close(play.spare[1]);
}

static void loop_says_when_it_is_full(void **state)
{
    struct play play = { 0 };

    (void)state;
    loop_init(&play.loop);
    for (int i = 0; i < LOOP_SLOTS; i++) {
        assert_true(loop_add_fd(&play.loop, 0, 0, on_never, &play) >= 0);
        assert_true(loop_add_timer(&play.loop, on_a, &play) >= 0);
    }
    assert_int_equal(loop_add_fd(&play.loop, 0, 0, on_never, &play), -ENOSPC);
    assert_int_equal(loop_add_timer(&play.loop, on_a, &play), -ENOSPC);
    loop_remove_fd(&play.loop, 7);
    assert_int_equal(loop_add_fd(&play.loop, 0, 0, on_never, &play), 7);
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
        cmocka_unit_test(buffer_grows_and_stays_terminated),
        cmocka_unit_test(buffer_failure_is_sticky),
        cmocka_unit_test(buffer_gives_its_text_away),
        cmocka_unit_test(nearest_word_is_near),
        cmocka_unit_test(vectors_own_their_strings),
        cmocka_unit_test(keyed_numbers_are_found),
        cmocka_unit_test(lines_are_walked_to_the_last),
        cmocka_unit_test(errors_are_told_once),
        cmocka_unit_test(errors_have_an_exit_status),
        cmocka_unit_test(files_are_read_whole_or_not),
        cmocka_unit_test(closing_keeps_errno),
        cmocka_unit_test(timers_fire_in_time_s_order),
        cmocka_unit_test(timer_may_arm_itself),
        cmocka_unit_test(loop_returns_a_callback_s_error),
        cmocka_unit_test(loop_watches_descriptors),
        cmocka_unit_test(slot_given_away_gets_no_old_event),
        cmocka_unit_test(loop_says_when_it_is_full),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
