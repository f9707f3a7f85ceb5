/* base: buffers, text, errors and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

#define UNTOUCHED UINT64_C(0x5555555555555555)

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
