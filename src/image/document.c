/* Manifests and indexes, OCI's and docker's: what they name, and which entry is for this machine. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "image/image_private.h"

#define ENTRIES_MAX 10000 /* of an index; more is no index of anything */

/* ---- reading ----------------------------------------------------------------------------------------- */

static void descriptor_done(struct image_descriptor *d)
{
    free(d->media_type);
    free(d->digest);
    free(d->architecture);
    free(d->os);
    free(d->variant);
    free(d->name);
}

void image_document_done(struct image_document *document)
{
    free(document->media_type);
    descriptor_done(&document->config);
    for (size_t i = 0; i < document->n_entries; i++)
        descriptor_done(&document->entries[i]);
    free(document->entries);
    *document = (struct image_document){ 0 };
}

/* The names that tools give to what lies in a layout. */
static int read_annotations(const char *what, const json_t *json, struct image_descriptor *ret,
                            struct err *err)
{
    const json_t *annotations = NULL;
    int r = image_json_object(what, json, "annotations", &annotations, err);

    if (r != 1)
        return r;
    r = image_json_string(what, annotations, "io.containerd.image.name", &ret->name, err);
    if (r != 0)
        return r;
    return image_json_string(what, annotations, "org.opencontainers.image.ref.name", &ret->name,
                             err);
}

static int read_platform(const char *what, const json_t *json, struct image_descriptor *ret,
                         struct err *err)
{
    const json_t *platform = NULL;
    int r = image_json_object(what, json, "platform", &platform, err);

    if (r != 1)
        return r;
    r = image_json_string(what, platform, "architecture", &ret->architecture, err);
    if (r >= 0)
        r = image_json_string(what, platform, "os", &ret->os, err);
    if (r >= 0)
        r = image_json_string(what, platform, "variant", &ret->variant, err);
    return r;
}

static int read_descriptor(const char *what, const json_t *json, struct image_descriptor *ret,
                           struct err *err)
{
    if (!json_is_object(json))
        return err_set(err, EBADMSG, "%s names something that is no object", what);
    int r = image_json_string(what, json, "mediaType", &ret->media_type, err);
    if (r >= 0)
        r = image_json_string(what, json, "digest", &ret->digest, err);
    if (r < 0)
        return r;
    if (!image_digest_is(ret->digest))
        return err_set(err, EBADMSG, "%s has \"%.100s\" where a sha256 digest has to stand", what,
                       text_or_empty(ret->digest));
    r = image_json_u64(what, json, "size", &ret->size_bytes, err);
    if (r == 0)
        return err_set(err, EBADMSG, "%s does not say how large %.80s is", what, ret->digest);
    if (r >= 0)
        r = read_platform(what, json, ret, err);
    return r < 0 ? r : read_annotations(what, json, ret, err);
}

static int read_entries(const char *what, const json_t *array, size_t max,
                        struct image_document *ret, struct err *err)
{
    size_t n = json_array_size(array);

    if (n > max)
        return err_set(err, EBADMSG, "%s has %zu %s, at most %zu are possible", what, n,
                       ret->index ? "entries" : "layers", max);
    ret->entries = calloc(n ? n : 1, sizeof(*ret->entries));
    if (!ret->entries)
        return err_nomem(err);
    for (; ret->n_entries < n; ret->n_entries++) {
        int r = read_descriptor(what, json_array_get(array, ret->n_entries),
                                &ret->entries[ret->n_entries], err);
        if (r < 0) {
            descriptor_done(&ret->entries[ret->n_entries]);
            return r;
        }
    }
    return 0;
}

