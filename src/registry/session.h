/* A registry that is being talked to: whom we are to it, and requests with all that may come in between. */
#pragma once

#include <pthread.h>

#include "registry/auth.h"
#include "registry/http.h"
#include "registry/registry.h"

struct registry {
    const struct registry_options *options;
    const struct image_ref *ref;
    bool push;
    char *host; /* HOST[:PORT] as it is connected to */
    char *base; /* https://HOST */
    struct http_options http;
    atomic_bool cancelled;
    CURL *curl; /* of the thread that opened it */
    /* Under lock: requests of several threads share what they are known by. */
    pthread_mutex_t lock;
    struct challenge challenge; /* how it wants to know us; AUTH_NONE: it does not */
    struct credentials credentials;
    bool asked; /* credentials have been looked for */
    char *authorization;
    unsigned authorized; /* how often authorization has been made */
    uint64_t until_us;   /* it holds so long; 0: for good */
    char **mount_scopes; /* repositories to be taken from */
};

/* "https://HOST/v2/PATH/KIND/NAME"; NULL: no memory. */
char *session_url(const struct registry *r, const char *kind, const char *name);

/*
 * One request to url with what comes in between: authorization, a token that has run out, redirects (of GET and
 * HEAD, or those that keep the method). x->url is where it ended. 0: there is an answer, whatever it
 * says. Otherwise -errno, and err is filled when x->failure is HTTP_OURS.
 */
int session_request(struct registry *r, CURL *curl, struct http_exchange *x, const char *url,
                    const char *what, struct err *err);
/* The same, again and again as long as it may help. Otherwise as session_request(), and every failure is told. */
int session_try(struct registry *r, CURL *curl, struct http_exchange *x, const char *url,
                const char *what, struct err *err);

/* May the same request go well in a moment? */
bool session_may_pass(const struct http_exchange *x);
/* Wait before attempt (1: the second try), as long as the registry asks for within reason. -ECANCELED. */
int session_pause(struct registry *r, const struct http_exchange *x, unsigned attempt);

/*
 * The sentence for what came instead of what, "the manifest of busybox:1": whom we asked, what the answer was, what to do.
 * Fills err, returns -errno: -ENOENT for a 404, -EACCES for 401 and 403.
 */
int session_explain(struct registry *r, const struct http_exchange *x, const char *what,
                    struct err *err);
/* An answer that is not as it has to be; why ends the sentence. */
int session_wrong(struct registry *r, int code, const char *what, struct err *err, const char *why,
                  ...) _printf_(5, 6);

/* May we go from here to url without TLS, or to this machine? */
int session_may_visit(const struct registry *r, const char *url, struct err *err);

/* Make r->authorization after challenge (the one of an answer; NULL: that of r). Under r->lock. */
int session_authorize(struct registry *r, CURL *curl, const struct challenge *challenge,
                      struct err *err);

/* Certificates for host: options' directory, or the usual ones that are there. */
int certificates_read(const char *cert_dir, const char *host, struct http_options *ret,
                      struct err *err);
