/*
 * limit: every limit as one row of limits.def; parsing, formatting and the plan. Pure: no I/O, no
 * globals that change, tests run without root and without Linux's cgroup files.
 *
 *   text ── limit_parse ──► struct limit_set ── limits_plan(set, layout, machine) ──► struct plan
 *
 * The plan is the ordered list of writes that puts the limits in force. `ration plan` prints it and
 * the cgroup room executes that very list.
 */
#pragma once

#include "base/base.h"

/* ---- controllers ------------------------------------------------------------------------------ */

enum controller {
    CONTROLLER_CPU,
    CONTROLLER_CPUACCT,
    CONTROLLER_CPUSET,
    CONTROLLER_MEMORY,
    CONTROLLER_PIDS,
    CONTROLLER_IO, /* blkio on v1 */
    CONTROLLER_DEVICES,
    CONTROLLER_FREEZER,
    CONTROLLER_HUGETLB,
    CONTROLLER_NET_CLS,
    CONTROLLER_NET_PRIO,
    CONTROLLER_PERF_EVENT,
    CONTROLLER_RDMA,
    CONTROLLER_MISC,
    CONTROLLER_COUNT,
    /* Not controllers of the kernel, but enforcers all the same: */
    CONTROLLER_PROCESS = CONTROLLER_COUNT, /* rlimits and other per-process settings */
    CONTROLLER_SUPERVISOR,                 /* ration itself: wall clock, CPU time, output bytes */
    CONTROLLER_NETWORK,                    /* the ends of the run's link */
    CONTROLLER_NONE,
};

#define CONTROLLER_BIT(c) (1u << (unsigned)(c))

/* The kernel's name of a controller in a hierarchy version (1: "blkio", 2: "io"). */
const char *controller_name(enum controller controller, int version);
/* Accepts both versions' names; CONTROLLER_NONE when unknown. */
enum controller controller_find(const char *name, size_t len);

/* ---- the limits -------------------------------------------------------------------------------- */

enum limit_id {
#define LIMIT(id, ...) LIMIT_##id,
#include "limit/limits.def"
#undef LIMIT
    LIMIT_COUNT,
    LIMIT_NONE = LIMIT_COUNT,
};

/* How the text of a limit is read and shown. */
enum limit_kind {
    LIMIT_KIND_SIZE,     /* bytes; per cent of the parent's limit or the machine where allowed */
    LIMIT_KIND_NUMBER,   /* a plain number between min and max */
    LIMIT_KIND_DURATION, /* microseconds */
    LIMIT_KIND_CPUS,     /* millionths of a CPU: "0.5" is 500000 */
    LIMIT_KIND_PERCENT,  /* per cent of one CPU, kept as millionths of a CPU */
    LIMIT_KIND_FLAG,     /* on or off */
    LIMIT_KIND_LIST,     /* "0-3,7": CPU or memory node numbers, kept normalised in text */
    LIMIT_KIND_WORD,     /* one of the words in info->words */
    LIMIT_KIND_DEVICE_NUMBER,   /* DEVICE:NUMBER, many; entries */
    LIMIT_KIND_DEVICE_SIZE,     /* DEVICE:SIZE, many */
    LIMIT_KIND_DEVICE_DURATION, /* DEVICE:DURATION, many */
    LIMIT_KIND_DEVICE_RULE,     /* "[allow|deny] c 1:3 rwm", many, in order */
    LIMIT_KIND_PAIR_SIZE,       /* NAME:SIZE, many (hugetlb page sizes, misc, ...) */
    LIMIT_KIND_PAIR_NUMBER,     /* NAME:NUMBER, many */
    LIMIT_KIND_PAIR_TEXT,       /* NAME:TEXT, many */
    LIMIT_KIND_CONF,            /* FILE=VALUE, many: a cgroup file by its own name */
    LIMIT_KIND_RLIMIT_SIZE,     /* SOFT[:HARD] in bytes */
    LIMIT_KIND_RLIMIT_NUMBER,   /* SOFT[:HARD] */
    LIMIT_KIND_RLIMIT_TIME,     /* SOFT[:HARD], kept in the kernel's unit (s, or us for rttime) */
};

