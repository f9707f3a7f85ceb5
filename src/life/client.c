/* Whoever asks the monitor for something, or is attached to the container. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "life/monitor.h"

/* ---- clients ---------------------------------------------------------------------------------------------- */

static void client_close(struct monitor *monitor, struct client *client)
{
    if (client->gone)
        return;
    client->gone = true;
    monitor_watch(monitor, &client->connection, 0);
    monitor_watch(monitor, &client->in, 0);
    client->connection.fd = fd_close(client->connection.fd);
    client->in.fd = fd_close(client->in.fd);
    for (int i = 0; i < 2; i++)
        sink_close(monitor, &client->sinks[i]);
}

/* Out of the list; whoever was walking it has come to its end. */
static void clients_sweep(struct monitor *monitor)
{
    for (struct client **at = &monitor->clients; *at;) {
        struct client *client = *at;
        if (client->gone) {
            *at = client->next;
            free(client);
        } else {
            at = &client->next;
        }
    }
}

void clients_done(struct monitor *monitor)
{
    for (struct client *client = monitor->clients; client; client = client->next)
        client_close(monitor, client);
    clients_sweep(monitor);
}

static void reply(struct client *client, const char *text)
{
    if (client->connection.fd >= 0)
        packet_send(client->connection.fd, text, NULL, 0);
}

static void reply_result(struct client *client, int r, const struct err *err)
{
    char text[PACKET_MAX];

    if (r < 0)
        packet_error_format(err, text);
    reply(client, r < 0 ? text : "ok");
}

/* ---- being attached ------------------------------------------------------------------------------------------ */

/* The rest of its input is COMMAND's end of input, unless the client has said goodbye before. */
static void input_end(struct monitor *monitor, struct client *client)
{
    monitor_watch(monitor, &client->in, 0);
    client->in.fd = fd_close(client->in.fd);
    client_read_now(monitor, client);
    if (client->gone || monitor->spec->tty)
        return;
    monitor_watch(monitor, &monitor->in, 0);
    monitor->in.fd = fd_close(monitor->in.fd);
}

static void inputs_watch(struct monitor *monitor, uint32_t events)
{
    for (struct client *client = monitor->clients; client; client = client->next) {
        if (client->in.fd >= 0)
            monitor_watch(monitor, &client->in, events);
    }
}

static void on_stdin_room(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    (void)events;
    monitor_watch(monitor, watch, 0);
    inputs_watch(monitor, EPOLLIN);
}

/* No more is read than COMMAND's pipe has room for. */
static void on_client_input(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    struct client *client = watch->data;
    struct pollfd room = { .fd = monitor->in.fd, .events = POLLOUT };
    char data[LOG_LINE_BYTES];

    (void)events;
    if (monitor->in.fd >= 0 && poll(&room, 1, 0) == 0) {
        inputs_watch(monitor, 0);
        monitor->in.fn = on_stdin_room;
        monitor_watch(monitor, &monitor->in, EPOLLOUT);
        return;
    }
    ssize_t n = read(watch->fd, data, sizeof(data));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0)
        input_end(monitor, client);
    else if (monitor->in.fd >= 0 && write(monitor->in.fd, data, (size_t)n) < 0 && errno == EPIPE) {
        monitor_watch(monitor, &monitor->in, 0);
        monitor->in.fd = fd_close(monitor->in.fd);
    }
}

/* attach ROWS COLUMNS WHICH: bits of which of stdin, stdout and stderr there is a descriptor for */
static int attach(struct monitor *monitor, struct client *client, const char *args, int *fds,
                  size_t n_fds, struct err *err)
{
    uint64_t numbers[3];
    size_t next = 0;

    if (numbers_parse(args, ARRAY_SIZE(numbers), numbers) < 0 || client->attached ||
        (size_t)__builtin_popcountll(numbers[2] & 7) != n_fds)
        return err_set(err, EINVAL, "this is no way to attach");
    for (unsigned i = 0; i < 3; i++) {
        if (!(numbers[2] & 1u << i))
            continue;
        int fd = TAKE_FD(fds[next]);
        next++;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (i > 0) {
            sink_open(&client->sinks[i - 1], i - 1, fd, false);
            continue;
        }
        client->in = (struct watch){ .fn = on_client_input, .data = client, .fd = fd };
        if (monitor_watch(monitor, &client->in, EPOLLIN) < 0)
            return err_set(err, EINVAL, "what is attached as stdin is no pipe");
    }
    client->attached = true;
    if (monitor->run && numbers[0] > 0)
        run_resize(monitor->run, (unsigned short)numbers[0], (unsigned short)numbers[1]);
    return 0;
}

/* ---- requests ----------------------------------------------------------------------------------------------- */

static int not_running(const struct monitor *monitor, struct err *err)
{
    return err_set(err, ESRCH, "container %.12s is not running", monitor->dir.id);
}

