/* The pure part of the room registry: headers, addresses, ranges and documents of a registry. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "registry/wire.h"

/* ---- WWW-Authenticate -------------------------------------------------------------------------------- */

static const struct challenge_row {
    const char *header;
    enum auth_scheme scheme;
    const char *realm, *service, *scope;
} challenge_rows[] = {
    { "", AUTH_NONE, NULL, NULL, NULL },
    { " , ,", AUTH_NONE, NULL, NULL, NULL },
    { "Basic realm=\"x y\"", AUTH_BASIC, "x y", NULL, NULL },
    { "basic", AUTH_BASIC, NULL, NULL, NULL },
    { "BASIC REALM=x", AUTH_BASIC, "x", NULL, NULL },
    { "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull\"", AUTH_BEARER,
      "https://a/t", "s", "repository:a/b:pull" },
    { "Bearer  realm = \"https://a\" ,, service = s", AUTH_BEARER, "https://a", "s", NULL },
    { "Bearer realm=\"a,b\", scope=\"x:pull,push\"", AUTH_BEARER, "a,b", NULL, "x:pull,push" },
    { "Bearer realm=\"say \\\"a\\\" \\\\\"", AUTH_BEARER, "say \"a\" \\", NULL, NULL },
    { "Bearer realm=\"x\",error=\"invalid_token\",max_age=3", AUTH_BEARER, "x", NULL, NULL },
    /* The better of several. */
    { "Basic realm=b, Bearer realm=t", AUTH_BEARER, "t", NULL, NULL },
    { "Bearer realm=t, Basic realm=b", AUTH_BEARER, "t", NULL, NULL },
    { "Negotiate, Basic realm=b", AUTH_BASIC, "b", NULL, NULL },
    { "Negotiate YWJjZA==, Basic realm=b", AUTH_BASIC, "b", NULL, NULL },
    { "Digest realm=\"d, Bearer realm=evil\", nonce=1, Basic realm=b", AUTH_BASIC, "b", NULL,
      NULL },
    { "Bearer realm=\"\"", AUTH_BEARER, "", NULL, NULL },
    { "NTLM", AUTH_NONE, NULL, NULL, NULL },
    { "Newauth realm=\"a\", title=\"Bearer realm=\\\"x\\\"\"", AUTH_NONE, NULL, NULL, NULL },
};

static void expect_text(const char *got, const char *wanted, const char *header)
{
    if ((got == NULL) != (wanted == NULL) || (got && strcmp(got, wanted) != 0))
        fail_msg("%s: got '%s', wanted '%s'", header, text_or_empty(got), text_or_empty(wanted));
}

static void test_challenges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(challenge_rows); i++) {
        const struct challenge_row *row = &challenge_rows[i];
        struct challenge c = { 0 };
        struct err err = ERR_INIT;
        if (challenge_parse(row->header, &c, &err) != 0)
            fail_msg("%s: %s", row->header, err.text);
        if (c.scheme != row->scheme)
            fail_msg("%s: scheme %d", row->header, (int)c.scheme);
        expect_text(c.realm, row->realm, row->header);
        expect_text(c.service, row->service, row->header);
        expect_text(c.scope, row->scope, row->header);
        challenge_done(&c);
    }
}

static const char *const bad_challenges[] = {
    "Bearer",
    "Bearer service=s",
    "Bearer realm=\"open",
    "Bearer realm=",
    "Bearer realm=a b",
    "Bearer realm=a realm=b",
    "Bearer realm=a, realm=b",
    "Bearer realm=a, REALM=b",
    "=x",
    "\"Bearer\"",
    "Bearer;realm=x",
    "Bearer realm=\"a\x01\"",
    "Basic realm=\"a\"x",
    "Bearer realm=\"a\" service=\"b\"",
    "Bearer\\ realm=x",
};

static void test_bad_challenges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_challenges); i++) {
        struct challenge c = { 0 };
        struct err err = ERR_INIT;
        if (challenge_parse(bad_challenges[i], &c, &err) != -EINVAL)
            fail_msg("'%s' was taken", bad_challenges[i]);
        assert_non_null(strstr(err.text, "WWW-Authenticate"));
        challenge_done(&c);
    }
}

