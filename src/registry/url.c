/* Addresses: where an answer leads to, and whether that is still whom we asked. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "registry/wire.h"

static void url_cleanup(CURLU **u)
{
    curl_url_cleanup(*u);
}
#define _cleanup_url_ _cleanup_(url_cleanup)

static void part_freep(char **part)
{
    curl_free(*part);
}
#define _cleanup_part_ _cleanup_(part_freep)

static CURLU *url_read(const char *text)
{
    CURLU *u = curl_url();

    if (u && curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK) {
        curl_url_cleanup(u);
        u = NULL;
    }
    return u;
}

static char *url_part(CURLU *u, CURLUPart what, unsigned flags)
{
    char *part = NULL;

    return curl_url_get(u, what, &part, flags) == CURLUE_OK ? part : NULL;
}

/* What we follow at all. */
static bool url_is_ours(CURLU *u)
{
    _cleanup_part_ char *scheme = url_part(u, CURLUPART_SCHEME, 0);
    _cleanup_part_ char *user = url_part(u, CURLUPART_USER, 0);
    _cleanup_part_ char *host = url_part(u, CURLUPART_HOST, 0);

    return scheme && host && !user &&
           (strcasecmp(scheme, "https") == 0 || strcasecmp(scheme, "http") == 0);
}

int url_resolve(const char *base, const char *location, char **ret, struct err *err)
{
    _cleanup_url_ CURLU *u = url_read(base);

    if (!u)
        return err_set(err, EINVAL, "'%s' is no address", WIRE_QUOTE(base));
    if (location[0] == '\0' || curl_url_set(u, CURLUPART_URL, location, 0) != CURLUE_OK ||
        !url_is_ours(u))
        return err_set(err, EINVAL, "it leads to '%s', which is no http address",
                       WIRE_QUOTE(location));
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    _cleanup_part_ char *whole = url_part(u, CURLUPART_URL, 0);
    *ret = whole ? strdup(whole) : NULL;
    return *ret ? 0 : err_nomem(err);
}

char *url_with_query(const char *url, const char *name, const char *value)
{
    _cleanup_url_ CURLU *u = url_read(url);
    _cleanup_free_ char *pair = text_format("%s=%s", name, value);

    if (!u || !pair ||
        curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK)
        return NULL;
    _cleanup_part_ char *whole = url_part(u, CURLUPART_URL, 0);
    return whole ? strdup(whole) : NULL;
}

static bool part_same(CURLU *a, CURLU *b, CURLUPart what, unsigned flags)
{
    _cleanup_part_ char *one = url_part(a, what, flags);
    _cleanup_part_ char *other = url_part(b, what, flags);

    return one && other && strcasecmp(one, other) == 0;
}

bool url_same_origin(const char *a, const char *b)
{
    _cleanup_url_ CURLU *one = url_read(a);
    _cleanup_url_ CURLU *other = url_read(b);

    return one && other && part_same(one, other, CURLUPART_SCHEME, 0) &&
           part_same(one, other, CURLUPART_HOST, 0) &&
           part_same(one, other, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

char *url_host(const char *url)
{
    _cleanup_url_ CURLU *u = url_read(url);
    _cleanup_part_ char *host = u ? url_part(u, CURLUPART_HOST, 0) : NULL;
    _cleanup_part_ char *port = u ? url_part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT) : NULL;

    if (!host)
        return NULL;
    return port ? text_format("%s:%s", host, port) : text_format("%s", host);
}

bool url_is_plain(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0;
}

bool host_is_loopback(const char *host)
{
    char name[64];
    struct in_addr v4;
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

    if (n >= sizeof(name) || n > strlen(host))
        return false;
    memcpy(name, host, n);
    name[n] = '\0';
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* The parameters of one link, behind its '>': is rel="next" among them? *end: where the next link begins. */
static bool link_is_next(const char *at, const char **end)
{
    bool found = false, quoted = false;
    const char *start = at;

    for (; *at && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
    }
    *end = *at ? at + 1 : at;
    for (const char *c = start; c < at; c++) {
        c += strcspn(c, ";");
        if (c >= at)
            break;
        const char *name = c + 1 + strspn(c + 1, " \t");
        found = found || strncasecmp(name, "rel=\"next\"", 10) == 0 ||
                (strncasecmp(name, "rel=next", 8) == 0 && strchr(" \t,;", name[8]));
    }
    return found;
}

char *link_next(const char *header)
{
    for (const char *at = header; at && *at;) {
        const char *open = strchr(at, '<');
        const char *close = open ? strchr(open, '>') : NULL;
        if (!close)
            return NULL;
        if (link_is_next(close + 1, &at))
            return strndup(open + 1, (size_t)(close - open - 1));
    }
    return NULL;
}
