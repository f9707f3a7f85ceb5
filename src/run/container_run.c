/* The verb run: create and start, and where somebody waits for it, its whole life. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "run/container_private.h"

int exit_status(const struct spawn_exit *end)
{
    return end->exited ? end->status : 128 + end->status;
}

/* It says that it is ready while we wait for its end. */
struct readiness {
    int fd, slot;
    const struct container_options *options;
    struct run *run;
};

static int on_notify(void *data, int fd, short revents)
{
    struct readiness *readiness = data;

    (void)revents;
    /* A caller who cannot be told is no reason to end the container. */
    if (notify_pass(fd, readiness->options->notify_socket, readiness->run->spawn.box_pid) != 0)
        loop_remove_fd(&readiness->run->loop, readiness->slot);
    return 0;
}

/* Whoever waits for the end sees it on the launch itself: the process is our child. */
static int run_to_its_end(struct foreground *foreground, struct readiness *readiness,
                          int *ret_status, struct err *err)
{
    struct run *run = readiness->run;
    enum spawn_event event;

    if (readiness->fd >= 0)
        readiness->slot = loop_add_fd(&run->loop, readiness->fd, POLLIN, on_notify, readiness);
    int r = spawn_read(&run->spawn, true, &event, &run->exit, err);

    if (r >= 0)
        r = foreground_attend(foreground, run, err);
    if (r >= 0)
        *ret_status = exit_status(&run->exit);
    return r;
}

static int run_started(struct foreground *foreground, struct container *container, struct run *run,
                       const struct container_options *options, int *ret_status, struct err *err)
{
    struct readiness readiness = { .fd = -1, .slot = -1, .options = options, .run = run };
    int r = container_start_made(container, options, foreground ? &readiness.fd : NULL, err);

    *ret_status = 0;
    if (r >= 0 && foreground)
        r = run_to_its_end(foreground, &readiness, ret_status, err);
    fd_close(readiness.fd);
    return r;
}

/* As whoever knows nothing but its name does it. */
static int run_delete_by_name(struct run *run, const struct container_options *options,
                              struct err *ret_warning)
{
    struct engine *engine = run->engine;
    const char *name = run->spec->name;
    int r = container_delete(engine, name, true, options, ret_warning);

    if (r < 0) { /* what failed once need not fail again; nobody else is going to try */
        *ret_warning = ERR_INIT;
        r = container_delete(engine, name, true, options, ret_warning);
    }
    if (r < 0) /* without memory, say: its processes and groups go at least, its record stays */
        run_clean(run, NULL);
    return r;
}

static int run_made(struct foreground *foreground, struct making *making,
                    const struct container_options *options, bool keep, int *ret_status,
                    struct err *err)
{
    struct run *run = making_run(making);
    struct err warning = ERR_INIT;
    struct container container;

    making_container(making, &container);
    int r = run_started(foreground, &container, run, options, ret_status, err);
    if (r >= 0 && (!foreground || keep)) {
        container_leave(&container);
        return r;
    }
    int deleted = r < 0 ? -EAGAIN : container_delete_made(&container, run, options, &warning);
    container_leave(&container);
    if (deleted < 0) {
        warning = ERR_INIT;
        deleted = run_delete_by_name(run, options, &warning);
    }
    if (r < 0)
        return r;
    if (err)
        *err = warning;
    return deleted;
}

static int run_making(struct foreground *foreground, struct engine *engine, const struct spec *spec,
                      const struct container_options *options, bool keep, int *ret_status,
                      struct err *err)
{
    struct making *making = NULL;
    int r = making_new(engine, spec, options, foreground != NULL, &making, err);

    if (r < 0)
        return r;
    struct run *run = making_run(making);
    if (foreground && spec->tty)
        terminal_size(options->stdio, &run->terminal_rows, &run->terminal_columns);
    r = making_create(making, err);
    if (r >= 0)
        r = run_made(foreground, making, options, keep, ret_status, err);
    making_free(making);
    return r;
}

int container_run(struct engine *engine, const struct spec *spec,
                  const struct container_options *options, bool detach, bool keep, int *ret_status,
                  struct err *err)
{
    struct foreground foreground;

    if (detach)
        return run_making(NULL, engine, spec, options, keep, ret_status, err);
    int r = foreground_begin(&foreground, err);
    if (r < 0)
        return r;
    r = run_making(&foreground, engine, spec, options, keep, ret_status, err);
    foreground_end(&foreground);
    return r;
}