static int request_signal(struct monitor *monitor, struct client *client, const char *args,
                          struct err *err)
{
    uint64_t signal;

    (void)client;
    if (!monitor->run)
        return not_running(monitor, err);
    if (numbers_parse(args, 1, &signal) < 0 || signal > 64)
        return err_set(err, EINVAL, "%.16s is no signal", args);
    /* Whoever kills it does not want it back. */
    if (signal == SIGKILL || (int)signal == monitor->spec->stop_signal)
        monitor->stopped = true;
    int r = run_signal(monitor->run, (int)signal, err);
    /* With the older freezer what is frozen does not die. */
    if (r >= 0 && signal == SIGKILL && monitor->paused)
        run_freeze(monitor->run, false, NULL);
    return r;
}

static int request_stop(struct monitor *monitor, struct client *client, const char *args,
                        struct err *err)
{
    uint64_t timeout_us = UINT64_MAX;

    if (strcmp(args, "-") != 0 && numbers_parse(args, 1, &timeout_us) < 0)
        return err_set(err, EINVAL, "%.16s is no time", args);
    int r = monitor_stop(monitor, timeout_us, err);
    if (r < 0)
        return r;
    client->wants_end = true;
    return 1;
}

static int request_end(struct monitor *monitor, struct client *client, const char *args,
                       struct err *err)
{
    (void)args;
    int r = monitor_stop(monitor, 0, err);
    if (r < 0)
        return r;
    client->wants_end = true;
    return 1;
}

static int request_wait(struct monitor *monitor, struct client *client, const char *args,
                        struct err *err)
{
    (void)monitor;
    (void)args;
    (void)err;
    client->wants_end = true;
    return 1;
}

static int freeze(struct monitor *monitor, bool frozen, struct err *err)
{
    if (!monitor->run || !monitor->begun)
        return not_running(monitor, err);
    if (monitor->paused == frozen)
        return err_set(err, EALREADY, "container %.12s is %s", monitor->dir.id,
                       frozen ? "paused already" : "not paused");
    int r = run_freeze(monitor->run, frozen, err);
    if (r < 0)
        return r;
    monitor->paused = frozen;
    r = life_set_state(&monitor->dir, frozen ? "status paused\n" : "status running\n", err);
    life_event(monitor->life, &monitor->dir, frozen ? "pause" : "unpause", NULL, NULL);
    return r;
}

static int request_pause(struct monitor *monitor, struct client *client, const char *args,
                         struct err *err)
{
    (void)client;
    return freeze(monitor, strcmp(args, "0") != 0, err);
}

/* update FORCE, then a limit a line: NAME=VALUE */
static int request_update(struct monitor *monitor, struct client *client, const char *args,
                          struct err *err)
{
    struct limit_set limits = { 0 };
    const char *cursor = args, *line;
    size_t len;
    int r = 0;

    (void)client;
    if (!monitor->run)
        return not_running(monitor, err);
    line_next(&cursor, &line, &len);
    while (r >= 0 && line_next(&cursor, &line, &len)) {
        _cleanup_free_ char *text = strndup(line, len);
        if (!text) {
            r = err_nomem(err);
            break;
        }
        char *value = text + strcspn(text, "=");
        if (*value)
            *value++ = '\0';
        enum limit_id id = limit_find(text);
        if (id == LIMIT_NONE)
            r = err_usage(err, "there is no limit named '%.64s'", text);
        if (r >= 0 && limits.value[id].state == LIMIT_UNSET)
            r = run_copy_limit(monitor->run, id, &limits) < 0 ? err_nomem(err) : 0;
        if (r >= 0)
            r = limit_parse(id, value, &monitor->life->world->limit_context, &limits, err);
    }
    if (r >= 0)
        r = run_update(monitor->run, &limits, err);
    limit_set_done(&limits);
    if (r >= 0)
        life_event(monitor->life, &monitor->dir, "update", NULL, NULL);
    return r;
}

static int request_resize(struct monitor *monitor, struct client *client, const char *args,
                          struct err *err)
{
    uint64_t size[2];

    (void)client;
    if (numbers_parse(args, 2, size) < 0 || size[0] > UINT16_MAX || size[1] > UINT16_MAX)
        return err_set(err, EINVAL, "%.32s is no size", args);
    if (monitor->run)
        run_resize(monitor->run, (unsigned short)size[0], (unsigned short)size[1]);
    return 1; /* nobody waits for an answer */
}

static int request_detach(struct monitor *monitor, struct client *client, const char *args,
                          struct err *err)
{
    (void)args;
    (void)err;
    client_close(monitor, client);
    return 1;
}

static int request_ping(struct monitor *monitor, struct client *client, const char *args,
                        struct err *err)
{
    (void)monitor;
    (void)client;
    (void)args;
    (void)err;
    return 0;
}