/* Headers that stand several times count together. */
static void test_challenges_together(void **state)
{
    struct challenge c = { 0 };
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(challenge_parse("Basic realm=one", &c, &err), 0);
    assert_int_equal(challenge_parse("Negotiate", &c, &err), 0);
    assert_string_equal(c.realm, "one");
    assert_int_equal(challenge_parse("Bearer realm=two", &c, &err), 0);
    assert_int_equal(c.scheme, AUTH_BEARER);
    assert_string_equal(c.realm, "two");
    assert_int_equal(challenge_parse("Basic realm=three", &c, &err), 0);
    assert_string_equal(c.realm, "two");
    challenge_done(&c);
}

/* ---- addresses ---------------------------------------------------------------------------------------- */

static const struct resolve_row {
    const char *base, *location, *wanted; /* NULL: refused */
} resolve_rows[] = {
    { "https://a/v2/x", "/y", "https://a/y" },
    { "https://a/v2/x", "y?z=1", "https://a/v2/y?z=1" },
    { "https://a:5000/v2/x?q=1", "?r=2", "https://a:5000/v2/x?r=2" },
    { "https://a/v2/x", "https://b/c?d=%2f", "https://b/c?d=%2f" },
    { "https://a/v2/x", "http://b/c", "http://b/c" },
    { "https://a/v2/x", "//b/c", "https://b/c" },
    { "https://a/v2/x", "../../../etc", "https://a/etc" },
    { "https://a/v2/x", "https://b/c#frag", "https://b/c" },
    { "http://[::1]:5000/v2/", "/z", "http://[::1]:5000/z" },
    { "https://a/v2/x", "", NULL },
    { "https://a/v2/x", "file:///etc/passwd", NULL },
    { "https://a/v2/x", "ftp://b/c", NULL },
    { "https://a/v2/x", "gopher://b/c", NULL },
    { "https://a/v2/x", "https://user:pass@b/c", NULL },
    { "https://a/v2/x", "https://", NULL },
    { "https://a/v2/x", "https://b:99999/", NULL },
    { "https://a/v2/x", "https://b b/", NULL },
    { "nonsense://", "/y", NULL },
};

static void test_resolve(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(resolve_rows); i++) {
        const struct resolve_row *row = &resolve_rows[i];
        _cleanup_free_ char *got = NULL;
        struct err err = ERR_INIT;
        int r = url_resolve(row->base, row->location, &got, &err);
        if (row->wanted && r != 0)
            fail_msg("%s + %s: %s", row->base, row->location, err.text);
        if (!row->wanted && r != -EINVAL)
            fail_msg("%s + %s was taken as %s", row->base, row->location, text_or_empty(got));
        if (row->wanted)
            assert_string_equal(got, row->wanted);
        else
            assert_true(err.text[0] != '\0');
    }
}

static void test_query(void **state)
{
    _cleanup_free_ char *one = url_with_query("https://a/t", "scope", "repository:a/b:pull,push");
    _cleanup_free_ char *two = url_with_query("https://a/t?x=1", "service", "a b&c=d");

    (void)state;
    assert_non_null(one);
    assert_non_null(strstr(one, "https://a/t?scope="));
    assert_null(strchr(one, ','));
    assert_non_null(two);
    assert_non_null(strstr(two, "?x=1&service=a"));
    assert_null(strstr(two, "&c=d"));
    assert_null(url_with_query("::::", "a", "b"));
}

static void test_origin(void **state)
{
    (void)state;
    assert_true(url_same_origin("https://a/x", "https://a:443/y"));
    assert_true(url_same_origin("http://A/x", "http://a/y"));
    assert_false(url_same_origin("https://a/x", "http://a/x"));
    assert_false(url_same_origin("https://a/x", "https://a:444/x"));
    assert_false(url_same_origin("https://a/x", "https://a.b/x"));
    assert_false(url_same_origin("https://a/x", "nothing:"));
}

