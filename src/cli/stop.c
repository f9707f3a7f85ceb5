/* ration stop and restart: containers end as they like to, or after a while all the same. */
#include "cli/verb.h"

static int command_stop(const struct command *command, char *const *argv);
static int command_restart(const struct command *command, char *const *argv);

static const struct ration_option stop_options[] = {
    { "time", 't', "timeout", "SECONDS",
      "from the stop signal to SIGKILL (the container's --stop-timeout: 10)", "Stopping",
      RATION_OPTION_VALUE },
};

const struct command stop_command = {
    .name = "stop",
    .args = "CONTAINER...",
    .summary = "ask containers to end; kill them if they do not",
    .description = "Sends the container's stop signal, and SIGKILL when it is still there after "
                   "the time. Returns when it has ended; its restart policy does not start it "
                   "again. One that does not run is left alone.",
    .options = stop_options,
    .n_options = ARRAY_SIZE(stop_options),
    .run = command_stop,
};

const struct command restart_command = {
    .name = "restart",
    .args = "CONTAINER...",
    .summary = "stop containers, and start them again",
    .options = stop_options,
    .n_options = ARRAY_SIZE(stop_options),
    .run = command_restart,
};

static int stop(const struct verb *verb, const char *who, struct ration_error *error)
{
    const char *time = verb_value(verb, "time");
    uint64_t timeout_us = UINT64_MAX;
    int r = time ? verb_duration("time", time, &timeout_us, error) : 0;

    return r < 0 ? r : ration_container_stop(verb->ration, who, timeout_us, error);
}

static int stop_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = stop(verb, who, error);

    return r < 0 ? r : verb_say(who, error);
}

static int restart_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = stop(verb, who, error);

    if (r >= 0)
        r = ration_container_start(verb->ration, who, NULL, NULL, error);
    return r < 0 ? r : verb_say(who, error);
}

static int command_stop(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, stop_one);
}

static int command_restart(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, restart_one);
}
