/*
 * spawn: the parent and child halves of a launch.
 *
 *   supervisor ── clone3(namespaces) ──► box (process 1 of the run's pid namespace, ration's reaper)
 *                                         box steps: maps, mounts, root, hostname, /dev, network ...
 *                                         └─ clone3(INTO_CGROUP, VM|VFORK) ──► command
 *                                             command steps: join groups, cgroup namespace, terminal,
 *                                             rlimits, identity, capabilities, exec
 *   Without init the box itself runs the command steps and becomes COMMAND.
 *
 * Both lists are tables of named steps, in box_steps.c and command_steps.c; the name of a failing step
 * is the error's location. Limits are in force before the command exists, so nothing runs unlimited
 * for a moment: the supervisor calls spawn_go() only with groups whose plan was written and read
 * back. Steps that need not be in the run's groups are the box's, so that they are not in its figures.
 */
#pragma once

#include <linux/filter.h>

#include "base/base.h"
#include "spec/spec.h"

/* How the command enters its groups (see cgroup.h; numbers only, siblings do not meet). */
struct spawn_groups {
    int v2_fd;            /* group directory to be born in (CLONE_INTO_CGROUP); -1: none */
    const int *tasks_fds; /* `tasks` files to join by writing "0" */
    size_t n_tasks_fds;
};

/* An rlimit that the command sets on itself right before exec. */
struct spawn_rlimit {
    int resource;
    uint64_t soft, hard; /* UINT64_MAX: RLIM_INFINITY */
};

/* The cgroup hierarchies to show inside (MOUNT_CGROUP): where, and how they are mounted. */
struct spawn_cgroup_mount {
    int version;
    const char *options; /* version 1: "cpu,cpuacct" or "none,name=systemd"; version 2: NULL */
    const char *target;  /* relative to the cgroup mount: "memory", "unified" or "" */
};

struct spawn_options {
    const struct spec *spec;
    const struct spawn_rlimit *rlimits;
    size_t n_rlimits;
    const struct spawn_cgroup_mount *cgroup_mounts;
    size_t n_cgroup_mounts;
    bool no_user_namespaces; /* COMMAND may not make any */
    bool later;   /* the five above are not known yet: spawn_tell() tells them, before spawn_go() */
    int stdio[3]; /* what COMMAND gets as 0, 1, 2 when it has no terminal; -1: /dev/null */
    unsigned short rows, columns; /* initial terminal size, 0: 24x80 */
    /*
     * Everything of the run ends when the supervisor does. Without init this is a wish that the kernel
     * forgets when COMMAND gains privileges by exec (PR_SET_PDEATHSIG), and that it fulfils already when
     * the thread ends that called spawn_start().
     */
    bool die_with_supervisor;

    /* ---- containers that outlive their supervisor: the box becomes COMMAND (no init). -1 and 0 in what
     * is not used. */

    int network_fd; /* with SPEC_NETWORK_JOIN: the network namespace that is joined */
    int v2_fd; /* the group in which the box is born (CLONE_INTO_CGROUP), or -1: it joins later */
    /*
     * A listening socket (SOCK_SEQPACKET) on which COMMAND's process waits, with everything prepared that
     * needs no program yet, until somebody calls spawn_begin() on a connection to it; -1: it does not wait.
     */
    int gate_fd;
    int console_fd;           /* a connected socket that is sent the terminal's master; -1: none */
    unsigned n_preserved_fds; /* 3 and as many more stay open */
    bool hooks;               /* stop before the root is entered: SPAWN_READY, spawn_continue() */
    const struct sock_fprog *filter;       /* COMMAND's system call filter; NULL: none */
    unsigned filter_flags;                 /* SECCOMP_FILTER_FLAG_* */
    const struct spawn_listener *listener; /* where the filter's notify fd goes; NULL: nowhere */
    int enter_pidfd;                       /* for spawn_enter(): a process of the container */
};

/* seccomp(2), SECCOMP_FILTER_FLAG_NEW_LISTENER: the fd goes to a socket together with a document. */
struct spawn_listener {
    int socket_fd; /* connected */
    /* JSON around the process's number ("pid"), which only the process knows; sent as before + N + after */
    const char *before, *after;
};

enum spawn_event {
    SPAWN_NOTHING, /* nothing to tell yet */
    SPAWN_STARTED, /* COMMAND's program was executed */
    SPAWN_FAILED,  /* it was not: error holds the step and the sentence */
    SPAWN_EXITED,  /* COMMAND ended */
    SPAWN_READY,   /* with hooks: namespaces and mounts are made; waits for spawn_continue() */
    SPAWN_CREATED, /* with gate_fd: COMMAND's process waits at the gate, once spawn_release() was called */
};

struct rusage;

/* A launch under way. All fds belong to it. */
struct spawn {
    pid_t box_pid; /* the process that ration must reap (box, or COMMAND without init) */
    int box_pidfd;
    int command_pidfd; /* of COMMAND once started; -1 before */
    int channel_fd;    /* readable or hung up when spawn_read() has something to tell */
    int terminal_fd;   /* pty master once started with tty, else -1 */
    bool init;         /* a box stands between us and COMMAND */
    bool joins;        /* COMMAND joins its unified group instead of being born in it */
    bool gated;        /* COMMAND's process stops at a gate before it is COMMAND */
    bool started, reaped;
};

