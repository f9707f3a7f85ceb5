/* Several blobs at once, each in a thread with a connection of its own. */
#pragma once

#include "registry/session.h"

struct worker {
    struct registry *r;
    struct image_store *store;
    CURL *curl;
};

/* One blob from beginning to end. Ends soon after r->cancelled is set. */
typedef int (*worker_fn)(struct worker *w, struct registry_blob *blob, struct err *err);

/*
 * fn for every blob, as many at once as r's options say, with their tick in between. The first failure cancels
 * the others and is the one that is told.
 */
int workers_run(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                size_t n, worker_fn fn, struct err *err);

static inline void blob_state(struct registry_blob *blob, enum registry_blob_state state)
{
    atomic_store(&blob->state, state);
}

/* A moment; -ECANCELED when all has to end. */
int worker_nap(const struct worker *w);
