/* Where a report goes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/target.h"

static int open_descriptor(const char *number, struct target *ret, struct ration_error *error)
{
    uint64_t fd;

    if (number_parse(number, INT_MAX, &fd) < 0)
        return cli_usage(
            error, "--report fd:N takes the number of an open descriptor, not \"%.64s\"", number);
    int mode = fcntl((int)fd, F_GETFL);
    if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
        return cli_fail(error, EBADF, "--report fd:%d: the descriptor is not open for writing",
                        (int)fd);
    ret->fd = (int)fd;
    return 0;
}

/* Whether we made it must be known, so that a refused run leaves nothing. */
static int open_file(const char *path, struct target *ret, struct ration_error *error)
{
    const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    ret->fd = open(path, flags | O_CREAT | O_EXCL, 0644);
    ret->created = ret->fd >= 0;
    if (ret->fd < 0 && errno == EEXIST)
        ret->fd = open(path, flags | O_CREAT, 0644);
    if (ret->fd < 0)
        return cli_fail(error, errno, "--report: %.200s cannot be written: %s", path,
                        err_name(errno));
    /* Opened without waiting for a reader of a FIFO; from here on writing waits as usual. */
    if (fstat(ret->fd, &st) == 0 && !S_ISREG(st.st_mode))
        fcntl(ret->fd, F_SETFL, O_WRONLY);
    ret->path = path;
    return 0;
}

int target_open(const char *name, struct target *ret, struct ration_error *error)
{
    *ret = (struct target){ .fd = -1 };
    if (*name == '\0')
        return cli_usage(error, "--report is empty");
    if (name[0] == '-' && name[1] == '\0') {
        ret->fd = STDERR_FILENO;
        return 0;
    }
    if (text_starts(name, "fd:"))
        return open_descriptor(name + 3, ret, error);
    return open_file(name, ret, error);
}

int target_begin(struct target *target, struct ration_error *error)
{
    /* What cannot be cut to a length (a device, a FIFO) has none. */
    if (target->path && ftruncate(target->fd, 0) < 0 && errno != EINVAL)
        return cli_fail(error, errno, "--report: %.200s cannot be emptied: %s", target->path,
                        err_name(errno));
    target->created = false;
    return 0;
}

void target_abandon(struct target *target)
{
    if (target->path && target->created)
        unlink(target->path);
    else if (target->path && ftruncate(target->fd, 0) < 0)
        return; /* a device or FIFO holds no old report */
    target->created = false;
}

void target_close(struct target *target)
{
    if (target->path)
        target->fd = fd_close(target->fd);
}
