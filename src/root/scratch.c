/* Directories of runs that are no containers: made, and removed whoever was killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/root.h"
#include "root/root_private.h"
#include "spawn/spawn.h"
#include "volume/volume.h"

#define PREFIX ".run-"

struct root_scratch {
    struct volume_place place;
    char *data_dir, *directory;
    const char *name;  /* in directory */
    int containers_fd; /* DATA/containers */
    int lock_fd;
};

static void scratch_free(struct root_scratch *scratch)
{
    if (!scratch)
        return;
    fd_close(scratch->lock_fd);
    fd_close(scratch->containers_fd);
    free(scratch->directory);
    free(scratch->data_dir);
    free(scratch);
}

static void scratch_freep(struct root_scratch **scratch)
{
    scratch_free(*scratch);
}

const char *root_scratch_directory(const struct root_scratch *scratch)
{
    return scratch->directory;
}

const char *root_scratch_name(const struct root_scratch *scratch)
{
    return scratch->name;
}

/* ---- what killed runs left ---------------------------------------------------------------------------------- */

/*
 * Nobody holds its lock, so its run is dead. One without a lock may be just being made: its maker locks it before
 * anything else is in it, and finds out when it was taken away from him (see scratch_lock()).
 */
static void reclaim_one(const struct root_scratch *scratch, const char *name)
{
    _cleanup_close_ int fd =
        openat(scratch->containers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    if (volume_forget(&scratch->place, name, true, NULL) == 0)
        spawn_remove_tree(scratch->place.world, scratch->containers_fd, name);
}

static void reclaim(const struct root_scratch *scratch)
{
    int fd = openat(scratch->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (fd >= 0 && !dir)
        close(fd);
    while (dir && (entry = readdir(dir))) {
        if (text_starts(entry->d_name, PREFIX))
            reclaim_one(scratch, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

/* ---- making --------------------------------------------------------------------------------------------------- */

int root_random_name(void *data, char ret[static 65])
{
    unsigned char bytes[32];

    (void)data;
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int containers_open(const char *data_dir)
{
    _cleanup_free_ char *path = text_format("%s/containers", data_dir);

    if (!path)
        return -ENOMEM;
    int r = directory_make_all(path, 0711);
    if (r < 0)
        return r;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Locked, and still in its place: somebody may have taken it for a dead one's before. */
static int scratch_lock(struct root_scratch *scratch)
{
    struct stat ours, there;

    scratch->lock_fd = openat(scratch->containers_fd, scratch->name,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (scratch->lock_fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    if (flock(scratch->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (fstat(scratch->lock_fd, &ours) < 0)
        return -errno;
    if (fstatat(scratch->containers_fd, scratch->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    return ours.st_ino == there.st_ino ? 0 : -EAGAIN;
}

/* DATA and DATA/containers are passed through by users of the run's namespaces; nothing there can be listed. */
static int scratch_make(struct root_scratch *scratch)
{
    char random[65];
    int r = root_random_name(NULL, random);

    if (r < 0)
        return r;
    random[12] = '\0';
    free(scratch->directory);
    scratch->directory = text_format("%s/containers/" PREFIX "%s", scratch->data_dir, random);
    if (!scratch->directory)
        return -ENOMEM;
    scratch->name = strrchr(scratch->directory, '/') + 1;
    if (mkdirat(scratch->containers_fd, scratch->name, 0711) < 0)
        return errno == EEXIST ? -EAGAIN : -errno;
    scratch->lock_fd = fd_close(scratch->lock_fd);
    return scratch_lock(scratch);
}

static int scratch_describe(const struct root_scratch *scratch, const struct root_source *source,
                            const struct draft *draft)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_close_ int fd =
        openat(scratch->lock_fd, "root", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    root_describe(source, draft, &text);
    if (fd < 0)
        return -errno;
    return buf_error(&text) < 0 ? -ENOMEM : fd_write_all(fd, text.data, text.len);
}

int root_scratch_new(const struct volume_place *place, const struct root_source *source,
                     const struct draft *draft, struct root_scratch **ret, struct err *err)
{
    _cleanup_(scratch_freep) struct root_scratch *scratch = calloc(1, sizeof(*scratch));
    int r = -EAGAIN;

    if (!scratch)
        return err_nomem(err);
    scratch->lock_fd = scratch->containers_fd = -1;
    scratch->data_dir = strdup(place->data_dir);
    if (!scratch->data_dir)
        return err_nomem(err);
    scratch->place = (struct volume_place){ scratch->data_dir, place->world };
    scratch->containers_fd = containers_open(scratch->data_dir);
    if (scratch->containers_fd < 0)
        return err_set(err, -scratch->containers_fd, "cannot make %s/containers: %s",
                       scratch->data_dir, err_name(-scratch->containers_fd));
    reclaim(scratch);
    for (unsigned tries = 0; r == -EAGAIN && tries < 16; tries++)
        r = scratch_make(scratch);
    if (r == 0)
        r = scratch_describe(scratch, source, draft);
    if (r < 0)
        return err_set(err, -r, "cannot make a directory for the run in %s/containers: %s",
                       scratch->data_dir, err_name(-r));
    *ret = TAKE_PTR(scratch);
    return 0;
}

int root_scratch_remove(struct root_scratch *scratch, struct err *err)
{
    int r;

    if (!scratch)
        return 0;
    r = volume_forget(&scratch->place, scratch->name, true, err);
    if (r == 0)
        r = root_remove_tree(scratch->place.world, scratch->containers_fd, scratch->name, err);
    scratch_free(scratch);
    return r;
}

int root_remove_tree(const struct spec_world *world, int dir_fd, const char *name, struct err *err)
{
    int r = spawn_remove_tree(world, dir_fd, name);

    return r < 0 ? err_set(err, -r, "cannot remove %s, which the run has written to: %s", name,
                           err_name(-r))
                 : 0;
}
