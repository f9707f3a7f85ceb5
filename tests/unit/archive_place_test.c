/* Names of entries: cleaned, or refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/archive_private.h"

static void names_are_cleaned(void **state)
{
    static const struct {
        const char *path, *clean;
    } table[] = {
        { "a", "a" },
        { "./a", "a" },
        { "/a", "a" },
        { "a/", "a" },
        { "a//b", "a/b" },
        { "./", "" },
        { "", "" },
        { ".", "" },
        { "/", "" },
        { "a/./b", "a/b" },
        { "...", "..." },
        { "a/..b", "a/..b" },
        { "a\xff/b", "a\xff/b" },
        { "//etc//x", "etc/x" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        _cleanup_free_ char *clean = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(place_clean(table[i].path, 10, &clean, &err), 0);
        assert_string_equal(clean, table[i].clean);
    }
}

static void names_that_lead_upwards_are_refused(void **state)
{
    static const char *const table[] = { "..", "../a", "a/..", "a/../b", "/../etc/passwd", "./.." };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char *clean = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(place_clean(table[i], 10, &clean, &err), -EPERM);
        assert_non_null(strstr(err.text, "upwards"));
        assert_null(clean);
    }
}

static void names_have_an_end(void **state)
{
    char *clean = NULL;
    struct err err = ERR_INIT;
    char path[5000];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[4096] = '\0';
    assert_int_equal(place_clean(path, 10, &clean, &err), -ENAMETOOLONG);
    assert_int_equal(place_clean("1/2/3/4", 2, &clean, &err), -E2BIG);
    assert_int_equal(place_clean("1/2/3", 2, &clean, &err), 0);
    free(clean);
}

static void attributes_of_overlayfs_are_known(void **state)
{
    (void)state;
    assert_false(attribute_is_kept("trusted.overlay.opaque", false));
    assert_false(attribute_is_kept("user.overlay.whiteout", false));
    assert_false(attribute_is_kept("trusted.overlay.overlay.opaque", false));
    assert_false(attribute_is_kept("security.selinux", false));
    assert_true(attribute_is_kept("security.capability", true));
    assert_true(attribute_is_kept("user.overlays", true));
    assert_true(attribute_is_kept("trusted.other", false));
    assert_false(attribute_is_kept("trusted.other", true));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(names_that_lead_upwards_are_refused),
        cmocka_unit_test(names_have_an_end),
        cmocka_unit_test(attributes_of_overlayfs_are_known),
    };

    return cmocka_run_group_tests_name("archive_place", tests, NULL, NULL);
}
