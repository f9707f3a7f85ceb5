/*
 * Making the groups of a run, in two halves: those of the unified hierarchy, so that a process can be born
 * there while the rest is being made, and then the others and the limits.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define PARENT_RETRIES 3 /* a parent made by another run may vanish when that one leaves */
#define ABANDON_US     1000000u

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
    if (h->controllers == 0)
        return cgroups->options.named && h->opened && h->writable;
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if ((h->controllers & plan->controllers & CONTROLLER_BIT(c)) &&
            cgroups->layout.controller[c].version == 1)
            return true;
    return !have_v2 && h->opened && h->writable &&
           (h->controllers & CONTROLLER_BIT(CONTROLLER_FREEZER));
}

/* ---- what they will be called ------------------------------------------------------------------ */

/* The groups above that are not there yet. */
static void parents_format(const struct hierarchy *h, struct buf *ret)
{
    char path[1024];

    if (h->base_fd >= 0 || h->root_fd < 0)
        return;
    for (size_t n = 1; path_prefix(h->base, n, path, sizeof(path)); n++)
        if (faccessat(h->root_fd, path, F_OK, 0) < 0)
            path_line_format_parent(h->version, h->mount_point, path, ret);
}

/* The name of the limit group in its base; the caller frees it. */
static char *limit_group_name(const struct cgroups *cgroups, const char *name)
{
    return cgroups->leaf ? strdup(cgroups->leaf) : text_format(GROUP_PREFIX "%s", name);
}

static int name_check(const struct cgroups *cgroups, const char *name, struct err *err)
{
    if (cgroups->leaf || group_name_valid(name))
        return 0;
    return err_usage(err, "--name: '%.100s' cannot be the name of a group", name);
}

static int paths_format(const struct cgroups *cgroups, const struct plan *plan, const char *name,
                        struct buf *ret, struct err *err)
{
    _cleanup_free_ char *directory = limit_group_name(cgroups, name);
    int r = name_check(cgroups, name, err);

