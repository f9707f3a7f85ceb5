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
    /* NULL: /var/lib/ration, or $XDG_DATA_HOME/ration or ~/.local/share/ration when not root */
    const char *data_dir;
    /* The program that is executed as "ration monitor ID" for a container of its own; NULL: this very one
     * when it is called ration, else the installed one. */
    const char *program;
    int last; /* the process ends after ration_run_foreground(): what a run held of memory and descriptors is
                 left to the kernel to take; groups and record are removed */
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
/*
 * Run this image instead of a command of the host's: a name in the store, an id or its beginning, "oci:PATH",
 * "docker-archive:PATH" or "dir:PATH". It is looked for when the run starts (option pull says whether its
 * registry may be asked); what it says of entrypoint, command, environment, user, working directory, stop
 * signal and volumes is the default that options override. What the run writes goes with the run. NULL: none.
 */
RATION_API int ration_spec_set_image(struct ration_spec *spec, const char *image,
                                     struct ration_error *error);
/* 0 when there is such an image; -ENOENT, and a sentence that says how to get it. */
RATION_API int ration_image_find(struct ration *ration, const char *image,
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

/*
 * A further process in a live run, by the run's name, whoever supervises it: spec's COMMAND with what it sets of tty,
 * interactive, env, env-file, workdir, user and privileged; the rest, limits above all, is the run's. Without
 * "interactive" its standard input is empty. In the foreground like ration_run_foreground(); *ret_status is
 * then 0..255, what a foreground program should end with. detach: it lives on by itself, and *ret_status is 0.
 */
RATION_API int ration_exec(struct ration *ration, const char *name, const struct ration_spec *spec,
                           int detach, int *ret_status, struct ration_error *error);

struct ration_process {
    pid_t pid, parent_pid; /* as we see them */
    pid_t inner_pid;       /* as the run sees it */
    uid_t uid;             /* as we see it */
    char state;            /* proc_pid_stat(5) */
    unsigned threads;
    uint64_t cpu_us, rss_bytes;
    uint64_t started_us; /* since 1970 */
    const char *name;    /* 15 bytes of the program's */
    const char *command; /* the whole, on one line */
};
typedef int (*ration_process_fn)(void *data, const struct ration_process *process);
/*
 * The processes of a container, or of a live run by its name, in the order of their numbers. One that ends meanwhile
 * is left out. fn returns 0 to go on.
 */
RATION_API int ration_top(struct ration *ration, const char *name, ration_process_fn fn, void *data,
                          struct ration_error *error);

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

/* ---- lists and templates ------------------------------------------------------------------------------------ */

/*
 * What `ps` and its like print, and what --format makes of it: NULL or "table" is a table of the columns, "json"
 * one object a line, "table TEMPLATE" a table of what the template names, anything else a template for each
 * row ("{{.Names}}: {{.Status}}", in the manner of Go's text/template).
 */
struct ration_column {
    const char *field;   /* its name in templates and JSON, docker's where docker has it: "ID" */
    const char *heading; /* "CONTAINER ID" */
    int hidden;          /* not in a table that nobody has said the columns of */
};
struct ration_table;
/* The format is checked here. columns are copied, their texts are not. */
RATION_API int ration_table_new(const struct ration_column *columns, size_t n, const char *format,
                                struct ration_table **ret, struct ration_error *error);
/* One row: a text for each column in order, NULL for none. Copied. */
RATION_API int ration_table_add(struct ration_table *table, const char *const *values,
                                struct ration_error *error);
RATION_API int ration_table_write(const struct ration_table *table, int fd,
                                  struct ration_error *error);
RATION_API void ration_table_free(struct ration_table *table);
/*
 * JSON documents as `inspect` prints them: format NULL is a list of them over many lines, "json" the same on one,
 * anything else a template for each.
 */
RATION_API int ration_documents_write(const char *const *documents, size_t n, const char *format,
                                      int fd, struct ration_error *error);
/* What a template makes of one of them, for programs: without a newline behind it. Freed with free(). */
RATION_API int ration_document_format(const char *document, const char *format, char **ret,
                                      struct ration_error *error);

/* ---- containers ------------------------------------------------------------------------------------------ */

/*
 * A container is a run with a directory of its own beneath the data directory: its description, which is
 * kept so that it can be started again, the file system that it writes to, its log, its state and how it
 * ended. One process per running container, the monitor, supervises it; there is no daemon.
 *
 * `who` names a container: its name, its id of 64 hexadecimal digits, or the beginning of one that no other
 * container's id has. Unknown and ambiguous ones are errors of one sentence (exit_status 125). Calls that
 * change a container wait up to ten seconds for one another, then fail with EBUSY.
 */
#define RATION_ID_SIZE 65 /* with the final NUL */

struct ration_create {
    const char *image; /* as `ration run` takes it; NULL: the host's root, or option rootfs */
    int hold; /* it is started next with the same struct ration; until then nobody else gets at it */
};

/*
 * Make a container of this description. Options name, label, restart, log-opt, rm and those of health
 * checks in the spec are the container's own. Without a name it gets one, of two words. A name that is taken
 * is exit_status 2 and says who has it. create may be NULL.
 */
RATION_API int ration_container_create(struct ration *ration, const struct ration_spec *spec,
                                       const struct ration_create *create,
                                       char ret_id[RATION_ID_SIZE], struct ration_error *error);
/* The id of a container. */
RATION_API int ration_container_find(struct ration *ration, const char *who,
                                     char ret_id[RATION_ID_SIZE], struct ration_error *error);

/* ---- its output and input: being attached */

struct ration_attachment;

/*
 * What is joined to the container's stdio; each may be -1. in: the read end of a pipe, or a socket, that the
 * container's stdin is read from when it was created with option interactive; its end is the end of stdin
 * unless there is a terminal. out, err: the write ends of pipes (with a terminal all output comes to out).
 * They are made non-blocking: what does not fit into the pipe is dropped for this client alone and counted,
 * so that nobody who reads slowly holds up the container; the log has all of it. The caller may close his
 * copies when the call has returned, and must, to see the end.
 */
struct ration_attach {
    int in, out, err;
    unsigned short rows, columns; /* of the client's terminal; 0: not told */
};

enum ration_attach_event {
    RATION_ATTACH_NOTHING, /* nothing to tell yet */
    RATION_ATTACH_EXITED,  /* the container has ended; value: its exit status (0..255) */
    RATION_ATTACH_DROPPED, /* value: bytes of output that this client was too slow for, since the last */
    RATION_ATTACH_GONE, /* the monitor has gone without a word: it was killed */
};

RATION_API int ration_container_attach(struct ration *ration, const char *who,
                                       const struct ration_attach *attach,
                                       struct ration_attachment **ret, struct ration_error *error);
/* Readable when there is something to tell. */
RATION_API int ration_attachment_fd(const struct ration_attachment *attachment);
RATION_API int ration_attachment_read(struct ration_attachment *attachment,
                                      enum ration_attach_event *ret_event, uint64_t *ret_value,
                                      struct ration_error *error);
RATION_API int ration_attachment_resize(struct ration_attachment *attachment, unsigned short rows,
                                        unsigned short columns, struct ration_error *error);
/* Detach; the container goes on. */
RATION_API void ration_attachment_close(struct ration_attachment *attachment);

/* ---- changing it */

/*
 * Start it, with a monitor of its own; returns when COMMAND has begun, or with the sentence why it has not.
 * attach, ret_attachment: as ration_container_attach(), before COMMAND begins, so that nothing of its output
 * is missed; both NULL: not. Starting a running one is no error and returns 1.
 */
RATION_API int ration_container_start(struct ration *ration, const char *who,
                                      const struct ration_attach *attach,
                                      struct ration_attachment **ret_attachment,
                                      struct ration_error *error);
/*
 * Start it with this process as its monitor, stdio joined to the caller's, as ration_run_foreground() does.
 * A container with option rm is gone when this returns.
 */
RATION_API int ration_container_run_foreground(struct ration *ration, const char *who,
                                               const int stdio[3], struct ration_result **ret,
                                               struct ration_error *error);
/* What the program that options.program names does as "monitor ID": fd 3 is whoever waits for the start. */
RATION_API int ration_container_monitor(struct ration *ration, const char *id,
                                        struct ration_error *error);
/* The stop signal, then SIGKILL after timeout_us (UINT64_MAX: the container's own stop timeout). Returns
 * when it has ended, its restart policy too; 1 when it was not running. */
RATION_API int ration_container_stop(struct ration *ration, const char *who, uint64_t timeout_us,
                                     struct ration_error *error);
/* signal: "TERM", "SIGTERM", "15"; NULL: SIGKILL. */
RATION_API int ration_container_signal(struct ration *ration, const char *who, const char *signal,
                                       struct ration_error *error);
RATION_API int ration_container_pause(struct ration *ration, const char *who, int paused,
                                      struct ration_error *error);

struct ration_setting {
    const char *name, *value; /* an option: any limit, or "restart" */
};
/*
 * Change limits, of a running container at once and with read-back, and in its description for later starts.
 * All of them or none. force: also where the kernel would kill for it.
 */
RATION_API int ration_container_update(struct ration *ration, const char *who,
                                       const struct ration_setting *settings, size_t n, int force,
                                       struct ration_error *error);
RATION_API int ration_container_rename(struct ration *ration, const char *who, const char *name,
                                       struct ration_error *error);
enum ration_remove_flags {
    RATION_REMOVE_FORCE = 1,   /* end it first if it runs; one that is not there is no error */
    RATION_REMOVE_VOLUMES = 2, /* and the volumes without a name that only it has */
};
RATION_API int ration_container_remove(struct ration *ration, const char *who, unsigned flags,
                                       struct ration_error *error);
/* Wait until it does not run and will not be restarted. *ret_status: 0..255, or 137 for one that was killed
 * with its monitor. */
RATION_API int ration_container_wait(struct ration *ration, const char *who, int *ret_status,
                                     struct ration_error *error);

/* ---- looking at it */

/* Strings belong to the visit. Times are microseconds since 1970; 0: it has not come to that. */
struct ration_container {
    const char *id;
    const char *name;
    const char *image;    /* as it was asked for; "" for the host's root, a path for a rootfs */
    const char *image_id; /* its digest, or "" */
    const char *command;  /* on one line */
    const char *status;   /* "created", "running", "paused", "restarting", "exited" */
    const char *
        status_text; /* for people: "Up 3 minutes", "Exited (137) memory: own limit, 5 seconds ago" */
    const char *health; /* "starting", "healthy", "unhealthy", or "" */
    const char *ports;  /* published ports, for people */
    const char *networks;
    const char *mounts;                   /* comma-separated volumes and sources */
    const char *cause, *whose, *sentence; /* of the last end, as in a result; or "" */
    const char *directory;                /* ours */
    const char *const *labels;            /* "key=value", NULL-terminated */
    uint64_t created_us, started_us, finished_us;
    pid_t pid;       /* of COMMAND as the host sees it, 0: none */
    int exit_status; /* of the last end, 0..255; -1: none yet, or not known */
    unsigned restarts;
};

typedef int (*ration_container_fn)(void *data, const struct ration_container *container);

/*
 * Each container, the newest first. filters: "key=value", NULL-terminated or NULL (id, name, label, status,
 * exited, ancestor, before, since, health, volume, network); all: not the running ones alone. fn returns 0
 * to go on; anything else ends the visit and is returned.
 */
RATION_API int ration_container_visit(struct ration *ration, int all, const char *const *filters,
                                      ration_container_fn fn, void *data,
                                      struct ration_error *error);
/* All that is known of it, as one JSON object with docker's names for its members. Freed with free(). */
RATION_API int ration_container_inspect(struct ration *ration, const char *who, char **ret_json,
                                        struct ration_error *error);

/* The same of an image: of a name, an id or the beginning of one. -ENOENT: there is none. */
RATION_API int ration_image_inspect(struct ration *ration, const char *name, char **ret_json,
                                    struct ration_error *error);

struct ration_log_options {
    int follow;
    uint64_t tail;               /* so many entries of the end; UINT64_MAX: all */
    uint64_t since_us, until_us; /* since 1970; 0: no bound */
};
struct ration_log_entry {
    uint64_t time_ns; /* since 1970 */
    int stream;       /* 1: stdout, 2: stderr */
    const char *
        text; /* the bytes as they were written, with the newline; one without goes on in the next */
    size_t length;
};
typedef int (*ration_log_fn)(void *data, const struct ration_log_entry *entry);
/* fn returns 0 to go on. With follow this returns when the container has ended. */
RATION_API int ration_container_logs(struct ration *ration, const char *who,
                                     const struct ration_log_options *options, ration_log_fn fn,
                                     void *data, struct ration_error *error);

struct ration_event_options {
    int follow;
    uint64_t since_us, until_us; /* since 1970; 0: no bound */
    const char *const *filters;  /* "key=value": container, event, image, label, type; or NULL */
};
/* json: the event on one line, without newline. */
struct ration_event {
    uint64_t time_ns;
    const char *type, *action, *id, *name, *image;
    const char *attributes; /* "image=..., name=..." for people */
    const char *json;
};
typedef int (*ration_event_fn)(void *data, const struct ration_event *event);
RATION_API int ration_events(struct ration *ration, const struct ration_event_options *options,
                             ration_event_fn fn, void *data, struct ration_error *error);

/* Remove the containers that do not run. filters: label, until; fn (may be NULL) gets each that has gone. */
RATION_API int ration_container_prune(struct ration *ration, const char *const *filters,
                                      ration_container_fn fn, void *data, uint64_t *ret_bytes,
                                      struct ration_error *error);

/* ---- volumes ---------------------------------------------------------------------------------------------- */

/* A directory that outlives the containers it is mounted in. */
struct ration_volume {
    const char *name;
    const char *directory;     /* where its content lies */
    const char *const *labels; /* "key=value", NULL-terminated, or NULL */
    uint64_t created_us;       /* since 1970 */
    int anonymous;             /* it was given its name by us: --volume TARGET, or an image's */
    int used;                  /* by a run or a container */
};
/* Returns 1 when it is there already; nothing changes then. labels may be NULL. */
RATION_API int ration_volume_create(struct ration *ration, const char *name,
                                    const char *const *labels, struct ration_error *error);
/* EBUSY while a run or a container has it. force: one that is not there is no error. */
RATION_API int ration_volume_remove(struct ration *ration, const char *name, int force,
                                    struct ration_error *error);
/*
 * Each volume in the order of names, or the one that name names. Strings, and json, all of it as an object with docker's
 * names, belong to the visit. fn returns 0 to go on.
 */
typedef int (*ration_volume_fn)(void *data, const struct ration_volume *volume, const char *json);
RATION_API int ration_volume_each(struct ration *ration, const char *name, ration_volume_fn fn,
                                  void *data, struct ration_error *error);

/* ---- networks of containers ------------------------------------------------------------------------------ */

/* Texts may be NULL, and mtu 0, for what is chosen then. */
struct ration_network {
    const char *name;
    const char *subnet, *gateway; /* "10.89.0.0/24", "10.89.0.1" */
    unsigned mtu;
    int internal;              /* no way out of it, nor in */
    const char *const *labels; /* "KEY=VALUE", NULL-terminated */
};
RATION_API int ration_network_create(struct ration *ration, const struct ration_network *network,
                                     struct ration_error *error);
/* -EBUSY while a container is in it. */
RATION_API int ration_network_remove(struct ration *ration, const char *name,
                                     struct ration_error *error);
/*
 * Each network in the order of names, or the one that name names: what it is, the number of containers in it, and
 * all of it as JSON. fn returns 0 to go on.
 */
typedef int (*ration_network_fn)(void *data, const struct ration_network *network,
                                 unsigned containers, const char *json);
RATION_API int ration_network_each(struct ration *ration, const char *name, ration_network_fn fn,
                                   void *data, struct ration_error *error);

#ifdef __cplusplus
}
#endif

#endif
