/*
 * The result as other tools print theirs, so that what reads those reads ours: isolate(1)'s meta
 * file, BenchExec's runexec, GNU time -v. Each is lines of one key and one value; what is not
 * known is left out. docs/result.md says which of our figures stands where.
 */
#include <time.h>
#include <unistd.h>

#include "report/print.h"

/* CPU time of the whole run, else of COMMAND. */
static bool cpu_us(const struct sample *sample, uint64_t *ret)
{
    uint64_t user, system;

    if (sample_get(sample, METRIC_CPU_TOTAL_US, ret))
        return true;
    if (!sample_get(sample, METRIC_RUSAGE_USER_US, &user) ||
        !sample_get(sample, METRIC_RUSAGE_SYSTEM_US, &system))
        return false;
    *ret = user + system;
    return true;
}

/* ration ended it by itself. */
static bool killed(const struct result *result)
{
    static const bool killed_table[CAUSE_COUNT] = {
        [CAUSE_WALL_TIME] = true,
        [CAUSE_CPU_TIME] = true,
        [CAUSE_OUTPUT] = true,
        [CAUSE_STOPPED] = true,
    };

    return killed_table[result->verdict.cause];
}

/* ---- one key and one figure ------------------------------------------------------------------ */

/* How a figure becomes text: seconds with so many digits, or the number divided. */
struct figure_line {
    const char *key;
    enum metric_id id;
    int digits;       /* seconds; 0: a whole number */
    uint64_t divide;  /* whole numbers */
    const char *tail; /* the unit, or "" */
};

static void print_figure(const struct figure_line *line, char separator, uint64_t value,
                         struct buf *ret)
{
    buf_printf(ret, "%s%c", line->key, separator);
    if (line->digits)
        print_seconds(ret, value, line->digits);
    else
        buf_printf(ret, "%ju", (uintmax_t)(value / line->divide));
    buf_printf(ret, "%s\n", line->tail);
}

static void print_figures(const struct sample *sample, const struct figure_line *lines, size_t n,
                          char separator, struct buf *ret)
{
    uint64_t value;

    for (size_t i = 0; i < n; i++) {
        bool known = lines[i].id == METRIC_CPU_TOTAL_US ? cpu_us(sample, &value)
                                                        : sample_get(sample, lines[i].id, &value);
        if (known)
            print_figure(&lines[i], separator, value, ret);
    }
}

/* ---- isolate --------------------------------------------------------------------------------- */

static const struct figure_line isolate_table[] = {
    { "time", METRIC_CPU_TOTAL_US, 3, 0, "" },
    { "time-wall", METRIC_WALL_US, 3, 0, "" },
    { "max-rss", METRIC_MAX_RSS_BYTES, 0, 1024, "" },
    { "csw-voluntary", METRIC_VOLUNTARY_SWITCHES, 0, 1, "" },
    { "csw-forced", METRIC_INVOLUNTARY_SWITCHES, 0, 1, "" },
    { "cg-mem", METRIC_MEMORY_PEAK_BYTES, 0, 1024, "" },
};

/* Its four states; NULL: all is well. */
static const char *isolate_status(const struct result *result)
{
    if (result->verdict.cause == CAUSE_FAILED_TO_START)
        return "XX";
    if (result->verdict.cause == CAUSE_WALL_TIME || result->verdict.cause == CAUSE_CPU_TIME)
        return "TO";
    if (result->signal)
        return "SG";
    return result->exit_status ? "RE" : NULL;
}

int isolate_print(const struct result *result, struct buf *ret, struct err *err)
{
    const char *status = isolate_status(result);
    uint64_t kills;

    print_figures(&result->final, isolate_table, ARRAY_SIZE(isolate_table), ':', ret);
    if (sample_get(&result->final, METRIC_OOM_KILLS, &kills) && kills)
        buf_puts(ret, "cg-oom-killed:1\n");
    if (result->exited)
        buf_printf(ret, "exitcode:%d\n", result->exit_status);
    if (result->signal)
        buf_printf(ret, "exitsig:%d\n", result->signal);
    if (killed(result))
        buf_puts(ret, "killed:1\n");
    if (status) {
        buf_printf(ret, "status:%s\nmessage:", status);
        print_line(ret, result->verdict.text);
        buf_putc(ret, '\n');
    }
    return print_end(ret, err);
}

