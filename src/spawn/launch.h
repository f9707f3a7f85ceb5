/*
 * A launch as its two child processes see it. Everything that needs the heap, libc's state or the
 * caller's memory is computed by launch_prepare() before the first clone; after it there are only
 * system calls, on this struct.
 */
#pragma once

#include "spawn/spawn.h"

#define MESSAGE_FDS 16 /* at most in one message: every hierarchy that there is */
#define JOINS_MAX   8  /* as many kinds of namespaces as there are */
#define PROGRAM_MAX 4096

/* What the command tells the box, in memory that both see. */
struct outcome {
    struct err err;      /* code 0: its program was executed */
    uint64_t started_us; /* CLOCK_MONOTONIC right before that */
    pid_t pid;           /* what clone_through() has cloned */
};

/*
 * A file system of our own making whose content nobody else has touched: what is beneath its target
 * is looked up from its root fd.
 */
struct base {
    const char *target;
    int fd;
    uint64_t attr; /* MOUNT_ATTR_* that it has */
    bool direct;   /* the kernel's own tree (proc, sysfs): names in it need no guarded look-up */
};

/* Where something is mounted: a directory fd and a name in it, "" for fd itself. */
struct place {
    int fd;
    const char *name;
    uint64_t attr; /* MOUNT_ATTR_* of the base that it is found in */
    bool owned;    /* fd is to be closed by place_done() */
    bool made;     /* it was missing */
};

struct launch {
    const struct spawn_options *options;
    const struct spec *spec;

    /* launch_prepare() */
    struct outcome *outcome;
    struct outcome own_outcome;
    bool borrows; /* the command borrows the box's memory; else outcome is a shared page */
    char **env;   /* what COMMAND gets */
    char *home;   /* "HOME=..." in the memory for accounts, added to it when home_wanted */
    bool home_wanted;
    const char *path; /* the value of its PATH */
    char *cwd;        /* absolute, owned */
    uid_t box_uid;    /* what the box becomes in its user namespace; -1: it stays who it is */
    gid_t box_gid;
    bool joins; /* COMMAND joins its unified group too; else it is born in it */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* in the memory for accounts, or the spec's */
    size_t n_groups;
    struct accounts *accounts; /* what the root's files say of the user; NULL: they are not asked */
    int stdio[3];
    int null_fd;  /* stands in stdio where -1 was asked for */
    int *sources; /* per mount: detached tree of a bind mount's source, -1: none */
    int *
        idmaps; /* per mount: user namespace whose maps its owners are shown through; NULL: none has */
    int *
        copied; /* per mount: locked, of a volume that is to get its target's content, -1: none; NULL */
    int *nodes;              /* per device: detached tree of the host's node, -1: none */
    int join_fds[JOINS_MAX]; /* per spec->joins, -1: not to be entered */
    uint64_t joined;         /* CLONE_NEW* of those to be entered */
    bool through;            /* they are entered before the box is cloned, by another process */
    bool entering;           /* spawn_enter(): the container is there already */
    uint64_t enter_mask;     /* its namespaces that are not ours */
    char **listen_pid;       /* the variable of env that tells COMMAND's own number, or NULL */
    char listen_text[24];

    /* spawn_go() */
    int v2_fd; /* -1: none */
    int tasks_fds[MESSAGE_FDS];
    size_t n_tasks_fds;
    bool has_gone; /* it was called */

    /* the box */
    struct later *later; /* where to put what comes later */
    int supervisor_fd;   /* the other end of the channel, to be closed by the box */
    int channel_fd;      /* after the gate: the connection of whoever lets COMMAND begin */
    int hook_fds[2];     /* spawn_continue(): state documents for the box's own hooks, -1: none */
    uint64_t ignored;    /* signals: bit N - 1 is signal N */
    int root_fd;
    int overlay_fd; /* the root, where it was made outside; else -1 */
    int proc_fd;    /* a procfs that is certainly one */
    int own_proc_fd; /* the runtime's own: nothing of the container's is mounted in it; -1: not needed */
    pid_t outer_pid; /* our number there */
    int dev_fd;      /* the fresh /dev, -1: none */
    struct base bases[4];
    size_t n_bases;
    int here_fd;      /* what "." is for mount(2); -1: unknown */
    mode_t umask;     /* before it was cleared */
    int null_tree_fd; /* a spare detached /dev/null, for the next mask */
    int empty_fd;     /* the first empty directory that masks, attached */
    struct place cgroup;
    uint64_t cgroup_attr;
    bool cgroup_wanted, cgroup_in_base;
    const char *cgroup_target; /* of the mount that shows the groups; NULL: none does */
    int cwd_fd;
    int terminal_fd, tty_fd; /* master and slave */
    pid_t command_pid;
    int command_pidfd;
    char program[PROGRAM_MAX]; /* with a document: where COMMAND was found */
};

