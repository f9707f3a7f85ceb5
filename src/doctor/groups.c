/*
 * Groups of ours that no record names: left by a run whose record was lost. Empty ones may go; those
 * with processes are only told of, since without a record nothing says whose they are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor/facts.h"

#define GROUP_PREFIX "ration-"
#define GROUP_SUPERVISOR \
    "ration-supervisor" /* where the cgroup room moves processes: not a run's */
#define DEPTH_MAX 64

/* ---- walking a group and what is beneath ---------------------------------------------------------- */

struct level {
    DIR *dir;
    char name[NAME_MAX + 1];
};

struct walk {
    int base_fd;
    bool remove;
    struct level level[DEPTH_MAX];
    size_t depth;
};

static int walk_parent_fd(const struct walk *walk)
{
    return walk->depth == 0 ? walk->base_fd : dirfd(walk->level[walk->depth - 1].dir);
}

/* A process in this very group? What cannot be read counts as one. */
static bool group_has_process(int fd)
{
    _cleanup_close_ int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    char byte;

    if (procs < 0)
        return errno != ENOENT;
    return read(procs, &byte, 1) != 0;
}

/* Go down into a directory. -EBUSY: it has processes, or lies deeper than we look. */
static int walk_down(struct walk *walk, const char *name)
{
    int fd = openat(walk_parent_fd(walk), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno; /* gone meanwhile */
    DIR *dir = walk->depth < DEPTH_MAX && !group_has_process(fd) ? fdopendir(fd) : NULL;
    if (!dir) {
        fd_close(fd);
        return -EBUSY;
    }
    struct level *level = &walk->level[walk->depth++];
    level->dir = dir;
    snprintf(level->name, sizeof(level->name), "%s", name);
    return 0;
}

static int walk_up(struct walk *walk)
{
    struct level *level = &walk->level[--walk->depth];

    closedir(level->dir);
    if (!walk->remove)
        return 0;
    return unlinkat(walk_parent_fd(walk), level->name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno
                                                                                            : 0;
}

static int walk_step(struct walk *walk)
{
    const struct dirent *entry = readdir(walk->level[walk->depth - 1].dir);

    if (!entry)
        return walk_up(walk);
    if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
        strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return 0;
    int r = walk_down(walk, entry->d_name);
    return r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

/*
 * Visit a group and all beneath it, deepest first on the way up, and with remove, take them away. The
 * kernel removes no group that has processes, whoever came in between. Returns 0, or -EBUSY.
 */
static int group_walk(int base_fd, const char *name, bool remove)
{
    struct walk *walk = calloc(1, sizeof(*walk));

    if (!walk)
        return -ENOMEM;
    walk->base_fd = base_fd;
    walk->remove = remove;
    int r = walk_down(walk, name);
    while (r >= 0 && walk->depth > 0)
        r = walk_step(walk);
    while (walk->depth > 0)
        closedir(walk->level[--walk->depth].dir);
    free(walk);
    return r;
}

/* ---- finding them ---------------------------------------------------------------------------------- */

/* Whatever else somebody may have put into a name, a terminal will not obey it. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            *text = '?';
    }
}

static int stray_add(struct facts *facts, const char *directory, const char *name, bool populated)
{
    struct stray *grown = reallocarray(facts->strays, facts->n_strays + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    facts->strays = grown;
    char *path = text_format("%s/%s", directory, name);
    if (!path)
        return -ENOMEM;
    make_printable(path);
    grown[facts->n_strays++] = (struct stray){ .path = path, .populated = populated };
    return 0;
}

/* Looked for after the group: a record is there before its groups, and goes after them. */
static bool record_exists(const struct facts *facts, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", facts->run_path, name);
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int stray_look(const struct doctor_options *options, int base_fd, const char *directory,
                      const char *name, struct facts *facts)
{
    const char *run = name + strlen(GROUP_PREFIX);

    if (strcmp(name, GROUP_SUPERVISOR) == 0 || !record_name_valid(run) || record_exists(facts, run))
        return 0;
    int r = group_walk(base_fd, name, false);
    if (r >= 0 && options->fix)
        r = group_walk(base_fd, name, true);
    if (faccessat(base_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
        facts->strays_removed += options->fix;
        return 0;
    }
    return r == -ENOMEM ? r : stray_add(facts, directory, name, r < 0);
}

static int hierarchy_search(const struct doctor_options *options, const struct hierarchy_info *info,
                            struct facts *facts)
{
    char directory[PATH_MAX];
    const struct dirent *entry;
    int r = 0;

    snprintf(directory, sizeof(directory), "%s%s%s", info->mount_point, *info->base ? "/" : "",
             info->base);
    int fd = facts_open(options->root_fd, directory, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return 0;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        fd_close(fd);
        return -ENOMEM;
    }
    while (r >= 0 && (entry = readdir(dir))) {
        if (text_starts(entry->d_name, GROUP_PREFIX))
            r = stray_look(options, fd, directory, entry->d_name, facts);
    }
    closedir(dir);
    return r;
}

int strays_read(const struct doctor_options *options, struct facts *facts)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < facts->n_hierarchies; i++) {
        const struct hierarchy_info *info = &facts->hierarchy[i];
        /* A hierarchy of no controller is not used; where we may make no group, none is ours. */
        if ((info->version == 2 || info->controllers != 0) && info->writable)
            r = hierarchy_search(options, info, facts);
    }
    return r;
}
