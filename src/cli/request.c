/* Reading the command line of `run` and `plan` into a spec. */
#include <string.h>
#include <unistd.h>

#include "cli/request.h"

/* Which of the command's own options is this? Its table is the first part of what was searched. */
static size_t own_index(const struct command *command, const char *name)
{
    size_t i = 0;

    while (i < command->n_options && strcmp(command->options[i].name, name) != 0)
        i++;
    return i;
}

static int flag_value(const struct ration_option *option, const char *value, const char **ret,
                      struct ration_error *error)
{
    bool set;
    int r = argv_flag(option, value, &set, error);

    if (r == 0)
        *ret = set ? "true" : NULL;
    return r;
}

static int request_set(void *data, const struct ration_option *option, const char *value,
                       struct ration_error *error)
{
    struct request *request = data;
    size_t own = own_index(request->command, option->name);

    if (strcmp(option->name, "help") == 0) {
        request->help = true;
        return 0;
    }
    if (own == request->command->n_options) {
        request->described = option->name;
        return ration_spec_set(request->spec, option->name, value, error);
    }
    if (option->kind == RATION_OPTION_FLAG)
        return flag_value(option, value, &request->values[own], error);
    request->values[own] = value;
    return 0;
}

int request_read(const struct command *command, char *const *argv, struct request *ret,
                 struct ration_error *error)
{
    char *const *operands;

    *ret = (struct request){ .command = command };
    int r = cli_open(&ret->ration, error);
    if (r < 0)
        return r;
    r = ration_spec_new(ret->ration, &ret->spec, error);
    if (r < 0)
        return r;
    r = argv_parse(command, argv, request_set, ret, &operands, error);
    if (ret->help)
        return 0;
    ret->command_set = r == 0 && *operands;
    if (ret->command_set)
        r = ration_spec_set_command(ret->spec, (const char *const *)operands, error);
    return r;
}

void request_done(struct request *request)
{
    if (PROCESS_LEAVES_ALL)
        return;
    ration_spec_free(request->spec);
    ration_close(request->ration);
}

const char *request_value(const struct request *request, const char *name)
{
    size_t own = own_index(request->command, name);

    return own < request->command->n_options ? request->values[own] : NULL;
}

bool request_flag(const struct request *request, const char *name)
{
    return request_value(request, name) != NULL;
}

int request_help(const struct request *request)
{
    return cli_help(request->command);
}

int request_plan(const struct request *request, const char *layout, const char *format,
                 struct ration_error *error)
{
    return ration_plan_write(request->ration, request->spec, layout, format, STDOUT_FILENO, error);
}
