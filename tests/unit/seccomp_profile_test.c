/*
 * Profiles of the size that engines send, compared number by number with what libseccomp makes of them, and
 * given to the kernel. Lengths and times are printed; no test depends on a time.
 */
#include "seccomp_help.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Calls that the profile below does not allow without more ado. */
static const char kept_back[] =
    " add_key bpf clone clone3 delete_module dup3 finit_module init_module ioperm iopl kcmp "
    "kexec_load "
    "keyctl mount move_mount open_tree perf_event_open personality pivot_root process_vm_readv "
    "process_vm_writev ptrace quotactl reboot request_key setns settimeofday socket swapoff swapon "
    "syslog umount umount2 unshare userfaultfd vm86 vm86old sysfs ustat uselib nfsservctl acct ";

/* The names of all calls of x86_64 and i386 but those, with blanks between; the caller frees them. */
static char *allowed_names(void)
{
    struct buf names = BUF_INIT;

    for (int i = 0; i < 460; i++) {
        for (unsigned k = 0; k < 2; k++) {
            char word[80];
            char *name = seccomp_syscall_resolve_num_arch(k ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64, i);
            snprintf(word, sizeof(word), " %s ", text_or_empty(name));
            if (name && !strstr(kept_back, word))
                buf_printf(&names, "%s ", name);
            free(name);
        }
    }
    return buf_take(&names);
}

#define PROFILE_RULES 12

/* Shaped like docker's and podman's default profiles. */
static size_t profile_rules(char *names, struct help_rule ret[static PROFILE_RULES])
{
    static const struct help_rule rules[PROFILE_RULES - 1] = {
        { "personality", SECCOMP_ALLOW, 0, { { 0, SECCOMP_EQ, 0, 0 } }, 1 },
        { "personality", SECCOMP_ALLOW, 0, { { 0, SECCOMP_EQ, 8, 0 } }, 1 },
        { "personality", SECCOMP_ALLOW, 0, { { 0, SECCOMP_EQ, 0x20000, 0 } }, 1 },
        { "personality", SECCOMP_ALLOW, 0, { { 0, SECCOMP_EQ, 0x20008, 0 } }, 1 },
        { "personality", SECCOMP_ALLOW, 0, { { 0, SECCOMP_EQ, 0xffffffff, 0 } }, 1 },
        { "clone", SECCOMP_ALLOW, 0, { { 0, SECCOMP_MASKED_EQ, 0x7e020000, 0 } }, 1 },
        { "clone3", SECCOMP_ERRNO, ENOSYS, { { 0 } }, 0 },
        { "mount umount2 setns unshare bpf keyctl", SECCOMP_ERRNO, EACCES, { { 0 } }, 0 },
        { "dup3", SECCOMP_ALLOW, 0, { { 2, SECCOMP_LT, 16, 0 } }, 1 },
        { "kcmp", SECCOMP_ALLOW, 0, { { 2, SECCOMP_GE, 0xffffffff, 0 } }, 1 },
        { "ptrace", SECCOMP_LOG, 0, { { 0, SECCOMP_NE, 16, 0 }, { 2, SECCOMP_GT, 9, 0 } }, 2 },
    };

    memcpy(ret, rules, sizeof(rules));
    ret[PROFILE_RULES - 1] = (struct help_rule){ .names = names, .action = SECCOMP_ALLOW };
    return PROFILE_RULES;
}

/* ---- libseccomp's own program ------------------------------------------------------------------------ */

static uint32_t their_action(enum seccomp_action action, unsigned data)
{
    switch (action) {
    case SECCOMP_ERRNO:
        return SCMP_ACT_ERRNO(data);
    case SECCOMP_LOG:
        return SCMP_ACT_LOG;
    case SECCOMP_KILL_PROCESS:
        return SCMP_ACT_KILL_PROCESS;
    default:
        return SCMP_ACT_ALLOW;
    }
}

static enum scmp_compare their_compare(enum seccomp_compare compare)
{
    return (enum scmp_compare)((int)compare + 1); /* the same order */
}

