/* ration update: change the limits of containers. */
#include <errno.h>
#include <string.h>

#include "cli/verb.h"

static int command_update(const struct command *command, char *const *argv);
static bool update_takes(const struct ration_option *option);

static const struct ration_option update_options[] = {
    { "force", 0, NULL, NULL,
      "lower a memory limit below what is in use, too, where the kernel kills for it",
      "What is changed", RATION_OPTION_FLAG },
};

const struct command update_command = {
    .name = "update",
    .args = "CONTAINER...",
    .summary = "change the limits of a container, while it runs, too",
    .description =
        "Changes limits by the names that ration run has for them, and the restart policy: of a "
        "running container at once, with read-back, all of them or none; and for its later starts. "
        "What the kernel would refuse is refused before anything is written, and the sentence "
        "names "
        "what is possible instead.",
    .options = update_options,
    .n_options = ARRAY_SIZE(update_options),
    .describes_run = true,
    .takes = update_takes,
    .run = command_update,
};

#define SETTINGS_MAX 64

struct update {
    struct ration_setting settings[SETTINGS_MAX];
    size_t n;
    bool force, help;
};

/* Limits, whose headings say what they limit; and of the container's own, the policy. */
static bool update_takes(const struct ration_option *option)
{
    return text_starts(option->group, "Limits: ") || strcmp(option->name, "restart") == 0;
}

static int update_set(void *data, const struct ration_option *option, const char *value,
                      struct ration_error *error)
{
    struct update *update = data;

    if (strcmp(option->name, "help") == 0)
        update->help = true;
    else if (strcmp(option->name, "force") == 0)
        return argv_flag(option, value, &update->force, error);
    else if (update->n == SETTINGS_MAX)
        return cli_usage(error, "update takes %d changes at once", SETTINGS_MAX);
    else
        update->settings[update->n++] = (struct ration_setting){ option->name, value };
    return 0;
}

static int update_all(const struct update *update, char *const *names)
{
    struct ration *ration;
    struct ration_error error = { 0 };
    int status = 0;

    if (cli_open(&ration, &error) < 0)
        return cli_report(&error);
    for (; *names; names++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        error = (struct ration_error){ 0 };
        int r = ration_container_update(ration, *names, update->settings, update->n, update->force,
                                        &error);
        buf_printf(&text, "%s\n", *names);
        int its = r < 0 ? cli_report(&error) : cli_print(&text);
        status = status ? status : its;
    }
    ration_close(ration);
    return status;
}

static int command_update(const struct command *command, char *const *argv)
{
    struct update update = { 0 };
    struct ration_error error = { 0 };
    char *const *names;
    int r = argv_parse(command, argv, update_set, &update, &names, &error);

    if (r >= 0 && update.help)
        return cli_help(command);
    if (r >= 0 && !*names)
        r = cli_usage(&error, "update needs a CONTAINER; ration update --help tells more");
    if (r >= 0 && update.n == 0)
        r = cli_usage(&error, "update needs a limit to change, such as --memory 100m");
    return r < 0 ? cli_report(&error) : update_all(&update, names);
}
