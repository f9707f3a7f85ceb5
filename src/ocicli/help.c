/* ration-oci help: from the tables that the options are read by. */
#include <errno.h>
#include <string.h>

#include "ocicli/complete.h"

static int command_help(struct session *session, const void *values, char *const *operands,
                        struct err *err);

struct help_values {
    const char *roff, *completion;
};

static const struct cli_option help_options[] = {
    { "roff", 0, CLI_TEXT, offsetof(struct help_values, roff), "COMMAND",
      "print a command's options (global: those before it) as the body of a manual page section",
      NULL },
    { "completion", 0, CLI_WORD, offsetof(struct help_values, completion), "bash|zsh|fish",
      "print completions for a shell", NULL },
};

const struct command help_command = {
    .name = "help",
    .args = "[COMMAND]",
    .summary = "show help, of a command or in general",
    .options = help_options,
    .n_options = ARRAY_SIZE(help_options),
    .values_size = sizeof(struct help_values),
    .max_operands = 1,
    .run = command_help,
};

#define WIDTH       80
#define TEXT_COLUMN 28

static void help_option(const struct cli_option *option, struct buf *ret)
{
    char head[128], letter[8] = "    ";

    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    int n = snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
                     option->metavar ? " " : "", text_or_empty(option->metavar));
    buf_puts(ret, head);
    if (n + 2 > TEXT_COLUMN)
        buf_printf(ret, "\n%*s", TEXT_COLUMN, "");
    else
        buf_printf(ret, "%*s", TEXT_COLUMN - n, "");
    text_fill(option->help, TEXT_COLUMN, TEXT_COLUMN, WIDTH, ret);
}

static void help_options_of(const struct cli_option *options, size_t n, struct buf *ret)
{
    static const struct cli_option self = { .name = "help",
                                            .letter = 'h',
                                            .help = "show this help" };

    for (size_t i = 0; i < n; i++)
        help_option(&options[i], ret);
    help_option(&self, ret);
}

void help_of_command(const struct command *command, struct buf *ret)
{
    buf_printf(ret, "Usage: " OCICLI_PROGRAM " [GLOBAL OPTION...] %s [OPTION...]%s%s\n\n",
               command->name, *command->args ? " " : "", command->args);
    text_fill(command->description ? command->description : command->summary, 0, 0, WIDTH, ret);
    buf_puts(ret, "\nOptions:\n");
    help_options_of(command->options, command->n_options, ret);
}

void help_of_program(struct buf *ret)
{
    const struct command *command;
    const struct cli_option *options;
    size_t n;

    buf_puts(ret,
             "Usage: " OCICLI_PROGRAM " [GLOBAL OPTION...] COMMAND [OPTION...] [ID] [ARG...]\n\n");
    text_fill("An OCI runtime: makes containers from bundles, with every limit in force before "
              "their first instruction. Called by podman, containerd, Docker and others.",
              0, 0, WIDTH, ret);
    buf_puts(ret, "\nCommands:\n");
    for (size_t i = 0; command_at(i, &command); i++)
        buf_printf(ret, "  %-11s %s\n", command->name, command->summary);
    buf_puts(ret, "\nGlobal options:\n");
    options = global_options(&n);
    help_options_of(options, n, ret);
}

/* ---- for man and for shells ---------------------------------------------------------------------------- */

static void roff_option(const struct cli_option *option, struct buf *ret)
{
    buf_puts(ret, ".TP\n");
    if (option->letter)
        buf_printf(ret, "\\fB\\-%c\\fR, ", option->letter);
    buf_puts(ret, "\\fB\\-\\-");
    text_roff(option->name, ret);
    buf_puts(ret, "\\fR");
    if (option->alias) {
        buf_puts(ret, ", \\fB\\-\\-");
        text_roff(option->alias, ret);
        buf_puts(ret, "\\fR");
    }
    if (option->metavar) {
        buf_puts(ret, " \\fI");
        text_roff(option->metavar, ret);
        buf_puts(ret, "\\fR");
    }
    buf_putc(ret, '\n');
    text_roff(option->help, ret);
    buf_puts(ret, ".\n");
}

static int roff_of(const char *name, struct buf *ret, struct err *err)
{
    const struct command *command = command_find(name);
    const struct cli_option *options;
    size_t n;

    if (command) {
        options = command->options;
        n = command->n_options;
    } else if (strcmp(name, "global") == 0) {
        options = global_options(&n);
    } else {
        return err_usage(err, "there is no command %.64s", name);
    }
    for (size_t i = 0; i < n; i++)
        roff_option(&options[i], ret);
    return 0;
}

static int command_help(struct session *session, const void *values, char *const *operands,
                        struct err *err)
{
    const struct help_values *help = values;
    const struct command *command = operands[0] ? command_find(operands[0]) : NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;

    (void)session;
    if (operands[0] && !command)
        return err_usage(err, "there is no command %.64s", operands[0]);
    if (help->completion) {
        completion_of_shell(help->completion, &text);
    } else if (help->roff) {
        int r = roff_of(help->roff, &text, err);
        if (r < 0)
            return r;
    } else if (command) {
        help_of_command(command, &text);
    } else {
        help_of_program(&text);
    }
    return cli_print(&text, err);
}
