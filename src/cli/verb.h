/* Commands on containers: their options, and the same done to each of their operands. */
#pragma once

#include "cli/argv.h"

#define VERB_OPTIONS_MAX 24

struct verb {
    const struct command *command;
    struct ration *ration;
    /* Of the command's options, in the order of its table; the last value, NULL: unset */
    const char *values[VERB_OPTIONS_MAX];
    char **many; /* owned: all values of the one option that may be given often; NULL: none */
    char *const *operands;
    bool help;
};

/*
 * Read argv. Returns 0 to go on; otherwise *ret_status is what to end with: help was shown, or an error. least:
 * so many operands there have to be, most: at most (0: any number). verb_done() in any case.
 */
int verb_read(const struct command *command, char *const *argv, unsigned least, unsigned most,
              struct verb *ret, int *ret_status);
void verb_done(struct verb *verb);
const char *verb_value(const struct verb *verb, const char *name);
bool verb_flag(const struct verb *verb, const char *name);
/* The values of the option that may be given often, as the library takes them; NULL: none. */
const char *const *verb_many(const struct verb *verb);

/*
 * A command's whole: read argv, call fn, report. fn gives what to end with, or -errno with the error set.
 */
int verb_run(const struct command *command, char *const *argv, unsigned least, unsigned most,
             int (*fn)(const struct verb *verb, struct ration_error *error));

/* What is done to one operand; prints what there is to say. */
typedef int (*verb_fn)(const struct verb *verb, const char *who, struct ration_error *error);
/* Do it to each operand, whether or not it failed for those before. Gives the status of the first failure. */
int verb_each(const struct verb *verb, verb_fn fn);
/* Write a word and a newline to stdout. */
int verb_say(const char *word, struct ration_error *error);
/* A time as --since and --until take it: seconds since 1970, RFC 3339 or "10m" for so long ago. */
int verb_time(const char *option, const char *text, uint64_t *ret_us, struct ration_error *error);
/* A duration in seconds without unit. */
int verb_duration(const char *option, const char *text, uint64_t *ret_us,
                  struct ration_error *error);
