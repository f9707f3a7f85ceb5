/*
 * The commands on images. What they do takes libraries that ration does without: it checks the command line,
 * and ration-image does the rest in its place.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/argv.h"

static int command_image(const struct command *command, char *const *argv);

#define IMAGE_OPTION(name, letter, metavar, help, kind) \
    { name, letter, NULL, metavar, help, "Options", RATION_OPTION_##kind },
#define IMAGE_CEILINGS                                                                             \
    IMAGE_OPTION("max-bytes", 0, "SIZE", "refuse a layer that unpacks to more (default 64g)",      \
                 VALUE)                                                                            \
    IMAGE_OPTION("max-entries", 0, "N", "refuse a layer of more entries (default 4000000)", VALUE) \
    IMAGE_OPTION("max-ratio", 0, "N",                                                              \
                 "refuse a layer that unpacks to more than N times its "                           \
                 "size (default 250, beyond 256 MiB)",                                             \
                 VALUE)

#define IMAGE_REGISTRY                                                                        \
    IMAGE_OPTION("plain-http", 0, NULL, "speak http without TLS", FLAG)                       \
    IMAGE_OPTION("cert-dir", 0, "DIR",                                                        \
                 "*.crt of authorities, *.cert and *.key of ours (default "                   \
                 "/etc/docker/certs.d/HOST)",                                                 \
                 VALUE)                                                                       \
    IMAGE_OPTION("authfile", 0, "FILE",                                                       \
                 "where passwords are, instead of docker's configuration file", VALUE)        \
    IMAGE_OPTION("timeout", 0, "TIME", "how long the registry may say nothing (default 30s)", \
                 VALUE)                                                                       \
    IMAGE_OPTION("retries", 0, "N", "try so often again what may pass (default 3)", VALUE)

/* An empty one at the end, since some have none. */
#define IMAGE_COMMAND(id, name, also, args, summary, description, ...) \
    static const struct ration_option id##_options[] = { __VA_ARGS__{ 0 } };
#include "imagecli/images.def"
#undef IMAGE_COMMAND

#define IMAGE_COMMAND(id, name_, also_, args_, summary_, description_, ...) \
    { .name = name_,                                                        \
      .also = also_,                                                        \
      .args = args_,                                                        \
      .summary = summary_,                                                  \
      .description = description_,                                          \
      .options = id##_options,                                              \
      .n_options = ARRAY_SIZE(id##_options) - 1,                            \
      .run = command_image },
const struct command image_commands[] = {
#include "imagecli/images.def"
};
#undef IMAGE_COMMAND

#define IMAGE_COMMAND(id, ...) #id,
static const char *const id_table[] = {
#include "imagecli/images.def"
};
#undef IMAGE_COMMAND

const size_t n_image_commands = ARRAY_SIZE(image_commands);

/* The command line as ration-image takes it: "--name=value" ..., "--", operands. */
struct request {
    char **argv;
    bool help;
};

static int request_set(void *data, const struct ration_option *option, const char *value,
                       struct ration_error *error)
{
    struct request *request = data;
    bool flag = option->kind == RATION_OPTION_FLAG;

    request->help |= strcmp(option->name, "help") == 0;
    if (flag && value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return cli_usage(error, "--%s takes no value", option->name);
    if (flag && value && strcmp(value, "false") == 0)
        return 0;
    _cleanup_free_ char *word = text_format("--%s=%s", option->name, flag ? "true" : value);
    if (!word || strv_push(&request->argv, word) < 0)
        return cli_fail(error, ENOMEM, "out of memory");
    return 0;
}

static int add_operands(struct request *request, char *const *operands, struct ration_error *error)
{
    if (strv_push(&request->argv, "--") < 0)
        return cli_fail(error, ENOMEM, "out of memory");
    for (; operands && *operands; operands++) {
        if (strv_push(&request->argv, *operands) < 0)
            return cli_fail(error, ENOMEM, "out of memory");
    }
    return 0;
}

static int execute(char **argv, struct ration_error *error)
{
    char path[PATH_MAX];

    if (!helper_find("ration-image", "imagecli", path))
        return cli_fail(error, ENOENT, "%.300s, the program for images, is not installed", path);
    execv(path, argv);
    return cli_fail(error, errno, "cannot execute %.300s: %m", path);
}

static int command_image(const struct command *command, char *const *argv)
{
    struct ration_error error = { 0 };
    struct request request = { 0 };
    char **operands = NULL;
    int r = strv_push(&request.argv, "ration-image") < 0 ||
                    strv_push(&request.argv, id_table[command - image_commands]) < 0
                ? cli_fail(&error, ENOMEM, "out of memory")
                : argv_parse_all(command, argv, request_set, &request, &operands, &error);

    if (request.help) {
        strv_free(request.argv);
        strv_free(operands);
        return cli_help(command);
    }
    if (r == 0)
        r = add_operands(&request, operands, &error);
    if (r == 0)
        execute(request.argv, &error);
    strv_free(request.argv);
    strv_free(operands);
    return cli_report(&error);
}
