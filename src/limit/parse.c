/* Text to values: the single-valued kinds. Strict: what is not understood wholly is refused. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "limit/parse.h"

/* ---- refusals ---------------------------------------------------------------------------------- */

#define QUOTE_MAX 60

/* The text as far as it can be shown on one line. */
static void quote(const char *text, char ret[static QUOTE_MAX + 4])
{
    size_t n = 0;

    for (; text[n] != '\0' && n < QUOTE_MAX; n++)
        ret[n] = text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?';
    ret[n] = '\0';
    if (text[n] != '\0')
        memcpy(ret + n, "...", 4);
}

int parser_refuse(const struct parser *p, const char *text, const char *fmt, ...)
{
    char why[300], shown[QUOTE_MAX + 4];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    quote(text, shown);
    return err_usage(p->err, "--%s: \"%s\" %s", p->info->name, shown, why);
}

int parser_refuse_number(const struct parser *p, const char *text, int code, const char *what)
{
    if (code == -ERANGE)
        return parser_refuse(p, text, "is too large");
    if (text[0] == '-' && text[1] >= '0' && text[1] <= '9')
        return parser_refuse(p, text, "is negative");
    return parser_refuse(p, text, "is not %s", what);
}

/* A bound in the words of the kind, for the sentence. */
static void bound_format(const struct limit_info *info, uint64_t bound, char *ret, size_t size)
{
    switch (info->kind) {
    case LIMIT_KIND_SIZE:
    case LIMIT_KIND_DEVICE_SIZE:
    case LIMIT_KIND_PAIR_SIZE:
    case LIMIT_KIND_RLIMIT_SIZE:
        size_format(bound, ret, size);
        break;
    case LIMIT_KIND_DURATION:
    case LIMIT_KIND_DEVICE_DURATION:
        duration_format(bound, ret, size);
        break;
    case LIMIT_KIND_CPUS:
        snprintf(ret, size, "%g CPUs", (double)bound / 1e6);
        break;
    case LIMIT_KIND_PERCENT:
        snprintf(ret, size, "%g %%", (double)bound / 1e4);
        break;
    default:
        snprintf(ret, size, "%llu", (unsigned long long)bound);
    }
}

int parser_range(const struct parser *p, const char *text, uint64_t number)
{
    char bound[40];

    if (number < p->info->min) {
        bound_format(p->info, p->info->min, bound, sizeof(bound));
        return parser_refuse(p, text, "is below the minimum of %s", bound);
    }
    if (p->info->max > 0 && number > p->info->max) {
        bound_format(p->info, p->info->max, bound, sizeof(bound));
        return parser_refuse(p, text, "is above the maximum of %s", bound);
    }
    return 0;
}

/* ---- quantities -------------------------------------------------------------------------------- */

bool parse_is_unlimited(const char *text)
{
    return strcmp(text, "-1") == 0 || strcmp(text, "max") == 0 || strcmp(text, "unlimited") == 0;
}

int parser_quantity(const struct parser *p, enum parse_unit unit, const char *text, uint64_t *ret)
{
    static const char *const what_table[] = {
        [PARSE_NUMBER] = "a whole number",
        [PARSE_SIZE] = "a size such as 50m, 1.5g or a number of bytes",
        [PARSE_DURATION] = "a duration such as 500ms, 10s or 2m",
    };
    int r;

    if ((p->info->flags & LIMIT_ALLOW_UNLIMITED) && parse_is_unlimited(text)) {
        *ret = LIMIT_NUMBER_UNLIMITED;
        return 0;
    }
    if (unit == PARSE_SIZE)
        r = size_parse(text, ret);
    else if (unit == PARSE_DURATION)
        r = duration_parse(text, p->info->unit_us, ret);
    else
        r = number_parse(text, UINT64_MAX, ret);
    if (r == 0 && *ret == LIMIT_NUMBER_UNLIMITED)
        r = -ERANGE;
    return r < 0 ? parser_refuse_number(p, text, r, what_table[unit]) : 0;
}

