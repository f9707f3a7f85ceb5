/* A further process: what a run's record tells of it, and what the options of exec change. */
#include <linux/sched.h>

#include "spec_world.h"

static struct spec *sealed(const struct spec_world *world, const char *const *words)
{
    struct draft *draft = draft_with(world, words);
    struct err err = ERR_INIT;
    struct spec *spec = NULL;

    if (spec_seal(draft, world, &spec, &err) < 0)
        fail_msg("%s", err.text);
    draft_free(draft);
    return spec;
}

/* Through a record and back. */
static struct spec *recorded(const struct spec *spec, const char *cwd)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct spec *read = NULL;

    buf_puts(&text, "supervisor 12\n");
    spec_write_process(spec, cwd, &text);
    buf_puts(&text, "planned\nprocess env TORN=");
    assert_int_equal(buf_error(&text), 0);
    if (spec_read_process(buf_text(&text), &read, &err) < 0)
        fail_msg("%s", err.text);
    return read;
}

static bool has(char *const *v, const char *text)
{
    for (; v && *v; v++) {
        if (strcmp(*v, text) == 0)
            return true;
    }
    return false;
}

static void a_record_gives_all_back(void **state)
{
    struct spec *spec =
        sealed(&root_world, WORDS("user=1000:1001", "group-add=44", "umask=027", "oom-score-adj=-5",
                                  "cap-add=NET_ADMIN", "security-opt=no-new-privileges",
                                  "env=TWO=a\nb\\n", "env=EMPTY="));
    struct spec *read = recorded(spec, "/some where\n\\");

    (void)state;
    assert_int_equal(read->namespaces, spec->namespaces);
    assert_true(read->identity_set);
    assert_int_equal(read->uid, 1000);
    assert_int_equal(read->gid, 1001);
    assert_int_equal(read->n_groups, spec->n_groups);
    assert_memory_equal(read->groups, spec->groups, spec->n_groups * sizeof(*spec->groups));
    assert_int_equal(read->umask, 027);
    assert_true(read->oom_score_adj_set);
    assert_int_equal(read->oom_score_adj, -5);
    assert_true(read->no_new_privs);
    assert_false(read->privileged);
    assert_memory_equal(&read->caps, &spec->caps, sizeof(read->caps));
    assert_string_equal(read->cwd, "/some where\n\\");
    assert_string_equal(read->user, "1000:1001");
    assert_true(has(read->env, "TWO=a\nb\\n"));
    assert_true(has(read->env, "EMPTY="));
    assert_false(has(read->env, "TORN="));
    assert_null(read->rootfs);
    spec_free(read);
    spec_free(spec);
}

static void a_damaged_record_is_refused(void **state)
{
    static const char *const text_table[] = {
        "process namespaces 1x\n",     "process identity 0\n",
        "process identity 0 0 0\n",    "process identity 4294967296 0\n",
        "process caps 1 2 3 4\n",      "process caps 1 2 3 4 -1\n",
        "process umask 512\n",         "process oom 1001\n",
        "process group 99999999999\n", "process env\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++) {
        struct err err = ERR_INIT;
        struct spec *spec;
        assert_int_equal(spec_read_process(text_table[i], &spec, &err), -EINVAL);
        assert_non_null(strstr(err.text, "damaged"));
    }
    struct err err = ERR_INIT;
    struct spec *spec;
    assert_int_equal(spec_read_process("supervisor 1\nplanned\n", &spec, &err), -ESRCH);
}

/* What words make of a process of a run that words of its own described. */
static int overridden(const struct spec_world *world, const char *const *run,
                      const char *const *words, struct spec **ret, struct err *err)
{
    static const char *const argv[] = { "true", NULL };
    struct spec *spec = sealed(world, run);
    struct draft *draft = draft_with(world, words);

    *ret = recorded(spec, "/run");
    assert_int_equal(spec_set_command(draft, argv, err), 0);
    int r = spec_override_process(*ret, draft, world, err);
    draft_free(draft);
    spec_free(spec);
    return r;
}

static void options_change_what_they_say(void **state)
{
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    assert_int_equal(overridden(&root_world, WORDS("env=A=1", "env=B=2"), WORDS(), &spec, &err), 0);
    assert_true(has(spec->env, "A=1"));
    assert_true(has(spec->env, "HOME=/home/us"));
    assert_string_equal(spec->cwd, "/run");
    assert_string_equal(spec->argv[0], "true");
    assert_false(spec->identity_set);
    spec_free(spec);

    assert_int_equal(overridden(&root_world, WORDS("env=A=1", "env=B=2"),
                                WORDS("env=B=3", "env=OURS", "workdir=/w//x", "user=alice", "tty"),
                                &spec, &err),
                     0);
    assert_true(has(spec->env, "A=1"));
    assert_true(has(spec->env, "B=3"));
    assert_false(has(spec->env, "B=2"));
    assert_true(has(spec->env, "OURS=ours"));
    assert_false(has(spec->env, "HOME=/home/us"));
    assert_string_equal(spec->cwd, "/w/x");
    assert_true(spec->user_from_rootfs);
    assert_true(spec->identity_set);
    assert_true(spec->tty);
    spec_free(spec);
}

static void a_user_s_groups_are_not_another_s(void **state)
{
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    assert_int_equal(overridden(&root_world, WORDS("user=1000:1001", "group-add=44"),
                                WORDS("user=bob"), &spec, &err),
                     0);
    assert_int_equal(spec->n_groups, 0);
    assert_string_equal(spec->user, "bob");
    spec_free(spec);
}

static void privileges_are_all_or_the_run_s(void **state)
{
    struct err err = ERR_INIT;
    struct spec *spec;

    (void)state;
    assert_int_equal(overridden(&root_world, WORDS("security-opt=no-new-privileges"),
                                WORDS("privileged"), &spec, &err),
                     0);
    assert_true(spec->caps.effective == ALL_CAPABILITIES);
    assert_false(spec->no_new_privs);
    spec_free(spec);
    assert_int_equal(overridden(&root_world, WORDS("cap-drop=ALL"), WORDS(), &spec, &err), 0);
    assert_true(spec->caps.effective == 0 && spec->caps.bounding == 0);
    spec_free(spec);
}

static void what_is_of_a_whole_run_is_refused(void **state)
{
    static const char *const word_table[] = { "memory=5m",   "name=x",      "network=host",
                                              "cap-add=ALL", "rootfs=/x",   "volume=/a:/a",
                                              "umask=022",   "pids-limit=5" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        struct err err = ERR_INIT;
        struct spec *spec;
        int r = overridden(&root_world, WORDS(), WORDS(word_table[i]), &spec, &err);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(err.class, ERR_USAGE);
        spec_free(spec);
    }
}

static void a_huge_environment_is_left_out(void **state)
{
    struct spec *spec = sealed(&root_world, WORDS("env=A=1"));
    char *large = calloc(1, 300000);

    (void)state;
    assert_non_null(large);
    memset(large, 'x', 299999);
    memcpy(large, "L=", 2);
    assert_int_equal(strv_push(&spec->env, large), 0);
    struct spec *read = recorded(spec, "/");
    assert_null(read->env);
    free(large);
    spec_free(read);
    spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_gives_all_back),
        cmocka_unit_test(a_damaged_record_is_refused),
        cmocka_unit_test(options_change_what_they_say),
        cmocka_unit_test(a_user_s_groups_are_not_another_s),
        cmocka_unit_test(privileges_are_all_or_the_run_s),
        cmocka_unit_test(what_is_of_a_whole_run_is_refused),
        cmocka_unit_test(a_huge_environment_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
