/* ration rename: another name for a container. */
#include "cli/verb.h"

static int command_rename(const struct command *command, char *const *argv);

const struct command rename_command = {
    .name = "rename",
    .args = "CONTAINER NAME",
    .summary = "give a container another name",
    .run = command_rename,
};

static int command_rename(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    int status;

    if (verb_read(command, argv, 2, 2, &verb, &status) != 0)
        return status;
    return ration_container_rename(verb.ration, verb.operands[0], verb.operands[1], &error) < 0
               ? cli_report(&error)
               : 0;
}
