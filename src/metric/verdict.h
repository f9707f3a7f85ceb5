/* Private to metric: what the rules of a verdict are made of. */
#pragma once

#include "metric/metric.h"

/* The first rule whose fits() says true fills the verdict. */
struct verdict_rule {
    const char *name;
    bool (*fits)(const struct observation *observation);
    void (*fill)(const struct observation *observation, struct verdict *verdict);
};

extern const struct verdict_rule verdict_rule_table[];

#define LIMIT_TEXT_SIZE 96 /* for limit_say() */
#define END_TEXT_SIZE   64 /* for end_say() */

/* ---- memory (verdict_memory.c) --------------------------------------------------------------- */

/* The limit of this very run was reached and nothing could be reclaimed. */
bool own_memory_limit(const struct observation *o);
/* Set whose, limit and evidence of an OOM kill; then say "memory: own limit (--memory 50m)". */
void fill_memory_whose(const struct observation *o, struct verdict *v);
void say_memory_whose(const struct observation *o, struct verdict *v);
bool fits_memory(const struct observation *o);
void fill_memory(const struct observation *o, struct verdict *v);
bool fits_hugetlb(const struct observation *o);
void fill_hugetlb(const struct observation *o, struct verdict *v);

/* ---- asking the observation (verdict.c) ------------------------------------------------------ */

/* How far a counter moved; 0 also when it is unknown. */
uint64_t event_moved(const struct observation *o, enum event_id id);
bool event_known(const struct observation *o, enum event_id id);
/* True when a limit was asked for and is a number; ret may be NULL. */
bool limit_number(const struct observation *o, enum limit_id id, uint64_t *ret);
/* COMMAND was ended by this signal. */
bool ended_by(const struct observation *o, int signal);
/* COMMAND started and did not end with status 0. */
bool ended_badly(const struct observation *o);

/* ---- filling the verdict (verdict.c) --------------------------------------------------------- */

void evidence_add(struct verdict *v, const char *source, uint64_t before, uint64_t after);
/* A counter, when it is known; the same one twice is one line. */
void evidence_add_event(struct verdict *v, const struct observation *o, enum event_id id);
/* A figure, counted from 0, when it is known. */
void evidence_add_metric(struct verdict *v, const struct observation *o, enum metric_id id);
void verdict_say(struct verdict *v, const char *fmt, ...) _printf_(2, 3);
/* "--memory 50m"; "--memory" when its value is not known; "none" for LIMIT_NONE. Returns ret. */
const char *limit_say(const struct observation *o, enum limit_id id, char *ret, size_t size);
/* "COMMAND was ended by SIGKILL", "COMMAND exited with status 3". Returns ret. */
const char *end_say(const struct observation *o, char *ret, size_t size);
