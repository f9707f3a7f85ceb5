/* The supervisor's half: start, read what the box tells, signal, reap. */
#include "spawn/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

/* ---- start ------------------------------------------------------------------------------------------- */

/* 0, 1 and 2 belong to COMMAND, also where the caller has closed them. */
static int fd_above_stdio(int *fd)
{
    int above;

    if (*fd > STDERR_FILENO)
        return 0;
    above = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (above < 0)
        return -errno;
    close(*fd);
    *fd = above;
    return 0;
}

int channel_open(int *ret_ours, int *ret_box, struct err *err)
{
    int pair[2];
    int r;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, errno, "cannot make a socket pair: %m");
    r = fd_above_stdio(&pair[0]);
    if (r >= 0)
        r = fd_above_stdio(&pair[1]);
    if (r < 0) {
        close(pair[0]);
        close(pair[1]);
        return err_set(err, -r, "cannot duplicate a file descriptor: %s", err_name(-r));
    }
    *ret_ours = pair[0];
    *ret_box = pair[1];
    return 0;
}

/* The namespaces that the box is born in; the command makes those of groups and time. */
static uint64_t box_namespaces(const struct spec *spec)
{
    return spec->namespaces & ~(uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
}

int box_clone_failed(const struct spec *spec, int code, struct err *err)
{
    bool user = (spec->namespaces & CLONE_NEWUSER) != 0;

    switch (code) {
    case EPERM:
        return err_refuse(
            err, code,
            user ? "cannot make a user namespace: the kernel refuses it to ordinary users "
                   "(kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor)"
                 : "cannot make namespaces: Operation not permitted; it takes root or "
                   "--userns private");
    case ENOSPC:
        return err_refuse(err, code,
                          "cannot make namespaces: the limit of this machine is reached "
                          "(user.max_*_namespaces, or 32 levels)");
    case EAGAIN:
        return err_set(err, code,
                       "cannot make a process: a limit on the number of processes is "
                       "reached (RLIMIT_NPROC or a group's pids limit around ration)");
    case EACCES:
        return err_refuse(err, code,
                          "cannot make a process in its group: the group is not ours to put "
                          "processes into");
    case EBUSY:
    case EOPNOTSUPP:
        return err_refuse(err, code,
                          "cannot make a process in its group: the group has controllers enabled "
                          "for its children, or is of a threaded kind");
    case EINVAL:
        return err_refuse(err, code,
                          "cannot make namespaces: this kernel lacks one of those asked for");
    default:
        return err_set(err, code, "cannot make the run's first process: %s", err_name(code));
    }
}

static int box_tell(struct spawn *spawn, const struct message *message, struct err *err)
{
    int r = message_send(spawn->channel_fd, message);

    /* The box says itself why it is gone already; ECONNRESET: with something of ours unread. */
    if (r == -EPIPE || r == -ECONNRESET)
        return 0;
    return r < 0 ? err_set(err, -r, "cannot write to the run's first process: %s", err_name(-r))
                 : 0;
}

/* The box is born waiting for its maps; anything that fails here ends it unseen. */
static int box_release(const struct spec *spec, struct spawn *spawn, struct err *err)
{
    const struct message mapped = { .kind = MESSAGE_MAPPED };
    int r;

    if (!(spec->namespaces & CLONE_NEWUSER))
        return 0;
    r = maps_write(spec, spawn->box_pid, err);
    return r < 0 ? r : box_tell(spawn, &mapped, err);
}

static pid_t box_clone_here(struct launch *launch, int *ret_pidfd, struct err *err)
{
    const struct spawn_options *options = launch->options;
    struct clone_args args = {
        .flags = box_namespaces(launch->spec) | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    if (options->v2_fd >= 0 && !launch->spec->init) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)options->v2_fd;
    }
    pid = sys_clone3(&args, sizeof(args));
    if (pid == 0)
        box_main(launch);
    return pid < 0 ? box_clone_failed(launch->spec, -pid, err) : pid;
}

static int box_main_through(void *data)
{
    box_main(data);
}

/* By a process that enters the namespaces before: see joins_open(). */
static pid_t box_clone_through(struct launch *launch, int *ret_pidfd, struct err *err)
{
    const struct passage passage = {
        .enter = joins_enter,
        .main = box_main_through,
        .flags = box_namespaces(launch->spec),
        .v2_fd = launch->spec->init ? -1 : launch->options->v2_fd,
    };

    return clone_through(launch, &passage, ret_pidfd, err);
}

