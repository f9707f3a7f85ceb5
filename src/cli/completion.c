/* Completions for shells, from the same tables as everything else. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

/* What can be offered for a value. */
enum offer {
    OFFER_NOTHING,
    OFFER_FILES,
    OFFER_DIRECTORIES,
    OFFER_WORDS, /* the metavar is "one|two" */
};

static enum offer offer_of(const struct ration_option *option)
{
    static const struct {
        const char *metavar;
        enum offer offer;
    } metavar_table[] = {
        { "FILE", OFFER_FILES },
        { "FILE|-|fd:N", OFFER_FILES },
        { "DIR", OFFER_DIRECTORIES },
        { "HOST[:TARGET[:rwm]]", OFFER_FILES },
        { "SOURCE:TARGET[:OPTIONS]", OFFER_FILES },
    };

    if (!option->metavar)
        return OFFER_NOTHING;
    for (size_t i = 0; i < ARRAY_SIZE(metavar_table); i++) {
        if (strcmp(metavar_table[i].metavar, option->metavar) == 0)
            return metavar_table[i].offer;
    }
    bool words =
        strchr(option->metavar, '|') && !strpbrk(option->metavar, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return words ? OFFER_WORDS : OFFER_NOTHING;
}

static void add_words(const char *metavar, char separator, struct buf *ret)
{
    for (; *metavar; metavar++)
        buf_putc(ret, *metavar == '|' ? separator : *metavar);
}

/* Each name that an option can be typed by, long ones with their dashes. */
static void add_names(const struct ration_option *option, const char *separator, struct buf *ret)
{
    const char *alias = text_or_empty(option->aliases);

    buf_printf(ret, "--%s", option->name);
    while (*alias) {
        size_t n = strcspn(alias, " ");
        buf_printf(ret, "%s--%.*s", separator, (int)n, alias);
        alias += n;
        alias += strspn(alias, " ");
    }
    if (option->letter)
        buf_printf(ret, "%s-%c", separator, option->letter);
}

/* ---- commands of two words: "network create" --------------------------------------------------------- */

/* The second word, or NULL. */
static const char *second_word(const struct command *command)
{
    const char *blank = strchr(command->name, ' ');

    return blank ? blank + 1 : NULL;
}

static int first_length(const struct command *command)
{
    return (int)strcspn(command->name, " ");
}

static bool same_first(const struct command *one, const struct command *other)
{
    int n = first_length(one);

    return n == first_length(other) && strncmp(one->name, other->name, (size_t)n) == 0;
}

/* Is command the first one with its first word? */
static bool leads(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (same_first(command_at(i), command_at(index)))
            return false;
    }
    return true;
}

/* The second words of all commands that begin like this one. */
static void add_second_words(const struct command *command, struct buf *ret)
{
    for (size_t i = 0; i < command_count(); i++) {
        if (second_word(command_at(i)) && same_first(command_at(i), command))
            buf_printf(ret, "%s ", second_word(command_at(i)));
    }
}

/* The label of a command in a shell's `case`. */
static void add_label(const struct command *command, struct buf *ret)
{
    buf_printf(ret, second_word(command) ? "    '%s')\n" : "    %s)\n", command->name);
}

/* ---- bash ------------------------------------------------------------------------------------------- */

static void bash_values(const struct command *command, struct buf *ret)
{
    struct ration_option option;

    buf_puts(ret, "        case $previous in\n");
    for (size_t i = 0; command_option_at(command, i, &option); i++) {
        if (option.kind == RATION_OPTION_FLAG)
            continue;
        buf_puts(ret, "        ");
        add_names(&option, "|", ret);
        buf_puts(ret, ") ");
        switch (offer_of(&option)) {
        case OFFER_FILES:
            buf_puts(ret, "COMPREPLY=($(compgen -f -- \"$current\"))");
            break;
        case OFFER_DIRECTORIES:
            buf_puts(ret, "COMPREPLY=($(compgen -d -- \"$current\"))");
            break;
        case OFFER_WORDS:
            buf_puts(ret, "COMPREPLY=($(compgen -W '");
            add_words(option.metavar, ' ', ret);
            buf_puts(ret, "' -- \"$current\"))");
            break;
        case OFFER_NOTHING:
            buf_puts(ret, ":");
            break;
        }
        buf_puts(ret, "; return ;;\n");
    }
    buf_puts(ret, "        esac\n");
}