enum limit_state {
    LIMIT_UNSET,     /* not asked for */
    LIMIT_UNLIMITED, /* asked for explicitly: no limit */
    LIMIT_SET,
};

#define LIMIT_NUMBER_UNLIMITED UINT64_MAX /* in number or hard: no limit */

/* One element of a many-valued limit. */
struct limit_entry {
    char key[64];          /* pair name, file name, or the device as the user wrote it */
    uint32_t major, minor; /* devices; UINT32_MAX is '*' in a device rule */
    uint64_t number;
    char type;      /* device rule: 'a', 'b' or 'c' */
    char access[4]; /* device rule: subset of "rwm" */
    bool allow;     /* device rule */
    char *text;     /* owned; PAIR_TEXT and CONF */
};

struct limit_value {
    enum limit_state state;
    bool percent;    /* number is millionths of the parent's limit (or of the machine) */
    uint64_t number; /* soft value for rlimits */
    uint64_t hard;   /* rlimits only */
    char *text;      /* owned; LIST and WORD */
    struct limit_entry *entries; /* owned */
    size_t n_entries;
};

/* All limits of one run. Zeroed memory is an empty set. */
struct limit_set {
    struct limit_value value[LIMIT_COUNT];
};

/* How the value of a limit becomes the text of its writes. */
enum limit_encoder {
    LIMIT_ENCODE_NUMBER,        /* the number itself, "max" for unlimited; 0 and 1 for flags */
    LIMIT_ENCODE_TEXT,          /* the word as it is */
    LIMIT_ENCODE_SIZE,          /* bytes rounded down to pages */
    LIMIT_ENCODE_CPUSET,        /* lists, seeded on both levels on v1 */
    LIMIT_ENCODE_CPU_BANDWIDTH, /* cpus, cpu, quota and period make one quota per period */
    LIMIT_ENCODE_CPU_BURST,
    LIMIT_ENCODE_CPU_SHARES, /* shares on v1, converted to a weight on v2 */
    LIMIT_ENCODE_CPU_WEIGHT, /* the other way round */
    LIMIT_ENCODE_CPU_RT,
    LIMIT_ENCODE_MEMORY, /* memory and memory-swap, whose order matters */
    LIMIT_ENCODE_OOM_CONTROL,
    LIMIT_ENCODE_IO_WEIGHT,
    LIMIT_ENCODE_IO_MAX, /* four limits that share one line per device on v2 */
    LIMIT_ENCODE_IO_LATENCY,
    LIMIT_ENCODE_HUGETLB, /* one file per page size */
    LIMIT_ENCODE_DEVICE_RULES,
    LIMIT_ENCODE_PAIR, /* "NAME VALUE", one write per entry */
    LIMIT_ENCODE_CONF,
    LIMIT_ENCODE_RLIMIT,
    LIMIT_ENCODE_SUPERVISED,
    LIMIT_ENCODE_BANDWIDTH, /* a token bucket at an end of the run's link */
    LIMIT_ENCODER_COUNT,
};

/* Static facts about a limit: one row of limits.def. */
struct limit_info {
    const char *name;    /* "memory": flag without dashes, JSON name, report name */
    char letter;         /* short option or 0 */
    const char *aliases; /* blank-separated further long names, or NULL */
    const char *metavar; /* "SIZE" */
    const char *help;    /* one line */
    const char *oci;     /* path beneath linux.resources ("memory.limit"), or NULL */
    enum limit_kind kind;
    enum controller controller;
    const char *v1_file; /* file in the controller's v1 group, or NULL: not available there */
    const char *v2_file;
    const char *v2_key; /* the word before '=' where several limits share a line of v2_file */
    unsigned feature;   /* LAYOUT_* that the file depends on, or 0 */
    enum limit_encoder encoder;
    const char *v1_default, *v2_default; /* what a fresh group has; NULL: never written again */
    uint64_t min, max;                   /* permitted range of number (max 0: no upper bound) */
    uint64_t unit_us;                    /* durations: what a number without unit means */
    const char *words;                   /* LIMIT_KIND_WORD: blank-separated */
    int rlimit;                          /* RLIMIT_*, where kind is an rlimit */
    unsigned flags;
};

