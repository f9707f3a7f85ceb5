/*
 * Device rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, put together instruction by
 * instruction. The context it gets is struct bpf_cgroup_dev_ctx of linux/bpf.h: access_type holds
 * the type of device in its lower and the kinds of access in its upper 16 bits.
 *
 * Rules are gone through from the last to the first. Each kind of access is decided by the first rule
 * met that matches; what is allowed is taken off the list of what was asked for, and when nothing is
 * left, access is granted.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "cgroup/cgroup_private.h"

/* Registers: r0 result and scratch, r1 context, then what was asked for. */
enum { R_RESULT, R_CONTEXT, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR };

#define RULE_INSNS_MAX 10
#define FRAME_INSNS    8

struct program {
    struct bpf_insn *insns;
    size_t n;
};

static void emit(struct program *p, struct bpf_insn insn)
{
    p->insns[p->n++] = insn;
}

static void emit_load(struct program *p, unsigned to, size_t offset)
{
    emit(p, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
                               .dst_reg = to & 15,
                               .src_reg = R_CONTEXT,
                               .off = (short)offset });
}

static void emit_imm(struct program *p, unsigned char op, unsigned to, uint32_t value)
{
    emit(p, (struct bpf_insn){ .code = (unsigned char)(BPF_ALU | op | BPF_K),
                               .dst_reg = to & 15,
                               .imm = (int)value });
}

static void emit_move(struct program *p, unsigned to, unsigned from)
{
    emit(p, (struct bpf_insn){
                .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = to & 15, .src_reg = from & 15 });
}

/* A jump whose distance is filled in by patch(). 32-bit comparisons, so that numbers have no sign. */
static void emit_jump(struct program *p, unsigned char op, unsigned reg, uint32_t value)
{
    emit(p, (struct bpf_insn){ .code = (unsigned char)(BPF_JMP32 | op | BPF_K),
                               .dst_reg = reg & 15,
                               .imm = (int)value });
}

static void emit_return(struct program *p, bool allow)
{
    emit_imm(p, BPF_MOV, R_RESULT, allow);
    emit(p, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* All jumps of the rule that began at `from` lead to its end. */
static void patch(struct program *p, size_t from)
{
    for (size_t i = from; i < p->n; i++)
        if (BPF_CLASS(p->insns[i].code) == BPF_JMP32)
            p->insns[i].off = (short)(p->n - i - 1);
}

static void emit_rule(struct program *p, const struct device_rule *rule)
{
    size_t from = p->n;

    if (rule->type != 'a')
        emit_jump(p, BPF_JNE, R_TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (rule->major != UINT32_MAX)
        emit_jump(p, BPF_JNE, R_MAJOR, rule->major);
    if (rule->minor != UINT32_MAX)
        emit_jump(p, BPF_JNE, R_MINOR, rule->minor);
    if (rule->allow) {
        /* Off the list; is anything left on it? */
        emit_imm(p, BPF_AND, R_ACCESS, ~rule->access);
        emit_jump(p, BPF_JNE, R_ACCESS, 0);
        emit_return(p, true);
    } else {
        emit_move(p, R_RESULT, R_ACCESS);
        emit_imm(p, BPF_AND, R_RESULT, rule->access);
        emit_jump(p, BPF_JEQ, R_RESULT, 0);
        emit_return(p, false);
    }
    patch(p, from);
}

struct bpf_insn *device_program(const struct device_rule *rules, size_t n, size_t *ret_n)
{
    struct program p = { calloc(n * RULE_INSNS_MAX + FRAME_INSNS, sizeof(*p.insns)), 0 };

    if (!p.insns)
        return NULL;
    emit_load(&p, R_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    emit_move(&p, R_ACCESS, R_TYPE);
    emit_imm(&p, BPF_AND, R_TYPE, 0xffff);
    emit_imm(&p, BPF_RSH, R_ACCESS, 16);
    emit_load(&p, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    emit_load(&p, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (size_t i = n; i > 0; i--)
        emit_rule(&p, &rules[i - 1]);
    emit_return(&p, true);
    *ret_n = p.n;
    return p.insns;
}

/* ---- text to rule ------------------------------------------------------------------------------------ */

static const char *blanks_skip(const char *p)
{
    return p + strspn(p, " \t\n");
}

/* "5" or "*", up to end. */
static int number_or_any(const char **p, char end, uint32_t *ret)
{
    char digits[16];
    uint64_t number;
    size_t n = strspn(*p, "0123456789");

    if (**p == '*') {
        *ret = UINT32_MAX;
        n = 1;
    } else {
        snprintf(digits, sizeof(digits), "%.*s", (int)n, *p);
        if (n >= sizeof(digits) || number_parse(digits, UINT32_MAX - 1, &number) < 0)
            return -EINVAL;
        *ret = (uint32_t)number;
    }
    *p += n;
    if (**p != end && !(end == ' ' && (**p == '\0' || **p == '\n')))
        return -EINVAL;
    *p += **p == end;
    return 0;
}

static int access_parse(const char *p, unsigned *ret)
{
    *ret = 0;
    for (; *p && *p != '\n' && *p != ' '; p++) {
        unsigned bit = *p == 'r'   ? BPF_DEVCG_ACC_READ
                       : *p == 'w' ? BPF_DEVCG_ACC_WRITE
                       : *p == 'm' ? BPF_DEVCG_ACC_MKNOD
                                   : 0;
        if (bit == 0 || (*ret & bit))
            return -EINVAL;
        *ret |= bit;
    }
    return *blanks_skip(p) == '\0' && *ret ? 0 : -EINVAL;
}

int device_rule_parse(const char *text, bool allow, struct device_rule *ret)
{
    const char *p = blanks_skip(text);

    if (text_starts(p, "allow ") || text_starts(p, "deny ")) {
        allow = *p == 'a';
        p = blanks_skip(p + strcspn(p, " "));
    }
    *ret = (struct device_rule){ .type = *p,
                                 .major = UINT32_MAX,
                                 .minor = UINT32_MAX,
                                 .access =
                                     BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
                                 .allow = allow };
    if (*p != 'a' && *p != 'b' && *p != 'c')
        return -EINVAL;
    p++;
    /* "a" alone is everything. */
    if (*blanks_skip(p) == '\0')
        return ret->type == 'a' ? 0 : -EINVAL;
    if (*p != ' ')
        return -EINVAL;
    p = blanks_skip(p);
    if (number_or_any(&p, ':', &ret->major) < 0 || number_or_any(&p, ' ', &ret->minor) < 0)
        return -EINVAL;
    p = blanks_skip(p);
    return *p ? access_parse(p, &ret->access) : 0;
}
