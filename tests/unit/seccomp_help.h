/* What the tests of filters share: policies in short form, and the kernel's machine for them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "seccomp/seccomp.h"

#define HELP_RULES 32

/* One rule; names with blanks between. */
struct help_rule {
    const char *names;
    enum seccomp_action action;
    unsigned errno_value;
    struct seccomp_argument arguments[6];
    size_t n_arguments;
};

/* A policy whose parts are owned by it; help_policy_done() frees them. */
struct help_policy {
    struct seccomp_policy policy;
    struct seccomp_rule rules[HELP_RULES];
    struct help_rule *from;
};

static inline void help_policy_make(struct help_policy *ret, enum seccomp_action default_action,
                                    unsigned default_errno, const char *architectures,
                                    struct help_rule *rules, size_t n)
{
    char *save, *word;

    assert_true(n <= HELP_RULES);
    *ret = (struct help_policy){ .from = rules };
    ret->policy.default_action = default_action;
    ret->policy.default_errno = default_errno;
    ret->policy.rules = ret->rules;
    ret->policy.n_rules = n;
    char *copy = strdup(architectures);
    for (char *rest = copy; (word = strtok_r(rest, " ", &save)); rest = NULL)
        assert_int_equal(strv_push(&ret->policy.architectures, word), 0);
    free(copy);
    for (size_t i = 0; i < n; i++) {
        copy = strdup(rules[i].names);
        for (char *rest = copy; (word = strtok_r(rest, " ", &save)); rest = NULL)
            assert_int_equal(strv_push(&ret->rules[i].names, word), 0);
        free(copy);
        ret->rules[i].action = rules[i].action;
        ret->rules[i].errno_value = rules[i].errno_value;
        ret->rules[i].arguments = rules[i].arguments;
        ret->rules[i].n_arguments = rules[i].n_arguments;
    }
}

static inline void help_policy_done(struct help_policy *policy)
{
    strv_free(policy->policy.architectures);
    for (size_t i = 0; i < policy->policy.n_rules; i++)
        strv_free(policy->rules[i].names);
}

/* ---- the kernel's machine ------------------------------------------------------------------------------ */

struct help_answer {
    uint32_t value;
    unsigned steps;
};

static inline uint32_t help_load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t word;

    assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*data));
    memcpy(&word, (const char *)data + offset, 4);
    return word;
}

static inline bool help_test(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == k;
    case BPF_JGT:
        return a > k;
    case BPF_JGE:
        return a >= k;
    default:
        fail_msg("jump %#x", code);
        return false;
    }
}

/* Runs a program; fails the test at whatever the kernel's checker would refuse. */
static inline struct help_answer help_run(const struct sock_filter *code, size_t n,
                                          const struct seccomp_data *data)
{
    struct help_answer answer = { 0 };
    uint32_t a = 0;

    for (size_t at = 0; at < n; at++) {
        const struct sock_filter *now = &code[at];
        answer.steps++;
        switch (now->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            a = help_load(data, now->k);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= now->k;
            break;
        case BPF_JMP | BPF_JA:
            at += now->k;
            break;
        case BPF_RET | BPF_K:
            answer.value = now->k;
            return answer;
        default:
            assert_int_equal(BPF_CLASS(now->code), BPF_JMP);
            assert_int_equal(BPF_SRC(now->code), BPF_K);
            at += help_test(now->code, a, now->k) ? now->jt : now->jf;
        }
    }
    fail_msg("the program does not end");
    return answer;
}

static inline uint32_t help_call(const struct seccomp_program *program, uint32_t arch, int number,
                                 const uint64_t *arguments)
{
    struct seccomp_data data = { .arch = arch, .nr = number };

    for (size_t i = 0; arguments && i < 6; i++)
        data.args[i] = arguments[i];
    return help_run(program->instructions, program->n, &data).value;
}

/* By name, with one to three arguments. */
static inline uint32_t help_named(const struct seccomp_program *program, uint32_t token,
                                  const char *name, uint64_t a0, uint64_t a1, uint64_t a2)
{
    const uint64_t arguments[6] = { a0, a1, a2 };
    int number = seccomp_syscall_resolve_name_arch(token, name);

    if (number < 0)
        fail_msg("%s has no number", name);
    return help_call(program, token == SCMP_ARCH_X32 ? (uint32_t)SCMP_ARCH_X86_64 : token, number,
                     arguments);
}

static inline void help_compile(const struct seccomp_policy *policy, int cache,
                                struct seccomp_program *ret)
{
    struct err err = ERR_INIT;

    if (seccomp_compile(policy, cache, ret, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(err.text, "");
}
