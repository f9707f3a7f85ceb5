/*
 * The verb delete. The record goes last: killed at any moment, the next delete goes on. Success means that
 * nothing is left.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

static int delete_check(struct container *container, bool force, struct err *err)
{
    enum container_status status = force ? CONTAINER_STOPPED : container_find_status(container);

    if (status == CONTAINER_STOPPED || status == CONTAINER_CREATED)
        return 0;
    return err_set(err, EBUSY, "cannot delete container \"%s\" that is not stopped: %s",
                   container->name, container_status_name(status));
}

/*
 * With a process namespace of its own everything of the container has died with its first process: who is in
 * its groups was put there by others, lives, and is named in the error.
 */
static int delete_groups(struct container *container, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    int r = container_group_paths(container, &paths, err);

    if (r < 0 || paths.len == 0)
        return r;
    group_close(container->group);
    container->group = NULL;
    return group_reclaim(buf_text(&paths), -1, container_has_own_pids(container) ? 0 : RECLAIM_KILL,
                         err);
}

/* One that fails is no reason to stop: *err is for a warning then. */
static void delete_hooks(struct container *container, const struct container_options *options,
                         struct err *err)
{
    _cleanup_(spec_freep) struct spec *spec = NULL;

    if (options && container_read_spec(container, &spec, NULL) >= 0)
        hooks_run(spec, HOOK_POSTSTOP, options->write_state, CONTAINER_STOPPED, 0, err);
}

/* When its groups are gone. */
static int delete_rest(struct container *container, const struct container_options *options,
                       struct err *err)
{
    struct err warning = ERR_INIT;
    int r = container_stop_scope(container, err);

    if (r >= 0)
        r = container_remove_files(container, err);
    if (r < 0)
        return r;
    delete_hooks(container, options, &warning);
    r = record_remove(TAKE_PTR(container->record), err);
    if (r >= 0 && warning.code && err)
        *err = warning;
    return r;
}

int container_delete_made(struct container *container, struct run *run,
                          const struct container_options *options, struct err *err)
{
    /* Who is left where there is no process namespace is to be ended first. */
    if (!run->spawn.reaped || !container_has_own_pids(container))
        return -EAGAIN;
    int r = record_retake(container->record, CONTAINER_LOCK_US);
    if (r >= 0 && run->group)
        r = group_remove(run->group, err);
    if (r < 0)
        return r;
    run_leave_group(run);
    *container->gate = '\0'; /* went when it was opened */
    return delete_rest(container, options, err);
}

static int delete_locked(struct container *container, bool force,
                         const struct container_options *options, struct err *err)
{
    int r = delete_check(container, force, err);

    if (r >= 0)
        r = container_kill_process(container, err);
    if (r >= 0)
        r = delete_groups(container, err);
    return r < 0 ? r : delete_rest(container, options, err);
}

/* One that is being made has somebody who ends it if it does not come about. */
static int delete_unknown(struct engine *engine, const char *name, bool force, struct err *err)
{
    struct container container = CONTAINER_INIT;
    struct err ours = ERR_INIT;

    if (container_open(engine, name, false, &container, &ours) >= 0) {
        bool being_made = container.being_made;
        container_close(&container);
        if (being_made)
            return err_set(err, EBUSY, "cannot delete container \"%s\" that is not stopped: %s",
                           name, container_status_name(CONTAINER_CREATING));
    }
    if (!force)
        return -ENOENT;
    if (err)
        *err = ERR_INIT;
    return 0;
}

int container_delete(struct engine *engine, const char *name, bool force,
                     const struct container_options *options, struct err *err)
{
    struct container container = CONTAINER_INIT;
    _cleanup_(state_closep) struct state *state = NULL;
    int r = container_open_state(engine, &state, err);

    if (r < 0)
        return r;
    container_reclaim_pending(engine, state, name);
    r = container_open(engine, name, true, &container, err);
    if (r == -ENOENT)
        return delete_unknown(engine, name, force, err);
    if (r < 0)
        return r;
    r = delete_locked(&container, force, options, err);
    container_close(&container);
    return r;
}
