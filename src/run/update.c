/* Changing a live run: limits, freezing, signals. Safe beside a thread that waits for it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "run/run_private.h"

/* ---- signals ------------------------------------------------------------------------------------------- */

/* Signals that say nothing about how COMMAND ends. */
static bool signal_is_no_end(int signal)
{
    return signal == 0 || signal == SIGSTOP || signal == SIGCONT;
}

static int signal_locked(struct run *run, int signal)
{
    if (run->ended)
        return -ESRCH;
    if (!run->started) {
        /* Nobody has been seen yet to send it to: on_started() does. */
        if (!signal_is_no_end(signal))
            atomic_store(&run->signalled, signal);
        return signal < 0 || signal > SIGRTMAX ? -EINVAL : 0;
    }
    int r = spawn_signal(&run->spawn, signal);
    if (r < 0 || signal_is_no_end(signal))
        return r;
    /* result.c looks whether it was this that ended COMMAND. */
    run->stop_signal = signal;
    if (run->stopped == STOP_NONE)
        run->stopped = STOP_USER;
    return 0;
}

int run_signal(struct run *run, int signal, struct err *err)
{
    pthread_mutex_lock(&run->lock);
    int r = signal_locked(run, signal);
    pthread_mutex_unlock(&run->lock);
    if (r == -ESRCH)
        return err_set(err, ESRCH, "run '%s' has ended", run->spec->name);
    return r < 0 ? err_set(err, -r, "cannot send signal %d to run '%s': %s", signal,
                           run->spec->name, err_name(-r))
                 : 0;
}

/* ---- limits --------------------------------------------------------------------------------------------- */

int run_copy_limit(struct run *run, enum limit_id limit, struct limit_set *ret)
{
    pthread_mutex_lock(&run->lock);
    int r = limit_value_copy(&run->plan.plan->in_force.value[limit], &ret->value[limit]);
    pthread_mutex_unlock(&run->lock);
    return r;
}

/* What these limits need to know of the machine, which the start may have had no use for. */
static int update_plan(const struct run *run, const struct limit_set *limits, struct plan **ret,
                       struct machine *ret_machine, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    struct cgroups_options options = {
        .root_fd = -1,
        .parent = run->spec->cgroup_parent,
        .rootless = run->engine->rootless,
        .controllers = run->plan.plan->controllers,
    };
    struct plan_options plan_options = { .weight_map = run->spec->weight_map,
                                         .current = &run->plan.plan->in_force };
    /* A total of memory and swap that is in force has to be kept whatever else changes. */
    if (limit_is_set(&run->plan.plan->in_force, LIMIT_MEMORY_SWAP))
        options.features |= LAYOUT_MEMSW;
    unsigned parts = cgroups_need(limits, &options) | MACHINE_CPUS;
    int r = cgroups_open(&options, &cgroups, err);

    if (r >= 0)
        r = machine_read_parts(-1, parts, ret_machine, err);
    return r < 0
               ? r
               : limits_plan(limits, cgroups_layout(cgroups), ret_machine, &plan_options, ret, err);
}

/* What the run was not set up for cannot be had any more. */
static int update_check(const struct run *run, const struct limit_set *limits,
                        const struct plan *plan, struct err *err)
{
    uint64_t cpu_us;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->controller < CONTROLLER_COUNT && step->limit < LIMIT_COUNT &&
            !(run->plan.plan->controllers & CONTROLLER_BIT(step->controller)))
            return err_refuse(err, EOPNOTSUPP,
                              "--%s: run '%s' was started without a group for that limit; give one "
                              "when starting it",
                              limit_info(step->limit)->name, run->spec->name);
    }
    if (limits->value[LIMIT_OUTPUT_LIMIT].state == LIMIT_SET && !run->relay[RELAY_OUT].run)
        return err_refuse(err, EOPNOTSUPP,
                          "--output-limit: the output of run '%s' goes past ration; give a limit "
                          "when starting it",
                          run->spec->name);
    if ((limits->value[LIMIT_CPU_TIME].state == LIMIT_SET ||
         limits->value[LIMIT_CPU_TIME_SOFT].state == LIMIT_SET) &&
        (!run->group || group_cpu_us(run->group, &cpu_us) < 0))
        return err_refuse(err, EOPNOTSUPP,
                          "--cpu-time: nothing counts the CPU time of run '%s'; give a limit when "
                          "starting it",
                          run->spec->name);
    return 0;
}

/* The rlimit behind --cpu-time went with each process at its start: beyond it, that would kill. */
static int update_check_backstop(const struct run *run, const struct limit_set *limits,
                                 struct err *err)
{
    const struct limit_value *asked = &limits->value[LIMIT_CPU_TIME];
    const struct plan *plan = run->plan.plan;
    uint64_t seconds;

