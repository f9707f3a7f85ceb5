/*
 * Filters: policies are compiled and run on a machine of our own, and compared with what libseccomp makes of
 * them. Architectures are those of x86, which libseccomp knows on every machine; the machine's own is there
 * besides.
 */
#include "seccomp_help.h"

#include <errno.h>

#define X86_ALL "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32"
#define ALLOW   ((uint32_t)SECCOMP_RET_ALLOW)
#define FAIL(e) ((uint32_t)SECCOMP_RET_ERRNO | (e))
#define BAD     ((uint32_t)SECCOMP_RET_KILL_PROCESS)
#define AMD     ((uint32_t)SCMP_ARCH_X86_64)
#define I386    ((uint32_t)SCMP_ARCH_X86)

#define ARGS(...)                 \
    .arguments = { __VA_ARGS__ }, \
    .n_arguments =                \
        sizeof((struct seccomp_argument[]){ __VA_ARGS__ }) / sizeof(struct seccomp_argument)

/* Compile rules with a default and hand the program on; the policy's parts are gone afterwards. */
static struct seccomp_program made(enum seccomp_action action, unsigned data, const char *archs,
                                   struct help_rule *rules, size_t n)
{
    struct help_policy policy;
    struct seccomp_program program;

    help_policy_make(&policy, action, data, archs, rules, n);
    policy.policy.listener_path = (char *)(uintptr_t) "/run/listener";
    help_compile(&policy.policy, -1, &program);
    help_policy_done(&policy);
    return program;
}

static void refused(enum seccomp_action action, unsigned data, const char *archs,
                    struct help_rule *rules, size_t n, const char *want)
{
    struct help_policy policy;
    struct seccomp_program program;
    struct err err = ERR_INIT;

    help_policy_make(&policy, action, data, archs, rules, n);
    assert_true(seccomp_compile(&policy.policy, -1, &program, &err) < 0);
    if (!strstr(err.text, want))
        fail_msg("\"%s\" does not say \"%s\"", err.text, want);
    assert_null(program.instructions);
    help_policy_done(&policy);
}

/* ---- answers --------------------------------------------------------------------------------------- */

static void every_action_is_answered(void **state)
{
    struct help_rule rules[] = {
        { .names = "read", .action = SECCOMP_KILL_THREAD },
        { .names = "write", .action = SECCOMP_KILL_PROCESS },
        { .names = "open", .action = SECCOMP_TRAP },
        { .names = "close", .action = SECCOMP_ERRNO, .errno_value = 4095 },
        { .names = "stat", .action = SECCOMP_TRACE, .errno_value = 0x1234 },
        { .names = "fstat", .action = SECCOMP_LOG },
        { .names = "lstat", .action = SECCOMP_NOTIFY },
        { .names = "poll nosuchcall", .action = SECCOMP_ERRNO, .errno_value = 0 },
    };
    static const struct {
        const char *name;
        uint32_t answer;
    } want_table[] = {
        { "read", SECCOMP_RET_KILL_THREAD },    { "write", SECCOMP_RET_KILL_PROCESS },
        { "open", SECCOMP_RET_TRAP },           { "close", SECCOMP_RET_ERRNO | 4095 },
        { "stat", SECCOMP_RET_TRACE | 0x1234 }, { "fstat", SECCOMP_RET_LOG },
        { "lstat", SECCOMP_RET_USER_NOTIF },    { "poll", SECCOMP_RET_ERRNO },
        { "lseek", SECCOMP_RET_ALLOW },
    };
    struct seccomp_program program =
        made(SECCOMP_ALLOW, 1, "SCMP_ARCH_X86_64", rules, ARRAY_SIZE(rules));

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(want_table); i++)
        assert_int_equal(help_named(&program, AMD, want_table[i].name, 0, 0, 0),
                         want_table[i].answer);
    assert_true(program.has_notify);
    assert_int_equal(program.flags, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    seccomp_program_done(&program);
}

