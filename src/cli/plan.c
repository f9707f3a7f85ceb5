/* ration plan: every write that a run would make, in order, with its reason. */
#include "cli/request.h"

static int command_plan(const struct command *command, char *const *argv);

static const struct ration_option plan_options[] = {
    { "layout", 0, NULL, "LAYOUT",
      "where the controllers are: here (default, this machine), or one of the usual ones by name",
      "The plan", RATION_OPTION_VALUE },
    { "json", 0, NULL, NULL, "write JSON instead of text", "The plan", RATION_OPTION_FLAG },
};

const struct command plan_command = {
    .name = "plan",
    .args = "[[--] COMMAND [ARG...]]",
    .summary = "show every write that a run would make, in order, with its reason",
    .description = "Takes the options of ration run, needs no privilege and touches nothing. What "
                   "it prints is the very list that ration run executes: limit, file, value, and "
                   "why a value was rounded or converted.",
    .options = plan_options,
    .n_options = ARRAY_SIZE(plan_options),
    .describes_run = true,
    .run = command_plan,
};

static int command_plan(const struct command *command, char *const *argv)
{
    _cleanup_(request_done) struct request request;
    struct ration_error error = { 0 };

    if (request_read(command, argv, &request, &error) < 0)
        return cli_report(&error);
    if (request.help)
        return request_help(&request);
    const char *layout = request_value(&request, "layout");
    const char *format = request_flag(&request, "json") ? "json" : "text";
    if (request_plan(&request, layout ? layout : "here", format, &error) < 0)
        return cli_report(&error);
    return 0;
}
