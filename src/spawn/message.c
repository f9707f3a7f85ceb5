/* Messages between supervisor and box: one SEQPACKET each, file descriptors beside it. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"

/* The bytes of a message: as many as its kind has. */
static size_t message_size(const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_GO:
        return offsetof(struct message, ignored) + sizeof(message->ignored);
    case MESSAGE_CONTINUE:
        return offsetof(struct message, n_tasks) + sizeof(message->n_tasks);
    case MESSAGE_FAILED:
        return offsetof(struct message, err) + sizeof(message->err);
    case MESSAGE_EXITED:
        return offsetof(struct message, exit) + sizeof(message->exit);
    default:
        return sizeof(message->kind);
    }
}

int message_send(int fd, const struct message *message)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(message->fds))];
    } control;
    size_t fds_size = message->n_fds * sizeof(int);
    struct iovec part = { .iov_base = (void *)(uintptr_t)message,
                          .iov_len = message_size(message) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    if (message->n_fds > 0) {
        memset(&control, 0, sizeof(control));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(fds_size);
        memcpy(CMSG_DATA(&control.header), message->fds, fds_size);
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(fds_size);
    }
    do {
        n = sendmsg(fd, &header, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int fd_send(int socket_fd, int fd, const char *text)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    ssize_t n;

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
    do {
        n = sendmsg(socket_fd, &header, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *header, struct message *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        ret->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(ret->fds, CMSG_DATA(c), ret->n_fds * sizeof(int));
    }
}

int message_receive(int fd, bool wait, struct message *ret)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(ret->fds))];
    } control;
    struct iovec part = { .iov_base = ret, .iov_len = offsetof(struct message, fds) };
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    ret->n_fds = 0;
    /* An end that closes before it has read all leaves us an error, once, before what it had said. */
    do {
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (n < 0 && (errno == ECONNRESET || (errno == EINTR && wait)));
    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    if (n == 0)
        return 0;
    take_fds(&header, ret);
    /* Some were dropped for want of free numbers: without its group's COMMAND would run unlimited. */
    if (header.msg_flags & MSG_CTRUNC)
        return -EMFILE;
    if ((size_t)n < sizeof(ret->kind) || (size_t)n != message_size(ret))
        return -EBADMSG;
    return 1;
}

static uint64_t timeval_us(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

void exit_fill(struct spawn_exit *ret, int code, int status, const struct rusage *usage)
{
    ret->exited = code == CLD_EXITED;
    ret->status = status;
    ret->core_dumped = code == CLD_DUMPED;
    ret->user_us = timeval_us(&usage->ru_utime);
    ret->system_us = timeval_us(&usage->ru_stime);
    ret->max_rss_bytes = (uint64_t)usage->ru_maxrss * 1024;
    ret->minor_faults = (uint64_t)usage->ru_minflt;
    ret->major_faults = (uint64_t)usage->ru_majflt;
    ret->voluntary_switches = (uint64_t)usage->ru_nvcsw;
    ret->involuntary_switches = (uint64_t)usage->ru_nivcsw;
    ret->in_blocks = (uint64_t)usage->ru_inblock;
    ret->out_blocks = (uint64_t)usage->ru_oublock;
}
