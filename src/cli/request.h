/* A run as the command line asks for it: what `run` and `plan` have in common. */
#pragma once

#include "cli/argv.h"

struct request {
    const struct command *command;
    struct ration *ration;
    struct ration_spec *spec;
    const char
        *values[16];   /* of the command's own options, in the order of its table; NULL: unset */
    const char *image; /* the operand that names one; NULL: the host's root, or --rootfs */
    bool help;
    bool command_set; /* a COMMAND was given, or an image to run */
    const char
        *last_value; /* as an option of the run got it: a "--" that is one begins no COMMAND */
    bool rootfs;     /* --rootfs was given */
    bool removed;    /* --rm was */
    const char *described; /* an option that describes a run was given: the last of them; or NULL */
};

/*
 * Read argv into a request that request_done() frees in any case. COMMAND is set when there is one.
 * request->help is true, and nothing else sure, when help was asked for.
 */
int request_read(const struct command *command, char *const *argv, struct request *ret,
                 struct ration_error *error);
void request_done(struct request *request);
/* The last value of one of the command's own options ("true" for a flag), or NULL. */
const char *request_value(const struct request *request, const char *name);
bool request_flag(const struct request *request, const char *name);
/* Help as the user asked for; returns the exit status. */
int request_help(const struct request *request);
/* Write the plan for a layout to stdout. */
int request_plan(const struct request *request, const char *layout, const char *format,
                 struct ration_error *error);
