/*
 * What COMMAND's own group gets of the limits of the group above it, with the option mirror: everything that a
 * program may look for there.
 *
 * Without it COMMAND's own group has no controllers on v2, so that its memory is charged to, and protected
 * by, the group above. With it memory.min and memory.low have to stand on both levels: unless the hierarchy
 * is mounted with memory_recursiveprot, they reach a group that has the controller only as far as it asks for
 * them itself (cgroup-v2.rst).
 */
#include <string.h>

#include "limit/planner.h"

static const unsigned mirrored_controllers =
    CONTROLLER_BIT(CONTROLLER_CPU) | CONTROLLER_BIT(CONTROLLER_CPUSET) |
    CONTROLLER_BIT(CONTROLLER_MEMORY) | CONTROLLER_BIT(CONTROLLER_PIDS) |
    CONTROLLER_BIT(CONTROLLER_IO) | CONTROLLER_BIT(CONTROLLER_HUGETLB) |
    CONTROLLER_BIT(CONTROLLER_RDMA) | CONTROLLER_BIT(CONTROLLER_MISC);

/* Is file the row's, "%s" in which stands for anything without a dot? */
static bool file_is(const char *pattern, const char *file)
{
    size_t prefix = strcspn(pattern, "%");

    if (pattern[prefix] == '\0')
        return strcmp(pattern, file) == 0;
    return strncmp(pattern, file, prefix) == 0 &&
           strcmp(pattern + prefix + 2, file + prefix + strcspn(file + prefix, ".")) == 0;
}

/* The row whose file a step of cgroup-conf writes by its own name; else the step's own. */
static enum limit_id row_of(const struct plan_step *step)
{
    if (step->limit != LIMIT_CGROUP_CONF)
        return step->limit;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_info *info = limit_info((enum limit_id)i);
        const char *file = step->version == 2 ? info->v2_file : info->v1_file;
        if (file && info->controller == step->controller && file_is(file, step->file))
            return (enum limit_id)i;
    }
    return LIMIT_NONE;
}

static bool is_copied(const struct plan_step *step)
{
    enum limit_id row = row_of(step);

    if (step->target != PLAN_GROUP || step->best_effort || row == LIMIT_NONE ||
        step->controller >= CONTROLLER_COUNT ||
        !(mirrored_controllers & CONTROLLER_BIT(step->controller)))
        return false;
    /* Each level of a v1 cpuset is written by its own rules. */
    if (step->controller == CONTROLLER_CPUSET && step->version == 1)
        return false;
    return !(limit_info(row)->flags & LIMIT_OUTER_ONLY);
}

static bool stands_there(const struct planner *p, size_t since, const struct plan_step *step)
{
    for (size_t i = since; i < p->plan->n_steps; i++) {
        const struct plan_step *other = &p->plan->steps[i];
        if (other->target == PLAN_INNER && other->controller == step->controller &&
            strcmp(other->file, step->file) == 0 && strcmp(other->text, step->text) == 0)
            return true;
    }
    return false;
}

void planner_mirror(struct planner *p, size_t since)
{
    size_t end = p->plan->n_steps;

    if (!p->options->mirror)
        return;
    for (size_t i = since; i < end && !p->plan->out_of_memory; i++) {
        const struct plan_step from = p->plan->steps[i];
        if (!is_copied(&from) || stands_there(p, since, &from))
            continue;
        struct plan_step *to =
            planner_add(p, from.limit, (struct planner_write){ PLAN_INNER, from.check, from.file },
                        strdup(from.text),
                        strdup("shown in the command's own group, where programs look for it"));
        if (!to)
            return;
        to->serves = from.serves;
        to->controller = from.controller;
        to->version = from.version;
        if (from.expect && text_replace(&to->expect, from.expect) < 0)
            p->plan->out_of_memory = true;
    }
}
