/* Finding criu. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/criu.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *criu_name(const struct session *session)
{
    return session->criu && session->criu[0] ? session->criu : "criu";
}

bool criu_exists(const struct session *session)
{
    const char *name = criu_name(session), *path = getenv("PATH");
    char file[4096];

    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    if (!path || !*path)
        path = PATH_DEFAULT;
    for (;;) {
        int len = (int)strcspn(path, ":");
        int n = snprintf(file, sizeof(file), "%.*s/%s", len, path, name);
        if (len > 0 && n > 0 && (size_t)n < sizeof(file) && access(file, X_OK) == 0)
            return true;
        if (path[len] == '\0')
            return false;
        path += len + 1;
    }
}

int criu_check(const struct session *session, struct err *err)
{
    if (criu_exists(session))
        return 0;
    return err_refuse(err, ENOENT,
                      "checkpoint and restore need the program %.200s, which is not here: install "
                      "criu, or name it with --criu",
                      criu_name(session));
}