static void other_architectures_are_killed(void **state)
{
    struct seccomp_program program = made(SECCOMP_ALLOW, 0, "SCMP_ARCH_X86_64", NULL, 0);

    (void)state;
    assert_int_equal(help_call(&program, AMD, 1, NULL), ALLOW);
    assert_int_equal(help_call(&program, AMD, 0x40000001, NULL), BAD); /* x32 */
    assert_int_equal(help_call(&program, AMD, -1, NULL), ALLOW);       /* a tracer's "skip" */
    assert_int_equal(help_call(&program, AMD, -2, NULL), BAD);
    assert_int_equal(help_call(&program, I386, 1, NULL), BAD);
    assert_int_equal(help_call(&program, AUDIT_ARCH_SPARC64, 1, NULL), BAD);
    seccomp_program_done(&program);
    program = made(SECCOMP_ALLOW, 0,
                   X86_ALL " SCMP_ARCH_X86 SCMP_ARCH_RISCV64 SCMP_ARCH_LOONGARCH64", NULL, 0);
    assert_int_equal(help_call(&program, AMD, 0x40000001, NULL), ALLOW);
    assert_int_equal(help_call(&program, I386, 1, NULL), ALLOW);
    assert_int_equal(help_call(&program, SCMP_ARCH_RISCV64, 1, NULL), ALLOW);
    assert_int_equal(help_call(&program, AUDIT_ARCH_SPARC64, 1, NULL), BAD);
    seccomp_program_done(&program);
}

/* The machine's own architecture is never forgotten. */
static void native_is_always_there(void **state)
{
    struct help_rule rules[] = {
        { .names = "mkdirat", .action = SECCOMP_ERRNO, .errno_value = 7 }
    };
    struct seccomp_program program =
        made(SECCOMP_ALLOW, 0, "SCMP_ARCH_RISCV64", rules, ARRAY_SIZE(rules));
    uint32_t native = seccomp_arch_native();

    (void)state;
    assert_int_equal(help_named(&program, native, "mkdirat", 0, 0, 0), FAIL(7));
    assert_int_equal(help_named(&program, native, "read", 0, 0, 0), ALLOW);
    assert_int_equal(help_named(&program, SCMP_ARCH_RISCV64, "mkdirat", 0, 0, 0), FAIL(7));
    seccomp_program_done(&program);
}

/* ---- conditions ------------------------------------------------------------------------------------ */

static bool holds(const struct seccomp_argument *argument, uint64_t value)
{
    switch (argument->compare) {
    case SECCOMP_NE:
        return value != argument->value;
    case SECCOMP_LT:
        return value < argument->value;
    case SECCOMP_LE:
        return value <= argument->value;
    case SECCOMP_EQ:
        return value == argument->value;
    case SECCOMP_GE:
        return value >= argument->value;
    case SECCOMP_GT:
        return value > argument->value;
    case SECCOMP_MASKED_EQ:
        return (value & argument->value) == argument->value_two;
    }
    fail();
    return false;
}

static const uint64_t corner_table[] = {
    0,
    1,
    0x7fffffff,
    0x80000000,
    0xfffffffe,
    0xffffffff,
    0x100000000,
    0x100000001,
    0x1ffffffff,
    0x200000000,
    0x8000000000000000,
    0xffffffff00000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};

static void comparisons_are_exact(void **state)
{
    (void)state;
    for (unsigned op = SECCOMP_NE; op <= SECCOMP_MASKED_EQ; op++) {
        for (size_t i = 0; i < ARRAY_SIZE(corner_table); i++) {
            struct help_rule rule = {
                .names = "dup3",
                .action = SECCOMP_ERRNO,
                .errno_value = 9,
                ARGS({ .index = op % 6,
                       .compare = (enum seccomp_compare)op,
                       .value = corner_table[i],
                       .value_two = corner_table[i] & corner_table[(i * 5 + 3) % 14] }),
            };
            struct seccomp_program program = made(SECCOMP_ALLOW, 0, X86_ALL, &rule, 1);
            for (size_t k = 0; k < ARRAY_SIZE(corner_table); k++) {
                uint64_t args[6] = { 0 }, low[6] = { 0 };
                args[op % 6] = corner_table[k];
                low[op % 6] = (uint32_t)corner_table[k];
                assert_int_equal(help_call(&program, AMD, 292, args),
                                 holds(rule.arguments, args[op % 6]) ? FAIL(9) : ALLOW);
                assert_int_equal(help_call(&program, I386, 330, low),
                                 holds(rule.arguments, low[op % 6]) ? FAIL(9) : ALLOW);
            }
            seccomp_program_done(&program);
        }
    }
}

