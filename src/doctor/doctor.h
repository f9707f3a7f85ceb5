/*
 * doctor: looks at a machine with ration's eyes and says what stands in the way of limits that hold:
 * where each controller is, what is not delegated, which kernel interfaces are missing, what killed
 * runs have left. One row per check, one finding per row, each with a verdict and, where something
 * is to be done, the command that does it.
 *
 * Nothing is changed but, with `fix`, what is ours: records and groups of runs that are dead.
 */
#pragma once

#include "base/base.h"
#include "state/state.h"

enum doctor_verdict {
    DOCTOR_OK,
    DOCTOR_NOTE, /* something is not to be had, which most runs do not miss */
    DOCTOR_WARN, /* some option is refused, or a figure is missing */
    DOCTOR_BAD,  /* ration cannot do its main work */
    DOCTOR_VERDICT_COUNT,
};

/* "ok", "note", "warn", "bad". */
const char *doctor_verdict_name(enum doctor_verdict verdict);

struct doctor_finding {
    const char *id;    /* "swap-accounting": stable, for programs */
    const char *title; /* for people */
    enum doctor_verdict verdict;
    char *found;  /* owned: what there is, without final dot */
    char *why;    /* owned, may be NULL: why it matters */
    char *mend;   /* owned, may be NULL: the command or setting that mends it */
    bool fixable; /* doctor_check() with fix mends it */
    bool fixed;   /* and has just done so */
};

struct doctor_report {
    struct doctor_finding *findings; /* owned */
    size_t n_findings;
    unsigned count[DOCTOR_VERDICT_COUNT];
    char release[66]; /* of the kernel */
    unsigned uid;
    bool rootless;
};

struct doctor_options {
    /* Directory that stands for "/" (fixtures): files are read beneath it and the running kernel is
     * not asked anything. -1: the real one. */
    int root_fd;
    bool rootless;
    const char *state_dir; /* NULL: the default */
    const char *parent;    /* --cgroup-parent, or NULL */
    /* Clear away what dead runs left. reclaim undoes what a record names; NULL: records are let be. */
    bool fix;
    record_reclaim_fn reclaim;
    void *reclaim_data;
};

/* Run every check. Returns 0 and a report that the caller frees, or -errno. */
int doctor_check(const struct doctor_options *options, struct doctor_report **ret, struct err *err);
void doctor_report_free(struct doctor_report *report);
void doctor_report_freep(struct doctor_report **report);
/* How many findings need attention: warn and bad. */
unsigned doctor_attention(const struct doctor_report *report);

/* One line per check, what mends it beneath, and a last line that counts. */
int doctor_print_text(const struct doctor_report *report, struct buf *ret, struct err *err);
/*
 * {"ration", "kernel", "user", "rootless", "checks": [{"id", "title", "verdict", "found", "why",
 * "mend", "fixable", "fixed"}], "summary": {"ok", "note", "warn", "bad"}}; absent texts are null.
 */
int doctor_print_json(const struct doctor_report *report, struct buf *ret, struct err *err);
