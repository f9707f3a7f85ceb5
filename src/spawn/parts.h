/* The parts of mounting and confining that several files of this room share. */
#pragma once

#include "spawn/launch.h"

/* Is there a namespace of this kind that is not the runtime's: made for it, or joined? */
bool launch_has(const struct launch *launch, uint64_t flag);

/* Are the mounts around the container's still somebody else's, who would see what is mounted in them? */
bool mounts_are_shared(const struct launch *launch);

/* ---- mounts.c, place.c ------------------------------------------------------------------------------------------- */

/* A detached copy of what a bind shows; *ret stays -1 when that is missing and may be. */
int mount_open_source(const struct spec_mount *mount, int *ret, struct err *err);
int mount_failed(const struct spec_mount *mount, int code, struct err *err);
/* Attach a tree that is not attached yet, with all that the mount says of attributes and propagation. */
int mount_attach(struct launch *launch, const struct spec_mount *mount, const struct place *place,
                 int tree_fd);

/* The file system of ours whose root is at target; NULL: none is. */
const struct base *place_base(const struct launch *launch, const char *target);

/* ---- user.c ------------------------------------------------------------------------------------------------------ */

/* In the supervisor, before the clone: find COMMAND's user, or make room for what the box will find. */
int user_prepare(struct launch *launch, struct err *err);
void user_done(struct launch *launch);

/* ---- idmap.c: in the supervisor, before the clone ------------------------------------------------------ */

/* Make the maps of the mounts that are shown through some, and the trees of those that are binds. */
int idmap_prepare(struct launch *launch, struct err *err);
void idmap_done(struct launch *launch);
/* An fd of a user namespace with the run's own maps, or -errno. */
int idmap_userns(const struct spec *spec);
/* Show a detached tree through the maps of a user namespace. */
int idmap_apply(int tree_fd, int userns_fd, const struct spec_mount *mount, struct err *err);

/* ---- volume.c ---------------------------------------------------------------------------------------------- */

/* In the supervisor, before the clone: which volumes are to get what their targets hold. */
int volumes_prepare(struct launch *launch, struct err *err);
void volumes_done(struct launch *launch);
/* In the box: what is at the place, which is about to be hidden, into the volume's tree. */
int volume_fill(struct launch *launch, size_t index, const struct place *place, int tree_fd,
                struct err *err);

/* ---- prepare.c ----------------------------------------------------------------------------------------------- */

/* n fds that are none; NULL: no memory. */
int *fds_new(size_t n);

/* ---- copy_up.c -------------------------------------------------------------------------------------------- */

/* Copy what a directory holds into to_fd's (O_PATH), which nobody else sees yet. */
int copy_up(const struct place *from, int to_fd, const struct spec_mount *mount, struct err *err);

/* ---- cgroup_view.c ------------------------------------------------------------------------------------------ */

/* Find and prepare the place; step_cgroup_mounts() fills it. */
int mount_cgroup(struct launch *launch, size_t index, struct err *err);

/* ---- move_root.c ------------------------------------------------------------------------------------------- */

/* Instead of pivot_root(2): launch->root_fd over "/", and the rest away. */
int root_move(struct launch *launch, struct err *err);

/* ---- procfs.c: the runtime's own procfs -------------------------------------------------------------------- */

/* In the supervisor, before the clone: open it when something will ask for it. */
int procfs_prepare(struct launch *launch, struct err *err);
void procfs_done(struct launch *launch);
/*
 * Open a file of it ("sys/kernel/shmmax", "self/attr/exec"); nothing that is mounted in it and no link of it
 * is followed but self. An fd or -errno.
 */
int procfs_open(const struct launch *launch, const char *path, int flags);
/* One write of the whole text. 0 or -errno. */
int procfs_write(const struct launch *launch, const char *path, const char *text, size_t length);

/* ---- label.c ------------------------------------------------------------------------------------------------ */

/* In the supervisor, after procfs_prepare(): refuse a profile or a label that no security module would heed. */
int labels_check(struct launch *launch, struct err *err);
/* Is it "user:role:type" and not an initial SID's name, as everybody has before there is a policy? Pure. */
bool label_is_context(const char *text);

/* ---- sched.c ------------------------------------------------------------------------------------------------ */

#define CPUS_MAX 8192

struct cpu_mask {
    uint64_t bits[CPUS_MAX / 64];
};
/* "0-3,7". 0 or -EINVAL. Pure. */
int cpu_list_parse(const char *text, struct cpu_mask *ret);