    if (asked->state == LIMIT_UNSET)
        return 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->limit != LIMIT_CPU_TIME || step->target != PLAN_PROCESS)
            continue;
        char digits[24];
        snprintf(digits, sizeof(digits), "%.*s", (int)strspn(step->text, "0123456789"), step->text);
        if (number_parse(digits, UINT64_MAX / 1000000, &seconds) < 0)
            continue;
        if (asked->state == LIMIT_UNLIMITED || asked->number / 1000000 + 2 > seconds)
            return err_refuse(err, EOPNOTSUPP,
                              "--cpu-time: run '%s' cannot be given more than at its start: the "
                              "rlimit behind it (%s %ju s) is its processes' own",
                              run->spec->name, step->file, (uintmax_t)seconds);
    }
    return 0;
}

static ssize_t step_serving(const struct plan *plan, enum limit_id limit)
{
    ssize_t found = -1;

    for (size_t i = 0; i < plan->n_steps; i++) {
        if ((plan->steps[i].serves & LIMIT_BIT(limit)) &&
            (found < 0 || plan->steps[i].target != PLAN_INNER))
            found = (ssize_t)i;
    }
    return found;
}

/* For the report: each limit that was changed, with what the kernel made of it. */
static int update_note(struct run *run, const struct limit_set *limits, const struct plan *plan,
                       char *const *read_back)
{
    int r = 0;

    if (!run->changes)
        run->changes = result_new();
    for (unsigned i = 0; run->changes && r == 0 && i < LIMIT_COUNT; i++) {
        _cleanup_buf_ struct buf asked = BUF_INIT, value = BUF_INIT;
        enum limit_id id = (enum limit_id)i;
        ssize_t step = step_serving(plan, id);
        bool asked_for = limit_is_set(limits, id);
        /* Written again because another one changed: it stays what it was, its text does not. */
        if (!asked_for && step < 0)
            continue;
        const char *in_force = step >= 0 && read_back ? read_back[step] : NULL;
        limit_format(id, asked_for ? &limits->value[id] : &plan->in_force.value[id], &asked);
        limit_format(id, &plan->in_force.value[id], &value);
        if (buf_error(&asked) < 0 || buf_error(&value) < 0)
            return -ENOMEM;
        r = result_add_limit(
            run->changes, id, buf_text(&asked), in_force ? in_force : buf_text(&value),
            step >= 0 ? plan->steps[step].file : NULL, step >= 0 ? plan->steps[step].reason : NULL);
    }
    return run->changes ? r : -ENOMEM;
}

static void read_back_free(char **read_back, const struct plan *plan)
{
    for (size_t i = 0; read_back && i < plan->n_steps; i++)
        free(read_back[i]);
    free(read_back);
}

static int update_write(struct run *run, const struct limit_set *limits, struct plan *plan,
                        const struct machine *machine, struct err *err)
{
    char **read_back = NULL;
    int r = update_check(run, limits, plan, err);

    if (r >= 0)
        r = update_check_backstop(run, limits, err);
    if (r >= 0 && run->group)
        r = group_update(run->group, run->plan.plan, plan, machine, &read_back, err);
    if (r < 0)
        return r;
    r = update_note(run, limits, plan, read_back);
    read_back_free(read_back, plan);
    /* In force whatever comes of noting it. */
    limit_set_done(&run->plan.plan->in_force);
    run->plan.plan->in_force = plan->in_force;
    plan->in_force = (struct limit_set){ 0 };
    return r < 0 ? err_nomem(err) : 0;
}

static int update_locked(struct run *run, const struct limit_set *limits, struct err *err)
{
    struct plan *plan = NULL;
    struct machine machine;
    struct list_mask cpus;

    if (run->ended)
        return err_set(err, ESRCH, "run '%s' has ended", run->spec->name);
    int r = update_plan(run, limits, &plan, &machine, err);
    if (r >= 0)
        r = update_write(run, limits, plan, &machine, err);
    if (r >= 0 && list_parse(machine.cpus, &cpus) == 0)
        run->n_cpus = list_count(&cpus);
    plan_free(plan);
    return r;
}

int run_update(struct run *run, const struct limit_set *limits, struct err *err)
{
    pthread_mutex_lock(&run->lock);
    int r = update_locked(run, limits, err);
    pthread_mutex_unlock(&run->lock);
    if (r >= 0 && eventfd_write(run->wake_fd, 1) < 0)
        r = err_set(err, errno, "cannot tell the run of its new limits: %m");
    return r;
}

/* ---- freezing ------------------------------------------------------------------------------------------- */

static int freeze_locked(struct run *run, bool frozen, struct err *err)
{
    if (run->ended)
        return err_set(err, ESRCH, "run '%s' has ended", run->spec->name);
    if (!run->group)
        return err_refuse(err, EOPNOTSUPP, "run '%s' has no group that can be frozen",
                          run->spec->name);
    int r = group_freeze(run->group, frozen, 2000000, err);
    if (r >= 0)
        run->frozen = frozen;
    return r;
}

int run_freeze(struct run *run, bool frozen, struct err *err)
{
    pthread_mutex_lock(&run->lock);
    int r = freeze_locked(run, frozen, err);
    pthread_mutex_unlock(&run->lock);
    return r;
}
