/*
 * A short seccomp filter: no user namespaces for COMMAND.
 *
 * Where COMMAND has no group of its own in a hierarchy, the root that its cgroup namespace shows of it is
 * the caller's group, beneath which the groups of other runs are. As user 0 without privileges it could
 * not mount that hierarchy; as root of a user namespace that it made itself it could, and would be free
 * to write other runs' limits, because the files are user 0's. So it does not get one. docker's default
 * profile refuses the same, except that here everything else is left alone.
 *
 * clone3(2) passes its flags in memory, which a filter does not see: it answers ENOSYS, as an older
 * kernel would, and libc falls back to clone(2). See seccomp(2), user_namespaces(7).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "spawn/launch.h"
#include "spawn/steps.h"

#if defined(__x86_64__)
/* The second architecture is what 32-bit programs use on the same kernel. */
#define NATIVE  AUDIT_ARCH_X86_64
#define FOREIGN AUDIT_ARCH_I386
enum { FOREIGN_CLONE = 120, FOREIGN_UNSHARE = 310, FOREIGN_CLONE3 = 435 };
#define NUMBER_MASK 0xbfffffffu /* x32's calls are the same with bit 30 set */
#elif defined(__aarch64__)
#define NATIVE      AUDIT_ARCH_AARCH64
#define FOREIGN     AUDIT_ARCH_ARM
enum { FOREIGN_CLONE = 120, FOREIGN_UNSHARE = 337, FOREIGN_CLONE3 = 435 };
#define NUMBER_MASK 0xffffffffu
#endif

#ifdef NATIVE

#define LOAD(field)         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(k, yes, no)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (yes), (no))
#define HAS_BIT(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (yes), (no))
#define ANSWER(k)           BPF_STMT(BPF_RET | BPF_K, (k))

/* Jumps count the instructions that are passed over; the numbers at the right are positions. */
static struct sock_filter filter_table[] = {
    LOAD(arch),                                       /* 0 */
    EQUAL(NATIVE, 0, 5),                              /* 1: else 7 */
    LOAD(nr),                                         /* 2 */
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, NUMBER_MASK), /* 3 */
    EQUAL(SYS_clone, 8, 0),                           /* 4: to 13 */
    EQUAL(SYS_unshare, 7, 0),                         /* 5: to 13 */
    EQUAL(SYS_clone3, 5, 4),                          /* 6: to 12 or 11 */
    EQUAL(FOREIGN, 0, 7),                             /* 7: else 15 */
    LOAD(nr),                                         /* 8 */
    EQUAL(FOREIGN_CLONE, 3, 0),                       /* 9: to 13 */
    EQUAL(FOREIGN_UNSHARE, 2, 5),                     /* 10: to 13 or 16 */
    ANSWER(SECCOMP_RET_ALLOW),                        /* 11 */
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),               /* 12 */
    LOAD(args[0]),                                    /* 13: the flags, low half */
    HAS_BIT(CLONE_NEWUSER, 0, 2),                     /* 14: else 17 */
    ANSWER(SECCOMP_RET_ERRNO | EPERM),                /* 15: also for any other architecture */
    EQUAL(FOREIGN_CLONE3, 1, 0),                      /* 16: to 18 */
    ANSWER(SECCOMP_RET_ALLOW),                        /* 17 */
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),               /* 18 */
};

int step_confine(struct launch *launch, struct err *err)
{
    const struct sock_fprog program = { ARRAY_SIZE(filter_table), filter_table };

    (void)launch;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return err_refuse(err, errno,
                          "cannot keep COMMAND from making user namespaces: %m; --security-opt "
                          "seccomp=unconfined runs without");
    return 0;
}

#else

int step_confine(struct launch *launch, struct err *err)
{
    (void)launch;
    return err_refuse(err, ENOTSUP,
                      "no filter against user namespaces is known for this architecture; "
                      "--security-opt seccomp=unconfined runs without");
}

#endif
