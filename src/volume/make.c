/* Making volumes, and holding them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "volume/volume_private.h"

#define DIRECTORY_MODE 0711

int volume_check_name(const char *name, struct err *err)
{
    size_t length = strlen(name);
    bool good = length > 0 && length <= VOLUME_NAME_MAX;

    for (size_t i = 0; good && i < length; i++) {
        bool word = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'z') ||
                    (name[i] >= 'A' && name[i] <= 'Z');
        good = word || (i > 0 && strchr("_.-", name[i]));
    }
    return good ? 0
                : err_usage(err,
                            "a volume's name begins with a letter or a digit and has only letters, "
                            "digits, '_', '.' and '-', at most %d, unlike \"%.64s\"",
                            VOLUME_NAME_MAX, name);
}

/* ---- the directory of volumes ------------------------------------------------------------------------------ */

/* Who made them was killed: under the lock nobody is at it. */
static void leftovers_clear(const struct volumes *volumes, char *const *all)
{
    for (; all && *all; all++) {
        if (text_starts(*all, ".new-") || text_starts(*all, ".gone-"))
            volume_delete(volumes, *all);
    }
}

static int volumes_lock(struct volumes *volumes)
{
    volumes->lock_fd = openat(volumes->dir_fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (volumes->lock_fd < 0)
        return -errno;
    while (flock(volumes->lock_fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int volumes_open(const struct volume_place *place, bool make, struct volumes *ret, struct err *err)
{
    _cleanup_free_ char *path = text_format("%s/volumes", place->data_dir);
    _cleanup_free_ char *containers = text_format("%s/containers", place->data_dir);
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    int r = 0;

    volumes.world = place->world;
    if (!path || !containers)
        return err_nomem(err);
    if (make)
        r = directory_make_all(path, DIRECTORY_MODE);
    volumes.dir_fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && volumes.dir_fd < 0)
        r = -errno;
    if (r == -ENOENT && !make)
        return r;
    if (r == 0)
        r = volumes_lock(&volumes);
    if (r < 0)
        return err_set(err, -r, "cannot open the directory of volumes %s: %s", path, err_name(-r));
    volumes.containers_fd = open(containers, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(strv_freep) char **all = names_list(volumes.dir_fd);
    leftovers_clear(&volumes, all);
    *ret = volumes;
    volumes = VOLUMES_INIT;
    return 0;
}

void volumes_close(struct volumes *volumes)
{
    fd_close(volumes->dir_fd);
    fd_close(volumes->lock_fd);
    fd_close(volumes->containers_fd);
}

int volume_open(const struct volumes *volumes, const char *name, int lock)
{
    int fd = openat(volumes->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (flock(fd, lock) < 0) {
        fd_close(fd);
        return -errno;
    }
    return fd;
}

/* ---- making ------------------------------------------------------------------------------------------------- */

static int info_write(int volume_fd, char *const *labels, bool anonymous)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_close_ int fd =
        openat(volume_fd, "info", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    buf_printf(&text, "created %llu\n", (unsigned long long)clock_us(CLOCK_REALTIME));
    if (anonymous)
        buf_puts(&text, "anonymous\n");
    for (; labels && *labels; labels++) {
        buf_puts(&text, "label ");
        line_escape(*labels, &text);
        buf_putc(&text, '\n');
    }
    if (fd < 0)
        return -errno;
    return buf_error(&text) < 0 ? -ENOMEM : fd_write_all(fd, text.data, text.len);
}

static int user_add(int volume_fd, const char *id)
{
    _cleanup_close_ int used_fd =
        openat(volume_fd, "used", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_close_ int fd =
        used_fd < 0 ? -1 : openat(used_fd, id, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : 0;
}

/* Aside, and whole: what is in it is nobody's, so it need not be flushed but for its own sake. */
static int volume_fill(int volume_fd, char *const *labels, bool anonymous, const char *id)
{
    if (mkdirat(volume_fd, "data", 0755) < 0 || mkdirat(volume_fd, "used", 0700) < 0)
        return -errno;
    int r = info_write(volume_fd, labels, anonymous);
    if (r == 0 && id)
        r = user_add(volume_fd, id);
    return r < 0 ? r : fsync(volume_fd) < 0 ? -errno : 0;
}

static int volume_make(const struct volumes *volumes, const char *name, char *const *labels,
                       bool anonymous, const char *id)
{
    _cleanup_free_ char *aside = text_format(".new-%s", name);
    _cleanup_close_ int fd = -1;
    int r;

    if (!aside)
        return -ENOMEM;
    if (mkdirat(volumes->dir_fd, aside, DIRECTORY_MODE) < 0)
        return -errno;
    fd = openat(volumes->dir_fd, aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r = fd < 0 ? -errno : volume_fill(fd, labels, anonymous, id);
    if (r == 0 && renameat(volumes->dir_fd, aside, volumes->dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        volume_delete(volumes, aside);
    else if (!anonymous)
        fsync(volumes->dir_fd);
    return r;
}

int volume_create(const struct volume_place *place, const char *name, char *const *labels,
                  bool anonymous, const char *id, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    int r = volume_check_name(name, err);

    if (r == 0)
        r = volumes_open(place, true, &volumes, err);
    if (r < 0)
        return r;
    if (faccessat(volumes.dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    r = volume_make(&volumes, name, labels, anonymous, id);
    return r < 0 ? err_set(err, -r, "cannot make the volume %s: %s", name, err_name(-r)) : 0;
}

/* ---- holding ------------------------------------------------------------------------------------------------- */

int volume_use(const struct volume_place *place, const char *name, const char *id, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    _cleanup_close_ int fd = -1;
    int r = volumes_open(place, false, &volumes, err);

    if (r < 0 && r != -ENOENT)
        return r;
    fd = r < 0 ? r : volume_open(&volumes, name, LOCK_SH);
    if (fd < 0)
        return err_set(err, -fd,
                       fd == -ENOENT ? "there is no volume %s" : "cannot open the volume %s", name);
    r = id ? user_add(fd, id) : 0;
    return r < 0 ? err_set(err, -r, "cannot put %s on the list of users of the volume %s: %s", id,
                           name, err_name(-r))
                 : TAKE_FD(fd);
}
