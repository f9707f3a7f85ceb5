/* Images from files: private to imagecli. */
#pragma once

#include "imagecli/import.h"

/* One load: a directory that holds images in one of the two forms. */
struct load {
    struct call *call;
    struct layer_ceilings ceilings;
    int dir_fd;
    const char *platform;
    const char *wanted;   /* the one name that is asked for, NULL: all */
    const char *fallback; /* what an image with nothing but a tag is called; NULL: nothing */
    struct buf told;      /* a line for each image */
    bool quiet;
    unsigned n;
};

/* A file of it by a name that the archive chose: beneath dir_fd whatever links say. -errno with err filled. */
int load_open(struct load *load, const char *path, struct err *err);
/* The same as a blob: digest NULL: whatever it is; size UINT64_MAX: whatever it is. */
int load_blob(struct load *load, const char *path, const char *digest, uint64_t size,
              char ret_digest[IMAGE_DIGEST_SIZE], uint64_t *ret_size, struct err *err);
/* A small one's text. */
int load_text(struct load *load, const char *path, struct buf *ret, struct err *err);
/* All blobs are there: unpack, name (in full; NULL: none), tell. */
int load_finish(struct load *load, const char *manifest, char *const *names, struct err *err);

/* OCI image layout, image-layout.md of the specification. */
int load_layout(struct load *load, struct err *err);
/* What docker save writes: manifest.json. */
int load_docker(struct load *load, struct err *err);
