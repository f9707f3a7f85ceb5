/*
 * Who we are to a registry: a password as it is (Basic), or a token that another server gives for it (Bearer).
 *
 * Source: docker's token authentication specification and its OAuth2 variant; RFC 7617, RFC 6750.
 */
#include <errno.h>
#include <string.h>

#include "registry/session.h"

#define TOKEN_BODY_MAX (256u << 10)

/* Our own scope, those of repositories that blobs are taken from, and the one that was asked for. */
static int scopes_make(struct registry *r, const struct challenge *c, char ***ret)
{
    int result = 0;

    /* Logging in is about no repository. */
    if (r->ref->path) {
        _cleanup_free_ char *own =
            text_format("repository:%s:%s", r->ref->path, r->push ? "pull,push" : "pull");
        result = own ? strv_push(ret, own) : -ENOMEM;
    }

    for (char **from = r->mount_scopes; result == 0 && from && *from; from++) {
        _cleanup_free_ char *scope = text_format("repository:%s:pull", *from);
        result = scope ? strv_push(ret, scope) : -ENOMEM;
    }
    for (char **s = *ret; c->scope && s && *s; s++) {
        if (strcmp(*s, c->scope) == 0)
            return result;
    }
    /* Of what a registry asks for, only what is about a repository: no token of ours shall be good for more. */
    if (result == 0 && c->scope && text_starts(c->scope, "repository:"))
        result = strv_push(ret, c->scope);
    return result;
}

static char *get_url(const struct challenge *c, const char *realm, const char *user, char **scopes)
{
    char *url = strdup(realm);

    if (url && c->service) {
        char *longer = url_with_query(url, "service", c->service);
        free(url);
        url = longer;
    }
    for (; url && scopes && *scopes; scopes++) {
        char *longer = url_with_query(url, "scope", *scopes);
        free(url);
        url = longer;
    }
    if (url && user) {
        char *longer = url_with_query(url, "account", user);
        free(url);
        url = longer;
    }
    return url;
}

static void form_add(struct buf *form, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);

    if (!escaped)
        form->failed = true;
    else
        buf_printf(form, "%s%s=%s", form->len ? "&" : "", name, escaped);
    curl_free(escaped);
}

static int form_make(const struct registry *r, const struct challenge *c, char **scopes,
                     struct buf *ret)
{
    _cleanup_buf_ struct buf all = BUF_INIT;

    for (; scopes && *scopes; scopes++)
        buf_printf(&all, "%s%s", all.len ? " " : "", *scopes);
    form_add(ret, "grant_type", "refresh_token");
    form_add(ret, "client_id", "ration");
    if (c->service)
        form_add(ret, "service", c->service);
    form_add(ret, "scope", buf_text(&all));
    form_add(ret, "refresh_token", r->credentials.identity_token);
    return buf_error(&all) < 0 ? buf_error(&all) : buf_error(ret);
}

/* Asks once more while it may help; the answer has a 2xx status then. */
static int token_ask(struct registry *r, CURL *curl, struct http_exchange *x, struct err *err)
{
    _cleanup_free_ char *host = url_host(x->url);
    char what[160];

    snprintf(what, sizeof(what), "a token for %.100s",
             r->ref->path ? r->ref->path : r->ref->domain);
    for (unsigned attempt = 0;; attempt++) {
        int result = http_exchange(x, curl, &r->http);
        if (result == 0 && x->status / 100 == 2 && !x->answer.content_encoding)
            return 0;
        if (result == 0 && x->answer.content_encoding)
            return session_wrong(r, EPROTO, what, err, "%s sends it as '%s', unasked",
                                 WIRE_QUOTE(host), WIRE_QUOTE(x->answer.content_encoding));
        if (result == 0 && x->status / 100 == 3)
            return session_wrong(r, EPROTO, what, err, "%s leads elsewhere (%ld)", WIRE_QUOTE(host),
                                 x->status);
        if (!session_may_pass(x) || attempt >= r->options->retries ||
            session_pause(r, x, attempt) < 0)
            return session_explain(r, x, what, err);
    }
}

