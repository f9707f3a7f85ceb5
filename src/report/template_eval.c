/*
 * Expressions of templates: words and calls, with parentheses and pipes. A stack of the calls that are open
 * stands in for calling oneself.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "report/template.h"

/* A call that is being read: a function, if its first word is one, and what it is given. */
struct call {
    const struct template_function *function;
    json_t *args[TEMPLATE_ARGS]; /* owned */
    size_t n;
    json_t *piped; /* owned: comes last */
    bool any;      /* it has a word */
};

struct evaluation {
    struct template_scope *scope;
    const char *at, *end;
    struct call calls[TEMPLATE_DEPTH];
    size_t depth; /* of the innermost */
    struct err *err;
};

bool template_truth(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return *json_string_value(value) != '\0';
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    case JSON_TRUE:
        return true;
    default:
        return false;
    }
}

static int no_memory(struct evaluation *ev)
{
    return err_nomem(ev->err);
}

/* ---- fields ------------------------------------------------------------------------------------------ */

/* What there is instead, so that nobody has to look it up. */
static int no_field(struct evaluation *ev, json_t *object, const char *name)
{
    _cleanup_buf_ struct buf names = BUF_INIT;
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (names.len + strlen(key) > 300) {
            buf_puts(&names, " ...");
            break;
        }
        buf_printf(&names, "%s%s", names.len ? ", " : "", key);
    }
    return err_usage(ev->err, "--format: there is no field .%.40s; there are %s", name,
                     buf_text(&names));
}

/*
 * ".Name" of a value. Our own fields begin with a capital letter, and a wrong one is a mistake; others are keys
 * of maps whose content is anybody's, where what is not there is nothing.
 */
