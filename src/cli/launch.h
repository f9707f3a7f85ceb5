/* Making containers: what `create` and `run --detach` have in common. */
#pragma once

#include "cli/cli.h"

struct launch {
    struct ration *ration;
    const struct ration_spec *spec;
    const char *image;             /* NULL: the host's root, or --rootfs */
    const char *cidfile, *pidfile; /* NULL: none */
    int hold;                      /* it is started next */
};

/* Make the container; its id goes into cidfile, which must not be there yet. */
int launch_create(const struct launch *launch, char ret_id[RATION_ID_SIZE],
                  struct ration_error *error);
/* That, start it with a monitor of its own, and print its id. One that cannot be started is removed when
 * it was to be removed at its end. */
int launch_detached(struct launch *launch, struct ration_error *error);
