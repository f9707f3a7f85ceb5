/* The walk through the spec's mounts, in their order. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

#define DATA_MAX 4096 /* mount(2) takes a page, and cuts the rest off without a word */

bool launch_has(const struct launch *launch, uint64_t flag)
{
    return ((launch->spec->namespaces | launch->joined) & flag) != 0;
}

/* ---- sources ------------------------------------------------------------------------------------------- */

int mount_open_source(const struct spec_mount *mount, int *ret, struct err *err)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (mount->recursive ? AT_RECURSIVE : 0);
    int fd;

    if (!mount->source)
        return err_refuse(err, ENOENT, "the volume at %s has no place where it is kept",
                          mount->target);
    fd = sys_open_tree(AT_FDCWD, mount->source, flags);
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
        int r = spec->mounts[i].kind == MOUNT_BIND && launch->sources[i] < 0
                    ? mount_open_source(&spec->mounts[i], &launch->sources[i], err)
                    : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- attributes ------------------------------------------------------------------------------------------ */

/* A bind of a host whose mounts we share (see step_propagation()) is not shared unless it says so. */
static uint64_t propagation_of(const struct launch *launch, const struct spec_mount *mount)
{
    return mount->propagation || !mounts_are_shared(launch) ? mount->propagation
                                                            : MS_SLAVE | MS_REC;
}

/* Slave and then shared is both at once; the others stand alone. */
static int propagation_apply(int fd, uint64_t propagation, unsigned deep)
{
    static const uint64_t kind_table[] = { MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE };
    int r = 0;

    deep |= propagation & MS_REC ? AT_RECURSIVE : 0;
    for (size_t i = 0; i < ARRAY_SIZE(kind_table) && r >= 0; i++) {
        if (propagation & kind_table[i])
            r = attr_apply(fd, deep, 0, 0, kind_table[i]);
    }
    return r;
}

/*
 * All that a mount says, in the order in which it builds on itself. A document tells apart what holds for
 * the mount and what for the tree; an option holds for all that is bound.
 */
static int attributes_apply(const struct launch *launch, int fd, const struct spec_mount *mount)
{
    unsigned deep = mount->recursive && !launch->spec->document ? AT_RECURSIVE : 0;
    uint64_t propagation = propagation_of(launch, mount);
    int r = attr_apply(fd, deep, mount->attr_set, mount->attr_clear, 0);

    if (r >= 0)
        r = attr_apply(fd, AT_RECURSIVE, mount->tree_set, mount->tree_clear, 0);
    return r < 0 ? r : propagation_apply(fd, propagation, deep);
}

/* Attributes first, so that it is never seen without them; where the kernel cannot, after. */
int mount_attach(struct launch *launch, const struct spec_mount *mount, const struct place *place,
                 int tree_fd)
{
    int r = attributes_apply(launch, tree_fd, mount);
    bool again = r == -ENOSYS || r == -EINVAL;

    if (r >= 0 || again)
        r = place_attach(place, tree_fd);
    if (r >= 0 && again)
        r = attributes_apply(launch, tree_fd, mount);
    return r;
}

/* ---- bind ----------------------------------------------------------------------------------------------- */

/* What an errno is most likely to mean for a file system of this type in a user namespace. */
static const struct {
    const char *fstype;
    int code;
    const char *words;
} failure_table[] = {
    { "devpts", EINVAL,
      "an option is wrong, or gid= or uid= names a number that the user namespace does not map" },
    { "tmpfs", EINVAL,
      "an option is wrong, or gid= or uid= names a number that the user namespace does not map" },
    { "mqueue", EPERM, "the ipc namespace is not one of the container's own" },
};

static const char *failure_words(const struct spec_mount *mount, int code)
{
    for (size_t i = 0; mount->fstype && i < ARRAY_SIZE(failure_table); i++) {
        if (failure_table[i].code == code && strcmp(failure_table[i].fstype, mount->fstype) == 0)
            return failure_table[i].words;
    }
    return err_name(code);
}

int mount_failed(const struct spec_mount *mount, int code, struct err *err)
{
    const char *what = mount->kind == MOUNT_BIND ? mount->source : mount->fstype;

    if (code == ENOENT)
        return err_refuse(err, code, "cannot mount %s on %s: %s does not exist in the root", what,
                          mount->target, mount->target);
    if (code == ENOTDIR || code == EISDIR)
        return err_refuse(err, code,
                          "cannot mount %s on %s: one is a directory and the other is not", what,
                          mount->target);
    if (code == ENODEV)
        return err_refuse(err, code, "cannot mount %s on %s: this kernel has no such file system",
                          what, mount->target);
    return err_set(err, code, "cannot mount %s on %s: %s", what, mount->target,
                   failure_words(mount, code));
}

