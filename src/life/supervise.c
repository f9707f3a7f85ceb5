/* One run of a container, from its description to its result. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "life/health.h"
#include "net/net.h"
#include "report/report.h"

#define SETTLE_US     50000u
#define ORIGIN_MAX    ((size_t)4 << 20)
#define OUT_OF_ORIGIN "the directory that it was created in"

/* ---- the spec --------------------------------------------------------------------------------------------- */

/* "CWD", then the variables of whoever created it, each with its NUL. */
static int read_origin(struct monitor *monitor, struct spec_world *world, struct err *err)
{
    struct buf text = BUF_INIT;
    size_t n = 0;
    int r = file_read(monitor->dir.fd, "origin", ORIGIN_MAX, &text);

    buf_add(&text, "", 1);
    if (r < 0 || buf_error(&text) < 0) {
        buf_done(&text);
        return err_set(err, r < 0 ? -r : ENOMEM, "cannot read where container %.12s comes from: %s",
                       monitor->dir.id, err_name(r < 0 ? -r : ENOMEM));
    }
    const char *end = text.data + text.len - 1;
    monitor->origin = buf_take(&text);
    for (const char *at = monitor->origin; at < end; at += strlen(at) + 1)
        n++;
    monitor->environ = calloc(n + 1, sizeof(*monitor->environ));
    if (!monitor->environ)
        return err_nomem(err);
    n = 0;
    for (char *at = monitor->origin; at < end; at += strlen(at) + 1) {
        if (at != monitor->origin)
            monitor->environ[n++] = at;
    }
    world->environ = monitor->environ;
    return 0;
}

/* Relative paths mean what they meant when it was created. In the foreground that is still so. */
static int enter_origin(const struct monitor *monitor, bool image, struct err *err)
{
    if (monitor->foreground || chdir(monitor->origin) == 0)
        return 0;
    if (image && chdir("/") == 0)
        return 0;
    return err_set(err, errno, "cannot enter %.300s, " OUT_OF_ORIGIN ": %m", monitor->origin);
}

/* Who shares the network of another container names it as people do; its run is called by its id. */
static int join_by_id(struct monitor *monitor, struct draft *draft, struct err *err)
{
    static const char joined[] = "container:";
    const char *network = spec_get(draft, "network");
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    char text[sizeof(joined) + LIFE_SHORT_SIZE];

    if (!network || !text_starts(network, joined) ||
        life_find(monitor->life, network + strlen(joined), &dir, NULL) < 0)
        return 0;
    snprintf(text, sizeof(text), "%s%.12s", joined, dir.id);
    return spec_set(draft, monitor->life->world, "network", text, err);
}

/* With the names that its run and its network know it by. */
static int seal_spec(struct monitor *monitor, struct draft *draft, struct spec_world *world,
                     struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    char name[LIFE_SHORT_SIZE];
    int r = life_read_state(monitor->life, &monitor->dir, &state, err);

    snprintf(name, sizeof(name), "%.12s", monitor->dir.id);
    if (r >= 0)
        r = spec_set(draft, monitor->life->world, "name", name, err);
    if (r >= 0)
        r = join_by_id(monitor, draft, err);
    if (r < 0)
        return r;
    world->called = life_state_get(&state, "name");
    if (*world->called == '\0')
        world->called = NULL;
    return spec_seal(draft, world, &monitor->spec, err);
}

/* Nothing of what the spec is made from stays. */
static int make_spec_from(struct monitor *monitor, struct draft *draft, struct err *err)
{
    struct spec_world world = *monitor->life->world;
    const char *restart = spec_get(draft, "restart");
    int r = life_root_use(monitor->life, &monitor->dir, draft, &monitor->volumes, err);

    if (r >= 0)
        r = read_origin(monitor, &world, err);
    if (r >= 0)
        r = enter_origin(monitor, spec_get_image(draft) != NULL, err);
    if (r >= 0)
        r = seal_spec(monitor, draft, &world, err);
    if (r >= 0)
        life_health_plan(monitor, draft);
    monitor->policy = (struct restart_policy){ 0 };
    if (restart)
        restart_parse(restart, &monitor->policy);
    free(monitor->origin);
    free(monitor->environ);
    monitor->origin = NULL;
    monitor->environ = NULL;
    return r;
}

static int make_spec(struct monitor *monitor, struct err *err)
{
    _cleanup_(draft_freep) struct draft *draft = NULL;

    root_volumes_done(&monitor->volumes);
    spec_free(monitor->spec);
    monitor->spec = NULL;
    int r = life_read_config(monitor->life, &monitor->dir, &draft, err);
    return r < 0 ? r : make_spec_from(monitor, draft, err);
}

/* ---- stdio ------------------------------------------------------------------------------------------------ */

static int output_pipe(struct monitor *monitor, unsigned index, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe for COMMAND's output: %m");
    stream_open(monitor, index, ends[0]);
    monitor->inner[index + 1] = ends[1];
    return 0;
}

static int input_pipe(struct monitor *monitor, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe for COMMAND's input: %m");
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    monitor->inner[0] = ends[0];
    monitor->in = (struct watch){ .fd = ends[1] };
    return 0;
}

