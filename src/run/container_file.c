/* The file that tells a container's process number to whoever asked for it: whole or not there. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

/*
 * Under its name at once where that is free. Else under another that is renamed: a link cannot replace what is
 * there.
 */
static int file_place(int dir_fd, const char *name, int fd, pid_t pid)
{
    char self[32];
    _cleanup_free_ char *temporary = NULL;

    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    temporary = text_format(".%.200s.%d", name, (int)pid);
    if (!temporary)
        return -ENOMEM;
    unlinkat(dir_fd, temporary, 0);
    if (linkat(AT_FDCWD, self, dir_fd, temporary, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    if (renameat(dir_fd, temporary, dir_fd, name) == 0)
        return 0;
    int code = errno;
    unlinkat(dir_fd, temporary, 0);
    return -code;
}

/* For file systems without unnamed files. */
static int file_write_in_place(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static int pid_file_make(const char *path, pid_t pid)
{
    _cleanup_free_ char *first = strdup(path), *second = strdup(path);
    char text[16];

    if (!first || !second)
        return -ENOMEM;
    const char *name = basename(first);
    _cleanup_close_ int dir_fd = open(dirname(second), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    snprintf(text, sizeof(text), "%d", (int)pid);
    _cleanup_close_ int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
                   ? file_write_in_place(dir_fd, name, text)
                   : -errno;
    int r = fd_write_all(fd, text, strlen(text));
    return r < 0 ? r : file_place(dir_fd, name, fd, pid);
}

int pid_file_write(const char *path, pid_t pid, struct err *err)
{
    int r = pid_file_make(path, pid);

    return r < 0 ? err_set(err, -r, "--pid-file: cannot write %s: %s", path, err_name(-r)) : 0;
}
