/*
 * registry: images from registries and to them, by the distribution protocol, over libcurl. Linked by the program
 * ration-image alone.
 *
 *     registry_open()     asks the registry whether it is one, and how it wants to know us
 *     registry_read()     a manifest or an index
 *     registry_fetch()    blobs into the store, several at once, each going on where it stopped
 *     registry_send()     blobs from the store, what is there already left out
 *     registry_write()    a manifest
 *
 * Nothing that a registry says is believed: documents, tokens and errors are bounded, blobs are counted and hashed while
 * they come, redirects are bounded and carry a password to nobody else, and whoever says nothing for too long is left.
 *
 * Source: OCI distribution specification 1.1; docker's "token authentication specification" for Bearer; RFC 9110.
 */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "image/image.h"

struct registry;
struct registry_blob;

struct registry_options {
    bool plain_http; /* http, whoever it is; else only for this machine itself */
    const char
        *cert_dir; /* *.crt, *.cert and *.key for it; NULL: /etc/docker/certs.d/HOST and its like */
    const char *auth_file; /* where passwords are looked for; NULL: the usual places */
    unsigned parallel;     /* blobs at once; 0: 3 */
    unsigned retries;      /* after a failure that may pass */
    uint64_t timeout_us;   /* for connecting, and for saying nothing; 0: 30 s */
    uint64_t chunk_bytes;  /* a larger blob is sent in parts of this size; 0: 64 MiB */
    const struct image_hash *hash;
    /* Called about ten times in a second while blobs go, in the thread of the caller; may be NULL. */
    void (*tick)(void *data, const struct registry_blob *blobs, size_t n);
    void *tick_data;
    /*
     * Called for each blob that is in the store now, fetched or there before, in the thread that fetched it: several
     * at once. What it returns ends all when it is negative. May be NULL.
     */
    int (*fetched)(void *data, const struct registry_blob *blob, struct err *err);
    void *fetched_data;
};

enum registry_blob_state {
    REGISTRY_WAITING,
    REGISTRY_ELSEWHERE, /* another call fetches it just now */
    REGISTRY_MOVING,
    REGISTRY_RETRYING,
    REGISTRY_CHECKING, /* all there: the end of its hash, flushed to disk; or the registry does that */
    REGISTRY_UNPACKING, /* in options->fetched */
    REGISTRY_DONE,
    REGISTRY_THERE,   /* nothing had to be done: it was there */
    REGISTRY_MOUNTED, /* the registry took it from another repository of its own */
};

/* One blob that has to go one way or the other. */
struct registry_blob {
    const char *digest; /* the caller's */
    uint64_t size_bytes;
    /* Where else in the same registry it may be, to be taken from there: a repository, or NULL. */
    const char *mount_from;
    atomic_uint state;               /* enum registry_blob_state */
    atomic_uint_fast64_t done_bytes; /* what has gone, with what was there from an earlier call */
    atomic_uint_fast64_t kept_bytes; /* of these: from an earlier call */
};

/* A manifest or an index, as it came. */
struct registry_document {
    struct buf text;
    char *media_type;
    char digest[IMAGE_DIGEST_SIZE]; /* of text */
};
void registry_document_done(struct registry_document *document);
#define _cleanup_registry_document_ _cleanup_(registry_document_done)

/*
 * Reach the registry of ref (its domain; docker.io is registry-1.docker.io) for its repository ref->path, to
 * push as well when push is true. options and ref stay the caller's and must outlive it. Failures name whom was asked
 * what, what came, and what to do.
 */
int registry_open(const struct registry_options *options, const struct image_ref *ref, bool push,
                  struct registry **ret, struct err *err);
void registry_close(struct registry *r);
void registry_closep(struct registry **r);
#define _cleanup_registry_ _cleanup_(registry_closep)

/*
 * Read the manifest or index that a tag or a digest stands for, at most IMAGE_DOCUMENT_MAX bytes. Its digest is
 * computed from what came, and compared with the one that was asked for and the one that the registry tells. -ENOENT:
 * there is none.
 */
int registry_read(struct registry *r, const char *tag_or_digest, struct registry_document *ret,
                  struct err *err);

/*
 * Fetch those of blobs that store does not have. A blob that comes in part is kept, and the next call goes on from
 * there. What another process fetches at the moment is waited for. The first failure ends all of them.
 */
int registry_fetch(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                   size_t n, struct err *err);

/* Send those of blobs that the repository does not have, from store. The first failure ends all. */
int registry_send(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                  size_t n, struct err *err);

/* Put a manifest under a tag or its digest. digest is what text has, and is compared with the registry's answer. */
int registry_write(struct registry *r, const char *tag_or_digest, const char *media_type,
                   const char *text, size_t len, const char *digest, struct err *err);

/* ---- passwords --------------------------------------------------------------------------------------------- */

/*
 * Try user and password on the registry of domain and keep them in docker's configuration file (options->auth_file, else
 * $REGISTRY_AUTH_FILE, else $DOCKER_CONFIG/config.json, else ~/.docker/config.json), mode 0600, everything else in it
 * as it was. With a credsStore or credHelpers in that file the helper keeps them. ret_where, the caller's to free:
 * where they are now.
 */
int registry_login(const struct registry_options *options, const char *domain, const char *user,
                   const char *password, char **ret_where, struct err *err);
/* Forget them. 0: there were none; 1: they are gone. */
int registry_logout(const struct registry_options *options, const char *domain, char **ret_where,
                    struct err *err);
