/*
 * notify SOCKET FILE ERRNO|continue
 *
 * A seccomp agent: listens on the socket SOCKET, takes the document and the notify fd that one connection
 * brings, writes the document to FILE, and answers every call that it is told of with the error ERRNO, or lets
 * it go on; until whoever makes the calls is gone. Prints the number of each call. See seccomp_unotify(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DOCUMENT_MAX = 1 << 16 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "notify: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connection_take(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
        die(path);
    int connection = accept(fd, NULL, NULL);
    if (connection < 0)
        die("accept");
    close(fd);
    return connection;
}

/* The document comes with the fd, in one message. */
static int message_take(int connection, const char *file)
{
    static char text[DOCUMENT_MAX];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { text, sizeof(text) };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.space,
                              .msg_controllen = sizeof(control.space) };
    ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    int fd, out;

    if (n <= 0)
        die("recvmsg");
    if (control.header.cmsg_type != SCM_RIGHTS ||
        control.header.cmsg_len != CMSG_LEN(sizeof(int))) {
        errno = ENODATA;
        die("no fd came with the document");
    }
    memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
    out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0 || write(out, text, (size_t)n) != n)
        die(file);
    close(out);
    return fd;
}

static void answer(int fd, int code)
{
    struct seccomp_notif call = { 0 };
    struct seccomp_notif_resp response = { 0 };

    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
        if (errno == ENOENT || errno == EINTR)
            return; /* the caller was killed meanwhile */
        die("SECCOMP_IOCTL_NOTIF_RECV");
    }
    printf("%d\n", call.data.nr);
    fflush(stdout);
    response.id = call.id;
    response.error = -code;
    response.flags = code ? 0u : (unsigned)SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 && errno != ENOENT)
        die("SECCOMP_IOCTL_NOTIF_SEND");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fputs("usage: notify SOCKET FILE ERRNO|continue\n", stderr), 2;
    int code = strcmp(argv[3], "continue") == 0 ? 0 : atoi(argv[3]);
    int fd = message_take(connection_take(argv[1]), argv[2]);

    for (;;) {
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        if (poll(&poller, 1, -1) < 0 && errno != EINTR)
            die("poll");
        if (poller.revents & POLLIN)
            answer(fd, code);
        else if (poller.revents & (POLLHUP | POLLERR))
            return 0;
    }
}
