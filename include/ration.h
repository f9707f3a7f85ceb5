/*
 * libration: run commands under limits that are really in force, and learn truthfully what they used
 * and why they ended.
 *
 *     struct ration *ration;
 *     struct ration_spec *spec;
 *     struct ration_run *run;
 *     struct ration_error error;
 *
 *     ration_open(NULL, &ration, &error);
 *     ration_spec_new(ration, &spec, &error);
 *     ration_spec_set(spec, "memory", "50m", &error);
 *     ration_spec_set_command(spec, (const char *[]){"/bin/true", NULL}, &error);
 *     ration_start(ration, spec, &run, &error);
 *     ration_wait(run, &result, &error);
 *     ration_result_write(result, "json", 1, &error);
 *
 * Conventions. Functions return 0 (or a documented positive outcome) or a negative errno value, and
 * then fill the caller's struct ration_error (which may be NULL). The library never prints and never
 * exits. Objects are opaque; each is used by one thread at a time, different objects by different
 * threads freely. Strings returned belong to the object they came from.
 */
#ifndef RATION_H
#define RATION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATION_API __attribute__((visibility("default")))

struct ration;        /* the machine as found: layout, run directory */
struct ration_spec;   /* the description of a run, editable */
struct ration_run;    /* a run under way */
struct ration_result; /* what happened */

/* One failure, told in one sentence. */
struct ration_error {
    int code;        /* positive errno */
    int exit_status; /* what a program that fails with it should end with: 2, 125, 126 or 127 */
    char step[24];   /* where in a launch it arose, or "" */
    char text[480];
};

/* ---- the machine ---------------------------------------------------------------------------------- */

struct ration_options {
    const char *state_dir; /* NULL: /run/ration, or $XDG_RUNTIME_DIR/ration when not root */
};

/* Nothing is written by opening. options may be NULL. */
RATION_API int ration_open(const struct ration_options *options, struct ration **ret,
                           struct ration_error *error);
RATION_API void ration_close(struct ration *ration);

/*
 * Undo what killed runs left: processes, groups, records. Every ration_start() does this by itself.
 * Returns the number of runs reclaimed, or -errno when something could not be removed.
 */
RATION_API int ration_reclaim(struct ration *ration, struct ration_error *error);

/* Check this machine. Writes the findings in format "text" or "json" to fd; with fix, mends what is
 * ours to mend. Returns the number of findings that need attention, or -errno. */
RATION_API int ration_doctor(struct ration *ration, const char *format, int fix, int fd,
                             struct ration_error *error);

RATION_API const char *ration_version(void);

/* ---- options: the same names, values and meanings as the command line's ----------------------------- */

enum ration_option_kind {
    RATION_OPTION_FLAG,
    RATION_OPTION_VALUE,
    RATION_OPTION_MANY,
};

struct ration_option {
    const char *name;    /* "memory" */
    char letter;         /* 'm', or 0 */
    const char *aliases; /* blank-separated further names, or NULL */
    const char *metavar; /* "SIZE", NULL for flags */
    const char *help;
    const char *group; /* heading */
    enum ration_option_kind kind;
};

RATION_API size_t ration_option_count(void);
/* Fills *ret; returns -ENOENT beyond the end. */
RATION_API int ration_option_at(size_t index, struct ration_option *ret);
RATION_API int ration_option_find(const char *name, struct ration_option *ret);
RATION_API int ration_option_find_letter(char letter, struct ration_option *ret);

/* ---- describing a run --------------------------------------------------------------------------------- */

RATION_API int ration_spec_new(struct ration *ration, struct ration_spec **ret,
                               struct ration_error *error);
RATION_API void ration_spec_free(struct ration_spec *spec);
/* Set an option by its long name; value NULL for a flag. */
RATION_API int ration_spec_set(struct ration_spec *spec, const char *name, const char *value,
                               struct ration_error *error);
/* argv is NULL-terminated and copied. */
RATION_API int ration_spec_set_command(struct ration_spec *spec, const char *const *argv,
                                       struct ration_error *error);
/* What COMMAND gets as stdin, stdout, stderr; default 0, 1, 2. -1: /dev/null. Not taken over. */
RATION_API int ration_spec_set_stdio(struct ration_spec *spec, int in, int out, int err,
                                     struct ration_error *error);
/* How much is read at the end; each figure costs system calls, and some a group. */
enum ration_measure {
    RATION_MEASURE_GROUPS,  /* what the groups count that the limits need anyway; the default */
    RATION_MEASURE_NOTHING, /* how COMMAND ended, no more */
    RATION_MEASURE_ALL,     /* groups are made for figures alone, too */
};
RATION_API int ration_spec_set_measure(struct ration_spec *spec, enum ration_measure measure,
                                       struct ration_error *error);

