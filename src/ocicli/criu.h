/* The program that checkpoints and restores processes: criu(8). */
#pragma once

#include "ocicli/ocicli.h"

const char *criu_name(const struct session *session);
/* Is it there, by --criu or in $PATH? */
bool criu_exists(const struct session *session);
/* The sentence for where it is not. */
int criu_check(const struct session *session, struct err *err);
/* Run it and wait. On failure the sentence has the last error of the log in that directory. */
int criu_run(char *const *argv, const char *directory, const char *log, struct err *err);