/* Gives 0: "ok" is answered now; positive: later, or not at all. */
static const struct {
    const char *verb;
    int (*fn)(struct monitor *monitor, struct client *client, const char *args, struct err *err);
} request_table[] = {
    { "ping", request_ping },     { "signal", request_signal }, { "stop", request_stop },
    { "end", request_end },       { "wait", request_wait },     { "pause", request_pause },
    { "update", request_update }, { "resize", request_resize }, { "detach", request_detach },
};

static void client_request(struct monitor *monitor, struct client *client, const char *text,
                           int *fds, size_t n_fds)
{
    struct err err = ERR_INIT;
    size_t verb = strcspn(text, " ");
    const char *args = text + verb + (text[verb] == ' ');
    int r = -EINVAL;

    err_set(&err, EINVAL, "the monitor knows no request %.32s", text);
    if (text_starts(text, "attach "))
        r = attach(monitor, client, args, fds, n_fds, &err);
    for (size_t i = 0; i < ARRAY_SIZE(request_table); i++) {
        if (strlen(request_table[i].verb) == verb &&
            strncmp(text, request_table[i].verb, verb) == 0)
            r = request_table[i].fn(monitor, client, args, &err);
    }
    if (r <= 0)
        reply_result(client, r, &err);
}

/* false: there is no more just now. */
static bool client_read(struct monitor *monitor, struct client *client)
{
    char text[PACKET_MAX];
    int fds[3] = { -1, -1, -1 };
    size_t n_fds;

    if (client->gone || client->connection.fd < 0)
        return false;
    ssize_t n = packet_receive(client->connection.fd, text, fds, &n_fds, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return false;
    if (n <= 0)
        client_close(monitor, client);
    else
        client_request(monitor, client, text, fds, n_fds);
    for (size_t i = 0; i < n_fds; i++)
        fd_close(fds[i]);
    return n > 0 && !client->gone;
}

void client_read_now(struct monitor *monitor, struct client *client)
{
    while (client_read(monitor, client))
        ;
}

static void on_request(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    (void)events;
    client_read(monitor, watch->data);
    clients_sweep(monitor);
}

struct client *client_add(struct monitor *monitor, int fd)
{
    struct client *client = calloc(1, sizeof(*client));

    if (!client) {
        fd_close(fd);
        return NULL;
    }
    *client = (struct client){
        .connection = { .fn = on_request, .data = client, .fd = fd },
        .in = WATCH_INIT,
        .sinks = { { .watch = WATCH_INIT }, { .watch = WATCH_INIT } },
        .next = monitor->clients,
    };
    monitor->clients = client;
    if (fd >= 0)
        monitor_watch(monitor, &client->connection, EPOLLIN);
    return client;
}

static void on_connection(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    if (fd >= 0)
        client_add(monitor, fd);
}

int clients_listen(struct monitor *monitor, struct err *err)
{
    int r = control_listen(monitor->life, monitor->dir.id, &monitor->listener.fd, err);

    if (r < 0)
        return r;
    monitor->listener.fn = on_connection;
    r = monitor_watch(monitor, &monitor->listener, EPOLLIN);
    return r < 0 ? err_set(err, -r, "cannot watch the control socket: %s", err_name(-r)) : 0;
}

/* ---- what they hear ------------------------------------------------------------------------------------------ */

void clients_tell_started(struct monitor *monitor)
{
    for (struct client *client = monitor->clients; client; client = client->next) {
        if (!client->wants_start)
            continue;
        client->wants_start = false;
        reply(client, "started");
        /* Who waited for the start alone has heard all. */
        if (!client->attached)
            client_close(monitor, client);
    }
}

static void tell_dropped(struct client *client)
{
    char text[64];
    uint64_t dropped = client->sinks[0].dropped + client->sinks[1].dropped;

    if (dropped == 0)
        return;
    snprintf(text, sizeof(text), "dropped %llu", (unsigned long long)dropped);
    reply(client, text);
    client->sinks[0].dropped = client->sinks[1].dropped = 0;
}

void clients_tell_end(struct monitor *monitor, const struct err *err)
{
    char text[PACKET_MAX];

    /* Those whose connection nobody has looked at yet want to know, too. */
    for (struct client *client = monitor->clients; client; client = client->next) {
        for (int i = 0; i < 2; i++)
            sink_close(monitor, &client->sinks[i]);
        if (client->wants_start && err) {
            packet_error_format(err, text);
            reply(client, text);
        } else if (client->attached) {
            tell_dropped(client);
            snprintf(text, sizeof(text), "exited %d", monitor->status);
            reply(client, text);
        } else if (client->wants_end) {
            snprintf(text, sizeof(text), "ok %d", monitor->status);
            reply(client, text);
        }
    }
}
