/* What is seen of layers on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "imagecli/progress.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MIB    1048576ull

static const struct line_row {
    enum registry_blob_state state;
    uint64_t done, size;
    double rate;
    unsigned width;
    const char *wanted;
} line_rows[] = {
    { REGISTRY_WAITING, 0, 5 * MIB, 0, 80, "0123456789ab  5.0 MiB  waiting" },
    { REGISTRY_THERE, 5 * MIB, 5 * MIB, 0, 80, "0123456789ab  5.0 MiB  there already" },
    { REGISTRY_UNPACKING, 1, 700, 0, 80, "0123456789ab  700 B  unpacking" },
    { REGISTRY_MOVING, 0, 100 * MIB, 0, 80,
      "0123456789ab  [>                             ]  0 B of 100 MiB" },
    { REGISTRY_MOVING, 50 * MIB, 100 * MIB, 5.0 * MIB, 80,
      "0123456789ab  [==========>          ]  50.0 MiB of 100 MiB  5.0 MiB/s  10 s left" },
    { REGISTRY_MOVING, 100 * MIB, 100 * MIB, 5.0 * MIB, 70,
      "0123456789ab  [=============]  100 MiB of 100 MiB  5.0 MiB/s  0 s left" },
    /* Where the bar has no room the figures are what counts; and a line is never longer than the terminal. */
    { REGISTRY_MOVING, 50 * MIB, 100 * MIB, 5.0 * MIB, 60,
      "0123456789ab  50.0 MiB of 100 MiB  5.0 MiB/s  10 s left" },
    { REGISTRY_MOVING, 50 * MIB, 100 * MIB, 5.0 * MIB, 20, "0123456789ab  50.0 M" },
    { REGISTRY_MOVING, 0, 0, 0, 80, "0123456789ab  [==============================]  0 B of 0 B" },
    /* More than there is, from whoever lies. */
    { REGISTRY_MOVING, 200, 100, 0, 80,
      "0123456789ab  [==============================]  200 B of 100 B" },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(line_rows); i++) {
        const struct line_row *row = &line_rows[i];
        _cleanup_buf_ struct buf text = BUF_INIT;
        progress_line(DIGEST, row->state, row->done, row->size, row->rate, row->width, &text);
        assert_string_equal(buf_text(&text), row->wanted);
    }
}

static void expect_time(uint64_t seconds, const char *wanted)
{
    char text[32];

    progress_time(seconds, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void test_times(void **state)
{
    (void)state;
    expect_time(0, "0 s");
    expect_time(59, "59 s");
    expect_time(60, "1 min 0 s");
    expect_time(3599, "59 min 59 s");
    expect_time(3600, "1 h 0 min");
    expect_time(359999, "99 h 59 min");
    expect_time(360000, "days");
    expect_time(UINT64_MAX, "days");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests_name("imagecli_progress", tests, NULL, NULL);
}
