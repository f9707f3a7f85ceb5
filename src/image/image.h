/*
 * image: what images are and where they lie. References, the store beneath the data directory, configurations,
 * and which directories make an image's root. Unpacking, packing and the network are programs of their own
 * (src/archive, src/registry, src/imagecli), which put into this store what they make.
 *
 *     DATA/image/blobs/sha256/HEX    manifests, configurations, layers as they came
 *     DATA/image/layers/HEX/tree     a layer unpacked, in overlayfs's form, by its diff_id; HEX/sum says what is in it
 *     DATA/image/names/REFERENCE     "MANIFEST-DIGEST CONFIG-DIGEST\n"; '/' is written %2F
 *     DATA/image/tmp/                what is being made, each thing locked by who makes it
 *     DATA/image/lock                flock(2): shared by who adds or uses, exclusive by who deletes
 *
 * Everything is written aside, flushed and renamed into its place, so that nothing in blobs, layers and names
 * is ever half there. An image that no name stands for any more has the name "@sha256:MANIFEST-HEX" until it is removed.
 *
 * Source: OCI image specification 1.1 (manifest, config, image index), docker's reference grammar
 * (distribution/reference), image manifest version 2 schema 2.
 */
#pragma once

#include "base/base.h"
#include "spec/spec.h"

/* ---- digests ------------------------------------------------------------------------------------------- */

/* "sha256:" and 64 hexadecimal digits, with its NUL. */
#define IMAGE_DIGEST_SIZE (7 + 64 + 1)

/* Is text a digest as it has to be written: "sha256:" and 64 lower-case hexadecimal digits? Pure. */
bool image_digest_is(const char *text);
/* The 64 digits of one. */
const char *image_digest_hex(const char *digest);
void image_digest_format(const uint8_t sum[static 32], char ret[static IMAGE_DIGEST_SIZE]);

/* ---- references ------------------------------------------------------------------------------------------ */

/*
 * What a person calls an image, with docker's defaults filled in: "busybox" is domain "docker.io", path
 * "library/busybox", tag "latest". A first component with '.' or ':' in it, or "localhost", is the domain. With a digest
 * and without a tag, tag is NULL. Members are owned.
 */
struct image_ref {
    char *domain, *path, *tag, *digest;
};

/* Pure. ERR_USAGE. */
int image_ref_parse(const char *text, struct image_ref *ret, struct err *err);
void image_ref_done(struct image_ref *ref);
#define _cleanup_image_ref_ _cleanup_(image_ref_done)
/* In full: "docker.io/library/busybox:latest"; the name of a file of the store but for its slashes. */
char *image_ref_format(const struct image_ref *ref);
/* For people, without what docker leaves out: "busybox:latest", "example.org/a/b:1". */
char *image_ref_show(const struct image_ref *ref);
/* The same from the text of a name in the store; "<none>" for one that stands for no name. NULL: no memory. */
char *image_name_show(const char *name);

/* ---- images ------------------------------------------------------------------------------------------------- */

struct image_layer {
    char *diff_id; /* of the unpacked tar: what the layer's directory is called */
    char *digest;  /* of the blob, as it came; NULL: the manifest is not there */
    char *media_type;
    uint64_t size_bytes; /* of the blob */
    char *
        tree; /* absolute path of the unpacked directory; whether it is there is image_layer_has()'s to say */
};

struct image_history {
    char *created, *created_by, *author, *comment;
    bool empty_layer;
};

struct image {
    char *name;     /* what it was found by, in full; NULL: by an id */
    char **names;   /* all that it has, in full; those that stand for no name left out */
    char *manifest; /* digests */
    char *id;       /* of the configuration */
    /* What the configuration asks of a run: entrypoint, cmd, env, user ... */
    char **entrypoint, **cmd, **env, **volumes, **labels /* KEY=VALUE */, **exposed /* 80/tcp */;
    char *user, *workdir, *stop_signal;
    struct spec_health health;
    /* What it says of itself */
    char *architecture, *os, *variant, *created, *author;
    struct image_history *history;
    size_t n_history;
    struct image_layer *layers; /* lowest first */
    size_t n_layers;
    uint64_t size_bytes;               /* of the unpacked layers, as their sums say */
    char *manifest_text, *config_text; /* as they lie in the store */
};

void image_free(struct image *image);
void image_freep(struct image **image);
#define _cleanup_image_ _cleanup_(image_freep)

/*
 * Texts of a manifest and a configuration as an image, without a store: checked, with as many layers in the one as
 * in the other, and few enough of them. manifest may be NULL. Pure. ERR_FAILED, with what is wrong in them.
 */
int image_parse(const char *manifest, size_t manifest_len, const char *config, size_t config_len,
                struct image **ret, struct err *err);

