/* ration start: containers that do not run. */
#include "cli/verb.h"

static int command_start(const struct command *command, char *const *argv);

#define GROUP "Starting"

static const struct ration_option start_options[] = {
    { "attach", 'a', NULL, NULL, "show its output and wait for its end; the exit status is its own",
      GROUP, RATION_OPTION_FLAG },
    { "interactive", 'i', NULL, NULL, "pass stdin on, too", GROUP, RATION_OPTION_FLAG },
};

const struct command start_command = {
    .name = "start",
    .args = "CONTAINER...",
    .summary = "start containers that were created, or have ended",
    .description = "Starts each container with a monitor of its own, which survives this terminal, "
                   "and prints its name when its COMMAND has begun. One that runs already is left "
                   "alone.",
    .options = start_options,
    .n_options = ARRAY_SIZE(start_options),
    .run = command_start,
};

static int start_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    int r = ration_container_start(verb->ration, who, NULL, NULL, error);

    return r < 0 ? r : verb_say(who, error);
}

/* Attached: this process is its monitor for as long. */
static int start_attached(const struct verb *verb)
{
    const int stdio[3] = { verb_flag(verb, "interactive") ? 0 : -1, 1, 2 };
    struct ration_result *result = NULL;
    struct ration_error error = { 0 };

    if (verb->operands[1]) {
        cli_usage(&error, "start --attach takes one CONTAINER, not \"%.64s\" too",
                  verb->operands[1]);
        return cli_report(&error);
    }
    if (ration_container_run_foreground(verb->ration, verb->operands[0], stdio, &result, &error) <
        0)
        return cli_report(&error);
    int status = ration_result_program_status(result);
    const char *failed = ration_result_error(result);
    if (failed)
        cli_say(failed);
    ration_result_free(result);
    return status;
}

static int command_start(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    if (verb_read(command, argv, 1, 0, &verb, &status) != 0)
        return status;
    if (verb_flag(&verb, "attach") || verb_flag(&verb, "interactive"))
        return start_attached(&verb);
    return verb_each(&verb, start_one);
}
