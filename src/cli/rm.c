/* ration rm: containers go, with all that is in them. */
#include "cli/verb.h"

static int command_rm(const struct command *command, char *const *argv);

static const struct ration_option rm_options[] = {
    { "force", 'f', NULL, NULL, "kill one that runs; one that is not there is no error", "Removing",
      RATION_OPTION_FLAG },
    { "volumes", 'v', NULL, NULL, "and the volumes without a name that only it has", "Removing",
      RATION_OPTION_FLAG },
};

const struct command rm_command = {
    .name = "rm",
    .args = "CONTAINER...",
    .summary = "remove containers",
    .options = rm_options,
    .n_options = ARRAY_SIZE(rm_options),
    .run = command_rm,
};

static int rm_one(const struct verb *verb, const char *who, struct ration_error *error)
{
    unsigned flags = (verb_flag(verb, "force") ? RATION_REMOVE_FORCE : 0) |
                     (verb_flag(verb, "volumes") ? RATION_REMOVE_VOLUMES : 0);
    int r = ration_container_remove(verb->ration, who, flags, error);

    return r < 0 ? r : verb_say(who, error);
}

static int command_rm(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    return verb_read(command, argv, 1, 0, &verb, &status) != 0 ? status : verb_each(&verb, rm_one);
}