/* What a manifest or an index names. */
struct image_descriptor {
    char *media_type, *digest;
    uint64_t size_bytes;
    char *architecture, *os, *variant; /* of an index's entry; may be NULL */
    char *
        name; /* annotation org.opencontainers.image.ref.name or io.containerd.image.name; or NULL */
};
struct image_document {
    bool index; /* entries are manifests; otherwise config and then the layers */
    char *media_type;
    struct image_descriptor config;
    struct image_descriptor *entries;
    size_t n_entries;
};
#define IMAGE_DOCUMENT_MAX (4u << 20) /* bytes of a manifest, an index or a configuration */
#define IMAGE_LAYERS_MAX   500        /* what overlayfs takes of lower directories */
/* A manifest or an index, OCI's or docker's. Pure. */
int image_document_parse(const char *text, size_t len, struct image_document *ret, struct err *err);
void image_document_done(struct image_document *document);
/*
 * Which entry of an index is for this machine (or for platform "os/arch[/variant]" when that is not NULL): ret_index.
 * None: -ENOENT with a sentence that lists what there is. Pure.
 */
int image_document_choose(const struct image_document *index, const char *platform,
                          size_t *ret_index, struct err *err);
/* This machine's in the words of images: "amd64", "arm64" ... */
const char *image_architecture(void);

/* Defaults for a run: fills draft by spec_set_image(). The options of the run override them. */
int image_apply(const struct image *image, struct draft *draft, struct err *err);

/*
 * Fill in names and size_bytes, which takes reading all names: image_visit() does it by itself, image_find() does
 * not.
 */
struct image_store;
int image_measure(struct image_store *store, struct image *image, struct err *err);
/* It as JSON with docker's names: Id, RepoTags, Config, RootFS ...; after image_measure(). Freed with free(). Pure. */
int image_describe(const struct image *image, char **ret, struct err *err);

/* ---- the store ------------------------------------------------------------------------------------------------ */

/*
 * The data directory: asked when that is not NULL, else /var/lib/ration for root, else $XDG_DATA_HOME/ration or
 * ~/.local/share/ration. Absolute; the caller frees *ret.
 */
int image_data_dir(const char *asked, char **ret, struct err *err);

/*
 * Open the store beneath data_dir (as image_data_dir() gives it). With make, its directories are made where they are missing and what
 * killed calls left in tmp is removed; without, a store that is not there yet is an empty one and nothing
 * is written.
 */
int image_store_open(const char *data_dir, bool make, struct image_store **ret, struct err *err);
void image_store_close(struct image_store *store);
void image_store_closep(struct image_store **store);
#define _cleanup_image_store_ _cleanup_(image_store_closep)
/* DATA/image, for messages and for directories of layers; belongs to store. */
const char *image_store_path(const struct image_store *store);

enum image_lock {
    IMAGE_LOCK_USE,    /* shared: things are added or used, nothing that is there goes */
    IMAGE_LOCK_DELETE, /* exclusive */
};
/* Held until image_store_unlock() or image_store_close(). Waits for the others. */
int image_store_lock(struct image_store *store, enum image_lock lock, struct err *err);
void image_store_unlock(struct image_store *store);

/*
 * The image that what stands for: a name ("busybox", "busybox:1", "host/a@sha256:..."), an id or a manifest's digest
 * in full, or an id's beginning. None: -ENOENT, several: -ENOTUNIQ, both with a sentence (ERR_FAILED). One
 * that is damaged: -EBADMSG. A name goes before an id.
 */
int image_find(struct image_store *store, const char *what, struct image **ret, struct err *err);
/* Each image once, in no order; fn's value ends the walk unless it is 0. A damaged one: image NULL, and err says why. */
typedef int (*image_visit_fn)(void *data, const struct image *image, const struct err *damage);
int image_visit(struct image_store *store, image_visit_fn fn, void *data, struct err *err);
/*
 * The same for each manifest: an image that came from two places, differently compressed, has two of them with layers
 * of their own, and one id.
 */
int image_visit_manifests(struct image_store *store, image_visit_fn fn, void *data,
                          struct err *err);

/*
 * Give an image a name, taking it from whichever had it (which keeps one that stands for no name when it was the
 * last). name is in full, as image_ref_format() gives it.
 */
int image_name_put(struct image_store *store, const char *name, const char *manifest,
                   const char *config, struct err *err);
/* The same for an image that has no name and gets none. */
int image_name_put_none(struct image_store *store, const char *manifest, const char *config,
                        struct err *err);
/* -ENOENT when there is none. The image's blobs and layers stay: image_gc of src/imagecli. */
int image_name_remove(struct image_store *store, const char *name, struct err *err);
/* Each name as it stands, also of damaged images; digests are "" in a file that is no name. */
typedef int (*image_name_fn)(void *data, const char *name, const char *manifest,
                             const char *config);
int image_name_visit(struct image_store *store, image_name_fn fn, void *data, struct err *err);

/* ---- blobs -------------------------------------------------------------------------------------------------------- */

