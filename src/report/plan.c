/* The plan, as `ration plan` shows it: the list that a run executes, not a description of it. */
#include <string.h>

#include "report/print.h"

#define PLAN_JSON_VERSION 1

static const char *limit_name(enum limit_id id)
{
    const struct limit_info *info = limit_info(id);

    return info ? info->name : NULL;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Controller, version and file: "cpuset vN/box/cpuset.mems"; "process/RLIMIT_CPU"; "ration". */
static void print_where(const struct plan_step *step, struct buf *ret)
{
    switch (step->target) {
    case PLAN_GROUP:
    case PLAN_INNER:
        buf_printf(ret, "%s v%d/%s%s",
                   step->controller < CONTROLLER_COUNT
                       ? controller_name(step->controller, step->version)
                       : "core",
                   step->version, step->target == PLAN_INNER ? "box/" : "", step->file);
        break;
    case PLAN_PROCESS:
        buf_printf(ret, "process/%s", step->file);
        break;
    case PLAN_SUPERVISOR:
        buf_printf(ret, "ration%s%s", step->file[0] ? "/" : "", step->file);
        break;
    case PLAN_NETWORK:
        buf_printf(ret, "network/%s", step->file);
        break;
    }
}

static void print_reason(const struct plan_step *step, struct buf *ret)
{
    if (step->reason)
        print_line(ret, step->reason);
    if (step->best_effort)
        buf_printf(ret, "%sskipped where the file is missing", step->reason ? "; " : "");
}

static void print_steps(const struct plan *plan, struct buf *ret)
{
    struct grid grid = { .columns = 4 };
    struct buf cell = BUF_INIT;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        const char *name = limit_name(step->limit);
        grid_add(&grid, name ? name : "-");
        print_where(step, &cell);
        grid_take(&grid, &cell);
        print_value(&cell, step->limit, text_or_empty(step->text));
        grid_take(&grid, &cell);
        print_reason(step, &cell);
        grid_take(&grid, &cell);
    }
    grid_print(&grid, 2, ret);
    buf_done(&cell);
    grid_done(&grid);
}

static void print_unmet(const struct plan *plan, struct buf *ret)
{
    if (plan->n_unmet == 0)
        return;
    buf_puts(ret, "\nnot possible here\n");
    for (size_t i = 0; i < plan->n_unmet; i++) {
        const struct plan_unmet *unmet = &plan->unmet[i];
        buf_printf(ret, "  --%s: ", text_or_empty(limit_name(unmet->limit)));
        print_line(ret, text_or_empty(unmet->why));
        if (unmet->remedy) {
            buf_puts(ret, "; remedy: ");
            print_line(ret, unmet->remedy);
        }
        if (unmet->stand_in) {
            buf_puts(ret, "; instead: ");
            print_line(ret, unmet->stand_in);
        }
        buf_putc(ret, '\n');
    }
}

static void print_ceilings(const struct plan_ceiling *ceilings, size_t n, struct buf *ret)
{
    if (n == 0)
        return;
    buf_puts(ret, "\ntighter above\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(ret, "  --%s: ", text_or_empty(limit_name(ceilings[i].limit)));
        print_line(ret, text_or_empty(ceilings[i].path));
        buf_puts(ret, " has ");
        print_value(ret, ceilings[i].limit, text_or_empty(ceilings[i].value));
        buf_putc(ret, '\n');
    }
}

int report_plan_text(const struct plan_view *view, struct buf *ret, struct err *err)
{
    const struct plan *plan = view->plan;

    buf_printf(ret, "plan for layout %s: %zu %s\n", text_or_empty(view->layout->name),
               plan->n_steps, plan->n_steps == 1 ? "write" : "writes");
    print_steps(plan, ret);
    print_unmet(plan, ret);
    print_ceilings(view->ceilings, view->n_ceilings, ret);
    if (view->refusal)
        buf_printf(ret, "as this user the run is refused: %s\n", view->refusal);
    return print_end(ret, err);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *step_json(const struct plan_step *step)
{
    static const char *const target_table[] = {
        [PLAN_GROUP] = "group",           [PLAN_INNER] = "inner",     [PLAN_PROCESS] = "process",
        [PLAN_SUPERVISOR] = "supervisor", [PLAN_NETWORK] = "network",
    };
    bool in_group = step->target == PLAN_GROUP || step->target == PLAN_INNER;
    bool has_controller = in_group && step->controller < CONTROLLER_COUNT;
    const char *controller =
        has_controller ? controller_name(step->controller, step->version) : NULL;
    json_t *object = json_object();
    int bad = 0;

    bad |= json_object_set_new(object, "limit", json_from_text(limit_name(step->limit)));
    bad |= json_object_set_new(object, "target", json_from_text(target_table[step->target]));
    bad |= json_object_set_new(object, "controller", json_from_text(controller));
    bad |= json_object_set_new(object, "cgroup_version",
                               in_group ? json_integer(step->version) : json_null());
    bad |= json_object_set_new(object, "file", json_from_text(step->file));
    bad |= json_object_set_new(object, "value", json_from_text(step->text));
    bad |= json_object_set_new(object, "reason", json_from_text(step->reason));
    bad |= json_object_set_new(object, "may_be_missing", json_boolean(step->best_effort));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *unmet_json(const struct plan_unmet *unmet)
{
    json_t *object = json_object();
    int bad = 0;

    bad |= json_object_set_new(object, "limit", json_from_text(limit_name(unmet->limit)));
    bad |= json_object_set_new(object, "why", json_from_text(unmet->why));
    bad |= json_object_set_new(object, "remedy", json_from_text(unmet->remedy));
    bad |= json_object_set_new(object, "stand_in", json_from_text(unmet->stand_in));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *ceiling_json(const struct plan_ceiling *ceiling)
{
    json_t *object = json_object();
    int bad = 0;

    bad |= json_object_set_new(object, "limit", json_from_text(limit_name(ceiling->limit)));
    bad |= json_object_set_new(object, "path", json_from_text(ceiling->path));
    bad |= json_object_set_new(object, "value", json_from_text(ceiling->value));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

int report_plan_json(const struct plan_view *view, struct buf *ret, struct err *err)
{
    const struct plan *plan = view->plan;
    json_t *root = json_object(), *steps = json_array(), *unmet = json_array(),
           *above = json_array();
    int bad = 0;

    for (size_t i = 0; i < plan->n_steps; i++)
        bad |= json_array_append_new(steps, step_json(&plan->steps[i]));
    for (size_t i = 0; i < plan->n_unmet; i++)
        bad |= json_array_append_new(unmet, unmet_json(&plan->unmet[i]));
    for (size_t i = 0; i < view->n_ceilings; i++)
        bad |= json_array_append_new(above, ceiling_json(&view->ceilings[i]));
    bad |= json_object_set_new(root, "version", json_integer(PLAN_JSON_VERSION));
    bad |= json_object_set_new(root, "layout", json_from_text(view->layout->name));
    bad |= json_object_set_new(root, "steps", steps);
    bad |= json_object_set_new(root, "unmet", unmet);
    bad |= json_object_set_new(root, "ceilings", above);
    bad |= json_object_set_new(root, "refusal", json_from_text(view->refusal));
    return json_finish(root, bad != 0, ret, err);
}