/* The first word that is neither an option nor the value of one is COMMAND: completed as such. */
static void bash_command(const struct command *command, struct buf *ret)
{
    struct ration_option option;

    add_label(command, ret);
    if (command->describes_run) {
        buf_puts(ret, "        for ((i = 2; i < COMP_CWORD; i++)); do\n"
                      "            case ${COMP_WORDS[i]} in\n"
                      "            --) ((i++)); break ;;\n"
                      "            ");
        bool first = true;
        for (size_t i = 0; command_option_at(command, i, &option); i++) {
            if (option.kind == RATION_OPTION_FLAG)
                continue;
            buf_puts(ret, first ? "" : "|");
            add_names(&option, "|", ret);
            first = false;
        }
        buf_puts(ret, ") ((i++)) ;;\n"
                      "            -*|=) ;;\n"
                      "            *) break ;;\n"
                      "            esac\n"
                      "        done\n"
                      "        if ((i < COMP_CWORD)) || [[ ${COMP_WORDS[i-1]} == -- ]]; then\n"
                      "            declare -F _command_offset >/dev/null && _command_offset $i\n"
                      "            return\n"
                      "        fi\n");
    }
    bash_values(command, ret);
    buf_puts(ret, "        if [[ $current == -* ]]; then\n"
                  "            COMPREPLY=($(compgen -W '");
    for (size_t i = 0; command_option_at(command, i, &option); i++) {
        buf_puts(ret, i ? " " : "");
        add_names(&option, " ", ret);
    }
    buf_puts(ret, "' -- \"$current\"))\n"
                  "        fi\n");
    if (command->describes_run)
        buf_puts(ret,
                 "        [[ $current == -* ]] || COMPREPLY=($(compgen -c -- \"$current\"))\n");
    buf_puts(ret, "        ;;\n");
}

static void completion_bash(struct buf *ret)
{
    buf_puts(ret,
             "# bash completion for ration\n"
             "_ration()\n"
             "{\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} i\n"
             "    local command=${COMP_WORDS[1]}\n"
             "    COMPREPLY=()\n"
             "    if ((COMP_CWORD == 1)); then\n"
             "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < command_count(); i++) {
        if (leads(i))
            buf_printf(ret, "%.*s ", first_length(command_at(i)), command_at(i)->name);
    }
    buf_puts(ret, "--help --version' -- \"$current\"))\n"
                  "        return\n"
                  "    fi\n"
                  "    case $command in\n");
    for (size_t i = 0; i < command_count(); i++) {
        if (!leads(i) || !second_word(command_at(i)))
            continue;
        buf_printf(ret, "    %.*s)\n", first_length(command_at(i)), command_at(i)->name);
        buf_puts(ret, "        if ((COMP_CWORD == 2)); then\n"
                      "            COMPREPLY=($(compgen -W '");
        add_second_words(command_at(i), ret);
        buf_puts(ret, "' -- \"$current\"))\n"
                      "            return\n"
                      "        fi\n"
                      "        command=\"$command ${COMP_WORDS[2]}\"\n"
                      "        ;;\n");
    }
    buf_puts(ret, "    esac\n"
                  "    case $command in\n");
    for (size_t i = 0; i < command_count(); i++)
        bash_command(command_at(i), ret);
    buf_puts(ret, "    esac\n"
                  "}\n"
                  "complete -o bashdefault -o default -F _ration ration\n");
}

