/*
 * seccomp: a policy as the OCI runtime specification has it, as a program that the kernel takes. libseccomp
 * knows the numbers of system calls; the program is made here, from runs of numbers with the same answer. What
 * was made is kept in a directory of ours and found again by the policy's own text, compared byte by byte.
 *
 * Where several rules fit a call, the most restrictive counts, in the order of seccomp(2). Calls of
 * architectures that are neither the machine's own nor named kill the process. Numbers above all that the
 * policy names get ENOSYS where its default is an error. See table.c for why.
 */
#pragma once

#include <linux/filter.h>

#include "base/base.h"
#include "spec/spec.h"

struct seccomp_program {
    struct sock_filter *instructions; /* owned */
    size_t n;
    unsigned
        flags; /* for seccomp(2): SECCOMP_FILTER_FLAG_*, NEW_LISTENER included when notify is used */
    bool has_notify;
};

/*
 * cache_dir_fd: a directory that only we can write to, or -1: nothing is kept. A broken or foreign file in
 * it is made anew. Errors name the rule ("linux.seccomp.syscalls[3]").
 */
int seccomp_compile(const struct seccomp_policy *policy, int cache_dir_fd,
                    struct seccomp_program *ret, struct err *err);
void seccomp_program_done(struct seccomp_program *program);
