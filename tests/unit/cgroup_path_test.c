/* cgroup: the limit group at a given path: what it and those above are called, and what is refused. */
#include "cgroup_fixture.h"

static const char mounts[] =
    MOUNTS_BEFORE V1("34", "31", "cpuset", "rw", "cpuset") V1("35", "32", "memory", "rw", "memory")
        V1("39", "36", "pids", "ro", "pids") V1("40", "37", "systemd", "rw", "name=systemd")
            V2("41", "38", "/", "/sys/fs/cgroup/unified", "rw");
static const char own[] = "9:name=systemd:/s\n8:pids:/\n4:memory:/\n3:cpuset:/\n0::/u\n";
static const struct fixture_file files[] = {
    { "proc/cgroups", "" },
    { "sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n" },
    { "sys/fs/cgroup/cpuset/cpuset.mems", "0\n" },
    { "sys/fs/cgroup/cpuset/pods/cpuset.cpus", "" },
    { "sys/fs/cgroup/cpuset/pods/cpuset.mems", "" },
    { "sys/fs/cgroup/memory/pods", NULL },
    { "sys/fs/cgroup/pids", NULL },
    { "sys/fs/cgroup/systemd", NULL },
    { "sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n" },
};

static struct fixture machine_make(void)
{
    return fixture_make(mounts, own, NULL, files, ARRAY_SIZE(files));
}

static int open_at(const struct fixture *f, struct cgroups_options options, struct cgroups **ret,
                   struct err *err)
{
    options.root_fd = f->fd;
    return cgroups_open(&options, ret, err);
}

/* Every figure and no limit: groups wherever they can be made. */
static struct plan *plan_of_all(const struct cgroups *c, const char *memory,
                                struct machine *machine)
{
    struct plan_options options = { .measure = ~0u, .mirror = true };
    struct limit_set set = { 0 };
    struct plan *plan = NULL;
    struct err err = ERR_INIT;

    machine_example(machine);
    if (memory)
        assert_int_equal(limit_parse(LIMIT_MEMORY, memory, NULL, &set, &err), 0);
    int r = limits_plan(&set, cgroups_layout(c), machine, &options, &plan, &err);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    limit_set_done(&set);
    return plan;
}

static void expect_paths(const struct fixture *f, struct cgroups_options options, const char *want)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    struct err err = ERR_INIT;
    struct cgroups *c = NULL;
    struct machine machine;

    assert_int_equal(open_at(f, options, &c, &err), 0);
    struct plan *plan = plan_of_all(c, NULL, &machine);
    assert_int_equal(group_paths(c, plan, "any", &paths, &err), 0);
    assert_string_equal(buf_text(&paths), want);
    plan_free(plan);
    cgroups_close(c);
}

/* What is read-only and carries no limit is left out, as are named hierarchies that nobody wants. */
static void paths_name_every_group(void **state)
{
    struct fixture f = machine_make();

    (void)state;
    expect_paths(&f, (struct cgroups_options){ .path = "/pods//one/" },
                 "1 =cpuset /sys/fs/cgroup/cpuset pods/one\n"
                 "1 =memory /sys/fs/cgroup/memory pods/one\n"
                 "2 + /sys/fs/cgroup/unified pods\n"
                 "2 =hugetlb /sys/fs/cgroup/unified pods/one\n");
    expect_paths(&f, (struct cgroups_options){ .path = "/one", .named = true },
                 "1 =cpuset /sys/fs/cgroup/cpuset one\n"
                 "1 =memory /sys/fs/cgroup/memory one\n"
                 "1 =- /sys/fs/cgroup/systemd one\n"
                 "2 =hugetlb /sys/fs/cgroup/unified one\n");
    /* A relative path is beneath the base. */
    expect_paths(&f, (struct cgroups_options){ .path = "x/one", .parent = "/pods" },
                 "1 + /sys/fs/cgroup/cpuset pods/x\n"
                 "1 =cpuset /sys/fs/cgroup/cpuset pods/x/one\n"
                 "1 + /sys/fs/cgroup/memory pods/x\n"
                 "1 =memory /sys/fs/cgroup/memory pods/x/one\n"
                 "2 + /sys/fs/cgroup/unified pods\n"
                 "2 + /sys/fs/cgroup/unified pods/x\n"
                 "2 =hugetlb /sys/fs/cgroup/unified pods/x/one\n");
    expect_paths(&f, (struct cgroups_options){ .path = "/one", .parent = "/pods" },
                 "1 =cpuset /sys/fs/cgroup/cpuset one\n"
                 "1 =memory /sys/fs/cgroup/memory one\n"
                 "2 =hugetlb /sys/fs/cgroup/unified one\n");
    fixture_drop(&f);
}

static void paths_that_are_none_are_refused(void **state)
{
    static const char *const bad_table[] = {
        "",
        "/",
        "..",
        "/a/../b",
        "a/./b",
        "/..",
        "a\nb",
        "/a/.",
        "//.//",
        "ration-",
        "/ration-supervisor",
        "/a/ration-x y",
    };
    char longest[2000];
    struct fixture f = machine_make();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        struct cgroups *c = NULL;
        struct err err = ERR_INIT;
        int r = open_at(&f, (struct cgroups_options){ .path = bad_table[i] }, &c, &err);
        if (r != -EINVAL)
            fail_msg("'%s' gave %d", bad_table[i], r);
        assert_int_equal(err.class, ERR_USAGE);
        assert_has(err.text, "cgroupsPath");
    }
    for (size_t n = 100; n < sizeof(longest); n += 100) {
        struct cgroups *c = NULL;
        struct err err = ERR_INIT;
        memset(longest, 'n', sizeof(longest));
        for (size_t i = 0; i < n; i += 100)
            longest[i] = '/';
        longest[n] = '\0';
        int r = open_at(&f, (struct cgroups_options){ .path = longest }, &c, &err);
        assert_int_equal(r, n - 1 < GROUP_PATH_MAX ? 0 : -EINVAL);
        cgroups_close(c);
    }
    fixture_drop(&f);
}

