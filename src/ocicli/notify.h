/* The service manager's socket (sd_notify(3)) for a container's program. */
#pragma once

#include "ocicli/ocicli.h"

/*
 * Where $NOTIFY_SOCKET names a socket, bind it into the container at a place of its own and tell the program.
 * What it sends goes to the service manager itself.
 */
int notify_add_to_spec(struct spec *spec, struct err *err);
