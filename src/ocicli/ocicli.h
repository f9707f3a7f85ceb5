/*
 * ocicli: the command line that the clients of OCI runtimes call: podman, containerd, Docker, buildah, Slurm.
 * Options, exit statuses and the words that clients look for are those of runc and crun.
 *
 *   ration-oci [GLOBAL OPTION...] COMMAND [OPTION...] ID [ARG...]
 *
 * Like cli, the only room of its program that prints and the only one that exits.
 */
#pragma once

#include "base/base.h"
#include "oci/oci.h"
#include "run/container.h"

#define OCICLI_PROGRAM "ration-oci"
#define OCICLI_FAILED  1
#define OCICLI_ID_MAX  128 /* more is no name of a record */

/* ---- options: one row each, in the table of their command ------------------------------------------ */

enum cli_kind {
    CLI_FLAG,     /* bool: --detach, --detach=false */
    CLI_TEXT,     /* const char *: the value as it is */
    CLI_WORD,     /* const char *: one of the words of metavar, "table|json" */
    CLI_NUMBER,   /* unsigned */
    CLI_DURATION, /* uint64_t, microseconds; without unit it is seconds */
    CLI_LIST,     /* char **: every value given */
    CLI_IGNORED,  /* understood, has a value, and changes nothing here */
    CLI_IGNORED_FLAG,
};

struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* or 0 */
    enum cli_kind kind;
    size_t offset;       /* of the member of the command's values that it sets */
    const char *metavar; /* NULL for flags */
    const char *help;
    const char *alias; /* another name, or NULL */
};

/* ---- commands: one file each, which opens with this declaration --------------------------------------- */

struct session;

struct command {
    const char *name;
    const char *args;        /* after the options, in the usage line; "" when there are none */
    const char *summary;     /* one line, no final dot */
    const char *description; /* paragraphs for --help, or NULL */
    const struct cli_option *options;
    size_t n_options;
    size_t values_size; /* of the structure that the options fill; zeroed before */
    unsigned min_operands, max_operands;
    bool takes_id;      /* the first operand is a container's id, and is checked */
    bool starts;        /* processes of a container's, which must not reach our own program */
    int failure_status; /* 0: OCICLI_FAILED */
    /* Gives the exit status, or -errno with err filled. */
    int (*run)(struct session *session, const void *values, char *const *operands, struct err *err);
};

#define OPERANDS_ANY ~0u

extern const struct command checkpoint_command, create_command, delete_command, events_command,
    exec_command, features_command, help_command, kill_command, list_command, pause_command,
    ps_command, restore_command, resume_command, run_command, spec_command, start_command,
    state_command, update_command;

/* The commands in the order of help; false beyond the end. */
bool command_at(size_t index, const struct command **ret);
const struct command *command_find(const char *name);
/* The options before the command. */
const struct cli_option *global_options(size_t *ret_n);

/* ---- one call ------------------------------------------------------------------------------------------- */

struct session {
    /* the options before the command */
    const char *root;
    const char *log, *log_format, *log_level;
    const char *cgroup_manager, *rootless;
    const char *criu;
    bool debug, systemd_cgroup, version, help;

    char *const *argv; /* all of main()'s */
    int log_fd;        /* -1: none but stderr */
    struct engine *engine;
    struct spec_world world;
    bool has_world;
};

/* Opened when first asked for, and closed by session_done(). */
int session_engine(struct session *session, struct engine **ret, struct err *err);
int session_world(struct session *session, const struct spec_world **ret, struct err *err);
void session_done(struct session *session);

int ocicli_main(int argc, char **argv);

/* ---- saying something (log.c) ------------------------------------------------------------------------------ */

/* Open what --log names. On error there is none. */
int log_open(struct session *session, struct err *err);
/* Tell an error: on stderr, and in the log that was asked for. */
void log_error(const struct session *session, const struct err *err);
/* What the specification has a runtime do no more than warn of; session is a struct session. */
void log_warning(void *session, const char *sentence);
/* With --debug or --log-level debug alone: what is being done. */
void log_debug(const struct session *session, const char *fmt, ...) _printf_(2, 3);
/* Write a text to stdout; a broken stdout is an error like any other. */
int cli_print(const struct buf *text, struct err *err);

/* ---- help, from the tables (help.c) -------------------------------------------------------------------------- */

void help_of_program(struct buf *ret);
void help_of_command(const struct command *command, struct buf *ret);
