/*
 * ration pull: the manifest, then the configuration, which says what the layers have to unpack to; then all layers,
 * each unpacked by the thread that fetched it. The image has its name when everything is there, and not before.
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "imagecli/transfer.h"

struct pull {
    struct transfer transfer;
    struct layer_ceilings ceilings;
    char *name;                        /* in full, as it will be in the store */
    char digest[IMAGE_DIGEST_SIZE];    /* what was asked for: a manifest's or an index's */
    struct registry_document document; /* the manifest */
    struct image_document manifest;
    struct image *image; /* what manifest and configuration say, before it is in the store */
};

static void pull_done(struct pull *p)
{
    registry_document_done(&p->document);
    image_document_done(&p->manifest);
    image_free(p->image);
    free(p->name);
    transfer_done(&p->transfer);
}
#define _cleanup_pull_ _cleanup_(pull_done)

/* ---- the manifest ------------------------------------------------------------------------------------------- */

static int read_document(struct pull *p, const char *which, struct err *err)
{
    int r = registry_read(p->transfer.registry, which, &p->document, err);

    if (r < 0)
        return r;
    r = image_document_parse(buf_text(&p->document.text), p->document.text.len, &p->manifest, err);
    if (r < 0)
        err_prefix(err, "%.100s", p->name);
    return r;
}

/* From an index to the manifest that it has for us. One index, and not one that leads to the next. */
static int follow_index(struct pull *p, struct err *err)
{
    const char *platform = call_option(p->transfer.call, "platform");
    char digest[IMAGE_DIGEST_SIZE];
    size_t which = 0;

    int r = image_document_choose(&p->manifest, platform, &which, err);
    if (r < 0) {
        err_prefix(err, "%.100s", p->name);
        return r;
    }
    uint64_t size_bytes = p->manifest.entries[which].size_bytes;
    memcpy(digest, p->manifest.entries[which].digest, sizeof(digest));
    registry_document_done(&p->document);
    image_document_done(&p->manifest);
    p->manifest = (struct image_document){ 0 };
    r = read_document(p, digest, err);
    if (r < 0)
        return r;
    if (p->document.text.len != size_bytes)
        return err_set(err, EBADMSG,
                       "%.100s: its index says that the manifest has %llu bytes, and it has %zu",
                       p->name, (unsigned long long)size_bytes, p->document.text.len);
    if (p->manifest.index)
        return err_set(err, EBADMSG, "%.100s: its index leads to another index, not to an image",
                       p->name);
    return 0;
}

static int read_manifest(struct pull *p, struct err *err)
{
    const struct image_ref *ref = &p->transfer.ref;

    int r = read_document(p, ref->digest ? ref->digest : ref->tag, err);
    if (r < 0)
        return r;
    memcpy(p->digest, p->document.digest, sizeof(p->digest));
    return p->manifest.index ? follow_index(p, err) : 0;
}

/* ---- the configuration --------------------------------------------------------------------------------------- */

static int read_config(struct pull *p, struct err *err)
{
    const struct image_descriptor *config = &p->manifest.config;
    struct registry_blob blob = { .digest = config->digest, .size_bytes = config->size_bytes };
    struct call *call = p->transfer.call;
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (config->size_bytes > IMAGE_DOCUMENT_MAX)
        return err_set(err, EBADMSG,
                       "%.100s: its configuration has %llu bytes, at most %u are possible", p->name,
                       (unsigned long long)config->size_bytes, IMAGE_DOCUMENT_MAX);
    int r = registry_fetch(p->transfer.registry, call->store, &blob, 1, err);
    progress_end(&p->transfer.progress, &blob, 1);
    if (r == 0)
        r = image_blob_read(call->store, config->digest, &text, err);
    if (r < 0)
        return r;
    r = image_parse(buf_text(&p->document.text), p->document.text.len, buf_text(&text), text.len,
                    &p->image, err);
    if (r < 0)
        err_prefix(err, "%.100s", p->name);
    return r;
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

/* In the thread that has fetched it. */
static int unpack(void *data, const struct registry_blob *blob, struct err *err)
{
    struct pull *p = data;
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->image->n_layers; i++) {
        const struct image_layer *layer = &p->image->layers[i];
        if (strcmp(layer->digest, blob->digest) == 0)
            r = layer_ensure(p->transfer.call, layer->digest, layer->diff_id, &p->ceilings, err);
    }
    return r;
}

