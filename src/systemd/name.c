/* What a scope is called. Source: systemd.unit(5), systemd.slice(5). */
#include <errno.h>
#include <string.h>

#include "systemd/systemd.h"

#define UNIT_NAME_MAX 255

static const char scope_suffix[] = ".scope", slice_suffix[] = ".slice";

void scope_name_done(struct scope_name *name)
{
    free(name->unit);
    free(name->slice);
    *name = (struct scope_name){ 0 };
}

static bool is_unit_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(":_.-", c));
}

/* systemd-escape(1); '\' is escaped as well, so that two names never become one. */
static void unit_escape(const char *text, size_t len, struct buf *ret)
{
    for (size_t i = 0; i < len; i++) {
        if (is_unit_character(text[i]))
            buf_putc(ret, text[i]);
        else
            buf_printf(ret, "\\x%02x", (unsigned char)text[i]);
    }
}

static bool ends_with(const char *text, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);

    return len > n && memcmp(text + len - n, suffix, n) == 0;
}

/* "a-b.slice" lies in "a.slice": no part of it may be empty. "-.slice" is the root of all. */
static bool slice_is_valid(const char *text, size_t len)
{
    size_t stem = len - strlen(slice_suffix);

    if (!ends_with(text, len, slice_suffix) || len > UNIT_NAME_MAX)
        return false;
    if (stem == 1 && *text == '-')
        return true;
    if (*text == '-' || text[stem - 1] == '-' || memmem(text, stem, "--", 2))
        return false;
    for (size_t i = 0; i < stem; i++) {
        if (!is_unit_character(text[i]) && text[i] != '\\')
            return false;
    }
    return true;
}

/* The three parts; without any, those that are usual. */
struct parts {
    const char *slice, *prefix, *name;
    size_t slice_len, prefix_len, name_len;
};

static bool path_split(const char *path, struct parts *ret)
{
    const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;

    if (!second || second[1] == '\0' || strchr(second + 1, ':'))
        return false;
    *ret = (struct parts){
        .slice = path,
        .slice_len = (size_t)(first - path),
        .prefix = first + 1,
        .prefix_len = (size_t)(second - first - 1),
        .name = second + 1,
        .name_len = strlen(second + 1),
    };
    return true;
}

static int parts_check(const struct parts *parts, struct err *err)
{
    if (parts->slice_len > 0 && !slice_is_valid(parts->slice, parts->slice_len))
        return err_usage(err, "cgroupsPath: '%.*s' is not the name of a slice",
                         (int)(parts->slice_len < 100 ? parts->slice_len : 100), parts->slice);
    if (ends_with(parts->name, parts->name_len, slice_suffix))
        return err_refuse(err, EOPNOTSUPP,
                          "cgroupsPath: '%.100s' names a slice; a container is a scope in one",
                          parts->name);
    return 0;
}

int scope_name_plan(const char *cgroups_path, const char *id, bool user, struct scope_name *ret,
                    struct err *err)
{
    struct parts parts = {
        .prefix = "ration", .prefix_len = 6, .name = id, .name_len = strlen(id)
    };
    const char *slice = user ? "user.slice" : "system.slice";
    _cleanup_buf_ struct buf unit = BUF_INIT;

    if (cgroups_path && !path_split(cgroups_path, &parts))
        return err_usage(err,
                         "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
                         "cgroups, got \"%.100s\" instead",
                         cgroups_path);
    int r = parts_check(&parts, err);
    if (r < 0)
        return r;
    unit_escape(parts.prefix, parts.prefix_len, &unit);
    if (parts.prefix_len > 0)
        buf_putc(&unit, '-');
    unit_escape(parts.name, parts.name_len, &unit);
    if (!ends_with(parts.name, parts.name_len, scope_suffix))
        buf_puts(&unit, scope_suffix);
    if (unit.len > UNIT_NAME_MAX)
        return err_usage(err,
                         "cgroupsPath: the unit %.60s... has a name of %zu characters, at "
                         "most %d are allowed",
                         buf_text(&unit), unit.len, UNIT_NAME_MAX);
    *ret = (struct scope_name){
        .unit = buf_take(&unit),
        .slice = parts.slice_len > 0 ? strndup(parts.slice, parts.slice_len) : strdup(slice),
        .user = user,
    };
    if (ret->unit && ret->slice)
        return 0;
    scope_name_done(ret);
    return err_nomem(err);
}
