/* import: a root file system as an image of one layer. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/build.h"
#include "imagecli/import.h"

#define BUFFER (1u << 20)

int blob_from_fd(struct call *call, int fd, const char *what, char ret_digest[IMAGE_DIGEST_SIZE],
                 uint64_t *ret_size_bytes, struct err *err)
{
    _cleanup_image_blob_ struct image_blob *blob = NULL;
    _cleanup_free_ char *buffer = malloc(BUFFER);
    int r = buffer ? image_blob_start(call->store, &image_sha256, &blob, err) : err_nomem(err);
    ssize_t n = 1;

    while (r == 0 && n > 0) {
        n = read(fd, buffer, BUFFER);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            r = err_set(err, errno, "cannot read %.200s: %m", what);
        else if (n > 0)
            r = image_blob_add(blob, buffer, (size_t)n, err);
    }
    if (r < 0)
        return r;
    *ret_size_bytes = image_blob_written(blob);
    return image_blob_finish(blob, NULL, UINT64_MAX, ret_digest, err);
}

/* What a layer's media type may say. false: something that has to be packed anew. */
static bool kept_as_it_is(struct call *call, const char *digest, const char **ret_type)
{
    uint8_t head[4] = { 0 };
    _cleanup_close_ int fd = image_blob_open(call->store, digest, NULL, NULL);

    if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head))
        return false;
    if (head[0] == 0x1f && head[1] == 0x8b)
        *ret_type = layer_media_type(LAYER_GZIP);
    else if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        *ret_type = layer_media_type(LAYER_ZSTD);
    else if (memcmp(head, "BZh", 3) == 0 ||
             memcmp(head,
                    "\xfd"
                    "7zX",
                    4) == 0 ||
             memcmp(head, "\x1f\x9d", 2) == 0 || memcmp(head, "LZIP", 4) == 0 ||
             memcmp(head, "\x04\x22\x4d\x18", 4) == 0)
        return false;
    else
        *ret_type = layer_media_type(LAYER_TAR);
    return true;
}

/* Images do not come in that compression: unpacked aside and packed as a layer. */
static int import_anew(struct call *call, const char *digest, const struct layer_ceilings *ceilings,
                       struct built_layer *ret, struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    _cleanup_close_ int fd = image_blob_open(call->store, digest, NULL, err);
    struct layer_unpacked unpacked;
    int r = fd < 0 ? fd : image_layer_start(call->store, NULL, &work, err);

    if (r < 0)
        return r;
    struct layer_unpack how = {
        .tree_fd = image_work_tree(work),
        .form = LAYER_OVERLAY,
        .ceilings = *ceilings,
        .rootless = call->rootless,
        .keep_owner = true,
    };
    r = layer_unpack(fd, &how, &unpacked, err);
    if (r < 0) {
        err_prefix(err, "it cannot be imported");
        return r;
    }
    struct layer_pack pack = { .tree_fd = image_work_tree(work), .form = LAYER_OVERLAY };
    return build_pack(call, &pack, ret, err);
}

static int import_file(struct call *call, int fd, const char *what, struct built_layer *ret,
                       struct err *err)
{
    struct layer_ceilings ceilings;
    int r = call_ceilings(call, &ceilings, err);

    if (r == 0)
        r = blob_from_fd(call, fd, what, ret->digest, &ret->size_bytes, err);
    if (r < 0)
        return r;
    if (!kept_as_it_is(call, ret->digest, &ret->media_type)) {
        char came[IMAGE_DIGEST_SIZE];
        memcpy(came, ret->digest, sizeof(came));
        return import_anew(call, came, &ceilings, ret, err);
    }
    return layer_add(call, ret->digest, &ceilings, ret->diff_id, err);
}

static int import_source(struct call *call, const char *source, struct built_layer *ret,
                         struct err *err)
{
    struct stat st;

    if (strcmp(source, "-") == 0)
        return import_file(call, STDIN_FILENO, "standard input", ret, err);
    _cleanup_close_ int fd = open(source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "cannot open %.200s: %m", source);
    if (S_ISDIR(st.st_mode)) {
        struct layer_pack pack = { .tree_fd = fd, .form = LAYER_OVERLAY, .one_file_system = true };
        return build_pack(call, &pack, ret, err);
    }
    if (!S_ISREG(st.st_mode))
        return err_usage(err, "%.200s is neither a file nor a directory; use - for a pipe", source);
    return import_file(call, fd, source, ret, err);
}

static int print_id(const char *id, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    buf_printf(&text, "%s\n", id);
    return call_print(&text, err);
}

static int import_and_build(struct call *call, const char *source, const char *name,
                            char *const *changes, struct err *err)
{
    struct built_layer layer = { 0 };
    struct build build = {
        .comment = call_option(call, "message"),
        .created_by = "ration import",
        .changes = changes,
    };
    char id[IMAGE_DIGEST_SIZE];
    int r;

    if (source) {
        r = import_source(call, source, &layer, err);
    } else {
        r = import_busybox(call, &layer, err);
        build.config =
            json_pack("{s:[s],s:[s]}", "Cmd", "sh", "Env",
                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        build.created_by = "ration import --host-busybox";
    }
    if (r < 0) {
        json_decref(build.config);
        return r;
    }
    r = build_image(call, &build, &layer, name, id, err);
    return r < 0 ? r : print_id(id, err);
}

int command_import(struct call *call, struct err *err)
{
    bool busybox = call_flag(call, "host-busybox");
    _cleanup_free_ char *name = NULL;
    char **changes = NULL;
    int r = busybox ? call_need(call, 1, 1, "the NAME of the image", err)
                    : call_need(call, 1, 2, "ROOTFS.tar, DIR or -, and a NAME", err);

    const char *named = r == 0 ? call->operands[busybox ? 0 : 1] : NULL;
    if (r == 0 && named)
        r = build_name(named, &name, err);
    if (r == 0)
        r = build_changes(call, &changes, err);
    if (r == 0)
        r = call_open(call, true, err);
    if (r == 0)
        r = import_and_build(call, busybox ? NULL : call->operands[0], name, changes, err);
    strv_free(changes);
    return r;
}
