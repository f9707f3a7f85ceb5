/* The floor's groups: finding hierarchies, making groups, limits, figures, removal. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor.h"

#define ROOT  "/sys/fs/cgroup"
#define CHILD "run"

#define DEVICE_SETTINGS                                                                       \
    {                                                                                         \
        { "devices.deny", "a", NULL }, { "devices.allow", "c *:* m", NULL },                  \
            { "devices.allow", "b *:* m", NULL }, { "devices.allow", "c 1:3 rwm", NULL },     \
            { "devices.allow", "c 1:5 rwm", NULL }, { "devices.allow", "c 1:7 rwm", NULL },   \
            { "devices.allow", "c 1:8 rwm", NULL }, { "devices.allow", "c 1:9 rwm", NULL },   \
            { "devices.allow", "c 5:* rwm", NULL }, { "devices.allow", "c 136:* rwm", NULL }, \
    }

/* The limits are those of --memory 50m --cpus 0.5 --pids-limit 64. */
static const struct hierarchy hybrid_table[] = {
    { "memory",
      USE_ALWAYS,
      false,
      false,
      { { "memory.limit_in_bytes", "52428800", "52428800\n" } },
      { "memory.max_usage_in_bytes", "memory.failcnt", "memory.oom_control" } },
    { "cpu",
      USE_ALWAYS,
      false,
      false,
      { { "cpu.cfs_quota_us", "50000", "50000\n" } },
      { "cpu.stat" } },
    { "pids",
      USE_ALWAYS,
      false,
      false,
      { { "pids.max", "64", "64\n" } },
      { "pids.peak", "pids.events" } },
    { "devices", USE_FULL, false, false, DEVICE_SETTINGS, { NULL } },
    { "cpuset",
      USE_FULL,
      false,
      false,
      { { "cpuset.cpus", NULL, NULL }, { "cpuset.mems", NULL, NULL } },
      { NULL } },
    { "cpuacct", USE_FULL, false, true, { { NULL, NULL, NULL } }, { NULL } },
    { "cpuacct", USE_WITHOUT_V2, false, true, { { NULL, NULL, NULL } }, { "cpuacct.usage" } },
    { "freezer", USE_FULL, false, false, { { NULL, NULL, NULL } }, { NULL } },
    { "blkio", USE_FULL, false, false, { { NULL, NULL, NULL } }, { NULL } },
    { "unified", USE_ALWAYS, true, false, { { NULL, NULL, NULL } }, { "cpu.stat" } },
};

static const struct hierarchy v2_table[] = {
    { ".",
      USE_ALWAYS,
      true,
      false,
      { { "memory.max", "52428800", "52428800\n" },
        { "cpu.max", "50000", "50000 100000\n" },
        { "pids.max", "64", "64\n" } },
      { "cpu.stat", "memory.peak", "memory.events" } },
};

static int setting_copy_root(const struct group *group, const char *file, char *ret_text,
                             size_t size)
{
    int fd = openat(group->root_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, ret_text, size - 1);
    close(fd);
    if (n <= 0)
        return -EIO;
    ret_text[n] = '\0';
    return 0;
}

/* Writes one setting into a group; reads it back through the same descriptor. */
static int setting_write(const struct group *group, int dir_fd, const struct setting *setting,
                         bool readback)
{
    char text[256];
    const char *value = setting->text;
    bool compare = readback && setting->back;
    ssize_t n;
    int r = 0;
    int fd;

    if (!value) {
        r = setting_copy_root(group, setting->file, text, sizeof(text));
        if (r < 0)
            return r;
        value = text;
    }
    fd = openat(dir_fd, setting->file, (compare ? O_RDWR : O_WRONLY) | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, value, strlen(value)) < 0) {
        r = -errno;
    } else if (compare) {
        n = pread(fd, text, sizeof(text), 0);
        if (n < 0 || (size_t)n != strlen(setting->back) || memcmp(text, setting->back, (size_t)n))
            r = -EDOM;
    }
    close(fd);
    return r;
}

/* A child group is only worth its price where the group has a limit that could be lifted. */
static bool group_wants_child(const struct launch *launch, const struct group *group)
{
    return launch->nested && group->hierarchy->settings[0].text;
}

static int group_make(struct launch *launch, struct group *group)
{
    if (mkdirat(group->root_fd, launch->name, 0755) == 0)
        group->made = true;
    else if (errno == EEXIST && group->hierarchy->joined)
        group->shared = true;
    else
        return -errno;
    group->dir_fd = openat(group->root_fd, launch->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group->dir_fd < 0)
        return -errno;
    group->child_fd = group->dir_fd;
    return 0;
}

