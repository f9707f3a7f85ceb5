/* The groups of the floor of OCI containers: one pair in each hierarchy, limits in both of them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor_oci.h"

#define ROOT  "/sys/fs/cgroup/"
#define INNER "box"

struct setting {
    const char *hierarchy, *file;
    const char *text; /* NULL: what the hierarchy's root has */
};

/* What is in both levels, so that programs inside find it. */
static const struct setting setting_table[] = {
    { "cpuset", "cpuset.cpus", NULL },
    { "cpuset", "cpuset.mems", NULL },
    { "cpu", "cpu.cfs_period_us", "100000" },
    { "cpu", "cpu.cfs_quota_us", "50000" },
    { "memory", "memory.limit_in_bytes", "52428800" },
    { "memory", "memory.memsw.limit_in_bytes", "104857600" },
    { "pids", "pids.max", "64" },
};

/* The document denies all; these are what the specification has every container allowed. */
static const char *const device_table[] = {
    "c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",   "c 1:8 rwm",
    "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
};

static const char *const hierarchy_table[] = {
    "systemd", "pids",    "blkio",   "freezer",  "devices",    "memory", "cpuset", "cpuacct",
    "cpu",     "hugetlb", "net_cls", "net_prio", "perf_event", "rdma",   "misc",   "unified",
};

void oci_groups_open(struct oci *oci)
{
    for (size_t i = 0; i < COUNT(hierarchy_table); i++) {
        char path[64] = ROOT;
        int fd = open(strcat(path, hierarchy_table[i]), O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
            continue;
        oci->names[oci->n_hierarchies] = hierarchy_table[i];
        oci->root_fds[oci->n_hierarchies++] = fd;
    }
    if (oci->n_hierarchies < 2 || strcmp(oci->names[oci->n_hierarchies - 1], "unified") != 0) {
        errno = ENOTSUP;
        oci_fail("needs v1 hierarchies and a unified one");
    }
}

static void group_make(struct oci *oci, size_t i)
{
    oci_must(mkdirat(oci->root_fds[i], oci->group, 0755), oci->names[i]);
    oci->dir_fds[i] = openat(oci->root_fds[i], oci->group, O_PATH | O_DIRECTORY | O_CLOEXEC);
    oci_must(oci->dir_fds[i], oci->names[i]);
}

int oci_groups_make_unified(struct oci *oci)
{
    size_t last = oci->n_hierarchies - 1;
    int fd;

    group_make(oci, last);
    oci_must(mkdirat(oci->dir_fds[last], INNER, 0755), "unified");
    fd = openat(oci->dir_fds[last], INNER, O_PATH | O_DIRECTORY | O_CLOEXEC);
    oci_must(fd, "unified");
    return fd;
}

static size_t hierarchy_find(const struct oci *oci, const char *name)
{
    for (size_t i = 0; i < oci->n_hierarchies; i++) {
        if (strcmp(oci->names[i], name) == 0)
            return i;
    }
    return oci->n_hierarchies;
}

static size_t root_read(const struct oci *oci, size_t i, const char *file, char *ret, size_t size)
{
    int fd = openat(oci->root_fds[i], file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size);

    oci_must(n, file);
    close(fd);
    return (size_t)n;
}

static void setting_write(const struct oci *oci, const struct setting *setting, const char *text,
                          bool inner)
{
    size_t i = hierarchy_find(oci, setting->hierarchy), length = strlen(text);
    char path[64], back[256];
    ssize_t n;
    int fd;

    if (i == oci->n_hierarchies)
        return;
    snprintf(path, sizeof(path), "%s%s", inner ? INNER "/" : "", setting->file);
    fd = openat(oci->dir_fds[i], path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && strstr(setting->file, "memsw"))
        return; /* a kernel without accounting of swap */
    oci_must(fd, setting->file);
    oci_must(write(fd, text, length), setting->file);
    n = pread(fd, back, sizeof(back), 0);
    if (n < (ssize_t)length || memcmp(back, text, length) != 0) {
        errno = EDOM;
        oci_fail(setting->file);
    }
    close(fd);
}

static void devices_write(const struct oci *oci)
{
    size_t i = hierarchy_find(oci, "devices");
    char list[1024];
    int fd;

    if (i == oci->n_hierarchies)
        return;
    fd = openat(oci->dir_fds[i], "devices.deny", O_WRONLY | O_CLOEXEC);
    oci_must(fd, "devices.deny");
    oci_must(write(fd, "a *:* rwm", 9), "devices.deny");
    close(fd);
    fd = openat(oci->dir_fds[i], "devices.allow", O_WRONLY | O_CLOEXEC);
    oci_must(fd, "devices.allow");
    for (size_t j = 0; j < COUNT(device_table); j++)
        oci_must(write(fd, device_table[j], strlen(device_table[j])), "devices.allow");
    close(fd);
    fd = openat(oci->dir_fds[i], "devices.list", O_RDONLY | O_CLOEXEC);
    oci_must(fd, "devices.list");
    oci_must(read(fd, list, sizeof(list)), "devices.list");
    close(fd);
}

void oci_groups_make(struct oci *oci)
{
    char root[2][256];
    const char *text[COUNT(setting_table)];
    size_t copied = 0;

    for (size_t i = 0; i + 1 < oci->n_hierarchies; i++)
        group_make(oci, i);
    for (size_t i = 0; i < COUNT(setting_table); i++) {
        size_t h = hierarchy_find(oci, setting_table[i].hierarchy);

        text[i] = setting_table[i].text;
        if (!text[i] && h < oci->n_hierarchies) {
            size_t n = root_read(oci, h, setting_table[i].file, root[copied], 255);

            root[copied][n > 0 ? n - 1 : 0] = '\0';
            text[i] = root[copied++];
        }
        setting_write(oci, &setting_table[i], text[i], false);
    }
    devices_write(oci);
    for (size_t i = 0; i + 1 < oci->n_hierarchies; i++) {
        oci_must(mkdirat(oci->dir_fds[i], INNER, 0755), oci->names[i]);
    }
    for (size_t i = 0; i < COUNT(setting_table); i++)
        setting_write(oci, &setting_table[i], text[i], true);
}

int oci_groups_find(struct oci *oci)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/" INNER, oci->group);
    fd = openat(oci->root_fds[oci->n_hierarchies - 1], path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    oci_must(fd, "unified");
    return fd;
}

void oci_groups_join(const struct oci *oci)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/" INNER "/tasks", oci->group);
    for (size_t i = 0; i + 1 < oci->n_hierarchies; i++) {
        int fd = openat(oci->root_fds[i], path, O_WRONLY | O_CLOEXEC);

        oci_must(fd, path);
        oci_must(write(fd, "0", 1), path);
    }
}

/* A group that was just emptied may be busy for a moment. */
static void group_remove(int root_fd, const char *path)
{
    static const struct timespec pause = { .tv_nsec = 200000 };

    for (int tries = 500; unlinkat(root_fd, path, AT_REMOVEDIR) < 0; tries--) {
        if (errno != EBUSY || tries == 0)
            oci_fail(path);
        nanosleep(&pause, NULL);
    }
}

void oci_groups_remove(const struct oci *oci)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/" INNER, oci->group);
    for (size_t i = 0; i < oci->n_hierarchies; i++) {
        group_remove(oci->root_fds[i], path);
        group_remove(oci->root_fds[i], oci->group);
    }
}