    if (r < 0)
        return r;
    for (size_t i = 0; directory && i < cgroups->n_hierarchies; i++) {
        const struct hierarchy *h = &cgroups->hierarchy[i];
        unsigned mask = h->controllers;
        if (plan && !hierarchy_is_used(cgroups, h, plan))
            continue;
        parents_format(h, ret);
        if (h->version == 2)
            mask = plan ? plan_v2_controllers(cgroups, plan) : 0;
        path_line_format(h->version, mask, cgroups->leaf, h->mount_point, h->base, directory, ret);
    }
    return !directory || buf_error(ret) < 0 ? err_nomem(err) : 0;
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

/* ---- one directory ----------------------------------------------------------------------------- */

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

/* Somebody has the very group that was asked for by its path. */
static int part_in_use(const struct part *part, struct err *err)
{
    char path[1024], pids[128] = "";
    _cleanup_close_ int fd = openat(part->base_fd, part->name, O_PATH | O_DIRECTORY | O_CLOEXEC);

    part_path(part, "", path, sizeof(path));
    if (fd >= 0)
        procs_describe(fd, pids, sizeof(pids));
    return err_refuse(err, EEXIST,
                      "the group %s exists already and is in use by %s%s; end what uses it or "
                      "give another path",
                      path, *pids ? "process " : "groups beneath it", pids);
}

/* mkdir; an empty group that stands at a given path already is replaced. */
static int dir_make(const struct cgroups *cgroups, const struct part *part)
{
    if (mkdirat(part->base_fd, part->name, 0755) == 0)
        return 0;
    if (errno != EEXIST || !cgroups->leaf)
        return -errno;
    /* Only an empty one can be removed. */
    if (unlinkat(part->base_fd, part->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return errno == EBUSY || errno == ENOTEMPTY ? -EBUSY : -errno;
    return mkdirat(part->base_fd, part->name, 0755) < 0 ? -errno : 0;
}

/* The limit group, its base made as well when that is missing. */
static int part_make_dir(struct cgroups *cgroups, struct hierarchy *h, struct part *part,
                         const char *option, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        int r = base_make(cgroups, h, err);
        if (r < 0)
            return r;
        part->base_fd = h->base_fd;
        r = dir_make(cgroups, part);
        if (r == 0)
            return 0;
        if (r == -EBUSY && cgroups->leaf)
            return part_in_use(part, err);
        if (r != -ENOENT || !cgroups->parent || attempt == PARENT_RETRIES)
            return make_failed(-r, part, "", option, err);
        if (h->base_fd != h->root_fd)
            fd_close(h->base_fd);
        h->base_fd = -1;
    }
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

/* ---- the groups of one hierarchy --------------------------------------------------------------- */

/* Get controllers down to the base. */
static int part_enable(const struct cgroups *cgroups, struct hierarchy *h, struct group *group,
                       unsigned controllers, int *ret_lock, struct err *err)
{
    char *note = NULL;
    int r = base_make(cgroups, h, err);

    if (r == 0)
        r = delegate_enable(cgroups, h, controllers, &note, ret_lock, err);
    if (note && strv_push(&group->notes, note) < 0)
        r = err_nomem(err);
    free(note);
    return r;
}

/* What stands in no other group's name is known again by a mark. */
static int part_mark(const struct group *group, const struct part *part, bool named,
                     struct err *err)
{
    char path[1024];

    if (!named && !group->mirrored)
        return 0;
    int r = group_mark(part->fd, group->mirrored);
    if (r == 0 || !named)
        return 0;
    part_path(part, "", path, sizeof(path));
    return err_refuse(err, -r, "cannot mark the group %s as ours: %s", path, err_name(-r));
}

static int part_make(struct cgroups *cgroups, struct hierarchy *h, struct group *group,
                     struct err *err)
{
    const struct plan *plan = group->making.plan;
    struct part *part = &group->part[group->n_parts];
    bool marked = cgroups->leaf || group->mirrored;
    _cleanup_close_ int lock = -1;
    int r = 0;

    *part = (struct part){
        .version = h->version,
        .controllers = h->version == 2 ? plan_v2_controllers(cgroups, plan) : h->controllers,
        .mount_point = strdup(h->mount_point),
        .base = strdup(h->base),
        .name = limit_group_name(cgroups, group->making.name),
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
    if (part->version == 2 && part->controllers)
        r = part_enable(cgroups, h, group, part->controllers, &lock, err);
    if (r == 0)
        r = part_make_dir(cgroups, h, part, option_of(plan, part->controllers), err);
    if (r < 0)
        return r;
    part->removed = false;
    part->fd = openat(part->base_fd, part->name,
                      (marked ? O_RDONLY : O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (part->fd < 0)
        return make_failed(errno, part, "", "", err);
    r = part_mark(group, part, cgroups->leaf != NULL, err);
    return r < 0 ? r : part_use_hierarchy(part, err);
}

/* v2: COMMAND's own group is to have the limits too, and for that the controllers. */
static int part_enable_inner(const struct part *part, struct err *err)
{
    char path[1024];
    int r = part->controllers ? subtree_write(part->fd, part->controllers, '+') : 0;

    if (r == 0)
        return 0;
    part_path(part, "cgroup.subtree_control", path, sizeof(path));
    return err_refuse(err, -r,
                      "cannot enable the controllers of the limits in %s, where the command's own "
                      "group needs them: %s",
                      path, err_name(-r));
}

/* The groups of one version; inner: COMMAND's own as well. */
static int parts_make(struct group *group, int version, bool inner, struct err *err)
{
    struct cgroups *cgroups = group->making.cgroups;

    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        struct hierarchy *h = &cgroups->hierarchy[i];
        if (h->version != version || !hierarchy_is_used(cgroups, h, group->making.plan))
            continue;
        hierarchy_open(cgroups, h);
        if (h->error < 0)
            return err_refuse(err, -h->error, "cannot open the hierarchy at %s: %s", h->mount_point,
                              err_name(-h->error));
        int r = part_make(cgroups, h, group, err);
        struct part *part = &group->part[group->n_parts - 1];
        if (r == 0 && version == 2 && group->mirrored)
            r = part_enable_inner(part, err);
        if (r == 0 && inner)
            r = part_make_inner(part, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- all of them ------------------------------------------------------------------------------- */

/* The first error is the one to tell. Who was born in a group meanwhile goes with it. */
static int group_abandon(struct group *group, int error)
{
    group_kill(group, ABANDON_US, NULL);
    group_remove(group, NULL);
    group_close(group);
    return error;
}

int group_begin(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                const char *name, struct group **ret, struct err *err)
{
    int r = name_check(cgroups, name, err);
    struct group *group = r < 0 ? NULL : group_new(cgroups->root_fd);

    if (!group)
        return r < 0 ? r : err_nomem(err);
    group->fresh = true;
    group->mirrored = plan->mirrored;
    group->making = (struct making){ cgroups, plan, machine, name };
    snprintf(group->hugepages, sizeof(group->hugepages), "%s", machine->hugepages);
    group->read_back = calloc(plan->n_steps + 1, sizeof(*group->read_back));
    group->n_read_back = group->read_back ? plan->n_steps : 0;
    r = group->read_back ? parts_make(group, 2, true, err) : err_nomem(err);
    if (r < 0)
        return group_abandon(group, r);
    group_collect_entry(group);
    *ret = group;
    return 0;
}

int group_complete(struct group *g, struct err *err)
{
    const struct plan *plan = g->making.plan;
    const struct machine *machine = g->making.machine;
    int r = parts_make(g, 1, false, err);

    if (r == 0)
        r = apply_steps(g, plan, TARGET_BIT(PLAN_GROUP), machine, err);
    for (size_t i = 0; r == 0 && i < g->n_parts; i++)
        if (g->part[i].version == 1)
            r = part_make_inner(&g->part[i], err);
    if (r == 0)
        r = apply_steps(g, plan, TARGET_BIT(PLAN_INNER), machine, err);
    if (r < 0)
        return r;
    g->making = (struct making){ 0 };
    group_collect_entry(g);
    return 0;
}

int group_create(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                 const char *name, struct group **ret, struct err *err)
{
    struct group *group = NULL;
    int r = group_begin(cgroups, plan, machine, name, &group, err);

    if (r < 0)
        return r;
    r = group_complete(group, err);
    if (r < 0)
        return group_abandon(group, r);
    *ret = group;
    return 0;
}
