/* Loading a document, naming places in it, and reading single values. */
#include <errno.h>
#include <string.h>

#include "oci/document.h"

/* ---- loading -------------------------------------------------------------------------------------------- */

int json_document_load_find(const char *text, size_t len, struct json_find *find, json_t **ret,
                            struct err *err)
{
    int r = json_scan(text, len, err);

    return r < 0 ? r : json_build(text, find, ret, err);
}

int json_document_load(const char *text, size_t len, json_t **ret, struct err *err)
{
    return json_document_load_find(text, len, NULL, ret, err);
}

/* ---- where in the document ---------------------------------------------------------------------------- */

/* Paths are made for each field that is read, and told for next to none: not by snprintf(3). */
static size_t path_put(struct json_path *path, size_t n, const char *text)
{
    size_t len = strlen(text), room = sizeof(path->text) - 1 - n;

    if (len > room)
        len = room;
    memcpy(path->text + n, text, len);
    path->text[n + len] = '\0';
    return n + len;
}

struct json_path json_path_key(const char *path, const char *key)
{
    struct json_path ret;
    size_t n = path_put(&ret, 0, path), first;

    if (*path)
        n = path_put(&ret, n, ".");
    first = n;
    n = path_put(&ret, n, key);
    for (; first < n; first++) {
        if ((unsigned char)ret.text[first] < 0x20 || ret.text[first] == 0x7f)
            ret.text[first] = '?';
    }
    return ret;
}

struct json_path json_path_index(const char *path, size_t index)
{
    struct json_path ret;
    char digits[24], *at = &digits[sizeof(digits) - 1];
    size_t n = path_put(&ret, 0, path);

    *at = '\0';
    *--at = ']';
    do {
        *--at = (char)('0' + index % 10);
        index /= 10;
    } while (index > 0);
    *--at = '[';
    path_put(&ret, n, at);
    return ret;
}

struct json_shown json_show_text(const char *text)
{
    struct json_shown q = { .text = "\"" };
    size_t room = sizeof(q.text) - sizeof("\"\"..."), n = 1;

    for (; *text && n < room; text++)
        q.text[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    /* Not in the middle of a character. */
    while (*text && n > 1 && ((unsigned char)*text & 0xc0) == 0x80) {
        text--;
        n--;
    }
    snprintf(q.text + n, sizeof(q.text) - n, "%s\"", *text ? "..." : "");
    return q;
}

/* A whole number above 2^63-1, as json_build() has left it. */
static bool is_big(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) > 0 &&
           json_string_value(value)[0] == '\0';
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) && !is_big(value);
}

static bool is_whole(const json_t *value)
{
    return json_is_integer(value) || is_big(value);
}

struct json_shown json_show(const json_t *value)
{
    struct json_shown ret;

    if (is_big(value))
        snprintf(ret.text, sizeof(ret.text), "%s", json_string_value(value) + 1);
    else if (json_is_string(value))
        return json_show_text(json_string_value(value));
    else if (json_is_integer(value))
        snprintf(ret.text, sizeof(ret.text), "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(ret.text, sizeof(ret.text), "%.15g", json_real_value(value));
    else
        snprintf(ret.text, sizeof(ret.text), "%s",
                 json_is_object(value)  ? "an object"
                 : json_is_array(value) ? "an array"
                 : json_is_true(value)  ? "true"
                 : json_is_false(value) ? "false"
                                        : "null");
    return ret;
}

/* ---- one value ------------------------------------------------------------------------------------------- */

static uint64_t big_value(const json_t *value)
{
    uint64_t number = 0;

    /* Scanned: it is digits and fits. */
    (void)number_parse(json_string_value(value) + 1, UINT64_MAX, &number);
    return number;
}

int json_as_u64(const json_t *value, const char *path, uint64_t min, uint64_t max, uint64_t *ret,
                struct err *err)
{
    uint64_t number = 0;
    bool fits = is_whole(value);

