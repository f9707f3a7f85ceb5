/* cgroup: what groups are called, what is on record of them, what is undone, and hostile trees. */
#include <time.h>

#include "cgroup_fixture.h"

static const char v1_mounts[] = MOUNTS_BEFORE V1("35", "32", "memory", "rw", "memory")
    V1("37", "34", "freezer", "rw", "freezer") V1("39", "36", "pids", "rw", "pids");
static const struct fixture_file v1_files[] = {
    { "sys/fs/cgroup/memory", NULL },
    { "sys/fs/cgroup/freezer", NULL },
    { "sys/fs/cgroup/pids", NULL },
    { "proc/cgroups", "" },
};
static const char v2_mounts[] = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
                                "31 27 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
static const struct fixture_file v2_files[] = {
    { "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n" },
    { "sys/fs/cgroup/cgroup.subtree_control", "cpu memory pids\n" },
    { "sys/fs/cgroup/a/b/memory.max", "max\n" },
    { "sys/fs/cgroup/a/b/pids.max", "30\n" },
    { "sys/fs/cgroup/a/b/cpu.max", "100000 100000\n" },
    { "sys/fs/cgroup/a/memory.max", "10485760\n" },
    { "sys/fs/cgroup/a/pids.max", "20\n" },
    { "sys/fs/cgroup/a/cpu.max", "20000 100000\n" },
    { "proc/cgroups", "" },
};

static struct fixture v1_machine(void)
{
    return fixture_make(v1_mounts, "", NULL, v1_files, ARRAY_SIZE(v1_files));
}

static struct fixture v2_machine(void)
{
    return fixture_make(v2_mounts, "0::/\n", NULL, v2_files, ARRAY_SIZE(v2_files));
}

/* "memory=50m pids-limit=10" */
static struct plan *plan_for(const struct cgroups *c, const char *limits, struct machine *machine)
{
    struct plan_options options = { 0 };
    struct limit_set set = { 0 };
    struct plan *plan = NULL;
    struct err err = ERR_INIT;
    char copy[256];

    snprintf(copy, sizeof(copy), "%s", limits);
    for (char *save = NULL, *word = strtok_r(copy, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        assert_int_equal(limit_parse(limit_find(word), value, NULL, &set, &err), 0);
    }
    machine_example(machine);
    machine->swap_bytes = 0;
    int r = limits_plan(&set, cgroups_layout(c), machine, &options, &plan, &err);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    limit_set_done(&set);
    return plan;
}

static void expect_paths(const struct cgroups *c, const char *limits, const char *expected)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    struct machine machine;
    struct err err = ERR_INIT;
    struct plan *plan = plan_for(c, limits, &machine);

    assert_int_equal(group_paths(c, plan, "x", &paths, &err), 0);
    assert_string_equal(buf_text(&paths), expected);
    plan_free(plan);
}

static void test_paths(void **state)
{
    (void)state;
    struct fixture f = v1_machine();
    struct cgroups *c = fixture_open(&f, NULL, false);
    /* The freezer comes along: nothing else makes killing sure. */
    expect_paths(c, "memory=50m",
                 "1 memory /sys/fs/cgroup/memory ration-x\n"
                 "1 freezer /sys/fs/cgroup/freezer ration-x\n");
    cgroups_close(c);
    c = fixture_open(&f, "/a b/c", false);
    expect_paths(c, "pids-limit=5",
                 "1 + /sys/fs/cgroup/freezer a\\040b\n"
                 "1 + /sys/fs/cgroup/freezer a\\040b/c\n"
                 "1 freezer /sys/fs/cgroup/freezer a\\040b/c/ration-x\n"
                 "1 + /sys/fs/cgroup/pids a\\040b\n"
                 "1 + /sys/fs/cgroup/pids a\\040b/c\n"
                 "1 pids /sys/fs/cgroup/pids a\\040b/c/ration-x\n");
    cgroups_close(c);
    fixture_drop(&f);

    f = v2_machine();
    c = fixture_open(&f, NULL, false);
    expect_paths(c, "memory=50m pids-limit=5", "2 memory,pids /sys/fs/cgroup ration-x\n");
    expect_paths(c, "", "2 - /sys/fs/cgroup ration-x\n");
    cgroups_close(c);
    fixture_drop(&f);
}