static int box_clone(struct launch *launch, struct spawn *spawn, struct err *err)
{
    pid_t pid;
    int r;

    r = channel_open(&spawn->channel_fd, &launch->channel_fd, err);
    if (r < 0)
        return r;
    launch->supervisor_fd = spawn->channel_fd;
    pid = launch->through ? box_clone_through(launch, &spawn->box_pidfd, err)
                          : box_clone_here(launch, &spawn->box_pidfd, err);
    close(launch->channel_fd);
    if (pid < 0)
        return pid;
    spawn->box_pid = pid;
    spawn->joins = launch->joins;
    return box_release(launch->spec, spawn, err);
}

int spawn_start(const struct spawn_options *options, struct spawn *ret, struct err *err)
{
    struct launch launch;
    int r;

    *ret = (struct spawn){
        .box_pidfd = -1,
        .command_pidfd = -1,
        .channel_fd = -1,
        .terminal_fd = -1,
        .init = options->spec->init,
        .gated = options->gate_fd >= 0,
    };
    r = launch_prepare(&launch, options, false, err);
    if (r < 0)
        err_step(err, "prepare");
    else
        r = box_clone(&launch, ret, err);
    launch_done(&launch);
    if (r < 0) {
        err_step(err, ret->box_pid > 0 ? "user namespace" : "clone");
        if (ret->box_pid > 0)
            spawn_reap(ret, true, NULL);
        spawn_close(ret);
    }
    return r;
}