static void test_loopback(void **state)
{
    static const char *const ours[] = { "localhost", "localhost:5000", "LOCALHOST",
                                        "127.0.0.1", "127.0.0.1:5000", "127.9.8.7",
                                        "[::1]",     "[::1]:5000" };
    static const char *const theirs[] = {
        "",        "localhost.example", "128.0.0.1", "127.0.0.1.example", "1127.0.0.1",
        "[::2]:1", "10.127.0.1",        "[::1",      "example:127"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        if (!host_is_loopback(ours[i]))
            fail_msg("%s is this machine", ours[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(theirs); i++) {
        if (host_is_loopback(theirs[i]))
            fail_msg("%s is not this machine", theirs[i]);
    }
}

static const struct link_row {
    const char *header, *wanted;
} link_rows[] = {
    { "</v2/_catalog?n=1&last=a>; rel=\"next\"", "/v2/_catalog?n=1&last=a" },
    { "<a>; rel=next", "a" },
    { "<a>; rel=\"prev\", <b>; rel=\"next\"", "b" },
    { "<a>; title=\"x; rel=next\", <b>; x=1; rel=\"next\"", "b" },
    { "<a>; rel=\"prev\"", NULL },
    { "<a>; rel=nextone", NULL },
    { "<a; rel=next", NULL },
    { "a; rel=next", NULL },
    { "", NULL },
};

static void test_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(link_rows); i++) {
        _cleanup_free_ char *got = link_next(link_rows[i].header);
        expect_text(got, link_rows[i].wanted, link_rows[i].header);
    }
}

/* ---- ranges -------------------------------------------------------------------------------------------- */

