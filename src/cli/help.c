/* ration help: for people, and, with the hidden options, for man and for shells. */
#include <errno.h>
#include <string.h>

#include "cli/argv.h"

static int command_help(const struct command *command, char *const *argv);

static const struct ration_option help_options[] = {
    { "roff", 0, NULL, "COMMAND", "print a command's options as the body of a manual page section",
      "For packaging", RATION_OPTION_VALUE },
    { "completion", 0, NULL, "bash|zsh|fish", "print completions for a shell", "For packaging",
      RATION_OPTION_VALUE },
};

const struct command help_command = {
    .name = "help",
    .args = "[COMMAND]",
    .summary = "show help, of a command or in general",
    .options = help_options,
    .n_options = ARRAY_SIZE(help_options),
    .run = command_help,
};

/* ---- filled text ---------------------------------------------------------------------------------- */

#define WIDTH       80
#define TEXT_COLUMN 30

/* " (also --cpu-share, --cpushare)"; ret is large enough for every row there is. */
static void aliases_format(const char *aliases, char *ret, size_t size)
{
    const char *before = " (also --";
    size_t used = 0;

    for (const char *at = text_or_empty(aliases); *at && used < size;) {
        size_t length = strcspn(at, " ");
        int n = snprintf(ret + used, size - used, "%s%.*s", before, (int)length, at);
        used += (size_t)n;
        at += length + strspn(at + length, " ");
        before = ", --";
    }
    if (used > 0 && used < size)
        snprintf(ret + used, size - used, ")");
}

static void help_option(const struct ration_option *option, struct buf *ret)
{
    char head[128], text[512];
    char letter[8] = "    ";

    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    int n = snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
                     option->metavar ? " " : "", text_or_empty(option->metavar));
    buf_puts(ret, head);
    if (n + 2 > TEXT_COLUMN)
        buf_printf(ret, "\n%*s", TEXT_COLUMN, "");
    else
        buf_printf(ret, "%*s", TEXT_COLUMN - n, "");
    int length = snprintf(text, sizeof(text), "%s", option->help);
    aliases_format(option->aliases, text + length, sizeof(text) - (size_t)length);
    text_fill(text, TEXT_COLUMN, TEXT_COLUMN, WIDTH, ret);
}

void help_of_command(const struct command *command, struct buf *ret)
{
    struct ration_option option;
    const char *group = "";

    buf_printf(ret, "Usage: ration %s [OPTION...]%s%s\n\n", command->name,
               *command->args ? " " : "", command->args);
    text_fill(command->description ? command->description : command->summary, 0, 0, WIDTH, ret);
    if (command->also)
        buf_printf(ret, "\nAlso: ration %s\n", command->also);
    for (size_t i = 0; command_option_at(command, i, &option); i++) {
        if (strcmp(option.group, group) != 0)
            buf_printf(ret, "\n%s:\n", option.group);
        group = option.group;
        help_option(&option, ret);
    }
}

static void help_line(const struct command *command, const char *name, struct buf *ret)
{
    buf_printf(ret, "  %-14s %s\n", name, command->summary);
}

void help_of_group(const char *word, struct buf *ret)
{
    size_t n = strlen(word);

    buf_printf(ret, "Usage: ration %s COMMAND [OPTION...] [ARG...]\n\nCommands:\n", word);
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        const char *const names[] = { command->name, text_or_empty(command->also) };
        for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
            if (strncmp(names[j], word, n) == 0 && names[j][n] == ' ')
                help_line(command, names[j] + n + 1, ret);
        }
    }
}

void help_of_program(struct buf *ret)
{
    buf_puts(ret, "Usage: ration COMMAND [OPTION...] [ARG...]\n\n");
    text_fill("Runs a command or a container under limits that are really in force, and says "
              "truthfully what it used and why it ended.",
              0, 0, WIDTH, ret);
    buf_puts(ret, "\nCommands:\n");
    for (size_t i = 0; i < command_count(); i++)
        help_line(command_at(i), command_at(i)->name, ret);
    buf_puts(ret, "\n  ration run --memory 50m --cpus 0.5 --report - make\n"
                  "  ration plan --memory 50m\n"
                  "  ration help run\n");
}

/* ---- the command ------------------------------------------------------------------------------------ */

struct help {
    const char *roff, *completion;
    bool self; /* help --help */
};

static int help_set(void *data, const struct ration_option *option, const char *value,
                    struct ration_error *error)
{
    struct help *help = data;

    (void)error;
    if (strcmp(option->name, "roff") == 0)
        help->roff = value;
    else if (strcmp(option->name, "completion") == 0)
        help->completion = value;
    else
        help->self = true;
    return 0;
}

static int no_command(const char *name, struct ration_error *error)
{
    return cli_usage(error, "there is no command %.64s; ration --help lists what there is", name);
}

static int help_text(const struct help *help, const char *operand, struct buf *ret,
                     struct ration_error *error)
{
    const char *name = help->roff ? help->roff : help->self ? "help" : operand;
    const struct command *command = name ? command_find(name) : NULL;

    if (help->completion) {
        if (completion_of_shell(help->completion, ret) == -EINVAL)
            return cli_usage(error, "--completion knows bash, zsh and fish, not \"%.64s\"",
                             help->completion);
    } else if (!name) {
        help_of_program(ret);
    } else if (!command && command_is_group(name)) {
        help_of_group(name, ret);
    } else if (!command) {
        return no_command(name, error);
    } else if (help->roff) {
        roff_of_command(command, ret);
    } else {
        help_of_command(command, ret);
    }
    return 0;
}

static int command_help(const struct command *command, char *const *argv)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct ration_error error = { 0 };
    struct help help = { 0 };
    char *const *operands;
    int r = argv_parse(command, argv, help_set, &help, &operands, &error);

    _cleanup_free_ char *two = r == 0 && operands[0] && operands[1]
                                   ? text_format("%s %s", operands[0], operands[1])
                                   : NULL;
    if (two && (operands[2] || !command_find(two)))
        r = cli_usage(&error, "help takes one command, not \"%.64s\" too",
                      operands[command_find(two) ? 2 : 1]);
    if (r == 0)
        r = help_text(&help, two ? two : operands[0], &text, &error);
    return r < 0 ? cli_report(&error) : cli_print(&text);
}
