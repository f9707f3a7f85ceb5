/* cpu: bandwidth from four limits, burst, shares and weight, real-time budgets. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

#define PERIOD_DEFAULT_US 100000
#define PERIOD_MAX_US     1000000
#define QUOTA_MIN_US      1000 /* the kernel's min_cfs_quota_period */
#define MILLIONTHS        1000000

/* ---- bandwidth --------------------------------------------------------------------------------- */

struct bandwidth {
    enum limit_id
        id; /* the limit that asks for the quota; LIMIT_CPU_PERIOD when only that is asked */
    uint64_t quota_us; /* LIMIT_NUMBER_UNLIMITED: none */
    uint64_t period_us;
    char *reason;
};

static enum limit_id bandwidth_id(const struct limit_set *set)
{
    static const enum limit_id quota_table[] = { LIMIT_CPUS, LIMIT_CPU, LIMIT_CPU_QUOTA };

    for (size_t i = 0; i < ARRAY_SIZE(quota_table); i++) {
        if (limit_is_set(set, quota_table[i]))
            return quota_table[i];
    }
    return LIMIT_CPU_PERIOD;
}

/* The quota that a number of CPUs (millionths) is within the period. */
static int bandwidth_from_cpus(struct planner *p, uint64_t cpus, bool period_asked,
                               struct bandwidth *b)
{
    unsigned __int128 product = (unsigned __int128)cpus * b->period_us;

    if (product / MILLIONTHS < QUOTA_MIN_US && period_asked)
        return planner_usage(p, b->id,
                             "is a quota of %u us in --cpu-period %llu us, below the "
                             "kernel's minimum of %u us",
                             (unsigned)(product / MILLIONTHS), (unsigned long long)b->period_us,
                             QUOTA_MIN_US);
    if (product / MILLIONTHS < QUOTA_MIN_US) {
        b->period_us = PERIOD_MAX_US;
        b->quota_us = cpus;
        b->reason =
            text_format("a period of 1 s, since the quota would be below the kernel's minimum "
                        "of %u us in the usual 100 ms",
                        QUOTA_MIN_US);
    } else {
        b->quota_us = (uint64_t)(product / MILLIONTHS);
        if (product % MILLIONTHS != 0)
            b->reason = text_format("rounded down to whole microseconds per period");
    }
    return 0;
}

/* More CPUs than there are: a limit that would never be felt. */
static int bandwidth_check_machine(struct planner *p, struct bandwidth *b)
{
    struct list_mask mask;
    unsigned online = list_parse(p->machine->cpus, &mask) == 0 ? list_count(&mask) : 0;

    if (online == 0 || b->quota_us == LIMIT_NUMBER_UNLIMITED ||
        b->quota_us <= (unsigned __int128)online * b->period_us)
        return 0;
    if ((b->id == LIMIT_CPUS || b->id == LIMIT_CPU) && !p->options->beyond_machine)
        return planner_refuse(p, b->id, "is more than this machine's %u CPU%s", online,
                              online == 1 ? "" : "s");
    if (!b->reason)
        b->reason = text_format("more than this machine's %u CPU%s, so never reached", online,
                                online == 1 ? "" : "s");
    return 0;
}

/* Quota and period that set stands for; what it leaves open is as in fallback (may be NULL). */
static int bandwidth_find(struct planner *p, const struct limit_set *set,
                          const struct limit_set *fallback, struct bandwidth *b)
{
    bool period_asked = limit_is_set(set, LIMIT_CPU_PERIOD);

    *b = (struct bandwidth){ .id = bandwidth_id(set),
                             .quota_us = LIMIT_NUMBER_UNLIMITED,
                             .period_us = PERIOD_DEFAULT_US };
    if (!period_asked && fallback && limit_is_set(fallback, LIMIT_CPU_PERIOD))
        b->period_us = fallback->value[LIMIT_CPU_PERIOD].number;
    else if (period_asked)
        b->period_us = set->value[LIMIT_CPU_PERIOD].number;
    if (b->id == LIMIT_CPU_PERIOD && fallback && bandwidth_id(fallback) != LIMIT_CPU_PERIOD) {
        set = fallback;
        enum limit_id id = bandwidth_id(fallback);
        uint64_t number = set->value[id].number;
        if (id == LIMIT_CPU_QUOTA || number == LIMIT_NUMBER_UNLIMITED)
            b->quota_us = number;
        else
            return bandwidth_from_cpus(p, number, period_asked, b);
    } else if (b->id == LIMIT_CPU_QUOTA) {
        b->quota_us = set->value[b->id].number;
    } else if (b->id != LIMIT_CPU_PERIOD && set->value[b->id].state == LIMIT_SET) {
        return bandwidth_from_cpus(p, set->value[b->id].number, period_asked, b);
    }
    return 0;
}

