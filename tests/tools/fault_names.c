/* System calls and errors by name, and which calls are special to the fault tools. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "fault.h"

enum {
    SPARED = 1 << 0,
    RESTARTABLE = 1 << 1,
    CLEANS = 1 << 2,
};

struct call {
    long number;
    const char *name;
    unsigned traits;
};

#define CALL(name)           \
    {                        \
        SYS_##name, #name, 0 \
    }
#define CALL_IS(name, trait)     \
    {                            \
        SYS_##name, #name, trait \
    }

static const struct call call_table[] = {
    /* Without failure by definition, or the C library's start and end, where nobody can answer. */
    CALL_IS(exit, SPARED),
    CALL_IS(exit_group, SPARED),
    CALL_IS(rt_sigreturn, SPARED),
    CALL_IS(set_tid_address, SPARED),
    CALL_IS(set_robust_list, SPARED),
    CALL_IS(rseq, SPARED),
    CALL_IS(getpid, SPARED),
    CALL_IS(gettid, SPARED),
    CALL_IS(getppid, SPARED),
    CALL_IS(getuid, SPARED),
    CALL_IS(geteuid, SPARED),
    CALL_IS(getgid, SPARED),
    CALL_IS(getegid, SPARED),
    CALL_IS(umask, SPARED),
    CALL_IS(sched_yield, SPARED),
    CALL_IS(getpgrp, SPARED),
    CALL_IS(rt_sigprocmask, SPARED),
    CALL_IS(rt_sigaction, SPARED),
#ifdef SYS_arch_prctl
    CALL_IS(arch_prctl, SPARED),
#endif

    CALL_IS(read, RESTARTABLE),
    CALL_IS(pread64, RESTARTABLE),
    CALL_IS(write, RESTARTABLE),
    CALL_IS(pwrite64, RESTARTABLE),
    CALL_IS(readv, RESTARTABLE),
    CALL_IS(writev, RESTARTABLE),
    CALL_IS(wait4, RESTARTABLE),
    CALL_IS(waitid, RESTARTABLE),
    CALL_IS(ppoll, RESTARTABLE),
    CALL_IS(sendmsg, RESTARTABLE),
    CALL_IS(recvmsg, RESTARTABLE),
    CALL_IS(sendto, RESTARTABLE),
    CALL_IS(recvfrom, RESTARTABLE),
    CALL_IS(nanosleep, RESTARTABLE),
    CALL_IS(clock_nanosleep, RESTARTABLE),
    CALL_IS(close, RESTARTABLE),
#ifdef SYS_poll
    CALL_IS(poll, RESTARTABLE),
#endif

    CALL_IS(unlinkat, CLEANS),
    CALL_IS(umount2, CLEANS),
    CALL_IS(kill, CLEANS),
    CALL_IS(pidfd_send_signal, CLEANS),
#ifdef SYS_rmdir
    CALL_IS(rmdir, CLEANS),
    CALL_IS(unlink, CLEANS),
