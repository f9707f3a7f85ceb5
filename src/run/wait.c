/* The verb wait: watch a run to its end, clean up, and say what happened. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "run/run_private.h"

/* ---- ending it ---------------------------------------------------------------------------------------- */

static int stop_locked(struct run *run, enum stop_reason reason)
{
    if (run->stopped == STOP_NONE || run->stopped == STOP_USER)
        run->stopped = reason;
    if (!run->started) {
        run->reaped = spawn_reap(&run->spawn, true, NULL) >= 0;
        run->ended = true;
        loop_stop(&run->loop);
        return 0;
    }
    run->killed = true;
    int r = spawn_signal(&run->spawn, SIGKILL);
    /* With the older freezer a frozen process does not die before it is thawed, whoever froze it. */
    if (run->group && (run->frozen || !run->plan.layout.has_v2))
        group_kill(run->group, 0, NULL);
    return r == -ESRCH ? 0 : r;
}

int run_stop(struct run *run, enum stop_reason reason)
{
    pthread_mutex_lock(&run->lock);
    int r = stop_locked(run, reason);
    pthread_mutex_unlock(&run->lock);
    return r;
}

static int pass_locked(struct run *run, int signal)
{
    run->stop_signal = signal;
    if (!run->started) {
        /* There is nobody yet to send it to: on_started() does. Who asks again does not want to wait. */
        if (atomic_exchange(&run->signalled, signal) != 0)
            return run_stop(run, STOP_USER);
        return 0;
    }
    if (run->stopped == STOP_NONE)
        run->stopped = STOP_USER;
    int r = spawn_signal(&run->spawn, signal);
    return r == -ESRCH ? 0 : r;
}

int run_pass_signal(struct run *run, int signal)
{
    pthread_mutex_lock(&run->lock);
    int r = pass_locked(run, signal);
    pthread_mutex_unlock(&run->lock);
    return r;
}

int run_stop_gently(struct run *run, int signal)
{
    int r = run_pass_signal(run, signal);

    if (run->stop_timer >= 0)
        loop_arm(&run->loop, run->stop_timer,
                 clock_us(CLOCK_MONOTONIC) + run->spec->stop_timeout_us);
    return r;
}

static int stop_timeout(void *data)
{
    struct run *run = data;

    if (!run->ended)
        return run_stop(run, STOP_USER);
    /* Who asked us to end has waited long enough for somebody to read the rest. */
    return err_set(
        &run->start_error, EINTR,
        "cannot pass COMMAND's last output on: its reader does not read, and we were told "
        "to end");
}

/* ---- what happens meanwhile ---------------------------------------------------------------------------- */

static int on_limit(void *data, enum limit_id limit, enum stop_reason reason)
{
    struct run *run = data;

    if (reason != STOP_NONE)
        return run_stop(run, reason);
    pthread_mutex_lock(&run->lock);
    run->warn_signal = run->spec->soft_signal;
    run->warn_limit = limit;
    int r = spawn_signal(&run->spawn, run->spec->soft_signal);
    pthread_mutex_unlock(&run->lock);
    return r == -ESRCH ? 0 : r;
}

/* A signal that came before there was anybody to send it to. */
static void pass_early_signal(struct run *run)
{
    int early = atomic_exchange(&run->signalled, 0);

    if (early != 0)
        run_pass_signal(run, early);
}

static void on_started(struct run *run)
{
    run->started = true;
    run->begun_us = clock_us(CLOCK_MONOTONIC);
    if (run->monitored)
        monitor_begin(&run->monitor, &run->plan.plan->in_force, run->begun_us);
    pass_early_signal(run);
    exec_record_command(run);
}

