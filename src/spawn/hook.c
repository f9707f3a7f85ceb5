/* A hook: a program of the document's that is run once, and has to end well. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define STATUS_UNEXECUTED 127

/* The hook's process until it is the hook: only system calls, in memory that is not its own. */
static int hook_main(void *data)
{
    struct hook_call *call = data;
    const struct spec_hook *hook = call->hook;
    char *const argv[] = { hook->path, NULL };
    char *const env[] = { NULL };
    sigset_t none;

    sigemptyset(&none);
    /* A group of its own, by which all of it can be killed; and none of it is left when we are. */
    if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        lseek(call->state_fd, 0, SEEK_SET) < 0)
        goto failed;
    if (call->state_fd == STDIN_FILENO ? fcntl(STDIN_FILENO, F_SETFD, 0) < 0
                                       : dup2(call->state_fd, STDIN_FILENO) < 0)
        goto failed;
    if (sys_close_range(STDERR_FILENO + 1, ~0u, 0) < 0)
        goto failed;
    if (call->umask_set)
        umask(call->umask);
    for (int signal = 1; signal <= 64; signal++)
        sys_signal_default(signal); /* the two that cannot be changed need not be */
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(hook->path, hook->argv ? hook->argv : argv, hook->env ? hook->env : env);
failed:
    call->code = errno;
    return STATUS_UNEXECUTED;
}

/* 1: ended; 0: its time is over; -EPIPE: whoever waits for us is gone. */
static int hook_wait(const struct hook_call *call, int pidfd)
{
    struct pollfd watched[] = { { .fd = pidfd, .events = POLLIN }, { .fd = call->channel_fd } };
    uint64_t timeout_us = call->hook->timeout_us;
    uint64_t end_us = clock_us(CLOCK_MONOTONIC) + timeout_us;

    for (;;) {
        uint64_t now_us = timeout_us ? clock_us(CLOCK_MONOTONIC) : 0;
        uint64_t left_us = now_us < end_us ? end_us - now_us : 0;
        struct timespec left = { .tv_sec = (time_t)(left_us / 1000000),
                                 .tv_nsec = (long)(left_us % 1000000 * 1000) };
        int n = ppoll(watched, ARRAY_SIZE(watched), timeout_us ? &left : NULL, NULL);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && watched[0].revents)
            return 1;
        if (n > 0 && watched[1].revents)
            return -EPIPE;
        if (n == 0)
            return 0;
    }
}

static int hook_reap(int pidfd, siginfo_t *ret)
{
    int r;

    *ret = (siginfo_t){ 0 };
    do {
        r = sys_waitid(P_PIDFD, pidfd, ret, WEXITED, NULL);
    } while (r == -EINTR);
    return r;
}

static int hook_failed(const struct hook_call *call, const siginfo_t *info, struct err *err)
{
    const char *path = call->hook->path;

    if (call->code != 0)
        return err_set(err, call->code, "hook %s cannot be executed: %s", path,
                       err_name(call->code));
    if (info->si_code != CLD_EXITED)
        return err_set(err, ECANCELED, "hook %s was ended by signal %d", path, info->si_status);
    return err_set(err, ECANCELED, "hook %s ended with exit status %d", path, info->si_status);
}

int hook_run(struct hook_call *call, struct err *err)
{
    _cleanup_close_ int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    const char *path = call->hook->path;
    siginfo_t info;
    char duration[32];
    pid_t pid;

    call->code = 0;
    if (sys_has_vfork()) {
        pid = sys_clone3_vfork(&args, hook_main, call);
    } else {
        pid = sys_clone3(&args, sizeof(args));
        if (pid == 0)
            _exit(hook_main(call));
    }
    if (pid < 0)
        return err_set(err, -pid, "hook %s: cannot make a process: %s", path, err_name(-pid));
    int ended = hook_wait(call, pidfd);
    if (ended <= 0) {
        kill(-pid, SIGKILL);
        sys_pidfd_send_signal(pidfd, SIGKILL);
    }
    int r = hook_reap(pidfd, &info);
    if (ended == 0) {
        duration_format(call->hook->timeout_us, duration, sizeof(duration));
        return err_set(err, ETIMEDOUT, "hook %s did not end within its timeout of %s", path,
                       duration);
    }
    if (ended < 0 || r < 0)
        return err_set(err, ended < 0 ? -ended : -r, "hook %s: cannot wait for it: %s", path,
                       err_name(ended < 0 ? -ended : -r));
    if (info.si_code == CLD_EXITED && info.si_status == 0)
        return 0;
    return hook_failed(call, &info, err);
}

int spawn_hook(const struct spec_hook *hook, int state_fd, struct err *err)
{
    struct hook_call call = { .hook = hook, .state_fd = state_fd, .channel_fd = -1 };
    sigset_t all, before;
    int r;

    /* No handler of ours may run in a process that only borrows our memory. */
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return err_set(err, errno, "hook %s: cannot block signals: %m", hook->path);
    r = hook_run(&call, err);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}
