/* run, private: the state of one run, and the steps that the verbs are made of. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "cgroup/cgroup.h"
#include "monitor/monitor.h"
#include "net/net.h"
#include "run/container.h"
#include "run/run.h"
#include "run/terminal.h"
#include "seccomp/seccomp.h"
#include "spawn/spawn.h"
#include "state/state.h"
#include "systemd/systemd.h"

struct container;

struct engine {
    char *state_dir; /* NULL: the default */
    char *data_dir;  /* NULL: not asked for yet */
    char *names_dir; /* files of names, or NULL: not asked for yet */
    /* The container that container_inspect() has looked at last, open: exec goes on with it. NULL: none. */
    struct container *inspected;
    bool rootless;
    bool last;                   /* engine_set_last() */
    enum cgroup_manager manager; /* of containers' groups */
};

/* Bytes on their way from one descriptor to another, counted. */
struct relay {
    struct run *run;
    int from, to; /* from is owned when counted, but for a terminal, which is the launch's */
    int from_slot, to_slot;
    int retry_timer;           /* when COMMAND has no terminal open; only of a terminal's output */
    bool counted;              /* COMMAND's output, through a pipe or terminal of ours */
    bool end_of_file_is_typed; /* on end of input, send the terminal's ^D */
    bool done;
    size_t length, offset;
    char *data; /* owned, RELAY_BYTES; NULL: not in use */
};

#define RELAY_BYTES 4096u /* PIPE_BUF: what POLLOUT promises room for */

enum relay_id { RELAY_IN, RELAY_OUT, RELAY_ERR, RELAY_COUNT };

/* What a run makes in its root for mounts to stand on. */
struct targets {
    int root_fd; /* locked; -1: none */
    char **made; /* owned: paths in it, parents first; NULL: nothing was missing */
};

#define TARGETS_INIT ((struct targets){ .root_fd = -1 })

/* Undoing what killed runs left, a try at a time: their last processes may still be dying. */
struct reclaim {
    int timer;
    bool again; /* something remains */
    uint64_t pause_us, until_us;
};

struct run {
    struct engine *engine;    /* not owned */
    const struct spec *spec;  /* not owned */
    const char *cgroups_path; /* not owned: of its groups, or NULL: by its name */
    struct run_plan plan;
    struct cgroups *cgroups;
    struct state *state;
    struct record *record;
    struct targets targets;
    struct group *group; /* NULL: this run needs none */
    struct net *net;     /* NULL: it is in no network, or not yet */
    bool networked;      /* something of that may be there */
    bool linked;         /* and more than files and ports */
    int join_fd;         /* the network namespace of another run, or -1 */
    struct event_counts events;

    struct spawn spawn;
    bool spawned;
    bool reaped;
    int stdio[3];                 /* the caller's */
    int pipe_out[2], pipe_err[2]; /* between COMMAND and us, when output is counted */
    unsigned short terminal_rows, terminal_columns; /* 0: the default */

    struct loop loop;
    struct monitor monitor;
    bool monitored;
    struct relay relay[RELAY_COUNT];
    uint64_t output_bytes;

    /* How it went. */
    bool started, failed, ended;
    struct err start_error;
    struct spawn_exit exit;
    uint64_t begun_us, ended_us; /* CLOCK_MONOTONIC */
    uint64_t begun_realtime_us;
    enum stop_reason stopped;
    int stop_signal;
    bool killed;     /* by a SIGKILL of ours */
    int warn_signal; /* sent at a soft limit, 0: none was reached */
    enum limit_id warn_limit;
    int idle_timer; /* ends the wait for output that nobody writes any more */
    int stop_timer; /* escalates a stop signal to SIGKILL */
    struct reclaim reclaim;
    int channel_slot;
    int (*on_started)(struct run *run); /* for the verb in the foreground, or NULL */
    void *foreground;
    const struct run_watch *watch; /* not owned; NULL: nobody watches besides */
    int wake_fd;                   /* eventfd: another thread changed something */
    bool frozen;

