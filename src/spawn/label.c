/* What the security modules are told to make of COMMAND's program: its AppArmor profile, its SELinux label. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define LABEL_MAX 1024

/* -ENOTSUP: there is no such file. What was written is taken at the next exec, which is COMMAND's. */
static int label_write(const struct launch *launch, const char *path, const char *text)
{
    _cleanup_close_ int fd = procfs_open(launch, path, O_WRONLY);

    if (fd < 0)
        return fd == -ENOENT ? -ENOTSUP : fd;
    return fd_write_all(fd, text, strlen(text));
}

int step_apparmor(struct launch *launch, struct err *err)
{
    const char *profile = launch->spec->apparmor_profile;
    char text[LABEL_MAX];
    int length = snprintf(text, sizeof(text), "exec %s", profile);
    int r = -ENAMETOOLONG;

    if (length > 0 && (size_t)length < sizeof(text)) {
        r = label_write(launch, "self/attr/apparmor/exec", text);
        /* Not before Linux 5.8; there the file that all modules share is the first one's. */
        if (r == -ENOTSUP)
            r = label_write(launch, "self/attr/exec", text);
    }
    if (r == -ENOENT)
        return err_refuse(err, ENOENT, "apparmor profile %s: it is not loaded", profile);
    if (r == -EINVAL || r == -ENOTSUP)
        return err_refuse(err, ENOTSUP,
                          "apparmor profile %s: this kernel has no AppArmor, or it is not enabled",
                          profile);
    return r < 0 ? err_refuse(err, -r, "apparmor profile %s: cannot ask for it: %s", profile,
                              err_name(-r))
                 : 0;
}

int step_selinux(struct launch *launch, struct err *err)
{
    const char *label = launch->spec->selinux_label;
    int r = label_write(launch, "self/attr/exec", label);

    if (r == -EINVAL || r == -ENOTSUP)
        return err_refuse(err, ENOTSUP,
                          "selinux label %s: this kernel has no SELinux, it is not enabled, or its "
                          "policy does not know the label",
                          label);
    return r < 0
               ? err_refuse(err, -r, "selinux label %s: cannot ask for it: %s", label, err_name(-r))
               : 0;
}
