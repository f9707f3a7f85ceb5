/* What a registry says, made fit for a sentence. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "registry/wire.h"

const char *wire_quote(const char *text, char *ret, size_t size)
{
    size_t n = 0;

    for (; text && text[n] && n + 1 < size; n++)
        ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    ret[n] = '\0';
    return ret;
}

void error_body_parse(const char *text, size_t length, char *ret, size_t size)
{
    json_t *root = json_loadb(text, length, 0, NULL);
    json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    /* Token servers answer {"details": ...} or {"error": ..., "error_description": ...}. */
    const char *code = json_string_value(json_object_get(first, "code"));
    const char *message = json_string_value(json_object_get(first, "message"));

    ret[0] = '\0';
    if (!code)
        code = json_string_value(json_object_get(root, "error"));
    if (!message)
        message = json_string_value(json_object_get(root, "details"));
    if (!message)
        message = json_string_value(json_object_get(root, "error_description"));
    if (code && message)
        snprintf(ret, size, "%s: %s", WIRE_QUOTE(code), WIRE_QUOTE(message));
    else if (code || message)
        snprintf(ret, size, "%s", WIRE_QUOTE(code ? code : message));
    json_decref(root);
}

/* Tokens go into a header line as they are: RFC 6750's b64token, and a little more. */
static bool is_token(const char *text)
{
    if (text[0] == '\0')
        return false;
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

int token_parse(const char *text, size_t length, char **ret_token, uint64_t *ret_seconds,
                struct err *err)
{
    json_t *root = json_loadb(text, length, 0, NULL);
    const char *token = json_string_value(json_object_get(root, "token"));
    json_int_t seconds = json_integer_value(json_object_get(root, "expires_in"));
    int r = 0;

    if (!token)
        token = json_string_value(json_object_get(root, "access_token"));
    if (!token || !is_token(token))
        r = err_set(err, EINVAL, "its answer has no token in it");
    else if (!(*ret_token = strdup(token)))
        r = err_nomem(err);
    /* The specification: 60 seconds when nothing is said. */
    *ret_seconds = seconds > 0 ? (uint64_t)seconds : 60;
    json_decref(root);
    return r;
}
