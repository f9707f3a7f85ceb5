/*
 * File descriptors that are passed on to a container, from 3 on: those of the service manager's socket
 * activation (sd_listen_fds(3): $LISTEN_FDS, $LISTEN_PID), then those of --preserve-fds.
 */
#pragma once

#include "ocicli/ocicli.h"

/* How many in all. */
unsigned fds_count(unsigned preserved);
/*
 * Check that they are open, and tell the program of those it is to listen on, which it will find as
 * process number 1.
 */
int fds_add_to_spec(struct spec *spec, unsigned preserved, struct err *err);
