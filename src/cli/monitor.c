/* ration monitor: what one container has beside it while it runs. Executed by ration itself. */
#include <string.h>

#include "cli/cli.h"

static int command_monitor(const struct command *command, char *const *argv);

const struct command monitor_command = {
    .name = "monitor",
    .args = "ID",
    .summary = "supervise a container; executed by start and run",
    .hidden = true,
    .run = command_monitor,
};

static int command_monitor(const struct command *command, char *const *argv)
{
    struct ration_error error = { 0 };
    struct ration *ration;

    if (argv[0] && strcmp(argv[0], "--help") == 0)
        return cli_help(command);
    if (!argv[0] || argv[1]) {
        cli_usage(&error, "monitor takes the ID of a container");
        return cli_report(&error);
    }
    if (cli_open(&ration, &error) < 0)
        return cli_report(&error);
    /* Whoever waits for the start hears of an error; there is nobody else. */
    int r = ration_container_monitor(ration, argv[0], &error);
    ration_close(ration);
    return r < 0 ? CLI_STATUS_FAILED : 0;
}