/* spawn_options.later, as it is sent: the mounts last, and no more of them than there are. */
#define LATER_RLIMITS_MAX 24
#define LATER_MOUNTS_MAX  16
#define LATER_NAME_MAX    160

struct later_mount {
    int version;
    char options[LATER_NAME_MAX], target[LATER_NAME_MAX];
};

struct later {
    unsigned n_rlimits, n_mounts;
    bool no_user_namespaces;
    struct spawn_rlimit rlimits[LATER_RLIMITS_MAX];
    struct later_mount mounts[LATER_MOUNTS_MAX];
    /* not sent: what the box makes of it */
    struct spawn_options told;
    struct spawn_cgroup_mount shown[LATER_MOUNTS_MAX];
};

/* In the box, with spawn_options.later: wait for them. Idempotent. (later.c) */
int later_await(struct launch *launch, struct err *err);

/* One thing that a child does. condition NULL: always. */
struct step {
    const char *name;
    bool (*condition)(const struct launch *launch);
    int (*fn)(struct launch *launch, struct err *err);
};

/* Run in order; the first failure ends it and gets the step's name. */
int steps_run(const struct step *table, size_t n, struct launch *launch, struct err *err);

/* ---- prepare.c: in the supervisor, before the clone -------------------------------------------- */

int launch_prepare(struct launch *launch, const struct spawn_options *options, bool entering,
                   struct err *err);
void launch_done(struct launch *launch);

/* A pair of sockets for messages, neither of them 0, 1 or 2. */
int channel_open(int *ret_ours, int *ret_box, struct err *err);

/* The signals that we ignore: bit N - 1 is signal N. */
uint64_t signals_ignored(void);

/* ---- join.c: namespaces that exist already ------------------------------------------------------- */

/* In the supervisor: open them and see that they are what they are said to be. */
int joins_open(struct launch *launch, struct err *err);
void joins_close(struct launch *launch);
/* Enter them, but for the cgroup namespace, whose turn comes after the groups'. */
int joins_enter(struct launch *launch, struct err *err);
/*
 * Clone a child of ours from within other namespaces: by a process in between that does enter(launch), clones
 * it as its own sibling, and ends. flags: CLONE_* beyond those that this takes; v2_fd: the group to be born
 * in, or -1. main is the child's whole life; borrowing says that it ends in exec soon and may use our
 * memory until then. Returns the child's number or -errno with err set.
 */
struct passage {
    int (*enter)(struct launch *launch, struct err *err);
    int (*main)(void *launch);
    uint64_t flags;
    int v2_fd;
    bool borrowing;
};
pid_t clone_through(struct launch *launch, const struct passage *passage, int *ret_pidfd,
                    struct err *err);
/* What kept clone3(2) from making the box, as a sentence. */
int box_clone_failed(const struct spec *spec, int code, struct err *err);

/* ---- self.c --------------------------------------------------------------------------------------- */

/* First thing in a child, which may borrow the supervisor's memory: self_settle() is to be the last to close it. */
void self_settle_child(void);

/* ---- enter.c ------------------------------------------------------------------------------------- */

/* In the supervisor: the namespaces of options->enter_pidfd that are not ours. */
int enter_compare(struct launch *launch, struct err *err);

/* ---- hook.c -------------------------------------------------------------------------------------- */

/* How a hook is run; channel_fd: ends when this is hung up, -1: does not; umask_set: with that mask. */
struct hook_call {
    const struct spec_hook *hook;
    int state_fd, channel_fd;
    bool umask_set;
    mode_t umask;
    int code; /* errno of its execve(2) */
};
int hook_run(struct hook_call *call, struct err *err);

/* ---- descriptors.c --------------------------------------------------------------------------------- */

/* Close all file descriptors from first on but the n of keep, of which -1 is none. 0 or -errno. */
int descriptors_close_but(unsigned first, const int *keep, size_t n);
/* The first that is not COMMAND's. */
unsigned descriptors_first(const struct launch *launch);

/* ---- maps.c: in the supervisor, after the clone -------------------------------------------------- */

/* Write the box's user and group maps, or have newuidmap and newgidmap do it. */
int maps_write(const struct spec *spec, pid_t box_pid, struct err *err);

/* ---- box.c, box_steps.c --------------------------------------------------------------------------- */

/* The box's whole life. */
_Noreturn void box_main(struct launch *launch);
int box_steps(struct launch *launch, struct err *err);

/* ---- command_steps.c: the command's whole life, unless it executes its program --------------------- */

int command_steps(struct launch *launch, struct err *err);

/* ---- place.c ------------------------------------------------------------------------------------------ */

enum place_flags {
    PLACE_REAL = 1 << 0,      /* refuse symbolic links on the way */
    PLACE_MAKE_DIR = 1 << 1,  /* make what is missing, a directory last */
    PLACE_MAKE_FILE = 1 << 2, /* ... an empty file last */
};

