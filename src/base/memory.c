/* Giving memory back before a long wait. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

/* As far down as any of our call chains went. */
#define STACK_DEPTH ((size_t)128 * 1024)

void memory_give_back_stack(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* The page that we stand on and the next, which calls from here will need again, stay. */
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - page;

    /* What is not mapped so far down is no error that matters. */
    madvise((void *)(end - STACK_DEPTH), STACK_DEPTH, MADV_DONTNEED);
}

/* Where malloc's own heap begins. What lies before that is the C library's: its thread's own variables. */
static char *heap_start;

__attribute__((constructor)) static void heap_find(void)
{
    /* It may have allocated already; later there may be memory of others in between. */
    heap_start = (char *)sbrk(0) - mallinfo2().arena;
}

void memory_drop_stack(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* The page that we stand on and the next, in which our caller stands, stay. */
    uintptr_t start = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) + 2 * page;
    /* The words of the command line are what others know us by; on a thread's own stack this is far away. */
    uintptr_t end = (uintptr_t)program_invocation_name & ~(page - 1);

    if (start < end && end - start < STACK_DEPTH)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

void memory_drop_heap(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)heap_start + page - 1) & ~(page - 1), end = (uintptr_t)sbrk(0);

    if (heap_start && start < end)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

void memory_give_back(void)
{
    malloc_trim(0);
    memory_give_back_stack();
}
