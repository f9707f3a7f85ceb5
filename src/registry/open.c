/* Reaching a registry: is it one, with TLS or without, and how does it want to know us? */
#include <errno.h>
#include <string.h>

#include "registry/session.h"

#define TIMEOUT_US      30000000u
#define LOOPBACK_TLS_US 3000000u /* to find out that this machine's own speaks no TLS */
#define PING_BODY_MAX   65536u
#define HUB             "docker.io"
#define HUB_HOST        "registry-1.docker.io"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    if (r->curl)
        curl_easy_cleanup(r->curl);
    if (r->authorization)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    free(r->host);
    free(r->base);
    challenge_done(&r->challenge);
    credentials_done(&r->credentials);
    strv_free(r->mount_scopes);
    buf_done(&r->http.ca);
    free(r->http.client_cert);
    free(r->http.client_key);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void registry_closep(struct registry **r)
{
    registry_close(*r);
}

/* ---- the ping -------------------------------------------------------------------------------------------------- */

/* A registry answers with 200, or with 401 and how it wants to know us. */
static int ping_judge(struct registry *r, struct http_exchange *x, struct err *err)
{
    const char *what = "its version of the protocol";

    if (x->answer.bad_challenge)
        return session_explain(r, x, what, err);
    if (x->status == 200 || (x->status == 401 && x->answer.challenge.scheme != AUTH_NONE)) {
        r->challenge = x->answer.challenge;
        x->answer.challenge = (struct challenge){ 0 };
        return 0;
    }
    if (x->status == 401)
        return session_wrong(r, EPROTO, what, err,
                             "it wants to know who asks, but in no way that is known here (Basic "
                             "and Bearer are)");
    if (x->status == 404 || x->status == 405 || x->status / 100 == 3)
        return session_wrong(r, EPROTO, what, err,
                             "it answers %ld: nothing there speaks the distribution protocol; is "
                             "the name right?",
                             x->status);
    return session_explain(r, x, what, err);
}

/* Connections that do not come about are told at once here: they are most likely a name or port that is wrong. */
static int ping(struct registry *r, const char *scheme, struct http_exchange *x, struct err *err)
{
    _cleanup_free_ char *base = text_format("%s://%s", scheme, r->host);
    _cleanup_free_ char *url = base ? text_format("%s/v2/", base) : NULL;

    x->method = "GET";
    x->body_max = PING_BODY_MAX;
    x->total_us = 2 * r->http.timeout_us;
    if (!url || text_replace(&r->base, base) < 0)
        return err_nomem(err);
    for (unsigned attempt = 0;; attempt++) {
        /* Not a challenge to be answered yet: a token is asked for when it is known for what. */
        int result =
            text_replace(&x->url, url) < 0 ? err_nomem(err) : http_exchange(x, r->curl, &r->http);
        if (result < 0 || !session_may_pass(x) || attempt >= r->options->retries ||
            session_pause(r, x, attempt) < 0)
            return result;
    }
}

/* Registries on this very machine may be without TLS, as with docker. */
static int ping_any(struct registry *r, struct http_exchange *x, struct err *err)
{
    uint64_t timeout_us = r->http.timeout_us;

    if (r->options->plain_http)
        return ping(r, "http", x, err);
    if (!host_is_loopback(r->host))
        return ping(r, "https", x, err);
    if (timeout_us > LOOPBACK_TLS_US)
        r->http.timeout_us = LOOPBACK_TLS_US;
    int result = ping(r, "https", x, err);
    r->http.timeout_us = timeout_us;
    if (result == 0 || x->failure == HTTP_UNTRUSTED || x->failure == HTTP_REFUSED ||
        x->failure == HTTP_NO_HOST || x->failure == HTTP_OURS)
        return result;
    return ping(r, "http", x, err);
}

static int reach(struct registry *r, struct err *err)
{
    _cleanup_exchange_ struct http_exchange x = { 0 };

    if (ping_any(r, &x, err) < 0)
        return x.failure == HTTP_OK ? -err->code
                                    : session_explain(r, &x, "its version of the protocol", err);
    return ping_judge(r, &x, err);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

int registry_open(const struct registry_options *options, const struct image_ref *ref, bool push,
                  struct registry **ret, struct err *err)
{
    _cleanup_registry_ struct registry *r = calloc(1, sizeof(*r));

    if (!r)
        return err_nomem(err);
    pthread_once(&curl_once, curl_begin);
    pthread_mutex_init(&r->lock, NULL);
    r->options = options;
    r->ref = ref;
    r->push = push;
    r->host = strdup(strcmp(ref->domain, HUB) == 0 ? HUB_HOST : ref->domain);
    r->curl = curl_easy_init();
    if (!r->host || !r->curl)
        return err_nomem(err);
    r->http.timeout_us = options->timeout_us ? options->timeout_us : TIMEOUT_US;
    r->http.cancelled = &r->cancelled;
    int result = certificates_read(options->cert_dir, r->host, &r->http, err);
    if (result == 0)
        result = reach(r, err);
    if (result < 0)
        return result;
    *ret = TAKE_PTR(r);
    return 0;
}
