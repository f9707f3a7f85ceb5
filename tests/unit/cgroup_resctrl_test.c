/* cgroup: classes of service of resctrl: what a document means, what stands there, what is made. */
#include "cgroup_fixture.h"

#define RESCTRL_MOUNT "40 23 0:50 / /sys/fs/resctrl rw,relatime - resctrl resctrl rw\n"

static void schemata_are_joined_by_the_specification(void **state)
{
    static const struct {
        const char *l3, *bandwidth;
        const char *lines[3];
        const char *want;
    } table[] = {
        { NULL, NULL, { NULL }, "" },
        { "L3:0=ff", NULL, { NULL }, "L3:0=ff\n" },
        { NULL, "MB:0=50", { NULL }, "MB:0=50\n" },
        { "L3:0=ff", "MB:0=50", { NULL }, "L3:0=ff\nMB:0=50\n" },
        { "L3:0=ff\nMB:0=70", NULL, { NULL }, "L3:0=ff\nMB:0=70\n" },
        { "MB:0=70\nL3:0=ff\n", "MB:0=50", { NULL }, "L3:0=ff\nMB:0=50\n" },
        { "L3:0=ff", NULL, { "L2:0=f", "MB:0=10", NULL }, "L3:0=ff\nL2:0=f\nMB:0=10\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        resctrl_schemata_join(table[i].l3, table[i].bandwidth,
                              (char *const *)(uintptr_t)table[i].lines, &text);
        assert_string_equal(buf_text(&text), table[i].want);
    }
}

