/*
 * A new volume gets what the root holds where it is mounted. Beside its content stands the file "copied": empty while
 * that is going on, and locked; "done" afterwards. What was cut off is begun anew by whoever comes next.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"

#define DONE "done"

/* 1: nothing is in it but "." and "..". */
static int is_empty(int dir_fd)
{
    _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char listing[256]; /* of two short names, not of three entries that are as long as can be */
    long n, all = 0;

    if (fd < 0)
        return -errno;
    while ((n = syscall(SYS_getdents64, fd, listing, sizeof(listing))) > 0)
        all += n;
    if (n < 0)
        return errno == EINVAL ? 0 : -errno;
    return all <= 48;
}

/* Locked, or -EAGAIN when somebody has finished meanwhile. */
static int copied_open(int volume_fd)
{
    _cleanup_close_ int fd =
        openat(volume_fd, "copied", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return TAKE_FD(fd);
}

/* The part of a killed run's copy. */
static int partial_remove(int volume_fd)
{
    int r = tree_remove(volume_fd, "data");

    if (r < 0 && r != -ENOENT)
        return r;
    return mkdirat(volume_fd, "data", 0755) < 0 ? -errno : 0;
}

/* The fd of "copied" when there is something to do, locked; -1: nothing is. */
static int volume_look(int volume_fd, int *ret)
{
    _cleanup_close_ int data_fd = openat(volume_fd, "data", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int copied_fd = -1;
    char text[8] = "";
    struct stat st;
    int empty = data_fd < 0 ? -errno : is_empty(data_fd);

    if (empty < 0)
        return empty;
    bool begun = fstatat(volume_fd, "copied", &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!empty && (!begun || st.st_size > 0))
        return 0;
    copied_fd = copied_open(volume_fd);
    if (copied_fd < 0)
        return copied_fd;
    /* Whoever had the lock before us may have done it. */
    if (begun && pread(copied_fd, text, sizeof(text) - 1, 0) < 0)
        return -errno;
    empty = is_empty(data_fd);
    if (empty < 0 || (!empty && text[0] != '\0'))
        return empty < 0 ? empty : 0;
    int r = empty ? 0 : partial_remove(volume_fd);
    if (r == 0 && ftruncate(copied_fd, 0) < 0)
        r = -errno;
    if (r == 0)
        *ret = TAKE_FD(copied_fd);
    return r;
}

static int volume_prepare(const struct spec_mount *mount, int *ret, struct err *err)
{
    const char *slash = strrchr(mount->source, '/');
    char path[PATH_MAX];

    if (!slash || (size_t)(slash - mount->source) >= sizeof(path))
        return err_set(err, EINVAL, "the volume %s has no place", mount->volume);
    memcpy(path, mount->source, (size_t)(slash - mount->source));
    path[slash - mount->source] = '\0';
    _cleanup_close_ int volume_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = volume_fd < 0 ? -errno : volume_look(volume_fd, ret);
    return r < 0 ? err_set(err, -r, "cannot open the volume %s: %s", mount->volume, err_name(-r))
                 : 0;
}

int volumes_prepare(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    for (size_t i = 0; i < spec->n_mounts && !launch->entering; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (!mount->volume || !mount->copy_up || !mount->source)
            continue;
        if (!launch->copied) {
            launch->copied = fds_new(spec->n_mounts);
            if (!launch->copied)
                return err_nomem(err);
        }
        int r = volume_prepare(mount, &launch->copied[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

void volumes_done(struct launch *launch)
{
    for (size_t i = 0; launch->copied && i < launch->spec->n_mounts; i++)
        fd_close(launch->copied[i]);
    free(launch->copied);
    launch->copied = NULL;
}

int volume_fill(struct launch *launch, size_t index, const struct place *place, int tree_fd,
                struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    int copied_fd = launch->copied ? launch->copied[index] : -1;
    int r;

    if (copied_fd < 0)
        return 0;
    r = place->made ? 0 : copy_up(place, tree_fd, mount, err);
    if (r >= 0 && pwrite(copied_fd, DONE, strlen(DONE), 0) < 0)
        r = err_set(err, errno, "cannot note that the volume %s is filled: %m", mount->volume);
    close(copied_fd);
    launch->copied[index] = -1;
    return r;
}
