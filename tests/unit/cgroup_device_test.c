/* cgroup: device rules as a program, run by a small interpreter and compared with what rules mean. */
#include <linux/bpf.h>

#include "cgroup_fixture.h"

/* ---- an interpreter for the few instructions that the assembler uses ------------------------------- */

static bool jump_taken(const struct bpf_insn *insn, uint32_t value)
{
    switch (BPF_OP(insn->code)) {
    case BPF_JNE:
        return value != (uint32_t)insn->imm;
    case BPF_JEQ:
        return value == (uint32_t)insn->imm;
    default:
        fail_msg("unknown jump %x", insn->code);
        return false;
    }
}

static void compute(const struct bpf_insn *insn, uint32_t *reg)
{
    uint32_t operand = BPF_SRC(insn->code) == BPF_X ? reg[insn->src_reg] : (uint32_t)insn->imm;

    switch (BPF_OP(insn->code)) {
    case BPF_MOV:
        reg[insn->dst_reg] = operand;
        break;
    case BPF_AND:
        reg[insn->dst_reg] &= operand;
        break;
    case BPF_RSH:
        reg[insn->dst_reg] >>= operand;
        break;
    default:
        fail_msg("unknown operation %x", insn->code);
    }
}

/* Runs to the exit. Only forward jumps are allowed, so it ends. */
static uint32_t interpret(const struct bpf_insn *insns, size_t n,
                          const struct bpf_cgroup_dev_ctx *context)
{
    uint32_t reg[11] = { 0 };

    for (size_t at = 0; at < n; at++) {
        const struct bpf_insn *insn = &insns[at];
        switch (BPF_CLASS(insn->code)) {
        case BPF_LDX:
            assert_int_equal(insn->src_reg, 1);
            assert_true(insn->off >= 0 && (size_t)insn->off + 4 <= sizeof(*context));
            memcpy(&reg[insn->dst_reg], (const char *)context + insn->off, 4);
            break;
        case BPF_ALU:
            compute(insn, reg);
            break;
        case BPF_JMP32:
            assert_true(insn->off >= 0);
            if (jump_taken(insn, reg[insn->dst_reg]))
                at += (size_t)insn->off;
            break;
        case BPF_JMP:
            assert_int_equal(insn->code, BPF_JMP | BPF_EXIT);
            return reg[0];
        default:
            fail_msg("unknown class %x", insn->code);
        }
    }
    fail_msg("ran past the end");
    return 0;
}

/* ---- what rules mean, written down differently ----------------------------------------------------- */

static bool may(const struct device_rule *rules, size_t n, char type, uint32_t major,
                uint32_t minor, unsigned bit)
{
    bool allowed = true;

    for (size_t i = 0; i < n; i++)
        if ((rules[i].type == 'a' || rules[i].type == type) &&
            (rules[i].major == UINT32_MAX || rules[i].major == major) &&
            (rules[i].minor == UINT32_MAX || rules[i].minor == minor) && (rules[i].access & bit))
            allowed = rules[i].allow;
    return allowed;
}

static bool may_all(const struct device_rule *rules, size_t n, char type, uint32_t major,
                    uint32_t minor, unsigned access)
{
    for (unsigned bit = 1; bit <= 4; bit <<= 1)
        if ((access & bit) && !may(rules, n, type, major, minor, bit))
            return false;
    return true;
}

static void compare(const struct device_rule *rules, size_t n)
{
    static const uint32_t number_table[] = { 0, 1, 3, 200, 0xfffff, 0x80000001 };
    size_t n_insns = 0;
    struct bpf_insn *insns = device_program(rules, n, &n_insns);

    assert_non_null(insns);
    for (unsigned t = 0; t < 2; t++)
        for (size_t i = 0; i < ARRAY_SIZE(number_table); i++)
            for (size_t k = 0; k < ARRAY_SIZE(number_table); k++)
                for (unsigned access = 1; access < 8; access++) {
                    struct bpf_cgroup_dev_ctx context = {
                        .access_type =
                            (access << 16) | (t ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                        .major = number_table[i],
                        .minor = number_table[k],
                    };
                    assert_int_equal(
                        interpret(insns, n_insns, &context),
                        may_all(rules, n, t ? 'b' : 'c', number_table[i], number_table[k], access));
                }
    free(insns);
}

static void test_program(void **state)
{
    static const char *const text_table[] = {
        "deny a",         "allow c 1:3 rwm", "c 1:* m",           "b *:* m",
        "deny c 200:1 w", "c 200:200 rw",    "deny b 1048575:0 r"
    };
    struct device_rule rules[ARRAY_SIZE(text_table)];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++)
        assert_int_equal(device_rule_parse(text_table[i], true, &rules[i]), 0);
    for (size_t n = 0; n <= ARRAY_SIZE(text_table); n++)
        compare(rules, n);
}

/* Many lists of rules, from a generator that always gives the same. */
static void test_program_any(void **state)
{
    static const uint32_t number_table[] = { UINT32_MAX, 0, 1, 3, 200, 0xfffff, 0x80000001 };
    struct device_rule rules[12];
    uint32_t seed = 12345;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        size_t n = round % ARRAY_SIZE(rules);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            rules[i] = (struct device_rule){
                .type = "abc"[(seed >> 8) % 3],
                .major = number_table[(seed >> 12) % ARRAY_SIZE(number_table)],
                .minor = number_table[(seed >> 18) % ARRAY_SIZE(number_table)],
                .access = 1 + (seed >> 22) % 7,
                .allow = (seed >> 28) & 1,
            };
        }
        compare(rules, n);
    }
}

static void test_parse(void **state)
{
    static const char *const bad_table[] = {
        "",         "x 1:3 rwm", "c",       "b ",          "c 1",
        "c 1:",     "c :3 r",    "c 1:3 x", "c 1:3 rr",    "c 1:3 r w",
        "c -1:3 r", "c 1:3:4 r", "allow",   "c1:3 r",      "c 1:3r",
        "deny ",    "c *1:3 r",  "a x",     "c 0x1:3 rwm", "c 1:99999999999 r",
    };
    struct device_rule rule;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++)
        if (device_rule_parse(bad_table[i], true, &rule) == 0)
            fail_msg("'%s' was taken for a rule", bad_table[i]);
    assert_int_equal(device_rule_parse("a", false, &rule), 0);
    assert_true(!rule.allow && rule.type == 'a' && rule.major == UINT32_MAX && rule.access == 7);
    assert_int_equal(device_rule_parse("deny c 5:* rw\n", true, &rule), 0);
    assert_true(!rule.allow && rule.type == 'c' && rule.major == 5 && rule.minor == UINT32_MAX);
    assert_int_equal(rule.access, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
    assert_int_equal(device_rule_parse("b 8:1", true, &rule), 0);
    assert_true(rule.allow && rule.minor == 1 && rule.access == 7);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_program_any),
        cmocka_unit_test(test_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
