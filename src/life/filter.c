/* Filters of ps, events and prune: "key=value". Pure. */
#include <errno.h>
#include <string.h>

#include "life/life_private.h"

static size_t key_length(const char *filter)
{
    return strcspn(filter, "=");
}

int filters_check(const char *const *filters, const char *const *keys, size_t n_keys,
                  struct err *err)
{
    for (; filters && *filters; filters++) {
        size_t len = key_length(*filters);
        bool known = false;
        if (!(*filters)[len])
            return err_usage(err, "--filter takes KEY=VALUE, not \"%.64s\"", *filters);
        for (size_t i = 0; !known && i < n_keys; i++)
            known = strlen(keys[i]) == len && strncmp(keys[i], *filters, len) == 0;
        if (known)
            continue;
        _cleanup_buf_ struct buf list = BUF_INIT;
        for (size_t i = 0; i < n_keys; i++)
            buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < n_keys ? ", " : " and ", keys[i]);
        return err_usage(err, "--filter knows %.200s, not \"%.*s\"", buf_text(&list),
                         len < 64 ? (int)len : 64, *filters);
    }
    return 0;
}

static bool same_key(const char *a, const char *b)
{
    size_t len = key_length(a);

    return len == key_length(b) && strncmp(a, b, len) == 0;
}

static bool filter_one(const char *filter, filter_fn fn, const void *data)
{
    char key[32];
    size_t len = key_length(filter);

    snprintf(key, sizeof(key), "%.*s", (int)len, filter);
    return fn(data, key, filter[len] ? filter + len + 1 : "");
}

bool filters_match(const char *const *filters, filter_fn fn, const void *data)
{
    for (size_t i = 0; filters && filters[i]; i++) {
        bool found = filter_one(filters[i], fn, data);
        /* Labels narrow; of other keys one of its values is enough. */
        for (size_t k = 0; !found && filters[k] && !text_starts(filters[i], "label="); k++)
            found = same_key(filters[i], filters[k]) && filter_one(filters[k], fn, data);
        if (!found)
            return false;
    }
    return true;
}

bool label_matches(const char *label, const char *wanted)
{
    size_t len = strlen(wanted);

    if (strchr(wanted, '='))
        return strcmp(label, wanted) == 0;
    return strncmp(label, wanted, len) == 0 && (label[len] == '\0' || label[len] == '=');
}
