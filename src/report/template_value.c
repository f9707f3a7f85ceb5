/* Values of templates: how they are printed, and the functions that take and give them. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "report/template.h"

/* ---- printing ------------------------------------------------------------------------------------------ */

/* A terminal is not to be spoken to by a label; lines and columns are the user's own to want. */
static void print_text(const char *text, struct buf *ret)
{
    for (; *text; text++) {
        bool control = ((unsigned char)*text < 0x20 && !strchr("\t\n", *text)) || *text == 0x7f;
        buf_putc(ret, control ? '?' : *text);
    }
}

static void print_json(const json_t *value, struct buf *ret)
{
    _cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (text)
        buf_puts(ret, text);
    else
        ret->failed = true;
}

static void print_scalar(const json_t *value, struct buf *ret)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        print_text(json_string_value(value), ret);
        break;
    case JSON_NULL:
        buf_puts(ret, "<no value>");
        break;
    default:
        print_json(value, ret);
    }
}

void template_print_value(const json_t *value, struct buf *ret)
{
    const char *key, *blank = "";
    json_t *member;
    size_t index;

    if (json_is_array(value)) {
        buf_putc(ret, '[');
        json_array_foreach(value, index, member)
        {
            buf_puts(ret, index ? " " : "");
            print_scalar(member, ret);
        }
        buf_putc(ret, ']');
    } else if (json_is_object(value)) {
        buf_puts(ret, "map[");
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
        {
            buf_puts(ret, blank);
            print_text(key, ret);
            buf_putc(ret, ':');
            print_scalar(member, ret);
            blank = " ";
        }
        buf_putc(ret, ']');
    } else {
        print_scalar(value, ret);
    }
}

/* ---- functions ---------------------------------------------------------------------------------------- */

static int give_text(const struct buf *text, json_t **ret, struct err *err)
{
    *ret = buf_error(text) < 0 ? NULL : json_from_text(buf_text(text));
    return *ret ? 0 : err_nomem(err);
}

static int give_bool(bool value, json_t **ret)
{
    *ret = json_boolean(value);
    return 0;
}

static int need_text(const char *function, const json_t *value, const char **ret, struct err *err)
{
    *ret = json_string_value(value);
    return *ret ? 0 : err_usage(err, "--format: the function %s takes a text here", function);
}

static int fn_json(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    (void)n;
    print_json(args[0], &text);
    return give_text(&text, ret, err);
}

static int fn_join(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *separator;
    json_t *member;
    size_t index;
    int r = need_text("join", args[1], &separator, err);

    (void)n;
    if (r < 0)
        return r;
    if (!json_is_array(args[0]) && !json_is_null(args[0]))
        return err_usage(err, "--format: the function join takes a list and a separator");
    json_array_foreach(args[0], index, member)
    {
        buf_puts(&text, index ? separator : "");
        print_scalar(member, &text);
    }
    return give_text(&text, ret, err);
}

static int fn_split(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    const char *text, *separator;
    int r = need_text("split", args[0], &text, err);

    (void)n;
    if (r == 0)
        r = need_text("split", args[1], &separator, err);
    if (r < 0)
        return r;
    json_t *list = json_array();
    bool failed = !list;
    for (const char *next = text; next && !failed; text = next + strlen(separator)) {
        next = *separator ? strstr(text, separator) : NULL;
        failed = json_array_append_new(
                     list, json_stringn(text, next ? (size_t)(next - text) : strlen(text))) < 0;
    }
    *ret = list;
    if (failed)
        json_decref(list);
    return failed ? err_nomem(err) : 0;
}

static int change_case(const char *name, const json_t *value, int (*change)(int), bool title,
                       json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf out = BUF_INIT;
    const char *text;
    int r = need_text(name, value, &text, err);

    if (r < 0)
        return r;
    for (size_t i = 0; text[i]; i++) {
        bool begins = i == 0 || text[i - 1] == ' ';
        /* Other bytes than of ASCII are parts of characters. */
        bool plain = (unsigned char)text[i] < 0x80 && (!title || begins);
        buf_putc(&out, plain ? (char)change(text[i]) : text[i]);
    }
    return give_text(&out, ret, err);
}

