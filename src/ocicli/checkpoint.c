/* ration-oci checkpoint, and restore, which undoes it: through criu(8). */
#include <errno.h>

#include "ocicli/criu.h"

static int command_checkpoint(struct session *session, const void *values, char *const *operands,
                              struct err *err);

const struct command checkpoint_command = {
    .name = "checkpoint",
    .args = "ID",
    .summary = "write a container's processes to files",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_checkpoint,
};

const struct command restore_command = {
    .name = "restore",
    .args = "ID",
    .summary = "make a container from such files",
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_checkpoint,
};

static int command_checkpoint(struct session *session, const void *values, char *const *operands,
                              struct err *err)
{
    (void)values;
    (void)operands;
    int r = criu_check(session, err);
    return r < 0 ? r : err_refuse(err, ENOTSUP, "checkpoint and restore are not supported");
}