/* All conditions of a rule must hold, also several of one argument, which libseccomp refuses. */
static void conditions_are_joined(void **state)
{
    struct help_rule rules[] = {
        { .names = "socket",
          .action = SECCOMP_ALLOW,
          ARGS({ 0, SECCOMP_GE, 1, 0 }, { 0, SECCOMP_LE, 16, 0 }, { 0, SECCOMP_NE, 9, 0 },
               { 1, SECCOMP_MASKED_EQ, 0xf, 1 }) },
    };
    struct seccomp_program program = made(SECCOMP_ERRNO, 1, "SCMP_ARCH_X86_64", rules, 1);

    (void)state;
    for (uint64_t family = 0; family < 20; family++) {
        bool allowed = family >= 1 && family <= 16 && family != 9;
        assert_int_equal(help_named(&program, AMD, "socket", family, 0x80001, 0),
                         allowed ? ALLOW : FAIL(1));
        assert_int_equal(help_named(&program, AMD, "socket", family, 0x80002, 0), FAIL(1));
    }
    seccomp_program_done(&program);
}

/* podman's rules for netlink sockets and personality: several conditional rules for one call. */
static void several_rules_are_alternatives(void **state)
{
    struct help_rule rules[] = {
        { .names = "personality", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 0, 0 }) },
        { .names = "personality", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 8, 0 }) },
        { .names = "personality", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 0x20008, 0 }) },
        { .names = "personality", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 0xffffffff, 0 }) },
        { .names = "socket",
          .action = SECCOMP_ERRNO,
          .errno_value = 22,
          ARGS({ 0, SECCOMP_EQ, 16, 0 }, { 2, SECCOMP_EQ, 9, 0 }) },
        { .names = "socket", .action = SECCOMP_ALLOW, ARGS({ 2, SECCOMP_NE, 9, 0 }) },
        { .names = "socket", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_NE, 16, 0 }) },
    };
    static const uint64_t allowed_table[] = { 0, 8, 0x20008, 0xffffffff };
    struct seccomp_program program = made(SECCOMP_ERRNO, 38, X86_ALL, rules, ARRAY_SIZE(rules));

    (void)state;
    for (uint64_t value = 0; value < 20; value++)
        assert_int_equal(help_named(&program, AMD, "personality", value, 0, 0),
                         value == 0 || value == 8 ? ALLOW : FAIL(38));
    for (size_t i = 0; i < ARRAY_SIZE(allowed_table); i++) {
        assert_int_equal(help_named(&program, AMD, "personality", allowed_table[i], 0, 0), ALLOW);
        assert_int_equal(help_named(&program, I386, "personality", allowed_table[i], 0, 0), ALLOW);
        assert_int_equal(
            help_named(&program, AMD, "personality", allowed_table[i] | 1ull << 32, 0, 0),
            FAIL(38));
    }
    assert_int_equal(help_named(&program, AMD, "socket", 16, 3, 9), FAIL(22));
    assert_int_equal(help_named(&program, AMD, "socket", 16, 3, 0), ALLOW);
    assert_int_equal(help_named(&program, AMD, "socket", 2, 1, 9), ALLOW);
    seccomp_program_done(&program);
}

/* Of the rules that fit the most restrictive counts, whatever their order; what repeats the default not. */
static void the_strictest_rule_counts(void **state)
{
    struct help_rule rules[] = {
        { .names = "ioctl", .action = SECCOMP_ALLOW },
        { .names = "ioctl",
          .action = SECCOMP_ERRNO,
          .errno_value = 13,
          ARGS({ 1, SECCOMP_MASKED_EQ, 0xffffffff, 0x5412 }) },
        { .names = "mount", .action = SECCOMP_ERRNO, .errno_value = 1 },
        { .names = "mount", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 5, 0 }) },
        { .names = "umount2", .action = SECCOMP_ERRNO, .errno_value = 2 },
        { .names = "umount2", .action = SECCOMP_ALLOW, ARGS({ 0, SECCOMP_EQ, 5, 0 }) },
        { .names = "umount2", .action = SECCOMP_ERRNO, .errno_value = 3 },
        { .names = "read", .action = SECCOMP_ALLOW },
        { .names = "read", .action = SECCOMP_KILL_PROCESS, ARGS({ 0, SECCOMP_EQ, 5, 0 }) },
        { .names = "read", .action = SECCOMP_KILL_THREAD, ARGS({ 0, SECCOMP_EQ, 5, 0 }) },
        { .names = "write", .action = SECCOMP_ALLOW },
        { .names = "write",
          .action = SECCOMP_ERRNO,
          .errno_value = 1,
          ARGS({ 0, SECCOMP_EQ, 5, 0 }) },
    };
    struct seccomp_program program =
        made(SECCOMP_ERRNO, 1, "SCMP_ARCH_X86_64", rules, ARRAY_SIZE(rules));

    (void)state;
    assert_int_equal(help_named(&program, AMD, "ioctl", 0, 0x5412, 0), FAIL(13));
    assert_int_equal(help_named(&program, AMD, "ioctl", 0, 0x700005412, 0), FAIL(13));
    assert_int_equal(help_named(&program, AMD, "ioctl", 0, 0x5413, 0), ALLOW);
    assert_int_equal(help_named(&program, AMD, "mount", 5, 0, 0), ALLOW);
    assert_int_equal(help_named(&program, AMD, "mount", 6, 0, 0), FAIL(1));
    assert_int_equal(help_named(&program, AMD, "umount2", 5, 0, 0), FAIL(2));
    assert_int_equal(help_named(&program, AMD, "read", 5, 0, 0), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(help_named(&program, AMD, "read", 6, 0, 0), ALLOW);
    assert_int_equal(help_named(&program, AMD, "write", 5, 0, 0), FAIL(1));
    seccomp_program_done(&program);
}

