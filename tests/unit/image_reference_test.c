/* References by docker's rules, and digests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "image/image.h"

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static void references_are_completed(void **state)
{
    static const struct {
        const char *text, *full, *shown;
    } table[] = {
        { "busybox", "docker.io/library/busybox:latest", "busybox:latest" },
        { "busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36" },
        { "library/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
        { "docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
        { "index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
        { "me/tool", "docker.io/me/tool:latest", "me/tool:latest" },
        { "a/b/c:d", "docker.io/a/b/c:d", "a/b/c:d" },
        { "localhost/x", "localhost/x:latest", "localhost/x:latest" },
        { "localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y" },
        { "127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest" },
        { "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest" },
        { "example.org/a__b/c.d-e---f", "example.org/a__b/c.d-e---f:latest",
          "example.org/a__b/c.d-e---f:latest" },
        { "Registry/x", "Registry/x:latest", "Registry/x:latest" },
        { "x@" DIGEST, "docker.io/library/x@" DIGEST, "x@" DIGEST },
        { "x:1@" DIGEST, "docker.io/library/x@" DIGEST, "x@" DIGEST },
        { "x:A_b.c-D", "docker.io/library/x:A_b.c-D", "x:A_b.c-D" },
        { "library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _cleanup_image_ref_ struct image_ref ref = { 0 };
        struct err err = ERR_INIT;
        if (image_ref_parse(table[i].text, &ref, &err) < 0)
            fail_msg("%s: %s", table[i].text, err.text);
        _cleanup_free_ char *full = image_ref_format(&ref);
        _cleanup_free_ char *shown = image_ref_show(&ref);
        assert_string_equal(full, table[i].full);
        assert_string_equal(shown, table[i].shown);
        /* What is full is its own full form. */
        _cleanup_image_ref_ struct image_ref again = { 0 };
        assert_int_equal(image_ref_parse(full, &again, &err), 0);
        _cleanup_free_ char *twice = image_ref_format(&again);
        assert_string_equal(twice, full);
    }
}

static void what_is_no_reference_is_refused(void **state)
{
    static const char *const table[] = {
        "",
        ":tag",
        "Upper",
        "a/Upper",
        "a..b",
        "a/../b",
        "../a",
        "/a",
        "a/",
        "a//b",
        "-a",
        "a-",
        "a_",
        "a___b",
        "a b",
        "a\nb",
        "a:",
        "a:.b",
        "a:-b",
        "a:b/c:",
        "a:b:c",
        "a@",
        "a@sha256:12",
        "a@sha512:" HEX,
        "a@" DIGEST "0",
        "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "a@" DIGEST "@" DIGEST,
        "exa mple.org/a",
        "example.org:port/a",
        "example.org:/a",
        ".org/a",
        "[::1/a",
        "a%2Fb",
        "\xc3\xa4",
        HEX,
        "a:"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct image_ref ref = { 0 };
        struct err err = ERR_INIT;
        if (image_ref_parse(table[i], &ref, &err) != -EINVAL)
            fail_msg("\"%s\" is taken", table[i]);
        assert_int_equal(err.class, ERR_USAGE);
        assert_true(strlen(err.text) > 10);
        assert_null(ref.path);
    }
}

static void names_have_an_end(void **state)
{
    char text[400];
    struct image_ref ref = { 0 };
    struct err err = ERR_INIT;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(image_ref_parse(text, &ref, &err), -EINVAL);
    text[200] = '\0';
    assert_int_equal(image_ref_parse(text, &ref, &err), 0);
    image_ref_done(&ref);
}

static void digests_are_strict(void **state)
{
    uint8_t sum[32];
    char text[IMAGE_DIGEST_SIZE];

    (void)state;
    assert_true(image_digest_is(DIGEST));
    assert_false(image_digest_is(NULL));
    assert_false(image_digest_is(HEX));
    assert_false(image_digest_is("sha256:"));
    assert_false(image_digest_is(DIGEST "\n"));
    for (size_t i = 0; i < sizeof(sum); i++)
        sum[i] = (uint8_t)(i * 7);
    image_digest_format(sum, text);
    assert_true(image_digest_is(text));
    assert_string_equal(image_digest_hex(text) + 56, "c4cbd2d9");
}

static void names_are_shown_short(void **state)
{
    (void)state;
    _cleanup_free_ char *none = image_name_show("@" DIGEST);
    assert_string_equal(none, "<none>");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_completed),
        cmocka_unit_test(what_is_no_reference_is_refused),
        cmocka_unit_test(names_have_an_end),
        cmocka_unit_test(digests_are_strict),
        cmocka_unit_test(names_are_shown_short),
    };

    return cmocka_run_group_tests_name("image_reference", tests, NULL, NULL);
}
