/* life, private: what the verbs of containers are made of. */
#pragma once

#include <pthread.h>

#include "life/life.h"
#include "metric/metric.h"

struct life {
    struct engine *engine;          /* not owned */
    const struct spec_world *world; /* not owned */
    char *data_dir, *program;
    int containers_fd; /* DATA/containers; -1: not opened yet */
    int names_fd;      /* DATA/containers/.names */
    int held_fd; /* the lock of commands on the container that was created to be started next; or -1 */
    char held_id[LIFE_ID_SIZE];
};

/* How long calls wait for one another. */
#define LIFE_WAIT_US 10000000u

/* ---- files.c ------------------------------------------------------------------------------------------ */

/* The directories of containers and names; make: when they are missing, too. -ENOENT: there are none. */
int life_containers(struct life *life, bool make, struct err *err);
/* Write a file beside and rename it into place; durable: flushed to disk before that. */
int life_write_file(int dir_fd, const char *name, const void *data, size_t len, bool durable);
bool life_id_valid(const char *id);
/* The ids of all containers: "ID\n" each; with prefix (".new-", ".gone-") those that are on their way. */
int life_list_ids(struct life *life, const char *prefix, struct buf *ret);
int life_open_directory(struct life *life, const char *prefix, const char *id,
                        struct container_dir *ret);

/* ---- lock.c ------------------------------------------------------------------------------------------- */

enum life_lock { LOCK_COMMAND, LOCK_MONITOR, LOCK_STATE };
/* Take one, waiting so long at most; gives a descriptor that holds it until it is closed. -EBUSY. */
int lock_take(int dir_fd, enum life_lock lock, uint64_t wait_us);
bool lock_is_held(int dir_fd, enum life_lock lock);
/* The lock of commands that life_create() held for what comes next, or else a new one; with a sentence. */
int life_lock_next(struct life *life, const struct container_dir *dir, struct err *err);
/* lock_take() with a sentence. */
int life_lock(const struct container_dir *dir, enum life_lock lock, struct err *err);

/* ---- names.c: pure ------------------------------------------------------------------------------------ */

#define NAME_SIZE 64
/* Two words by two random numbers; from the eighth try on a number follows. */
void name_generate(uint32_t first, uint32_t second, unsigned attempt, char ret[static NAME_SIZE]);
bool name_valid(const char *name);

/* ---- find.c ------------------------------------------------------------------------------------------- */

/* Take a name for an id: -EEXIST and who has it. old: a name of the same container that is given up; or NULL. */
int life_take_name(struct life *life, const char *name, const char *id, const char *old,
                   struct err *err);
/* Give a name up, if it is that container's. */
void life_drop_name(struct life *life, const char *name, const char *id);
/* Whatever names it has. */
void life_drop_names(struct life *life, const char *id);
/* Held while names change and directories are made or declared gone. */
int life_lock_names(struct life *life);
void life_unlock_names(struct life *life, int fd);

/* ---- state.c ------------------------------------------------------------------------------------------ */

/* Pure: lines changed by others, "key value" each. */
void state_merge(const char *text, const char *changes, struct buf *ret);
/* A value on one line. */
void state_line(struct buf *ret, const char *key, const char *value);
/* The lines without a look at the monitor. */
int state_read_plain(const struct container_dir *dir, struct life_state *ret);

/* ---- create.c, remove.c --------------------------------------------------------------------------------- */

/* Take it away, with nobody at work on it: the caller has the lock of commands. */
int life_remove_directory(struct life *life, const struct container_dir *dir, bool volumes,
                          struct err *err);
/* Clear away what killed calls left. Cheap when there is nothing. */
void life_tidy(struct life *life);

/* ---- root.c --------------------------------------------------------------------------------------------- */

struct root_volumes;
/* At create: find the image (NULL: none), say in ID/root what the root is made of, hold the volumes. */
int life_root_make(struct life *life, const struct container_dir *dir, const char *image,
                   struct draft *draft, struct root_volumes *ret_volumes, struct err *err);
/* The image of this container into the draft, for sealing; nothing is made. */
int life_root_describe(struct life *life, const struct container_dir *dir, struct draft *draft,
                       struct err *err);
/* At start: that, its volumes, held until root_volumes_done(), and where it writes to. */
int life_root_use(struct life *life, const struct container_dir *dir, struct draft *draft,
                  struct root_volumes *ret_volumes, struct err *err);
/* It has no volumes any more; anonymous: those without a name that nobody else has go. */
int life_root_forget(struct life *life, const char *id, bool anonymous, struct err *err);

/* ---- restart.c: pure ------------------------------------------------------------------------------------ */

