/* Finding images: by name, by digest, by the beginning of an id. */
#include <errno.h>
#include <string.h>

#include "image/image_private.h"

/* ---- loading -------------------------------------------------------------------------------------------- */

static int place_layers(const struct image_store *store, struct image *image, struct err *err)
{
    for (size_t i = 0; i < image->n_layers; i++) {
        image->layers[i].tree = text_format("%s/layers/%s/tree", store->path,
                                            image_digest_hex(image->layers[i].diff_id));
        if (!image->layers[i].tree)
            return err_nomem(err);
    }
    return 0;
}

static int load_texts(struct image_store *store, const char *manifest, const char *config,
                      struct image **ret, struct err *err)
{
    _cleanup_buf_ struct buf manifest_text = BUF_INIT, config_text = BUF_INIT;
    int r = image_blob_read(store, manifest, &manifest_text, err);

    if (r == 0)
        r = image_blob_read(store, config, &config_text, err);
    if (r < 0)
        return r;
    return image_parse(buf_text(&manifest_text), manifest_text.len, buf_text(&config_text),
                       config_text.len, ret, err);
}

int image_load(struct image_store *store, const char *name, const char *manifest,
               const char *config, struct image **ret, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    int r = load_texts(store, manifest, config, &image, err);

    if (r == 0 && strcmp(image->id, config) != 0)
        r = err_set(err, EBADMSG, "its manifest names another configuration, %s", image->id);
    if (r < 0) {
        err_prefix(err, "the image %.100s is damaged (see ration image verify)",
                   name ? name : config);
        return r == -ENOMEM ? r : -EBADMSG;
    }
    if (text_replace(&image->name, name && *name != '@' ? name : NULL) < 0 ||
        text_replace(&image->manifest, manifest) < 0)
        return err_nomem(err);
    r = place_layers(store, image, err);
    if (r == 0)
        *ret = TAKE_PTR(image);
    return r;
}

/* ---- names and sizes -------------------------------------------------------------------------------------- */

struct measure {
    struct image *image;
    int r;
};

