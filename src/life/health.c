/*
 * Asking a container whether it is well: now and then a further process in it, by the monitor, whose loop waits for
 * its end. One at a time; one that takes too long is killed. The state says what came of it, ID/health the
 * last few results.
 */
#include "life/health.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define RESULTS_MAX   5u
#define STATUS_FAILED 1 /* of a check that could not be begun, or took too long (docker's -1) */

/* ---- pure ---------------------------------------------------------------------------------------------- */

const char *health_status_name(enum health_status status)
{
    static const char *const name_table[] = { [HEALTH_NONE] = "none",
                                              [HEALTH_STARTING] = "starting",
                                              [HEALTH_HEALTHY] = "healthy",
                                              [HEALTH_UNHEALTHY] = "unhealthy" };

    return name_table[status];
}

enum health_status health_judge(enum health_status before, bool failed, bool starting,
                                unsigned retries, unsigned *failures)
{
    if (!failed) {
        *failures = 0;
        return HEALTH_HEALTHY;
    }
    /* Before it was well for the first time it may take its time. */
    if (starting && before == HEALTH_STARTING)
        return before;
    if (*failures < retries)
        ++*failures;
    return *failures >= retries ? HEALTH_UNHEALTHY : before;
}

/* ---- what came of it ----------------------------------------------------------------------------------- */

static json_t *time_json(uint64_t us)
{
    char text[TIME_SIZE];

    time_format(us * 1000, text);
    return json_string(text);
}

/* Output may be anything; what is not UTF-8 is told as question marks. */
static json_t *output_json(struct health *health)
{
    json_t *text = json_stringn(health->output, health->length);

    for (size_t i = 0; !text && i < health->length; i++) {
        if ((unsigned char)health->output[i] >= 0x80)
            health->output[i] = '?';
    }
    return text ? text : json_stringn(health->output, health->length);
}

static void write_results(struct monitor *monitor, int status)
{
    struct health *health = &monitor->health;
    _cleanup_buf_ struct buf text = BUF_INIT;
    json_t *json = NULL, *log;

    if (file_read(monitor->dir.fd, "health", (size_t)1 << 20, &text) >= 0)
        json = json_loads(buf_text(&text), 0, NULL);
    if (!json)
        json = json_object();
    log = json_object_get(json, "Log");
    if (!json_is_array(log)) {
        log = json_array();
        json_object_set_new(json, "Log", log);
    }
    json_array_append_new(log,
                          json_pack("{s:o, s:o, s:i, s:o}", "Start", time_json(health->begun_us),
                                    "End", time_json(clock_us(CLOCK_REALTIME)), "ExitCode", status,
                                    "Output", output_json(health)));
    while (json_array_size(log) > RESULTS_MAX)
        json_array_remove(log, 0);
    json_object_set_new(json, "Status", json_string(health_status_name(health->status)));
    json_object_set_new(json, "FailingStreak", json_integer(health->failures));
    _cleanup_free_ char *document = json_dumps(json, JSON_COMPACT);
    if (document)
        life_write_file(monitor->dir.fd, "health", document, strlen(document), false);
    json_decref(json);
}

static void tell_status(struct monitor *monitor)
{
    const char *name = health_status_name(monitor->health.status);
    char line[32];

    snprintf(line, sizeof(line), "health %s\n", name);
    life_set_state(&monitor->dir, line, NULL);
    snprintf(line, sizeof(line), "health_status: %s", name);
    life_event(monitor->life, &monitor->dir, line, NULL, NULL);
}

static void rearm(struct monitor *monitor)
{
    struct health *health = &monitor->health;
    uint64_t now_us = clock_us(CLOCK_MONOTONIC);
    bool starting = health->status == HEALTH_STARTING &&
                    now_us < monitor->begun_us + health->plan.start_period_us;

    health->due_us =
        now_us + (starting ? health->plan.start_interval_us : health->plan.interval_us);
    monitor_wake_at(monitor);
}

static void check_ended(struct monitor *monitor, int status)
{
    struct health *health = &monitor->health;
    enum health_status before = health->status;
    uint64_t age_us = clock_us(CLOCK_MONOTONIC) - monitor->begun_us;

    health->status = health_judge(before, status != 0, age_us < health->plan.start_period_us,
                                  health->plan.retries, &health->failures);
    write_results(monitor, status);
    if (health->status != before)
        tell_status(monitor);
    rearm(monitor);
}

/* ---- a check ------------------------------------------------------------------------------------------- */

/* The first bytes are kept, the rest is read and dropped, so that nobody waits for a reader. */
static void take_output(struct health *health)
{
    char rest[1024];
    ssize_t n = 1;

    for (int i = 0; n > 0 && i < 64; i++) {
        size_t room = sizeof(health->output) - health->length;
        n = read(health->out.fd, room ? health->output + health->length : rest,
                 room ? room : sizeof(rest));
        if (n > 0 && room)
            health->length += (size_t)n;
    }
}

