/* ration version. */
#include "cli/argv.h"

static int command_version(const struct command *command, char *const *argv);

const struct command version_command = {
    .name = "version",
    .args = "",
    .summary = "print the version",
    .run = command_version,
};

static int version_set(void *data, const struct ration_option *option, const char *value,
                       struct ration_error *error)
{
    bool *help = data;

    *help = true;
    return value ? cli_usage(error, "--%s takes no value", option->name) : 0;
}

static int command_version(const struct command *command, char *const *argv)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct ration_error error = { 0 };
    char *const *operands;
    bool help = false;
    int r = argv_parse(command, argv, version_set, &help, &operands, &error);

    if (r == 0 && *operands)
        r = cli_usage(&error, "version takes no argument, unlike \"%.64s\"", *operands);
    if (r < 0)
        return cli_report(&error);
    if (help)
        help_of_command(command, &text);
    else
        buf_printf(&text, "ration %s\n", ration_version());
    return cli_print(&text);
}
