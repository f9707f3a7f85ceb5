/*
 * systemd: a scope unit of the running systemd's for the groups of a container, where that is asked for
 * (--cgroup-manager systemd). What speaks D-Bus is a program of its own, ration-systemd, which links
 * libsystemd and is started here when there is something to say: nobody else pays for it.
 *
 *   scope_start()   ration-systemd ── a holder process, alone in the new scope
 *                   our groups are made beneath the scope, the container's process is born there
 *   scope_set()     the limits become properties of the unit, so that a reload of systemd keeps them
 *   scope_release() the holder goes; from now on the container keeps the scope alive
 *
 * A scope without processes goes away by itself, and the holder ends when whoever called scope_start() does,
 * however: a call that is killed leaves no scope.
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"

/* A scope, as it can be asked for. Members are owned. */
struct scope_name {
    char *unit, *slice;
    bool user; /* the user's own systemd instead of the machine's */
};
void scope_name_done(struct scope_name *name);

/*
 * What cgroupsPath means for this manager: "SLICE:PREFIX:NAME" is PREFIX-NAME.scope in SLICE. Without SLICE
 * it is system.slice, or the user's user.slice; without PREFIX NAME.scope; NULL is ration-ID.scope. Characters
 * that units cannot have are escaped as systemd-escape(1) does. Pure. ERR_USAGE, ERR_REFUSED.
 */
int scope_name_plan(const char *cgroups_path, const char *id, bool user, struct scope_name *ret,
                    struct err *err);

/*
 * Properties are text: "property NAME TYPE COUNT SINCE" and COUNT lines of values; TYPE is a D-Bus type of
 * basic values or of an array of such, SINCE the systemd version that has it first (an older one is not told).
 *
 * The plan's writes that systemd knows a property for, see org.freedesktop.systemd1(5). A share of CPU time is
 * rounded up to a per cent, which is all that systemd keeps; the exact one stands in our own group. Pure.
 */
int properties_from_plan(const struct plan *plan, struct buf *ret, struct err *err);
/*
 * Those that have to be out of the way before the plan can be written: the older hierarchy takes no share of CPU
 * time above that of the group above. Pure.
 */
int properties_before_plan(const struct plan *plan, struct buf *ret, struct err *err);
/*
 * Those of the annotations "org.systemd.property.NAME=VALUE", VALUE in the text form of GVariant: 'text',
 * true, uint64 5, ['a', 'b']. A number of NAMESec becomes NAMEUSec. Pure. ERR_USAGE.
 */
int properties_from_annotations(char *const *annotations, struct buf *ret, struct err *err);

/* Is the program there that speaks to systemd? */
bool systemd_is_supported(void);
/* Are we, user 0 or not, somebody whom the machine's systemd does not know as root? */
bool systemd_is_user(void);

struct scope; /* one that is held */

/*
 * Have it made, with these properties, and hold it: a name that is in use is -EEXIST. No systemd that
 * answers: ERR_REFUSED with the remedy.
 */
int scope_start(const struct scope_name *name, const char *description, const char *properties,
                struct scope **ret, struct err *err);
/* Its group, a path beneath the visible root of the hierarchies; belongs to scope. */
const char *scope_group(const struct scope *scope);
/* Set properties of it; runtime alone. */
int scope_set(struct scope *scope, const char *properties, struct err *err);
/* It lives on if somebody is in it. */
int scope_release(struct scope *scope, struct err *err);
/* The same, if scope is not NULL, when nothing came of it; frees it. */
void scope_free(struct scope *scope);

/* The same as scope_set(), for one that somebody else made. */
int scope_update(const struct scope_name *name, const char *properties, struct err *err);
/* End it, with whoever is in it, and forget that it may have failed; one that is not there is no error. */
int scope_stop(const struct scope_name *name, struct err *err);