/* Calls that 32-bit programs make through socketcall(2) and ipc(2). */
static void carried_calls_are_answered(void **state)
{
    struct help_rule rules[] = {
        { .names = "bind semget", .action = SECCOMP_ERRNO, .errno_value = 13 },
        { .names = "socketcall", .action = SECCOMP_ALLOW },
        { .names = "socket",
          .action = SECCOMP_ERRNO,
          .errno_value = 97,
          ARGS({ 0, SECCOMP_EQ, 40, 0 }) },
    };
    struct seccomp_program program = made(SECCOMP_ALLOW, 1, X86_ALL, rules, ARRAY_SIZE(rules));
    static const uint64_t vsock[6] = { 40 };

    (void)state;
    assert_int_equal(help_named(&program, I386, "socketcall", 2, 0, 0), FAIL(13));
    assert_int_equal(help_named(&program, I386, "socketcall", 1, 0, 0), ALLOW);
    assert_int_equal(help_named(&program, I386, "ipc", 2, 0, 0), FAIL(13));
    assert_int_equal(help_named(&program, I386, "ipc", 0x10002, 0, 0), FAIL(13));
    assert_int_equal(help_named(&program, I386, "ipc", 1, 0, 0), ALLOW);
    assert_int_equal(help_call(&program, I386, 361, NULL), FAIL(13)); /* bind itself */
    assert_int_equal(help_call(&program, I386, 393, NULL), FAIL(13)); /* semget itself */
    assert_int_equal(help_call(&program, I386, 359, NULL), ALLOW);
    assert_int_equal(help_call(&program, I386, 359, vsock), FAIL(97));
    assert_int_equal(help_named(&program, AMD, "bind", 0, 0, 0), FAIL(13));
    seccomp_program_done(&program);
}

/* ---- numbers that the policy's author did not know ------------------------------------------------- */

static void later_calls_are_unknown(void **state)
{
    struct help_rule rules[] = { { .names = "read write fchmodat", .action = SECCOMP_ALLOW } };
    struct seccomp_program program = made(SECCOMP_ERRNO, 1, X86_ALL, rules, 1);

    (void)state;
    assert_int_equal(help_call(&program, AMD, 0, NULL), ALLOW);
    assert_int_equal(help_call(&program, AMD, 2, NULL), FAIL(1));
    assert_int_equal(help_call(&program, AMD, 267, NULL), FAIL(1));
    assert_int_equal(help_call(&program, AMD, 268, NULL), ALLOW);
    assert_int_equal(help_call(&program, AMD, 269, NULL), FAIL(ENOSYS));
    assert_int_equal(help_call(&program, AMD, 0x40000000 + 267, NULL), FAIL(1));
    assert_int_equal(help_call(&program, AMD, 0x40000000 + 269, NULL), FAIL(ENOSYS));
    assert_int_equal(help_call(&program, I386, 306, NULL), ALLOW);
    assert_int_equal(help_call(&program, I386, 307, NULL), FAIL(ENOSYS));
    seccomp_program_done(&program);
    program = made(SECCOMP_KILL_PROCESS, 0, X86_ALL, rules, 1);
    assert_int_equal(help_call(&program, AMD, 269, NULL), SECCOMP_RET_KILL_PROCESS);
    seccomp_program_done(&program);
}

/* ---- flags and refusals ---------------------------------------------------------------------------- */

