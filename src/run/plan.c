/* What a run would write: the same function for `plan`, for --dry-run and for the run itself. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "run/run_private.h"

void run_plan_done(struct run_plan *plan)
{
    plan_free(plan->plan);
    for (size_t i = 0; i < plan->n_ceilings; i++) {
        free(plan->ceilings[i].path);
        free(plan->ceilings[i].value);
    }
    free(plan->ceilings);
    free(plan->refusal);
    *plan = (struct run_plan){ 0 };
}

static bool wants_cpu_time(const struct spec *spec)
{
    return limit_is_set(&spec->limits, LIMIT_CPU_TIME) ||
           limit_is_set(&spec->limits, LIMIT_CPU_TIME_SOFT);
}

#define CONTROLLERS_ALL ((1u << CONTROLLER_COUNT) - 1)

/* Groups that are wanted for what they count or do, beside those that limits need. */
static unsigned measured_controllers(const struct spec *spec, bool has_v2)
{
    unsigned mask = 0;

    /* Whoever manages containers reads their figures in the groups themselves, in all hierarchies. */
    if (spec->document && spec->measure == SPEC_MEASURE_ALL)
        return CONTROLLERS_ALL;
    if (spec->measure == SPEC_MEASURE_ALL)
        mask |= CONTROLLER_BIT(CONTROLLER_MEMORY) | CONTROLLER_BIT(CONTROLLER_PIDS) |
                CONTROLLER_BIT(CONTROLLER_IO);
    /* The unified hierarchy counts CPU time in every group, without any controller. */
    if (!has_v2 && (spec->measure == SPEC_MEASURE_ALL || wants_cpu_time(spec)))
        mask |= CONTROLLER_BIT(CONTROLLER_CPUACCT);
    /* Without a process namespace and without cgroup.kill, freezing is how a group is ended whole. */
    if (!has_v2 && !(spec->namespaces & CLONE_NEWPID))
        mask |= CONTROLLER_BIT(CONTROLLER_FREEZER);
    return mask;
}

int run_open_cgroups(const struct engine *engine, const struct spec *spec, const char *path,
                     struct cgroups **ret, unsigned *ret_parts, struct err *err)
{
    struct cgroups_options options = {
        .root_fd = -1,
        .parent = spec->cgroup_parent,
        .path = path,
        .named = spec->document && spec->measure == SPEC_MEASURE_ALL,
        .rootless = engine->rootless,
        /* Whether there is a unified hierarchy is not known yet: look for what either answer needs. */
        .controllers = measured_controllers(spec, false),
    };

    *ret_parts = cgroups_need(&spec->limits, &options);
    /* What stands in for a limit may be any rlimit. */
    if (spec->best_effort)
        *ret_parts = MACHINE_ALL;
    /* How fast CPU time can pass. */
    if (wants_cpu_time(spec))
        *ret_parts |= MACHINE_CPUS;
    return cgroups_open(&options, ret, err);
}

static int plan_on(const struct spec *spec, struct run_plan *plan, struct err *err)
{
    struct plan_options options = {
        .weight_map = spec->weight_map,
        .best_effort = spec->best_effort,
        .measure = measured_controllers(spec, plan->layout.has_v2),
        .mirror = spec->limits_inside,
        .beyond_machine = spec->document,
        .network = spec->network == SPEC_NETWORK_BRIDGE,
        .network_open = (spec->caps.bounding & UINT64_C(1) << CAP_NET_ADMIN) != 0,
        .document = spec->document,
        .literal = spec->document,
    };

    return limits_plan(&spec->limits, &plan->layout, &plan->machine, &options, &plan->plan, err);
}

struct ceiling_list {
    struct run_plan *plan;
    bool failed;
};

static void add_ceiling(void *data, enum limit_id limit, const char *path, const char *value)
{
    struct ceiling_list *list = data;
    struct run_plan *plan = list->plan;
    struct plan_ceiling *grown =
        reallocarray(plan->ceilings, plan->n_ceilings + 1, sizeof(*plan->ceilings));

    if (!grown) {
        list->failed = true;
        return;
    }
    plan->ceilings = grown;
    struct plan_ceiling *ceiling = &grown[plan->n_ceilings++];
    *ceiling =
        (struct plan_ceiling){ .limit = limit, .path = strdup(path), .value = strdup(value) };
    list->failed |= !ceiling->path || !ceiling->value;
}

/* As if there were nothing: a limit that needs a group is refused for that reason. */
static void layout_disable(struct layout *layout)
{
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        layout->controller[i].writable = false;
        layout->controller[i].obstacle = "groups are not wanted (--cgroup-manager disabled)";
        layout->controller[i].remedy = NULL;
    }
}

int run_plan_here(const struct engine *engine, const struct cgroups *cgroups, unsigned parts,
                  const struct spec *spec, struct run_plan *ret, struct err *err)
{
    struct ceiling_list list = { .plan = ret };
    int r = machine_read_parts(-1, parts, &ret->machine, err);

    if (r < 0)
        return r;
    ret->layout = *cgroups_layout(cgroups);
    if (engine->manager == MANAGER_DISABLED)
        layout_disable(&ret->layout);
    r = plan_on(spec, ret, err);
    if (r < 0)
        return r;
    group_ancestors(cgroups, ret->plan, add_ceiling, &list);
    return list.failed ? err_nomem(err) : 0;
}

static int plan_elsewhere(const struct spec *spec, const char *layout, struct run_plan *ret,
                          struct err *err)
{
    machine_example(&ret->machine);
    if (layout_example(layout, &ret->layout) < 0)
        return err_usage(
            err, "--layout %s: there is no such layout; known are here, " LAYOUT_EXAMPLES, layout);
    return plan_on(spec, ret, err);
}

/* The plan as whoever may write everywhere would have it. */
static int plan_as_root(const struct spec *spec, struct run_plan *ret, struct err *err)
{
    struct err refusal = *err;

    for (size_t i = 0; i < CONTROLLER_COUNT; i++)
        ret->layout.controller[i].writable = ret->layout.controller[i].version != 0;
    int r = plan_on(spec, ret, err);
    if (r < 0)
        return r;
    return text_replace(&ret->refusal, refusal.text) < 0 ? err_nomem(err) : 0;
}

int run_plan(struct engine *engine, const struct spec *spec, const char *layout,
             struct run_plan *ret, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    struct run_plan plan = { 0 };
    unsigned parts;
    int r;

    if (strcmp(layout, "here") != 0) {
        r = plan_elsewhere(spec, layout, &plan, err);
    } else {
        r = run_open_cgroups(engine, spec, spec->cgroups_path, &cgroups, &parts, err);
        if (r >= 0)
            r = run_plan_here(engine, cgroups, parts, spec, &plan, err);
        if (r < 0 && err->class == ERR_REFUSED && engine->rootless)
            r = plan_as_root(spec, &plan, err);
        /* Sentences about this layout belong to cgroups, which ends here; a plan has its own copies. */
        for (size_t i = 0; i < CONTROLLER_COUNT; i++)
            plan.layout.controller[i].obstacle = plan.layout.controller[i].remedy = NULL;
    }
    if (r < 0) {
        run_plan_done(&plan);
        return r;
    }
    *ret = plan;
    return 0;
}
