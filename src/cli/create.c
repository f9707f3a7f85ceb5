/* ration create: a container, to be started later. */
#include <string.h>

#include "cli/launch.h"
#include "cli/request.h"
#include "cli/verb.h"

static int command_create(const struct command *command, char *const *argv);

static const struct ration_option create_options[] = {
    { "cidfile", 0, NULL, "FILE", "write the container's id into this new file", "The container",
      RATION_OPTION_VALUE },
};

const struct command create_command = {
    .name = "create",
    .args = "IMAGE [ARG...] | -- COMMAND [ARG...]",
    .summary = "make a container, to be started later",
    .description = "Takes what ration run takes, checks it, keeps it, and prints the id of the "
                   "container that ration start starts.",
    .options = create_options,
    .n_options = ARRAY_SIZE(create_options),
    .describes_run = true,
    .takes_image = IMAGE_UNLESS_PATH,
    .run = command_create,
};

static int create(const struct request *request, struct ration_error *error)
{
    const struct launch launch = { .ration = request->ration,
                                   .spec = request->spec,
                                   .image = request->image,
                                   .cidfile = request_value(request, "cidfile") };
    char id[RATION_ID_SIZE];

    if (!request->command_set && !request->image)
        return cli_usage(error,
                         "create needs an IMAGE or a COMMAND; ration create --help tells more");
    int r = ration_spec_set_measure(request->spec, RATION_MEASURE_ALL, error);
    if (r >= 0)
        r = launch_create(&launch, id, error);
    return r < 0 ? r : verb_say(id, error);
}

static int command_create(const struct command *command, char *const *argv)
{
    _cleanup_(request_done) struct request request;
    struct ration_error error = { 0 };

    if (request_read(command, argv, &request, &error) < 0)
        return cli_report(&error);
    if (request.help)
        return request_help(&request);
    return create(&request, &error) < 0 ? cli_report(&error) : 0;
}
