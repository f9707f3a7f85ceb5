/* The pure part of the distribution protocol: headers, addresses and documents that come from somebody else. */
#pragma once

#include "base/base.h"

/* ---- text from somebody else ------------------------------------------------------------------------- */

/*
 * text for a sentence: at most size - 1 bytes of it, in which what is not printable ASCII has become '?'. A
 * registry's words reach a terminal this way only. Returns ret.
 */
const char *wire_quote(const char *text, char *ret, size_t size);
#define WIRE_QUOTE(text) wire_quote((text), (char[160]){ 0 }, 160)

/* ---- challenges: RFC 9110, section 11; RFC 6750; the distribution specification's token authentication -- */

enum auth_scheme {
    AUTH_NONE, /* in the order of preference */
    AUTH_BASIC,
    AUTH_BEARER,
};

struct challenge {
    enum auth_scheme scheme;
    char *realm, *service, *scope, *error; /* owned, or NULL */
};
void challenge_done(struct challenge *c);

/*
 * Read the value of one WWW-Authenticate header, which may hold several challenges, and keep the best in *c if it is
 * better than what is there (*c is initialized). Schemes that are not ours are passed over. -EINVAL: it is not
 * what the grammar says, or Bearer has no realm.
 */
int challenge_parse(const char *header, struct challenge *c, struct err *err);

/* ---- addresses --------------------------------------------------------------------------------------- */

/*
 * Where location leads, seen from base: absolute or relative (RFC 3986, section 5). Only http and https, and no
 * user name in it. -EINVAL.
 */
int url_resolve(const char *base, const char *location, char **ret, struct err *err);
/* url with "name=value" added to its query, value escaped. NULL: no memory, or no address. */
char *url_with_query(const char *url, const char *name, const char *value);
/* Do both lead to the same scheme, host and port? */
bool url_same_origin(const char *a, const char *b);
/* "host:port" of an address, for a sentence; NULL: no memory, or no address. */
char *url_host(const char *url);
bool url_is_plain(const char *url);
/* Is "HOST" or "HOST:PORT" this very machine: localhost, 127.0.0.0/8 or [::1]? No name is looked up. */
bool host_is_loopback(const char *host);
/* The target of the link with rel="next" in a Link header (RFC 8288), or NULL; the caller frees it. */
char *link_next(const char *header);

/* ---- ranges ------------------------------------------------------------------------------------------ */

/* "bytes FIRST-LAST/SIZE" (RFC 9110, 14.4); ret_size is UINT64_MAX for "*". -EINVAL. */
int content_range_parse(const char *text, uint64_t *ret_first, uint64_t *ret_last,
                        uint64_t *ret_size);
/* "0-LAST" of an upload, or "bytes=0-LAST": how many bytes the registry has. -EINVAL. */
int upload_range_parse(const char *text, uint64_t *ret_bytes);

/* ---- documents --------------------------------------------------------------------------------------- */

/* What a registry says in an error's body, for a sentence: "MANIFEST_UNKNOWN: manifest unknown". "": nothing. */
void error_body_parse(const char *text, size_t length, char *ret, size_t size);

/* The answer of a token server: the token and how long it holds. -EINVAL. */
int token_parse(const char *text, size_t length, char **ret_token, uint64_t *ret_seconds,
                struct err *err);

/* ---- media types --------------------------------------------------------------------------------------- */

enum media_kind {
    MEDIA_UNKNOWN, /* application/json and its like: the document has to tell */
    MEDIA_MANIFEST,
    MEDIA_INDEX,
    MEDIA_OUTDATED, /* schema 1: has no digests of its own */
    MEDIA_PAGE,     /* something for people: certainly no manifest */
};
/* The kind that a Content-Type header tells, whatever parameters it has. Pure. */
enum media_kind media_kind(const char *content_type);
/* Every kind of manifest and index that we read, for Accept. NULL: no memory. */
char *media_accept(void);
/* Without parameters; NULL: no memory. */
char *media_name(const char *content_type);
