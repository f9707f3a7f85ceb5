/* What an image says of its containers: kept by the draft, checked as what a stranger wrote. */
#include <errno.h>
#include <string.h>

#include "spec/check.h"
#include "spec/option.h"

#define WORDS_MAX   10000 /* of a list in an image; no kernel takes more arguments of this size */
#define LAYERS_MAX  500   /* OVL_MAX_STACK: the kernel's own bound */
#define VOLUMES_MAX 1000

/* ---- copies -------------------------------------------------------------------------------------- */

/* The lists and texts of an image, by their place in the struct. */
static const size_t list_table[] = {
    offsetof(struct spec_image, entrypoint),  offsetof(struct spec_image, cmd),
    offsetof(struct spec_image, env),         offsetof(struct spec_image, volumes),
    offsetof(struct spec_image, labels),      offsetof(struct spec_image, exposed),
    offsetof(struct spec_image, health.test), offsetof(struct spec_image, layers),
};
static const size_t text_table[] = {
    offsetof(struct spec_image, name),        offsetof(struct spec_image, id),
    offsetof(struct spec_image, user),        offsetof(struct spec_image, workdir),
    offsetof(struct spec_image, stop_signal),
};

static char ***list_at(struct spec_image *image, size_t offset)
{
    return (char ***)(void *)((char *)image + offset);
}

static char **text_at(struct spec_image *image, size_t offset)
{
    return (char **)(void *)((char *)image + offset);
}

static void image_free(struct spec_image *image)
{
    if (!image)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(list_table); i++)
        strv_free(*list_at(image, list_table[i]));
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++)
        free(*text_at(image, text_table[i]));
    free(image);
}

static void image_freep(struct spec_image **image)
{
    image_free(*image);
}

void spec_image_free(struct spec_image *image)
{
    image_free(image);
}

int spec_image_copy(const struct spec_image *from, struct spec_image **ret)
{
    _cleanup_(image_freep) struct spec_image *copy = calloc(1, sizeof(*copy));
    struct spec_image shallow = *from;

    if (!copy)
        return -ENOMEM;
    copy->health = from->health;
    copy->health.test = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(list_table); i++) {
        char **list = *list_at(&shallow, list_table[i]);
        if (list && strv_copy(list, list_at(copy, list_table[i])) < 0)
            return -ENOMEM;
    }
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++) {
        if (text_replace(text_at(copy, text_table[i]), *text_at(&shallow, text_table[i])) < 0)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(copy);
    return 0;
}

void spec_overlay_free(struct spec_overlay *overlay)
{
    if (!overlay)
        return;
    strv_free(overlay->lower);
    free(overlay->upper);
    free(overlay->work);
    free(overlay);
}

static void overlay_freep(struct spec_overlay **overlay)
{
    spec_overlay_free(*overlay);
}