static int fn_upper(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    return change_case("upper", args[0], toupper, false, ret, err);
}

static int fn_lower(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    return change_case("lower", args[0], tolower, false, ret, err);
}

static int fn_title(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    return change_case("title", args[0], toupper, true, ret, err);
}

static int fn_truncate(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf out = BUF_INIT;
    json_int_t left = json_integer_value(args[1]);
    const char *text;
    int r = need_text("truncate", args[0], &text, err);

    (void)n;
    for (size_t length; r == 0 && *text && left > 0; text += length, left--) {
        length = utf8_length(text);
        buf_add(&out, text, length);
    }
    return r < 0 ? r : give_text(&out, ret, err);
}

static int fn_pad(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf out = BUF_INIT;
    const char *text;
    int r = need_text("pad", args[0], &text, err);

    (void)n;
    if (r < 0)
        return r;
    buf_printf(&out, "%*s%s", (int)(json_integer_value(args[1]) & 0xff), "", text);
    if (*text)
        buf_printf(&out, "%*s", (int)(json_integer_value(args[2]) & 0xff), "");
    return give_text(&out, ret, err);
}

/* {{index .Map "key"}}, {{index .List 0}}, one into the other. What is not there is nothing. */
static int fn_index(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    json_t *value = args[0];

    for (size_t i = 1; i < n; i++) {
        const char *key = json_string_value(args[i]);
        json_int_t index = json_integer_value(args[i]);
        if (json_is_object(value) && key)
            value = json_object_get(value, key);
        else if (json_is_array(value) && json_is_integer(args[i]) && index >= 0)
            value = json_array_get(value, (size_t)index);
        else if (!json_is_null(value))
            return err_usage(err, "--format: the function index takes a map and a text, or a list "
                                  "and a number from 0 on");
        if (!value)
            value = json_null();
    }
    *ret = json_incref(value);
    return 0;
}

static int fn_len(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    const json_t *value = args[0];
    size_t length = json_is_array(value)    ? json_array_size(value)
                    : json_is_object(value) ? json_object_size(value)
                                            : json_string_length(value);

    (void)n;
    *ret = json_integer((json_int_t)length);
    return *ret ? 0 : err_nomem(err);
}

static int fn_print(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (size_t i = 0; i < n; i++)
        template_print_value(args[i], &text);
    return give_text(&text, ret, err);
}

static int fn_println(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, i ? " " : "");
        template_print_value(args[i], &text);
    }
    buf_putc(&text, '\n');
    return give_text(&text, ret, err);
}

/* One "%-12s"; *format is behind the '%' before and behind the letter after. */
static void print_directive(const char **format, const json_t *value, struct buf *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool left = **format == '-', zero;
    int width = 0;

    *format += left;
    zero = **format == '0';
    for (; isdigit((unsigned char)**format); ++*format)
        width = width < 1000 ? width * 10 + (**format - '0') : width;
    if (**format == 'q')
        print_json(value, &text);
    else
        template_print_value(value, &text);
    if (**format)
        ++*format;
    int room = width - (int)text.len;
    for (int i = 0; !left && i < room; i++)
        buf_putc(ret, zero ? '0' : ' ');
    buf_puts(ret, buf_text(&text));
    if (left && room > 0)
        buf_printf(ret, "%*s", room, "");
}

static int fn_printf(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *format;
    size_t next = 1;
    int r = need_text("printf", args[0], &format, err);

    while (r == 0 && *format) {
        char c = *format++;
        if (c != '%' || *format == '%') {
            format += c == '%';
            buf_putc(&text, c);
        } else if (next == n) {
            r = err_usage(err, "--format: printf has more %% than values");
        } else {
            print_directive(&format, args[next++], &text);
        }
    }
    return r < 0 ? r : give_text(&text, ret, err);
}

/* ---- comparing ------------------------------------------------------------------------------------------ */