/* ---- zsh ---------------------------------------------------------------------------------------------- */

/* Text within the single quotes and brackets of an _arguments specification. */
static void zsh_text(const char *text, struct buf *ret)
{
    for (; *text; text++) {
        if (*text == '\'')
            buf_puts(ret, "'\\''");
        else if (strchr("[]:\\", *text))
            buf_printf(ret, "\\%c", *text);
        else
            buf_putc(ret, *text);
    }
}

static void zsh_specification(const struct ration_option *option, const char *name, size_t len,
                              struct buf *ret)
{
    buf_printf(ret, "            '%s%.*s%s[", option->kind == RATION_OPTION_MANY ? "*" : "",
               (int)len, name,
               option->kind == RATION_OPTION_FLAG ? ""
               : name[1] == '-'                   ? "="
                                                  : "+");
    zsh_text(option->help, ret);
    buf_putc(ret, ']');
    if (option->kind != RATION_OPTION_FLAG) {
        buf_putc(ret, ':');
        zsh_text(option->metavar, ret);
        buf_putc(ret, ':');
        switch (offer_of(option)) {
        case OFFER_FILES:
            buf_puts(ret, "_files");
            break;
        case OFFER_DIRECTORIES:
            buf_puts(ret, "_files -/");
            break;
        case OFFER_WORDS:
            buf_putc(ret, '(');
            add_words(option->metavar, ' ', ret);
            buf_putc(ret, ')');
            break;
        case OFFER_NOTHING:
            break;
        }
    }
    buf_puts(ret, "' \\\n");
}

static void zsh_command(const struct command *command, struct buf *ret)
{
    struct ration_option option;

    add_label(command, ret);
    buf_puts(ret, "        _arguments -S \\\n");
    for (size_t i = 0; command_option_at(command, i, &option); i++) {
        _cleanup_buf_ struct buf names = BUF_INIT;
        add_names(&option, " ", &names);
        for (const char *name = buf_text(&names); *name; name += strspn(name, " ")) {
            size_t n = strcspn(name, " ");
            zsh_specification(&option, name, n, ret);
            name += n;
        }
    }
    buf_puts(ret, command->describes_run ? "            '(-):command: _command_names -e' \\\n"
                                           "            '*::arguments: _normal'\n"
                                         : "            '*:argument:'\n");
    buf_puts(ret, "        ;;\n");
}

static void completion_zsh(struct buf *ret)
{
    buf_puts(ret, "#compdef ration\n"
                  "_ration()\n"
                  "{\n"
                  "    local -a commands\n"
                  "    commands=(\n");
    for (size_t i = 0; i < command_count(); i++) {
        if (!leads(i))
            continue;
        buf_printf(ret, "        '%.*s:", first_length(command_at(i)), command_at(i)->name);
        zsh_text(second_word(command_at(i)) ? "commands on it" : command_at(i)->summary, ret);
        buf_puts(ret, "'\n");
    }
    buf_puts(ret, "    )\n"
                  "    if (( CURRENT == 2 )); then\n"
                  "        _describe command commands\n"
                  "        return\n"
                  "    fi\n"
                  "    local command=$words[2]\n"
                  "    shift words\n"
                  "    (( CURRENT-- ))\n"
                  "    case $command in\n");
    for (size_t i = 0; i < command_count(); i++) {
        if (!leads(i) || !second_word(command_at(i)))
            continue;
        buf_printf(ret, "    %.*s)\n", first_length(command_at(i)), command_at(i)->name);
        buf_puts(ret, "        if (( CURRENT == 2 )); then\n"
                      "            compadd ");
        add_second_words(command_at(i), ret);
        buf_puts(ret, "\n"
                      "            return\n"
                      "        fi\n"
                      "        command=\"$command $words[2]\"\n"
                      "        shift words\n"
                      "        (( CURRENT-- ))\n"
                      "        ;;\n");
    }
    buf_puts(ret, "    esac\n"
                  "    case $command in\n");
    for (size_t i = 0; i < command_count(); i++)
        zsh_command(command_at(i), ret);
    buf_puts(ret, "    esac\n"
                  "}\n"
                  "_ration \"$@\"\n");
}

