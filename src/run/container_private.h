/* run, private: a container as a verb has it open, and the steps that the verbs of containers share. */
#pragma once

#include "run/run_private.h"

/* How long a verb waits for another one that is at the same container, and for processes to be gone. */
#define CONTAINER_LOCK_US 20000000u
#define CONTAINER_END_US  10000000u

struct container {
    struct engine *engine; /* not owned */
    struct state *state;
    struct record *record; /* locked; NULL: it is only looked at */
    char *name;
    struct buf text;              /* the record */
    bool being_made;              /* by another call, right now */
    bool intact;                  /* the record is whole, as its second account confirms */
    char gate[GATE_NAME_SIZE];    /* "": none */
    char root[TARGETS_NAME_SIZE]; /* what its root is called, see targets_name(); "": none */
    char *path;                   /* of its groups, as cgroups_options has it; NULL: by its name */
    struct process init;          /* its first process */
    struct cgroups *cgroups;
    struct group *group;   /* container_open_group(); NULL: it has none */
    struct group *freezer; /* the same, as far as it can freeze */
};

#define CONTAINER_INIT ((struct container){ 0 })

/* ---- container.c ------------------------------------------------------------------------------------ */

/* With lock: nobody else changes it meanwhile. */
int container_open(struct engine *engine, const char *name, bool lock, struct container *ret,
                   struct err *err);
/* Without lock, the one that container_inspect() had open a moment ago: its record is not read again. */
int container_reopen(struct engine *engine, const char *name, struct container *ret,
                     struct err *err);
void container_close(struct container *container);
/* The same, but for what belongs to others: engine, state and name. */
void container_leave(struct container *container);
/* As it is now. */
enum container_status container_find_status(struct container *container);
const char *container_status_name(enum container_status status);
/* Idempotent. 0 with group NULL where it has none. */
int container_open_group(struct container *container, struct err *err);
/* Only what freezes, which is cheaper. */
int container_open_freezer(struct container *container, struct err *err);
bool container_is_frozen(struct container *container);
/* The lines of group_paths(), found by name where the record is damaged. */
int container_group_paths(struct container *container, struct buf *ret, struct err *err);
bool container_has_own_pids(const struct container *container);

/* ---- container_process.c: its first process -------------------------------------------------------- */

/* Wait until it is gone, or a zombie of somebody else's; false: it was there all the time. */
bool process_wait_end(const struct process *process, uint64_t timeout_us);
/* SIGKILL, thawing what the older freezer holds, and wait. */
int container_kill_process(struct container *container, struct err *err);

/* ---- container_record.c ------------------------------------------------------------------------------ */

/* What is known before anything exists; without the groups' lines. */
int container_record_lines(const struct spec *spec, const char *cgroups_path,
                           const struct limit_set *limits, const char *gate, struct buf *ret,
                           struct err *err);
int container_record_limits(struct record *record, const struct limit_set *limits, struct err *err);
int container_read_limits(const struct container *container, struct limit_set *ret,
                          struct err *err);
/* "PID START GROUPS-HASH GATE ROOT PATH", for when the record is damaged. */
int container_record_brief(struct record *record, const struct process *init, const char *text,
                           const char *path, struct err *err);
/* Fill in intact, init, path, gate and root. */
void container_read_process(struct container *container);
/* The value of the last line with this key, whatever its length; NULL: none. The caller frees it. */
char *container_value(const char *text, const char *key);
/* Enough of the spec to run hooks by: name, bundle, rootfs, annotations, hooks after the start. */
int container_read_spec(const struct container *container, struct spec **ret, struct err *err);
/* The groups' lines of a record, without their mark. */
void container_group_lines(const char *text, struct buf *ret);

/* ---- container_scope.c: a scope of systemd's ------------------------------------------------------------ */

/*
 * Have the spec's made, and held by *ret_scope. *ret_path: where our groups go, the caller's. On error what
 * there is is the caller's to free.
 */
int scope_begin(const struct engine *engine, const struct spec *spec, struct scope_name *ret_name,
                struct scope **ret_scope, char **ret_path, struct err *err);
/* Its unit gets the limits, too, and it lives on for whoever is in it. */
int scope_settle(struct scope *scope, const struct plan *plan, struct err *err);
/* The line of the record by which it is found again. */
void scope_record(const struct scope_name *name, struct buf *ret);
/* End the container's; none is no error. */
int container_stop_scope(struct container *container, struct err *err);
/* Before the plan is written: what counts stands in our own group meanwhile, and if that fails. */
int container_loosen_scope(struct container *container, const struct plan *plan, struct err *err);
/* Tell the unit of what the plan has changed. */
int container_tell_scope(struct container *container, const struct plan *plan, struct err *err);

/* ---- container_hooks.c -------------------------------------------------------------------------------- */

/* The state document in a file of no name, to be read from its beginning. */
int hook_state_open(const struct spec *spec, container_state_writer write_state,
                    enum container_status status, pid_t pid, int *ret_fd, struct err *err);
