/* Deciding a verdict: the walk through the rules, and what the rules are made of. */
#include <string.h>

#include "metric/verdict.h"

const char *cause_name(enum cause cause)
{
    static const char *const name_table[CAUSE_COUNT] = {
        [CAUSE_EXITED] = "exited",
        [CAUSE_SIGNALLED] = "signalled",
        [CAUSE_MEMORY] = "memory",
        [CAUSE_WALL_TIME] = "wall_time",
        [CAUSE_CPU_TIME] = "cpu_time",
        [CAUSE_OUTPUT] = "output",
        [CAUSE_PIDS] = "pids",
        [CAUSE_RLIMIT] = "rlimit",
        [CAUSE_SECCOMP] = "seccomp",
        [CAUSE_STOPPED] = "stopped",
        [CAUSE_FAILED_TO_START] = "failed_to_start",
    };

    return (unsigned)cause < CAUSE_COUNT ? name_table[cause] : NULL;
}

const char *whose_name(enum whose whose)
{
    static const char *const name_table[] = {
        [WHOSE_NONE] = NULL,
        [WHOSE_OWN] = "own",
        [WHOSE_ANCESTOR] = "ancestor",
        [WHOSE_MACHINE] = "machine",
    };

    return name_table[whose];
}

const char *signal_format(int signal, char *ret, size_t size)
{
    const char *name = sigabbrev_np(signal);

    if (name)
        snprintf(ret, size, "SIG%s", name);
    else
        snprintf(ret, size, "signal %d", signal);
    return ret;
}

/* ---- asking the observation ------------------------------------------------------------------ */

bool event_known(const struct observation *o, enum event_id id)
{
    return o->events.event[id].known;
}

uint64_t event_moved(const struct observation *o, enum event_id id)
{
    const struct event_count *event = &o->events.event[id];

    return event->known && event->after > event->before ? event->after - event->before : 0;
}

bool limit_number(const struct observation *o, enum limit_id id, uint64_t *ret)
{
    if (!o->limits || o->limits->value[id].state != LIMIT_SET || o->limits->value[id].percent)
        return false;
    if (ret)
        *ret = o->limits->value[id].number;
    return true;
}

bool ended_by(const struct observation *o, int signal)
{
    return o->started && !o->exited && o->status == signal;
}

bool ended_badly(const struct observation *o)
{
    return o->started && !(o->exited && o->status == 0);
}

/* ---- filling the verdict --------------------------------------------------------------------- */

void evidence_add(struct verdict *v, const char *source, uint64_t before, uint64_t after)
{
    for (size_t i = 0; i < v->n_evidence; i++) {
        if (strcmp(v->evidence[i].source, source) == 0)
            return;
    }
    if (v->n_evidence == VERDICT_EVIDENCE_MAX)
        return;

    struct evidence *evidence = &v->evidence[v->n_evidence++];
    snprintf(evidence->source, sizeof(evidence->source), "%s", source);
    evidence->before = before;
    evidence->after = after;
}

void evidence_add_event(struct verdict *v, const struct observation *o, enum event_id id)
{
    static const char *const name_table[EVENT_COUNT] = {
        [EVENT_OOM_OWN] = "own group out of memory",
        [EVENT_OOM_KILL] = "OOM kills in own group",
        [EVENT_MEMORY_FAILCNT] = "own memory limit reached",
        [EVENT_MEMSW_FAILCNT] = "own memory and swap limit reached",
        [EVENT_OOM_ANCESTOR] = "memory limit above reached",
        [EVENT_OOM_NESTED] = "memory limit of a group of COMMAND's own reached",
        [EVENT_OOM_MACHINE] = "/proc/vmstat oom_kill",
        [EVENT_PIDS_MAX] = "forks refused",
        [EVENT_PIDS_ANCESTOR] = "pids limit above reached",
        [EVENT_HUGETLB_MAX] = "huge page limit reached",
    };
    const struct event_count *event = &o->events.event[id];

    if (event->known)
        evidence_add(v, event->source[0] ? event->source : name_table[id], event->before,
                     event->after);
}

void evidence_add_metric(struct verdict *v, const struct observation *o, enum metric_id id)
{
    uint64_t value;

    if (sample_get(o->final, id, &value))
        evidence_add(v, o->final->value[id].source, 0, value);
}

void verdict_say(struct verdict *v, const char *fmt, ...)
{
    size_t used = strlen(v->text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v->text + used, sizeof(v->text) - used, fmt, ap);
    va_end(ap);
}

const char *limit_say(const struct observation *o, enum limit_id id, char *ret, size_t size)
{
    _cleanup_buf_ struct buf value = BUF_INIT;
    const struct limit_info *info = limit_info(id);

    if (!info) {
        snprintf(ret, size, "none");
        return ret;
    }
    if (o->limits && limit_is_set(o->limits, id))
        limit_format(id, &o->limits->value[id], &value);
    snprintf(ret, size, "--%s%s%s", info->name, value.len ? " " : "", buf_text(&value));
    return ret;
}

const char *end_say(const struct observation *o, char *ret, size_t size)
{
    char name[24];

    if (!o->started)
        snprintf(ret, size, "COMMAND was never executed");
    else if (o->exited)
        snprintf(ret, size, "COMMAND exited with status %d", o->status);
    else
        snprintf(ret, size, "COMMAND was ended by %s%s",
                 signal_format(o->status, name, sizeof(name)),
                 o->core_dumped ? " (core dumped)" : "");
    return ret;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const struct verdict_rule *rule_find(const struct observation *o)
{
    const struct verdict_rule *rule = verdict_rule_table;

    while (!rule->fits(o)) /* the last one always does */
        rule++;
    return rule;
}

/* Whatever else happened to this run is told too, behind what the rule itself rests on. */
static void evidence_add_rest(struct verdict *v, const struct observation *o)
{
    static const enum event_id rest_table[] = { EVENT_OOM_KILL, EVENT_OOM_OWN, EVENT_PIDS_MAX,
                                                EVENT_HUGETLB_MAX };

    for (size_t i = 0; i < ARRAY_SIZE(rest_table); i++) {
        if (event_moved(o, rest_table[i]))
            evidence_add_event(v, o, rest_table[i]);
    }
}

void verdict_decide(const struct observation *observation, struct verdict *ret)
{
    *ret = (struct verdict){ .limit = LIMIT_NONE };
    rule_find(observation)->fill(observation, ret);
    evidence_add_rest(ret, observation);
}

const char *verdict_rule(const struct observation *observation)
{
    return rule_find(observation)->name;
}
