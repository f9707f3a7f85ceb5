/* The walk through the spec's mounts, in their order. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

/* ---- sources ------------------------------------------------------------------------------------------- */

static int source_open(const struct spec_mount *mount, int *ret, struct err *err)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (mount->recursive ? AT_RECURSIVE : 0);
    int fd = sys_open_tree(AT_FDCWD, mount->source, flags);

    if (fd == -ENOENT && mount->optional)
        return 0;
    if (fd == -EINVAL && !mount->recursive)
        return err_refuse(
            err, EINVAL,
            "cannot bind %s to %s alone: mounts beneath it hide things from us; rbind "
            "takes them along",
            mount->source, mount->target);
    if (fd < 0)
        return err_refuse(err, -fd, "cannot bind %s to %s (--volume, --mount): %s", mount->source,
                          mount->target, err_name(-fd));
    *ret = fd;
    return 0;
}

int mounts_open_sources(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    for (size_t i = 0; i < spec->n_mounts; i++) {
        int r = spec->mounts[i].kind == MOUNT_BIND
                    ? source_open(&spec->mounts[i], &launch->sources[i], err)
                    : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- bind ----------------------------------------------------------------------------------------------- */

static int mount_failed(const struct spec_mount *mount, int code, struct err *err)
{
    const char *what = mount->kind == MOUNT_BIND ? mount->source : mount->fstype;

    if (code == ENOENT)
        return err_refuse(err, code, "cannot mount %s on %s: %s does not exist in the root", what,
                          mount->target, mount->target);
    if (code == ENOTDIR || code == EISDIR)
        return err_refuse(err, code,
                          "cannot mount %s on %s: one is a directory and the other is not", what,
                          mount->target);
    return err_set(err, code, "cannot mount %s on %s: %s", what, mount->target, err_name(code));
}

/* What kind of target a bind needs when it has to be made. */
static unsigned bind_place_flags(const struct spec_mount *mount, int source_fd)
{
    struct stat st;

    if (!mount->make_target)
        return 0;
    return fstat(source_fd, &st) == 0 && !S_ISDIR(st.st_mode) ? PLACE_MAKE_FILE : PLACE_MAKE_DIR;
}

static int mount_bind(struct launch *launch, const struct spec_mount *mount, int source_fd,
                      struct err *err)
{
    unsigned flags = mount->recursive ? AT_RECURSIVE : 0;
    struct place place;
    int r;

    if (source_fd < 0)
        return 0;
    r = place_find(launch, mount->target, bind_place_flags(mount, source_fd), &place, err);
    if (r == -ENOENT && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    /* Attributes first, so that it is never seen without them; where the kernel cannot, after. */
    r = attr_apply(source_fd, flags, mount->attr_set, mount->attr_clear, mount->propagation);
    bool again = r == -ENOSYS || r == -EINVAL;
    if (r >= 0 || again)
        r = place_attach(&place, source_fd);
    if (r >= 0 && again)
        r = attr_apply(source_fd, flags, mount->attr_set, mount->attr_clear, mount->propagation);
    place_done(&place);
    close(source_fd);
    if (r < 0)
        return mount_failed(mount, -r, err);
    place_covered(launch, mount->target);
    return 0;
}

/* ---- new file systems --------------------------------------------------------------------------------------- */

static bool is_fresh_dev(const struct launch *launch, const struct spec_mount *mount)
{
    return launch->spec->fresh_dev && strcmp(mount->fstype, "tmpfs") == 0 &&
           strcmp(mount->target, "/dev") == 0;
}

static int base_attach_found(struct launch *launch, const struct spec_mount *mount, int fd,
                             struct err *err)
{
    unsigned flags = PLACE_REAL | (mount->make_target ? PLACE_MAKE_DIR : 0);
    struct place place;
    int r = place_find(launch, mount->target, flags, &place, err);

    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    r = place_attach(&place, fd);
    place_done(&place);
    return r < 0 ? mount_failed(mount, -r, err) : 0;
}

/*
 * Attach a file system that later steps look things up in. Its target is a real directory: a link there
 * is the work of somebody who wants it elsewhere. A single name is not followed by the kernel, so it is
 * looked up only where that did not do.
 */
static int base_attach(struct launch *launch, const struct spec_mount *mount, int fd, bool direct,
                       struct err *err)
{
    const char *name = mount->target + 1;
    int r = -ENOENT;

    if (!strchr(name, '/'))
        r = sys_move_mount(fd, "", launch->root_fd, name, MOVE_MOUNT_F_EMPTY_PATH);
    if (r < 0)
        r = base_attach_found(launch, mount, fd, err);
    if (r < 0)
        return r;
    place_covered(launch, mount->target);
    place_add_base(launch, mount, fd, direct);
    return 0;
}

static int mount_dev(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    int fd = fs_make(mount->fstype, mount->data, mount->attr_set, err);
    int r;

    if (fd < 0)
        return fd;
    r = dev_fill(launch, fd, err);
    if (r >= 0)
        r = base_attach(launch, mount, fd, false, err);
    if (r >= 0)
        r = dev_attach_nodes(launch, fd, err);
    if (r >= 0)
        launch->dev_fd = fd;
    return r;
}

static int mount_kernel_tree(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    int fd = fs_make(mount->fstype, mount->data, mount->attr_set, err);
    int r;

    if (fd < 0)
        return fd;
    r = base_attach(launch, mount, fd, true, err);
    if (r >= 0 && strcmp(mount->fstype, "proc") == 0)
        launch->proc_fd = fd;
    return r;
}

static int mount_filesystem(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    struct place place;
    int r;

    if (is_fresh_dev(launch, mount))
        return mount_dev(launch, mount, err);
    if (strcmp(mount->fstype, "proc") == 0 || strcmp(mount->fstype, "sysfs") == 0)
        return mount_kernel_tree(launch, mount, err);
    r = place_find(launch, mount->target, mount->make_target ? PLACE_MAKE_DIR : 0, &place, err);
    if (r == -ENOENT && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    r = place_mount(launch, &place, mount->fstype, attr_to_flags(mount->attr_set), mount->data);
    place_done(&place);
    if (r < 0)
        return mount_failed(mount, -r, err);
    place_covered(launch, mount->target);
    return 0;
}

/* ---- groups ----------------------------------------------------------------------------------------------- */

/* A directory per hierarchy, in a tmpfs of our own. The command mounts them (see cgroup_mounts()). */
static int cgroup_directories(struct launch *launch, const struct spec_mount *mount,
                              struct err *err)
{
    uint64_t attr = mount->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY; /* until all is mounted in it */
    int fd = fs_make("tmpfs", "mode=755", attr, err);
    int r;

    if (fd < 0)
        return fd;
    for (size_t i = 0; i < launch->options->n_cgroup_mounts; i++) {
        if (mkdirat(fd, launch->options->cgroup_mounts[i].target, 0755) < 0)
            return err_set(err, errno, "cannot make %s/%s: %m", mount->target,
                           launch->options->cgroup_mounts[i].target);
    }
    r = place_attach(&launch->cgroup, fd);
    if (r < 0)
        return mount_failed(mount, -r, err);
    place_done(&launch->cgroup);
    launch->cgroup = (struct place){ .fd = fd, .name = "" };
    return 0;
}

/*
 * A hierarchy shows the groups beneath the one that its mounter's cgroup namespace has as root. The box
 * is not in COMMAND's groups, so it only finds and prepares the place.
 */
static int mount_cgroup(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    const struct spawn_options *options = launch->options;
    int r;

    if (options->n_cgroup_mounts == 0)
        return 0;
    r = place_find(launch, mount->target, mount->make_target ? PLACE_MAKE_DIR : 0, &launch->cgroup,
                   err);
    if ((r == -ENOENT || r == -ENOTDIR) && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    launch->cgroup_in_base = launch->cgroup.name[0] != '\0';
    if (options->cgroup_mounts[0].target[0] != '\0')
        r = cgroup_directories(launch, mount, err);
    if (r < 0)
        return r;
    launch->cgroup_attr = mount->attr_set;
    launch->cgroup_wanted = true;
    /* The kernel's own tree within the kernel's own: names there stay certain. */
    if (!launch->cgroup_in_base)
        place_covered(launch, mount->target);
    return 0;
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static int mount_one(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];

    switch (mount->kind) {
    case MOUNT_BIND:
        return mount_bind(launch, mount, TAKE_FD(launch->sources[index]), err);
    case MOUNT_FILESYSTEM:
        return mount_filesystem(launch, mount, err);
    case MOUNT_CGROUP:
        return mount_cgroup(launch, mount, err);
    case MOUNT_MASK:
        return mount_mask(launch, mount, err);
    case MOUNT_REMOUNT:
        return mount_remount(launch, mount, err);
    }
    return err_set(err, EINVAL, "a mount of an unknown kind on %s", mount->target);
}

int mounts_make(struct launch *launch, struct err *err)
{
    for (size_t i = 0; i < launch->spec->n_mounts; i++) {
        int r = mount_one(launch, i, err);

        if (r < 0)
            return r;
    }
    return 0;
}
