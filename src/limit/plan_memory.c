/* memory: hard limit and swap, whose order matters, and the sizes that stand alone. */
#include <errno.h>
#include <string.h>

#include "limit/planner.h"

#define UNLIMITED LIMIT_NUMBER_UNLIMITED

int plan_size(struct planner *p, enum limit_id id)
{
    _cleanup_free_ char *reason = NULL;
    uint64_t bytes, memory = UNLIMITED;
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    /* On v2 both names are the same file. */
    if (id == LIMIT_MEMORY_RESERVATION && planner_version(p, id) == 2) {
        if (planner_wants(p, LIMIT_MEMORY_LOW))
            return planner_usage(p, id, "contradicts --memory-low: on cgroup v2 both are %s",
                                 planner_file(p, id));
        limit_value_done(&p->plan->in_force.value[LIMIT_MEMORY_LOW]);
    }
    r = planner_bytes(p, id, &bytes, &reason);
    if (r < 0)
        return r;
    if (limit_is_set(&p->plan->in_force, LIMIT_MEMORY))
        memory = p->plan->in_force.value[LIMIT_MEMORY].number;
    if (id == LIMIT_MEMORY_RESERVATION && bytes != UNLIMITED && bytes > memory)
        return planner_usage(p, id, "is more than --memory, within which it is reserved");
    planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_PAGES, NULL },
                planner_number_text(p, id, bytes), TAKE_PTR(reason));
    planner_in_force(p, id, bytes);
    return 0;
}

/* The file that carries the switch reads back as lines. */
int plan_oom_control(struct planner *p, enum limit_id id)
{
    uint64_t number = planner_value(p, id)->number;
    int r = planner_place(p, id);

    if (r <= 0)
        return r;
    struct plan_step *step =
        planner_add(p, id, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_KEYED, NULL },
                    planner_number_text(p, id, number), NULL);
    if (step) {
        step->expect = text_format("oom_kill_disable %llu", (unsigned long long)number);
        if (!step->expect)
            p->plan->out_of_memory = true;
    }
    planner_in_force(p, id, number);
    return 0;
}

/* ---- memory and memory-swap --------------------------------------------------------------------- */

/* How swap stands after this plan. */
struct memory {
    bool has_memory;       /* memory is to be written */
    uint64_t memory_bytes; /* in force after the plan; UNLIMITED */
    char *memory_reason;
    bool has_total;       /* memory and swap together are to be written */
    uint64_t total_bytes; /* docker's meaning: memory and swap */
    char *total_reason;
};

static void memory_done(struct memory *m)
{
    free(m->memory_reason);
    free(m->total_reason);
}

/* Add a half-sentence to a reason. */
static void reason_add(struct planner *p, char **reason, const char *more)
{
    char *both = *reason ? text_format("%s; %s", *reason, more) : strdup(more);

    if (!both) {
        p->plan->out_of_memory = true;
        return;
    }
    free(*reason);
    *reason = both;
}

/* The total that was asked for, checked against the memory it includes. */
static int memory_asked_total(struct planner *p, struct memory *m)
{
    char memory[40];
    int r = planner_bytes(p, LIMIT_MEMORY_SWAP, &m->total_bytes, &m->total_reason);

    if (r < 0)
        return r;
    m->has_total = true;
    if (m->total_bytes == UNLIMITED)
        return 0;
    if (m->memory_bytes == UNLIMITED)
        return planner_usage(p, LIMIT_MEMORY_SWAP,
                             "is the total of memory and swap and needs --memory beside it");
    size_format(m->memory_bytes, memory, sizeof(memory));
    if (m->total_bytes < m->memory_bytes)
        return planner_usage(p, LIMIT_MEMORY_SWAP,
                             "is the total of memory and swap and cannot be below --memory, which "
                             "is %s",
                             memory);
    return 0;
}

/*
 * Nobody asked for a total. A fresh group gets docker's default of twice the memory, where there is swap
 * to be had at all; an update leaves the total that was asked for at the start.
 */
static int memory_default_total(struct planner *p, struct memory *m)
{
    const struct limit_value *current = planner_current(p, LIMIT_MEMORY_SWAP);
    bool has_files = planner_has_feature(p, LAYOUT_MEMSW);
    char total[40];

    if (current) {
        m->total_bytes = current->number;
        if (current->number != UNLIMITED && m->memory_bytes > current->number) {
            size_format(current->number, total, sizeof(total));
            return planner_usage(p, LIMIT_MEMORY,
                                 "is above the total of memory and swap of %s now in force; give "
                                 "--memory-swap with it",
                                 total);
        }
        /* v2 keeps swap by itself, so the total stays only if the swap part moves the other way. */
        m->has_total = has_files && planner_version(p, LIMIT_MEMORY) == 2;
        reason_add(p, &m->total_reason, "so that the total stays as asked before");
        return 0;
    }
    if (p->options->literal)
        return 0;
    if (m->memory_bytes == UNLIMITED) {
        /* Raised to no limit: the default total that stood with the old limit goes too. */
        m->has_total = has_files && p->options->current && p->machine->swap_bytes > 0;
        m->total_bytes = UNLIMITED;
        return 0;
    }
    if (p->machine->swap_bytes == 0) {
        reason_add(p, &m->memory_reason, "no swap is on, so this bounds memory and swap alike");
    } else if (!has_files) {
        reason_add(p, &m->memory_reason, "swap is not counted here and comes on top");
    } else {
        m->has_total = true;
        if (__builtin_mul_overflow(m->memory_bytes, 2u, &m->total_bytes))
            m->total_bytes = UNLIMITED;
        reason_add(
            p, &m->total_reason,
            "memory and swap are twice --memory, as docker has it, since no --memory-swap is "
            "given");
    }
    return 0;
}