static char *quota_text(uint64_t quota_us, const char *none)
{
    return quota_us == LIMIT_NUMBER_UNLIMITED ? strdup(none)
                                              : text_format("%llu", (unsigned long long)quota_us);
}

static void add_serves(struct plan_step *step, uint64_t bits)
{
    if (step)
        step->serves |= bits;
}

static void bandwidth_add_period(struct planner *p, const struct bandwidth *b, char *reason)
{
    enum limit_id id = planner_wants(p, LIMIT_CPU_PERIOD) ? LIMIT_CPU_PERIOD : b->id;
    const struct planner_write write = { PLAN_GROUP, PLAN_CHECK_NUMBER,
                                         limit_info(LIMIT_CPU_PERIOD)->v1_file };

    planner_add(p, id, write, text_format("%llu", (unsigned long long)b->period_us), reason);
}

static void bandwidth_add_inner(struct planner *p, const struct bandwidth *b, uint64_t quota_us,
                                const char *reason)
{
    planner_add(p, b->id,
                (struct planner_write){ PLAN_INNER, PLAN_CHECK_NUMBER,
                                        limit_info(LIMIT_CPU_QUOTA)->v1_file },
                quota_text(quota_us, "-1"), strdup(reason));
}

/*
 * A v1 group's share may at no moment exceed that of the group above. Where both show one, the inner is
 * opened until the outer is as it is to be; what is written to the outer is then copied by the mirror.
 */
static void bandwidth_open_inner(struct planner *p, const struct bandwidth *b)
{
    if (p->options->mirror && p->options->current)
        bandwidth_add_inner(p, b, LIMIT_NUMBER_UNLIMITED,
                            "not in the way while the quota above it, which holds, changes");
}

/* Only the period was written: the quota is closed again behind it. */
static void bandwidth_close_inner(struct planner *p, const struct bandwidth *b)
{
    if (!p->options->mirror || !p->options->current || b->quota_us == LIMIT_NUMBER_UNLIMITED)
        return;
    planner_mirror(p, p->plan->n_steps - 1);
    bandwidth_add_inner(p, b, b->quota_us,
                        "shown in the command's own group, where programs look for it");
}

/*
 * Two files on v1. The kernel holds the ratio of both against the group above at every write, so the write
 * that lowers the ratio goes first; on a fresh group, without a quota, the period may be anything.
 */
static void bandwidth_add_v1(struct planner *p, struct bandwidth *b, const struct bandwidth *old)
{
    /* A number of CPUs in force is another quota in another period. */
    bool has_quota = b->id != LIMIT_CPU_PERIOD || b->quota_us != old->quota_us;
    bool write_period = planner_wants(p, LIMIT_CPU_PERIOD) || b->period_us != old->period_us;
    bool quota_first = b->quota_us == LIMIT_NUMBER_UNLIMITED || b->quota_us <= old->quota_us;

    quota_first = quota_first && old->quota_us != LIMIT_NUMBER_UNLIMITED;
    bandwidth_open_inner(p, b);
    if (write_period && !quota_first)
        bandwidth_add_period(p, b, has_quota ? NULL : TAKE_PTR(b->reason));
    if (has_quota)
        planner_add(p, b->id,
                    (struct planner_write){ PLAN_GROUP, PLAN_CHECK_NUMBER,
                                            limit_info(LIMIT_CPU_QUOTA)->v1_file },
                    quota_text(b->quota_us, "-1"), TAKE_PTR(b->reason));
    if (write_period && quota_first)
        bandwidth_add_period(p, b, TAKE_PTR(b->reason));
    if (!has_quota)
        bandwidth_close_inner(p, b);
}

static void bandwidth_add_v2(struct planner *p, struct bandwidth *b)
{
    _cleanup_free_ char *quota = quota_text(b->quota_us, "max");
    char *text = quota ? text_format("%s %llu", quota, (unsigned long long)b->period_us) : NULL;
    struct plan_step *step =
        planner_add(p, b->id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_EXACT, NULL }, text,
                    TAKE_PTR(b->reason));

    if (planner_wants(p, LIMIT_CPU_PERIOD))
        add_serves(step, LIMIT_BIT(LIMIT_CPU_PERIOD));
}

