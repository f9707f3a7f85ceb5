/*
 * Allocations that can be made to fail, for tests of what happens when memory runs out: set allocations_left to N,
 * and the Nth from then on (0: the next) fails, once. A test includes this once, after "#undef _FORTIFY_SOURCE".
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long allocations_left = -1; /* negative: none fails */

static bool allocation_fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

/* These stand before the C library's own. */
void *calloc(size_t n, size_t size)
{
    /* not seen through: malloc() and memset() would be made calloc() again */
    static void *(*volatile clear)(void *, int, size_t) = memset;
    size_t bytes;
    void *ret;

    if (__builtin_mul_overflow(n, size, &bytes) || allocation_fails())
        return NULL;
    ret = malloc(bytes);
    return ret ? clear(ret, 0, bytes) : NULL;
}

void *reallocarray(void *old, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes) || allocation_fails())
        return NULL;
    return realloc(old, bytes);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = allocation_fails() ? NULL : malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *strndup(const char *text, size_t n)
{
    size_t len = strnlen(text, n);
    char *copy = allocation_fails() ? NULL : malloc(len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

int vasprintf(char **ret, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    *ret = n < 0 || allocation_fails() ? NULL : malloc((size_t)n + 1);
    return *ret ? vsnprintf(*ret, (size_t)n + 1, fmt, ap) : -1;
}

/* What fortified objects call instead. */
int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap);
int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
    (void)flag;
    return vasprintf(ret, fmt, ap);
}
