/* ration inspect: all that is known of containers and images. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_inspect(const struct command *command, char *const *argv);

static const struct ration_option inspect_options[] = {
    { "format", 'f', NULL, "FORMAT", "json, or a template for each: \"{{.State.Status}}\"",
      "What is shown", RATION_OPTION_VALUE },
    { "type", 0, NULL, "container|image", "what the names are of (a container, or else an image)",
      "What is shown", RATION_OPTION_VALUE },
};

const struct command inspect_command = {
    .name = "inspect",
    .args = "NAME...",
    .summary = "show all that is known of a container or image, as JSON",
    .description =
        "Shows one JSON object for each name, with docker's names for what docker knows, and ours "
        "for limits and how the container ended. Templates are in the manner of Go's: "
        "\"{{.State.Pid}}\", \"{{index .Config.Labels \\\"a\\\"}}\", \"{{json .Mounts}}\".",
    .options = inspect_options,
    .n_options = ARRAY_SIZE(inspect_options),
    .run = command_inspect,
};

static int look_up(const struct verb *verb, const char *name, char **ret,
                   struct ration_error *error)
{
    const char *type = verb_value(verb, "type");
    bool container = !type || strcmp(type, "container") == 0;
    bool image = !type || strcmp(type, "image") == 0;
    struct ration_error other = { 0 };
    int r = container ? ration_container_inspect(verb->ration, name, ret, error) : -ENOENT;

    if (!image || r != -ENOENT)
        return r;
    r = ration_image_inspect(verb->ration, name, ret, &other);
    if (r == -ENOENT && container)
        return cli_fail(error, ENOENT, "there is no container and no image \"%.200s\"", name);
    if (r < 0)
        *error = other;
    return r;
}

static int inspect(const struct verb *verb, struct ration_error *error)
{
    const char *type = verb_value(verb, "type");
    char **documents;
    size_t n = 0;
    int r = 0, status = 0;

    if (type && strcmp(type, "container") != 0 && strcmp(type, "image") != 0)
        return cli_usage(error, "--type is container or image, not \"%.64s\"", type);
    documents = calloc(strv_length(verb->operands) + 1, sizeof(*documents));
    if (!documents)
        return cli_fail(error, ENOMEM, "out of memory");
    for (size_t i = 0; i < strv_length(verb->operands); i++) {
        struct ration_error missing = { 0 };
        if (look_up(verb, verb->operands[i], &documents[n], &missing) >= 0)
            n++;
        else
            status = cli_report(&missing);
    }
    if (n > 0 || !verb_flag(verb, "format"))
        r = ration_documents_write((const char *const *)documents, n, verb_value(verb, "format"),
                                   STDOUT_FILENO, error);
    strv_free(documents);
    return r < 0 ? r : status;
}

static int command_inspect(const struct command *command, char *const *argv)
{
    return verb_run(command, argv, 1, 0, inspect);
}