static void flags_are_those_the_kernel_takes(void **state)
{
    struct help_rule rule = { .names = "mkdir", .action = SECCOMP_NOTIFY };
    struct help_policy policy;
    struct seccomp_program program;
    struct err err = ERR_INIT;

    (void)state;
    help_policy_make(&policy, SECCOMP_ALLOW, 0, "", &rule, 1);
    policy.policy.flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    assert_true(seccomp_compile(&policy.policy, -1, &program, &err) < 0);
    assert_non_null(strstr(err.text, "listenerPath"));
    policy.policy.listener_path = (char *)(uintptr_t) "/run/listener";
    help_compile(&policy.policy, -1, &program);
    assert_int_equal(program.flags,
                     SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
                         SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
    seccomp_program_done(&program);
    policy.rules[0].action = SECCOMP_LOG;
    policy.policy.listener_path = NULL;
    help_compile(&policy.policy, -1, &program);
    assert_int_equal(program.flags, SECCOMP_FILTER_FLAG_TSYNC);
    assert_false(program.has_notify);
    seccomp_program_done(&program);
    help_policy_done(&policy);
}

static void wrong_policies_are_refused(void **state)
{
    struct help_rule far = { .names = "read", ARGS({ 6, SECCOMP_EQ, 0, 0 }) };
    struct help_rule large = { .names = "read", .action = SECCOMP_ERRNO, .errno_value = 4096 };
    struct help_rule trace = { .names = "read", .action = SECCOMP_TRACE, .errno_value = 65536 };

    (void)state;
    refused(SECCOMP_ALLOW, 0, "", &far, 1, "linux.seccomp.syscalls[0].args[0].index");
    refused(SECCOMP_ALLOW, 0, "", &large, 1, "linux.seccomp.syscalls[0]");
    refused(SECCOMP_ALLOW, 0, "", &trace, 1, "65536");
    refused(SECCOMP_ERRNO, 4096, "", NULL, 0, "linux.seccomp.defaultAction");
    refused(SECCOMP_NOTIFY, 0, "", NULL, 0, "SCMP_ACT_NOTIFY");
    refused(SECCOMP_ALLOW, 0, "SCMP_ARCH_X86 SCMP_ARCH_Z80", NULL, 0,
            "linux.seccomp.architectures[1]: SCMP_ARCH_Z80");
    refused(SECCOMP_ALLOW, 0, "amd64", NULL, 0, "architectures[0]");
}

/* More conditions than the kernel takes instructions for. */
static void what_is_too_long_is_refused(void **state)
{
    struct help_policy policy;
    struct seccomp_program program;
    struct err err = ERR_INIT;
    static struct seccomp_rule many[4000];
    static struct seccomp_argument arguments[4000];
    char *names[] = { (char *)(uintptr_t) "read", NULL };

    (void)state;
    help_policy_make(&policy, SECCOMP_ALLOW, 0, "SCMP_ARCH_X86_64", NULL, 0);
    for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
        arguments[i] = (struct seccomp_argument){ 0, SECCOMP_GT, i << 32, 0 };
        many[i] =
            (struct seccomp_rule){ names, SECCOMP_ERRNO, 1 + (unsigned)i % 2, &arguments[i], 1 };
    }
    policy.policy.rules = many;
    policy.policy.n_rules = ARRAY_SIZE(many);
    assert_int_equal(seccomp_compile(&policy.policy, -1, &program, &err), -E2BIG);
    assert_non_null(strstr(err.text, "4096"));
    assert_null(program.instructions);
    policy.policy.n_rules = 600; /* long jumps within one architecture */
    help_compile(&policy.policy, -1, &program);
    assert_true(program.n > 2000 && program.n <= BPF_MAXINSNS);
    assert_int_equal(help_named(&program, AMD, "read", 0, 0, 0), ALLOW);
    assert_int_equal(help_named(&program, AMD, "read", 1, 0, 0), FAIL(1));
    assert_int_equal(help_named(&program, AMD, "read", UINT64_MAX, 0, 0), FAIL(1));
    assert_int_equal(help_named(&program, AMD, "write", 1, 0, 0), ALLOW);
    seccomp_program_done(&program);
    policy.policy.n_rules = 0;
    help_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_is_answered),
        cmocka_unit_test(other_architectures_are_killed),
        cmocka_unit_test(native_is_always_there),
        cmocka_unit_test(comparisons_are_exact),
        cmocka_unit_test(conditions_are_joined),
        cmocka_unit_test(several_rules_are_alternatives),
        cmocka_unit_test(the_strictest_rule_counts),
        cmocka_unit_test(carried_calls_are_answered),
        cmocka_unit_test(later_calls_are_unknown),
        cmocka_unit_test(flags_are_those_the_kernel_takes),
        cmocka_unit_test(wrong_policies_are_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
