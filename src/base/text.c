/* Strings, vectors of strings, and the nearest word for "did you mean". */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"

char *text_format(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : text;
}

int text_replace(char **p, const char *s)
{
    char *copy = s ? strdup(s) : NULL;

    if (s && !copy)
        return -ENOMEM;
    free(*p);
    *p = copy;
    return 0;
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

size_t strv_length(char *const *v)
{
    size_t n = 0;

    while (v && v[n])
        n++;
    return n;
}

void strv_free(char **v)
{
    for (size_t i = 0; v && v[i]; i++)
        free(v[i]);
    free(v);
}

void strv_freep(char ***v)
{
    strv_free(*v);
}

int strv_push(char ***v, const char *s)
{
    size_t n = strv_length(*v);
    char *copy = strdup(s);

    if (!copy)
        return -ENOMEM;
    char **grown = reallocarray(*v, n + 2, sizeof(*grown));
    if (!grown) {
        free(copy);
        return -ENOMEM;
    }
    grown[n] = copy;
    grown[n + 1] = NULL;
    *v = grown;
    return 0;
}

int strv_copy(char *const *v, char ***ret)
{
    size_t n = strv_length(v);
    char **copy = calloc(n + 1, sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        copy[i] = strdup(v[i]);
        if (!copy[i]) {
            strv_free(copy);
            return -ENOMEM;
        }
    }
    *ret = copy;
    return 0;
}

#define WORD_MAX 63

/* Levenshtein distance of two short words; longer ones are infinitely far. */
static unsigned text_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    unsigned row[WORD_MAX + 1];

    if (la > WORD_MAX || lb > WORD_MAX)
        return UINT32_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned add = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            row[j] = change < add ? change : add;
            if (drop < row[j])
                row[j] = drop;
        }
    }
    return row[lb];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 3 + 1;

    for (size_t i = 0; i < n; i++) {
        unsigned d = text_distance(word, candidates[i]);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}

/* ---- text as it is shown ------------------------------------------------------------------------- */

void text_fill(const char *text, unsigned indent, unsigned column, unsigned width, struct buf *ret)
{
    bool first = true;

    while (*text) {
        size_t n = strcspn(text, " \n");
        if (!first && column + 1 + n > width - 1) {
            buf_printf(ret, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_putc(ret, ' ');
            column++;
        }
        buf_add(ret, text, n);
        column += (unsigned)n;
        first = false;
        text += n;
        if (text[0] == '\n') {
            /* an empty line ends a paragraph */
            buf_printf(ret, "\n\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        text += strspn(text, " \n");
    }
    buf_putc(ret, '\n');
}

void text_roff(const char *text, struct buf *ret)
{
    if (*text == '.' || *text == '\'')
        buf_puts(ret, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            buf_puts(ret, "\\e");
        else if (*text == '-')
            buf_puts(ret, "\\-");
        else
            buf_putc(ret, *text);
    }
}

void text_unescape_octal(char *text)
{
    text = strchrnul(text, '\\');
    char *out = text;

    while (*text) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
            text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
            *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}
