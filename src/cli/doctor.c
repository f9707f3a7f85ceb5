/* ration doctor: what this machine can do for runs, and what mends it. */
#include <string.h>
#include <unistd.h>

#include "cli/argv.h"

static int command_doctor(const struct command *command, char *const *argv);

static const struct ration_option doctor_options[] = {
    { "json", 0, NULL, NULL, "write JSON instead of text", "The check", RATION_OPTION_FLAG },
    { "fix", 0, NULL, NULL, "mend what is ours to mend: leftovers of runs that were killed",
      "The check", RATION_OPTION_FLAG },
};

const struct command doctor_command = {
    .name = "doctor",
    .args = "",
    .summary = "check this machine: each finding with the command that mends it",
    .description = "The exit status is 0 when nothing needs attention, else 1.",
    .options = doctor_options,
    .n_options = ARRAY_SIZE(doctor_options),
    .run = command_doctor,
};

struct doctor {
    bool json, fix, help;
};

static int doctor_set(void *data, const struct ration_option *option, const char *value,
                      struct ration_error *error)
{
    struct doctor *doctor = data;

    if (value && strcmp(value, "true") != 0)
        return cli_usage(error, "--%s takes no value", option->name);
    if (strcmp(option->name, "json") == 0)
        doctor->json = true;
    else if (strcmp(option->name, "fix") == 0)
        doctor->fix = true;
    else
        doctor->help = true;
    return 0;
}

static int check_machine(const struct doctor *doctor, struct ration_error *error)
{
    struct ration *ration;
    int r = cli_open(&ration, error);

    if (r < 0)
        return r;
    r = ration_doctor(ration, doctor->json ? "json" : "text", doctor->fix, STDOUT_FILENO, error);
    ration_close(ration);
    return r;
}

static int command_doctor(const struct command *command, char *const *argv)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct ration_error error = { 0 };
    struct doctor doctor = { 0 };
    char *const *operands;
    int r = argv_parse(command, argv, doctor_set, &doctor, &operands, &error);

    if (r == 0 && doctor.help) {
        help_of_command(command, &text);
        return cli_print(&text);
    }
    if (r == 0 && *operands)
        r = cli_usage(&error, "doctor takes no argument, unlike \"%.64s\"", *operands);
    if (r == 0)
        r = check_machine(&doctor, &error);
    if (r < 0)
        return cli_report(&error);
    return r > 0;
}
