/*
 * Taking a run's groups away, deepest first, and doing so from the record of a run that is dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define REMOVE_WAIT_US  1000000u /* a group may be busy for moments after its last process */
#define RECLAIM_WAIT_US 5000000u

/* One attempt. 0: gone. */
static int part_try_remove(struct part *part, uint64_t deadline_us)
{
    /* The usual case: two groups and nothing in them. */
    if (part->inner_made && part->fd >= 0)
        unlinkat(part->fd, INNER_NAME, AT_REMOVEDIR);
    if (unlinkat(part->base_fd, part->name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    int r = part->fd >= 0 ? tree_empty(part->fd, deadline_us) : -EBUSY;
    if (r < 0)
        return r;
    return unlinkat(part->base_fd, part->name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_failed(int code, const struct part *part, struct err *err)
{
    char path[1024], pids[128] = "";

    part_path(part, "", path, sizeof(path));
    if (part->fd >= 0)
        procs_describe(part->fd, pids, sizeof(pids));
    return err_set(err, code, "cannot remove the group %s: %s%s", path,
                   *pids ? "these processes are still in it: " : err_name(code), pids);
}

static int part_remove(struct part *part, uint64_t deadline_us, struct err *err)
{
    uint64_t pause_us = 100;
    int r;

    while ((r = part_try_remove(part, deadline_us)) == -EBUSY)
        if (!backoff(&pause_us, deadline_us))
            break;
    if (r < 0)
        return remove_failed(-r, part, err);
    part->removed = true;
    return 0;
}

/* Give the base back as we found it. */
static void part_leave_base(const struct part *part)
{
    if (part->version == 2 && part->base_fd >= 0 && !part->base_is_root)
        delegate_restore_all(part->root_fd, part->base);
    if (*part->base)
        base_unmake(part->root_fd, part->base);
}

static int parts_remove(struct group *group, uint64_t timeout_us, struct err *err)
{
    uint64_t deadline_us = clock_us(CLOCK_MONOTONIC) + timeout_us;
    int first = 0;

    for (size_t i = 0; i < group->n_parts; i++) {
        struct part *part = &group->part[i];
        /* The first failure is told; the others are removed all the same. */
        int r = part->removed ? 0 : part_remove(part, deadline_us, first ? NULL : err);
        if (r < 0 && first == 0)
            first = r;
        if (r == 0 && part->name && part->base) /* else it was never begun */
            part_leave_base(part);
    }
    return first;
}

int group_remove(struct group *group, struct err *err)
{
    return parts_remove(group, REMOVE_WAIT_US, err);
}

/* ---- from the record --------------------------------------------------------------------------------- */

struct reclaiming {
    struct group *group;
    int root_fd;
    int first; /* the first error; err is filled with it */
};

static int reclaim_open(struct reclaiming *r, const char *line, size_t len, struct err *err)
{
    struct path_line parsed;
    struct group *group = r->group;

    if (len == 0)
        return 0;
    int result = path_line_parse(line, len, &parsed);
    if (result < 0)
        return err_set(err, -result, "the record of the groups is damaged: '%.*s'",
                       (int)(len < 100 ? len : 100), line);
    if (parsed.is_parent) {
        path_line_done(&parsed);
        return 0;
    }
    if (group->n_parts == HIERARCHIES_MAX) {
        path_line_done(&parsed);
        return err_set(err, E2BIG, "the record names more than %d groups", HIERARCHIES_MAX);
    }
    struct part *part = &group->part[group->n_parts];
    result = part_open(part, &parsed, r->root_fd, err);
    path_line_done(&parsed);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return result;
    group->n_parts++;
    part->inner_made = true;
    return 0;
}

/* Does the record have a group of the run beneath this parent? */
static bool parent_is_justified(const char *paths, const struct path_line *parent)
{
    const char *line;
    size_t len, n = strlen(parent->base);
    bool found = false;

    while (!found && line_next(&paths, &line, &len)) {
        struct path_line other;
        if (path_line_parse(line, len, &other) < 0)
            continue;
        found = !other.is_parent && other.version == parent->version &&
                strcmp(other.mount_point, parent->mount_point) == 0 &&
                strncmp(other.base, parent->base, n) == 0 &&
                (other.base[n] == '/' || other.base[n] == '\0');
        path_line_done(&other);
    }
    return found;
}

/*
 * Groups above that were going to be made: gone with their last use. Only an empty one goes; one that
 * others use stays. The record has the upper ones first, so that it takes a pass for each level.
 */
static void parents_remove(const char *paths, int root_fd)
{
    const char *line, *cursor;
    size_t len;
    bool removed;

    do {
        removed = false;
        cursor = paths;
        while (line_next(&cursor, &line, &len)) {
            struct path_line parent;
            if (path_line_parse(line, len, &parent) < 0)
                continue;
            if (parent.is_parent && parent_is_justified(paths, &parent)) {
                _cleanup_close_ int root =
                    root_open(root_fd, parent.mount_point, O_PATH | O_DIRECTORY);
                removed |= root >= 0 && mount_check(root, parent.version) == 0 &&
                           level_remove(root, parent.base, false) == 0;
            }
            path_line_done(&parent);
        }
    } while (removed);
}

int group_reclaim(const char *paths, int root_fd, unsigned flags, struct err *err)
{
    const char *record = paths;
    bool at_once = (flags & RECLAIM_AT_ONCE) != 0;
    _cleanup_(group_closep) struct group *group = group_new(root_fd);
    struct reclaiming r = { group, root_fd, 0 };
    const char *line;
    size_t len;

    if (!group)
        return err_nomem(err);
    while (line_next(&paths, &line, &len)) {
        int one = reclaim_open(&r, line, len, r.first ? NULL : err);
        if (one < 0 && r.first == 0)
            r.first = one;
    }
    if (group->n_parts == 0) {
        parents_remove(record, root_fd);
        return r.first;
    }
    int killed = 0;
    if (flags & RECLAIM_KILL)
        killed = group_kill(group, at_once ? 0 : RECLAIM_WAIT_US, r.first ? NULL : err);
    else
        group_freeze(group, false, 0, NULL); /* a frozen process may not die before */
    if (killed < 0 && r.first == 0)
        r.first = killed;
    int removed = parts_remove(group, at_once ? 0 : REMOVE_WAIT_US, r.first ? NULL : err);
    parents_remove(record, root_fd);
    return r.first ? r.first : removed;
}
