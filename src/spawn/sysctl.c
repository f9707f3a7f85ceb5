/*
 * Kernel parameters of a container. Only those that belong to a namespace, and only in one of its own: all
 * others are the machine's. See namespaces(7), proc(5) and Documentation/admin-guide/sysctl.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"

#define SYSCTL_PATH_MAX 512

/* Names, one after the other, none of which leads up. */
static bool is_path(const char *path)
{
    if (strlen(path) >= SYSCTL_PATH_MAX)
        return false;
    while (*path) {
        size_t length = strcspn(path, "/");

        if (length == 0 || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.') || memchr(path, '\n', length))
            return false;
        path += length;
        if (*path == '/' && *++path == '\0')
            return false;
    }
    return true;
}

static int sysctl_write(const struct launch *launch, const struct spec_sysctl *sysctl,
                        struct err *err)
{
    uint64_t namespace = sysctl_namespace(sysctl->path);
    char path[SYSCTL_PATH_MAX + 8];
    int r;

    if (!is_path(sysctl->path) || namespace == 0)
        return err_refuse(err, EPERM,
                          "sysctl %s: it is the machine's, not one of a namespace that a container "
                          "can have",
                          sysctl->path);
    if (!launch_has(launch, namespace))
        return err_refuse(err, EPERM,
                          "sysctl %s: it would be the host's, because the container has no "
                          "namespace of its own for it",
                          sysctl->path);
    snprintf(path, sizeof(path), "sys/%s", sysctl->path);
    r = procfs_write(launch, path, sysctl->value, strlen(sysctl->value));
    return r < 0 ? err_refuse(err, -r, "sysctl %s: cannot write \"%s\": %s", sysctl->path,
                              sysctl->value, err_name(-r))
                 : 0;
}

int step_sysctls(struct launch *launch, struct err *err)
{
    for (size_t i = 0; i < launch->spec->n_sysctls; i++) {
        int r = sysctl_write(launch, &launch->spec->sysctls[i], err);

        if (r < 0)
            return r;
    }
    return 0;
}