    /*
     * Held around the use of whatever other threads may change or ask: everything here but for the loop and
     * what only serves it. Recursive, since callbacks of the loop call each other.
     */
    pthread_mutex_t lock;
    atomic_int signalled;   /* the last ending signal that came before COMMAND had begun */
    struct result *changes; /* its limits: those that run_update() changed, in order; NULL: none */
    unsigned n_cpus;        /* how fast CPU time can pass */
};

/* engine.c */
int engine_open_state(struct engine *engine, struct state **ret, struct err *err);
/* at_once: wait for nobody; what is still dying remains. -EBUSY: something remains. */
int engine_reclaim_state(struct engine *engine, struct state *state, bool at_once,
                         unsigned *ret_reclaimed, struct err *err);

/* plan.c */
/* Look at what this spec, with groups at path, needs of the hierarchies; *ret_parts: what it needs to know of the machine. */
int run_open_cgroups(const struct engine *engine, const struct spec *spec, const char *path,
                     struct cgroups **ret, unsigned *ret_parts, struct err *err);
int run_plan_here(const struct engine *engine, const struct cgroups *cgroups, unsigned parts,
                  const struct spec *spec, struct run_plan *ret, struct err *err);

/* start.c: run_start() with the first size of COMMAND's terminal */
int run_start_sized(struct engine *engine, const struct spec *spec, const int stdio[3],
                    unsigned short rows, unsigned short columns, struct run **ret, struct err *err);

/* The parts of a run's life that containers have too; run is zeroed memory. */
void run_init(struct run *run, struct engine *engine, const struct spec *spec, const int stdio[3]);
int run_make_plan(struct run *run, struct err *err);
/* Close and free everything; nothing is removed. */
void run_done(struct run *run);

/* launch.c */
/* From a spec to a COMMAND under its plan. */
int run_launch(struct run *run, struct err *err);
bool launch_needs_group(const struct run *run);
/* The lines of the record by which all of it can be undone. */
int launch_record_lines(struct run *run, struct buf *ret, struct err *err);
#define CGROUP_MOUNTS_MAX 16
size_t launch_cgroup_mounts(const struct run *run, struct spawn_cgroup_mount *ret, size_t max);
/* The plan's writes to the process itself, in the form in which the child needs them. */
size_t launch_rlimits(const struct plan *plan, struct spawn_rlimit *ret, size_t max);
/* May COMMAND make no user namespaces, since it would see groups of others from there? */
bool launch_is_confined(const struct run *run);
/* Let it begin, in its groups. */
int launch_go(struct run *run, struct err *err);

/* targets.c */
/* Find what is missing in the root, and keep others from taking away what will be made there. */
int targets_find(struct targets *targets, const struct spec *spec, struct err *err);
/* The lines of the record by which targets_reclaim() removes it, should we not come to it. */
void targets_record(const struct targets *targets, const struct spec *spec, struct buf *ret);
int targets_reclaim(const char *record);
/* A name that the root has whoever looks at it; false: there is none. */
#define TARGETS_NAME_SIZE 48
bool targets_name(const struct targets *targets, char *ret, size_t size);
/* Remove what is empty, unless another run uses the root. The processes of the run have ended. */
void targets_remove(struct targets *targets);

/* reclaim.c */
/* While COMMAND is at work and its limits are watched: nothing here waits. 0 or -errno. */
int reclaim_begin(struct run *run);
/* When it has ended: what is left of the time that dead runs are given. */
void reclaim_end(struct run *run);

/* relay.c */
/* to -1: the bytes are counted and dropped, as /dev/null would. 0 or -errno. */
int relay_start(struct run *run, enum relay_id id, int from, int to);
/* COMMAND runs: join its terminal, if it has one, to the caller's files. */
int relay_terminal(struct run *run);
bool relay_all_done(const struct run *run);
/* Is there output that our own reader has not taken yet? */
bool relay_has_bytes(const struct run *run);
/* COMMAND has ended: there will be no more than what there is. */
void relay_finish(struct run *run);
void relay_done(struct relay *relay);

