/* Where images lie: opening the store and locking it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image_private.h"

#define DATA_DIR_ROOT "/var/lib/ration"

int image_data_dir(const char *asked, char **ret, struct err *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (asked && *asked != '/')
        return err_usage(err, "the data directory \"%.200s\" is not an absolute path", asked);
    if (asked)
        *ret = strdup(asked);
    else if (geteuid() == 0)
        *ret = strdup(DATA_DIR_ROOT);
    else if (data && *data == '/')
        *ret = text_format("%s/ration", data);
    else if (home && *home == '/')
        *ret = text_format("%s/.local/share/ration", home);
    else
        return err_set(err, ENOENT,
                       "there is no place for images: HOME is not set; set it, or RATION_DATA_DIR");
    return *ret ? 0 : err_nomem(err);
}

const char *image_store_path(const struct image_store *store)
{
    return store->path;
}

int image_store_missing(const struct image_store *store, struct err *err)
{
    return err_set(err, ENOENT, "there are no images in %.200s", store->path);
}

/* ---- opening -------------------------------------------------------------------------------------------- */

/* All of path's directories; the last but one is open to be passed through, since a container's user has to. */
static int make_path(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        if (mkdir(copy, 0711) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return -errno;
        *slash = '/';
    }
    return mkdir(copy, 0711) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_part(struct image_store *store, const char *name, mode_t mode, bool make, int *ret)
{
    if (make && mkdirat(store->dir_fd, name, mode) < 0 && errno != EEXIST)
        return -errno;
    *ret = openat(store->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret < 0 ? -errno : 0;
}

static int open_parts(struct image_store *store, bool make, struct err *err)
{
    /* Layers can be passed through, since user 0 of a user namespace is not the one who owns them. */
    const struct {
        const char *name;
        mode_t mode;
        int *ret;
    } part_table[] = {
        { "blobs", 0700, NULL },
        { "blobs/sha256", 0700, &store->blobs_fd },
        { "layers", 0711, &store->layers_fd },
        { "names", 0700, &store->names_fd },
        { "tmp", 0700, &store->tmp_fd },
    };

    for (size_t i = 0; i < ARRAY_SIZE(part_table); i++) {
        int fd = -1;
        int r = open_part(store, part_table[i].name, part_table[i].mode, make, &fd);
        if (r < 0 && !make && r == -ENOENT) {
            /* Somebody is just making it. */
            store->dir_fd = fd_close(store->dir_fd);
            return 0;
        }
        if (r < 0)
            return err_set(err, -r, "cannot open %.200s/%s: %s", store->path, part_table[i].name,
                           err_name(-r));
        if (part_table[i].ret)
            *part_table[i].ret = fd;
        else
            fd_close(fd);
    }
    return 0;
}

static int store_open(struct image_store *store, bool make, struct err *err)
{
    int r = make ? make_path(store->path) : 0;

    if (r < 0)
        return err_set(err, -r, "cannot make the directory %.200s: %s", store->path, err_name(-r));
    store->dir_fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir_fd < 0 && errno == ENOENT && !make)
        return 0;
    if (store->dir_fd < 0)
        return err_set(err, errno, "cannot open the directory %.200s: %m", store->path);
    r = open_parts(store, make, err);
    if (r < 0 || !make)
        return r;
    image_tmp_reclaim(store, false);
    return 0;
}

int image_store_open(const char *data_dir, bool make, struct image_store **ret, struct err *err)
{
    _cleanup_image_store_ struct image_store *store = calloc(1, sizeof(*store));

    if (!store)
        return err_nomem(err);
    store->dir_fd = store->blobs_fd = store->layers_fd = store->names_fd = store->tmp_fd = -1;
    store->lock_fd = -1;
    store->path = text_format("%s/image", data_dir);
    if (!store->path)
        return err_nomem(err);
    int r = store_open(store, make, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(store);
    return 0;
}

void image_store_close(struct image_store *store)
{
    if (!store)
        return;
    const int fds[] = { store->dir_fd,   store->blobs_fd, store->layers_fd,
                        store->names_fd, store->tmp_fd,   store->lock_fd };
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fd_close(fds[i]);
    free(store->path);
    free(store);
}

void image_store_closep(struct image_store **store)
{
    image_store_close(*store);
}

/* ---- the lock ---------------------------------------------------------------------------------------------- */

int image_store_lock(struct image_store *store, enum image_lock lock, struct err *err)
{
    if (store->dir_fd < 0)
        return 0; /* nothing is there that could go */
    if (store->lock_fd < 0)
        store->lock_fd =
            openat(store->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return err_set(err, errno, "cannot open %.200s/lock: %m", store->path);
    while (flock(store->lock_fd, lock == IMAGE_LOCK_DELETE ? LOCK_EX : LOCK_SH) < 0) {
        if (errno != EINTR)
            return err_set(err, errno, "cannot lock %.200s/lock: %m", store->path);
    }
    return 0;
}

void image_store_unlock(struct image_store *store)
{
    if (store->lock_fd >= 0)
        flock(store->lock_fd, LOCK_UN);
}