/*
 * Make the box, which prepares the run's surroundings at once and then waits for spawn_go(): mounts and
 * groups are made at the same time, by two processes. On error nothing is left.
 */
int spawn_start(const struct spawn_options *options, struct spawn *ret, struct err *err);

/*
 * With options.later: what was not known when the launch began, with later unset. Strings are copied. Told at once,
 * the box need not wait for it.
 */
int spawn_tell(struct spawn *spawn, const struct spawn_options *options, struct err *err);

/*
 * The limits are in force: let COMMAND begin, in these groups. Whether it does is told by spawn_read(),
 * also when the box has failed meanwhile. The group fds stay the caller's.
 */
int spawn_go(struct spawn *spawn, const struct spawn_groups *groups, struct err *err);

/*
 * After SPAWN_READY. creating, created: files (memfds) with the state documents that the hooks of
 * HOOK_CREATE_CONTAINER and HOOK_START_CONTAINER read as their standard input; -1: there are no such hooks.
 */
int spawn_continue(struct spawn *spawn, int creating_fd, int created_fd, struct err *err);

/*
 * After SPAWN_CREATED: it is on record and stays when we go. Until then it ends with us. The launch can be
 * closed afterwards; nothing of it is waited for.
 */
int spawn_release(struct spawn *spawn, struct err *err);

/*
 * At the other end of the gate: COMMAND is to begin. connection_fd is connected to the socket that gate_fd
 * listened on. Returns when its program was executed, or the error that kept it from that.
 */
int spawn_begin(int connection_fd, struct err *err);

/*
 * A further process in a container that exists: options->enter_pidfd's namespaces are entered, those of
 * them that differ from ours, and options->spec's process is started there as our child, in the groups given.
 * The rest is as with spawn_start(), spawn_go() and no init: SPAWN_STARTED, SPAWN_EXITED.
 */
int spawn_enter(const struct spawn_options *options, const struct spawn_groups *groups,
                struct spawn *ret, struct err *err);

/*
 * Move the document's network devices into the network namespace of a process of the container, with their
 * permanent global addresses, and bring them up. To be called after SPAWN_READY, before spawn_continue(). On
 * error all of them are back.
 */
int spawn_move_netdevs(const struct spec *spec, pid_t pid, struct err *err);

/*
 * Run a hook in our own namespaces: state_fd (a file, read from its beginning) is its standard input, its
 * environment is the hook's own and nothing else. Its output is ours. Not 0, a signal or its timeout is
 * the error; whatever it has started in its process group is killed at the timeout.
 */
int spawn_hook(const struct spec_hook *hook, int state_fd, struct err *err);

/*
 * tree_remove() of what a run has written. An ordinary user's runs leave files of his subordinate ids, which only the root of a
 * user namespace with the same maps can remove: a process of ours becomes that where it has to. 0 or -errno; what is
 * not there is no error.
 */
int spawn_remove_tree(const struct spec_world *world, int dir_fd, const char *name);

/*
 * Put our own program out of reach of those that we start: to be called first thing by a program that makes
 * containers or enters them, before it has threads, with main()'s argv. Afterwards /proc/self/exe is the same
 * file on a read-only mount that nobody can change. Where that cannot be done in place our program is executed
 * again, with the same arguments, from there or from a sealed copy; then this does not return, and does
 * nothing the next time. 0 or -errno with err set.
 */
int self_protect(char *const *argv, struct err *err);
/* What self_protect() has left to be done when there is time for it: to be called while the launch is waited for. */
void self_settle(void);

/* What ended, as waitid(2) tells it. */
struct spawn_exit {
    bool exited; /* status is an exit status, else a signal */
    int status;
    bool core_dumped;
    uint64_t user_us, system_us;   /* of COMMAND and the children it waited for */
    uint64_t started_us, ended_us; /* CLOCK_MONOTONIC, as the box saw it; 0: unknown */
    uint64_t max_rss_bytes;        /* largest single process */
    uint64_t minor_faults, major_faults;
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t in_blocks, out_blocks;
};

/*
 * Take the next message of the launch; never blocks unless wait is true. SPAWN_FAILED fills error;
 * SPAWN_EXITED fills ret_exit. After SPAWN_FAILED or SPAWN_EXITED call spawn_reap().
 */
int spawn_read(struct spawn *spawn, bool wait, enum spawn_event *ret_event,
               struct spawn_exit *ret_exit, struct err *error);

/* Wait for the box to be gone (it ends by itself after COMMAND; everything in a pid namespace dies
 * with it). kill: SIGKILL it first. */
int spawn_reap(struct spawn *spawn, bool kill, struct err *err);

/* COMMAND's number in our pid namespace, looked up when asked for; -ESRCH before start and after the
 * end. */
pid_t spawn_command_pid(const struct spawn *spawn);

/* Signal COMMAND by its pidfd; -ESRCH before start and after the end. */
int spawn_signal(const struct spawn *spawn, int signal);
void spawn_close(struct spawn *spawn);