static void test_paths_named(void **state)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    struct fixture f = v1_machine();
    struct cgroups *c = fixture_open(&f, NULL, false);
    assert_int_equal(group_paths_named(c, "x", &paths, &err), 0);
    assert_string_equal(buf_text(&paths), "1 memory /sys/fs/cgroup/memory ration-x\n"
                                          "1 freezer /sys/fs/cgroup/freezer ration-x\n"
                                          "1 pids /sys/fs/cgroup/pids ration-x\n");
    static const char *const bad_table[] = { "",    ".",   ".hidden", "a/b",
                                             "a b", "a\n", "..",      "supervisor" };
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        assert_int_equal(group_paths_named(c, bad_table[i], &paths, &err), -EINVAL);
        assert_int_equal(err.class, ERR_USAGE);
    }
    char longest[300];
    memset(longest, 'n', sizeof(longest));
    longest[249] = '\0';
    assert_int_equal(group_paths_named(c, longest, &paths, &err), -EINVAL);
    longest[248] = '\0';
    assert_int_equal(group_paths_named(c, longest, &paths, &err), 0);
    cgroups_close(c);
    fixture_drop(&f);
}

/* ---- the record ---------------------------------------------------------------------------------------- */

static void test_record_round_trip(void **state)
{
    static const char odd[] = "/mnt/a b\tc\\d\ne";
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct path_line line;
    unsigned mask = CONTROLLER_BIT(CONTROLLER_CPU) | CONTROLLER_BIT(CONTROLLER_CPUACCT);

    (void)state;
    path_line_format(1, mask, false, odd, "p q/r", "ration-y", &text);
    assert_string_equal(buf_text(&text),
                        "1 cpu,cpuacct /mnt/a\\040b\\011c\\134d\\012e p\\040q/r/ration-y\n");
    assert_int_equal(path_line_parse(text.data, text.len - 1, &line), 0);
    assert_int_equal(line.version, 1);
    assert_int_equal(line.controllers, mask);
    assert_string_equal(line.mount_point, odd);
    assert_string_equal(line.base, "p q/r");
    assert_string_equal(line.name, "ration-y");
    assert_false(line.is_parent);
    path_line_done(&line);

    buf_reset(&text);
    path_line_format_parent(2, odd, "p q/r", &text);
    assert_int_equal(path_line_parse(text.data, text.len - 1, &line), 0);
    assert_true(line.is_parent);
    assert_string_equal(line.base, "p q/r");
    assert_null(line.name);
    path_line_done(&line);
}

static const char *const damaged_table[] = {
    "1 memory /m",
    "1 memory /m ration-x more",
    "1 memory  /m ration-x",
    "3 memory /m ration-x",
    "1  /m ration-x",
    "1 memory m ration-x",
    "1 memory / ration-x",
    "1 memory /m/../n ration-x",
    "1 memory /m//n ration-x",
    "1 memory /m ../ration-x",
    "1 memory /m a/../ration-x",
    "1 memory /m /ration-x",
    "1 memory /m ration-x/",
    "1 memory /m ration-x/.",
    "1 memory /m user.slice",
    "1 memory /m ration-x/other",
    "1 memory /m ration-",
    "1 memory /m ration-..\\057..\\057x",
    "1 memory /m ration-supervisor",
    "1 memory /m Ration-x",
    "group 1 memory /m ration-x",
    "1 + /m ../x",
    "1 + m a",
    "1 + /m ",
};

static void test_record_damaged(void **state)
{
    struct path_line line;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damaged_table); i++)
        if (path_line_parse(damaged_table[i], strlen(damaged_table[i]), &line) == 0)
            fail_msg("'%s' was taken for a record", damaged_table[i]);
    assert_int_equal(path_line_parse("1 memory /m ration-x\0y", 22, &line), -EINVAL);
}

static bool fixture_has(const struct fixture *f, const char *path)
{
    return faccessat(f->fd, path, F_OK, 0) == 0;
}

