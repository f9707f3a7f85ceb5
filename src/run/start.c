/* The verb start: a run's life from nothing to a launched COMMAND, and its release. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "run/run_private.h"
#include "sys/sys.h"

void run_init(struct run *run, struct engine *engine, const struct spec *spec, const int stdio[3])
{
    pthread_mutexattr_t attr;

    run->engine = engine;
    run->spec = spec;
    run->cgroups_path = spec->cgroups_path;
    memcpy(run->stdio, stdio, sizeof(run->stdio));
    run->pipe_out[0] = run->pipe_out[1] = run->pipe_err[0] = run->pipe_err[1] = -1;
    run->stop_timer = -1;
    run->spawn =
        (struct spawn){ .box_pidfd = -1, .command_pidfd = -1, .channel_fd = -1, .terminal_fd = -1 };
    run->wake_fd = -1;
    run->join_fd = -1;
    run->targets = TARGETS_INIT;
    loop_init(&run->loop);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&run->lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

static struct run *run_new(struct engine *engine, const struct spec *spec, const int stdio[3])
{
    struct run *run = calloc(1, sizeof(*run));

    if (!run)
        return NULL;
    run_init(run, engine, spec, stdio);
    run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (run->wake_fd >= 0)
        return run;
    run_free(run);
    return NULL;
}

int run_make_plan(struct run *run, struct err *err)
{
    unsigned parts;
    int r = run_open_cgroups(run->engine, run->spec, run->cgroups_path, &run->cgroups, &parts, err);

    if (r >= 0)
        r = run_plan_here(run->engine, run->cgroups, parts, run->spec, &run->plan, err);
    return r;
}

int run_start_sized(struct engine *engine, const struct spec *spec, const int stdio[3],
                    unsigned short rows, unsigned short columns, struct run **ret, struct err *err)
{
    if (!spec->argv || !spec->argv[0])
        return err_usage(err, "there is no COMMAND to run");
    struct run *run = run_new(engine, spec, stdio);
    if (!run)
        return err_nomem(err);
    run->terminal_rows = rows;
    run->terminal_columns = columns;
    int r = run_launch(run, err);
    if (r < 0) {
        run_free(run);
        return r;
    }
    *ret = run;
    return 0;
}

int run_start(struct engine *engine, const struct spec *spec, const int stdio[3], struct run **ret,
              struct err *err)
{
    return run_start_sized(engine, spec, stdio, 0, 0, ret, err);
}

int run_join_watch(struct run *run, const struct run_watch *watch, struct err *err)
{
    int r = watch->joined(watch->data, run, &run->loop);

    run->watch = watch;
    return r < 0 ? err_set(err, -r, "cannot watch the run: %s", err_name(-r)) : 0;
}

pid_t run_pid(const struct run *run)
{
    int pid = run->spawn.command_pidfd >= 0 ? sys_pidfd_pid(run->spawn.command_pidfd) : 0;

    return pid > 0 ? pid : 0;
}

int run_resize(struct run *run, unsigned short rows, unsigned short columns)
{
    struct winsize size = { .ws_row = rows, .ws_col = columns };

    if (run->spawn.terminal_fd < 0)
        return 0;
    return ioctl(run->spawn.terminal_fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

const char *run_name(const struct run *run)
{
    return run->spec->name;
}

void run_done(struct run *run)
{
    record_close(run->record);
    fd_close(run->targets.root_fd);
    strv_free(run->targets.made);
    for (int i = 0; i < 2; i++) {
        fd_close(run->pipe_out[i]);
        fd_close(run->pipe_err[i]);
    }
    for (int i = 0; i < RELAY_COUNT; i++)
        relay_done(&run->relay[i]);
    if (run->spawned)
        spawn_close(&run->spawn);
    fd_close(run->wake_fd);
    fd_close(run->join_fd);
    net_free(run->net);
    run_plan_done(&run->plan);
    group_close(run->group);
    cgroups_close(run->cgroups);
    state_close(run->state);
    result_free(run->changes);
    pthread_mutex_destroy(&run->lock);
}

void run_free(struct run *run)
{
    if (!run)
        return;
    /* Whatever fails here stays on record, and the next call tries again. */
    run_clean(run, NULL);
    run_done(run);
    free(run);
}