/* wait.c */
/* End COMMAND now; the first reason given is the one that counts. */
int run_stop(struct run *run, enum stop_reason reason);
/* Pass a signal on that may end COMMAND; before COMMAND has begun it waits for that. */
int run_pass_signal(struct run *run, int signal);
/* Pass an ending signal on, and make sure of the end after the stop timeout. */
int run_stop_gently(struct run *run, int signal);

/* Watch a container's process to its end: its terminal and its signals alone; run->exit tells how. */
int run_attend(struct run *run, struct err *err);

/* start.c: let a supervisor of its own join. */
int run_join_watch(struct run *run, const struct run_watch *watch, struct err *err);

/* foreground.c */
struct foreground {
    sigset_t old_mask;
    int signal_fd;
    struct terminal terminal;
};
/* From here on signals wait for us. */
int foreground_begin(struct foreground *foreground, struct err *err);
/* run_attend() with signals forwarded and the terminal relayed. */
int foreground_attend(struct foreground *foreground, struct run *run, struct err *err);
void foreground_end(struct foreground *foreground);

/* container_process.c */

/* A process that is told from a later one of the same number by when it started. */
struct process {
    pid_t pid;            /* in our pid namespace; 0: none */
    uint64_t start_ticks; /* /proc/PID/stat, field 22 */
};

/* As it runs now; -ESRCH. */
int process_find(pid_t pid, struct process *ret);
/* Not a zombie either, and no other process of that number. */
bool process_is_alive(const struct process *process);
/* A pidfd that is certainly its own; -ESRCH. */
int process_open(const struct process *process);
/* "PID START-TICKS", as records have it. */
bool process_parse(const char *text, struct process *ret);

/* exec.c */

/* What of the run a further process has to know, for the record; and who COMMAND is, once it runs. */
int exec_record_lines(const struct run *run, struct buf *ret, struct err *err);
void exec_record_command(struct run *run);

/* enter.c */

/*
 * A further process where others of a run or a container are. The caller fills in what is its own to know:
 * options (spec, stdio, filter ...; not what stands here besides), way, rlimits.
 */
struct entry {
    struct run run; /* by run_init() */
    struct spawn_options options;
    struct group_way way; /* owned */
    struct spawn_rlimit rlimits[RLIM_NLIMITS + 4];
    size_t n_rlimits;
    int pidfd; /* of one of those others, owned */
};

void entry_init(struct entry *entry, struct engine *engine, const struct spec *process,
                const int stdio[3]);
/* Start it: when this returns 0, its program was executed. */
int entry_start(struct entry *entry, struct err *err);
/*
 * In the foreground: steps(data) come to entry_start(), then signals and terminal are passed on until its end, which
 * entry->run.exit tells.
 */
int entry_attend(struct entry *entry, int (*steps)(void *data, struct err *err), void *data,
                 struct err *err);
void entry_done(struct entry *entry);

/* network.c */
/* Is there anything to make and to remove? */
bool network_is_wanted(const struct spec *spec);
/* The lines of the record by which network_reclaim() undoes it. */
void network_record_lines(const struct run *run, struct buf *ret);
int network_reclaim(const char *name, const char *record, struct err *err);
/* Open the network of the run that is to be joined. */
int network_join(struct run *run, struct err *err);
/* Ports and files; then, in the box's network namespace, the rest; and wait for that. */
int network_prepare(struct run *run, struct err *err);
int network_start(struct run *run, struct err *err);
int network_finish(struct run *run, struct err *err);
int network_clean(struct run *run, struct err *err);

/* clean.c */
/* Kill what is left, remove groups and record. Idempotent. */
int run_clean(struct run *run, struct err *err);
/* The group is removed, or another call's to remove. */
void run_leave_group(struct run *run);

/* result.c */
int run_make_result(struct run *run, const struct sample *final, struct result **ret,
                    struct err *err);
