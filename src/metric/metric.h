/*
 * metric: every figure that is read, one row of metrics.def each; samples, verdicts and the result
 * of a run as plain data. Pure: no I/O.
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"

/* ---- figures --------------------------------------------------------------------------------- */

enum metric_id {
#define METRIC(id, ...) METRIC_##id,
#include "metric/metrics.def"
#undef METRIC
    METRIC_COUNT,
    METRIC_NONE = METRIC_COUNT,
};

enum metric_unit {
    METRIC_UNIT_US,
    METRIC_UNIT_BYTES,
    METRIC_UNIT_COUNT,
    METRIC_UNIT_PERCENT_MILLI, /* thousandths of a per cent */
};

/*
 * One way to read a figure from a group: a file of a controller and how its text is understood.
 * A row names one for v1 and one for v2.
 */
enum metric_parse {
    METRIC_PARSE_NONE,      /* not read from a group file (clock, rusage) */
    METRIC_PARSE_NUMBER,    /* the whole file is one number ("max" is unlimited) */
    METRIC_PARSE_KEYED,     /* the number after key at the start of a line */
    METRIC_PARSE_SUM_FIELD, /* io.stat: the sum over lines of the numbers after "key=" */
    METRIC_PARSE_SUM_OP,    /* blkio.throttle.*: the sum over lines whose second word is key */
    METRIC_PARSE_PRESSURE,  /* PSI: line key[0..] ("some"|"full"), its total= field */
    METRIC_PARSE_LIST_SUM,  /* numbers separated by blanks, summed (per CPU) */
};

/* Of which group of the run the file is read. */
enum metric_place {
    METRIC_PLACE_GROUP, /* the group that carries the limits */
    METRIC_PLACE_INNER, /* COMMAND's own: the kernel does not count upwards */
    METRIC_PLACE_BOTH,  /* both, added: kernels differ in where they count */
};

struct metric_source {
    enum controller controller; /* CONTROLLER_NONE: a core file of the v2 hierarchy */
    const char *file;           /* NULL: not available on this version */
    const char *key;
    enum metric_parse parse;
    uint32_t multiply, divide; /* scale into the unit; 0 means 1 (ticks: see METRIC_TICKS) */
    enum metric_place place;
};

#define METRIC_TICKS UINT32_MAX /* in divide: value is in clock ticks */

struct metric_info {
    const char *name;                      /* "cpu_total_us": JSON name, unit as suffix */
    const char *help;                      /* one line: what it is and what it is not */
    struct metric_source v1, v1_older, v2; /* v1_older: where v1's file is missing */
    enum metric_unit unit;
    bool is_counter; /* a running count; else a maximum or momentary: no difference is taken */
};

const struct metric_info *metric_info(enum metric_id id);
enum metric_id metric_find(const char *name);
const char *metric_unit_name(enum metric_unit unit);

/*
 * Understand a file's text. Returns true and the scaled value (UINT64_MAX for "max"), or false when
 * the figure is not there or not a number. v2's io.stat without devices is a sum of 0; v1's throttle
 * files with nothing but zeros do not know it.
 */
bool metric_parse(const struct metric_source *source, const char *text, uint64_t ticks_per_s,
                  uint64_t *ret);

#define SAMPLE_CPUS_MAX 64

struct sample_value {
    bool known;
    uint64_t value;
    char source[64]; /* "memory/memory.max_usage_in_bytes", "rusage.ru_maxrss", "CLOCK_MONOTONIC" */
};

/* One reading of all figures. Zeroed memory is an empty sample. */
struct sample {
    uint64_t taken_us; /* CLOCK_MONOTONIC */
    struct sample_value value[METRIC_COUNT];
    uint64_t per_cpu_us[SAMPLE_CPUS_MAX]; /* first n_cpus valid when n_cpus > 0 */
    unsigned n_cpus;
};

/* source is copied, cut at 63 bytes. */
void sample_set(struct sample *sample, enum metric_id id, uint64_t value, const char *source);
/* Fill per_cpu_us from the text of v1's cpuacct.usage_percpu: nanoseconds, separated by blanks. */
void sample_set_per_cpu(struct sample *sample, const char *text);
/* False when sample is NULL or does not know the figure. */
bool sample_get(const struct sample *sample, enum metric_id id, uint64_t *ret);

/* ---- why it ended ---------------------------------------------------------------------------- */

enum cause {
    CAUSE_EXITED,
    CAUSE_SIGNALLED,
    CAUSE_MEMORY,
    CAUSE_WALL_TIME,
    CAUSE_CPU_TIME,
    CAUSE_OUTPUT,
    CAUSE_PIDS,
    CAUSE_RLIMIT,
    CAUSE_SECCOMP,
    CAUSE_STOPPED,
    CAUSE_FAILED_TO_START,
    CAUSE_COUNT,
};

enum whose {
    WHOSE_NONE,     /* no limit was involved, or it cannot be said whose */
    WHOSE_OWN,      /* a limit of this run */
    WHOSE_ANCESTOR, /* a limit of a group above */
    WHOSE_MACHINE,  /* the whole machine ran out */
};

const char *cause_name(enum cause cause); /* "memory", "wall_time", ... */
const char *whose_name(enum whose whose); /* "own", "ancestor", "machine", NULL for none */

