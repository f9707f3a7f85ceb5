/* The verb run: create and start, and where somebody waits for it, its whole life. */
#include <errno.h>
#include <unistd.h>

#include "run/container_private.h"

int exit_status(const struct spawn_exit *end)
{
    return end->exited ? end->status : 128 + end->status;
}

/* Whoever waits for the end sees it on the launch itself: the process is our child. */
static int run_to_its_end(struct foreground *foreground, struct making *making, int *ret_status,
                          struct err *err)
{
    struct run *run = making_run(making);
    enum spawn_event event;
    int r = spawn_read(&run->spawn, true, &event, &run->exit, err);

    if (r >= 0)
        r = foreground_attend(foreground, run, err);
    if (r >= 0)
        *ret_status = exit_status(&run->exit);
    return r;
}

static int run_made(struct foreground *foreground, struct making *making,
                    const struct container_options *options, bool keep, int *ret_status,
                    struct err *err)
{
    struct run *run = making_run(making);
    struct engine *engine = run->engine;
    const char *name = run->spec->name;
    struct err warning = ERR_INIT;
    int r = container_start(engine, name, options, err);

    *ret_status = 0;
    if (r >= 0 && foreground)
        r = run_to_its_end(foreground, making, ret_status, err);
    if (r >= 0 && (!foreground || keep))
        return r;
    int deleted = container_delete(engine, name, true, options, &warning);
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
