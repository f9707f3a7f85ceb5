/* ration-oci create: a container up to the moment before its program is executed. */
#include "ocicli/bundle.h"

static int command_create(struct session *session, const void *values, char *const *operands,
                          struct err *err);

struct create_values {
    struct bundle_values bundle;
};

static const struct cli_option create_options[] = {
    BUNDLE_OPTIONS(struct create_values),
};

const struct command create_command = {
    .name = "create",
    .args = "ID",
    .summary = "make a container from a bundle, up to its program's start",
    .description = "Everything that config.json asks for is made and in force when the command "
                   "returns; start lets the program begin. Standard input, output and error "
                   "become the container's.",
    .options = create_options,
    .n_options = ARRAY_SIZE(create_options),
    .values_size = sizeof(struct create_values),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .starts = true,
    .run = command_create,
};

static int command_create(struct session *session, const void *values, char *const *operands,
                          struct err *err)
{
    const struct create_values *create = values;
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct container_options options;
    int r = bundle_read(session, operands[0], &create->bundle, &spec, err);

    if (r < 0)
        return r;
    bundle_container_options(&create->bundle, &options);
    return container_create(session->engine, spec, &options, err);
}
