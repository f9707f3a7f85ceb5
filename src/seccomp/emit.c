/*
 * The tables as a program: a balanced tree of comparisons over the spans of each architecture, so that
 * every number is found in a few steps, and the conditions of the few calls that have any.
 *
 * The instructions are made from the last to the first: jumps only go forward, so everything that one
 * leads to stands already and its distance is known. A label is the number of instructions there were when
 * its own had been added. Two kinds of blocks: those that begin with a load, which leads to what was added
 * right before it, and jumps, which lead anywhere.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "seccomp/seccomp_private.h"

#define JUMP_NEAR 250 /* a conditional jump reaches 255; two stepping stones may come between */

typedef size_t label;

struct emitter {
    const struct seccomp_policy *policy;
    struct sock_filter *code; /* owned; the last instruction first */
    size_t n, room;
    bool failed; /* no memory, or longer than the kernel takes */
};

static label add(struct emitter *e, struct sock_filter instruction)
{
    if (e->n >= BPF_MAXINSNS || e->failed) {
        e->failed = true;
        return e->n;
    }
    if (e->n == e->room) {
        size_t room = e->room ? 2 * e->room : 256;
        void *more = reallocarray(e->code, room, sizeof(*e->code));
        if (!more) {
            e->failed = true;
            return e->n;
        }
        e->code = more;
        e->room = room;
    }
    e->code[e->n++] = instruction;
    return e->n;
}

static struct sock_filter return_of(uint32_t answer)
{
    return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
}

/* The nearest place that gives this answer, made when there is none within reach. */
static label add_return(struct emitter *e, uint32_t answer)
{
    for (size_t i = e->n; i > 0 && e->n - i < JUMP_NEAR / 2; i--) {
        if (e->code[i - 1].code == (BPF_RET | BPF_K) && e->code[i - 1].k == answer)
            return i;
    }
    return add(e, return_of(answer));
}

/* The label itself, or a stepping stone to it that a conditional jump reaches. */
static label near(struct emitter *e, label target)
{
    if (e->failed || e->n - target <= JUMP_NEAR)
        return target;
    if (e->code[target - 1].code == (BPF_RET | BPF_K))
        return add_return(e, e->code[target - 1].k);
    return add(e, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(e->n - target)));
}

static label add_jump(struct emitter *e, uint16_t test, uint32_t k, label yes, label no)
{
    yes = near(e, yes);
    no = near(e, no);
    return add(e, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | test | BPF_K), k,
                                               (uint8_t)(e->n - yes), (uint8_t)(e->n - no)));
}

