/*
 * What COMMAND's process does before it is COMMAND, in this order. It is born in its group of the
 * unified hierarchy and joins the others itself, so that its program's first instruction is within all
 * limits.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* ---- groups ------------------------------------------------------------------------------------------------ */

/*
 * "0" is whoever writes it. Into `tasks`, from a process of one thread, it spares the kernel the lock
 * that makes other ways of joining wait for milliseconds when no one has joined for a while.
 */
static int step_join(struct launch *launch, struct err *err)
{
    for (size_t i = 0; i < launch->n_tasks_fds; i++) {
        int r = fd_write_all(launch->tasks_fds[i], "0", 1);
        if (r < 0)
            return err_set(err, -r, "cannot join the run's group %zu: %s", i, err_name(-r));
    }
    return 0;
}

static bool has_cgroup_namespace(const struct launch *launch)
{
    return !launch->entering && (launch->spec->namespaces & CLONE_NEWCGROUP) != 0;
}

static bool joins_cgroup_namespace(const struct launch *launch)
{
    return (launch->joined & CLONE_NEWCGROUP) != 0;
}

static bool enters_cgroup_namespace(const struct launch *launch)
{
    return (launch->enter_mask & CLONE_NEWCGROUP) != 0;
}

static int step_enter_cgroup_namespace(struct launch *launch, struct err *err)
{
    int r = sys_setns(launch->options->enter_pidfd, CLONE_NEWCGROUP);

    return r < 0 ? err_set(err, -r, "cannot enter the container's cgroup namespace: %s",
                           err_name(-r))
                 : 0;
}

/* After joining: the groups that one is in become the namespace's roots. */
static int step_cgroup_namespace(struct launch *launch, struct err *err)
{
    (void)launch;
    if (unshare(CLONE_NEWCGROUP) < 0)
        return err_set(err, errno, "--cgroupns: cannot make a cgroup namespace: %m");
    return 0;
}

static bool shows_groups(const struct launch *launch)
{
    return launch->cgroup_wanted;
}

static int cgroup_mount(struct launch *launch, const struct spawn_cgroup_mount *mount,
                        struct err *err)
{
    const char *fstype = mount->version == 2 ? "cgroup2" : "cgroup";
    struct place place = launch->cgroup;
    int r;

    place.owned = false;
    if (mount->target[0] != '\0')
        place.name = mount->target;
    r = place_mount(launch, &place, fstype, attr_to_flags(launch->cgroup_attr), mount->options);
    return r < 0 ? err_set(err, -r, "cannot show the run's own groups (%s %s): %s", fstype,
                           text_or_empty(mount->options), err_name(-r))
                 : 0;
}

