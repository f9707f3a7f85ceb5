/* The program that checkpoints and restores processes: criu(8). */
#pragma once

#include "ocicli/ocicli.h"

/* Is it there, by --criu or in $PATH? */
bool criu_exists(const struct session *session);
/* The sentence for where it is not. */
int criu_check(const struct session *session, struct err *err);
