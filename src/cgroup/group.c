/*
 * The groups of a run: opening them again, and handing them to whoever enters.
 *
 * In each hierarchy that is used there are two, one inside the other. The outer one carries the
 * limits; COMMAND lives in the inner one and sees it as the root of its cgroup name space.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

struct group *group_new(int root_fd)
{
    struct group *group = calloc(1, sizeof(*group));
    struct group_cache *cache = calloc(1, sizeof(*cache));

    if (!group || !cache) {
        free(group);
        free(cache);
        return NULL;
    }
    *cache = (struct group_cache){ .cpu_fd = -1, .oom_own_fd = -1, .oom_above_fd = -1 };
    group->cache = cache;
    group->root_fd = root_fd;
    return group;
}

void part_close(struct part *part)
{
    fd_close(part->inner_fd);
    fd_close(part->fd);
    if (part->owns_fds) {
        if (part->base_fd != part->root_fd)
            fd_close(part->base_fd);
        fd_close(part->root_fd);
    }
    free(part->mount_point);
    free(part->base);
    free(part->name);
    *part = (struct part){ .root_fd = -1, .base_fd = -1, .fd = -1, .inner_fd = -1 };
}

void group_close(struct group *group)
{
    if (!group)
        return;
    for (size_t i = 0; i < group->n_parts; i++)
        part_close(&group->part[i]);
    for (size_t i = 0; i < group->n_read_back; i++)
        free(group->read_back[i]);
    free(group->read_back);
    strv_free(group->notes);
    fd_close(group->cache->cpu_fd);
    fd_close(group->cache->oom_own_fd);
    fd_close(group->cache->oom_above_fd);
    free(group->cache);
    free(group);
}

void group_closep(struct group **group)
{
    group_close(*group);
}

bool part_is_open(const struct part *part)
{
    return part->fd >= 0 && !part->removed;
}

const struct part *group_part(const struct group *group, enum controller controller, int version)
{
    for (size_t i = 0; i < group->n_parts; i++) {
        const struct part *part = &group->part[i];
        if (part->version != version || !part_is_open(part))
            continue;
        if (controller >= CONTROLLER_COUNT ? version == 2
                                           : (part->controllers & CONTROLLER_BIT(controller)) != 0)
            return part;
    }
    return NULL;
}

void part_path(const struct part *part, const char *file, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%s%s%s%s%s", part->mount_point, part->base, *part->base ? "/" : "",
             part->name, *file ? "/" : "", file);
}

struct group_entry group_entry(const struct group *group)
{
    const struct part *unified = group_part(group, CONTROLLER_NONE, 2);

    return (struct group_entry){
        .v2_fd = unified ? unified->inner_fd : -1,
        .tasks_fds = group->tasks_fds,
        .n_tasks_fds = group->n_tasks_fds,
    };
}

void group_collect_entry(struct group *group)
{
    group->n_tasks_fds = 0;
    for (size_t i = 0; i < group->n_parts; i++)
        if (group->part[i].version == 1 && group->part[i].inner_fd >= 0)
            group->tasks_fds[group->n_tasks_fds++] = group->part[i].inner_fd;
}

bool group_is_anywhere(const struct group *group)
{
    return group->n_parts > 0;
}

const char *group_read_back(const struct group *group, size_t index)
{
    return index < group->n_read_back ? group->read_back[index] : NULL;
}

const char *group_note(const struct group *group, size_t index)
{
    return index < strv_length(group->notes) ? group->notes[index] : NULL;
}

/* ---- opening again ----------------------------------------------------------------------------- */

int group_open(struct cgroups *cgroups, const char *paths, struct group **ret, struct err *err)
{
    _cleanup_(group_closep) struct group *group = group_new(cgroups->root_fd);
    const char *line;
    size_t len;

    if (!group)
        return err_nomem(err);
    while (line_next(&paths, &line, &len)) {
        struct path_line parsed;
        int r = path_line_parse(line, len, &parsed);
        if (r < 0)
            return err_set(err, -r, "the record of the groups is damaged: '%.*s'",
                           (int)(len < 100 ? len : 100), line);
        if (parsed.is_parent || group->n_parts == HIERARCHIES_MAX) {
            path_line_done(&parsed);
            continue;
        }
        struct part *part = &group->part[group->n_parts];
        r = part_open(part, &parsed, cgroups->root_fd, err);
        path_line_done(&parsed);
        if (r == -ENOENT)
            continue;
        if (r < 0)
            return r;
        group->n_parts++;
        group->mirrored |= part->mirrored;
        const struct hierarchy *h = cgroups_find(cgroups, part->version, part->controllers);
        part->base_is_root = h && *part->base == '\0' && hierarchy_root_is_real(cgroups, h);
        r = part_open_inner(part);
        if (r < 0 && r != -ENOENT)
            return err_set(err, -r, "cannot open a group of %s in %s: %m", part->name,
                           part->mount_point);
    }
    if (group->n_parts == 0)
        return err_set(err, ENOENT, "none of the groups of the run exists any more");
    group_collect_entry(group);
    *ret = TAKE_PTR(group);
    return 0;
}
