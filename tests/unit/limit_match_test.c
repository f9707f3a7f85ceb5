/* limit: what the kernel reads back against what was written, and the scales of weights. */
#include "limit_help.h"

struct reading {
    enum plan_check check;
    const char *text, *expect, *read_back;
    bool matches;
};

static const struct reading reading_table[] = {
    { PLAN_CHECK_EXACT, "20000 100000", NULL, "20000 100000\n", true },
    { PLAN_CHECK_EXACT, "20000 100000", NULL, "max 100000\n", false },
    { PLAN_CHECK_EXACT, "root", NULL, "root invalid (no cpus)\n", false },
    { PLAN_CHECK_NUMBER, "64", NULL, "64\n", true },
    { PLAN_CHECK_NUMBER, "64", NULL, "63\n", false },
    { PLAN_CHECK_NUMBER, "64", NULL, "", false },
    { PLAN_CHECK_NUMBER, "64", NULL, "sixty-four", false },
    { PLAN_CHECK_NUMBER, "max", NULL, "max\n", true },
    { PLAN_CHECK_NUMBER, "-1", NULL, "9223372036854771712\n", true },
    { PLAN_CHECK_NUMBER, "-1", NULL, "-1\n", true },
    { PLAN_CHECK_NUMBER, "-1", NULL, "100000\n", false },
    { PLAN_CHECK_NUMBER, "max", NULL, "18446744073709551615\n", true },
    { PLAN_CHECK_PAGES, "52428800", NULL, "52428800\n", true },
    { PLAN_CHECK_PAGES, "52428801", NULL, "52428800\n", true },
    { PLAN_CHECK_PAGES, "52432896", NULL, "52428800\n", false },
    { PLAN_CHECK_PAGES, "52428800", NULL, "52432896\n", false },
    { PLAN_CHECK_PAGES, "-1", NULL, "9223372036854771712\n", true },
    { PLAN_CHECK_PAGES, "-1", NULL, "9223372036852678656\n", true },
    { PLAN_CHECK_PAGES, "52428800", NULL, "9223372036854771712\n", false },
    { PLAN_CHECK_PAGES, "max", NULL, "52428800\n", false },
    { PLAN_CHECK_PAGES, "x", NULL, "52428800\n", false },
    { PLAN_CHECK_LIST, "0-1,3", NULL, "0,1,3\n", true },
    { PLAN_CHECK_LIST, "0-1,3", NULL, "0-3\n", false },
    { PLAN_CHECK_LIST, "0", NULL, "\n", false },
    { PLAN_CHECK_LIST, "0", NULL, "x\n", false },
    { PLAN_CHECK_KEYED, "8:0 1048576", NULL, "8:0 1048576\n", true },
    { PLAN_CHECK_KEYED, "8:0 1048576", NULL, "8:16 1\n8:0 1048576\n", true },
    { PLAN_CHECK_KEYED, "8:0 1048576", NULL, "8:0 1048575\n", false },
    { PLAN_CHECK_KEYED, "8:0 1048576", NULL, "18:0 1048576\n", false },
    { PLAN_CHECK_KEYED, "8:0 1048576", NULL, "", false },
    { PLAN_CHECK_KEYED, "8:0 0", NULL, "", true },
    { PLAN_CHECK_KEYED, "8:0 0", NULL, "8:0 5\n", false },
    { PLAN_CHECK_KEYED, "8:0 0", NULL, "8:16 5\n", true },
    { PLAN_CHECK_KEYED, "8:0 rbps=1 wiops=2", NULL, "8:0 rbps=1 wbps=max riops=max wiops=2\n",
      true },
    { PLAN_CHECK_KEYED, "8:0 rbps=1 wiops=2", NULL, "8:0 rbps=1 wbps=2 riops=max wiops=max\n",
      false },
    { PLAN_CHECK_KEYED, "8:0 rbps=max", NULL, "8:0 rbps=max wbps=1 riops=max wiops=max\n", true },
    { PLAN_CHECK_KEYED, "8:0 rbps=max", NULL, "", true },
    { PLAN_CHECK_KEYED, "8:0 rbps=max wbps=1", NULL, "", false },
    { PLAN_CHECK_KEYED, "8:0 rbps=max", NULL, "8:0 rbps=7 wbps=1 riops=max wiops=max\n", false },
    { PLAN_CHECK_KEYED, "8:0", NULL, "", false },
    { PLAN_CHECK_KEYED, "8:0 target=10000", NULL, "8:0 target=10000\n", true },
    { PLAN_CHECK_KEYED, "default 100", NULL, "default 100\n8:0 200\n", true },
    { PLAN_CHECK_KEYED, "default 100", NULL, "default 200\n", false },
    { PLAN_CHECK_KEYED, "1", "oom_kill_disable 1", "oom_kill_disable 1\nunder_oom 0\n", true },
    { PLAN_CHECK_KEYED, "1", "oom_kill_disable 1", "oom_kill_disable 0\nunder_oom 1\n", false },
    { PLAN_CHECK_KEYED, "eth0 5", NULL, "lo 0\neth0 5\n", true },
    { PLAN_CHECK_KEYED, "mlx hca_handle=2 hca_object=100", NULL,
      "mlx hca_handle=2 hca_object=100\n", true },
    { PLAN_CHECK_KEYED, "mlx hca_handle=2", NULL, "mlx hca_handle=3 hca_object=2\n", false },
    { PLAN_CHECK_ANY, "10m", NULL, "10485760\n", true },
    { PLAN_CHECK_ANY, "10m", NULL, "10485761000\n", false },
    { PLAN_CHECK_ANY, "0,1", NULL, "0-1\n", true },
    { PLAN_CHECK_ANY, "8:0 rbps=1", NULL, "8:0 rbps=1 wbps=max\n", true },
    { PLAN_CHECK_ANY, "word", NULL, "word\n", true },
    { PLAN_CHECK_ANY, "word", NULL, "another\n", false },
    { PLAN_CHECK_ANY, "1", NULL, "\n", false },
    { PLAN_CHECK_NONE, "allow a", NULL, "whatever", true },
};

