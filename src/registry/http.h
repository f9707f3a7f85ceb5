/* One request and its answer, over libcurl: bounded in time and size, without redirects and without a second try. */
#pragma once

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/base.h"
#include "registry/wire.h"

#define HTTP_ERROR_BODY_MAX (64u << 10) /* bytes of a body that is there for people */
#define HTTP_HEADERS_MAX    (128u << 10)
#define HTTP_STALL_BYTES    1024 /* fewer than these in the time of a stall are none */

/* What every request of a registry shares. Read by several threads. */
struct http_options {
    struct buf ca; /* certificates, PEM, the system's among them; empty: those alone */
    char *client_cert, *client_key; /* files, or NULL; owned */
    uint64_t timeout_us;
    const atomic_bool *cancelled; /* set: requests end soon */
};

/* Headers of an answer that somebody looks at; NULL: not there. */
struct http_answer {
    char *location, *content_type, *content_encoding, *content_range, *range, *docker_digest;
    char *retry_after, *link, *chunk_min, *api_version, *content_length;
    struct challenge challenge;
    bool bad_challenge;
    char why[480]; /* what is wrong with it */
};

/* Why no answer came. */
enum http_failure {
    HTTP_OK,
    HTTP_CANCELLED,
    HTTP_OURS,      /* err says it: the store, the reader, memory */
    HTTP_NO_HOST,   /* the name is not known */
    HTTP_REFUSED,   /* no connection */
    HTTP_NO_TLS,    /* the other side speaks something else */
    HTTP_UNTRUSTED, /* its certificate */
    HTTP_STALLED,
    HTTP_BROKEN,  /* the connection ended too early */
    HTTP_TOO_BIG, /* more than there may be */
    HTTP_OTHER,
};

struct http_exchange {
    /* ---- asked ---- */
    const char *method; /* GET, HEAD, POST, PUT, PATCH, DELETE */
    char *url;          /* owned; after session_request(): where it ended */
    const char *accept, *content_type, *content_range; /* NULL: none */
    const char *authorization;                         /* the whole value; NULL: none */
    uint64_t from_bytes;                               /* Range: bytes=N-; 0: all */
    const void *body;                                  /* what is sent, or body_fd */
    int body_fd;                                       /* with body NULL and body_size > 0 */
    uint64_t body_at, body_size;
    uint64_t total_us;  /* all of it at most; 0: no bound */
    uint64_t answer_us; /* for the answer after all is sent; 0: ten times that of a stall */
    /*
     * The body of a 2xx answer. begin comes once, with status and headers; 0 or -errno with err filled. Without add it
     * goes to answer_body, at most body_max bytes.
     */
    int (*begin)(void *data, struct http_exchange *x, struct err *err);
    int (*add)(void *data, const void *bytes, size_t len, struct err *err);
    void *data;
    size_t body_max;
    atomic_uint_fast64_t *sent_bytes; /* kept up to date while body goes; may be NULL */

    /* ---- answered ---- */
    long status;
    struct http_answer answer;
    struct buf answer_body;
    enum http_failure failure;
    char why[200];  /* libcurl's words for it */
    struct err err; /* for HTTP_OURS */

    /* ---- under way ---- */
    CURL *curl;
    const struct http_options *options;
    size_t header_bytes;
    bool begun, cut;
    uint64_t window_at_us, window_bytes, started_us, sent_all_us;
    uint64_t body_read;
};

/* 0 with status and answer filled, or -errno with failure and why. curl is the thread's, used again and again. */
int http_exchange(struct http_exchange *x, CURL *curl, const struct http_options *options);
/* Frees what was answered, and the address. */
void http_exchange_done(struct http_exchange *x);
#define _cleanup_exchange_ _cleanup_(http_exchange_done)
