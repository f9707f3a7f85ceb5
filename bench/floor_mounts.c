/* The floor's mounts. Paths are trusted: this is a measure, not a launcher for strangers' roots. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/floor_dev.h"

#define GROUPS   "/sys/fs/cgroup"
#define CONFINED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const char *const read_only_table[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const struct {
    const char *path;
    bool directory;
} mask_table[] = {
    { "/proc/asound", true },
    { "/proc/acpi", true },
    { "/proc/kcore", false },
    { "/proc/keys", false },
    { "/proc/latency_stats", false },
    { "/proc/timer_list", false },
    { "/proc/timer_stats", false },
    { "/proc/sched_debug", false },
    { "/proc/scsi", true },
    { "/sys/firmware", true },
    { "/sys/devices/virtual/powercap", true },
};

int floor_propagation(struct launch *launch)
{
    (void)launch;
    return floor_result(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
}

/* The new root first, everything else inside it: then no path can lead out any more. */
int floor_root(struct launch *launch)
{
    int tree;

    if (!launch->rootfs)
        return 0;
    tree = open_tree(AT_FDCWD, launch->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || move_mount(tree, "", AT_FDCWD, launch->rootfs, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return -errno;
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

int floor_dev(struct launch *launch)
{
    mode_t mask = umask(0);

    (void)launch;
    if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64m") < 0)
        return -errno;
    for (size_t i = 0; i < COUNT(node_table); i++) {
        dev_t device = makedev(node_table[i].major, node_table[i].minor);

        if (mknod(node_table[i].name, S_IFCHR | 0666, device) < 0)
            return -errno;
    }
    for (size_t i = 0; i < COUNT(link_table); i++) {
        if (symlink(link_table[i].target, link_table[i].name) < 0)
            return -errno;
    }
    umask(mask);
    return 0;
}

static int mount_made(const char *where, const char *fstype, unsigned long flags, const char *data)
{
    if (mkdir(where, 0755) < 0)
        return -errno;
    return floor_result(mount(fstype, where, fstype, MS_NOSUID | MS_NOEXEC | flags, data));
}

int floor_pts(struct launch *launch)
{
    (void)launch;
    return mount_made("/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620,gid=5");
}

int floor_shm(struct launch *launch)
{
    (void)launch;
    return mount_made("/dev/shm", "tmpfs", MS_NODEV, "mode=1777,size=65536k");
}

int floor_mqueue(struct launch *launch)
{
    (void)launch;
    return mount_made("/dev/mqueue", "mqueue", MS_NODEV, NULL);
}

int floor_proc(struct launch *launch)
{
    (void)launch;
    return floor_result(mount("proc", "/proc", "proc", CONFINED, NULL));
}

static int mount_attributes(const char *path, uint64_t set, uint64_t clear, unsigned flags)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

    return floor_result(mount_setattr(AT_FDCWD, path, flags, &attr, sizeof(attr)));
}

/* A bind has the attributes of what it shows: one call each, while all of /proc is read-only. */
int floor_proc_read_only(struct launch *launch)
{
    int r = mount_attributes("/proc", MOUNT_ATTR_RDONLY, 0, 0);

    (void)launch;
    for (size_t i = 0; i < COUNT(read_only_table) && r >= 0; i++) {
        const char *path = read_only_table[i];

        if (mount(path, path, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
            r = -errno;
    }
    return r < 0 ? r : mount_attributes("/proc", 0, MOUNT_ATTR_RDONLY, 0);
}

/* A network namespace or a new root needs a sysfs of its own; else the host's is made read-only,
 * with all that is mounted beneath it, in one call. */
int floor_sys(struct launch *launch)
{
    if (launch->net || launch->rootfs)
        return floor_result(mount("sysfs", "/sys", "sysfs", MS_RDONLY | CONFINED, NULL));
    return mount_attributes("/sys", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE);
}

/* An empty read-only directory is made where the first is hidden, and shown at the others. */
int floor_masks(struct launch *launch)
{
    const char *empty = NULL;

    (void)launch;
    for (size_t i = 0; i < COUNT(mask_table); i++) {
        const char *path = mask_table[i].path;
        int r;

        if (!mask_table[i].directory)
            r = mount("/dev/null", path, NULL, MS_BIND, NULL);
        else if (empty)
            r = mount(empty, path, NULL, MS_BIND, NULL);
        else
            r = mount("tmpfs", path, "tmpfs", MS_RDONLY | CONFINED, "mode=555");
        if (r < 0 && errno != ENOENT)
            return -errno;
        if (r == 0 && mask_table[i].directory)
            empty = path;
    }
    return 0;
}

static const char *view_path(char path[static 64], const struct group *group)
{
    strcpy(path, GROUPS "/");
    return strcat(path, group->hierarchy->dir);
}

/* A unified hierarchy that stands alone is shown at the top. */
static bool view_is_flat(const struct launch *launch)
{
    return launch->groups[0].hierarchy->v2;
}

int floor_view_place(struct launch *launch)
{
    char path[64];

    if (view_is_flat(launch))
        return 0;
    if (mount("tmpfs", GROUPS, "tmpfs", CONFINED, "mode=755") < 0)
        return -errno;
    for (size_t i = 0; i < launch->n_groups; i++) {
        if (mkdir(view_path(path, &launch->groups[i]), 0755) < 0)
            return -errno;
    }
    return 0;
}

int floor_view(struct launch *launch)
{
    char path[64];

    for (size_t i = 0; i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];
        const char *fstype = group->hierarchy->v2 ? "cgroup2" : "cgroup";
        const char *where = view_is_flat(launch) ? GROUPS : view_path(path, group);

        if (mount(fstype, where, fstype, MS_RDONLY | CONFINED,
                  group->hierarchy->v2 ? NULL : group->hierarchy->dir) == 0)
            continue;
        /* cpu is often joined with cpuacct, and then only to be had with it. */
        if (errno != EBUSY || group->hierarchy->v2 ||
            mount(fstype, where, fstype, MS_RDONLY | CONFINED, "cpu,cpuacct") < 0)
            return -errno;
    }
    return view_is_flat(launch) ? 0 : mount_attributes(GROUPS, MOUNT_ATTR_RDONLY, 0, 0);
}
