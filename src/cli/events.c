/* ration events: what has happened to containers, and what happens. */
#include <time.h>

#include "cli/verb.h"

static int command_events(const struct command *command, char *const *argv);

#define GROUP "Which events"

static const struct ration_option events_options[] = {
    { "follow", 'f', NULL, NULL, "and those to come, until interrupted or --until", GROUP,
      RATION_OPTION_FLAG },
    { "since", 0, NULL, "TIME", "from then on: a time, seconds since 1970, or 10m ago", GROUP,
      RATION_OPTION_VALUE },
    { "until", 0, NULL, "TIME", "up to then", GROUP, RATION_OPTION_VALUE },
    { "filter", 0, NULL, "KEY=VALUE", "container, event, image, label or type", GROUP,
      RATION_OPTION_MANY },
    { "format", 0, NULL, "json", "one JSON object a line, as docker's events", GROUP,
      RATION_OPTION_VALUE },
};

const struct command events_command = {
    .name = "events",
    .args = "",
    .summary = "show what has happened to containers",
    .options = events_options,
    .n_options = ARRAY_SIZE(events_options),
    .run = command_events,
};

struct printer {
    bool json;
    struct ration_error *error;
};

static int print_event(void *data, const struct ration_event *event)
{
    const struct printer *printer = data;
    time_t seconds = (time_t)(event->time_ns / 1000000000u);
    char time[32], text[4096];
    struct tm tm;

    if (printer->json)
        return verb_say(event->json, printer->error);
    gmtime_r(&seconds, &tm);
    strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%09uZ %s %s %s (%s)", time,
             (unsigned)(event->time_ns % 1000000000u), event->type, event->action, event->id,
             event->attributes);
    return verb_say(text, printer->error);
}

static int command_events(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_event_options options = { 0 };
    struct ration_error error = { 0 };
    int status, r = 0;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    const char *since = verb_value(&verb, "since"), *until = verb_value(&verb, "until");
    struct printer printer = { verb_flag(&verb, "format"), &error };
    if (*verb.operands)
        r = cli_usage(&error, "events takes no argument, unlike \"%.64s\"", *verb.operands);
    if (r >= 0 && since)
        r = verb_time("since", since, &options.since_us, &error);
    if (r >= 0 && until)
        r = verb_time("until", until, &options.until_us, &error);
    options.follow = verb_flag(&verb, "follow");
    options.filters = verb_many(&verb);
    if (r >= 0)
        r = ration_events(verb.ration, &options, print_event, &printer, &error);
    return r < 0 ? cli_report(&error) : 0;
}
