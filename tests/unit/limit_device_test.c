/* limit: device rules as the set that v1 can hold, replaced in a live run, and read back. */
#include "limit_help.h"

struct rules {
    const char *before; /* NULL: a new group */
    const char *rules;  /* between ';' */
    const char *v1;
};

static const struct rules rules_table[] = {
    { NULL, "c 1:3 rwm; c 1:5 r; c 1:5 w",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:3 rwm\n"
      "group devices.allow=c 1:5 rw\n" },
    { NULL, "deny a; c 1:3 rwm; b *:* m; deny c 1:3 m",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:3 rw\ngroup devices.allow=b *:* m\n" },
    { NULL, "deny c 1:5 rwm", "group devices.deny=c 1:5 rwm\n" },
    { NULL, "deny c 1:5 rwm; c 1:5 r", "group devices.deny=c 1:5 wm\n" },
    /* A wider denial takes back what was given in its range. */
    { NULL, "c 1:3 rwm; c 1:5 rwm; c 5:0 rw; deny c 1:* w",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:3 rm\n"
      "group devices.allow=c 1:5 rm\ngroup devices.allow=c 5:0 rw\n" },
    { NULL, "c 1:3 rwm; deny a; c 1:7 r",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:7 r\n" },
    { NULL, "deny a", "group devices.deny=a *:* rwm\n" },

    /* ---- live ---- */
    { "deny a; c 1:3 rwm; c 1:5 rwm", "deny a; c 1:3 rwm; c 1:5 rwm", "" },
    { "deny a; c 1:3 rwm; c 1:5 rwm", "deny a; c 1:5 rw; c 1:7 r",
      "inner devices.deny=c 1:3 rwm\ninner devices.deny=c 1:5 m\n"
      "group devices.deny=c 1:3 rwm\ngroup devices.deny=c 1:5 m\n"
      "group devices.allow=c 1:7 r\ninner devices.allow=c 1:7 r\n" },
    { "deny c 1:5 w", "deny c 1:5 r",
      "inner devices.deny=c 1:5 r\ngroup devices.deny=c 1:5 r\n"
      "group devices.allow=c 1:5 w\ninner devices.allow=c 1:5 w\n" },
    { "", "deny c 1:5 r", "inner devices.deny=c 1:5 r\ngroup devices.deny=c 1:5 r\n" },
};

static struct help_world begin(const char *layout, const char *before, struct limit_set *ret)
{
    struct help_world world = help_world(layout);
    char texts[400];

    *ret = (struct limit_set){ 0 };
    if (*before) {
        snprintf(texts, sizeof(texts), "device-cgroup-rule=%s", before);
        help_set(ret, texts);
    }
    world.options.current = ret;
    return world;
}

static void rules_become_a_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rules_table); i++) {
        struct limit_set current = { 0 };
        struct help_world world =
            rules_table[i].before ? begin("v1", rules_table[i].before, &current) : help_world("v1");
        char texts[400];
        snprintf(texts, sizeof(texts), "device-cgroup-rule=%s", rules_table[i].rules);
        help_expect(&world, texts, rules_table[i].v1);
        limit_set_done(&current);
    }
}

/* The kernel takes any line that begins with "a" for all access to everything. */
static void some_access_to_all_is_two_rules(void **state)
{
    struct help_world world = help_world("v1");
    struct limit_set set = { 0 };
    struct plan *plan = NULL;
    struct err err = ERR_INIT;

    (void)state;
    help_set(&set, "device-cgroup-rule=deny a");
    memcpy(set.value[LIMIT_DEVICE_CGROUP_RULE].entries[0].access, "w", sizeof("w"));
    assert_int_equal(limits_plan(&set, &world.layout, &world.machine, &world.options, &plan, &err),
                     0);
    char *text = help_plan_text(plan);
    assert_string_equal(text, "group devices.deny=b *:* w\ngroup devices.deny=c *:* w\n");
    free(text);
    plan_free(plan);
    limit_set_done(&set);
}

static void refuse(const char *before, const char *rules, const char *why)
{
    struct limit_set current = { 0 };
    struct help_world world = before ? begin("v1", before, &current) : help_world("v1");
    char texts[400];

    snprintf(texts, sizeof(texts), "device-cgroup-rule=%s", rules);
    help_refused(&world, texts, ERR_REFUSED, why);
    limit_set_done(&current);
}