/* All of one point, in order, until one fails; those of the end all of them, and the first error. */
int hooks_run(const struct spec *spec, enum hook_point point, container_state_writer write_state,
              enum container_status status, pid_t pid, struct err *err);

/* ---- container_create.c ------------------------------------------------------------------------------- */

struct making; /* a container that is being made, or was, by this process */

int making_new(struct engine *engine, const struct spec *spec,
               const struct container_options *options, bool foreground, struct making **ret,
               struct err *err);
/* Settled, at its gate. On error nothing is left. */
int making_create(struct making *making, struct err *err);
/* The launch, for whoever waits for its end. */
struct run *making_run(struct making *making);
/*
 * Once it is created: the same as a container that is open and locked, by whom it was made. It ends with making, whose
 * state it has, and is closed by container_leave().
 */
void making_container(struct making *making, struct container *ret);
void making_free(struct making *making);

/* ---- container_console.c -------------------------------------------------------------------------------- */

/* Connect to whoever waits there for a terminal's master. */
int console_connect(const char *path, int *ret_fd, struct err *err);
/* What a terminal and its console socket have to do with each other. */
int console_check(const struct spec *spec, const struct container_options *options, bool foreground,
                  struct err *err);

/* ---- container_filter.c: COMMAND's system call filter ------------------------------------------------ */

struct filter {
    struct seccomp_program program;
    struct sock_fprog fprog;
    struct spawn_listener listener;
    struct buf before; /* of the document that goes with the notify fd */
    bool wanted, notifies;
};

#define FILTER_INIT ((struct filter){ .listener = { .socket_fd = -1 } })

int filter_make(struct filter *filter, struct state *state, const struct spec *process,
                const struct spec *container, const struct container_options *options,
                enum container_status status, pid_t pid, struct err *err);
void filter_apply(const struct filter *filter, struct spawn_options *options);
void filter_done(struct filter *filter);

/* ---- container_rdt.c: its class of service ----------------------------------------------------------- */

struct rdt {
    struct resctrl resctrl;
    struct buf schemata;
    bool planned, made;
};

/* Find out what will be made, if anything is asked for, and put it on record. */
int rdt_plan(const struct spec *spec, struct rdt *ret, struct buf *lines, struct err *err);
/* Make it, and put the container's first process in. */
int rdt_enter(struct rdt *rdt, pid_t pid, struct err *err);
void rdt_undo(struct rdt *rdt);
void rdt_done(struct rdt *rdt);
/* By the record: a further process; and what was made for the container goes. */
int rdt_join_again(const struct container *container, pid_t pid, struct err *err);
void rdt_remove(const struct container *container);

/* ---- container_reclaim.c ------------------------------------------------------------------------------- */

int container_open_state(struct engine *engine, struct state **ret, struct err *err);
/* What lies about of a container whose processes are gone: its gate, and what was made in its root. */
int container_remove_files(struct container *container, struct err *err);
/* Undo what killed calls left half made, of that name for certain. Best effort: what does not go stays on record. */
void container_reclaim_pending(struct engine *engine, struct state *state, const char *name);

/* ---- container_notify.c: sd_notify(3) --------------------------------------------------------------------- */

/* The spec with what the program needs for it. Strings are the spec's that it was made from. */
struct notify {
    struct spec spec;
    struct spec_mount *mounts;
    char **env;
    char *source;
};

bool notify_is_wanted(const struct container_options *options);
int notify_prepare(struct notify *notify, struct state *state, const struct spec *spec,
                   struct err *err);
void notify_done(struct notify *notify);
/* The socket that the program is to find; before it begins. */
int notify_listen(struct container *container, int *ret_fd, struct err *err);
/* Pass on that it is ready, if it has said so: 1, else 0, or -errno. */
int notify_pass(int fd, const char *caller, pid_t pid);
/* Until it is ready, or has ended. */
int notify_wait(const struct container *container, int fd, const char *caller, struct err *err);
void notify_remove(struct container *container);

/* ---- container_start.c ------------------------------------------------------------------------------------- */

/*
 * The rest of container_start(), for one that is open, locked and known to stand at its gate. Its record is released
 * on return. ret_notify_fd: do not wait for it to be ready, but return the socket on which it says that (-1: nobody
 * asked); NULL: wait.
 */
int container_start_made(struct container *container, const struct container_options *options,
                         int *ret_notify_fd, struct err *err);

/* ---- container_delete.c ------------------------------------------------------------------------------------ */

/*
 * The rest of container_delete(), for one that was made here as run, is open and released, and whose process has been
 * reaped. On error container_delete() goes on, once the record is closed.
 */
int container_delete_made(struct container *container, struct run *run,
                          const struct container_options *options, struct err *err);

/* ---- container_run.c ------------------------------------------------------------------------------------- */

/* As a shell tells it: 128 and the signal's number. */
int exit_status(const struct spawn_exit *end);

/* ---- container_file.c ------------------------------------------------------------------------------------ */

int pid_file_write(const char *path, pid_t pid, struct err *err);
