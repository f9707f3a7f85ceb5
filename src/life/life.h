/*
 * life: containers from create to rm. A container is a run with a directory of its own; this room makes the
 * directory, keeps the description in it, starts runs of it by the run room, supervises them, and says what
 * became of them. <ration.h> tells what the verbs mean to whoever calls them.
 *
 *   DATA/containers/ID/config   the draft, draft_write()
 *   DATA/containers/ID/root     what its root is made of: "image DIGEST", "layer DIR" ..., "upper DIR"
 *   DATA/containers/ID/state    lines "key value": all that ps shows, written anew by life_set_state()
 *   DATA/containers/ID/lock     open file description locks: byte 0 whoever changes the container, byte 1
 *                               its monitor as long as it lives, byte 2 whoever writes state
 *   DATA/containers/ID/log      JSON lines; log.1 ... are older
 *   DATA/containers/ID/exit     the last result as JSON
 *   DATA/containers/.names/NAME symbolic link to ID
 *   DATA/events                 JSON lines; events.1 is older
 *
 * .new-ID is a container being made, .gone-ID one being removed: what is not locked there was left by a call
 * that was killed, and the next create, ps or prune clears it away. A state that says running while nobody
 * has byte 1 is a container that was killed with its monitor.
 *
 * The run of a container is named by the first twelve digits of its ID: its record, its groups and its
 * control socket have that name.
 */
#pragma once

#include "base/base.h"
#include "metric/metric.h"
#include "run/run.h"
#include "spec/spec.h"

#define LIFE_ID_SIZE    65
#define LIFE_SHORT_SIZE 13 /* of a run's name */

struct life; /* the data directory, and what its containers are run with */

/* data_dir, program NULL: the defaults. world and engine must outlive it. Makes nothing. */
int life_open(struct engine *engine, const struct spec_world *world, const char *data_dir,
              const char *program, struct life **ret, struct err *err);
void life_close(struct life *life);
/* The data directory, as image_data_dir() finds it. */
const char *life_directory(const struct life *life);

/* ---- finding --------------------------------------------------------------------------------------------- */

/* One container: its directory, open. Holds no lock. */
struct container_dir {
    char id[LIFE_ID_SIZE];
    int fd;
};
#define CONTAINER_DIR_INIT ((struct container_dir){ .fd = -1 })

/* By name, id or unambiguous beginning of one. -ENOENT: none; -EINVAL: several. */
int life_find(struct life *life, const char *who, struct container_dir *ret, struct err *err);
void container_dir_done(struct container_dir *dir);

/*
 * What ID/state says, with what is true now: a monitor that is dead has been seen and put on record.
 * Zeroed memory is an empty one.
 */
enum life_status {
    LIFE_CREATED,
    LIFE_RUNNING,
    LIFE_PAUSED,
    LIFE_RESTARTING,
    LIFE_EXITED,
    LIFE_STATUS_COUNT,
};
const char *life_status_name(enum life_status status);

struct life_state {
    char *text; /* owned: the lines; life_state_get() finds in it */
    enum life_status status;
    uint64_t created_us, started_us, finished_us; /* CLOCK_REALTIME */
    pid_t pid;                                    /* of COMMAND, 0: none */
    int exit_status;                              /* -1: none */
    unsigned restarts;
    char **labels; /* owned */
};
int life_read_state(struct life *life, const struct container_dir *dir, struct life_state *ret,
                    struct err *err);
void life_state_done(struct life_state *state);
/* The value of a key ("name", "image", "command", "cause", ...; "" when there is none), valid until the next
 * call with the same state. */
const char *life_state_get(struct life_state *state, const char *key);
/* Change keys of it: "key value" lines; a key without value goes. Under byte 2 of the lock. */
int life_set_state(const struct container_dir *dir, const char *lines, struct err *err);

/* The description; the caller frees it. */
int life_read_config(struct life *life, const struct container_dir *dir, struct draft **ret,
                     struct err *err);

