/* What goes and what stays. Private to imagecli. */
#pragma once

#include "imagecli/imagecli.h"

struct collected {
    uint64_t blobs, layers, bytes;
};
/*
 * Remove from the disk what no image and no container has. The store has been opened by call_open_alone(). told gets a
 * line for each thing, when it is not NULL; with dry nothing is removed.
 */
int collect(struct call *call, bool dry, struct buf *told, struct collected *ret, struct err *err);
/* The container that has this image: its name or short id, malloc'ed; NULL: none. */
int image_user(const struct call *call, const char *id, char **ret, struct err *err);
