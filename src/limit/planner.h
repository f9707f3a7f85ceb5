/* Private to the limit room: what the encoders of a plan share. */
#pragma once

#include "limit/limit.h"

struct planner {
    const struct limit_set *set;
    const struct layout *layout;
    const struct machine *machine;
    const struct plan_options *options;
    struct plan *plan;
    struct err *err;
    uint64_t done; /* LIMIT_BIT of limits already planned together with another */
};

/* Plans all writes of the limit id, which is set. Returns 0 or -errno with err filled. */
typedef int (*limit_encode_fn)(struct planner *p, enum limit_id id);

/* ---- asking ------------------------------------------------------------------------------------ */

static inline const struct limit_value *planner_value(const struct planner *p, enum limit_id id)
{
    return &p->set->value[id];
}
static inline bool planner_wants(const struct planner *p, enum limit_id id)
{
    return limit_is_set(p->set, id);
}
/* Is this an update of a live group, and does it have a value for id? */
static inline const struct limit_value *planner_current(const struct planner *p, enum limit_id id)
{
    const struct limit_set *current = p->options->current;

    return current && limit_is_set(current, id) ? &current->value[id] : NULL;
}
bool planner_has_feature(const struct planner *p, unsigned feature);
/* The version of the hierarchy that has id's controller; 0: none. */
int planner_version(const struct planner *p, enum limit_id id);
/* The row's file in that version, or NULL. */
const char *planner_file(const struct planner *p, enum limit_id id);

/*
 * Can id be written on this layout? 1: yes. 0: no, and it is on the list of the unmet (best effort).
 * Negative: no, and err says why.
 */
int planner_place(struct planner *p, enum limit_id id);

/* ---- answering --------------------------------------------------------------------------------- */

/* "--NAME VALUE WHY": contradictions (ERR_USAGE) and values that cannot be had here (ERR_REFUSED). */
int planner_usage(struct planner *p, enum limit_id id, const char *fmt, ...) _printf_(3, 4);
int planner_refuse(struct planner *p, enum limit_id id, const char *fmt, ...) _printf_(3, 4);
/*
 * id cannot be in force here. With best effort: noted together with its stand-in, and 0. Else the
 * error. remedy (half a sentence in the imperative) may be NULL.
 */
int planner_unmet(struct planner *p, enum limit_id id, const char *remedy, const char *fmt, ...)
    _printf_(4, 5);

/* Where a write goes beyond what id's row says. */
struct planner_write {
    enum plan_target target;
    enum plan_check check;
    const char *file; /* NULL: the row's file */
};
/*
 * Append a write. text and reason (malloc'ed, reason may be NULL) become the plan's. Returns the step,
 * or NULL when memory is short, which plan->out_of_memory keeps.
 */
struct plan_step *planner_add(struct planner *p, enum limit_id id, struct planner_write write,
                              char *text, char *reason);
/* The same for both levels of v1 groups whose files do not hold for what is beneath them. */
void planner_add_both(struct planner *p, enum limit_id id, struct planner_write write,
                      const char *text, const char *reason);
/* Note the value that is in force: as asked, but with this number. */
void planner_in_force(struct planner *p, enum limit_id id, uint64_t number);
/* What --best-effort puts in id's place: plans it and returns its words, or NULL. */
char *planner_stand_in(struct planner *p, enum limit_id id);

/* ---- numbers ----------------------------------------------------------------------------------- */

/* A number as the file wants it; unlimited in the words of the row's version. */
char *planner_number_text(const struct planner *p, enum limit_id id, uint64_t number);
/*
 * Bytes of a size: percentages of the tightest limit above or of the machine, rounded down to pages.
 * *ret_reason (malloc'ed or NULL) says what was done. Refuses what is above the machine.
 */
int planner_bytes(struct planner *p, enum limit_id id, uint64_t *ret_bytes, char **ret_reason);

/* The encoders, one per enum limit_encoder. */
int plan_number(struct planner *p, enum limit_id id);
int plan_text(struct planner *p, enum limit_id id);
int plan_size(struct planner *p, enum limit_id id);
int plan_cpuset(struct planner *p, enum limit_id id);
int plan_cpu_bandwidth(struct planner *p, enum limit_id id);
int plan_cpu_burst(struct planner *p, enum limit_id id);
int plan_cpu_shares(struct planner *p, enum limit_id id);
int plan_cpu_weight(struct planner *p, enum limit_id id);
int plan_cpu_rt(struct planner *p, enum limit_id id);
int plan_memory(struct planner *p, enum limit_id id);
int plan_oom_control(struct planner *p, enum limit_id id);
int plan_io_weight(struct planner *p, enum limit_id id);
int plan_io_max(struct planner *p, enum limit_id id);
int plan_io_latency(struct planner *p, enum limit_id id);
int plan_hugetlb(struct planner *p, enum limit_id id);
int plan_device_rules(struct planner *p, enum limit_id id);
int plan_pair(struct planner *p, enum limit_id id);
int plan_conf(struct planner *p, enum limit_id id);
int plan_rlimit(struct planner *p, enum limit_id id);
int plan_bandwidth(struct planner *p, enum limit_id id);
int plan_supervised(struct planner *p, enum limit_id id);

/* Copy the steps since that one which COMMAND's own group is to have too. */
void planner_mirror(struct planner *p, size_t since);
/* Is have, a devices.list, what a device step expects? */
bool device_steps_match(const char *want, const char *have);

/* Both levels of a v1 cpuset need CPUs and nodes before anything can enter. */
void plan_cpuset_seed(struct planner *p);