/* Can the total be written, or does it hold anyway? Clears has_total in the latter case. */
static int memory_place_total(struct planner *p, struct memory *m)
{
    bool asked = planner_wants(p, LIMIT_MEMORY_SWAP);

    if (!m->has_total)
        return 0;
    if (planner_has_feature(p, LAYOUT_MEMSW)) {
        if (asked && p->machine->swap_bytes == 0)
            reason_add(p, &m->total_reason,
                       "no swap is on, so none can be used whatever this says");
        return 0;
    }
    m->has_total = false;
    if (m->total_bytes == UNLIMITED || p->machine->swap_bytes == 0) {
        reason_add(p, &m->memory_reason,
                   m->total_bytes == UNLIMITED
                       ? "swap is not counted here, which is what --memory-swap asks for"
                       : "no swap is on, so --memory-swap holds without being written");
        planner_in_force(p, LIMIT_MEMORY_SWAP, m->total_bytes);
        return 0;
    }
    return planner_place(p, LIMIT_MEMORY_SWAP);
}

static void memory_add_memory(struct planner *p, struct memory *m)
{
    if (!m->has_memory)
        return;
    struct plan_step *step = planner_add(
        p, LIMIT_MEMORY, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_PAGES, NULL },
        planner_number_text(p, LIMIT_MEMORY, m->memory_bytes), TAKE_PTR(m->memory_reason));
    /* A total that holds by itself is in force through this write. */
    if (step && planner_wants(p, LIMIT_MEMORY_SWAP) && !m->has_total &&
        limit_is_set(&p->plan->in_force, LIMIT_MEMORY_SWAP))
        step->serves |= LIMIT_BIT(LIMIT_MEMORY_SWAP);
}

/* v1 counts the total, v2 the swap alone. */
static void memory_add_total(struct planner *p, struct memory *m)
{
    uint64_t number = m->total_bytes;

    if (!m->has_total)
        return;
    if (planner_version(p, LIMIT_MEMORY) == 2 && number != UNLIMITED) {
        number -= m->memory_bytes;
        reason_add(p, &m->total_reason, "the total less --memory, since v2 counts swap alone");
    }
    planner_add(p, LIMIT_MEMORY_SWAP, (struct planner_write){ PLAN_GROUP, PLAN_CHECK_PAGES, NULL },
                planner_number_text(p, LIMIT_MEMORY_SWAP, number), TAKE_PTR(m->total_reason));
    if (planner_wants(p, LIMIT_MEMORY_SWAP))
        planner_in_force(p, LIMIT_MEMORY_SWAP, m->total_bytes);
}

/* The total in force now: asked for, or the default that stands with the memory limit. */
static uint64_t memory_old_total(const struct planner *p)
{
    const struct limit_value *total = planner_current(p, LIMIT_MEMORY_SWAP);
    const struct limit_value *memory = planner_current(p, LIMIT_MEMORY);

    if (total)
        return total->number;
    if (memory && memory->number < UNLIMITED / 2 && p->machine->swap_bytes > 0 &&
        !p->options->literal)
        return memory->number * 2;
    return UNLIMITED;
}

static int memory_find(struct planner *p, struct memory *m)
{
    const struct limit_value *current = planner_current(p, LIMIT_MEMORY);
    int r = 0;

    m->memory_bytes = current ? current->number : UNLIMITED;
    if (planner_wants(p, LIMIT_MEMORY)) {
        r = planner_bytes(p, LIMIT_MEMORY, &m->memory_bytes, &m->memory_reason);
        if (r < 0)
            return r;
        m->has_memory = true;
        planner_in_force(p, LIMIT_MEMORY, m->memory_bytes);
    }
    if (planner_wants(p, LIMIT_MEMORY_SWAP))
        r = memory_asked_total(p, m);
    else
        r = memory_default_total(p, m);
    return r < 0 ? r : memory_place_total(p, m);
}

/*
 * v1 keeps limit_in_bytes <= memsw at every write: the total goes first when it is raised, the memory
 * first otherwise, which is also right for a fresh group (both unlimited). v2 does not care.
 */
int plan_memory(struct planner *p, enum limit_id id)
{
    struct memory m = { 0 };
    int r;

    p->done |= LIMIT_BIT(LIMIT_MEMORY) | LIMIT_BIT(LIMIT_MEMORY_SWAP);
    if (p->layout->controller[CONTROLLER_MEMORY].version == 0 ||
        !p->layout->controller[CONTROLLER_MEMORY].writable) {
        if (id == LIMIT_MEMORY && planner_wants(p, LIMIT_MEMORY_SWAP))
            p->done &= ~LIMIT_BIT(LIMIT_MEMORY_SWAP);
        return planner_place(p, id);
    }
    r = memory_find(p, &m);
    if (r >= 0) {
        bool total_first = p->options->current && m.total_bytes > memory_old_total(p);
        if (total_first)
            memory_add_total(p, &m);
        memory_add_memory(p, &m);
        if (!total_first)
            memory_add_total(p, &m);
        r = 0;
    }
    memory_done(&m);
    return r;
}
