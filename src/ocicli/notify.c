/* $NOTIFY_SOCKET */
#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ocicli/env.h"
#include "ocicli/notify.h"

#define NOTIFY_INSIDE "/run/notify/notify.sock"

int notify_add_to_spec(struct spec *spec, struct err *err)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct stat st;

    /* An abstract one ("@...") is of a network namespace, not of a directory. */
    if (!path || path[0] != '/' || stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return 0;
    struct spec_mount *mounts =
        reallocarray(spec->mounts, spec->n_mounts + 1, sizeof(*spec->mounts));
    if (!mounts)
        return err_nomem(err);
    spec->mounts = mounts;
    struct spec_mount *mount = &mounts[spec->n_mounts];
    *mount =
        (struct spec_mount){ .kind = MOUNT_BIND,
                             .source = strdup(path),
                             .target = strdup(NOTIFY_INSIDE),
                             .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                             .make_target = true };
    spec->n_mounts++;
    if (!mount->source || !mount->target || env_set(&spec->env, "NOTIFY_SOCKET", NOTIFY_INSIDE) < 0)
        return err_nomem(err);
    return 0;
}
