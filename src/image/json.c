/* Documents of images as JSON, read strictly: what is of another kind than it has to be is said, not skipped. */
#include <errno.h>
#include <string.h>

#include "image/image_private.h"

void image_json_freep(json_t **json)
{
    json_decref(*json);
}

int image_json_load(const char *what, const char *text, size_t len, json_t **ret, struct err *err)
{
    json_error_t error;

    if (len > IMAGE_DOCUMENT_MAX)
        return err_set(err, EBADMSG, "%s is larger than %u MiB", what, IMAGE_DOCUMENT_MAX >> 20);
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return err_set(err, EBADMSG, "%s is no JSON document: %.120s (line %d)", what, error.text,
                       error.line);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, EBADMSG, "%s is no JSON object", what);
    }
    *ret = json;
    return 1;
}

static int wrong_kind(const char *what, const char *key, const char *kind, struct err *err)
{
    return err_set(err, EBADMSG, "%s: \"%.60s\" is not %s", what, key, kind);
}

static int find_kind(const char *what, const json_t *object, const char *key, json_type type,
                     const char *kind, const json_t **ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return 0;
    if (json_typeof(value) != type)
        return wrong_kind(what, key, kind, err);
    *ret = value;
    return 1;
}

int image_json_object(const char *what, const json_t *object, const char *key, const json_t **ret,
                      struct err *err)
{
    return find_kind(what, object, key, JSON_OBJECT, "an object", ret, err);
}

int image_json_array(const char *what, const json_t *object, const char *key, const json_t **ret,
                     struct err *err)
{
    return find_kind(what, object, key, JSON_ARRAY, "a list", ret, err);
}

int image_json_string(const char *what, const json_t *object, const char *key, char **ret,
                      struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return wrong_kind(what, key, "a string", err);
    if (json_string_length(value) == 0)
        return 0;
    return text_replace(ret, json_string_value(value)) < 0 ? err_nomem(err) : 1;
}

int image_json_strv(const char *what, const json_t *object, const char *key, char ***ret,
                    struct err *err)
{
    const json_t *array = NULL;
    int r = image_json_array(what, object, key, &array, err);

    for (size_t i = 0; r == 1 && i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        if (!json_is_string(value))
            return wrong_kind(what, key, "a list of strings", err);
        if (strv_push(ret, json_string_value(value)) < 0)
            return err_nomem(err);
    }
    return r;
}

int image_json_keys(const char *what, const json_t *object, const char *key, char ***ret,
                    struct err *err)
{
    const json_t *members = NULL;
    int r = image_json_object(what, object, key, &members, err);

    if (r != 1)
        return r;
    for (void *at = json_object_iter((json_t *)members); at;
         at = json_object_iter_next((json_t *)members, at)) {
        if (strv_push(ret, json_object_iter_key(at)) < 0)
            return err_nomem(err);
    }
    return 1;
}

int image_json_pairs(const char *what, const json_t *object, const char *key, char ***ret,
                     struct err *err)
{
    const json_t *members = NULL;
    int r = image_json_object(what, object, key, &members, err);

    if (r != 1)
        return r;
    for (void *at = json_object_iter((json_t *)members); at;
         at = json_object_iter_next((json_t *)members, at)) {
        const json_t *value = json_object_iter_value(at);
        if (!json_is_string(value))
            return wrong_kind(what, key, "an object of strings", err);
        _cleanup_free_ char *pair =
            text_format("%s=%s", json_object_iter_key(at), json_string_value(value));
        if (!pair || strv_push(ret, pair) < 0)
            return err_nomem(err);
    }
    return 1;
}

int image_json_u64(const char *what, const json_t *object, const char *key, uint64_t *ret,
                   struct err *err)
{
    const json_t *value = json_object_get(object, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return wrong_kind(what, key, "a whole number", err);
    *ret = (uint64_t)json_integer_value(value);
    return 1;
}
