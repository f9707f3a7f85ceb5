/* Who may do what with a container just now: locks on three bytes of one file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"

/* Of the open file description (fcntl(2)): they can be asked about, and end with whoever is killed. */
static struct flock byte_of(enum life_lock lock)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)lock, .l_len = 1
    };
}

static int lock_open(int dir_fd)
{
    int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

int lock_take(int dir_fd, enum life_lock lock, uint64_t wait_us)
{
    struct timespec pause = { .tv_nsec = 1000000 };
    struct flock byte = byte_of(lock);
    uint64_t until_us = clock_us(CLOCK_MONOTONIC) + wait_us;
    _cleanup_close_ int fd = lock_open(dir_fd);

    if (fd < 0)
        return fd;
    while (fcntl(fd, F_OFD_SETLK, &byte) < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        if (clock_us(CLOCK_MONOTONIC) >= until_us)
            return -EBUSY;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
    return TAKE_FD(fd);
}

bool lock_is_held(int dir_fd, enum life_lock lock)
{
    struct flock byte = byte_of(lock);
    _cleanup_close_ int fd = openat(dir_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno != ENOENT;
    /* What cannot be asked about is held: nothing is undone on a doubt. */
    return fcntl(fd, F_OFD_GETLK, &byte) < 0 || byte.l_type != F_UNLCK;
}

int life_lock(const struct container_dir *dir, enum life_lock lock, struct err *err)
{
    int fd = lock_take(dir->fd, lock, LIFE_WAIT_US);

    if (fd == -EBUSY)
        return err_set(err, EBUSY,
                       lock == LOCK_MONITOR
                           ? "container %.12s has a monitor already, which does not come to its end"
                           : "another command is at work on container %.12s; try again later",
                       dir->id);
    return fd < 0 ? err_set(err, -fd, "cannot lock container %.12s: %s", dir->id, err_name(-fd))
                  : fd;
}

int life_lock_next(struct life *life, const struct container_dir *dir, struct err *err)
{
    if (life->held_fd < 0 || strcmp(life->held_id, dir->id) != 0)
        return life_lock(dir, LOCK_COMMAND, err);
    return TAKE_FD(life->held_fd);
}
