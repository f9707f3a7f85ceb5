/*
 * Values of the JSON library from a document that json_scan() has found right: nothing is checked again but
 * what the scan cannot see, whether a name is given twice. The library's own reader takes three times as long,
 * which would be a tenth of a container's start, and has no number above 2^63-1.
 */
#include <errno.h>
#include <string.h>

#include "oci/document.h"

struct builder {
    const char *start, *at;
    json_t *open[OCI_DEPTH_MAX]; /* the containers around this place; the first one owns them all */
    unsigned depth;
    struct buf text; /* the string that was read last */
    struct json_find *find;
    unsigned found_depth; /* of the container whose text is looked for, while in it; or 0 */
    struct err *err;
};

static void skip_blanks(struct builder *b)
{
    while (*b->at == ' ' || *b->at == '\n' || *b->at == '\t' || *b->at == '\r')
        b->at++;
}

static int fault(const struct builder *b, const char *what, const char *text)
{
    size_t line = 1;

    for (const char *c = b->start; c < b->at; c++)
        line += *c == '\n';
    return err_usage(b->err, "the document cannot be read: line %zu: %s %s", line,
                     json_show_text(text).text, what);
}

/* ---- strings -------------------------------------------------------------------------------------------- */

static uint32_t build_unit(struct builder *b)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        char c = *b->at++;
        unit = unit * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static void put_utf8(struct buf *text, uint32_t code)
{
    if (code < 0x80) {
        buf_putc(text, (char)code);
        return;
    }
    unsigned n = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes that follow the first */
    buf_putc(text, (char)(0xff00 >> (n + 1) | code >> 6 * n));
    while (n-- > 0)
        buf_putc(text, (char)(0x80 | (code >> 6 * n & 0x3f)));
}

