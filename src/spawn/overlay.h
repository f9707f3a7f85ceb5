/* The layers of an image as one root. */
#pragma once

#include "spawn/launch.h"

struct overlay_request {
    const struct spec_overlay *overlay;
    const char *name; /* what the root is called in sentences */
    uint64_t attr;    /* MOUNT_ATTR_* of the mount */
    int userns_fd;    /* the layers' owners are shown through its maps; -1: as they are */
};

/*
 * Put the layers together: a mount that is attached nowhere, or -errno with err set. Only system calls; what
 * must be mounted on the way is mounted over the caller's root, so it has a mount namespace of its own. The current
 * directory is anywhere afterwards.
 */
int overlay_make(const struct overlay_request *request, struct err *err);

/*
 * In the supervisor, before the clone: with root's rights a run in a user namespace of its own gets a root whose layers are
 * shown through that namespace's maps. The mount is made by a process in between, since the box will not have the
 * rights to; see overlay_take().
 */
int overlay_prepare_outside(struct launch *launch, struct err *err);
/* The box's root: the mount that was made outside, or a new one. */
int overlay_take(struct launch *launch, struct err *err);
