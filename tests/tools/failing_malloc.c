/*
 * Linked into a ration of its own by --wrap: the allocation that RATION_FAIL_ALLOC names ("7", or "7+"
 * for that one and all later ones) fails, and a byte is written to RATION_FAIL_ALLOC_FD when it does.
 * With a static program the C library's own allocations are among them, but not those it makes before
 * main() is called, without which no program can be.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned long count;
static bool begun;

__attribute__((constructor)) static void begin(void)
{
    begun = true;
}

static bool fails(void)
{
    if (!begun)
        return false;
    const char *point = getenv("RATION_FAIL_ALLOC");
    const char *fd = getenv("RATION_FAIL_ALLOC_FD");
    char *end;

    if (!point || !fd)
        return false;
    unsigned long wanted = strtoul(point, &end, 10);
    count++;
    if (count < wanted || (count > wanted && *end != '+'))
        return false;
    if (count == wanted && write((int)strtol(fd, NULL, 10), "", 1) != 1)
        _exit(99);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}
