/*
 * root: from what somebody calls an image to a root that a run can have: its layers, a directory for what the
 * run writes, and volumes that stay.
 *
 *   root_find() ─► root_apply(draft) ─► root_use_volumes(draft) ─► root_add_layer(draft) ─► spec_seal()
 *
 * A container does the first three when it is made, and all of them whenever it is started.
 */
#pragma once

#include "base/base.h"
#include "spec/spec.h"
#include "volume/volume.h"

/* ---- where the layers come from ----------------------------------------------------------------------- */

/*
 * Does the first operand of `run` mean a command of this machine rather than an image? It does when it begins with
 * "/", "./" or "../". Pure.
 */
bool root_is_command(const char *operand);

/* An image of the store, which nobody removes as long as this is there, or a directory that serves as one. */
struct root_source;

/*
 * Find what the operand says:
 *   NAME, NAME:TAG, NAME@DIGEST, an id or its beginning     in the store
 *   dir:PATH                                              a directory as the only layer
 *   oci:PATH[:NAME], docker-archive:PATH                  taken into the store by ration-image first
 * --pull and --platform are the draft's: with missing or always the program ration-image gets it from its registry
 * (its progress goes to our stderr); otherwise what is not there is ERR_USAGE, a sentence that tells both
 * ways out. -ENOENT then.
 */
int root_find(const char *data_dir, const char *operand, const struct draft *draft,
              struct root_source **ret, struct err *err);
void root_source_free(struct root_source *source);
void root_source_freep(struct root_source **source);
#define _cleanup_root_source_ _cleanup_(root_source_freep)
/* "sha256:...", or the operand where it is a directory: what root_find() finds the same by again. */
const char *root_source_id(const struct root_source *source);
/* spec_set_image() with what it says. */
int root_apply(const struct root_source *source, struct draft *draft, struct err *err);

/* ---- what the run writes ------------------------------------------------------------------------------- */

/*
 * The writable layer of a draft with an image: directories "upper" and "work" in directory (absolute, on a file
 * system that can be one), made when they are missing to look like the layer beneath, and spec_set_overlay().
 * throw_away: nobody will look at it after the run.
 * With --storage-opt size= it is in memory instead, and directory stays empty: what is written there
 * goes with the run.
 */
int root_add_layer(const char *directory, bool throw_away, struct draft *draft, struct err *err);

/*
 * A directory for a run that is no container, DATA/containers/.run-*: a lock tells that its run lives, and the next
 * call removes what killed ones have left. The file "root" in it names what the run uses ("image ID",
 * "layer PATH" ...), for whoever removes images.
 */
struct root_scratch;
int root_scratch_new(const struct volume_place *place, const struct root_source *source,
                     const struct draft *draft, struct root_scratch **ret, struct err *err);
const char *root_scratch_directory(const struct root_scratch *scratch);
/* Its name in DATA/containers. */
const char *root_scratch_name(const struct root_scratch *scratch);
/* Removes it, and volumes without a name that it alone had. NULL is allowed. */
int root_scratch_remove(struct root_scratch *scratch, struct err *err);

/* "image ID" and "layer PATH" lines, topmost first: what a container's file "root" begins with. */
void root_describe(const struct root_source *source, const struct draft *draft, struct buf *ret);

/* ---- volumes --------------------------------------------------------------------------------------------- */

/* Locks on the volumes of a run, for as long as it runs. Zeroed memory holds none. */
struct root_volumes {
    int *fds;
    size_t n;
};

/*
 * Give the draft's volumes names and make those that are not there (see spec_name_volumes()), and hold them. id: who is
 * put on their lists of users, or NULL. The draft has changed when this returns 0: a container keeps it.
 */
int root_use_volumes(const struct volume_place *place, const char *id, struct draft *draft,
                     struct root_volumes *ret, struct err *err);
void root_volumes_done(struct root_volumes *volumes);

/* spawn_remove_tree() of what a run has written, with a sentence. */
int root_remove_tree(const struct spec_world *world, int dir_fd, const char *name, struct err *err);
