/* ration run: run COMMAND under limits, say how it ended. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/launch.h"
#include "cli/request.h"
#include "cli/target.h"

static int command_run(const struct command *command, char *const *argv);

static const struct ration_option run_options[] = {
    { "report", 0, NULL, "FILE|-|fd:N",
      "write a report of the run to a file, stderr (-) or a descriptor", "The report",
      RATION_OPTION_VALUE },
    { "format", 0, NULL, "FORMAT",
      "form of the report: text, json, isolate, runexec, gnu-time, go-judge", "The report",
      RATION_OPTION_VALUE },
    { "quiet", 'q', NULL, NULL, "do not say on stderr which limit ended COMMAND", "The report",
      RATION_OPTION_FLAG },
    { "dry-run", 0, NULL, NULL, "show what would be written, as ration plan does, and run nothing",
      "The report", RATION_OPTION_FLAG },
    { "detach", 'd', NULL, NULL, "let it run by itself as a container, and print its id",
      "The container", RATION_OPTION_FLAG },
    { "cidfile", 0, NULL, "FILE", "write the container's id into this new file", "The container",
      RATION_OPTION_VALUE },
    { "pidfile", 0, NULL, "FILE", "write the number of COMMAND's process into this file",
      "The container", RATION_OPTION_VALUE },
};

const struct command run_command = {
    .name = "run",
    .args = "IMAGE [ARG...] | -- COMMAND [ARG...]",
    .summary = "run an image or a command under limits, and say how it ended",
    .description =
        "Runs an image, or COMMAND on the host's own root or in --rootfs DIR, in namespaces of its "
        "own "
        "and under limits that are in force before its first instruction. A limit that cannot be "
        "put "
        "in force is a reason to refuse, unless --best-effort is given.\n\n"
        "The first word names an image (of the store, or oci:PATH, docker-archive:PATH, dir:PATH), "
        "and "
        "what follows replaces the command that the image suggests. After \"--\", or when it "
        "begins with "
        "/, ./ or ../, it is a command of this machine.\n\n"
        "The exit status is COMMAND's own; 128+N when signal N ended it; 124 when time ran out; "
        "125 "
        "when ration refused or failed; 126 when COMMAND cannot be executed; 127 when there is no "
        "COMMAND; 2 when the command line is wrong.",
    .options = run_options,
    .n_options = ARRAY_SIZE(run_options),
    .describes_run = true,
    .takes_image = IMAGE_UNLESS_PATH,
    .run = command_run,
};

static int check_format(const char *format, struct ration_error *error)
{
    const char *known;

    for (size_t i = 0; (known = ration_format_at(i)) != NULL; i++) {
        if (strcmp(known, format) == 0)
            return 0;
    }
    return cli_usage(error, "--format: there is no format \"%.64s\"; ration run --help lists them",
                     format);
}

static int write_report(const struct ration_result *result, const char *format,
                        struct target *target, struct ration_error *error)
{
    int r = target_begin(target, error);

    if (r < 0)
        return r;
    r = ration_result_write(result, format, target->fd, error);
    if (r < 0) {
        struct ration_error cause = *error;
        cli_fail(error, -r, "--report: %.160s: %.300s",
                 target->path ? target->path : "the descriptor", cause.text);
    }
    return r;
}

/* A limit that struck is never silent: when no report tells of it, a sentence does. */
static void say_how_it_ended(const struct request *request, const struct ration_result *result)
{
    static const char *const own_accord_table[] = { "exited", "signalled", "stopped" };
    const char *start_error = ration_result_error(result);
    const char *cause = ration_result_cause(result);

    if (start_error) {
        cli_say(start_error);
        return;
    }
    if (request_flag(request, "report") || request_flag(request, "quiet"))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(own_accord_table); i++) {
        if (strcmp(cause, own_accord_table[i]) == 0)
            return;
    }
    cli_say(ration_result_sentence(result));
}

