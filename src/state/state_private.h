/* state, private: what directory.c and record.c share. */
#pragma once

#include "state/state.h"

#define RECORD_MAX (1024u * 1024u) /* a larger record is not ours */

struct state {
    char *path;
    int dir_fd;
};

/*
 * Open a record and take its lock, if nobody living holds it and it still has that name. Returns the
 * fd, which holds the lock until it is closed, or -errno.
 */
int record_open_dead(struct state *state, const char *name);

/* The text of a record fit for strict parsers: NUL bytes made visible. */
const char *record_clean(struct buf *text);
