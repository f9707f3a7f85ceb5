/*
 * Bytes between COMMAND and our own descriptors, for a terminal and for counted output. Only as much is
 * written as poll(2) promises room for, so that a slow reader never holds up the watch over limits, and
 * no flag is changed on descriptors that we share with others.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run/run_private.h"

#define RETRY_US 50000u

static void relay_unwatch(struct relay *relay)
{
    loop_remove_fd(&relay->run->loop, relay->from_slot);
    loop_remove_fd(&relay->run->loop, relay->to_slot);
    relay->from_slot = relay->to_slot = -1;
    relay->done = true;
}

static bool relay_is_terminal(const struct relay *relay)
{
    return relay->counted && relay->run->spec->tty;
}

/* Closing our end of the pipe lets COMMAND see that its reader has gone; a terminal is hung up. */
static void relay_close(struct relay *relay)
{
    struct run *run = relay->run;

    if (!relay->counted)
        return;
    if (relay_is_terminal(relay)) {
        run->spawn.terminal_fd = -1;
        if (run->relay[RELAY_IN].run)
            relay_unwatch(&run->relay[RELAY_IN]);
    }
    relay->from = fd_close(relay->from);
}

static int relay_end(struct relay *relay)
{
    relay_unwatch(relay);
    relay_close(relay);
    /* After COMMAND has ended, the loop goes on only for its last output. */
    if (relay->run->ended && relay_all_done(relay->run))
        loop_stop(&relay->run->loop);
    return 0;
}

/*
 * Is this how the other side says that it has gone? EIO is a terminal's word for it. Other errors on
 * COMMAND's output would lose part of it unsaid, and are the run's.
 */
static bool relay_is_gone(const struct relay *relay, int code)
{
    return !relay->counted || code == EPIPE || (code == EIO && relay->run->spec->tty);
}

static int relay_fail(struct relay *relay, int code)
{
    return err_set(&relay->run->start_error, code, "cannot pass COMMAND's output on: %s",
                   err_name(code));
}

/* Wait for either more bytes or room for those we have, never both: memory stays bounded. */
static void relay_turn(struct relay *relay)
{
    bool full = relay->length > 0;

    loop_set_events(&relay->run->loop, relay->from_slot, full ? 0 : POLLIN);
    if (relay->to_slot >= 0)
        loop_set_events(&relay->run->loop, relay->to_slot, full ? POLLOUT : 0);
}

/*
 * EIO: nobody has the terminal open. While COMMAND lives it may open it again, as some do that look after
 * a terminal themselves, and hanging up would end it. That is not announced.
 */
static int relay_wait(struct relay *relay)
{
    struct run *run = relay->run;

    loop_set_events(&run->loop, relay->from_slot, 0);
    loop_arm(&run->loop, relay->retry_timer, clock_us(CLOCK_MONOTONIC) + RETRY_US);
    return 0;
}

static int relay_retry(void *data)
{
    struct relay *relay = data;

    if (!relay->done)
        relay_turn(relay);
    return 0;
}

void relay_finish(struct run *run)
{
    if (run->spec->tty && run->relay[RELAY_OUT].run)
        relay_retry(&run->relay[RELAY_OUT]);
}

/* Count output; what lies beyond the limit is dropped, and ends the run. */
static int relay_count(struct relay *relay)
{
    struct run *run = relay->run;

    if (!relay->counted)
        return 0;
    if (!run->plan.plan) /* COMMAND of a container: nobody limits its output here */
        return 0;
    pthread_mutex_lock(&run->lock);
    const struct limit_value *limit = &run->plan.plan->in_force.value[LIMIT_OUTPUT_LIMIT];
    uint64_t most = limit->state == LIMIT_SET ? limit->number : UINT64_MAX;
    pthread_mutex_unlock(&run->lock);
    uint64_t before = run->output_bytes;
    run->output_bytes += relay->length;
    if (run->output_bytes <= most)
        return 0;
    relay->length = before < most ? (size_t)(most - before) : 0;
    return run_stop(run, STOP_OUTPUT);
}

static int relay_read(void *data, int fd, short revents)
{
    struct relay *relay = data;
    ssize_t n = read(fd, relay->data, RELAY_BYTES);

    (void)revents;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0 && errno == EIO && relay_is_terminal(relay) && !relay->run->ended)
        return relay_wait(relay);
    if (n < 0 && !relay_is_gone(relay, errno))
        return relay_fail(relay, errno);
    if (n <= 0 && relay->end_of_file_is_typed) {
        relay->end_of_file_is_typed = false;
        relay->data[0] = '\004';
        n = 1;
        loop_remove_fd(&relay->run->loop, relay->from_slot);
        relay->from_slot = -1;
    }
    if (n <= 0)
        return relay_end(relay);
    relay->length = (size_t)n;
    relay->offset = 0;
    int r = relay_count(relay);
    if (relay->to < 0)
        relay->length = 0;
    if (relay->from_slot < 0)
        loop_set_events(&relay->run->loop, relay->to_slot, POLLOUT);
    else
        relay_turn(relay);
    return r;
}

static int relay_write(void *data, int fd, short revents)
{
    struct relay *relay = data;
    ssize_t n = write(fd, relay->data + relay->offset, relay->length);

    (void)revents;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0)
        return relay_is_gone(relay, errno) ? relay_end(relay) : relay_fail(relay, errno);
    relay->offset += (size_t)n;
    relay->length -= (size_t)n;
    if (relay->length == 0 && relay->from_slot < 0)
        return relay_end(relay);
    relay_turn(relay);
    return 0;
}

int relay_start(struct run *run, enum relay_id id, int from, int to)
{
    struct relay *relay = &run->relay[id];

    relay->data = malloc(RELAY_BYTES);
    if (!relay->data)
        return -ENOMEM;
    relay->run = run;
    relay->from = from;
    relay->to = to;
    relay->counted = id != RELAY_IN;
    relay->from_slot = loop_add_fd(&run->loop, from, POLLIN, relay_read, relay);
    relay->to_slot = to < 0 ? -1 : loop_add_fd(&run->loop, to, 0, relay_write, relay);
    relay->retry_timer = loop_add_timer(&run->loop, relay_retry, relay);
    if (relay->from_slot < 0 || (to >= 0 && relay->to_slot < 0) || relay->retry_timer < 0)
        return -ENOSPC;
    return 0;
}

int relay_terminal(struct run *run)
{
    int fd = run->spawn.terminal_fd;

    if (fd < 0)
        return 0;
    if ((run->spec->interactive || run->spec->document) && run->stdio[0] >= 0) {
        int r = relay_start(run, RELAY_IN, run->stdio[0], fd);
        if (r < 0)
            return r;
        run->relay[RELAY_IN].end_of_file_is_typed = true;
    }
    return relay_start(run, RELAY_OUT, fd, run->stdio[1]);
}

void relay_done(struct relay *relay)
{
    if (relay->run && !relay->done)
        relay_close(relay);
    free(relay->data);
}

bool relay_all_done(const struct run *run)
{
    for (int i = RELAY_OUT; i < RELAY_COUNT; i++) {
        const struct relay *relay = &run->relay[i];
        if (relay->run && !relay->done)
            return false;
    }
    return true;
}

bool relay_has_bytes(const struct run *run)
{
    for (int i = RELAY_OUT; i < RELAY_COUNT; i++) {
        const struct relay *relay = &run->relay[i];
        if (relay->run && !relay->done && relay->length > 0)
            return true;
    }
    return false;
}
