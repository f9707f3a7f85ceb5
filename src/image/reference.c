/* What images are called: digests, and references by docker's rules. */
#include <errno.h>
#include <string.h>

#include "image/image.h"

#define DEFAULT_DOMAIN "docker.io"
#define DEFAULT_PATH   "library/"
#define DEFAULT_TAG    "latest"
#define NAME_MAX_BYTES 255 /* of domain and path: distribution/reference, NameTotalLengthMax */
#define TAG_MAX_BYTES  128

/* ---- digests --------------------------------------------------------------------------------------- */

static bool hex_is(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!strchr("0123456789abcdef", text[i]) || text[i] == '\0')
            return false;
    }
    return true;
}

bool image_digest_is(const char *text)
{
    return text && text_starts(text, "sha256:") && strlen(text) == IMAGE_DIGEST_SIZE - 1 &&
           hex_is(text + 7, 64);
}

const char *image_digest_hex(const char *digest)
{
    return digest + 7;
}

void image_digest_format(const uint8_t sum[static 32], char ret[static IMAGE_DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef", prefix[] = "sha256:";
    char *at = ret + sizeof(prefix) - 1;

    memcpy(ret, prefix, sizeof(prefix));
    for (size_t i = 0; i < 32; i++) {
        *at++ = digits[sum[i] >> 4];
        *at++ = digits[sum[i] & 15];
    }
    *at = '\0';
}

/* ---- the grammar ------------------------------------------------------------------------------------- */

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* '.', '_', '__' or any number of '-', between letters and digits: the length, 0 when it is none. */
static size_t separator_length(const char *at)
{
    if (*at == '.')
        return 1;
    if (*at == '_')
        return at[1] == '_' ? 2 : 1;
    return strspn(at, "-");
}

/* Components of lower-case letters and digits with separators between them, joined by '/'. */
static bool path_is(const char *path)
{
    const char *at = path;

    for (;;) {
        if (!is_lower_alnum(*at))
            return false;
        while (is_lower_alnum(*at))
            at++;
        if (*at == '\0')
            return true;
        size_t n = *at == '/' ? 1 : separator_length(at);
        if (n == 0)
            return false;
        at += n;
    }
}

static bool port_is(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n > 0 && n <= 5 && text[n] == '\0';
}

/* A host's name or address, or one in brackets, with or without a port. */
static bool domain_is(const char *domain)
{
    const char *at = domain;

    if (*at == '[') {
        at += 1 + strspn(at + 1, "0123456789abcdefABCDEF:.");
        if (*at++ != ']')
            return false;
    } else {
        for (;; at++) {
            size_t n = 0;
            while (is_alnum(at[n]) || (n > 0 && at[n] == '-'))
                n++;
            if (n == 0 || at[n - 1] == '-')
                return false;
            at += n;
            if (*at != '.')
                break;
        }
    }
    return *at == '\0' || (*at == ':' && port_is(at + 1));
}

static bool tag_is(const char *tag)
{
    size_t n = 0;

    while (is_alnum(tag[n]) || tag[n] == '_' || (n > 0 && (tag[n] == '.' || tag[n] == '-')))
        n++;
    return n > 0 && n <= TAG_MAX_BYTES && tag[n] == '\0';
}

/* ---- reading one ---------------------------------------------------------------------------------------- */

void image_ref_done(struct image_ref *ref)
{
    free(ref->domain);
    free(ref->path);
    free(ref->tag);
    free(ref->digest);
    *ref = (struct image_ref){ 0 };
}

/* Is what stands before the first '/' a registry? */
static bool names_domain(const char *first, size_t len)
{
    return memchr(first, '.', len) || memchr(first, ':', len) ||
           (len == strlen("localhost") && memcmp(first, "localhost", len) == 0) ||
           strcspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") < len;
}

static int split_name(const char *name, struct image_ref *ret)
{
    const char *slash = strchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) : 0;

    if (slash && names_domain(name, n)) {
        ret->domain = strndup(name, n);
        ret->path = strdup(slash + 1);
        if (ret->domain && strcmp(ret->domain, "index.docker.io") == 0 &&
            text_replace(&ret->domain, DEFAULT_DOMAIN) < 0)
            return -ENOMEM;
    } else {
        ret->domain = strdup(DEFAULT_DOMAIN);
        ret->path = strdup(name);
    }
    if (!ret->domain || !ret->path)
        return -ENOMEM;
    if (strcmp(ret->domain, DEFAULT_DOMAIN) == 0 && !strchr(ret->path, '/')) {
        char *path = text_format(DEFAULT_PATH "%s", ret->path);
        free(ret->path);
        ret->path = path;
    }
    return ret->path ? 0 : -ENOMEM;
}

