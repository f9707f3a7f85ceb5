/* Containers, as far as images have to do with them. Private to imagecli. */
#pragma once

#include "imagecli/imagecli.h"

/* What the file "root" of a container says: lines of image, layer (topmost first), upper. */
struct container_root {
    char id[65], name[128];
    int dir_fd;
    char *image;   /* a configuration's digest; NULL: none */
    char **layers; /* absolute directories, topmost first */
    char *upper, *work;
    pid_t pid; /* of its process, 0: it does not run */
};
#define CONTAINER_ROOT_INIT ((struct container_root){ .dir_fd = -1 })
void container_root_done(struct container_root *root);
#define _cleanup_container_root_ _cleanup_(container_root_done)

/* By name, id, or beginning of an id. -ENOENT, -ENOTUNIQ. */
int container_find(const struct call *call, const char *who, struct container_root *ret,
                   struct err *err);
/* Each file "root" there is, also of containers that are being made or removed. */
typedef int (*container_root_fn)(void *data, const struct container_root *root);
int container_visit(const struct call *call, container_root_fn fn, void *data, struct err *err);

/*
 * fd of the container's root as it is now, volumes and all if it runs; if it does not, a mount of its own that
 * goes with the fd. write: it will be changed.
 */
int container_open_root(const struct call *call, const struct container_root *root, bool write,
                        struct err *err);