/* What kind of target a bind needs when it has to be made. */
static unsigned bind_place_flags(const struct spec_mount *mount, int source_fd)
{
    struct stat st;

    if (!mount->make_target)
        return 0;
    return fstat(source_fd, &st) == 0 && !S_ISDIR(st.st_mode) ? PLACE_MAKE_FILE : PLACE_MAKE_DIR;
}

static int mount_bind(struct launch *launch, size_t index, int source_fd, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
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
    r = volume_fill(launch, index, &place, source_fd, err);
    if (r < 0)
        return r;
    r = mount_attach(launch, mount, &place, source_fd);
    place_done(&place);
    close(source_fd);
    if (r < 0)
        return mount_failed(mount, -r, err);
    place_covered(launch, mount->target);
    return 0;
}

/* ---- new file systems that later steps look things up in --------------------------------------------- */

static bool is_fresh_dev(const struct launch *launch, const struct spec_mount *mount)
{
    return launch->spec->fresh_dev && strcmp(mount->fstype, "tmpfs") == 0 &&
           strcmp(mount->target, "/dev") == 0;
}

/* Where a document's devices go, and much is mounted beneath. */
static bool is_plain_dev(const struct launch *launch, const struct spec_mount *mount)
{
    return launch->spec->make_devices && strcmp(mount->target, "/dev") == 0 &&
           strcmp(mount->fstype, "tmpfs") == 0 && !mount->propagation && !mount->copy_up;
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
    int fd = fs_make(mount->fstype, mount->source, mount->data, mount->attr_set, err);
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

/* A document's /dev: its devices are made in it when everything is mounted, see nodes.c. */
static int mount_plain_dev(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    struct spec_mount writable = *mount;
    int fd;

    /* Nodes have to be made in it before it is read-only. */
    writable.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    fd = fs_make(mount->fstype, mount->source, mount->data, writable.attr_set, err);
    return fd < 0 ? fd : base_attach(launch, &writable, fd, false, err);
}

/*
 * The kernel gives a proc or sysfs only to who owns the namespace that it shows. Without one of the
 * run's own, what it would show is what the host's shows already, so that is bound, read-only all
 * over where that was asked for.
 */
static int kernel_tree_borrow(struct launch *launch, const struct spec_mount *mount,
                              struct err *err)
{
    bool proc = strcmp(mount->fstype, "proc") == 0;
    struct spec_mount borrowed = *mount;
    int fd;

    if (!launch->spec->document || launch_has(launch, proc ? CLONE_NEWPID : CLONE_NEWNET))
        return -EPERM; /* err tells it already */
    fd = sys_open_tree(AT_FDCWD, proc ? "/proc" : "/sys",
                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0)
        return -EPERM;
    borrowed.tree_set |= mount->attr_set & MOUNT_ATTR_RDONLY;
    int r = attributes_apply(launch, fd, &borrowed);
    if (r >= 0)
        return base_attach(launch, mount, fd, false, err);
    close(fd);
    return mount_failed(mount, -r, err);
}

static int mount_kernel_tree(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    uint64_t attr = (mount->attr_set & ~mount->tree_clear) | mount->tree_set;
    int fd = fs_make(mount->fstype, mount->source, mount->data, attr, err);
    int r;

    if (fd == -EPERM)
        return kernel_tree_borrow(launch, mount, err);
    if (fd < 0)
        return fd;
    r = base_attach(launch, mount, fd, true, err);
    if (r >= 0 && strcmp(mount->fstype, "proc") == 0)
        launch->proc_fd = fd;
    return r;
}

/* ---- other file systems ------------------------------------------------------------------------------------- */

/*
 * With a tmpfs the kernel's default is a directory that everybody may write to; over a directory that is
 * there, it is what that one allows. "mode=1777," for data to follow, or "".
 */
static int tmpfs_mode(const struct launch *launch, const struct spec_mount *mount,
                      const struct place *place, char *ret, size_t size)
{
    const char *data = text_or_empty(mount->data);
    struct stat st;

    ret[0] = '\0';
    if (!launch->spec->document || strcmp(mount->fstype, "tmpfs") != 0 || place->made ||
        text_starts(data, "mode=") || strstr(data, ",mode="))
        return 0;
    if (fstatat(place->fd, place->name, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    snprintf(ret, size, "mode=%04o%s", st.st_mode & 07777, data[0] ? "," : "");
    return 0;
}

/* One call; nothing that is said of it needs more. */
static int filesystem_mount(struct launch *launch, const struct spec_mount *mount,
                            const struct place *place, const char *data)
{
    uint64_t attr = (mount->attr_set & ~mount->tree_clear) | mount->tree_set;
    unsigned long flags = attr_to_flags(attr);
    char rest[DATA_MAX];
    int r = data_split(data, rest, sizeof(rest), &flags);

    return r < 0 ? r : place_mount(launch, place, mount->fstype, mount->source, flags, rest);
}

/* What the one call does not know: maps, content, propagation. Made apart, and attached when complete. */
static int filesystem_assemble(struct launch *launch, size_t index, const struct place *place,
                               const char *data, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    int userns_fd = launch->idmaps ? launch->idmaps[index] : -1;
    int fd = fs_make(mount->fstype, mount->source, data, 0, err);
    int r = fd < 0 ? fd : 0;

    if (r >= 0 && mount->copy_up)
        r = place->made ? 0 : copy_up(place, fd, mount, err);
    if (r >= 0 && userns_fd >= 0)
        r = idmap_apply(fd, userns_fd, mount, err);
    if (r < 0)
        return r;
    r = mount_attach(launch, mount, place, fd);
    close(fd);
    return r < 0 ? mount_failed(mount, -r, err) : 0;
}

/* A new mount in what is not shared is private as it is. */
static bool needs_assembly(const struct launch *launch, size_t index)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    bool among_shared = mounts_are_shared(launch);
    uint64_t propagation =
        mount->propagation & ~(uint64_t)(MS_REC | (among_shared ? 0 : MS_PRIVATE));

    return mount->copy_up || propagation != 0 || (launch->idmaps && launch->idmaps[index] >= 0);
}

static int mount_at(struct launch *launch, size_t index, const struct place *place, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    char data[DATA_MAX];
    int r = tmpfs_mode(launch, mount, place, data, sizeof(data));

    if (r < 0)
        return mount_failed(mount, -r, err);
    size_t length = strlen(data), more = strlen(text_or_empty(mount->data));
    if (length + more >= sizeof(data))
        return err_refuse(err, E2BIG, "cannot mount %s on %s: its options are longer than %d bytes",
                          mount->fstype, mount->target, DATA_MAX - 1);
    memcpy(data + length, text_or_empty(mount->data), more + 1);
    if (needs_assembly(launch, index))
        return filesystem_assemble(launch, index, place, data, err);
    r = filesystem_mount(launch, mount, place, data);
    return r < 0 ? mount_failed(mount, -r, err) : 0;
}

static int mount_filesystem(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    struct place place;
    int r;

    if (is_fresh_dev(launch, mount))
        return mount_dev(launch, mount, err);
    if (is_plain_dev(launch, mount))
        return mount_plain_dev(launch, mount, err);
    if (strcmp(mount->fstype, "proc") == 0 || strcmp(mount->fstype, "sysfs") == 0)
        return mount_kernel_tree(launch, mount, err);
    r = place_find(launch, mount->target, mount->make_target ? PLACE_MAKE_DIR : 0, &place, err);
    if (r == -ENOENT && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    r = mount_at(launch, index, &place, err);
    place_done(&place);
    if (r >= 0)
        place_covered(launch, mount->target);
    return r;
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static int mount_one(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];

    switch (mount->kind) {
    case MOUNT_BIND:
        return mount_bind(launch, index, TAKE_FD(launch->sources[index]), err);
    case MOUNT_FILESYSTEM:
        return mount_filesystem(launch, index, err);
    case MOUNT_CGROUP:
        return mount_cgroup(launch, index, err);
    case MOUNT_MASK:
        return mount_mask(launch, mount, err);
    case MOUNT_REMOUNT:
        return mount_remount(launch, mount, err);
    }
    return err_set(err, EINVAL, "a mount of an unknown kind on %s", mount->target);
}

/*
 * The hierarchies come when the groups are joined: what is to be mounted in them, or over them, comes after.
 */
static int mounts_range(struct launch *launch, bool late, struct err *err)
{
    const struct spec *spec = launch->spec;
    bool shown = false;

    for (size_t i = 0; i < spec->n_mounts; i++) {
        bool waits = shown && path_is_beneath(spec->mounts[i].target, launch->cgroup_target);
        int r = waits == late ? mount_one(launch, i, err) : 0;

        if (r < 0)
            return r;
        shown = shown || spec->mounts[i].target == launch->cgroup_target;
    }
    return 0;
}

int mounts_make(struct launch *launch, struct err *err)
{
    return mounts_range(launch, false, err);
}

int mounts_make_late(struct launch *launch, struct err *err)
{
    return mounts_range(launch, true, err);
}
