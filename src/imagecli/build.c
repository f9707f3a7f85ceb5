/* Making an image's documents: OCI image specification, "Image Manifest" and "Image Configuration". */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "imagecli/build.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"

void build_time(char ret[static 32])
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    struct tm tm;

    if (!epoch || number_parse(epoch, INT32_MAX, &seconds) < 0)
        seconds = clock_us(CLOCK_REALTIME) / 1000000;
    time_t at = (time_t)seconds;
    gmtime_r(&at, &tm);
    strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int build_name(const char *text, char **ret, struct err *err)
{
    _cleanup_image_ref_ struct image_ref ref = { 0 };
    int r = image_ref_parse(text, &ref, err);

    if (r < 0)
        return r;
    if (ref.digest)
        return err_usage(err, "\"%.150s\" has a digest, which cannot be given but only found out",
                         text);
    *ret = image_ref_format(&ref);
    return *ret ? 0 : err_nomem(err);
}

/* ---- the configuration --------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(object, key, json_string(value));
}

/* The base's as it stands, or an empty one. */
static json_t *base_config(const struct build *build)
{
    json_t *config = build->base ? json_loads(build->base->config_text, 0, NULL) : json_object();

    if (!build->base && config) {
        json_object_set_new(config, "architecture", json_string(image_architecture()));
        json_object_set_new(config, "os", json_string("linux"));
        json_object_set_new(config, "rootfs",
                            json_pack("{s:s,s:[]}", "type", "layers", "diff_ids"));
        json_object_set_new(config, "history", json_array());
    }
    /* What a daemon noted of the container that the base was made of is not true of this one. */
    if (config) {
        json_object_del(config, "container");
        json_object_del(config, "container_config");
    }
    return config;
}

static json_t *member(json_t *object, const char *key, json_t *(*make)(void))
{
    json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value)) {
        json_object_set_new(object, key, make());
        value = json_object_get(object, key);
    }
    return value;
}

static void add_step(json_t *config, const struct build *build, const char *now)
{
    json_t *step = json_object();

    set_text(step, "created", now);
    set_text(step, "created_by", build->created_by);
    set_text(step, "author", build->author);
    set_text(step, "comment", build->comment);
    json_array_append_new(member(config, "history", json_array), step);
}

static int make_config(const struct build *build, const struct built_layer *layer, char **ret,
                       struct err *err)
{
    json_t *config = base_config(build);
    char now[32];
    int r = 0;

    if (!config)
        return err_nomem(err);
    build_time(now);
    set_text(config, "created", now);
    set_text(config, "author", build->author);
    if (build->config)
        json_object_set_new(config, "config", build->config);
    json_t *part = member(config, "config", json_object);
    for (char *const *at = build->changes; r == 0 && at && *at; at++)
        r = build_change(part, *at, err);
    add_step(config, build, now);
    json_t *ids = member(member(config, "rootfs", json_object), "diff_ids", json_array);
    json_array_append_new(ids, json_string(layer->diff_id));
    if (r == 0) {
        *ret = json_dumps(config, JSON_COMPACT);
        r = *ret ? 0 : err_nomem(err);
    }
    json_decref(config);
    return r;
}

/* ---- the manifest ------------------------------------------------------------------------------------------ */

static json_t *descriptor(const char *type, const char *digest, uint64_t size)
{
    return json_pack("{s:s,s:s,s:I}", "mediaType", type, "digest", digest, "size",
                     (json_int_t)size);
}

/* The base's layers keep how they came; docker's types of layers are the same by other names. */
static const char *layer_type(const struct image_layer *layer)
{
    const char *type = text_or_empty(layer->media_type);

    return *type ? type : layer_media_type(LAYER_GZIP);
}

static char *make_manifest(const struct build *build, const struct built_layer *layer,
                           const char *config_digest, size_t config_size)
{
    json_t *layers = json_array();
    const struct image *base = build->base;

    for (size_t i = 0; base && i < base->n_layers; i++)
        json_array_append_new(layers,
                              descriptor(layer_type(&base->layers[i]), base->layers[i].digest,
                                         base->layers[i].size_bytes));
    json_array_append_new(layers, descriptor(layer->media_type, layer->digest, layer->size_bytes));
    json_t *manifest =
        json_pack("{s:i,s:s,s:o,s:o}", "schemaVersion", 2, "mediaType", MANIFEST_TYPE, "config",
                  descriptor(CONFIG_TYPE, config_digest, config_size), "layers", layers);
    char *text = manifest ? json_dumps(manifest, JSON_COMPACT) : NULL;
    json_decref(manifest);
    return text;
}

int build_image(struct call *call, const struct build *build, const struct built_layer *layer,
                const char *name, char ret_id[IMAGE_DIGEST_SIZE], struct err *err)
{
    _cleanup_free_ char *config = NULL, *manifest = NULL;
    char digest[IMAGE_DIGEST_SIZE];

    if (build->base && build->base->n_layers >= IMAGE_LAYERS_MAX) {
        json_decref(build->config);
        return err_refuse(err, E2BIG, "the image has %zu layers already, and %d are possible",
                          build->base->n_layers, IMAGE_LAYERS_MAX);
    }
    int r = make_config(build, layer, &config, err);
    if (r == 0)
        r = image_blob_put(call->store, &image_sha256, config, strlen(config), ret_id, err);
    if (r < 0)
        return r;
    manifest = make_manifest(build, layer, ret_id, strlen(config));
    if (!manifest)
        return err_nomem(err);
    r = image_blob_put(call->store, &image_sha256, manifest, strlen(manifest), digest, err);
    return r < 0 ? r : image_register(call->store, digest, name, NULL, err);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

struct sink {
    struct image_blob *blob;
    struct err *err;
};

static int sink_write(void *data, const void *bytes, size_t len)
{
    struct sink *sink = data;

    return image_blob_add(sink->blob, bytes, len, sink->err);
}

int build_pack(struct call *call, const struct layer_pack *what, struct built_layer *ret,
               struct err *err)
{
    const char *asked = call_option(call, "compress");
    _cleanup_image_blob_ struct image_blob *blob = NULL;
    enum layer_compression compression = LAYER_GZIP;
    struct layer_ceilings ceilings = LAYER_CEILINGS_DEFAULT;
    struct layer_pack how = *what;
    struct layer_packed packed;

    if (asked && !layer_compression_parse(asked, &compression))
        return err_usage(err, "--compress takes none, gzip or zstd, not \"%.60s\"", asked);
    int r = image_blob_start(call->store, &image_sha256, &blob, err);
    if (r < 0)
        return r;
    struct err written = ERR_INIT;
    struct sink sink = { .blob = blob, .err = &written };
    how.compression = compression;
    how.write = sink_write;
    how.write_data = &sink;
    r = layer_pack(&how, &packed, err);
    if (r < 0) {
        if (written.code && err)
            *err = written;
        return r;
    }
    if (packed.sockets_skipped)
        call_say("%llu sockets were left out", (unsigned long long)packed.sockets_skipped);
    ret->size_bytes = image_blob_written(blob);
    ret->media_type = layer_media_type(compression);
    memcpy(ret->diff_id, packed.diff_id, sizeof(ret->diff_id));
    r = image_blob_finish(blob, NULL, UINT64_MAX, ret->digest, err);
    /* Holes and zeros pack well: what was here fits here. */
    ceilings.ratio = UINT32_MAX;
    ceilings.bytes = UINT64_MAX / 2;
    return r < 0 ? r : layer_ensure(call, ret->digest, ret->diff_id, &ceilings, err);
}
