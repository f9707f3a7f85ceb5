/* ration push: the blobs that the registry does not have, and then the manifest, byte for byte as it is here. */
#include <errno.h>
#include <string.h>

#include "imagecli/transfer.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct push {
    struct transfer transfer;
    struct image *image;
    struct buf text; /* of the manifest */
    struct image_document manifest;
    struct registry_blob *blobs; /* the configuration and the layers */
    size_t n_blobs;
    char **paths; /* of mount_from, for each blob or not */
};

static void push_done(struct push *p)
{
    image_free(p->image);
    buf_done(&p->text);
    image_document_done(&p->manifest);
    free(p->blobs);
    strv_free(p->paths);
    transfer_done(&p->transfer);
}
#define _cleanup_push_ _cleanup_(push_done)

/* ---- what has to go -------------------------------------------------------------------------------------------- */

static void add_blob(struct push *p, const struct image_descriptor *descriptor)
{
    for (size_t i = 0; i < p->n_blobs; i++) {
        if (strcmp(text_or_empty(p->blobs[i].digest), descriptor->digest) == 0)
            return;
    }
    p->blobs[p->n_blobs].digest = descriptor->digest;
    p->blobs[p->n_blobs++].size_bytes = descriptor->size_bytes;
}

static int list_blobs(struct push *p, const struct image *image, struct err *err)
{
    struct call *call = p->transfer.call;

    int r = image_blob_read(call->store, image->manifest, &p->text, err);
    if (r == 0)
        r = image_document_parse(buf_text(&p->text), p->text.len, &p->manifest, err);
    if (r < 0)
        return r;
    if (p->manifest.index)
        return err_set(err, EBADMSG, "the image's manifest is an index: ration image verify");
    p->blobs = calloc(p->manifest.n_entries + 1, sizeof(*p->blobs));
    if (!p->blobs)
        return err_nomem(err);
    for (size_t i = 0; i < p->manifest.n_entries; i++)
        add_blob(p, &p->manifest.entries[i]);
    add_blob(p, &p->manifest.config);
    return 0;
}

/* ---- where else it may be ----------------------------------------------------------------------------------------- */

/* path's image here has these blobs: the registry may have them there, too. */
static int note_source(struct push *p, const char *path, const struct image_document *other)
{
    const char *kept = NULL;

    for (size_t i = 0; i < p->n_blobs; i++) {
        for (size_t j = 0; !p->blobs[i].mount_from && j < other->n_entries; j++) {
            if (strcmp(p->blobs[i].digest, other->entries[j].digest) != 0)
                continue;
            if (!kept && strv_push(&p->paths, path) < 0)
                return -ENOMEM;
            kept = p->paths[strv_length(p->paths) - 1];
            p->blobs[i].mount_from = kept;
        }
    }
    return 0;
}

/* image_name_fn: an image from the same registry. One that is damaged is no source. */
static int look_at_name(void *data, const char *name, const char *manifest, const char *config)
{
    struct push *p = data;
    const struct image_ref *to = &p->transfer.ref;
    _cleanup_image_ref_ struct image_ref ref = { 0 };
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct image_document other = { 0 };
    struct err none = ERR_INIT;

    (void)config;
    if (image_ref_parse(name, &ref, &none) < 0 || strcmp(ref.domain, to->domain) != 0 ||
        strcmp(ref.path, to->path) == 0 ||
        image_blob_read(p->transfer.call->store, manifest, &text, &none) < 0)
        return 0;
    int r = image_document_parse(buf_text(&text), text.len, &other, &none);
    r = r < 0 || other.index ? 0 : note_source(p, ref.path, &other);
    image_document_done(&other);
    return r;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static int send_blobs(struct push *p, struct err *err)
{
    struct transfer *t = &p->transfer;

    int r = registry_send(t->registry, t->call->store, p->blobs, p->n_blobs, err);
    progress_end(&t->progress, p->blobs, p->n_blobs);
    return r;
}

static int send_manifest(struct push *p, const struct image *image, struct err *err)
{
    const struct image_ref *ref = &p->transfer.ref;
    const char *type = p->manifest.media_type ? p->manifest.media_type : MANIFEST_TYPE;

    return registry_write(p->transfer.registry, ref->tag ? ref->tag : image->manifest, type,
                          buf_text(&p->text), p->text.len, image->manifest, err);
}

static int print_digest(const struct push *p, const struct image *image, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_free_ char *name = image_ref_show(&p->transfer.ref);

    if (!name)
        return err_nomem(err);
    if (call_flag(p->transfer.call, "quiet"))
        buf_printf(&text, "%s\n", image->manifest);
    else
        buf_printf(&text, "%s %s\n", name, image->manifest);
    return call_print(&text, err);
}

/* Where to: what is said, else the name that the image was found by. */
static int open_registry(struct push *p, const struct image *image, struct err *err)
{
    struct call *call = p->transfer.call;
    const char *name = call->operands[0];

    if (call_n_operands(call) > 1)
        name = call->operands[1];
    else if (image->name)
        name = image->name;
    else
        return err_usage(err,
                         "\"%.100s\" is an id and no name: say where it is to go, ration push "
                         "IMAGE NAME",
                         name);
    int r = transfer_open(&p->transfer, name, true, err);
    const struct image_ref *ref = &p->transfer.ref;
    if (r == 0 && ref->digest && strcmp(ref->digest, image->manifest) != 0)
        return err_usage(err, "the image is %s, and cannot be pushed as %s", image->manifest,
                         ref->digest);
    return r;
}

/* All of it, after the image has been found. */
static int push_image(struct push *p, const struct image *image, struct err *err)
{
    int r = open_registry(p, image, err);

    if (r == 0)
        r = list_blobs(p, image, err);
    if (r == 0)
        r = image_name_visit(p->transfer.call->store, look_at_name, p, err);
    if (r == 0)
        r = send_blobs(p, err);
    if (r == 0)
        r = send_manifest(p, image, err);
    return r < 0 ? r : print_digest(p, image, err);
}

int command_push(struct call *call, struct err *err)
{
    _cleanup_push_ struct push p = { 0 };

    int r = call_need(call, 1, 2, "an image, and maybe another name for it there", err);
    if (r == 0)
        r = transfer_init(&p.transfer, call, err);
    if (r == 0)
        r = call_open(call, false, err);
    if (r == 0)
        r = image_store_lock(call->store, IMAGE_LOCK_USE, err);
    if (r == 0)
        r = image_find(call->store, call->operands[0], &p.image, err);
    return r < 0 || !p.image ? r : push_image(&p, p.image, err);
}
