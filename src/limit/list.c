/* CPU and memory node lists in the kernel's form (Documentation/admin-guide/cputopology.rst). */
#include <errno.h>
#include <string.h>

#include "limit/limit.h"

static bool mask_get(const struct list_mask *mask, unsigned i)
{
    return i < LIST_MAX && (mask->bits[i / 64] >> (i % 64) & 1);
}

/* Digits at *at, which is moved behind them. */
static int list_number(const char **at, unsigned *ret)
{
    unsigned value = 0;

    if (**at < '0' || **at > '9')
        return -EINVAL;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (value < LIST_MAX)
            value = value * 10 + (unsigned)(**at - '0');
    }
    if (value >= LIST_MAX)
        return -ERANGE;
    *ret = value;
    return 0;
}

int list_parse(const char *text, struct list_mask *ret)
{
    struct list_mask mask = { 0 };
    unsigned first, last;

    for (const char *at = text; *at != '\0';) {
        int r = list_number(&at, &first);
        if (r < 0)
            return r;
        last = first;
        if (*at == '-') {
            at++;
            r = list_number(&at, &last);
            if (r < 0)
                return r;
        }
        if (last < first)
            return -EINVAL;
        for (unsigned i = first; i <= last; i++)
            mask.bits[i / 64] |= UINT64_C(1) << (i % 64);
        if (*at == ',' && at[1] != '\0')
            at++;
        else if (*at != '\0')
            return -EINVAL;
    }
    *ret = mask;
    return 0;
}

void list_format(const struct list_mask *mask, struct buf *ret)
{
    const char *separator = "";

    for (unsigned i = 0; i < LIST_MAX; i++) {
        if (!mask_get(mask, i))
            continue;
        unsigned last = i;
        while (mask_get(mask, last + 1))
            last++;
        if (last == i)
            buf_printf(ret, "%s%u", separator, i);
        else
            buf_printf(ret, "%s%u-%u", separator, i, last);
        separator = ",";
        i = last;
    }
}

bool list_is_subset(const struct list_mask *inner, const struct list_mask *outer)
{
    for (size_t i = 0; i < ARRAY_SIZE(inner->bits); i++) {
        if (inner->bits[i] & ~outer->bits[i])
            return false;
    }
    return true;
}

unsigned list_count(const struct list_mask *mask)
{
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(mask->bits); i++)
        n += (unsigned)__builtin_popcountll(mask->bits[i]);
    return n;
}
