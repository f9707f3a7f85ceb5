/*
 * monitor: watches a live run for the limits that ration itself enforces (wall clock, CPU time of the
 * whole group), soft and hard, and tells how the run compares with them.
 *
 * Nothing is polled that the kernel announces. CPU time of a group is announced by nobody, so the next
 * look is timed for the earliest moment at which the limit could be reached: what is left divided by the
 * number of CPUs. A run that uses no CPU is looked at ever less often.
 */
#pragma once

#include "base/base.h"
#include "cgroup/cgroup.h"
#include "limit/limit.h"
#include "metric/metric.h"

enum monitor_row {
    MONITOR_WALL_SOFT,
    MONITOR_WALL_HARD,
    MONITOR_CPU_SOFT,
    MONITOR_CPU_HARD,
    MONITOR_ROWS,
};

struct monitor;

/* A limit has been reached: limit names it; reason is STOP_NONE at a soft one. */
typedef int (*monitor_fn)(void *data, enum limit_id limit, enum stop_reason reason);

struct monitor_watch {
    struct monitor *monitor;
    enum monitor_row row;
    uint64_t limit_us; /* UINT64_MAX: none, or told already */
    uint64_t told_us;  /* the limit that was told last, UINT64_MAX: none */
    int timer;
};

/* Embedded in the run. */
struct monitor {
    struct loop *loop;
    struct group *group; /* not owned; NULL: no CPU figures */
    monitor_fn fn;
    void *data;
    unsigned n_cpus;
    uint64_t started_us; /* CLOCK_MONOTONIC when COMMAND began */
    uint64_t last_cpu_us, idle_wait_us;
    struct monitor_watch watch[MONITOR_ROWS];
};

/* Register with the loop; nothing fires before monitor_begin(). Returns 0 or -errno. */
int monitor_init(struct monitor *monitor, struct loop *loop, struct group *group, unsigned n_cpus,
                 monitor_fn fn, void *data);
/*
 * COMMAND has begun at started_us: arm what limits ask for. Call again when limits change; a limit that was
 * reached and told is told again only when it has another value.
 */
void monitor_begin(struct monitor *monitor, const struct limit_set *limits, uint64_t started_us);
/* COMMAND has ended: nothing fires any more. */
void monitor_end(struct monitor *monitor);
