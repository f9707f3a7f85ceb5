/* The parser of the command line: table-driven, knows no option by itself. */
#pragma once

#include "cli/cli.h"

/* Called for each option in turn; value is NULL for a flag without "=VALUE". */
typedef int (*argv_set)(void *data, const struct ration_option *option, const char *value,
                        struct ration_error *error);

/*
 * Read the options of a command from argv (which begins after the command's name, and ends with
 * NULL):
 *
 *     --name VALUE  --name=VALUE  -name VALUE  -name=VALUE  -n VALUE  -nVALUE  -n=VALUE  -abc
 *
 * A word with one dash is a long name when all of it, up to "=", is one, and else a cluster of
 * letters, the last of which may have a value. Stops at "--", which is skipped, and at the first word
 * that is not an option, of which *ret_operands then points to the rest. "--help" is known to
 * every command and comes as an option of that name.
 */
int argv_parse(const struct command *command, char *const *argv, argv_set set, void *data,
               char *const **ret_operands, struct ration_error *error);

/*
 * The same for a command whose options may stand among its operands; after "--" all are operands. *ret_operands is
 * a vector of copies, the caller's to strv_free().
 */
int argv_parse_all(const struct command *command, char *const *argv, argv_set set, void *data,
                   char ***ret_operands, struct ration_error *error);

/* What a flag was set to: --name, --name=true, --name=false. */
int argv_flag(const struct ration_option *option, const char *value, bool *ret,
              struct ration_error *error);
