/* The verb start: the gate opens. */
#include <errno.h>
#include <unistd.h>

#include "run/container_private.h"

/* In the words that runc has for it: clients look for some of them. */
static int start_check(struct container *container, struct err *err)
{
    enum container_status status = container_find_status(container);

    switch (status) {
    case CONTAINER_CREATED:
        return 0;
    case CONTAINER_STOPPED:
        return err_set(err, EINVAL, "cannot start a container that has stopped");
    case CONTAINER_RUNNING:
        return err_set(err, EINVAL, "cannot start an already running container");
    default:
        return err_set(err, EINVAL, "cannot start a container in the %s state",
                       container_status_name(status));
    }
}

static int start_begin(struct container *container, struct err *err)
{
    _cleanup_close_ int connection_fd = -1;
    int r = gate_connect(container->state, container->gate, &connection_fd, err);

    if (r >= 0)
        r = record_append(container->record, "begin", "1", err);
    if (r < 0)
        return r;
    r = spawn_begin(connection_fd, err);
    if (r >= 0)
        return record_append(container->record, "begun", "1", err);
    /* It ends by itself; whoever asks next is to find it stopped. */
    container_kill_process(container, NULL);
    return r;
}

/* The container is stopped when one fails, and stays to be deleted (runtime.md, "Lifecycle"). */
static int start_hooks(struct container *container, const struct container_options *options,
                       struct err *err)
{
    _cleanup_(spec_freep) struct spec *spec = NULL;
    int r = container_read_spec(container, &spec, err);

    if (r >= 0)
        r = hooks_run(spec, HOOK_POSTSTART, options->write_state, CONTAINER_RUNNING,
                      container->init.pid, err);
    if (r < 0)
        container_kill_process(container, NULL);
    return r;
}

static int start_notify(struct container *container, const struct container_options *options,
                        int *ret_fd, struct err *err)
{
    char value[8];

    *ret_fd = -1;
    if (!notify_is_wanted(options) ||
        !record_find(buf_text(&container->text), "notify", value, sizeof(value)))
        return 0;
    return notify_listen(container, ret_fd, err);
}

static int start_locked(struct container *container, const struct container_options *options,
                        int *ret_notify_fd, struct err *err)
{
    if (!container->intact)
        return err_set(err, EINVAL, "the record of container \"%s\" is damaged; delete it",
                       container->name);
    int r = start_notify(container, options, ret_notify_fd, err);
    if (r >= 0)
        r = start_begin(container, err);
    if (r < 0)
        return r;
    gate_remove(container->state, container->gate);
    return start_hooks(container, options, err);
}

int container_start_made(struct container *container, const struct container_options *options,
                         int *ret_notify_fd, struct err *err)
{
    _cleanup_close_ int notify_fd = -1;
    int r = start_locked(container, options, &notify_fd, err);

    record_release(container->record);
    if (r >= 0 && ret_notify_fd)
        *ret_notify_fd = TAKE_FD(notify_fd);
    else if (r >= 0 && notify_fd >= 0)
        r = notify_wait(container, notify_fd, options->notify_socket, err);
    return r;
}

int container_start(struct engine *engine, const char *name,
                    const struct container_options *options, struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = container_open(engine, name, true, &container, err);

    if (r < 0)
        return r;
    container_reclaim_pending(engine, container.state, name);
    r = start_check(&container, err);
    if (r >= 0)
        r = container_start_made(&container, options, NULL, err);
    container_close(&container);
    return r;
}
