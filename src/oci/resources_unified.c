/* linux.resources.unified: files of the group by their own names. */
#include <errno.h>
#include <string.h>

#include "oci/resources.h"

/*
 * A setting that limits.def's own reader takes, or of a controller that it does not know: the specification
 * wants those written all the same, and a file that is not there refuses the run. What remains refused are
 * files that do something when they are written (cgroup.kill, memory.reclaim).
 */
static int check_file(const struct resource *r, const char *name, const char *path, struct err *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    size_t len = strlen(name), first = strcspn(name, ".");
    struct limit_set scratch = { 0 };
    struct resource try = { r->limit, r->context, &scratch };

    if (len >= sizeof(((struct limit_entry *)NULL)->key) || strspn(name, allowed) != len ||
        first == 0 || name[first] != '.' || strstr(name, "..") || name[len - 1] == '.')
        return err_usage(err, "%s: %s is not the name of a file such as memory.high", path,
                         json_show_text(name).text);
    if (controller_find(name, first) == CONTROLLER_NONE && !text_starts(name, "cgroup."))
        return 0;
    _cleanup_free_ char *text = text_format("%s=0", name);
    if (!text)
        return err_nomem(err);
    int result = resource_parse(&try, path, text, err);
    limit_set_done(&scratch);
    return result < 0 ? result : 0;
}

static int entry_add(const struct resource *r, const char *name, const char *line, size_t len,
                     struct err *err)
{
    struct limit_value *value = &r->set->value[r->limit];
    struct limit_entry *more =
        reallocarray(value->entries, value->n_entries + 1, sizeof(*value->entries));

    if (!more)
        return err_nomem(err);
    value->entries = more;
    struct limit_entry entry = { .text = strndup(line, len) };
    if (!entry.text)
        return err_nomem(err);
    snprintf(entry.key, sizeof(entry.key), "%s", name);
    value->entries[value->n_entries++] = entry;
    value->state = LIMIT_SET;
    return 0;
}

/* The kernel takes one line with each write, so several lines are several writes. */
static int read_lines(const struct resource *r, const char *name, const char *text,
                      const char *path, struct err *err)
{
    const char *cursor = text, *line;
    size_t len, n = 0;
    int result = 0;

    while (result >= 0 && line_next(&cursor, &line, &len)) {
        for (size_t i = 0; i < len; i++) {
            if (line[i] < ' ' || line[i] >= 0x7f)
                return err_usage(err, "%s: %s has a byte that cannot be written to %s", path,
                                 json_show_text(text).text, name);
        }
        if (len == 0)
            continue;
        n++;
        result = entry_add(r, name, line, len, err);
    }
    if (result >= 0 && n == 0)
        return err_usage(err, "%s is empty", path);
    return result;
}

int resource_read_unified(const struct resource *r, const json_t *value, const char *path,
                          struct err *err)
{
    const char *name, *text;
    json_t *element;

    if (!json_is_object(value))
        return err_usage(err, "%s must be an object, not %s", path, json_show(value).text);
    json_object_foreach((json_t *)(uintptr_t)value, name, element)
    {
        struct json_path at = json_path_key(path, name);
        int result = check_file(r, name, at.text, err);
        if (result >= 0)
            result = json_as_string(element, at.text, &text, err);
        if (result >= 0)
            result = read_lines(r, name, text, at.text, err);
        if (result < 0)
            return result;
    }
    return 0;
}
