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

    request->last_value = value;
    if (strcmp(option->name, "help") == 0) {
        request->help = true;
        return 0;
    }
    if (own == request->command->n_options) {
        request->described = option->name;
        if (strcmp(option->name, "rm") == 0)
            request->removed =
                !value || (strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0);
        request->rootfs = request->rootfs || strcmp(option->name, "rootfs") == 0;
        return ration_spec_set(request->spec, option->name, value, error);
    }
    if (option->kind == RATION_OPTION_FLAG)
        return flag_value(option, value, &request->values[own], error);
    request->values[own] = value;
    return 0;
}

/*
 * The first operand is a command of this machine when "--" stands before it, when it is a path, or where a
 * directory was given as the root; otherwise it names an image, and a COMMAND for that may follow. A plan
 * is of either: there, a word that is no image is a command.
 */
static int take_operands(struct request *request, char *const *argv, char *const *operands,
                         struct ration_error *error)
{
    const char *const *words = (const char *const *)operands, *first = *words;
    bool marked =
        operands > argv && strcmp(operands[-1], "--") == 0 && operands[-1] != request->last_value;
    bool path = !*first || first[0] == '/' || text_starts(first, "./") || text_starts(first, "../");
    struct ration_error missing;

    if (!request->command->takes_image || marked || path || request->rootfs)
        return ration_spec_set_command(request->spec, words, error);
    if (request->command->takes_image == IMAGE_OR_COMMAND &&
        ration_image_find(request->ration, first, &missing) < 0)
        return ration_spec_set_command(request->spec, words, error);
    request->image = first;
    int r = ration_spec_set_image(request->spec, first, error);
    return r == 0 && words[1] ? ration_spec_set_command(request->spec, words + 1, error) : r;
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
        r = take_operands(ret, argv, operands, error);
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
