/* Numbers and units: strict, whole-string, overflow-checked, independent of the locale. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int number_parse(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (!is_digit(*text))
        return -EINVAL;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return -ERANGE;
    }
    if (*text != '\0')
        return -EINVAL;
    if (value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

int numbers_parse(const char *text, size_t n, uint64_t *ret)
{
    char digits[24];

    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(text, " ");
        bool last = text[length] == '\0';

        if (last != (i + 1 == n) || length >= sizeof(digits))
            return -EINVAL;
        memcpy(digits, text, length);
        digits[length] = '\0';
        int r = number_parse(digits, UINT64_MAX, &ret[i]);
        if (r < 0)
            return r;
        text += length + !last;
    }
    return 0;
}

int number_parse_signed(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    /* INT64_MIN has no positive counterpart: its magnitude is one more than INT64_MAX. */
    int r = number_parse(text + negative, (uint64_t)INT64_MAX + negative, &magnitude);

    if (r < 0)
        return r;
    int64_t value = (int64_t)(negative ? UINT64_C(0) - magnitude : magnitude);
    if (value < min || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

/*
 * "12.5" followed by a unit: the number is whole + numerator/denominator; *end is where the unit
 * begins. ".5" is a half. Fraction digits beyond 18 must be zero.
 */
struct decimal {
    uint64_t whole, numerator, denominator;
    const char *end;
};

static int decimal_parse(const char *text, struct decimal *ret)
{
    struct decimal d = { .denominator = 1 };

    if (!is_digit(*text) && *text != '.')
        return -EINVAL;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(d.whole, 10u, &d.whole) ||
            __builtin_add_overflow(d.whole, (uint64_t)(*text - '0'), &d.whole))
            return -ERANGE;
    }
    if (*text == '.') {
        if (!is_digit(*++text))
            return -EINVAL;
        for (; is_digit(*text); text++) {
            if (d.denominator < UINT64_C(1000000000000000000)) {
                d.numerator = d.numerator * 10 + (uint64_t)(*text - '0');
                d.denominator *= 10;
            } else if (*text != '0') {
                return -EINVAL;
            }
        }
    }
    d.end = text;
    *ret = d;
    return 0;
}

/* The decimal times scale; a remainder that scale cannot hold is -EINVAL when exact is asked for. */
static int decimal_scale(const struct decimal *d, uint64_t scale, bool exact, uint64_t *ret)
{
    unsigned __int128 value = (unsigned __int128)d->whole * scale;
    unsigned __int128 fraction = (unsigned __int128)d->numerator * scale;

    if (exact && fraction % d->denominator != 0)
        return -EINVAL;
    value += fraction / d->denominator;
    if (value > UINT64_MAX)
        return -ERANGE;
    *ret = (uint64_t)value;
    return 0;
}

int number_parse_fixed(const char *text, uint64_t scale, uint64_t *ret)
{
    struct decimal d;
    int r = decimal_parse(text, &d);

    if (r < 0)
        return r;
    if (*d.end != '\0')
        return -EINVAL;
    return decimal_scale(&d, scale, true, ret);
}

struct unit {
    const char *suffix;
    uint64_t scale;
};

static const struct unit *unit_find(const struct unit *units, size_t n, const char *suffix)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(units[i].suffix, suffix) == 0)
            return &units[i];
    }
    return NULL;
}

#define SIZE_UNIT(letter, shift)                                                \
    { letter, UINT64_C(1) << (shift) }, { letter "b", UINT64_C(1) << (shift) }, \
        { letter "i", UINT64_C(1) << (shift) },                                 \
    {                                                                           \
        letter "ib", UINT64_C(1) << (shift)                                     \
    }

int size_parse(const char *text, uint64_t *ret_bytes)
{
    static const struct unit size_table[] = {
        { "", 1 },          { "b", 1 },         SIZE_UNIT("k", 10), SIZE_UNIT("m", 20),
        SIZE_UNIT("g", 30), SIZE_UNIT("t", 40), SIZE_UNIT("p", 50),
    };
    struct decimal d;
    int r = decimal_parse(text, &d);

    if (r < 0)
        return r;
    const struct unit *unit = unit_find(size_table, ARRAY_SIZE(size_table), d.end);
    if (!unit)
        return -EINVAL;
    return decimal_scale(&d, unit->scale, unit->scale == 1, ret_bytes);
}

int duration_parse(const char *text, uint64_t unit_us, uint64_t *ret_us)
{
    static const struct unit duration_table[] = {
        { "us", 1 },
        { "ms", 1000 },
        { "s", 1000000 },
        { "m", 60000000 },
        { "h", UINT64_C(3600000000) },
    };
    struct decimal d;
    int r = decimal_parse(text, &d);

    if (r < 0)
        return r;
    uint64_t scale = unit_us;
    if (*d.end != '\0') {
        const struct unit *unit = unit_find(duration_table, ARRAY_SIZE(duration_table), d.end);
        if (!unit)
            return -EINVAL;
        scale = unit->scale;
    }
    return decimal_scale(&d, scale, true, ret_us);
}

/* value/scale with up to three decimals if that is exact, else false. */
static bool format_exact(uint64_t value, uint64_t scale, const char *unit, char *ret, size_t size)
{
    unsigned __int128 milli = (unsigned __int128)value * 1000;

    if (value < scale || milli % scale != 0)
        return false;
    uint64_t whole = value / scale;
    unsigned thousandths = (unsigned)((uint64_t)(milli / scale) - whole * 1000);
    if (thousandths == 0)
        snprintf(ret, size, "%llu %s", (unsigned long long)whole, unit);
    else if (thousandths % 100 == 0)
        snprintf(ret, size, "%llu.%u %s", (unsigned long long)whole, thousandths / 100, unit);
    else if (thousandths % 10 == 0)
        snprintf(ret, size, "%llu.%02u %s", (unsigned long long)whole, thousandths / 10, unit);
    else
        snprintf(ret, size, "%llu.%03u %s", (unsigned long long)whole, thousandths, unit);
    return true;
}

void size_format(uint64_t bytes, char *ret, size_t size)
{
    static const struct unit show_table[] = {
        { "TiB", UINT64_C(1) << 40 },
        { "GiB", UINT64_C(1) << 30 },
        { "MiB", UINT64_C(1) << 20 },
        { "KiB", UINT64_C(1) << 10 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(show_table); i++) {
        if (format_exact(bytes, show_table[i].scale, show_table[i].suffix, ret, size))
            return;
    }
    snprintf(ret, size, "%llu B", (unsigned long long)bytes);
}

void duration_format(uint64_t us, char *ret, size_t size)
{
    if (us >= 1000000 && us % 1000000 == 0)
        snprintf(ret, size, "%llu s", (unsigned long long)(us / 1000000));
    else if (us >= 1000000)
        snprintf(ret, size, "%llu.%03u s", (unsigned long long)(us / 1000000),
                 (unsigned)(us / 1000 % 1000));
    else if (us >= 1000 && us % 1000 == 0)
        snprintf(ret, size, "%u ms", (unsigned)(us / 1000));
    else if (us >= 1000)
        snprintf(ret, size, "%u.%03u ms", (unsigned)(us / 1000), (unsigned)(us % 1000));
    else
        snprintf(ret, size, "%u us", (unsigned)us);
}
