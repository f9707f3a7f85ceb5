/* A manifest and a configuration as an image: OCI image specification, "Image Configuration". */
#include <errno.h>
#include <string.h>

#include "image/image_private.h"

#define WHAT        "the image's configuration"
#define HISTORY_MAX 10000

void image_free(struct image *image)
{
    if (!image)
        return;
    char **const vectors[] = {
        image->names,   image->entrypoint, image->cmd,     image->env,
        image->volumes, image->labels,     image->exposed, image->health.test,
    };
    char *const texts[] = {
        image->name,          image->manifest,    image->id,           image->user, image->workdir,
        image->created,       image->stop_signal, image->architecture, image->os,   image->variant,
        image->manifest_text, image->author,      image->config_text,
    };

    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
        strv_free(vectors[i]);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < image->n_history; i++) {
        free(image->history[i].created);
        free(image->history[i].created_by);
        free(image->history[i].author);
        free(image->history[i].comment);
    }
    free(image->history);
    for (size_t i = 0; i < image->n_layers; i++) {
        free(image->layers[i].diff_id);
        free(image->layers[i].digest);
        free(image->layers[i].media_type);
        free(image->layers[i].tree);
    }
    free(image->layers);
    free(image);
}

void image_freep(struct image **image)
{
    image_free(*image);
}

/* ---- the configuration ------------------------------------------------------------------------------- */

/* Durations are nanoseconds there; less than a microsecond is none. */
static int read_duration(const json_t *health, const char *key, uint64_t *ret_us, struct err *err)
{
    uint64_t ns = 0;
    int r = image_json_u64(WHAT, health, key, &ns, err);

    *ret_us = ns / 1000;
    return r;
}

static int read_health(const json_t *config, struct image *image, struct err *err)
{
    const json_t *health = NULL;
    uint64_t retries = 0;
    int r = image_json_object(WHAT, config, "Healthcheck", &health, err);

    if (r != 1)
        return r;
    r = image_json_strv(WHAT, health, "Test", &image->health.test, err);
    if (r >= 0)
        r = read_duration(health, "Interval", &image->health.interval_us, err);
    if (r >= 0)
        r = read_duration(health, "Timeout", &image->health.timeout_us, err);
    if (r >= 0)
        r = read_duration(health, "StartPeriod", &image->health.start_period_us, err);
    if (r >= 0)
        r = read_duration(health, "StartInterval", &image->health.start_interval_us, err);
    if (r >= 0)
        r = image_json_u64(WHAT, health, "Retries", &retries, err);
    if (retries > 1000000)
        return err_set(err, EBADMSG, WHAT ": \"Retries\" of the health check is too large");
    image->health.retries = (unsigned)retries;
    return r;
}

static int read_run(const json_t *json, struct image *image, struct err *err)
{
    struct {
        const char *key;
        int (*read)(const char *, const json_t *, const char *, char ***, struct err *);
        char ***ret;
    } vector_table[] = {
        { "Entrypoint", image_json_strv, &image->entrypoint },
        { "Cmd", image_json_strv, &image->cmd },
        { "Env", image_json_strv, &image->env },
        { "Volumes", image_json_keys, &image->volumes },
        { "ExposedPorts", image_json_keys, &image->exposed },
        { "Labels", image_json_pairs, &image->labels },
    };
    const struct {
        const char *key;
        char **ret;
    } text_table[] = {
        { "User", &image->user },
        { "WorkingDir", &image->workdir },
        { "StopSignal", &image->stop_signal },
    };
    const json_t *config = NULL;
    int r = image_json_object(WHAT, json, "config", &config, err);

    if (r != 1)
        return r;
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(vector_table); i++)
        r = vector_table[i].read(WHAT, config, vector_table[i].key, vector_table[i].ret, err);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(text_table); i++)
        r = image_json_string(WHAT, config, text_table[i].key, text_table[i].ret, err);
    return r < 0 ? r : read_health(config, image, err);
}

static int read_step(const json_t *json, struct image_history *ret, struct err *err)
{
    const struct {
        const char *key;
        char **ret;
    } text_table[] = {
        { "created", &ret->created },
        { "created_by", &ret->created_by },
        { "author", &ret->author },
        { "comment", &ret->comment },
    };
    int r = 0;

    if (!json_is_object(json))
        return err_set(err, EBADMSG, WHAT ": \"history\" is not a list of objects");
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(text_table); i++)
        r = image_json_string(WHAT, json, text_table[i].key, text_table[i].ret, err);
    ret->empty_layer = json_is_true(json_object_get(json, "empty_layer"));
    return r;
}

