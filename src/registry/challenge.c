/*
 * WWW-Authenticate, by the grammar and not by looking for words in it: what stands there decides to whom a
 * password is sent.
 *
 *     challenge = scheme [ 1*SP ( token68 / #auth-param ) ]      auth-param = token BWS "=" BWS ( token / quoted )
 *
 * Source: RFC 9110, sections 5.6 and 11.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "registry/wire.h"

#define TOKEN                                                        \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
    "!#$%&'*+-.^_`|~"
#define TOKEN68 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/"
#define BLANK   " \t"

struct reader {
    const char *at;
    struct err *err;
};

static const struct scheme_row {
    const char *name;
    enum auth_scheme scheme;
} scheme_table[] = {
    { "Basic", AUTH_BASIC },
    { "Bearer", AUTH_BEARER },
};

void challenge_done(struct challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    free(c->error);
    *c = (struct challenge){ 0 };
}

static int fault(const struct reader *r, const char *what)
{
    return err_set(r->err, EINVAL, "its WWW-Authenticate header is wrong: %s at '%.60s'", what,
                   WIRE_QUOTE(r->at));
}

static void skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, BLANK);
}

/* Blanks and commas: lists may have empty elements. */
static void skip_empty(struct reader *r)
{
    r->at += strspn(r->at, BLANK ",");
}

/* A token that a '=' of a parameter follows; else 0, with nothing consumed. */
static size_t parameter_name(const struct reader *r)
{
    size_t n = strspn(r->at, TOKEN);

    if (n == 0)
        return 0;
    return r->at[n + strspn(r->at + n, BLANK)] == '=' ? n : 0;
}

/* at stands on the opening quote, and then behind the closing one. */
static int read_quoted(struct reader *r, struct buf *ret)
{
    const struct reader start = *r;

    for (r->at++; *r->at && *r->at != '"'; r->at++) {
        if (*r->at == '\\' && r->at[1])
            r->at++;
        if ((unsigned char)*r->at < ' ' && *r->at != '\t')
            return fault(r, "a control character");
        buf_putc(ret, *r->at);
    }
    if (*r->at != '"')
        return fault(&start, "a quoted value is not closed");
    r->at++;
    return 0;
}

static int read_value(struct reader *r, struct buf *ret)
{
    if (*r->at == '"')
        return read_quoted(r, ret);
    size_t n = strspn(r->at, TOKEN);
    if (n == 0)
        return fault(r, "a value is missing");
    buf_add(ret, r->at, n);
    r->at += n;
    return 0;
}

/* Where the value of this parameter belongs, or NULL: one that is not asked for. */
static char **parameter_place(struct challenge *c, const char *name, size_t n)
{
    const struct {
        const char *name;
        char **place;
    } place_table[] = {
        { "realm", &c->realm },
        { "service", &c->service },
        { "scope", &c->scope },
        { "error", &c->error },
    };

    for (size_t i = 0; i < ARRAY_SIZE(place_table); i++) {
        if (strlen(place_table[i].name) == n && strncasecmp(place_table[i].name, name, n) == 0)
            return place_table[i].place;
    }
    return NULL;
}

static int read_parameter(struct reader *r, size_t name_length, struct challenge *c)
{
    _cleanup_buf_ struct buf value = BUF_INIT;
    const struct reader start = *r;
    char **place = parameter_place(c, r->at, name_length);

    r->at += name_length;
    skip_blanks(r);
    r->at++; /* the '=' */
    skip_blanks(r);
    int result = read_value(r, &value);
    if (result < 0)
        return result;
    skip_blanks(r);
    if (*r->at != ',' && *r->at != '\0')
        return fault(r, "a comma is missing");
    if (!place)
        return 0;
    if (*place)
        return fault(&start, "a parameter stands twice");
    *place = strdup(buf_text(&value));
    return *place && buf_error(&value) == 0 ? 0 : err_nomem(r->err);
}

/* "Negotiate YWJj==": what comes behind a scheme instead of parameters. */
static bool skip_token68(struct reader *r)
{
    size_t n = strspn(r->at, TOKEN68);
    size_t end = n + strspn(r->at + n, "=");

    if (n == 0)
        return false;
    end += strspn(r->at + end, BLANK);
    if (r->at[end] != ',' && r->at[end] != '\0')
        return false;
    r->at += end;
    return true;
}

static int read_parameters(struct reader *r, struct challenge *c)
{
    size_t n;

    for (skip_empty(r); (n = parameter_name(r)) > 0; skip_empty(r)) {
        int result = read_parameter(r, n, c);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_challenge(struct reader *r, struct challenge *c)
{
    size_t n = strspn(r->at, TOKEN);

    if (n == 0)
        return fault(r, "the name of a scheme is missing");
    for (size_t i = 0; i < ARRAY_SIZE(scheme_table); i++) {
        const struct scheme_row *row = &scheme_table[i];
        if (strlen(row->name) == n && strncasecmp(row->name, r->at, n) == 0)
            c->scheme = row->scheme;
    }
    r->at += n;
    if (*r->at == '\0' || *r->at == ',')
        return 0;
    if (!strchr(BLANK, *r->at))
        return fault(r, "no blank behind the name of a scheme");
    skip_blanks(r);
    if (skip_token68(r))
        return 0;
    return read_parameters(r, c);
}

int challenge_parse(const char *header, struct challenge *c, struct err *err)
{
    struct reader r = { .at = header, .err = err };
    int result = 0;

    for (skip_empty(&r); result == 0 && *r.at; skip_empty(&r)) {
        struct challenge next = { 0 };
        result = read_challenge(&r, &next);
        if (result == 0 && next.scheme == AUTH_BEARER && !next.realm)
            result = err_set(err, EINVAL, "its WWW-Authenticate header names no realm for Bearer");
        if (result == 0 && next.scheme > c->scheme) {
            challenge_done(c);
            *c = next;
            next = (struct challenge){ 0 };
        }
        challenge_done(&next);
    }
    return result;
}
