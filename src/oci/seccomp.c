/* seccomp: the filter of system calls as data; room seccomp makes a program of it. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "oci/reading.h"

#define ERRNO_MAX     4095   /* the kernel's MAX_ERRNO */
#define TRACE_MAX     0xffff /* SECCOMP_RET_DATA */
#define SOCKET_MAX    107    /* sun_path, with its NUL 108 */
#define ERRNO_DEFAULT EPERM

/* ---- words ------------------------------------------------------------------------------------------------ */

static int read_action(struct reading *r, const json_t *value, const char *path,
                       enum seccomp_action *ret)
{
    static const struct word table[] = {
        { "SCMP_ACT_KILL", SECCOMP_KILL_THREAD },
        { "SCMP_ACT_KILL_THREAD", SECCOMP_KILL_THREAD },
        { "SCMP_ACT_KILL_PROCESS", SECCOMP_KILL_PROCESS },
        { "SCMP_ACT_TRAP", SECCOMP_TRAP },
        { "SCMP_ACT_ERRNO", SECCOMP_ERRNO },
        { "SCMP_ACT_TRACE", SECCOMP_TRACE },
        { "SCMP_ACT_ALLOW", SECCOMP_ALLOW },
        { "SCMP_ACT_LOG", SECCOMP_LOG },
        { "SCMP_ACT_NOTIFY", SECCOMP_NOTIFY },
    };
    uint64_t action = 0;
    int result = WORD_READ(r, value, path, "an action of seccomp", table, &action);

    *ret = (enum seccomp_action)action;
    r->uses_notify |= *ret == SECCOMP_NOTIFY;
    return result;
}

static int read_compare(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct word table[] = {
        { "SCMP_CMP_NE", SECCOMP_NE },
        { "SCMP_CMP_LT", SECCOMP_LT },
        { "SCMP_CMP_LE", SECCOMP_LE },
        { "SCMP_CMP_EQ", SECCOMP_EQ },
        { "SCMP_CMP_GE", SECCOMP_GE },
        { "SCMP_CMP_GT", SECCOMP_GT },
        { "SCMP_CMP_MASKED_EQ", SECCOMP_MASKED_EQ },
    };
    uint64_t compare = 0;
    int result = WORD_READ(r, value, path, "a comparison of seccomp", table, &compare);

    ((struct seccomp_argument *)target)->compare = (enum seccomp_compare)compare;
    return result;
}

