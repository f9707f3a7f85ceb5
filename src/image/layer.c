/* Layers unpacked: each once, by whoever comes first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image_private.h"

struct image_work {
    struct image_store *store;
    struct image_tmp tmp; /* "layer-HEX", the directory that becomes the layer */
    int tree_fd;
};

bool image_layer_has(struct image_store *store, const char *diff_id)
{
    char path[80];
    struct stat st;

    if (store->dir_fd < 0 || !image_digest_is(diff_id))
        return false;
    snprintf(path, sizeof(path), "%s/tree", image_digest_hex(diff_id));
    return fstatat(store->layers_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The directory in tmp with its lock. Positive: the layer is there. Whoever unpacks the same has the lock until the
 * directory is a layer or gone; what it is then no longer has the name, and the turn is ours.
 */
static int work_take(struct image_work *work, const char *diff_id)
{
    struct image_store *store = work->store;

    for (;;) {
        if (image_layer_has(store, diff_id))
            return 1;
        if (mkdirat(store->tmp_fd, work->tmp.name, 0700) < 0 && errno != EEXIST)
            return -errno;
        int fd =
            openat(store->tmp_fd, work->tmp.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return -errno;
        int r = flock(fd, LOCK_EX);
        if (r == 0 && image_tmp_is(store, fd, work->tmp.name)) {
            work->tmp.fd = fd;
            /* Between the question and the lock it may have become one; then this is a new directory. */
            return image_layer_has(store, diff_id);
        }
        r = -errno;
        fd_close(fd);
        if (r == -EIO || r == -ENOLCK)
            return r;
    }
}

static int work_prepare(struct image_work *work)
{
    /* What a killed call unpacked is not worth more than its time. */
    int r = tree_remove(work->tmp.fd, "tree");

    if (r < 0 && r != -ENOENT)
        return r;
    if (mkdirat(work->tmp.fd, "tree", 0755) < 0)
        return -errno;
    work->tree_fd = openat(work->tmp.fd, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return work->tree_fd < 0 ? -errno : 0;
}

int image_layer_start(struct image_store *store, const char *diff_id, struct image_work **ret,
                      struct err *err)
{
    _cleanup_image_work_ struct image_work *work = calloc(1, sizeof(*work));

    *ret = NULL;
    if (!work)
        return err_nomem(err);
    *work = (struct image_work){ .store = store, .tmp = { .fd = -1 }, .tree_fd = -1 };
    int r;
    if (diff_id) {
        snprintf(work->tmp.name, sizeof(work->tmp.name), "layer-%s", image_digest_hex(diff_id));
        r = work_take(work, diff_id);
    } else {
        r = image_tmp_make(store, true, &work->tmp, err);
    }
    if (r == 0)
        r = work_prepare(work);
    if (r < 0)
        return err_set(err, -r, "cannot make a place for the layer %s in %.200s/tmp: %s",
                       diff_id ? diff_id : "that comes", store->path, err_name(-r));
    if (r == 0)
        *ret = TAKE_PTR(work);
    return r;
}

int image_work_tree(const struct image_work *work)
{
    return work->tree_fd;
}

int image_layer_finish(struct image_work *work, const char *diff_id, const char *sum,
                       struct err *err)
{
    const char *hex = image_digest_hex(diff_id);
    struct image_store *store = work->store;
    _cleanup_close_ int fd =
        openat(work->tmp.fd, "sum", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : fd_write_all(fd, sum, strlen(sum));

    if (r == 0 && fchmod(work->tmp.fd, 0711) < 0)
        r = -errno;
    /* Thousands of files: one flush of all is faster than one of each. */
    if (r == 0 && syncfs(work->tmp.fd) < 0)
        r = -errno;
    if (r == 0 && renameat(store->tmp_fd, work->tmp.name, store->layers_fd, hex) < 0)
        r = -errno;
    /* Two calls have found out at once that theirs is the same: one is enough. */
    if ((r == -EEXIST || r == -ENOTEMPTY) && image_layer_has(store, diff_id))
        return 0;
    if (r < 0)
        return err_set(err, -r, "cannot put the layer %s into %.200s: %s", hex, store->path,
                       err_name(-r));
    work->tmp.fd = fd_close(work->tmp.fd);
    if (fsync(store->layers_fd) < 0)
        return err_set(err, errno, "cannot flush %.200s/layers: %m", store->path);
    return 0;
}

void image_work_free(struct image_work *work)
{
    if (!work)
        return;
    fd_close(work->tree_fd);
    image_tmp_done(work->store, &work->tmp);
    free(work);
}

void image_work_freep(struct image_work **work)
{
    image_work_free(*work);
}

int image_layer_sum(struct image_store *store, const char *diff_id, struct buf *ret)
{
    char path[80];

    if (store->dir_fd < 0)
        return -ENOENT;
    snprintf(path, sizeof(path), "%s/sum", image_digest_hex(diff_id));
    return file_read_regular(store->layers_fd, path, 65536, ret);
}
