/* verify: is everything what it is called, and is all there? */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "imagecli/imagecli.h"

struct verify {
    struct call *call;
    struct buf text;
    unsigned defects;
    unsigned blobs, layers, images;
    char **bad_layers, **bad_blobs;
    void *buffer;
};
#define BUFFER (1u << 20)

static void defect(struct verify *v, const char *fmt, ...) _printf_(2, 3);

static void defect(struct verify *v, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    /* File names may hold anything. */
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    buf_printf(&v->text, "%s\n", line);
    v->defects++;
}

/* ---- blobs ---------------------------------------------------------------------------------------------- */

static int check_blob(void *data, const char *digest, const char *name)
{
    struct verify *v = data;
    char is[LAYER_DIGEST_SIZE];
    ssize_t n = 1;

    if (!digest) {
        defect(v, "blobs/sha256/%.200s is no blob", name);
        return 0;
    }
    v->blobs++;
    struct err err = ERR_INIT;
    _cleanup_close_ int fd = image_blob_open(v->call->store, digest, NULL, &err);
    if (fd < 0) {
        defect(v, "%s", err.text);
        return 0;
    }
    void *hash = layer_hash_start();
    if (!hash)
        return -ENOMEM;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        n = read(fd, v->buffer, BUFFER);
        if (n > 0)
            layer_hash_add(hash, v->buffer, (size_t)n);
    }
    layer_hash_format(hash, is);
    layer_hash_free(hash);
    if (n < 0)
        defect(v, "the blob %s cannot be read: %m", digest);
    else if (strcmp(is, digest) == 0)
        return 0;
    else
        defect(v, "the blob %s is damaged: what is in it is %s", digest, is);
    return strv_push(&v->bad_blobs, digest);
}

/* ---- layers ----------------------------------------------------------------------------------------------- */

/* What the sum said when the layer was unpacked, and what there is. */
static bool sum_differs(struct verify *v, const char *digest, const char *text)
{
    _cleanup_buf_ struct buf line = BUF_INIT;
    struct err err = ERR_INIT;
    struct layer_sum sum;
    uint64_t bytes = 0, entries = 0;
    _cleanup_close_ int fd = image_layer_open(v->call->store, digest, &err);

    if (fd < 0 || layer_sum_tree(fd, &sum, &err) < 0) {
        defect(v, "the layer %s: %s", digest, err.text);
        return true;
    }
    buf_printf(&line, "\ntree %s\n", sum.tree);
    if (strstr(text, buf_text(&line)))
        return false;
    keyed_find_u64(text, "bytes", &bytes);
    keyed_find_u64(text, "entries", &entries);
    defect(v,
           "the layer %s is not as it was unpacked: it had %llu entries and %llu bytes, it has "
           "%llu and %llu",
           digest, (unsigned long long)entries, (unsigned long long)bytes,
           (unsigned long long)sum.entries, (unsigned long long)sum.bytes);
    return true;
}

static int check_layer(void *data, const char *digest, const char *name)
{
    struct verify *v = data;
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (!digest) {
        defect(v, "layers/%.200s is no layer", name);
        return 0;
    }
    v->layers++;
    int r = image_layer_sum(v->call->store, digest, &text);
    if (r < 0)
        defect(v, "the layer %s has no sum: %s", digest, err_name(-r));
    if (r < 0 || sum_differs(v, digest, buf_text(&text)))
        return strv_push(&v->bad_layers, digest);
    return 0;
}

/* ---- images ------------------------------------------------------------------------------------------------ */

static int check_image(void *data, const struct image *image, const struct err *damage)
{
    struct verify *v = data;
    uint64_t size;

    v->images++;
    if (!image) {
        defect(v, "%s", damage->text);
        return 0;
    }
    const char *name = image->names ? image->names[0] : image->id;
    for (size_t i = 0; i < image->n_layers; i++) {
        const struct image_layer *layer = &image->layers[i];
        struct err err = ERR_INIT;
        int fd = image_blob_open(v->call->store, layer->digest, &size, &err);
        if (fd < 0)
            defect(v, "the image %.100s: %s", name, err.text);
        else if (size != layer->size_bytes)
            defect(v, "the image %.100s says that %s has %llu bytes, it has %llu", name,
                   layer->digest, (unsigned long long)layer->size_bytes, (unsigned long long)size);
        fd_close(fd);
        if (!image_layer_has(v->call->store, layer->diff_id))
            defect(v, "the image %.100s: the layer %s is not unpacked", name, layer->diff_id);
    }
    return 0;
}

static int check_all(struct verify *v, struct err *err)
{
    int r = image_blob_visit(v->call->store, check_blob, v, err);

    if (r == 0)
        r = image_layer_visit(v->call->store, check_layer, v, err);
    if (r == 0)
        r = image_visit_manifests(v->call->store, check_image, v, err);
    return r == -ENOMEM ? err_nomem(err) : r;
}

/* ---- repairing ------------------------------------------------------------------------------------------------ */

static int repair_image(void *data, const struct image *image, const struct err *damage)
{
    struct verify *v = data;
    struct layer_ceilings ceilings = LAYER_CEILINGS_DEFAULT;

    (void)damage;
    ceilings.ratio = UINT32_MAX;
    for (size_t i = 0; image && i < image->n_layers; i++) {
        struct err err = ERR_INIT;
        if (image_layer_has(v->call->store, image->layers[i].diff_id))
            continue;
        if (layer_ensure(v->call, image->layers[i].digest, image->layers[i].diff_id, &ceilings,
                         &err) < 0)
            call_say("%s", err.text);
    }
    return 0;
}

static int repair(struct verify *v, struct err *err)
{
    int r = 0;

    /* As long as one is there it is not fetched or loaded again. */
    for (char **at = v->bad_blobs; r == 0 && at && *at; at++)
        r = image_blob_remove(v->call->store, *at, err);
    for (char **at = v->bad_layers; r == 0 && at && *at; at++)
        r = image_layer_remove(v->call->store, *at, err);
    if (r == 0)
        r = image_visit_manifests(v->call->store, repair_image, v, err);
    strv_free(v->bad_layers);
    strv_free(v->bad_blobs);
    v->bad_layers = v->bad_blobs = NULL;
    buf_reset(&v->text);
    v->defects = v->blobs = v->layers = v->images = 0;
    return r < 0 ? r : check_all(v, err);
}

int command_verify(struct call *call, struct err *err)
{
    struct verify v = { .call = call };
    int r = call_need(call, 0, 0, "nothing", err);
    bool mend = call_flag(call, "repair");

    if (r == 0)
        r = mend ? call_open_alone(call, err) : call_open(call, false, err);
    if (r == 0 && !mend)
        r = image_store_lock(call->store, IMAGE_LOCK_USE, err);
    v.buffer = malloc(BUFFER);
    if (r == 0)
        r = v.buffer ? check_all(&v, err) : err_nomem(err);
    if (r == 0 && mend && v.defects > 0)
        r = repair(&v, err);
    if (r == 0) {
        if (!call_flag(call, "quiet"))
            buf_printf(&v.text, "%u images, %u layers, %u blobs: %u defects\n", v.images, v.layers,
                       v.blobs, v.defects);
        r = call_print(&v.text, err);
    }
    call->status = v.defects > 0;
    strv_free(v.bad_layers);
    strv_free(v.bad_blobs);
    buf_done(&v.text);
    free(v.buffer);
    return r;
}