static void bandwidth_in_force(struct planner *p, const struct bandwidth *b)
{
    static const enum limit_id quota_table[] = { LIMIT_CPUS, LIMIT_CPU, LIMIT_CPU_QUOTA };
    uint64_t number = b->quota_us;

    if (planner_wants(p, LIMIT_CPU_PERIOD))
        planner_in_force(p, LIMIT_CPU_PERIOD, b->period_us);
    else if (limit_is_set(&p->plan->in_force, LIMIT_CPU_PERIOD))
        p->plan->in_force.value[LIMIT_CPU_PERIOD].number = b->period_us;
    if (b->id == LIMIT_CPU_PERIOD)
        return;
    /* An update may ask by another name than the start did. */
    for (size_t i = 0; i < ARRAY_SIZE(quota_table); i++)
        limit_value_done(&p->plan->in_force.value[quota_table[i]]);
    if (b->id != LIMIT_CPU_QUOTA && number != LIMIT_NUMBER_UNLIMITED)
        number = (uint64_t)((unsigned __int128)number * MILLIONTHS / b->period_us);
    planner_in_force(p, b->id, number);
}

static int bandwidth_plan(struct planner *p, struct bandwidth *b)
{
    struct bandwidth old = { .quota_us = LIMIT_NUMBER_UNLIMITED, .period_us = PERIOD_DEFAULT_US };
    int r = bandwidth_find(p, p->set, p->options->current, b);

    if (r == 0)
        r = bandwidth_check_machine(p, b);
    if (r < 0)
        return r;
    if (p->options->current) {
        r = bandwidth_find(p, p->options->current, NULL, &old);
        free(old.reason);
        if (r < 0)
            return r;
    }
    if (b->quota_us < QUOTA_MIN_US)
        return planner_usage(p, b->id, "is below the kernel's minimum of %u us", QUOTA_MIN_US);
    const struct limit_value *burst = planner_current(p, LIMIT_CPU_BURST);
    if (burst && !planner_wants(p, LIMIT_CPU_BURST) && b->quota_us < burst->number)
        return planner_usage(p, b->id,
                             "is a quota of %llu us, below the burst of %llu us now in force; give "
                             "--cpu-burst with it",
                             (unsigned long long)b->quota_us, (unsigned long long)burst->number);
    bandwidth_in_force(p, b);
    if (planner_version(p, b->id) == 2)
        bandwidth_add_v2(p, b);
    else
        bandwidth_add_v1(p, b, &old);
    return 0;
}

int plan_cpu_bandwidth(struct planner *p, enum limit_id id)
{
    struct bandwidth b = { 0 };
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    /* The saved-up time may never exceed the quota: lowered first, raised after. */
    const struct limit_value *burst = planner_current(p, LIMIT_CPU_BURST);
    if (burst && planner_wants(p, LIMIT_CPU_BURST) &&
        planner_value(p, LIMIT_CPU_BURST)->number < burst->number) {
        r = plan_cpu_burst(p, LIMIT_CPU_BURST);
        if (r < 0)
            return r;
        p->done |= LIMIT_BIT(LIMIT_CPU_BURST);
    }
    r = bandwidth_plan(p, &b);
    free(b.reason);
    p->done |= LIMIT_BIT(LIMIT_CPUS) | LIMIT_BIT(LIMIT_CPU) | LIMIT_BIT(LIMIT_CPU_PERIOD) |
               LIMIT_BIT(LIMIT_CPU_QUOTA);
    return r;
}

int plan_cpu_burst(struct planner *p, enum limit_id id)
{
    struct bandwidth b;
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    r = bandwidth_find(p, p->set, p->options->current, &b);
    free(b.reason);
    if (r < 0)
        return r;
    uint64_t burst_us = planner_value(p, id)->number;
    if (b.quota_us != LIMIT_NUMBER_UNLIMITED && burst_us > b.quota_us)
        return planner_usage(p, id, "is more than the quota of %llu us that it is saved from",
                             (unsigned long long)b.quota_us);
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_NUMBER, NULL },
                planner_number_text(p, id, burst_us),
                b.quota_us == LIMIT_NUMBER_UNLIMITED
                    ? strdup("without a CPU quota there is nothing to save from")
                    : NULL);
    planner_in_force(p, id, burst_us);
    return 0;
}

/* ---- shares and weight ------------------------------------------------------------------------- */

static const char *map_name(const struct planner *p)
{
    return p->options->weight_map == WEIGHT_MAP_LINEAR ? "linear" : "oci";
}