/* Cut tag and digest off name, which is ours. */
static int split_ends(char *name, struct image_ref *ret)
{
    char *at = strchr(name, '@');

    if (at) {
        *at = '\0';
        ret->digest = strdup(at + 1);
        if (!ret->digest)
            return -ENOMEM;
    }
    char *slash = strrchr(name, '/');
    char *colon = strchr(slash ? slash : name, ':');
    if (colon)
        *colon = '\0';
    /* A digest says more than a tag beside it. */
    if (!at) {
        ret->tag = strdup(colon ? colon + 1 : DEFAULT_TAG);
        if (!ret->tag)
            return -ENOMEM;
    }
    return colon && !tag_is(colon + 1) ? -EINVAL : 0;
}

static int ref_check(const char *text, const struct image_ref *ref, struct err *err)
{
    if (ref->digest && !image_digest_is(ref->digest))
        return err_usage(err,
                         "\"%.150s\" is no image reference: a digest is sha256: and 64 "
                         "hexadecimal digits",
                         text);
    if (!domain_is(ref->domain))
        return err_usage(err, "\"%.150s\" is no image reference: \"%.100s\" is no registry", text,
                         ref->domain);
    if (strpbrk(ref->path, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return err_usage(err, "\"%.150s\" is no image reference: names are in lower case", text);
    if (!path_is(ref->path))
        return err_usage(err,
                         "\"%.150s\" is no image reference; write [REGISTRY/]NAME[:TAG] or "
                         "NAME@sha256:DIGEST",
                         text);
    if (strlen(ref->domain) + 1 + strlen(ref->path) > NAME_MAX_BYTES)
        return err_usage(err, "the image name \"%.60s...\" is longer than %d bytes", text,
                         NAME_MAX_BYTES);
    return 0;
}

int image_ref_parse(const char *text, struct image_ref *ret, struct err *err)
{
    _cleanup_free_ char *name = strdup(text);
    _cleanup_image_ref_ struct image_ref ref = { 0 };

    if (!name)
        return err_nomem(err);
    if (strlen(text) == 64 && hex_is(text, 64))
        return err_usage(err, "\"%s\" is an image's id and cannot be a name", text);
    int r = split_ends(name, &ref);
    if (r == -EINVAL)
        return err_usage(err,
                         "\"%.150s\" is no image reference: a tag has up to %d letters, digits, "
                         "'_', '.' and '-'",
                         text, TAG_MAX_BYTES);
    if (r < 0 || split_name(name, &ref) < 0)
        return err_nomem(err);
    r = ref_check(text, &ref, err);
    if (r < 0)
        return r;
    *ret = ref;
    ref = (struct image_ref){ 0 };
    return 0;
}

/* ---- writing one ------------------------------------------------------------------------------------------ */

char *image_ref_format(const struct image_ref *ref)
{
    return text_format("%s/%s%s%s", ref->domain, ref->path, ref->digest ? "@" : ":",
                       ref->digest ? ref->digest : ref->tag);
}

char *image_name_show(const char *name)
{
    const char *at = name;

    if (*name == '@')
        return strdup("<none>");
    if (text_starts(at, DEFAULT_DOMAIN "/")) {
        at += strlen(DEFAULT_DOMAIN "/");
        if (text_starts(at, DEFAULT_PATH) && !strchr(at + strlen(DEFAULT_PATH), '/'))
            at += strlen(DEFAULT_PATH);
    }
    return strdup(at);
}

char *image_ref_show(const struct image_ref *ref)
{
    _cleanup_free_ char *name = image_ref_format(ref);

    return name ? image_name_show(name) : NULL;
}
