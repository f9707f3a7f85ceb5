/*
 * The box: process 1 of the run's pid namespace. It builds the run's surroundings, starts COMMAND,
 * reaps whatever is orphaned, tells how COMMAND ended, and ends; with it ends everything in its pid
 * namespace. It stays outside the limited groups and keeps next to nothing in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define BOX_FAILED 125

int steps_run(const struct step *table, size_t n, struct launch *launch, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        int r = 0;

        if (!table[i].condition || table[i].condition(launch))
            r = table[i].fn(launch, err);
        if (r < 0) {
            err_step(err, table[i].name);
            return r;
        }
    }
    return 0;
}

/* ---- start ------------------------------------------------------------------------------------------------ */

/* Returns only when COMMAND's program was not executed. */
static int command_main(void *data)
{
    struct launch *launch = data;

    command_steps(launch, &launch->outcome->err);
    return BOX_FAILED;
}

static int clone_failed(int code, struct err *err)
{
    if (code == EAGAIN)
        return err_refuse(
            err, code,
            "cannot make the process for COMMAND: --pids-limit or a pids limit above it "
            "allows no process");
    if (code == EACCES)
        return err_refuse(
            err, code,
            "cannot make the process for COMMAND in its group: the group is not ours to "
            "put processes into");
    if (code == EBUSY)
        return err_set(err, code,
                       "cannot make the process for COMMAND in its group: the group has "
                       "controllers enabled for its children");
    return err_set(err, code, "cannot make the process for COMMAND: %s", err_name(code));
}

static int command_start(struct launch *launch, struct err *err)
{
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_VFORK,
        .pidfd = (uint64_t)(uintptr_t)&launch->command_pidfd,
        .exit_signal = SIGCHLD,
    };

    if (launch->v2_fd >= 0 && !launch->joins) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)launch->v2_fd;
    }
    if (launch->borrows) {
        launch->command_pid = sys_clone3_vfork(&args, command_main, launch);
    } else {
        launch->command_pid = sys_clone3(&args, sizeof(args));
        if (launch->command_pid == 0)
            _exit(command_main(launch));
    }
    if (launch->command_pid < 0) {
        int r = clone_failed(-launch->command_pid, err);
        err_step(err, "command");
        return r;
    }
    if (launch->outcome->err.code != 0) {
        if (err != &launch->outcome->err)
            *err = launch->outcome->err;
        return -launch->outcome->err.code;
    }
    return 0;
}

/* ---- watch ------------------------------------------------------------------------------------------------- */

/* Reap all that is dead. 1 when COMMAND was among them; -errno when that cannot be told any more. */
static int reap(const struct launch *launch, struct spawn_exit *ret_exit)
{
    for (;;) {
        siginfo_t info;
        struct rusage usage;
        int r;

        info.si_pid = 0;
        r = sys_waitid(P_ALL, 0, &info, WEXITED | WNOHANG, &usage);
        if (r == -EINTR)
            continue;
        if (r < 0 || info.si_pid == 0)
            return r;
        if (info.si_pid == launch->command_pid) {
            exit_fill(ret_exit, info.si_code, info.si_status, &usage);
            return 1;
        }
    }
}

/*
 * Sleep until a child died or the supervisor is gone; false for the latter. SIGCHLD is let in only
 * here, so that none is missed; it comes at once when a child died before.
 */
static bool watch(const struct launch *launch)
{
    struct pollfd channel = { .fd = launch->channel_fd };
    sigset_t mask;

    sigfillset(&mask);
    sigdelset(&mask, SIGCHLD);
    return ppoll(&channel, 1, NULL, &mask) <= 0 || !(channel.revents & (POLLHUP | POLLERR));
}

/* The same when there is nobody to go away any more. */
static void watch_alone(void)
{
    sigset_t mask;

    sigfillset(&mask);
    sigdelset(&mask, SIGCHLD);
    sigsuspend(&mask);
}