/* A counter read before and after the run. */
enum event_id {
    EVENT_OOM_OWN,  /* the limit group itself was out of memory: at its limit, nothing to reclaim */
    EVENT_OOM_KILL, /* processes of this run killed by the OOM killer */
    EVENT_MEMORY_FAILCNT, /* how often the own limit was hit (v1 failcnt, v2 events "max") */
    EVENT_MEMSW_FAILCNT,
    EVENT_OOM_ANCESTOR, /* an ancestor was out of memory; v1 without eventfd: its limit was hit */
    EVENT_OOM_NESTED,   /* v1: the limit of a group beneath was hit, which COMMAND made itself */
    EVENT_OOM_MACHINE,  /* /proc/vmstat oom_kill */
    EVENT_PIDS_MAX,     /* forks refused by the own pids limit */
    EVENT_PIDS_ANCESTOR,
    EVENT_HUGETLB_MAX,
    EVENT_COUNT,
};

struct event_count {
    bool known;
    uint64_t before, after;
    char source[192]; /* the file it was read from, and key */
};

struct event_counts {
    struct event_count event[EVENT_COUNT];
};

/*
 * Why ration itself ended the command, if it did: set when ration had sent a signal for that
 * reason before COMMAND ended. A signal that was merely passed on counts (STOP_USER) when COMMAND
 * ended by that very signal. The warning of a soft limit is no stop: see warn_signal.
 */
enum stop_reason {
    STOP_NONE,
    STOP_WALL_TIME,
    STOP_CPU_TIME,
    STOP_OUTPUT,
    STOP_USER,       /* a signal to ration, ration_kill(), or the verb kill */
    STOP_SUPERVISOR, /* ration had to give up (its own failure) */
};

/* Everything from which the verdict is decided. */
struct observation {
    bool started;           /* COMMAND's first instruction was reached */
    struct err start_error; /* when not started */
    bool exited;            /* true: status is an exit status; false: a signal */
    int status;
    bool core_dumped;
    enum stop_reason stopped;
    int stop_signal;          /* the first that ration sent for that reason, 0: none */
    int warn_signal;          /* sent as the warning of a soft limit, 0: none was */
    enum limit_id warn_limit; /* LIMIT_TIMEOUT_SOFT or LIMIT_CPU_TIME_SOFT, the last that warned */
    struct event_counts events;
    const struct limit_set *limits; /* asked for; NULL: none */
    const struct sample *final;     /* NULL: none */
    uint64_t largest_cpu_us; /* user+system time of COMMAND itself (rusage), for RLIMIT_CPU */
};

struct evidence {
    char source[192];
    uint64_t before, after;
};

#define VERDICT_EVIDENCE_MAX 8

struct verdict {
    enum cause cause;
    enum whose whose;
    enum limit_id limit; /* the limit that ended it, or LIMIT_NONE */
    char text[640];      /* one sentence for people; holds a whole struct err */
    struct evidence evidence[VERDICT_EVIDENCE_MAX];
    size_t n_evidence;
};

/*
 * Decide why a run ended: a table of rules, the first that fits wins (verdict_rules.c;
 * docs/result.md explains each). Pure. When memory is short the sentence may lack a limit's value.
 */
void verdict_decide(const struct observation *observation, struct verdict *ret);
/* The name of the rule that verdict_decide() goes by: for tests and debugging. */
const char *verdict_rule(const struct observation *observation);

/* "SIGKILL", or "signal 35" where there is no name. Returns ret. */
const char *signal_format(int signal, char *ret, size_t size);

/* ---- the result ------------------------------------------------------------------------------ */

/* One line of the report about one limit. */
struct limit_report {
    enum limit_id limit;
    char *asked;    /* owned text as given */
    char *in_force; /* owned text read back from the kernel, NULL: not in force */
    char *file;     /* owned: where, relative to the hierarchy, or "prlimit RLIMIT_NOFILE" */
    char *note;     /* owned, may be NULL: rounding, conversion, tighter ancestor, stand-in */
};

struct result {
    char *name;  /* owned */
    char **argv; /* owned */
    uint64_t started_realtime_us;
    bool exited;
    int exit_status; /* of COMMAND, when exited */
    int signal;      /* that ended COMMAND, or 0 */
    bool core_dumped;
    struct err error;   /* failed to start: step, errno, sentence */
    int program_status; /* what ration ends with: 0..255 */
    struct verdict verdict;
    struct limit_report *limits;
    size_t n_limits;
    char **notes; /* owned: what else was done to put the limits in force; NULL: nothing */
    struct sample final;
    bool rootless;
    char layout[16];
};

/* NULL when memory is short. */
struct result *result_new(void);
void result_free(struct result *result);
void result_freep(struct result **result);
/* Append one limit; every text is copied, all but asked may be NULL. Returns 0 or -ENOMEM. */
int result_add_limit(struct result *result, enum limit_id limit, const char *asked,
                     const char *in_force, const char *file, const char *note);
/*
 * Fill in how it ended: exited, exit_status, signal, core_dumped, error, final, verdict and
 * program_status, from what was observed. An error that is already there is kept.
 */
void result_set_end(struct result *result, const struct observation *observation);
/*
 * The exit status for ration: COMMAND's own, 128+N, 124 after a time limit, 137 when output was cut
 * off, 125..127 on failures.
 */
int result_program_status(const struct result *result);
