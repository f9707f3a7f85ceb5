/* Users and groups by name and number, against texts of passwd and group. */
#include "spec_world.h"

static const struct {
    const char *user;
    bool files; /* passwd and group are there */
    int result;
    uid_t uid;
    gid_t gid;
    const char *groups, *home;
} user_table[] = {
    { "root", true, 0, 0, 0, "0", "/root" },
    { "alice", true, 0, 1000, 1000, "1000 29", "/home/alice" },
    { "bob", true, 0, 1001, 100, "100 29 44", "/home/bob" },
    { "1001", true, 0, 1001, 100, "100 29 44", "/home/bob" },
    { "bob:audio", true, 0, 1001, 29, "29", "/home/bob" },
    { "bob:7", true, 0, 1001, 7, "7", "/home/bob" },
    { "77", true, 0, 77, 0, "", NULL },
    { "77:78", true, 0, 77, 78, "78", NULL },
    { "77", false, 0, 77, 0, "", NULL },
    { "0", false, 0, 0, 0, "", NULL },
    { "4294967294:4294967294", false, 0, 4294967294, 4294967294, "4294967294", NULL },
    { "root", false, -EINVAL, 0, 0, NULL, NULL },
    { "carol", true, -EINVAL, 0, 0, NULL, NULL },
    { "alice:staff", true, -EINVAL, 0, 0, NULL, NULL },
    { "1:root", false, -EINVAL, 0, 0, NULL, NULL },
    /* lines that overflow or have a sign are not there */
    { "minus", true, -EINVAL, 0, 0, NULL, NULL },
    { "big", true, -EINVAL, 0, 0, NULL, NULL },
    { "broken line", true, -EINVAL, 0, 0, NULL, NULL },
    { "4294967295", true, -EINVAL, 0, 0, NULL, NULL },
    { "-1", true, -EINVAL, 0, 0, NULL, NULL },
    { "alice:-1", true, -EINVAL, 0, 0, NULL, NULL },
    { "", true, -EINVAL, 0, 0, NULL, NULL },
    { ":", true, -EINVAL, 0, 0, NULL, NULL },
};

static void groups_text(const gid_t *groups, size_t n, char *ret, size_t size)
{
    size_t used = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(ret + used, size - used, "%s%u", i ? " " : "", groups[i]);
}

static void test_users(void **state)
{
    _cleanup_free_ char *passwd = NULL, *group = NULL;

    (void)state;
    assert_int_equal(world_read(NULL, "/etc/passwd", &passwd), 0);
    assert_int_equal(world_read(NULL, "/etc/group", &group), 0);
    for (size_t i = 0; i < ARRAY_SIZE(user_table); i++) {
        _cleanup_free_ gid_t *groups = NULL;
        _cleanup_free_ char *home = NULL;
        struct err err = ERR_INIT;
        size_t n_groups = 0;
        uid_t uid = 12345;
        gid_t gid = 12345;
        char text[128];
        bool files = user_table[i].files;
        int r = spec_resolve_user(user_table[i].user, files ? passwd : NULL, files ? group : NULL,
                                  &uid, &gid, &groups, &n_groups, &home, &err);
        if (r != user_table[i].result)
            fail_msg("'%s': %d, %s", user_table[i].user, r, err.text);
        if (r < 0) {
            assert_int_equal(err.class, ERR_USAGE);
            assert_int_equal(uid, 12345);
            continue;
        }
        groups_text(groups, n_groups, text, sizeof(text));
        assert_int_equal(uid, user_table[i].uid);
        assert_int_equal(gid, user_table[i].gid);
        assert_string_equal(text, user_table[i].groups);
        assert_string_equal(text_or_empty(home), text_or_empty(user_table[i].home));
    }
}

/* Hostile files: no line end, no fields, endless member lists, a million groups. */
static void test_hostile_files(void **state)
{
    static const char *const passwd_table[] = {
        "",
        "\n\n\n",
        ":::::::",
        "x",
        "a:b:1:1",
        "a:x:1:1:::",
        "a:x: 1:1::/:/bin/sh\n",
        "a:x:0x1:1::/:/bin/sh\n",
        "a:x:1:1::/h:/bin/sh:more:and:more\n",
    };
    _cleanup_buf_ struct buf group = BUF_INIT;

    (void)state;
    for (unsigned i = 0; i < 70000; i++)
        buf_printf(&group, "g%u:x:%u:%sa\n", i, i + 10, ",,,b,");
    assert_int_equal(buf_error(&group), 0);
    for (size_t i = 0; i < ARRAY_SIZE(passwd_table); i++) {
        _cleanup_free_ gid_t *groups = NULL;
        _cleanup_free_ char *home = NULL;
        struct err err = ERR_INIT;
        size_t n_groups = 0;
        uid_t uid;
        gid_t gid;
        int r = spec_resolve_user("a", passwd_table[i], "a:x:5:b,a\na:x:6:\n", &uid, &gid, &groups,
                                  &n_groups, &home, &err);
        if (r == 0) {
            assert_int_equal(uid, 1);
            assert_int_equal(n_groups, 2);
        }
    }
    _cleanup_free_ gid_t *groups = NULL;
    struct err err = ERR_INIT;
    size_t n_groups = 0;
    uid_t uid;
    gid_t gid;
    assert_true(spec_resolve_user("b", "b:x:1:1::/:/bin/sh\n", buf_text(&group), &uid, &gid,
                                  &groups, &n_groups, NULL, &err) < 0);
    assert_non_null(strstr(err.text, "groups"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_hostile_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
