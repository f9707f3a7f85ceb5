/* Changing a live run: limits, freezing, signals. Safe beside a thread that waits for it. */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "run/run_private.h"

int run_signal(struct run *run, int signal, struct err *err)
{
    int r = spawn_signal(&run->spawn, signal);

    if (r == -ESRCH && !run->ended) {
        /* Not started yet: whoever waits delivers it, also when that has just happened. */
        atomic_store(&run->signalled, signal);
        if (eventfd_write(run->wake_fd, 1) < 0)
            return err_set(err, errno, "cannot tell the run of a signal: %m");
        return 0;
    }
    if (r < 0)
        return err_set(err, -r, "cannot send signal %d to run '%s': %s", signal, run->spec->name,
                       err_name(-r));
    return 0;
}

int run_copy_limit(struct run *run, enum limit_id limit, struct limit_set *ret)
{
    pthread_mutex_lock(&run->lock);
    int r = limit_value_copy(&run->plan.plan->in_force.value[limit], &ret->value[limit]);
    pthread_mutex_unlock(&run->lock);
    return r;
}

static int update_locked(struct run *run, const struct limit_set *limits, struct err *err)
{
    struct plan_options options = { .weight_map = run->spec->weight_map,
                                    .current = &run->plan.plan->in_force };
    struct plan *plan = NULL;
    int r;

    if (run->ended)
        return err_set(err, ESRCH, "run '%s' has ended", run->spec->name);
    r = limits_plan(limits, &run->plan.layout, &run->plan.machine, &options, &plan, err);
    if (r < 0)
        return r;
    if (plan->controllers & ~run->plan.plan->controllers)
        r = err_refuse(err, EOPNOTSUPP,
                       "run '%s' was started without a group for that limit; give the limit when "
                       "starting it",
                       run->spec->name);
    else if (run->group)
        r = group_update(run->group, run->plan.plan, plan, &run->plan.machine, err);
    if (r >= 0) {
        limit_set_done(&run->plan.plan->in_force);
        run->plan.plan->in_force = plan->in_force;
        plan->in_force = (struct limit_set){ 0 };
    }
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

int run_freeze(struct run *run, bool frozen, struct err *err)
{
    pthread_mutex_lock(&run->lock);
    int r = run->group ? group_freeze(run->group, frozen, 2000000, err)
                       : err_refuse(err, EOPNOTSUPP, "run '%s' has no group that can be frozen",
                                    run->spec->name);
    if (r >= 0)
        run->frozen = frozen;
    pthread_mutex_unlock(&run->lock);
    return r;
}
