/* Passwords: docker's configuration file, its helpers' answers, and where they are looked for. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry/auth.h"

#define CAT(user64) "{\"auth\":\"" user64 "\"}"

static const struct entry_row {
    const char *text, *host, *repository;
    const char *user, *password, *token, *helper, *key;
} entry_rows[] = {
    { "{}", "a.b", NULL, NULL, NULL, NULL, NULL, NULL },
    { "{\"auths\":{}}", "a.b", NULL, NULL, NULL, NULL, NULL, NULL },
    /* user:secret */
    { "{\"auths\":{\"a.b\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b", NULL, "user", "secret", NULL,
      NULL, NULL },
    { "{\"auths\":{\"a.b\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.c", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "{\"auths\":{\"a.b\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b.c", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "{\"auths\":{\"https://a.b/v1/\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b", NULL, "user",
      "secret", NULL, NULL, NULL },
    { "{\"auths\":{\"https://a.b\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b", NULL, "user", "secret",
      NULL, NULL, NULL },
    { "{\"auths\":{\"https://a.b/other\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b", NULL, NULL, NULL,
      NULL, NULL, NULL },
    { "{\"auths\":{\"a.b:5000\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "a.b", NULL, NULL, NULL, NULL, NULL,
      NULL },
    /* a:b:c is user a with password b:c */
    { "{\"auths\":{\"a.b\":" CAT("YTpiOmM=") "}}", "a.b", NULL, "a", "b:c", NULL, NULL, NULL },
    { "{\"auths\":{\"https://index.docker.io/v1/\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "docker.io",
      "library/x", "user", "secret", NULL, NULL, NULL },
    { "{\"auths\":{\"docker.io\":" CAT("dXNlcjpzZWNyZXQ=") "}}", "docker.io", NULL, "user",
      "secret", NULL, NULL, NULL },
    { "{\"auths\":{\"a\":{\"username\":\"u\",\"password\":\"p\"}}}", "a", NULL, "u", "p", NULL,
      NULL, NULL },
    { "{\"auths\":{\"a\":{\"auth\":\"dXNlcjo=\",\"identitytoken\":\"t\"}}}", "a", NULL, "user", "",
      "t", NULL, NULL },
    /* What is nearest to the repository counts. */
    { "{\"auths\":{\"a\":" CAT("YTpi") ",\"a/x\":" CAT("YzpkZWY=") "}}", "a", "x/y", "c", "def",
      NULL, NULL, NULL },
    { "{\"auths\":{\"a/x\":" CAT("YzpkZWY=") ",\"a\":" CAT("YTpi") "}}", "a", "xy", "a", "b", NULL,
      NULL, NULL },
    { "{\"auths\":{\"a\":{}},\"credsStore\":\"pass\"}", "a", NULL, NULL, NULL, NULL, "pass", "a" },
    { "{\"credsStore\":\"pass\"}", "docker.io", NULL, NULL, NULL, NULL, "pass",
      "https://index.docker.io/v1/" },
    { "{\"credsStore\":\"pass\",\"credHelpers\":{\"a\":\"ecr-login\"}}", "a", NULL, NULL, NULL,
      NULL, "ecr-login", "a" },
    { "{\"credHelpers\":{\"a\":\"ecr-login\"}}", "b", NULL, NULL, NULL, NULL, NULL, NULL },
};

static void expect_text(const char *got, const char *wanted, const char *in)
{
    if ((got == NULL) != (wanted == NULL) || (got && strcmp(got, wanted) != 0))
        fail_msg("%s: got '%s', wanted '%s'", in, text_or_empty(got), text_or_empty(wanted));
}

