/* ration kill: a signal for containers. */
#include "cli/verb.h"

static int command_kill(const struct command *command, char *const *argv);

static const struct ration_option kill_options[] = {
    { "signal", 's', NULL, "SIGNAL", "by name or number (KILL)", "Killing", RATION_OPTION_VALUE },
};

const struct command kill_command = {
    .name = "kill",
    .args = "CONTAINER...",
    .summary = "send a signal to the command of containers",
    .options = kill_options,
    .n_options = ARRAY_SIZE(kill_options),
    .run = command_kill,
};

static int kill_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = ration_container_signal(verb->ration, who, verb_value(verb, "signal"), error);

    return r < 0 ? r : verb_say(who, error);
}

static int command_kill(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, kill_one);
}
