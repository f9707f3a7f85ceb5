/* Which devices may be used: linux.resources.devices, and the ones that every container has. */
#include <errno.h>
#include <string.h>

#include "oci/resources.h"

#define NUMBER_MAX (UINT32_MAX - 1)

/* Missing and -1 are any. */
static int read_device_number(const json_t *rule, const char *path, const char *key,
                              char ret[static 16], struct err *err)
{
    int64_t number = -1;
    int result = json_get_i64(rule, path, key, -1, NUMBER_MAX, &number, err);

    if (number < 0)
        snprintf(ret, 16, "*");
    else
        snprintf(ret, 16, "%u", (unsigned)number);
    return result < 0 ? result : 0;
}

struct device_rule {
    bool allow;
    char type;
    char major[16], minor[16];
    const char *access;
};

static int read_device_rule(const json_t *rule, const char *path, struct device_rule *ret,
                            struct err *err)
{
    const char *type = "a";
    int result = json_get_bool(rule, path, "allow", &ret->allow, err);

    if (result == 0)
        return err_usage(err, "%s must have allow", path);
    if (result > 0)
        result = json_get_string(rule, path, "type", &type, err);
    if (result >= 0)
        result = read_device_number(rule, path, "major", ret->major, err);
    if (result >= 0)
        result = read_device_number(rule, path, "minor", ret->minor, err);
    ret->access = "rwm";
    if (result >= 0)
        result = json_get_string(rule, path, "access", &ret->access, err);
    if (result < 0)
        return result;
    if (type[0] == '\0')
        type = "a";
    if (type[1] != '\0' || !strchr("abc", type[0]))
        return err_usage(err, "%s.type must be a, b or c, not %s", path, json_show_text(type).text);
    if (ret->access[0] == '\0')
        ret->access = "rwm";
    ret->type = type[0];
    return 0;
}

/* Type a with numbers or less than all access means both kinds: the kernel would take it for everything. */
static int read_device(void *data, const json_t *element, size_t index, const char *path,
                       struct err *err)
{
    const struct resource *r = data;
    struct device_rule rule = { 0 };
    int result = read_device_rule(element, path, &rule, err);
    char text[96];

    (void)index;
    if (result < 0)
        return result;
    if (strlen(rule.access) > 3)
        return err_usage(err, "%s.access must be of the letters r, w and m, not %s", path,
                         json_show_text(rule.access).text);
    bool is_all = rule.type == 'a' && rule.major[0] == '*' && rule.minor[0] == '*' &&
                  strlen(rule.access) == 3;
    for (const char *type = rule.type != 'a' ? NULL
                            : is_all         ? "a"
                                             : "bc";
         !type || *type != '\0'; type++) {
        snprintf(text, sizeof(text), "%s %c %s:%s %s", rule.allow ? "allow" : "deny",
                 type ? *type : rule.type, rule.major, rule.minor, rule.access);
        result = resource_parse(r, path, text, err);
        if (result < 0 || !type)
            break;
    }
    return result < 0 ? result : 0;
}

int resource_read_devices(const struct resource *r, const json_t *value, const char *path,
                          struct err *err)
{
    if (!json_is_array(value))
        return err_usage(err, "%s must be a list, not %s", path, json_show(value).text);
    return json_each(value, path, JSON_OBJECT, read_device, (void *)(uintptr_t)r, err);
}

static bool rule_is_all(const struct limit_entry *rule, bool allow)
{
    return rule->type == 'a' && rule->allow == allow;
}

void resource_forget_usual_devices(struct limit_set *set)
{
    struct limit_value *rules = &set->value[LIMIT_DEVICE_CGROUP_RULE];

    if (rules->n_entries == 1 && rule_is_all(&rules->entries[0], false))
        limit_value_done(rules);
}

/* ---- the ones that every container has --------------------------------------------------------------- */

/* Numbers as in the kernel's Documentation/admin-guide/devices.txt. */
static const struct limit_entry usual_table[] = {
    { .type = 'c', .major = UINT32_MAX, .minor = UINT32_MAX, .access = "m", .allow = true },
    { .type = 'b', .major = UINT32_MAX, .minor = UINT32_MAX, .access = "m", .allow = true },
    { .type = 'c', .major = 1, .minor = 3, .access = "rwm", .allow = true }, /* null */
    { .type = 'c', .major = 1, .minor = 5, .access = "rwm", .allow = true }, /* zero */
    { .type = 'c', .major = 1, .minor = 7, .access = "rwm", .allow = true }, /* full */
    { .type = 'c', .major = 1, .minor = 8, .access = "rwm", .allow = true }, /* random */
    { .type = 'c', .major = 1, .minor = 9, .access = "rwm", .allow = true }, /* urandom */
    { .type = 'c', .major = 5, .minor = 0, .access = "rwm", .allow = true }, /* tty */
    { .type = 'c', .major = 5, .minor = 1, .access = "rwm", .allow = true }, /* console */
    { .type = 'c', .major = 5, .minor = 2, .access = "rwm", .allow = true }, /* ptmx */
    { .type = 'c', .major = 136, .minor = UINT32_MAX, .access = "rwm", .allow = true }, /* pts */
};

static bool rule_listed(const struct limit_entry *rule, const struct limit_entry *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rules[i].allow == rule->allow && rules[i].type == rule->type &&
            rules[i].major == rule->major && rules[i].minor == rule->minor &&
            strcmp(rules[i].access, rule->access) == 0)
            return true;
    }
    return false;
}

/* Where the usual ones belong: behind the last rule about everything, unless that allows it. */
static bool find_place(const struct limit_value *rules, size_t *ret)
{
    for (size_t i = rules->n_entries; i > 0; i--) {
        if (rule_is_all(&rules->entries[i - 1], true))
            return false;
        *ret = i;
        if (rule_is_all(&rules->entries[i - 1], false))
            return true;
    }
    *ret = 0;
    /* A list that begins with what may not be used leaves the rest allowed. */
    return rules->n_entries == 0 || rules->entries[0].allow;
}

int oci_resources_add_devices(struct limit_set *set, const struct oci_context *context,
                              struct err *err)
{
    static const struct limit_entry deny_all = {
        .type = 'a', .major = UINT32_MAX, .minor = UINT32_MAX, .access = "rwm"
    };
    struct limit_value *rules = &set->value[LIMIT_DEVICE_CGROUP_RULE];
    size_t place = 0, n = rules->n_entries, tail;

    if (context->rootless) {
        limit_value_done(rules);
        return 0;
    }
    /* Every client denies everything; whoever says more wants a group all the same. */
    if (context->no_groups) {
        resource_forget_usual_devices(set);
        return 0;
    }
    if (!find_place(rules, &place))
        return 0;
    struct limit_entry *entries = calloc(n + 1 + ARRAY_SIZE(usual_table), sizeof(*entries));
    if (!entries)
        return err_nomem(err);
    tail = n - place;
    if (place > 0)
        memcpy(entries, rules->entries, place * sizeof(*entries));
    else
        entries[place++] = deny_all;
    for (size_t i = 0; i < ARRAY_SIZE(usual_table); i++) {
        if (tail == 0 || !rule_listed(&usual_table[i], rules->entries + (n - tail), tail))
            entries[place++] = usual_table[i];
    }
    if (tail > 0)
        memcpy(entries + place, rules->entries + (n - tail), tail * sizeof(*entries));
    free(rules->entries);
    rules->entries = entries;
    rules->n_entries = place + tail;
    rules->state = LIMIT_SET;
    return 0;
}
