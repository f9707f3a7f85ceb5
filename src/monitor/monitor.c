/* Wall-clock and CPU-time limits, soft and hard. */
#include <time.h>

#include "monitor/monitor.h"

/* The closest that two looks at the CPU time stand together, and the furthest while it stands still. */
#define LOOK_MIN_US  1000u
#define LOOK_IDLE_US 20000u

struct row {
    enum limit_id limit;
    bool cpu;
    enum stop_reason reason;
};

static const struct row row_table[MONITOR_ROWS] = {
    [MONITOR_WALL_SOFT] = { LIMIT_TIMEOUT_SOFT, false, STOP_NONE },
    [MONITOR_WALL_HARD] = { LIMIT_TIMEOUT, false, STOP_WALL_TIME },
    [MONITOR_CPU_SOFT] = { LIMIT_CPU_TIME_SOFT, true, STOP_NONE },
    [MONITOR_CPU_HARD] = { LIMIT_CPU_TIME, true, STOP_CPU_TIME },
};

static int watch_tell(struct monitor_watch *watch)
{
    const struct row *row = &row_table[watch->row];

    watch->told_us = watch->limit_us;
    watch->limit_us = UINT64_MAX;
    return watch->monitor->fn(watch->monitor->data, row->limit, row->reason);
}

/* How long the group needs at the least to use left_us more, given how it behaved until now. */
static uint64_t cpu_wait_us(struct monitor *monitor, uint64_t cpu_us, uint64_t left_us)
{
    uint64_t wait_us = left_us / monitor->n_cpus;

    if (cpu_us != monitor->last_cpu_us)
        monitor->idle_wait_us = LOOK_MIN_US;
    else if (monitor->idle_wait_us < LOOK_IDLE_US)
        monitor->idle_wait_us *= 2;
    monitor->last_cpu_us = cpu_us;
    return wait_us > monitor->idle_wait_us ? wait_us : monitor->idle_wait_us;
}

static int watch_fire(void *data)
{
    struct monitor_watch *watch = data;
    struct monitor *monitor = watch->monitor;
    uint64_t cpu_us;

    if (watch->limit_us == UINT64_MAX)
        return 0;
    if (!row_table[watch->row].cpu)
        return watch_tell(watch);
    int r = monitor->group ? group_cpu_us(monitor->group, &cpu_us) : -1;
    if (r < 0)
        return r;
    if (cpu_us >= watch->limit_us)
        return watch_tell(watch);
    loop_arm(monitor->loop, watch->timer,
             clock_us(CLOCK_MONOTONIC) + cpu_wait_us(monitor, cpu_us, watch->limit_us - cpu_us));
    return 0;
}

int monitor_init(struct monitor *monitor, struct loop *loop, struct group *group, unsigned n_cpus,
                 monitor_fn fn, void *data)
{
    *monitor = (struct monitor){ .loop = loop,
                                 .group = group,
                                 .fn = fn,
                                 .data = data,
                                 .n_cpus = n_cpus ? n_cpus : 1,
                                 .idle_wait_us = LOOK_MIN_US };
    for (unsigned i = 0; i < MONITOR_ROWS; i++) {
        struct monitor_watch *watch = &monitor->watch[i];
        *watch = (struct monitor_watch){ .monitor = monitor,
                                         .row = (enum monitor_row)i,
                                         .limit_us = UINT64_MAX,
                                         .told_us = UINT64_MAX };
        watch->timer = loop_add_timer(loop, watch_fire, watch);
        if (watch->timer < 0)
            return watch->timer;
    }
    return 0;
}

void monitor_begin(struct monitor *monitor, const struct limit_set *limits, uint64_t started_us)
{
    monitor->started_us = started_us;
    for (unsigned i = 0; i < MONITOR_ROWS; i++) {
        struct monitor_watch *watch = &monitor->watch[i];
        const struct limit_value *value = &limits->value[row_table[i].limit];
        bool armed = value->state == LIMIT_SET && value->number != watch->told_us;

        watch->limit_us = armed ? value->number : UINT64_MAX;
        /* A CPU row's first look is timed as if nothing had been used yet, which is the earliest. */
        uint64_t share = row_table[i].cpu ? watch->limit_us / monitor->n_cpus : watch->limit_us;
        loop_arm(monitor->loop, watch->timer, armed ? started_us + share : UINT64_MAX);
    }
}

void monitor_end(struct monitor *monitor)
{
    for (unsigned i = 0; i < MONITOR_ROWS; i++)
        loop_arm(monitor->loop, monitor->watch[i].timer, UINT64_MAX);
}
