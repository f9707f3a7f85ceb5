/* ration-oci run: create, start, and unless detached wait and delete. */
#include "ocicli/bundle.h"

static int command_run(struct session *session, const void *values, char *const *operands,
                       struct err *err);

struct run_values {
    struct bundle_values bundle;
    bool detach, keep;
};

static const struct cli_option run_options[] = {
    { "detach", 'd', CLI_FLAG, offsetof(struct run_values, detach), NULL,
      "return when the program has begun", NULL },
    { "keep", 0, CLI_FLAG, offsetof(struct run_values, keep), NULL,
      "do not delete the container when it has ended", NULL },
    BUNDLE_OPTIONS(struct run_values),
};

const struct command run_command = {
    .name = "run",
    .args = "ID",
    .summary = "create a container, start it, wait for its end and delete it",
    .description = "The exit status is that of the container's program, 128+N when signal N ended "
                   "it, and 1 when it could not be run.",
    .options = run_options,
    .n_options = ARRAY_SIZE(run_options),
    .values_size = sizeof(struct run_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .starts = true,
    .run = command_run,
};

static int command_run(struct session *session, const void *values, char *const *operands,
                       struct err *err)
{
    const struct run_values *run = values;
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct container_options options;
    int status = 0;
    int r = bundle_read(session, operands[0], &run->bundle, &spec, err);

    if (r < 0)
        return r;
    bundle_container_options(&run->bundle, &options);
    r = container_run(session->engine, spec, &options, run->detach, run->keep, &status, err);
    return r < 0 ? r : status;
}
