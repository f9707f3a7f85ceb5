/*
 * The plan: limits in, ordered writes out. Rows are walked in the order of limits.def; each row's
 * encoder knows how its value is written in which version and in which order with its neighbours.
 */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

static const limit_encode_fn encode_table[LIMIT_ENCODER_COUNT] = {
    [LIMIT_ENCODE_NUMBER] = plan_number,
    [LIMIT_ENCODE_TEXT] = plan_text,
    [LIMIT_ENCODE_SIZE] = plan_size,
    [LIMIT_ENCODE_CPUSET] = plan_cpuset,
    [LIMIT_ENCODE_CPU_BANDWIDTH] = plan_cpu_bandwidth,
    [LIMIT_ENCODE_CPU_BURST] = plan_cpu_burst,
    [LIMIT_ENCODE_CPU_SHARES] = plan_cpu_shares,
    [LIMIT_ENCODE_CPU_WEIGHT] = plan_cpu_weight,
    [LIMIT_ENCODE_CPU_RT] = plan_cpu_rt,
    [LIMIT_ENCODE_MEMORY] = plan_memory,
    [LIMIT_ENCODE_OOM_CONTROL] = plan_oom_control,
    [LIMIT_ENCODE_IO_WEIGHT] = plan_io_weight,
    [LIMIT_ENCODE_IO_MAX] = plan_io_max,
    [LIMIT_ENCODE_IO_LATENCY] = plan_io_latency,
    [LIMIT_ENCODE_HUGETLB] = plan_hugetlb,
    [LIMIT_ENCODE_DEVICE_RULES] = plan_device_rules,
    [LIMIT_ENCODE_PAIR] = plan_pair,
    [LIMIT_ENCODE_CONF] = plan_conf,
    [LIMIT_ENCODE_RLIMIT] = plan_rlimit,
    [LIMIT_ENCODE_SUPERVISED] = plan_supervised,
    [LIMIT_ENCODE_BANDWIDTH] = plan_bandwidth,
};

/* Two names of one thing cannot both be asked for. */
static int plan_contradictions(struct planner *p)
{
    static const enum limit_id pair_table[][2] = {
        { LIMIT_CPUS, LIMIT_CPU },
        { LIMIT_CPUS, LIMIT_CPU_QUOTA },
        { LIMIT_CPU, LIMIT_CPU_QUOTA },
        { LIMIT_CPU_SHARES, LIMIT_CPU_WEIGHT },
    };

    for (size_t i = 0; i < ARRAY_SIZE(pair_table); i++) {
        if (planner_wants(p, pair_table[i][0]) && planner_wants(p, pair_table[i][1]))
            return planner_usage(p, pair_table[i][1],
                                 "contradicts --%s: both set the same, give one of them",
                                 limit_info(pair_table[i][0])->name);
    }
    return 0;
}

/*
 * A group that was used before: every file that has a known default gets it, before anything else is
 * written. Backwards through the rows, so that what must not exceed another (memory below memory and
 * swap, burst below quota) is never in the way.
 */
static void plan_reset(struct planner *p)
{
    for (size_t i = LIMIT_COUNT; i-- > 0;) {
        enum limit_id id = (enum limit_id)i;
        const struct limit_info *info = limit_info(id);
        int version = planner_version(p, id);
        const char *text = version == 1 ? info->v1_default : info->v2_default;
        if (version == 0 || !text || !planner_file(p, id) ||
            !p->layout->controller[info->controller].writable ||
            !(p->plan->controllers & CONTROLLER_BIT(info->controller)))
            continue;
        struct plan_step *step =
            planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_NONE, NULL },
                        strdup(text), strdup("the default again, since the group is used again"));
        if (step)
            step->best_effort = true;
    }
}

/* The controller of an entry of cgroup-conf, by the first word of its file. */
static unsigned conf_controllers(const struct limit_value *value)
{
    unsigned mask = 0;

    for (size_t i = 0; i < value->n_entries; i++) {
        const char *file = value->entries[i].key;
        enum controller controller = controller_find(file, strcspn(file, "."));
        if (controller != CONTROLLER_NONE)
            mask |= CONTROLLER_BIT(controller);
    }
    return mask;
}