/* ---- runexec --------------------------------------------------------------------------------- */

static const struct figure_line runexec_time_table[] = {
    { "walltime", METRIC_WALL_US, 6, 0, "s" },
    { "cputime", METRIC_CPU_TOTAL_US, 6, 0, "s" },
};

static const struct figure_line runexec_rest_table[] = {
    { "memory", METRIC_MEMORY_PEAK_BYTES, 0, 1, "B" },
    { "blkio-read", METRIC_IO_READ_BYTES, 0, 1, "B" },
    { "blkio-write", METRIC_IO_WRITE_BYTES, 0, 1, "B" },
    { "pressure-cpu-some", METRIC_PRESSURE_CPU_SOME_US, 6, 0, "s" },
    { "pressure-io-some", METRIC_PRESSURE_IO_SOME_US, 6, 0, "s" },
    { "pressure-memory-some", METRIC_PRESSURE_MEMORY_SOME_US, 6, 0, "s" },
};

/*
 * Its reasons for a run that was ended from outside; NULL: the run ended by itself. Memory is a
 * limit's only where a limit was reached: when the machine ran out it is merely killed.
 */
static const char *runexec_reason(const struct verdict *verdict)
{
    switch (verdict->cause) {
    case CAUSE_MEMORY:
        return verdict->whose == WHOSE_OWN || verdict->whose == WHOSE_ANCESTOR ? "memory"
                                                                               : "killed";
    case CAUSE_WALL_TIME:
        return "walltime";
    case CAUSE_CPU_TIME:
        return verdict->limit == LIMIT_CPU_TIME_SOFT ? "cputime-soft" : "cputime";
    case CAUSE_OUTPUT:
    case CAUSE_STOPPED:
        return "killed";
    case CAUSE_FAILED_TO_START:
        return "failed";
    default:
        return NULL;
    }
}

