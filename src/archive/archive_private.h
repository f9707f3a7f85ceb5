/* What the files of this room share. */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "archive/archive.h"

/* ---- the stream (stream.c) ------------------------------------------------------------------------------- */

/*
 * A file, read, hashed, decompressed and hashed again by two threads. What comes out is taken piece by
 * piece; each stays valid until the next is asked for.
 */
struct stream;
int stream_open(int fd, const struct layer_unpack *how, struct stream **ret, struct err *err);
/* The next piece: its length, 0 at the end, -errno. */
ssize_t stream_next(struct stream *stream, const void **ret);
/* Why it ended early: fills err if there is something to tell. */
int stream_error(struct stream *stream, struct err *err);
/* After the end: both digests and lengths. */
void stream_sums(struct stream *stream, struct layer_unpacked *ret);
/* Ends the threads wherever they are. */
void stream_close(struct stream *stream);

/* ---- places (place.c) ------------------------------------------------------------------------------------- */

/* Where the next entry goes: a directory and a name in it. Descriptors of the directories above are kept. */
struct place {
    int root_fd;
    const struct layer_unpack *how;
    struct place_level {
        char *name;
        int fd;
    } * levels; /* open directories, from the top */
    size_t n, room;
};

#define PATH_LENGTH_MAX 4095 /* bytes of an entry's name: PATH_MAX without the NUL */

/* Strip "/" and "./" and such: *ret is malloc'ed, "" for the top itself. ".." is refused. Pure. */
int place_clean(const char *path, unsigned depth_max, char **ret, struct err *err);
/*
 * The directory that path, clean and not "", has to be made in; missing ones are made. Belongs to place. ret_name points
 * into path. Symbolic links on the way are followed as if the top were "/".
 */
int place_parent(struct place *place, const char *path, int *ret_fd, const char **ret_name,
                 struct err *err);
/* Some directory has been replaced: what is open may be gone. */
void place_forget(struct place *place);
void place_done(struct place *place);

/* ---- attributes (attributes.c) ------------------------------------------------------------------------------ */

#define OPAQUE_TRUSTED "trusted.overlay.opaque"
#define OPAQUE_USER    "user.overlay.opaque"

/* Does this attribute mean something to overlayfs? */
bool attribute_is_overlays(const char *name);
/* May it be in a layer? security.capability, ACLs, user.* ... */
bool attribute_is_kept(const char *name, bool rootless);
/* Set what the entry has; counts in *dropped what the file system does not take. path: of an fd or below one. */
int attributes_set(const char *path, struct archive_entry *entry, bool rootless, uint64_t *dropped);

/* What lies below this directory in other layers does not show through it. */
int directory_set_opaque(int fd, bool rootless);

/* ---- making entries (entry.c) --------------------------------------------------------------------------------- */

struct unpacking {
    const struct layer_unpack *how;
    struct layer_unpacked *done;
    struct archive *archive;
    struct place place;
    /* Times of directories are set when nothing is made in them any more. */
    struct directory_time {
        char *path;
        struct timespec time;
    } * times;
    size_t n_times, times_room;
};
/* Make what the entry says at path, clean. */
int entry_make(struct unpacking *unpacking, struct archive_entry *entry, const char *path,
               struct err *err);
int entry_finish_times(struct unpacking *unpacking, struct err *err);
