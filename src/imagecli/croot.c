/* A container's root as it is: through its process, or mounted for as long as we look at it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/containers.h"
#include "sys/sys.h"

static int open_running(const struct container_root *root)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/root", root->pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* overlayfs takes directories by name: these are names of our own descriptors. */
static int set_directory(int fs_fd, const char *key, const char *path)
{
    char name[32];
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, name, 0);
}

/* Before Linux 6.5 all lower directories are one text, which must be short. */
static int set_lower_text(int fs_fd, char *const *paths)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (; *paths; paths++)
        buf_printf(&text, "%s%s", text.len ? ":" : "", *paths);
    if (buf_error(&text) < 0)
        return -ENOMEM;
    return text.len > 255
               ? -E2BIG
               : sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir", buf_text(&text), 0);
}

static int set_lower(int fs_fd, char *const *paths)
{
    int r = 0;

    for (char *const *at = paths; r == 0 && at && *at; at++) {
        r = set_directory(fs_fd, "lowerdir+", *at);
        if (r == -EINVAL && at == paths)
            return set_lower_text(fs_fd, paths);
    }
    return r;
}

static int set_all(int fs_fd, const struct container_root *root, bool write, bool rootless)
{
    char **lower = NULL;
    int r = 0;

    if (!write && strv_push(&lower, root->upper) < 0)
        return -ENOMEM;
    for (char **at = root->layers; r == 0 && *at; at++)
        r = strv_push(&lower, *at);
    if (r == 0)
        r = set_lower(fs_fd, lower);
    strv_free(lower);
    if (r == 0 && write)
        r = set_directory(fs_fd, "upperdir", root->upper);
    if (r == 0 && write)
        r = set_directory(fs_fd, "workdir", root->work);
    if (r == 0 && rootless)
        r = sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
    return r == 0 ? sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) : r;
}

/*
 * Mounted where only we see it, so that it goes with us. In a mount that is attached nowhere the kernel does not resolve
 * ".." beneath a root.
 */
static int attach(int mount_fd, const char *path)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    return sys_move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static int open_stopped(const struct call *call, const struct container_root *root, bool write)
{
    _cleanup_close_ int fs_fd = sys_fsopen("overlay", FSOPEN_CLOEXEC);

    if (fs_fd < 0)
        return fs_fd;
    int r = set_all(fs_fd, root, write, call->rootless);
    if (r < 0)
        return r;
    _cleanup_close_ int mount_fd = sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
    if (mount_fd < 0)
        return mount_fd;
    r = attach(mount_fd, root->upper);
    if (r < 0)
        return r;
    int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int container_open_root(const struct call *call, const struct container_root *root, bool write,
                        struct err *err)
{
    int fd;

    if (root->pid > 0) {
        fd = open_running(root);
    } else if (!root->layers || !root->upper || (write && !root->work)) {
        return err_refuse(err, EINVAL,
                          "the container %.64s does not run and has no writable layer of its own",
                          root->name[0] ? root->name : root->id);
    } else {
        fd = open_stopped(call, root, write);
    }
    if (fd < 0)
        return err_set(err, -fd, "the root of the container %.64s cannot be opened: %s",
                       root->name[0] ? root->name : root->id, err_name(-fd));
    return fd;
}
