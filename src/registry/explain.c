/* Sentences: whom we asked for what, what came instead, and what to do about it. */
#include <errno.h>
#include <string.h>

#include "registry/session.h"

/* "registry HOST", and the machine that it has sent us to when that is another. */
static const char *whom(const struct registry *r, const struct http_exchange *x, char *ret,
                        size_t size)
{
    _cleanup_free_ char *there = x && x->url ? url_host(x->url) : NULL;
    const char *host = strcmp(r->ref->domain, "docker.io") == 0 ? "docker.io" : r->host;

    if (there && strcmp(there, r->host) != 0)
        snprintf(ret, size, "registry %.100s (by way of %.100s)", host, WIRE_QUOTE(there));
    else
        snprintf(ret, size, "registry %.100s", host);
    return ret;
}
#define WHOM(r, x) whom((r), (x), (char[256]){ 0 }, 256)

int session_wrong(struct registry *r, int code, const char *what, struct err *err, const char *why,
                  ...)
{
    char text[300];
    va_list ap;

    va_start(ap, why);
    vsnprintf(text, sizeof(text), why, ap);
    va_end(ap);
    return err_set(err, code, "%s, asked for %.120s: %s", WHOM(r, NULL), what, text);
}

static int explain_failure(const struct registry *r, const struct http_exchange *x,
                           const char *what, struct err *err)
{
    const char *host = WHOM(r, x);
    bool plain = url_is_plain(x->url);

    switch (x->failure) {
    case HTTP_OURS:
        *err = x->err;
        err_prefix(err, "%.120s", what);
        return -err->code;
    case HTTP_CANCELLED:
        return err_set(err, ECANCELED, "%.120s was not brought to its end", what);
    case HTTP_NO_HOST:
        return err_set(err, EHOSTUNREACH, "%s cannot be found (%s): is its name right?", host,
                       x->why);
    case HTTP_REFUSED:
        return err_set(err, ECONNREFUSED, "%s cannot be reached (%s): does it run there?", host,
                       x->why);
    case HTTP_NO_TLS:
        return err_set(err, EPROTO, "%s does not speak TLS as it should (%s): %s", host, x->why,
                       "if it is meant to be without, use --plain-http");
    case HTTP_UNTRUSTED:
        return err_set(err, EKEYREJECTED,
                       "%s has a certificate that is not trusted (%s): put its authority's into "
                       "/etc/docker/certs.d/%.80s/ca.crt, or name its directory with --cert-dir",
                       host, x->why, r->host);
    case HTTP_STALLED:
        return err_set(err, ETIMEDOUT,
                       "%s, asked for %.120s, %s: try again later, or give it more time with "
                       "--timeout",
                       host, what, x->why);
    case HTTP_TOO_BIG:
        return err_set(err, EFBIG, "%s, asked for %.120s, sends %s: it is not to be trusted", host,
                       what, x->why);
    case HTTP_BROKEN:
        return err_set(
            err, ECONNRESET,
            "%s broke the connection while it was asked for %.120s (%s): try again later", host,
            what, x->why);
    case HTTP_OK:
    case HTTP_OTHER:
        break;
    }
    return err_set(err, EPROTO,
                   "%s, asked for %.120s by %s, gives no answer (%s): is it a registry?", host,
                   what, plain ? "http" : "https", x->why);
}

/* 401: nobody was known, or somebody who is not wanted. */
static int explain_unknown(const struct registry *r, const struct http_exchange *x,
                           const char *what, const char *said, struct err *err)
{
    const struct credentials *c = &r->credentials;

    if (x->answer.bad_challenge)
        return err_set(err, EPROTO, "%s wants to know who asks for %.120s, but %s", WHOM(r, x),
                       what, x->answer.why);
    if (credentials_are(c))
        return err_set(
            err, EACCES, "%s does not accept%s%.60s%s for %.120s (401%s%.100s): ration login %.80s",
            WHOM(r, x), c->user ? " the login of " : " the login",
            c->user ? WIRE_QUOTE(c->user) : "", "", what, *said ? ", " : "", said, r->ref->domain);
    return err_set(err, EACCES,
                   "%s gives %.120s to nobody whom it does not know (401%s%.100s): is the name "
                   "right, or has it to be ration login %.80s first?",
                   WHOM(r, x), what, *said ? ", " : "", said, r->ref->domain);
}

static int explain_busy(const struct registry *r, const struct http_exchange *x, const char *what,
                        const char *said, struct err *err)
{
    const char *wait = x->answer.retry_after;

    return err_set(err, EBUSY,
                   "%s, asked for %.120s, has had too many questions (429%s%.120s): try again "
                   "%s%.20s%s, or ration login %.80s",
                   WHOM(r, x), what, *said ? ", " : "", said, wait ? "in " : "later",
                   wait ? WIRE_QUOTE(wait) : "", wait ? " s" : "", r->ref->domain);
}

int session_explain(struct registry *r, const struct http_exchange *x, const char *what,
                    struct err *err)
{
    const char *host = WHOM(r, x);
    char said[160];

    if (x->failure != HTTP_OK)
        return explain_failure(r, x, what, err);
    error_body_parse(buf_text(&x->answer_body), x->answer_body.len, said, sizeof(said));
    const char *comma = *said ? ", " : "";
    if (x->status == 401)
        return explain_unknown(r, x, what, said, err);
    if (x->status == 403)
        return err_set(err, EACCES, "%s refuses %.120s to %.60s (403%s%.120s): ration login %.80s",
                       host, what, r->credentials.user ? WIRE_QUOTE(r->credentials.user) : "us",
                       comma, said, r->ref->domain);
    if (x->status == 404)
        return err_set(err, ENOENT, "%s has not got %.150s (404%s%.120s): %s", host, what, comma,
                       said,
                       text_starts(what, "the blob") ? "the image is not whole there"
                                                     : "are name and tag right?");
    if (x->status == 429)
        return explain_busy(r, x, what, said, err);
    if (x->status >= 500)
        return err_set(err, EREMOTEIO,
                       "%s, asked for %.120s, answers that it has trouble (%ld%s%.120s): try again "
                       "later",
                       host, what, x->status, comma, said);
    return err_set(err, EPROTO,
                   "%s, asked for %.120s, answers %ld%s%.120s, which means nothing here", host,
                   what, x->status, comma, said);
}
