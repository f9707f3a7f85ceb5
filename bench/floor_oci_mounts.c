/* The mounts of the floor of OCI containers. Paths are trusted: this is a measure, not a launcher for strangers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bench/floor_dev.h"
#include "bench/floor_oci.h"

#define GROUPS   "/sys/fs/cgroup"
#define CONFINED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* What podman brings along. */
static const struct {
    const char *file, *target;
    uint64_t attr;
} bind_table[] = {
    { "hosts", "/etc/hosts", 0 },
    { "shm", "/dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
    { "containerenv", "/run/.containerenv", 0 },
    { "hostname", "/etc/hostname", 0 },
};

static const char *const read_only_table[] = {
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const mask_table[] = {
    "/proc/acpi",       "/proc/kcore",       "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
    "/sys/firmware",    "/sys/fs/selinux",   "/sys/dev/block",
};

static void attributes_set(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                           uint64_t propagation)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

    oci_must(mount_setattr(fd, path, flags, &attr, sizeof(attr)), "mount_setattr");
}

static void sources_open(const struct oci *oci, int ret[static COUNT(bind_table)])
{
    for (size_t i = 0; i < COUNT(bind_table); i++) {
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", oci->files, bind_table[i].file);
        ret[i] = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        oci_must(ret[i], path);
    }
}

static void root_enter(const struct oci *oci)
{
    int tree = open_tree(AT_FDCWD, oci->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    oci_must(tree, oci->rootfs);
    oci_must(move_mount(tree, "", AT_FDCWD, oci->rootfs, MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
    oci_must(fchdir(tree), "fchdir");
    oci_must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    oci_must(umount2(".", MNT_DETACH), "umount2");
    oci_must(chdir("/"), "chdir");
}

static void binds_place(const int trees[static COUNT(bind_table)])
{
    for (size_t i = 0; i < COUNT(bind_table); i++) {
        attributes_set(trees[i], "", AT_EMPTY_PATH, bind_table[i].attr, 0, MS_PRIVATE);
        oci_must(move_mount(trees[i], "", AT_FDCWD, bind_table[i].target, MOVE_MOUNT_F_EMPTY_PATH),
                 bind_table[i].target);
    }
}

static void dev_fill(void)
{
    mode_t mask = umask(0);

    for (size_t i = 0; i < COUNT(node_table); i++)
        oci_must(mknod(node_table[i].name, S_IFCHR | 0666,
                       makedev(node_table[i].major, node_table[i].minor)),
                 node_table[i].name);
    for (size_t i = 0; i < COUNT(link_table); i++)
        oci_must(symlink(link_table[i].target, link_table[i].name), link_table[i].name);
    umask(mask);
}

/* A bind has the attributes of what it shows: one call each, while all of /proc is read-only. */
static void read_only_paths(void)
{
    attributes_set(AT_FDCWD, "/proc", 0, MOUNT_ATTR_RDONLY, 0, 0);
    for (size_t i = 0; i < COUNT(read_only_table); i++) {
        const char *path = read_only_table[i];

        if (mount(path, path, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
            oci_fail(path);
    }
    attributes_set(AT_FDCWD, "/proc", 0, 0, MOUNT_ATTR_RDONLY, 0);
}

/* What is no file is a directory: an empty one is made where the first is hidden, and shown at the others. */
static void masked_paths(void)
{
    const char *empty = NULL;

    for (size_t i = 0; i < COUNT(mask_table); i++) {
        const char *path = mask_table[i];
        int r = mount("/dev/null", path, NULL, MS_BIND, NULL);

        if (r < 0 && errno == ENOTDIR) {
            r = empty ? mount(empty, path, NULL, MS_BIND, NULL)
                      : mount("tmpfs", path, "tmpfs", MS_RDONLY | CONFINED, "mode=555");
            empty = path;
        }
        if (r < 0 && errno != ENOENT)
            oci_fail(path);
    }
}

static void groups_place(const struct oci *oci)
{
    char path[64];

    oci_must(mount("tmpfs", GROUPS, "tmpfs", CONFINED, "mode=755"), GROUPS);
    for (size_t i = 0; i < oci->n_hierarchies; i++) {
        snprintf(path, sizeof(path), GROUPS "/%s", oci->names[i]);
        oci_must(mkdir(path, 0755), path);
    }
}

static void sysctl_write(void)
{
    static const char path[] = "/proc/sys/net/ipv4/ping_group_range";
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    oci_must(fd, path);
    oci_must(write(fd, "0 0", 3), path);
    close(fd);
}

static void mount_made(const char *fstype, const char *where, unsigned long flags, const char *data)
{
    oci_must(mkdir(where, 0755), where);
    oci_must(mount(fstype, where, fstype, flags, data), where);
}

void oci_mounts_make(const struct oci *oci)
{
    int trees[COUNT(bind_table)];

    oci_must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "propagation");
    sources_open(oci, trees);
    root_enter(oci);
    oci_must(mount("proc", "/proc", "proc", CONFINED, NULL), "/proc");
    oci_must(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_STRICTATIME,
                   "mode=755,size=65536k"),
             "/dev");
    oci_must(mount("sysfs", "/sys", "sysfs", MS_RDONLY | CONFINED, NULL), "/sys");
    mount_made("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
               "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_made("mqueue", "/dev/mqueue", CONFINED, NULL);
    oci_must(mkdir("/dev/shm", 0755), "/dev/shm");
    dev_fill();
    binds_place(trees);
    groups_place(oci);
    sysctl_write();
    read_only_paths();
    masked_paths();
}

void oci_mounts_show_groups(const struct oci *oci)
{
    for (size_t i = 0; i < oci->n_hierarchies; i++) {
        const char *name = oci->names[i];
        int unified = i + 1 == oci->n_hierarchies;
        char path[64];

        snprintf(path, sizeof(path), GROUPS "/%s", name);
        oci_must(mount("cgroup", path, unified ? "cgroup2" : "cgroup", MS_RDONLY | CONFINED,
                       unified                        ? NULL
                       : strcmp(name, "systemd") == 0 ? "name=systemd"
                                                      : name),
                 path);
    }
    attributes_set(AT_FDCWD, GROUPS, 0, MOUNT_ATTR_RDONLY, 0, 0);
}
