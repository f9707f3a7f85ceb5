/* Parts of documents. */
#include <string.h>

#include "oci/write.h"

static int append(const char *data, size_t len, void *to)
{
    buf_add(to, data, len);
    return buf_error(to);
}

void write_finish(json_t *value, struct buf *ret)
{
    if (!value || json_dump_callback(value, append, ret, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        ret->failed = true;
    json_decref(value);
}

/* How many bytes of UTF-8 stand at text: 0 when it is none. jansson decides, one character at a time. */
static size_t character_length(const char *text)
{
    for (size_t n = 1; n <= 4 && text[n - 1] != '\0'; n++) {
        json_t *try = json_stringn(text, n);
        if (try) {
            json_decref(try);
            return n;
        }
    }
    return 0;
}

json_t *write_text(const char *text)
{
    json_t *value = json_string(text);

    if (value)
        return value;
    _cleanup_free_ char *copy = strdup(text);
    if (!copy)
        return NULL;
    for (size_t i = 0, n; copy[i] != '\0'; i += n) {
        n = character_length(copy + i);
        if (n == 0) {
            copy[i] = '?';
            n = 1;
        }
    }
    return json_string(copy);
}

json_t *write_words(const char *words)
{
    json_t *list = json_array();

    for (const char *at = words; list && *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (json_array_append_new(list, json_stringn(at, strcspn(at, " "))) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *write_strv(char *const *strings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && strings && strings[i]; i++) {
        if (json_array_append_new(list, write_text(strings[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *write_enabled(bool enabled)
{
    return json_pack("{s:b}", "enabled", enabled);
}

bool write_at(json_t *object, const char *path, json_t *value)
{
    const char *dot;
    char key[64];

    while ((dot = strchr(path, '.'))) {
        snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
        json_t *next = json_object_get(object, key);
        if (!next && json_object_set_new(object, key, json_object()) == 0)
            next = json_object_get(object, key);
        if (!next) {
            json_decref(value);
            return false;
        }
        object = next;
        path = dot + 1;
    }
    return json_object_set_new(object, path, value) == 0;
}
