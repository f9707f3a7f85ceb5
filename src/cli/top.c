/* ration top: the processes of a container. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_top(const struct command *command, char *const *argv);

static const struct ration_option top_options[] = {
    { "format", 0, NULL, "FORMAT", "table, json, or a template: \"{{.PID}} {{.COMMAND}}\"",
      "What is shown", RATION_OPTION_VALUE },
};

const struct command top_command = {
    .name = "top",
    .args = "CONTAINER",
    .summary = "list the processes of a container",
    .description =
        "Lists the processes in the groups of a container, or of a live ration run by its "
        "--name: PID is the host's number, INNER the container's own.",
    .options = top_options,
    .n_options = ARRAY_SIZE(top_options),
    .run = command_top,
};

static const struct ration_column column_table[] = {
    { "UID", "UID", 0 },   { "PID", "PID", 0 },         { "INNER", "INNER", 0 },
    { "PPID", "PPID", 0 }, { "STATE", "S", 0 },         { "STIME", "STIME", 0 },
    { "TIME", "TIME", 0 }, { "RSS", "RSS", 0 },         { "THREADS", "THREADS", 1 },
    { "COMM", "COMM", 1 }, { "COMMAND", "COMMAND", 0 },
};

struct listing {
    struct ration_table *table;
    struct ration_error *error;
};

/* When it began, as ps shows it: the time of day, or a date when that is another one. */
static void stime_format(uint64_t started_us, char *ret, size_t size)
{
    time_t started = (time_t)(started_us / 1000000u), now = time(NULL);
    struct tm tm, today;

    localtime_r(&started, &tm);
    localtime_r(&now, &today);
    bool same = tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year;
    strftime(ret, size, same ? "%H:%M" : "%b%d", &tm);
}

static int list_process(void *data, const struct ration_process *process)
{
    struct listing *listing = data;
    char uid[16], pid[16], inner[16], ppid[16], stime[16], cpu[24], rss[24], threads[16];
    const char state[2] = { process->state, '\0' };
    unsigned long long seconds = process->cpu_us / 1000000u;

    snprintf(uid, sizeof(uid), "%u", process->uid);
    snprintf(pid, sizeof(pid), "%d", (int)process->pid);
    snprintf(inner, sizeof(inner), "%d", (int)process->inner_pid);
    snprintf(ppid, sizeof(ppid), "%d", (int)process->parent_pid);
    stime_format(process->started_us, stime, sizeof(stime));
    snprintf(cpu, sizeof(cpu), "%02llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60,
             seconds % 60);
    snprintf(rss, sizeof(rss), "%lluK", (unsigned long long)process->rss_bytes / 1024);
    snprintf(threads, sizeof(threads), "%u", process->threads);
    const char *const values[] = { uid, pid, inner,   ppid,          state,           stime,
                                   cpu, rss, threads, process->name, process->command };
    _Static_assert(ARRAY_SIZE(values) == ARRAY_SIZE(column_table), "a value for each column");
    return ration_table_add(listing->table, values, listing->error);
}

static int top(const struct verb *verb, struct ration_error *error)
{
    struct listing listing = { .error = error };
    int r = ration_table_new(column_table, ARRAY_SIZE(column_table), verb_value(verb, "format"),
                             &listing.table, error);

    if (r >= 0)
        r = ration_top(verb->ration, verb->operands[0], list_process, &listing, error);
    if (r >= 0)
        r = ration_table_write(listing.table, STDOUT_FILENO, error);
    ration_table_free(listing.table);
    return r;
}

static int command_top(const struct command *command, char *const *argv)
{
    return verb_run(command, argv, 1, 1, top);
}