int spec_overlay_copy(const struct spec_overlay *from, struct spec_overlay **ret)
{
    _cleanup_(overlay_freep) struct spec_overlay *copy = calloc(1, sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    *copy = (struct spec_overlay){
        .size_bytes = from->size_bytes,
        .size_by_quota = from->size_by_quota,
        .throw_away = from->throw_away,
        .userxattr = from->userxattr,
    };
    if ((from->lower && strv_copy(from->lower, &copy->lower) < 0) ||
        text_replace(&copy->upper, from->upper) < 0 || text_replace(&copy->work, from->work) < 0)
        return -ENOMEM;
    *ret = TAKE_PTR(copy);
    return 0;
}

/* ---- checks ---------------------------------------------------------------------------------------- */

/* "the image "busybox" cannot be run: WHAT": what is wrong with it. */
static int image_bad(const struct spec_image *image, struct err *err, const char *fmt, ...)
    _printf_(3, 4);
static int image_bad(const struct spec_image *image, struct err *err, const char *fmt, ...)
{
    char what[360];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_refuse(err, EINVAL, "the image %s cannot be run: %s",
                      quote(text_or_empty(image->name)).text, what);
}

static int check_count(const struct spec_image *image, const char *what, char *const *list,
                       size_t most, struct err *err)
{
    size_t n = list ? strv_length(list) : 0;

    return n <= most
               ? 0
               : image_bad(image, err, "it has %zu %s, at most %zu are allowed", n, what, most);
}

static int check_assignments(const struct spec_image *image, const char *what, char *const *list,
                             struct err *err)
{
    for (char *const *v = list; v && *v; v++) {
        if ((*v)[0] == '=' || !strchr(*v, '='))
            return image_bad(image, err, "its %s %s is not NAME=VALUE", what, quote(*v).text);
    }
    return check_count(image, what, list, WORDS_MAX, err);
}

static int check_volumes(const struct spec_image *image, struct err *err)
{
    int r = check_count(image, "volumes", image->volumes, VOLUMES_MAX, err);

    for (char **v = image->volumes; r == 0 && v && *v; v++) {
        _cleanup_free_ char *clean = NULL;
        struct err cause = ERR_INIT;
        r = parse_target("its volume", *v, &clean, &cause);
        if (r == -ENOMEM)
            return err_nomem(err);
        if (r < 0)
            return image_bad(image, err, "%s", cause.text);
    }
    return r;
}

static int check_words(const struct spec_image *image, struct err *err)
{
    int r = check_count(image, "words of an entrypoint", image->entrypoint, WORDS_MAX, err);

    if (r == 0)
        r = check_count(image, "words of a command", image->cmd, WORDS_MAX, err);
    if (r == 0)
        r = check_count(image, "words of a health check", image->health.test, WORDS_MAX, err);
    if (r == 0)
        r = check_count(image, "exposed ports", image->exposed, WORDS_MAX, err);
    if (r == 0)
        r = check_assignments(image, "variable", image->env, err);
    if (r == 0)
        r = check_assignments(image, "label", image->labels, err);
    return r;
}

/* user, workdir and stop signal, as the options for them are checked. */
static int check_texts(const struct spec_image *image, struct err *err)
{
    struct err cause = ERR_INIT;
    _cleanup_free_ char *clean = NULL;
    int r;

    if (image->user && check_user("user", NULL, image->user, &cause) < 0)
        return image_bad(image, err, "its user %s is not USER[:GROUP]", quote(image->user).text);
    if (image->stop_signal && signal_parse(image->stop_signal) < 0)
        return image_bad(image, err, "there is no signal %s, its stop signal",
                         quote(image->stop_signal).text);
    r = image->workdir ? path_clean(image->workdir, &clean) : 0;
    if (r == -ENOMEM)
        return err_nomem(err);
    return r < 0 ? image_bad(image, err, "its working directory %s has a \"..\"",
                             quote(image->workdir).text)
                 : 0;
}

static int check_lower(const char *name, char *const *lower, struct err *err)
{
    size_t n = lower ? strv_length(lower) : 0;

    if (n > LAYERS_MAX)
        return err_refuse(err, E2BIG, "%s has %zu layers, the kernel takes %d", quote(name).text, n,
                          LAYERS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (lower[i][0] != '/')
            return err_set(err, EINVAL, "the layer %s is not an absolute path",
                           quote(lower[i]).text);
    }
    return 0;
}

/* Texts that say nothing are none at all: images have "User": "". */
static void drop_empty(struct spec_image *image)
{
    char **texts[] = { &image->user, &image->workdir, &image->stop_signal };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (*texts[i] && **texts[i] == '\0') {
            free(*texts[i]);
            *texts[i] = NULL;
        }
    }
}

int spec_set_image(struct draft *draft, const struct spec_image *image, struct err *err)
{
    _cleanup_(image_freep) struct spec_image *copy = NULL;

    if (spec_image_copy(image, &copy) < 0)
        return err_nomem(err);
    drop_empty(copy);
    int r = check_words(copy, err);
    if (r == 0)
        r = check_volumes(copy, err);
    if (r == 0)
        r = check_texts(copy, err);
    if (r == 0)
        r = check_lower(text_or_empty(copy->name), copy->layers, err);
    if (r < 0)
        return r;
    spec_image_free(draft->image);
    draft->image = TAKE_PTR(copy);
    return 0;
}

const struct spec_image *spec_get_image(const struct draft *draft)
{
    return draft->image;
}

int spec_set_overlay(struct draft *draft, const struct spec_overlay *overlay, struct err *err)
{
    struct spec_overlay *copy;
    int r = check_lower("the root", overlay->lower, err);

    if (r < 0)
        return r;
    if (!overlay->upper != !overlay->work)
        return err_set(err, EINVAL, "a writable layer has two directories, upper and work");
    if (spec_overlay_copy(overlay, &copy) < 0)
        return err_nomem(err);
    spec_overlay_free(draft->overlay);
    draft->overlay = copy;
    return 0;
}

/* ---- --storage-opt, --platform ------------------------------------------------------------------------- */

int parse_storage_size(const char *text, uint64_t *ret_bytes)
{
    return text_starts(text, "size=") ? size_parse(text + strlen("size="), ret_bytes) : -EINVAL;
}

CHECK(storage_opt)
{
    const uint64_t least = 256 << 10; /* below, not even the directories have room */
    uint64_t bytes;
    int r = parse_storage_size(value, &bytes);

    (void)world;
    if (r == -ERANGE)
        return err_usage(err, "--%s: %s is more than the kernel can count", name,
                         quote(value).text);
    if (r < 0)
        return err_usage(err, "--%s knows size=SIZE (size=1g), not %s", name, quote(value).text);
    if (bytes < least)
        return err_usage(err, "--%s: a root takes at least 256k, more than %s", name,
                         quote(value + strlen("size=")).text);
    return 0;
}

/* Words as images have them: "linux/amd64", "linux/arm/v7", or the architecture alone. */
CHECK(platform)
{
    size_t parts = 1, word = 0;

    (void)world;
    for (const char *c = value; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("_-.", *c);
        if (*c == '/' && word > 0)
            parts++, word = 0;
        else if (letter)
            word++;
        else
            parts = 9;
    }
    if (parts > 3 || word == 0 || strlen(value) > 64)
        return err_usage(err, "--%s takes OS/ARCH[/VARIANT] (linux/arm64), not %s", name,
                         quote(value).text);
    return 0;
}