static int read_flag(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct word table[] = {
        { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
        { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
        { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
        { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
    };
    struct seccomp_policy *policy = target;
    uint64_t flag = 0;
    int result = WORD_READ(r, value, path, "a flag of seccomp(2)", table, &flag);

    policy->flags |= (unsigned)flag;
    return result;
}

static int check_architecture(struct reading *r, const json_t *value, const char *path,
                              void *target)
{
    static const struct word table[] = {
        { "SCMP_ARCH_X86", 1 },      { "SCMP_ARCH_X86_64", 1 },      { "SCMP_ARCH_X32", 1 },
        { "SCMP_ARCH_ARM", 1 },      { "SCMP_ARCH_AARCH64", 1 },     { "SCMP_ARCH_MIPS", 1 },
        { "SCMP_ARCH_MIPS64", 1 },   { "SCMP_ARCH_MIPS64N32", 1 },   { "SCMP_ARCH_MIPSEL", 1 },
        { "SCMP_ARCH_MIPSEL64", 1 }, { "SCMP_ARCH_MIPSEL64N32", 1 }, { "SCMP_ARCH_PPC", 1 },
        { "SCMP_ARCH_PPC64", 1 },    { "SCMP_ARCH_PPC64LE", 1 },     { "SCMP_ARCH_S390", 1 },
        { "SCMP_ARCH_S390X", 1 },    { "SCMP_ARCH_PARISC", 1 },      { "SCMP_ARCH_PARISC64", 1 },
        { "SCMP_ARCH_RISCV64", 1 },  { "SCMP_ARCH_LOONGARCH64", 1 }, { "SCMP_ARCH_M68K", 1 },
        { "SCMP_ARCH_SH", 1 },       { "SCMP_ARCH_SHEB", 1 },
    };
    uint64_t known;

    (void)target;
    return WORD_READ(r, value, path, "an architecture of seccomp", table, &known);
}

/* ---- values of errno ---------------------------------------------------------------------------------------- */

/* "When the action doesn't support an errno, the runtime MUST print an error and fail." */
static int read_errno(struct reading *r, const json_t *object, const char *path, const char *key,
                      enum seccomp_action action, unsigned *ret)
{
    bool trace = action == SECCOMP_TRACE;
    uint64_t number = ERRNO_DEFAULT;
    int result = json_get_u64(object, path, key, 0, trace ? TRACE_MAX : ERRNO_MAX, &number, r->err);

    if (result < 0)
        return result;
    if (result > 0 && !trace && action != SECCOMP_ERRNO)
        return err_usage(
            r->err,
            "%s.%s is for the actions SCMP_ACT_ERRNO and SCMP_ACT_TRACE, and the action "
            "is another",
            path, key);
    *ret = (unsigned)number;
    return 0;
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

static int read_names(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct seccomp_rule *rule = target;
    int result = json_as_strv(value, path, &rule->names, r->err);

    if (result < 0)
        return result;
    if (!rule->names[0])
        return err_usage(r->err, "%s must have one name at least", path);
    for (size_t i = 0; rule->names[i]; i++) {
        if (!*rule->names[i])
            return err_usage(r->err, "%s[%zu] is empty", path, i);
    }
    return 0;
}

static int read_rule_action(struct reading *r, const json_t *value, const char *path, void *target)
{
    return read_action(r, value, path, &((struct seccomp_rule *)target)->action);
}

static int read_argument(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "index", FIELD_NUMBER, .required = true, FIELD_AT(struct seccomp_argument, index),
          .max = 5 },
        { "value", FIELD_NUMBER, .required = true, FIELD_AT(struct seccomp_argument, value),
          .max = UINT64_MAX },
        { "valueTwo", FIELD_NUMBER, FIELD_AT(struct seccomp_argument, value_two),
          .max = UINT64_MAX },
        { "op", FIELD_TEXT, .required = true, .read = read_compare },
    };
    struct seccomp_rule *rule = target;
    struct seccomp_argument *argument = ITEMS_ADD(rule->arguments, rule->n_arguments);

    return argument ? FIELDS_READ(r, value, path, table, argument) : err_nomem(r->err);
}

static int read_arguments(struct reading *r, const json_t *value, const char *path, void *target)
{
    return items_read(r, value, path, read_argument, target);
}

/*
 * Between loading the filter and its program's first instruction the process hands the notify fd on by
 * sendmsg(2): nobody could answer that call. write(2) is what others do it by, and no agent can count on it.
 */
static int check_notify(struct reading *r, const struct seccomp_rule *rule, const char *path)
{
    static const char *const name_table[] = { "write", "sendmsg" };

    for (size_t i = 0; rule->action == SECCOMP_NOTIFY && rule->names[i]; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(name_table); k++) {
            if (strcmp(rule->names[i], name_table[k]) == 0)
                return err_refuse(r->err, EOPNOTSUPP,
                                  "%s: SCMP_ACT_NOTIFY cannot be used for %s: the container could "
                                  "not be started",
                                  path, name_table[k]);
        }
    }
    return 0;
}

static int read_rule(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "names", FIELD_ARRAY, .required = true, .read = read_names },
        { "action", FIELD_TEXT, .required = true, .read = read_rule_action },
        { "args", FIELD_ARRAY, .read = read_arguments },
    };
    struct seccomp_policy *policy = target;
    struct seccomp_rule *rule = ITEMS_ADD(policy->rules, policy->n_rules);
    int result;

    if (!rule)
        return err_nomem(r->err);
    result = FIELDS_READ(r, value, path, table, rule);
    if (result == 0)
        result = read_errno(r, value, path, "errnoRet", rule->action, &rule->errno_value);
    return result < 0 ? result : check_notify(r, rule, path);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static int read_default_action(struct reading *r, const json_t *value, const char *path,
                               void *target)
{
    struct seccomp_policy *policy = target;
    int result = read_action(r, value, path, &policy->default_action);

    if (result == 0 && policy->default_action == SECCOMP_NOTIFY)
        return err_usage(r->err, "%s cannot be SCMP_ACT_NOTIFY: an agent cannot answer every call",
                         path);
    return result;
}

static int read_architectures(struct reading *r, const json_t *value, const char *path,
                              void *target)
{
    struct seccomp_policy *policy = target;
    int result = texts_read(r, value, path, check_architecture, NULL);

    if (result == 0 && json_array_size(value) > 0)
        result = json_as_strv(value, path, &policy->architectures, r->err);
    return result < 0 ? result : 0;
}

static int read_flags(struct reading *r, const json_t *value, const char *path, void *target)
{
    return texts_read(r, value, path, read_flag, target);
}

static int read_rules(struct reading *r, const json_t *value, const char *path, void *target)
{
    return items_read(r, value, path, read_rule, target);
}

static int check_listener(struct reading *r, const struct seccomp_policy *policy, const char *path)
{
    const char *listener = policy->listener_path;

    if (policy->listener_metadata && !listener)
        return err_usage(r->err, "%s.listenerMetadata is given without listenerPath", path);
    if (r->uses_notify && !listener)
        return err_usage(r->err,
                         "%s.listenerPath is missing: a rule has the action SCMP_ACT_NOTIFY", path);
    if (listener && (!*listener || strlen(listener) > SOCKET_MAX))
        return err_usage(r->err, "%s.listenerPath must have from 1 to %d characters, not %zu", path,
                         SOCKET_MAX, strlen(listener));
    if ((policy->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) && !r->uses_notify)
        return err_usage(r->err,
                         "%s.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for filters with the "
                         "action SCMP_ACT_NOTIFY",
                         path);
    return 0;
}

/* The policy as it was written, without the blanks between its words. */
static int keep_policy(struct reading *r, struct seccomp_policy *policy)
{
    const char *at = r->policy.text, *end = at + r->policy.len;
    char *to = policy->text = malloc(r->policy.len + 1);

    if (!to)
        return err_nomem(r->err);
    while (at < end) {
        const char *first = at;
        if (*at == '"') {
            for (at++; *at != '"'; at++)
                at += *at == '\\';
        }
        at++;
        bool is_blank = *first == ' ' || *first == '\t' || *first == '\r' || *first == '\n';
        size_t n = is_blank ? 0 : (size_t)(at - first);
        memcpy(to, first, n);
        to += n;
    }
    *to = '\0';
    return 0;
}

int read_seccomp(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "defaultAction", FIELD_TEXT, .required = true, .read = read_default_action },
        { "architectures", FIELD_ARRAY, .read = read_architectures },
        { "flags", FIELD_ARRAY, .read = read_flags },
        { "listenerPath", FIELD_TEXT, FIELD_AT(struct seccomp_policy, listener_path) },
        { "listenerMetadata", FIELD_TEXT, FIELD_AT(struct seccomp_policy, listener_metadata) },
        { "syscalls", FIELD_ARRAY, .read = read_rules },
    };
    struct spec *spec = target;
    struct seccomp_policy *policy = spec->seccomp = calloc(1, sizeof(*policy));
    int result;

    if (!policy)
        return err_nomem(r->err);
    result = FIELDS_READ(r, value, path, table, policy);
    if (result == 0)
        result = read_errno(r, value, path, "defaultErrnoRet", policy->default_action,
                            &policy->default_errno);
    if (result == 0)
        result = check_listener(r, policy, path);
    if (result < 0)
        return result;
    return keep_policy(r, policy);
}