static int add_name(void *data, const char *name, const char *manifest, const char *config)
{
    struct measure *measure = data;

    (void)manifest;
    if (*name != '@' && strcmp(config, measure->image->id) == 0)
        measure->r = strv_push(&measure->image->names, name);
    return measure->r;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int image_measure(struct image_store *store, struct image *image, struct err *err)
{
    struct measure measure = { .image = image };

    image->size_bytes = 0;
    for (size_t i = 0; i < image->n_layers; i++) {
        _cleanup_buf_ struct buf sum = BUF_INIT;
        uint64_t bytes;
        if (image_layer_sum(store, image->layers[i].diff_id, &sum) == 0 &&
            keyed_find_u64(buf_text(&sum), "bytes", &bytes))
            image->size_bytes += bytes;
    }
    int r = image_name_visit(store, add_name, &measure, err);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (image->names)
        qsort(image->names, strv_length(image->names), sizeof(*image->names), compare_texts);
    return r;
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

struct search {
    const char *hex;  /* the beginning of an id or a manifest's digest */
    const char *path; /* or "DOMAIN/PATH" with the digest in hex; NULL: any */
    char name[256 + 256];
    char manifest[IMAGE_DIGEST_SIZE], config[IMAGE_DIGEST_SIZE];
    unsigned found; /* different ones */
};

/* Is name, in full, path with a tag or digest behind it? */
static bool name_has_path(const char *name, const char *path)
{
    size_t n = strlen(path);

    return strncmp(name, path, n) == 0 && (name[n] == ':' || name[n] == '@');
}

static int search_name(void *data, const char *name, const char *manifest, const char *config)
{
    struct search *search = data;

    if (!*manifest || (search->path && !name_has_path(name, search->path)))
        return 0;
    bool by_manifest = text_starts(image_digest_hex(manifest), search->hex);
    bool by_id = !search->path && text_starts(image_digest_hex(config), search->hex);
    /* Of a manifest all of the digest is wanted: ids are what people shorten. */
    if (!by_id && !(by_manifest && strlen(search->hex) == 64))
        return 0;
    if (search->found > 0 && strcmp(search->config, config) == 0)
        return 0;
    search->found++;
    snprintf(search->name, sizeof(search->name), "%s", name);
    memcpy(search->manifest, manifest, IMAGE_DIGEST_SIZE);
    memcpy(search->config, config, IMAGE_DIGEST_SIZE);
    return 0;
}

static int search_run(struct image_store *store, struct search *search, const char *what,
                      struct image **ret, struct err *err)
{
    int r = image_name_visit(store, search_name, search, err);

    if (r < 0)
        return r;
    if (search->found > 1)
        return err_set(err, ENOTUNIQ,
                       "the id %.80s is the beginning of %u images'; write more of it", what,
                       search->found);
    if (search->found == 0)
        return -ENOENT;
    return image_load(store, NULL, search->manifest, search->config, ret, err);
}

static int find_by_ref(struct image_store *store, const struct image_ref *ref, const char *what,
                       struct image **ret, struct err *err)
{
    char manifest[IMAGE_DIGEST_SIZE], config[IMAGE_DIGEST_SIZE];
    _cleanup_free_ char *name = image_ref_format(ref);
    _cleanup_free_ char *file = name ? image_name_escape(name) : NULL;
    _cleanup_free_ char *path = text_format("%s/%s", ref->domain, ref->path);

    if (!file || !path)
        return err_nomem(err);
    int r = image_name_read(store, file, manifest, config);
    if (r == 0)
        return image_load(store, name, manifest, config, ret, err);
    if (r == -EBADMSG)
        return err_set(err, EBADMSG, "the file %.200s in %.200s/names is damaged", file,
                       store->path);
    if (r != -ENOENT && r != -ENAMETOOLONG)
        return err_set(err, -r, "cannot read the name %.100s: %s", name, err_name(-r));
    if (!ref->digest)
        return -ENOENT;
    struct search search = { .hex = image_digest_hex(ref->digest), .path = path };
    return search_run(store, &search, what, ret, err);
}

static bool is_hex(const char *text, size_t max)
{
    size_t n = strspn(text, "0123456789abcdef");

    return n > 0 && n <= max && text[n] == '\0';
}

int image_find(struct image_store *store, const char *what, struct image **ret, struct err *err)
{
    _cleanup_image_ref_ struct image_ref ref = { 0 };
    const char *hex = text_starts(what, "sha256:") ? what + strlen("sha256:") : what;
    bool id = is_hex(hex, 64);
    bool digest = id && hex != what;
    struct err wrong = ERR_INIT;
    int r = digest ? -EINVAL : image_ref_parse(what, &ref, &wrong);

    if (r == -ENOMEM || (r < 0 && !id)) {
        if (err)
            *err = wrong;
        return r;
    }
    if (store->dir_fd < 0)
        r = -ENOENT;
    else
        r = r == 0 ? find_by_ref(store, &ref, what, ret, err) : -ENOENT;
    if (r == -ENOENT && id && store->dir_fd >= 0) {
        struct search search = { .hex = hex };
        r = search_run(store, &search, what, ret, err);
    }
    if (r == -ENOENT)
        err_set(err, ENOENT,
                "there is no image \"%.150s\"; ration images lists those that are here", what);
    return r;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

struct visit {
    struct image_store *store;
    image_visit_fn fn;
    void *data;
    char **seen; /* configurations, or manifests */
    bool manifests;
};

static bool was_seen(struct visit *visit, const char *digest)
{
    for (char **at = visit->seen; at && *at; at++) {
        if (strcmp(*at, digest) == 0)
            return true;
    }
    return false;
}

static int visit_name(void *data, const char *name, const char *manifest, const char *config)
{
    struct visit *visit = data;
    _cleanup_image_ struct image *image = NULL;
    struct err damage = ERR_INIT;

    if (!*manifest) {
        err_set(&damage, EBADMSG, "the name %.150s is damaged", name);
        return visit->fn(visit->data, NULL, &damage);
    }
    const char *once = visit->manifests ? manifest : config;
    if (was_seen(visit, once))
        return 0;
    if (strv_push(&visit->seen, once) < 0)
        return -ENOMEM;
    int r = image_load(visit->store, name, manifest, config, &image, &damage);
    if (r == 0)
        r = image_measure(visit->store, image, &damage);
    if (r == -ENOMEM)
        return r;
    return visit->fn(visit->data, r < 0 ? NULL : image, r < 0 ? &damage : NULL);
}

static int visit_all(struct visit *visit, struct err *err)
{
    int r = image_name_visit(visit->store, visit_name, visit, err);

    strv_free(visit->seen);
    if (r == -ENOMEM)
        err_nomem(err);
    return r;
}

int image_visit(struct image_store *store, image_visit_fn fn, void *data, struct err *err)
{
    struct visit visit = { .store = store, .fn = fn, .data = data };

    return visit_all(&visit, err);
}

int image_visit_manifests(struct image_store *store, image_visit_fn fn, void *data, struct err *err)
{
    struct visit visit = { .store = store, .fn = fn, .data = data, .manifests = true };

    return visit_all(&visit, err);
}
