/* ration container: the commands on containers by docker's longer name, and prune. */
#include <string.h>

#include "cli/verb.h"

static int command_container(const struct command *command, char *const *argv);

const struct command container_command = {
    .name = "container",
    .args = "COMMAND [ARG...]",
    .summary = "commands on containers by their longer name; prune",
    .description =
        "ration container COMMAND is ration COMMAND, for each command on containers; ls "
        "and list are ps. ration container prune removes the containers that do not run.",
    .run = command_container,
};

/* ---- prune ------------------------------------------------------------------------------------------------- */

static int command_prune(const struct command *command, char *const *argv);

static const struct ration_option prune_options[] = {
    { "filter", 0, NULL, "KEY=VALUE", "label=NAME[=VALUE], until=TIME", "Which containers",
      RATION_OPTION_MANY },
    { "force", 'f', NULL, NULL, "nothing is asked, with it or without", "Which containers",
      RATION_OPTION_FLAG },
};

static const struct command prune_command = {
    .name = "container prune",
    .args = "",
    .summary = "remove the containers that do not run",
    .options = prune_options,
    .n_options = ARRAY_SIZE(prune_options),
    .run = command_prune,
};

static int prune_one(void *data, const struct ration_container *container)
{
    return verb_say(container->id, data);
}

static int command_prune(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    uint64_t bytes;
    char freed[32];
    int status;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    if (ration_container_prune(verb.ration, verb_many(&verb), prune_one, &error, &bytes, &error) <
        0)
        return cli_report(&error);
    size_format(bytes, freed, sizeof(freed));
    char text[64];
    snprintf(text, sizeof(text), "Total reclaimed space: %s", freed);
    return verb_say(text, &error) < 0 ? cli_report(&error) : 0;
}

/* ---- the alias ----------------------------------------------------------------------------------------------- */

static int command_container(const struct command *command, char *const *argv)
{
    static const char *const other_table[] = { "container", "help", "version", "doctor", "plan" };
    struct ration_error error = { 0 };
    const char *name = argv[0];

    if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return cli_help(command);
    if (strcmp(name, "prune") == 0)
        return prune_command.run(&prune_command, argv + 1);
    const struct command *found =
        command_find(strcmp(name, "ls") == 0 || strcmp(name, "list") == 0 ? "ps" : name);
    for (size_t i = 0; found && i < ARRAY_SIZE(other_table); i++) {
        if (strcmp(found->name, other_table[i]) == 0)
            found = NULL;
    }
    if (found)
        return found->run(found, argv + 1);
    cli_usage(&error, "there is no command container %.64s; ration --help lists what there is",
              name);
    return cli_report(&error);
}
