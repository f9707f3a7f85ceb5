/* When and where the process runs: scheduler, I/O priority, CPUs. */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

/* sched(7) and sched_setattr(2); libc's headers have not all of them */
enum { POLICY_OTHER = 0, POLICY_FIFO, POLICY_RR, POLICY_BATCH, POLICY_IDLE = 5, POLICY_DEADLINE };

/* ---- scheduler ------------------------------------------------------------------------------------------- */

/* SCHED_ISO stands in the specification, but no kernel has it. */
static int read_policy(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct word table[] = {
        { "SCHED_OTHER", POLICY_OTHER }, { "SCHED_FIFO", POLICY_FIFO },
        { "SCHED_RR", POLICY_RR },       { "SCHED_BATCH", POLICY_BATCH },
        { "SCHED_IDLE", POLICY_IDLE },   { "SCHED_DEADLINE", POLICY_DEADLINE },
    };
    struct spec_scheduler *scheduler = target;
    uint64_t policy = 0;
    int result = WORD_READ(r, value, path, "a policy that Linux has", table, &policy);

    scheduler->policy = (uint32_t)policy;
    return result;
}

static int read_schedule_flag(struct reading *r, const json_t *value, const char *path,
                              void *target)
{
    /* include/uapi/linux/sched.h */
    static const struct word table[] = {
        { "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
        { "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
        { "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
        { "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
    };
    struct spec_scheduler *scheduler = target;
    uint64_t flag = 0;
    int result = WORD_READ(r, value, path, "a flag of sched_setattr(2)", table, &flag);

    scheduler->flags |= flag;
    return result;
}

static int read_schedule_flags(struct reading *r, const json_t *value, const char *path,
                               void *target)
{
    return texts_read(r, value, path, read_schedule_flag, target);
}

/* Which members a policy uses; the others must be left out rather than be ignored. */
static int check_scheduler(struct reading *r, const struct spec_scheduler *s, const char *path)
{
    bool fixed = s->policy == POLICY_FIFO || s->policy == POLICY_RR;
    bool deadline = s->policy == POLICY_DEADLINE;
    bool times = s->runtime_ns || s->deadline_ns || s->period_ns;

    if (fixed && s->priority == 0)
        return err_usage(r->err, "%s.priority must be from 1 to 99 with this policy, not 0", path);
    if (!fixed && s->priority != 0)
        return err_usage(r->err, "%s.priority is for SCHED_FIFO and SCHED_RR, and is %u", path,
                         s->priority);
    if ((fixed || deadline) && s->nice != 0)
        return err_usage(r->err, "%s.nice is for SCHED_OTHER and SCHED_BATCH, and is %d", path,
                         s->nice);
    if (!deadline && times)
        return err_usage(r->err, "%s: runtime, deadline and period are for SCHED_DEADLINE", path);
    if (deadline && (s->runtime_ns == 0 || s->runtime_ns > s->deadline_ns ||
                     (s->period_ns != 0 && s->deadline_ns > s->period_ns)))
        return err_usage(r->err,
                         "%s: runtime %llu, deadline %llu and period %llu do not fit: 0 < runtime "
                         "<= deadline <= period",
                         path, (unsigned long long)s->runtime_ns,
                         (unsigned long long)s->deadline_ns, (unsigned long long)s->period_ns);
    return 0;
}

int read_scheduler(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "policy", FIELD_TEXT, .required = true, .read = read_policy },
        { "nice", FIELD_NUMBER, FIELD_AT(struct spec_scheduler, nice), .min = -20, .max = 19 },
        { "priority", FIELD_NUMBER, FIELD_AT(struct spec_scheduler, priority), .max = 99 },
        { "flags", FIELD_ARRAY, .read = read_schedule_flags },
        { "runtime", FIELD_NUMBER, FIELD_AT(struct spec_scheduler, runtime_ns), .max = INT64_MAX },
        { "deadline", FIELD_NUMBER, FIELD_AT(struct spec_scheduler, deadline_ns),
          .max = INT64_MAX },
        { "period", FIELD_NUMBER, FIELD_AT(struct spec_scheduler, period_ns), .max = INT64_MAX },
    };
    struct spec_scheduler *scheduler = &((struct spec *)target)->scheduler;

    *scheduler = (struct spec_scheduler){ .set = true };
    int result = FIELDS_READ(r, value, path, table, scheduler);
    return result < 0 ? result : check_scheduler(r, scheduler, path);
}

/* ---- I/O priority ------------------------------------------------------------------------------------------- */

static int read_io_class(struct reading *r, const json_t *value, const char *path, void *target)
{
    /* ioprio_set(2) */
    static const struct word table[] = {
        { "IOPRIO_CLASS_RT", 1 },
        { "IOPRIO_CLASS_BE", 2 },
        { "IOPRIO_CLASS_IDLE", 3 },
    };
    uint64_t number = 0;
    int result = WORD_READ(r, value, path, "a class of ioprio_set(2)", table, &number);

    ((struct spec *)target)->io_class = (int)number;
    return result;
}

int read_io_priority(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "class", FIELD_TEXT, .required = true, .read = read_io_class },
        { "priority", FIELD_NUMBER, .required = true, FIELD_AT(struct spec, io_priority),
          .max = 7 },
    };

    ((struct spec *)target)->io_priority_set = true;
    return FIELDS_READ(r, value, path, table, target);
}

/* ---- CPUs ------------------------------------------------------------------------------------------------------ */

static int check_list(struct reading *r, const char *list, const char *path, const char *key)
{
    struct list_mask mask;
    int result = list ? list_parse(list, &mask) : 0;

    if (result == 0 && (!list || list_count(&mask) > 0))
        return 0;
    return err_usage(r->err, "%s.%s must be a list of CPUs such as 0-3,7, not %s", path, key,
                     json_show_text(list).text);
}

int read_cpu_affinity(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "initial", FIELD_TEXT, FIELD_AT(struct spec, cpu_affinity_initial) },
        { "final", FIELD_TEXT, FIELD_AT(struct spec, cpu_affinity_final) },
    };
    struct spec *spec = target;
    int result = FIELDS_READ(r, value, path, table, target);

    if (result == 0)
        result = check_list(r, spec->cpu_affinity_initial, path, "initial");
    return result < 0 ? result : check_list(r, spec->cpu_affinity_final, path, "final");
}
