/* hooks: programs that are run at six points of a container's life. */
#include <string.h>

#include "oci/reading.h"

static int read_hook_path(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_hook *hook = target;
    int result = path_check(r, json_string_value(value), path);

    return result < 0 ? result : text_copy(r, json_string_value(value), &hook->path);
}

static int read_hook_env(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_hook *hook = target;
    int result = json_as_strv(value, path, &hook->env, r->err);

    return result < 0 ? result : environment_check(r, hook->env, path);
}

/* Whole seconds, greater than zero. */
static int read_timeout(struct reading *r, const json_t *value, const char *path, void *target)
{
    uint64_t seconds;
    int result = json_as_u64(value, path, 1, UINT32_MAX, &seconds, r->err);

    if (result < 0)
        return result;
    ((struct spec_hook *)target)->timeout_us = seconds * 1000000;
    return 0;
}

static int read_hook(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "path", FIELD_TEXT, .required = true, .read = read_hook_path },
        { "args", FIELD_TEXTS, FIELD_AT(struct spec_hook, argv) },
        { "env", FIELD_ARRAY, .read = read_hook_env },
        { "timeout", FIELD_ANY, .read = read_timeout },
    };
    struct spec_hooks *hooks = target;
    struct spec_hook *hook = ITEMS_ADD(hooks->hooks, hooks->n);

    if (!hook)
        return err_nomem(r->err);
    int result = FIELDS_READ(r, value, path, table, hook);
    /* No arguments at all: the path is the first. */
    if (result == 0 && hook->argv && !hook->argv[0]) {
        strv_free(hook->argv);
        hook->argv = NULL;
    }
    return result;
}

int read_hooks(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const char *const point_table[HOOK_POINT_COUNT] = {
        [HOOK_PRESTART] = "prestart",
        [HOOK_CREATE_RUNTIME] = "createRuntime",
        [HOOK_CREATE_CONTAINER] = "createContainer",
        [HOOK_START_CONTAINER] = "startContainer",
        [HOOK_POSTSTART] = "poststart",
        [HOOK_POSTSTOP] = "poststop",
    };
    struct spec *spec = target;
    int result = 0;

    for (size_t i = 0; result == 0 && i < HOOK_POINT_COUNT; i++) {
        const json_t *list = NULL;
        result = json_get_array(value, path, point_table[i], &list, r->err);
        if (result > 0)
            result = items_read(r, list, json_path_key(path, point_table[i]).text, read_hook,
                                &spec->hooks[i]);
    }
    return result;
}
