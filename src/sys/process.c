/* Processes: clone3 in two forms, pidfds, waiting, limits, namespaces, file descriptors at large. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/result.h"
#include "sys/sys.h"

pid_t sys_clone3(const struct clone_args *args, size_t size)
{
    return sys_result(syscall(SYS_clone3, args, size));
}

struct borrowed {
    int (*fn)(void *);
    void *arg;
};

#if defined(__x86_64__) || defined(__aarch64__)

/* The child's whole life. It never returns into the frame it was called from: the sleeping parent
 * still needs that one. */
static __attribute__((noreturn, noinline)) void borrowed_run(const struct borrowed *borrowed)
{
    _exit(borrowed->fn(borrowed->arg));
}

/*
 * The child starts with the parent's registers and stack pointer. It steps over the 128 bytes below
 * the pointer which the ABI lets the parent's function use (x86-64), and calls from there; only the
 * parent comes out of the assembly, with the child's number or a negative errno.
 */
static __attribute__((noinline)) long borrow(const struct clone_args *args,
                                             const struct borrowed *borrowed)
{
#if defined(__x86_64__)
    long result = SYS_clone3;
    register const struct borrowed *arg __asm__("r14") = borrowed;
    register void (*run)(const struct borrowed *) __asm__("r15") = borrowed_run;

    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jne 0f\n\t"
                     "leaq -128(%%rsp), %%rsp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "movq %[arg], %%rdi\n\t"
                     "callq *%[run]\n\t"
                     "ud2\n"
                     "0:"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof(*args)), [arg] "r"(arg), [run] "r"(run)
                     : "rcx", "r11", "cc", "memory");
    return result;
#else
    register long result __asm__("x0") = (long)args;
    register long size __asm__("x1") = (long)sizeof(*args);
    register long number __asm__("x8") = SYS_clone3;
    register const struct borrowed *arg __asm__("x19") = borrowed;
    register void (*run)(const struct borrowed *) __asm__("x20") = borrowed_run;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 0f\n\t"
                     "mov x0, %[arg]\n\t"
                     "blr %[run]\n\t"
                     "udf #0\n"
                     "0:"
                     : "+r"(result)
                     : "r"(size), "r"(number), [arg] "r"(arg), [run] "r"(run)
                     : "x30", "cc", "memory");
    return result;
#endif
}

bool sys_has_vfork(void)
{
    return true;
}

#else

static long borrow(const struct clone_args *args, const struct borrowed *borrowed)
{
    (void)args;
    (void)borrowed;
    return -ENOSYS;
}

bool sys_has_vfork(void)
{
    return false;
}

#endif

pid_t sys_clone3_vfork(const struct clone_args *args, int (*fn)(void *), void *arg)
{
    struct clone_args with = *args;
    struct borrowed borrowed = { .fn = fn, .arg = arg };

    with.flags |= CLONE_VM | CLONE_VFORK;
    return (pid_t)borrow(&with, &borrowed);
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
    return sys_result(syscall(SYS_pidfd_open, pid, flags));
}

int sys_pidfd_send_signal(int pidfd, int signal)
{
    return sys_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

pid_t sys_pidfd_pid(int pidfd)
{
    char text[512];
    const char *line;
    ssize_t length;
    int pid = 0;
    int fd;

    snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", pidfd);
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length < 0)
        return -EIO;
    text[length] = '\0';
    line = strstr(text, "\nPid:\t");
    if (!line)
        return -EBADF;
    for (line += 6; *line >= '0' && *line <= '9'; line++)
        pid = pid * 10 + (*line - '0');
    return pid > 0 ? pid : -ESRCH;
}

int sys_waitid(int type, int id, siginfo_t *ret_info, int options, struct rusage *ret_usage)
{
    return sys_result(syscall(SYS_waitid, type, id, ret_info, options, ret_usage));
}

int sys_prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *ret_old)
{
    return sys_result(prlimit(pid, (enum __rlimit_resource)resource, limit, ret_old));
}

int sys_setns(int fd, int flags)
{
    return sys_result(syscall(SYS_setns, fd, flags));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return sys_result(syscall(SYS_close_range, first, last, flags));
}

int sys_sched_setattr(const struct sys_sched_attr *attr)
{
    struct sys_sched_attr sized = *attr;

    sized.size = sizeof(sized);
    return sys_result(syscall(SYS_sched_setattr, 0, &sized, 0));
}

int sys_sched_getattr(struct sys_sched_attr *ret)
{
    return sys_result(syscall(SYS_sched_getattr, 0, ret, sizeof(*ret), 0));
}

int sys_ioprio_set(int value)
{
    return sys_result(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value));
}

int sys_ioprio_get(void)
{
    return sys_result(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
}

int sys_seccomp_filter(unsigned flags, const struct sock_fprog *program)
{
    return sys_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program));
}

/* What the kernel takes, which differs from libc's struct sigaction. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

int sys_signal_default(int signal)
{
    struct kernel_sigaction action = { .handler = SIG_DFL };

    if (syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(action.mask)) < 0)
        return -errno;
    return 0;
}
