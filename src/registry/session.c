/* Requests to a registry, with what may come in between: tokens, redirects, second tries. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "registry/session.h"

#define REDIRECTS_MAX   6
#define PAUSE_US        400000u
#define PAUSE_ASKED_MAX 30 /* seconds that a registry may make us wait */

char *session_url(const struct registry *r, const char *kind, const char *name)
{
    return text_format("%s/v2/%s/%s/%s", r->base, r->ref->path, kind, name);
}

/* ---- where to ------------------------------------------------------------------------------------------------ */

int session_may_visit(const struct registry *r, const char *url, struct err *err)
{
    _cleanup_free_ char *host = url_host(url);

    if (!host)
        return err_nomem(err);
    bool ours = host_is_loopback(host);
    if (ours && !host_is_loopback(r->host))
        return err_set(err, EPERM, "'%s' is this machine itself", WIRE_QUOTE(url));
    if (url_is_plain(url) && !ours && !r->options->plain_http)
        return err_set(err, EPERM, "'%s' has no TLS, and --plain-http is not given",
                       WIRE_QUOTE(url));
    return 0;
}

static bool is_redirect(const struct http_exchange *x)
{
    bool reads = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;

    if (!x->answer.location)
        return false;
    return x->status == 307 || x->status == 308 ||
           (reads && (x->status == 301 || x->status == 302 || x->status == 303));
}

/* x->url becomes where the answer leads. */
static int redirect(struct registry *r, struct http_exchange *x, unsigned *count, const char *what,
                    struct err *err)
{
    char *next = NULL;

    if (++*count > REDIRECTS_MAX)
        return session_wrong(r, ELOOP, what, err, "it leads from one address to the next, %u times",
                             REDIRECTS_MAX);
    int result = url_resolve(x->url, x->answer.location, &next, err);
    if (result == 0)
        result = session_may_visit(r, next, err);
    if (result < 0) {
        free(next);
        char why[sizeof(err->text)];
        memcpy(why, err->text, sizeof(why));
        return session_wrong(r, EPROTO, what, err, "%.250s", why);
    }
    free(x->url);
    x->url = next;
    return 0;
}

/* ---- who we are ------------------------------------------------------------------------------------------------ */

/* A copy of what we are known by just now, made anew when it has run out; *ret_number says which it is. */
static int authorization_get(struct registry *r, CURL *curl, char **ret, unsigned *ret_number,
                             struct err *err)
{
    int result = 0;

    pthread_mutex_lock(&r->lock);
    bool missing = r->authorized == 0 && r->challenge.scheme != AUTH_NONE;
    if (missing || (r->until_us && clock_us(CLOCK_MONOTONIC) > r->until_us))
        result = session_authorize(r, curl, NULL, err);
    if (result == 0 && r->authorization) {
        *ret = strdup(r->authorization);
        result = *ret ? 0 : err_nomem(err);
    }
    *ret_number = r->authorized;
    pthread_mutex_unlock(&r->lock);
    return result;
}

/* After a 401: another, unless a thread beside us has made one meanwhile. Positive: nothing more can be done. */
static int authorization_renew(struct registry *r, CURL *curl, const struct http_exchange *x,
                               unsigned number, struct err *err)
{
    int result = 0;

    pthread_mutex_lock(&r->lock);
    const struct challenge *c = &x->answer.challenge;
    if (x->answer.bad_challenge || c->scheme == AUTH_NONE)
        result = 1;
    else if (r->authorized == number)
        result = session_authorize(r, curl, c, err);
    /* Basic has one answer alone. */
    if (result == 0 && number > 0 && c->scheme == AUTH_BASIC)
        result = 1;
    if (result == 0 && !r->authorization)
        result = 1;
    pthread_mutex_unlock(&r->lock);
    return result;
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static int fail(struct http_exchange *x, struct err *err, int result)
{
    x->failure = HTTP_OURS;
    x->err = *err;
    return result;
}

/* One exchange, with the authorization if it is the registry itself that we ask. */
static int ask(struct registry *r, CURL *curl, struct http_exchange *x, unsigned *ret_number,
               struct err *err)
{
    _cleanup_free_ char *authorization = NULL;

    if (url_same_origin(x->url, r->base)) {
        int result = authorization_get(r, curl, &authorization, ret_number, err);
        if (result < 0)
            return fail(x, err, result);
    }
    x->authorization = authorization;
    int result = http_exchange(x, curl, &r->http);
    x->authorization = NULL;
    if (result < 0 && x->failure == HTTP_OURS)
        *err = x->err;
    return result;
}

int session_request(struct registry *r, CURL *curl, struct http_exchange *x, const char *url,
                    const char *what, struct err *err)
{
    unsigned redirects = 0, renewed = 0, number = 0;
    int result = text_replace(&x->url, url);

    if (result < 0)
        return fail(x, err, err_nomem(err));
    while (result == 0) {
        result = ask(r, curl, x, &number, err);
        if (result < 0)
            break;
        if (x->status == 401 && renewed == 0 && url_same_origin(x->url, r->base)) {
            renewed++;
            int more = authorization_renew(r, curl, x, number, err);
            if (more < 0)
                result = fail(x, err, more);
            if (more != 0)
                break;
        } else if (is_redirect(x)) {
            result = redirect(r, x, &redirects, what, err);
            if (result < 0)
                fail(x, err, result);
        } else {
            break;
        }
    }
    return result;
}

bool session_may_pass(const struct http_exchange *x)
{
    if (x->failure == HTTP_STALLED || x->failure == HTTP_BROKEN || x->failure == HTTP_REFUSED)
        return true;
    return x->failure == HTTP_OK && (x->status == 408 || x->status == 429 || x->status == 500 ||
                                     x->status == 502 || x->status == 503 || x->status == 504);
}

int session_pause(struct registry *r, const struct http_exchange *x, unsigned attempt)
{
    uint64_t seconds = 0, wait_us = (uint64_t)PAUSE_US << (attempt < 6 ? attempt : 6);

    if (x->answer.retry_after && number_parse(x->answer.retry_after, 86400, &seconds) == 0) {
        /* Longer than anybody waits in front of a terminal: it is told instead. */
        if (seconds > PAUSE_ASKED_MAX)
            return -EBUSY;
        wait_us = seconds * 1000000 + PAUSE_US;
    }
    /* Not all at once: several processes may have been turned away together. */
    wait_us += clock_us(CLOCK_MONOTONIC) % (wait_us / 4);
    uint64_t until_us = clock_us(CLOCK_MONOTONIC) + wait_us;
    while (clock_us(CLOCK_MONOTONIC) < until_us) {
        const struct timespec nap = { .tv_nsec = 50000000 };
        if (atomic_load(&r->cancelled))
            return -ECANCELED;
        nanosleep(&nap, NULL);
    }
    return 0;
}

int session_try(struct registry *r, CURL *curl, struct http_exchange *x, const char *url,
                const char *what, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        int result = session_request(r, curl, x, url, what, err);
        if (result < 0 && x->failure == HTTP_OURS)
            return result;
        if (!session_may_pass(x))
            return result < 0 ? session_explain(r, x, what, err) : 0;
        if (attempt >= r->options->retries || session_pause(r, x, attempt) < 0)
            return session_explain(r, x, what, err);
    }
}