#define LIMIT_ALLOW_PERCENT   (1u << 0) /* "25%" is understood */
#define LIMIT_ALLOW_UNLIMITED (1u << 1) /* "-1", "max" and "unlimited" are understood */
#define LIMIT_ZERO_UNSET      (1u << 2) /* 0 means unset, as docker has it */
#define LIMIT_MANY            (1u << 3) /* may be given several times */
#define LIMIT_SUPERVISED      (1u << 4) /* enforced by ration's own monitor */
#define LIMIT_MINUS_UNSET     (1u << 5) /* -1 means unset, as docker has it */
#define LIMIT_CLASSID         (1u << 6) /* "0x100001" and tc's "10:1" are understood too */
#define LIMIT_OUTER_ONLY      (1u << 7) /* never copied to COMMAND's own group */

const struct limit_info *limit_info(enum limit_id id);
/* As whoever asked for it calls it: "--memory", or "linux.resources.memory.limit" in an OCI document. */
void limit_name_format(enum limit_id id, bool document, char *ret, size_t size);
/* By name or alias; LIMIT_NONE when there is none. */
enum limit_id limit_find(const char *name);
bool limit_is_many(enum limit_id id);

/*
 * What parsing may ask of the world; NULL members mean that such input is refused.
 * device: the numbers of a device node's path; returns 0 or -errno.
 */
struct limit_context {
    int (*device)(void *data, const char *path, uint32_t *ret_major, uint32_t *ret_minor);
    void *data;
};

/*
 * Read text into set, adding to many-valued limits (an entry for the same device or name is replaced;
 * several entries in one text are separated by ';') and replacing others. text NULL is "true" for a
 * flag. On error the set is unchanged, the sentence names the option --NAME, and the class is ERR_USAGE.
 */
int limit_parse(enum limit_id id, const char *text, const struct limit_context *context,
                struct limit_set *set, struct err *err);
/* The value as a person would type it back: limit_parse reads it to an equal value. */
void limit_format(enum limit_id id, const struct limit_value *value, struct buf *ret);
bool limit_equal(const struct limit_value *a, const struct limit_value *b);
int limit_value_copy(const struct limit_value *from, struct limit_value *ret);
void limit_value_done(struct limit_value *value);
void limit_set_done(struct limit_set *set);
int limit_set_copy(const struct limit_set *from, struct limit_set *ret);
static inline bool limit_is_set(const struct limit_set *set, enum limit_id id)
{
    return set->value[id].state != LIMIT_UNSET;
}

/* CPU and node lists in the kernel's form ("0-3,7"). A mask holds numbers below LIST_MAX. */
#define LIST_MAX 8192
struct list_mask {
    uint64_t bits[LIST_MAX / 64];
};
/* Returns 0, -EINVAL (not a list) or -ERANGE (a number of LIST_MAX or more). "" is the empty list. */
int list_parse(const char *text, struct list_mask *ret);
void list_format(const struct list_mask *mask, struct buf *ret);
bool list_is_subset(const struct list_mask *inner, const struct list_mask *outer);
unsigned list_count(const struct list_mask *mask);

/* ---- the machine and the layout, as plain data ----------------------------------------------------- */

/* Facts of the machine that a plan depends on. machine_example() gives one for --layout and tests. */
struct machine {
    uint64_t page_bytes;
    uint64_t memory_bytes;
    uint64_t swap_bytes; /* 0: no swap device is on */
    uint64_t ticks_per_s;
    char cpus[256];           /* online CPUs as a list */
    char mems[64];            /* memory nodes with memory */
    char hugepages[128];      /* blank-separated sizes as the files are named: "2MB 1GB" */
    uint64_t rlimit_hard[16]; /* our own hard rlimits, by RLIMIT_ number */
    bool can_raise_rlimits;   /* CAP_SYS_RESOURCE is there */
};

void machine_example(struct machine *ret);

