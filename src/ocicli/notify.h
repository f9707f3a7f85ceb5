/*
 * sd_notify(3): the socket of a service manager that is to hear when the container is ready. The program gets
 * another one, at /run/notify/notify.sock, and start passes on what it says there: a service manager does not
 * listen to processes outside its service's group.
 */
#pragma once

#include "ocicli/ocicli.h"

/* What $NOTIFY_SOCKET names, if it is a socket; else NULL. */
const char *notify_socket(void);