static void test_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(entry_rows); i++) {
        const struct entry_row *row = &entry_rows[i];
        struct auth_entry entry;
        struct err err = ERR_INIT;
        if (auth_entry_parse(row->text, strlen(row->text), row->host, row->repository, &entry,
                             &err) != 0)
            fail_msg("%s: %s", row->text, err.text);
        expect_text(entry.found.user, row->user, row->text);
        expect_text(entry.found.password, row->password, row->text);
        expect_text(entry.found.identity_token, row->token, row->text);
        expect_text(entry.helper, row->helper, row->text);
        expect_text(entry.helper_key, row->key, row->text);
        auth_entry_done(&entry);
    }
}

static const char *const bad_entries[] = {
    "",
    "[]",
    "{",
    "{\"auths\":[]}",
    "{\"auths\":{\"a\":{\"auth\":\"!!!!\"}}}",
    "{\"auths\":{\"a\":{\"auth\":\"dXNlcg==\"}}}",     /* no colon */
    "{\"auths\":{\"a\":{\"auth\":\"OnNlY3JldA==\"}}}", /* no user */
    "{\"auths\":{\"a\":{\"auth\":\"dXNlcjpz\\u0000\"}}}",
    "{\"auths\":{\"a\":{\"auth\":\"abc\"}}}",
    "{\"credsStore\":\"../../bin/sh\"}",
    "{\"credsStore\":\"a b\"}",
    "{\"credHelpers\":{\"a\":\"/bin/sh\"}}",
    "{\"auths\":{},\"auths\":{}}",
};

/* Nothing of what stands in such a file gets into a message. */
static void test_bad_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_entries); i++) {
        struct auth_entry entry;
        struct err err = ERR_INIT;
        if (auth_entry_parse(bad_entries[i], strlen(bad_entries[i]), "a", NULL, &entry, &err) !=
            -EINVAL)
            fail_msg("'%s' was taken", bad_entries[i]);
        assert_string_equal(err.text, "it is no configuration of docker's with passwords for a");
    }
}

static void test_helper_answers(void **state)
{
    static const char good[] = "{\"ServerURL\":\"a\",\"Username\":\"u\",\"Secret\":\"s\"}";
    static const char token[] = "{\"Username\":\"<token>\",\"Secret\":\"t\"}";
    struct credentials c = { 0 };
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(auth_helper_parse(good, strlen(good), &c, &err), 0);
    assert_string_equal(c.user, "u");
    assert_string_equal(c.password, "s");
    credentials_done(&c);
    assert_int_equal(auth_helper_parse(token, strlen(token), &c, &err), 0);
    assert_null(c.user);
    assert_string_equal(c.identity_token, "t");
    credentials_done(&c);
    assert_int_equal(auth_helper_parse("{}", 2, &c, &err), -EINVAL);
    assert_int_equal(auth_helper_parse("no", 2, &c, &err), -EINVAL);
    assert_false(credentials_are(&c));
}

