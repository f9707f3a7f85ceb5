/* state, private: what directory.c and record.c share. */
#pragma once

#include "state/state.h"

#define RECORD_MAX           (1024u * 1024u) /* a larger record is not ours */
#define CONTAINER_RECORD_MAX (24u << 20)     /* holds the document that it was made from */
#define RECORD_TEMPORARY     ".new-"         /* begins the name of a record that is not whole yet */
#define RECORD_NAME_MAX      128

#define PENDING_NAME ".pending" /* directory of what is being made: records, and gates */
#define OWN_NAME     ".own"     /* directory of directories, one for a container that needs one */
#define USES_NAME    ".uses"    /* directory of directories: what is used, and by whom */
#define BRIEF_NAME   ".brief"   /* directory of the second, short account of each container */

struct state {
    char *path;
    int dir_fd;
    /* Directories in it, each once it was needed; -1 before. */
    int pending_fd, brief_fd, uses_fd;
    bool containers; /* of containers, not of runs */
    const char *own; /* name of the record that was made through this, while it is open; or NULL */
};

struct record {
    struct state *state; /* not owned */
    int dir_fd;          /* not owned: where its name is */
    int fd;              /* holds the lock */
    off_t size;          /* of what is whole */
    bool torn;           /* its last line is half a one */
    char name[RECORD_NAME_MAX + 1];
};

/*
 * Open a record and take its lock, if nobody living holds it and it still has that name in dir_fd.
 * Returns the fd, which holds the lock until it is closed; -EWOULDBLOCK when its supervisor lives (or
 * another call reclaims it), -ENOENT when it is gone, -EINVAL when it is no record (not a regular file), or
 * -errno.
 */
int record_open_dead(int dir_fd, const char *name);
/* Open it, without the lock. -EINVAL: it is no record. */
int record_open_file(int dir_fd, const char *name, int flags);
/* Without waiting: -EWOULDBLOCK when somebody has it. */
int record_lock(int fd);
void record_unlock(int fd);
bool record_is_locked(int fd);

/* The text of a record fit for strict parsers: NUL bytes made visible. */
const char *record_clean(struct buf *text);
static inline size_t record_max(const struct state *state)
{
    return state->containers ? CONTAINER_RECORD_MAX : RECORD_MAX;
}

struct record *record_new(struct state *state, int dir_fd, const char *name);
/* Put it in place, locked and whole. 0, -EEXIST or another -errno, without a sentence. */
int record_make(struct record *record, const char *planned);

/* The directory of what is being made. make false: -ENOENT where there is none. The fd is the state's. */
int state_pending(struct state *state, bool make);

/* Calls fn for every name in the directory but "." and ".."; 0 or -errno. */
typedef int (*entry_fn)(void *data, const char *name);
int directory_each(int dir_fd, entry_fn fn, void *data);
