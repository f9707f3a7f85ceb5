/*
 * The monitor of one container: starts it, looks after its output and its clients, starts it again as its
 * policy says, and puts on record how it ended. Detached it is a process of its own without a terminal; in the
 * foreground it is whoever asked for the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "life/health.h"

/* ---- the set of what is watched ------------------------------------------------------------------------------ */

int monitor_watch(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };
    int op = watch->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (watch->fd < 0 || watch->events == events)
        return 0;
    if (epoll_ctl(monitor->epoll_fd, op, watch->fd, &event) < 0)
        return -errno;
    watch->events = events;
    return 0;
}

int monitor_dispatch(struct monitor *monitor, bool wait)
{
    struct epoll_event event;

    /* One at a time: what is done about one may make another disappear. Not for ever: others wait, too. */
    for (int i = 0; i < 64; i++) {
        int n = epoll_wait(monitor->epoll_fd, &event, 1, wait && i == 0 ? -1 : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        struct watch *watch = event.data.ptr;
        watch->fn(monitor, watch, event.events);
    }
    return 0;
}

/* ---- what is due --------------------------------------------------------------------------------------------- */

void monitor_wake_at(struct monitor *monitor)
{
    const uint64_t due[] = { monitor->kill_us, monitor->patience_us, monitor->restart_us,
                             monitor->settle_us, monitor->health.due_us };
    struct itimerspec at = { 0 };
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(due); i++) {
        if (due[i] != 0 && due[i] < first)
            first = due[i];
    }
    if (first != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(first / 1000000);
        at.it_value.tv_nsec = (long)(first % 1000000) * 1000;
    }
    timerfd_settime(monitor->timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Is it time? It is then no more. */
static bool is_due(uint64_t *at_us, uint64_t now_us)
{
    if (*at_us == 0 || *at_us > now_us)
        return false;
    *at_us = 0;
    return true;
}

static void on_timer(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    uint64_t count, now_us = clock_us(CLOCK_MONOTONIC);

    (void)events;
    if (read(watch->fd, &count, sizeof(count)) < 0 && errno == EAGAIN)
        return;
    if (is_due(&monitor->kill_us, now_us) && monitor->run) {
        run_signal(monitor->run, SIGKILL, NULL);
        if (monitor->paused)
            run_freeze(monitor->run, false, NULL);
    }
    if (is_due(&monitor->patience_us, now_us))
        sinks_give_up(monitor);
    if (is_due(&monitor->health.due_us, now_us))
        life_health_due(monitor);
    /* What the start took is not needed any more. */
    if (is_due(&monitor->settle_us, now_us))
        memory_give_back();
    monitor_wake_at(monitor);
}

int monitor_stop(struct monitor *monitor, uint64_t timeout_us, struct err *err)
{
    int r = 0;

    monitor->stopped = true;
    monitor->restart_us = 0;
    if (!monitor->run)
        return 0;
    r = run_signal(monitor->run, timeout_us == 0 ? SIGKILL : monitor->spec->stop_signal, err);
    if (r == -ESRCH)
        return 0;
    if (r >= 0 && monitor->paused) {
        r = run_freeze(monitor->run, false, err);
        monitor->paused = false;
    }
    monitor->kill_us = clock_us(CLOCK_MONOTONIC) +
                       (timeout_us == UINT64_MAX ? monitor->spec->stop_timeout_us : timeout_us);
    monitor_wake_at(monitor);
    return r;
}

/* Whoever ends us, the machine that goes down for one, means the container. */
static void on_signal(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    if (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        monitor_stop(monitor, UINT64_MAX, NULL);
}

/* ---- beginning ------------------------------------------------------------------------------------------------- */

static void monitor_init(struct monitor *monitor, struct life *life)
{
    *monitor = (struct monitor){
        .life = life,
        .dir = CONTAINER_DIR_INIT,
        .lock_fd = -1,
        .command_fd = -1,
        .epoll_fd = -1,
        .listener = WATCH_INIT,
        .timer = WATCH_INIT,
        .signals = WATCH_INIT,
        .in = WATCH_INIT,
        .streams = { { .watch = WATCH_INIT }, { .watch = WATCH_INIT } },
        .inner = { -1, -1, -1 },
        .stdio = { -1, -1, -1 },
        .log = { .fd = -1 },
    };
}

static int watch_timer(struct monitor *monitor)
{
    monitor->timer =
        (struct watch){ .fn = on_timer,
                        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK) };
    return monitor->timer.fd < 0 ? -errno : monitor_watch(monitor, &monitor->timer, EPOLLIN);
}

static int watch_signals(struct monitor *monitor)
{
    sigset_t mask;

    if (monitor->foreground)
        return 0; /* those are the run's */
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    monitor->signals =
        (struct watch){ .fn = on_signal, .fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK) };
    return monitor->signals.fd < 0 ? -errno : monitor_watch(monitor, &monitor->signals, EPOLLIN);
}

static int open_log(struct monitor *monitor, struct err *err)
{
    _cleanup_(draft_freep) struct draft *draft = NULL;
    struct log_bounds bounds = LOG_BOUNDS_DEFAULT;
    int r = life_read_config(monitor->life, &monitor->dir, &draft, err);

    if (r < 0)
        return r;
    for (char *const *option = spec_get_all(draft, "log-opt"); *option; option++)
        log_option_parse(*option, &bounds);
    log_init(&monitor->log, monitor->dir.fd, &bounds);
    return 0;
}

/* fd: the lock of commands, which the caller may have; or -1 */
static int monitor_open(struct monitor *monitor, struct err *err)
{
    monitor->lock_fd = life_lock(&monitor->dir, LOCK_MONITOR, err);
    if (monitor->lock_fd < 0)
        return monitor->lock_fd;
    monitor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int r = monitor->epoll_fd < 0 ? -errno : watch_timer(monitor);
    if (r >= 0)
        r = watch_signals(monitor);
    if (r < 0)
        return err_set(err, -r, "cannot watch container %.12s: %s", monitor->dir.id, err_name(-r));
    r = open_log(monitor, err);
    return r < 0 ? r : clients_listen(monitor, err);
}

static void monitor_done(struct monitor *monitor)
{
    life_health_end(monitor);
    clients_done(monitor);
    log_done(&monitor->log);
    fd_close(monitor->listener.fd);
    fd_close(monitor->timer.fd);
    fd_close(monitor->signals.fd);
    fd_close(monitor->epoll_fd);
    fd_close(monitor->lock_fd);
    fd_close(monitor->command_fd);
    spec_free(monitor->spec);
    result_free(monitor->result);
    free(monitor->environ);
    free(monitor->origin);
    container_dir_done(&monitor->dir);
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static void record_end(struct monitor *monitor, bool again, const struct err *err)
{
    const struct result *result = monitor->begun ? monitor->result : NULL;
    _cleanup_buf_ struct buf lines = BUF_INIT;
    char status[16];

    buf_printf(&lines, "status %s\npid\nhealth\naddress\nports\nfinished %llu\n",
               again ? "restarting" : "exited", (unsigned long long)clock_us(CLOCK_REALTIME));
    buf_printf(&lines, "exit %d\nrestarts %u\n", monitor->status, monitor->restarts);
    if (result) {
        state_line(&lines, "cause", cause_name(result->verdict.cause));
        state_line(&lines, "whose", text_or_empty(whose_name(result->verdict.whose)));
        state_line(&lines, "sentence", result->verdict.text);
        buf_printf(&lines, "signal %d\n", result->signal);
    } else {
        state_line(&lines, "cause", "failed_to_start");
        state_line(&lines, "sentence", err->text);
    }
    if (buf_error(&lines) == 0)
        life_set_state(&monitor->dir, buf_text(&lines), NULL);
    snprintf(status, sizeof(status), "%d", monitor->status);
    if (result && result->verdict.cause == CAUSE_MEMORY)
        life_event(monitor->life, &monitor->dir, "oom", NULL, NULL);
    if (result)
        life_event(monitor->life, &monitor->dir, "die", "exitCode", status);
}

static void on_restart_wait(struct monitor *monitor)
{
    while (monitor->restart_us != 0 && monitor->restart_us > clock_us(CLOCK_MONOTONIC)) {
        monitor_wake_at(monitor);
        if (monitor_dispatch(monitor, true) < 0)
            break;
    }
    monitor->restart_us = 0;
}

/* Shall it be started again? Then the pause before that is over when this returns. */
static bool restart(struct monitor *monitor, const struct err *err)
{
    const struct restart_facts facts = {
        .restarts = monitor->restarts,
        .delay_us = monitor->delay_us,
        .up_us = monitor->begun ? clock_us(CLOCK_MONOTONIC) - monitor->begun_us : 0,
        .status = monitor->status,
        .stopped = monitor->stopped,
    };

    /* One that has never begun would not begin the next time. */
    bool again = monitor->begun_us != 0 && !monitor->foreground &&
                 restart_decide(&monitor->policy, &facts, &monitor->delay_us);
    record_end(monitor, again, err);
    if (!again)
        return false;
    monitor->restarts++;
    monitor->restart_us = clock_us(CLOCK_MONOTONIC) + monitor->delay_us;
    memory_give_back();
    on_restart_wait(monitor);
    if (!monitor->stopped)
        return true;
    record_end(monitor, false, err);
    return false;
}

/* Nothing of ours is there any more when those who wait hear of it. */
static void monitor_finish(struct monitor *monitor, const struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    bool removed = state_read_plain(&monitor->dir, &state) >= 0 &&
                   strcmp(life_state_get(&state, "rm"), "true") == 0;

    monitor->ended = true;
    control_remove(monitor->life, monitor->dir.id);
    monitor->lock_fd = fd_close(monitor->lock_fd);
    if (removed && monitor->command_fd < 0)
        monitor->command_fd = lock_take(monitor->dir.fd, LOCK_COMMAND, LIFE_WAIT_US);
    /* With patience in vain somebody else is removing it. */
    if (removed && monitor->command_fd >= 0 &&
        faccessat(monitor->life->containers_fd, monitor->dir.id, F_OK, 0) == 0) {
        life_remove_directory(monitor->life, &monitor->dir, true, NULL);
    }
    monitor->command_fd = fd_close(monitor->command_fd);
    clients_tell_end(monitor, err);
}

static int monitor_main(struct monitor *monitor, struct err *err)
{
    int r;

    do {
        *err = ERR_INIT;
        r = monitor_run_once(monitor, err);
        if (r < 0)
            monitor->status = err_exit_status(err);
    } while (restart(monitor, err));
    monitor_finish(monitor, r < 0 ? err : NULL);
    return r;
}

/* ---- the two kinds ----------------------------------------------------------------------------------------------- */

static int find_id(struct life *life, struct monitor *monitor, const char *id, struct err *err)
{
    int r = life_containers(life, false, err);

    return r < 0 ? r : life_find(life, id, &monitor->dir, err);
}

/* By itself, so that its buffer is on no stack while the container runs. */
static __attribute__((noinline)) void tell_error(int control_fd, const struct err *err)
{
    char text[PACKET_MAX];

    if (control_fd < 0)
        return;
    packet_error_format(err, text);
    packet_send(control_fd, text, NULL, 0);
}

static void add_starter(struct monitor *monitor, int control_fd)
{
    struct client *client = control_fd >= 0 ? client_add(monitor, control_fd) : NULL;

    if (!client)
        return;
    client->wants_start = true;
    /* Whoever wants to be attached has said so before we were there. */
    client_read_now(monitor, client);
}

int life_monitor(struct life *life, const char *id, int control_fd, struct err *err)
{
    struct monitor monitor;
    int r;

    monitor_init(&monitor, life);
    signal(SIGPIPE, SIG_IGN);
    r = find_id(life, &monitor, id, err);
    if (r >= 0)
        r = monitor_open(&monitor, err);
    if (r >= 0) {
        add_starter(&monitor, TAKE_FD(control_fd));
        r = monitor_main(&monitor, err);
    } else {
        tell_error(control_fd, err);
    }
    fd_close(control_fd);
    monitor_done(&monitor);
    return r;
}

/* The caller's stdout and stderr take what COMMAND writes, as long as they like. */
static int add_owner(struct monitor *monitor, struct err *err)
{
    struct client *owner = client_add(monitor, -1);

    if (!owner)
        return err_nomem(err);
    for (unsigned i = 0; i < 2; i++) {
        if (monitor->stdio[i + 1] >= 0)
            sink_open(&owner->sinks[i], i, monitor->stdio[i + 1], true);
    }
    return 0;
}

static int run_foreground_in(struct monitor *monitor, struct result **ret, struct err *err)
{
    int r = monitor_open(monitor, err);

    if (r >= 0)
        r = add_owner(monitor, err);
    if (r >= 0) {
        r = monitor_main(monitor, err);
        /* A COMMAND that could not be executed is a result, too. */
        if (monitor->result && (r >= 0 || monitor->result->error.code != 0)) {
            *ret = TAKE_PTR(monitor->result);
            r = 0;
        }
    }
    return r;
}

int life_run_foreground(struct life *life, const char *who, const int stdio[3], struct result **ret,
                        struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    static const struct timespec now = { 0 };
    struct monitor monitor;
    sigset_t mask, old;
    int r;

    monitor_init(&monitor, life);
    monitor.foreground = true;
    memcpy(monitor.stdio, stdio, sizeof(monitor.stdio));
    r = life_find(life, who, &monitor.dir, err);
    if (r >= 0) {
        monitor.command_fd = life_lock_next(life, &monitor.dir, err);
        r = monitor.command_fd < 0 ? monitor.command_fd : 0;
    }
    if (r >= 0)
        r = life_read_state(life, &monitor.dir, &state, err);
    if (r >= 0 && state.status != LIFE_CREATED && state.status != LIFE_EXITED)
        r = err_set(err, EALREADY, "container %.12s is %s", monitor.dir.id,
                    life_status_name(state.status));
    if (r >= 0) {
        sigemptyset(&mask);
        sigaddset(&mask, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &mask, &old);
        r = run_foreground_in(&monitor, ret, err);
        while (sigtimedwait(&mask, NULL, &now) > 0)
            ;
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    monitor_done(&monitor);
    return r;
}
