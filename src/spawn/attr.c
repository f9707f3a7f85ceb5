/* Attributes of mounts: read-only and its like. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "spawn/launch.h"
#include "sys/sys.h"

static const struct {
    uint64_t attr;
    unsigned long flag, statvfs_flag;
} attr_table[] = {
    { MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY },
    { MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID },
    { MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV },
    { MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC },
    { MOUNT_ATTR_NOATIME, MS_NOATIME, ST_NOATIME },
    { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME, 0 },
    { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME },
    { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW, 0 },
};

unsigned long attr_to_flags(uint64_t attr)
{
    unsigned long flags = 0;

    for (size_t i = 0; i < ARRAY_SIZE(attr_table); i++)
        flags |= attr & attr_table[i].attr ? attr_table[i].flag : 0;
    return flags;
}

/*
 * Linux before 5.12: mount(2) sets all attributes of one mount at a time, so those it has are kept. It
 * wants a path; procfs's name for the fd is one that nobody can turn elsewhere.
 */
static int attr_apply_old(int fd, unsigned flags, uint64_t set, uint64_t clear,
                          uint64_t propagation)
{
    unsigned long now = 0;
    struct statvfs st;
    char path[40];

    if (flags & AT_RECURSIVE)
        return -ENOSYS;
    if (fstatvfs(fd, &st) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(attr_table); i++)
        now |= st.f_flag & attr_table[i].statvfs_flag ? attr_table[i].flag : 0;
    now = (now & ~attr_to_flags(clear)) | attr_to_flags(set);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if ((set || clear) && mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | now, NULL) < 0)
        return -errno;
    if (propagation && mount(NULL, path, NULL, propagation, NULL) < 0)
        return -errno;
    return 0;
}

int attr_apply(int fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };
    int r;

    if (!set && !clear && !propagation)
        return 0;
    /* How access times are kept is one of several, told by a number: all of it changes or none. */
    if ((set | clear) & MOUNT_ATTR__ATIME)
        attr.attr_clr |= MOUNT_ATTR__ATIME;
    r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr);
    return r == -ENOSYS ? attr_apply_old(fd, flags, set, clear, propagation) : r;
}
