/* A container's environment. */
#include <errno.h>
#include <string.h>

#include "ocicli/env.h"

int env_set(char ***env, const char *name, const char *value)
{
    _cleanup_free_ char *text = text_format("%s=%s", name, value);
    size_t len = strlen(name) + 1;

    if (!text)
        return -ENOMEM;
    for (char **entry = *env; entry && *entry; entry++) {
        if (strncmp(*entry, text, len) == 0)
            return text_replace(entry, text);
    }
    return strv_push(env, text);
}
