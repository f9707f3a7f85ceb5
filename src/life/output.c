/*
 * COMMAND's output: from its pipe into the log and to whoever is attached. A client that does not take it
 * holds COMMAND up for a second at most; then what it has no room for is dropped, for it alone, and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "life/monitor.h"

#define PATIENCE_US 1000000u

/* ---- sinks ------------------------------------------------------------------------------------------------ */

static void stream_push(struct monitor *monitor, unsigned index);

static void on_room(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    struct sink *sink = watch->data;

    (void)events;
    sink->waiting = false;
    monitor_watch(monitor, watch, 0);
    stream_push(monitor, sink->stream);
}

void sink_open(struct sink *sink, unsigned stream, int fd, bool owner)
{
    *sink = (struct sink){
        .watch = { .fn = on_room, .fd = fd, .data = sink },
        .stream = stream,
        .owner = owner,
        .pollable = true,
    };
}

void sink_close(struct monitor *monitor, struct sink *sink)
{
    if (sink->watch.fd < 0)
        return;
    monitor_watch(monitor, &sink->watch, 0);
    if (!sink->owner)
        close(sink->watch.fd);
    sink->watch.fd = -1;
    sink->waiting = false;
}

/* A descriptor that we share with others stays blocking: no more is written than there is room for. */
static ssize_t owner_write(const struct sink *sink, const char *data, size_t len)
{
    struct pollfd poll_fd = { .fd = sink->watch.fd, .events = POLLOUT };

    if (sink->pollable && poll(&poll_fd, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(sink->watch.fd, data, len);
}

static ssize_t sink_write(const struct sink *sink, const char *data, size_t len)
{
    ssize_t n;

    do {
        n = sink->owner ? owner_write(sink, data, len) : write(sink->watch.fd, data, len);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Wait for room, unless this one has been waited for long enough. */
static void sink_wait(struct monitor *monitor, struct sink *sink, size_t rest)
{
    if (sink->behind) {
        sink->dropped += rest;
        sink->taken += rest;
        return;
    }
    sink->waiting = true;
    /* EPERM: a file, which has room always. */
    if (monitor_watch(monitor, &sink->watch, EPOLLOUT) < 0) {
        sink->waiting = false;
        sink->pollable = false;
    }
    if (!sink->owner) {
        monitor->patience_us = clock_us(CLOCK_MONOTONIC) + PATIENCE_US;
        monitor_wake_at(monitor);
    }
}

/* false: nobody reads there any more. */
static bool sink_push(struct monitor *monitor, struct sink *sink, const struct stream *stream)
{
    while (sink->taken < stream->length && !sink->waiting) {
        size_t rest = stream->length - sink->taken;
        ssize_t n = sink_write(sink, stream->data + sink->taken, rest);
        if (n >= 0)
            sink->taken += (size_t)n;
        else if (errno == EAGAIN)
            sink_wait(monitor, sink, rest);
        else
            return false;
        if (n >= 0 && (size_t)n == rest)
            sink->behind = false;
    }
    return true;
}

void sinks_give_up(struct monitor *monitor)
{
    monitor->patience_us = 0;
    for (struct client *client = monitor->clients; client; client = client->next) {
        for (unsigned i = 0; i < 2; i++) {
            struct sink *sink = &client->sinks[i];
            if (!sink->waiting || sink->owner)
                continue;
            size_t rest = monitor->streams[i].length - sink->taken;
            sink->behind = true;
            sink->waiting = false;
            monitor_watch(monitor, &sink->watch, 0);
            sink_wait(monitor, sink, rest);
        }
    }
    for (unsigned i = 0; i < 2; i++)
        stream_push(monitor, i);
}

/* ---- streams ---------------------------------------------------------------------------------------------- */

static void stream_close(struct monitor *monitor, struct stream *stream)
{
    monitor_watch(monitor, &stream->watch, 0);
    stream->watch.fd = fd_close(stream->watch.fd);
}

/* Give the bytes to all, and go on reading when all have them. */
static void stream_push(struct monitor *monitor, unsigned index)
{
    struct stream *stream = &monitor->streams[index];
    bool waiting = false;

    for (struct client *client = monitor->clients; client && stream->length > 0;
         client = client->next) {
        struct sink *sink = &client->sinks[index];
        if (sink->watch.fd < 0)
            continue;
        if (!sink_push(monitor, sink, stream)) {
            sink_close(monitor, sink);
            /* As without us in between: COMMAND learns that its reader has gone. */
            if (sink->owner)
                stream_close(monitor, stream);
        }
        waiting = waiting || sink->waiting;
    }
    if (!waiting) {
        stream->length = 0;
        for (struct client *client = monitor->clients; client; client = client->next)
            client->sinks[index].taken = 0;
    }
    if (stream->watch.fd >= 0)
        monitor_watch(monitor, &stream->watch, waiting ? 0 : EPOLLIN);
}

/* false: there is nothing just now, or never again. */
static bool stream_read(struct monitor *monitor, unsigned index)
{
    struct stream *stream = &monitor->streams[index];
    ssize_t n;

    if (stream->watch.fd < 0 || stream->length > 0)
        return false;
    if (!stream->data)
        stream->data = malloc(LOG_LINE_BYTES);
    if (!stream->data)
        return false;
    do {
        n = read(stream->watch.fd, stream->data, LOG_LINE_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        stream_close(monitor, stream);
        return false;
    }
    log_write(&monitor->log, index, stream->data, (size_t)n);
    stream->length = (size_t)n;
    stream_push(monitor, index);
    return true;
}

static void on_output(struct monitor *monitor, struct watch *watch, uint32_t events)
{
    (void)events;
    stream_read(monitor, watch == &monitor->streams[1].watch);
}

void stream_open(struct monitor *monitor, unsigned index, int fd)
{
    struct stream *stream = &monitor->streams[index];

    fcntl(fd, F_SETFL, O_NONBLOCK);
    stream->watch = (struct watch){ .fn = on_output, .fd = fd };
    stream->length = 0;
    monitor_watch(monitor, &stream->watch, EPOLLIN);
}

void streams_drain(struct monitor *monitor)
{
    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = &monitor->streams[i];
        while (stream_read(monitor, i) || stream->length > 0) {
            /* Somebody has yet to take it; the patience with clients has an end, the owner may go. */
            if (stream->length > 0 && monitor_dispatch(monitor, true) < 0)
                break;
        }
    }
}

void streams_close(struct monitor *monitor)
{
    for (unsigned i = 0; i < 2; i++) {
        stream_close(monitor, &monitor->streams[i]);
        free(monitor->streams[i].data);
        monitor->streams[i] = (struct stream){ .watch = WATCH_INIT };
    }
}