static int read_history(const json_t *json, struct image *image, struct err *err)
{
    const json_t *steps = NULL;
    int r = image_json_array(WHAT, json, "history", &steps, err);
    size_t n = json_array_size(steps);

    if (r != 1)
        return r;
    if (n > HISTORY_MAX)
        return err_set(err, EBADMSG, WHAT ": a history of %zu steps is too long", n);
    image->history = calloc(n ? n : 1, sizeof(*image->history));
    if (!image->history)
        return err_nomem(err);
    for (; r >= 0 && image->n_history < n; image->n_history++) {
        r = read_step(json_array_get(steps, image->n_history), &image->history[image->n_history],
                      err);
    }
    return r;
}

static int read_diff_ids(const json_t *json, struct image *image, struct err *err)
{
    const json_t *rootfs = NULL, *ids = NULL;
    int r = image_json_object(WHAT, json, "rootfs", &rootfs, err);

    if (r == 1)
        r = image_json_array(WHAT, rootfs, "diff_ids", &ids, err);
    if (r < 0)
        return r;
    size_t n = json_array_size(ids);
    if (n > IMAGE_LAYERS_MAX)
        return err_set(err, EBADMSG, "the image has %zu layers, at most %d are possible", n,
                       IMAGE_LAYERS_MAX);
    image->layers = calloc(n ? n : 1, sizeof(*image->layers));
    if (!image->layers)
        return err_nomem(err);
    for (; image->n_layers < n; image->n_layers++) {
        const char *id = json_string_value(json_array_get(ids, image->n_layers));
        if (!image_digest_is(id))
            return err_set(err, EBADMSG, WHAT ": \"%.100s\" is no diff_id", text_or_empty(id));
        image->layers[image->n_layers].diff_id = strdup(id);
        if (!image->layers[image->n_layers].diff_id)
            return err_nomem(err);
    }
    return 0;
}

static int read_config(const json_t *json, struct image *image, struct err *err)
{
    const struct {
        const char *key;
        char **ret;
    } text_table[] = {
        { "architecture", &image->architecture },
        { "os", &image->os },
        { "variant", &image->variant },
        { "created", &image->created },
        { "author", &image->author },
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(text_table); i++)
        r = image_json_string(WHAT, json, text_table[i].key, text_table[i].ret, err);
    if (r >= 0)
        r = read_run(json, image, err);
    if (r >= 0)
        r = read_history(json, image, err);
    return r < 0 ? r : read_diff_ids(json, image, err);
}

/* ---- both together -------------------------------------------------------------------------------------- */

static int join_manifest(const struct image_document *manifest, struct image *image,
                         struct err *err)
{
    if (manifest->index)
        return err_set(err, EBADMSG, "an index of images stands where an image's manifest has to");
    if (manifest->n_entries != image->n_layers)
        return err_set(err, EBADMSG,
                       "the image's manifest has %zu layers and its configuration %zu",
                       manifest->n_entries, image->n_layers);
    for (size_t i = 0; i < image->n_layers; i++) {
        const struct image_descriptor *from = &manifest->entries[i];
        struct image_layer *layer = &image->layers[i];
        layer->size_bytes = from->size_bytes;
        if (text_replace(&layer->digest, from->digest) < 0 ||
            text_replace(&layer->media_type, from->media_type) < 0)
            return err_nomem(err);
    }
    return text_replace(&image->id, manifest->config.digest) < 0 ? err_nomem(err) : 0;
}

static int parse_both(const char *manifest, size_t manifest_len, const char *config,
                      size_t config_len, struct image *image, struct err *err)
{
    _cleanup_json_ json_t *json = NULL;
    struct image_document document;
    int r = image_json_load(WHAT, config, config_len, &json, err);

    if (r >= 0)
        r = read_config(json, image, err);
    if (r < 0)
        return r;
    image->config_text = strndup(config, config_len);
    if (!image->config_text)
        return err_nomem(err);
    if (!manifest)
        return 0;
    image->manifest_text = strndup(manifest, manifest_len);
    if (!image->manifest_text)
        return err_nomem(err);
    r = image_document_parse(manifest, manifest_len, &document, err);
    if (r < 0)
        return r;
    r = join_manifest(&document, image, err);
    image_document_done(&document);
    return r;
}

int image_parse(const char *manifest, size_t manifest_len, const char *config, size_t config_len,
                struct image **ret, struct err *err)
{
    _cleanup_image_ struct image *image = calloc(1, sizeof(*image));

    if (!image)
        return err_nomem(err);
    int r = parse_both(manifest, manifest_len, config, config_len, image, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}
