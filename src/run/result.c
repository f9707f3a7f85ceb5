/* From what was seen of a run to its result. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "run/run_private.h"

/*
 * A signal that was passed on is why COMMAND ended only if it died of it, or of our SIGKILL that followed,
 * or says so by its exit status as shells do.
 */
static enum stop_reason stop_confirmed(const struct run *run)
{
    if (run->stopped != STOP_USER || !run->started)
        return run->stopped;
    int status = run->exit.status;
    if (run->exit.exited)
        return status == 128 + run->stop_signal ? STOP_USER : STOP_NONE;
    return status == run->stop_signal || (status == SIGKILL && run->killed) ? STOP_USER : STOP_NONE;
}

static void observe(const struct run *run, const struct sample *final, struct observation *ret)
{
    *ret = (struct observation){
        .started = run->started,
        .start_error = run->start_error,
        .exited = run->exit.exited,
        .status = run->exit.status,
        .core_dumped = run->exit.core_dumped,
        .stopped = stop_confirmed(run),
        .stop_signal = run->stop_signal,
        .warn_signal = run->warn_signal,
        .warn_limit = run->warn_limit,
        .events = run->events,
        .limits = &run->plan.plan->in_force,
        .final = final,
        .largest_cpu_us = run->exit.user_us + run->exit.system_us,
    };
}

/* ---- limits --------------------------------------------------------------------------------------------- */

/* The step that carries a limit: the last one for the group itself, which holds the value proper. */
static ssize_t step_of(const struct plan *plan, enum limit_id limit)
{
    ssize_t found = -1;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        if ((step->serves & LIMIT_BIT(limit)) && !step->best_effort &&
            (found < 0 || step->target != PLAN_INNER))
            found = (ssize_t)i;
    }
    return found;
}

static const struct plan_unmet *unmet_of(const struct plan *plan, enum limit_id limit)
{
    for (size_t i = 0; i < plan->n_unmet; i++) {
        if (plan->unmet[i].limit == limit)
            return &plan->unmet[i];
    }
    return NULL;
}

static void limit_note(const struct run *run, enum limit_id limit, const struct plan_step *step,
                       struct buf *ret)
{
    const struct plan_unmet *unmet = unmet_of(run->plan.plan, limit);

    if (unmet) {
        buf_printf(ret, "not in force: %s", unmet->why);
        if (unmet->stand_in)
            buf_printf(ret, "; instead: %s", unmet->stand_in);
    } else if (step && step->reason) {
        buf_puts(ret, step->reason);
    }
    for (size_t i = 0; i < run->plan.n_ceilings; i++) {
        const struct plan_ceiling *ceiling = &run->plan.ceilings[i];
        if (ceiling->limit == limit)
            buf_printf(ret, "%san ancestor is tighter: %s has %s", ret->len ? "; " : "",
                       ceiling->path, ceiling->value);
    }
}

/* The last change of a limit while the run was under way; NULL: none. */
static const struct limit_report *change_of(const struct run *run, enum limit_id limit)
{
    for (size_t i = run->changes ? run->changes->n_limits : 0; i > 0; i--) {
        if (run->changes->limits[i - 1].limit == limit)
            return &run->changes->limits[i - 1];
    }
    return NULL;
}

/* before: what was asked at the start, NULL: nothing. */
static int report_change(const struct limit_report *change, const char *before,
                         struct result *result)
{
    _cleanup_free_ char *note = text_format(
        "changed while the run was under way; %s%s%s%s", before ? "before: " : "not set before",
        text_or_empty(before), change->note ? "; " : "", text_or_empty(change->note));

    return note ? result_add_limit(result, change->limit, change->asked, change->in_force,
                                   change->file, note)
                : -ENOMEM;
}

/* What was set only while the run was under way. */
static int report_new_limits(const struct run *run, struct result *result)
{
    for (size_t i = 0; run->changes && i < run->changes->n_limits; i++) {
        const struct limit_report *change = &run->changes->limits[i];
        bool told = change_of(run, change->limit) != change;
        for (size_t k = 0; k < result->n_limits; k++)
            told |= result->limits[k].limit == change->limit;
        if (!told && report_change(change, NULL, result) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int report_limit(const struct run *run, const char *text, struct result *result)
{
    const struct plan *plan = run->plan.plan;
    _cleanup_buf_ struct buf note = BUF_INIT, value = BUF_INIT;
    const char *equals = strchrnul(text, '=');
    char name[64];

    snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    enum limit_id limit = limit_find(name);
    if (limit == LIMIT_NONE)
        return 0;
    if (change_of(run, limit))
        return report_change(change_of(run, limit), *equals ? equals + 1 : "", result);
    ssize_t index = step_of(plan, limit);
    const struct plan_step *step = index >= 0 ? &plan->steps[index] : NULL;
    const char *in_force = step && run->group ? group_read_back(run->group, (size_t)index) : NULL;
    limit_note(run, limit, step, &note);
    if (!in_force && step && !unmet_of(plan, limit)) {
        limit_format(limit, &plan->in_force.value[limit], &value);
        in_force = buf_text(&value);
    }
    if (buf_error(&note) < 0 || buf_error(&value) < 0)
        return -ENOMEM;
    return result_add_limit(result, limit, *equals ? equals + 1 : "", in_force,
                            step ? step->file : NULL, note.len ? buf_text(&note) : NULL);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

static int result_fill(const struct run *run, const struct sample *final, struct result *result)
{
    result->started_realtime_us = run->begun_realtime_us;
    result->exited = run->started && run->exit.exited;
    result->exit_status = result->exited ? run->exit.status : 0;
    result->signal = run->started && !run->exit.exited ? run->exit.status : 0;
    result->core_dumped = run->exit.core_dumped;
    result->error = run->start_error;
    result->final = *final;
    result->rootless = run->engine->rootless;
    snprintf(result->layout, sizeof(result->layout), "%s", text_or_empty(run->plan.layout.name));
    if (text_replace(&result->name, run->spec->name) < 0 ||
        strv_copy(run->spec->argv, &result->argv) < 0)
        return -ENOMEM;
    const char *note;
    for (size_t i = 0; run->group && (note = group_note(run->group, i)) != NULL; i++) {
        if (strv_push(&result->notes, note) < 0)
            return -ENOMEM;
    }
    for (size_t i = 0; run->spec->limit_texts && run->spec->limit_texts[i]; i++) {
        if (report_limit(run, run->spec->limit_texts[i], result) < 0)
            return -ENOMEM;
    }
    return report_new_limits(run, result);
}

int run_make_result(struct run *run, const struct sample *final, struct result **ret,
                    struct err *err)
{
    struct result *result = result_new();
    struct observation observation;

    if (!result || result_fill(run, final, result) < 0) {
        result_free(result);
        return err_nomem(err);
    }
    observe(run, final, &observation);
    verdict_decide(&observation, &result->verdict);
    result->program_status = result_program_status(result);
    *ret = result;
    return 0;
}
