/* The options of a command as man(7) source. */
#include <string.h>

#include "cli/cli.h"

static void roff_name(const char *dashes, const char *name, size_t len, struct buf *ret)
{
    char word[64];

    snprintf(word, sizeof(word), "%s%.*s", dashes, (int)len, name);
    buf_puts(ret, "\\fB");
    text_roff(word, ret);
    buf_puts(ret, "\\fR");
}

static void roff_option(const struct ration_option *option, struct buf *ret)
{
    const char *alias = text_or_empty(option->aliases);

    buf_puts(ret, ".TP\n");
    if (option->letter) {
        roff_name("-", &option->letter, 1, ret);
        buf_puts(ret, ", ");
    }
    roff_name("--", option->name, strlen(option->name), ret);
    while (*alias) {
        size_t n = strcspn(alias, " ");
        buf_puts(ret, ", ");
        roff_name("--", alias, n, ret);
        alias += n;
        alias += strspn(alias, " ");
    }
    if (option->metavar) {
        buf_puts(ret, " \\fI");
        text_roff(option->metavar, ret);
        buf_puts(ret, "\\fR");
    }
    buf_putc(ret, '\n');
    text_roff(option->help, ret);
    buf_puts(ret, option->kind == RATION_OPTION_MANY ? ".\nMay be given several times.\n" : ".\n");
}

void roff_of_command(const struct command *command, struct buf *ret)
{
    struct ration_option option;
    const char *group = "";

    for (size_t i = 0; command_option_at(command, i, &option); i++) {
        if (strcmp(option.group, group) != 0) {
            buf_puts(ret, ".SS ");
            text_roff(option.group, ret);
            buf_putc(ret, '\n');
        }
        group = option.group;
        roff_option(&option, ret);
    }
}
