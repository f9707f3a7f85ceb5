/* ration exec: a further process in a run or container that lives. */
#include <string.h>

#include "cli/argv.h"

static int command_exec(const struct command *command, char *const *argv);

#define GROUP "The process"

static const struct ration_option exec_options[] = {
    { "interactive", 'i', NULL, NULL, "pass stdin on; without it COMMAND has none", GROUP,
      RATION_OPTION_FLAG },
    { "tty", 't', NULL, NULL, "give COMMAND a terminal of its own", GROUP, RATION_OPTION_FLAG },
    { "detach", 'd', NULL, NULL, "let COMMAND run on by itself, with no input and no output", GROUP,
      RATION_OPTION_FLAG },
    { "env", 'e', NULL, "NAME[=VALUE]", "set an environment variable; without =VALUE pass ours on",
      GROUP, RATION_OPTION_MANY },
    { "env-file", 0, NULL, "FILE", "set the variables that FILE lists, one a line", GROUP,
      RATION_OPTION_MANY },
    { "workdir", 'w', NULL, "DIR", "directory that COMMAND starts in", GROUP, RATION_OPTION_VALUE },
    { "user", 'u', NULL, "USER[:GROUP]",
      "run as this user, by number or by a name of the container's own", GROUP,
      RATION_OPTION_VALUE },
    { "privileged", 0, NULL, NULL, "with all capabilities; the limits stay", GROUP,
      RATION_OPTION_FLAG },
};

const struct command exec_command = {
    .name = "exec",
    .args = "CONTAINER COMMAND [ARG...]",
    .summary = "run a further COMMAND in a container that runs",
    .description =
        "Runs COMMAND in the namespaces and groups of a live container, or of a live ration run by "
        "its --name: the container's limits hold for it, and what it uses is the container's. "
        "User, "
        "directory, environment, capabilities and resource limits are the container's own unless "
        "an "
        "option says otherwise. COMMAND ends with ration exec, unless --detach is given, and with "
        "the container.\n\n"
        "The exit status is COMMAND's own; 128+N when signal N ended it; 125 when there is no such "
        "container or it does not run; 126 when COMMAND cannot be executed; 127 when there is no "
        "COMMAND; 2 when the command line is wrong.",
    .options = exec_options,
    .n_options = ARRAY_SIZE(exec_options),
    .run = command_exec,
};

struct exec {
    struct ration *ration;
    struct ration_spec *spec;
    bool detach, help;
};

static int exec_set(void *data, const struct ration_option *option, const char *value,
                    struct ration_error *error)
{
    struct exec *exec = data;

    if (strcmp(option->name, "help") == 0) {
        exec->help = true;
        return 0;
    }
    if (strcmp(option->name, "detach") == 0)
        return argv_flag(option, value, &exec->detach, error);
    return ration_spec_set(exec->spec, option->name, value, error);
}

static int exec_run(struct exec *exec, char *const *operands, int *ret_status,
                    struct ration_error *error)
{
    if (!operands[0] || !operands[1])
        return cli_usage(error,
                         "exec needs a CONTAINER and a COMMAND; ration exec --help tells more");
    int r = ration_spec_set_command(exec->spec, (const char *const *)operands + 1, error);
    return r < 0 ? r
                 : ration_exec(exec->ration, operands[0], exec->spec, exec->detach, ret_status,
                               error);
}

static int command_exec(const struct command *command, char *const *argv)
{
    struct ration_error error = { 0 };
    struct exec exec = { 0 };
    char *const *operands;
    int status = 0;
    int r = cli_open(&exec.ration, &error);

    if (r >= 0)
        r = ration_spec_new(exec.ration, &exec.spec, &error);
    if (r >= 0)
        r = argv_parse(command, argv, exec_set, &exec, &operands, &error);
    if (r >= 0 && exec.help)
        status = cli_help(command);
    else if (r >= 0)
        r = exec_run(&exec, operands, &status, &error);
    if (r < 0)
        status = cli_report(&error);
    ration_spec_free(exec.spec);
    ration_close(exec.ration);
    return status;
}