static int channel_locked(struct run *run)
{
    enum spawn_event event;
    int r = spawn_read(&run->spawn, false, &event, &run->exit, &run->start_error);

    if (r < 0)
        return r;
    switch (event) {
    case SPAWN_NOTHING:
    case SPAWN_READY:
    case SPAWN_CREATED:
        break;
    case SPAWN_STARTED:
        on_started(run);
        r = relay_terminal(run);
        if (r >= 0 && run->on_started)
            r = run->on_started(run);
        return r >= 0 && run->watch ? run->watch->started(run->watch->data) : r;
    case SPAWN_FAILED:
        /* COMMAND was at work, and how it ends is lost. */
        if (run->started)
            return -run->start_error.code;
        run->failed = true;
        run->ended = true;
        loop_stop(&run->loop);
        break;
    case SPAWN_EXITED:
        run->ended = true;
        run->ended_us = clock_us(CLOCK_MONOTONIC);
        loop_stop(&run->loop);
        break;
    }
    return 0;
}

static int on_channel(void *data, int fd, short revents)
{
    struct run *run = data;

    (void)fd;
    (void)revents;
    pthread_mutex_lock(&run->lock);
    int r = channel_locked(run);
    pthread_mutex_unlock(&run->lock);
    return r;
}

/* Another thread changed the limits, or sent a signal while COMMAND was just beginning. */
static int on_wake(void *data, int fd, short revents)
{
    struct run *run = data;
    uint64_t count;

    (void)revents;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return -errno;
    pthread_mutex_lock(&run->lock);
    run->monitor.n_cpus = run->n_cpus;
    if (run->started)
        monitor_begin(&run->monitor, &run->plan.plan->in_force, run->begun_us);
    pthread_mutex_unlock(&run->lock);
    if (run->started)
        pass_early_signal(run);
    return 0;
}

static int watch_locked(struct run *run)
{
    struct list_mask cpus;

    /* An update may have been faster. */
    if (run->n_cpus == 0)
        run->n_cpus = list_parse(run->plan.machine.cpus, &cpus) == 0 ? list_count(&cpus) : 1;
    run->channel_slot = loop_add_fd(&run->loop, run->spawn.channel_fd, POLLIN, on_channel, run);
    run->stop_timer = loop_add_timer(&run->loop, stop_timeout, run);
    run->monitored = true;
    int r = monitor_init(&run->monitor, &run->loop, run->group, run->n_cpus, on_limit, run);
    if (r >= 0 && run->channel_slot < 0)
        r = run->channel_slot;
    if (r >= 0)
        r = loop_add_fd(&run->loop, run->wake_fd, POLLIN, on_wake, run);
    return r < 0 ? r : reclaim_begin(run);
}

static int watch_start(struct run *run, struct err *err)
{
    pthread_mutex_lock(&run->lock);
    int r = watch_locked(run);
    pthread_mutex_unlock(&run->lock);
    return r < 0 ? err_set(err, -r, "cannot watch the run: %s", err_name(-r)) : 0;
}

/* ---- afterwards --------------------------------------------------------------------------------------- */

/* Everything of the run ends with COMMAND, so that its output and its figures are complete. */
static int wait_processes(struct run *run, struct err *err)
{
    bool own_pids = (run->spec->namespaces & CLONE_NEWPID) != 0;
    int r = 0;

    if (!own_pids && run->group)
        r = group_kill(run->group, 5000000, err);
    /* What somebody froze with the older freezer would be waited for in vain. */
    else if (run->group && !run->plan.layout.has_v2)
        group_freeze(run->group, false, 0, NULL);
    if (!run->reaped) {
        int reaped =
            spawn_reap(&run->spawn, run->exit.ended_us == 0 && !run->failed, r < 0 ? NULL : err);
        run->reaped = reaped >= 0;
        r = r < 0 ? r : reaped;
    }
    return r;
}

/* All of the run is dead by then: who still holds the other end of its output was handed it from outside. */
#define OUTPUT_IDLE_US 1000000u

static int on_output_idle(void *data)
{
    struct run *run = data;

    /* Our own reader may take its time over what there is. */
    if (relay_has_bytes(run))
        loop_arm(&run->loop, run->idle_timer, clock_us(CLOCK_MONOTONIC) + OUTPUT_IDLE_US);
    else
        loop_stop(&run->loop);
    return 0;
}

