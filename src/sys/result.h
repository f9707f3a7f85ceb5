/* How libc tells a failed system call, as this house tells it. */
#pragma once

#include <errno.h>

static inline int sys_result(long result)
{
    return result < 0 ? -errno : (int)result;
}
