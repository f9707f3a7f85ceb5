/* What the files of this room share. */
#pragma once

#include <jansson.h>

#include "image/image.h"

struct image_store {
    char *path; /* DATA/image */
    int dir_fd; /* -1: there is none yet */
    int blobs_fd, layers_fd, names_fd, tmp_fd;
    int lock_fd;
};

/* A thing of ours in tmp: locked, and gone at the latest when the next call comes by. */
struct image_tmp {
    int fd;
    char name[80];
};
/* A new file in tmp, open for reading and writing, or with directory a directory. */
int image_tmp_make(struct image_store *store, bool directory, struct image_tmp *ret,
                   struct err *err);
/* Remove it unless it was renamed away (name ""), and close it. */
void image_tmp_done(struct image_store *store, struct image_tmp *tmp);
/* Does this fd still have that name in tmp? */
bool image_tmp_is(struct image_store *store, int fd, const char *name);
/* Remove what nobody has locked, but for blobs that came in part less than some days ago; all of those, too. */
void image_tmp_reclaim(struct image_store *store, bool all);
/* The one with this name, made if it is not there, open for reading and writing. Positive: somebody else has it. */
int image_tmp_take(struct image_store *store, const char *name, struct image_tmp *ret,
                   struct err *err);
/* What a blob that comes in part is called in tmp: this and its digest's hexadecimal digits. */
#define IMAGE_PARTIAL "partial-"

struct image_blob {
    struct image_store *store;
    const struct image_hash *hash;
    void *state;
    struct image_tmp tmp;
    uint64_t written;
    bool keep; /* what is written stays in tmp, for the next call */
};

/* The sentence for a store that is opened to be read and is not there. */
int image_store_missing(const struct image_store *store, struct err *err);

/* Load an image by its two digests; name may be NULL. -EBADMSG: damaged. */
int image_load(struct image_store *store, const char *name, const char *manifest,
               const char *config, struct image **ret, struct err *err);

/* Read a name's file: both digests. -ENOENT, -EBADMSG. */
int image_name_read(struct image_store *store, const char *file,
                    char ret_manifest[IMAGE_DIGEST_SIZE], char ret_config[IMAGE_DIGEST_SIZE]);
/* name as the name of a file; NULL: no memory. The second undoes it in place. */
char *image_name_escape(const char *name);
void image_name_unescape(char *file);

/* ---- JSON (json.c): each returns 1, 0 when there is none (or null), -EBADMSG with a sentence -------------------- */

/* One object and nothing after it. what: "the manifest". */
int image_json_load(const char *what, const char *text, size_t len, json_t **ret, struct err *err);
void image_json_freep(json_t **json);
#define _cleanup_json_ _cleanup_(image_json_freep)
/* Copies; an empty string is as none. */
int image_json_string(const char *what, const json_t *object, const char *key, char **ret,
                      struct err *err);
int image_json_strv(const char *what, const json_t *object, const char *key, char ***ret,
                    struct err *err);
/* The names of an object's members ("Volumes", "ExposedPorts"). */
int image_json_keys(const char *what, const json_t *object, const char *key, char ***ret,
                    struct err *err);
/* "NAME=VALUE" of an object of strings. */
int image_json_pairs(const char *what, const json_t *object, const char *key, char ***ret,
                     struct err *err);
int image_json_u64(const char *what, const json_t *object, const char *key, uint64_t *ret,
                   struct err *err);
int image_json_object(const char *what, const json_t *object, const char *key, const json_t **ret,
                      struct err *err);
int image_json_array(const char *what, const json_t *object, const char *key, const json_t **ret,
                     struct err *err);
