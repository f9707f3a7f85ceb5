/* What belongs to no other file: terminals, keyrings, bpf. */
#include <errno.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/result.h"
#include "sys/sys.h"

int sys_pty_peer(int master_fd, int flags)
{
    int locked = 0;

    if (ioctl(master_fd, TIOCSPTLCK, &locked) < 0)
        return -errno;
    return sys_result(ioctl(master_fd, TIOCGPTPEER, flags));
}

int sys_keyring_new_session(void)
{
    return sys_result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0));
}

int sys_bpf(int cmd, union bpf_attr *attr, size_t size)
{
    return sys_result(syscall(SYS_bpf, cmd, attr, size));
}
