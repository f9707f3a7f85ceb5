/* The result of a run. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "metric/metric.h"

struct result *result_new(void)
{
    struct result *result = calloc(1, sizeof(*result));

    if (result)
        result->verdict.limit = LIMIT_NONE;
    return result;
}

static void limit_report_done(struct limit_report *report)
{
    free(report->asked);
    free(report->in_force);
    free(report->file);
    free(report->note);
}

void result_free(struct result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < result->n_limits; i++)
        limit_report_done(&result->limits[i]);
    free(result->limits);
    free(result->name);
    strv_free(result->argv);
    strv_free(result->notes);
    free(result);
}

void result_freep(struct result **result)
{
    result_free(*result);
}

int result_add_limit(struct result *result, enum limit_id limit, const char *asked,
                     const char *in_force, const char *file, const char *note)
{
    struct limit_report report = { .limit = limit };
    struct limit_report *grown;

    if (text_replace(&report.asked, asked) < 0 || text_replace(&report.in_force, in_force) < 0 ||
        text_replace(&report.file, file) < 0 || text_replace(&report.note, note) < 0)
        goto nomem;
    grown = reallocarray(result->limits, result->n_limits + 1, sizeof(*grown));
    if (!grown)
        goto nomem;
    result->limits = grown;
    result->limits[result->n_limits++] = report;
    return 0;

nomem:
    limit_report_done(&report);
    return -ENOMEM;
}

void result_set_end(struct result *result, const struct observation *observation)
{
    result->exited = observation->started && observation->exited;
    result->exit_status = result->exited ? observation->status : 0;
    result->signal = observation->started && !observation->exited ? observation->status : 0;
    /* Stopped while it was being made: it ends as if the signal had reached it. */
    if (!observation->started && observation->stopped == STOP_USER)
        result->signal = observation->stop_signal;
    result->core_dumped = observation->started && observation->core_dumped;
    if (!observation->started && result->error.code == 0)
        result->error = observation->start_error;
    if (observation->final)
        result->final = *observation->final;
    verdict_decide(observation, &result->verdict);
    result->program_status = result_program_status(result);
}

int result_program_status(const struct result *result)
{
    if (result->error.code != 0)
        return err_exit_status(&result->error);
    if (result->verdict.cause == CAUSE_WALL_TIME || result->verdict.cause == CAUSE_CPU_TIME)
        return 124;
    if (result->verdict.cause == CAUSE_FAILED_TO_START)
        return 125;
    /* What had said all it would in the moment that it was to be killed for it has not got away. */
    if (result->verdict.cause == CAUSE_OUTPUT && !result->signal)
        return 128 + SIGKILL;
    return result->signal ? 128 + result->signal : result->exit_status;
}
