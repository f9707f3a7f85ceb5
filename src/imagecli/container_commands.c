/* commit, export: a container's root as an image, and as an archive. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "imagecli/build.h"
#include "imagecli/containers.h"
#include "imagecli/output.h"

/* ---- commit ------------------------------------------------------------------------------------------------ */

static const char *shown_name(const struct container_root *root)
{
    return root->name[0] ? root->name : root->id;
}

static int commit(struct call *call, const struct container_root *root, const char *name,
                  char *const *changes, struct err *err)
{
    _cleanup_image_ struct image *base = NULL;
    struct built_layer layer = { 0 };
    char id[IMAGE_DIGEST_SIZE];

    if (!root->image || !image_digest_is(root->image) || !root->upper)
        return err_refuse(
            err, EINVAL,
            "the container %.64s is not made of an image of the store, or has no writable layer",
            shown_name(root));
    int r = image_find(call->store, root->image, &base, err);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = open(root->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "the writable layer of the container %.64s cannot be opened: %m",
                       shown_name(root));
    struct layer_pack pack = { .tree_fd = fd, .form = LAYER_OVERLAY };
    r = build_pack(call, &pack, &layer, err);
    if (r < 0) {
        err_prefix(err, "the container %.64s cannot be committed", shown_name(root));
        return r;
    }
    struct build build = {
        .base = base,
        .author = call_option(call, "author"),
        .comment = call_option(call, "message"),
        .created_by = "ration commit",
        .changes = changes,
    };
    r = build_image(call, &build, &layer, name, id, err);
    if (r < 0)
        return r;
    _cleanup_buf_ struct buf text = BUF_INIT;
    buf_printf(&text, "%s\n", id);
    return call_print(&text, err);
}

int command_commit(struct call *call, struct err *err)
{
    _cleanup_container_root_ struct container_root root = CONTAINER_ROOT_INIT;
    _cleanup_free_ char *name = NULL;
    char **changes = NULL;
    int r = call_need(call, 1, 2, "a CONTAINER and a NAME", err);

    if (r == 0 && call->operands[1])
        r = build_name(call->operands[1], &name, err);
    if (r == 0)
        r = build_changes(call, &changes, err);
    if (r == 0)
        r = call_open(call, true, err);
    if (r == 0)
        r = container_find(call, call->operands[0], &root, err);
    if (r == 0)
        r = commit(call, &root, name, changes, err);
    strv_free(changes);
    return r;
}

/* ---- export -------------------------------------------------------------------------------------------------- */

int write_to_fd(void *data, const void *bytes, size_t len)
{
    return fd_write_all(*(int *)data, bytes, len);
}

int output_open(const struct call *call, int *ret, struct err *err)
{
    const char *path = call_option(call, "output");

    *ret = path && strcmp(path, "-") != 0
               ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644)
               : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (*ret < 0)
        return err_set(err, errno, "cannot write %.200s: %m", path ? path : "standard output");
    if (isatty(*ret))
        return err_usage(err, "an archive is nothing for a terminal; use -o FILE, or a pipe");
    return 0;
}

int command_export(struct call *call, struct err *err)
{
    _cleanup_container_root_ struct container_root root = CONTAINER_ROOT_INIT;
    _cleanup_close_ int out = -1;
    struct layer_packed packed;
    int r = call_need(call, 1, 1, "one CONTAINER", err);

    if (r == 0)
        r = call_open(call, false, err);
    if (r == 0)
        r = container_find(call, call->operands[0], &root, err);
    _cleanup_close_ int fd = r == 0 ? container_open_root(call, &root, false, err) : -1;
    if (r == 0 && fd < 0)
        r = fd;
    if (r == 0)
        r = output_open(call, &out, err);
    if (r < 0)
        return r;
    struct layer_pack pack = {
        .tree_fd = fd,
        .form = LAYER_PLAIN,
        .one_file_system = true,
        .write = write_to_fd,
        .write_data = &out,
    };
    r = layer_pack(&pack, &packed, err);
    if (r < 0)
        err_prefix(err, "the container %.64s cannot be exported", shown_name(&root));
    return r;
}
