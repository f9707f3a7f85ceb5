/* Growing buffers with a sticky error. */
#include <errno.h>
#include <string.h>

#include "base/base.h"

void buf_done(struct buf *b)
{
    free(b->data);
    *b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

int buf_error(const struct buf *b)
{
    return b->failed ? -ENOMEM : 0;
}

/* Room for len more bytes and the terminating NUL. */
static bool buf_reserve(struct buf *b, size_t len)
{
    size_t need, cap = b->cap ? b->cap : 128;

    if (b->failed || __builtin_add_overflow(b->len, len, &need) || need >= SIZE_MAX / 2) {
        b->failed = true;
        return false;
    }
    if (b->data && need < b->cap)
        return true;
    while (cap <= need)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t len)
{
    return buf_reserve(b, len) ? b->data + b->len : NULL;
}

void buf_add_length(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (!buf_reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
    } else if (buf_reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    if (!b->failed && !b->data)
        buf_add(b, "", 0);
    if (b->failed) {
        buf_done(b);
        return NULL;
    }
    char *data = b->data;
    *b = BUF_INIT;
    return data;
}
