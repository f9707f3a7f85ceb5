/* The verb exec: a further process in a container. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run/container_private.h"

struct exec {
    struct container container;
    const struct spec *process;
    const struct container_options *options;
    const char *cgroup; /* beneath the container's own group; NULL: that */
    bool detach;
    int pidfd, console_fd;
    struct spec *spec; /* the container's, as far as its record tells */
    struct filter filter;
    struct plan *plan; /* of rlimits alone */
    struct group_way way;
    struct run run;
};

/* ---- may it be ----------------------------------------------------------------------------------------- */

static int exec_check(struct exec *exec, struct err *err)
{
    enum container_status status = container_find_status(&exec->container);

    if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
        return err_set(err, ESRCH, "cannot exec in a %s container: container not running",
                       container_status_name(status));
    if (status == CONTAINER_PAUSED)
        return err_set(err, EBUSY,
                       "cannot exec in a paused container (use --ignore-paused to override)");
    if (!exec->process->argv || !exec->process->argv[0])
        return err_usage(err, "process.args: there is no program to run");
    int r = console_check(exec->process, exec->options, !exec->detach, err);
    if (r < 0)
        return r;
    exec->pidfd = process_open(&exec->container.init);
    return exec->pidfd < 0 ? err_set(err, ESRCH, "container not running") : 0;
}

/* ---- its groups --------------------------------------------------------------------------------------- */

static int exec_cgroups(struct exec *exec, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    int r = container_group_paths(&exec->container, &paths, err);

    if (r < 0)
        return r;
    return exec->cgroup ? group_open_beneath(buf_text(&paths), exec->cgroup, &exec->way, err)
                        : group_way_open(buf_text(&paths), -1, &exec->way, err);
}

/* ---- its surroundings ------------------------------------------------------------------------------------ */

static bool limit_is_the_process_s(enum limit_id id)
{
    enum limit_kind kind = limit_info(id)->kind;

    return kind == LIMIT_KIND_RLIMIT_SIZE || kind == LIMIT_KIND_RLIMIT_NUMBER ||
           kind == LIMIT_KIND_RLIMIT_TIME;
}

/* The groups have their limits; a process brings its rlimits. */
static int exec_rlimits(struct exec *exec, struct err *err)
{
    static const struct layout nothing;
    struct limit_set limits = { 0 };
    struct cgroups_options needs = { .root_fd = -1 };
    struct plan_options options = { .beyond_machine = true, .document = true };
    struct machine machine;
    int r = 0;

    for (unsigned i = 0; r >= 0 && i < LIMIT_COUNT; i++) {
        if (limit_is_the_process_s((enum limit_id)i))
            r = limit_value_copy(&exec->process->limits.value[i], &limits.value[i]);
    }
    if (r < 0)
        r = err_nomem(err);
    if (r >= 0)
        r = machine_read_parts(-1, cgroups_need(&limits, &needs), &machine, err);
    if (r >= 0)
        r = limits_plan(&limits, &nothing, &machine, &options, &exec->plan, err);
    limit_set_done(&limits);
    return r;
}

/* Whom we start is in what we are in. */
static int exec_rdt(struct exec *exec, struct err *err)
{
    return rdt_join_again(&exec->container, getpid(), err);
}

static int exec_filter(struct exec *exec, struct err *err)
{
    int r = container_read_spec(&exec->container, &exec->spec, err);

    return r < 0 ? r
                 : filter_make(&exec->filter, exec->container.state, exec->process, exec->spec,
                               exec->options, CONTAINER_RUNNING, exec->container.init.pid, err);
}

static int exec_console(struct exec *exec, struct err *err)
{
    const char *path = exec->options->console_socket;

    return path ? console_connect(path, &exec->console_fd, err) : 0;
}

/* ---- the process -------------------------------------------------------------------------------------------- */