static int field_of(struct evaluation *ev, json_t *of, const char *name, json_t **ret)
{
    json_t *value = json_is_object(of) ? json_object_get(of, name) : NULL;

    *ret = NULL;
    if (value) {
        *ret = json_incref(value);
    } else if (ev->scope->condition || json_is_null(of) ||
               (json_is_object(of) && !isupper((unsigned char)name[0]))) {
        *ret = json_null();
    } else if (!json_is_object(of)) {
        return err_usage(ev->err, "--format: .%.40s is asked of what has no fields", name);
    } else {
        return no_field(ev, of, name);
    }
    return 0;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* ".A.B" behind a value, which is taken. */
static int read_fields(struct evaluation *ev, json_t *value, json_t **ret)
{
    char name[128];
    int r = 0;

    while (r == 0 && ev->at < ev->end && *ev->at == '.') {
        size_t length = 0;
        while (ev->at + 1 + length < ev->end && is_name(ev->at[1 + length]))
            length++;
        if (length == 0 || length >= sizeof(name)) {
            r = err_usage(ev->err, "--format: a name is missing behind a dot in \"%.*s\"",
                          (int)(ev->end - ev->at < 60 ? ev->end - ev->at : 60), ev->at);
            break;
        }
        memcpy(name, ev->at + 1, length);
        name[length] = '\0';
        ev->at += 1 + length;
        json_t *field;
        r = field_of(ev, value, name, &field);
        json_decref(value);
        value = r == 0 ? field : NULL;
    }
    if (r < 0)
        json_decref(value);
    else
        *ret = value;
    return r;
}

/* ---- words ----------------------------------------------------------------------------------------------- */

static int push(struct evaluation *ev, json_t *value)
{
    struct call *call = &ev->calls[ev->depth];

    if (!value)
        return no_memory(ev);
    if (call->n == TEMPLATE_ARGS) {
        json_decref(value);
        return err_usage(ev->err, "--format: a function is given too much");
    }
    call->args[call->n++] = value;
    call->any = true;
    return 0;
}

static int read_string(struct evaluation *ev)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char quote = *ev->at++;

    for (; ev->at < ev->end && *ev->at != quote; ev->at++) {
        char c = *ev->at;
        if (c == '\\' && quote == '"' && ev->at + 1 < ev->end) {
            c = *++ev->at;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        buf_putc(&text, c);
    }
    ev->at++;
    if (buf_error(&text) < 0)
        return no_memory(ev);
    json_t *value = json_string(buf_text(&text));
    return value ? push(ev, value)
                 : err_usage(ev->err, "--format: a string in the template is not UTF-8");
}

static int read_number(struct evaluation *ev)
{
    char digits[24];
    size_t length = 1;
    int64_t number;

    while (ev->at + length < ev->end && isalnum((unsigned char)ev->at[length]))
        length++;
    snprintf(digits, sizeof(digits), "%.*s", (int)length, ev->at);
    if (length >= sizeof(digits) || number_parse_signed(digits, INT64_MIN, INT64_MAX, &number) < 0)
        return err_usage(ev->err, "--format: %.30s is not a number", digits);
    ev->at += length;
    return push(ev, json_integer(number));
}

static int read_variable(struct evaluation *ev)
{
    const struct template_scope *scope = ev->scope;
    json_t *value = NULL;
    size_t length = 1;

    while (ev->at + length < ev->end && is_name(ev->at[length]) && ev->at[length] != '-')
        length++;
    if (length == 1)
        value = scope->root;
    for (size_t i = scope->n_variables; !value && i > 0; i--) {
        const struct template_variable *variable = &scope->variables[i - 1];
        if (strlen(variable->name) == length && memcmp(variable->name, ev->at, length) == 0)
            value = variable->value;
    }
    if (!value)
        return err_usage(ev->err, "--format: there is no variable %.*s",
                         (int)(length < 40 ? length : 40), ev->at);
    ev->at += length;
    int r = read_fields(ev, json_incref(value), &value);
    return r < 0 ? r : push(ev, value);
}

static int read_dot(struct evaluation *ev)
{
    static const char label[] = ".Label ";
    json_t *value = json_incref(ev->scope->dot);

    if (ev->at + 1 >= ev->end || !is_name(ev->at[1])) {
        ev->at++;
        return push(ev, value);
    }
    /* docker's rows have that one as a function of theirs: {{.Label "key"}}. */
    if ((size_t)(ev->end - ev->at) > strlen(label) && memcmp(ev->at, label, strlen(label)) == 0 &&
        !ev->calls[ev->depth].any) {
        ev->calls[ev->depth].function = template_function_find("Label", strlen("Label"));
        ev->at += strlen(label);
        return push(ev, value);
    }
    int r = read_fields(ev, value, &value);
    return r < 0 ? r : push(ev, value);
}

static int read_word(struct evaluation *ev)
{
    static const struct {
        const char *word;
        json_t *(*make)(void);
    } constant_table[] = { { "true", json_true }, { "false", json_false }, { "nil", json_null } };
    struct call *call = &ev->calls[ev->depth];
    size_t length = 0;

    while (ev->at + length < ev->end && is_name(ev->at[length]))
        length++;
    for (size_t i = 0; i < ARRAY_SIZE(constant_table); i++) {
        if (strlen(constant_table[i].word) == length &&
            memcmp(constant_table[i].word, ev->at, length) == 0) {
            ev->at += length;
            return push(ev, constant_table[i].make());
        }
    }
    const struct template_function *function = template_function_find(ev->at, length);
    if (length == 0 || !function)
        return err_usage(ev->err,
                         "--format: there is no function %.*s; a field is written with a dot, "
                         "{{.Name}}",
                         (int)(length == 0   ? 1
                               : length < 40 ? length
                                             : 40),
                         ev->at);
    if (call->any)
        return err_usage(ev->err, "--format: the function %s stands where a value is expected",
                         function->name);
    call->function = function;
    call->any = true;
    ev->at += length;
    return 0;
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

static void call_done(struct call *call)
{
    for (size_t i = 0; i < call->n; i++)
        json_decref(call->args[i]);
    json_decref(call->piped);
    *call = (struct call){ 0 };
}

/* The value of the innermost call, which is empty afterwards. */
static int call_apply(struct evaluation *ev, json_t **ret)
{
    struct call *call = &ev->calls[ev->depth];
    const struct template_function *function = call->function;

    if (call->piped && !function)
        return err_usage(ev->err, "--format: there is no function behind a |");
    if (call->piped && push(ev, TAKE_PTR(call->piped)) < 0)
        return -EINVAL;
    if (!call->any)
        return err_usage(ev->err, "--format: a value is missing");
    if (!function && call->n > 1)
        return err_usage(ev->err,
                         "--format: a value is not a function, and takes nothing behind it");
    if (!function) {
        *ret = json_incref(call->args[0]);
    } else {
        if (call->n < function->min || call->n > function->max)
            return err_usage(ev->err, "--format: the function %s takes %s, not %zu", function->name,
                             call->n < function->min ? "more" : "less", call->n);
        int r = function->fn(call->args, call->n, ret, ev->err);
        if (r < 0)
            return r;
    }
    call_done(call);
    return 0;
}

static int read_close(struct evaluation *ev)
{
    json_t *value = NULL;

    if (ev->depth == 0)
        return err_usage(ev->err, "--format: ) without (");
    int r = call_apply(ev, &value);
    if (r < 0)
        return r;
    ev->depth--;
    ev->at++;
    r = read_fields(ev, value, &value);
    return r < 0 ? r : push(ev, value);
}

static int read_pipe(struct evaluation *ev)
{
    json_t *value = NULL;
    int r = call_apply(ev, &value);

    if (r < 0)
        return r;
    ev->calls[ev->depth].piped = value;
    ev->at++;
    return 0;
}

static int read_open(struct evaluation *ev)
{
    if (ev->depth + 1 == TEMPLATE_DEPTH)
        return err_usage(ev->err, "--format: more than %d parentheses in each other",
                         TEMPLATE_DEPTH - 1);
    ev->calls[ev->depth].any = true;
    ev->calls[++ev->depth] = (struct call){ 0 };
    ev->at++;
    return 0;
}

static int read_token(struct evaluation *ev)
{
    static const struct {
        const char *begins;
        int (*read)(struct evaluation *ev);
    } token_table[] = {
        { "(", read_open },
        { ")", read_close },
        { "|", read_pipe },
        { "\"`", read_string },
        { ".", read_dot },
        { "$", read_variable },
        { "-0123456789", read_number },
    };

    for (size_t i = 0; i < ARRAY_SIZE(token_table); i++) {
        if (strchr(token_table[i].begins, *ev->at))
            return token_table[i].read(ev);
    }
    return read_word(ev);
}

int template_eval(struct template_scope *scope, const char *text, size_t len, json_t **ret,
                  struct err *err)
{
    struct evaluation ev = { .scope = scope, .at = text, .end = text + len, .err = err };
    int r = 0;

    *ret = NULL;
    while (r == 0 && ev.at < ev.end) {
        if (isspace((unsigned char)*ev.at))
            ev.at++;
        else
            r = read_token(&ev);
    }
    if (r == 0 && ev.depth > 0)
        r = err_usage(err, "--format: a ) is missing in \"%.*s\"", (int)(len < 60 ? len : 60),
                      text);
    if (r == 0)
        r = call_apply(&ev, ret);
    for (size_t i = 0; i <= ev.depth; i++)
        call_done(&ev.calls[i]);
    return r;
}