struct restart_facts {
    unsigned restarts; /* so far */
    uint64_t delay_us; /* of the last one, 0: none */
    uint64_t up_us;    /* how long it has been up */
    int status;        /* 0..255 */
    bool stopped;      /* by a user's word */
};
/* Shall it be started again, and after how long? */
bool restart_decide(const struct restart_policy *policy, const struct restart_facts *facts,
                    uint64_t *ret_delay_us);

/* ---- log.c ---------------------------------------------------------------------------------------------- */

#define LOG_LINE_BYTES 4096u /* PIPE_BUF; longer lines are several entries */

struct log_stream {
    size_t length;
    char data[LOG_LINE_BYTES];
};

struct log {
    int dir_fd; /* not owned */
    int fd;     /* -1: not open */
    uint64_t bytes;
    struct log_bounds bounds;
    struct log_stream *streams[2]; /* stdout, stderr: what has no newline yet; NULL: nothing came */
    uint64_t lost;                 /* bytes that could not be written */
};

void log_init(struct log *log, int dir_fd, const struct log_bounds *bounds);
/* stream 0: stdout, 1: stderr */
void log_write(struct log *log, unsigned stream, const char *data, size_t len);
/* What has no newline will get none. */
void log_finish(struct log *log);
void log_done(struct log *log);
/* Pure: one entry as a line. */
void log_entry_format(struct buf *ret, unsigned stream, uint64_t time_ns, const char *data,
                      size_t len);
/* Pure, in place: text (decoded, NUL-terminated, *ret_length bytes), stream and time; false: none of ours. */
bool log_entry_parse(char *line, size_t len, char **ret_text, size_t *ret_length,
                     unsigned *ret_stream, uint64_t *ret_time_ns);
/* "2026-01-02T03:04:05.678901234Z" and back. */
#define TIME_SIZE 32
void time_format(uint64_t time_ns, char ret[static TIME_SIZE]);
bool time_parse(const char *text, uint64_t *ret_ns);

/* ---- logread.c ------------------------------------------------------------------------------------------ */

/* Where a log is read from, and by whom. */
struct log_source {
    int dir_fd;
    const struct log_query *query;
    log_fn fn;
    /* Will there be more? Asked when all that is there was read. */
    bool (*goes_on)(void *data);
    void *data; /* of both */
};

/*
 * The log in dir_fd: the files log.N, ..., log.1, log, in this order. What is no line of a log (the last one of a
 * writer that was killed) is passed over. With follow, inotify(7) tells of more, and a file that gets another name
 * is read to its end before the next one is begun. A container that has written nothing has no file, which is no
 * error. What fn returns but 0 ends the reading and is returned.
 */
int log_read(const struct log_source *source, struct err *err);

/* ---- event.c ---------------------------------------------------------------------------------------------- */

/* Say that something happened to a container. Nothing fails for want of it. */
void life_event(struct life *life, const struct container_dir *dir, const char *action,
                const char *attribute, const char *value);

/* ---- filter.c: pure ------------------------------------------------------------------------------------- */

/* One of the form "key=value" that we know? */
int filters_check(const char *const *filters, const char *const *keys, size_t n_keys,
                  struct err *err);
/* Filters of one key are alternatives, those of different keys all hold; label: all hold. */
typedef bool (*filter_fn)(const void *data, const char *key, const char *value);
bool filters_match(const char *const *filters, filter_fn fn, const void *data);
/* "a" is had by "a=1" and "a", "a=1" by "a=1" alone. */
bool label_matches(const char *label, const char *wanted);

/* ---- status.c: pure --------------------------------------------------------------------------------------- */

/* "Up 3 minutes (Paused)", "Exited (137) memory: own limit, 5 seconds ago" */
void status_format(struct life_state *state, uint64_t now_us, struct buf *ret);
/* "3 minutes", "About an hour", as docker says it */
void age_format(uint64_t us, char *ret, size_t size);

/* ---- ask.c: packets ------------------------------------------------------------------------------------------ */

#define PACKET_MAX 4096
/* The address of a container's control socket in the run directory. */
int control_listen(struct life *life, const char *id, int *ret_fd, struct err *err);
int control_connect(struct life *life, const char *id, int *ret_fd);
void control_remove(struct life *life, const char *id);
/* fds: at most three, may be NULL. */
int packet_send(int fd, const char *text, const int *fds, size_t n_fds);
/* 0: the other side has gone; else the length. text is NUL-terminated. -EAGAIN where flags say so. */
ssize_t packet_receive(int fd, char text[static PACKET_MAX], int fds[static 3], size_t *ret_n_fds,
                       int flags);
/* "err CODE CLASS TEXT" and back; other answers give 0. */
void packet_error_format(const struct err *err, char ret[static PACKET_MAX]);
int packet_error_parse(const char *text, struct err *err);