/* What COMMAND wrote last is still on its way to our own output. */
static int wait_output(struct run *run)
{
    if (relay_all_done(run))
        return 0;
    relay_finish(run);
    loop_remove_fd(&run->loop, run->channel_slot);
    run->idle_timer = loop_add_timer(&run->loop, on_output_idle, run);
    if (run->idle_timer >= 0)
        loop_arm(&run->loop, run->idle_timer, clock_us(CLOCK_MONOTONIC) + OUTPUT_IDLE_US);
    return loop_run(&run->loop);
}

static void sample_usage(const struct run *run, struct sample *sample)
{
    const struct spawn_exit *exit = &run->exit;

    if (run->started) {
        uint64_t begun = exit->started_us ? exit->started_us : run->begun_us;
        uint64_t ended = exit->ended_us ? exit->ended_us : run->ended_us;
        sample_set(sample, METRIC_WALL_US, ended > begun ? ended - begun : 0, "CLOCK_MONOTONIC");
    }
    if (run->relay[RELAY_OUT].run)
        sample_set(sample, METRIC_OUTPUT_BYTES, run->output_bytes, "read(2)");
    if (!run->started || !run->ended_us)
        return;
    sample_set(sample, METRIC_MAX_RSS_BYTES, exit->max_rss_bytes, "rusage.ru_maxrss");
    sample_set(sample, METRIC_RUSAGE_USER_US, exit->user_us, "rusage.ru_utime");
    sample_set(sample, METRIC_RUSAGE_SYSTEM_US, exit->system_us, "rusage.ru_stime");
    sample_set(sample, METRIC_MINOR_FAULTS, exit->minor_faults, "rusage.ru_minflt");
    sample_set(sample, METRIC_MAJOR_FAULTS, exit->major_faults, "rusage.ru_majflt");
    sample_set(sample, METRIC_VOLUNTARY_SWITCHES, exit->voluntary_switches, "rusage.ru_nvcsw");
    sample_set(sample, METRIC_INVOLUNTARY_SWITCHES, exit->involuntary_switches, "rusage.ru_nivcsw");
    sample_set(sample, METRIC_RUSAGE_READ_BLOCKS, exit->in_blocks, "rusage.ru_inblock");
    sample_set(sample, METRIC_RUSAGE_WRITE_BLOCKS, exit->out_blocks, "rusage.ru_oublock");
}

/*
 * The kernel adds up what memory.stat shows only when some hundred events have come together. A 0 where
 * COMMAND alone had page faults is no figure.
 */
static void sample_doubt(struct sample *sample)
{
    struct sample_value *group = &sample->value[METRIC_GROUP_PAGE_FAULTS];
    const struct sample_value *command = &sample->value[METRIC_MINOR_FAULTS];

    if (group->known && group->value == 0 && command->known && command->value > 0)
        *group = (struct sample_value){ 0 };
}

static bool ended_badly(const struct run *run)
{
    return run->started && (!run->exit.exited || run->exit.status != 0);
}

/* Figures and counters are read before the groups that hold them go. */
static int wait_figures(struct run *run, struct sample *ret, struct err *err)
{
    bool wanted = run->spec->measure != SPEC_MEASURE_NOTHING;
    int r = 0;

    if (run->group && (wanted || ended_badly(run)))
        r = group_sample(run->group, ret, err);
    /* A verdict other than "exited" rests on them. */
    if (r >= 0 && run->group && (wanted || ended_badly(run)))
        r = group_events(run->group, false, wanted, &run->events);
    sample_usage(run, ret);
    sample_doubt(ret);
    return r;
}

/* The loop's error, told by whoever called back, or else by its number. */
static int wait_failed(struct run *run, int r, const char *what, struct err *err)
{
    if (run->start_error.code == 0)
        return err_set(err, -r, "cannot %s: %s", what, err_name(-r));
    if (err)
        *err = run->start_error;
    return r;
}

/*
 * Nobody will ask the groups anything: they go while the box, on another CPU, takes its mounts down. What
 * COMMAND left running dies with the box; until then its group is busy, and is tried again.
 */
static void wait_groups_early(struct run *run)
{
    if (!run->group || run->frozen || ended_badly(run) ||
        run->spec->measure != SPEC_MEASURE_NOTHING || !(run->spec->namespaces & CLONE_NEWPID))
        return;
    if (group_remove(run->group, NULL) < 0)
        return; /* run_clean() does it with more patience, and tells */
    run_leave_group(run);
}

