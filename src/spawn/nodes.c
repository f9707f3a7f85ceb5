/*
 * The devices and links of a document, made where it says once everything is mounted. Their directories may
 * be the work of whoever made the root: they are looked up beneath it, and what lies at a name already is
 * looked at before it is taken for the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* ---- directories ------------------------------------------------------------------------------------------- */

/* Is the /dev a directory of the host's? Then nothing is made in it. */
static bool dev_is_bound(const struct spec *spec)
{
    bool bound = false;

    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];

        if (strcmp(mount->target, "/dev") == 0 && mount->kind != MOUNT_MASK &&
            mount->kind != MOUNT_REMOUNT)
            bound = mount->kind == MOUNT_BIND;
    }
    return bound;
}

/* The directory of path, made when it is missing, and the last name. */
static int parent_find(struct launch *launch, const char *path, struct place *ret,
                       const char **ret_name, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    size_t length = slash ? (size_t)(slash - path) : 0;
    int r;

    *ret_name = slash ? slash + 1 : path;
    if (length >= sizeof(parent) || (*ret_name)[0] == '\0' || strcmp(*ret_name, ".") == 0 ||
        strcmp(*ret_name, "..") == 0)
        return err_usage(err, "%s is not the path of a device or link", path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    /* In a file system of our own the directory is its root. */
    const struct base *base = length > 0 ? place_base(launch, parent) : NULL;
    if (base) {
        *ret = (struct place){ .fd = base->fd, .name = "" };
        return 0;
    }
    r = place_find(launch, length > 0 ? parent : "/", PLACE_MAKE_DIR, ret, err);
    if (r < 0 || ret->name[0] == '\0')
        return r == -ENOENT || r == -ENOTDIR
                   ? err_refuse(err, -r, "cannot make %s: its directory is none", path)
                   : r;
    /* Found by name in a file system of ours: names beneath it need the directory itself. */
    int fd = openat(ret->fd, ret->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "cannot open the directory of %s: %m", path);
    *ret = (struct place){ .fd = fd, .name = "", .owned = true };
    return 0;
}

/* ---- nodes -------------------------------------------------------------------------------------------------- */

static mode_t node_type(const struct spec_device *device)
{
    switch (device->type) {
    case 'b':
        return S_IFBLK;
    case 'p':
        return S_IFIFO;
    default: /* 'c', and 'u' for the same unbuffered */
        return S_IFCHR;
    }
}

static dev_t node_number(const struct spec_device *device)
{
    return device->type == 'p' ? 0 : makedev(device->major, device->minor);
}

static bool node_is(const struct stat *st, const struct spec_device *device)
{
    return (st->st_mode & S_IFMT) == node_type(device) &&
           (device->type == 'p' || st->st_rdev == node_number(device));
}

static int node_differs(const struct spec_device *device, struct err *err)
{
    return err_refuse(err, EEXIST,
                      "cannot make the device %s: something else lies there already, in the root "
                      "or in what is mounted",
                      device->path);
}

static int node_failed(const struct spec_device *device, int code, struct err *err)
{
    if (code == EEXIST || code == ELOOP)
        return node_differs(device, err);
    return err_refuse(err, code, "cannot make the device %s: %s", device->path, err_name(code));
}

/*
 * Owner and permissions, of the node that was looked at: between two looks at a name somebody may have put
 * something else there.
 */
static int node_adjust(int parent_fd, const char *name, const struct spec_device *device, bool made,
                       bool touch, struct err *err)
{
    _cleanup_close_ int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char path[40];
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return node_failed(device, errno, err);
    if (!node_is(&st, device))
        return node_differs(device, err);
    if (!touch)
        return 0;
    if ((st.st_uid != device->uid || st.st_gid != device->gid) &&
        fchownat(fd, "", device->uid, device->gid, AT_EMPTY_PATH) < 0)
        return node_failed(device, errno, err);
    if (made || (st.st_mode & 07777) == (device->mode & 07777))
        return 0;
    /* fchmod(2) does not take such an fd; its name in procfs is one that nobody turns elsewhere. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return chmod(path, device->mode & 07777) < 0 ? node_failed(device, errno, err) : 0;
}

static int node_make(int parent_fd, const char *name, const struct spec_device *device, bool touch,
                     struct err *err)
{
    mode_t mode = node_type(device) | (device->mode & 07777);
    int code = touch ? 0 : EEXIST;

    if (touch && mknodat(parent_fd, name, mode, node_number(device)) < 0)
        code = errno;
    if (code == 0 && device->uid == 0 && device->gid == 0)
        return 0;
    if (code != 0 && code != EEXIST)
        return node_failed(device, code, err);
    return node_adjust(parent_fd, name, device, code == 0, touch, err);
}

/* ---- nodes that are the host's --------------------------------------------------------------------------- */

/* An empty file to mount on: new, or one that lies there for that. */
static int node_target(int parent_fd, const char *name, const struct spec_device *device,
                       struct err *err)
{
    struct stat st;
    int fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

    if (fd < 0 && errno != EEXIST)
        return node_failed(device, errno, err);
    if (fd >= 0)
        close(fd);
    fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int code = errno;

        fd_close(fd);
        return node_failed(device, code, err);
    }
    if (!node_is(&st, device) && !(S_ISREG(st.st_mode) && st.st_size == 0)) {
        close(fd);
        return node_differs(device, err);
    }
    return fd;
}

static int node_borrow(int parent_fd, const char *name, const struct spec_device *device,
                       struct err *err)
{
    const char *source = device->source ? device->source : device->path;
    _cleanup_close_ int tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    _cleanup_close_ int target = -1;
    struct stat st;

    if (tree < 0)
        return err_refuse(err, -tree,
                          "cannot make the device %s: in a user namespace it must be one of the "
                          "host's, and %s: %s",
                          device->path, source, err_name(-tree));
    if (fstat(tree, &st) < 0 || !node_is(&st, device))
        return err_refuse(err, ENXIO, "cannot make the device %s: the host's %s is another one",
                          device->path, source);
    target = node_target(parent_fd, name, device, err);
    if (target < 0)
        return target;
    int r = sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    return r < 0 ? node_failed(device, -r, err) : 0;
}

/* In a user namespace, ours or the runtime's own, nodes cannot be made; a named pipe can. */
static bool must_borrow(const struct launch *launch, const struct spec_device *device)
{
    return (launch_has(launch, CLONE_NEWUSER) || launch->spec->rootless) && device->type != 'p';
}

static int device_make(struct launch *launch, const struct spec_device *device, bool bound,
                       struct err *err)
{
    bool touch = !bound || strncmp(device->path, "/dev/", 5) != 0;
    struct place parent = { .fd = -1, .name = "" };
    const char *name;
    int r = parent_find(launch, device->path, &parent, &name, err);

    if (r < 0)
        return r;
    r = touch && must_borrow(launch, device) ? node_borrow(parent.fd, name, device, err)
                                             : node_make(parent.fd, name, device, touch, err);
    place_done(&parent);
    return r;
}

/* ---- links -------------------------------------------------------------------------------------------------- */

/*
 * The specification: only where what they lead to exists, which is to say, for those into /proc, where
 * there is one.
 */
static bool link_has_target(const struct launch *launch, const struct spec_symlink *link)
{
    int fd;

    if (link->target[0] != '/' || launch->proc_fd >= 0)
        return true;
    fd = sys_openat2(launch->root_fd, link->target, O_PATH | O_CLOEXEC, 0,
                     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    fd_close(fd);
    return fd != -ENOENT && fd != -ENOTDIR;
}

/* The same link, or the kernel's own multiplexer, which finds the terminals beside it by itself. */
static bool link_will_do(int parent_fd, const char *name, const struct spec_symlink *link)
{
    char target[PATH_MAX];
    struct stat st;
    ssize_t n = readlinkat(parent_fd, name, target, sizeof(target) - 1);

    if (n < 0)
        return strcmp(link->path, "/dev/ptmx") == 0 &&
               fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
               st.st_rdev == makedev(5, 2);
    target[n] = '\0';
    return strcmp(target, link->target) == 0;
}

static int link_make(struct launch *launch, const struct spec_symlink *link, struct err *err)
{
    struct place parent = { .fd = -1, .name = "" };
    const char *name;
    int r;

    if (!link_has_target(launch, link))
        return 0;
    r = parent_find(launch, link->path, &parent, &name, err);
    if (r < 0)
        return r;
    if (symlinkat(link->target, parent.fd, name) < 0)
        r = -errno;
    if (r == -EEXIST && link_will_do(parent.fd, name, link))
        r = 0;
    place_done(&parent);
    if (r == -EEXIST)
        return err_refuse(err, EEXIST,
                          "cannot make the link %s to %s: something else lies there already",
                          link->path, link->target);
    return r < 0 ? err_refuse(err, -r, "cannot make the link %s: %s", link->path, err_name(-r)) : 0;
}

/* ---- all ----------------------------------------------------------------------------------------------------- */

/* A /dev that is to be read-only could not be until now. */
static int dev_attributes(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    const struct base *base = place_base(launch, "/dev");
    int r = 0;

    for (size_t i = 0; base && i < spec->n_mounts && r >= 0; i++) {
        const struct spec_mount *mount = &spec->mounts[i];

        if (mount->target == base->target &&
            ((mount->attr_set | mount->tree_set) & MOUNT_ATTR_RDONLY))
            r = attr_apply(base->fd, 0, MOUNT_ATTR_RDONLY, 0, 0);
    }
    return r < 0 ? err_set(err, -r, "cannot make /dev read-only: %s", err_name(-r)) : 0;
}

int step_devices(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    bool bound = dev_is_bound(spec);
    int r = 0;

    for (size_t i = 0; i < spec->n_devices && r >= 0; i++)
        r = device_make(launch, &spec->devices[i], bound, err);
    /* The host's has links of its own. */
    for (size_t i = 0; i < spec->n_symlinks && r >= 0 && !bound; i++)
        r = link_make(launch, &spec->symlinks[i], err);
    return r < 0 ? r : dev_attributes(launch, err);
}
