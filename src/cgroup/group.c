/*
 * The groups of a run: making them, opening them again, and handing them to whoever enters.
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

#define PARENT_RETRIES 3 /* a parent made by another run may vanish when that one leaves */

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

/* ---- which hierarchies a plan needs ------------------------------------------------------------ */

static const unsigned v2_domain_controllers =
    CONTROLLER_BIT(CONTROLLER_CPU) | CONTROLLER_BIT(CONTROLLER_CPUSET) |
    CONTROLLER_BIT(CONTROLLER_MEMORY) | CONTROLLER_BIT(CONTROLLER_PIDS) |
    CONTROLLER_BIT(CONTROLLER_IO) | CONTROLLER_BIT(CONTROLLER_HUGETLB) |
    CONTROLLER_BIT(CONTROLLER_RDMA) | CONTROLLER_BIT(CONTROLLER_MISC);

/* Of the plan's controllers those that are had from v2, and need enabling there. */
static unsigned plan_v2_controllers(const struct cgroups *cgroups, const struct plan *plan)
{
    unsigned mask = 0;

    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if (cgroups->layout.controller[c].version == 2)
            mask |= CONTROLLER_BIT(c);
    return mask & plan->controllers & v2_domain_controllers;
}

bool hierarchy_is_used(const struct cgroups *cgroups, const struct hierarchy *h,
                       const struct plan *plan)
{
    const struct hierarchy *unified = cgroups_find(cgroups, 2, 0);
    bool have_v2 = unified && unified->writable;

    if (h->version == 2)
        /* Always, when it can be had: it kills at once, takes a clone in, and counts CPU time. */
        return h->writable || plan_v2_controllers(cgroups, plan) != 0;
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if ((h->controllers & plan->controllers & CONTROLLER_BIT(c)) &&
            cgroups->layout.controller[c].version == 1)
            return true;
    return !have_v2 && h->opened && h->writable &&
           (h->controllers & CONTROLLER_BIT(CONTROLLER_FREEZER));
}

/* The groups of --cgroup-parent that are not there yet. */
static void parents_format(const struct hierarchy *h, struct buf *ret)
{
    char path[1024];

    if (h->base_fd >= 0 || h->root_fd < 0)
        return;
    for (size_t n = 1; path_prefix(h->base, n, path, sizeof(path)); n++)
        if (faccessat(h->root_fd, path, F_OK, 0) < 0)
            path_line_format_parent(h->version, h->mount_point, path, ret);
}

static int paths_format(const struct cgroups *cgroups, const struct plan *plan, const char *name,
                        struct buf *ret, struct err *err)
{
    char directory[GROUP_NAME_MAX + 1];

    if (!group_name_valid(name))
        return err_usage(err, "--name: '%.100s' cannot be the name of a group", name);
    snprintf(directory, sizeof(directory), GROUP_PREFIX "%s", name);
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        const struct hierarchy *h = &cgroups->hierarchy[i];
        unsigned mask = h->controllers;
        if (plan && !hierarchy_is_used(cgroups, h, plan))
            continue;
        parents_format(h, ret);
        if (h->version == 2)
            mask = plan ? plan_v2_controllers(cgroups, plan) : 0;
        path_line_format(h->version, mask, h->mount_point, h->base, directory, ret);
    }
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

int group_paths(const struct cgroups *cgroups, const struct plan *plan, const char *name,
                struct buf *ret, struct err *err)
{
    return paths_format(cgroups, plan, name, ret, err);
}

int group_paths_named(const struct cgroups *cgroups, const char *name, struct buf *ret,
                      struct err *err)
{
    return paths_format(cgroups, NULL, name, ret, err);
}

/* ---- making ------------------------------------------------------------------------------------ */

/* Which option asked for this controller, for the sentence of an error; "" when none did. */
static const char *option_of(const struct plan *plan, unsigned controllers)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].limit < LIMIT_COUNT && plan->steps[i].controller < CONTROLLER_COUNT &&
            (controllers & CONTROLLER_BIT(plan->steps[i].controller)))
            return limit_info(plan->steps[i].limit)->name;
    return "";
}

static int make_failed(int code, const struct part *part, const char *inner, const char *option,
                       struct err *err)
{
    char path[1024];
    const char *why = code == EEXIST   ? "a group of that name is there already"
                      : code == EROFS  ? "the hierarchy is mounted read-only; mount it writable"
                      : code == EAGAIN ? "cgroup.max.depth or cgroup.max.descendants is reached"
                      : code == EACCES || code == EPERM
                          ? "we may not make groups there; run as root or have it delegated"
                          : err_name(code);

    part_path(part, inner, path, sizeof(path));
    return err_refuse(err, code, "%s%s%scannot make the group %s: %s", *option ? "--" : "", option,
                      *option ? ": " : "", path, why);
}

/* mkdir of the limit group, its base made as well when --cgroup-parent is missing. */
static int part_make_dir(struct cgroups *cgroups, struct hierarchy *h, struct part *part,
                         const char *option, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        int r = base_make(h, err);
        if (r < 0)
            return r;
        part->base_fd = h->base_fd;
        if (mkdirat(h->base_fd, part->name, 0755) == 0)
            return 0;
        if (errno != ENOENT || !cgroups->parent || attempt == PARENT_RETRIES)
            return make_failed(errno, part, "", option, err);
        if (h->base_fd != h->root_fd)
            fd_close(h->base_fd);
        h->base_fd = -1;
    }
}

