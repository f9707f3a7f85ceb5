/* Tables of fields, words, lists, and the checks that several fields share. */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

/* ---- fields --------------------------------------------------------------------------------------------- */

static int wrong_type(struct reading *r, const json_t *value, const char *path, const char *wanted)
{
    return err_usage(r->err, "%s must be %s, not %s", path, wanted, json_show(value).text);
}

static void store_number(void *at, size_t size, uint64_t number)
{
    switch (size) {
    case sizeof(uint8_t):
        *(uint8_t *)at = (uint8_t)number;
        break;
    case sizeof(uint16_t):
        *(uint16_t *)at = (uint16_t)number;
        break;
    case sizeof(uint32_t):
        *(uint32_t *)at = (uint32_t)number;
        break;
    default:
        *(uint64_t *)at = number;
        break;
    }
}

static int put_number(struct reading *r, const struct field *field, const json_t *value,
                      const char *path, void *at)
{
    uint64_t number = 0;
    int64_t negative = 0;
    int result;

    if (field->min < 0)
        result = json_as_i64(value, path, field->min, (int64_t)field->max, &negative, r->err);
    else
        result = json_as_u64(value, path, (uint64_t)field->min, field->max, &number, r->err);
    if (result < 0)
        return result;
    store_number(at, field->size, field->min < 0 ? (uint64_t)negative : number);
    return 0;
}

static int put_text(struct reading *r, const json_t *value, const char *path, char **at)
{
    const char *text;
    int result = json_as_string(value, path, &text, r->err);

    if (result < 0)
        return result;
    return text_replace(at, text) < 0 ? err_nomem(r->err) : 0;
}

static int put_texts(struct reading *r, const json_t *value, const char *path, char ***at)
{
    char **v;
    int result = json_as_strv(value, path, &v, r->err);

    if (result < 0)
        return result;
    strv_free(*at);
    *at = v;
    return 0;
}

static int put_value(struct reading *r, const struct field *field, const json_t *value,
                     const char *path, void *target)
{
    void *at = (char *)target + field->offset;

    switch (field->kind) {
    case FIELD_TEXT:
        return put_text(r, value, path, at);
    case FIELD_TEXTS:
        return put_texts(r, value, path, at);
    case FIELD_NUMBER:
        return put_number(r, field, value, path, at);
    case FIELD_FLAG:
        *(bool *)at = json_is_true(value);
        return 0;
    default:
        return 0;
    }
}

static int field_check_type(struct reading *r, const struct field *field, const json_t *value,
                            const char *path)
{
    const char *text;
    int result = 0;

    switch (field->kind) {
    case FIELD_OBJECT:
        return json_is_object(value) ? 0 : wrong_type(r, value, path, "an object");
    case FIELD_ARRAY:
    case FIELD_TEXTS:
        return json_is_array(value) ? 0 : wrong_type(r, value, path, "an array");
    case FIELD_FLAG:
        return json_is_boolean(value) ? 0 : wrong_type(r, value, path, "true or false");
    case FIELD_TEXT:
        result = json_as_string(value, path, &text, r->err);
        return result < 0 ? result : 0;
    default:
        return 0;
    }
}

int fields_read(struct reading *r, const json_t *object, const char *path,
                const struct field *table, size_t n, void *target)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *field = &table[i];
        const json_t *value = json_object_get(object, field->key);
        if (!value && !field->required)
            continue;
        struct json_path at = json_path_key(path, field->key);
        if (!value)
            return err_usage(r->err, "%s is missing", at.text);
        int result = field_check_type(r, field, value, at.text);
        if (result == 0)
            result = field->read ? field->read(r, value, at.text, target)
                                 : put_value(r, field, value, at.text, target);
        if (result < 0)
            return result;
    }
    return 0;
}

int items_read(struct reading *r, const json_t *array, const char *path, field_fn fn, void *target)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        struct json_path at = json_path_index(path, i);
        result = json_is_object(item) ? fn(r, item, at.text, target)
                                      : wrong_type(r, item, at.text, "an object");
    }
    return result;
}

int texts_read(struct reading *r, const json_t *array, const char *path, field_fn fn, void *target)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        struct json_path at = json_path_index(path, i);
        const char *text;
        result = json_as_string(item, at.text, &text, r->err);
        if (result > 0)
            result = fn(r, item, at.text, target);
    }
    return result;
}

/* ---- words --------------------------------------------------------------------------------------------- */

int word_read(struct reading *r, const json_t *value, const char *path, const char *what,
              const struct word *table, size_t n, uint64_t *ret)
{
    const char *text;
    int result = json_as_string(value, path, &text, r->err);

    if (result < 0)
        return result;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].text, text) == 0) {
            *ret = table[i].value;
            return 0;
        }
    }
    return err_usage(r->err, "%s: %s is not %s", path, json_show_text(text).text, what);
}

/* ---- growing lists --------------------------------------------------------------------------------------- */

#define ITEMS_FIRST 4 /* a power of two */

void *items_grow(void *items, size_t n, size_t size)
{
    /* Twice the room whenever a power of two is full. */
    if (n == 0 || (n >= ITEMS_FIRST && (n & (n - 1)) == 0))
        items = reallocarray(items, n == 0 ? ITEMS_FIRST : 2 * n, size);
    if (items)
        memset((char *)items + n * size, 0, size);
    return items;
}

int length_check(struct reading *r, size_t n, const char *path)
{
    if (n <= LIST_LENGTH_MAX)
        return 0;
    return err_usage(r->err, "%s has %zu entries, at most %d are allowed", path, n,
                     LIST_LENGTH_MAX);
}

/* ---- checks that several fields share ------------------------------------------------------------------------ */

int path_check(struct reading *r, const char *text, const char *path)
{
    if (text[0] != '/')
        return err_usage(r->err, "%s must be an absolute path, not %s", path,
                         json_show_text(text).text);
    return 0;
}

int path_read_clean(struct reading *r, const char *text, const char *path, char **ret)
{
    int result = path_clean(text, ret);

    if (result == -EINVAL)
        return err_usage(r->err, "%s: %s has a \"..\"", path, json_show_text(text).text);
    return result < 0 ? err_nomem(r->err) : 0;
}

int text_copy(struct reading *r, const char *text, char **ret)
{
    return text_replace(ret, text) < 0 ? err_nomem(r->err) : 0;
}

int environment_check(struct reading *r, char *const *env, const char *path)
{
    for (size_t i = 0; env && env[i]; i++) {
        if (env[i][0] == '=' || !strchr(env[i], '='))
            return err_usage(r->err, "%s[%zu] must be NAME=VALUE, not %s", path, i,
                             json_show_text(env[i]).text);
    }
    return 0;
}
