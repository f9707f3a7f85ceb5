/* The table of figures, and how the text of a kernel file becomes one. */
#include <string.h>

#include "metric/metric.h"

/* The words of metrics.def for a source; each becomes initialisers of a struct metric_source. */
#define NOWHERE                       .parse = METRIC_PARSE_NONE
#define FROM(controller_, file_, how) .controller = controller_, .file = file_, .parse = how
#define SCALED(multiply_, divide_)    .multiply = multiply_, .divide = divide_

#define WHOLE(controller_, file_, multiply_, divide_) \
    FROM(controller_, file_, METRIC_PARSE_NUMBER), SCALED(multiply_, divide_)
#define KEYED(controller_, file_, key_, multiply_, divide_) \
    FROM(controller_, file_, METRIC_PARSE_KEYED), .key = key_, SCALED(multiply_, divide_)
#define FIELD(controller_, file_, key_) \
    FROM(controller_, file_, METRIC_PARSE_SUM_FIELD), .key = key_
#define OP(controller_, file_, key_) FROM(controller_, file_, METRIC_PARSE_SUM_OP), .key = key_
#define STALL(file_, key_)           FROM(CONTROLLER_NONE, file_, METRIC_PARSE_PRESSURE), .key = key_
#define INNER(source)                source, .place = METRIC_PLACE_INNER
#define BOTH(source)                 source, .place = METRIC_PLACE_BOTH

static const struct metric_info metric_table[METRIC_COUNT] = {
#define METRIC(id_, name_, unit_, is_counter_, v1_, v1_older_, v2_, help_) \
    [METRIC_##id_] = { .name = name_,                                      \
                       .help = help_,                                      \
                       .unit = unit_,                                      \
                       .v1 = { v1_ },                                      \
                       .v1_older = { v1_older_ },                          \
                       .v2 = { v2_ },                                      \
                       .is_counter = is_counter_ },
#include "metric/metrics.def"
#undef METRIC
};

const struct metric_info *metric_info(enum metric_id id)
{
    return (unsigned)id < METRIC_COUNT ? &metric_table[id] : NULL;
}

enum metric_id metric_find(const char *name)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        if (strcmp(metric_table[i].name, name) == 0)
            return (enum metric_id)i;
    }
    return METRIC_NONE;
}

const char *metric_unit_name(enum metric_unit unit)
{
    static const char *const name_table[] = {
        [METRIC_UNIT_US] = "us",
        [METRIC_UNIT_BYTES] = "bytes",
        [METRIC_UNIT_COUNT] = "count",
        [METRIC_UNIT_PERCENT_MILLI] = "percent_milli",
    };

    return name_table[unit];
}

/* ---- reading numbers out of text ------------------------------------------------------------- */

/*
 * The decimal digits between p and end. Returns what follows them, or NULL when there is none or
 * the number does not fit.
 */
static const char *scan_number(const char *p, const char *end, uint64_t *ret)
{
    uint64_t value = 0;
    const char *start = p;

    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return NULL;
    }
    *ret = value;
    return p > start ? p : NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n'))
        p++;
    return p;
}

/* The next word between *p and end; false at the end. */
static bool word_next(const char **p, const char *end, const char **ret, size_t *ret_len)
{
    const char *start = skip_blanks(*p, end), *stop = start;

    while (stop < end && *stop != ' ' && *stop != '\t' && *stop != '\n')
        stop++;
    *p = stop;
    *ret = start;
    *ret_len = (size_t)(stop - start);
    return stop > start;
}

static bool word_is(const char *word, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(word, text, len) == 0;
}

/* The number after "key=" if word is that. */
static bool word_field(const char *word, size_t len, const char *key, uint64_t *ret)
{
    size_t key_len = strlen(key);

    if (len <= key_len + 1 || memcmp(word, key, key_len) != 0 || word[key_len] != '=')
        return false;
    return scan_number(word + key_len + 1, word + len, ret) == word + len;
}

/* ---- one function per way to understand a file ----------------------------------------------- */

static bool parse_none(const char *text, const char *key, uint64_t *ret)
{
    (void)text;
    (void)key;
    *ret = 0;
    return false;
}

static bool parse_number(const char *text, const char *key, uint64_t *ret)
{
    const char *end = text + strlen(text), *word, *cursor = text;
    size_t len;

    (void)key;
    if (!word_next(&cursor, end, &word, &len) || skip_blanks(cursor, end) != end)
        return false;
    if (word_is(word, len, "max")) {
        *ret = UINT64_MAX;
        return true;
    }
    return scan_number(word, word + len, ret) == word + len;
}

