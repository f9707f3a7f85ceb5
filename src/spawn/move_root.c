/*
 * A new root without pivot_root(2), for where the old one is the kernel's first and cannot be replaced: the
 * new one is moved over it. What it hides is hidden for good, as nothing is mounted beneath "/"; but the
 * host's mounts are still there, and with them a procfs and sysfs without masks, by which the kernel judges
 * what a user namespace may mount anew. So they are taken away one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

#define MOUNTINFO_MAX (16u << 20)

static int move_failed(const struct launch *launch, int code, struct err *err)
{
    return err_refuse(err, code, "--no-pivot: cannot move %s to the root: %s", launch->spec->rootfs,
                      err_name(code));
}

/* The mount point of a line, which is changed for that; NULL: there is none. */
static char *line_target(char *line, bool *ret_kernel_tree)
{
    char *target = line, *end;
    const char *type = strstr(line, " - ");

    *ret_kernel_tree = type && (text_starts(type, " - proc ") || text_starts(type, " - sysfs "));
    for (int i = 0; i < 4 && target; i++) {
        target = strchr(target, ' ');
        target = target ? target + 1 : NULL;
    }
    end = target ? strchr(target, ' ') : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    text_unescape_octal(target);
    return target;
}

/* In a user namespace what came from outside stays where it is: then something is put over it. */
static int mount_remove(const char *target, bool kernel_tree)
{
    const char *path = target + 1;

    if (path[0] == '\0' || umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || !kernel_tree)
        return 0;
    /* Gone with one above it, or never outside the new root. */
    if (errno != EINVAL && errno != EPERM)
        return errno == ENOENT ? 0 : -errno;
    if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0") < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    return 0;
}

/* What is mounted in the new root has moved with it. */
static bool is_host(const char *target, const char *rootfs)
{
    size_t length = strlen(rootfs);

    return target[0] == '/' && (strncmp(target, rootfs, length) != 0 ||
                                (target[length] != '/' && target[length] != '\0'));
}

/* Those mounted last first, so that none is in the way of another. */
static int mounts_remove(char *list, size_t length, const char *rootfs)
{
    int r = 0;

    while (length > 0 && r >= 0) {
        bool kernel_tree;

        if (list[length - 1] == '\n')
            list[--length] = '\0';
        while (length > 0 && list[length - 1] != '\n')
            length--;
        char *target = line_target(list + length, &kernel_tree);
        if (target && is_host(target, rootfs))
            r = mount_remove(target, kernel_tree);
    }
    return r;
}

int root_move(struct launch *launch, struct err *err)
{
    _cleanup_close_ int old_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_buf_ struct buf list = BUF_INIT;
    int r;

    if (old_fd < 0)
        return move_failed(launch, errno, err);
    if (mounts_are_shared(launch))
        return err_refuse(err, EINVAL,
                          "--no-pivot: where mounts are shared (rootfsPropagation, or a mount "
                          "namespace that is joined) others would get the container's root, too");
    r = file_read(launch->own_proc_fd, "self/mountinfo", MOUNTINFO_MAX, &list);
    if (r < 0)
        return move_failed(launch, -r, err);
    if (fchdir(launch->root_fd) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
        chroot(".") < 0 || fchdir(old_fd) < 0)
        return move_failed(launch, errno, err);
    r = list.len > 0 ? mounts_remove(list.data, list.len, launch->spec->rootfs) : 0;
    if (r >= 0 && (fchdir(launch->root_fd) < 0 || chdir("/") < 0))
        r = -errno;
    return r < 0 ? move_failed(launch, -r, err) : 0;
}
