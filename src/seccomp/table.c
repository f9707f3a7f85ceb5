/*
 * What each system call number of each architecture gets.
 *
 * Where several rules fit a call the most restrictive counts, in the order of seccomp(2), as if each rule
 * were a filter of its own; of two alike the first. A rule without conditions that says what the default
 * says is as if it were not there: the default is no more than what is left. Names that libseccomp does
 * not know on an architecture are left out, as they cannot be called there.
 *
 * Where the default is an error, numbers above every one that the policy names get ENOSYS: they came with
 * kernels that its author did not know, and a libc that probes for them goes on to what it did before,
 * which it would not after EPERM. runc does the same.
 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "seccomp/seccomp_private.h"

#define X32_BIT   0x40000000u
#define ERRNO_MAX 4095 /* more is cut off by the kernel */

/* What building one architecture's table needs. */
struct builder {
    const struct seccomp_policy *policy;
    uint32_t token; /* libseccomp's SCMP_ARCH_* */
    uint32_t default_answer;
    int socketcall, ipc; /* numbers of the calls that others are made through; negative: none */
    struct seccomp_table *table;
    size_t room;      /* of table->entries */
    size_t span_room; /* of table->spans */
    bool out_of_memory;
};

/* ---- answers ------------------------------------------------------------------------------------- */

static const struct {
    uint32_t answer;
    uint32_t data_max;
} answer_table[] = {
    [SECCOMP_KILL_THREAD] = { SECCOMP_RET_KILL_THREAD, 0 },
    [SECCOMP_KILL_PROCESS] = { SECCOMP_RET_KILL_PROCESS, 0 },
    [SECCOMP_TRAP] = { SECCOMP_RET_TRAP, 0 },
    [SECCOMP_ERRNO] = { SECCOMP_RET_ERRNO, ERRNO_MAX },
    [SECCOMP_TRACE] = { SECCOMP_RET_TRACE, SECCOMP_RET_DATA },
    [SECCOMP_ALLOW] = { SECCOMP_RET_ALLOW, 0 },
    [SECCOMP_LOG] = { SECCOMP_RET_LOG, 0 },
    [SECCOMP_NOTIFY] = { SECCOMP_RET_USER_NOTIF, 0 },
};

static uint32_t answer_of(enum seccomp_action action, unsigned data)
{
    return answer_table[action].answer | (answer_table[action].data_max ? data : 0);
}

static int check_action(enum seccomp_action action, unsigned data, const char *field, size_t index,
                        struct err *err)
{
    char where[64];

    snprintf(where, sizeof(where), index == SIZE_MAX ? "%s" : "%s[%zu]", field, index);
    if ((size_t)action >= ARRAY_SIZE(answer_table))
        return err_usage(err, "%s: there is no action %u", where, (unsigned)action);
    if (answer_table[action].data_max > 0 && data > answer_table[action].data_max)
        return err_usage(err, "%s: the error number %u is above the kernel's maximum of %u", where,
                         data, answer_table[action].data_max);
    return 0;
}

