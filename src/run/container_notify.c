/*
 * sd_notify(3) for containers: whoever called us is told that the container is ready when its program says so.
 * The program finds a socket of its own at /run/notify/notify.sock; what it says there, start passes on to the
 * caller's socket, with the number that its process has for the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/container_private.h"
#include "sys/sys.h"

#define INSIDE_DIRECTORY "/run/notify"
#define SOCKET_NAME      "notify.sock"
#define VARIABLE         "NOTIFY_SOCKET="

bool notify_is_wanted(const struct container_options *options)
{
    return options->notify_socket && *options->notify_socket;
}

/* ---- create: the directory, and where the program finds it ------------------------------------------ */

static int notify_add_env(struct notify *notify, const struct spec *spec)
{
    static char assignment[] = VARIABLE INSIDE_DIRECTORY "/" SOCKET_NAME;
    size_t n = 0;

    notify->env = calloc(strv_length(spec->env) + 2, sizeof(*notify->env));
    if (!notify->env)
        return -ENOMEM;
    for (char **variable = spec->env; variable && *variable; variable++) {
        if (!text_starts(*variable, VARIABLE))
            notify->env[n++] = *variable;
    }
    notify->env[n] = assignment;
    return 0;
}

static int notify_add_mount(struct notify *notify, const struct spec *spec)
{
    static char target[] = INSIDE_DIRECTORY;

    notify->mounts = calloc(spec->n_mounts + 1, sizeof(*notify->mounts));
    if (!notify->mounts)
        return -ENOMEM;
    if (spec->n_mounts > 0)
        memcpy(notify->mounts, spec->mounts, spec->n_mounts * sizeof(*notify->mounts));
    notify->mounts[spec->n_mounts] = (struct spec_mount){
        .kind = MOUNT_BIND,
        .source = notify->source,
        .target = target,
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        .make_target = true,
    };
    return 0;
}

int notify_prepare(struct notify *notify, struct state *state, const struct spec *spec,
                   struct err *err)
{
    notify->source = state_directory_path(state, spec->name);
    if (!notify->source || notify_add_env(notify, spec) < 0 || notify_add_mount(notify, spec) < 0)
        return err_nomem(err);
    notify->spec = *spec;
    notify->spec.env = notify->env;
    notify->spec.mounts = notify->mounts;
    notify->spec.n_mounts = spec->n_mounts + 1;
    return 0;
}

void notify_done(struct notify *notify)
{
    free(notify->env);
    free(notify->mounts);
    free(notify->source);
}

/* ---- start: the socket ---------------------------------------------------------------------------------- */

int notify_listen(struct container *container, int *ret_fd, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_close_ int dir_fd = -1, fd = -1;
    int r = state_directory(container->state, container->name, &dir_fd, err);

    if (r < 0)
        return r;
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir_fd);
    unlinkat(dir_fd, SOCKET_NAME, 0);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The program may be any user's: it is the only one that the directory is shown to. */
    if (fd < 0 || fchmod(dir_fd, 0755) < 0 || fchmod(fd, 0777) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(dir_fd, SOCKET_NAME, 0777, 0) < 0)
        return err_set(err, errno, "cannot make the container's NOTIFY_SOCKET: %m");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* An address that begins with '@' is abstract, unix(7). */
static int caller_tell(const char *path, pid_t pid)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    char text[64];

    if (len == 0 || len >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len);
    if (*path == '@')
        address.sun_path[0] = '\0';
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int n = snprintf(text, sizeof(text), "READY=1\nMAINPID=%d\n", (int)pid);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd < 0 ||
        sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (const struct sockaddr *)&address, size) < 0)
        return -errno;
    return 0;
}

/* A line of its own: "READY=1". */
static bool says_ready(const char *text)
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len)) {
        if (len == strlen("READY=1") && memcmp(line, "READY=1", len) == 0)
            return true;
    }
    return false;
}

int notify_pass(int fd, const char *caller, pid_t pid)
{
    char text[4096];
    ssize_t n;

    while ((n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT)) >= 0) {
        text[n] = '\0';
        if (!says_ready(text))
            continue;
        int r = caller_tell(caller, pid);
        return r < 0 ? r : 1;
    }
    return 0;
}

int notify_wait(const struct container *container, int fd, const char *caller, struct err *err)
{
    _cleanup_close_ int pidfd = process_open(&container->init);
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
    int r = 0;

    while (r == 0 && pidfd >= 0) {
        if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
            return err_set(err, errno, "cannot wait for the container to be ready: %m");
        bool ended = fds[1].revents != 0;
        r = notify_pass(fd, caller, container->init.pid);
        if (ended)
            break;
    }
    return r < 0 ? err_set(err, -r, "cannot tell NOTIFY_SOCKET %s that the container is ready: %s",
                           caller, err_name(-r))
                 : 0;
}

void notify_remove(struct container *container)
{
    state_remove_directory(container->state, container->name, SOCKET_NAME);
}