    if (fits && is_big(value)) {
        number = big_value(value);
    } else if (fits) {
        number = (uint64_t)json_integer_value(value);
        fits = json_integer_value(value) >= 0;
    }
    if (!fits || number < min || number > max)
        return err_usage(err, "%s must be a whole number from %llu to %llu, not %s", path,
                         (unsigned long long)min, (unsigned long long)max, json_show(value).text);
    *ret = number;
    return 1;
}

int json_as_i64(const json_t *value, const char *path, int64_t min, int64_t max, int64_t *ret,
                struct err *err)
{
    int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;

    if (!json_is_integer(value) || number < min || number > max)
        return err_usage(err, "%s must be a whole number from %lld to %lld, not %s", path,
                         (long long)min, (long long)max, json_show(value).text);
    *ret = number;
    return 1;
}

int json_as_string(const json_t *value, const char *path, const char **ret, struct err *err)
{
    if (!is_text(value))
        return err_usage(err, "%s must be a string, not %s", path, json_show(value).text);
    *ret = json_string_value(value);
    return 1;
}

/* ---- a field of an object ----------------------------------------------------------------------------------- */

int json_get_u64(const json_t *object, const char *path, const char *key, uint64_t min,
                 uint64_t max, uint64_t *ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);

    return value ? json_as_u64(value, json_path_key(path, key).text, min, max, ret, err) : 0;
}

int json_get_i64(const json_t *object, const char *path, const char *key, int64_t min, int64_t max,
                 int64_t *ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);

    return value ? json_as_i64(value, json_path_key(path, key).text, min, max, ret, err) : 0;
}

int json_get_bool(const json_t *object, const char *path, const char *key, bool *ret,
                  struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return err_usage(err, "%s must be true or false, not %s", json_path_key(path, key).text,
                         json_show(value).text);
    *ret = json_is_true(value);
    return 1;
}

int json_get_string(const json_t *object, const char *path, const char *key, const char **ret,
                    struct err *err)
{
    const json_t *value = json_object_get(object, key);

    return value ? json_as_string(value, json_path_key(path, key).text, ret, err) : 0;
}

int json_get_object(const json_t *object, const char *path, const char *key, const json_t **ret,
                    struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (value && !json_is_object(value))
        return err_usage(err, "%s must be an object, not %s", json_path_key(path, key).text,
                         json_show(value).text);
    if (value)
        *ret = value;
    return value != NULL;
}

int json_get_array(const json_t *object, const char *path, const char *key, const json_t **ret,
                   struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (value && !json_is_array(value))
        return err_usage(err, "%s must be an array, not %s", json_path_key(path, key).text,
                         json_show(value).text);
    if (value)
        *ret = value;
    return value != NULL;
}

int json_as_strv(const json_t *array, const char *path, char ***ret, struct err *err)
{
    size_t n = json_array_size(array);
    char **v = calloc(n + 1, sizeof(*v));

    if (!v)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, i);
        const char *text;
        /* There may be hundreds, and no more than one has to be named. */
        int r = is_text(item) ? 0 : json_as_string(item, json_path_index(path, i).text, &text, err);
        if (r == 0 && !(v[i] = strdup(json_string_value(item))))
            r = err_nomem(err);
        if (r < 0) {
            strv_free(v);
            return r;
        }
    }
    *ret = v;
    return 1;
}

int json_get_strv(const json_t *object, const char *path, const char *key, char ***ret,
                  struct err *err)
{
    const json_t *array = NULL;
    int r = json_get_array(object, path, key, &array, err);

    return r > 0 ? json_as_strv(array, json_path_key(path, key).text, ret, err) : r;
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static const char *const type_table[] = {
    [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",         [JSON_STRING] = "a string",
    [JSON_REAL] = "a number",    [JSON_INTEGER] = "a whole number",
};

int json_each(const json_t *array, const char *path, json_type type, json_item_fn fn, void *data,
              struct err *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        struct json_path at = json_path_index(path, i);
        bool fits = type == JSON_INTEGER ? is_whole(item) : json_typeof(item) == type;
        if (!fits || (type == JSON_STRING && is_big(item)))
            return err_usage(err, "%s must be %s, not %s", at.text, type_table[type],
                             json_show(item).text);
        int r = fn(data, item, i, at.text, err);
        if (r != 0)
            return r;
    }
    return 0;
}
