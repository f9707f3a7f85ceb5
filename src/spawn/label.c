/*
 * What the security modules are told to make of COMMAND's program: its AppArmor profile, its SELinux label.
 *
 * That the kernel takes a label does not say that anybody heeds it: SELinux takes every label as long as it has no
 * policy, and the file is that of whichever module comes first. So it is found out beforehand who is in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define LABEL_MAX 1024
#define FILE_MAX  65536

/* -ENOTSUP: there is no such file. What was written is taken at the next exec, which is COMMAND's. */
static int label_write(const struct launch *launch, const char *path, const char *text)
{
    _cleanup_close_ int fd = procfs_open(launch, path, O_WRONLY);

    if (fd < 0)
        return fd == -ENOENT ? -ENOTSUP : fd;
    return fd_write_all(fd, text, strlen(text));
}

static int label_read(const struct launch *launch, const char *path, struct buf *ret)
{
    _cleanup_close_ int fd = procfs_open(launch, path, O_RDONLY);

    return fd < 0 ? fd : fd_read_all(fd, FILE_MAX, ret);
}

bool label_is_context(const char *text)
{
    const char *role = strchr(text, ':');
    const char *type = role ? strchr(role + 1, ':') : NULL;

    return type && role != text && type != role + 1 && type[1] != '\0' && type[1] != ':';
}

/* Linux tells it nowhere else: security/apparmor/lsm.c, the parameter "enabled". */
static int check_apparmor(const char *profile, struct err *err)
{
    char text[8];

    if (file_read_line(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text, sizeof(text)) >
            0 &&
        text[0] == 'Y')
        return 0;
    return err_refuse(err, ENOTSUP,
                      "apparmor profile %s: this kernel has no AppArmor, or it is not enabled",
                      profile);
}

/*
 * Its file system is registered where it was enabled at boot; and before there is a policy, every process has the
 * name of an initial SID, "kernel", where a context has user, role and type (security/selinux/ss/services.c).
 */
static int check_selinux(const struct launch *launch, struct err *err)
{
    const char *label = launch->spec->selinux_label;
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = label_read(launch, "filesystems", &text);

    if (r < 0)
        return err_set(err, -r, "selinux label %s: cannot read /proc/filesystems: %s", label,
                       err_name(-r));
    if (!strstr(buf_text(&text), "\tselinuxfs\n"))
        return err_refuse(err, ENOTSUP,
                          "selinux label %s: this kernel has no SELinux, or it is not enabled",
                          label);
    r = label_read(launch, "self/attr/current", &text);
    if (r < 0 || !label_is_context(buf_text(&text)))
        return err_refuse(err, ENOTSUP,
                          "selinux label %s: SELinux has no policy on this machine, and would heed "
                          "no label",
                          label);
    return 0;
}

int labels_check(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    int r = 0;

    if (spec->apparmor_profile)
        r = check_apparmor(spec->apparmor_profile, err);
    if (r == 0 && spec->selinux_label)
        r = check_selinux(launch, err);
    return r;
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
        return err_refuse(err, ENOTSUP, "apparmor profile %s: AppArmor does not take that name",
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
                          "selinux label %s: SELinux's policy on this machine does not know it",
                          label);
    return r < 0
               ? err_refuse(err, -r, "selinux label %s: cannot ask for it: %s", label, err_name(-r))
               : 0;
}
