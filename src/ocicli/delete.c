/* ration-oci delete. */
#include "ocicli/bundle.h"

static int command_delete(struct session *session, const void *values, char *const *operands,
                          struct err *err);

struct delete_values {
    bool force;
};

static const struct cli_option delete_options[] = {
    { "force", 'f', CLI_FLAG, offsetof(struct delete_values, force), NULL,
      "kill it first, and no error when there is no such container", NULL },
};

const struct command delete_command = {
    .name = "delete",
    .args = "ID",
    .summary = "remove a container that has stopped or was never started",
    .options = delete_options,
    .n_options = ARRAY_SIZE(delete_options),
    .values_size = sizeof(struct delete_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_delete,
};

static int command_delete(struct session *session, const void *values, char *const *operands,
                          struct err *err)
{
    const struct delete_values *delete = values;
    const struct container_options options = { .stdio = { -1, -1, -1 },
                                               .write_state = bundle_write_state };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    return r < 0 ? r : container_delete(engine, operands[0], delete->force, &options, err);
}
