/* save: images into an archive that docker, podman and this program load: an OCI image layout and docker's manifest.json. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "imagecli/imagecli.h"
#include "imagecli/output.h"

#define INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

/* Of files made just now: an archive of the same images is the same archive. */
static const struct timespec no_times[2];

/* A layout being made in a directory. */
struct save {
    struct call *call;
    int dir_fd;
    json_t *manifests; /* of index.json */
    json_t *docker;    /* manifest.json */
};

static int write_text(struct save *save, const char *name, const char *text, struct err *err)
{
    _cleanup_close_ int fd =
        openat(save->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

    return r < 0 ? err_set(err, -r, "cannot write %s: %s", name, err_name(-r)) : 0;
}

static int write_json(struct save *save, const char *name, const json_t *json, struct err *err)
{
    char *text = json_dumps(json, JSON_COMPACT);
    int r = text ? write_text(save, name, text, err) : err_nomem(err);

    free(text);
    return r;
}

static int copy_blob(struct save *save, const char *digest, struct err *err)
{
    char path[IMAGE_DIGEST_SIZE + 16];
    uint64_t size;
    _cleanup_close_ int from = image_blob_open(save->call->store, digest, &size, err);

    if (from < 0)
        return from;
    snprintf(path, sizeof(path), "blobs/sha256/%s", image_digest_hex(digest));
    _cleanup_close_ int to =
        openat(save->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (to < 0 && errno == EEXIST)
        return 0;
    for (uint64_t at = 0; to >= 0 && at < size;) {
        ssize_t n = sendfile(to, from, NULL, size - at);
        if (n <= 0)
            return err_set(err, n < 0 ? errno : EIO, "cannot write the blob %s: %s", digest,
                           err_name(n < 0 ? errno : EIO));
        at += (uint64_t)n;
    }
    if (to < 0 || futimens(to, no_times) < 0)
        return err_set(err, errno, "cannot write the blob %s: %m", digest);
    return 0;
}

/* ---- an image ------------------------------------------------------------------------------------------ */

static json_t *blob_path(const char *digest)
{
    return json_sprintf("blobs/sha256/%s", image_digest_hex(digest));
}

static int describe(struct save *save, const struct image *image, const char *name, struct err *err)
{
    _cleanup_free_ char *shown = name ? image_name_show(name) : NULL;
    json_t *layers = json_array(), *tags = json_array();
    const char *tag = name ? strrchr(name, ':') + 1 : NULL;

    if (name && !shown)
        return err_nomem(err);
    for (size_t i = 0; i < image->n_layers; i++)
        json_array_append_new(layers, blob_path(image->layers[i].digest));
    if (shown && !strchr(shown, '@'))
        json_array_append_new(tags, json_string(shown));
    json_array_append_new(save->docker, json_pack("{s:o,s:o,s:o}", "Config", blob_path(image->id),
                                                  "RepoTags", tags, "Layers", layers));
    json_t *entry = json_pack("{s:s,s:s,s:I}", "mediaType", MANIFEST_TYPE, "digest",
                              image->manifest, "size", (json_int_t)strlen(image->manifest_text));
    json_t *document = json_loads(image->manifest_text, 0, NULL);
    const char *type = json_string_value(json_object_get(document, "mediaType"));
    if (type)
        json_object_set_new(entry, "mediaType", json_string(type));
    json_decref(document);
    if (name)
        json_object_set_new(entry, "annotations",
                            json_pack("{s:s,s:s}", "io.containerd.image.name", name,
                                      "org.opencontainers.image.ref.name", tag));
    json_array_append_new(save->manifests, entry);
    return 0;
}

static int save_image(struct save *save, const char *what, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    int r = image_find(save->call->store, what, &image, err);

    if (r == 0)
        r = copy_blob(save, image->manifest, err);
    if (r == 0)
        r = copy_blob(save, image->id, err);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++)
        r = copy_blob(save, image->layers[i].digest, err);
    return r < 0 ? r : describe(save, image, image->name, err);
}

static int save_all(struct save *save, bool docker, struct err *err)
{
    int r = 0;

    if (mkdirat(save->dir_fd, "blobs", 0755) < 0 || mkdirat(save->dir_fd, "blobs/sha256", 0755) < 0)
        return err_set(err, errno, "cannot make the directory of blobs: %m");
    for (char *const *at = save->call->operands; r == 0 && *at; at++)
        r = save_image(save, *at, err);
    if (r < 0)
        return r;
    json_t *index = json_pack("{s:i,s:s,s:O}", "schemaVersion", 2, "mediaType", INDEX_TYPE,
                              "manifests", save->manifests);
    r = write_json(save, "index.json", index, err);
    json_decref(index);
    if (r == 0)
        r = write_text(save, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", err);
    return r == 0 && docker ? write_json(save, "manifest.json", save->docker, err) : r;
}

/* ---- where to --------------------------------------------------------------------------------------------- */

static void settle(int dir_fd)
{
    static const char *const name_table[] = { "blobs/sha256", "blobs",         "index.json",
                                              "oci-layout",   "manifest.json", "." };

    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++)
        utimensat(dir_fd, name_table[i], no_times, 0);
}

static int save_archive(struct save *save, bool docker, struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    _cleanup_close_ int out = -1;
    struct layer_packed packed;
    int r = output_open(save->call, &out, err);

    if (r == 0)
        r = image_layer_start(save->call->store, NULL, &work, err);
    if (r < 0)
        return r;
    save->dir_fd = image_work_tree(work);
    r = save_all(save, docker, err);
    if (r < 0)
        return r;
    settle(save->dir_fd);
    struct layer_pack pack = {
        .tree_fd = save->dir_fd,
        .form = LAYER_OVERLAY,
        .write = write_to_fd,
        .write_data = &out,
    };
    return layer_pack(&pack, &packed, err);
}

static int save_directory(struct save *save, struct err *err)
{
    const char *path = call_option(save->call, "output");

    if (!path)
        return err_usage(err, "--format oci-dir needs --output DIR");
    if (mkdir(path, 0755) < 0)
        return err_set(err, errno, "cannot make the directory %.200s: %m", path);
    save->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (save->dir_fd < 0)
        return err_set(err, errno, "cannot open %.200s: %m", path);
    int r = save_all(save, false, err);
    if (r == 0 && syncfs(save->dir_fd) < 0)
        r = err_set(err, errno, "cannot flush %.200s: %m", path);
    close(save->dir_fd);
    return r;
}

int command_save(struct call *call, struct err *err)
{
    const char *format = call_option(call, "format");
    bool directory = format && strcmp(format, "oci-dir") == 0;
    bool oci = format && strcmp(format, "oci-archive") == 0;
    struct save save = { .call = call, .dir_fd = -1 };
    int r = call_need(call, 1, 10000, "an IMAGE", err);

    if (r == 0 && format && !directory && !oci && strcmp(format, "docker-archive") != 0)
        r = err_usage(err, "--format takes docker-archive, oci-archive or oci-dir, not \"%.60s\"",
                      format);
    if (r == 0)
        r = call_open(call, true, err);
    if (r < 0)
        return r;
    save.manifests = json_array();
    save.docker = json_array();
    r = directory ? save_directory(&save, err) : save_archive(&save, !oci, err);
    json_decref(save.manifests);
    json_decref(save.docker);
    return r;
}
