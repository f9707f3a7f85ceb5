/* An image as the defaults of a run. */
#include <errno.h>
#include <sys/stat.h>

#include "image/image.h"

static int layers_topmost_first(const struct image *image, char ***ret, struct err *err)
{
    for (size_t i = image->n_layers; i > 0; i--) {
        const struct image_layer *layer = &image->layers[i - 1];
        struct stat st;
        if (!layer->tree || stat(layer->tree, &st) < 0)
            return err_set(err, ENOENT,
                           "the layer %s of the image %.100s is not unpacked; ration image verify "
                           "--repair unpacks it again",
                           layer->diff_id, image->name ? image->name : text_or_empty(image->id));
        if (strv_push(ret, layer->tree) < 0)
            return err_nomem(err);
    }
    return 0;
}

int image_apply(const struct image *image, struct draft *draft, struct err *err)
{
    _cleanup_free_ char *name = image->name ? image_name_show(image->name) : NULL;
    struct spec_image spec = {
        .name = name ? name : image->id,
        .id = image->id,
        .entrypoint = image->entrypoint,
        .cmd = image->cmd,
        .env = image->env,
        .volumes = image->volumes,
        .labels = image->labels,
        .exposed = image->exposed,
        .user = image->user,
        .workdir = image->workdir,
        .stop_signal = image->stop_signal,
        .health = image->health,
    };

    if (image->name && !name)
        return err_nomem(err);
    int r = layers_topmost_first(image, &spec.layers, err);
    if (r == 0)
        r = spec_set_image(draft, &spec, err);
    strv_free(spec.layers);
    return r;
}
