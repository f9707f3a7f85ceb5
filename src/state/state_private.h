/* state, private: what directory.c and record.c share. */
#pragma once

#include "state/state.h"

#define RECORD_MAX       (1024u * 1024u) /* a larger record is not ours */
#define RECORD_TEMPORARY ".new-"         /* begins the name of a record that is not whole yet */

struct state {
    char *path;
    int dir_fd;
    const char *own; /* name of the record that was made through this, while it is open; or NULL */
};

/*
 * Open a record and take its lock, if nobody living holds it and it still has that name. Returns the
 * fd, which holds the lock until it is closed; -EWOULDBLOCK when its supervisor lives (or another call
 * reclaims it), -ENOENT when it is gone, -EINVAL when it is no record (not a regular file), or -errno.
 */
int record_open_dead(struct state *state, const char *name);

/* The text of a record fit for strict parsers: NUL bytes made visible. */
const char *record_clean(struct buf *text);