static int make_pipes(struct monitor *monitor, struct err *err)
{
    const struct spec *spec = monitor->spec;
    int r = output_pipe(monitor, 0, err);

    if (r >= 0 && !spec->tty)
        r = output_pipe(monitor, 1, err);
    if (r >= 0 && spec->interactive && !monitor->foreground)
        r = input_pipe(monitor, err);
    return r;
}

/* What COMMAND has of its own now; with a terminal the run itself goes on using them. */
static void close_inner(struct monitor *monitor)
{
    for (int i = 0; i < 3; i++)
        monitor->inner[i] = fd_close(monitor->inner[i]);
}

static void close_pipes(struct monitor *monitor)
{
    close_inner(monitor);
    monitor_watch(monitor, &monitor->in, 0);
    monitor->in.fd = fd_close(monitor->in.fd);
    streams_close(monitor);
}

/* ---- watching ---------------------------------------------------------------------------------------------- */

static int on_events(void *data, int fd, short revents)
{
    (void)fd;
    (void)revents;
    return monitor_dispatch(data, false);
}

static int joined(void *data, struct run *run, struct loop *loop)
{
    struct monitor *monitor = data;

    monitor->run = run;
    if (!monitor->spec->tty)
        close_inner(monitor);
    int slot = loop_add_fd(loop, monitor->epoll_fd, POLLIN, on_events, monitor);
    return slot < 0 ? slot : 0;
}

/* "0.0.0.0:8080->80/tcp, ...", as people read it. */
static void network_lines(const struct net_info *net, struct buf *ret)
{
    char address[IPV4_SIZE];

    ipv4_format(net->address, address);
    buf_printf(ret, "address %s\nports", address);
    for (size_t i = 0; i < net->n_ports; i++) {
        const struct net_port *port = &net->ports[i];
        ipv4_format(port->host_ip, address);
        buf_printf(ret, "%s%s:%u->%u/%s", i > 0 ? ", " : " ", address, port->host, port->port,
                   port->udp ? "udp" : "tcp");
    }
    buf_putc(ret, '\n');
}

/* COMMAND has begun: on record, and told to whoever waits for it. */
static int started(void *data)
{
    struct monitor *monitor = data;
    const struct net_info *net = run_network(monitor->run);
    _cleanup_buf_ struct buf lines = BUF_INIT;

    monitor->begun = true;
    monitor->begun_us = clock_us(CLOCK_MONOTONIC);
    buf_printf(&lines,
               "status running\nexit\nsignal\ncause\nwhose\nsentence\nfinished\nrun\nstarted %llu\n"
               "pid %d\nrestarts %u\n",
               (unsigned long long)clock_us(CLOCK_REALTIME), (int)run_pid(monitor->run),
               monitor->restarts);
    if (net)
        network_lines(net, &lines);
    if (buf_error(&lines) < 0)
        return -ENOMEM;
    int r = life_set_state(&monitor->dir, buf_text(&lines), &monitor->error);
    if (r < 0)
        return r;
    life_event(monitor->life, &monitor->dir, monitor->restarts ? "restart" : "start", NULL, NULL);
    monitor->command_fd = fd_close(monitor->command_fd);
    /* COMMAND has it; we stay for long. */
    spec_forget_launch(monitor->spec);
    life_health_begin(monitor);
    clients_tell_started(monitor);
    if (!monitor->foreground) {
        /* Nobody's file system is kept busy by us. */
        if (chdir("/") < 0)
            return -errno;
        monitor->settle_us = monitor->begun_us + SETTLE_US;
        monitor_wake_at(monitor);
    }
    return 0;
}

static void ended(void *data)
{
    life_health_end(data);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void write_result(const struct monitor *monitor)
{
    const struct report_format *json = report_format_find("json");
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (json && json->print(monitor->result, &text, NULL) >= 0 && buf_error(&text) == 0)
        life_write_file(monitor->dir.fd, "exit", text.data, text.len, false);
}

int monitor_run_once(struct monitor *monitor, struct err *err)
{
    const struct run_watch watch = { joined, started, ended, monitor };
    int r = make_spec(monitor, err);

    monitor->begun = monitor->paused = false;
    if (r >= 0)
        r = make_pipes(monitor, err);
    if (r >= 0) {
        const bool theirs =
            monitor->foreground && (monitor->spec->interactive || monitor->spec->tty);
        const int stdio[3] = { theirs ? monitor->stdio[0] : monitor->inner[0], monitor->inner[1],
                               monitor->inner[2] };
        result_free(monitor->result);
        monitor->result = NULL;
        r = run_supervised(monitor->life->engine, monitor->spec, stdio, &watch, monitor->foreground,
                           &monitor->result, err);
    }
    life_health_end(monitor);
    monitor->run = NULL;
    monitor->kill_us = 0;
    close_inner(monitor);
    if (r >= 0)
        streams_drain(monitor);
    close_pipes(monitor);
    log_finish(&monitor->log);
    root_volumes_done(&monitor->volumes);
    if (r < 0)
        return r;
    monitor->status = monitor->result->program_status;
    if (!monitor->begun && monitor->result->error.code != 0) {
        /* COMMAND could not be executed: no run, for whoever waits for its beginning. */
        *err = monitor->result->error;
        return -err->code;
    }
    write_result(monitor);
    return 0;
}
