/*
 * One look through a document before anything is built from it: is it one JSON object (RFC 8259) and
 * nothing else, in valid UTF-8, without NUL, within the limits? It goes byte by byte with a bit per level
 * for its only memory, so that a hostile document costs no more than its length.
 */
#include <errno.h>
#include <string.h>

#include "oci/document.h"

#define NUMBER_MAX 64 /* characters; more cannot mean anything here */

struct scanner {
    const char *start, *at, *end;
    unsigned depth;
    uint64_t objects; /* bit N: level N is an object, else an array */
    size_t values;
    struct err *err;
};

_Static_assert(OCI_DEPTH_MAX <= 64, "the levels no longer fit into scanner.objects");

/* The sentence for a fault at the current place. */
static int fault(const struct scanner *s, const char *what)
{
    size_t line = 1;

    for (const char *c = s->start; (c = memchr(c, '\n', (size_t)(s->at - c))); c++)
        line++;
    return err_usage(s->err, "the document cannot be read: line %zu: %s", line, what);
}

static bool at_digit(const struct scanner *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static void skip_blanks(struct scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

/* ---- strings ------------------------------------------------------------------------------------------ */

/* The length of the UTF-8 sequence here, or 0 when it is none (overlong, surrogate, too large, cut). */
static size_t utf8_length(const unsigned char *c, size_t left)
{
    size_t n = c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

    if (n == 0 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xed && c[1] > 0x9f;
    bool too_large = c[0] == 0xf4 && c[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : n;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits after "\u"; at stands on the 'u'. -1: they are not there. */
static int escape_unit(const struct scanner *s)
{
    int unit = 0;

    if (s->end - s->at < 5)
        return -1;
    for (int i = 1; i <= 4; i++) {
        int digit = hex_value(s->at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* at stands behind the backslash, and then behind the escape. */
static int scan_escape(struct scanner *s)
{
    if (s->at == s->end)
        return fault(s, "a string is not closed");
    if (*s->at != 'u') {
        if (!strchr("\"\\/bfnrt", *s->at) || *s->at == '\0')
            return fault(s, "there is no such escape in a string");
        s->at++;
        return 0;
    }
    int unit = escape_unit(s);
    if (unit < 0)
        return fault(s, "\\u needs four hexadecimal digits");
    if (unit == 0)
        return fault(s, "a string has a NUL");
    s->at += 5;
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fault(s, "a string has half a surrogate pair");
    if (unit < 0xd800 || unit > 0xdbff)
        return 0;
    if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u')
        return fault(s, "a string has half a surrogate pair");
    s->at++;
    unit = escape_unit(s);
    if (unit < 0xdc00 || unit > 0xdfff)
        return fault(s, "a string has half a surrogate pair");
    s->at += 5;
    return 0;
}

/* Characters that stand for themselves: most of them, and so looked up at once. */
static const bool plain_table[256] = {
    [0x20 ... 0x21] = true,
    [0x23 ... 0x5b] = true,
    [0x5d ... 0x7f] = true,
};

/* at stands behind the opening quote, and then behind the closing one. */
static int scan_string(struct scanner *s)
{
    const char *limit = s->end - s->at > OCI_STRING_MAX ? s->at + OCI_STRING_MAX : s->end;

    for (;;) {
        while (s->at < limit && plain_table[(unsigned char)*s->at])
            s->at++;
        if (s->at >= limit)
            break;
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return 0;
        }
        if (c == '\\') {
            s->at++;
            int r = scan_escape(s);
            if (r < 0)
                return r;
        } else if (c < 0x20) {
            return fault(s, c ? "a string has a control character" : "a string has a NUL");
        } else {
            size_t n = utf8_length((const unsigned char *)s->at, (size_t)(s->end - s->at));
            if (n == 0)
                return fault(s, "a string is not valid UTF-8");
            s->at += n;
        }
    }
    return fault(s, limit < s->end ? "a string is longer than 1 MiB" : "a string is not closed");
}

/* ---- numbers and words ---------------------------------------------------------------------------------- */

static bool skip_digits(struct scanner *s)
{
    const char *first = s->at;

    while (at_digit(s))
        s->at++;
    return s->at > first;
}

/* Whole numbers of 64 bits, with or without sign. */
static int check_whole(struct scanner *s, const char *first)
{
    bool negative = *first == '-';
    char digits[NUMBER_MAX + 1];
    size_t n = (size_t)(s->at - first) - negative;
    uint64_t number;

    memcpy(digits, first + negative, n);
    digits[n] = '\0';
    if (number_parse(digits, negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX, &number) < 0)
        return fault(s, "a number does not fit into 64 bits");
    return 0;
}

static int scan_number(struct scanner *s)
{
    const char *first = s->at;
    bool whole = true;

    s->at += *s->at == '-';
    const char *digits = s->at;
    if (!skip_digits(s) || (*digits == '0' && s->at - digits > 1))
        return fault(s, "a number is not written as JSON has it");
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        whole = false;
        if (!skip_digits(s))
            return fault(s, "a number is not written as JSON has it");
    }
    if (s->at < s->end && (*s->at | 0x20) == 'e') {
        s->at++;
        whole = false;
        s->at += s->at < s->end && (*s->at == '+' || *s->at == '-');
        if (!skip_digits(s))
            return fault(s, "a number is not written as JSON has it");
    }
    if (s->at - first > NUMBER_MAX)
        return fault(s, "a number has too many digits");
    return whole ? check_whole(s, first) : 0;
}

static int scan_word(struct scanner *s)
{
    static const char *const word_table[] = { "true", "false", "null" };

    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        size_t n = strlen(word_table[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, word_table[i], n) == 0) {
            s->at += n;
            return 0;
        }
    }
    return fault(s, "a value is missing or not written as JSON has it");
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static int scan_open(struct scanner *s)
{
    if (s->depth == OCI_DEPTH_MAX)
        return fault(s, "it is nested deeper than 64 levels");
    uint64_t bit = UINT64_C(1) << s->depth++;
    s->objects = *s->at == '{' ? s->objects | bit : s->objects & ~bit;
    s->at++;
    skip_blanks(s);
    return 0;
}

static bool in_object(const struct scanner *s)
{
    return s->objects >> (s->depth - 1) & 1;
}

/* Closes as many levels as end here. */
static void scan_close(struct scanner *s)
{
    skip_blanks(s);
    while (s->depth > 0 && s->at < s->end && *s->at == (in_object(s) ? '}' : ']')) {
        s->depth--;
        s->at++;
        skip_blanks(s);
    }
}

/* The name of a member, up to its value. */
static int scan_key(struct scanner *s)
{
    if (s->at == s->end || *s->at != '"')
        return fault(s, "the name of a member is missing");
    s->at++;
    s->values++;
    int r = scan_string(s);
    if (r < 0)
        return r;
    skip_blanks(s);
    if (s->at == s->end || *s->at != ':')
        return fault(s, "a colon is missing");
    s->at++;
    skip_blanks(s);
    return 0;
}

/* A value that holds no others. */
static int scan_plain(struct scanner *s)
{
    if (s->at == s->end)
        return fault(s, "it ends too early");
    if (*s->at == '"') {
        s->at++;
        return scan_string(s);
    }
    return *s->at == '-' || at_digit(s) ? scan_number(s) : scan_word(s);
}

/* One element or member, or, where it holds others, up to the first of those. */
static int scan_item(struct scanner *s)
{
    int r = s->depth > 0 && in_object(s) ? scan_key(s) : 0;

    if (r < 0)
        return r;
    if (++s->values > OCI_VALUES_MAX)
        return fault(s, "it has more than 131072 values");
    if (s->at == s->end || (*s->at != '{' && *s->at != '[')) {
        r = scan_plain(s);
    } else {
        r = scan_open(s);
        /* The first of those follows without a comma, unless there is none. */
        if (r == 0 && (s->at == s->end || *s->at != (in_object(s) ? '}' : ']')))
            return 1;
    }
    if (r == 0)
        scan_close(s);
    return r;
}

int json_scan(const char *text, size_t len, struct err *err)
{
    struct scanner s = { .start = text, .at = text, .end = text + len, .err = err };

    if (len > OCI_DOCUMENT_MAX)
        return err_usage(err, "the document is larger than %u MiB", OCI_DOCUMENT_MAX >> 20);
    skip_blanks(&s);
    if (s.at == s.end)
        return fault(&s, "it is empty");
    if (*s.at != '{')
        return fault(&s, "it is not a JSON object");
    do {
        int r = scan_item(&s);
        if (r < 0)
            return r;
        if (r > 0 || s.depth == 0)
            continue;
        if (s.at == s.end)
            return fault(&s, "it ends too early");
        if (*s.at != ',')
            return fault(&s, "a comma is missing");
        s.at++;
        skip_blanks(&s);
    } while (s.depth > 0);
    return s.at == s.end ? 0 : fault(&s, "something follows the end of the document");
}
