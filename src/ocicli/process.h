/* A process described by options, as a document. */
#pragma once

#include "ocicli/ocicli.h"

struct process_values {
    bool tty, no_new_privs;
    const char *cwd, *user, *apparmor, *label;
    char **env, **gids, **caps;
};

/*
 * The process object of the container's document with argv and what the options change of it: the same
 * reader then checks both.
 */
int process_write(const char *document, const struct process_values *values, char *const *argv,
                  struct buf *ret, struct err *err);
