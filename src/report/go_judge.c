/* The result as go-judge answers POST /run: an array of results, here of one. */
#include "report/print.h"

/* By the end of COMMAND alone. */
static const char *end_status(const struct result *result)
{
    if (result->signal)
        return "Signalled";
    return result->exit_status ? "Nonzero Exit Status" : "Accepted";
}

/* Memory that ran out somewhere else is no fault of the program: the judge must run it again. */
static const char *memory_status(const struct result *result)
{
    return result->verdict.whose == WHOSE_OWN ? "Memory Limit Exceeded" : "Internal Error";
}

static const char *rlimit_status(const struct result *result)
{
    switch (result->verdict.limit) {
    case LIMIT_RLIMIT_CPU:
    case LIMIT_RLIMIT_RTTIME:
        return "Time Limit Exceeded";
    case LIMIT_RLIMIT_FSIZE:
        return "Output Limit Exceeded";
    default:
        return end_status(result);
    }
}

static const char *status(const struct result *result)
{
    switch (result->verdict.cause) {
    case CAUSE_MEMORY:
        return memory_status(result);
    case CAUSE_WALL_TIME:
    case CAUSE_CPU_TIME:
        return "Time Limit Exceeded";
    case CAUSE_OUTPUT:
        return "Output Limit Exceeded";
    case CAUSE_SECCOMP:
        return "Dangerous Syscall";
    case CAUSE_FAILED_TO_START:
        return "Internal Error";
    case CAUSE_RLIMIT:
        return rlimit_status(result);
    default:
        return end_status(result);
    }
}

/* The first of two figures that is known, times scale; 0 when neither is. */
static json_t *figure(const struct sample *sample, enum metric_id first, enum metric_id second,
                      uint64_t scale)
{
    uint64_t value = 0;

    if (!sample_get(sample, first, &value) && second != METRIC_NONE)
        sample_get(sample, second, &value);
    return json_from_u64(value * scale);
}

static json_t *cpu_ns(const struct sample *sample)
{
    uint64_t user = 0, system = 0;

    if (sample->value[METRIC_CPU_TOTAL_US].known)
        return figure(sample, METRIC_CPU_TOTAL_US, METRIC_NONE, 1000);
    sample_get(sample, METRIC_RUSAGE_USER_US, &user);
    sample_get(sample, METRIC_RUSAGE_SYSTEM_US, &system);
    return json_from_u64((user + system) * 1000);
}

static json_t *one_result(const struct result *result, bool *failed)
{
    const struct sample *sample = &result->final;
    bool plain = result->verdict.cause == CAUSE_EXITED || result->verdict.cause == CAUSE_SIGNALLED;
    json_t *object = json_object();
    int bad = 0;

    bad |= json_object_set_new(object, "status", json_string(status(result)));
    bad |= json_object_set_new(object, "exitStatus",
                               json_integer(result->signal ? result->signal : result->exit_status));
    if (!plain)
        bad |= json_object_set_new(object, "error", json_from_text(result->verdict.text));
    bad |= json_object_set_new(object, "time", cpu_ns(sample));
    bad |= json_object_set_new(object, "memory",
                               figure(sample, METRIC_MEMORY_PEAK_BYTES, METRIC_MAX_RSS_BYTES, 1));
    bad |=
        json_object_set_new(object, "runTime", figure(sample, METRIC_WALL_US, METRIC_NONE, 1000));
    if (sample->value[METRIC_PIDS_PEAK].known)
        bad |= json_object_set_new(object, "procPeak",
                                   figure(sample, METRIC_PIDS_PEAK, METRIC_NONE, 1));
    if (bad)
        *failed = true;
    return object;
}

int go_judge_print(const struct result *result, struct buf *ret, struct err *err)
{
    bool failed = false;
    json_t *results = json_array();

    if (json_array_append_new(results, one_result(result, &failed)) < 0)
        failed = true;
    return json_finish(results, failed, ret, err);
}
