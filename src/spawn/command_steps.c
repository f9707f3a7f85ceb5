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

    return r < 0
               ? err_set(err, -r, "cannot enter the container's cgroup namespace: %s", err_name(-r))
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

/* A document's (execCPUAffinity) is of further processes, and not of its first one. */
static bool has_affinity(const struct launch *launch)
{
    return launch->entering || !launch->spec->document;
}

static bool has_affinity_initial(const struct launch *launch)
{
    return launch->spec->cpu_affinity_initial != NULL && has_affinity(launch);
}

static bool has_affinity_final(const struct launch *launch)
{
    return launch->spec->cpu_affinity_final != NULL && has_affinity(launch);
}

static bool has_scheduler(const struct launch *launch)
{
    return launch->spec->scheduler.set;
}

static bool has_io_priority(const struct launch *launch)
{
    return launch->spec->io_priority_set;
}

static bool has_personality(const struct launch *launch)
{
    return launch->spec->personality_set;
}

static bool has_apparmor(const struct launch *launch)
{
    return launch->spec->apparmor_profile != NULL;
}

static bool has_selinux(const struct launch *launch)
{
    return launch->spec->selinux_label != NULL;
}

static bool gains_nothing(const struct launch *launch)
{
    return launch->spec->document && launch->spec->no_new_privs;
}

static bool has_filter_last(const struct launch *launch)
{
    return launch->options->filter && launch->spec->no_new_privs;
}

static bool has_filter_privileged(const struct launch *launch)
{
    return launch->options->filter && !launch->spec->no_new_privs;
}

static bool has_listener(const struct launch *launch)
{
    return launch->options->listener != NULL;
}

/* What needs no program and takes privileges comes before the gate, what takes those away after it. */
static const struct step step_table[] = {
    { "affinity", has_affinity_initial, step_affinity_initial },
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
    { "affinity", has_affinity_final, step_affinity_final },
    { "scheduler", has_scheduler, step_scheduler },
    { "io priority", has_io_priority, step_io_priority },
    { "personality", has_personality, step_personality },
    { "apparmor", has_apparmor, step_apparmor },
    { "selinux", has_selinux, step_selinux },
    { "no new privileges", gains_nothing, step_no_gain },
    { "confine", is_confined, step_confine },
    { "listener", has_listener, step_listener },
    { "signals", NULL, step_signals },
    { "identity", has_user, step_identity },
    { "supervisor", dies_itself, step_die },
    { "descriptors", NULL, step_descriptors },
    { "seccomp", has_filter_privileged, step_filter_privileged },
    { "capabilities", NULL, step_capabilities },
    { "seccomp", has_filter_last, step_filter_last },
    { "exec", NULL, step_execute },
};

int command_steps(struct launch *launch, struct err *err)
{
    return steps_run(step_table, ARRAY_SIZE(step_table), launch, err);
}
