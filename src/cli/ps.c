/* ration ps: the containers that there are. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_ps(const struct command *command, char *const *argv);

#define WHICH "Which containers"
#define HOW   "How they are shown"

static const struct ration_option ps_options[] = {
    { "all", 'a', NULL, NULL, "those that do not run, too", WHICH, RATION_OPTION_FLAG },
    { "last", 'n', NULL, "NUMBER", "so many of the newest, whether they run or not", WHICH,
      RATION_OPTION_VALUE },
    { "latest", 'l', NULL, NULL, "the newest one", WHICH, RATION_OPTION_FLAG },
    { "filter", 'f', NULL, "KEY=VALUE",
      "ancestor, before, exited, health, id, label, name, network, since, status or volume", WHICH,
      RATION_OPTION_MANY },
    { "quiet", 'q', NULL, NULL, "ids alone", HOW, RATION_OPTION_FLAG },
    { "no-trunc", 0, NULL, NULL, "whole ids and commands", HOW, RATION_OPTION_FLAG },
    { "format", 0, NULL, "FORMAT", "table, json or a template: '{{.Names}}: {{.Status}}'", HOW,
      RATION_OPTION_VALUE },
};

const struct command ps_command = {
    .name = "ps",
    .args = "",
    .summary = "list containers",
    .options = ps_options,
    .n_options = ARRAY_SIZE(ps_options),
    .run = command_ps,
};

static const struct ration_column column_table[] = {
    { "ID", "CONTAINER ID", 0 },    { "Image", "IMAGE", 0 },       { "Command", "COMMAND", 0 },
    { "RunningFor", "CREATED", 0 }, { "Status", "STATUS", 0 },     { "Ports", "PORTS", 0 },
    { "Names", "NAMES", 0 },        { "State", "STATE", 1 },       { "CreatedAt", "CREATED AT", 1 },
    { "Labels", "LABELS", 1 },      { "Mounts", "MOUNTS", 1 },     { "Networks", "NETWORKS", 1 },
    { "ExitCode", "EXIT CODE", 1 }, { "Restarts", "RESTARTS", 1 }, { "Pid", "PID", 1 },
};

struct list {
    const struct verb *verb;
    struct ration_table *table; /* NULL: ids alone */
    uint64_t left;
    struct ration_error *error;
};

/* "3 minutes ago" */
static void age_format(uint64_t since_us, char *ret, size_t size)
{
    static const struct {
        uint64_t below, unit;
        const char *name;
    } age_table[] = {
        { 60, 1, "second" },
        { 3600, 60, "minute" },
        { 48 * 3600u, 3600, "hour" },
        { 14 * 86400u, 86400, "day" },
        { 60 * 86400u, 7 * 86400u, "week" },
        { 730 * 86400u, 30 * 86400u, "month" },
        { UINT64_MAX, 365 * 86400u, "year" },
    };
    uint64_t now_us = clock_us(CLOCK_REALTIME);
    uint64_t seconds = now_us > since_us ? (now_us - since_us) / 1000000 : 0;
    size_t i = 0;

    while (seconds >= age_table[i].below)
        i++;
    uint64_t n = seconds / age_table[i].unit;
    snprintf(ret, size, "%llu %s%s ago", (unsigned long long)n, age_table[i].name,
             n == 1 ? "" : "s");
}

static void date_format(uint64_t us, char *ret, size_t size)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(ret, size, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
}

static void command_format(const char *command, bool whole, struct buf *ret)
{
    if (whole || strlen(command) <= 20)
        buf_printf(ret, "\"%s\"", command);
    else
        buf_printf(ret, "\"%.19s…\"", command);
}

static int list_row(const struct list *list, const struct ration_container *container)
{
    bool whole = verb_flag(list->verb, "no-trunc");
    char id[RATION_ID_SIZE], age[48], date[48], numbers[3][24];
    _cleanup_buf_ struct buf command = BUF_INIT, labels = BUF_INIT;

    snprintf(id, sizeof(id), whole ? "%s" : "%.12s", container->id);
    if (!list->table)
        return verb_say(id, list->error);
    age_format(container->created_us, age, sizeof(age));
    date_format(container->created_us, date, sizeof(date));
    command_format(container->command, whole, &command);
    for (const char *const *label = container->labels; label && *label; label++)
        buf_printf(&labels, "%s%s", labels.len ? "," : "", *label);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", container->exit_status);
    snprintf(numbers[1], sizeof(numbers[1]), "%u", container->restarts);
    snprintf(numbers[2], sizeof(numbers[2]), "%d", (int)container->pid);
    const char *const values[] = {
        id,
        container->image,
        buf_text(&command),
        age,
        container->status_text,
        container->ports,
        container->name,
        container->status,
        date,
        buf_text(&labels),
        container->mounts,
        container->networks,
        container->exit_status < 0 ? "" : numbers[0],
        numbers[1],
        numbers[2],
    };
    _Static_assert(ARRAY_SIZE(values) == ARRAY_SIZE(column_table), "a value for each column");
    return ration_table_add(list->table, values, list->error);
}

static int list_one(void *data, const struct ration_container *container)
{
    struct list *list = data;

    if (list->left == 0)
        return 1;
    list->left--;
    return list_row(list, container);
}

static int list_containers(const struct verb *verb, struct ration_error *error)
{
    const char *last = verb_value(verb, "last"), *format = verb_value(verb, "format");
    struct list list = { .verb = verb, .left = UINT64_MAX, .error = error };
    int r = 0;

    if (last && (number_parse(last, UINT64_MAX, &list.left) < 0 || list.left == 0))
        return cli_usage(error, "--last takes a number of containers, not \"%.64s\"", last);
    if (verb_flag(verb, "latest"))
        list.left = 1;
    if (!verb_flag(verb, "quiet") || format)
        r = ration_table_new(column_table, ARRAY_SIZE(column_table), format, &list.table, error);
    bool all = verb_flag(verb, "all") || list.left != UINT64_MAX;
    if (r >= 0)
        r = ration_container_visit(verb->ration, all, verb_many(verb), list_one, &list, error);
    if (r >= 0 && list.table)
        r = ration_table_write(list.table, STDOUT_FILENO, error);
    ration_table_free(list.table);
    return r;
}

static int command_ps(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    int status, r = 0;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    if (*verb.operands)
        r = cli_usage(&error, "ps takes no argument, unlike \"%.64s\"", *verb.operands);
    if (r >= 0)
        r = list_containers(&verb, &error);
    return r < 0 ? cli_report(&error) : 0;
}