static void schemata_are_compared_as_numbers(void **state)
{
    static const char have[] = "    MB:0=50;1=100\n    L3:0=000ff;1=fffff\n";
    static const struct {
        const char *wanted;
        unsigned granularity;
        bool holds;
    } table[] = {
        { "", 1, true },
        { "L3:0=ff\n", 1, true },
        { "L3:0=ff;1=fffff\nMB:0=50\n", 1, true },
        { "L3:1=FFFFF;0=0ff", 1, true },
        { "L3:0=f\n", 1, false },
        { "L3:2=ff\n", 1, false },
        { "L2:0=ff\n", 1, false },
        { "MB:0=41\n", 10, true },
        { "MB:0=40\n", 10, false },
        { "MB:0=51\n", 10, false },
        { "MB:0=50;1=100;\n", 1, true },
        { "rubbish\n", 1, false },
        { "L3:rubbish\n", 1, false },
        { "L3:0=ffx\n", 1, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (resctrl_schemata_hold(have, table[i].wanted, table[i].granularity) != table[i].holds)
            fail_msg("\"%s\" with %u", table[i].wanted, table[i].granularity);
    }
}

static void lines_of_the_record_are_strict(void **state)
{
    static const char *const bad_table[] = {
        "",           "gm /a b",     "gm /a b c d", "g /a b c", "gm a b c", "gm /a ../b c",
        "gm /a .. c", "gm /a b c/d", "gm /a b ..",
    };
    static const char *const good_table[] = {
        "g- /sys/fs/resctrl web /",
        "-m /sys/fs/resctrl gold web",
        "-- /a\\040b c /",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        struct resctrl resctrl;
        if (resctrl_parse(bad_table[i], &resctrl) != -EINVAL)
            fail_msg("\"%s\"", bad_table[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good_table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct resctrl resctrl;
        assert_int_equal(resctrl_parse(good_table[i], &resctrl), 0);
        resctrl_format(&resctrl, &text);
        assert_string_equal(buf_text(&text), good_table[i]);
        resctrl_done(&resctrl);
    }
}

/* A machine with the class "gold". */
static struct fixture machine(bool mounted)
{
    static const struct fixture_file files[] = {
        { "sys/fs/resctrl/info/MB/bandwidth_gran", "10\n" },
        { "sys/fs/resctrl/gold/schemata", "    L3:0=ff\n    MB:0=50\n" },
        { "sys/fs/resctrl/gold/tasks", "" },
        { "sys/fs/resctrl/gold/mon_groups", NULL },
    };

    return fixture_make(mounted ? MOUNTS_BEFORE RESCTRL_MOUNT : MOUNTS_BEFORE, "0::/\n", NULL,
                        files, ARRAY_SIZE(files));
}

static void what_has_to_be_made_is_found_out(void **state)
{
    static const struct {
        struct resctrl_wanted wanted;
        const char *line; /* NULL: refused */
        const char *why;
    } table[] = {
        { { "box", false, "", NULL }, "g- /sys/fs/resctrl box /", NULL },
        { { "box", false, "L3:0=f\n", "box" }, "gm /sys/fs/resctrl box box", NULL },
        { { "gold", false, "", NULL }, NULL, "gold exists already" },
        { { "gold", true, "", "box" }, "-m /sys/fs/resctrl gold box", NULL },
        { { "gold", true, "L3:0=ff\nMB:0=45\n", NULL }, "-- /sys/fs/resctrl gold /", NULL },
        { { "gold", true, "L3:0=f\n", NULL }, NULL, "exists and is not what the document asks" },
        { { "lead", true, "L3:0=f\n", NULL }, "g- /sys/fs/resctrl lead /", NULL },
        { { "lead", true, "", NULL }, NULL, "lead does not exist" },
    };
    struct fixture f = machine(true);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct resctrl resctrl = { 0 };
        struct err err = ERR_INIT;
        int r = resctrl_plan(f.fd, &table[i].wanted, &resctrl, &err);
        if (!table[i].line) {
            assert_true(r < 0);
            if (!strstr(err.text, table[i].why))
                fail_msg("%s", err.text);
            continue;
        }
        if (r < 0)
            fail_msg("%s", err.text);
        resctrl_format(&resctrl, &text);
        assert_string_equal(buf_text(&text), table[i].line);
        resctrl_done(&resctrl);
    }
    fixture_drop(&f);
}

static void without_a_mount_it_is_refused(void **state)
{
    const struct resctrl_wanted wanted = { "box", false, "", NULL };
    struct fixture f = machine(false);
    struct resctrl resctrl;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(resctrl_plan(f.fd, &wanted, &resctrl, &err), -EOPNOTSUPP);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_non_null(strstr(err.text, "no resctrl file system is mounted"));
    fixture_drop(&f);
}

static void expect_file(const struct fixture *f, const char *path, const char *want)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    assert_int_equal(file_read(f->fd, path, 4096, &text), 0);
    assert_string_equal(buf_text(&text), want);
}

static bool exists(const struct fixture *f, const char *path)
{
    return faccessat(f->fd, path, F_OK, 0) == 0;
}

static void processes_join_and_what_was_made_goes(void **state)
{
    struct resctrl_wanted wanted = { "gold", true, "", "box" };
    struct fixture f = machine(true);
    struct resctrl resctrl;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(resctrl_plan(f.fd, &wanted, &resctrl, &err), 0);
    assert_int_equal(resctrl_make(f.fd, &resctrl, "", &err), 0);
    assert_true(exists(&f, "sys/fs/resctrl/gold/mon_groups/box"));
    /* The kernel makes the file of tasks with its directory. */
    fixture_put(&f, "sys/fs/resctrl/gold/mon_groups/box/tasks", "");
    assert_int_equal(resctrl_join(f.fd, &resctrl, 4321, &err), 0);
    expect_file(&f, "sys/fs/resctrl/gold/tasks", "4321\n");
    expect_file(&f, "sys/fs/resctrl/gold/mon_groups/box/tasks", "4321\n");
    assert_int_equal(unlinkat(f.fd, "sys/fs/resctrl/gold/mon_groups/box/tasks", 0), 0);
    assert_int_equal(resctrl_remove(f.fd, &resctrl), 0);
    assert_false(exists(&f, "sys/fs/resctrl/gold/mon_groups/box"));
    assert_true(exists(&f, "sys/fs/resctrl/gold/schemata"));
    assert_int_equal(resctrl_remove(f.fd, &resctrl), 0);
    resctrl_done(&resctrl);

    /* Of a class that the kernel does not fill with files nothing stays. */
    wanted = (struct resctrl_wanted){ "lead", true, "L3:0=f\n", NULL };
    assert_int_equal(resctrl_plan(f.fd, &wanted, &resctrl, &err), 0);
    assert_true(resctrl_make(f.fd, &resctrl, wanted.schemata, &err) < 0);
    assert_non_null(strstr(err.text, "cannot write /sys/fs/resctrl/lead/schemata"));
    assert_true(exists(&f, "sys/fs/resctrl/lead"));
    assert_int_equal(resctrl_remove(f.fd, &resctrl), 0);
    assert_false(exists(&f, "sys/fs/resctrl/lead"));
    resctrl_done(&resctrl);
    fixture_drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemata_are_joined_by_the_specification),
        cmocka_unit_test(schemata_are_compared_as_numbers),
        cmocka_unit_test(lines_of_the_record_are_strict),
        cmocka_unit_test(what_has_to_be_made_is_found_out),
        cmocka_unit_test(without_a_mount_it_is_refused),
        cmocka_unit_test(processes_join_and_what_was_made_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