static label add_load(struct emitter *e, size_t offset)
{
    return add(e, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* ---- conditions -------------------------------------------------------------------------------------- */

enum half { LOW, HIGH };

static label add_load_half(struct emitter *e, unsigned argument, enum half half)
{
    bool second = (half == HIGH) == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

    return add_load(e, offsetof(struct seccomp_data, args[0]) + argument * sizeof(uint64_t) +
                           (second ? sizeof(uint32_t) : 0));
}

/* One half of "argument & mask == value"; the mask is not 0. */
static label add_equal_half(struct emitter *e, unsigned argument, enum half half, uint32_t mask,
                            uint32_t value, label yes, label no)
{
    add_jump(e, BPF_JEQ, value, yes, no);
    if (mask != UINT32_MAX)
        add(e, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    return add_load_half(e, argument, half);
}

/* Where arguments have 32 bits, the upper half is 0. */
static label add_equal(struct emitter *e, bool wide, unsigned argument, uint64_t mask,
                       uint64_t value, label yes, label no)
{
    uint32_t low_mask = (uint32_t)mask, high_mask = (uint32_t)(mask >> 32);

    if ((value & ~mask) != 0 || (!wide && value >> 32 != 0))
        return no;
    if (low_mask != 0)
        yes = add_equal_half(e, argument, LOW, low_mask, (uint32_t)value, yes, no);
    if (high_mask != 0 && wide)
        yes = add_equal_half(e, argument, HIGH, high_mask, (uint32_t)(value >> 32), yes, no);
    return yes;
}

/* test: JGT or JGE. */
static label add_greater(struct emitter *e, bool wide, unsigned argument, uint16_t test,
                         uint64_t value, label yes, label no)
{
    uint32_t high = (uint32_t)(value >> 32);

    if (!wide && high != 0)
        return no;
    add_jump(e, test, (uint32_t)value, yes, no);
    label low = add_load_half(e, argument, LOW);
    if (!wide)
        return low;
    label equal = add_jump(e, BPF_JEQ, high, low, no);
    add_jump(e, BPF_JGT, high, yes, equal);
    return add_load_half(e, argument, HIGH);
}

static label add_condition(struct emitter *e, bool wide, const struct seccomp_argument *argument,
                           label yes, label no)
{
    unsigned index = argument->index;
    uint64_t value = argument->value;

    switch (argument->compare) {
    case SECCOMP_NE:
        return add_equal(e, wide, index, UINT64_MAX, value, no, yes);
    case SECCOMP_LT:
        return add_greater(e, wide, index, BPF_JGE, value, no, yes);
    case SECCOMP_LE:
        return add_greater(e, wide, index, BPF_JGT, value, no, yes);
    case SECCOMP_EQ:
        return add_equal(e, wide, index, UINT64_MAX, value, yes, no);
    case SECCOMP_GE:
        return add_greater(e, wide, index, BPF_JGE, value, yes, no);
    case SECCOMP_GT:
        return add_greater(e, wide, index, BPF_JGT, value, yes, no);
    case SECCOMP_MASKED_EQ:
        return add_equal(e, wide, index, value, argument->value_two, yes, no);
    }
    e->failed = true; /* the policy was checked */
    return no;
}

/* One entry: its answer when it fits, otherwise what no leads to. */
static label add_entry(struct emitter *e, bool wide, const struct seccomp_entry *entry, label no)
{
    const struct seccomp_rule *rule = &e->policy->rules[entry->rule];
    label yes = add_return(e, entry->answer);

    if (entry->through_mask != 0)
        return add_equal(e, wide, 0, entry->through_mask, entry->through, yes, no);
    for (size_t i = rule->n_arguments; i > 0; i--)
        yes = add_condition(e, wide, &rule->arguments[i - 1], yes, no);
    return yes;
}

/*
 * Entries that only compare one argument with one value each are common ("personality is one of these"):
 * such a row loads the argument once.
 */
struct single {
    unsigned argument;
    uint64_t mask, value;
};

static bool entry_is_single(const struct emitter *e, const struct seccomp_entry *entry,
                            struct single *ret)
{
    const struct seccomp_rule *rule = &e->policy->rules[entry->rule];

    if (entry->through_mask != 0) {
        *ret = (struct single){ 0, entry->through_mask, entry->through };
        return true;
    }
    if (rule->n_arguments != 1 || rule->arguments[0].compare != SECCOMP_EQ)
        return false;
    *ret = (struct single){ rule->arguments[0].index, UINT64_MAX, rule->arguments[0].value };
    return true;
}

/* How many entries before the last of n can be answered from one load together with it. */
static size_t row_length(const struct emitter *e, const struct seccomp_entry *entries, size_t n)
{
    struct single last, other;
    size_t length = 1;

    if (!entry_is_single(e, &entries[n - 1], &last))
        return 1;
    while (length < n && entry_is_single(e, &entries[n - 1 - length], &other) &&
           other.argument == last.argument && other.mask == last.mask &&
           other.value >> 32 == last.value >> 32)
        length++;
    return length;
}

static label add_row(struct emitter *e, bool wide, const struct seccomp_entry *entries, size_t n,
                     label no)
{
    struct single single = { 0 };
    label at = no;

    if (entry_is_single(e, &entries[0], &single) && single.value >> 32 != 0 && !wide)
        return no;
    for (size_t i = n; i > 0; i--) {
        entry_is_single(e, &entries[i - 1], &single);
        at = add_jump(e, BPF_JEQ, (uint32_t)single.value, add_return(e, entries[i - 1].answer), at);
    }
    if ((uint32_t)single.mask != UINT32_MAX)
        add(e, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)single.mask));
    at = add_load_half(e, single.argument, LOW);
    if (!wide || single.mask >> 32 == 0)
        return at;
    return add_equal_half(e, single.argument, HIGH, UINT32_MAX, (uint32_t)(single.value >> 32), at,
                          no);
}

/* What one span leads to. */
static label add_span(struct emitter *e, bool wide, const struct seccomp_span *span)
{
    label at = add_return(e, span->answer);

    for (size_t n = span->n_entries, length; n > 0 && !e->failed; n -= length) {
        length = row_length(e, span->entries, n);
        at = length > 1 ? add_row(e, wide, span->entries + n - length, length, at)
                        : add_entry(e, wide, &span->entries[n - 1], at);
    }
    return at;
}

/* ---- the tree ---------------------------------------------------------------------------------------- */

#define EXCEPTIONS_MAX 3

struct branch {
    label at;
    uint32_t first; /* lowest number that it decides */
};

struct tree {
    label *leaves;           /* one per span */
    struct branch *branches; /* of one storey, the lowest numbers first */
    size_t n;
};

/* Where a span leads to; an earlier one that says the same leads to the same place. */
static label add_leaf(struct emitter *e, const struct seccomp_table *table, const label *leaves,
                      size_t index)
{
    const struct seccomp_span *span = &table->spans[index];

    for (size_t i = 0; span->n_entries > 0 && i < index; i++) {
        if (seccomp_span_same(&table->spans[i], span))
            return leaves[i];
    }
    return add_span(e, table->wide, span);
}

/* Is the span behind this one a single number, with the same as here on its other side? */
static bool is_exception(const struct seccomp_table *table, size_t index)
{
    const struct seccomp_span *spans = table->spans;

    return index + 2 < table->n_spans && spans[index + 2].first - spans[index + 1].first == 1 &&
           seccomp_span_same(&spans[index], &spans[index + 2]);
}

/* The lowest storey: spans, with a few single numbers in them that are asked for by themselves. */
static void add_branches(struct emitter *e, const struct seccomp_table *table, struct tree *tree)
{
    for (size_t i = 0; i < table->n_spans; i++)
        tree->leaves[i] = add_leaf(e, table, tree->leaves, i);
    for (size_t i = 0, next; i < table->n_spans; i = next) {
        struct branch branch = { .at = tree->leaves[i], .first = table->spans[i].first };
        next = i;
        for (size_t k = 0; k < EXCEPTIONS_MAX && is_exception(table, next); k++) {
            branch.at = add_jump(e, BPF_JEQ, table->spans[next + 1].first, tree->leaves[next + 1],
                                 branch.at);
            next += 2;
        }
        next++;
        tree->branches[tree->n++] = branch;
    }
}

/* Neighbours are joined by a comparison, then neighbours of those, until one is left. */
static label join_branches(struct emitter *e, struct tree *tree)
{
    struct branch *branches = tree->branches;

    while (tree->n > 1 && !e->failed) {
        size_t n = tree->n;
        for (size_t i = 0; i + 1 < n; i += 2) {
            branches[i / 2].at =
                add_jump(e, BPF_JGE, branches[i + 1].first, branches[i + 1].at, branches[i].at);
            branches[i / 2].first = branches[i].first;
        }
        if (n % 2 != 0)
            branches[n / 2] = branches[n - 1];
        tree->n = (n + 1) / 2;
    }
    return branches[0].at;
}

/* From the number on. */
static label add_table(struct emitter *e, const struct seccomp_table *table)
{
    _cleanup_free_ label *leaves = calloc(table->n_spans, sizeof(*leaves));
    _cleanup_free_ struct branch *branches = calloc(table->n_spans, sizeof(*branches));
    struct tree tree = { .leaves = leaves, .branches = branches };

    if (!leaves || !branches) {
        e->failed = true;
        return e->n;
    }
    add_branches(e, table, &tree);
    label root = join_branches(e, &tree);
    if (root != e->n && !e->failed) /* a load leads to what was added last */
        add(e, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(e->n - root)));
    return add_load(e, offsetof(struct seccomp_data, nr));
}

