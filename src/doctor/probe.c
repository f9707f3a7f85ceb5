/* Asking the running kernel itself: what it has, and what it lets us do. Nothing stays behind. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/facts.h"
#include "sys/sys.h"

/* ---- system calls ----------------------------------------------------------------------------------- */

/*
 * Each is called with something that it must refuse or that changes nothing. "No such call" means that
 * it is missing, and so does "not permitted" where the kernel asks for no privilege: then a filter
 * does.
 */
static int try_clone3(void)
{
    return (int)sys_clone3(NULL, 0);
}

static int try_openat2(void)
{
    int fd = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);

    fd_close(fd);
    return fd;
}

static int try_pidfd_open(void)
{
    int fd = sys_pidfd_open(getpid(), 0);

    fd_close(fd);
    return fd;
}

static int try_close_range(void)
{
    return sys_close_range(UINT_MAX, UINT_MAX, 0);
}

static int try_fsopen(void)
{
    return sys_fsopen("tmpfs", UINT_MAX);
}

static int try_open_tree(void)
{
    return sys_open_tree(-1, "", UINT_MAX);
}

static int try_move_mount(void)
{
    return sys_move_mount(-1, "", -1, "", UINT_MAX);
}

static int try_mount_setattr(void)
{
    struct mount_attr attr = { 0 };

    return sys_mount_setattr(-1, "", UINT_MAX, &attr);
}

static const struct {
    const char *name;
    int (*try_it)(void);
    bool for_all; /* no privilege is needed */
} call_table[PROBE_COUNT] = {
    [PROBE_CLONE3] = { "clone3", try_clone3, true },
    [PROBE_OPENAT2] = { "openat2", try_openat2, true },
    [PROBE_PIDFD_OPEN] = { "pidfd_open", try_pidfd_open, true },
    [PROBE_CLOSE_RANGE] = { "close_range", try_close_range, true },
    [PROBE_FSOPEN] = { "fsopen", try_fsopen, false },
    [PROBE_OPEN_TREE] = { "open_tree", try_open_tree, false },
    [PROBE_MOVE_MOUNT] = { "move_mount", try_move_mount, false },
    [PROBE_MOUNT_SETATTR] = { "mount_setattr", try_mount_setattr, false },
};

const char *probe_call_name(enum probe_call call)
{
    return call_table[call].name;
}

/* ---- user namespaces -------------------------------------------------------------------------------- */

struct userns_answer {
    int mount, overlay;
};

/* EPERM before the options are looked at means: not in a user namespace; their fault means: allowed. */
static int overlay_in_userns(void)
{
    _cleanup_close_ int fd = sys_fsopen("overlay", 0);

    if (fd < 0)
        return fd;
    int r = sys_fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r == -EPERM || r == -EACCES ? r : 0;
}

static _Noreturn void userns_child(int fd)
{
    struct userns_answer answer = { 0 };

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        answer.mount = -errno;
    answer.overlay = overlay_in_userns();
    _exit(fd_write_all(fd, &answer, sizeof(answer)) < 0);
}

static void userns_probe(struct probes *ret)
{
    struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWNS, .exit_signal = SIGCHLD };
    struct userns_answer answer = { -EIO, -EIO };
    int pipe_fds[2];
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        ret->userns = -errno;
        return;
    }
    pid = sys_clone3(&args, sizeof(args));
    if (pid == 0)
        userns_child(pipe_fds[1]);
    pipe_fds[1] = fd_close(pipe_fds[1]);
    ret->userns = pid < 0 ? (int)pid : 0;
    if (pid > 0) {
        if (read(pipe_fds[0], &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
            answer = (struct userns_answer){ -EIO, -EIO };
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    ret->userns_mount = answer.mount;
    ret->userns_overlay = answer.overlay;
    fd_close(pipe_fds[0]);
}

void probes_run(struct probes *ret)
{
    *ret = (struct probes){ .done = true };
    for (unsigned i = 0; i < PROBE_COUNT; i++) {
        int r = call_table[i].try_it();
        ret->call[i] = r == -ENOSYS || (r == -EPERM && call_table[i].for_all) ? r : 0;
    }
    userns_probe(ret);
    _cleanup_close_ int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ret->terminal = terminal < 0 ? -errno : 0;
}
