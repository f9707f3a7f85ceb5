/* ration pause: freeze containers. */
#include "cli/verb.h"

static int command_pause(const struct command *command, char *const *argv);

const struct command pause_command = {
    .name = "pause",
    .args = "CONTAINER...",
    .summary = "stop all processes of containers for a while",
    .run = command_pause,
};

static int pause_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = ration_container_pause(verb->ration, who, 1, error);

    return r < 0 ? r : verb_say(who, error);
}

static int command_pause(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, pause_one);
}
