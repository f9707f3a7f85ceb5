/* clone3 in two forms: a plain copy, and a vfork-like start on a borrowed stack. */
#pragma once

#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the floor knows how to borrow a stack on x86-64 and aarch64 only"
#endif

/**
 * Makes a copy of this process, as fork does, with the namespaces, group and flags of args.
 *
 * @param args clone3's arguments; stack must be 0 (clone3(2)).
 * @return in the parent the child's pid, in the child 0, or -errno.
 */
static inline pid_t clone3_copy(struct clone_args *args)
{
    long pid = syscall(SYS_clone3, args, sizeof(*args));

    return pid < 0 ? -errno : (pid_t)pid;
}

/**
 * Starts fn(arg) in a child that shares this process's memory and stack (CLONE_VM | CLONE_VFORK);
 * the caller sleeps until the child has called exec or _exit. Nothing is copied, which is why it is
 * the cheapest start there is.
 *
 * The child may not return into a frame that the parent still needs. So it never leaves the
 * assembly: it calls fn further down the same stack, past the red zone.
 *
 * @param args clone3's arguments; stack must be 0; CLONE_VM and CLONE_VFORK are added here.
 * @param fn what the child does; it must end in exec or _exit.
 * @param arg handed to fn; what fn writes there is seen by the parent.
 * @return the child's pid, or -errno (clone3(2), vfork(2)).
 */
static __attribute__((noinline)) pid_t clone3_borrow(struct clone_args *args, void (*fn)(void *),
                                                     void *arg)
{
    args->flags |= CLONE_VM | CLONE_VFORK;
#if defined(__x86_64__)
    long pid = SYS_clone3;
    register void (*call)(void *) __asm__("r12") = fn;
    register void *with __asm__("r13") = arg;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "sub $128, %%rsp\n\t"
                     "and $-16, %%rsp\n\t"
                     "mov %[with], %%rdi\n\t"
                     "call *%[call]\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(pid)
                     : "D"(args), "S"(sizeof(*args)), [call] "r"(call), [with] "r"(with)
                     : "rcx", "r11", "memory", "cc");
#else
    register long pid __asm__("x0") = (long)args;
    register long size __asm__("x1") = (long)sizeof(*args);
    register long number __asm__("x8") = SYS_clone3;
    register void (*call)(void *) __asm__("x20") = fn;
    register void *with __asm__("x21") = arg;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, %[with]\n\t"
                     "blr %[call]\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(pid)
                     : "r"(size), "r"(number), [call] "r"(call), [with] "r"(with)
                     : "x30", "memory", "cc");
#endif
    return (pid_t)pid;
}
