/*
 * run: the verbs, and the only conductor: it joins plan, record, groups, launch, watch, verdict and
 * clean-up into one way that every run goes.
 *
 *   plan ─► record ─► groups (limits written, read back) ─► launch ─► watch ─► figures ─► verdict ─►
 *   groups removed ─► record removed ─► result
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"
#include "metric/metric.h"
#include "spec/spec.h"

struct engine; /* where runs happen: the run directory, and what was found on the machine */
struct run;    /* one run under way */

/* state_dir NULL: the default. Touches nothing. */
int engine_open(const char *state_dir, struct engine **ret, struct err *err);
void engine_close(struct engine *engine);
void engine_closep(struct engine **engine);
/* Are we without the privileges of root on the host? */
bool engine_is_rootless(const struct engine *engine);
/*
 * The process ends when the verb does: what a run in the foreground holds, memory and descriptors, is then left to
 * the kernel to take. Whatever would stay after the process is removed all the same.
 */
void engine_set_last(struct engine *engine);
bool engine_is_last(const struct engine *engine);

/* The run directory that engine_open() was given, or NULL. */
const char *engine_state_dir(const struct engine *engine);
/*
 * Where images, containers and networks are kept; NULL: the default, /var/lib/ration or the user's own beneath
 * $XDG_DATA_HOME. Both give NULL when there is no memory.
 */
int engine_set_data_dir(struct engine *engine, const char *path, struct err *err);
const char *engine_data_dir(struct engine *engine);
/* Where the files of names of runs are made, for struct spec_world. */
const char *engine_names_dir(struct engine *engine);
/* Undo what one dead run's record names; engine is a struct engine. See record_reclaim_fn. */
int engine_reclaim_record(void *engine, const char *name, const char *text, struct err *err);

/* Undo what killed runs left. Returns their number, or -errno if something remains. */
int engine_reclaim(struct engine *engine, struct err *err);

/*
 * What describing a run may ask of this machine: our ids and capabilities, files, devices, names. rootless:
 * our ranges of subordinate ids are looked up, too. The strings in it live as long as the process.
 */
int run_world(bool rootless, struct spec_world *ret, struct err *err);

/* What a run of this spec would write; with everything that explains it. */
struct run_plan {
    struct plan *plan;
    struct layout layout;
    struct machine machine;
    struct plan_ceiling *ceilings;
    size_t n_ceilings;
    char *
        refusal; /* owned: why a run of this user's would be refused, where the plan is another's */
};

/*
 * layout: "here" or a name that layout_example() knows. Touches nothing. Where an ordinary user's run
 * would be refused for want of rights, the plan is root's, and refusal says so.
 */
int run_plan(struct engine *engine, const struct spec *spec, const char *layout,
             struct run_plan *ret, struct err *err);
void run_plan_done(struct run_plan *plan);

/*
 * Put the limits in force and start COMMAND. stdio: what it gets as 0, 1, 2 (-1: /dev/null). The spec
 * must live until run_free(). On error nothing is left behind.
 */
int run_start(struct engine *engine, const struct spec *spec, const int stdio[3], struct run **ret,
              struct err *err);
/* Wait for the end; clean up; the result is the caller's to free. */
int run_wait(struct run *run, struct result **ret, struct err *err);
/* Start, forward signals, relay the terminal, wait. */
int run_foreground(struct engine *engine, const struct spec *spec, const int stdio[3],
                   struct result **ret, struct err *err);

const char *run_name(const struct run *run);
/* Its place in a network, for as long as run is there; NULL: it has none. See net/net.h. */
struct net_info;
const struct net_info *run_network(const struct run *run);

/*
 * What a supervisor of its own adds: it joins the loop in which the run is waited for with descriptors and
 * timers of its own, before the wait begins, and hears when COMMAND has begun. Both give 0 or -errno, which
 * ends the run.
 */
struct run_watch {
    int (*joined)(void *data, struct run *run, struct loop *loop);
    int (*started)(void *data);
    /*
     * COMMAND has ended; may be NULL. Whoever started further processes by run_process_start() waits for them
     * here: as long as nobody has, the run's process namespace does not end (pid_namespaces(7)).
     */
    void (*ended)(void *data);
    void *data;
};
/*
 * Start and wait for the end with such a watch; foreground: signals forwarded and the terminal at stdio[0]
 * relayed, as run_foreground() does.
 */
int run_supervised(struct engine *engine, const struct spec *spec, const int stdio[3],
                   const struct run_watch *watch, bool foreground, struct result **ret,
                   struct err *err);
/* COMMAND's process as we see it; 0 before it has begun and when it is gone. */
pid_t run_pid(const struct run *run);
/* Give COMMAND's terminal a size. Does nothing for one without. */
int run_resize(struct run *run, unsigned short rows, unsigned short columns);

/*
 * These three may be called by other threads while one is in run_wait(). limits: those that are to change,
 * nothing else; all of them do, or on error none.
 */
int run_signal(struct run *run, int signal, struct err *err);
int run_update(struct run *run, const struct limit_set *limits, struct err *err);
int run_freeze(struct run *run, bool frozen, struct err *err);
/* One limit as it is in force now into a set, for those of many entries, of which some may change. */
int run_copy_limit(struct run *run, enum limit_id limit, struct limit_set *ret);

void run_free(struct run *run);

/* ---- a further process in a run that lives -------------------------------------------------------------- */

/*
 * Start what draft describes (COMMAND and the options of exec: spec_override_process()) in the namespaces and
 * groups of the run of that name, which any process may supervise, with the run's capabilities, rlimits, umask
 * and so on: the limits of the run hold for it, and its figures are the run's. stdio: what it gets as 0, 1, 2 (-1:
 * /dev/null). It ends when we do, and when the run does. -ESRCH: there is no such run, or it has ended; -EBUSY:
 * it is paused.
 *
 * In the foreground: signals are forwarded, the terminal is relayed, and *ret_status is as a shell tells it. detach:
 * it outlives us, and *ret_status is 0 when its program was executed.
 */
int run_exec(struct engine *engine, const char *name, const struct draft *draft,
             const struct spec_world *world, const int stdio[3], bool detach, int *ret_status,
             struct err *err);

/* The same for whoever has a loop of its own. */
struct run_process;
int run_process_start(struct engine *engine, const char *name, const struct draft *draft,
                      const struct spec_world *world, const int stdio[3], struct run_process **ret,
                      struct err *err);
/* Readable when it has ended; stays its own. */
int run_process_fd(const struct run_process *process);
/* SIGKILL, also for what it has started in its session. */
void run_process_kill(struct run_process *process);
/* Wait for its end: the status as a shell tells it, or -errno. */
int run_process_wait(struct run_process *process, struct err *err);
/* Ends it if it is still there. */
void run_process_free(struct run_process *process);

/* A process of a live run. Strings belong to the call. */
struct run_process_facts {
    pid_t pid, parent_pid; /* in our pid namespace */
    pid_t inner_pid;       /* in its own */
    uid_t uid;             /* in our user namespace */
    char state;            /* proc_pid_stat(5) */
    unsigned threads;
    uint64_t cpu_us, rss_bytes;
    uint64_t started_us;        /* CLOCK_REALTIME */
    const char *name, *command; /* of its program; all words, on one line */
};
typedef int (*run_process_fn)(void *data, const struct run_process_facts *process);
/*
 * Each process of the groups of the run of that name, whoever supervises it, by number. fn returns 0 to go on; anything
 * else ends the call and is returned. -ESRCH: there is no such run, or it has ended.
 */
int run_list_processes(struct engine *engine, const char *name, run_process_fn fn, void *data,
                       struct err *err);