int seccomp_emit(const struct seccomp_policy *policy, const struct seccomp_tables *tables,
                 struct sock_filter **ret, size_t *ret_n, struct err *err)
{
    struct emitter e = { .policy = policy };
    _cleanup_free_ label *at = calloc(tables->n, sizeof(*at));

    if (!at)
        return err_nomem(err);
    for (size_t i = tables->n; i > 0; i--)
        at[i - 1] = add_table(&e, &tables->tables[i - 1]);
    label next = add_return(&e, SECCOMP_BAD_ARCH);
    for (size_t i = tables->n; i > 0; i--)
        next = add_jump(&e, BPF_JEQ, tables->tables[i - 1].arch, at[i - 1], next);
    add_load(&e, offsetof(struct seccomp_data, arch));
    if (e.failed) {
        free(e.code);
        return e.n < BPF_MAXINSNS
                   ? err_nomem(err)
                   : err_refuse(err, E2BIG,
                                "linux.seccomp: its filter would be longer than the %d "
                                "instructions that the kernel takes",
                                BPF_MAXINSNS);
    }
    for (size_t i = 0; i < e.n / 2; i++) {
        struct sock_filter swap = e.code[i];
        e.code[i] = e.code[e.n - 1 - i];
        e.code[e.n - 1 - i] = swap;
    }
    *ret = e.code;
    *ret_n = e.n;
    return 0;
}