static int exec_enter(struct exec *exec, struct err *err)
{
    struct run *run = &exec->run;
    struct spawn_rlimit rlimits[RLIM_NLIMITS + 4];
    const struct spawn_groups groups = { exec->way.v2_fd, exec->way.tasks_fds,
                                         exec->way.n_tasks_fds };
    struct spawn_options options = {
        .spec = exec->process,
        .rlimits = rlimits,
        .n_rlimits = launch_rlimits(exec->plan, rlimits, ARRAY_SIZE(rlimits)),
        .rows = run->terminal_rows ? run->terminal_rows : exec->process->rows,
        .columns = run->terminal_columns ? run->terminal_columns : exec->process->columns,
        .v2_fd = -1,
        .gate_fd = -1,
        .console_fd = exec->console_fd,
        .n_preserved_fds = exec->options->n_preserved_fds,
        .enter_pidfd = exec->pidfd,
    };

    memcpy(options.stdio, exec->options->stdio, sizeof(options.stdio));
    filter_apply(&exec->filter, &options);
    int r = spawn_enter(&options, &groups, &run->spawn, err);
    if (r < 0)
        return r;
    run->spawned = true;
    exec->console_fd = fd_close(exec->console_fd);
    return 0;
}

static int exec_started(struct exec *exec, struct err *err)
{
    struct run *run = &exec->run;
    enum spawn_event event = SPAWN_NOTHING;
    int r = 0;

    while (r >= 0 && event == SPAWN_NOTHING)
        r = spawn_read(&run->spawn, true, &event, &run->exit, err);
    if (r >= 0 && event == SPAWN_FAILED)
        r = err && err->code ? -err->code : -ECHILD;
    else if (r >= 0 && event != SPAWN_STARTED)
        r = err_set(err, ECHILD, "the process ended before its program was executed");
    if (r >= 0 && exec->options->pid_file)
        r = pid_file_write(exec->options->pid_file, run->spawn.box_pid, err);
    if (r < 0 && run->spawned)
        spawn_reap(&run->spawn, true, NULL);
    return r;
}

static int exec_steps(struct exec *exec, struct err *err)
{
    static int (*const step_table[])(struct exec *, struct err *) = {
        exec_check,   exec_cgroups, exec_rlimits, exec_filter,
        exec_console, exec_rdt,     exec_enter,   exec_started,
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(step_table); i++)
        r = step_table[i](exec, err);
    return r;
}

static void exec_done(struct exec *exec)
{
    group_way_close(&exec->way);
    filter_done(&exec->filter);
    plan_free(exec->plan);
    spec_free(exec->spec);
    fd_close(exec->pidfd);
    fd_close(exec->console_fd);
    run_done(&exec->run);
    container_close(&exec->container);
}

static int exec_waited(struct exec *exec, int *ret_status, struct err *err)
{
    struct foreground foreground;
    int r = foreground_begin(&foreground, err);

    if (r < 0)
        return r;
    if (exec->process->tty)
        terminal_size(exec->options->stdio, &exec->run.terminal_rows, &exec->run.terminal_columns);
    r = exec_steps(exec, err);
    if (r >= 0)
        r = foreground_attend(&foreground, &exec->run, err);
    if (r >= 0)
        *ret_status = exit_status(&exec->run.exit);
    foreground_end(&foreground);
    return r;
}

int container_exec(struct engine *engine, const char *name, const struct spec *process,
                   const struct container_options *options, const char *cgroup, bool detach,
                   int *ret_status, struct err *err)
{
    struct exec *exec = calloc(1, sizeof(*exec));
    struct err ours = ERR_INIT;

    if (!exec)
        return err_nomem(err);
    exec->process = process;
    exec->options = options;
    exec->cgroup = cgroup && *cgroup ? cgroup : NULL;
    exec->detach = detach;
    exec->pidfd = exec->console_fd = -1;
    exec->way = GROUP_WAY_INIT;
    exec->filter = FILTER_INIT;
    run_init(&exec->run, engine, process, options->stdio);
    *ret_status = 0;
    int r = container_reopen(engine, name, &exec->container, &ours);
    if (r >= 0)
        r = detach ? exec_steps(exec, &ours) : exec_waited(exec, ret_status, &ours);
    if (r < 0 && err)
        *err = ours;
    exec_done(exec);
    free(exec);
    return r;
}
