/*
 * state: the run directory. One record per run, made before anything else of the run exists and
 * removed last, so that the next call can undo whatever a killed ration left.
 *
 * A record is a file NAME in /run/ration (rootless: $XDG_RUNTIME_DIR/ration), mode 0600, in a
 * directory of mode 0700 that we own. It is written as an unnamed file, locked (fcntl(2), open file
 * description locks), and only then linked to its name: nobody sees half a record or an unlocked live
 * one. The lock is held by the supervisor as long as it lives; a record whose lock can be taken has no
 * supervisor any more. Whatever the supervisor forks must close what it inherits (close_range) before it
 * can outlive it, else the record seems alive as long as that one does.
 * The text is lines "KEY VALUE", appended to as the run goes on; a torn last line is ignored; unknown
 * keys are kept. Nothing that it names survives the kernel, so nothing needs fsync.
 */
#pragma once

#include "base/base.h"

struct state;  /* the open run directory */
struct record; /* one record */

/* Where the run directory is unless somebody says otherwise; the caller frees it. NULL: out of memory. */
char *state_default_directory(bool rootless);

/* Makes the directory when missing; refuses one that is not ours, not 0700, or a symlink.
 * path NULL: state_default_directory(). */
int state_open(const char *path, bool rootless, struct state **ret, struct err *err);
/*
 * The same for containers, whose records outlive who made them (below). Directories above that are missing
 * are made too. One that others may look into, but not write to, is taken: callers make such.
 */
int state_open_containers(const char *path, struct state **ret, struct err *err);
void state_close(struct state *state);
void state_closep(struct state **state);
const char *state_path(const struct state *state);

/*
 * Put a new record in place: "supervisor PID", "started" (microseconds of CLOCK_REALTIME), the lines of
 * text in `planned` (the groups, each prefixed "group ") and a line "planned". -EEXIST (ERR_USAGE,
 * names the option --name) when the name is taken: by a live run, or by a dead one, for which the caller
 * calls state_reclaim() and tries again. On any error nothing of the record is left.
 */
int record_create(struct state *state, const char *name, const char *planned, struct record **ret,
                  struct err *err);
/* Append one line "KEY VALUE" in one write: whole, or on error not at all. -EINVAL for a newline. */
int record_append(struct record *record, const char *key, const char *value, struct err *err);
/* Take the name away and close: the very last act of a run. */
int record_remove(struct record *record, struct err *err);
/* Close and leave it (after a failed clean-up: the next call tries again). */
void record_close(struct record *record);

/* Undo what a dead run's record names. Given by the run room, since only it knows groups. */
typedef int (*record_reclaim_fn)(void *data, const char *name, const char *text, struct err *err);

/*
 * Look at every record; those without a living supervisor are handed to fn under their lock and removed
 * when fn returns 0. ret_reclaimed, ret_failed count them; err (may be NULL) tells the first failure,
 * though the call itself then returns 0. An unreadable or corrupt record never stops the others: fn gets
 * its text as it is, or "" for one that is too large. What is not a regular file with a valid name is not
 * ours and not touched. Idempotent; concurrent calls share the work by the locks.
 */
int state_reclaim(struct state *state, record_reclaim_fn fn, void *data, unsigned *ret_reclaimed,
                  unsigned *ret_failed, struct err *err);

/* Each record in turn, with its text and whether its supervisor lives. */
typedef int (*record_visit_fn)(void *data, const char *name, const char *text, bool alive);
int state_visit(struct state *state, record_visit_fn fn, void *data, struct err *err);
/*
 * The text of one record; -ENOENT when there is none by that name. Returns 1 for a container that is being
 * made at this moment, else 0.
 */
int state_read(struct state *state, const char *name, struct buf *ret, bool *ret_alive,
               struct err *err);

/*
 * ---- records of containers, which outlive who made them -------------------------------------------------
 *
 * Such a record is made by record_begin() in a directory of its own, .pending, and gets its own place by
 * record_settle() when the container is complete: what is left in .pending and can be locked is a call that
 * was killed half way. So a call need look at those few only, however many containers there are. A settled
 * record stands until record_remove(), whether or not anybody has it open; its lock is held by whoever is
 * changing the container.
 */
int record_begin(struct state *state, const char *name, const char *planned, struct record **ret,
                 struct err *err);
int record_settle(struct record *record, struct err *err);
/* Let others have a settled record, which stays open. */
void record_release(struct record *record);
/*
 * Take it again, waiting at most wait_us for whoever has it. -ENOENT: it was deleted meanwhile; -ESTALE: it says
 * more than it did; -EBUSY: still locked. Without the lock on error.
 */
int record_retake(struct record *record, uint64_t wait_us);
/*
 * Take the lock of a settled record, waiting at most wait_us for whoever has it, and read its text.
 * -ENOENT: no such container (ERR_FAILED, "container \"ID\" does not exist"); -EBUSY: still locked.
 */
int record_open(struct state *state, const char *name, uint64_t wait_us, struct record **ret,
                struct buf *ret_text, struct err *err);
/*
 * A second, short account, which is read when the record itself is damaged: by name alone, without lock. It
 * is whole or not there (a symbolic link's target), at most 4000 bytes, and goes with the record.
 */
int record_set_brief(struct record *record, const char *text, struct err *err);
bool state_read_brief(struct state *state, const char *name, char *ret, size_t size);
void record_remove_brief(struct state *state, const char *name);
/*
 * Whoever makes a container of that name, if anybody does: wait for the end of it. 0: nobody; 1: somebody has,
 * and reclaiming tells whether it came to its end; -EBUSY: still at it. A call that was killed seems to be at it
 * as long as a process of its making has not noticed.
 */
int state_wait_pending(struct state *state, const char *name, uint64_t wait_us);
/*
 * Containers that use the same thing: the last one that leaves it clears it away. thing and name are spelled as
 * names of containers are. state_leave() tells whether nobody uses it any more; idempotent.
 */
int state_use(struct state *state, const char *thing, const char *name, struct err *err);
bool state_leave(struct state *state, const char *thing, const char *name);
/* Undo what killed calls left half made: as state_reclaim(), for what is in .pending. */
int state_reclaim_pending(struct state *state, record_reclaim_fn fn, void *data,
                          unsigned *ret_reclaimed, unsigned *ret_failed, struct err *err);

/*
 * The gate of a container: a socket beneath the run directory by a name of its own choice (ret, to be put on
 * record before the socket is made by gate_listen()). Both ends work whatever the length of the directory's
 * path.
 */
#define GATE_NAME_SIZE 32
void gate_name(char ret[static GATE_NAME_SIZE]);
bool gate_name_valid(const char *name);
int gate_listen(struct state *state, const char *name, int *ret_fd, struct err *err);
int gate_connect(struct state *state, const char *name, int *ret_fd, struct err *err);
void gate_remove(struct state *state, const char *name);
/* A directory of one container's, made when missing; it is removed with the one file that may be in it. */
int state_directory(struct state *state, const char *name, int *ret_fd, struct err *err);
/* Its absolute path, before it is made, too; the caller frees it. NULL: out of memory. */
char *state_directory_path(struct state *state, const char *name);
void state_remove_directory(struct state *state, const char *name, const char *file);
/* A directory beneath the run directory, made when missing, ours alone: for caches. */
int state_cache(struct state *state, const char *name, int *ret_fd, struct err *err);

/* The value of the last line with this key; false when there is none. A torn line does not count. */
bool record_find(const char *text, const char *key, char *ret, size_t size);
/* A name as the spec room accepts it: the state room checks again (no '/', no leading '.', <= 128). */
bool record_name_valid(const char *name);
