/*
 * apitest CASE HOG: one case of libration at work, by <ration.h> alone; HOG is the helper of that name.
 * Prints what went wrong, a line each, and exits 1; silent and 0 when all is well. `apitest` lists the
 * cases.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <ration.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *hog;
static atomic_int n_failed;

#define CHECK(condition)                                   \
    do {                                                   \
        if (!(condition)) {                                \
            printf("line %d: %s\n", __LINE__, #condition); \
            n_failed++;                                    \
        }                                                  \
    } while (0)
#define CHECK_OK(call, error)                                           \
    do {                                                                \
        if ((call) < 0) {                                               \
            printf("line %d: %s: %s\n", __LINE__, #call, (error).text); \
            n_failed++;                                                 \
        }                                                               \
    } while (0)

static bool has(const char *text, const char *part)
{
    if (text && strstr(text, part))
        return true;
    printf("'%s' is not in '%s'\n", part, text ? text : "(null)");
    return false;
}

static bool same(const char *a, const char *b)
{
    if (a && b && strcmp(a, b) == 0)
        return true;
    printf("'%s', wanted '%s'\n", a ? a : "(null)", b ? b : "(null)");
    return false;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ---- a run ------------------------------------------------------------------------------------------------ */

struct live {
    struct ration *ration;
    struct ration_spec *spec;
    struct ration_run *run;
    struct ration_result *result;
    struct ration_error error;
    int waited; /* what ration_wait() returned */
    pthread_t waiter;
};

static void fatal(const struct ration_error *error, const char *what)
{
    printf("%s: %s\n", what, error->text);
    exit(1);
}

static void live_open(struct live *l)
{
    *l = (struct live){ 0 };
    if (ration_open(NULL, &l->ration, &l->error) < 0)
        fatal(&l->error, "ration_open");
    if (ration_spec_new(l->ration, &l->spec, &l->error) < 0)
        fatal(&l->error, "ration_spec_new");
}

/* options: NAME, VALUE, ..., NULL. command: words, separated by blanks, after the hog. */
static void live_describe(struct live *l, const char *const *options, const char *command)
{
    const char *argv[16] = { hog };
    char words[256], *save = NULL;
    size_t n = 1;

    for (; options && *options; options += 2)
        if (ration_spec_set(l->spec, options[0], options[1], &l->error) < 0)
            fatal(&l->error, options[0]);
    snprintf(words, sizeof(words), "%s", command);
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[n++] = word;
    if (ration_spec_set_command(l->spec, argv, &l->error) < 0 ||
        ration_spec_set_stdio(l->spec, -1, -1, -1, &l->error) < 0 ||
        ration_spec_set_measure(l->spec, RATION_MEASURE_ALL, &l->error) < 0)
        fatal(&l->error, "describing");
}

static void live_start(struct live *l, const char *const *options, const char *command)
{
    live_open(l);
    live_describe(l, options, command);
    if (ration_start(l->ration, l->spec, &l->run, &l->error) < 0)
        fatal(&l->error, "ration_start");
}

static void live_wait(struct live *l)
{
    l->waited = ration_wait(l->run, &l->result, &l->error);
    if (l->waited < 0)
        fatal(&l->error, "ration_wait");
}

static void *waiter(void *data)
{
    live_wait(data);
    return NULL;
}

static void live_begin_wait(struct live *l)
{
    if (pthread_create(&l->waiter, NULL, waiter, l) != 0)
        exit(1);
}

static void live_end_wait(struct live *l)
{
    pthread_join(l->waiter, NULL);
}

static void live_close(struct live *l)
{
    ration_result_free(l->result);
    ration_run_free(l->run);
    ration_spec_free(l->spec);
    ration_close(l->ration);
}

static uint64_t metric(const struct live *l, const char *name)
{
    uint64_t value = 0;

    CHECK(ration_result_metric(l->result, name, &value, NULL) == 1);
    return value;
}