static int token_take(struct registry *r, const struct http_exchange *x, struct err *err)
{
    _cleanup_free_ char *token = NULL;
    uint64_t seconds = 0;

    int result = token_parse(buf_text(&x->answer_body), x->answer_body.len, &token, &seconds, err);
    if (result < 0) {
        _cleanup_free_ char *host = url_host(x->url);
        err_prefix(err, "%.100s, asked for a token for registry %.100s",
                   host ? WIRE_QUOTE(host) : "", r->host);
        return result;
    }
    free(r->authorization);
    r->authorization = text_format("Bearer %s", token);
    explicit_bzero(token, strlen(token));
    /* A little early, so that no request begins with one that ends on the way. */
    r->until_us = clock_us(CLOCK_MONOTONIC) + (seconds > 20 ? seconds - 10 : seconds / 2) * 1000000;
    return r->authorization ? 0 : err_nomem(err);
}

/* "Basic ..." for the token server, or NULL when there is nothing to say. -ENOMEM. */
static int basic_format(const struct credentials *known, char **ret)
{
    *ret = NULL;
    if (!known->user || !known->password)
        return 0;
    _cleanup_free_ char *basic = auth_basic_format(known->user, known->password);
    *ret = basic ? text_format("Basic %s", basic) : NULL;
    return *ret ? 0 : -ENOMEM;
}

static int bearer_ask(struct registry *r, CURL *curl, const struct challenge *c, const char *realm,
                      struct err *err)
{
    _cleanup_(strv_freep) char **scopes = NULL;
    _cleanup_free_ char *authorization = NULL;
    _cleanup_buf_ struct buf form = BUF_INIT;
    _cleanup_exchange_ struct http_exchange x = { .method = "GET",
                                                  .body_max = TOKEN_BODY_MAX,
                                                  .total_us = 2 * r->http.timeout_us,
                                                  .accept = "application/json" };

    if (scopes_make(r, c, &scopes) < 0)
        return err_nomem(err);
    if (r->credentials.identity_token) {
        if (form_make(r, c, scopes, &form) < 0)
            return err_nomem(err);
        x.method = "POST";
        x.content_type = "application/x-www-form-urlencoded";
        x.body = form.data;
        x.body_size = form.len;
        x.answer_us = r->http.timeout_us;
        x.url = strdup(realm);
    } else {
        if (basic_format(&r->credentials, &authorization) < 0)
            return err_nomem(err);
        x.authorization = authorization;
        x.url = get_url(c, realm, r->credentials.user, scopes);
    }
    int result = x.url ? token_ask(r, curl, &x, err) : err_nomem(err);
    return result < 0 ? result : token_take(r, &x, err);
}

static int bearer_authorize(struct registry *r, CURL *curl, const struct challenge *c,
                            struct err *err)
{
    _cleanup_free_ char *realm = NULL;

    int result = url_resolve(r->base, c->realm, &realm, err);
    if (result == 0)
        result = session_may_visit(r, realm, err);
    if (result < 0) {
        err_prefix(err, "registry %.100s names a token server that is not visited", r->host);
        return result;
    }
    return bearer_ask(r, curl, c, realm, err);
}

static int basic_authorize(struct registry *r, struct err *err)
{
    _cleanup_free_ char *authorization = NULL;

    if (basic_format(&r->credentials, &authorization) < 0)
        return err_nomem(err);
    if (authorization) {
        free(r->authorization);
        r->authorization = TAKE_PTR(authorization);
        r->until_us = 0;
    }
    return 0;
}

int session_authorize(struct registry *r, CURL *curl, const struct challenge *challenge,
                      struct err *err)
{
    const struct challenge *c = challenge ? challenge : &r->challenge;
    int result = 0;

    if (!r->asked) {
        result = credentials_find(r->options->auth_file, r->ref->domain, r->ref->path,
                                  &r->credentials, err);
        if (result < 0)
            return result;
        r->asked = true;
    }
    if (r->credentials.registry_token) {
        free(r->authorization);
        r->authorization = text_format("Bearer %s", r->credentials.registry_token);
        result = r->authorization ? 0 : err_nomem(err);
    } else if (c->scheme == AUTH_BEARER) {
        result = bearer_authorize(r, curl, c, err);
    } else if (c->scheme == AUTH_BASIC) {
        result = basic_authorize(r, err);
    }
    if (result == 0)
        r->authorized++;
    return result;
}
