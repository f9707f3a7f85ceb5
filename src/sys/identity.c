/*
 * Who a process is. libc's functions of these names send a signal to every thread so that all change
 * together; in a child that shares memory with its parent that would reach the wrong ones.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/result.h"
#include "sys/sys.h"

int sys_setresuid(uid_t r, uid_t e, uid_t s)
{
    return sys_result(syscall(SYS_setresuid, r, e, s));
}

int sys_setresgid(gid_t r, gid_t e, gid_t s)
{
    return sys_result(syscall(SYS_setresgid, r, e, s));
}

int sys_setgroups(size_t n, const gid_t *groups)
{
    return sys_result(syscall(SYS_setgroups, n, groups));
}

int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        { (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
        { (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
    };

    return sys_result(syscall(SYS_capset, &header, data));
}

int sys_capget(uint64_t *ret_effective, uint64_t *ret_permitted, uint64_t *ret_inheritable)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    *ret_effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    *ret_permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *ret_inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

int sys_cap_last(void)
{
    int below = -1, above = 64; /* below is known to the kernel, above is not */

    while (above - below > 1) {
        int middle = below + (above - below) / 2;

        /* Only that one error says so; taken for it, another would cost COMMAND capabilities. */
        if (prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0 || errno != EINVAL)
            below = middle;
        else
            above = middle;
    }
    return below;
}
