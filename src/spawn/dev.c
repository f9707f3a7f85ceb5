/* The fresh /dev: filled before anybody can see it, and before any path leads to it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

/* The name in /dev: "net/tun" for "/dev/net/tun"; NULL when it is elsewhere. */
static const char *dev_name(const char *path)
{
    static const char prefix[] = "/dev/";

    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 || strstr(path, "/../"))
        return NULL;
    path += sizeof(prefix) - 1;
    path += strspn(path, "/");
    return path[0] ? path : NULL;
}

/* The directories that lead to name; they are ours alone. */
static int dev_make_parents(int fd, const char *name)
{
    char path[256];

    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - name);

        if (length >= sizeof(path))
            return -ENAMETOOLONG;
        memcpy(path, name, length);
        path[length] = '\0';
        if (mkdirat(fd, path, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

/* ---- nodes ---------------------------------------------------------------------------------------------- */

static int node_make(int fd, const char *name, const struct spec_device *device)
{
    mode_t type = device->type == 'b' ? S_IFBLK : S_IFCHR;

    if (mknodat(fd, name, type | (device->mode & 07777), makedev(device->major, device->minor)) < 0)
        return -errno;
    if ((device->uid != 0 || device->gid != 0) &&
        fchownat(fd, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

/* The host's node, which must be the device that was asked for, and an empty file to mount it on. */
static int node_borrow(int fd, const char *name, const struct spec_device *device, int *ret_tree)
{
    const char *source = device->source ? device->source : device->path;
    struct stat st;
    int file;
    int tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0)
        return tree;
    if (fstat(tree, &st) < 0 ||
        (device->type == 'b' ? !S_ISBLK(st.st_mode) : !S_ISCHR(st.st_mode)) ||
        st.st_rdev != makedev(device->major, device->minor)) {
        close(tree);
        return -ENXIO;
    }
    file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0) {
        close(tree);
        return -errno;
    }
    close(file);
    *ret_tree = tree;
    return 0;
}

static int dev_add_node(struct launch *launch, int fd, size_t index, struct err *err)
{
    const struct spec_device *device = &launch->spec->devices[index];
    const char *name = dev_name(device->path);
    int r = name ? dev_make_parents(fd, name) : -EINVAL;

    if (!name)
        return err_usage(err, "--device: %s is not beneath /dev", device->path);
    if (r >= 0)
        r = launch->spec->namespaces & CLONE_NEWUSER ? -EPERM : node_make(fd, name, device);
    if (r == -EPERM)
        r = node_borrow(fd, name, device, &launch->nodes[index]);
    return r < 0 ? err_set(err, -r, "--device: cannot make %s: %s", device->path, err_name(-r)) : 0;
}

static int dev_add_symlink(int fd, const struct spec_symlink *link, struct err *err)
{
    const char *name = dev_name(link->path);
    int r = name ? dev_make_parents(fd, name) : -EINVAL;

    if (r >= 0 && symlinkat(link->target, fd, name) < 0)
        r = -errno;
    return r < 0 ? err_set(err, -r, "cannot make the link %s: %s", link->path, err_name(-r)) : 0;
}

int dev_fill(struct launch *launch, int fd, struct err *err)
{
    const struct spec *spec = launch->spec;
    int r = 0;

    for (size_t i = 0; i < spec->n_devices && r >= 0; i++)
        r = dev_add_node(launch, fd, i, err);
    for (size_t i = 0; i < spec->n_symlinks && r >= 0; i++)
        r = dev_add_symlink(fd, &spec->symlinks[i], err);
    return r;
}

int dev_attach_nodes(struct launch *launch, int fd, struct err *err)
{
    for (size_t i = 0; i < launch->spec->n_devices; i++) {
        const struct spec_device *device = &launch->spec->devices[i];
        int r;

        if (launch->nodes[i] < 0)
            continue;
        r = sys_move_mount(launch->nodes[i], "", fd, dev_name(device->path),
                           MOVE_MOUNT_F_EMPTY_PATH);
        close(launch->nodes[i]);
        launch->nodes[i] = -1;
        if (r < 0)
            return err_set(err, -r, "--device: cannot mount %s: %s", device->path, err_name(-r));
    }
    return 0;
}