/* Find target beneath the run's root, as the run itself would; no path leads out. */
int place_find(struct launch *launch, const char *target, unsigned flags, struct place *ret,
               struct err *err);
void place_done(struct place *place);
/* Mount a detached tree there. 0 or -errno. */
int place_attach(const struct place *place, int tree_fd);
/* mount(2) there. source NULL: the type's name. 0 or -errno. */
int place_mount(struct launch *launch, const struct place *place, const char *fstype,
                const char *source, unsigned long flags, const char *data);
/* mount(2) of the place onto itself, MS_BIND, or its attributes, MS_REMOUNT|MS_BIND. 0 or -errno. */
int place_bind(struct launch *launch, const struct place *place, unsigned long flags);
/* Something was mounted at target: bases at it or beneath are no longer what they were. */
void place_covered(struct launch *launch, const char *target);
void place_add_base(struct launch *launch, const struct spec_mount *mount, int fd, bool direct);

/* ---- mounts.c, dev.c, mask.c, attr.c, fs.c -------------------------------------------------------- */

/* Open what the binds show, before any mount hides it. */
int mounts_open_sources(struct launch *launch, struct err *err);
int mounts_make(struct launch *launch, struct err *err);
/* Those beneath the cgroup mount, once there is something to mount them in. */
int mounts_make_late(struct launch *launch, struct err *err);

/* Nodes, links and directories of the fresh /dev; fd is its root, not attached yet. */
int dev_fill(struct launch *launch, int fd, struct err *err);
/* What can only be done when it is attached: nodes that are the host's. */
int dev_attach_nodes(struct launch *launch, int fd, struct err *err);

int mount_mask(struct launch *launch, const struct spec_mount *mount, struct err *err);
int mount_remount(struct launch *launch, const struct spec_mount *mount, struct err *err);

/*
 * A new instance of a file system, not attached: its root fd, or -errno with err set. source: what it is
 * made from, or what stands for it in the list of mounts; NULL: the type's name.
 */
int fs_make(const char *fstype, const char *source, const char *data, uint64_t attr,
            struct err *err);
/*
 * Options as text into what mount(2) takes as flags ("sync"), added to *ret_flags, and the rest. Pure. 0 or
 * -E2BIG.
 */
int data_split(const char *data, char *ret_rest, size_t size, unsigned long *ret_flags);
/* MOUNT_ATTR_* as mount(2) flags. */
unsigned long attr_to_flags(uint64_t attr);
/* Change the attributes of the mount whose root fd is (AT_RECURSIVE: and of those beneath). The mount
 * must be attached where the kernel has no mount_setattr(2). 0 or -errno. */
int attr_apply(int fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation);

/* ---- exec.c ---------------------------------------------------------------------------------------- */

/* Find COMMAND's program, in launch->program, and see that it may be executed. */
int command_locate(struct launch *launch, struct err *err);
/* Execute COMMAND; returns only with an error. */
int command_execute(struct launch *launch, struct err *err);

/* ---- message.c: what goes over the channel ---------------------------------------------------------- */

enum message_kind {
    MESSAGE_MAPPED = 1, /* supervisor to box: the maps are written */
    MESSAGE_GO, /* supervisor to box: n_tasks, ignored; fds: `tasks` files, then the group to be born in */
    MESSAGE_TERMINAL, /* fds: pty master; only without init */
    MESSAGE_STARTED,  /* fds: COMMAND's pidfd, pty master with tty */
    MESSAGE_FAILED,   /* err */
    MESSAGE_EXITED,   /* exit */
    MESSAGE_READY,    /* box to supervisor: before the root is entered */
    MESSAGE_CONTINUE, /* supervisor to box: n_tasks, bit N: hook_fds[N] is among the fds */
    MESSAGE_CREATED,  /* box to supervisor: at the gate */
    MESSAGE_RELEASE,  /* supervisor to box: to stay there without it */
    MESSAGE_BEGIN,    /* over a connection through the gate */
};

struct message {
    enum message_kind kind;
    union {
        struct {
            int n_tasks;
            uint64_t ignored; /* signals: bit N - 1 is signal N */
        };
        struct err err;
        struct spawn_exit exit;
    };
    /* not sent as bytes */
    int fds[MESSAGE_FDS];
    size_t n_fds;
};

/* Is it MESSAGE_GO? Then the launch has what it brings. (box_steps.c) */
bool go_take(struct launch *launch, const struct message *message);
/* 0 or -errno; MSG_NOSIGNAL. */
int message_send(int fd, const struct message *message);
/* A text and one file descriptor to somebody who is not us. 0 or -errno. */
int fd_send(int socket_fd, int fd, const char *text);
/* 1: received, its fds are the caller's; 0: the other end is closed; -EAGAIN: nothing yet. */
int message_receive(int fd, bool wait, struct message *ret);

/* How an end is told: waitid(2) code, status and usage. */

struct rusage;
void exit_fill(struct spawn_exit *ret, int code, int status, const struct rusage *usage);
