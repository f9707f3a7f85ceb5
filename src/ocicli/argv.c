/* The parser of the command line. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "ocicli/argv.h"

#define NAMES_MAX 64 /* for the nearest name; more would only be left out of the suggestion */

static const struct cli_option help_option = {
    .name = "help",
    .letter = 'h',
    .kind = CLI_FLAG,
};

struct parser {
    const struct argv_table *table;
    char *const *next; /* the first word not yet used up */
    bool *help;
    struct err *err;
};

/* ---- finding ------------------------------------------------------------------------------------- */

static bool name_is(const char *name, const char *word, size_t len)
{
    return name && strlen(name) == len && memcmp(name, word, len) == 0;
}

static const struct cli_option *find_name(const struct parser *parser, const char *word, size_t len)
{
    const struct argv_table *table = parser->table;

    for (size_t i = 0; i < table->n; i++) {
        if (name_is(table->options[i].name, word, len) ||
            name_is(table->options[i].alias, word, len))
            return &table->options[i];
    }
    return name_is(help_option.name, word, len) ? &help_option : NULL;
}

static const struct cli_option *find_letter(const struct parser *parser, char letter)
{
    const struct argv_table *table = parser->table;

    for (size_t i = 0; i < table->n; i++) {
        if (table->options[i].letter == letter)
            return &table->options[i];
    }
    return letter == help_option.letter ? &help_option : NULL;
}

/* word is as it was typed, with its dashes; the name in it has len bytes. */
static int unknown_option(const struct parser *parser, const char *word, const char *name,
                          size_t len)
{
    const struct argv_table *table = parser->table;
    const char *names[NAMES_MAX];
    size_t n = 0;
    _cleanup_free_ char *typed = strndup(name, len);

    while (n < table->n && n < NAMES_MAX) {
        names[n] = table->options[n].name;
        n++;
    }
    const char *nearest = typed ? text_nearest(typed, names, n) : NULL;
    int shown = (int)(name - word) + (len < 64 ? (int)len : 64);
    if (nearest)
        return err_usage(parser->err, "%s has no option %.*s; did you mean --%s?", table->of, shown,
                         word, nearest);
    return err_usage(parser->err, "%s has no option %.*s", table->of, shown, word);
}

/* ---- values --------------------------------------------------------------------------------------- */

static bool is_flag(const struct cli_option *option)
{
    return option->kind == CLI_FLAG || option->kind == CLI_IGNORED_FLAG;
}

static int set_flag(const struct parser *parser, const struct cli_option *option, const char *value,
                    bool *ret)
{
    if (!value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *ret = true;
    else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *ret = false;
    else
        return err_usage(parser->err, "--%s is a flag: true or false, not \"%.64s\"", option->name,
                         value);
    return 0;
}

/* Is value one of the words between '|'? */
static bool is_word(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (;;) {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, value, n) == 0)
            return true;
        if (words[n] == '\0')
            return false;
        words += n + 1;
    }
}

static int set_value(const struct parser *parser, const struct cli_option *option,
                     const char *value)
{
    char *member = (char *)parser->table->values + option->offset;
    uint64_t number;
    int r;

    switch (option->kind) {
    case CLI_WORD:
        if (!is_word(option->metavar, value))
            return err_usage(parser->err, "--%s is one of %s, not \"%.64s\"", option->name,
                             option->metavar, value);
        *(const char **)(void *)member = value;
        return 0;
    case CLI_NUMBER:
        if (number_parse(value, INT32_MAX, &number) < 0)
            return err_usage(parser->err, "--%s: \"%.64s\" is not a number", option->name, value);
        *(unsigned *)(void *)member = (unsigned)number;
        return 0;
    case CLI_DURATION:
        r = duration_parse(value, 1000000, &number);
        if (r < 0 || number == 0)
            return err_usage(parser->err, "--%s: \"%.64s\" is not a time such as 5s or 500ms",
                             option->name, value);
        *(uint64_t *)(void *)member = number;
        return 0;
    case CLI_LIST:
        return strv_push((char ***)(void *)member, value) < 0 ? err_nomem(parser->err) : 0;
    case CLI_TEXT:
        *(const char **)(void *)member = value;
        return 0;
    case CLI_FLAG:
    case CLI_IGNORED:
    case CLI_IGNORED_FLAG:
        break;
    }
    return 0;
}

/* value NULL: none was attached, the next word is it unless the option is a flag. */
static int set_option(struct parser *parser, const struct cli_option *option, const char *value)
{
    bool ignored;

    if (option == &help_option)
        return set_flag(parser, option, value, parser->help);
    if (option->kind == CLI_IGNORED_FLAG)
        return set_flag(parser, option, value, &ignored);
    if (option->kind == CLI_FLAG)
        return set_flag(parser, option, value,
                        (bool *)((char *)parser->table->values + option->offset));
    if (!value) {
        value = *parser->next;
        if (!value)
            return err_usage(parser->err, "--%s needs a value (%s)", option->name,
                             text_or_empty(option->metavar));
        parser->next++;
    }
    return set_value(parser, option, value);
}

/* ---- reading --------------------------------------------------------------------------------------- */

static int read_long(struct parser *parser, const char *word, const char *name)
{
    size_t len = strcspn(name, "=");
    const struct cli_option *option = len > 0 ? find_name(parser, name, len) : NULL;

    if (!option)
        return unknown_option(parser, word, name, len);
    return set_option(parser, option, name[len] ? name + len + 1 : NULL);
}

/* Letters up to the first that takes a value, which the rest of the word is. */
static int read_cluster(struct parser *parser, const char *word)
{
    size_t len = strcspn(word + 1, "=");
    int r = 0;

    for (const char *letter = word + 1; r == 0 && *letter; letter++) {
        const struct cli_option *option = find_letter(parser, *letter);
        const char *rest = letter + 1;
        if (!option)
            return len > 1 ? unknown_option(parser, word, word + 1, len)
                           : unknown_option(parser, word, letter, 1);
        if (!is_flag(option) || *rest == '=')
            return set_option(parser, option, *rest == '=' ? rest + 1 : *rest ? rest : NULL);
        r = set_option(parser, option, NULL);
    }
    return r;
}

int argv_parse(const struct argv_table *table, char *const *argv, char *const **ret_operands,
               bool *ret_help, struct err *err)
{
    struct parser parser = { table, argv, ret_help, err };
    int r = 0;

    *ret_help = false;
    while (r == 0 && *parser.next && (*parser.next)[0] == '-' && (*parser.next)[1] != '\0') {
        const char *word = *parser.next++;
        if (strcmp(word, "--") == 0)
            break;
        if (word[1] == '-')
            r = read_long(&parser, word, word + 2);
        else if (word[2] != '\0' && find_name(&parser, word + 1, strcspn(word + 1, "=")))
            r = read_long(&parser, word, word + 1);
        else
            r = read_cluster(&parser, word);
    }
    *ret_operands = parser.next;
    return r;
}

void argv_done(const struct argv_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        if (table->options[i].kind == CLI_LIST) {
            char ***list = (char ***)(void *)((char *)table->values + table->options[i].offset);
            strv_free(*list);
            *list = NULL;
        }
    }
}
