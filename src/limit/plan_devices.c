/* Device rules: files on v1, where each write is one device, and a program on v2. */
#include <errno.h>
#include <string.h>

#include "limit/device_set.h"
#include "limit/planner.h"

#define ALLOW_FILE "devices.allow"
#define DENY_FILE  "devices.deny"

/* ---- v1 ------------------------------------------------------------------------------------------ */

/* Rules that v1's form cannot hold. */
static int set_make(struct planner *p, enum limit_id id, const struct limit_value *rules,
                    struct device_set *ret)
{
    int r = device_set_make(rules, ret);

    if (r == -EDOM)
        return planner_refuse(
            p, id,
            "excepts some devices from a range given before, which the v1 devices "
            "controller cannot hold; name the devices one by one");
    return r < 0 ? err_nomem(p->err) : 0;
}

static struct plan_step *step_add(struct planner *p, enum limit_id id, enum plan_target target,
                                  bool allow, const char *text, const char *reason)
{
    char *copy = NULL;

    if (text_replace(&copy, reason) < 0)
        p->plan->out_of_memory = true;
    return planner_add(
        p, id, (struct planner_write){ target, PLAN_CHECK_NONE, allow ? ALLOW_FILE : DENY_FILE },
        strdup(text), copy);
}

/* One write per device: the kernel drops a second line without a word. */
static void list_add(struct planner *p, enum limit_id id, enum plan_target target, bool allow,
                     const struct device_set *list)
{
    for (size_t i = 0; i < list->n; i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        device_entry_format(&list->entries[i], &text);
        step_add(p, id, target, allow, buf_text(&text), NULL);
    }
}

/* The last of a level's writes is read back for all of them. */
static void level_check(struct planner *p, size_t since, enum plan_target target,
                        const struct device_set *want)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    device_set_format(want, &text);
    for (size_t i = p->plan->n_steps; i-- > since;) {
        struct plan_step *step = &p->plan->steps[i];
        if (step->target != target)
            continue;
        step->check = PLAN_CHECK_DEVICES;
        step->expect = strdup(buf_text(&text));
        if (!step->expect || buf_error(&text) < 0)
            p->plan->out_of_memory = true;
        return;
    }
}

static int rules_add_v1(struct planner *p, enum limit_id id)
{
    size_t since = p->plan->n_steps;
    struct device_set set;
    int r = set_make(p, id, planner_value(p, id), &set);

    if (r < 0)
        return r;
    if (set.from_all)
        step_add(p, id, PLAN_GROUP, set.allow_all, "a *:* rwm",
                 set.allow_all ? NULL
                 : set.mknod_stays
                     ? "nothing but what the rules after this allow; making (not opening) a "
                       "node of a device that they except stays allowed"
                     : "nothing but what the rules after this allow");
    list_add(p, id, PLAN_GROUP, !set.allow_all, &set);
    level_check(p, since, PLAN_GROUP, &set);
    device_set_done(&set);
    return 0;
}

/*
 * A live run. Everything cannot be allowed or denied at a stroke where there are groups beneath, so the
 * two lists are brought into line device by device: less from below, more from above.
 */
static int lists_differ(struct planner *p, enum limit_id id, const struct device_set *old,
                        const struct device_set *new)
{
    size_t since = p->plan->n_steps;
    struct device_set gone, more;

    if (device_set_subtract(old, new, &gone) < 0)
        return err_nomem(p->err);
    if (device_set_subtract(new, old, &more) < 0) {
        device_set_done(&gone);
        return err_nomem(p->err);
    }
    /* Where all is allowed the lists are of what is denied: its end is what comes from above. */
    const struct device_set *less = new->allow_all ? &more : &gone;
    const struct device_set *added = new->allow_all ? &gone : &more;
    list_add(p, id, PLAN_INNER, false, less);
    list_add(p, id, PLAN_GROUP, false, less);
    list_add(p, id, PLAN_GROUP, true, added);
    list_add(p, id, PLAN_INNER, true, added);
    level_check(p, since, PLAN_GROUP, new);
    level_check(p, since, PLAN_INNER, new);
    device_set_done(&gone);
    device_set_done(&more);
    return 0;
}

static int rules_update_v1(struct planner *p, enum limit_id id)
{
    static const struct limit_value no_rules = { 0 };
    const struct limit_value *current = planner_current(p, id);
    struct device_set old, new;
    int r = set_make(p, id, current ? current : &no_rules, &old);

    if (r < 0)
        return r;
    r = set_make(p, id, planner_value(p, id), &new);
    if (r == 0 && old.allow_all != new.allow_all)
        r = planner_refuse(p, id,
                           "cannot be changed in a live run on cgroup v1, where only an "
                           "empty group lets all its devices be denied or allowed");
    if (r == 0)
        r = lists_differ(p, id, &old, &new);
    device_set_done(&old);
    device_set_done(&new);
    return r;
}

/* ---- v2 ------------------------------------------------------------------------------------------ */

static void rule_number(uint32_t number, struct buf *ret)
{
    if (number == UINT32_MAX)
        buf_putc(ret, '*');
    else
        buf_printf(ret, "%u", number);
}

static void rule_text(const struct limit_entry *rule, struct buf *ret)
{
    buf_printf(ret, "%c ", rule->type);
    rule_number(rule->major, ret);
    buf_putc(ret, ':');
    rule_number(rule->minor, ret);
    buf_printf(ret, " %s", rule->access);
}

/*
 * One program made of all rules; its text is the rules in order, the later ones winning. A list of what
 * may be used begins by denying everything, since a group starts with everything allowed.
 */
static void rules_add_v2(struct planner *p, enum limit_id id)
{
    const struct limit_value *value = planner_value(p, id);
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (value->n_entries > 0 && value->entries[0].type != 'a' && value->entries[0].allow)
        buf_puts(&text, "deny a *:* rwm");
    for (size_t i = 0; i < value->n_entries; i++) {
        buf_printf(&text, "%s%s ", text.len > 0 ? "\n" : "",
                   value->entries[i].allow ? "allow" : "deny");
        rule_text(&value->entries[i], &text);
    }
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_NONE, NULL }, buf_take(&text),
                strdup("a device program attached to the group; later rules win"));
}

int plan_device_rules(struct planner *p, enum limit_id id)
{
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    if (planner_version(p, id) == 2)
        rules_add_v2(p, id);
    else
        r = p->options->current ? rules_update_v1(p, id) : rules_add_v1(p, id);
    if (r < 0)
        return r;
    planner_in_force(p, id, planner_value(p, id)->number);
    return 0;
}

bool device_steps_match(const char *want, const char *have)
{
    struct device_set wanted = { 0 }, shown = { 0 };
    bool same = device_set_parse(want, &wanted) == 0 && device_set_parse(have, &shown) == 0 &&
                device_set_shown(&wanted, &shown);

    device_set_done(&wanted);
    device_set_done(&shown);
    return same;
}
