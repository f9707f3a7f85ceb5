/*
 * imagecli: the program ration-image, which `ration` executes for the commands on images:
 *
 *     ration-image [--data-dir=DIR] ID [--NAME=VALUE...] [--] [OPERAND...]
 *
 * ID and options stand in images.def; `ration` has checked them by it. A function of the name command_ID does the work.
 * The program alone links what unpacks, packs and speaks to registries. As an ordinary user it works in a user
 * namespace with that user's subordinate ids, so that files of a layer have their owners.
 */
#pragma once

#include "archive/archive.h"
#include "base/base.h"
#include "image/image.h"

/* One call of the program. */
struct call {
    const char *id;
    char *const *options; /* "NAME=VALUE", NULL-terminated */
    char *const *operands;
    char *data_dir;
    struct image_store *store; /* NULL until call_open() */
    bool rootless;             /* in a user namespace */
    int status;                /* what the program ends with when nothing failed */
};

/* 0, or -errno with err filled; call->status for anything in between. */
typedef int (*command_fn)(struct call *call, struct err *err);
#define IMAGE_COMMAND(id, ...) int command_##id(struct call *call, struct err *err);
#include "imagecli/images.def"
#undef IMAGE_COMMAND

/* Not for people: `ration run oci:PATH[:NAME]`, docker-archive:PATH. Loads it and prints its id. */
int command_take(struct call *call, struct err *err);

/* ---- the command line (call.c) --------------------------------------------------------------------------- */

/* The value of an option, the last one given; NULL: not given. */
const char *call_option(const struct call *call, const char *name);
bool call_flag(const struct call *call, const char *name);
/* Each value of one that may be given several times: index counts them; NULL beyond the end. */
const char *call_option_at(const struct call *call, const char *name, size_t index);
size_t call_n_operands(const struct call *call);
/* ERR_USAGE unless there are that many. */
int call_need(const struct call *call, size_t min, size_t max, const char *what, struct err *err);
/* --max-bytes, --max-entries, --max-ratio. */
int call_ceilings(const struct call *call, struct layer_ceilings *ret, struct err *err);
/* Open the store: to change it (made where it is missing, locked for use), or as it is. */
int call_open(struct call *call, bool make, struct err *err);

/* Open it to take things out: made where it is missing, locked for nobody else. */
int call_open_alone(struct call *call, struct err *err);

/* A line on stderr for people: "ration: ...". */
void call_say(const char *fmt, ...) _printf_(1, 2);
/* All of a text on stdout. */
int call_print(const struct buf *text, struct err *err);

/* ---- layers (layers.c) -------------------------------------------------------------------------------------- */

/* SHA-256 of libcrypto for the store. */
extern const struct image_hash image_sha256;

/*
 * Unpack the layer whose blob is in the store, unless it is unpacked. Its digests are checked on the way: -EBADMSG
 * when the blob is not what it is called, or unpacks to something else than diff_id.
 */
int layer_ensure(struct call *call, const char *digest, const char *diff_id,
                 const struct layer_ceilings *ceilings, struct err *err);
/* All layers of the image with that manifest, which with its configuration and blobs is in the store: lowest first. */
int layers_ensure(struct call *call, const char *manifest, const struct layer_ceilings *ceilings,
                  struct err *err);
/* The same for a blob whose diff_id is not known yet: it is found out. */
int layer_add(struct call *call, const char *digest, const struct layer_ceilings *ceilings,
              char ret_diff_id[IMAGE_DIGEST_SIZE], struct err *err);

/* "1.5 GiB": 1024s, as much as fits three digits. */
void bytes_show(uint64_t bytes, char *ret, size_t size);
