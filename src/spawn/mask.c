/* Hiding what is at a target, and changing the attributes of what is there. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

/* ---- masks --------------------------------------------------------------------------------------------- */

/*
 * A detached /dev/null: that of the fresh /dev, which nobody else has touched, else the host's, looked
 * at before it is trusted. One that was not used is kept for the next mask.
 */
static int null_tree(struct launch *launch)
{
    struct stat st;
    int fd;

    if (launch->null_tree_fd >= 0)
        return launch->null_tree_fd;
    fd = launch->dev_fd >= 0
             ? sys_open_tree(launch->dev_fd, "null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
             : sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return fd;
    if (launch->dev_fd < 0 &&
        (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))) {
        close(fd);
        return -ENXIO;
    }
    launch->null_tree_fd = fd;
    return fd;
}

/* An empty read-only directory over a directory: made once, then cloned from where it is attached. */
static int mask_directory(struct launch *launch, const struct place *place)
{
    const uint64_t attr =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    int fd;

    if (launch->empty_fd < 0) {
        fd = fs_make("tmpfs", NULL, "mode=555", attr, NULL);
        if (fd < 0)
            return fd;
        launch->empty_fd = fd;
    } else {
        fd = sys_open_tree(launch->empty_fd, "",
                           OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        if (fd < 0)
            return fd;
    }
    return place_attach(place, fd);
}

int mount_mask(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    struct place place;
    int r = place_find(launch, mount->target, 0, &place, err);

    if (r == -ENOENT || r == -ENOTDIR)
        return 0; /* nothing there to hide */
    if (r < 0)
        return r;
    int fd = null_tree(launch);
    if (fd < 0) {
        place_done(&place);
        return err_set(err, -fd, "cannot hide %s: no /dev/null to put there: %s", mount->target,
                       err_name(-fd));
    }
    r = place_attach(&place, fd);
    if (r >= 0) {
        launch->null_tree_fd = -1; /* left open, as everything that is closed at once later */
    } else if (r == -ENOTDIR || r == -EINVAL) {
        r = mask_directory(launch, &place);
    }
    place_done(&place);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? err_set(err, -r, "cannot hide %s: %s", mount->target, err_name(-r)) : 0;
}

/* ---- attributes ------------------------------------------------------------------------------------------ */

/* What is at the place as a mount of its own, so that it can have attributes of its own. */
static int remount_clone(const struct place *place, const struct spec_mount *mount)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
                     (place->name[0] == '\0' ? AT_EMPTY_PATH : 0);
    _cleanup_close_ int fd = sys_open_tree(place->fd, place->name, flags);
    unsigned deep = mount->recursive ? AT_RECURSIVE : 0;
    int r;

    if (fd < 0)
        return fd;
    r = attr_apply(fd, deep, mount->attr_set, mount->attr_clear, mount->propagation);
    bool again = r == -ENOSYS || r == -EINVAL;
    if (r >= 0 || again)
        r = place_attach(place, fd);
    if (r >= 0 && again)
        r = attr_apply(fd, deep, mount->attr_set, mount->attr_clear, mount->propagation);
    return r;
}

/*
 * Beneath a file system that only we have touched there is nothing mounted yet, and its names are
 * certain: then two calls of mount(2) do, which every kernel has.
 */
static int remount_direct(struct launch *launch, const struct place *place,
                          const struct spec_mount *mount)
{
    unsigned long flags = attr_to_flags(mount->attr_set | place->attr);
    int r = place_bind(launch, place, MS_BIND | MS_REC);

    return r < 0 ? r : place_bind(launch, place, MS_REMOUNT | MS_BIND | flags);
}

static int remount_at(struct launch *launch, const struct place *place,
                      const struct spec_mount *mount)
{
    unsigned flags = mount->recursive ? AT_RECURSIVE : 0;
    int r;

    if (place->name[0] != '\0' && !mount->attr_clear && !mount->propagation)
        return remount_direct(launch, place, mount);
    r = place->name[0] == '\0'
            ? attr_apply(place->fd, flags, mount->attr_set, mount->attr_clear, mount->propagation)
            : -EINVAL;
    return r == -EINVAL ? remount_clone(place, mount) : r;
}

int mount_remount(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    struct place place;
    int r = place_find(launch, mount->target, 0, &place, err);

    if (r >= 0) {
        r = remount_at(launch, &place, mount);
        place_done(&place);
    } else if (r != -ENOENT && r != -ENOTDIR) {
        return r;
    }
    /* Nothing there; a document says when that does not matter. */
    if ((r == -ENOENT || r == -ENOTDIR) && (mount->optional || !launch->spec->document))
        return 0;
    if (r == -ENOSYS)
        return err_refuse(err, ENOSYS,
                          "cannot change %s with all mounts beneath it: that takes Linux 5.12",
                          mount->target);
    return r < 0 ? err_set(err, -r, "cannot change the mount attributes of %s: %s", mount->target,
                           err_name(-r))
                 : 0;
}
