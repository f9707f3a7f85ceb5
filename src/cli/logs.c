/* ration logs: what a container has written. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_logs(const struct command *command, char *const *argv);

static const struct ration_option logs_options[] = {
    { "follow", 'f', NULL, NULL, "go on as long as the container runs", "What is shown",
      RATION_OPTION_FLAG },
    { "tail", 'n', NULL, "N|all", "only the last N lines", "What is shown", RATION_OPTION_VALUE },
    { "since", 0, NULL, "TIME",
      "only what was written after TIME (2026-11-22T10:00:00, 10m ago: 10m)", "What is shown",
      RATION_OPTION_VALUE },
    { "until", 0, NULL, "TIME", "only what was written before TIME", "What is shown",
      RATION_OPTION_VALUE },
    { "timestamps", 't', NULL, NULL, "put before each line when it was written", "What is shown",
      RATION_OPTION_FLAG },
};

const struct command logs_command = {
    .name = "logs",
    .args = "CONTAINER",
    .summary = "show what a container has written",
    .description =
        "Shows the log of a container, running or not: what it wrote to stdout on stdout, what it "
        "wrote to stderr on stderr. Logs are of bounded size (--log-opt when the container is "
        "made); "
        "what is older than they hold is gone.",
    .options = logs_options,
    .n_options = ARRAY_SIZE(logs_options),
    .run = command_logs,
};

#define FLUSH_BYTES 32768u

struct showing {
    struct buf text;
    int fd; /* where it belongs */
    bool at_once, timestamps;
    bool within[3]; /* the stream is within a line */
};

#define WHEN_SIZE 32

/* "2026-11-22T10:00:00.123456789Z" */
static void when_format(uint64_t time_ns, char ret[static WHEN_SIZE])
{
    time_t seconds = (time_t)(time_ns / 1000000000u);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    size_t n = strftime(ret, WHEN_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + n, WHEN_SIZE - n, ".%09uZ", (unsigned)(time_ns % 1000000000u));
}

static int showing_flush(struct showing *showing)
{
    int r = buf_error(&showing->text);

    if (r == 0 && showing->text.len > 0)
        r = fd_write_all(showing->fd, showing->text.data, showing->text.len);
    showing->text.len = 0;
    return r;
}

static int show_entry(void *data, const struct ration_log_entry *entry)
{
    struct showing *showing = data;
    int fd = entry->stream == 2 ? STDERR_FILENO : STDOUT_FILENO;
    bool *within = &showing->within[fd];
    char when[WHEN_SIZE];
    int r = 0;

    if (fd != showing->fd)
        r = showing_flush(showing);
    showing->fd = fd;
    if (showing->timestamps && !*within) {
        when_format(entry->time_ns, when);
        buf_printf(&showing->text, "%s ", when);
    }
    buf_add(&showing->text, entry->text, entry->length);
    *within = entry->length > 0 && entry->text[entry->length - 1] != '\n';
    if (r == 0 && (showing->at_once || showing->text.len >= FLUSH_BYTES))
        r = showing_flush(showing);
    return r;
}

static int read_options(const struct verb *verb, struct ration_log_options *ret,
                        struct ration_error *error)
{
    const char *tail = verb_value(verb, "tail"), *since = verb_value(verb, "since");
    const char *until = verb_value(verb, "until");
    int r = 0;

    *ret = (struct ration_log_options){ .follow = verb_flag(verb, "follow"), .tail = UINT64_MAX };
    if (tail && strcmp(tail, "all") != 0 && number_parse(tail, UINT64_MAX, &ret->tail) < 0)
        r = cli_usage(error, "--tail takes a number of lines or all, not \"%.64s\"", tail);
    if (r == 0 && since)
        r = verb_time("since", since, &ret->since_us, error);
    if (r == 0 && until)
        r = verb_time("until", until, &ret->until_us, error);
    return r;
}

static int logs(const struct verb *verb, struct ration_error *error)
{
    struct ration_log_options options;
    struct showing showing = { .fd = STDOUT_FILENO, .timestamps = verb_flag(verb, "timestamps") };
    int r = read_options(verb, &options, error);

    showing.at_once = options.follow;
    if (r >= 0)
        r = ration_container_logs(verb->ration, verb->operands[0], &options, show_entry, &showing,
                                  error);
    int flushed = showing_flush(&showing);
    if (flushed < 0)
        r = cli_fail(error, -flushed, "the log cannot be written on: %s", err_name(-flushed));
    buf_done(&showing.text);
    return r;
}

static int command_logs(const struct command *command, char *const *argv)
{
    return verb_run(command, argv, 1, 1, logs);
}