/* An idle group has no share: the kernel refuses to set one. */
static int check_not_idle(struct planner *p, enum limit_id id)
{
    const struct limit_value *current = planner_current(p, LIMIT_CPU_IDLE);
    bool is_idle = planner_wants(p, LIMIT_CPU_IDLE) ? planner_value(p, LIMIT_CPU_IDLE)->number != 0
                                                    : current && current->number != 0;

    if (is_idle)
        return planner_usage(p, id,
                             "contradicts --cpu-idle: an idle group has no share of its own");
    return 0;
}

static int plan_share(struct planner *p, enum limit_id id, uint64_t number, char *reason)
{
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_NUMBER, NULL },
                planner_number_text(p, id, number), reason);
    planner_in_force(p, id, planner_value(p, id)->number);
    /* The file holds one of the two, whatever was asked before. */
    enum limit_id other = id == LIMIT_CPU_SHARES ? LIMIT_CPU_WEIGHT : LIMIT_CPU_SHARES;
    limit_value_done(&p->plan->in_force.value[other]);
    return 0;
}

/* planner_place() for a share, which a group that only gets idle time has none of. */
static int share_place(struct planner *p, enum limit_id id)
{
    int r = planner_place(p, id);

    return r > 0 && check_not_idle(p, id) < 0 ? -EINVAL : r;
}

int plan_cpu_shares(struct planner *p, enum limit_id id)
{
    uint64_t shares = planner_value(p, id)->number, weight;
    int r = share_place(p, id);

    if (r <= 0)
        return r;
    if (planner_version(p, id) == 1)
        return plan_share(p, id, shares, NULL);
    weight = weight_from_shares(shares, p->options->weight_map);
    return plan_share(p, id, weight,
                      text_format("%llu shares are a weight of %llu by --weight-map %s",
                                  (unsigned long long)shares, (unsigned long long)weight,
                                  map_name(p)));
}

int plan_cpu_weight(struct planner *p, enum limit_id id)
{
    uint64_t weight = planner_value(p, id)->number, shares;
    int r = share_place(p, id);

    if (r <= 0)
        return r;
    if (planner_version(p, id) == 2)
        return plan_share(p, id, weight, NULL);
    shares = weight_to_shares(weight, p->options->weight_map);
    return plan_share(p, id, shares,
                      text_format("a weight of %llu is %llu shares by --weight-map %s",
                                  (unsigned long long)weight, (unsigned long long)shares,
                                  map_name(p)));
}

/* ---- real-time budgets ------------------------------------------------------------------------- */

#define RT_PERIOD_DEFAULT_US 1000000

static uint64_t rt_number(const struct limit_set *set, enum limit_id id, uint64_t otherwise)
{
    return set && limit_is_set(set, id) ? set->value[id].number : otherwise;
}

/*
 * Each v1 level needs a budget of its own within its parent's: given from above, taken from below. The
 * period comes before the runtime, which is 0 on a fresh group.
 */
int plan_cpu_rt(struct planner *p, enum limit_id id)
{
    static const enum limit_id rt_table[] = { LIMIT_CPU_RT_PERIOD, LIMIT_CPU_RT_RUNTIME };
    const struct limit_set *current = p->options->current;
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    uint64_t old_runtime = rt_number(current, LIMIT_CPU_RT_RUNTIME, 0);
    uint64_t runtime = rt_number(p->set, LIMIT_CPU_RT_RUNTIME, old_runtime);
    uint64_t period = rt_number(p->set, LIMIT_CPU_RT_PERIOD,
                                rt_number(current, LIMIT_CPU_RT_PERIOD, RT_PERIOD_DEFAULT_US));
    if (runtime > period)
        return planner_usage(p, id, "leaves a real-time budget of %llu us in a period of %llu us",
                             (unsigned long long)runtime, (unsigned long long)period);
    bool inner_first = runtime < old_runtime;
    for (size_t level = 0; level < 2; level++) {
        enum plan_target target = (level == 0) == inner_first ? PLAN_INNER : PLAN_GROUP;
        for (size_t i = 0; i < ARRAY_SIZE(rt_table); i++) {
            enum limit_id row = rt_table[i];
            if (!planner_wants(p, row))
                continue;
            planner_add(p, row, (struct planner_write){ target, PLAN_CHECK_NUMBER, NULL },
                        planner_number_text(p, row, planner_value(p, row)->number),
                        target == PLAN_INNER ? strdup("each v1 level needs a budget of its own")
                                             : NULL);
            planner_in_force(p, row, planner_value(p, row)->number);
        }
    }
    p->done |= LIMIT_BIT(LIMIT_CPU_RT_PERIOD) | LIMIT_BIT(LIMIT_CPU_RT_RUNTIME);
    return 0;
}
