/*
 * A small config.json that is right, and ways to change one thing in it: tests say which field gets which
 * value and what comes of that.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "oci/oci.h"

static const char base_document[] =
    "{\"ociVersion\": \"1.2.1\","
    " \"process\": {\"user\": {\"uid\": 0, \"gid\": 0}, \"cwd\": \"/\","
    "  \"args\": [\"sh\", \"-c\", \"true\"], \"env\": [\"PATH=/bin\"]},"
    " \"root\": {\"path\": \"rootfs\"},"
    " \"hostname\": \"box\","
    " \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"}],"
    " \"hooks\": {},"
    " \"annotations\": {},"
    " \"linux\": {\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"pid\"}, {\"type\": \"uts\"},"
    "  {\"type\": \"ipc\"}, {\"type\": \"network\"}, {\"type\": \"cgroup\"}]}}";

static int fixture_cap_last(void *data)
{
    (void)data;
    return 40;
}

static const struct spec_world fixture_world = { .cap_last = fixture_cap_last };

static const struct oci_context fixture_context = {
    .name = "box",
    .bundle = "/bundle",
    .world = &fixture_world,
};

/* The place of "linux.devices[0].major": its holder, and the last part without brackets in ret_key. */
static inline json_t *fixture_place(json_t *at, const char *path, char ret_key[static 64],
                                    bool *ret_is_index)
{
    for (;;) {
        bool index = *path == '[';
        size_t n;
        path += index || *path == '.';
        n = strcspn(path, index ? "]" : ".[");
        assert_true(n < 64);
        memcpy(ret_key, path, n);
        ret_key[n] = '\0';
        path += n + index;
        *ret_is_index = index;
        if (!*path)
            return at;
        at = index ? json_array_get(at, (size_t)atoi(ret_key)) : json_object_get(at, ret_key);
        assert_non_null(at);
    }
}

/* value: JSON, or NULL to take the field away; a number for an element behind the last adds one. */
static inline void fixture_set(json_t *document, const char *path, const char *value)
{
    char key[64];
    bool is_index;
    json_t *at = fixture_place(document, path, key, &is_index);
    json_t *new_value = value ? json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;

    if (value && !new_value)
        fail_msg("%s: the test's own value is no JSON: %s", path, value);
    if (!value)
        assert_int_equal(json_object_del(at, key), 0);
    else if (!is_index)
        assert_int_equal(json_object_set_new(at, key, new_value), 0);
    else if ((size_t)atoi(key) == json_array_size(at))
        assert_int_equal(json_array_append_new(at, new_value), 0);
    else
        assert_int_equal(json_array_set_new(at, (size_t)atoi(key), new_value), 0);
}

/* The base document with path, value, path, value ... NULL set; freed by the caller. */
static inline char *fixture_document(const char *const *changes)
{
    json_t *document = json_loads(base_document, 0, NULL);
    char *text;

    assert_non_null(document);
    for (; *changes; changes += 2)
        fixture_set(document, changes[0], changes[1]);
    text = json_dumps(document, 0);
    assert_non_null(text);
    json_decref(document);
    return text;
}

static inline int fixture_read(const char *const *changes, struct spec **ret, struct err *err)
{
    char *text = fixture_document(changes);
    int r = oci_read_config(text, strlen(text), &fixture_context, ret, err);

    free(text);
    return r;
}

#define CHANGES(...)                    \
    (const char *const[])               \
    {                                   \
        __VA_ARGS__ __VA_OPT__(, ) NULL \
    }

/* The spec of the base document with these changes; fails the test when it is refused. */
static inline struct spec *fixture_spec(const char *const *changes)
{
    struct err err = ERR_INIT;
    struct spec *spec;

    if (fixture_read(changes, &spec, &err) < 0)
        fail_msg("%s = %s: %s", text_or_empty(changes[0]),
                 changes[0] ? text_or_empty(changes[1]) : "", err.text);
    assert_non_null(spec);
    return spec;
}

/* One change and the sentence it is refused with; NULL: it is taken. */
struct fixture_case {
    const char *path, *value, *sentence;
};

static inline void fixture_check(const struct fixture_case *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct fixture_case *c = &table[i];
        struct err err = ERR_INIT;
        struct spec *spec;
        int r = fixture_read(CHANGES(c->path, c->value), &spec, &err);
        if (c->sentence && r == 0)
            fail_msg("%s = %s was taken", c->path, text_or_empty(c->value));
        if (c->sentence && strcmp(err.text, c->sentence) != 0)
            fail_msg("%s = %s:\n     got %s\nexpected %s", c->path, text_or_empty(c->value),
                     err.text, c->sentence);
        if (!c->sentence && r < 0)
            fail_msg("%s = %s: %s", c->path, text_or_empty(c->value), err.text);
        assert_true(r == 0 || err.class == ERR_USAGE || err.class == ERR_REFUSED);
        assert_true((spec == NULL) == (r < 0));
        spec_free(spec);
    }
}
#define FIXTURE_CHECK(table) fixture_check((table), ARRAY_SIZE(table))
