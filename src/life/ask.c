/* Talking to a container's monitor: packets of text over a socket in the run directory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "life/life_private.h"
#include "state/state.h"

#define FDS_MAX 3

/* ---- the address ------------------------------------------------------------------------------------------ */

static int run_directory(struct life *life, struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    int r =
        state_open(engine_state_dir(life->engine), engine_is_rootless(life->engine), &state, err);

    if (r < 0)
        return r;
    int fd = open(state_path(state), O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "cannot open the run directory %s: %m", state_path(state))
                  : fd;
}

static void socket_name(const char *id, char ret[static 32])
{
    snprintf(ret, 32, ".control-%.12s", id);
}

/* By a path that is short wherever the run directory is. */
static void socket_address(int dir_fd, const char *id, struct sockaddr_un *ret)
{
    char name[32];

    socket_name(id, name);
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
}

int control_listen(struct life *life, const char *id, int *ret_fd, struct err *err)
{
    _cleanup_close_ int dir_fd = run_directory(life, err);
    struct sockaddr_un address;
    char name[32];

    if (dir_fd < 0)
        return dir_fd;
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socket_name(id, name);
    socket_address(dir_fd, id, &address);
    /* Only the monitor makes it, and there is one at a time: what is there is a dead one's. */
    unlinkat(dir_fd, name, 0);
    /* The name gets the mode that the socket has. */
    if (fd < 0 || fchmod(fd, 0600) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
        return err_set(err, errno, "cannot make the control socket of container %.12s: %m", id);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int control_connect(struct life *life, const char *id, int *ret_fd)
{
    struct err err = ERR_INIT;
    _cleanup_close_ int dir_fd = run_directory(life, &err);
    struct sockaddr_un address;

    if (dir_fd < 0)
        return dir_fd;
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_address(dir_fd, id, &address);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void control_remove(struct life *life, const char *id)
{
    _cleanup_close_ int dir_fd = run_directory(life, NULL);
    char name[32];

    socket_name(id, name);
    if (dir_fd >= 0)
        unlinkat(dir_fd, name, 0);
}

/* ---- packets ---------------------------------------------------------------------------------------------- */

int packet_send(int fd, const char *text, const int *fds, size_t n_fds)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control = { 0 };
    struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

    if (n_fds > FDS_MAX)
        return -EINVAL;
    if (n_fds > 0) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
    }
    ssize_t n;
    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static size_t packet_fds(struct msghdr *message, int fds[static FDS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
            if (n < FDS_MAX)
                fds[n++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

ssize_t packet_receive(int fd, char text[static PACKET_MAX], int fds[static 3], size_t *ret_n_fds,
                       int flags)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control;
    struct iovec part = { .iov_base = text, .iov_len = PACKET_MAX - 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.space,
                              .msg_controllen = sizeof(control.space) };
    ssize_t n;

    *ret_n_fds = 0;
    do {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -errno;
    text[n] = '\0';
    *ret_n_fds = packet_fds(&message, fds);
    return n;
}

/* ---- errors through the socket -------------------------------------------------------------------------------- */

void packet_error_format(const struct err *err, char ret[static PACKET_MAX])
{
    snprintf(ret, PACKET_MAX, "err %d %d %s", err->code, (int)err->class, err->text);
}

int packet_error_parse(const char *text, struct err *err)
{
    char number[2][16];
    uint64_t code, class;

    if (!text_starts(text, "err "))
        return 0;
    text += strlen("err ");
    for (int i = 0; i < 2; i++) {
        size_t len = strcspn(text, " ");
        snprintf(number[i], sizeof(number[i]), "%.*s", (int)len, text);
        text += len + (text[len] == ' ');
    }
    if (number_parse(number[0], 4095, &code) < 0 || code == 0 ||
        number_parse(number[1], ERR_NOT_FOUND, &class) < 0)
        return err_set(err, EPROTO, "the monitor answers what is no answer");
    return err_set_class(err, (enum err_class) class, (int)code, "%s", text);
}

int life_ask(struct life *life, const struct container_dir *dir, const char *request,
             struct buf *ret_answer, struct err *err)
{
    char text[PACKET_MAX];
    int fds[3];
    size_t n_fds;
    _cleanup_close_ int fd = -1;
    int r = control_connect(life, dir->id, &fd);

    if (r >= 0)
        r = packet_send(fd, request, NULL, 0);
    ssize_t n = r < 0 ? r : packet_receive(fd, text, fds, &n_fds, 0);
    if (n <= 0 && lock_is_held(dir->fd, LOCK_MONITOR))
        return err_set(err, n < 0 ? (int)-n : EPIPE,
                       "the monitor of container %.12s does not answer: %s", dir->id,
                       n < 0 ? err_name((int)-n) : "it is ending");
    if (n <= 0)
        return err_set(err, ESRCH, "container %.12s is not running", dir->id);
    for (size_t i = 0; i < n_fds; i++)
        close(fds[i]);
    r = packet_error_parse(text, err);
    if (r >= 0 && ret_answer)
        buf_puts(ret_answer, text_starts(text, "ok ") ? text + 3 : "");
    return r;
}
