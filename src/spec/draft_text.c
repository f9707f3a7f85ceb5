/*
 * A draft as text, so that what was asked for once can be run again. One line for each thing that was set,
 * in the order in which it counts:
 *
 *   ration-draft 1
 *   measure 0
 *   option NAME VALUE
 *   limit NAME VALUE
 *   arg WORD
 *
 * A newline in a value is written \n, a backslash \\. Values were resolved when they were set: variables of
 * our environment and of files stand here with what they held then.
 */
#include <errno.h>
#include <string.h>

#include "spec/check.h"
#include "spec/option.h"

#define DRAFT_FIRST_LINE "ration-draft 1"

/* ---- writing ----------------------------------------------------------------------------------------- */

static void value_write(struct buf *ret, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n')
            buf_puts(ret, "\\n");
        else if (*value == '\\')
            buf_puts(ret, "\\\\");
        else
            buf_putc(ret, *value);
    }
    buf_putc(ret, '\n');
}

static void options_write(const struct draft *draft, struct buf *ret)
{
    for (size_t id = 0; id < OPTION_ID_COUNT; id++) {
        const struct texts *texts = &draft->value[id];
        for (size_t i = 0; i < texts->n; i++) {
            buf_printf(ret, "option %s ", option_table[id].name);
            value_write(ret, texts->v[i]);
        }
    }
}

static void limits_write(const struct draft *draft, struct buf *ret)
{
    for (size_t i = 0; i < draft->limit_texts.n; i++) {
        const char *text = draft->limit_texts.v[i];
        size_t name = strcspn(text, "=");
        buf_printf(ret, "limit %.*s ", (int)name, text);
        value_write(ret, text + name + (text[name] == '='));
    }
}

int draft_write(const struct draft *draft, struct buf *ret)
{
    buf_printf(ret, DRAFT_FIRST_LINE "\nmeasure %d\n", (int)draft->measure);
    options_write(draft, ret);
    limits_write(draft, ret);
    for (char *const *word = draft->argv; word && *word; word++) {
        buf_puts(ret, "arg ");
        value_write(ret, *word);
    }
    return buf_error(ret);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

struct draft_reader {
    struct draft *draft;
    const struct spec_world *world;
    struct err *err;
};

/* In place. */
static void value_read(char *value)
{
    char *to = value;

    for (const char *from = value; *from; from++) {
        if (*from == '\\' && (from[1] == 'n' || from[1] == '\\'))
            *to++ = *++from == 'n' ? '\n' : '\\';
        else
            *to++ = *from;
    }
    *to = '\0';
}

static int measure_read(struct draft_reader *reader, const char *name, const char *value)
{
    uint64_t number;

    (void)value;
    if (number_parse(name, SPEC_MEASURE_ALL, &number) < 0)
        return err_set(reader->err, EINVAL, "there is no measure %.20s", name);
    reader->draft->measure = (enum spec_measure)number;
    return 0;
}

/* As it was kept: what it was set from was resolved then. It is checked again all the same. */
static int option_read(struct draft_reader *reader, const char *name, const char *value)
{
    enum option_id id = option_row_find(name);

    if (id == OPTION_ID_COUNT)
        return err_set(reader->err, EINVAL, "there is no option %s", quote(name).text);
    const struct option_row *row = &option_table[id];
    if (!row->set)
        return spec_set(reader->draft, reader->world, name, value, reader->err);
    return draft_store(reader->draft, id, value, reader->err);
}

static int limit_read(struct draft_reader *reader, const char *name, const char *value)
{
    enum limit_id limit = limit_find(name);

    if (limit == LIMIT_NONE)
        return err_set(reader->err, EINVAL, "there is no limit %s", quote(name).text);
    return draft_set_limit(reader->draft, reader->world, limit, value, reader->err);
}

static int word_read(struct draft_reader *reader, const char *name, const char *value)
{
    (void)name;
    return strv_push(&reader->draft->argv, value) < 0 ? err_nomem(reader->err) : 0;
}

static const struct {
    const char *key;
    bool named; /* a name stands before the value */
    int (*read)(struct draft_reader *reader, const char *name, const char *value);
} line_table[] = {
    { "measure ", true, measure_read },
    { "option ", true, option_read },
    { "limit ", true, limit_read },
    { "arg ", false, word_read },
};

static int line_read(struct draft_reader *reader, char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(line_table); i++) {
        if (!text_starts(line, line_table[i].key))
            continue;
        char *name = line + strlen(line_table[i].key), *value = name;
        if (line_table[i].named) {
            value = name + strcspn(name, " ");
            if (*value)
                *value++ = '\0';
        }
        value_read(value);
        return line_table[i].read(reader, name, value);
    }
    return err_set(reader->err, EINVAL, "there is no such line as %s", quote(line).text);
}

int draft_read(const char *text, const struct spec_world *world, struct draft **ret,
               struct err *err)
{
    _cleanup_(draft_freep) struct draft *draft = draft_new();
    struct draft_reader reader = { .draft = draft, .world = world, .err = err };
    const char *cursor = text, *line;
    size_t len;
    int r = 0;

    if (!draft)
        return err_nomem(err);
    for (unsigned number = 1; line_next(&cursor, &line, &len); number++) {
        _cleanup_free_ char *copy = strndup(line, len);
        if (!copy)
            return err_nomem(err);
        if (number == 1)
            r = strcmp(copy, DRAFT_FIRST_LINE) == 0
                    ? 0
                    : err_set(err, EINVAL, "it does not begin with \"" DRAFT_FIRST_LINE "\"");
        else
            r = line_read(&reader, copy);
        if (r < 0) {
            err_prefix(err, "a saved description, line %u", number);
            return r;
        }
    }
    if (cursor == text || !*text)
        return err_set(err, EINVAL, "a saved description is empty");
    *ret = TAKE_PTR(draft);
    return 0;
}