/* ---- fish ----------------------------------------------------------------------------------------------- */

static void fish_text(const char *text, struct buf *ret)
{
    buf_putc(ret, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_putc(ret, '\\');
        buf_putc(ret, *text);
    }
    buf_putc(ret, '\'');
}

/* The condition under which the words of a command have been typed. */
static void fish_seen(const struct command *command, struct buf *ret)
{
    buf_printf(ret, "-n '__fish_seen_subcommand_from %.*s", first_length(command), command->name);
    if (second_word(command))
        buf_printf(ret, "; and __fish_seen_subcommand_from %s", second_word(command));
    buf_putc(ret, '\'');
}

static void fish_name(size_t index, struct buf *ret)
{
    const struct command *command = command_at(index);

    if (leads(index)) {
        buf_printf(ret, "complete -c ration -n __fish_use_subcommand -f -a %.*s -d ",
                   first_length(command), command->name);
        fish_text(second_word(command) ? "commands on it" : command->summary, ret);
        buf_putc(ret, '\n');
    }
    if (second_word(command)) {
        buf_printf(ret, "complete -c ration -n '__fish_seen_subcommand_from %.*s' -f -a %s -d ",
                   first_length(command), command->name, second_word(command));
        fish_text(command->summary, ret);
        buf_putc(ret, '\n');
    }
}

static void fish_option(const struct command *command, const struct ration_option *option,
                        struct buf *ret)
{
    const char *alias = text_or_empty(option->aliases);

    buf_puts(ret, "complete -c ration ");
    fish_seen(command, ret);
    buf_printf(ret, " -l %s", option->name);
    while (*alias) {
        size_t n = strcspn(alias, " ");
        buf_printf(ret, " -l %.*s", (int)n, alias);
        alias += n;
        alias += strspn(alias, " ");
    }
    if (option->letter)
        buf_printf(ret, " -s %c", option->letter);
    buf_puts(ret, " -d ");
    fish_text(option->help, ret);
    switch (offer_of(option)) {
    case OFFER_FILES:
        buf_puts(ret, " -r -F");
        break;
    case OFFER_DIRECTORIES:
        buf_puts(ret, " -x -a '(__fish_complete_directories)'");
        break;
    case OFFER_WORDS:
        buf_puts(ret, " -x -a '");
        add_words(option->metavar, ' ', ret);
        buf_putc(ret, '\'');
        break;
    case OFFER_NOTHING:
        buf_puts(ret, option->kind == RATION_OPTION_FLAG ? "" : " -x");
        break;
    }
    buf_putc(ret, '\n');
}

static void completion_fish(struct buf *ret)
{
    struct ration_option option;

    buf_puts(ret, "# fish completion for ration\n");
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        fish_name(i, ret);
        if (command->describes_run)
            buf_printf(ret,
                       "complete -c ration -n '__fish_seen_subcommand_from %s' -f -a "
                       "'(__fish_complete_subcommand)'\n",
                       command->name);
        for (size_t j = 0; command_option_at(command, j, &option); j++)
            fish_option(command, &option, ret);
    }
}

int completion_of_shell(const char *shell, struct buf *ret)
{
    static const struct {
        const char *shell;
        void (*print)(struct buf *ret);
    } shell_table[] = {
        { "bash", completion_bash },
        { "zsh", completion_zsh },
        { "fish", completion_fish },
    };

    for (size_t i = 0; i < ARRAY_SIZE(shell_table); i++) {
        if (strcmp(shell_table[i].shell, shell) == 0) {
            shell_table[i].print(ret);
            return 0;
        }
    }
    return -EINVAL;
}