static void test_content_range(void **state)
{
    static const char *const bad[] = { "",
                                       "bytes",
                                       "bytes 0-1",
                                       "bytes 5-4/9",
                                       "bytes 0-9/9",
                                       "bytes -1-2/9",
                                       "bytes 0-1/9 ",
                                       "octets 0-1/9",
                                       "bytes 0-99999999999999999999/*",
                                       "bytes */9" };
    uint64_t first, last, size;

    (void)state;
    assert_int_equal(content_range_parse("bytes 5-8/9", &first, &last, &size), 0);
    assert_int_equal(first, 5);
    assert_int_equal(last, 8);
    assert_int_equal(size, 9);
    assert_int_equal(content_range_parse("bytes 0-0/*", &first, &last, &size), 0);
    assert_true(size == UINT64_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (content_range_parse(bad[i], &first, &last, &size) != -EINVAL &&
            content_range_parse(bad[i], &first, &last, &size) != -ERANGE)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void test_upload_range(void **state)
{
    uint64_t bytes;

    (void)state;
    assert_int_equal(upload_range_parse("0-99", &bytes), 0);
    assert_int_equal(bytes, 100);
    assert_int_equal(upload_range_parse("bytes=0-9", &bytes), 0);
    assert_int_equal(bytes, 10);
    assert_int_equal(upload_range_parse("0-0", &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(upload_range_parse("1-9", &bytes), -EINVAL);
    assert_int_equal(upload_range_parse("", &bytes), -EINVAL);
    assert_int_equal(upload_range_parse("0-", &bytes), -EINVAL);
    assert_int_equal(upload_range_parse("0-9x", &bytes), -EINVAL);
    assert_int_equal(upload_range_parse("0-18446744073709551615", &bytes), -EINVAL);
}

/* ---- documents and text ------------------------------------------------------------------------------------ */

static void expect_said(const char *body, const char *wanted)
{
    char said[160];

    error_body_parse(body, strlen(body), said, sizeof(said));
    assert_string_equal(said, wanted);
}

static void test_error_bodies(void **state)
{
    (void)state;
    expect_said("{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"not known\"}]}",
                "NAME_UNKNOWN: not known");
    expect_said("{\"errors\":[{\"message\":\"only this\"}]}", "only this");
    expect_said("{\"details\":\"incorrect username\"}", "incorrect username");
    expect_said("{\"error\":\"invalid_grant\",\"error_description\":\"no\"}", "invalid_grant: no");
    expect_said("{\"errors\":[{\"code\":\"A\",\"message\":\"\\u001b[31mred\\u0007\\n\"}]}",
                "A: ?[31mred??");
    expect_said("{\"errors\":[]}", "");
    expect_said("{\"errors\":[{\"code\":5}]}", "");
    expect_said("{\"errors\":[", "");
    expect_said("<html>no</html>", "");
    expect_said("", "");
    expect_said("[[[[", "");
}

static void test_quote(void **state)
{
    char small[4];

    (void)state;
    assert_string_equal(wire_quote("a\tb\x80\x1b", (char[16]){ 0 }, 16), "a?b??");
    assert_string_equal(wire_quote("abcdef", small, sizeof(small)), "abc");
    assert_string_equal(wire_quote(NULL, small, sizeof(small)), "");
}

static void expect_token(const char *body, const char *wanted, uint64_t seconds)
{
    _cleanup_free_ char *token = NULL;
    struct err err = ERR_INIT;
    uint64_t got = 0;

    int r = token_parse(body, strlen(body), &token, &got, &err);
    if (!wanted) {
        assert_int_equal(r, -EINVAL);
        return;
    }
    assert_int_equal(r, 0);
    assert_string_equal(token, wanted);
    assert_int_equal(got, seconds);
}

static void test_tokens(void **state)
{
    (void)state;
    expect_token("{\"token\":\"a.b-c\",\"expires_in\":300}", "a.b-c", 300);
    expect_token("{\"access_token\":\"x\"}", "x", 60);
    expect_token("{\"token\":\"t\",\"access_token\":\"x\",\"expires_in\":-5}", "t", 60);
    /* What would be a header of its own. */
    expect_token("{\"token\":\"a\\r\\nX: y\"}", NULL, 0);
    expect_token("{\"token\":\"a b\"}", NULL, 0);
    expect_token("{\"token\":\"\"}", NULL, 0);
    expect_token("{\"token\":5}", NULL, 0);
    expect_token("{}", NULL, 0);
    expect_token("[]", NULL, 0);
    expect_token("<html>", NULL, 0);
}

/* ---- media types ---------------------------------------------------------------------------------------- */

static void test_media(void **state)
{
    _cleanup_free_ char *accept = media_accept();

    (void)state;
    assert_string_equal(accept, "application/vnd.oci.image.index.v1+json, "
                                "application/vnd.docker.distribution.manifest.list.v2+json, "
                                "application/vnd.oci.image.manifest.v1+json, "
                                "application/vnd.docker.distribution.manifest.v2+json");
    assert_int_equal(media_kind("application/vnd.oci.image.index.v1+json"), MEDIA_INDEX);
    assert_int_equal(media_kind("APPLICATION/vnd.oci.image.manifest.v1+json; charset=utf-8"),
                     MEDIA_MANIFEST);
    assert_int_equal(media_kind("application/vnd.docker.distribution.manifest.v1+prettyjws"),
                     MEDIA_OUTDATED);
    assert_int_equal(media_kind("text/html;charset=x"), MEDIA_PAGE);
    assert_int_equal(media_kind("application/json"), MEDIA_UNKNOWN);
    assert_int_equal(media_kind("application/vnd.oci.image.manifest.v1+jsonx"), MEDIA_UNKNOWN);
    assert_int_equal(media_kind(""), MEDIA_UNKNOWN);
    assert_int_equal(media_kind(NULL), MEDIA_UNKNOWN);
    _cleanup_free_ char *name = media_name("a/b ; c");
    assert_string_equal(name, "a/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_bad_challenges),
        cmocka_unit_test(test_challenges_together),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_content_range),
        cmocka_unit_test(test_upload_range),
        cmocka_unit_test(test_error_bodies),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_media),
    };

    return cmocka_run_group_tests_name("registry_wire", tests, NULL, NULL);
}