/* Millionths of the parent's limit: "25%", "12.5%". */
static int parse_percentage(const struct parser *p, const char *text, struct limit_value *value)
{
    char digits[32];
    size_t len = strlen(text) - 1;
    int r = -EINVAL;

    if (len < sizeof(digits)) {
        memcpy(digits, text, len);
        digits[len] = '\0';
        r = number_parse_fixed(digits, 10000, &value->number);
    }
    if (r < 0)
        return parser_refuse_number(p, text, r, "a percentage such as 25% or 12.5%");
    if (value->number > 1000000)
        return parser_refuse(p, text, "is more than all there is");
    if (value->number == 0 && p->info->min > 0)
        return parser_refuse(p, text, "is nothing at all");
    value->percent = true;
    return 0;
}

/* The state that follows from the number read, and the range check for LIMIT_SET. */
static int parse_settle(const struct parser *p, const char *text, struct limit_value *value)
{
    value->state = LIMIT_SET;
    if (value->number == LIMIT_NUMBER_UNLIMITED) {
        value->state = LIMIT_UNLIMITED;
        return 0;
    }
    if (value->number == 0 && (p->info->flags & LIMIT_ZERO_UNSET)) {
        value->state = LIMIT_UNSET;
        return 0;
    }
    return value->percent ? 0 : parser_range(p, text, value->number);
}

