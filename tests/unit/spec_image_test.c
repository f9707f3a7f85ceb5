/* What an image says of its containers, and what options make of it. */
#include <linux/mount.h>

#include "spec_world.h"

#define LIST(...) (char **)(void *)WORDS(__VA_ARGS__)

static const char *const lower_table[] = { "/layers/b", "/layers/a", NULL };
static const char *const entrypoint_table[] = { "/bin/entry", "-e", NULL };
static const char *const cmd_table[] = { "serve", "80", NULL };
static const char *const env_table[] = { "PATH=/image/bin", "COLOUR=red", NULL };
static const char *const volume_table[] = { "/data", "/var/lib/x", NULL };
static const char *const label_table[] = { "maker=us", "kind=test", NULL };

/* A vector that is only read. */
static char **list(const char *const *words)
{
    return (char **)(void *)(uintptr_t)words;
}

static struct spec_image image_usual(void)
{
    return (struct spec_image){
        .name = (char *)"busybox",
        .entrypoint = list(entrypoint_table),
        .cmd = list(cmd_table),
        .env = list(env_table),
        .volumes = list(volume_table),
        .labels = list(label_table),
        .user = (char *)"1000:1000",
        .workdir = (char *)"/srv/./work/",
        .stop_signal = (char *)"SIGQUIT",
        .layers = list(lower_table),
    };
}

static struct spec *image_seal(const struct spec_image *image, const char *const *command,
                               const char *const *words)
{
    _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, words);
    _cleanup_(draft_freep) struct draft *copy = NULL;
    struct err err = ERR_INIT;
    struct spec *spec = NULL;

    if (spec_set_image(draft, image, &err) < 0)
        fail_msg("image: %s", err.text);
    if (command && spec_set_command(draft, command, &err) < 0)
        fail_msg("command: %s", err.text);
    assert_int_equal(draft_copy(draft, &copy), 0);
    if (spec_seal(copy, &root_world, &spec, &err) < 0)
        fail_msg("sealing: %s", err.text);
    return spec;
}

static void check_words(char *const *got, const char *wanted)
{
    struct buf b = BUF_INIT;

    for (char *const *v = got; v && *v; v++)
        buf_printf(&b, "%s%s", v == got ? "" : "|", *v);
    if (strcmp(buf_text(&b), wanted) != 0)
        fail_msg("got %s, wanted %s", buf_text(&b), wanted);
    buf_done(&b);
}

static const char *env_value(const struct spec *spec, const char *name)
{
    for (char **v = spec->env; *v; v++) {
        if (strncmp(*v, name, strlen(name)) == 0 && (*v)[strlen(name)] == '=')
            return *v + strlen(name) + 1;
    }
    return NULL;
}

