/* cpuset: what the machine and the parent have, and on v1 both levels seeded before anyone enters. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

static const char *parent_list(const struct planner *p, enum limit_id id)
{
    const char *parent = id == LIMIT_CPUSET_CPUS ? p->layout->parent_cpus : p->layout->parent_mems;
    const char *machine = id == LIMIT_CPUSET_CPUS ? p->machine->cpus : p->machine->mems;

    return parent[0] != '\0' ? parent : machine;
}

/* All of the asked list must exist on the machine and be allowed by the parent. */
static int cpuset_check(struct planner *p, enum limit_id id)
{
    bool is_cpus = id == LIMIT_CPUSET_CPUS;
    const char *machine_list = is_cpus ? p->machine->cpus : p->machine->mems;
    const char *what = is_cpus ? "CPU" : "memory node", *parent = parent_list(p, id);
    _cleanup_buf_ struct buf absent = BUF_INIT;
    struct list_mask asked, have;

    if (list_parse(text_or_empty(planner_value(p, id)->text), &asked) < 0)
        return planner_usage(p, id, "is not a list of numbers");
    if (machine_list[0] != '\0' && list_parse(machine_list, &have) == 0 &&
        !list_is_subset(&asked, &have)) {
        for (size_t i = 0; i < ARRAY_SIZE(asked.bits); i++)
            asked.bits[i] &= ~have.bits[i];
        list_format(&asked, &absent);
        return planner_refuse(p, id, "names %s %s, which this machine does not have; it has %s",
                              what, buf_text(&absent), machine_list);
    }
    if (parent[0] != '\0' && list_parse(parent, &have) == 0 && !list_is_subset(&asked, &have))
        return planner_refuse(p, id, "goes beyond the group above, which may use only %s %s", what,
                              parent);
    return 0;
}

static void cpuset_add(struct planner *p, enum limit_id id, enum plan_target target,
                       const char *list, const char *reason)
{
    char *copy = NULL;

    if (text_replace(&copy, reason) < 0)
        p->plan->out_of_memory = true;
    struct plan_step *step = planner_add(
        p, id, (struct planner_write){ target, PLAN_CHECK_LIST, NULL }, strdup(list), copy);
    if (step && !planner_wants(p, id)) {
        step->limit = LIMIT_NONE;
        step->serves = 0;
    }
}

void plan_cpuset_seed(struct planner *p)
{
    static const enum limit_id list_table[] = { LIMIT_CPUSET_CPUS, LIMIT_CPUSET_MEMS };
    static const enum plan_target level_table[] = { PLAN_GROUP, PLAN_INNER };
    const struct layout_controller *cpuset = &p->layout->controller[CONTROLLER_CPUSET];

    if (cpuset->version != 1 || !(p->plan->controllers & CONTROLLER_BIT(CONTROLLER_CPUSET)))
        return;
    for (size_t level = 0; level < ARRAY_SIZE(level_table); level++) {
        for (size_t i = 0; i < ARRAY_SIZE(list_table); i++) {
            /* What is asked for is written by its own row, checked; here what nobody asked for. */
            if (!planner_wants(p, list_table[i]))
                cpuset_add(p, list_table[i], level_table[level], parent_list(p, list_table[i]),
                           "the parent's: a v1 cpuset admits nobody before it has CPUs and nodes");
        }
    }
}

/*
 * A v1 child's list must lie within its parent's at every moment. So: growing from above, shrinking from
 * below, and when it is neither, over the union of both.
 */
static int cpuset_update_v1(struct planner *p, enum limit_id id, const char *list)
{
    const struct limit_value *current = planner_current(p, id);
    const char *old_list = current ? text_or_empty(current->text) : parent_list(p, id);
    _cleanup_buf_ struct buf wide = BUF_INIT;
    struct list_mask old, new;

    if (list_parse(old_list, &old) < 0 || list_parse(list, &new) < 0)
        return err_set(p->err, EINVAL, "cannot read the CPU list now in force: %s", old_list);
    if (!list_is_subset(&new, &old)) {
        for (size_t i = 0; i < ARRAY_SIZE(new.bits); i++)
            old.bits[i] |= new.bits[i];
        list_format(&old, &wide);
        cpuset_add(p, id, PLAN_GROUP, buf_text(&wide), "wide enough for the old and the new list");
    }
    cpuset_add(p, id, PLAN_INNER, list, NULL);
    if (wide.len == 0 || strcmp(buf_text(&wide), list) != 0)
        cpuset_add(p, id, PLAN_GROUP, list, NULL);
    return buf_error(&wide) < 0 ? err_nomem(p->err) : 0;
}

int plan_cpuset(struct planner *p, enum limit_id id)
{
    const char *list = text_or_empty(planner_value(p, id)->text);
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    r = cpuset_check(p, id);
    if (r < 0)
        return r;
    planner_in_force(p, id, 0);
    if (planner_version(p, id) == 1 && p->options->current)
        return cpuset_update_v1(p, id, list);
    cpuset_add(p, id, PLAN_GROUP, list, NULL);
    if (planner_version(p, id) == 1)
        cpuset_add(p, id, PLAN_INNER, list, "a v1 cpuset starts empty on each level");
    return 0;
}