static int parse_size(const struct parser *p, const char *text, struct limit_value *value)
{
    size_t len = strlen(text);
    int r;

    if ((p->info->flags & LIMIT_ALLOW_PERCENT) && len > 0 && text[len - 1] == '%')
        r = parse_percentage(p, text, value);
    else
        r = parser_quantity(p, PARSE_SIZE, text, &value->number);
    return r < 0 ? r : parse_settle(p, text, value);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits up to a separator; at most max. Returns what follows, or NULL. */
static const char *parse_hex(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (hex_digit(*text) < 0)
        return NULL;
    for (; hex_digit(*text) >= 0; text++) {
        value = value * 16 + (uint64_t)hex_digit(*text);
        if (value > max)
            return NULL;
    }
    *ret = value;
    return text;
}

/* A traffic class as tc(8) writes it, MAJOR:MINOR in hexadecimal, or as the kernel does, 0x100001. */
static int parse_classid(const struct parser *p, const char *text, uint64_t *ret)
{
    const char *at;
    uint64_t major, minor;

    if (text_starts(text, "0x")) {
        at = parse_hex(text + 2, UINT32_MAX, ret);
        if (at && *at == '\0')
            return 0;
    } else if (strchr(text, ':')) {
        at = parse_hex(text, UINT16_MAX, &major);
        if (at && *at == ':')
            at = parse_hex(at + 1, UINT16_MAX, &minor);
        else
            at = NULL;
        if (at && *at == '\0') {
            *ret = major << 16 | minor;
            return 0;
        }
    } else {
        return parser_quantity(p, PARSE_NUMBER, text, ret);
    }
    return parser_refuse(p, text, "is not a traffic class such as 10:1 or 0x100001");
}

static int parse_number(const struct parser *p, const char *text, struct limit_value *value)
{
    int r;

    if ((p->info->flags & LIMIT_MINUS_UNSET) && strcmp(text, "-1") == 0)
        return 0; /* as docker has it: the value stays LIMIT_UNSET */
    if (p->info->flags & LIMIT_CLASSID)
        r = parse_classid(p, text, &value->number);
    else
        r = parser_quantity(p, PARSE_NUMBER, text, &value->number);
    return r < 0 ? r : parse_settle(p, text, value);
}

static int parse_duration(const struct parser *p, const char *text, struct limit_value *value)
{
    int r = parser_quantity(p, PARSE_DURATION, text, &value->number);

    return r < 0 ? r : parse_settle(p, text, value);
}

static int parse_fixed(const struct parser *p, const char *text, uint64_t scale, const char *what,
                       struct limit_value *value)
{
    int r;

    if ((p->info->flags & LIMIT_ALLOW_UNLIMITED) && parse_is_unlimited(text)) {
        value->number = LIMIT_NUMBER_UNLIMITED;
    } else {
        r = number_parse_fixed(text, scale, &value->number);
        if (r < 0)
            return parser_refuse_number(p, text, r, what);
        if (value->number == LIMIT_NUMBER_UNLIMITED)
            return parser_refuse(p, text, "is too large");
    }
    return parse_settle(p, text, value);
}

static int parse_cpus(const struct parser *p, const char *text, struct limit_value *value)
{
    return parse_fixed(p, text, 1000000, "a number of CPUs such as 2 or 0.5", value);
}

static int parse_cpu_percent(const struct parser *p, const char *text, struct limit_value *value)
{
    char digits[32];
    size_t len = strlen(text);

    if (len == 0 || len >= sizeof(digits))
        return parser_refuse(p, text, "is not a percentage of one CPU such as 20");
    memcpy(digits, text, len + 1);
    if (digits[len - 1] == '%')
        digits[len - 1] = '\0';
    return parse_fixed(p, digits, 10000, "a percentage of one CPU such as 20", value);
}

/* ---- flags, lists, words ----------------------------------------------------------------------- */

static int parse_flag(const struct parser *p, const char *text, struct limit_value *value)
{
    static const char *const word_table[][2] = {
        { "false", "true" },
        { "0", "1" },
        { "no", "yes" },
        { "off", "on" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        for (unsigned on = 0; on < 2; on++) {
            if (strcasecmp(text, word_table[i][on]) == 0) {
                value->number = on;
                value->state = LIMIT_SET;
                return 0;
            }
        }
    }
    return parser_refuse(p, text, "is neither true nor false");
}

static int parse_list(const struct parser *p, const char *text, struct limit_value *value)
{
    _cleanup_buf_ struct buf normal = BUF_INIT;
    struct list_mask mask;
    int r = list_parse(text, &mask);

    if (r == -ERANGE)
        return parser_refuse(p, text, "has a number of %d or more", LIST_MAX);
    if (r < 0 || list_count(&mask) == 0)
        return parser_refuse(p, text, "is not a list such as 0-3,7");
    list_format(&mask, &normal);
    value->text = buf_take(&normal);
    value->state = LIMIT_SET;
    return value->text ? 0 : err_nomem(p->err);
}

static int parse_word(const struct parser *p, const char *text, struct limit_value *value)
{
    size_t len = strlen(text);
    bool known = false;

    for (const char *at = p->info->words; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        known = known || (strcspn(at, " ") == len && len > 0 && memcmp(at, text, len) == 0);
    if (!known)
        return parser_refuse(p, text, "is none of: %s", p->info->words);
    value->state = LIMIT_SET;
    return text_replace(&value->text, text) < 0 ? err_nomem(p->err) : 0;
}

/* ---- rlimits ----------------------------------------------------------------------------------- */

/* One side of SOFT:HARD, in the kernel's unit. */
static int parse_rlimit_side(const struct parser *p, const char *text, uint64_t *ret)
{
    static const enum parse_unit unit_table[] = {
        [LIMIT_KIND_RLIMIT_SIZE] = PARSE_SIZE,
        [LIMIT_KIND_RLIMIT_NUMBER] = PARSE_NUMBER,
        [LIMIT_KIND_RLIMIT_TIME] = PARSE_DURATION,
    };
    int r = parser_quantity(p, unit_table[p->info->kind], text, ret);

    if (r < 0 || *ret == LIMIT_NUMBER_UNLIMITED)
        return r;
    if (p->info->kind == LIMIT_KIND_RLIMIT_TIME) {
        if (*ret % p->info->unit_us != 0)
            return parser_refuse(p, text, "is not a whole number of seconds, which this counts");
        *ret /= p->info->unit_us;
    }
    return parser_range(p, text, *ret);
}

static int parse_rlimit(const struct parser *p, const char *text, struct limit_value *value)
{
    char soft[64];
    size_t len = strcspn(text, ":");
    int r;

    if (len >= sizeof(soft))
        return parser_refuse(p, text, "is not SOFT or SOFT:HARD");
    memcpy(soft, text, len);
    soft[len] = '\0';
    r = parse_rlimit_side(p, soft, &value->number);
    if (r < 0)
        return r;
    value->hard = value->number;
    if (text[len] == ':') {
        r = parse_rlimit_side(p, text + len + 1, &value->hard);
        if (r < 0)
            return r;
    }
    /* LIMIT_NUMBER_UNLIMITED is the largest number, so this holds for it too. */
    if (value->number > value->hard)
        return parser_refuse(p, text, "has a soft limit above its hard limit");
    value->state = value->number == LIMIT_NUMBER_UNLIMITED ? LIMIT_UNLIMITED : LIMIT_SET;
    return 0;
}

/* ---- many-valued limits ------------------------------------------------------------------------ */

/* Append entry (consumed) to value, or put it in the place of the one it replaces. */
static int value_add_entry(const struct parser *p, struct limit_value *value,
                           struct limit_entry *entry)
{
    for (size_t i = 0; i < value->n_entries; i++) {
        if (parse_entry_same(p->info->kind, &value->entries[i], entry)) {
            free(value->entries[i].text);
            value->entries[i] = *entry;
            return 0;
        }
    }
    struct limit_entry *grown =
        reallocarray(value->entries, value->n_entries + 1, sizeof(*value->entries));
    if (!grown)
        return err_nomem(p->err);
    grown[value->n_entries++] = *entry;
    value->entries = grown;
    return 0;
}

/* "ENTRY; ENTRY": what limit_format() writes, and what a person may write in one option. */
static int parse_entries(const struct parser *p, const char *text, struct limit_value *value)
{
    _cleanup_free_ char *copy = strdup(text);
    char *rest = copy;

    if (!copy)
        return err_nomem(p->err);
    for (char *part; (part = strsep(&rest, ";"));) {
        struct limit_entry entry = { 0 };
        part += strspn(part, " ");
        size_t len = strlen(part);
        while (len > 0 && part[len - 1] == ' ')
            part[--len] = '\0';
        int r = parse_entry_of(p->info->kind)(p, part, &entry);
        if (r == 0)
            r = value_add_entry(p, value, &entry);
        if (r < 0) {
            free(entry.text);
            return r;
        }
    }
    value->state = LIMIT_SET;
    return 0;
}

/* ---- the door ---------------------------------------------------------------------------------- */

typedef int (*parse_fn)(const struct parser *p, const char *text, struct limit_value *value);

static const parse_fn parse_table[] = {
    [LIMIT_KIND_SIZE] = parse_size,
    [LIMIT_KIND_NUMBER] = parse_number,
    [LIMIT_KIND_DURATION] = parse_duration,
    [LIMIT_KIND_CPUS] = parse_cpus,
    [LIMIT_KIND_PERCENT] = parse_cpu_percent,
    [LIMIT_KIND_FLAG] = parse_flag,
    [LIMIT_KIND_LIST] = parse_list,
    [LIMIT_KIND_WORD] = parse_word,
    [LIMIT_KIND_DEVICE_NUMBER] = parse_entries,
    [LIMIT_KIND_DEVICE_SIZE] = parse_entries,
    [LIMIT_KIND_DEVICE_DURATION] = parse_entries,
    [LIMIT_KIND_DEVICE_RULE] = parse_entries,
    [LIMIT_KIND_PAIR_SIZE] = parse_entries,
    [LIMIT_KIND_PAIR_NUMBER] = parse_entries,
    [LIMIT_KIND_PAIR_TEXT] = parse_entries,
    [LIMIT_KIND_CONF] = parse_entries,
    [LIMIT_KIND_RLIMIT_SIZE] = parse_rlimit,
    [LIMIT_KIND_RLIMIT_NUMBER] = parse_rlimit,
    [LIMIT_KIND_RLIMIT_TIME] = parse_rlimit,
};

int limit_parse(enum limit_id id, const char *text, const struct limit_context *context,
                struct limit_set *set, struct err *err)
{
    const struct parser p = { id, limit_info(id), context, err };
    struct limit_value value = { 0 };
    int r = 0;

    if (!p.info)
        return err_usage(err, "there is no such limit");
    if (!text)
        text = p.info->kind == LIMIT_KIND_FLAG ? "true" : "";
    if (limit_is_many(id))
        r = limit_value_copy(&set->value[id], &value) < 0 ? err_nomem(err) : 0;
    if (r == 0)
        r = parse_table[p.info->kind](&p, text, &value);
    if (r < 0) {
        limit_value_done(&value);
        return r;
    }
    limit_value_done(&set->value[id]);
    set->value[id] = value;
    return 0;
}