static void their_rules(scmp_filter_ctx filter, const struct seccomp_policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct seccomp_rule *rule = &policy->rules[i];
        struct scmp_arg_cmp compares[6];
        if (rule->action == policy->default_action && rule->errno_value == policy->default_errno)
            continue; /* refused there: it says nothing */
        for (size_t k = 0; k < rule->n_arguments; k++)
            compares[k] =
                (struct scmp_arg_cmp){ rule->arguments[k].index,
                                       their_compare(rule->arguments[k].compare),
                                       rule->arguments[k].value, rule->arguments[k].value_two };
        for (size_t k = 0; rule->names[k]; k++) {
            int number = seccomp_syscall_resolve_name(rule->names[k]);
            if (number == __NR_SCMP_ERROR)
                continue;
            assert_int_equal(seccomp_rule_add_array(filter,
                                                    their_action(rule->action, rule->errno_value),
                                                    number, (unsigned)rule->n_arguments, compares),
                             0);
        }
    }
}

static size_t their_program(const struct seccomp_policy *policy, struct sock_filter *ret,
                            size_t room)
{
    scmp_filter_ctx filter =
        seccomp_init(their_action(policy->default_action, policy->default_errno));
    int fd = memfd_create("filter", MFD_CLOEXEC);

    assert_non_null(filter);
    assert_true(fd >= 0);
    assert_int_equal(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
    assert_int_equal(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
    for (size_t i = 0; policy->architectures && policy->architectures[i]; i++) {
        uint32_t token = strstr(policy->architectures[i], "X32")      ? SCMP_ARCH_X32
                         : strstr(policy->architectures[i], "X86_64") ? SCMP_ARCH_X86_64
                                                                      : SCMP_ARCH_X86;
        int r = seccomp_arch_add(filter, token);
        assert_true(r == 0 || r == -EEXIST);
    }
    their_rules(filter, policy);
    assert_int_equal(seccomp_export_bpf(filter, fd), 0);
    seccomp_release(filter);
    ssize_t bytes = pread(fd, ret, room * sizeof(*ret), 0);
    assert_true(bytes > 0);
    close(fd);
    return (size_t)bytes / sizeof(*ret);
}

/* ---- side by side ------------------------------------------------------------------------------------ */

#define THEIRS_MAX 8192

struct pair {
    struct seccomp_program ours;
    struct sock_filter theirs[THEIRS_MAX];
    size_t n_theirs;
    unsigned steps_ours, steps_theirs, calls; /* of numbers below 460 without arguments */
};

static void compare_call(struct pair *pair, uint32_t arch, uint32_t number, const uint64_t *args)
{
    struct seccomp_data data = { .arch = arch, .nr = (int)number };

    /* libseccomp looks at the lower halves of x32's arguments only, which have 64 bits all the same. */
    bool wide = arch != SCMP_ARCH_X86 && number < 0x40000000;
    for (size_t i = 0; args && i < 6; i++)
        data.args[i] = wide ? args[i] : (uint32_t)args[i];
    struct help_answer ours = help_run(pair->ours.instructions, pair->ours.n, &data);
    struct help_answer theirs = help_run(pair->theirs, pair->n_theirs, &data);
    pair->steps_ours += ours.steps;
    pair->steps_theirs += theirs.steps;
    pair->calls++;
    if (ours.value != theirs.value)
        fail_msg("arch %#x number %u (%#llx, %#llx, %#llx): %#x, libseccomp says %#x", arch, number,
                 (unsigned long long)data.args[0], (unsigned long long)data.args[1],
                 (unsigned long long)data.args[2], ours.value, theirs.value);
}

static void compare_arch(struct pair *pair, uint32_t arch, uint32_t base)
{
    static const uint64_t value_table[] = {
        0,           1,           8,           9,          10,         16,
        40,          0x20000,     0x20008,     0x7e020000, 0x10000000, 0xffffffff,
        0x100000000, 0x100000001, 0x100000008, UINT64_MAX,
    };

    for (uint32_t number = 0; number < 460; number++) {
        compare_call(pair, arch, base + number, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(value_table); i++) {
            uint64_t args[6] = { value_table[i], value_table[(i * 7 + 1) % 16],
                                 value_table[(i * 3 + 5) % 16] };
            compare_call(pair, arch, base + number, args);
        }
    }
}

/* An unknown number gets ENOSYS from us alone, so the default is ENOSYS as podman has it. */
static void profiles_mean_what_libseccomp_means(void **state)
{
    static const char *const arch_table[] = { "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32",
                                              "SCMP_ARCH_X86_64 SCMP_ARCH_X86",
                                              "SCMP_ARCH_X86_64" };
    struct help_rule rules[PROFILE_RULES];
    struct help_policy policy;
    static struct pair pair;
    char *names = allowed_names();
    size_t n = profile_rules(names, rules);

    (void)state;
    if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
        print_message("# libseccomp takes x86's architectures on x86 only\n");
        free(names);
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(arch_table); i++) {
        help_policy_make(&policy, SECCOMP_ERRNO, ENOSYS, arch_table[i], rules, n);
        memset(&pair, 0, sizeof(pair));
        help_compile(&policy.policy, -1, &pair.ours);
        pair.n_theirs = their_program(&policy.policy, pair.theirs, THEIRS_MAX);
        compare_arch(&pair, SCMP_ARCH_X86_64, 0);
        compare_arch(&pair, SCMP_ARCH_X86_64, 0x40000000);
        compare_arch(&pair, SCMP_ARCH_X86, 0);
        compare_arch(&pair, AUDIT_ARCH_ARM, 0);
        compare_call(&pair, SCMP_ARCH_X86_64, UINT32_MAX, NULL);
        print_message("# %s: %zu instructions and %.1f steps a call; libseccomp's %zu and %.1f\n",
                      arch_table[i], pair.ours.n, (double)pair.steps_ours / pair.calls,
                      pair.n_theirs, (double)pair.steps_theirs / pair.calls);
        assert_true(pair.ours.n < pair.n_theirs);
        seccomp_program_done(&pair.ours);
        help_policy_done(&policy);
    }
    free(names);
}

/* The same the other way round: what is forbidden is named. */
static void lists_of_the_forbidden_do_too(void **state)
{
    struct help_rule rules[] = {
        { "mount umount2 bpf add_key keyctl", SECCOMP_ERRNO, 1, { { 0 } }, 0 },
        { "ioctl", SECCOMP_ERRNO, 1, { { 1, SECCOMP_MASKED_EQ, 0xffffffff, 0x10 } }, 1 },
        { "unshare",
          SECCOMP_KILL_PROCESS,
          0,
          { { 0, SECCOMP_MASKED_EQ, 0x10000000, 0x10000000 } },
          1 },
        { "read", SECCOMP_LOG, 0, { { 2, SECCOMP_LE, 9, 0 }, { 0, SECCOMP_NE, 1, 0 } }, 2 },
    };
    struct help_policy policy;
    static struct pair pair;

    (void)state;
    if (seccomp_arch_native() != SCMP_ARCH_X86_64)
        skip();
    help_policy_make(&policy, SECCOMP_ALLOW, 0, "SCMP_ARCH_X86 SCMP_ARCH_X32", rules,
                     ARRAY_SIZE(rules));
    memset(&pair, 0, sizeof(pair));
    help_compile(&policy.policy, -1, &pair.ours);
    pair.n_theirs = their_program(&policy.policy, pair.theirs, THEIRS_MAX);
    compare_arch(&pair, SCMP_ARCH_X86_64, 0);
    compare_arch(&pair, SCMP_ARCH_X86_64, 0x40000000);
    compare_arch(&pair, SCMP_ARCH_X86, 0);
    seccomp_program_done(&pair.ours);
    help_policy_done(&policy);
}

/* ---- the kernel's opinion ---------------------------------------------------------------------------- */

static int child_try(const struct seccomp_program *program)
{
    struct sock_fprog kernel = { .len = (unsigned short)program->n,
                                 .filter = program->instructions };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return 2;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &kernel) < 0)
        return 3;
    if (syscall(SYS_mount, NULL, NULL, NULL, 0, NULL) != -1 || errno != EACCES)
        return 4;
    if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
        return 5;
    if (syscall(SYS_dup3, 0, 1, UINT64_C(0x100000000)) != -1 || errno != ENOSYS)
        return 6;
    if (syscall(SYS_getppid) <= 0)
        return 7;
    return 0;
}

static uint64_t now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static void the_kernel_takes_it(void **state)
{
    struct help_rule rules[PROFILE_RULES];
    struct help_policy policy;
    struct seccomp_program program;
    char *names = allowed_names();
    int status = 0;

    (void)state;
    help_policy_make(&policy, SECCOMP_ERRNO, ENOSYS, "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32",
                     rules, profile_rules(names, rules));
    uint64_t before = now_us();
    help_compile(&policy.policy, -1, &program);
    print_message("# compiled in %llu us\n", (unsigned long long)(now_us() - before));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child_try(&program));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    seccomp_program_done(&program);
    help_policy_done(&policy);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_mean_what_libseccomp_means),
        cmocka_unit_test(lists_of_the_forbidden_do_too),
        cmocka_unit_test(the_kernel_takes_it),
    };

    return cmocka_run_group_tests_name("seccomp_profile", tests, NULL, NULL);
}
