/* The verb exec: a further process in a container. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

struct exec {
    struct container container;
    const struct spec *process;
    const struct container_options *options;
    const char *cgroup; /* beneath the container's own group; NULL: that */
    bool detach;
    struct spec *spec; /* the container's, as far as its record tells */
    struct filter filter;
    struct plan *plan; /* of rlimits alone */
    struct entry entry;
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
    exec->entry.pidfd = process_open(&exec->container.init);
    return exec->entry.pidfd < 0 ? err_set(err, ESRCH, "container not running") : 0;
}

/* ---- its groups --------------------------------------------------------------------------------------- */

static int exec_cgroups(struct exec *exec, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    int r = container_group_paths(&exec->container, &paths, err);

    if (r < 0)
        return r;
    return exec->cgroup ? group_open_beneath(buf_text(&paths), exec->cgroup, &exec->entry.way, err)
                        : group_way_open(buf_text(&paths), -1, &exec->entry.way, err);
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
    if (r >= 0)
        exec->entry.n_rlimits =
            launch_rlimits(exec->plan, exec->entry.rlimits, ARRAY_SIZE(exec->entry.rlimits));
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

    return path ? console_connect(path, &exec->entry.options.console_fd, err) : 0;
}

/* ---- the process -------------------------------------------------------------------------------------------- */

static int exec_start(struct exec *exec, struct err *err)
{
    struct entry *entry = &exec->entry;

    entry->options.n_preserved_fds = exec->options->n_preserved_fds;
    filter_apply(&exec->filter, &entry->options);
    int r = entry_start(entry, err);
    entry->options.console_fd = fd_close(entry->options.console_fd);
    if (r >= 0 && exec->options->pid_file) {
        r = pid_file_write(exec->options->pid_file, entry->run.spawn.box_pid, err);
        if (r < 0)
            spawn_reap(&entry->run.spawn, true, NULL);
    }
    return r;
}

static int exec_steps(void *data, struct err *err)
{
    static int (*const step_table[])(struct exec *, struct err *) = {
        exec_check, exec_cgroups, exec_rlimits, exec_filter, exec_console, exec_rdt, exec_start,
    };
    struct exec *exec = data;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(step_table); i++)
        r = step_table[i](exec, err);
    return r;
}

static void exec_done(struct exec *exec)
{
    filter_done(&exec->filter);
    plan_free(exec->plan);
    spec_free(exec->spec);
    fd_close(exec->entry.options.console_fd);
    entry_done(&exec->entry);
    container_close(&exec->container);
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
    exec->filter = FILTER_INIT;
    entry_init(&exec->entry, engine, process, options->stdio);
    *ret_status = 0;
    int r = container_reopen(engine, name, &exec->container, &ours);
    if (r >= 0)
        r = detach ? exec_steps(exec, &ours) : entry_attend(&exec->entry, exec_steps, exec, &ours);
    if (r >= 0 && !detach)
        *ret_status = exit_status(&exec->entry.run.exit);
    if (r < 0 && err)
        *err = ours;
    if (engine->last)
        return r;
    exec_done(exec);
    free(exec);
    return r;
}
