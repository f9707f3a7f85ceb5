/* Layers between blobs and directories. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "imagecli/imagecli.h"

const struct image_hash image_sha256 = {
    .start = layer_hash_start,
    .add = layer_hash_add,
    .end = layer_hash_end,
    .free = layer_hash_free,
};

static int unpack_blob(struct call *call, const char *digest, int tree_fd,
                       const struct layer_ceilings *ceilings, struct layer_unpacked *ret,
                       struct err *err)
{
    struct layer_unpack how = {
        .tree_fd = tree_fd,
        .form = LAYER_OVERLAY,
        .ceilings = *ceilings,
        .rootless = call->rootless,
        .keep_owner = true,
    };
    _cleanup_close_ int fd = image_blob_open(call->store, digest, NULL, err);

    if (fd < 0)
        return fd;
    int r = layer_unpack(fd, &how, ret, err);
    if (r < 0) {
        err_prefix(err, "the layer %.19s cannot be unpacked", digest);
        return r;
    }
    if (strcmp(ret->digest, digest) != 0)
        return err_set(err, EBADMSG, "the blob %s is damaged: what is in it is %s", digest,
                       ret->digest);
    return 0;
}

static void say_changes(const struct layer_unpacked *unpacked)
{
    if (unpacked->devices_skipped)
        call_say("the layer %.19s has %llu device nodes, which only root can make: left out",
                 unpacked->digest, (unsigned long long)unpacked->devices_skipped);
    if (unpacked->owners_changed)
        call_say("%llu files of the layer %.19s have owners that are not among your subordinate "
                 "ids (subuid(5)): they are yours now",
                 (unsigned long long)unpacked->owners_changed, unpacked->digest);
    if (unpacked->attributes_dropped)
        call_say("%llu extended attributes of the layer %.19s could not be kept",
                 (unsigned long long)unpacked->attributes_dropped, unpacked->digest);
}

/* What image verify will compare with. */
static int finish(struct image_work *work, const char *diff_id,
                  const struct layer_unpacked *unpacked, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct layer_sum sum;
    int r = layer_sum_tree(image_work_tree(work), &sum, err);

    if (r < 0)
        return r;
    buf_printf(&text, "blob %s\nbytes %llu\nentries %llu\ntree %s\n", unpacked->digest,
               (unsigned long long)sum.bytes, (unsigned long long)sum.entries, sum.tree);
    if (buf_error(&text) < 0)
        return err_nomem(err);
    return image_layer_finish(work, diff_id, buf_text(&text), err);
}

int layer_ensure(struct call *call, const char *digest, const char *diff_id,
                 const struct layer_ceilings *ceilings, struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    struct layer_unpacked unpacked;
    int r = image_layer_start(call->store, diff_id, &work, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = unpack_blob(call, digest, image_work_tree(work), ceilings, &unpacked, err);
    if (r == 0 && strcmp(unpacked.diff_id, diff_id) != 0)
        r = err_set(err, EBADMSG, "the layer %s unpacks to %s, and the image says %s", digest,
                    unpacked.diff_id, diff_id);
    if (r == 0)
        r = finish(work, diff_id, &unpacked, err);
    if (r == 0)
        say_changes(&unpacked);
    return r;
}

int layer_add(struct call *call, const char *digest, const struct layer_ceilings *ceilings,
              char ret_diff_id[IMAGE_DIGEST_SIZE], struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    struct layer_unpacked unpacked;
    int r = image_layer_start(call->store, NULL, &work, err);

    if (r == 0)
        r = unpack_blob(call, digest, image_work_tree(work), ceilings, &unpacked, err);
    if (r < 0)
        return r;
    memcpy(ret_diff_id, unpacked.diff_id, IMAGE_DIGEST_SIZE);
    r = finish(work, unpacked.diff_id, &unpacked, err);
    if (r == 0)
        say_changes(&unpacked);
    return r;
}

int layers_ensure(struct call *call, const char *manifest, const struct layer_ceilings *ceilings,
                  struct err *err)
{
    _cleanup_buf_ struct buf manifest_text = BUF_INIT, config_text = BUF_INIT;
    _cleanup_image_ struct image *image = NULL;
    struct image_document document;
    int r = image_blob_read(call->store, manifest, &manifest_text, err);

    if (r == 0)
        r = image_document_parse(buf_text(&manifest_text), manifest_text.len, &document, err);
    if (r != 0)
        return r;
    r = document.index ? err_set(err, EBADMSG, "%s is an index, no image", manifest)
                       : image_blob_read(call->store, document.config.digest, &config_text, err);
    image_document_done(&document);
    if (r == 0)
        r = image_parse(buf_text(&manifest_text), manifest_text.len, buf_text(&config_text),
                        config_text.len, &image, err);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++)
        r = layer_ensure(call, image->layers[i].digest, image->layers[i].diff_id, ceilings, err);
    return r;
}
