/*
 * The verbs of containers: named runs that outlive the call that made them. Each call opens the container's
 * record, does one thing under its lock, and goes.
 *
 *   create: plan ─► record ─► groups, box (mounts ...) ─► hooks ─► limits in force ─► settled: CREATED
 *   start:  the gate opens ─► program executed: RUNNING        delete: groups, record gone
 *
 * What the groups are called, which process the container is (number and start time) and what it was
 * made from stand in its record; its status is found anew by every call.
 */
#pragma once

#include "run/run.h"

enum container_status {
    CONTAINER_CREATING, /* some call is at it right now */
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_STOPPED,
};

/*
 * Put the file of this program out of the reach of what it starts: for a call that creates a container or
 * enters one, at its very beginning. May execute the program again, with argv.
 */
int container_protect(char *const *argv, struct err *err);

/* Who makes groups. */
enum cgroup_manager { MANAGER_CGROUPFS, MANAGER_SYSTEMD, MANAGER_DISABLED };
void engine_set_manager(struct engine *engine, enum cgroup_manager manager);
/* Is there what MANAGER_SYSTEMD takes, whether or not systemd runs? */
bool engine_has_systemd(void);
/* We lack the privileges of root on the host: told by --rootless, else found out. */
void engine_set_rootless(struct engine *engine, bool rootless);

/* The program's own name is that of the state document's writer: run calls it for hooks. */
typedef int (*container_state_writer)(const char *name, enum container_status status, pid_t pid,
                                      const struct spec *spec, struct buf *ret);

struct container_options {
    int stdio[3];               /* what COMMAND gets; -1: /dev/null */
    const char *pid_file;       /* written before the call returns, by rename; or NULL */
    const char *console_socket; /* is sent the terminal's master; or NULL */
    unsigned n_preserved_fds;
    const char *notify_socket; /* of sd_notify(3): is told when the container is ready; or NULL */
    container_state_writer write_state;
};

/* The spec must live until the call returns. On error nothing is left. */
int container_create(struct engine *engine, const struct spec *spec,
                     const struct container_options *options, struct err *err);
/* With a notify_socket, here and when it was created, it returns when the container is ready, or has ended. */
int container_start(struct engine *engine, const char *name,
                    const struct container_options *options, struct err *err);
/*
 * Create and start; without detach also wait, forward signals, relay the terminal (console_socket NULL)
 * and delete. *ret_status: the container's exit status as a shell tells it; 0 when detached.
 */
int container_run(struct engine *engine, const struct spec *spec,
                  const struct container_options *options, bool detach, bool keep, int *ret_status,
                  struct err *err);

/* A container as it is now. Members are owned. */
struct container_info {
    char *name, *bundle, *rootfs;
    enum container_status status;
    pid_t pid;           /* 0 when stopped */
    uint64_t created_us; /* CLOCK_REALTIME */
    uid_t owner;
    char **annotations;
    char *document; /* spec->text of its making */
};
int container_inspect(struct engine *engine, const char *name, struct container_info *ret,
                      struct err *err);
void container_info_done(struct container_info *info);
/* Every container; one whose record cannot be understood is told with status STOPPED and no bundle. */
int container_visit(struct engine *engine, int (*fn)(void *data, const struct container_info *info),
                    void *data, struct err *err);

/*
 * all: every process of the container. Wrong state: "container not running" (-ESRCH); with all, a
 * stopped container is no error. A paused one dies of SIGKILL all the same.
 */
int container_kill(struct engine *engine, const char *name, int signal, bool all, struct err *err);
/*
 * force: whatever its state, killing it; a container that does not exist is no error then. Poststop hooks
 * run last: one that fails is told in err, which is a warning when 0 is returned. Returns 0 only when nothing
 * of it is left.
 */
int container_delete(struct engine *engine, const char *name, bool force,
                     const struct container_options *options, struct err *err);
int container_pause(struct engine *engine, const char *name, bool paused, struct err *err);

/* process: from oci_read_process(), or a spec of the same shape. ret_status as with container_run(). */
int container_exec(struct engine *engine, const char *name, const struct spec *process,
                   const struct container_options *options, const char *cgroup, bool detach,
                   int *ret_status, struct err *err);
int container_pids(struct engine *engine, const char *name, pid_t **ret, size_t *ret_n,
                   struct err *err);
/* All of limits are in force afterwards, or on error as before. */
int container_update(struct engine *engine, const char *name, const struct limit_set *limits,
                     struct err *err);
int container_sample(struct engine *engine, const char *name, struct sample *ret, struct err *err);
/*
 * Tell fn at every interval (0: never) and at each kill for want of memory (oom true, sample NULL), until the
 * container ends or fn returns other than 0.
 */
int container_watch(struct engine *engine, const char *name, uint64_t interval_us,
                    int (*fn)(void *data, const struct sample *sample, bool oom), void *data,
                    struct err *err);
