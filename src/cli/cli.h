/*
 * cli: the command line. Stands on <ration.h> alone, as any other program could; the only room that
 * prints and the only one that exits.
 */
#pragma once

#include <ration.h>

#include "base/base.h"

/* One command: its file opens with this declaration. */
struct command {
    const char *name;        /* one word, or two: "image import" */
    const char *also;        /* another name for it, or NULL */
    const char *args;        /* after the options, in the usage line; "" when there are none */
    const char *summary;     /* one line, no final dot */
    const char *description; /* paragraphs for --help, or NULL */
    const struct ration_option *options;
    size_t n_options;
    bool
        describes_run; /* takes the options of a run besides, and a COMMAND that ends the options */
    /* Of the options of a run it takes those alone; NULL: all */
    bool (*takes)(const struct ration_option *option);
    enum {
        IMAGE_NEVER,
        IMAGE_UNLESS_PATH, /* the first operand names one, unless "--" or a path says otherwise */
        IMAGE_OR_COMMAND,  /* ... or a command, when there is no such image */
    } takes_image;
    bool hidden;
    int (*run)(const struct command *command, char *const *argv); /* gives the exit status */
};

extern const struct command create_command, start_command, stop_command, restart_command,
    kill_command, rm_command, wait_command, ps_command, rename_command, pause_command,
    unpause_command, events_command, container_command;
extern const struct command attach_command, exec_command, inspect_command, logs_command,
    port_command, top_command, update_command;
extern const struct command network_create_command, network_ls_command, network_inspect_command,
    network_rm_command, network_prune_command, volume_create_command, volume_ls_command,
    volume_inspect_command, volume_rm_command, volume_prune_command;
/* Not among those of help. */
extern const struct command monitor_command;
extern const struct command run_command, plan_command, doctor_command, version_command,
    help_command;

extern const struct command image_commands[]; /* image.c */
extern const size_t n_image_commands;

/* The commands in the order of help. */
size_t command_count(void);
const struct command *command_at(size_t index);
/* By either name; of two words with a blank between them. */
const struct command *command_find(const char *name);
/* The command that words begin with, and how many of them name it; NULL: none. */
const struct command *command_of_words(char *const *words, size_t *ret_n);
/* Is it the first word of commands of two? */
bool command_is_group(const char *word);

#define CLI_STATUS_FAILED 125
#define CLI_STATUS_USAGE  2

int cli_main(int argc, char **argv);

/* Fill error with a usage sentence; returns -EINVAL. */
int cli_usage(struct ration_error *error, const char *fmt, ...) _printf_(2, 3);
/* Any other sentence of the command line's own; returns -code. */
int cli_fail(struct ration_error *error, int code, const char *fmt, ...) _printf_(3, 4);
/* Print "ration: SENTENCE" on stderr, as one line whatever is in it. */
void cli_say(const char *sentence);
/* The same for an error; returns the exit status that goes with it. */
int cli_report(const struct ration_error *error);
/* Write a text to stdout. Returns the exit status: 0, or 125 with a message when it cannot be. */
int cli_print(const struct buf *text);
/* Print the help of a command; returns the exit status. */
int cli_help(const struct command *command);
/* Open the library with what the environment says. */
int cli_open(struct ration **ret, struct ration_error *error);

/* ---- help, from the tables (help.c, text.c, roff.c, completion.c) --------------------------------------- */

/* Each option of a command in the order of help, the ones of a run last; false beyond the end. */
bool command_option_at(const struct command *command, size_t index, struct ration_option *ret);

void help_of_program(struct buf *ret);
/* The commands whose first word that is. */
void help_of_group(const char *word, struct buf *ret);
void help_of_command(const struct command *command, struct buf *ret);
/* The options of a command as the body of a manual page's section. */
void roff_of_command(const struct command *command, struct buf *ret);
/* Completions for "bash", "zsh" or "fish"; -EINVAL for another shell. */
int completion_of_shell(const char *shell, struct buf *ret);
