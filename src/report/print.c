/* What the printers share: foreign text made harmless, figures for people, JSON values. */
#include <errno.h>
#include <string.h>

#include "report/print.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

int print_end(const struct buf *ret, struct err *err)
{
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

/* ---- text that others chose ------------------------------------------------------------------ */

/*
 * How many bytes a first byte announces, and the smallest value that needs so many; 0: not a
 * first.
 */
static size_t utf8_announced(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } form_table[] = {
        { 0x80, 0x00, 0 },
        { 0xe0, 0xc0, 0x80 },
        { 0xf0, 0xe0, 0x800 },
        { 0xf8, 0xf0, 0x10000 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(form_table); i++) {
        if ((first & form_table[i].mask) == form_table[i].mark) {
            *ret_bits = (uint32_t)(first & ~form_table[i].mask);
            *ret_least = form_table[i].least;
            return i + 1;
        }
    }
    return 0;
}

size_t utf8_length(const char *text)
{
    uint32_t value = 0, least = 0;
    size_t n = utf8_announced((unsigned char)text[0], &value, &least);

    for (size_t i = 1; i < n; i++) {
        unsigned char byte = (unsigned char)text[i]; /* the final NUL ends the walk too */
        if ((byte & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (byte & 0x3f);
    }
    if (n == 0 || value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    return n;
}

void print_utf8(struct buf *ret, const char *text)
{
    while (*text) {
        size_t n = utf8_length(text);
        if (n)
            buf_add(ret, text, n);
        else
            buf_puts(ret, REPLACEMENT);
        text += n ? n : 1;
    }
}

/* A control character of ASCII, or of the C1 set that terminals obey too. */
static bool is_control(const char *text, size_t n)
{
    unsigned char first = (unsigned char)text[0];

    return (n == 1 && (first < 0x20 || first == 0x7f)) ||
           (n == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

void print_line(struct buf *ret, const char *text)
{
    while (*text) {
        size_t n = utf8_length(text);
        if (n == 0)
            buf_puts(ret, REPLACEMENT);
        else if (is_control(text, n))
            buf_putc(ret, '?');
        else
            buf_add(ret, text, n);
        text += n ? n : 1;
    }
}

static bool needs_escape(const char *word)
{
    for (size_t n; *word; word += n) {
        n = utf8_length(word);
        if (n == 0 || is_control(word, n))
            return true;
    }
    return false;
}

static bool needs_quotes(const char *word)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "%+,-./:=@_";

    return word[0] == '\0' || word[strspn(word, safe)] != '\0';
}

static void print_escaped(struct buf *ret, const char *word)
{
    buf_puts(ret, "$'");
    for (size_t n; *word; word += n ? n : 1) {
        n = utf8_length(word);
        if (*word == '\n')
            buf_puts(ret, "\\n");
        else if (*word == '\t')
            buf_puts(ret, "\\t");
        else if (*word == '\'' || *word == '\\')
            buf_printf(ret, "\\%c", *word);
        else if (n && !is_control(word, n))
            buf_add(ret, word, n);
        else
            for (size_t i = 0; i < (n ? n : 1); i++)
                buf_printf(ret, "\\x%02x", (unsigned char)word[i]);
    }
    buf_putc(ret, '\'');
}

void print_word(struct buf *ret, const char *word)
{
    if (needs_escape(word)) {
        print_escaped(ret, word);
        return;
    }
    if (!needs_quotes(word)) {
        buf_puts(ret, word);
        return;
    }
    buf_putc(ret, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_puts(ret, "'\\''");
        else
            buf_putc(ret, *word);
    }
    buf_putc(ret, '\'');
}

void print_argv(struct buf *ret, char *const *argv)
{
    for (size_t i = 0; argv && argv[i]; i++) {
        if (i > 0)
            buf_putc(ret, ' ');
        print_word(ret, argv[i]);
    }
}

/* ---- figures for people ---------------------------------------------------------------------- */

static void bytes_format(uint64_t bytes, char *ret, size_t size)
{
    static const char *const unit_table[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    size_t unit = 0;
    uint64_t whole = bytes, rest = 0;

    while (whole >= 1024 && unit + 1 < ARRAY_SIZE(unit_table)) {
        rest = whole % 1024;
        whole /= 1024;
        unit++;
    }
    uint64_t tenths = whole * 10 + (rest * 10 + 512) / 1024;
    if (unit == 0)
        snprintf(ret, size, "%ju B", (uintmax_t)bytes);
    else
        snprintf(ret, size, "%ju.%ju %s", (uintmax_t)(tenths / 10), (uintmax_t)(tenths % 10),
                 unit_table[unit]);
}

const char *figure_format(enum metric_unit unit, uint64_t value, char *ret, size_t size)
{
    switch (unit) {
    case METRIC_UNIT_US:
        duration_format(value, ret, size);
        break;
    case METRIC_UNIT_BYTES:
        bytes_format(value, ret, size);
        break;
    case METRIC_UNIT_COUNT:
        snprintf(ret, size, "%ju", (uintmax_t)value);
        break;
    case METRIC_UNIT_PERCENT_MILLI:
        snprintf(ret, size, "%ju.%03ju %%", (uintmax_t)(value / 1000), (uintmax_t)(value % 1000));
        break;
    }
    return ret;
}

/* What a bare number means for a limit of this kind; false when the number says it all. */
static bool meaning(enum limit_kind kind, uint64_t number, char *ret, size_t size)
{
    switch (kind) {
    case LIMIT_KIND_SIZE:
    case LIMIT_KIND_RLIMIT_SIZE:
        if (number < 1024)
            return false;
        /* The largest multiple of any page size: what the kernel shows for no limit at all. */
        if (number >= INT64_MAX - 0xffff)
            snprintf(ret, size, "no limit");
        else
            size_format(number, ret, size);
        break;
    case LIMIT_KIND_DURATION:
        duration_format(number, ret, size);
        break;
    default:
        return false;
    }
    return true;
}

void print_value(struct buf *ret, enum limit_id limit, const char *value)
{
    size_t len = strcspn(value, "\n");
    char text[32];
    uint64_t number;
    _cleanup_buf_ struct buf line = BUF_INIT;

    buf_add(&line, value, len);
    print_line(ret, len ? buf_text(&line) : "(empty)");
    if (limit >= LIMIT_NONE || number_parse(buf_text(&line), INT64_MAX, &number) < 0)
        return;
    if (meaning(limit_info(limit)->kind, number, text, sizeof(text)) && strcmp(text, value) != 0)
        buf_printf(ret, " (%s)", text);
}

void print_seconds(struct buf *ret, uint64_t us, int digits)
{
    uint64_t fraction = us % 1000000;

    for (int i = digits; i < 6; i++)
        fraction /= 10;
    buf_printf(ret, "%ju.%0*ju", (uintmax_t)(us / 1000000), digits, (uintmax_t)fraction);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *json_from_text(const char *text)
{
    _cleanup_buf_ struct buf valid = BUF_INIT;

    if (!text)
        return json_null();
    print_utf8(&valid, text);
    return buf_error(&valid) < 0 ? NULL : json_stringn_nocheck(buf_text(&valid), valid.len);
}

json_t *json_from_u64(uint64_t value)
{
    return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

json_t *json_from_argv(char *const *argv)
{
    json_t *list = json_array();

    for (size_t i = 0; list && argv && argv[i]; i++) {
        if (json_array_append_new(list, json_from_text(argv[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int add_to_buf(const char *text, size_t len, void *data)
{
    struct buf *ret = data;

    buf_add(ret, text, len);
    return buf_error(ret);
}

int json_finish(json_t *root, bool failed, struct buf *ret, struct err *err)
{
    if (!root || failed || json_dump_callback(root, add_to_buf, ret, JSON_INDENT(2)) < 0) {
        json_decref(root);
        return err_nomem(err);
    }
    json_decref(root);
    buf_putc(ret, '\n');
    return print_end(ret, err);
}
