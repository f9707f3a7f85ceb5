/* What docker save writes: manifest.json tells the files of configurations and layers. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "imagecli/load.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"

static int add_layer(struct load *load, const json_t *path, json_t *layers, struct err *err)
{
    char digest[IMAGE_DIGEST_SIZE];
    uint8_t head[4] = { 0 };
    uint64_t size;

    if (!json_is_string(path))
        return err_set(err, EBADMSG, "manifest.json in it: \"Layers\" is not a list of strings");
    int r = load_blob(load, json_string_value(path), NULL, UINT64_MAX, digest, &size, err);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = image_blob_open(load->call->store, digest, NULL, err);
    if (fd < 0)
        return fd;
    if (pread(fd, head, sizeof(head), 0) < 0)
        return err_set(err, errno, "the blob %s cannot be read: %m", digest);
    enum layer_compression compression = head[0] == 0x1f && head[1] == 0x8b         ? LAYER_GZIP
                                         : memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ? LAYER_ZSTD
                                                                                    : LAYER_TAR;
    json_array_append_new(layers,
                          json_pack("{s:s,s:s,s:I}", "mediaType", layer_media_type(compression),
                                    "digest", digest, "size", (json_int_t)size));
    return 0;
}

static int names_of(const json_t *image, char ***ret, struct err *err)
{
    const json_t *tags = json_object_get(image, "RepoTags");
    size_t i;
    json_t *tag;
    int r = 0;

    if (tags && !json_is_array(tags) && !json_is_null(tags))
        return err_set(err, EBADMSG, "manifest.json in it: \"RepoTags\" is not a list");
    json_array_foreach(tags, i, tag)
    {
        _cleanup_free_ char *name = NULL;
        r = build_name(text_or_empty(json_string_value(tag)), &name, err);
        if (r == 0 && strv_push(ret, name) < 0)
            r = err_nomem(err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int put_manifest(struct load *load, const char *config, uint64_t config_size, json_t *layers,
                        char ret_digest[IMAGE_DIGEST_SIZE], struct err *err)
{
    json_t *manifest = json_pack("{s:i,s:s,s:{s:s,s:s,s:I},s:O}", "schemaVersion", 2, "mediaType",
                                 MANIFEST_TYPE, "config", "mediaType", CONFIG_TYPE, "digest",
                                 config, "size", (json_int_t)config_size, "layers", layers);
    char *text = manifest ? json_dumps(manifest, JSON_COMPACT) : NULL;
    int r =
        text ? image_blob_put(load->call->store, &image_sha256, text, strlen(text), ret_digest, err)
             : err_nomem(err);

    free(text);
    json_decref(manifest);
    return r;
}

static int take_image(struct load *load, const json_t *image, struct err *err)
{
    const char *config_path = json_string_value(json_object_get(image, "Config"));
    const json_t *paths = json_object_get(image, "Layers");
    char config[IMAGE_DIGEST_SIZE], manifest[IMAGE_DIGEST_SIZE];
    json_t *layers = json_array();
    char **names = NULL;
    uint64_t size = 0;
    int r = 0;

    if (!config_path || !json_is_array(paths))
        r = err_set(err, EBADMSG,
                    "manifest.json in it has an image without \"Config\" or \"Layers\"");
    else if (json_array_size(paths) > IMAGE_LAYERS_MAX)
        r = err_set(err, EBADMSG, "it has an image of %zu layers, at most %d are possible",
                    json_array_size(paths), IMAGE_LAYERS_MAX);
    if (r == 0)
        r = names_of(image, &names, err);
    if (r == 0)
        r = load_blob(load, config_path, NULL, UINT64_MAX, config, &size, err);
    for (size_t i = 0; r == 0 && i < json_array_size(paths); i++)
        r = add_layer(load, json_array_get(paths, i), layers, err);
    if (r == 0)
        r = put_manifest(load, config, size, layers, manifest, err);
    if (r == 0)
        r = load_finish(load, manifest, names, err);
    json_decref(layers);
    strv_free(names);
    return r;
}

int load_docker(struct load *load, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    json_error_t error;
    int r = load_text(load, "manifest.json", &text, err);

    if (r < 0)
        return r;
    json_t *images = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_array(images))
        r = err_set(err, EBADMSG, "manifest.json in it is no list: %.100s", error.text);
    for (size_t i = 0; r == 0 && i < json_array_size(images); i++)
        r = take_image(load, json_array_get(images, i), err);
    json_decref(images);
    return r;
}
