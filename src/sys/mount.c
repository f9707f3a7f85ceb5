/* Paths and mounts by file descriptor. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/result.h"
#include "sys/sys.h"

int sys_openat2(int dir_fd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };
    int tries = 4096;
    int r;

    /* The kernel asks for another try when anything was renamed or mounted anywhere while it looked for "..": often. */
    do {
        r = sys_result(syscall(SYS_openat2, dir_fd, path, &how, sizeof(how)));
    } while ((r == -EAGAIN || r == -EINTR) && --tries > 0);
    return r;
}

int sys_open_tree(int dir_fd, const char *path, unsigned flags)
{
    return sys_result(syscall(SYS_open_tree, dir_fd, path, flags));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return sys_result(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_fsopen(const char *fstype, unsigned flags)
{
    return sys_result(syscall(SYS_fsopen, fstype, flags));
}

int sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
    return sys_result(syscall(SYS_fsconfig, fd, command, key, value, aux));
}

int sys_fsmount(int fd, unsigned flags, unsigned attr)
{
    return sys_result(syscall(SYS_fsmount, fd, flags, attr));
}

int sys_mount_setattr(int dir_fd, const char *path, unsigned flags, const struct mount_attr *attr)
{
    return sys_result(syscall(SYS_mount_setattr, dir_fd, path, flags, attr, sizeof(*attr)));
}

int sys_fspick(int dir_fd, const char *path, unsigned flags)
{
    return sys_result(syscall(SYS_fspick, dir_fd, path, flags));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
    return sys_result(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_getcwd(char *ret, size_t size)
{
    return sys_result(syscall(SYS_getcwd, ret, size));
}