/* An image, or what leaves an id: a container, which is still there afterwards unless --rm was given. */
static bool is_container(const struct request *request)
{
    return request->image || request_flag(request, "cidfile") || request_flag(request, "pidfile");
}

static struct launch launch_of(const struct request *request)
{
    return (struct launch){ .ration = request->ration,
                            .spec = request->spec,
                            .image = request->image,
                            .cidfile = request_value(request, "cidfile"),
                            .pidfile = request_value(request, "pidfile"),
                            .hold = 1 };
}

static int run_here(const struct request *request, struct ration_result **ret,
                    struct ration_error *error)
{
    static const int stdio[3] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
    const struct launch launch = launch_of(request);
    char id[RATION_ID_SIZE];

    if (!is_container(request))
        return ration_run_foreground(request->ration, request->spec, ret, error);
    if (request_flag(request, "pidfile"))
        return cli_usage(error, "--pidfile: the number of a process in the foreground is known to "
                                "whoever started it; it goes with --detach");
    int r = launch_create(&launch, id, error);
    return r < 0 ? r : ration_container_run_foreground(request->ration, id, stdio, ret, error);
}

static int run_and_report(const struct request *request, struct target *target)
{
    const char *format = request_value(request, "format");
    struct ration_result *result = NULL;
    struct ration_error error = { 0 };

    if (run_here(request, &result, &error) < 0) {
        if (target)
            target_abandon(target);
        return cli_report(&error);
    }
    int status = ration_result_program_status(result);
    say_how_it_ended(request, result);
    if (target && write_report(result, format ? format : "text", target, &error) < 0)
        status = cli_report(&error);
    ration_result_free(result);
    return status;
}

/* Everything is measured: who asks for it later is not known yet. */
static int run_detached(const struct request *request)
{
    struct launch launch = launch_of(request);
    struct ration_error error = { 0 };
    int r = request_flag(request, "report")
                ? cli_usage(&error, "--detach: the report of a container is in ration inspect, not "
                                    "in --report")
                : ration_spec_set_measure(request->spec, RATION_MEASURE_ALL, &error);

    if (r >= 0)
        r = launch_detached(&launch, &error);
    return r < 0 ? cli_report(&error) : 0;
}

static int run_request(const struct request *request)
{
    const char *report = request_value(request, "report");
    const char *format = request_value(request, "format");
    struct ration_error error = { 0 };
    struct target target = { .fd = -1 };
    int r = 0;

    if (format)
        r = check_format(format, &error);
    if (r == 0 && format && !report)
        r = cli_usage(&error, "--format says how a report looks: --report says where it goes");
    if (r == 0 && request_flag(request, "dry-run"))
        r = request_plan(request, "here", "text", &error);
    if (r < 0)
        return cli_report(&error);
    if (request_flag(request, "dry-run"))
        return 0;
    if (!request->command_set) {
        cli_usage(&error, "run needs an IMAGE or a COMMAND; ration run --help tells more");
        return cli_report(&error);
    }
    if (request_flag(request, "detach"))
        return run_detached(request);
    if (!report) {
        /* Where nobody will see a figure none is paid for; a container that stays keeps them. */
        bool kept = is_container(request) && !request->removed;
        r = ration_spec_set_measure(request->spec,
                                    kept ? RATION_MEASURE_ALL : RATION_MEASURE_NOTHING, &error);
        return r < 0 ? cli_report(&error) : run_and_report(request, NULL);
    }
    r = target_open(report, &target, &error);
    if (r == 0)
        r = ration_spec_set_measure(request->spec, RATION_MEASURE_ALL, &error);
    int status = r < 0 ? cli_report(&error) : run_and_report(request, &target);
    if (r < 0)
        target_abandon(&target);
    target_close(&target);
    return status;
}

static int command_run(const struct command *command, char *const *argv)
{
    _cleanup_(request_done) struct request request;
    struct ration_error error = { 0 };

    if (request_read(command, argv, &request, &error) < 0)
        return cli_report(&error);
    return request.help ? request_help(&request) : run_request(&request);
}