/* SHA-256, by whoever links a library that has it; the core verifies nothing and needs none. */
struct image_hash {
    void *(*start)(void); /* NULL: no memory */
    void (*add)(void *hash, const void *data, size_t len);
    void (*end)(void *hash,
                uint8_t ret[static 32]); /* hash can be added to further: end works on a copy */
    void (*free)(void *hash);
};

bool image_blob_has(struct image_store *store, const char *digest);
/* Opens it: an fd, its size. -ENOENT. */
int image_blob_open(struct image_store *store, const char *digest, uint64_t *ret_size_bytes,
                    struct err *err);
/* All of a small one (a manifest, a configuration: at most IMAGE_DOCUMENT_MAX). Not verified. */
int image_blob_read(struct image_store *store, const char *digest, struct buf *ret,
                    struct err *err);

/*
 * A blob being written: a file in tmp that goes by itself when its writer does. Add to it as it comes; when a connection breaks go on
 * from image_blob_written(), or begin anew with image_blob_rewind().
 */
struct image_blob;
int image_blob_start(struct image_store *store, const struct image_hash *hash,
                     struct image_blob **ret, struct err *err);
/*
 * The same for one whose digest is known: goes on with what an earlier call has left of it (image_blob_written()), and
 * leaves it itself when it is freed before it is finished. One that is left for some days goes when the store is opened
 * next. Positive: somebody else writes it just now, and *ret is NULL.
 */
int image_blob_resume(struct image_store *store, const struct image_hash *hash, const char *digest,
                      struct image_blob **ret, struct err *err);
/* Remove what image_blob_resume() has left and nobody writes now: for a collection of garbage. */
void image_blob_forget(struct image_store *store);
int image_blob_add(struct image_blob *blob, const void *data, size_t len, struct err *err);
uint64_t image_blob_written(const struct image_blob *blob);
int image_blob_rewind(struct image_blob *blob, struct err *err);
/*
 * Flush, compare with digest (NULL: whatever it is) and size_bytes (UINT64_MAX: whatever it is), and
 * put it in its place. One that is there already is fine. A mismatch: -EBADMSG. ret_digest may be NULL. The blob is freed by
 * image_blob_free() in any case.
 */
int image_blob_finish(struct image_blob *blob, const char *digest, uint64_t size_bytes,
                      char ret_digest[IMAGE_DIGEST_SIZE], struct err *err);
void image_blob_free(struct image_blob *blob);
void image_blob_freep(struct image_blob **blob);
#define _cleanup_image_blob_ _cleanup_(image_blob_freep)
/* A whole one that is in memory. */
int image_blob_put(struct image_store *store, const struct image_hash *hash, const void *data,
                   size_t len, char ret_digest[IMAGE_DIGEST_SIZE], struct err *err);

/* ---- layers --------------------------------------------------------------------------------------------------------- */

bool image_layer_has(struct image_store *store, const char *diff_id);

/* What image_layer_finish() was given: lines "KEY VALUE", among them "bytes" and "entries". 0 or -errno. */
int image_layer_sum(struct image_store *store, const char *diff_id, struct buf *ret);

/* A layer being unpacked: a locked directory in tmp, with an empty directory "tree" in it. */
struct image_work;
/*
 * Begin, after waiting for whoever unpacks the same. Positive: it is there already, and *ret is NULL. Otherwise
 * unpack beneath image_work_tree() and end with image_layer_finish(). diff_id NULL: it is not known before
 * that.
 */
int image_layer_start(struct image_store *store, const char *diff_id, struct image_work **ret,
                      struct err *err);
/* fd of the directory "tree"; belongs to work. */
int image_work_tree(const struct image_work *work);
/* Write sum, flush all, put the layer in its place, unless it has come to be there. */
int image_layer_finish(struct image_work *work, const char *diff_id, const char *sum,
                       struct err *err);
/* Gives up what was not finished: removes it. */
void image_work_free(struct image_work *work);
void image_work_freep(struct image_work **work);
#define _cleanup_image_work_ _cleanup_(image_work_freep)

/* fd of the unpacked tree. -ENOENT. */
int image_layer_open(struct image_store *store, const char *diff_id, struct err *err);

/* ---- taking out --------------------------------------------------------------------------------------------------- */

/* Each blob or layer there is, in no order. digest NULL: something that has no business there, called name. */
typedef int (*image_entry_fn)(void *data, const char *digest, const char *name);
int image_blob_visit(struct image_store *store, image_entry_fn fn, void *data, struct err *err);
int image_layer_visit(struct image_store *store, image_entry_fn fn, void *data, struct err *err);
/* With IMAGE_LOCK_DELETE held. What is not there is no error. */
int image_blob_remove(struct image_store *store, const char *digest, struct err *err);
int image_layer_remove(struct image_store *store, const char *diff_id, struct err *err);

/*
 * Register the image of a manifest that is in the store with its configuration and all its layers, unpacked:
 * checks that they are there. name NULL: none. ret may be NULL.
 */
int image_register(struct image_store *store, const char *manifest, const char *name,
                   struct image **ret, struct err *err);