/* COMMAND, entrypoint and cmd are put together as docker does it. */
static void test_command(void **state)
{
    static const struct {
        bool entrypoint, cmd;
        const char *option, *command, *wanted;
    } case_table[] = {
        { true, true, NULL, NULL, "/bin/entry|-e|serve|80" },
        { true, true, NULL, "x", "/bin/entry|-e|x" },
        { false, true, NULL, NULL, "serve|80" },
        { false, true, NULL, "x", "x" },
        { true, false, NULL, NULL, "/bin/entry|-e" },
        { true, true, "entrypoint=/bin/other", NULL, "/bin/other" },
        { true, true, "entrypoint=/bin/other", "x", "/bin/other|x" },
        { true, true, "entrypoint=", "x", "x" },
        { true, true, "entrypoint=", NULL, "" },
        { false, false, NULL, NULL, "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        struct spec_image image = image_usual();
        if (!case_table[i].entrypoint)
            image.entrypoint = NULL;
        if (!case_table[i].cmd)
            image.cmd = NULL;
        _cleanup_(spec_freep) struct spec *spec =
            image_seal(&image, case_table[i].command ? WORDS(case_table[i].command) : NULL,
                       WORDS(case_table[i].option));
        check_words(spec->argv, case_table[i].wanted);
    }
}

static void test_defaults(void **state)
{
    struct spec_image image = image_usual();

    (void)state;
    _cleanup_(spec_freep) struct spec *spec = image_seal(&image, NULL, NULL);
    assert_string_equal(spec->rootfs, "busybox");
    assert_true(spec->image);
    assert_non_null(spec->overlay);
    check_words(spec->overlay->lower, "/layers/b|/layers/a");
    assert_null(spec->overlay->upper);
    assert_true(spec->overlay->size_bytes == 0 && !spec->overlay->userxattr);
    assert_string_equal(spec->cwd, "/srv/work");
    assert_int_equal(spec->stop_signal, 3);
    assert_int_equal(spec->uid, 1000);
    assert_string_equal(env_value(spec, "PATH"), "/image/bin");
    assert_string_equal(env_value(spec, "COLOUR"), "red");
    assert_int_equal(spec->root_attr_set, MOUNT_ATTR_NODEV);
}

static void test_options_override(void **state)
{
    struct spec_image image = image_usual();
    struct err err = ERR_INIT;

    (void)state;
    _cleanup_(spec_freep) struct spec *spec =
        image_seal(&image, WORDS("x"),
                   WORDS("workdir=/", "user=7:8", "stop-signal=INT", "env=COLOUR=blue",
                         "storage-opt=size=1m"));
    assert_string_equal(spec->cwd, "/");
    assert_int_equal(spec->uid, 7);
    assert_int_equal(spec->stop_signal, 2);
    assert_string_equal(env_value(spec, "COLOUR"), "blue");
    assert_int_equal(spec->overlay->size_bytes, 1 << 20);

    _cleanup_(draft_freep) struct draft *draft =
        draft_with(&root_world, WORDS("label=kind=other", "label=new", "label-file=good.env"));
    assert_int_equal(spec_set_image(draft, &image, &err), 0);
    char **labels = NULL;
    assert_int_equal(spec_labels(draft, &labels, &err), 0);
    check_words(labels, "maker=us|kind=other|INDENTED=1|PLAIN=a b \"c\" # d|OURS=|NOT_OURS=|EMPTY=|"
                        "CR=x|new=");
    strv_free(labels);
}

/* Nothing of an image's is taken as it comes. */
static void test_bad_images(void **state)
{
    const struct {
        struct spec_image image;
        const char *says;
    } case_table[] = {
        { { .volumes = LIST("/../..") }, "\"/../..\" has a \"..\"" },
        { { .volumes = LIST("data") }, "absolute" },
        { { .volumes = LIST("/") }, "root itself" },
        { { .volumes = LIST("/proc/sys") }, "/proc" },
        { { .user = (char *)"-1" }, "its user \"-1\"" },
        { { .user = (char *)"4294967295" }, "its user" },
        { { .user = (char *)"a b" }, "its user" },
        { { .stop_signal = (char *)"SIGNOPE" }, "SIGNOPE" },
        { { .workdir = (char *)"/a/../.." }, "working directory" },
        { { .env = LIST("NAME") }, "its variable \"NAME\"" },
        { { .env = LIST("=x") }, "its variable" },
        { { .labels = LIST("label") }, "its label" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        struct spec_image image = case_table[i].image;
        struct err err = ERR_INIT;
        image.name = (char *)"evil\n\033[2J";
        if (spec_set_image(draft, &image, &err) == 0)
            fail_msg("%s: taken", case_table[i].says);
        if (err.class != ERR_REFUSED || !strstr(err.text, case_table[i].says) ||
            !strstr(err.text, "the image \"evil??[2J\"") || strchr(err.text, '\033'))
            fail_msg("\"%s\" lacks \"%s\"", err.text, case_table[i].says);
        assert_null(spec_get_image(draft));
    }
}

static void test_many(void **state)
{
    static char *words[10002], *layers[502];

    (void)state;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(words); i++)
        words[i] = (char *)"/x=x";
    for (size_t i = 0; i + 1 < ARRAY_SIZE(layers); i++)
        layers[i] = (char *)"/l";
    const struct {
        struct spec_image image;
        const char *says;
    } case_table[] = {
        { { .env = words }, "10001 variable" },    { { .cmd = words }, "10001 words" },
        { { .volumes = words }, "10001 volumes" }, { { .entrypoint = words }, "10001 words" },
        { { .layers = layers }, "501 layers" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(case_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        struct err err = ERR_INIT;
        if (spec_set_image(draft, &case_table[i].image, &err) == 0)
            fail_msg("%s: taken", case_table[i].says);
        if (!strstr(err.text, case_table[i].says))
            fail_msg("\"%s\" lacks \"%s\"", err.text, case_table[i].says);
    }
}

/* What only an image has a use for is no silent wish. */
static void test_without_image(void **state)
{
    static const char *const word_table[] = { "entrypoint=x", "storage-opt=size=1m", "pull=never",
                                              "platform=arm64" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, WORDS(word_table[i]));
        struct err err = ERR_INIT;
        struct spec *spec = NULL;
        assert_true(spec_seal(draft, &root_world, &spec, &err) < 0);
        if (err.class != ERR_USAGE || !strstr(err.text, "takes an IMAGE"))
            fail_msg("%s: %s", word_table[i], err.text);
    }
    _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, WORDS("rootfs=/x"));
    struct spec_image image = image_usual();
    struct err err = ERR_INIT;
    struct spec *spec = NULL;
    assert_int_equal(spec_set_image(draft, &image, &err), 0);
    assert_true(spec_seal(draft, &root_world, &spec, &err) < 0);
    assert_non_null(strstr(err.text, "--rootfs"));
}

static void test_overlay(void **state)
{
    struct spec_image image = image_usual();
    const struct spec_overlay overlay = { .upper = (char *)"/c/upper", .work = (char *)"/c/work" };
    _cleanup_(draft_freep) struct draft *draft = draft_new(), *copy = NULL;
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct spec_world user = user_world(false);
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(spec_set_image(draft, &image, &err), 0);
    assert_int_equal(spec_set_overlay(draft, &overlay, &err), 0);
    assert_int_equal(draft_copy(draft, &copy), 0);
    assert_int_equal(spec_set(copy, &user, "user", "0:0", &err), 0);
    if (spec_seal(copy, &user, &spec, &err) < 0)
        fail_msg("%s", err.text);
    check_words(spec->overlay->lower, "/layers/b|/layers/a");
    assert_string_equal(spec->overlay->upper, "/c/upper");
    assert_string_equal(spec->overlay->work, "/c/work");
    assert_true(spec->overlay->userxattr);
    const struct spec_overlay half = { .upper = (char *)"/c/upper" };
    assert_true(spec_set_overlay(draft, &half, &err) < 0);
    const struct spec_overlay relative = { .lower = LIST("layers") };
    assert_true(spec_set_overlay(draft, &relative, &err) < 0);
}

/* ---- volumes ------------------------------------------------------------------------------------------ */

static int name_next(void *data, char ret[static 65])
{
    int *n = data;

    memset(ret, 'a' + (*n)++, 64);
    ret[64] = '\0';
    return 0;
}

static const struct spec_mount *mount_at(const struct spec *spec, const char *target)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (strcmp(spec->mounts[i].target, target) == 0)
            return &spec->mounts[i];
    }
    fail_msg("nothing is mounted on %s", target);
    return NULL;
}