/* The box shares its mount namespace, so what is mounted here stays; the view is this process's. */
static int step_cgroup_mounts(struct launch *launch, struct err *err)
{
    const struct spawn_options *options = launch->options;
    int r = 0;

    launch->here_fd = -1;
    for (size_t i = 0; i < options->n_cgroup_mounts && r >= 0; i++)
        r = cgroup_mount(launch, &options->cgroup_mounts[i], err);
    if (r < 0 || !(launch->cgroup_attr & MOUNT_ATTR_RDONLY) ||
        options->cgroup_mounts[0].target[0] == '\0')
        return r;
    /* The directories themselves. */
    r = attr_apply(launch->cgroup.fd, 0, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0
               ? err_set(err, -r, "cannot make the view of the groups read-only: %s", err_name(-r))
               : 0;
}

/* ---- signals, files, supervisor ------------------------------------------------------------------------------ */

/* Handlers vanish by themselves at exec; being ignored would be inherited. */
static int step_signals(struct launch *launch, struct err *err)
{
    sigset_t mask;

    for (int signal = 1; launch->ignored && signal <= 64; signal++) {
        if (!(launch->ignored & UINT64_C(1) << (signal - 1)))
            continue;
        int r = sys_signal_default(signal);
        if (r < 0)
            return err_set(err, -r, "cannot reset signal %d: %s", signal, err_name(-r));
    }
    sigemptyset(&mask);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
        return err_set(err, errno, "cannot unblock signals: %m");
    return 0;
}

/* 0, 1 and 2 stay, and what was promised; without init also what exec closes. */
static int step_descriptors(struct launch *launch, struct err *err)
{
    const struct spawn_listener *listener = launch->options->listener;
    const int keep[] = { launch->spec->init ? -1 : launch->channel_fd,
                         listener ? listener->socket_fd : -1 };
    int r = descriptors_close_but(descriptors_first(launch), keep, ARRAY_SIZE(keep));

    return r < 0 ? err_set(err, -r, "cannot close file descriptors: %s", err_name(-r)) : 0;
}

static bool dies_itself(const struct launch *launch)
{
    return !launch->spec->init && launch->options->die_with_supervisor;
}

/* Again, because a change of user has undone it; and it does not tell of a supervisor that was gone
 * before it was asked. */
static int step_die(struct launch *launch, struct err *err)
{
    struct pollfd channel = { .fd = launch->channel_fd };

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_set(err, errno, "cannot ask to be killed with the supervisor: %m");
    if (poll(&channel, 1, 0) > 0 && channel.revents & (POLLHUP | POLLERR))
        return err_set(err, EPIPE, "the supervisor went away");
    return 0;
}

static int step_execute(struct launch *launch, struct err *err)
{
    if (launch->listen_pid) {
        snprintf(launch->listen_text, sizeof(launch->listen_text), "LISTEN_PID=%d", (int)getpid());
        *launch->listen_pid = launch->listen_text;
    }
    launch->outcome->started_us = clock_us(CLOCK_MONOTONIC);
    return command_execute(launch, err);
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

static bool has_terminal(const struct launch *launch)
{
    return launch->spec->tty;
}

static bool has_no_terminal(const struct launch *launch)
{
    return !launch->spec->tty;
}

static bool has_oom_score(const struct launch *launch)
{
    return launch->spec->oom_score_adj_set && !launch->entering;
}

static bool has_user(const struct launch *launch)
{
    return launch->spec->identity_set || launch->spec->user != NULL || launch->n_groups > 0;
}

static bool is_confined(const struct launch *launch)
{
    return launch->options->no_user_namespaces;
}

static bool is_document(const struct launch *launch)
{
    return launch->spec->document;
}

static bool has_gate(const struct launch *launch)
{
    return launch->options->gate_fd >= 0 && !launch->spec->init && !launch->entering;
}

static bool has_start_hooks(const struct launch *launch)
{
    return launch->spec->hooks[HOOK_START_CONTAINER].n > 0 && !launch->entering;
}

/* What needs no program and takes privileges comes before the gate, what takes those away after it. */
static const struct step step_table[] = {
    { "join groups", NULL, step_join },
    { "cgroup namespace", has_cgroup_namespace, step_cgroup_namespace },
    { "cgroup namespace", joins_cgroup_namespace, step_join_cgroup_namespace },
    { "cgroup namespace", enters_cgroup_namespace, step_enter_cgroup_namespace },
    { "cgroup mounts", shows_groups, step_cgroup_mounts },
    { "terminal", has_terminal, step_terminal_take },
    { "stdio", has_no_terminal, step_stdio },
    { "oom score", has_oom_score, step_oom_score },
    { "directory", NULL, step_directory },
    { "find", is_document, command_locate },
    { "gate", has_gate, step_gate },
    { "hooks", has_start_hooks, step_start_hooks },
    { "rlimits", NULL, step_rlimits },
    { "confine", is_confined, step_confine },
    { "identity", has_user, step_identity },
    { "capabilities", NULL, step_capabilities },
    { "supervisor", dies_itself, step_die },
    { "signals", NULL, step_signals },
    { "descriptors", NULL, step_descriptors },
    { "exec", NULL, step_execute },
};

int command_steps(struct launch *launch, struct err *err)
{
    return steps_run(step_table, ARRAY_SIZE(step_table), launch, err);
}