/* Controllers that are wanted, by limits or for their figures, as far as the layout has them. */
static unsigned plan_controllers(const struct planner *p)
{
    unsigned wanted = p->options->measure | conf_controllers(planner_value(p, LIMIT_CGROUP_CONF));
    unsigned mask = 0;

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        enum limit_id id = (enum limit_id)i;
        if (planner_wants(p, id) && planner_version(p, id) != 0 && planner_file(p, id))
            wanted |= CONTROLLER_BIT(limit_info(id)->controller);
    }
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        const struct layout_controller *controller = &p->layout->controller[i];
        if ((wanted & CONTROLLER_BIT(i)) && controller->version != 0 && controller->writable)
            mask |= CONTROLLER_BIT(i);
    }
    return mask;
}

/* Flags that say "off" need no write where the file does not exist. */
static bool plan_is_off(const struct planner *p, enum limit_id id)
{
    const struct limit_info *info = limit_info(id);
    bool missing =
        info->controller < CONTROLLER_COUNT &&
        (!planner_file(p, id) || (info->feature != 0 && !planner_has_feature(p, info->feature)));

    return info->kind == LIMIT_KIND_FLAG && planner_value(p, id)->number == 0 && missing;
}

static int plan_row(struct planner *p, enum limit_id id)
{
    size_t since = p->plan->n_steps;

    if (!planner_wants(p, id) || (p->done & LIMIT_BIT(id)))
        return 0;
    if (plan_is_off(p, id)) {
        planner_in_force(p, id, 0);
        return 0;
    }
    int r = encode_table[limit_info(id)->encoder](p, id);
    planner_mirror(p, since);
    return r;
}

static int plan_rows(struct planner *p)
{
    /* A device program that was replaced cannot be brought back: in an update nothing comes after it. */
    enum limit_id last = p->options->current ? LIMIT_DEVICE_CGROUP_RULE : LIMIT_NONE;

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        int r = (enum limit_id)i == last ? 0 : plan_row(p, (enum limit_id)i);
        if (r < 0)
            return r;
    }
    return last == LIMIT_NONE ? 0 : plan_row(p, last);
}

int limits_plan(const struct limit_set *set, const struct layout *layout,
                const struct machine *machine, const struct plan_options *options,
                struct plan **ret, struct err *err)
{
    static const struct plan_options no_options = { 0 };
    _cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
    struct planner p = { set, layout, machine, options ? options : &no_options, plan, err, 0 };
    int r;

    if (!plan)
        return err_nomem(err);
    plan->mirrored = p.options->mirror;
    r = plan_contradictions(&p);
    if (r < 0)
        return r;
    if (p.options->current) {
        if (limit_set_copy(p.options->current, &plan->in_force) < 0)
            return err_nomem(err);
    } else {
        plan->controllers = plan_controllers(&p);
        if (p.options->reset)
            plan_reset(&p);
        plan_cpuset_seed(&p);
    }
    r = plan_rows(&p);
    if (r < 0)
        return r;
    if (plan->out_of_memory)
        return err_nomem(err);
    *ret = TAKE_PTR(plan);
    return 0;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n_steps; i++) {
        free(plan->steps[i].text);
        free(plan->steps[i].expect);
        free(plan->steps[i].reason);
    }
    for (size_t i = 0; i < plan->n_unmet; i++) {
        free(plan->unmet[i].why);
        free(plan->unmet[i].remedy);
        free(plan->unmet[i].stand_in);
    }
    free(plan->steps);
    free(plan->unmet);
    limit_set_done(&plan->in_force);
    free(plan);
}

void plan_freep(struct plan **plan)
{
    plan_free(*plan);
}

/* ---- the encoders that need no knowledge -------------------------------------------------------- */

int plan_number(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    const struct planner_write write = { PLAN_GROUP, PLAN_CHECK_NUMBER, NULL };
    enum controller controller = limit_info(id)->controller;
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    _cleanup_free_ char *text = planner_number_text(p, id, value->number);
    if (!text)
        return err_nomem(p->err);
    /* Kept per group by v1 and handed down only when a group is made. */
    if (controller == CONTROLLER_NET_CLS || id == LIMIT_MEMORY_SWAPPINESS)
        planner_add_both(p, id, write, text, NULL);
    else
        planner_add(p, id, write, TAKE_PTR(text), NULL);
    planner_in_force(p, id, value->number);
    return 0;
}

int plan_text(struct planner *p, enum limit_id id)
{
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_EXACT, NULL },
                strdup(text_or_empty(planner_value(p, id)->text)), NULL);
    planner_in_force(p, id, 0);
    return 0;
}
