/* The text of one member of a document, without building anything of the rest. */
#include <string.h>

#include "oci/oci.h"

static const char *blanks_skip(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* at: the quotation mark that begins it. Behind the one that ends it, or NULL. */
static const char *string_skip(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return NULL;
    }
    return at + 1;
}

/* Behind a value of any kind, or NULL. */
static const char *value_skip(const char *at)
{
    unsigned depth = 0;

    do {
        at += strcspn(at, depth > 0 ? "\"[]{}" : "\"[]{},");
        switch (*at) {
        case '"':
            at = string_skip(at);
            break;
        case '[':
        case '{':
            depth++;
            at++;
            break;
        case ']':
        case '}':
            if (depth == 0) /* of what is around a number or a word */
                return at;
            depth--;
            at++;
            break;
        case ',':
            return at;
        default:
            return NULL;
        }
    } while (at && depth > 0);
    return at;
}

const char *oci_member_find(const char *text, const char *key, size_t *ret_len)
{
    const char *at = blanks_skip(text);
    size_t key_len = strlen(key);

    if (*at != '{')
        return NULL;
    for (at = blanks_skip(at + 1); *at == '"'; at = blanks_skip(at + 1)) {
        const char *name = at + 1, *value, *end;

        at = string_skip(at);
        if (!at || *(value = blanks_skip(at)) != ':')
            return NULL;
        size_t name_len = (size_t)(at - 1 - name);
        value = blanks_skip(value + 1);
        end = value_skip(value);
        if (!end)
            return NULL;
        if (name_len == key_len && memcmp(name, key, key_len) == 0) {
            *ret_len = (size_t)(end - value);
            return value;
        }
        at = blanks_skip(end);
        if (*at != ',')
            return NULL;
    }
    return NULL;
}
