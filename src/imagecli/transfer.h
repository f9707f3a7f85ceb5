/* What pull, push and login have in common: the options of a registry, and what is seen of it. */
#pragma once

#include "imagecli/imagecli.h"
#include "imagecli/progress.h"
#include "registry/registry.h"

struct transfer {
    struct call *call;
    struct registry_options options;
    struct progress progress;
    struct image_ref ref;
    struct registry *registry; /* NULL until transfer_open() */
};

/* Read the options of the call. done also when it failed. */
int transfer_init(struct transfer *t, struct call *call, struct err *err);
void transfer_done(struct transfer *t);
#define _cleanup_transfer_ _cleanup_(transfer_done)
/* Reach the registry of name. */
int transfer_open(struct transfer *t, const char *name, bool push, struct err *err);