static void test_basic(void **state)
{
    _cleanup_free_ char *text = auth_basic_format("Aladdin", "open sesame");

    (void)state;
    /* RFC 7617, section 2 */
    assert_string_equal(text, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_true(auth_helper_is("ecr-login"));
    assert_false(auth_helper_is(""));
    assert_false(auth_helper_is("a/b"));
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static char home[64];

static void put(const char *name, const char *text, mode_t mode)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", home, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static int make_home(void **state)
{
    char path[256];

    (void)state;
    snprintf(home, sizeof(home), "/tmp/registry-auth.XXXXXX");
    if (!mkdtemp(home))
        return -1;
    snprintf(path, sizeof(path), "%s/.docker", home);
    if (mkdir(path, 0700) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/bin", home);
    if (mkdir(path, 0700) < 0)
        return -1;
    setenv("HOME", home, 1);
    snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", home);
    setenv("PATH", path, 1);
    unsetenv("DOCKER_CONFIG");
    unsetenv("REGISTRY_AUTH_FILE");
    unsetenv("XDG_CONFIG_HOME");
    setenv("XDG_RUNTIME_DIR", home, 1);
    return 0;
}

static int remove_home(void **state)
{
    static const char *const names[] = {
        ".docker/config.json", "other.json", "bin/docker-credential-t", "bin", ".docker", ""
    };
    char path[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", home, names[i]);
        if (remove(path) < 0 && errno != ENOENT)
            return -1;
    }
    return 0;
}

static void test_files(void **state)
{
    struct credentials c;
    struct err err = ERR_INIT;
    char path[256];

    (void)state;
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), 0);
    assert_false(credentials_are(&c));
    put(".docker/config.json", "{\"auths\":{\"a\":" CAT("YTpi") "}}", 0600);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), 0);
    assert_string_equal(c.user, "a");
    assert_non_null(strstr(c.where, "/.docker/config.json"));
    credentials_done(&c);
    /* A file that is named is the one that counts, and has to be there. */
    put("other.json", "{\"auths\":{\"a\":" CAT("YzpkZWY=") "}}", 0600);
    snprintf(path, sizeof(path), "%s/other.json", home);
    assert_int_equal(credentials_find(path, "a", "x", &c, &err), 0);
    assert_string_equal(c.user, "c");
    credentials_done(&c);
    setenv("REGISTRY_AUTH_FILE", path, 1);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), 0);
    assert_string_equal(c.user, "c");
    credentials_done(&c);
    unsetenv("REGISTRY_AUTH_FILE");
    assert_int_equal(credentials_find("/nonexistent/file", "a", "x", &c, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
    put(".docker/config.json", "broken", 0600);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "/.docker/config.json"));
    assert_null(strstr(err.text, "broken"));
}

static void test_helpers(void **state)
{
    struct credentials c;
    struct err err = ERR_INIT;

    (void)state;
    put(".docker/config.json", "{\"credHelpers\":{\"a\":\"t\",\"b\":\"not-there\"}}", 0600);
    put("bin/docker-credential-t",
        "#!/bin/sh\nread -r key || [ -n \"$key\" ]\n"
        "[ \"$1\" = get ] && echo \"{\\\"Username\\\":\\\"u-$key\\\",\\\"Secret\\\":\\\"s\\\"}\"\n",
        0700);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), 0);
    assert_string_equal(c.user, "u-a");
    assert_string_equal(c.where, "docker-credential-t");
    credentials_done(&c);
    assert_int_equal(credentials_find(NULL, "b", "x", &c, &err), -ENOENT);
    assert_non_null(strstr(err.text, "docker-credential-not-there, which is not installed"));
    put("bin/docker-credential-t",
        "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n", 0700);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), 0);
    assert_false(credentials_are(&c));
    put("bin/docker-credential-t", "#!/bin/sh\necho locked\nexit 3\n", 0700);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), -EIO);
    assert_non_null(strstr(err.text, "ended with status 3: locked"));
    put("bin/docker-credential-t", "#!/bin/sh\nhead -c 200000 /dev/zero\n", 0700);
    assert_int_equal(credentials_find(NULL, "a", "x", &c, &err), -EFBIG);
}

/* ---- changing the file --------------------------------------------------------------------------------- */

static void expect_file(const char *wanted)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[256];

    snprintf(path, sizeof(path), "%s/.docker/config.json", home);
    assert_int_equal(file_read(AT_FDCWD, path, 4096, &text), 0);
    assert_string_equal(buf_text(&text), wanted);
}

