/*
 * Run a command under a memory limit and say how it went.
 *
 *     cc limits.c $(pkg-config --cflags --libs libration) -o limits
 *     sudo ./limits 50m sort big-file
 */
#include <stdio.h>
#include <string.h>

#include <ration.h>

static int fail(const struct ration_error *error)
{
    fprintf(stderr, "limits: %s\n", error->text);
    return error->exit_status;
}

static void tell(const struct ration_result *result)
{
    uint64_t peak, cpu_us;
    const char *source;

    printf("%s\n", ration_result_sentence(result));
    if (ration_result_metric(result, "memory_peak_bytes", &peak, &source) == 1)
        printf("at most %llu bytes of memory (%s)\n", (unsigned long long)peak, source);
    if (ration_result_metric(result, "cpu_total_us", &cpu_us, &source) == 1)
        printf("%llu microseconds of CPU time (%s)\n", (unsigned long long)cpu_us, source);
}

int main(int argc, char **argv)
{
    struct ration *ration = NULL;
    struct ration_spec *spec = NULL;
    struct ration_run *run = NULL;
    struct ration_result *result = NULL;
    struct ration_error error = { 0 };
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: limits MEMORY COMMAND [ARG...]\n");
        return 2;
    }
    if (ration_open(NULL, &ration, &error) < 0 || ration_spec_new(ration, &spec, &error) < 0 ||
        ration_spec_set(spec, "memory", argv[1], &error) < 0 ||
        ration_spec_set(spec, "network", "host", &error) < 0 ||
        ration_spec_set_command(spec, (const char *const *)argv + 2, &error) < 0 ||
        ration_start(ration, spec, &run, &error) < 0 || ration_wait(run, &result, &error) < 0) {
        status = fail(&error);
    } else {
        tell(result);
        status = ration_result_program_status(result);
    }
    ration_result_free(result);
    ration_run_free(run);
    ration_spec_free(spec);
    ration_close(ration);
    return status;
}
