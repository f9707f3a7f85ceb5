/* The verbs that tell figures and events of a container. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run/container_private.h"

/* Open, with groups, and a process that lives. */
static int open_running(struct engine *engine, const char *name, struct container *ret,
                        struct err *err)
{
    int r = container_open(engine, name, false, ret, err);

    if (r < 0)
        return r;
    if (!process_is_alive(&ret->init))
        r = err_set(err, ESRCH, "container with id %s is not running", name);
    if (r >= 0)
        r = container_open_group(ret, err);
    if (r >= 0 && !ret->group)
        r = err_refuse(err, EOPNOTSUPP, "container \"%s\" has no groups that count anything", name);
    if (r < 0)
        container_close(ret);
    return r;
}

int container_sample(struct engine *engine, const char *name, struct sample *ret, struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = open_running(engine, name, &container, err);

    if (r < 0)
        return r;
    r = group_sample(container.group, ret, err);
    container_close(&container);
    return r;
}

/* ---- watching ---------------------------------------------------------------------------------------------- */

struct watching {
    struct container container;
    struct loop loop;
    struct sample *sample;
    int (*fn)(void *data, const struct sample *sample, bool oom);
    void *data;
    uint64_t interval_us;
    int timer, oom_fd, oom_slot;
    uint64_t kills;
    struct err err;
};

/* fn has had enough. */
static int watch_tell(struct watching *watching, const struct sample *sample, bool oom)
{
    if (watching->fn(watching->data, sample, oom) != 0)
        loop_stop(&watching->loop);
    return 0;
}

static int on_interval(void *data)
{
    struct watching *watching = data;

    memset(watching->sample, 0, sizeof(*watching->sample));
    int r = group_sample(watching->container.group, watching->sample, &watching->err);
    if (r < 0)
        return r;
    loop_arm(&watching->loop, watching->timer, clock_us(CLOCK_MONOTONIC) + watching->interval_us);
    return watch_tell(watching, watching->sample, false);
}

static int on_oom(void *data, int fd, short revents)
{
    struct watching *watching = data;
    uint64_t kills = watching->kills;

    (void)revents;
    /* The groups are gone: so is the container, in a moment. */
    if (group_oom_read(watching->container.group, fd, &kills) < 0) {
        loop_remove_fd(&watching->loop, watching->oom_slot);
        return 0;
    }
    if (kills <= watching->kills)
        return 0;
    watching->kills = kills;
    return watch_tell(watching, NULL, true);
}

static int on_end(void *data, int fd, short revents)
{
    struct watching *watching = data;

    (void)fd, (void)revents;
    if (watching->oom_fd >= 0)
        on_oom(watching, watching->oom_fd, POLLIN);
    loop_stop(&watching->loop);
    return 0;
}

static int watch_set_up(struct watching *watching, int pidfd, struct err *err)
{
    struct loop *loop = &watching->loop;
    int r = loop_add_fd(loop, pidfd, POLLIN, on_end, watching);

    watching->timer = loop_add_timer(loop, on_interval, watching);
    if (r >= 0)
        r = watching->timer;
    if (r >= 0 && group_oom_open(watching->container.group, &watching->oom_fd, NULL) >= 0) {
        group_oom_read(watching->container.group, watching->oom_fd, &watching->kills);
        r = watching->oom_slot =
            loop_add_fd(loop, watching->oom_fd, POLLIN | POLLPRI, on_oom, watching);
    }
    if (r < 0)
        return err_set(err, -r, "cannot watch the container: %s", err_name(-r));
    if (watching->interval_us > 0)
        loop_arm(loop, watching->timer, clock_us(CLOCK_MONOTONIC));
    return 0;
}

static int watch_open(struct watching *watching, struct err *err)
{
    _cleanup_close_ int pidfd = process_open(&watching->container.init);

    if (pidfd < 0)
        return err_set(err, ESRCH, "container with id %s is not running", watching->container.name);
    int r = watch_set_up(watching, pidfd, err);
    if (r < 0)
        return r;
    r = loop_run(&watching->loop);
    /* A figure that could not be read since the container has just ended is no error. */
    if (r < 0 && !process_is_alive(&watching->container.init))
        return 0;
    if (r < 0 && err)
        *err = watching->err;
    return r;
}

int container_watch(struct engine *engine, const char *name, uint64_t interval_us,
                    int (*fn)(void *data, const struct sample *sample, bool oom), void *data,
                    struct err *err)
{
    struct watching *watching = calloc(1, sizeof(*watching));

    if (!watching)
        return err_nomem(err);
    watching->sample = calloc(1, sizeof(*watching->sample));
    watching->fn = fn;
    watching->data = data;
    watching->interval_us = interval_us;
    watching->oom_fd = -1;
    loop_init(&watching->loop);
    int r =
        watching->sample ? open_running(engine, name, &watching->container, err) : err_nomem(err);
    if (r >= 0) {
        r = watch_open(watching, err);
        container_close(&watching->container);
    }
    fd_close(watching->oom_fd);
    free(watching->sample);
    free(watching);
    return r;
}