static int part_make(struct cgroups *cgroups, struct hierarchy *h, const struct plan *plan,
                     struct group *group, const char *name, struct err *err)
{
    struct part *part = &group->part[group->n_parts];
    _cleanup_close_ int lock = -1;
    char *note = NULL;
    int r = 0;

    *part = (struct part){
        .version = h->version,
        .controllers = h->version == 2 ? plan_v2_controllers(cgroups, plan) : h->controllers,
        .mount_point = strdup(h->mount_point),
        .base = strdup(h->base),
        .name = text_format(GROUP_PREFIX "%s", name),
        .root_fd = h->root_fd,
        .base_fd = h->base_fd,
        .fd = -1,
        .inner_fd = -1,
        .base_is_root = *h->base == '\0' && hierarchy_root_is_real(cgroups, h),
    };
    group->n_parts++;
    part->removed = true; /* nothing to remove yet */
    if (!part->mount_point || !part->base || !part->name)
        return err_nomem(err);
    if (part->version == 2 && part->controllers) {
        r = base_make(h, err);
        if (r == 0)
            r = delegate_enable(cgroups, h, part->controllers, &note, &lock, err);
        if (note && strv_push(&group->notes, note) < 0)
            r = err_nomem(err);
        free(note);
    }
    if (r < 0)
        return r;
    r = part_make_dir(cgroups, h, part, option_of(plan, part->controllers), err);
    if (r < 0)
        return r;
    part->removed = false;
    part->fd = openat(part->base_fd, part->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return part->fd < 0 ? make_failed(errno, part, "", "", err) : 0;
}

/* Before Linux 5.11 a v1 memory group counts for the groups beneath it only when told to. */
static int part_use_hierarchy(const struct part *part, struct err *err)
{
    char line[16], path[1024];

    if (part->version != 1 || !(part->controllers & CONTROLLER_BIT(CONTROLLER_MEMORY)))
        return 0;
    if (kernel_is_since(5, 11))
        return 0;
    if (file_read_line(part->fd, "memory.use_hierarchy", line, sizeof(line)) != 1 || *line == '1')
        return 0;
    int r = file_write(part->fd, "memory.use_hierarchy", "1");
    if (r == 0)
        return 0;
    part_path(part, "memory.use_hierarchy", path, sizeof(path));
    return err_refuse(err, -r,
                      "--memory: cannot write 1 to %s, without which groups beneath "
                      "escape the limit: %m",
                      path);
}

int part_open_inner(struct part *part)
{
    part->inner_fd = part->version == 2 ? openat(part->fd, INNER_NAME,
                                                 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                        : openat(part->fd, INNER_NAME "/tasks", O_RDWR | O_CLOEXEC);
    if (part->inner_fd < 0)
        return -errno;
    part->inner_made = true;
    return 0;
}

static int part_make_inner(struct part *part, struct err *err)
{
    if (mkdirat(part->fd, INNER_NAME, 0755) < 0 && errno != EEXIST)
        return make_failed(errno, part, INNER_NAME, "", err);
    part->inner_made = true;
    int r = part_open_inner(part);
    return r < 0 ? make_failed(-r, part, INNER_NAME, "", err) : 0;
}

static int parts_make(struct cgroups *cgroups, const struct plan *plan, struct group *group,
                      const char *name, struct err *err)
{
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        struct hierarchy *h = &cgroups->hierarchy[i];
        if (!hierarchy_is_used(cgroups, h, plan))
            continue;
        hierarchy_open(cgroups, h);
        if (h->error < 0)
            return err_refuse(err, -h->error, "cannot open the hierarchy at %s: %s", h->mount_point,
                              err_name(-h->error));
        int r = part_make(cgroups, h, plan, group, name, err);
        if (r == 0)
            r = part_use_hierarchy(&group->part[group->n_parts - 1], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int group_fill(struct cgroups *cgroups, const struct plan *plan,
                      const struct machine *machine, struct group *group, const char *name,
                      struct err *err)
{
    int r = parts_make(cgroups, plan, group, name, err);

    if (r == 0)
        r = apply_steps(group, plan, TARGET_BIT(PLAN_GROUP), machine, err);
    for (size_t i = 0; r == 0 && i < group->n_parts; i++)
        r = part_make_inner(&group->part[i], err);
    if (r == 0)
        r = apply_steps(group, plan, TARGET_BIT(PLAN_INNER), machine, err);
    return r;
}

int group_create(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                 const char *name, struct group **ret, struct err *err)
{
    _cleanup_(group_closep) struct group *group = group_new(cgroups->root_fd);

    if (!group)
        return err_nomem(err);
    if (!group_name_valid(name))
        return err_usage(err, "--name: '%.100s' cannot be the name of a group", name);
    group->fresh = true;
    snprintf(group->hugepages, sizeof(group->hugepages), "%s", machine->hugepages);
    group->read_back = calloc(plan->n_steps + 1, sizeof(*group->read_back));
    if (!group->read_back)
        return err_nomem(err);
    group->n_read_back = plan->n_steps;

    int r = group_fill(cgroups, plan, machine, group, name, err);
    if (r < 0) {
        /* The first error is the one to tell. */
        group_remove(group, NULL);
        return r;
    }
    group_collect_entry(group);
    *ret = TAKE_PTR(group);
    return 0;
}

int group_begin(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                const char *name, struct group **ret, struct err *err)
{
    return group_create(cgroups, plan, machine, name, ret, err);
}

int group_complete(struct group **group, struct err *err)
{
    (void)group;
    (void)err;
    return 0;
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
