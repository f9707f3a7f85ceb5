/* A draft as text: what is written is read back as it was, and damaged text is refused. */
#include "spec_world.h"

static struct spec_world world_of_tests(void)
{
    static char *const environ_table[] = { "OURS=1\n2\\n", NULL };

    return (struct spec_world){
        .capabilities = ALL_CAPABILITIES,
        .environ = environ_table,
        .read_file = world_read,
        .stat_device = world_device,
    };
}

static void set(struct draft *draft, const struct spec_world *world, const char *name,
                const char *value)
{
    struct err err = ERR_INIT;

    if (spec_set(draft, world, name, value, &err) < 0)
        fail_msg("%s=%s: %s", name, value, err.text);
}

static void comes_back(void **state)
{
    static const char *const word_table[] = { "sh", "-c", "echo 'a\nb\\' \"$1\"", "", NULL };
    struct spec_world world = world_of_tests();
    _cleanup_(draft_freep) struct draft *draft = draft_new(), *copy = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT, again = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    set(draft, &world, "env", "OURS");
    set(draft, &world, "env", "B=two words = and more ");
    set(draft, &world, "env-file", "good.env");
    set(draft, &world, "label", "note");
    set(draft, &world, "label", "a=b=c");
    set(draft, &world, "memory", "50m");
    set(draft, &world, "ulimit", "nofile=100:200");
    set(draft, &world, "tty", NULL);
    set(draft, &world, "restart", "on-failure:3");
    set(draft, &world, "log-opt", "max-size=1m");
    spec_set_measure(draft, SPEC_MEASURE_ALL);
    assert_int_equal(spec_set_command(draft, word_table, &err), 0);
    assert_int_equal(draft_write(draft, &text), 0);
    assert_int_equal(draft_read(buf_text(&text), &world, &copy, &err), 0);
    assert_int_equal(draft_write(copy, &again), 0);
    assert_string_equal(buf_text(&text), buf_text(&again));
    assert_string_equal(spec_get_all(copy, "env")[0], "OURS=1\n2\\n");
    assert_string_equal(spec_get_all(copy, "label")[1], "a=b=c");
    assert_null(spec_get_all(copy, "label")[2]);
    assert_string_equal(spec_get(copy, "memory"), "50m");
    assert_string_equal(spec_get(copy, "restart"), "on-failure:3");
}

static void damage_is_refused(void **state)
{
    static const char *const text_table[] = {
        "",
        "something else\n",
        "ration-draft 2\n",
        "ration-draft 1\nmeasure x\n",
        "ration-draft 1\noption nothing 1\n",
        "ration-draft 1\noption\n",
        "ration-draft 1\noption tty maybe\n",
        "ration-draft 1\noption restart sometimes\n",
        "ration-draft 1\nlimit nothing 1\n",
        "ration-draft 1\nlimit memory plenty\n",
        "ration-draft 1\nmystery 1\n",
    };
    struct spec_world world = world_of_tests();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++) {
        struct draft *draft = NULL;
        struct err err = ERR_INIT;
        if (draft_read(text_table[i], &world, &draft, &err) >= 0)
            fail_msg("taken: %s", text_table[i]);
        assert_null(draft);
        assert_true(err.text[0] != '\0');
    }
}

static void restart_policies(void **state)
{
    static const struct {
        const char *text;
        int result;
        struct restart_policy policy;
    } policy_table[] = {
        { "no", 0, { RESTART_NO, 0 } },
        { "on-failure", 0, { RESTART_ON_FAILURE, 0 } },
        { "on-failure:5", 0, { RESTART_ON_FAILURE, 5 } },
        { "always", 0, { RESTART_ALWAYS, 0 } },
        { "unless-stopped", 0, { RESTART_UNLESS_STOPPED, 0 } },
        { "on-failure:", -EINVAL, { 0 } },
        { "on-failure:0", -EINVAL, { 0 } },
        { "on-failure:-1", -EINVAL, { 0 } },
        { "always:3", -EINVAL, { 0 } },
        { "", -EINVAL, { 0 } },
        { "al", -EINVAL, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(policy_table); i++) {
        struct restart_policy policy = { 0 };
        assert_int_equal(restart_parse(policy_table[i].text, &policy), policy_table[i].result);
        assert_int_equal(policy.when, policy_table[i].policy.when);
        assert_int_equal(policy.most, policy_table[i].policy.most);
    }
}

static void log_options(void **state)
{
    static const char *const bad_table[] = { "max-size=",  "max-size=1k",
                                             "max-size=x", "max-file=0",
                                             "max-file=x", "mode=x",
                                             "max-size",   "" };
    struct log_bounds bounds = LOG_BOUNDS_DEFAULT;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++)
        assert_int_equal(log_option_parse(bad_table[i], &bounds), -EINVAL);
    assert_int_equal(bounds.max_bytes, 10u << 20);
    assert_int_equal(log_option_parse("max-size=64k", &bounds), 0);
    assert_int_equal(bounds.max_bytes, 65536);
    assert_int_equal(log_option_parse("max-size=-1", &bounds), 0);
    assert_true(bounds.max_bytes == UINT64_MAX);
    assert_int_equal(log_option_parse("max-file=7", &bounds), 0);
    assert_int_equal(bounds.max_files, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(restart_policies),
        cmocka_unit_test(log_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
