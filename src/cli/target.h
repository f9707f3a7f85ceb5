/* Where a report goes: a file, stderr, or a descriptor that the caller opened. */
#pragma once

#include "cli/cli.h"

struct target {
    int fd;
    const char *path; /* of a file, else NULL */
    bool created;     /* the file was not there before */
};

/*
 * Open what --report names, before anything runs: "-" is stderr, "fd:N" an open descriptor, all else
 * a file. What an existing file holds stays until target_begin().
 */
int target_open(const char *name, struct target *ret, struct ration_error *error);
/* The report is about to be written: empty the file. */
int target_begin(struct target *target, struct ration_error *error);
/* There will be no report: a file that was made for it goes again, an older one is emptied, so that nobody
 * reads it as this run's. */
void target_abandon(struct target *target);
void target_close(struct target *target);
