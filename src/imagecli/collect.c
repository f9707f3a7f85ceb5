/* gc: what no image and no container has goes from the disk. */
#include <errno.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/collect.h"
#include "imagecli/containers.h"

/* ---- a set of texts --------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int set_add(void **set, const char *text)
{
    char *copy = strdup(text);
    char **found = copy ? tsearch(copy, set, compare) : NULL;

    if (!found || *found != copy)
        free(copy);
    return found ? 0 : -ENOMEM;
}

static bool set_has(void *const *set, const char *text)
{
    return tfind(text, set, compare) != NULL;
}

/* ---- what is needed ---------------------------------------------------------------------------------------- */

struct marks {
    struct call *call;
    void *blobs, *layers; /* digests; diff_ids */
    void *images;         /* configurations whose images have been marked */
    void *wanted;         /* configurations that containers have */
    char *damage;         /* of an image that cannot be read */
};

static int mark_image(void *data, const struct image *image, const struct err *damage)
{
    struct marks *marks = data;
    int r = 0;

    if (!image)
        return text_replace(&marks->damage, damage->text);
    r = set_add(&marks->blobs, image->manifest);
    if (r == 0)
        r = set_add(&marks->blobs, image->id);
    if (r == 0)
        r = set_add(&marks->images, image->id);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
        r = set_add(&marks->blobs, image->layers[i].digest);
        if (r == 0)
            r = set_add(&marks->layers, image->layers[i].diff_id);
    }
    return r;
}

/* What a container has stays, whatever has become of its image's names. */
static int mark_container(void *data, const struct container_root *root)
{
    struct marks *marks = data;
    char digest[IMAGE_DIGEST_SIZE];
    int r = root->image ? set_add(&marks->wanted, root->image) : 0;

    for (char **at = root->layers; r == 0 && at && *at; at++) {
        size_t n = strlen(*at);
        /* ".../HEX/tree" */
        if (n < 70)
            continue;
        snprintf(digest, sizeof(digest), "sha256:%.64s", *at + n - 64 - strlen("/tree"));
        if (image_digest_is(digest))
            r = set_add(&marks->layers, digest);
    }
    return r;
}

/* ---- what goes --------------------------------------------------------------------------------------------- */

struct sweep {
    const struct marks *marks;
    struct collected *done;
    struct buf *told;
    bool dry;
    char **goes;
};

static int sweep_blob(void *data, const char *digest, const char *name)
{
    struct sweep *sweep = data;

    (void)name;
    return digest && !set_has(&sweep->marks->blobs, digest) ? strv_push(&sweep->goes, digest) : 0;
}

static int sweep_layer(void *data, const char *digest, const char *name)
{
    struct sweep *sweep = data;

    (void)name;
    return digest && !set_has(&sweep->marks->layers, digest) ? strv_push(&sweep->goes, digest) : 0;
}

static void tell(struct sweep *sweep, const char *kind, const char *digest, uint64_t bytes)
{
    char shown[32];

    sweep->done->bytes += bytes;
    bytes_show(bytes, shown, sizeof(shown));
    if (sweep->told)
        buf_printf(sweep->told, "%s %s (%s)\n", kind, digest, shown);
}

static int remove_blobs(struct sweep *sweep, struct err *err)
{
    struct image_store *store = sweep->marks->call->store;
    int r = image_blob_visit(store, sweep_blob, sweep, err);

    for (char **at = sweep->goes; r == 0 && at && *at; at++) {
        uint64_t bytes = 0;
        int fd = image_blob_open(store, *at, &bytes, NULL);
        fd_close(fd);
        tell(sweep, "blob", *at, bytes);
        sweep->done->blobs++;
        if (!sweep->dry)
            r = image_blob_remove(store, *at, err);
    }
    strv_free(sweep->goes);
    sweep->goes = NULL;
    return r;
}

static int remove_layers(struct sweep *sweep, struct err *err)
{
    struct image_store *store = sweep->marks->call->store;
    int r = image_layer_visit(store, sweep_layer, sweep, err);

    for (char **at = sweep->goes; r == 0 && at && *at; at++) {
        _cleanup_buf_ struct buf sum = BUF_INIT;
        uint64_t bytes = 0;
        if (image_layer_sum(store, *at, &sum) == 0)
            keyed_find_u64(buf_text(&sum), "bytes", &bytes);
        tell(sweep, "layer", *at, bytes);
        sweep->done->layers++;
        if (!sweep->dry)
            r = image_layer_remove(store, *at, err);
    }
    strv_free(sweep->goes);
    sweep->goes = NULL;
    return r;
}

int collect(struct call *call, bool dry, struct buf *told, struct collected *ret, struct err *err)
{
    struct marks marks = { .call = call };
    struct sweep sweep = { .marks = &marks, .done = ret, .told = told, .dry = dry };
    int r = image_visit_manifests(call->store, mark_image, &marks, err);

    *ret = (struct collected){ 0 };
    if (r == 0)
        r = container_visit(call, mark_container, &marks, err);
    /* What a damaged image has is not known: nothing that may be its own goes. */
    if (r == 0 && marks.damage)
        r = err_refuse(err, EBADMSG, "nothing is removed from the disk, since %.300s",
                       marks.damage);
    if (r == 0)
        r = remove_layers(&sweep, err);
    if (r == 0)
        r = remove_blobs(&sweep, err);
    if (r == 0 && !dry)
        image_blob_forget(call->store);
    tdestroy(marks.blobs, free);
    tdestroy(marks.layers, free);
    tdestroy(marks.images, free);
    tdestroy(marks.wanted, free);
    free(marks.damage);
    return r == -ENOMEM ? err_nomem(err) : r;
}

/* ---- who has an image ---------------------------------------------------------------------------------------- */

struct search_user {
    const char *id;
    char *found;
};

static int find_user(void *data, const struct container_root *root)
{
    struct search_user *search = data;

    if (!root->image || strcmp(root->image, search->id) != 0)
        return 0;
    search->found = root->name[0] ? strdup(root->name) : text_format("%.12s", root->id);
    return search->found ? 1 : -ENOMEM;
}

int image_user(const struct call *call, const char *id, char **ret, struct err *err)
{
    struct search_user search = { .id = id };
    int r = container_visit(call, find_user, &search, err);

    *ret = search.found;
    return r < 0 ? r : 0;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

int command_gc(struct call *call, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool dry = call_flag(call, "dry-run");
    struct collected done = { 0 };
    char shown[32];
    int r = call_need(call, 0, 0, "nothing", err);

    if (r == 0)
        r = call_open_alone(call, err);
    if (r == 0)
        r = collect(call, dry, &text, &done, err);
    if (r < 0)
        return r;
    bytes_show(done.bytes, shown, sizeof(shown));
    buf_printf(&text, "%s%llu layers and %llu blobs, %s\n", dry ? "would remove " : "removed ",
               (unsigned long long)done.layers, (unsigned long long)done.blobs, shown);
    return call_print(&text, err);
}
