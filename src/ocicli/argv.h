/* The parser of the command line: table-driven, knows no option by itself. */
#pragma once

#include "ocicli/ocicli.h"

/* What is being read: a table, where its values go, and how to name it in a sentence. */
struct argv_table {
    const struct cli_option *options;
    size_t n;
    void *values;
    const char *of; /* "create", or the program's name for the options before the command */
};

/*
 * Read options from argv, which ends with NULL:
 *
 *     --name VALUE  --name=VALUE  -name VALUE  -name=VALUE  -n VALUE  -nVALUE  -n=VALUE  -abc
 *
 * A word with one dash is a long name when all of it, up to "=", is one, and else a cluster of letters,
 * the last of which may have a value. Stops at "--", which is skipped, and at the first word that is not an
 * option; *ret_operands then points to the rest. *ret_help: --help or -h is among them.
 */
int argv_parse(const struct argv_table *table, char *const *argv, char *const **ret_operands,
               bool *ret_help, struct err *err);
/* Free what the options filled in. */
void argv_done(const struct argv_table *table);
