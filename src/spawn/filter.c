/*
 * COMMAND's system call filter. What may load one is who gains nothing by exec any more, or CAP_SYS_ADMIN.
 * In the first case it is the last thing before exec, so that nothing of ours has to pass it; in the other
 * it comes while there are capabilities, and what remains to be done is to drop those and to execute.
 * See seccomp(2).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* Whoever listens knows us by our number outside, which our own procfs tells; soon it is closed. */
int step_listener(struct launch *launch, struct err *err)
{
    char text[16];
    ssize_t n = readlinkat(launch->own_proc_fd, "self", text, sizeof(text) - 1);
    uint64_t pid;

    if (n < 0)
        return err_set(err, errno, "cannot tell our own process number: %m");
    text[n] = '\0';
    if (number_parse(text, INT32_MAX, &pid) < 0)
        return err_set(err, ESRCH, "our own process number is \"%s\"", text);
    launch->outer_pid = (pid_t)pid;
    return 0;
}

/* ---- the notify fd ------------------------------------------------------------------------------------------- */

/* The fd together with a document that tells whose it is; whoever listens answers for COMMAND from then on. */
static int listener_send(const struct spawn_listener *listener, pid_t pid, int fd)
{
    char number[16];
    struct iovec parts[] = {
        { (void *)(uintptr_t)listener->before, strlen(listener->before) },
        { number, 0 },
        { (void *)(uintptr_t)listener->after, strlen(listener->after) },
    };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(fd))];
    } control = { 0 };
    struct msghdr message = {
        .msg_iov = parts,
        .msg_iovlen = ARRAY_SIZE(parts),
        .msg_control = control.space,
        .msg_controllen = sizeof(control.space),
    };
    size_t length;
    ssize_t n;

    parts[1].iov_len = (size_t)snprintf(number, sizeof(number), "%d", (int)pid);
    length = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    do {
        n = sendmsg(listener->socket_fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}

/* ---- loading ------------------------------------------------------------------------------------------------- */

static int filter_failed(int code, struct err *err)
{
    if (code == EACCES)
        return err_refuse(err, code,
                          "seccomp: loading the filter takes CAP_SYS_ADMIN or noNewPrivileges");
    if (code == EINVAL)
        return err_refuse(err, code, "seccomp: this kernel refuses the filter or one of its flags");
    if (code == EBUSY)
        return err_refuse(err, code,
                          "seccomp: the process has a filter with a listener already, and there "
                          "can be one only");
    return err_refuse(err, code, "seccomp: cannot load the filter: %s", err_name(code));
}

static int filter_load(struct launch *launch, struct err *err)
{
    const struct spawn_options *options = launch->options;
    int fd = sys_seccomp_filter(options->filter_flags, options->filter);
    int r;

    if (fd < 0)
        return filter_failed(-fd, err);
    if (!(options->filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
        return 0;
    r = options->listener ? listener_send(options->listener, launch->outer_pid, fd) : -ENOTCONN;
    close(fd);
    if (options->listener)
        close(options->listener->socket_fd);
    return r < 0 ? err_refuse(err, -r, "seccomp: cannot send the notify fd to the listener: %s",
                              err_name(-r))
                 : 0;
}

/* Another user than root has kept what is permitted, and has to take it into effect first. */
int step_filter_privileged(struct launch *launch, struct err *err)
{
    uint64_t effective, permitted, inheritable;
    int r;

    if (launch->uid != 0) {
        r = sys_capget(&effective, &permitted, &inheritable);
        if (r >= 0)
            r = sys_capset(permitted, permitted, inheritable);
        if (r < 0)
            return err_set(err, -r, "seccomp: cannot use our capabilities: %s", err_name(-r));
    }
    return filter_load(launch, err);
}

int step_filter_last(struct launch *launch, struct err *err)
{
    return filter_load(launch, err);
}
