/* A plan's limits as properties of a unit. Source: org.freedesktop.systemd1(5), systemd.resource-control(5). */
#include <errno.h>
#include <string.h>

#include "systemd/systemd.h"

#define NUMBER_MAX_TEXT "18446744073709551615" /* systemd's infinity */
#define USEC_PER_SEC    1000000u
#define PERCENT_US      10000u /* of a second */
#define PERIOD_US       100000u

/* A number that a file of ours and a property have in common; "max" and -1 are none. */
static void put_number(const char *name, const char *text, unsigned since, struct buf *ret)
{
    bool unlimited = strcmp(text, "max") == 0 || *text == '-';

    buf_printf(ret, "property %s t 1 %u\n%s\n", name, since, unlimited ? NUMBER_MAX_TEXT : text);
}

/* A list of CPUs or nodes: one bit each, lowest byte first. */
static void put_mask(const char *name, const char *text, unsigned since, struct buf *ret)
{
    struct list_mask *mask = calloc(1, sizeof(*mask));
    size_t n = 0;

    if (!mask) {
        ret->failed = true;
        return;
    }
    if (list_parse(text, mask) == 0) {
        for (size_t i = 0; i < LIST_MAX; i++) {
            if (mask->bits[i / 64] >> (i % 64) & 1)
                n = i / 8 + 1;
        }
        buf_printf(ret, "property %s ay %zu %u\n", name, n, since);
        for (size_t i = 0; i < n; i++)
            buf_printf(ret, "%u\n", (unsigned)(mask->bits[i / 8] >> (i % 8 * 8) & 0xff));
    }
    free(mask);
}

static void put_bandwidth(const char *quota, uint64_t period_us, struct buf *ret)
{
    uint64_t quota_us, per_sec_us = UINT64_MAX;

    if (number_parse(quota, UINT64_MAX / USEC_PER_SEC, &quota_us) == 0 && period_us > 0) {
        /* Rounded up: a reload must not tighten what our group allows. */
        per_sec_us = (quota_us * USEC_PER_SEC + period_us - 1) / period_us;
        per_sec_us = (per_sec_us + PERCENT_US - 1) / PERCENT_US * PERCENT_US;
    }
    buf_printf(ret, "property CPUQuotaPerSecUSec t 1 0\n%llu\n", (unsigned long long)per_sec_us);
    buf_printf(ret, "property CPUQuotaPeriodUSec t 1 242\n%llu\n", (unsigned long long)period_us);
}

static const struct plan_step *find_step(const struct plan *plan, const char *file)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].target == PLAN_GROUP && strcmp(plan->steps[i].file, file) == 0)
            return &plan->steps[i];
    }
    return NULL;
}

/* "QUOTA PERIOD" or, the older way, two files, of which a plan may write but one. */
static void put_cpu(const struct plan *plan, struct buf *ret)
{
    const struct limit_value *period = &plan->in_force.value[LIMIT_CPU_PERIOD];
    const struct plan_step *max = find_step(plan, "cpu.max");
    const struct plan_step *quota = find_step(plan, "cpu.cfs_quota_us");
    const struct plan_step *step = find_step(plan, "cpu.cfs_period_us");
    uint64_t period_us = period->state == LIMIT_SET ? period->number : PERIOD_US;
    char digits[24];

    if (max) {
        size_t len = strcspn(max->text, " ");
        snprintf(digits, sizeof(digits), "%.*s", (int)len, max->text);
        if (max->text[len] == ' ')
            number_parse(max->text + len + 1, UINT64_MAX, &period_us);
        put_bandwidth(digits, period_us, ret);
    } else if (quota) {
        if (step)
            number_parse(step->text, UINT64_MAX, &period_us);
        put_bandwidth(quota->text, period_us, ret);
    }
}

static const struct {
    const char *file, *property;
    void (*put)(const char *name, const char *text, unsigned since, struct buf *ret);
    unsigned since;
} property_table[] = {
    { "memory.max", "MemoryMax", put_number, 231 },
    { "memory.swap.max", "MemorySwapMax", put_number, 232 },
    { "memory.high", "MemoryHigh", put_number, 231 },
    { "memory.low", "MemoryLow", put_number, 231 },
    { "memory.min", "MemoryMin", put_number, 240 },
    { "memory.limit_in_bytes", "MemoryLimit", put_number, 0 },
    { "cpu.weight", "CPUWeight", put_number, 232 },
    { "cpu.shares", "CPUShares", put_number, 0 },
    { "pids.max", "TasksMax", put_number, 227 },
    { "cpuset.cpus", "AllowedCPUs", put_mask, 244 },
    { "cpuset.mems", "AllowedMemoryNodes", put_mask, 244 },
    { "blkio.weight", "BlockIOWeight", put_number, 0 },
};

int properties_from_plan(const struct plan *plan, struct buf *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(property_table); i++) {
        const struct plan_step *step = find_step(plan, property_table[i].file);
        bool is_list = property_table[i].put == put_mask;
        /* Of the older cpusets systemd knows nothing. */
        if (step && !(is_list && step->version != 2))
            property_table[i].put(property_table[i].property, step->text, property_table[i].since,
                                  ret);
    }
    put_cpu(plan, ret);
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

int properties_before_plan(const struct plan *plan, struct buf *ret, struct err *err)
{
    if (find_step(plan, "cpu.cfs_quota_us"))
        buf_puts(ret, "property CPUQuotaPerSecUSec t 1 0\n" NUMBER_MAX_TEXT "\n");
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}