static bool parse_keyed(const char *text, const char *key, uint64_t *ret)
{
    return keyed_find_u64(text, key, ret);
}

/* Devices that were never used have no line, so that an empty file is a sum of 0. */
static bool parse_sum_field(const char *text, const char *key, uint64_t *ret)
{
    const char *end = text + strlen(text), *word, *cursor = text;
    uint64_t sum = 0, value = 0;
    size_t len;

    while (word_next(&cursor, end, &word, &len)) {
        if (word_field(word, len, key, &value) && __builtin_add_overflow(sum, value, &sum))
            return false;
    }
    *ret = sum;
    return true;
}

/* The word number n (from 0) of a line; an empty one when there are fewer. */
static void word_nth(const char *line, size_t line_len, unsigned n, const char **ret,
                     size_t *ret_len)
{
    const char *p = line;

    for (unsigned i = 0; i <= n; i++)
        word_next(&p, line + line_len, ret, ret_len);
}

/*
 * Lines "8:0 Read 4096"; the last, "Total 4096", has its word in front and does not count. A file without
 * any number but 0 says that nothing was counted, not that nothing was done: kernels count only where
 * some throttle rule has switched it on.
 */
static bool parse_sum_op(const char *text, const char *key, uint64_t *ret)
{
    const char *cursor = text, *line, *number, *word;
    uint64_t sum = 0, value = 0;
    size_t line_len, number_len, len;
    bool counted = false;

    while (line_next(&cursor, &line, &line_len)) {
        word_nth(line, line_len, 1, &word, &len);
        word_nth(line, line_len, 2, &number, &number_len);
        if (number_len == 0)
            continue;
        if (scan_number(number, number + number_len, &value) != number + number_len)
            return false;
        counted |= value > 0;
        if (word_is(word, len, key) && __builtin_add_overflow(sum, value, &sum))
            return false;
    }
    *ret = sum;
    return counted;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": the total is in microseconds. */
static bool parse_pressure(const char *text, const char *key, uint64_t *ret)
{
    const char *cursor = text, *line, *word;
    size_t line_len, len;

    while (line_next(&cursor, &line, &line_len)) {
        const char *p = line, *end = line + line_len;
        if (!word_next(&p, end, &word, &len) || !word_is(word, len, key))
            continue;
        while (word_next(&p, end, &word, &len)) {
            if (word_field(word, len, "total", ret))
                return true;
        }
    }
    return false;
}

static bool parse_list_sum(const char *text, const char *key, uint64_t *ret)
{
    const char *end = text + strlen(text), *word, *cursor = text;
    uint64_t sum = 0, value = 0;
    bool any = false;
    size_t len;

    (void)key;
    while (word_next(&cursor, end, &word, &len)) {
        if (scan_number(word, word + len, &value) != word + len ||
            __builtin_add_overflow(sum, value, &sum))
            return false;
        any = true;
    }
    *ret = sum;
    return any;
}

typedef bool (*parse_fn)(const char *text, const char *key, uint64_t *ret);

static const parse_fn parse_table[] = {
    [METRIC_PARSE_NONE] = parse_none,         [METRIC_PARSE_NUMBER] = parse_number,
    [METRIC_PARSE_KEYED] = parse_keyed,       [METRIC_PARSE_SUM_FIELD] = parse_sum_field,
    [METRIC_PARSE_SUM_OP] = parse_sum_op,     [METRIC_PARSE_PRESSURE] = parse_pressure,
    [METRIC_PARSE_LIST_SUM] = parse_list_sum,
};

/* value * multiply / divide, without losing digits in between; false when it does not fit. */
static bool scale(uint64_t value, uint64_t multiply, uint64_t divide, uint64_t *ret)
{
    unsigned __int128 wide = (unsigned __int128)value * multiply / divide;

    if (wide > UINT64_MAX)
        return false;
    *ret = (uint64_t)wide;
    return true;
}

bool metric_parse(const struct metric_source *source, const char *text, uint64_t ticks_per_s,
                  uint64_t *ret)
{
    uint64_t divide = source->divide == METRIC_TICKS ? ticks_per_s : source->divide;
    uint64_t multiply = source->multiply, value = 0;

    if (source->divide == METRIC_TICKS && ticks_per_s == 0)
        return false;
    if (!parse_table[source->parse](text, text_or_empty(source->key), &value))
        return false;
    if (value == UINT64_MAX && source->parse == METRIC_PARSE_NUMBER) {
        *ret = value; /* "max" has no scale */
        return true;
    }
    return scale(value, multiply ? multiply : 1, divide ? divide : 1, ret);
}
