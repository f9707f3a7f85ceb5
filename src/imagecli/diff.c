/* diff: what a container's writable layer says that the layers beneath do not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "imagecli/containers.h"
#include "sys/sys.h"

#define DEPTH_MAX 512
#define BENEATH   (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

struct diff {
    const struct container_root *root;
    int *layer_fds;
    size_t n_layers;
    struct buf path; /* without "/" in front */
    struct buf text;
    struct frame {
        struct dirent **names;
        int n, next, fd;
        size_t path_len;
    } frames[DEPTH_MAX];
    unsigned depth;
};

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* ---- the layers beneath ------------------------------------------------------------------------------------- */

enum found { FOUND_NOT_HERE, FOUND_THERE, FOUND_GONE };

/* Does something of path, or above it, hide what lies deeper? */
static enum found look_at(int layer_fd, const char *path, bool last)
{
    char value[2];
    struct stat st;
    _cleanup_close_ int fd =
        sys_openat2(layer_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, BENEATH);

    if (fd < 0 || fstat(fd, &st) < 0)
        return FOUND_NOT_HERE;
    if (is_whiteout(&st))
        return FOUND_GONE;
    if (last)
        return FOUND_THERE;
    if (!S_ISDIR(st.st_mode))
        return FOUND_GONE;
    _cleanup_close_ int dir =
        sys_openat2(layer_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, BENEATH);
    bool opaque = dir >= 0 && (fgetxattr(dir, "trusted.overlay.opaque", value, 2) > 0 ||
                               fgetxattr(dir, "user.overlay.opaque", value, 2) > 0);
    return opaque ? FOUND_GONE : FOUND_NOT_HERE;
}

static enum found find_in_layer(int layer_fd, const char *path)
{
    _cleanup_free_ char *copy = strdup(path);
    enum found hidden = FOUND_NOT_HERE;

    if (!copy)
        return FOUND_GONE;
    enum found found = look_at(layer_fd, path, true);
    for (char *slash = copy;
         found == FOUND_NOT_HERE && hidden != FOUND_GONE && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        hidden = look_at(layer_fd, copy, false);
        *slash = '/';
    }
    return found == FOUND_NOT_HERE ? hidden : found;
}

static bool is_beneath(const struct diff *diff, const char *path)
{
    for (size_t i = 0; i < diff->n_layers; i++) {
        enum found found = find_in_layer(diff->layer_fds[i], path);
        if (found != FOUND_NOT_HERE)
            return found == FOUND_THERE;
    }
    return false;
}

/* ---- the walk ------------------------------------------------------------------------------------------------- */

static int skip_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int descend(struct diff *diff, int dir_fd, const char *name)
{
    if (diff->depth == DEPTH_MAX)
        return -E2BIG;
    struct frame *frame = &diff->frames[diff->depth];
    *frame = (struct frame){ .path_len = diff->path.len };
    frame->fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (frame->fd < 0)
        return -errno;
    frame->n = scandirat(frame->fd, ".", &frame->names, skip_dots, compare_bytes);
    if (frame->n < 0) {
        int r = -errno;
        fd_close(frame->fd);
        return r;
    }
    diff->depth++;
    return 0;
}

static void ascend(struct diff *diff)
{
    struct frame *frame = &diff->frames[--diff->depth];

    for (int i = 0; i < frame->n; i++)
        free(frame->names[i]);
    free(frame->names);
    fd_close(frame->fd);
}

/* A name may hold anything; a line is a line. */
static void tell(struct diff *diff, char what)
{
    buf_printf(&diff->text, "%c /", what);
    for (const char *at = buf_text(&diff->path); *at; at++)
        buf_putc(&diff->text, (unsigned char)*at < 0x20 ? '?' : *at);
    buf_putc(&diff->text, '\n');
}

/* An empty file that a run has made to mount its own over it is nothing that the container did. */
static bool is_placeholder(const struct diff *diff, const struct stat *st)
{
    static const char *const path_table[] = { "etc/hosts", "etc/hostname", "etc/resolv.conf" };

    for (size_t i = 0; S_ISREG(st->st_mode) && st->st_size == 0 && i < ARRAY_SIZE(path_table);
         i++) {
        if (strcmp(buf_text(&diff->path), path_table[i]) == 0)
            return true;
    }
    return false;
}

static int next_entry(struct diff *diff)
{
    struct frame *frame = &diff->frames[diff->depth - 1];
    struct stat st;

    diff->path.len = frame->path_len;
    if (diff->path.data)
        diff->path.data[diff->path.len] = '\0';
    if (frame->next == frame->n) {
        ascend(diff);
        return 0;
    }
    const char *name = frame->names[frame->next++]->d_name;
    buf_printf(&diff->path, "%s%s", diff->path.len ? "/" : "", name);
    if (buf_error(&diff->path) < 0)
        return -ENOMEM;
    if (fstatat(frame->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (is_placeholder(diff, &st))
        return 0;
    if (is_whiteout(&st))
        tell(diff, 'D');
    else
        tell(diff, is_beneath(diff, buf_text(&diff->path)) ? 'C' : 'A');
    return S_ISDIR(st.st_mode) ? descend(diff, frame->fd, name) : 0;
}

static int run_diff(struct diff *diff, struct err *err)
{
    const struct container_root *root = diff->root;
    size_t n = root->layers ? strv_length(root->layers) : 0;

    diff->layer_fds = calloc(n ? n : 1, sizeof(*diff->layer_fds));
    if (!diff->layer_fds)
        return err_nomem(err);
    for (; diff->n_layers < n; diff->n_layers++) {
        const char *path = root->layers[diff->n_layers];
        int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return err_set(err, errno, "the layer %.200s cannot be opened: %m", path);
        diff->layer_fds[diff->n_layers] = fd;
    }
    int r = descend(diff, AT_FDCWD, root->upper);
    while (r == 0 && diff->depth > 0)
        r = next_entry(diff);
    while (diff->depth > 0)
        ascend(diff);
    if (r < 0)
        return err_set(err, -r, "\"/%.200s\" in the writable layer cannot be read: %s",
                       buf_text(&diff->path), err_name(-r));
    return call_print(&diff->text, err);
}

int command_diff(struct call *call, struct err *err)
{
    _cleanup_container_root_ struct container_root root = CONTAINER_ROOT_INIT;
    struct diff *diff = calloc(1, sizeof(*diff));
    int r = diff ? call_need(call, 1, 1, "one CONTAINER", err) : err_nomem(err);

    if (r == 0)
        r = container_find(call, call->operands[0], &root, err);
    if (r == 0 && !root.upper)
        r = err_refuse(err, EINVAL, "the container %.80s has no writable layer", call->operands[0]);
    if (r == 0) {
        diff->root = &root;
        r = run_diff(diff, err);
        for (size_t i = 0; i < diff->n_layers; i++)
            close(diff->layer_fds[i]);
        free(diff->layer_fds);
        buf_done(&diff->path);
        buf_done(&diff->text);
    }
    free(diff);
    return r;
}
