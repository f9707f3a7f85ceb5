/* ration wait: until containers have ended. */
#include "cli/verb.h"

static int command_wait(const struct command *command, char *const *argv);

const struct command wait_command = {
    .name = "wait",
    .args = "CONTAINER...",
    .summary = "wait until containers have ended, and print their exit statuses",
    .description = "Waits for each container to end and not be restarted, and prints its exit "
                   "status: COMMAND's own, or 128+N when signal N ended it.",
    .run = command_wait,
};

static int wait_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    char text[16];
    int ended;
    int r = ration_container_wait(verb->ration, who, &ended, error);

    snprintf(text, sizeof(text), "%d", ended);
    return r < 0 ? r : verb_say(text, error);
}

static int command_wait(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status
                                                               : verb_each(&verb, wait_one);
}