static void close_watch(struct monitor *monitor, struct watch *watch, bool owned)
{
    monitor_watch(monitor, watch, 0);
    if (owned)
        fd_close(watch->fd);
    *watch = WATCH_INIT;
}

static void check_close(struct monitor *monitor)
{
    struct health *health = &monitor->health;

    close_watch(monitor, &health->ended, false);
    close_watch(monitor, &health->out, true);
    run_process_free(health->process);
    health->process = NULL;
}

static void on_output(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    take_output(&monitor->health);
    if (events & (EPOLLHUP | EPOLLERR))
        monitor_watch(monitor, watch, 0);
}

static void on_ended(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    struct health *health = &monitor->health;
    int status = run_process_wait(health->process, NULL);

    (void)watch;
    (void)events;
    take_output(health);
    if (health->late) {
        health->length = (size_t)snprintf(health->output, sizeof(health->output),
                                          "Health check exceeded timeout (%llu ms)",
                                          (unsigned long long)health->plan.timeout_us / 1000);
        status = STATUS_FAILED;
    }
    check_close(monitor);
    check_ended(monitor, status < 0 ? STATUS_FAILED : status);
}

/* "CMD" and arguments as they are, "CMD-SHELL" and a line for the container's own shell. */
static int make_draft(const struct health *health, struct draft **ret, struct err *err)
{
    const char *const shell[] = { "/bin/sh", "-c", health->plan.test[1], NULL };
    bool line = strcmp(health->plan.test[0], "CMD-SHELL") == 0;
    _cleanup_(draft_freep) struct draft *draft = draft_new();
    int r = draft ? 0 : err_nomem(err);

    if (r >= 0)
        r = spec_set_command(draft, line ? shell : (const char *const *)health->plan.test + 1, err);
    if (r >= 0)
        *ret = TAKE_PTR(draft);
    return r;
}

static int check_start(struct monitor *monitor, int out_fd, struct err *err)
{
    struct health *health = &monitor->health;
    _cleanup_(draft_freep) struct draft *draft = NULL;
    const int stdio[3] = { -1, out_fd, out_fd };
    char name[LIFE_SHORT_SIZE];
    int r = make_draft(health, &draft, err);

    snprintf(name, sizeof(name), "%.12s", monitor->dir.id);
    return r < 0 ? r
                 : run_process_start(monitor->life->engine, name, draft, monitor->life->world,
                                     stdio, &health->process, err);
}

static void check_begin(struct monitor *monitor)
{
    struct health *health = &monitor->health;
    struct err err = ERR_INIT;
    int ends[2];

    health->length = 0;
    health->late = false;
    health->begun_us = clock_us(CLOCK_REALTIME);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        rearm(monitor);
        return;
    }
    fcntl(ends[1], F_SETFL, 0); /* the check's end is an ordinary one */
    health->out = (struct watch){ .fn = on_output, .fd = ends[0] };
    int r = check_start(monitor, ends[1], &err);
    close(ends[1]);
    if (r < 0) {
        check_close(monitor);
        health->length = (size_t)snprintf(health->output, sizeof(health->output), "%s", err.text);
        check_ended(monitor, STATUS_FAILED);
        return;
    }
    health->ended = (struct watch){ .fn = on_ended, .fd = run_process_fd(health->process) };
    monitor_watch(monitor, &health->out, EPOLLIN);
    monitor_watch(monitor, &health->ended, EPOLLIN);
    health->due_us = clock_us(CLOCK_MONOTONIC) + health->plan.timeout_us;
    monitor_wake_at(monitor);
}

/* ---- for the monitor --------------------------------------------------------------------------------- */

void life_health_plan(struct monitor *monitor, const struct draft *draft)
{
    struct health *health = &monitor->health;

    strv_free(health->plan.test);
    *health = (struct health){ .ended = WATCH_INIT, .out = WATCH_INIT };
    if (spec_find_health(draft, &health->plan, NULL) < 0)
        health->plan.test = NULL;
}

void life_health_begin(struct monitor *monitor)
{
    struct health *health = &monitor->health;

    unlinkat(monitor->dir.fd, "health", 0);
    if (!health->plan.test || !health->plan.test[0] || !health->plan.test[1])
        return;
    health->status = HEALTH_STARTING;
    tell_status(monitor);
    rearm(monitor);
}

void life_health_due(struct monitor *monitor)
{
    struct health *health = &monitor->health;

    if (health->status == HEALTH_NONE || !monitor->run)
        return;
    if (health->process) {
        health->late = true;
        run_process_kill(health->process);
    } else if (monitor->paused) {
        rearm(monitor); /* nothing can run in it */
    } else {
        check_begin(monitor);
    }
}

void life_health_end(struct monitor *monitor)
{
    struct health *health = &monitor->health;

    if (health->process)
        check_close(monitor);
    strv_free(health->plan.test);
    *health = (struct health){ .ended = WATCH_INIT, .out = WATCH_INIT };
}
