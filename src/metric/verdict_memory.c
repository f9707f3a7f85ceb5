/*
 * The rules about memory: was it the OOM killer, and whose limit was it? Counters tell, each of
 * which is worth something different on either version of cgroups (see enum event_id).
 */
#include <signal.h>

#include "metric/verdict.h"

/*
 * The limit of memory and swap together was reached. Its failcnt tells, but some kernels (6.18 is
 * one) leave that at 0; there the peak tells, which then stands at the limit but for the pages of a
 * last charge.
 */
static bool both_reached(const struct observation *o)
{
    const uint64_t charge_bytes = 256 * 1024;
    uint64_t limit, peak;

    if (event_moved(o, EVENT_MEMSW_FAILCNT))
        return true;
    return limit_number(o, LIMIT_MEMORY_SWAP, &limit) &&
           sample_get(o->final, METRIC_MEMORY_AND_SWAP_PEAK_BYTES, &peak) &&
           peak + charge_bytes >= limit;
}

/*
 * The own limit: this group, not merely one above or beneath, was out of memory. Where that cannot be
 * read, the limit was reached (failcnt) at least.
 */
bool own_memory_limit(const struct observation *o)
{
    if (event_known(o, EVENT_OOM_OWN))
        return event_moved(o, EVENT_OOM_OWN) > 0;
    return event_moved(o, EVENT_MEMORY_FAILCNT) || both_reached(o);
}

/*
 * COMMAND made groups of its own beneath this one and gave them limits. v2: the group and those
 * beneath it were out of memory (it counts upwards), this one alone was not; a fresh group counts
 * from 0. v1: such a limit was reached, and nobody else's group was out of memory.
 */
static bool nested_memory_limit(const struct observation *o)
{
    uint64_t events;

    if (event_moved(o, EVENT_OOM_NESTED))
        return !own_memory_limit(o) && !event_moved(o, EVENT_OOM_ANCESTOR);
    return event_known(o, EVENT_OOM_OWN) && !event_moved(o, EVENT_OOM_OWN) &&
           sample_get(o->final, METRIC_MEMORY_OOM_EVENTS, &events) && events > 0;
}

static enum whose whose_memory(const struct observation *o)
{
    if (own_memory_limit(o))
        return WHOSE_OWN;
    if (nested_memory_limit(o))
        return WHOSE_NONE;
    if (event_moved(o, EVENT_OOM_ANCESTOR))
        return WHOSE_ANCESTOR;
    return event_moved(o, EVENT_OOM_MACHINE) ? WHOSE_MACHINE : WHOSE_NONE;
}

/*
 * Which of the two own limits: memory and swap together when that one was reached and is the wider;
 * where both are equal no swap was allowed and --memory is what the user thinks of.
 */
static enum limit_id own_memory_limit_id(const struct observation *o)
{
    uint64_t memory, both;

    if (!both_reached(o) || !limit_number(o, LIMIT_MEMORY_SWAP, &both))
        return LIMIT_MEMORY;
    return limit_number(o, LIMIT_MEMORY, &memory) && memory >= both ? LIMIT_MEMORY
                                                                    : LIMIT_MEMORY_SWAP;
}

void say_memory_whose(const struct observation *o, struct verdict *v)
{
    char text[LIMIT_TEXT_SIZE];

    switch (v->whose) {
    case WHOSE_OWN:
        verdict_say(v, "memory: own limit (%s)", limit_say(o, v->limit, text, sizeof(text)));
        break;
    case WHOSE_ANCESTOR:
        verdict_say(v, "memory: limit of a group above (%.90s)",
                    o->events.event[EVENT_OOM_ANCESTOR].source);
        break;
    case WHOSE_MACHINE:
        verdict_say(v, "memory: machine out of memory, no visible group's limit was reached");
        break;
    case WHOSE_NONE:
        verdict_say(v, nested_memory_limit(o) ? "memory: limit of a group that COMMAND itself made"
                                              : "memory: it cannot be told whose limit");
        break;
    }
}

/* whose, limit and evidence of an OOM kill. */
void fill_memory_whose(const struct observation *o, struct verdict *v)
{
    static const enum event_id order_table[] = { EVENT_OOM_KILL,       EVENT_OOM_OWN,
                                                 EVENT_MEMORY_FAILCNT, EVENT_MEMSW_FAILCNT,
                                                 EVENT_OOM_NESTED,     EVENT_OOM_ANCESTOR,
                                                 EVENT_OOM_MACHINE };

    v->whose = whose_memory(o);
    if (v->whose == WHOSE_OWN)
        v->limit = own_memory_limit_id(o);
    for (size_t i = 0; i < ARRAY_SIZE(order_table); i++) {
        enum event_id id = order_table[i];
        /* What stood still is evidence too, but for the counters of limits that few runs have. */
        if ((id != EVENT_MEMSW_FAILCNT && id != EVENT_OOM_NESTED) || event_moved(o, id))
            evidence_add_event(v, o, id);
    }
    if (v->whose == WHOSE_OWN && both_reached(o) && !event_moved(o, EVENT_MEMSW_FAILCNT))
        evidence_add_metric(v, o, METRIC_MEMORY_AND_SWAP_PEAK_BYTES);
}

static void say_kills(const struct observation *o, struct verdict *v)
{
    uint64_t kills = event_moved(o, EVENT_OOM_KILL);

    if (kills)
        verdict_say(v, "%ju %s killed by the OOM killer", (uintmax_t)kills,
                    kills == 1 ? "process" : "processes");
    else
        verdict_say(v, "killed by the OOM killer");
}

/*
 * COMMAND or one of its processes was killed for memory, and it went badly. Kernels without the
 * counter of kills (v1 before 4.13): a SIGKILL that ration did not send, with the own group out of
 * memory.
 */
bool fits_memory(const struct observation *o)
{
    if (!ended_badly(o))
        return false;
    if (event_known(o, EVENT_OOM_KILL))
        return event_moved(o, EVENT_OOM_KILL) > 0;
    return ended_by(o, SIGKILL) && own_memory_limit(o);
}

void fill_memory(const struct observation *o, struct verdict *v)
{
    char end[END_TEXT_SIZE];

    v->cause = CAUSE_MEMORY;
    fill_memory_whose(o, v);
    say_memory_whose(o, v);
    verdict_say(v, ": ");
    say_kills(o, v);
    verdict_say(v, ", %s", end_say(o, end, sizeof(end)));
}

/* A page fault that finds no huge page under the limit is a SIGBUS. */
bool fits_hugetlb(const struct observation *o)
{
    return ended_by(o, SIGBUS) && event_moved(o, EVENT_HUGETLB_MAX);
}

void fill_hugetlb(const struct observation *o, struct verdict *v)
{
    char text[LIMIT_TEXT_SIZE], end[END_TEXT_SIZE];

    v->cause = CAUSE_MEMORY;
    v->whose = WHOSE_OWN;
    v->limit = LIMIT_HUGETLB;
    evidence_add_event(v, o, EVENT_HUGETLB_MAX);
    verdict_say(v, "memory: own limit of huge pages (%s): %s",
                limit_say(o, LIMIT_HUGETLB, text, sizeof(text)), end_say(o, end, sizeof(end)));
}
