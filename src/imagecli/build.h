/* Making an image's documents. Private to imagecli. */
#pragma once

#include <jansson.h>

#include "imagecli/imagecli.h"

/* A layer that is in the store both ways. */
struct built_layer {
    char digest[IMAGE_DIGEST_SIZE], diff_id[IMAGE_DIGEST_SIZE];
    uint64_t size_bytes;
    const char *media_type;
};

/* What comes with it. */
struct build {
    const struct image *base; /* the layers below, and what is not changed; NULL: none */
    const char *author, *comment, *created_by; /* or NULL */
    char *const *changes;                      /* lines of a Dockerfile, or NULL */
    json_t *config; /* the part "config", before changes; taken over; NULL: the base's */
};

/* One line of a Dockerfile to the part "config" of a configuration. Pure. ERR_USAGE. */
int build_change(json_t *config, const char *line, struct err *err);
/* Each of --change, to be freed by strv_free(). */
int build_changes(const struct call *call, char ***ret, struct err *err);
/* "2026-01-02T03:04:05Z"; SOURCE_DATE_EPOCH counts. */
void build_time(char ret[static 32]);

/* Put configuration and manifest into the store, name them (name in full, or NULL) and give the id. */
int build_image(struct call *call, const struct build *build, const struct built_layer *layer,
                const char *name, char ret_id[IMAGE_DIGEST_SIZE], struct err *err);

/* Pack a directory as a layer, with the compression that --compress asks for, into blob and unpacked layer. */
int build_pack(struct call *call, const struct layer_pack *what, struct built_layer *ret,
               struct err *err);
/* A name that somebody gives to an image: in full. ERR_USAGE for one with a digest. */
int build_name(const char *text, char **ret, struct err *err);