static int check_policy(const struct seccomp_policy *policy, struct err *err)
{
    int r = check_action(policy->default_action, policy->default_errno,
                         "linux.seccomp.defaultAction", SIZE_MAX, err);

    if (r < 0)
        return r;
    if (policy->default_action == SECCOMP_NOTIFY)
        return err_refuse(err, EINVAL,
                          "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default: the "
                          "program could not even be executed before somebody listens");
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct seccomp_rule *rule = &policy->rules[i];
        r = check_action(rule->action, rule->errno_value, "linux.seccomp.syscalls", i, err);
        for (size_t k = 0; r == 0 && k < rule->n_arguments; k++) {
            if (rule->arguments[k].index > 5)
                r = err_usage(err,
                              "linux.seccomp.syscalls[%zu].args[%zu].index: %u is above 5, the "
                              "last argument of a system call",
                              i, k, rule->arguments[k].index);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- entries ------------------------------------------------------------------------------------- */

static void entry_add(struct builder *b, struct seccomp_entry entry)
{
    struct seccomp_table *table = b->table;

    if (table->n_entries == b->room) {
        size_t room = b->room ? 2 * b->room : 512;
        void *more = reallocarray(table->entries, room, sizeof(*table->entries));
        if (!more) {
            b->out_of_memory = true;
            return;
        }
        table->entries = more;
        b->room = room;
    }
    table->entries[table->n_entries++] = entry;
}

/* The number by which a call that can also be made through another is made by itself, or negative. */
static int number_direct(uint32_t token, const char *name)
{
    /* All of these were added at once, on each architecture in this range of numbers. */
    for (int number = 300; number < 410; number++) {
        char *have = seccomp_syscall_resolve_num_arch(token, number);
        bool same = have && strcmp(have, name) == 0;
        free(have);
        if (same)
            return number;
    }
    return -1;
}

/* libseccomp's own numbers: -101 to -120 are the calls of socketcall(2), -201 to -224 those of ipc(2). */
static void entry_add_muxed(struct builder *b, const char *name, int pseudo,
                            struct seccomp_entry entry)
{
    bool is_socket = pseudo <= -101 && pseudo >= -120, is_ipc = pseudo <= -201 && pseudo >= -224;
    int carrier = is_socket ? b->socketcall : is_ipc ? b->ipc : -1;

    if (carrier < 0)
        return;
    int direct = number_direct(b->token, name);
    if (direct >= 0) {
        entry.number = (uint32_t)direct;
        entry_add(b, entry);
    }
    if (b->policy->rules[entry.rule].n_arguments > 0)
        return;
    entry.number = (uint32_t)carrier;
    entry.through = (uint32_t)(-pseudo % 100);
    entry.through_mask = is_ipc ? 0xffff : UINT32_MAX; /* ipc(2): a version in the upper half */
    entry_add(b, entry);
}

static void entries_add_rule(struct builder *b, unsigned index)
{
    const struct seccomp_rule *rule = &b->policy->rules[index];
    struct seccomp_entry entry = {
        .rule = index,
        .answer = answer_of(rule->action, rule->errno_value),
    };

    if (rule->n_arguments == 0 && entry.answer == b->default_answer)
        return;
    for (size_t i = 0; rule->names && rule->names[i] && !b->out_of_memory; i++) {
        int number = seccomp_syscall_resolve_name_arch(b->token, rule->names[i]);
        if (number < 0) {
            entry_add_muxed(b, rule->names[i], number, entry);
            continue;
        }
        entry.number = (uint32_t)number;
        entry_add(b, entry);
    }
}

static bool entry_is_conditional(const struct seccomp_policy *policy,
                                 const struct seccomp_entry *entry)
{
    return entry->through_mask != 0 || policy->rules[entry->rule].n_arguments > 0;
}

/* The kernel compares the actions of several filters as signed numbers: the lowest is what counts. */
static int entry_compare(const void *left, const void *right)
{
    const struct seccomp_entry *a = left, *b = right;
    int32_t rank_a = (int32_t)(a->answer & SECCOMP_RET_ACTION_FULL);
    int32_t rank_b = (int32_t)(b->answer & SECCOMP_RET_ACTION_FULL);

    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    if (a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    return a->through < b->through ? -1 : a->through > b->through;
}

/* ---- spans --------------------------------------------------------------------------------------- */

bool seccomp_span_same(const struct seccomp_span *a, const struct seccomp_span *b)
{
    if (a->answer != b->answer || a->n_entries != b->n_entries)
        return false;
    for (size_t i = 0; i < a->n_entries; i++) {
        if (a->entries[i].rule != b->entries[i].rule ||
            a->entries[i].through != b->entries[i].through ||
            a->entries[i].through_mask != b->entries[i].through_mask)
            return false;
    }
    return true;
}

/* Ascending; one that says the same as the last only makes that longer, one at the same place hides it. */
static void span_add(struct builder *b, struct seccomp_span span)
{
    struct seccomp_table *table = b->table;

    if (table->n_spans > 0 && table->spans[table->n_spans - 1].first == span.first)
        table->n_spans--;
    if (table->n_spans > 0 && seccomp_span_same(&table->spans[table->n_spans - 1], &span))
        return;
    if (table->n_spans == b->span_room) {
        size_t room = b->span_room ? 2 * b->span_room : 256;
        void *more = reallocarray(table->spans, room, sizeof(*table->spans));
        if (!more) {
            b->out_of_memory = true;
            return;
        }
        table->spans = more;
        b->span_room = room;
    }
    table->spans[table->n_spans++] = span;
}

/*
 * What one number gets, from its entries in the order of their counting: those behind one without
 * conditions never count, and those right before the end that say the same as it need not be asked.
 */
static struct seccomp_span span_of_number(const struct builder *b,
                                          const struct seccomp_entry *entries, size_t n)
{
    struct seccomp_span span = { .first = entries->number,
                                 .answer = b->default_answer,
                                 .entries = entries };

    for (size_t i = 0; i < n; i++) {
        if (!entry_is_conditional(b->policy, &entries[i])) {
            span.answer = entries[i].answer;
            break;
        }
        span.n_entries++;
    }
    while (span.n_entries > 0 && entries[span.n_entries - 1].answer == span.answer)
        span.n_entries--;
    return span;
}

/* The spans of the numbers from first on, of entries that have been sorted; none is above last. */
static void spans_add(struct builder *b, uint32_t first, const struct seccomp_entry *entries,
                      size_t n)
{
    struct seccomp_span rest = { .first = first, .answer = b->default_answer };

    span_add(b, rest);
    for (size_t i = 0, end; i < n && !b->out_of_memory; i = end) {
        for (end = i + 1; end < n && entries[end].number == entries[i].number;)
            end++;
        span_add(b, span_of_number(b, &entries[i], end - i));
        rest.first = entries[i].number + 1;
        span_add(b, rest);
    }
    if (b->policy->default_action == SECCOMP_ERRNO && n > 0) {
        rest.answer = SECCOMP_RET_ERRNO | ENOSYS;
        span_add(b, rest);
    }
}

/* ---- architectures ------------------------------------------------------------------------------- */

/* The specification's names that libseccomp 2.5 may not know, and no machine that it runs on calls by. */
static bool arch_is_later(const char *name)
{
    static const char *const later_table[] = { "LOONGARCH64", "M68K", "SH", "SHEB" };

    for (size_t i = 0; i < ARRAY_SIZE(later_table); i++) {
        if (strcmp(name, later_table[i]) == 0)
            return true;
    }
    return false;
}

/* libseccomp's token of "SCMP_ARCH_X86_64"; 0: none that can occur. */
static int arch_parse(const char *name, size_t index, uint32_t *ret, struct err *err)
{
    static const char prefix[] = "SCMP_ARCH_";
    char lower[32] = "";
    size_t len = strlen(name);

    *ret = 0;
    if (text_starts(name, prefix) && len - strlen(prefix) < sizeof(lower)) {
        name += strlen(prefix);
        if (strcmp(name, "NATIVE") == 0) {
            *ret = seccomp_arch_native();
            return 0;
        }
        for (size_t i = 0; name[i] != '\0'; i++)
            lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
        *ret = seccomp_arch_resolve_name(lower);
        if (*ret != 0 || arch_is_later(name))
            return 0;
        name -= strlen(prefix);
    }
    return err_usage(err, "linux.seccomp.architectures[%zu]: %.40s is no architecture", index,
                     name);
}

/* The tokens that count, each once, the machine's own first. Returns how many, or -errno. */
static int arch_list(const struct seccomp_policy *policy, uint32_t **ret, struct err *err)
{
    size_t n = 1, asked = strv_length(policy->architectures);
    _cleanup_free_ uint32_t *tokens = calloc(asked + 1, sizeof(*tokens));

    if (!tokens)
        return err_nomem(err);
    tokens[0] = seccomp_arch_native();
    for (size_t i = 0; i < asked; i++) {
        uint32_t token;
        int r = arch_parse(policy->architectures[i], i, &token, err);
        if (r < 0)
            return r;
        bool have = token == 0;
        for (size_t k = 0; k < n && !have; k++)
            have = tokens[k] == token;
        if (!have)
            tokens[n++] = token;
    }
    *ret = TAKE_PTR(tokens);
    return (int)n;
}

static bool arch_listed(const uint32_t *tokens, size_t n, uint32_t token)
{
    for (size_t i = 0; i < n; i++) {
        if (tokens[i] == token)
            return true;
    }
    return false;
}

static void entries_add_arch(struct builder *b, uint32_t token)
{
    b->token = token;
    b->socketcall = seccomp_syscall_resolve_name_arch(token, "socketcall");
    b->ipc = seccomp_syscall_resolve_name_arch(token, "ipc");
    for (size_t i = 0; i < b->policy->n_rules && !b->out_of_memory; i++)
        entries_add_rule(b, (unsigned)i);
}

/* x86_64's table holds x32's numbers as well, which have a bit of their own; or refuses them. */
static int table_make(struct builder *b, uint32_t token, const uint32_t *tokens, size_t n_tokens,
                      struct err *err)
{
    struct seccomp_table *table = b->table;
    bool is_x86_64 = token == SCMP_ARCH_X86_64 || token == SCMP_ARCH_X32;
    bool with_x32 = is_x86_64 && arch_listed(tokens, n_tokens, SCMP_ARCH_X32);
    size_t n = 0;

    table->arch = is_x86_64 ? (uint32_t)SCMP_ARCH_X86_64 : token;
    table->wide = is_x86_64 || (token & __AUDIT_ARCH_64BIT) != 0;
    if (!is_x86_64 || arch_listed(tokens, n_tokens, SCMP_ARCH_X86_64))
        entries_add_arch(b, table->arch);
    if (with_x32)
        entries_add_arch(b, SCMP_ARCH_X32);
    if (b->out_of_memory)
        return err_nomem(err);
    if (table->n_entries > 0)
        qsort(table->entries, table->n_entries, sizeof(*table->entries), entry_compare);
    while (n < table->n_entries && (!is_x86_64 || table->entries[n].number < X32_BIT))
        n++;
    spans_add(b, 0, table->entries, n);
    if (with_x32) {
        spans_add(b, X32_BIT, table->entries + n, table->n_entries - n);
    } else if (is_x86_64) {
        /* A tracer's way to say "skip this call" is the number -1. */
        struct seccomp_span last = { .first = UINT32_MAX, .answer = b->default_answer };
        span_add(b, (struct seccomp_span){ .first = X32_BIT, .answer = SECCOMP_BAD_ARCH });
        span_add(b, last);
    }
    return b->out_of_memory ? err_nomem(err) : 0;
}

int seccomp_tables_make(const struct seccomp_policy *policy, struct seccomp_tables *ret,
                        struct err *err)
{
    _cleanup_free_ uint32_t *tokens = NULL;
    int r = check_policy(policy, err);

    if (r < 0)
        return r;
    r = arch_list(policy, &tokens, err);
    if (r < 0)
        return r;
    size_t n = (size_t)r;
    ret->tables = calloc(n, sizeof(*ret->tables));
    if (!ret->tables)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        struct builder b = {
            .policy = policy,
            .default_answer = answer_of(policy->default_action, policy->default_errno),
        };
        if (tokens[i] == SCMP_ARCH_X32 && arch_listed(tokens, n, SCMP_ARCH_X86_64))
            continue; /* with x86_64's */
        b.table = &ret->tables[ret->n++];
        r = table_make(&b, tokens[i], tokens, n, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void seccomp_tables_done(struct seccomp_tables *tables)
{
    for (size_t i = 0; i < tables->n; i++) {
        free(tables->tables[i].entries);
        free(tables->tables[i].spans);
    }
    free(tables->tables);
    *tables = (struct seccomp_tables){ 0 };
}