/* Only groups of a cgroup file system are touched, and what is not understood is said. */
static void test_reclaim_refuses(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    struct fixture f = v1_machine();
    fixture_put(&f, "sys/fs/cgroup/memory/ration-x/box", NULL);
    assert_int_equal(group_reclaim("", f.fd, RECLAIM_KILL, &err), 0);
    assert_int_equal(
        group_reclaim("1 memory /sys/fs/cgroup/memory ration-x\n", f.fd, RECLAIM_KILL, &err),
        -EMEDIUMTYPE);
    assert_has(err.text, "/sys/fs/cgroup/memory");
    assert_true(fixture_has(&f, "sys/fs/cgroup/memory/ration-x/box"));
    assert_int_equal(group_reclaim("1 memory /nowhere ration-x\n", f.fd, RECLAIM_KILL, &err),
                     -ENODEV);
    for (size_t i = 0; i < ARRAY_SIZE(damaged_table); i++) {
        assert_int_equal(group_reclaim(damaged_table[i], f.fd, RECLAIM_KILL, &err), -EINVAL);
        assert_has(err.text, "damaged");
    }
    /* The first error is told, whatever comes after it. */
    assert_int_equal(
        group_reclaim("nonsense\n1 memory /nowhere ration-x\n", f.fd, RECLAIM_KILL, &err), -EINVAL);
    assert_has(err.text, "nonsense");
    fixture_drop(&f);
}

/* ---- what cannot be made is undone, and told ----------------------------------------------------------- */

static void expect_failure(const struct fixture *f, const char *parent, const char *limits,
                           const char *sentence)
{
    struct cgroups *c = fixture_open(f, parent, false);
    struct machine machine;
    struct plan *plan = plan_for(c, limits, &machine);
    struct group *group = NULL;
    struct err err = ERR_INIT;

    int r = group_create(c, plan, &machine, "x", &group, &err);
    assert_true(r < 0);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_has(err.text, sentence);
    assert_null(group);
    plan_free(plan);
    cgroups_close(c);
}

static void test_create_fails(void **state)
{
    (void)state;
    struct fixture f = v1_machine();
    /* No file appears in a directory that only looks like a group. */
    expect_failure(
        &f, NULL, "memory=50m pids-limit=5",
        "--memory: cannot write '52428800' to "
        "/sys/fs/cgroup/memory/ration-x/memory.limit_in_bytes: the kernel offers no such file");
    expect_failure(&f, "one/two", "pids-limit=5",
                   "--pids-limit: cannot write '5' to "
                   "/sys/fs/cgroup/pids/one/two/ration-x/pids.max");
    assert_false(fixture_has(&f, "sys/fs/cgroup/memory/ration-x"));
    assert_false(fixture_has(&f, "sys/fs/cgroup/pids/ration-x"));
    assert_false(fixture_has(&f, "sys/fs/cgroup/freezer/ration-x"));
    assert_false(fixture_has(&f, "sys/fs/cgroup/pids/one/two/ration-x"));
    /* Somebody else's group is not taken, and not taken away either. */
    fixture_put(&f, "sys/fs/cgroup/pids/ration-x", NULL);
    expect_failure(&f, NULL, "pids-limit=5", "a group of that name is there already");
    assert_true(fixture_has(&f, "sys/fs/cgroup/pids/ration-x"));
    assert_false(fixture_has(&f, "sys/fs/cgroup/freezer/ration-x"));
    fixture_drop(&f);

    f = v2_machine();
    expect_failure(&f, NULL, "cpus=0.5",
                   "--cpus: cannot write '50000 100000' to "
                   "/sys/fs/cgroup/ration-x/cpu.max");
    assert_false(fixture_has(&f, "sys/fs/cgroup/ration-x"));
    fixture_drop(&f);
}

/* ---- ancestors ------------------------------------------------------------------------------------------ */

struct seen {
    char text[1024];
};

static void see(void *data, enum limit_id limit, const char *path, const char *value)
{
    struct seen *seen = data;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof(seen->text) - len, "%s %s %s\n", limit_info(limit)->name,
             path, value);
}

