/* ration unpause: the opposite of pause. */
#include "cli/verb.h"

static int command_unpause(const struct command *command, char *const *argv);

const struct command unpause_command = {
    .name = "unpause",
    .args = "CONTAINER...",
    .summary = "let paused containers go on",
    .run = command_unpause,
};

static int unpause_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = ration_container_pause(verb->ration, who, 0, error);

    return r < 0 ? r : verb_say(who, error);
}

static int command_unpause(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, unpause_one);
}