/* Nobody will miss the run: its processes go with the pid namespace, or else by their group. */
static void end_unsupervised(const struct launch *launch, bool own_pids)
{
    if (own_pids)
        return;
    kill(launch->command_pid, SIGKILL);
    if (launch->v2_fd >= 0)
        file_write(launch->v2_fd, "cgroup.kill", "1");
}

/*
 * Nothing but the channel stays open, and without a pid namespace the group's directory, by which
 * end_unsupervised() kills. The supervisor's own end of the channel and its lock on the record are among
 * what goes: as long as we hold them nobody learns that it has died.
 */
static int descriptors_close(struct launch *launch, struct err *err)
{
    bool own_pids = (launch->spec->namespaces & CLONE_NEWPID) != 0;
    const int keep[] = { launch->channel_fd, own_pids ? -1 : launch->v2_fd };
    int r = descriptors_close_but(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));

    return r < 0 ? err_set(err, -r, "cannot close file descriptors: %s", err_name(-r)) : 0;
}

static int tell_started(const struct launch *launch)
{
    struct message message = {
        .kind = MESSAGE_STARTED,
        .fds = { launch->command_pidfd, launch->terminal_fd },
        .n_fds = launch->terminal_fd >= 0 ? 2 : 1,
    };

    return message_send(launch->channel_fd, &message);
}

/*
 * What is looked at from here on: of the launch command_pid, channel_fd and v2_fd alone. All else, the stack of
 * whoever cloned us as much as the heap, is given back: we stay as long as COMMAND, and nobody returns.
 */
static struct launch watched;
static struct message last_message;
static struct err watch_err;

static int box_wait(bool supervised, bool own_pids, bool dies)
{
    int r;

    do {
        supervised = supervised && watch(&watched);
        if (!supervised && dies) {
            end_unsupervised(&watched, own_pids);
            _exit(0);
        }
        if (!supervised)
            watch_alone();
        r = reap(&watched, &last_message.exit);
    } while (r == 0);
    return r < 0 ? err_set(&watch_err, -r, "cannot wait for COMMAND: %s", err_name(-r)) : 0;
}

static int box_watch(bool own_pids, bool dies)
{
    bool supervised = tell_started(&watched) >= 0;
    int r = descriptors_close(&watched, &watch_err);

    if (r < 0)
        return r;
    memory_drop_heap();
    memory_drop_stack();
    memory_give_back_stack();
    r = box_wait(supervised, own_pids, dies);
    if (r < 0)
        return r;
    last_message.exit.ended_us = clock_us(CLOCK_MONOTONIC);
    r = message_send(watched.channel_fd, &last_message);
    /* The supervisor is gone, or learns of it from our exit status. */
    return r < 0 ? err_set(&watch_err, -r, "cannot tell how COMMAND ended: %s", err_name(-r)) : 0;
}

static _Noreturn __attribute__((noinline)) void box_stay(const struct launch *launch)
{
    watched = *launch;
    last_message = (struct message){ .kind = MESSAGE_EXITED };
    last_message.exit.started_us = launch->outcome->started_us;
    int r = box_watch((launch->spec->namespaces & CLONE_NEWPID) != 0,
                      launch->options->die_with_supervisor);
    if (r < 0) {
        last_message = (struct message){ .kind = MESSAGE_FAILED, .err = watch_err };
        message_send(watched.channel_fd, &last_message);
    }
    _exit(r < 0 ? BOX_FAILED : 0);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

_Noreturn void box_main(struct launch *launch)
{
    struct err *err = &launch->outcome->err;
    struct message message = { .kind = MESSAGE_FAILED };
    struct later later;
    int r;

    launch->later = &later;
    self_settle_child();
    /* Whoever waits for a message must see the supervisor go. */
    close(launch->supervisor_fd);
    r = box_steps(launch, err);
    if (r >= 0 && !launch->spec->init)
        r = command_steps(launch, err);
    else if (r >= 0)
        r = command_start(launch, err);
    if (r >= 0)
        box_stay(launch);
    message.err = *err;
    message_send(launch->channel_fd, &message);
    _exit(BOX_FAILED);
}
