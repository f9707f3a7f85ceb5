/* A container's root as it is: through its process, or mounted for as long as we look at it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/containers.h"
#include "spawn/overlay.h"
#include "sys/sys.h"

static int open_running(const struct container_root *root)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/root", root->pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * Where only we see what is mounted, so that it goes with us. In a mount that is attached nowhere the kernel does
 * not resolve ".." beneath a root.
 */
static int leave_mounts(struct err *err)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_set(err, errno, "cannot make a mount namespace: %m");
    return 0;
}

/* To be written to as the container would, or looked at alone: then what it has written is one more layer. */
static int make_root(const struct call *call, const struct container_root *root, bool write,
                     struct err *err)
{
    char **lower = NULL;
    int r = write ? 0 : strv_push(&lower, root->upper);

    for (char **at = root->layers; r == 0 && *at; at++)
        r = strv_push(&lower, *at);
    struct spec_overlay overlay = {
        .lower = lower,
        .upper = write ? root->upper : NULL,
        .work = write ? root->work : NULL,
        .userxattr = call->rootless,
    };
    const struct overlay_request request = {
        .overlay = &overlay,
        .name = root->name[0] ? root->name : root->id,
        .userns_fd = -1,
    };
    _cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = r < 0 ? err_nomem(err) : overlay_make(&request, err);
    strv_free(lower);
    /* It may have led us elsewhere. */
    if (r >= 0 && here >= 0 && fchdir(here) < 0)
        r = err_set(err, errno, "cannot return to the current directory: %m");
    return r;
}

static int open_stopped(const struct call *call, const struct container_root *root, bool write,
                        struct err *err)
{
    int r = leave_mounts(err);

    if (r < 0)
        return r;
    _cleanup_close_ int mount_fd = make_root(call, root, write, err);
    if (mount_fd < 0)
        return mount_fd;
    r = sys_move_mount(mount_fd, "", AT_FDCWD, root->upper, MOVE_MOUNT_F_EMPTY_PATH);
    if (r < 0)
        return err_set(err, -r, "cannot attach a mount: %s", err_name(-r));
    int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "cannot open a mount: %m") : fd;
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
        fd = open_stopped(call, root, write, err);
        if (fd < 0)
            err_prefix(err, "the root of the container %.64s cannot be opened",
                       root->name[0] ? root->name : root->id);
        return fd;
    }
    if (fd < 0)
        return err_set(err, -fd, "the root of the container %.64s cannot be opened: %s",
                       root->name[0] ? root->name : root->id, err_name(-fd));
    return fd;
}