/* Where one controller can be had. */
struct layout_controller {
    int version;   /* 0 absent, 1, 2 */
    bool writable; /* groups can be made there and limits written */
    /* Why not, as half a sentence; owned by whoever made the layout, or NULL. */
    const char *obstacle;
    const char *remedy; /* the command or setting that mends it, or NULL */
};

/* Which files the kernel offers beyond the basic set. */
#define LAYOUT_MEMSW            (1u << 0) /* v1 memory.memsw.*, or v2 memory.swap.* */
#define LAYOUT_CPU_BURST        (1u << 1)
#define LAYOUT_CPU_IDLE         (1u << 2)
#define LAYOUT_CPU_RT           (1u << 3) /* v1 cpu.rt_* */
#define LAYOUT_KMEM_TCP         (1u << 4) /* v1 memory.kmem.tcp.limit_in_bytes */
#define LAYOUT_IO_WEIGHT        (1u << 5) /* v1 blkio.weight(_device) or v2 io.weight */
#define LAYOUT_IO_BFQ_WEIGHT    (1u << 6) /* blkio.bfq.weight / io.bfq.weight instead */
#define LAYOUT_IO_LATENCY       (1u << 7)
#define LAYOUT_CGROUP_KILL      (1u << 8) /* cgroup.kill */
#define LAYOUT_MEMORY_PEAK      (1u << 9)
#define LAYOUT_CPUSET_PARTITION (1u << 10)
#define LAYOUT_OOM_GROUP        (1u << 11)
#define LAYOUT_PIDS_PEAK        (1u << 12)
#define LAYOUT_SWAPPINESS       (1u << 13)
#define LAYOUT_DEVICE_BPF       (1u << 14) /* device programs can be attached to a v2 group */
#define LAYOUT_OOM_KILL_DISABLE (1u << 15)
#define LAYOUT_FEATURES_UNKNOWN (1u << 31) /* built by hand: take everything for present */

struct layout {
    const char *name; /* "hybrid", "v1", "v2", ... for people */
    struct layout_controller controller[CONTROLLER_COUNT];
    bool has_v1, has_v2;
    unsigned features;
    /* The base group's own cpuset, which children of v1 cpuset groups must be seeded with. */
    char parent_cpus[256];
    char parent_mems[64];
    uint64_t parent_memory_bytes; /* tightest memory limit above us; 0 or UINT64_MAX: none known */
};

/* The layouts of `ration plan --layout NAME`: "v1", "v2", "hybrid". Returns 0 or -EINVAL. */
int layout_example(const char *name, struct layout *ret);
#define LAYOUT_EXAMPLES "v1, v2, hybrid"

/* ---- the plan ---------------------------------------------------------------------------------------- */

enum plan_target {
    PLAN_GROUP,      /* the group that carries the limits */
    PLAN_INNER,      /* COMMAND's own group beneath it */
    PLAN_PROCESS,    /* set by the child on itself: rlimits */
    PLAN_SUPERVISOR, /* ration watches it */
    PLAN_NETWORK,    /* set at an end of the run's link, and read back there */
};

/* How the value read back is compared with the value written. */
enum plan_check {
    PLAN_CHECK_EXACT,  /* the same text */
    PLAN_CHECK_NUMBER, /* the same number; "max", -1 and the largest page multiple are one value */
    PLAN_CHECK_PAGES,  /* the same number, rounded down to pages */
    PLAN_CHECK_LIST,   /* the same set of CPU or node numbers */
    PLAN_CHECK_KEYED, /* a line that begins with the first word of the text holds its other words */
    PLAN_CHECK_ANY,   /* a file we know nothing of: any of the comparisons above may hold */
    PLAN_CHECK_DEVICES, /* devices.list, read back for all device rules of the level, holds that set */
    PLAN_CHECK_NONE,    /* the kernel offers no read-back (v2 device rules: verified otherwise) */
};