static void what_v1_cannot_hold_is_refused(void **state)
{
    (void)state;
    refuse(NULL, "c 1:* rwm; deny c 1:5 rwm", "from a range given before|one by one");
    refuse(NULL, "a; deny c *:* w; c 1:3 w", "from a range given before");
    refuse(NULL, "deny b *:* rwm; b 8:* r", "from a range given before");
    refuse("a", "deny a; c 1:3 r", "cannot be changed in a live run on cgroup v1");
    refuse("deny a; c 1:3 r", "a", "cannot be changed in a live run on cgroup v1");
}

static void v2_replaces_its_program_last(void **state)
{
    struct limit_set current;
    struct help_world world = begin("v2", "deny a; c 1:3 rwm", &current);

    (void)state;
    help_expect(&world, "device-cgroup-rule=deny a; c 1:5 r|misc=sev:4|pids-limit=7",
                "group pids.max=7\ngroup misc.max=sev 4\n"
                "group (bpf)=deny a *:* rwm\nallow c 1:5 r\n");
    limit_set_done(&current);
}

static bool shows(const char *rules, const char *have)
{
    const struct help_world world = help_world("v1");
    struct err err = ERR_INIT;
    char texts[400];

    snprintf(texts, sizeof(texts), "device-cgroup-rule=%s", rules);
    struct plan *plan = help_plan(&world, texts, &err);
    assert_non_null(plan);
    const struct plan_step *last = &plan->steps[plan->n_steps - 1];
    assert_int_equal(last->check, PLAN_CHECK_DEVICES);
    for (size_t i = 0; i + 1 < plan->n_steps; i++)
        assert_int_equal(plan->steps[i].check, PLAN_CHECK_NONE);
    bool same = plan_step_matches(last, have, &world.machine);
    plan_free(plan);
    return same;
}

static void the_list_is_compared_as_a_set(void **state)
{
    (void)state;
    assert_true(shows("c 1:3 rwm; b *:* m", "b *:* m\nc 1:3 rwm\n"));
    assert_false(shows("c 1:3 rwm; b *:* m", "c 1:3 rwm\n"));
    assert_false(shows("c 1:3 rwm", "c 1:3 rwm\nc 1:5 rwm\n"));
    assert_false(shows("c 1:3 rw", "c 1:3 rwm\n"));
    assert_false(shows("c 1:3 rwm", "a *:* rwm\n"));
    assert_false(shows("c 1:3 rwm", "nonsense\n"));
    assert_true(shows("deny a", ""));
    assert_false(shows("deny a", "a *:* rwm\n"));
    /* What is denied where all else is allowed the kernel does not show. */
    assert_true(shows("deny c 1:5 rwm", "a *:* rwm\n"));
    /* But the group above may have a list. */
    assert_true(shows("deny c 1:5 rwm", "c 1:3 rwm\n"));
    assert_false(shows("deny c 1:5 w", "c 1:* rwm\n"));
    assert_true(shows("a", "a *:* rwm\n"));
}

static void long_lists_are_compared_whole(void **state)
{
    struct buf rules = BUF_INIT, have = BUF_INIT;
    struct help_world world = help_world("v1");
    struct limit_set set = { 0 };
    struct plan *plan = NULL;
    struct err err = ERR_INIT;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        buf_printf(&rules, "%sc 100:%u rwm", i ? ";" : "", i);
        buf_printf(&have, "c 100:%u rwm\n", 2999 - i);
    }
    assert_int_equal(
        limit_parse(LIMIT_DEVICE_CGROUP_RULE, buf_text(&rules), &help_context, &set, &err), 0);
    assert_int_equal(limits_plan(&set, &world.layout, &world.machine, &world.options, &plan, &err),
                     0);
    const struct plan_step *last = &plan->steps[plan->n_steps - 1];
    assert_true(plan_step_matches(last, buf_text(&have), &world.machine));
    have.data[have.len - 2] = 'w';
    assert_false(plan_step_matches(last, buf_text(&have), &world.machine));
    plan_free(plan);
    limit_set_done(&set);
    buf_done(&rules);
    buf_done(&have);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_become_a_set),
        cmocka_unit_test(some_access_to_all_is_two_rules),
        cmocka_unit_test(what_v1_cannot_hold_is_refused),
        cmocka_unit_test(v2_replaces_its_program_last),
        cmocka_unit_test(the_list_is_compared_as_a_set),
        cmocka_unit_test(long_lists_are_compared_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
