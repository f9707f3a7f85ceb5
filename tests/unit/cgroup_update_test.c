/* cgroup: changing the limits of a live run, all of them or none. */
#include "cgroup_fixture.h"

/* Plain files are not truncated by writing, so that a text of other length does not read back: a refusal. */
static const struct fixture_file v1_files[] = {
    { "cg/ration-x/memory.limit_in_bytes", "104857600\n" },
    { "cg/ration-x/memory.memsw.limit_in_bytes", "209715200\n" },
    { "cg/ration-x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n" },
    { "cg/ration-x/pids.max", "20\n" },
    { "cg/ration-x/box/pids.max", "max\n" },
};
static const struct fixture_file v2_files[] = {
    { "cg/ration-x/memory.max", "104857600\n" },
    { "cg/ration-x/memory.high", "999999999\n" },
    { "cg/ration-x/memory.current", "62914560\n" },
    { "cg/ration-x/box/memory.max", "max\n" },
};

struct scene {
    struct fixture f;
    struct group *group;
    struct machine machine;
    struct plan plan, made;
    struct plan_step steps[4];
};

static void scene_make(struct scene *s, int version, const struct fixture_file *files, size_t n)
{
    *s = (struct scene){ .f = fixture_make("", "", NULL, files, n) };
    machine_example(&s->machine);
    s->group = group_new(s->f.fd);
    assert_non_null(s->group);
    s->group->n_parts = 1;
    s->group->part[0] = (struct part){
        .version = version,
        .controllers = CONTROLLER_BIT(CONTROLLER_MEMORY) | CONTROLLER_BIT(CONTROLLER_PIDS),
        .mount_point = strdup("/cg"),
        .base = strdup(""),
        .name = strdup("ration-x"),
        .root_fd = -1,
        .base_fd = -1,
        .fd = openat(s->f.fd, "cg/ration-x", O_PATH | O_DIRECTORY | O_CLOEXEC),
        .inner_fd = -1,
    };
    s->plan.steps = s->steps;
}

static void scene_drop(struct scene *s)
{
    for (size_t i = 0; i < s->plan.n_steps; i++)
        free(s->steps[i].text);
    group_close(s->group);
    fixture_drop(&s->f);
}

static void add(struct scene *s, enum limit_id limit, const char *file, const char *text)
{
    struct plan_step *step = &s->steps[s->plan.n_steps++];

    *step = (struct plan_step){ .limit = limit,
                                .serves = LIMIT_BIT(limit),
                                .controller = limit_info(limit)->controller,
                                .version = s->group->part[0].version,
                                .target = PLAN_GROUP,
                                .check = PLAN_CHECK_EXACT,
                                .text = strdup(text) };
    snprintf(step->file, sizeof(step->file), "%s", file);
}

static int update(struct scene *s, struct err *err)
{
    char **read_back = NULL;
    int r = group_update(s->group, &s->made, &s->plan, &s->machine, &read_back, err);

    for (size_t i = 0; r == 0 && i < s->plan.n_steps; i++)
        free(read_back[i]);
    free(read_back);
    return r;
}

static void expect_file(const struct scene *s, const char *file, const char *expected)
{
    char path[128], text[128];

    snprintf(path, sizeof(path), "cg/ration-x/%s", file);
    assert_true(file_read_line(s->f.fd, path, text, sizeof(text)) >= 0);
    assert_string_equal(text, expected);
}

static void test_all(void **state)
{
    (void)state;
    struct scene s;
    struct err err = ERR_INIT;

    scene_make(&s, 1, v1_files, ARRAY_SIZE(v1_files));
    add(&s, LIMIT_MEMORY_SWAP, "memory.memsw.limit_in_bytes", "309715200");
    add(&s, LIMIT_MEMORY, "memory.limit_in_bytes", "204857600");
    assert_int_equal(update(&s, &err), 0);
    expect_file(&s, "memory.memsw.limit_in_bytes", "309715200");
    expect_file(&s, "memory.limit_in_bytes", "204857600");
    scene_drop(&s);
}

/* The second step is refused: the first is undone, backwards. */
static void test_none(void **state)
{
    (void)state;
    struct scene s;
    struct err err = ERR_INIT;

    scene_make(&s, 1, v1_files, ARRAY_SIZE(v1_files));
    add(&s, LIMIT_MEMORY, "memory.limit_in_bytes", "104857599");
    add(&s, LIMIT_PIDS_LIMIT, "pids.max", "10");
    add(&s, LIMIT_MEMORY_SWAP, "memory.nonsense", "1");
    assert_int_equal(update(&s, &err), -ENOENT);
    assert_has(err.text, "memory.nonsense");
    expect_file(&s, "memory.limit_in_bytes", "104857600");
    expect_file(&s, "pids.max", "20");
    scene_drop(&s);
}

/* v2 takes any memory.max and kills: not so here. */
static void test_squeeze(void **state)
{
    (void)state;
    struct scene s;
    struct err err = ERR_INIT;

    scene_make(&s, 2, v2_files, ARRAY_SIZE(v2_files));
    add(&s, LIMIT_MEMORY, "memory.max", "010485760");
    assert_int_equal(update(&s, &err), -EBUSY);
    assert_has(err.text, "--memory: cannot be lowered to 10 MiB: the run uses 60 MiB");
    assert_has(err.text, "/cg/ration-x/memory.current");
    expect_file(&s, "memory.max", "104857600");
    expect_file(&s, "memory.high", "999999999");
    /* Above what is used nothing is squeezed. */
    free(s.steps[0].text);
    s.steps[0].text = strdup("094371840");
    assert_int_equal(update(&s, &err), 0);
    expect_file(&s, "memory.max", "094371840");
    expect_file(&s, "memory.high", "999999999");
    scene_drop(&s);
}

/* What the steps of the start read back is what stands there now. */
static void test_merge(void **state)
{
    (void)state;
    struct scene s;
    struct err err = ERR_INIT;
    struct plan_step made[2];

    scene_make(&s, 1, v1_files, ARRAY_SIZE(v1_files));
    add(&s, LIMIT_PIDS_LIMIT, "pids.max", "30");
    made[0] = s.steps[0];
    made[1] = s.steps[0];
    snprintf(made[0].file, sizeof(made[0].file), "memory.limit_in_bytes");
    s.made = (struct plan){ .steps = made, .n_steps = 2 };
    s.group->read_back = calloc(3, sizeof(char *));
    s.group->n_read_back = 2;
    s.group->read_back[0] = strdup("104857600");
    s.group->read_back[1] = strdup("20");
    made[0].controller = CONTROLLER_MEMORY;
    assert_int_equal(update(&s, &err), 0);
    assert_string_equal(group_read_back(s.group, 0), "104857600");
    assert_string_equal(group_read_back(s.group, 1), "30");
    scene_drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_squeeze),
        cmocka_unit_test(test_merge),
    };

    return cmocka_run_group_tests_name("cgroup_update", tests, NULL, NULL);
}