#endif

    CALL(accept4),
    CALL(bind),
    CALL(bpf),
    CALL(brk),
    CALL(capget),
    CALL(capset),
    CALL(chdir),
    CALL(clock_getres),
    CALL(clock_gettime),
    CALL(clone),
    CALL(clone3),
    CALL(close_range),
    CALL(connect),
    CALL(dup),
    CALL(dup3),
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_pwait),
    CALL(eventfd2),
    CALL(execve),
    CALL(execveat),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(fchdir),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(fchown),
    CALL(fchownat),
    CALL(fcntl),
    CALL(flock),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fsopen),
    CALL(fstat),
    CALL(fstatfs),
    CALL(fsync),
    CALL(ftruncate),
    CALL(futex),
    CALL(getcwd),
    CALL(getdents64),
    CALL(getgroups),
    CALL(getpeername),
    CALL(getpgid),
    CALL(getpriority),
    CALL(getrandom),
    CALL(getresgid),
    CALL(getresuid),
    CALL(getrusage),
    CALL(getsid),
    CALL(getsockname),
    CALL(getsockopt),
    CALL(inotify_add_watch),
    CALL(inotify_init1),
    CALL(ioctl),
    CALL(keyctl),
    CALL(linkat),
    CALL(listen),
    CALL(lseek),
    CALL(madvise),
    CALL(memfd_create),
    CALL(mkdirat),
    CALL(mknodat),
    CALL(mmap),
    CALL(mount),
    CALL(mount_setattr),
    CALL(move_mount),
    CALL(mprotect),
    CALL(mremap),
    CALL(munmap),
    CALL(newfstatat),
    CALL(open_tree),
    CALL(openat),
    CALL(openat2),
    CALL(personality),
    CALL(pidfd_open),
    CALL(pipe2),
    CALL(pivot_root),
    CALL(prctl),
    CALL(prlimit64),
    CALL(readlinkat),
    CALL(renameat2),
    CALL(rt_sigpending),
    CALL(rt_sigsuspend),
    CALL(rt_sigtimedwait),
    CALL(sched_getaffinity),
    CALL(sched_setaffinity),
    CALL(seccomp),
    CALL(setdomainname),
    CALL(setgid),
    CALL(setgroups),
    CALL(sethostname),
    CALL(setns),
    CALL(setpgid),
    CALL(setpriority),
    CALL(setresgid),
    CALL(setresuid),
    CALL(setsid),
    CALL(setsockopt),
    CALL(setuid),
    CALL(shutdown),
    CALL(signalfd4),
    CALL(socket),
    CALL(socketpair),
    CALL(splice),
    CALL(statfs),
    CALL(statx),
    CALL(symlinkat),
    CALL(sysinfo),
    CALL(tgkill),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(uname),
    CALL(unshare),
    CALL(utimensat),
#ifdef SYS_open
    CALL(access),
    CALL(chmod),
    CALL(chown),
    CALL(creat),
    CALL(dup2),
    CALL(epoll_wait),
    CALL(fork),
    CALL(getdents),
    CALL(link),
    CALL(lstat),
    CALL(mkdir),
    CALL(mknod),
    CALL(open),
    CALL(pipe),
    CALL(readlink),
    CALL(rename),
    CALL(select),
    CALL(stat),
    CALL(symlink),
    CALL(vfork),
#endif
};

static const struct call *call_find(long number)
{
    for (size_t i = 0; i < sizeof(call_table) / sizeof(call_table[0]); i++) {
        if (call_table[i].number == number)
            return &call_table[i];
    }
    return NULL;
}

static bool call_has(long number, unsigned trait)
{
    const struct call *call = call_find(number);

    return call && (call->traits & trait) != 0;
}

const char *fault_call_name(long number)
{
    static char unnamed[32];
    const struct call *call = call_find(number);

    if (call)
        return call->name;
    snprintf(unnamed, sizeof(unnamed), "call-%ld", number);
    return unnamed;
}

bool fault_call_spared(long number)
{
    return call_has(number, SPARED);
}

bool fault_call_restartable(long number)
{
    return call_has(number, RESTARTABLE);
}

bool fault_call_cleans(long number)
{
    return call_has(number, CLEANS);
}

int fault_error_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } error_table[] = {
        { "ENOSPC", ENOSPC }, { "ENOMEM", ENOMEM }, { "EIO", EIO },       { "EINTR", EINTR },
        { "EPERM", EPERM },   { "EMFILE", EMFILE }, { "EAGAIN", EAGAIN }, { "EACCES", EACCES },
        { "ENOSYS", ENOSYS }, { "EBUSY", EBUSY },   { "ENOENT", ENOENT }, { "EINVAL", EINVAL },
    };

    for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++) {
        if (strcmp(name, error_table[i].name) == 0)
            return error_table[i].number;
    }
    return 0;
}
