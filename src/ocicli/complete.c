/* Completions for shells. Where an id belongs, those on record are offered. */
#include <string.h>

#include "ocicli/complete.h"

#define LIST_IDS OCICLI_PROGRAM " list --quiet 2>/dev/null"

/* What can be offered for a value. */
enum offer { OFFER_NOTHING, OFFER_FILES, OFFER_DIRECTORIES, OFFER_WORDS };

static enum offer offer_of(const struct cli_option *option)
{
    static const char *const file_table[] = { "FILE", "FILE|-", "SOCKET", "PATH" };

    if (option->kind == CLI_WORD)
        return OFFER_WORDS;
    if (!option->metavar)
        return OFFER_NOTHING;
    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++) {
        if (strcmp(option->metavar, file_table[i]) == 0)
            return OFFER_FILES;
    }
    return strcmp(option->metavar, "DIR") == 0 ? OFFER_DIRECTORIES : OFFER_NOTHING;
}

static void add_words(const char *words, char separator, struct buf *ret)
{
    for (; *words; words++)
        buf_putc(ret, *words == '|' ? separator : *words);
}

/* Every name that an option can be typed by. */
static void add_names(const struct cli_option *option, const char *separator, struct buf *ret)
{
    buf_printf(ret, "--%s", option->name);
    if (option->alias)
        buf_printf(ret, "%s--%s", separator, option->alias);
    if (option->letter)
        buf_printf(ret, "%s-%c", separator, option->letter);
}

/* ---- bash; zsh reads the same -------------------------------------------------------------------------- */

static void bash_values(const char *indent, const struct cli_option *options, size_t n,
                        struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == CLI_FLAG || options[i].kind == CLI_IGNORED_FLAG)
            continue;
        buf_puts(ret, indent);
        add_names(&options[i], "|", ret);
        buf_puts(ret, ") COMPREPLY=(");
        switch (offer_of(&options[i])) {
        case OFFER_FILES:
            buf_puts(ret, "$(compgen -f -- \"$current\")");
            break;
        case OFFER_DIRECTORIES:
            buf_puts(ret, "$(compgen -d -- \"$current\")");
            break;
        case OFFER_WORDS:
            buf_puts(ret, "$(compgen -W '");
            add_words(options[i].metavar, ' ', ret);
            buf_puts(ret, "' -- \"$current\")");
            break;
        case OFFER_NOTHING:
            break;
        }
        buf_puts(ret, "); return ;;\n");
    }
}

static void bash_names(const struct cli_option *options, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        add_names(&options[i], " ", ret);
        buf_putc(ret, ' ');
    }
    buf_puts(ret, "--help");
}

static void bash_commands(struct buf *ret)
{
    const struct command *command;

    buf_puts(ret, "    case $command in\n");
    for (size_t i = 0; command_at(i, &command); i++) {
        buf_printf(ret, "    %s)\n        case $previous in\n", command->name);
        bash_values("        ", command->options, command->n_options, ret);
        buf_puts(ret, "        *) ;;\n        esac\n        words='");
        bash_names(command->options, command->n_options, ret);
        buf_printf(ret, "'\n        [[ $current == -* ]] || words=%s\n        ;;\n",
                   command->takes_id ? "$(" LIST_IDS ")" : "''");
    }
    buf_puts(ret, "    *)\n        words='");
    for (size_t i = 0; command_at(i, &command); i++)
        buf_printf(ret, "%s ", command->name);
    size_t n;
    const struct cli_option *options = global_options(&n);
    bash_names(options, n, ret);
    buf_puts(ret, "'\n        ;;\n    esac\n");
}

static void bash_completion(struct buf *ret)
{
    const struct command *command;
    size_t n;
    const struct cli_option *options = global_options(&n);

    buf_puts(ret,
             "_ration_oci()\n{\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local command= words= i\n"
             "    COMPREPLY=()\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        case ${COMP_WORDS[i]} in\n        ");
    for (size_t i = 0; command_at(i, &command); i++)
        buf_printf(ret, "%s%s", i ? "|" : "", command->name);
    buf_puts(ret, ") command=${COMP_WORDS[i]}; break ;;\n"
                  "        esac\n    done\n"
                  "    [[ $command ]] || case $previous in\n");
    bash_values("    ", options, n, ret);
    buf_puts(ret, "    *) ;;\n    esac\n");
    bash_commands(ret);
    buf_puts(ret, "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
                  "complete -F _ration_oci " OCICLI_PROGRAM "\n");
}

/* ---- fish ------------------------------------------------------------------------------------------------ */

/* In single quotes. */
static void fish_text(const char *text, struct buf *ret)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_putc(ret, '\\');
        buf_putc(ret, *text);
    }
}

static void fish_options(const char *condition, const struct cli_option *options, size_t n,
                         struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(ret, "complete -c " OCICLI_PROGRAM " -n '%s' -l %s", condition, options[i].name);
        if (options[i].letter)
            buf_printf(ret, " -s %c", options[i].letter);
        switch (offer_of(&options[i])) {
        case OFFER_FILES:
            buf_puts(ret, " -r -F");
            break;
        case OFFER_DIRECTORIES:
            buf_puts(ret, " -x -a '(__fish_complete_directories)'");
            break;
        case OFFER_WORDS:
            buf_puts(ret, " -x -a '");
            add_words(options[i].metavar, ' ', ret);
            buf_putc(ret, '\'');
            break;
        case OFFER_NOTHING:
            buf_puts(ret, options[i].metavar ? " -x" : "");
            break;
        }
        buf_puts(ret, " -d '");
        fish_text(options[i].help, ret);
        buf_puts(ret, "'\n");
    }
}

static void fish_completion(struct buf *ret)
{
    const struct command *command;
    size_t n;
    const struct cli_option *options = global_options(&n);
    char condition[80];

    buf_puts(ret, "complete -c " OCICLI_PROGRAM " -f\n");
    fish_options("__fish_use_subcommand", options, n, ret);
    for (size_t i = 0; command_at(i, &command); i++) {
        buf_printf(ret, "complete -c " OCICLI_PROGRAM " -n __fish_use_subcommand -a %s -d '",
                   command->name);
        fish_text(command->summary, ret);
        buf_puts(ret, "'\n");
        snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", command->name);
        fish_options(condition, command->options, command->n_options, ret);
        if (command->takes_id)
            buf_printf(ret, "complete -c " OCICLI_PROGRAM " -n '%s' -a '(" LIST_IDS ")'\n",
                       condition);
    }
}

void completion_of_shell(const char *shell, struct buf *ret)
{
    if (strcmp(shell, "fish") == 0) {
        fish_completion(ret);
        return;
    }
    /* zsh has what is made for bash work as it is. */
    if (strcmp(shell, "zsh") == 0)
        buf_puts(ret, "#compdef " OCICLI_PROGRAM "\n"
                      "autoload -U +X bashcompinit && bashcompinit\n");
    bash_completion(ret);
}
