/* The verb update: limits of a container that lives. */
#include <errno.h>
#include <string.h>

#include "run/container_private.h"

struct update {
    struct container container;
    struct limit_set limits, current; /* asked for; in force */
    struct machine machine;
    struct plan *plan;
};

/*
 * What devices a container may use is settled when it is made: clients send a rule here that would take all
 * of them away, and do not mean it.
 */
static int update_take(struct update *update, const struct limit_set *limits, struct err *err)
{
    if (limit_set_copy(limits, &update->limits) < 0)
        return err_nomem(err);
    limit_value_done(&update->limits.value[LIMIT_DEVICE_CGROUP_RULE]);
    return 0;
}

static int update_plan(struct update *update, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    const struct container *container = &update->container;
    struct cgroups_options options = {
        .root_fd = -1,
        .rootless = container->engine->rootless,
        .path = container->path,
    };
    struct plan_options plan_options = {
        .current = &update->current, .beyond_machine = true, .document = true, .literal = true
    };
    char value[8];

    plan_options.mirror = record_find(buf_text(&container->text), "inside", value, sizeof(value));
    /* A total of memory and swap that is in force has to be kept whatever else changes. */
    if (limit_is_set(&update->current, LIMIT_MEMORY_SWAP))
        options.features |= LAYOUT_MEMSW;
    unsigned parts = cgroups_need(&update->limits, &options);
    int r = cgroups_open(&options, &cgroups, err);
    if (r >= 0)
        r = machine_read_parts(-1, parts, &update->machine, err);
    return r < 0 ? r
                 : limits_plan(&update->limits, cgroups_layout(cgroups), &update->machine,
                               &plan_options, &update->plan, err);
}

static int update_write(struct update *update, struct err *err)
{
    static const struct plan made;
    struct container *container = &update->container;
    char **read_back = NULL;

    if (update->plan->n_steps == 0)
        return 0;
    int r = container_open_group(container, err);
    if (r < 0)
        return r;
    if (!container->group)
        return err_refuse(err, EOPNOTSUPP, "container \"%s\" has no groups to be limited",
                          container->name);
    r = group_update(container->group, &made, update->plan, &update->machine, &read_back, err);
    for (size_t i = 0; read_back && i < update->plan->n_steps; i++)
        free(read_back[i]);
    free(read_back);
    return r;
}

static int update_record(struct update *update, struct err *err)
{
    struct limit_set changed = { 0 };
    int r = 0;

    for (unsigned i = 0; r >= 0 && i < LIMIT_COUNT; i++) {
        const struct limit_value *value = &update->plan->in_force.value[i];
        if (value->state != LIMIT_UNSET && !limit_equal(value, &update->current.value[i]))
            r = limit_value_copy(value, &changed.value[i]);
    }
    r = r < 0 ? err_nomem(err) : container_record_limits(update->container.record, &changed, err);
    limit_set_done(&changed);
    return r;
}

static int update_all(struct update *update, const struct limit_set *limits, struct err *err)
{
    enum container_status status = container_find_status(&update->container);

    if (status == CONTAINER_STOPPED)
        return err_set(err, ESRCH, "container not running");
    int r = update_take(update, limits, err);
    if (r >= 0)
        r = container_read_limits(&update->container, &update->current, err);
    if (r >= 0)
        r = update_plan(update, err);
    if (r >= 0)
        r = container_loosen_scope(&update->container, update->plan, err);
    if (r >= 0)
        r = update_write(update, err);
    if (r < 0)
        return r;
    /* They are in force: what failed to be noted once need not fail again. */
    r = update_record(update, NULL);
    if (r < 0)
        r = update_record(update, err);
    return r < 0 ? r : container_tell_scope(&update->container, update->plan, err);
}

int container_update(struct engine *engine, const char *name, const struct limit_set *limits,
                     struct err *err)
{
    struct update *update = calloc(1, sizeof(*update));

    if (!update)
        return err_nomem(err);
    int r = container_open(engine, name, true, &update->container, err);
    if (r >= 0)
        r = update_all(update, limits, err);
    plan_free(update->plan);
    limit_set_done(&update->limits);
    limit_set_done(&update->current);
    container_close(&update->container);
    free(update);
    return r;
}