/* -1, 0, 1; 2 for what cannot be compared but is not the same. */
static int compare(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        return (x > y) - (x < y);
    }
    if (json_is_string(a) && json_is_string(b)) {
        int order = strcmp(json_string_value(a), json_string_value(b));
        return (order > 0) - (order < 0);
    }
    return json_equal(a, b) ? 0 : 2;
}

/* As in Go: equal to any of those that follow. */
static int fn_eq(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    bool equal = false;

    (void)err;
    for (size_t i = 1; i < n; i++)
        equal = equal || compare(args[0], args[i]) == 0;
    return give_bool(equal, ret);
}

static int fn_ne(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    (void)err;
    return give_bool(compare(args[0], args[1]) != 0, ret);
}

static int fn_lt(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    (void)err;
    return give_bool(compare(args[0], args[1]) == -1, ret);
}

static int fn_le(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    (void)err;
    return give_bool(compare(args[0], args[1]) <= 0, ret);
}

static int fn_gt(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    (void)err;
    return give_bool(compare(args[0], args[1]) == 1, ret);
}

static int fn_ge(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    int order = compare(args[0], args[1]);

    (void)n;
    (void)err;
    return give_bool(order == 0 || order == 1, ret);
}

/* The first that decides, as in Go. */
static int fn_and(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    size_t i = 0;

    (void)err;
    while (i + 1 < n && template_truth(args[i]))
        i++;
    *ret = json_incref(args[i]);
    return 0;
}

static int fn_or(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    size_t i = 0;

    (void)err;
    while (i + 1 < n && !template_truth(args[i]))
        i++;
    *ret = json_incref(args[i]);
    return 0;
}

static int fn_not(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    (void)n;
    (void)err;
    return give_bool(!template_truth(args[0]), ret);
}

/* A row's labels are one text, "a=1,b=2", and in the row of headings the key is the heading. */
static int fn_label(json_t *const *args, size_t n, json_t **ret, struct err *err)
{
    const char *labels = json_string_value(json_object_get(args[0], "Labels")), *key;
    int r = need_text(".Label", args[1], &key, err);

    (void)n;
    if (r < 0)
        return r;
    if (labels && strcmp(labels, "LABELS") == 0) {
        *ret = json_incref(args[1]);
        return 0;
    }
    size_t length = strlen(key);
    for (const char *at = text_or_empty(labels); *at;) {
        size_t end = strcspn(at, ",");
        if (end > length && memcmp(at, key, length) == 0 && at[length] == '=') {
            *ret = json_stringn(at + length + 1, end - length - 1);
            return *ret ? 0 : err_nomem(err);
        }
        at += end + (at[end] == ',');
    }
    *ret = json_string("");
    return *ret ? 0 : err_nomem(err);
}

const struct template_function *template_function_find(const char *name, size_t len)
{
    static const struct template_function function_table[] = {
        { "json", 1, 1, fn_json },
        { "join", 2, 2, fn_join },
        { "split", 2, 2, fn_split },
        { "upper", 1, 1, fn_upper },
        { "lower", 1, 1, fn_lower },
        { "title", 1, 1, fn_title },
        { "truncate", 2, 2, fn_truncate },
        { "pad", 3, 3, fn_pad },
        { "index", 1, 8, fn_index },
        { "len", 1, 1, fn_len },
        { "print", 0, 8, fn_print },
        { "println", 0, 8, fn_println },
        { "printf", 1, 8, fn_printf },
        { "eq", 2, 8, fn_eq },
        { "ne", 2, 2, fn_ne },
        { "lt", 2, 2, fn_lt },
        { "le", 2, 2, fn_le },
        { "gt", 2, 2, fn_gt },
        { "ge", 2, 2, fn_ge },
        { "and", 1, 8, fn_and },
        { "or", 1, 8, fn_or },
        { "not", 1, 1, fn_not },
        { "Label", 2, 2, fn_label },
    };

    for (size_t i = 0; i < ARRAY_SIZE(function_table); i++) {
        if (strlen(function_table[i].name) == len && memcmp(function_table[i].name, name, len) == 0)
            return &function_table[i];
    }
    return NULL;
}