/* Python's isoformat() of a time that knows its zone. */
static void print_iso_time(struct buf *ret, uint64_t realtime_us)
{
    time_t seconds = (time_t)(realtime_us / 1000000);
    struct tm tm;
    char text[32] = "";

    if (gmtime_r(&seconds, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(ret, "%s.%06ju+00:00", text, (uintmax_t)(realtime_us % 1000000));
}

int runexec_print(const struct result *result, struct buf *ret, struct err *err)
{
    const struct sample *sample = &result->final;
    const char *reason = runexec_reason(&result->verdict);

    buf_puts(ret, "starttime=");
    print_iso_time(ret, result->started_realtime_us);
    buf_putc(ret, '\n');
    if (reason)
        buf_printf(ret, "terminationreason=%s\n", reason);
    if (result->verdict.cause == CAUSE_FAILED_TO_START)
        return print_end(ret, err);
    if (result->exited)
        buf_printf(ret, "returnvalue=%d\n", result->exit_status);
    if (result->signal)
        buf_printf(ret, "exitsignal=%d\n", result->signal);
    print_figures(sample, runexec_time_table, ARRAY_SIZE(runexec_time_table), '=', ret);
    for (unsigned i = 0; i < sample->n_cpus; i++) {
        buf_printf(ret, "cputime-cpu%u=", i);
        print_seconds(ret, sample->per_cpu_us[i], 6);
        buf_puts(ret, "000s\n"); /* nine digits there */
    }
    print_figures(sample, runexec_rest_table, ARRAY_SIZE(runexec_rest_table), '=', ret);
    return print_end(ret, err);
}

/* ---- GNU time -------------------------------------------------------------------------------- */

/* A line whose figure is METRIC_NONE is one that Linux does not count: always 0, there as here. */
static const struct figure_line gnu_time_table[] = {
    { "Average shared text size (kbytes)", METRIC_NONE, 0, 1, "" },
    { "Average unshared data size (kbytes)", METRIC_NONE, 0, 1, "" },
    { "Average stack size (kbytes)", METRIC_NONE, 0, 1, "" },
    { "Average total size (kbytes)", METRIC_NONE, 0, 1, "" },
    { "Maximum resident set size (kbytes)", METRIC_MAX_RSS_BYTES, 0, 1024, "" },
    { "Average resident set size (kbytes)", METRIC_NONE, 0, 1, "" },
    { "Major (requiring I/O) page faults", METRIC_MAJOR_FAULTS, 0, 1, "" },
    { "Minor (reclaiming a frame) page faults", METRIC_MINOR_FAULTS, 0, 1, "" },
    { "Voluntary context switches", METRIC_VOLUNTARY_SWITCHES, 0, 1, "" },
    { "Involuntary context switches", METRIC_INVOLUNTARY_SWITCHES, 0, 1, "" },
    { "Swaps", METRIC_NONE, 0, 1, "" },
    { "File system inputs", METRIC_RUSAGE_READ_BLOCKS, 0, 1, "" },
    { "File system outputs", METRIC_RUSAGE_WRITE_BLOCKS, 0, 1, "" },
    { "Socket messages sent", METRIC_NONE, 0, 1, "" },
    { "Socket messages received", METRIC_NONE, 0, 1, "" },
    { "Signals delivered", METRIC_NONE, 0, 1, "" },
};

/* Of a command that could not be started it has the status that it ends with itself: 126 or 127. */
static int gnu_status(const struct result *result)
{
    return result->exited || result->signal ? result->exit_status : result->program_status;
}

/* "Command being timed": the words as they are, but on one line. */
static void print_gnu_head(const struct result *result, struct buf *ret)
{
    if (result->signal)
        buf_printf(ret, "Command terminated by signal %d\n", result->signal);
    else if (gnu_status(result))
        buf_printf(ret, "Command exited with non-zero status %d\n", gnu_status(result));
    buf_puts(ret, "\tCommand being timed: \"");
    for (size_t i = 0; result->argv && result->argv[i]; i++) {
        if (i > 0)
            buf_putc(ret, ' ');
        print_line(ret, result->argv[i]);
    }
    buf_puts(ret, "\"\n");
}

static void print_gnu_elapsed(uint64_t wall_us, struct buf *ret)
{
    uint64_t seconds = wall_us / 1000000, hundredths = wall_us % 1000000 / 10000;

    buf_puts(ret, "\tElapsed (wall clock) time (h:mm:ss or m:ss): ");
    if (seconds >= 3600)
        buf_printf(ret, "%ju:%02ju:%02ju\n", (uintmax_t)(seconds / 3600),
                   (uintmax_t)(seconds % 3600 / 60), (uintmax_t)(seconds % 60));
    else
        buf_printf(ret, "%ju:%02ju.%02ju\n", (uintmax_t)(seconds / 60), (uintmax_t)(seconds % 60),
                   (uintmax_t)hundredths);
}

/* Times of COMMAND and its children, as GNU time has them. */
static void print_gnu_times(const struct sample *sample, struct buf *ret)
{
    uint64_t user = 0, system = 0, wall;
    bool known = sample_get(sample, METRIC_RUSAGE_USER_US, &user) &&
                 sample_get(sample, METRIC_RUSAGE_SYSTEM_US, &system);

    if (known) {
        buf_puts(ret, "\tUser time (seconds): ");
        print_seconds(ret, user, 2);
        buf_puts(ret, "\n\tSystem time (seconds): ");
        print_seconds(ret, system, 2);
        buf_putc(ret, '\n');
    }
    if (!sample_get(sample, METRIC_WALL_US, &wall))
        return;
    if (known && wall > 0)
        buf_printf(ret, "\tPercent of CPU this job got: %ju%%\n",
                   (uintmax_t)((user + system) * 100 / wall));
    else if (known)
        buf_puts(ret, "\tPercent of CPU this job got: ?%\n");
    print_gnu_elapsed(wall, ret);
}

int gnu_time_print(const struct result *result, struct buf *ret, struct err *err)
{
    uint64_t value;

    print_gnu_head(result, ret);
    print_gnu_times(&result->final, ret);
    for (size_t i = 0; i < ARRAY_SIZE(gnu_time_table); i++) {
        const struct figure_line *line = &gnu_time_table[i];
        value = 0;
        if (line->id == METRIC_NONE || sample_get(&result->final, line->id, &value))
            buf_printf(ret, "\t%s: %ju\n", line->key, (uintmax_t)(value / line->divide));
    }
    buf_printf(ret, "\tPage size (bytes): %ld\n", sysconf(_SC_PAGESIZE));
    buf_printf(ret, "\tExit status: %d\n", gnu_status(result));
    return print_end(ret, err);
}
