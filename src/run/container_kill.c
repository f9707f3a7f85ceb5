/* The verbs that go to a container's processes: kill, pause, ps. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"
#include "sys/sys.h"

#define FREEZE_US 10000000u

/* ---- kill ----------------------------------------------------------------------------------------------- */

static int not_running(struct err *err)
{
    return err_set(err, ESRCH, "container not running");
}

static int kill_failed(const struct container *container, int signal, int code, struct err *err)
{
    return code == ESRCH ? not_running(err)
                         : err_set(err, code, "cannot send signal %d to container \"%s\": %s",
                                   signal, container->name, err_name(code));
}

/* Whom the older freezer holds dies when he is let go; nothing is changed for the newer. */
static void kill_thaw(struct container *container, int signal)
{
    if (signal == SIGKILL && container_is_frozen(container) &&
        container_open_freezer(container, NULL) >= 0 && container->freezer)
        group_freeze(container->freezer, false, 0, NULL);
}

static int kill_init(struct container *container, int signal, struct err *err)
{
    _cleanup_close_ int fd = process_open(&container->init);
    int r = fd < 0 ? fd : sys_pidfd_send_signal(fd, signal);

    if (r < 0)
        return kill_failed(container, signal, -r, err);
    kill_thaw(container, signal);
    return 0;
}

static int kill_all(struct container *container, int signal, struct err *err)
{
    int r = container_open_group(container, err);

    if (r < 0)
        return r;
    if (!container->group) {
        r = kill_init(container, signal, err);
        if (r == -ESRCH && err)
            *err = ERR_INIT;
        return r == -ESRCH ? 0 : r;
    }
    r = group_signal(container->group, signal, err);
    if (r >= 0)
        kill_thaw(container, signal);
    return r < 0 ? r : 0;
}

int container_kill(struct engine *engine, const char *name, int signal, bool all, struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = container_open(engine, name, false, &container, err);

    if (r < 0)
        return r;
    if (container.being_made)
        r = not_running(err);
    else if (signal < 0 || signal > SIGRTMAX)
        r = err_usage(err, "there is no signal %d", signal);
    else
        r = all ? kill_all(&container, signal, err) : kill_init(&container, signal, err);
    container_close(&container);
    return r;
}

/* ---- pause ------------------------------------------------------------------------------------------------ */

static int pause_check(struct container *container, bool paused, struct err *err)
{
    enum container_status status = container_find_status(container);

    if (!paused)
        return status == CONTAINER_PAUSED ? 0 : err_set(err, EINVAL, "container not paused");
    if (status == CONTAINER_RUNNING || status == CONTAINER_CREATED)
        return 0;
    return err_set(err, EINVAL, "container not running or created: %s",
                   container_status_name(status));
}

int container_pause(struct engine *engine, const char *name, bool paused, struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = container_open(engine, name, true, &container, err);

    if (r < 0)
        return r;
    r = pause_check(&container, paused, err);
    if (r >= 0)
        r = container_open_freezer(&container, err);
    if (r >= 0 && !container.freezer)
        r = err_refuse(err, EOPNOTSUPP, "container \"%s\" has no group that can be frozen", name);
    if (r >= 0) {
        r = group_freeze(container.freezer, paused, FREEZE_US, err);
        if (r < 0 && paused) /* half a pause is none */
            group_freeze(container.freezer, false, 0, NULL);
    }
    container_close(&container);
    return r;
}

/* ---- ps ---------------------------------------------------------------------------------------------------- */

int container_pids(struct engine *engine, const char *name, pid_t **ret, size_t *ret_n,
                   struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = container_open(engine, name, false, &container, err);

    if (r < 0)
        return r;
    *ret = NULL;
    *ret_n = 0;
    r = container_open_group(&container, err);
    if (r >= 0 && container.group) {
        r = group_pids(container.group, ret, ret_n, err);
    } else if (r >= 0 && process_is_alive(&container.init)) {
        /* Without groups nothing tells of the others. */
        *ret = malloc(sizeof(**ret));
        if (*ret) {
            **ret = container.init.pid;
            *ret_n = 1;
        } else {
            r = err_nomem(err);
        }
    }
    container_close(&container);
    return r;
}