static void test_ancestors(void **state)
{
    struct seen seen = { "" };
    struct machine machine;

    (void)state;
    struct fixture f = v2_machine();
    struct cgroups *c = fixture_open(&f, "a/b", false);
    struct plan *plan = plan_for(c, "memory=50m pids-limit=25 cpus=0.5", &machine);

    assert_true(cgroups_layout(c)->parent_memory_bytes == 10485760);
    group_ancestors(c, plan, see, &seen);
    /* Each once, from the group that is tightest; b's 30 processes and whole CPU undercut nothing. */
    assert_string_equal(seen.text, "cpus /sys/fs/cgroup/a/cpu.max 20000 100000\n"
                                   "memory /sys/fs/cgroup/a/memory.max 10485760\n"
                                   "pids-limit /sys/fs/cgroup/a/pids.max 20\n");
    plan_free(plan);
    cgroups_close(c);
    /* Above the base at the root there is nothing. */
    c = fixture_open(&f, NULL, false);
    plan = plan_for(c, "memory=50m", &machine);
    seen.text[0] = '\0';
    group_ancestors(c, plan, see, &seen);
    assert_string_equal(seen.text, "");
    plan_free(plan);
    cgroups_close(c);
    fixture_drop(&f);
}

/* ---- trees that COMMAND may have made ------------------------------------------------------------------- */

#define DEPTH 3000u /* far more than a path could name */
#define WIDTH 500u

static unsigned visited;

static int count(void *data, int dir_fd)
{
    (void)data;
    (void)dir_fd;
    visited++;
    return 0;
}

static int stop(void *data, int dir_fd)
{
    (void)dir_fd;
    return ++*(unsigned *)data == 3 ? 7 : 0;
}

static void tree_make(int fd)
{
    int at = dup(fd);
    char name[32];

    for (unsigned i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, "down", 0755), 0);
        int next = openat(at, "down", O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    close(at);
    for (unsigned i = 0; i < WIDTH; i++) {
        snprintf(name, sizeof(name), "wide%u", i);
        assert_int_equal(mkdirat(fd, name, 0755), 0);
        if (i % 3 == 0) {
            snprintf(name, sizeof(name), "wide%u/leaf", i);
            assert_int_equal(mkdirat(fd, name, 0755), 0);
        }
    }
    assert_int_equal(symlinkat("down", fd, "link"), 0);
}

static void test_trees(void **state)
{
    uint64_t soon = clock_us(CLOCK_MONOTONIC) + 60000000;
    unsigned calls = 0;

    (void)state;
    struct fixture f = fixture_make("", "", NULL, NULL, 0);
    fixture_put(&f, "tree", NULL);
    int fd = openat(f.fd, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(dir_has_children(f.fd, "tree"), 0);
    tree_make(fd);
    assert_int_equal(dir_has_children(f.fd, "tree"), 1);
    visited = 0;
    assert_int_equal(tree_visit(fd, count, NULL), 0);
    assert_int_equal(visited, 1 + DEPTH + WIDTH + (WIDTH + 2) / 3);
    assert_int_equal(tree_visit(fd, stop, &calls), 7);

    /* A link is no group: it is neither followed nor removed. */
    assert_int_equal(unlinkat(fd, "link", 0), 0);
    fixture_put(&f, "tree/wide3/leaf/busy", "");
    assert_int_equal(tree_empty(fd, soon), -EBUSY);
    assert_int_equal(unlinkat(f.fd, "tree/wide3/leaf/busy", 0), 0);
    assert_int_equal(tree_empty(fd, 0), -EBUSY); /* no time left */
    assert_int_equal(tree_empty(fd, soon), 0);
    assert_int_equal(dir_has_children(f.fd, "tree"), 0);
    close(fd);
    fixture_drop(&f);
}

static void test_path_prefix(void **state)
{
    char text[32];

    (void)state;
    assert_true(path_prefix("a/bc/d", 0, text, sizeof(text)));
    assert_string_equal(text, "");
    assert_true(path_prefix("a/bc/d", 2, text, sizeof(text)));
    assert_string_equal(text, "a/bc");
    assert_true(path_prefix("a/bc/d", 3, text, sizeof(text)));
    assert_string_equal(text, "a/bc/d");
    assert_false(path_prefix("a/bc/d", 4, text, sizeof(text)));
    assert_true(path_prefix("", 0, text, sizeof(text)));
    assert_false(path_prefix("", 1, text, sizeof(text)));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_paths_named),
        cmocka_unit_test(test_record_round_trip),
        cmocka_unit_test(test_record_damaged),
        cmocka_unit_test(test_reclaim_refuses),
        cmocka_unit_test(test_create_fails),
        cmocka_unit_test(test_ancestors),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_path_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
