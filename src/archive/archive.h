/*
 * archive: layers as tar archives, unpacked beneath a directory and packed from one. Links libarchive (formats and
 * compression) and libcrypto (SHA-256); only programs of their own stand on this room.
 *
 * Nothing in an archive is believed. Names are followed beneath one directory's descriptor and cannot leave it, whatever links
 * stand in it; what would mean something to overlayfs in the layer that it becomes is taken out; and there
 * is an end to bytes, entries, depth and ratio.
 *
 * Source: OCI image specification, "Image Layer Filesystem Changeset"; tar(5); overlayfs.rst of the kernel.
 */
#pragma once

#include "base/base.h"

#define LAYER_DIGEST_SIZE (7 + 64 + 1) /* "sha256:", 64 digits, NUL */

/* ---- SHA-256 ------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
void *layer_hash_start(void);
void layer_hash_add(void *hash, const void *data, size_t len);
/* The sum so far; more can be added afterwards. */
void layer_hash_end(void *hash, uint8_t ret[static 32]);
void layer_hash_free(void *hash);
void layer_hash_format(void *hash, char ret[static LAYER_DIGEST_SIZE]);

/* ---- unpacking -------------------------------------------------------------------------------------------- */

/* How much of an archive is believed to be meant. */
struct layer_ceilings {
    uint64_t bytes; /* unpacked, holes included */
    uint64_t entries;
    unsigned depth; /* directories above an entry */
    unsigned ratio; /* unpacked bytes to packed ones, beyond 256 MiB */
};
#define LAYER_CEILINGS_DEFAULT \
    ((struct layer_ceilings){  \
        .bytes = 64ull << 30, .entries = 4000000, .depth = 256, .ratio = 250 })

enum layer_form {
    LAYER_OVERLAY, /* a layer: whiteouts become what overlayfs takes for such */
    LAYER_PLAIN,   /* just files: names with ".wh." in front mean nothing */
};

struct layer_unpack {
    int tree_fd; /* beneath this; its own attributes are those of the archive's "./" */
    enum layer_form form;
    struct layer_ceilings ceilings;
    /*
     * In a user namespace: device nodes are left out, owners that it does not have become user 0, and marks for overlayfs
     * are user.overlay.* instead of trusted.overlay.*.
     */
    bool rootless;
    bool keep_owner; /* false: everything belongs to owner_uid and owner_gid */
    uint32_t owner_uid, owner_gid;
    bool keep_top; /* tree_fd itself keeps its attributes */
    /* Called now and then, may be NULL: packed bytes read so far. */
    void (*progress)(void *data, uint64_t bytes);
    void *progress_data;
};

struct layer_unpacked {
    char digest[LAYER_DIGEST_SIZE];  /* of the archive as it is */
    char diff_id[LAYER_DIGEST_SIZE]; /* of it decompressed */
    uint64_t packed_bytes, stream_bytes;
    uint64_t bytes, entries; /* of files; of everything */
    /* What could not be kept, of so many entries */
    uint64_t devices_skipped, owners_changed, attributes_dropped;
};

/*
 * Unpack all that fd gives: a tar, plain or compressed by gzip, zstd, xz, bzip2 or what else libarchive knows. Reading,
 * decompressing and hashing are done by threads while this one makes files. What was made stays when it fails.
 * The umask must be 0. Errors: ERR_FAILED; -EBADMSG: the archive is damaged or none; -E2BIG: a ceiling; -ELOOP,
 * -EPERM ...: what it wants made cannot be.
 */
int layer_unpack(int fd, const struct layer_unpack *how, struct layer_unpacked *ret,
                 struct err *err);

/* ---- packing ----------------------------------------------------------------------------------------------- */

enum layer_compression { LAYER_TAR, LAYER_GZIP, LAYER_ZSTD };
/* "none", "gzip", "zstd"; false: none of them. */
bool layer_compression_parse(const char *text, enum layer_compression *ret);
/* The media type of a layer so compressed, of the OCI image specification. */
const char *layer_media_type(enum layer_compression compression);

struct layer_pack {
    int tree_fd; /* of this directory, or: */
    const char *
        name; /* of this one entry of it, with all beneath; NULL: of the directory itself, which is "./" */
    const char *rename;   /* what that is called in the archive; NULL: name */
    enum layer_form form; /* LAYER_OVERLAY: what marks overlayfs has made become whiteouts again */
    bool one_file_system; /* leave out what is mounted beneath */
    enum layer_compression compression;
    /* What comes out; returns 0 or -errno. */
    int (*write)(void *data, const void *bytes, size_t len);
    void *write_data;
};

struct layer_packed {
    char diff_id[LAYER_DIGEST_SIZE];
    uint64_t bytes, entries;
    uint64_t sockets_skipped;
};

/* Same tree, same bytes: entries are sorted, and hold no time but that of the last change. */
int layer_pack(const struct layer_pack *how, struct layer_packed *ret, struct err *err);

/* ---- summing up ---------------------------------------------------------------------------------------------- */

struct layer_sum {
    uint64_t bytes, entries;
    char
        tree[64 +
             1]; /* of every entry's name, kind, mode, owner, size, time and link; not of content */
};
/* What is beneath tree_fd, in whatever order it is found. */
int layer_sum_tree(int tree_fd, struct layer_sum *ret, struct err *err);
