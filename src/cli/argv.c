/* The parser of the command line. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cli/argv.h"

#define OPTIONS_MAX 512 /* for the nearest name; more would only be left out of the suggestion */

#define NAME_SIZE 64 /* of a buffer for any option's name */

static const struct ration_option help_option = {
    .name = "help",
    .help = "show this help",
    .group = "Help",
    .kind = RATION_OPTION_FLAG,
};

struct parser {
    const struct command *command;
    char *const *next; /* the first word not yet used up */
    argv_set set;
    void *data;
    struct ration_error *error;
};

bool command_option_at(const struct command *command, size_t index, struct ration_option *ret)
{
    if (index < command->n_options) {
        *ret = command->options[index];
        return true;
    }
    index -= command->n_options;
    if (index == 0) {
        *ret = help_option;
        return true;
    }
    for (size_t i = 0; command->describes_run && ration_option_at(i, ret) == 0; i++) {
        if (!command->takes)
            return ration_option_at(index - 1, ret) == 0;
        if (command->takes(ret) && --index == 0)
            return true;
    }
    return false;
}

/* ---- finding ------------------------------------------------------------------------------------- */

static bool has_name(const struct ration_option *option, const char *name, size_t len)
{
    const char *alias = option->aliases;

    if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
        return true;
    while (alias && *alias) {
        size_t n = strcspn(alias, " ");
        if (n == len && memcmp(alias, name, len) == 0)
            return true;
        alias += n;
        alias += strspn(alias, " ");
    }
    return false;
}

/* The command's own options come first, then those of a run, which the library finds by itself. */
static bool find_name(const struct command *command, const char *name, size_t len,
                      struct ration_option *ret)
{
    char word[NAME_SIZE];

    for (size_t i = 0; len > 0 && i <= command->n_options; i++) {
        if (command_option_at(command, i, ret) && has_name(ret, name, len))
            return true;
    }
    if (len == 0 || len >= sizeof(word) || !command->describes_run)
        return false;
    memcpy(word, name, len);
    word[len] = '\0';
    return ration_option_find(word, ret) == 0 && (!command->takes || command->takes(ret));
}

static bool find_letter(const struct command *command, char letter, struct ration_option *ret)
{
    for (size_t i = 0; command_option_at(command, i, ret); i++) {
        if (ret->letter == letter)
            return true;
    }
    return false;
}

static const char *nearest_name(const struct command *command, const char *name, size_t len)
{
    const char *names[OPTIONS_MAX];
    struct ration_option option;
    size_t n = 0;
    _cleanup_free_ char *word = strndup(name, len);

    while (word && n < OPTIONS_MAX && command_option_at(command, n, &option))
        names[n++] = option.name;
    return word ? text_nearest(word, names, n) : NULL;
}

/* word is as it was typed, with its dashes; the name in it has len bytes. */
static int unknown_option(const struct parser *parser, const char *word, const char *name,
                          size_t len)
{
    const char *nearest = nearest_name(parser->command, name, len);
    int shown = (int)(name - word) + (len < 64 ? (int)len : 64);

    if (nearest)
        return cli_usage(parser->error, "%s has no option %.*s; did you mean --%s?",
                         parser->command->name, shown, word, nearest);
    return cli_usage(parser->error, "%s has no option %.*s; ration %s --help lists them",
                     parser->command->name, shown, word, parser->command->name);
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* value NULL: none was attached, the next word is it unless the option is a flag. */
static int set_option(struct parser *parser, const struct ration_option *option, const char *value)
{
    if (!value && option->kind != RATION_OPTION_FLAG) {
        value = *parser->next;
        if (!value)
            return cli_usage(parser->error, "--%s needs a value (%s)", option->name,
                             text_or_empty(option->metavar));
        parser->next++;
    }
    return parser->set(parser->data, option, value, parser->error);
}

static int read_long(struct parser *parser, const char *word, const char *name)
{
    size_t len = strcspn(name, "=");
    struct ration_option option;

    if (!find_name(parser->command, name, len, &option))
        return unknown_option(parser, word, name, len);
    return set_option(parser, &option, name[len] ? name + len + 1 : NULL);
}

/*
 * Letters up to the first that takes a value, which the rest of the word is. A bad value that looks
 * like a misspelt long name is told as that: "-memroy 5m" rather than the size "emroy".
 */
static int read_cluster(struct parser *parser, const char *word)
{
    size_t len = strcspn(word + 1, "=");
    struct ration_option option;

    for (const char *letter = word + 1; *letter; letter++) {
        const char *rest = letter + 1;
        if (!find_letter(parser->command, *letter, &option))
            return len > 1 ? unknown_option(parser, word, word + 1, len)
                           : unknown_option(parser, word, letter, 1);
        if (option.kind == RATION_OPTION_FLAG && *rest != '=') {
            int r = set_option(parser, &option, NULL);
            if (r < 0)
                return r;
            continue;
        }
        int r = set_option(parser, &option, *rest == '=' ? rest + 1 : *rest ? rest : NULL);
        if (r == -EINVAL && *rest && *rest != '=' && nearest_name(parser->command, word + 1, len))
            return unknown_option(parser, word, word + 1, len);
        return r;
    }
    return 0;
}

int argv_parse(const struct command *command, char *const *argv, argv_set set, void *data,
               char *const **ret_operands, struct ration_error *error)
{
    struct parser parser = { command, argv, set, data, error };
    struct ration_option option;
    int r = 0;

    while (r == 0 && *parser.next && (*parser.next)[0] == '-' && (*parser.next)[1] != '\0') {
        const char *word = *parser.next++;
        if (strcmp(word, "--") == 0)
            break;
        if (word[1] == '-')
            r = read_long(&parser, word, word + 2);
        else if (word[2] != '\0' && find_name(command, word + 1, strcspn(word + 1, "="), &option))
            r = read_long(&parser, word, word + 1);
        else
            r = read_cluster(&parser, word);
    }
    *ret_operands = parser.next;
    return r;
}

int argv_flag(const struct ration_option *option, const char *value, bool *ret,
              struct ration_error *error)
{
    if (!value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *ret = true;
    else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *ret = false;
    else
        return cli_usage(error, "--%s is a flag: true or false, not \"%.64s\"", option->name,
                         value);
    return 0;
}

int argv_parse_all(const struct command *command, char *const *argv, argv_set set, void *data,
                   char ***ret_operands, struct ration_error *error)
{
    char **operands = NULL;
    int r = 0;

    while (r == 0 && *argv) {
        char *const *rest;
        r = argv_parse(command, argv, set, data, &rest, error);
        bool all = r == 0 && rest > argv && strcmp(rest[-1], "--") == 0;
        for (size_t n = 0; r == 0 && *rest && (all || n == 0); n++, rest++) {
            if (strv_push(&operands, *rest) < 0)
                r = cli_fail(error, ENOMEM, "out of memory");
        }
        if (r == 0)
            argv = rest;
    }
    if (r < 0)
        strv_free(operands);
    else
        *ret_operands = operands;
    return r;
}
