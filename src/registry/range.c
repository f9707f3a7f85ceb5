/* Ranges of bytes, as headers have them. */
#include <errno.h>
#include <string.h>

#include "registry/wire.h"

/* The digits at *at, as a number; *at goes behind them. */
static int number_at(const char **at, uint64_t *ret)
{
    char digits[24];
    size_t n = strspn(*at, "0123456789");

    if (n == 0 || n >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, *at, n);
    digits[n] = '\0';
    *at += n;
    return number_parse(digits, UINT64_MAX, ret);
}

static bool skip(const char **at, const char *what)
{
    if (!text_starts(*at, what))
        return false;
    *at += strlen(what);
    return true;
}

int content_range_parse(const char *text, uint64_t *ret_first, uint64_t *ret_last,
                        uint64_t *ret_size)
{
    const char *at = text;

    if (!skip(&at, "bytes ") || number_at(&at, ret_first) < 0 || !skip(&at, "-") ||
        number_at(&at, ret_last) < 0 || !skip(&at, "/"))
        return -EINVAL;
    *ret_size = UINT64_MAX;
    if (!skip(&at, "*") && number_at(&at, ret_size) < 0)
        return -EINVAL;
    return *at || *ret_last < *ret_first || *ret_last >= *ret_size ? -EINVAL : 0;
}

int upload_range_parse(const char *text, uint64_t *ret_bytes)
{
    const char *at = text;
    uint64_t first, last;

    (void)skip(&at, "bytes=");
    if (number_at(&at, &first) < 0 || !skip(&at, "-") || number_at(&at, &last) < 0 || *at)
        return -EINVAL;
    if (first != 0 || last == UINT64_MAX)
        return -EINVAL;
    /* "0-0" is what a registry says that has nothing, and one that has a byte; nobody uploads single bytes. */
    *ret_bytes = last == 0 ? 0 : last + 1;
    return 0;
}