/* A group whose name was given is told from the record's other groups, and known by its mark alone. */
static void records_of_given_paths(void **state)
{
    static const char line[] = "1 =memory /m a\\040b/docker:x";
    static const char *const damaged_table[] = { "1 = /m x", "1 =memory /m", "1 =memory /m ../x",
                                                 "1 =memory m x", "1 memory /m x" };
    struct path_line parsed;

    (void)state;
    assert_int_equal(path_line_parse(line, strlen(line), &parsed), 0);
    assert_true(parsed.is_named);
    assert_int_equal(parsed.controllers, CONTROLLER_BIT(CONTROLLER_MEMORY));
    assert_string_equal(parsed.base, "a b");
    assert_string_equal(parsed.name, "docker:x");
    _cleanup_buf_ struct buf again = BUF_INIT;
    path_line_format(1, parsed.controllers, true, parsed.mount_point, parsed.base, parsed.name,
                     &again);
    assert_string_equal(buf_text(&again), "1 =memory /m a\\040b/docker:x\n");
    path_line_done(&parsed);
    assert_int_equal(path_line_parse("1 =- /m x/box", 13, &parsed), 0);
    assert_string_equal(parsed.name, "box");
    path_line_done(&parsed);
    for (size_t i = 0; i < ARRAY_SIZE(damaged_table); i++)
        assert_int_equal(path_line_parse(damaged_table[i], strlen(damaged_table[i]), &parsed),
                         -EINVAL);
}

/* Others may have left upper groups empty: what they would have handed down comes from above them. */
static void empty_upper_cpusets_are_looked_through(void **state)
{
    struct fixture f = machine_make();
    struct cgroups *c = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(open_at(&f, (struct cgroups_options){ .path = "/pods/new/one" }, &c, &err), 0);
    assert_string_equal(cgroups_layout(c)->parent_cpus, "0-3");
    assert_string_equal(cgroups_layout(c)->parent_mems, "0");
    cgroups_close(c);
    fixture_drop(&f);
}

static bool has(const struct fixture *f, const char *path)
{
    return faccessat(f->fd, path, F_OK, 0) == 0;
}

static void one_in_use_is_left_alone(void **state)
{
    struct fixture f = machine_make();
    struct cgroups *c = NULL;
    struct group *group = NULL;
    struct err err = ERR_INIT;
    struct machine machine;

    (void)state;
    fixture_put(&f, "sys/fs/cgroup/unified/one/child", NULL);
    assert_int_equal(open_at(&f, (struct cgroups_options){ .path = "/one" }, &c, &err), 0);
    struct plan *plan = plan_of_all(c, NULL, &machine);
    plan->controllers &= ~CONTROLLER_BIT(CONTROLLER_HUGETLB);
    assert_int_equal(group_begin(c, plan, &machine, "x", &group, &err), -EEXIST);
    assert_has(err.text, "/sys/fs/cgroup/unified/one exists already and is in use");
    assert_null(group);
    assert_true(has(&f, "sys/fs/cgroup/unified/one/child"));
    assert_false(has(&f, "sys/fs/cgroup/memory/one"));
    plan_free(plan);
    cgroups_close(c);
    fixture_drop(&f);
}

/* Without any hierarchy that we may write to and without limits there are no groups, and no error. */
static void nowhere_is_no_error(void **state)
{
    static const char ro_mounts[] = MOUNTS_BEFORE V1("35", "32", "memory", "ro", "memory")
        V1("40", "37", "systemd", "ro", "name=systemd")
            V2("41", "38", "/", "/sys/fs/cgroup/unified", "ro");
    struct fixture f = fixture_make(ro_mounts, own, NULL, files, ARRAY_SIZE(files));
    static const char *const path_table[] = { "/one", "a/one", NULL };
    struct machine machine;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(path_table); i++) {
        struct cgroups *c = NULL;
        struct group *group = NULL;
        struct err err = ERR_INIT;
        pid_t *pids;
        size_t n;
        assert_int_equal(open_at(&f,
                                 (struct cgroups_options){
                                     .path = path_table[i], .named = true, .rootless = true },
                                 &c, &err),
                         0);
        struct plan *plan = plan_of_all(c, NULL, &machine);
        assert_int_equal(group_begin(c, plan, &machine, "x", &group, &err), 0);
        assert_int_equal(group_complete(group, &err), 0);
        assert_false(group_is_anywhere(group));
        assert_int_equal(group_entry(group).v2_fd, -1);
        assert_int_equal(group_pids(group, &pids, &n, &err), 0);
        assert_int_equal(n, 0);
        assert_false(group_is_frozen(group));
        assert_int_equal(group_oom_open(group, &(int){ 0 }, &err), -ENODATA);
        assert_int_equal(group_kill(group, 1000, &err), 0);
        assert_int_equal(group_remove(group, &err), 0);
        group_close(group);
        plan_free(plan);
        cgroups_close(c);
    }
    fixture_drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_name_every_group),
        cmocka_unit_test(paths_that_are_none_are_refused),
        cmocka_unit_test(records_of_given_paths),
        cmocka_unit_test(empty_upper_cpusets_are_looked_through),
        cmocka_unit_test(one_in_use_is_left_alone),
        cmocka_unit_test(nowhere_is_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
