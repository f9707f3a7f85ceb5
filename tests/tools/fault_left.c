/* What a run left behind, and how a live one looks from outside. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

#define DEPTH_MAX 8

static void add_line(struct fault_text *text, const char *what, const char *rest)
{
    fault_text_add(text, what, strlen(what));
    fault_text_add(text, rest, strlen(rest));
    fault_text_add(text, "\n", 1);
}

/* ---- groups ------------------------------------------------------------------------------------ */

typedef void (*group_fn)(const char *path, void *data);

/* Calls fn for every group beneath path whose own name has the run's name in it. */
static unsigned walk_groups(const char *path, const char *name, unsigned depth, group_fn fn,
                            void *data)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    unsigned n = 0;
    char below[4096];

    if (!dir)
        return 0;
    while ((entry = readdir(dir))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (strstr(entry->d_name, name)) {
            n++;
            fn(below, data);
        } else if (depth > 0) {
            n += walk_groups(below, name, depth - 1, fn, data);
        }
    }
    closedir(dir);
    return n;
}

/* The mount points of the cgroup hierarchies, from our own mountinfo. */
static unsigned each_group(const char *name, group_fn fn, void *data)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[4096], mount_point[2048];
    unsigned n = 0;

    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        if (!strstr(line, " - cgroup ") && !strstr(line, " - cgroup2 "))
            continue;
        if (sscanf(line, "%*s %*s %*s %*s %2047s", mount_point) == 1)
            n += walk_groups(mount_point, name, DEPTH_MAX, fn, data);
    }
    fclose(file);
    return n;
}

static void add_group(const char *path, void *data)
{
    add_line(data, "group ", path);
}

/* ---- records and mounts ------------------------------------------------------------------------ */

static const char *container_root;

void fault_left_set_root(const char *root)
{
    container_root = root;
}

/* Everything beneath the root but the directories that stay, and what is kept for the next container. */
static unsigned left_in_root(const char *path, unsigned depth, struct fault_text *ret)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char below[4096];
    struct stat st;
    unsigned n = 0;

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (depth == 0 && strcmp(entry->d_name, ".seccomp") == 0)
            continue;
        bool directory = lstat(below, &st) == 0 && S_ISDIR(st.st_mode);
        if (!directory || depth > 0 || entry->d_name[0] != '.') {
            n++;
            add_line(ret, "record ", below);
        }
        if (directory && depth < DEPTH_MAX)
            n += left_in_root(below, depth + 1, ret);
    }
    if (dir)
        closedir(dir);
    return n;
}

static unsigned left_records(const char *name, struct fault_text *ret)
{
    if (container_root)
        return left_in_root(container_root, 0, ret);
    const char *path = getenv("RATION_STATE_DIR");
    DIR *dir = opendir(path && *path ? path : "/run/ration");
    const struct dirent *entry;
    unsigned n = 0;

    while (dir && (entry = readdir(dir))) {
        if (strstr(entry->d_name, name)) {
            n++;
            add_line(ret, "record ", entry->d_name);
        }
    }
    if (dir)
        closedir(dir);
    return n;
}

static unsigned left_mounts(const char *name, struct fault_text *ret)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    unsigned n = 0;

    while (file && fgets(line, sizeof(line), file)) {
        if (strstr(line, name)) {
            n++;
            line[strcspn(line, "\n")] = '\0';
            add_line(ret, "mount ", line);
        }
    }
    if (file)
        fclose(file);
    return n;
}

unsigned fault_left(const char *name, struct fault_text *ret)
{
    return each_group(name, add_group, ret) + left_records(name, ret) + left_mounts(name, ret);
}

/* ---- from outside ------------------------------------------------------------------------------ */

static ssize_t read_file(const char *dir, const char *name, char *ret, size_t size)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, ret, size - 1);
    close(fd);
    if (n >= 0)
        ret[n] = '\0';
    return n;
}

struct outside {
    struct fault_text *text;
    pid_t command; /* a process in the innermost group; 0: none seen */
};

static void outside_member(const char *path, struct outside *outside)
{
    char box[4200], procs[256];

    snprintf(box, sizeof(box), "%s/box", path);
    ssize_t n = read_file(box, "cgroup.procs", procs, sizeof(procs));
    add_line(outside->text, "  members: ", n < 0 ? "(no inner group)" : n == 0 ? "none" : "some");
    if (n > 0)
        outside->command = (pid_t)strtol(procs, NULL, 10);
}

static void outside_group(const char *path, void *data)
{
    static const char *const file_table[] = {
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.soft_limit_in_bytes",
        "memory.swappiness",
        "memory.max",
        "memory.high",
        "memory.low",
        "memory.min",
        "memory.swap.max",
        "memory.oom.group",
        "cpu.cfs_quota_us",
        "cpu.cfs_period_us",
        "cpu.shares",
        "cpu.max",
        "cpu.weight",
        "cpu.idle",
        "cpuset.cpus",
        "cpuset.mems",
        "pids.max",
        "devices.list",
        "cgroup.type",
        "cgroup.subtree_control",
        "cgroup.freeze",
        "freezer.state",
    };
    struct outside *outside = data;
    char value[2048], label[128];

    add_line(outside->text, "group ", path);
    for (size_t i = 0; i < sizeof(file_table) / sizeof(file_table[0]); i++) {
        if (read_file(path, file_table[i], value, sizeof(value)) < 0)
            continue;
        snprintf(label, sizeof(label), "  %s: ", file_table[i]);
        add_line(outside->text, label, value);
    }
    outside_member(path, outside);
}

static void outside_namespaces(pid_t pid, struct fault_text *text)
{
    static const char *const kind_table[] = { "cgroup", "ipc",  "mnt",  "net",
                                              "pid",    "time", "user", "uts" };
    char path[64], label[64], theirs[64], ours[64];

    for (size_t i = 0; i < sizeof(kind_table) / sizeof(kind_table[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind_table[i]);
        ssize_t n = readlink(path, theirs, sizeof(theirs));
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kind_table[i]);
        ssize_t m = readlink(path, ours, sizeof(ours));
        bool same = n == m && n > 0 && memcmp(theirs, ours, (size_t)n) == 0;
        snprintf(label, sizeof(label), "namespace %s: ", kind_table[i]);
        add_line(text, label, n < 0 ? "unknown" : same ? "the host's" : "its own");
    }
}

void fault_outside(const char *name, struct fault_text *ret)
{
    struct outside outside = { .text = ret };

    each_group(name, outside_group, &outside);
    if (outside.command > 0)
        outside_namespaces(outside.command, ret);
    else
        add_line(ret, "namespaces: ", "no process is in the groups");
}

/* ---- processes --------------------------------------------------------------------------------- */

unsigned fault_kill_children(void)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    char stat[512];
    unsigned n = 0;

    while (dir && (entry = readdir(dir))) {
        char path[300];
        int parent;
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
        if (read_file(path, "stat", stat, sizeof(stat)) <= 0)
            continue;
        /* "PID (NAME) STATE PARENT": the name may have anything in it but is the last to end so. */
        const char *after = strrchr(stat, ')');
        if (after && sscanf(after + 1, " %*c %d", &parent) == 1 && parent == (int)getpid()) {
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
            n++;
        }
    }
    if (dir)
        closedir(dir);
    return n;
}
