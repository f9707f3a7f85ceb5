/* Private to the limit room: device rules as the set that they come to. */
#pragma once

#include "limit/limit.h"

#define DEVICE_READ       1u
#define DEVICE_WRITE      2u
#define DEVICE_MKNOD      4u
#define DEVICE_ACCESS_ALL 7u

struct device_entry {
    char type;             /* 'b' or 'c' */
    uint32_t major, minor; /* UINT32_MAX: any */
    unsigned access;       /* DEVICE_* */
};

struct device_set {
    bool allow_all;   /* entries are what may not be used; else what may */
    bool from_all;    /* some rule said so for everything; else it is as the group above has it */
    bool mknod_stays; /* nodes of some device can be made though a rule says no; not opened */
    struct device_entry *entries; /* owned; a device stands there once */
    size_t n;
};

/*
 * What rules come to, in their order. -EDOM: a rule takes from a range that an earlier one gave, which
 * this form cannot hold. -ENOMEM.
 */
int device_set_make(const struct limit_value *rules, struct device_set *ret);
void device_set_done(struct device_set *set);
/* What of from's list is not in what's. Returns 0 or -ENOMEM. */
int device_set_subtract(const struct device_set *from, const struct device_set *what,
                        struct device_set *ret);
void device_entry_format(const struct device_entry *entry, struct buf *ret);
/* As devices.list has it; where all is allowed, what is not stands behind "- ", which the kernel does
 * not show. */
void device_set_format(const struct device_set *set, struct buf *ret);
/* The other way. Returns 0, -EINVAL or -ENOMEM. */
int device_set_parse(const char *text, struct device_set *ret);
/* Is have, as the kernel shows it, what want comes to? */
bool device_set_shown(const struct device_set *want, const struct device_set *have);
