/*
 * The library's way to change a run that is alive, which the command line does not have yet.
 *
 *     update LIMIT VALUE ... -- LIMIT VALUE ... -- COMMAND [ARG...]
 *
 * starts COMMAND under the first limits (or other options), changes them one by one to the second ones,
 * ends COMMAND with SIGKILL, and writes the result as JSON; without any to change COMMAND ends by itself.
 * Its input and output are nobody's. What is refused is told on stderr, one line each.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ration.h>

static void check(int r, const struct ration_error *error)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(125);
}

static void change(struct ration_run *run, const char *limit, const char *value)
{
    struct ration_error error;

    if (ration_update(run, limit, value, &error) < 0)
        fprintf(stderr, "%s\n", error.text);
}

int main(int argc, char **argv)
{
    struct ration_options options = { .state_dir = getenv("RATION_STATE_DIR") };
    struct ration *ration;
    struct ration_spec *spec;
    struct ration_run *run;
    struct ration_result *result;
    struct ration_error error;
    int i = 1;

    check(ration_open(&options, &ration, &error), &error);
    check(ration_spec_new(ration, &spec, &error), &error);
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2)
        check(ration_spec_set(spec, argv[i], argv[i + 1], &error), &error);
    int changes = ++i;
    while (i < argc && strcmp(argv[i], "--") != 0)
        i++;
    if (i + 1 >= argc)
        return 2;
    check(ration_spec_set_stdio(spec, -1, -1, STDERR_FILENO, &error), &error);
    check(ration_spec_set_command(spec, (const char *const *)argv + i + 1, &error), &error);
    check(ration_start(ration, spec, &run, &error), &error);
    for (i = changes; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2)
        change(run, argv[i], argv[i + 1]);
    if (i > changes)
        check(ration_kill(run, SIGKILL, &error), &error);
    check(ration_wait(run, &result, &error), &error);
    check(ration_result_write(result, "json", 1, &error), &error);
    ration_result_free(result);
    ration_run_free(run);
    ration_spec_free(spec);
    ration_close(ration);
    return 0;
}
