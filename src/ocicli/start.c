/* ration-oci start. */
#include <unistd.h>

#include "ocicli/bundle.h"
#include "ocicli/notify.h"

static int command_start(struct session *session, const void *values, char *const *operands,
                         struct err *err);

const struct command start_command = {
    .name = "start",
    .args = "ID",
    .summary = "let the program of a created container begin",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_start,
};

static int command_start(struct session *session, const void *values, char *const *operands,
                         struct err *err)
{
    const struct container_options options = { .stdio = { -1, -1, -1 },
                                               .notify_socket = notify_socket(),
                                               .write_state = bundle_write_state };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    (void)values;
    return r < 0 ? r : container_start(engine, operands[0], &options, err);
}
