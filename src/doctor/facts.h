/*
 * doctor, private: what is known of the machine, and the checks that judge it.
 *
 * Reading (facts.c, probe.c, groups.c) and judging (check_*.c) are apart: a check is a pure function
 * of struct facts, so that it can be tested with facts of machines that are not at hand.
 */
#pragma once

#include "cgroup/cgroup.h"
#include "doctor/doctor.h"
#include "limit/limit.h"

/* ---- files that are read whole ------------------------------------------------------------------ */

enum fact_file {
    FILE_CMDLINE,
    FILE_FILESYSTEMS,
    FILE_SWAPS,
    FILE_MOUNTS, /* /proc/self/mountinfo */
    FILE_STATUS,
    FILE_LIMITS,
    FILE_PRESSURE,
    FILE_FORWARDING,
    FILE_MAX_USERNS,
    FILE_USERNS_CLONE,
    FILE_USERNS_APPARMOR,
    FILE_SECCOMP_ACTIONS,
    FILE_FIRST_PROCESS, /* /proc/1/comm */
    FILE_PASSWD,
    FILE_SUBUID,
    FILE_SUBGID,
    FILE_COUNT,
};

/* ---- what only the running kernel can tell -------------------------------------------------------- */

enum probe_call {
    PROBE_CLONE3,
    PROBE_OPENAT2,
    PROBE_PIDFD_OPEN,
    PROBE_CLOSE_RANGE,
    PROBE_FSOPEN,
    PROBE_OPEN_TREE,
    PROBE_MOVE_MOUNT,
    PROBE_MOUNT_SETATTR,
    PROBE_COUNT,
};

/* 0: works; -errno: why not. Meaningless unless done. */
struct probes {
    bool done;
    int call[PROBE_COUNT]; /* 0: the kernel has it, whatever it said to our nonsense */
    int userns;            /* making a user namespace */
    int userns_mount;      /* mounting in it */
    int userns_overlay;    /* an overlay in it */
    int terminal;          /* opening a new pseudo-terminal */
};

const char *probe_call_name(enum probe_call call);
void probes_run(struct probes *ret);

/* ---- facts ------------------------------------------------------------------------------------------ */

enum helper_state { HELPER_ABSENT, HELPER_POWERLESS, HELPER_READY };

/* A group of ours without a record. */
struct stray {
    char *path; /* owned: absolute, only printable */
    bool populated;
};

#define FACTS_HIERARCHIES 32

struct facts {
    unsigned uid;
    bool rootless;
    char release[66];

    const struct layout *layout; /* NULL: cgroups could not be looked at */
    char cgroups_error[480];
    struct hierarchy_info hierarchy[FACTS_HIERARCHIES];
    size_t n_hierarchies;

    struct {
        int error; /* 0, or -errno why there is no text */
        struct buf text;
    } file[FILE_COUNT];
    struct buf disks; /* "NAME SCHEDULER [CHOSEN] ...", a line per disk */
    enum helper_state newuidmap;
    bool systemd;        /* /run/systemd/system is there: it runs as the system's manager */
    bool overlay_module; /* a module of that name can be loaded */
    struct probes probes;

    /* The run directory and what is in it. */
    char *run_path; /* owned */
    int run_error;  /* 0; -ENOENT: not there yet; else it cannot be used */
    bool run_full;
    char run_sentence[480]; /* why it cannot be used */
    unsigned live;
    char **dead; /* owned: names of dead runs */
    unsigned reclaimed, reclaim_failed;
    char reclaim_sentence[480]; /* the first failure */

    struct stray *strays; /* owned */
    size_t n_strays;
    unsigned strays_removed;
    bool out_of_memory;
};

/* Text of a file, "" when it could not be read. */
const char *facts_text(const struct facts *facts, enum fact_file file);
int facts_read(const struct doctor_options *options, int root_fd, struct facts *ret);
void facts_done(struct facts *facts);
/* The whole number that a text consists of (a sysctl file). */
bool facts_number(const struct facts *facts, enum fact_file file, uint64_t *ret);
/* Does a file list this word in a line or between blanks? */
bool text_has_word(const char *text, const char *word);
/* Open what is named by an absolute path beneath root_fd (-1: the real root), or -errno. */
int facts_open(int root_fd, const char *path, int flags);

/* The run directory: looked at, and with options->fix, cleared of dead runs. */
int run_directory_read(const struct doctor_options *options, struct facts *facts);
/* Groups of ours without a record, and with fix, away with the empty ones. Needs hierarchies and records. */
int strays_read(const struct doctor_options *options, struct facts *facts);

/* ---- checks ----------------------------------------------------------------------------------------- */

struct check {
    const char *id, *title;
    void (*fn)(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
    unsigned arg;
};

/* Fill in a finding; a text that cannot be allocated stays NULL, which doctor_check() notices. */
void finding_set(struct doctor_finding *f, enum doctor_verdict verdict, const char *fmt, ...)
    _printf_(3, 4);
void finding_why(struct doctor_finding *f, const char *fmt, ...) _printf_(2, 3);
void finding_mend(struct doctor_finding *f, const char *fmt, ...) _printf_(2, 3);

extern const struct check check_table[];
extern const size_t check_count;

void check_layout(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_controller(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_delegation(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_manager(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_mount_options(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_kill(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_cpuset(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_swap(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_disks(const struct facts *facts, unsigned arg, struct doctor_finding *ret);

void check_forwarding(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_pressure(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_calls(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_seccomp(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_overlay(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_terminal(const struct facts *facts, unsigned arg, struct doctor_finding *ret);

void check_capabilities(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_rlimits(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_userns(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_id_ranges(const struct facts *facts, unsigned arg, struct doctor_finding *ret);

void check_run_directory(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_records(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
void check_strays(const struct facts *facts, unsigned arg, struct doctor_finding *ret);