static int group_make_child(struct group *group)
{
    if (mkdirat(group->dir_fd, CHILD, 0755) < 0)
        return -errno;
    group->child_made = true;
    group->child_fd = openat(group->dir_fd, CHILD, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return group->child_fd < 0 ? -errno : 0;
}

static bool hierarchy_is_wanted(const struct hierarchy *hierarchy, bool full, bool has_v2)
{
    switch (hierarchy->use) {
    case USE_FULL:
        return full;
    case USE_WITHOUT_V2:
        return !full && !has_v2;
    default:
        return true;
    }
}

int floor_open_hierarchies(struct launch *launch)
{
    struct statfs fs;
    bool has_v2 = true;
    const struct hierarchy *table = hybrid_table;
    size_t n = COUNT(hybrid_table);

    if (statfs(ROOT, &fs) < 0)
        return -errno;
    if (fs.f_type == CGROUP2_SUPER_MAGIC) {
        table = v2_table;
        n = COUNT(v2_table);
    } else {
        has_v2 = statfs(ROOT "/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
    }
    for (size_t i = 0; i < n; i++) {
        char path[64] = ROOT "/";
        int fd;

        if (!hierarchy_is_wanted(&table[i], launch->full, has_v2) || (table[i].v2 && !has_v2))
            continue;
        fd = open(strcat(path, table[i].dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && table[i].use == USE_FULL)
            continue;
        if (fd < 0)
            return -errno;
        launch->groups[launch->n_groups++] =
            (struct group){ .hierarchy = &table[i], .root_fd = fd };
    }
    return 0;
}

int floor_make_groups(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        int r = group_make(launch, &launch->groups[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

int floor_write_limits(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];
        const struct setting *settings = group->hierarchy->settings;

        for (size_t j = 0; j < WRITES_MAX && settings[j].file; j++) {
            int r = setting_write(group, group->dir_fd, &settings[j], launch->readback);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int floor_make_child_groups(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        struct group *group = &launch->groups[i];
        int r = group_wants_child(launch, group) ? group_make_child(group) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

int floor_join_groups(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];
        int fd;
        ssize_t n;

        if (group->hierarchy->v2 || group->shared)
            continue;
        fd =
            openat(group->child_fd, launch->procs ? "cgroup.procs" : "tasks", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        n = write(fd, "0", 1);
        if (n < 0)
            return -errno;
        close(fd);
    }
    return 0;
}

static int into_v2_fd(const struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        if (launch->groups[i].hierarchy->v2)
            return launch->groups[i].child_fd;
    }
    return -1;
}

void floor_clone_into_v2(const struct launch *launch, struct clone_args *args)
{
    int fd = into_v2_fd(launch);

    if (fd < 0)
        return;
    args->flags |= CLONE_INTO_CGROUP;
    args->cgroup = (__u64)fd;
}

int floor_open_figures(struct launch *launch)
{
    for (size_t i = 0; launch->figures && i < launch->n_groups; i++) {
        struct group *group = &launch->groups[i];

        for (size_t j = 0; j < FIGURES_MAX && group->hierarchy->figures[j]; j++) {
            int fd = openat(group->dir_fd, group->hierarchy->figures[j], O_RDONLY | O_CLOEXEC);

            if (fd < 0 && errno != ENOENT)
                return -errno;
            group->figure_fds[j] = fd;
        }
    }
    return 0;
}

int floor_read_figures(struct launch *launch)
{
    for (size_t i = 0; launch->figures && i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];

        for (size_t j = 0; j < FIGURES_MAX && group->hierarchy->figures[j]; j++) {
            char *text = launch->read[i * FIGURES_MAX + j];

            if (group->figure_fds[j] >= 0 && read(group->figure_fds[j], text, 255) < 0)
                return -errno;
        }
    }
    return 0;
}

/* A group that was just emptied may be busy for a moment. */
static int group_remove(int dir_fd, const char *name)
{
    static const struct timespec pause = { .tv_nsec = 1000000 };
    int tries = 100;

    while (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0) {
        if (errno != EBUSY || --tries == 0)
            return -errno;
        nanosleep(&pause, NULL);
    }
    return 0;
}

int floor_remove_groups(struct launch *launch)
{
    int result = 0;

    for (size_t i = launch->n_groups; i-- > 0;) {
        const struct group *group = &launch->groups[i];
        int r = 0;

        if (group->child_made)
            r = group_remove(group->dir_fd, CHILD);
        if (r == 0 && group->made)
            r = group_remove(group->root_fd, launch->name);
        if (r < 0)
            result = r;
    }
    return result;
}