/* ---- asking a running container's monitor ------------------------------------------------------------------- */

/* Send one request ("signal 15", "ping", ...), wait for its answer. -ESRCH: it has no monitor. */
int life_ask(struct life *life, const struct container_dir *dir, const char *request,
             struct buf *ret_answer, struct err *err);

/* ---- making and removing --------------------------------------------------------------------------------- */

/* hold: the lock of commands is kept until life_lock_next(): nobody can come between. */
int life_create(struct life *life, const struct draft *draft, const char *image, bool hold,
                char ret_id[static LIFE_ID_SIZE], struct err *err);
int life_rename(struct life *life, const char *who, const char *name, struct err *err);
int life_remove(struct life *life, const char *who, bool force, bool volumes, struct err *err);

/* ---- logs ------------------------------------------------------------------------------------------------ */

struct log_entry {
    uint64_t time_ns;
    int stream;
    const char *text;
    size_t length;
};
struct log_query {
    bool follow;
    uint64_t tail, since_us, until_us;
};
typedef int (*log_fn)(void *data, const struct log_entry *entry);
int life_logs(struct life *life, const char *who, const struct log_query *query, log_fn fn,
              void *data, struct err *err);

/* ---- events ---------------------------------------------------------------------------------------------- */

struct event {
    uint64_t time_ns;
    const char *type, *action, *id, *name, *image, *attributes, *json;
};
struct event_query {
    bool follow;
    uint64_t since_us, until_us;
    const char *const *filters;
};
typedef int (*event_fn)(void *data, const struct event *event);
int life_events(struct life *life, const struct event_query *query, event_fn fn, void *data,
                struct err *err);

/* ---- running --------------------------------------------------------------------------------------------- */

/* Run it with this process as its monitor. control_fd: whoever waits for the start; -1: nobody. */
int life_monitor(struct life *life, const char *id, int control_fd, struct err *err);
int life_run_foreground(struct life *life, const char *who, const int stdio[3], struct result **ret,
                        struct err *err);

struct life_attach {
    int in, out, err;
    unsigned short rows, columns;
};
/* 0: it was started; 1: it runs already. *ret_fd: the connection when attach is not NULL. */
int life_start(struct life *life, const char *who, const struct life_attach *attach, int *ret_fd,
               struct err *err);
int life_attach(struct life *life, const char *who, const struct life_attach *attach, int *ret_fd,
                struct err *err);
/* What comes on such a connection. */
enum life_attach_event {
    LIFE_ATTACH_NOTHING,
    LIFE_ATTACH_EXITED,  /* value: its status */
    LIFE_ATTACH_DROPPED, /* value: bytes */
    LIFE_ATTACH_GONE,
};
int life_attachment_read(int fd, uint64_t *ret_value, struct err *err);
int life_attachment_resize(int fd, unsigned short rows, unsigned short columns, struct err *err);
void life_attachment_close(int fd);
int life_stop(struct life *life, const char *who, uint64_t timeout_us, struct err *err);
int life_signal(struct life *life, const char *who, const char *signal, struct err *err);
int life_pause(struct life *life, const char *who, bool paused, struct err *err);
int life_wait(struct life *life, const char *who, int *ret_status, struct err *err);
struct life_setting {
    const char *name, *value;
};
int life_update(struct life *life, const char *who, const struct life_setting *settings, size_t n,
                bool force, struct err *err);

/* ---- looking at it --------------------------------------------------------------------------------------- */

struct container_facts {
    const char *id;
    struct life_state *state;
    const char *directory;
    const char *status_text;
};
typedef int (*container_fn)(void *data, const struct container_facts *facts);
int life_visit(struct life *life, bool all, const char *const *filters, container_fn fn, void *data,
               struct err *err);
int life_inspect(struct life *life, const char *who, char **ret_json, struct err *err);
int life_prune(struct life *life, const char *const *filters, container_fn fn, void *data,
               uint64_t *ret_bytes, struct err *err);
