/*
 * Device rules as the set that they come to, in the terms of the v1 devices controller
 * (Documentation/admin-guide/cgroup-v1/devices.rst): either everything but a list or nothing but a list.
 * A later rule wins over an earlier one; what this form cannot hold, a hole in a range, is found out.
 */
#include <errno.h>
#include <string.h>

#include "limit/device_set.h"

#define ANY UINT32_MAX

static unsigned access_bits(const char *access)
{
    unsigned bits = 0;

    for (; *access; access++)
        bits |= *access == 'r' ? DEVICE_READ : *access == 'w' ? DEVICE_WRITE : DEVICE_MKNOD;
    return bits;
}

static bool number_covers(uint32_t wide, uint32_t narrow)
{
    return wide == ANY || wide == narrow;
}

static bool number_overlaps(uint32_t a, uint32_t b)
{
    return a == ANY || b == ANY || a == b;
}

static bool device_covers(const struct device_entry *wide, const struct device_entry *narrow)
{
    return wide->type == narrow->type && number_covers(wide->major, narrow->major) &&
           number_covers(wide->minor, narrow->minor);
}

static bool device_overlaps(const struct device_entry *a, const struct device_entry *b)
{
    return a->type == b->type && number_overlaps(a->major, b->major) &&
           number_overlaps(a->minor, b->minor);
}

static bool device_same(const struct device_entry *a, const struct device_entry *b)
{
    return device_covers(a, b) && device_covers(b, a);
}

/* Add to the list, by device. */
static int entry_add(struct device_set *set, const struct device_entry *entry)
{
    for (size_t i = 0; i < set->n; i++) {
        if (device_same(&set->entries[i], entry)) {
            set->entries[i].access |= entry->access;
            return 0;
        }
    }
    struct device_entry *grown = reallocarray(set->entries, set->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    set->entries = grown;
    set->entries[set->n++] = *entry;
    return 0;
}

/*
 * Take out of the list. -EDOM: a wider entry would need a hole. A hole for mknod(2) alone is passed over,
 * and told: engines allow every node to be made and then except some device, which stays as closed as it was.
 */
static int entry_remove(struct device_set *set, const struct device_entry *entry)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->n; i++) {
        const struct device_entry *have = &set->entries[i];
        unsigned hole = have->access & entry->access;
        if (!device_overlaps(have, entry) || device_covers(entry, have) || hole == 0)
            continue;
        if (hole != DEVICE_MKNOD)
            return -EDOM;
        set->mknod_stays = true;
    }
    for (size_t i = 0; i < set->n; i++) {
        struct device_entry have = set->entries[i];
        if (device_covers(entry, &have))
            have.access &= ~entry->access;
        if (have.access)
            set->entries[kept++] = have;
    }
    set->n = kept;
    return 0;
}

static int rule_apply(struct device_set *set, const struct limit_entry *rule)
{
    struct device_entry entry = { rule->type, rule->major, rule->minor, access_bits(rule->access) };

    if (rule->type != 'a')
        return rule->allow == set->allow_all ? entry_remove(set, &entry) : entry_add(set, &entry);
    if (rule->major == ANY && rule->minor == ANY && entry.access == DEVICE_ACCESS_ALL) {
        set->allow_all = rule->allow;
        set->from_all = true;
        set->n = 0;
        return 0;
    }
    /* Some access to everything: the kernel would take it for all access. */
    for (const char *type = "bc"; *type; type++) {
        entry.type = *type;
        int r = rule->allow == set->allow_all ? entry_remove(set, &entry) : entry_add(set, &entry);
        if (r < 0)
            return r;
    }
    return 0;
}

int device_set_make(const struct limit_value *rules, struct device_set *ret)
{
    /* A list of what may be used means nothing else; one that begins with what may not does not. */
    bool deny = rules->n_entries > 0 && rules->entries[0].type != 'a' && rules->entries[0].allow;
    int r = 0;

    *ret = (struct device_set){ .allow_all = !deny, .from_all = deny };
    for (size_t i = 0; r == 0 && i < rules->n_entries; i++)
        r = rule_apply(ret, &rules->entries[i]);
    if (r < 0)
        device_set_done(ret);
    return r;
}

void device_set_done(struct device_set *set)
{
    free(set->entries);
    *set = (struct device_set){ 0 };
}

