/* One ppoll over a few descriptors and deadlines. */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/base.h"

void loop_init(struct loop *loop)
{
    *loop = (struct loop){ 0 };
    for (size_t i = 0; i < LOOP_SLOTS; i++) {
        loop->watch[i].fd = -1;
        loop->timer[i].at_us = UINT64_MAX;
    }
}

int loop_add_fd(struct loop *loop, int fd, short events, loop_fd_fn fn, void *data)
{
    for (int i = 0; i < LOOP_SLOTS; i++) {
        if (loop->watch[i].fd < 0) {
            loop->watch[i] =
                (struct loop_watch){ .fd = fd, .events = events, .fn = fn, .data = data };
            return i;
        }
    }
    return -ENOSPC;
}

void loop_set_events(struct loop *loop, int slot, short events)
{
    loop->watch[slot].events = events;
    if (events == 0)
        loop->watch[slot].revents = 0;
}

void loop_remove_fd(struct loop *loop, int slot)
{
    if (slot >= 0)
        loop->watch[slot].fd = -1;
}

int loop_add_timer(struct loop *loop, loop_deadline_fn fn, void *data)
{
    for (int i = 0; i < LOOP_SLOTS; i++) {
        if (!loop->timer[i].fn) {
            loop->timer[i] = (struct loop_timer){ .at_us = UINT64_MAX, .fn = fn, .data = data };
            return i;
        }
    }
    return -ENOSPC;
}

void loop_arm(struct loop *loop, int slot, uint64_t at_us)
{
    loop->timer[slot].at_us = at_us;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

static struct loop_timer *loop_first_timer(struct loop *loop)
{
    struct loop_timer *first = &loop->timer[0];

    for (size_t i = 1; i < LOOP_SLOTS; i++) {
        if (loop->timer[i].at_us < first->at_us)
            first = &loop->timer[i];
    }
    return first;
}

/* Fire what is due, earliest first; returns the next deadline (UINT64_MAX: none) or leaves an error in *ret. */
static uint64_t loop_fire(struct loop *loop, int *ret)
{
    struct loop_timer *timer = loop_first_timer(loop);
    uint64_t now = timer->at_us == UINT64_MAX ? 0 : clock_us(CLOCK_MONOTONIC);

    /* A bounded number of times: a timer that always arms itself anew must not starve descriptors. */
    for (size_t i = 0; i < LOOP_SLOTS && timer->at_us <= now; i++) {
        timer->at_us = UINT64_MAX;
        *ret = timer->fn(timer->data);
        if (*ret < 0 || loop->stopped)
            break;
        timer = loop_first_timer(loop);
    }
    return timer->at_us;
}

/* Wait for descriptors until a deadline, then call back those that are ready. */
static int loop_wait(struct loop *loop, uint64_t until_us)
{
    struct pollfd fds[LOOP_SLOTS];
    struct timespec timeout = { 0 };
    uint64_t now = until_us == UINT64_MAX ? 0 : clock_us(CLOCK_MONOTONIC);
    nfds_t n_fds = 0; /* no more than are in use: ppoll(2) refuses more than RLIMIT_NOFILE */

    for (size_t i = 0; i < LOOP_SLOTS; i++) {
        bool used = loop->watch[i].fd >= 0 && loop->watch[i].events != 0;
        fds[i] =
            (struct pollfd){ .fd = used ? loop->watch[i].fd : -1, .events = loop->watch[i].events };
        if (used)
            n_fds = i + 1;
    }
    if (until_us > now) {
        timeout.tv_sec = (time_t)((until_us - now) / 1000000);
        timeout.tv_nsec = (long)((until_us - now) % 1000000 * 1000);
    }
    int n = ppoll(fds, n_fds, until_us == UINT64_MAX ? NULL : &timeout, NULL);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    /* Kept in the slots, where adding and removing clear it: a callback may give a slot away. */
    for (size_t i = 0; i < LOOP_SLOTS; i++)
        loop->watch[i].revents = n > 0 && i < n_fds ? fds[i].revents : 0;
    for (size_t i = 0; n > 0 && i < LOOP_SLOTS && !loop->stopped; i++) {
        struct loop_watch *watch = &loop->watch[i];
        if (watch->fd < 0 || watch->revents == 0)
            continue;
        int r = watch->fn(watch->data, watch->fd, watch->revents);
        if (r < 0)
            return r;
    }
    return 0;
}

int loop_run(struct loop *loop)
{
    int r = 0;

    loop->stopped = false;
    while (r >= 0 && !loop->stopped) {
        uint64_t next = loop_fire(loop, &r);
        if (r >= 0 && !loop->stopped)
            r = loop_wait(loop, next);
    }
    return r < 0 ? r : 0;
}