static void read_back_is_compared(void **state)
{
    struct machine machine;

    (void)state;
    machine_example(&machine);
    for (size_t i = 0; i < ARRAY_SIZE(reading_table); i++) {
        const struct reading *row = &reading_table[i];
        struct plan_step step = { .check = row->check,
                                  .text = (char *)(uintptr_t)row->text,
                                  .expect = (char *)(uintptr_t)row->expect };
        if (plan_step_matches(&step, row->read_back, &machine) != row->matches)
            fail_msg("row %zu: \"%s\" against \"%s\"", i, row->text, row->read_back);
    }
}

static void odd_read_backs_do_not_match(void **state)
{
    static char huge[20000];
    char text[] = "8:0 1", long_word[300];
    struct plan_step step = { .check = PLAN_CHECK_KEYED, .text = text };
    struct machine machine = { 0 };

    (void)state;
    memset(huge, '1', sizeof(huge) - 1);
    assert_false(plan_step_matches(&step, huge, &machine));
    assert_false(plan_step_matches(&step, NULL, &machine));
    snprintf(long_word, sizeof(long_word), "8:0 %0200d", 1);
    assert_false(plan_step_matches(&step, long_word, &machine));
    step.check = PLAN_CHECK_PAGES;
    char bytes[] = "8192";
    step.text = bytes;
    assert_true(plan_step_matches(&step, "8193", &machine));
}

/* ---- weights ----------------------------------------------------------------------------------- */

static void shares_become_weights(void **state)
{
    /* From floating point: ceil(10 ^ ((l*l + 125*l) / 612 - 7/34)), l = log2(shares). */
    static const struct {
        uint64_t shares, oci, linear;
    } table[] = {
        { 0, 1, 1 },
        { 2, 1, 1 },
        { 4, 2, 1 },
        { 102, 17, 9 },
        { 512, 59, 50 },
        { 1023, 100, 99 },
        { 1024, 100, 100 },
        { 1025, 101, 100 },
        { 2048, 174, 200 },
        { 102400, 4429, 10000 },
        { 262143, 10000, 10000 },
        { 262144, 10000, 10000 },
        { 999999, 10000, 10000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(weight_from_shares(table[i].shares, WEIGHT_MAP_OCI), table[i].oci);
        assert_int_equal(weight_from_shares(table[i].shares, WEIGHT_MAP_LINEAR), table[i].linear);
    }
}

static void conversions_are_monotone_and_inverse(void **state)
{
    uint64_t last = 0;

    (void)state;
    for (uint64_t shares = 2; shares <= 262144; shares += 1 + shares / 64) {
        uint64_t weight = weight_from_shares(shares, WEIGHT_MAP_OCI);
        assert_true(weight >= last && weight >= 1 && weight <= 10000);
        last = weight;
    }
    for (uint64_t weight = 1; weight <= 10000; weight += 1 + weight / 64) {
        uint64_t shares = weight_to_shares(weight, WEIGHT_MAP_OCI);
        assert_true(weight_from_shares(shares, WEIGHT_MAP_OCI) <= weight);
        assert_true(shares == 262144 || weight_from_shares(shares + 1, WEIGHT_MAP_OCI) > weight);
    }
    assert_int_equal(weight_to_shares(1, WEIGHT_MAP_OCI), 2);
    assert_int_equal(weight_to_shares(100, WEIGHT_MAP_OCI), 1024);
    assert_int_equal(weight_to_shares(10000, WEIGHT_MAP_OCI), 262144);
    assert_int_equal(weight_to_shares(100, WEIGHT_MAP_LINEAR), 1024);
    assert_int_equal(weight_to_shares(1, WEIGHT_MAP_LINEAR), 10);
    assert_int_equal(weight_to_shares(0, WEIGHT_MAP_LINEAR), 10);
    assert_int_equal(weight_to_shares(99999, WEIGHT_MAP_LINEAR), 102400);
}

static void block_weights_are_stretched(void **state)
{
    (void)state;
    assert_int_equal(weight_from_blkio(10), 1);
    assert_int_equal(weight_from_blkio(500), 4950);
    assert_int_equal(weight_from_blkio(1000), 10000);
    assert_int_equal(weight_from_blkio(1), 1);
    assert_int_equal(weight_from_blkio(5000), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back_is_compared),
        cmocka_unit_test(odd_read_backs_do_not_match),
        cmocka_unit_test(shares_become_weights),
        cmocka_unit_test(conversions_are_monotone_and_inverse),
        cmocka_unit_test(block_weights_are_stretched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
