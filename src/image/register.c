/* The last step of whoever brings an image: everything is there, now it gets its name. */
#include <errno.h>

#include "image/image_private.h"

static int config_of(struct image_store *store, const char *manifest,
                     char ret_config[IMAGE_DIGEST_SIZE], struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct image_document document;
    int r = image_blob_read(store, manifest, &text, err);

    if (r == 0)
        r = image_document_parse(buf_text(&text), text.len, &document, err);
    if (r != 0)
        return r;
    if (document.index)
        r = err_set(err, EBADMSG, "%s is an index of images, not one", manifest);
    else
        snprintf(ret_config, IMAGE_DIGEST_SIZE, "%s", document.config.digest);
    image_document_done(&document);
    return r;
}

int image_register(struct image_store *store, const char *manifest, const char *name,
                   struct image **ret, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    char config[IMAGE_DIGEST_SIZE];
    int r = config_of(store, manifest, config, err);

    if (r == 0)
        r = image_load(store, name, manifest, config, &image, err);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
        const struct image_layer *layer = &image->layers[i];
        if (!image_layer_has(store, layer->diff_id))
            r = err_set(err, ENOENT, "the layer %s is not unpacked", layer->diff_id);
        else if (!image_blob_has(store, layer->digest))
            r = err_set(err, ENOENT, "the blob %s is not there", layer->digest);
    }
    if (r == 0)
        r = name ? image_name_put(store, name, manifest, config, err)
                 : image_name_put_none(store, manifest, config, err);
    if (r == 0 && ret)
        *ret = TAKE_PTR(image);
    return r;
}
