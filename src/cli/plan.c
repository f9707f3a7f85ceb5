/* ration plan: every write that a run would make, in order, with its reason. */
#include <unistd.h>

#include "cli/request.h"

static int command_plan(const struct command *command, char *const *argv);

static const struct ration_option plan_options[] = {
    { "layout", 0, NULL, "LAYOUT",
      "where the controllers are: here (default, this machine), or one of the usual ones by name",
      "The plan", RATION_OPTION_VALUE },
    { "bundle", 0, NULL, "DIR",
      "the plan of the container that an OCI bundle describes, instead of options", "The plan",
      RATION_OPTION_VALUE },
    { "json", 0, NULL, NULL, "write JSON instead of text", "The plan", RATION_OPTION_FLAG },
};

const struct command plan_command = {
    .name = "plan",
    .args = "[IMAGE [ARG...] | -- COMMAND [ARG...]]",
    .summary = "show every write that a run would make, with its reason",
    .description = "Takes the options of ration run, needs no privilege and touches nothing. What "
                   "it prints is the very list that ration run executes: limit, file, value, and "
                   "why a value was rounded or converted.",
    .options = plan_options,
    .n_options = ARRAY_SIZE(plan_options),
    .describes_run = true,
    .takes_image = IMAGE_OR_COMMAND,
    .run = command_plan,
};

static int write_plan(const struct request *request, struct ration_error *error)
{
    const char *layout = request_value(request, "layout");
    const char *format = request_flag(request, "json") ? "json" : "text";
    const char *bundle = request_value(request, "bundle");

    if (!layout)
        layout = "here";
    if (!bundle)
        return request_plan(request, layout, format, error);
    if (request->described)
        return cli_usage(error, "--bundle describes all of the container: --%s cannot go with it",
                         request->described);
    if (request->command_set)
        return cli_usage(error, "--bundle describes all of the container: no COMMAND goes with it");
    return ration_plan_write_bundle(request->ration, bundle, layout, format, STDOUT_FILENO, error);
}

static int command_plan(const struct command *command, char *const *argv)
{
    _cleanup_(request_done) struct request request;
    struct ration_error error = { 0 };

    if (request_read(command, argv, &request, &error) < 0)
        return cli_report(&error);
    if (request.help)
        return request_help(&request);
    return write_plan(&request, &error) < 0 ? cli_report(&error) : 0;
}