static void test_write(void **state)
{
    _cleanup_free_ char *where = NULL;
    struct err err = ERR_INIT;
    struct stat st;
    char path[256];

    (void)state;
    snprintf(path, sizeof(path), "%s/.docker/config.json", home);
    put(".docker/config.json", "{\"psFormat\":\"x\",\"auths\":{\"b\":{\"auth\":\"YTpi\"}}}", 0644);
    assert_int_equal(auth_write(path, "a:5000", "user", "secret", &where, &err), 0);
    assert_string_equal(where, path);
    expect_file("{\n    \"psFormat\": \"x\",\n    \"auths\": {\n        \"b\": {\n            "
                "\"auth\": \"YTpi\"\n        },\n        \"a:5000\": {\n            \"auth\": "
                "\"dXNlcjpzZWNyZXQ=\"\n        }\n    }\n}\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    struct credentials c;
    assert_int_equal(credentials_find(NULL, "a:5000", NULL, &c, &err), 0);
    assert_string_equal(c.password, "secret");
    credentials_done(&c);
    assert_int_equal(auth_erase(path, "a:5000", NULL, &err), 1);
    assert_int_equal(auth_erase(path, "a:5000", NULL, &err), 0);
    expect_file("{\n    \"psFormat\": \"x\",\n    \"auths\": {\n        \"b\": {\n            "
                "\"auth\": \"YTpi\"\n        }\n    }\n}\n");
}

/* What is no configuration is left as it is; what is not there is made. */
static void test_write_odd(void **state)
{
    struct err err = ERR_INIT;
    char path[256];

    (void)state;
    snprintf(path, sizeof(path), "%s/.docker/config.json", home);
    assert_int_equal(auth_write(path, "docker.io", "u", "p", NULL, &err), 0);
    expect_file("{\n    \"auths\": {\n        \"https://index.docker.io/v1/\": {\n            "
                "\"auth\": \"dTpw\"\n        }\n    }\n}\n");
    put(".docker/config.json", "not mine", 0600);
    assert_int_equal(auth_write(path, "a", "u", "p", NULL, &err), -EINVAL);
    assert_int_equal(auth_erase(path, "a", NULL, &err), -EINVAL);
    expect_file("not mine");
    put(".docker/config.json", "{\"auths\":5}", 0600);
    assert_int_equal(auth_write(path, "a", "u", "p", NULL, &err), -EINVAL);
    put(".docker/config.json", "", 0600);
    assert_int_equal(auth_write(path, "a", "u", "p", NULL, &err), 0);
}

static void test_write_helper(void **state)
{
    _cleanup_free_ char *where = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    char path[256], kept[256];

    (void)state;
    snprintf(path, sizeof(path), "%s/.docker/config.json", home);
    snprintf(kept, sizeof(kept), "%s/other.json", home);
    put("bin/docker-credential-t", "#!/bin/sh\n{ echo \"$1\"; cat; } >\"$HOME/other.json\"\n",
        0700);
    put(".docker/config.json", "{\"credsStore\":\"t\"}", 0600);
    assert_int_equal(auth_write(path, "a", "u", "p", &where, &err), 0);
    assert_string_equal(where, "docker-credential-t");
    assert_int_equal(file_read(AT_FDCWD, kept, 4096, &text), 0);
    assert_string_equal(buf_text(&text),
                        "store\n{\"ServerURL\":\"a\",\"Username\":\"u\",\"Secret\":\"p\"}");
    expect_file("{\n    \"credsStore\": \"t\",\n    \"auths\": {\n        \"a\": {}\n    }\n}\n");
    assert_int_equal(auth_erase(path, "a", NULL, &err), 1);
    assert_int_equal(file_read(AT_FDCWD, kept, 4096, &text), 0);
    assert_string_equal(buf_text(&text), "erase\na");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_bad_entries),
        cmocka_unit_test(test_helper_answers),
        cmocka_unit_test(test_basic),
        cmocka_unit_test_setup_teardown(test_files, make_home, remove_home),
        cmocka_unit_test_setup_teardown(test_helpers, make_home, remove_home),
        cmocka_unit_test_setup_teardown(test_write, make_home, remove_home),
        cmocka_unit_test_setup_teardown(test_write_odd, make_home, remove_home),
        cmocka_unit_test_setup_teardown(test_write_helper, make_home, remove_home),
    };

    return cmocka_run_group_tests_name("registry_auth", tests, NULL, NULL);
}
