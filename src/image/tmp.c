/*
 * What is being made. Each thing lies in tmp, locked with flock(2) for as long as its maker lives; one that
 * can be locked has none any more, and whoever opens the store next removes it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image/image_private.h"

#define TRIES        100
#define PARTIAL_DAYS 7

bool image_tmp_is(struct image_store *store, int fd, const char *name)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 &&
           fstatat(store->tmp_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int make_once(struct image_store *store, bool directory, struct image_tmp *ret)
{
    uint8_t bytes[8];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return errno ? -errno : -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret->name + 2 * i, 3, "%02x", bytes[i]);
    if (directory && mkdirat(store->tmp_fd, ret->name, 0700) < 0)
        return -errno;
    ret->fd = openat(store->tmp_fd, ret->name,
                     directory ? O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
                               : O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     0600);
    if (ret->fd < 0)
        return -errno;
    /* Between its making and this, somebody may have taken it for a leftover. */
    if (flock(ret->fd, LOCK_EX | LOCK_NB) == 0 && image_tmp_is(store, ret->fd, ret->name))
        return 0;
    ret->fd = fd_close(ret->fd);
    return -EEXIST;
}

int image_tmp_make(struct image_store *store, bool directory, struct image_tmp *ret,
                   struct err *err)
{
    int r = -EEXIST;

    for (unsigned i = 0; i < TRIES && (r == -EEXIST || r == -ENOENT); i++)
        r = make_once(store, directory, ret);
    if (r < 0)
        return err_set(err, -r, "nothing can be made in %.200s/tmp: %s", store->path, err_name(-r));
    return 0;
}

void image_tmp_done(struct image_store *store, struct image_tmp *tmp)
{
    if (tmp->fd >= 0 && tmp->name[0])
        tree_remove(store->tmp_fd, tmp->name);
    tmp->fd = fd_close(tmp->fd);
    tmp->name[0] = '\0';
}

int image_tmp_take(struct image_store *store, const char *name, struct image_tmp *ret,
                   struct err *err)
{
    snprintf(ret->name, sizeof(ret->name), "%s", name);
    for (unsigned i = 0; i < TRIES; i++) {
        ret->fd = openat(store->tmp_fd, name,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (ret->fd < 0)
            break;
        if (flock(ret->fd, LOCK_EX | LOCK_NB) < 0) {
            int r = errno == EWOULDBLOCK ? 1 : -errno;
            ret->fd = fd_close(ret->fd);
            if (r > 0)
                return r;
            errno = -r;
            break;
        }
        /* Whoever had it may have finished it, or have given it up, while we waited for the lock. */
        if (image_tmp_is(store, ret->fd, name))
            return 0;
        ret->fd = fd_close(ret->fd);
        errno = EAGAIN;
    }
    return err_set(err, errno, "nothing can be made in %.200s/tmp: %m", store->path);
}

/* Is this a blob that came in part, and not too long ago? The next call goes on from it. */
static bool is_worth_keeping(int fd, const char *name)
{
    struct stat st;

    return text_starts(name, IMAGE_PARTIAL) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           time(NULL) - st.st_mtime < PARTIAL_DAYS * 86400;
}

void image_tmp_reclaim(struct image_store *store, bool all)
{
    int copy = openat(store->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

    if (!dir) {
        fd_close(copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        _cleanup_close_ int fd =
            openat(store->tmp_fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && !all && is_worth_keeping(fd, entry->d_name))
            continue;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            tree_remove(store->tmp_fd, entry->d_name);
    }
    closedir(dir);
}
