/* A policy as a program for the kernel. */
#include <errno.h>
#include <string.h>

#include "seccomp/seccomp_private.h"

/* Is there an instruction that hands a call to the listener? */
static bool program_notifies(const struct sock_filter *instructions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (instructions[i].code == (BPF_RET | BPF_K) &&
            (instructions[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            return true;
    }
    return false;
}

/*
 * The kernel takes WAIT_KILLABLE_RECV with a listener only, and TSYNC beside a listener only when told to
 * report a failure in another way than by a thread's number.
 */
static unsigned program_flags(unsigned asked, bool notifies)
{
    if (!notifies)
        return asked & ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    if (asked & SECCOMP_FILTER_FLAG_TSYNC)
        asked |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    return asked | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

static int program_settle(const struct seccomp_policy *policy, struct seccomp_program *program,
                          struct err *err)
{
    program->has_notify = program_notifies(program->instructions, program->n);
    program->flags = program_flags(policy->flags, program->has_notify);
    if (program->has_notify && !policy->listener_path) {
        seccomp_program_done(program);
        return err_usage(err, "linux.seccomp: SCMP_ACT_NOTIFY is used and linux.seccomp."
                              "listenerPath does not say who is to be notified");
    }
    return 0;
}

int seccomp_compile(const struct seccomp_policy *policy, int cache_dir_fd,
                    struct seccomp_program *ret, struct err *err)
{
    bool keep = cache_dir_fd >= 0 && policy->text;
    struct seccomp_tables tables = { 0 };

    *ret = (struct seccomp_program){ 0 };
    if (keep && seccomp_cache_get(cache_dir_fd, policy->text, &ret->instructions, &ret->n))
        return program_settle(policy, ret, err);
    int r = seccomp_tables_make(policy, &tables, err);
    if (r >= 0)
        r = seccomp_emit(policy, &tables, &ret->instructions, &ret->n, err);
    seccomp_tables_done(&tables);
    if (r < 0)
        return r;
    if (keep)
        seccomp_cache_put(cache_dir_fd, policy->text, ret->instructions, ret->n);
    return program_settle(policy, ret, err);
}

void seccomp_program_done(struct seccomp_program *program)
{
    free(program->instructions);
    *program = (struct seccomp_program){ 0 };
}