/* The result as JSON, or the plan: what a writer writes to a descriptor, as text. */
static char *read_all(int fd)
{
    static _Thread_local char text[65536];
    size_t n = 0;
    ssize_t r;

    lseek(fd, 0, SEEK_SET);
    while (n < sizeof(text) - 1 && (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)r;
    text[n] = '\0';
    close(fd);
    return text;
}

static int scratch(void)
{
    char path[] = "/tmp/apitest.XXXXXX";
    int fd = mkstemp(path);

    if (fd < 0)
        exit(1);
    unlink(path);
    return fd;
}

static const char *result_text(const struct live *l, const char *format)
{
    struct ration_error error;
    int fd = scratch();

    CHECK_OK(ration_result_write(l->result, format, fd, &error), error);
    return read_all(fd);
}

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- the cases -------------------------------------------------------------------------------------------- */

static void case_start(void)
{
    struct live l;
    const char *source = NULL;
    uint64_t value;

    live_start(&l, OPTIONS("memory", "50m", "name", "apitest-start"), "exit 3");
    CHECK(same(ration_run_name(l.run), "apitest-start"));
    live_wait(&l);
    CHECK(same(ration_result_cause(l.result), "exited"));
    CHECK(ration_result_whose(l.result) == NULL && ration_result_error(l.result) == NULL);
    CHECK(ration_result_exit_status(l.result) == 3 && ration_result_signal(l.result) == 0);
    CHECK(ration_result_program_status(l.result) == 3);
    CHECK(has(ration_result_sentence(l.result), "status 3"));
    CHECK(ration_result_metric(l.result, "wall_us", &value, &source) == 1);
    CHECK(same(source, "CLOCK_MONOTONIC"));
    CHECK(ration_result_metric(l.result, "output_bytes", &value, &source) == 0);
    CHECK(ration_result_metric(l.result, "nonsense", &value, &source) == -ENOENT);
    CHECK(metric(&l, "memory_peak_bytes") > 0);
    for (size_t i = 0; ration_format_at(i); i++)
        CHECK(strlen(result_text(&l, ration_format_at(i))) > 0);
    CHECK(has(result_text(&l, "json"), "\"exit_status\": 3"));
    CHECK(ration_result_write(l.result, "nonsense", 1, &l.error) < 0);
    CHECK(has(l.error.text, "nonsense"));
    CHECK(ration_kill(l.run, SIGTERM, &l.error) == -ESRCH);
    CHECK(has(l.error.text, "has ended"));
    CHECK(ration_update(l.run, "memory", "60m", &l.error) == -ESRCH);
    CHECK(ration_freeze(l.run, 1, &l.error) == -ESRCH);
    live_close(&l);
}

static void case_again(void) /* one description, several runs */
{
    struct live l;

    live_start(&l, OPTIONS("memory", "50m"), "exit 0");
    live_wait(&l);
    CHECK(ration_result_exit_status(l.result) == 0);
    ration_result_free(l.result);
    ration_run_free(l.run);
    CHECK_OK(ration_start(l.ration, l.spec, &l.run, &l.error), l.error);
    live_wait(&l);
    CHECK(ration_result_exit_status(l.result) == 0);
    live_close(&l);
}

static void case_errors(void)
{
    struct live l;
    struct ration_result *result = NULL;
    const char *const nobody[] = { "/nonexistent/program", NULL };

    live_open(&l);
    CHECK(ration_start(l.ration, l.spec, &l.run, &l.error) == -EINVAL);
    CHECK(has(l.error.text, "no COMMAND") && l.error.exit_status == 2);
    CHECK(ration_run_foreground(l.ration, l.spec, &result, &l.error) == -EINVAL);
    CHECK(has(l.error.text, "no COMMAND"));
    CHECK(ration_start(l.ration, l.spec, &l.run, NULL) == -EINVAL);
    CHECK(ration_spec_set(l.spec, "memroy", "50m", &l.error) < 0 && has(l.error.text, "memory"));
    CHECK(ration_spec_set(l.spec, "memory", "50 apples", &l.error) < 0);
    CHECK(l.error.exit_status == 2);
    CHECK(ration_spec_set_stdio(l.spec, 0, 1, 9999, &l.error) == -EBADF);
    CHECK(has(l.error.text, "9999"));
    CHECK(ration_spec_set_measure(l.spec, (enum ration_measure)99, &l.error) == -EINVAL);
    CHECK_OK(ration_spec_set_stdio(l.spec, -1, -1, -1, &l.error), l.error);
    CHECK_OK(ration_spec_set_command(l.spec, nobody, &l.error), l.error);
    CHECK_OK(ration_start(l.ration, l.spec, &l.run, &l.error), l.error);
    live_wait(&l);
    CHECK(same(ration_result_cause(l.result), "failed_to_start"));
    CHECK(ration_result_program_status(l.result) == 127);
    CHECK(ration_result_exit_status(l.result) == -1);
    CHECK(has(ration_result_error(l.result), "/nonexistent/program"));
    live_close(&l);
}

static void case_refused(void) /* nothing is started, nothing is left */
{
    struct live l;

    live_open(&l);
    live_describe(&l, OPTIONS("memory", "50m", "cgroup-conf", "memory.nonsense=1"), "exit 0");
    CHECK(ration_start(l.ration, l.spec, &l.run, &l.error) < 0);
    CHECK(has(l.error.text, "memory.nonsense") && l.error.exit_status == 125);
    live_close(&l);
}

static void case_plan(void)
{
    struct live l;
    int fd = scratch();

    live_open(&l);
    CHECK_OK(ration_spec_set(l.spec, "memory", "50m", &l.error), l.error);
    CHECK_OK(ration_plan_write(l.ration, l.spec, "v1", "text", fd, &l.error), l.error);
    CHECK(has(read_all(fd), "memory.limit_in_bytes"));
    fd = scratch();
    CHECK_OK(ration_plan_write(l.ration, l.spec, "v2", "json", fd, &l.error), l.error);
    CHECK(has(read_all(fd), "\"memory.max\""));
    fd = scratch();
    CHECK_OK(ration_plan_write(l.ration, l.spec, "here", "json", fd, &l.error), l.error);
    CHECK(has(read_all(fd), "52428800"));
    CHECK(ration_plan_write(l.ration, l.spec, "v3", "text", 1, &l.error) == -EINVAL);
    CHECK(has(l.error.text, "v3"));
    CHECK(ration_plan_write(l.ration, l.spec, "v1", "xml", 1, &l.error) == -EINVAL);
    CHECK(ration_plan_write(l.ration, l.spec, "v1", "text", 9999, &l.error) == -EBADF);
    live_close(&l);
}

static void case_options(void)
{
    struct ration_option option, again;

    CHECK(ration_option_count() > 50);
    for (size_t i = 0; i < ration_option_count(); i++) {
        CHECK(ration_option_at(i, &option) == 0);
        CHECK(ration_option_find(option.name, &again) == 0 && same(again.name, option.name));
    }
    CHECK(ration_option_at(ration_option_count(), &option) == -ENOENT);
    CHECK(ration_option_find_letter('m', &option) == 0 && same(option.name, "memory"));
    CHECK(ration_option_find("nonsense", &option) == -ENOENT);
}

static void case_kill(void)
{
    struct live l;

    live_start(&l, OPTIONS("memory", "50m"), "sleep 60");
    live_begin_wait(&l);
    sleep_ms(200);
    CHECK(ration_kill(l.run, 9999, &l.error) < 0 && has(l.error.text, "9999"));
    CHECK_OK(ration_kill(l.run, 0, &l.error), l.error);
    CHECK_OK(ration_kill(l.run, SIGTERM, &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "stopped"));
    CHECK(ration_result_signal(l.result) == SIGTERM);
    live_close(&l);
}

static void case_kill_early(void) /* before anybody waits */
{
    struct live l;

    live_start(&l, NULL, "sleep 60");
    CHECK_OK(ration_kill(l.run, SIGKILL, &l.error), l.error);
    live_wait(&l);
    CHECK(same(ration_result_cause(l.result), "stopped"));
    CHECK(ration_result_signal(l.result) == SIGKILL);
    live_close(&l);
}

static void case_kill_other_cause(void) /* a signal that was sent, and another cause of the end */
{
    struct live l;

    live_start(&l, OPTIONS("memory", "20m", "memory-swap", "20m"), "mem 60m --sleep-before 500ms");
    live_begin_wait(&l);
    sleep_ms(200);
    CHECK_OK(ration_kill(l.run, SIGWINCH, &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "memory"));
    live_close(&l);
}

static void case_free_live(void) /* freeing a run ends it */
{
    struct live l;

    live_start(&l, OPTIONS("memory", "50m"), "sleep 60");
    live_close(&l);
    live_start(&l, OPTIONS("memory", "50m", "pid", "host"), "sleep 60");
    sleep_ms(200);
    CHECK_OK(ration_freeze(l.run, 1, &l.error), l.error);
    live_close(&l);
}

static void case_update(void)
{
    struct live l;
    const char *json;

    live_start(
        &l, OPTIONS("memory", "50m", "pids-limit", "20", "rlimit-nofile", "100", "timeout", "60s"),
        "mem 30m --hold 60");
    live_begin_wait(&l);
    sleep_ms(500);
    CHECK_OK(ration_update(l.run, "memory", "80m", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "memory", "60m", &l.error), l.error);
    CHECK(ration_update(l.run, "memory", "10m", &l.error) == -EBUSY);
    CHECK(has(l.error.text, "--memory") && has(l.error.text, "10 MiB"));
    CHECK(has(l.error.text, "the run uses 3")); /* 30 and some MiB */
    CHECK_OK(ration_update(l.run, "pids-limit", "40", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "pids-limit", "5", &l.error), l.error);
    CHECK(ration_update(l.run, "nonsense", "5", &l.error) == -EINVAL);
    CHECK(ration_update(l.run, "memory", "5 apples", &l.error) == -EINVAL);
    CHECK(ration_update(l.run, "memory", "900p", &l.error) == -ERANGE);
    CHECK(ration_update(l.run, "rlimit-nofile", "50", &l.error) < 0);
    CHECK(has(l.error.text, "cannot be changed in a live run"));
    CHECK(ration_update(l.run, "output-limit", "5m", &l.error) == -EOPNOTSUPP);
    CHECK(ration_update(l.run, "hugetlb", "2MB:4m", &l.error) < 0);
    CHECK_OK(ration_update(l.run, "timeout", "1s", &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "wall_time"));
    CHECK(has(ration_result_sentence(l.result), "--timeout 1s"));
    CHECK(metric(&l, "wall_us") < 30000000);
    json = result_text(&l, "json");
    CHECK(has(json, "\"asked\": \"60m\"") && has(json, "\"in_force\": \"62914560\""));
    CHECK(has(json, "before: 50m") && has(json, "before: 20") && has(json, "before: 60s"));
    live_close(&l);
}

static void case_update_kills(void) /* the limit that is in force is the one that is named */
{
    struct live l;

    live_start(&l, OPTIONS("memory", "200m"), "mem 90m --sleep-before 1s");
    live_begin_wait(&l);
    sleep_ms(200);
    CHECK_OK(ration_update(l.run, "memory", "40m", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "memory-swap", "40m", &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "memory"));
    CHECK(same(ration_result_whose(l.result), "own"));
    CHECK(has(ration_result_sentence(l.result), "--memory 40m"));
    CHECK(metric(&l, "memory_peak_bytes") <= 40u << 20);
    live_close(&l);
}

static void case_update_swap(void) /* memory, and memory and swap together, in both directions */
{
    struct live l;

    live_start(&l, OPTIONS("memory", "50m", "memory-swap", "60m"), "mem 30m --hold 60");
    live_begin_wait(&l);
    sleep_ms(500);
    CHECK(ration_update(l.run, "memory", "70m", &l.error) == -EINVAL);
    CHECK(has(l.error.text, "--memory-swap"));
    CHECK_OK(ration_update(l.run, "memory-swap", "90m", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "memory", "70m", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "memory", "40m", &l.error), l.error);
    CHECK_OK(ration_update(l.run, "memory-swap", "45m", &l.error), l.error);
    CHECK(ration_update(l.run, "memory-swap", "35m", &l.error) == -EINVAL);
    CHECK(ration_update(l.run, "memory", "20m", &l.error) == -EBUSY);
    CHECK_OK(ration_update(l.run, "memory", "-1", &l.error) < 0
                 ? ration_update(l.run, "memory-swap", "-1", &l.error)
                 : 0,
             l.error);
    CHECK_OK(ration_kill(l.run, SIGKILL, &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "stopped"));
    live_close(&l);
}

static void case_update_none(void) /* a limit for which the run has no group or no counter */
{
    struct live l;

    live_open(&l);
    live_describe(&l, NULL, "sleep 60");
    CHECK_OK(ration_spec_set_measure(l.spec, RATION_MEASURE_NOTHING, &l.error), l.error);
    CHECK_OK(ration_start(l.ration, l.spec, &l.run, &l.error), l.error);
    live_begin_wait(&l);
    sleep_ms(200);
    CHECK(ration_update(l.run, "memory", "50m", &l.error) == -EOPNOTSUPP);
    CHECK(has(l.error.text, "--memory") && has(l.error.text, "when starting it"));
    CHECK_OK(ration_update(l.run, "timeout", "500ms", &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "wall_time"));
    live_close(&l);
}

static void case_cpu_time(void)
{
    struct live l;

    live_start(&l, OPTIONS("cpu-time", "5s"), "cpu 60");
    live_begin_wait(&l);
    sleep_ms(100);
    CHECK(ration_update(l.run, "cpu-time", "50s", &l.error) == -EOPNOTSUPP);
    CHECK(has(l.error.text, "RLIMIT_CPU"));
    CHECK_OK(ration_update(l.run, "cpu-time", "300ms", &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "cpu_time"));
    CHECK(metric(&l, "cpu_total_us") >= 300000);
    live_close(&l);
}

static void case_output(void) /* counted, though nobody reads it; the limit changes */
{
    struct live l;

    live_start(&l, OPTIONS("output-limit", "64k", "timeout", "20s"), "out 1m");
    live_wait(&l);
    CHECK(same(ration_result_cause(l.result), "output"));
    live_close(&l);
    live_start(&l, OPTIONS("output-limit", "64k", "timeout", "20s"), "out 1m");
    CHECK_OK(ration_update(l.run, "output-limit", "2m", &l.error), l.error);
    live_wait(&l);
    CHECK(same(ration_result_cause(l.result), "exited"));
    CHECK(metric(&l, "output_bytes") == 1 << 20);
    live_close(&l);
}

static void case_soft_once(void) /* a warning that was given is not given again by another change */
{
    struct live l;

    live_start(&l, OPTIONS("timeout-soft", "300ms", "soft-signal", "WINCH", "memory", "50m"),
               "sleep 2");
    live_begin_wait(&l);
    sleep_ms(800);
    CHECK_OK(ration_update(l.run, "memory", "60m", &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "exited"));
    live_close(&l);
}

static void case_freeze(void)
{
    struct live l;

    live_start(&l, OPTIONS("memory", "50m"), "cputime 400ms");
    CHECK_OK(ration_freeze(l.run, 1, &l.error), l.error);
    live_begin_wait(&l);
    sleep_ms(1000);
    /* A run that went on while it was frozen has ended by now, and that is refused. */
    CHECK_OK(ration_freeze(l.run, 0, &l.error), l.error);
    live_end_wait(&l);
    CHECK(ration_result_exit_status(l.result) == 0);
    CHECK(metric(&l, "wall_us") >= 1000000 || metric(&l, "cpu_total_us") >= 400000);
    live_close(&l);
    live_start(&l, OPTIONS("memory", "50m"), "sleep 60");
    live_begin_wait(&l);
    sleep_ms(200);
    CHECK_OK(ration_freeze(l.run, 1, &l.error), l.error);
    CHECK_OK(ration_kill(l.run, SIGKILL, &l.error), l.error);
    ration_freeze(l.run, 0, NULL); /* it may have died already */
    live_end_wait(&l);
    CHECK(ration_result_signal(l.result) == SIGKILL);
    live_close(&l);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

static void *several_runs(void *data)
{
    struct ration *ration = data;
    struct live l = { .ration = ration };

    for (int i = 0; i < 5; i++) {
        CHECK_OK(ration_spec_new(ration, &l.spec, &l.error), l.error);
        live_describe(&l, OPTIONS("memory", "20m", "memory-swap", "20m", "pids-limit", "10"),
                      i % 2 ? "mem 60m" : "exit 7");
        CHECK_OK(ration_start(ration, l.spec, &l.run, &l.error), l.error);
        live_wait(&l);
        CHECK(same(ration_result_cause(l.result), i % 2 ? "memory" : "exited"));
        ration_result_free(l.result);
        ration_run_free(l.run);
        ration_spec_free(l.spec);
    }
    return NULL;
}

static void case_threads(void) /* runs side by side, of one struct ration */
{
    struct live l;
    pthread_t thread[3];

    live_open(&l);
    for (size_t i = 0; i < 3; i++)
        if (pthread_create(&thread[i], NULL, several_runs, l.ration) != 0)
            exit(1);
    for (size_t i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    live_close(&l);
}

static atomic_bool meddling;

static void *meddle(void *data)
{
    struct live *l = data;
    struct ration_error error;

    for (unsigned i = 0; meddling && i < 40; i++) {
        int r = i % 4 == 0   ? ration_update(l->run, "memory", i % 8 ? "60m" : "70m", &error)
                : i % 4 == 1 ? ration_kill(l->run, SIGWINCH, &error)
                : i % 4 == 2 ? ration_freeze(l->run, i % 8 == 2, &error)
                             : ration_update(l->run, "timeout", i % 8 ? "50s" : "40s", &error);
        if (r < 0 && r != -ESRCH) {
            printf("meddling %u: %s\n", i, error.text);
            n_failed++;
        }
        sleep_ms(5);
    }
    return NULL;
}

static void case_meddling(void) /* several threads change a run that another one waits for */
{
    struct live l;
    pthread_t thread[2];

    live_start(&l, OPTIONS("memory", "50m", "timeout", "60s"), "sleep 60");
    meddling = true;
    live_begin_wait(&l);
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&thread[i], NULL, meddle, &l) != 0)
            exit(1);
    sleep_ms(100);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHECK_OK(ration_freeze(l.run, 0, &l.error), l.error);
    CHECK_OK(ration_kill(l.run, SIGTERM, &l.error), l.error);
    live_end_wait(&l);
    CHECK(same(ration_result_cause(l.result), "stopped"));
    live_close(&l);

    /* The end of the run meets them. */
    live_start(&l, OPTIONS("memory", "50m"), "cputime 50ms");
    live_begin_wait(&l);
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&thread[i], NULL, meddle, &l) != 0)
            exit(1);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    meddling = false;
    ration_freeze(l.run, 0, NULL);
    live_end_wait(&l);
    CHECK(ration_result_exit_status(l.result) == 0);
    live_close(&l);
}