int device_set_subtract(const struct device_set *from, const struct device_set *what,
                        struct device_set *ret)
{
    *ret = (struct device_set){ .allow_all = from->allow_all };
    for (size_t i = 0; i < from->n; i++) {
        struct device_entry entry = from->entries[i];
        for (size_t k = 0; k < what->n; k++)
            if (device_same(&entry, &what->entries[k]))
                entry.access &= ~what->entries[k].access;
        if (entry.access && entry_add(ret, &entry) < 0) {
            device_set_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}

/* ---- as text -------------------------------------------------------------------------------------- */

static void number_format(uint32_t number, struct buf *ret)
{
    if (number == ANY)
        buf_putc(ret, '*');
    else
        buf_printf(ret, "%u", number);
}

void device_entry_format(const struct device_entry *entry, struct buf *ret)
{
    buf_printf(ret, "%c ", entry->type);
    number_format(entry->major, ret);
    buf_putc(ret, ':');
    number_format(entry->minor, ret);
    buf_printf(ret, " %s%s%s", entry->access & DEVICE_READ ? "r" : "",
               entry->access & DEVICE_WRITE ? "w" : "", entry->access & DEVICE_MKNOD ? "m" : "");
}

void device_set_format(const struct device_set *set, struct buf *ret)
{
    if (set->allow_all)
        buf_puts(ret, "a *:* rwm\n");
    for (size_t i = 0; i < set->n; i++) {
        if (set->allow_all)
            buf_puts(ret, "- ");
        device_entry_format(&set->entries[i], ret);
        buf_putc(ret, '\n');
    }
}

static bool number_read(const char **at, const char *end, uint32_t *ret)
{
    char digits[12];
    size_t n = 0;
    uint64_t number;

    if (*at < end && **at == '*') {
        (*at)++;
        *ret = ANY;
        return true;
    }
    while (*at < end && **at >= '0' && **at <= '9' && n + 1 < sizeof(digits))
        digits[n++] = *(*at)++;
    digits[n] = '\0';
    if (number_parse(digits, ANY, &number) < 0)
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* "c 1:3 rwm" */
static bool entry_read(const char *at, size_t len, struct device_entry *ret)
{
    const char *end = at + len;

    if (len < 6 || !strchr("abc", *at) || at[1] != ' ')
        return false;
    ret->type = *at;
    at += 2;
    if (!number_read(&at, end, &ret->major) || at >= end || *at++ != ':' ||
        !number_read(&at, end, &ret->minor) || at >= end || *at++ != ' ')
        return false;
    ret->access = 0;
    for (; at < end; at++)
        ret->access |= *at == 'r'   ? DEVICE_READ
                       : *at == 'w' ? DEVICE_WRITE
                       : *at == 'm' ? DEVICE_MKNOD
                                    : 0;
    return true;
}

int device_set_parse(const char *text, struct device_set *ret)
{
    const char *line;
    size_t len;

    *ret = (struct device_set){ 0 };
    while (line_next(&text, &line, &len)) {
        struct device_entry entry;
        if (len == 0)
            continue;
        size_t skip = len > 2 && line[0] == '-' && line[1] == ' ' ? 2 : 0;
        if (!entry_read(line + skip, len - skip, &entry)) {
            device_set_done(ret);
            return -EINVAL;
        }
        if (entry.type == 'a') {
            ret->allow_all = true;
        } else if (entry_add(ret, &entry) < 0) {
            device_set_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}

static bool set_holds(const struct device_set *set, const struct device_entry *entry)
{
    for (size_t i = 0; i < set->n; i++)
        if (device_same(&set->entries[i], entry) && set->entries[i].access == entry->access)
            return true;
    return false;
}

bool device_set_shown(const struct device_set *want, const struct device_set *have)
{
    if (!want->allow_all) {
        for (size_t i = 0; i < want->n; i++)
            if (!set_holds(have, &want->entries[i]))
                return false;
        return !have->allow_all && have->n == want->n;
    }
    if (have->allow_all)
        return true;
    /* The group above has a list of its own. */
    for (size_t i = 0; i < want->n; i++)
        for (size_t k = 0; k < have->n; k++)
            if (device_overlaps(&want->entries[i], &have->entries[k]) &&
                (want->entries[i].access & have->entries[k].access))
                return false;
    return true;
}