static int read_document(const json_t *json, struct image_document *ret, struct err *err)
{
    const char *what = "the image's manifest";
    const json_t *entries = NULL, *config = NULL;
    uint64_t version = 0;
    int r = image_json_u64(what, json, "schemaVersion", &version, err);

    if (r >= 0 && version != 2)
        return err_set(err, EBADMSG, "%s is of schema version %llu; only 2 can be read", what,
                       (unsigned long long)version);
    if (r >= 0)
        r = image_json_string(what, json, "mediaType", &ret->media_type, err);
    if (r >= 0)
        r = image_json_array(what, json, "manifests", &entries, err);
    if (r < 0)
        return r;
    ret->index = r == 1;
    if (ret->index)
        return json_object_get(json, "layers")
                   ? err_set(err, EBADMSG, "%s is an index and an image at once", what)
                   : read_entries("the image index", entries, ENTRIES_MAX, ret, err);
    r = image_json_object(what, json, "config", &config, err);
    if (r == 1)
        r = image_json_array(what, json, "layers", &entries, err);
    if (r == 0)
        return err_set(err, EBADMSG, "%s has no configuration or no layers", what);
    if (r > 0)
        r = read_descriptor(what, config, &ret->config, err);
    return r < 0 ? r : read_entries(what, entries, IMAGE_LAYERS_MAX, ret, err);
}

int image_document_parse(const char *text, size_t len, struct image_document *ret, struct err *err)
{
    _cleanup_json_ json_t *json = NULL;

    *ret = (struct image_document){ 0 };
    int r = image_json_load("the image's manifest", text, len, &json, err);
    if (r >= 0)
        r = read_document(json, ret, err);
    if (r < 0)
        image_document_done(ret);
    return r < 0 ? r : 0;
}

/* ---- choosing ------------------------------------------------------------------------------------------- */

const char *image_architecture(void)
{
    static const struct {
        const char *machine, *architecture;
    } table[] = {
        { "x86_64", "amd64" },
        { "aarch64", "arm64" },
        { "armv7l", "arm" },
        { "armv6l", "arm" },
        { "i686", "386" },
        { "i586", "386" },
        { "ppc64le", "ppc64le" },
        { "s390x", "s390x" },
        { "riscv64", "riscv64" },
        { "mips64", "mips64le" },
        { "loongarch64", "loong64" },
    };
    static struct utsname name;

    if (uname(&name) < 0)
        return "unknown";
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(name.machine, table[i].machine) == 0)
            return table[i].architecture;
    }
    return name.machine;
}

static bool same(const char *asked, const char *has)
{
    return !asked || (has && strcmp(asked, has) == 0);
}

static void list_platforms(const struct image_document *index, struct buf *ret)
{
    for (size_t i = 0; i < index->n_entries && i < 12; i++) {
        const struct image_descriptor *d = &index->entries[i];
        if (d->architecture)
            buf_printf(ret, "%s%.20s/%.20s%s%.20s", ret->len ? ", " : "", d->os ? d->os : "unknown",
                       d->architecture, d->variant ? "/" : "", text_or_empty(d->variant));
    }
    if (index->n_entries > 12)
        buf_puts(ret, " ...");
}

int image_document_choose(const struct image_document *index, const char *platform,
                          size_t *ret_index, struct err *err)
{
    _cleanup_buf_ struct buf there = BUF_INIT;
    char words[100];
    char *rest = NULL;

    if (platform && strlen(platform) >= sizeof(words))
        return err_usage(err, "\"%.60s...\" is no platform; write OS/ARCHITECTURE", platform);
    snprintf(words, sizeof(words), "%s", platform ? platform : "linux");
    const char *os = strtok_r(words, "/", &rest);
    const char *architecture = strtok_r(NULL, "/", &rest);
    const char *variant = strtok_r(NULL, "/", &rest);
    if (!architecture)
        architecture = image_architecture();
    for (size_t i = 0; i < index->n_entries; i++) {
        const struct image_descriptor *d = &index->entries[i];
        if (same(os, d->os) && same(architecture, d->architecture) && same(variant, d->variant)) {
            *ret_index = i;
            return 0;
        }
    }
    /* A single one that does not say for what it is. */
    if (index->n_entries == 1 && !index->entries[0].architecture) {
        *ret_index = 0;
        return 0;
    }
    list_platforms(index, &there);
    return err_set(err, ENOENT, "there is no image for %s/%s%s%s in it%s%.200s", text_or_empty(os),
                   architecture, variant ? "/" : "", text_or_empty(variant),
                   there.len ? ", but for " : "", buf_text(&there));
}
