/* How a container is asked whether it is well: image and options. */
#include "spec_world.h"

static const char *words_of(char *const *words)
{
    static char text[128];

    text[0] = '\0';
    for (; words && *words; words++) {
        strcat(text, *words);
        strcat(text, words[1] ? "|" : "");
    }
    return text;
}

static int find(const struct spec_health *image, const char *const *options,
                struct spec_health *ret, struct err *err)
{
    struct draft *draft = draft_with(&root_world, options);
    struct spec_image from = { .name = (char *)"i", .id = (char *)"sha256:0" };

    if (image) {
        from.health = *image;
        assert_int_equal(spec_set_image(draft, &from, err), 0);
    }
    int r = spec_find_health(draft, ret, err);
    draft_free(draft);
    return r;
}

static void what_is_not_said_is_docker_s(void **state)
{
    struct spec_health health;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(find(NULL, WORDS(), &health, &err), 0);
    assert_null(health.test);
    assert_int_equal(find(NULL, WORDS("health-cmd=a b"), &health, &err), 0);
    assert_string_equal(words_of(health.test), "CMD-SHELL|a b");
    assert_int_equal(health.interval_us, 30000000);
    assert_int_equal(health.timeout_us, 30000000);
    assert_int_equal(health.start_period_us, 0);
    assert_int_equal(health.retries, 3);
    strv_free(health.test);
}

static void options_override_the_image(void **state)
{
    char *const test[] = { (char *)"CMD", (char *)"/check", (char *)"-x", NULL };
    char *const none[] = { (char *)"NONE", NULL };
    struct spec_health image = { .test = (char **)test, .interval_us = 7000000, .retries = 9 };
    struct spec_health health;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(find(&image, WORDS("health-timeout=1500ms"), &health, &err), 0);
    assert_string_equal(words_of(health.test), "CMD|/check|-x");
    assert_int_equal(health.interval_us, 7000000);
    assert_int_equal(health.timeout_us, 1500000);
    assert_int_equal(health.retries, 9);
    strv_free(health.test);

    assert_int_equal(find(&image, WORDS("health-cmd=true", "health-retries=1", "health-interval=2"),
                          &health, &err),
                     0);
    assert_string_equal(words_of(health.test), "CMD-SHELL|true");
    assert_int_equal(health.interval_us, 2000000);
    assert_int_equal(health.retries, 1);
    strv_free(health.test);

    assert_int_equal(find(&image, WORDS("no-healthcheck"), &health, &err), 0);
    assert_null(health.test);
    image.test = (char **)none;
    assert_int_equal(find(&image, WORDS(), &health, &err), 0);
    assert_null(health.test);
}

static void wrong_words_are_refused(void **state)
{
    static const char *const word_table[][2] = {
        { "health-retries", "0" },      { "health-retries", "x" }, { "health-retries", "-1" },
        { "health-interval", "often" }, { "health-timeout", "" },  { "health-cmd", "" },
    };
    struct draft *draft = draft_new();
    struct spec_health health;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(spec_set(draft, &root_world, word_table[i][0], word_table[i][1], &err),
                         -EINVAL);
        assert_int_equal(err.class, ERR_USAGE);
    }
    draft_free(draft);
    struct err err = ERR_INIT;
    assert_int_equal(find(NULL, WORDS("health-cmd=x", "no-healthcheck"), &health, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_docker_s),
        cmocka_unit_test(options_override_the_image),
        cmocka_unit_test(wrong_words_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