/* One write. */
struct plan_step {
    enum limit_id limit; /* the limit it serves; LIMIT_NONE for set-up such as cpuset seeding */
    uint64_t serves;     /* LIMIT_BIT of every limit that is in this write, limit itself included */
    enum controller controller; /* CONTROLLER_NONE: a core file of the v2 hierarchy ("cgroup.*") */
    int version;                /* 0 for PLAN_PROCESS, PLAN_SUPERVISOR and PLAN_NETWORK */
    enum plan_target target;
    bool best_effort; /* a default being written again: the file may be missing */
    bool document;    /* plan_options.document */
    enum plan_check check;
    char file[64];
    char *text;   /* owned: exactly the bytes written */
    char *expect; /* owned: what must be read back where that is not the text itself, or NULL */
    char *reason; /* owned, may be NULL: rounding, conversion, or why this write */
};

#define LIMIT_BIT(id) (UINT64_C(1) << (unsigned)(id))
_Static_assert(LIMIT_COUNT <= 64, "limits no longer fit into plan_step.serves");

/* A limit that this layout cannot put in force. */
struct plan_unmet {
    enum limit_id limit;
    char *why;      /* owned: half a sentence */
    char *remedy;   /* owned, may be NULL */
    char *stand_in; /* owned, may be NULL: what --best-effort puts in its place */
};

struct plan {
    struct plan_step *steps;
    size_t n_steps;
    struct plan_unmet *unmet;
    size_t n_unmet;
    unsigned controllers; /* CONTROLLER_BIT of each that needs a group */
    bool mirrored;        /* plan_options.mirror: COMMAND's own group has the controllers as well */
    /*
     * The values after rounding, per limit that is in force, in the limit's own terms (bytes where a
     * percentage was asked). What was not asked for stays unset, docker's default for memory-swap
     * included: hand this set to the next update as options->current.
     */
    struct limit_set in_force;
    bool out_of_memory;
};

enum weight_map {
    WEIGHT_MAP_OCI,    /* the OCI runtimes' current quadratic-logarithmic formula */
    WEIGHT_MAP_LINEAR, /* shares * 100 / 1024, as systemd and libcgroup have it */
};

struct plan_options {
    enum weight_map weight_map;
    bool best_effort;
    /* What must be measured besides: CONTROLLER_BIT mask of groups wanted for their figures. */
    unsigned measure;
    /* Update of a live group: the values now in force, which decide the order of writes. */
    const struct limit_set *current;
    /* The groups were used before: what is not asked for is written again at its default first. */
    bool reset;
    /*
     * COMMAND's own group gets the limits too: programs look for them there. What counts still stands one
     * level above.
     */
    bool mirror;
    /* Take values above the machine as they are (orchestrators give such) instead of refusing. */
    bool beyond_machine;
    /* The limits are those of an OCI document: sentences name them as it does. */
    bool document;
    /* The run has a link of its own; and may COMMAND change what is set at its end of it? */
    bool network, network_open;
    /* Only what set says: docker's default, a total of twice the memory, is not added. */
    bool literal;
};

/*
 * The ordered writes that put set in force on this layout. Pure.
 *
 * Unsatisfiable limits: with best_effort they are listed in plan->unmet (a stand-in rlimit is planned
 * where there is one); without, the first of them is the error (ERR_REFUSED), one sentence with the
 * remedy. Contradictions between limits (swap below memory, quota with cpus) are ERR_USAGE.
 * Returns 0 and a plan that the caller frees, or -errno.
 */
int limits_plan(const struct limit_set *set, const struct layout *layout,
                const struct machine *machine, const struct plan_options *options,
                struct plan **ret, struct err *err);
void plan_free(struct plan *plan);
void plan_freep(struct plan **plan);

/* A limit of a group above ours that is tighter than the planned one, for plan and report. */
struct plan_ceiling {
    enum limit_id limit;
    char *path, *value; /* owned by whoever holds the list */
};

/* Does what the kernel reads back satisfy this step? Pure; used by cgroup and spawn. */
bool plan_step_matches(const struct plan_step *step, const char *read_back,
                       const struct machine *machine);

/* The OCI shares-to-weight conversions (1..10000 on v2). */
uint64_t weight_from_shares(uint64_t shares, enum weight_map map);
uint64_t weight_from_blkio(uint64_t weight); /* 10..1000 to 1..10000 */
/* The largest number of shares that becomes at most this weight (1..10000): 100 is 1024 shares. */
uint64_t weight_to_shares(uint64_t weight, enum weight_map map);
