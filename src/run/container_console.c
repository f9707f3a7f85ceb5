/* The console socket: who waits there is sent the master of a container's terminal. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/container_private.h"

int console_check(const struct spec *spec, const struct container_options *options, bool foreground,
                  struct err *err)
{
    if (spec->tty && !options->console_socket && !foreground)
        return err_usage(err, "cannot allocate tty if runtime will detach without setting console "
                              "socket");
    if (!spec->tty && options->console_socket)
        return err_usage(err, "cannot use console socket if runtime will not allocate tty");
    return 0;
}

/* A path may be longer than an address has room for: by the directory's fd, then. */
static int socket_connect(int fd, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_free_ char *first = strdup(path), *second = strdup(path);
    _cleanup_close_ int dir_fd = -1;
    int n;

    if (!first || !second)
        return -ENOMEM;
    if (strlen(path) < sizeof(address.sun_path)) {
        n = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    } else {
        dir_fd = open(dirname(first), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
            return -errno;
        n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
                     basename(second));
    }
    if (n >= (int)sizeof(address.sun_path))
        return -ENAMETOOLONG;
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int console_connect(const char *path, int *ret_fd, struct err *err)
{
    /* Whoever has too many waiting already is not waited for. */
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = fd < 0 ? -errno : socket_connect(fd, path);

    if (r >= 0 && fcntl(fd, F_SETFL, 0) < 0)
        r = -errno;
    if (r < 0)
        return err_set(err, -r, "--console-socket: cannot connect to %s: %s", path, err_name(-r));
    *ret_fd = TAKE_FD(fd);
    return 0;
}