/* at stands behind the backslash. */
static void build_escape(struct builder *b)
{
    static const char letter_table[][2] = {
        { 'b', '\b' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' },
    };
    char c = *b->at++;

    if (c == 'u') {
        uint32_t code = build_unit(b);
        if (code >= 0xd800 && code <= 0xdbff) {
            b->at += 2; /* "\u" of the other half */
            code = 0x10000 + ((code - 0xd800) << 10) + (build_unit(b) - 0xdc00);
        }
        put_utf8(&b->text, code);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(letter_table); i++) {
        if (letter_table[i][0] == c)
            c = letter_table[i][1];
    }
    buf_putc(&b->text, c);
}

/* Into b->text; at stands on the opening quote, and then behind the closing one. */
static void build_text(struct builder *b)
{
    buf_reset(&b->text);
    for (b->at++; *b->at != '"';) {
        const char *first = b->at;
        while (*b->at != '"' && *b->at != '\\')
            b->at++;
        buf_add(&b->text, first, (size_t)(b->at - first));
        if (*b->at == '\\') {
            b->at++;
            build_escape(b);
        }
    }
    b->at++;
}

/* ---- values ------------------------------------------------------------------------------------------------ */

/* A whole number above 2^63-1 becomes the string that no document can have: a NUL and its digits. */
static json_t *build_whole(const char *digits, size_t n, bool negative)
{
    char text[24];
    uint64_t number = 0;

    for (size_t i = 0; i < n; i++)
        number = number * 10 + (uint64_t)(digits[i] - '0');
    if (negative || number <= INT64_MAX)
        return json_integer((json_int_t)(negative ? 0 - number : number));
    text[0] = '\0';
    memcpy(text + 1, digits, n);
    return json_stringn_nocheck(text, n + 1);
}

static json_t *build_number(struct builder *b)
{
    const char *first = b->at;
    bool negative = *first == '-', whole = true;

    b->at += negative;
    for (; (*b->at >= '0' && *b->at <= '9') || strchr("+-.eE", *b->at); b->at++)
        whole &= *b->at >= '0' && *b->at <= '9';
    if (whole)
        return build_whole(first + negative, (size_t)(b->at - first) - negative, negative);
    double number = strtod(first, NULL);
    /* Too large for a double: no field takes it, and it must not look like nothing. */
    return json_real(number > 1e300 ? 1e300 : number < -1e300 ? -1e300 : number);
}

static json_t *build_word(struct builder *b)
{
    char c = *b->at;

    b->at += c == 'f' ? 5 : 4;
    return c == 't' ? json_true() : c == 'f' ? json_false() : json_null();
}

static json_t *build_value(struct builder *b)
{
    const char *at = b->at;

    switch (*b->at) {
    case '{':
        b->at++;
        return json_object();
    case '[':
        b->at++;
        return json_array();
    case '"':
        for (at++; *at != '"' && *at != '\\'; at++)
            ;
        if (*at == '"') { /* nothing to be undone: most are */
            const char *first = b->at + 1;
            b->at = at + 1;
            return json_stringn_nocheck(first, (size_t)(at - first));
        }
        build_text(b);
        return buf_error(&b->text) < 0 ? NULL
                                       : json_stringn_nocheck(buf_text(&b->text), b->text.len);
    case 't':
    case 'f':
    case 'n':
        return build_word(b);
    default:
        return build_number(b);
    }
}

/* ---- the text of one member ---------------------------------------------------------------------------------- */

/* The value of key in the innermost object begins here; is it what is looked for? */
static void find_begin(struct builder *b, const char *key)
{
    struct json_find *find = b->find;

    if (!find || b->depth != 2 || strcmp(key, find->inner) != 0 ||
        json_object_get(b->open[0], find->outer) != b->open[1])
        return;
    find->text = b->at;
    b->found_depth = b->depth;
}

static void find_end(struct builder *b)
{
    if (b->found_depth == 0 || b->depth != b->found_depth)
        return;
    b->find->len = (size_t)(b->at - b->find->text);
    b->found_depth = 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* Takes over value. */
static int attach(struct builder *b, json_t *value, char *key)
{
    json_t *parent = b->open[b->depth - 1];

    if (!value)
        return err_nomem(b->err);
    if (!key)
        return json_array_append_new(parent, value) < 0 ? err_nomem(b->err) : 0;
    size_t n = json_object_size(parent);
    if (json_object_set_new_nocheck(parent, key, value) < 0)
        return err_nomem(b->err);
    return json_object_size(parent) > n ? 0 : fault(b, "is given twice", key);
}

/* Names are short but for hostile ones; these wait while their value is read. */
static int build_key(struct builder *b, char **ret)
{
    build_text(b);
    if (buf_error(&b->text) < 0)
        return err_nomem(b->err);
    *ret = strdup(buf_text(&b->text));
    if (!*ret)
        return err_nomem(b->err);
    skip_blanks(b);
    b->at++; /* the colon */
    skip_blanks(b);
    return 0;
}

/* One element or member, and the ends of all that end behind it. */
static int build_item(struct builder *b)
{
    _cleanup_free_ char *key = NULL;
    int r = json_is_object(b->open[b->depth - 1]) ? build_key(b, &key) : 0;

    if (r < 0)
        return r;
    if (key)
        find_begin(b, key);
    json_t *value = build_value(b);
    r = attach(b, value, key);
    if (r < 0)
        return r;
    if (json_is_object(value) || json_is_array(value))
        b->open[b->depth++] = value;
    find_end(b);
    skip_blanks(b);
    while (b->depth > 0 && (*b->at == '}' || *b->at == ']')) {
        b->at++;
        b->depth--;
        find_end(b);
        if (b->depth > 0)
            skip_blanks(b);
    }
    if (b->depth > 0 && *b->at == ',') {
        b->at++;
        skip_blanks(b);
    }
    return 0;
}

int json_build(const char *text, struct json_find *find, json_t **ret, struct err *err)
{
    struct builder b = { .start = text, .at = text, .find = find, .err = err };
    int r = 0;

    skip_blanks(&b);
    json_t *root = b.open[b.depth++] = build_value(&b);
    if (!root)
        return err_nomem(err);
    skip_blanks(&b);
    if (*b.at == '}')
        b.depth--;
    while (r == 0 && b.depth > 0)
        r = build_item(&b);
    buf_done(&b.text);
    if (r < 0) {
        json_decref(root);
        return r;
    }
    *ret = root;
    return 0;
}
