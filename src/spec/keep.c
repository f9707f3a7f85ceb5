/* The options of containers: what is kept with one, and read when it ends or is shown. */
#include <errno.h>
#include <string.h>

#include "spec/check.h"

#define RESTARTS_MAX 1000000u

int restart_parse(const char *text, struct restart_policy *ret)
{
    static const char *const word_table[] = {
        [RESTART_NO] = "no",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_ALWAYS] = "always",
        [RESTART_UNLESS_STOPPED] = "unless-stopped",
    };
    size_t len = strcspn(text, ":");
    uint64_t most = 0;

    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        if (strlen(word_table[i]) != len || strncmp(text, word_table[i], len) != 0)
            continue;
        if (text[len] && (i != RESTART_ON_FAILURE ||
                          number_parse(text + len + 1, RESTARTS_MAX, &most) < 0 || most == 0))
            return -EINVAL;
        *ret = (struct restart_policy){ .when = (enum restart_when)i, .most = (unsigned)most };
        return 0;
    }
    return -EINVAL;
}

CHECK(restart)
{
    struct restart_policy policy;

    (void)world;
    if (restart_parse(value, &policy) < 0)
        return err_usage(err, "--%s knows no, on-failure[:N], always and unless-stopped, not %s",
                         name, quote(value).text);
    return 0;
}

int log_option_parse(const char *text, struct log_bounds *bounds)
{
    uint64_t number;

    if (text_starts(text, "max-size=")) {
        const char *size = text + strlen("max-size=");
        bool unbounded = strcmp(size, "-1") == 0;
        if (!unbounded && (size_parse(size, &number) < 0 || number < 4096))
            return -EINVAL;
        bounds->max_bytes = unbounded ? UINT64_MAX : number;
        return 0;
    }
    if (text_starts(text, "max-file=")) {
        if (number_parse(text + strlen("max-file="), 1000, &number) < 0 || number == 0)
            return -EINVAL;
        bounds->max_files = (unsigned)number;
        return 0;
    }
    return -EINVAL;
}

CHECK(log_opt)
{
    struct log_bounds bounds = LOG_BOUNDS_DEFAULT;

    (void)world;
    if (log_option_parse(value, &bounds) < 0)
        return err_usage(err,
                         "--%s knows max-size=SIZE (4k or more, -1: no bound) and max-file=NUMBER, "
                         "not %s",
                         name, quote(value).text);
    return 0;
}

char *const *spec_get_all(const struct draft *draft, const char *name)
{
    static char *const none[] = { NULL };
    enum option_id id = option_row_find(name);

    return id == OPTION_ID_COUNT || !draft->value[id].v ? none : draft->value[id].v;
}