/* Told before anything is fetched: a disk that is full in the middle is full for everybody. */
static int check_space(const struct pull *p, const struct registry_blob *blobs, size_t n,
                       struct err *err)
{
    struct image_store *store = p->transfer.call->store;
    struct statvfs fs;
    uint64_t wanted = 0;
    char want[32], have[32];

    for (size_t i = 0; i < n; i++) {
        if (!image_blob_has(store, blobs[i].digest) &&
            __builtin_add_overflow(wanted, blobs[i].size_bytes, &wanted))
            wanted = UINT64_MAX;
    }
    if (statvfs(image_store_path(store), &fs) < 0 || wanted / fs.f_frsize <= fs.f_bavail)
        return 0;
    bytes_show(wanted, want, sizeof(want));
    bytes_show((uint64_t)fs.f_bavail * fs.f_frsize, have, sizeof(have));
    return err_set(err, ENOSPC, "%.100s: its layers take %s, and %.200s has %s left", p->name, want,
                   image_store_path(store), have);
}

/* A layer that stands in an image several times is fetched once. */
static size_t list_blobs(const struct pull *p, struct registry_blob *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < p->manifest.n_entries; i++) {
        const struct image_descriptor *layer = &p->manifest.entries[i];
        size_t same = 0;
        while (same < n && strcmp(ret[same].digest, layer->digest) != 0)
            same++;
        if (same < n)
            continue;
        ret[n].digest = layer->digest;
        ret[n++].size_bytes = layer->size_bytes;
    }
    return n;
}

static int fetch_layers(struct pull *p, struct err *err)
{
    struct transfer *t = &p->transfer;
    _cleanup_free_ struct registry_blob *blobs = calloc(p->manifest.n_entries + 1, sizeof(*blobs));

    if (!blobs)
        return err_nomem(err);
    size_t n = list_blobs(p, blobs);
    int r = check_space(p, blobs, n, err);
    if (r < 0)
        return r;
    t->options.fetched = unpack;
    t->options.fetched_data = p;
    r = registry_fetch(t->registry, t->call->store, blobs, n, err);
    progress_end(&t->progress, blobs, n);
    return r;
}

/* ---- the image ------------------------------------------------------------------------------------------------- */

static int register_image(struct pull *p, struct err *err)
{
    struct call *call = p->transfer.call;

    int r = image_blob_put(call->store, &image_sha256, buf_text(&p->document.text),
                           p->document.text.len, NULL, err);
    return r < 0 ? r : image_register(call->store, p->document.digest, p->name, NULL, err);
}

static int print_digest(const struct pull *p, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_free_ char *name = image_ref_show(&p->transfer.ref);

    if (!name)
        return err_nomem(err);
    if (call_flag(p->transfer.call, "quiet"))
        buf_printf(&text, "%s\n", p->digest);
    else
        buf_printf(&text, "%s %s\n", name, p->digest);
    return call_print(&text, err);
}

int command_pull(struct call *call, struct err *err)
{
    _cleanup_pull_ struct pull p = { 0 };

    int r = call_need(call, 1, 1, "the name of an image", err);
    if (r == 0)
        r = transfer_init(&p.transfer, call, err);
    if (r == 0)
        r = call_ceilings(call, &p.ceilings, err);
    if (r == 0)
        r = transfer_open(&p.transfer, call->operands[0], false, err);
    if (r == 0)
        r = (p.name = image_ref_format(&p.transfer.ref)) ? 0 : err_nomem(err);
    if (r == 0)
        r = read_manifest(&p, err);
    if (r == 0)
        r = call_open(call, true, err);
    if (r == 0)
        r = read_config(&p, err);
    if (r == 0)
        r = fetch_layers(&p, err);
    if (r == 0)
        r = register_image(&p, err);
    return r < 0 ? r : print_digest(&p, err);
}
