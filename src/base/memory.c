/* Giving memory back before a long wait. */
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

void memory_give_back(void)
{
    malloc_trim(0);
    memory_give_back_stack();
}
