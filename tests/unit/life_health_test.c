/* What a container's checks come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "life/health.h"

/* Results, '+' or '-', small letters in the start period ('p' and 'm'), and what it is after each: s, h or u. */
static void judged(const char *results, const char *wanted, unsigned retries)
{
    static const char letter_table[] = "nshu";
    enum health_status status = HEALTH_STARTING;
    unsigned failures = 0;
    char got[64] = "";

    for (size_t i = 0; results[i]; i++) {
        bool starting = strchr("pm", results[i]), failed = strchr("-m", results[i]);
        status = health_judge(status, failed, starting, retries, &failures);
        got[i] = letter_table[status];
        got[i + 1] = '\0';
    }
    assert_string_equal(got, wanted);
}

static void retries_are_in_a_row(void **state)
{
    (void)state;
    judged("+", "h", 3);
    judged("---", "ssu", 3);
    judged("--+--+---", "sshhhhhhu", 3);
    judged("-", "u", 1);
    judged("+-", "hu", 1);
    judged("---+", "ssuh", 3);
    judged("----+-", "ssuuhh", 3);
}

static void the_start_period_forgives(void **state)
{
    (void)state;
    judged("mmmmm---", "sssssssu", 3);
    judged("mp--", "shhu", 2);
    /* Once it was well, failing counts at any time. */
    judged("pmm", "hhu", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_are_in_a_row),
        cmocka_unit_test(the_start_period_forgives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