static void check_volume(const struct spec *spec, const char *target, char letter, bool copy_up)
{
    const struct spec_mount *mount = mount_at(spec, target);
    char name[65], source[128];

    memset(name, letter, 64);
    name[64] = '\0';
    snprintf(source, sizeof(source), "/volumes/%s/data", name);
    assert_int_equal(mount->kind, MOUNT_BIND);
    assert_string_equal(mount->volume, name);
    assert_string_equal(mount->source, source);
    assert_int_equal(mount->copy_up, copy_up);
}

static void test_volumes(void **state)
{
    struct spec_image image = image_usual();
    struct spec_world world = root_world;
    struct err err = ERR_INIT;
    char **names = NULL;
    int n = 0;

    (void)state;
    image.volumes = LIST("/data", "/odd,\"x:", "/taken/", "/data/");
    world.volumes = "/volumes";
    _cleanup_(draft_freep) struct draft *draft =
        draft_with(&world, WORDS("volume=/own", "volume=kept:/kept:ro", "mount=dst=/spelt",
                                 "tmpfs=/taken", "volume=./here:/bind"));
    _cleanup_(spec_freep) struct spec *spec = NULL;
    assert_int_equal(spec_set_image(draft, &image, &err), 0);
    if (spec_name_volumes(draft, name_next, &n, &names, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(strv_length(names), 4);
    strv_free(names);
    names = NULL;
    assert_int_equal(spec_name_volumes(draft, name_next, &n, &names, &err), 0);
    assert_null(names); /* all have one */
    if (spec_seal(draft, &world, &spec, &err) < 0)
        fail_msg("%s", err.text);
    check_volume(spec, "/own", 'a', true);
    check_volume(spec, "/spelt", 'b', true);
    check_volume(spec, "/data", 'c', true);
    check_volume(spec, "/odd,\"x:", 'd', true);
    assert_string_equal(mount_at(spec, "/kept")->source, "/volumes/kept/data");
    assert_true(mount_at(spec, "/kept")->attr_set & MOUNT_ATTR_RDONLY);
    assert_null(mount_at(spec, "/bind")->volume);
    assert_string_equal(mount_at(spec, "/taken")->fstype, "tmpfs");
}

/* Before they have names (a plan), volumes have no place. */
static void test_volumes_without_place(void **state)
{
    struct spec_image image = image_usual();

    (void)state;
    _cleanup_(spec_freep) struct spec *spec = image_seal(&image, NULL, WORDS("volume=a:/b"));
    assert_null(mount_at(spec, "/data")->source);
    assert_string_equal(mount_at(spec, "/data")->volume, "");
    assert_null(mount_at(spec, "/b")->source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_options_override),
        cmocka_unit_test(test_bad_images),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_without_image),
        cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_volumes_without_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