/*
 * Write the plan: every write that ration_start() would make, in order, with the reason of each
 * rounding or conversion. layout is "here", "v1", "v2" or "hybrid"; format "text" or "json".
 * Touches nothing and needs no privilege.
 */
RATION_API int ration_plan_write(struct ration *ration, const struct ration_spec *spec,
                                 const char *layout, const char *format, int fd,
                                 struct ration_error *error);

/* The same for the container that an OCI bundle describes: the directory's config.json. */
RATION_API int ration_plan_write_bundle(struct ration *ration, const char *bundle,
                                        const char *layout, const char *format, int fd,
                                        struct ration_error *error);

/* ---- running --------------------------------------------------------------------------------------------- */

/*
 * Put the limits in force, read them back, and start COMMAND. The spec can be used again afterwards.
 * When the limits cannot be put in force nothing is started and nothing is left.
 */
RATION_API int ration_start(struct ration *ration, const struct ration_spec *spec,
                            struct ration_run **ret, struct ration_error *error);
/*
 * Wait for the end, watch the limits that ration itself enforces, clean up, and give the result. A
 * COMMAND that could not be executed is a result too (cause failed_to_start).
 */
RATION_API int ration_wait(struct ration_run *run, struct ration_result **ret,
                           struct ration_error *error);
RATION_API const char *ration_run_name(const struct ration_run *run);
/*
 * Send a signal to COMMAND; before COMMAND has begun it is kept, and sent by ration_wait(). May be called
 * from another thread while one is in ration_wait(). If that signal ends COMMAND, the cause is "stopped".
 */
RATION_API int ration_kill(struct ration_run *run, int signal, struct ration_error *error);
/*
 * Change a limit of a live run, with read-back; every limit that the kernel can change. All of it is in
 * force afterwards, or on error as before: a memory limit below what is in use and cannot be reclaimed, for
 * one, is refused with that number. May be called from another thread while one is in ration_wait().
 */
RATION_API int ration_update(struct ration_run *run, const char *limit, const char *value,
                             struct ration_error *error);
/* Stop all processes of the run, or let them go on. May be called from another thread likewise. */
RATION_API int ration_freeze(struct ration_run *run, int frozen, struct ration_error *error);
/* Ends the run if it still lives, cleans up, frees. */
RATION_API void ration_run_free(struct ration_run *run);

/*
 * What a program in the foreground does: start, forward signals, relay the terminal, wait. Returns 0
 * and the result. Changes this process's signal mask and terminal while it runs, and restores both.
 */
RATION_API int ration_run_foreground(struct ration *ration, const struct ration_spec *spec,
                                     struct ration_result **ret, struct ration_error *error);

/* ---- the result -------------------------------------------------------------------------------------------- */

RATION_API void ration_result_free(struct ration_result *result);
/* "exited", "signalled", "memory", "wall_time", ... (docs/result.md) */
RATION_API const char *ration_result_cause(const struct ration_result *result);
/* "own", "ancestor", "machine", or NULL when no limit was involved. */
RATION_API const char *ration_result_whose(const struct ration_result *result);
/* The verdict as one sentence. */
RATION_API const char *ration_result_sentence(const struct ration_result *result);
/* The error of a COMMAND that failed to start, or NULL. */
RATION_API const char *ration_result_error(const struct ration_result *result);
/* COMMAND's exit status, or -1 when it did not exit by itself. */
RATION_API int ration_result_exit_status(const struct ration_result *result);
/* The signal that ended COMMAND, or 0. */
RATION_API int ration_result_signal(const struct ration_result *result);
/* 0..255: what a foreground program should end with. */
RATION_API int ration_result_program_status(const struct ration_result *result);
/* A figure by name ("cpu_total_us", docs/result.md). Returns 1 and the value, 0 when it is not known,
 * -ENOENT for no such name. *ret_source (may be NULL): the kernel source it was read from. */
RATION_API int ration_result_metric(const struct ration_result *result, const char *name,
                                    uint64_t *ret_value, const char **ret_source);
/* Formats: "text", "json", "isolate", "runexec", "gnu-time", "go-judge". */
RATION_API int ration_result_write(const struct ration_result *result, const char *format, int fd,
                                   struct ration_error *error);
RATION_API const char *ration_format_at(size_t index); /* NULL beyond the end */

#ifdef __cplusplus
}
#endif

#endif