/* From the end of COMMAND to the result, with the groups still there to be asked. */
static int wait_conclude(struct run *run, struct sample *final, struct result **ret,
                         struct err *err)
{
    wait_groups_early(run);
    int r = wait_processes(run, err);
    if (r < 0)
        return r;
    r = wait_output(run);
    if (r < 0)
        return wait_failed(run, r, "pass COMMAND's last output on", err);
    r = wait_figures(run, final, err);
    return r < 0 ? r : run_make_result(run, final, ret, err);
}

static int wait_watch(struct run *run, struct err *err)
{
    int r = watch_start(run, err);

    if (r < 0)
        return r;
    r = loop_run(&run->loop);
    monitor_end(&run->monitor);
    return r < 0 ? wait_failed(run, r, "wait for COMMAND", err) : 0;
}

static int wait_whole(struct run *run, struct result **ret, struct err *err)
{
    struct sample *final = NULL;
    struct result *result = NULL;
    int r = wait_watch(run, err);

    if (run->watch && run->watch->ended)
        run->watch->ended(run->watch->data);
    pthread_mutex_lock(&run->lock);
    run->ended = true;
    if (r >= 0) {
        final = calloc(1, sizeof(*final));
        r = final ? 0 : err_nomem(err);
    }
    if (r >= 0 && final)
        r = wait_conclude(run, final, &result, err);
    int cleaned = run_clean(run, r < 0 ? NULL : err);
    pthread_mutex_unlock(&run->lock);
    reclaim_end(run);
    free(final);
    if (r < 0 || cleaned < 0) {
        result_free(result);
        return r < 0 ? r : cleaned;
    }
    *ret = result;
    return 0;
}

/*
 * A container's process, which has its limits and its groups from elsewhere: only its signals, its terminal
 * and its end are ours.
 */
static int attend_whole(struct run *run, struct result **ret, struct err *err)
{
    int r = 0;

    (void)ret;
    run->channel_slot = loop_add_fd(&run->loop, run->spawn.channel_fd, POLLIN, on_channel, run);
    if (!run->spec->document)
        run->stop_timer = loop_add_timer(&run->loop, stop_timeout, run);
    if (run->spawn.started) {
        on_started(run);
        r = relay_terminal(run);
        if (r >= 0 && run->on_started)
            r = run->on_started(run);
    }
    if (r >= 0 && run->channel_slot >= 0)
        r = loop_run(&run->loop);
    if (r >= 0)
        r = run->channel_slot;
    run->ended = true;
    if (r < 0)
        return wait_failed(run, r, "wait for the process", err);
    if (run->failed) {
        if (err)
            *err = run->start_error;
        return -run->start_error.code;
    }
    r = wait_output(run);
    return r < 0 ? wait_failed(run, r, "pass the process's last output on", err) : 0;
}

/*
 * What COMMAND writes, we write. If our reader has gone, or a file grows too large, we must hear of it
 * from write(2): the signal would end us with everything still to be cleared away.
 */
static void signals_of_writing(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGPIPE);
    sigaddset(ret, SIGXFSZ);
}

static int without_signals_of_writing(struct run *run,
                                      int (*fn)(struct run *, struct result **, struct err *),
                                      struct result **ret, struct err *err)
{
    static const struct timespec now = { 0 };
    sigset_t mask, old;

    signals_of_writing(&mask);
    pthread_sigmask(SIG_BLOCK, &mask, &old);
    int r = fn(run, ret, err);
    while (sigtimedwait(&mask, NULL, &now) > 0)
        ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}

int run_wait(struct run *run, struct result **ret, struct err *err)
{
    bool relays = run->spec->tty || run->pipe_out[0] >= 0 || run->relay[RELAY_OUT].run;

    return relays ? without_signals_of_writing(run, wait_whole, ret, err)
                  : wait_whole(run, ret, err);
}

int run_attend(struct run *run, struct err *err)
{
    return run->spec->tty ? without_signals_of_writing(run, attend_whole, NULL, err)
                          : attend_whole(run, NULL, err);
}
