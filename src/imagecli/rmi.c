/* rmi, prune: names go, and with an image's last one the image. */
#include <errno.h>
#include <string.h>

#include "imagecli/collect.h"

/* Told where it is about to be made useless: by whom it is used. */
static int refuse_used(struct call *call, const struct image *image, const char *what,
                       struct err *err)
{
    _cleanup_free_ char *user = NULL;
    int r = image_user(call, image->id, &user, err);

    if (r < 0 || !user)
        return r;
    return err_refuse(
        err, EBUSY,
        "the image %.100s is what the container %.64s is made of; remove that first, or "
        "take away the name alone with -f",
        what, user);
}

static int remove_name(struct call *call, const char *name, struct buf *told, struct err *err)
{
    _cleanup_free_ char *shown = image_name_show(name);
    int r = image_name_remove(call->store, name, err);

    if (r == 0)
        buf_printf(told, "Untagged: %s\n", text_or_empty(shown));
    return r;
}

/* All names; a used one keeps its blobs and layers, under no name. */
static int remove_image(struct call *call, struct image *image, struct buf *told, struct err *err)
{
    _cleanup_free_ char *user = NULL, *none = text_format("@%s", image->manifest);
    int r = none ? image_user(call, image->id, &user, err) : err_nomem(err);

    for (char **at = image->names; r == 0 && at && *at; at++)
        r = remove_name(call, *at, told, err);
    if (r == 0 && user)
        return image_name_put_none(call->store, image->manifest, image->id, err);
    if (r == 0) {
        image_name_remove(call->store, none, NULL);
        buf_printf(told, "Deleted: %s\n", image->id);
    }
    return r;
}

static int remove_one(struct call *call, const char *what, struct buf *told, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    bool force = call_flag(call, "force");
    int r = image_find(call->store, what, &image, err);

    if (r == 0)
        r = image_measure(call->store, image, err);
    if (r < 0)
        return r;
    size_t n = strv_length(image->names);
    if (image->name && n > 1)
        return remove_name(call, image->name, told, err);
    if (!image->name && n > 1 && !force)
        return err_refuse(
            err, EEXIST, "the image %.80s has %zu names; name the one to take away, or all with -f",
            what, n);
    if (!force) {
        r = refuse_used(call, image, what, err);
        if (r < 0)
            return r;
    }
    return remove_image(call, image, told, err);
}

/* A name whose image cannot be read has only itself to lose. */
static int remove_damaged(struct call *call, const char *what, struct buf *told, struct err *err)
{
    _cleanup_image_ref_ struct image_ref ref = { 0 };

    if (image_ref_parse(what, &ref, NULL) < 0)
        return err_refuse(err, EBADMSG, "the image %.100s is damaged; remove it by its name", what);
    _cleanup_free_ char *name = image_ref_format(&ref);
    return name ? remove_name(call, name, told, err) : err_nomem(err);
}

int command_rmi(struct call *call, struct err *err)
{
    _cleanup_buf_ struct buf told = BUF_INIT;
    struct collected done;
    int r = call_need(call, 1, 10000, "an IMAGE", err);
    int failed = 0;

    if (r == 0)
        r = call_open_alone(call, err);
    if (r < 0)
        return r;
    for (char *const *at = call->operands; *at; at++) {
        struct err own = ERR_INIT;
        r = remove_one(call, *at, &told, &own);
        if (r == -EBADMSG)
            r = remove_damaged(call, *at, &told, &own);
        if (r == 0)
            continue;
        /* The others go all the same. */
        if (failed && err)
            call_say("%s", err->text);
        if (err)
            *err = own;
        failed = r;
    }
    struct err swept = ERR_INIT;
    r = told.len ? collect(call, false, NULL, &done, &swept) : 0;
    if (r < 0)
        call_say("%s", swept.text);
    r = call_print(&told, failed ? NULL : err);
    return failed ? failed : r;
}

/* ---- prune ----------------------------------------------------------------------------------------------- */

struct prune {
    struct call *call;
    bool all;
    char **ids;
};

static int prune_visit(void *data, const struct image *image, const struct err *damage)
{
    struct prune *prune = data;
    _cleanup_free_ char *user = NULL;

    (void)damage;
    if (!image || (image->names && !prune->all))
        return 0;
    int r = image_user(prune->call, image->id, &user, NULL);
    return r < 0 || user ? r : strv_push(&prune->ids, image->id);
}

static int prune_images(struct call *call, struct prune *prune, struct buf *told, struct err *err)
{
    int r = image_visit(call->store, prune_visit, prune, err);

    for (char **at = prune->ids; r == 0 && at && *at; at++) {
        _cleanup_image_ struct image *image = NULL;
        r = image_find(call->store, *at, &image, err);
        if (r == 0)
            r = image_measure(call->store, image, err);
        if (r == 0)
            r = remove_image(call, image, told, err);
    }
    return r;
}

int command_prune(struct call *call, struct err *err)
{
    struct prune prune = { .call = call, .all = call_flag(call, "all") };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct collected done = { 0 };
    char shown[32];
    int r = call_need(call, 0, 0, "nothing", err);

    if (r == 0)
        r = call_open_alone(call, err);
    if (r == 0)
        r = prune_images(call, &prune, &text, err);
    strv_free(prune.ids);
    if (r == 0)
        r = collect(call, false, NULL, &done, err);
    if (r < 0)
        return r;
    bytes_show(done.bytes, shown, sizeof(shown));
    buf_printf(&text, "Total reclaimed space: %s\n", shown);
    return call_print(&text, err);
}