int spawn_go(struct spawn *spawn, const struct spawn_groups *groups, struct err *err)
{
    /* Ours, which the box was born with: the box itself has more urgent things to do than to ask. */
    struct message go = { .kind = MESSAGE_GO, .ignored = signals_ignored() };
    _cleanup_close_ int procs_fd = -1;

    if (groups->n_tasks_fds + 2 > MESSAGE_FDS)
        return err_set(err, E2BIG, "cannot join %zu groups at once", groups->n_tasks_fds);
    for (size_t i = 0; i < groups->n_tasks_fds; i++)
        go.fds[go.n_fds++] = groups->tasks_fds[i];
    if (groups->v2_fd >= 0 && spawn->joins) {
        procs_fd = openat(groups->v2_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (procs_fd < 0)
            return err_set(err, errno, "cannot open the run's group to join it: %m");
        go.fds[go.n_fds++] = procs_fd;
    }
    go.n_tasks = (int)go.n_fds;
    if (groups->v2_fd >= 0)
        go.fds[go.n_fds++] = groups->v2_fd;
    int r = box_tell(spawn, &go, err);
    if (r < 0)
        err_step(err, "go");
    return r;
}

/* ---- read --------------------------------------------------------------------------------------------- */

/* Reap the box: 1 when it is gone, 0 when it lives. */
static int box_wait(struct spawn *spawn, bool wait, siginfo_t *ret_info, struct rusage *ret_usage)
{
    int r;

    *ret_info = (siginfo_t){ 0 };
    do {
        r = sys_waitid(P_PIDFD, spawn->box_pidfd, ret_info, WEXITED | (wait ? 0 : WNOHANG),
                       ret_usage);
    } while (r == -EINTR);
    if (r < 0)
        return r;
    if (ret_info->si_pid == 0)
        return 0;
    spawn->reaped = true;
    return 1;
}

static void take_fd(const struct message *message, size_t index, int *ret)
{
    if (index < message->n_fds)
        *ret = message->fds[index];
}

/* Without init the channel closes when the program is executed; from then on the box is COMMAND. */
static int become_command(struct spawn *spawn, struct err *err)
{
    spawn->command_pidfd = fcntl(spawn->box_pidfd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    /* The caller watches this number: now it tells the end. */
    if (spawn->command_pidfd < 0 || dup3(spawn->box_pidfd, spawn->channel_fd, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot duplicate a file descriptor: %m");
    spawn->started = true;
    return 0;
}

static int read_end(struct spawn *spawn, bool wait, enum spawn_event *ret_event,
                    struct spawn_exit *ret_exit, struct err *err)
{
    siginfo_t info;
    struct rusage usage;
    int r = box_wait(spawn, wait, &info, &usage);

    if (r < 0)
        return err_set(err, -r, "cannot wait for COMMAND: %s", err_name(-r));
    if (r > 0) {
        *ret_exit = (struct spawn_exit){ .ended_us = clock_us(CLOCK_MONOTONIC) };
        exit_fill(ret_exit, info.si_code, info.si_status, &usage);
        *ret_event = SPAWN_EXITED;
    }
    return 0;
}

/* The box went away without a word: somebody killed it, and COMMAND with it. */
static int read_closed(struct spawn *spawn, enum spawn_event *ret_event,
                       struct spawn_exit *ret_exit, struct err *err)
{
    siginfo_t info;
    struct rusage usage;
    int r;

    if (!spawn->init && !spawn->gated) {
        *ret_event = SPAWN_STARTED;
        return become_command(spawn, err);
    }
    r = box_wait(spawn, true, &info, &usage);
    if (r < 0)
        return err_set(err, -r, "cannot wait for the run's first process: %s", err_name(-r));
    if (spawn->started && info.si_code == CLD_EXITED)
        return err_set(err, ECHILD, "the run's first process could not tell how COMMAND ended");
    if (spawn->started) {
        *ret_exit = (struct spawn_exit){ .status = SIGKILL, .ended_us = clock_us(CLOCK_MONOTONIC) };
        *ret_event = SPAWN_EXITED;
        return 0;
    }
    err_set(err, ECHILD, "the run's first process was ended by %s %d before COMMAND began",
            info.si_code == CLD_EXITED ? "itself with status" : "signal", info.si_status);
    *ret_event = SPAWN_FAILED;
    return 0;
}

static bool read_message(struct spawn *spawn, const struct message *message,
                         enum spawn_event *ret_event, struct spawn_exit *ret_exit, struct err *err)
{
    switch (message->kind) {
    case MESSAGE_TERMINAL:
        take_fd(message, 0, &spawn->terminal_fd);
        return false;
    case MESSAGE_STARTED:
        take_fd(message, 0, &spawn->command_pidfd);
        take_fd(message, 1, &spawn->terminal_fd);
        spawn->started = true;
        *ret_event = SPAWN_STARTED;
        return true;
    case MESSAGE_FAILED:
        if (err)
            *err = message->err;
        *ret_event = SPAWN_FAILED;
        return true;
    case MESSAGE_EXITED:
        *ret_exit = message->exit;
        *ret_event = SPAWN_EXITED;
        return true;
    case MESSAGE_READY:
        *ret_event = SPAWN_READY;
        return true;
    case MESSAGE_CREATED:
        *ret_event = SPAWN_CREATED;
        return true;
    default:
        return false;
    }
}

int spawn_read(struct spawn *spawn, bool wait, enum spawn_event *ret_event,
               struct spawn_exit *ret_exit, struct err *error)
{
    struct message message;
    int r;

    *ret_event = SPAWN_NOTHING;
    if (!spawn->init && spawn->started)
        return read_end(spawn, wait, ret_event, ret_exit, error);
    do {
        r = message_receive(spawn->channel_fd, wait, &message);
        if (r == 0)
            return read_closed(spawn, ret_event, ret_exit, error);
        if (r == -EAGAIN)
            return 0;
        if (r < 0)
            return err_set(error, -r, "cannot read from the run's first process: %s", err_name(-r));
    } while (!read_message(spawn, &message, ret_event, ret_exit, error));
    return 0;
}

/* ---- signal, reap, close -------------------------------------------------------------------------------- */

int spawn_reap(struct spawn *spawn, bool kill, struct err *err)
{
    siginfo_t info;
    int r;

    if (spawn->reaped)
        return 0;
    if (kill)
        sys_pidfd_send_signal(spawn->box_pidfd, SIGKILL);
    r = box_wait(spawn, true, &info, NULL);
    return r < 0 ? err_set(err, -r, "cannot wait for the run's first process: %s", err_name(-r))
                 : 0;
}

pid_t spawn_command_pid(const struct spawn *spawn)
{
    return spawn->command_pidfd < 0 ? -ESRCH : sys_pidfd_pid(spawn->command_pidfd);
}

int spawn_signal(const struct spawn *spawn, int signal)
{
    return spawn->command_pidfd < 0 ? -ESRCH : sys_pidfd_send_signal(spawn->command_pidfd, signal);
}

void spawn_close(struct spawn *spawn)
{
    spawn->box_pidfd = fd_close(spawn->box_pidfd);
    spawn->command_pidfd = fd_close(spawn->command_pidfd);
    spawn->channel_fd = fd_close(spawn->channel_fd);
    spawn->terminal_fd = fd_close(spawn->terminal_fd);
}