static const struct {
    const char *name;
    void (*fn)(void);
} case_table[] = {
    { "start", case_start },
    { "again", case_again },
    { "errors", case_errors },
    { "refused", case_refused },
    { "plan", case_plan },
    { "options", case_options },
    { "kill", case_kill },
    { "kill-early", case_kill_early },
    { "kill-other-cause", case_kill_other_cause },
    { "free-live", case_free_live },
    { "update", case_update },
    { "update-kills", case_update_kills },
    { "update-swap", case_update_swap },
    { "update-none", case_update_none },
    { "cpu-time", case_cpu_time },
    { "output", case_output },
    { "soft-once", case_soft_once },
    { "freeze", case_freeze },
    { "threads", case_threads },
    { "meddling", case_meddling },
};

int main(int argc, char **argv)
{
    const size_t n = sizeof(case_table) / sizeof(case_table[0]);

    setvbuf(stdout, NULL, _IOLBF, 0);
    hog = argc == 3 ? argv[2] : NULL;
    for (size_t i = 0; i < n; i++) {
        if (argc == 1)
            printf("%s\n", case_table[i].name);
        else if (strcmp(argv[1], case_table[i].name) == 0 && hog) {
            case_table[i].fn();
            return n_failed > 0;
        }
    }
    return argc == 1 ? 0 : 2;
}
