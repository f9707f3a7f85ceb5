/* ration-oci events: figures of a container, and when it was short of memory, one JSON line each. */
#include <errno.h>

#include "ocicli/ocicli.h"

static int command_events(struct session *session, const void *values, char *const *operands,
                          struct err *err);

#define INTERVAL_DEFAULT_US 5000000u

struct events_values {
    bool stats;
    uint64_t interval_us;
};

static const struct cli_option events_options[] = {
    { "stats", 0, CLI_FLAG, offsetof(struct events_values, stats), NULL,
      "print the figures once and end", NULL },
    { "interval", 0, CLI_DURATION, offsetof(struct events_values, interval_us), "TIME",
      "how often figures are printed (default: 5s)", NULL },
};

const struct command events_command = {
    .name = "events",
    .args = "ID",
    .summary = "print figures and out-of-memory events of a container as JSON lines",
    .options = events_options,
    .n_options = ARRAY_SIZE(events_options),
    .values_size = sizeof(struct events_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_events,
};

struct events {
    const char *id;
    struct err *err;
};

static int print_stats(const char *id, const struct sample *sample, struct err *err)
{
    _cleanup_buf_ struct buf line = BUF_INIT;

    oci_write_stats(id, sample, &line);
    buf_putc(&line, '\n');
    return cli_print(&line, err);
}

static int print_event(void *data, const struct sample *sample, bool oom)
{
    const struct events *events = data;
    _cleanup_buf_ struct buf line = BUF_INIT;

    if (!oom)
        return print_stats(events->id, sample, events->err);
    oci_write_oom(events->id, &line);
    buf_putc(&line, '\n');
    return cli_print(&line, events->err);
}

static int command_events(struct session *session, const void *values, char *const *operands,
                          struct err *err)
{
    const struct events_values *values_of = values;
    struct events events = { operands[0], err };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    if (r < 0)
        return r;
    if (!values_of->stats)
        return container_watch(engine, operands[0],
                               values_of->interval_us ? values_of->interval_us
                                                      : INTERVAL_DEFAULT_US,
                               print_event, &events, err);
    struct sample *sample = calloc(1, sizeof(*sample));
    if (!sample)
        return err_nomem(err);
    r = container_sample(engine, operands[0], sample, err);
    if (r == 0)
        r = print_stats(operands[0], sample, err);
    free(sample);
    return r;
}
