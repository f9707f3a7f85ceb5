/* The floor's groups: finding hierarchies, making groups, limits, figures, removal. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor.h"

#define ROOT  "/sys/fs/cgroup"
#define CHILD "run"

#define RULE(verb, text)            \
    {                               \
        "devices." verb, text, NULL \
    }

static char disk_text[32]; /* --disk: "MAJOR:MINOR BYTES_PER_SECOND" */

/* The limits are those of --memory 50m --cpus 0.5 --pids-limit 64; in full also those of
 * --cpuset-cpus with all CPUs, --device-cgroup-rule "c 10:229 rwm", and --device-read-bps with
 * --disk. */
static const struct hierarchy hybrid_table[] = {
    { .dir = "memory",
      .settings = { { "memory.limit_in_bytes", "52428800", "52428800\n" } },
      .figures = { "memory.max_usage_in_bytes", "memory.failcnt", "memory.oom_control" } },
    { .dir = "cpu",
      .settings = { { "cpu.cfs_quota_us", "50000", "50000\n" } },
      .figures = { "cpu.stat" } },
    { .dir = "pids",
      .settings = { { "pids.max", "64", "64\n" } },
      .figures = { "pids.peak", "pids.events" } },
    { .dir = "devices",
      .use = USE_FULL,
      .settings = { RULE("deny", "a *:* rwm"), RULE("allow", "c *:* m"), RULE("allow", "b *:* m"),
                    RULE("allow", "c 1:3 rwm"), RULE("allow", "c 1:5 rwm"),
                    RULE("allow", "c 1:7 rwm"), RULE("allow", "c 1:8 rwm"),
                    RULE("allow", "c 1:9 rwm"), RULE("allow", "c 5:0 rwm"),
                    RULE("allow", "c 5:1 rwm"), RULE("allow", "c 5:2 rwm"),
                    RULE("allow", "c 136:* rwm"), RULE("allow", "c 10:229 rwm") } },
    { .dir = "cpuset",
      .use = USE_FULL,
      .deep = true,
      .settings = { { "cpuset.cpus", NULL, NULL }, { "cpuset.mems", NULL, NULL } } },
    { .dir = "blkio",
      .use = USE_DISK,
      .deep = true,
      .settings = { { "blkio.throttle.read_bps_device", disk_text, NULL } } },
    { .dir = "cpuacct",
      .use = USE_FIGURES_WITHOUT_V2,
      .joined = true,
      .figures = { "cpuacct.usage" } },
    { .dir = "unified", .v2 = true, .figures = { "cpu.stat" } },
};

static const struct hierarchy v2_table[] = {
    { .dir = ".",
      .v2 = true,
      .settings = { { "memory.max", "52428800", "52428800\n" },
                    { "cpu.max", "50000", "50000 100000\n" },
                    { "pids.max", "64", "64\n" } },
      .figures = { "cpu.stat", "memory.peak", "memory.events" } },
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

/* Writes one setting through a file of a group; reads it back through the same descriptor. */
static int setting_write(const struct group *group, int fd, const struct setting *setting,
                         bool readback)
{
    char text[256];
    const char *value = setting->text;
    ssize_t n;

    if (!value) {
        int r = setting_copy_root(group, setting->file, text, sizeof(text));

        if (r < 0)
            return r;
        value = text;
    }
    if (write(fd, value, strlen(value)) < 0)
        return -errno;
    if (!readback || !setting->back)
        return 0;
    n = pread(fd, text, sizeof(text), 0);
    return n == (ssize_t)strlen(setting->back) && memcmp(text, setting->back, (size_t)n) == 0
               ? 0
               : -EDOM;
}

/* A file that has several settings is opened once. */
static int settings_write(const struct launch *launch, const struct group *group, int dir_fd)
{
    const struct setting *settings = group->hierarchy->settings;
    const char *file = "";
    int fd = -1, r = 0;

    for (size_t i = 0; i < WRITES_MAX && settings[i].file && r >= 0; i++) {
        if (strcmp(settings[i].file, file) != 0) {
            if (fd >= 0)
                close(fd);
            file = settings[i].file;
            fd = openat(dir_fd, file, (settings[i].back ? O_RDWR : O_WRONLY) | O_CLOEXEC);
        }
        r = fd < 0 ? -errno : setting_write(group, fd, &settings[i], launch->readback);
    }
    if (fd >= 0)
        close(fd);
    return r;
}

/* A child group is only worth its price where the group has a limit that could be lifted, or where
 * the namespace would begin at the limits' own group. */
static bool group_wants_child(const struct launch *launch, const struct group *group)
{
    return launch->nested &&
           (group->hierarchy->settings[0].file || (group->hierarchy->v2 && launch->same));
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
    return group->dir_fd < 0 ? -errno : 0;
}

static int group_make_child(const struct launch *launch, struct group *group)
{
    int fd, r;

    if (mkdirat(group->dir_fd, CHILD, 0755) < 0)
        return -errno;
    group->child_made = true;
    if (!group->hierarchy->deep)
        return 0;
    fd = openat(group->dir_fd, CHILD, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = settings_write(launch, group, fd);
    close(fd);
    return r;
}

static bool hierarchy_is_wanted(const struct hierarchy *hierarchy, const struct launch *launch,
                                bool has_v2)
{
    switch (hierarchy->use) {
    case USE_FULL:
        return launch->full;
    case USE_DISK:
        return launch->full && launch->disk;
    case USE_FIGURES_WITHOUT_V2:
        return launch->figures && !has_v2;
    default:
        return has_v2 || !hierarchy->v2;
    }
}

/* Where the command joins, from a hierarchy's root. */
static void paths_fill(struct launch *launch)
{
    const char *file = launch->procs ? "cgroup.procs" : "tasks";

    snprintf(launch->flat_tasks, sizeof(launch->flat_tasks), "%s/%s", launch->name, file);
    snprintf(launch->nested_tasks, sizeof(launch->nested_tasks), "%s/" CHILD "/%s", launch->name,
             file);
    if (launch->disk)
        snprintf(disk_text, sizeof(disk_text), "%s 104857600", launch->disk);
}

int floor_open_hierarchies(struct launch *launch)
{
    struct statfs fs;
    bool has_v2 = true;
    const struct hierarchy *table = hybrid_table;
    size_t n = COUNT(hybrid_table);

    paths_fill(launch);
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

        if (!hierarchy_is_wanted(&table[i], launch, has_v2))
            continue;
        fd = open(strcat(path, table[i].dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && table[i].use != USE_ALWAYS)
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
        int r = settings_write(launch, &launch->groups[i], launch->groups[i].dir_fd);

        if (r < 0)
            return r;
    }
    return 0;
}

int floor_make_child_groups(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        struct group *group = &launch->groups[i];
        int r = group_wants_child(launch, group) ? group_make_child(launch, group) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

int floor_join_groups(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];
        const char *path =
            group_wants_child(launch, group) ? launch->nested_tasks : launch->flat_tasks;
        int fd;

        if (group->hierarchy->v2 || group->shared)
            continue;
        fd = openat(group->root_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) < 0)
            return -errno;
    }
    return 0;
}

int floor_clone_into_v2(const struct launch *launch, struct clone_args *args)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        const struct group *group = &launch->groups[i];
        char path[64];
        int fd;

        if (!group->hierarchy->v2)
            continue;
        snprintf(path, sizeof(path), "%s%s", launch->name,
                 group_wants_child(launch, group) ? "/" CHILD : "");
        fd = openat(group->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        args->flags |= CLONE_INTO_CGROUP;
        args->cgroup = (__u64)fd;
        break;
    }
    return 0;
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
