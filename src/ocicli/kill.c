/* ration-oci kill. */
#include <errno.h>

#include "ocicli/ocicli.h"

static int command_kill(struct session *session, const void *values, char *const *operands,
                        struct err *err);

struct kill_values {
    bool all;
};

static const struct cli_option kill_options[] = {
    { "all", 'a', CLI_FLAG, offsetof(struct kill_values, all), NULL,
      "every process of the container, and no error when it has stopped", NULL },
};

const struct command kill_command = {
    .name = "kill",
    .args = "ID [SIGNAL]",
    .summary = "send a signal to a container (default: TERM)",
    .options = kill_options,
    .n_options = ARRAY_SIZE(kill_options),
    .values_size = sizeof(struct kill_values),
    .min_operands = 1,
    .max_operands = 2,
    .takes_id = true,
    .run = command_kill,
};

static int command_kill(struct session *session, const void *values, char *const *operands,
                        struct err *err)
{
    const struct kill_values *kill = values;
    int signal = signal_parse(operands[1] ? operands[1] : "TERM");
    struct engine *engine;

    if (signal < 0)
        return err_usage(err, "unknown signal \"%.64s\"", operands[1]);
    int r = session_engine(session, &engine, err);
    return r < 0 ? r : container_kill(engine, operands[0], signal, kill->all, err);
}
