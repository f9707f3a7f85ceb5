/*
 * The verb create, and what run begins with. Everything is on record before it exists, the record among the
 * pending ones until the container stands at its gate: whenever the call is killed, the next one of any verb
 * undoes what there is, and the container's process ends by itself.
 */
#include <errno.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run/container_private.h"

struct making {
    struct run run;
    const struct container_options *options;
    bool foreground; /* the terminal, if any, is relayed by us */
    bool hooked;     /* hooks have been run: those of the end are due */
    char gate[GATE_NAME_SIZE];
    char root[TARGETS_NAME_SIZE]; /* "": none */
    int gate_fd;
    int console_fd;
    struct filter filter;
    struct notify notify;
    struct rdt rdt;
    struct buf lines; /* of the record */
    struct process init;
    bool pid_file_written;
    struct scope_name scope_name; /* of systemd's: empty without it */
    struct scope *scope;          /* held; NULL: none, or no longer */
    char *scope_path;
};

int making_new(struct engine *engine, const struct spec *spec,
               const struct container_options *options, bool foreground, struct making **ret,
               struct err *err)
{
    struct making *making = calloc(1, sizeof(*making));

    if (!making)
        return err_nomem(err);
    run_init(&making->run, engine, spec, options->stdio);
    making->options = options;
    making->foreground = foreground;
    making->gate_fd = making->console_fd = -1;
    making->filter = FILTER_INIT;
    *ret = making;
    return 0;
}

struct run *making_run(struct making *making)
{
    return &making->run;
}

void making_free(struct making *making)
{
    if (!making)
        return;
    if (making->run.engine->last) {
        record_close(making->run.record);
        scope_free(making->scope);
        return;
    }
    run_done(&making->run);
    filter_done(&making->filter);
    notify_done(&making->notify);
    rdt_done(&making->rdt);
    fd_close(making->gate_fd);
    fd_close(making->console_fd);
    buf_done(&making->lines);
    scope_free(making->scope);
    scope_name_done(&making->scope_name);
    free(making->scope_path);
    free(making);
}

/* ---- before anything exists -------------------------------------------------------------------------- */

static int make_check(struct making *making, struct err *err)
{
    const struct spec *spec = making->run.spec;

    if (!spec->argv || !spec->argv[0])
        return err_usage(err, "process.args: there is no program to run");
    return console_check(spec, making->options, making->foreground, err);
}

static int make_state(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    int r = container_open_state(run->engine, &run->state, err);

    if (r >= 0)
        container_reclaim_pending(run->engine, run->state, run->spec->name);
    return r;
}

/*
 * Of its own accord it goes when we do: it need not be on record yet. It has to be there when the plan is made,
 * as what is above our groups.
 */
static int make_scope(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive;

    if (run->engine->manager != MANAGER_SYSTEMD)
        return 0;
    /* Its unit is in nobody's way. */
    if (state_read(run->state, run->spec->name, &text, &alive, NULL) >= 0)
        return err_refuse(err, EEXIST, "container with given ID already exists: %s",
                          run->spec->name);
    int r = scope_begin(run->engine, run->spec, &making->scope_name, &making->scope,
                        &making->scope_path, err);
    run->cgroups_path = making->scope_path;
    return r;
}

static int make_plan(struct making *making, struct err *err)
{
    return run_make_plan(&making->run, err);
}

/* From here on the spec has a mount more. */
static int make_notify(struct making *making, struct err *err)
{
    struct run *run = &making->run;

    if (!notify_is_wanted(making->options))
        return 0;
    int r = notify_prepare(&making->notify, run->state, run->spec, err);
    if (r >= 0)
        run->spec = &making->notify.spec;
    return r;
}

/* Only now: it is on record. */
static int make_notify_directory(struct making *making, struct err *err)
{
    _cleanup_close_ int fd = -1;

    return notify_is_wanted(making->options)
               ? state_directory(making->run.state, making->run.spec->name, &fd, err)
               : 0;
}

static int make_record(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    int r = targets_find(&run->targets, run->spec, err);

    if (r < 0)
        return r;
    gate_name(making->gate);
    if (targets_name(&run->targets, making->root, sizeof(making->root)))
        buf_printf(&making->lines, "uses %s\n", making->root);
    if (notify_is_wanted(making->options))
        buf_puts(&making->lines, "notify yes\n");
    scope_record(&making->scope_name, &making->lines);
    r = launch_record_lines(run, &making->lines, err);
    if (r >= 0)
        r = rdt_plan(run->spec, &making->rdt, &making->lines, err);
    if (r >= 0)
        r = container_record_lines(run->spec, run->cgroups_path, &run->plan.plan->in_force,
                                   making->gate, &making->lines, err);
    if (r >= 0)
        r = record_begin(run->state, run->spec->name, buf_text(&making->lines), &run->record, err);
    if (r >= 0 && *making->root)
        r = state_use(run->state, making->root, run->spec->name, err);
    return r < 0 ? r : make_notify_directory(making, err);
}

/* ---- the box ------------------------------------------------------------------------------------------- */

static int make_filter(struct making *making, struct err *err)
{
    const struct spec *spec = making->run.spec;

    return filter_make(&making->filter, making->run.state, spec, spec, making->options,
                       CONTAINER_CREATING, 0, err);
}

static int make_console(struct making *making, struct err *err)
{
    const char *path = making->options->console_socket;

    return path ? console_connect(path, &making->console_fd, err) : 0;
}

static int make_gate(struct making *making, struct err *err)
{
    return gate_listen(making->run.state, making->gate, &making->gate_fd, err);
}

static int make_first_group(struct making *making, struct err *err)
{
    struct run *run = &making->run;

    if (!launch_needs_group(run))
        return 0;
    return group_begin(run->cgroups, run->plan.plan, &run->plan.machine, run->spec->name,
                       &run->group, err);
}

static bool wants_hooks(const struct spec *spec)
{
    static const enum hook_point point_table[] = { HOOK_PRESTART, HOOK_CREATE_RUNTIME,
                                                   HOOK_CREATE_CONTAINER, HOOK_START_CONTAINER };

    for (size_t i = 0; i < ARRAY_SIZE(point_table); i++) {
        if (spec->hooks[point_table[i]].n > 0)
            return true;
    }
    return spec->n_netdevs > 0; /* they move at the same moment */
}

static int make_box(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    struct spawn_rlimit rlimits[RLIM_NLIMITS + 4];
    struct spawn_cgroup_mount cgroup_mounts[CGROUP_MOUNTS_MAX];
    struct spawn_options options = {
        .spec = run->spec,
        .rlimits = rlimits,
        .n_rlimits = launch_rlimits(run->plan.plan, rlimits, ARRAY_SIZE(rlimits)),
        .cgroup_mounts = cgroup_mounts,
        .n_cgroup_mounts = launch_cgroup_mounts(run, cgroup_mounts, CGROUP_MOUNTS_MAX),
        .rows = run->terminal_rows ? run->terminal_rows : run->spec->rows,
        .columns = run->terminal_columns ? run->terminal_columns : run->spec->columns,
        .v2_fd = run->group ? group_entry(run->group).v2_fd : -1,
        .gate_fd = making->gate_fd,
        .console_fd = making->console_fd,
        .n_preserved_fds = making->options->n_preserved_fds,
        .hooks = wants_hooks(run->spec),
        .enter_pidfd = -1,
    };
    char line[48];

    memcpy(options.stdio, run->stdio, sizeof(options.stdio));
    filter_apply(&making->filter, &options);
    int r = spawn_start(&options, &run->spawn, err);
    if (r < 0)
        return r;
    run->spawned = true;
    making->gate_fd = fd_close(making->gate_fd);
    making->console_fd = fd_close(making->console_fd);
    /* One that is gone already tells why when it is asked; make_settled() takes none without. */
    if (TRY_TWICE(process_find(run->spawn.box_pid, &making->init)) < 0)
        return 0;
    snprintf(line, sizeof(line), "%d %llu", (int)making->init.pid,
             (unsigned long long)making->init.start_ticks);
    return record_append(run->record, "container", line, err);
}

/*
 * Whoever has the unified hierarchy for himself and may write to its file system is to be able to use it
 * (config-linux.md, "Cgroup ownership"): his own group is the host's user that COMMAND runs as.
 */
static int make_owner(const struct making *making, struct err *err)
{
    const struct run *run = &making->run;
    const struct spec *spec = run->spec;
    bool writable = false;

    if (run->plan.layout.has_v1 || !(spec->namespaces & CLONE_NEWCGROUP))
        return 0;
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (mount->kind == MOUNT_CGROUP && strcmp(mount->target, "/sys/fs/cgroup") == 0)
            writable = !(mount->attr_set & MOUNT_ATTR_RDONLY);
    }
    for (size_t i = 0; writable && i < spec->n_uid_maps; i++) {
        const struct spec_id_map *map = &spec->uid_maps[i];
        if (spec->uid >= map->inside && spec->uid - map->inside < map->count)
            return group_give(run->group, map->outside + (spec->uid - map->inside), err);
    }
    return 0;
}

static int make_groups(struct making *making, struct err *err)
{
    int r = making->run.group ? group_complete(making->run.group, err) : 0;

    if (r >= 0 && making->run.group)
        r = make_owner(making, err);
    return r < 0 ? r : rdt_enter(&making->rdt, making->run.spawn.box_pid, err);
}

/* ---- hooks ----------------------------------------------------------------------------------------------- */

static int make_expect(struct making *making, enum spawn_event wanted, struct err *err)
{
    struct run *run = &making->run;
    struct err theirs = ERR_INIT;
    enum spawn_event event = SPAWN_NOTHING;

    while (event == SPAWN_NOTHING) {
        int r = spawn_read(&run->spawn, true, &event, &run->exit, &theirs);
        if (r < 0) {
            *err = theirs;
            return r;
        }
    }
    if (event == wanted)
        return 0;
    if (event != SPAWN_FAILED)
        return err_set(err, ECHILD, "the container's process ended before its time");
    *err = theirs;
    return theirs.code ? -theirs.code : -ECHILD;
}

/* Their state documents: the box has no way to write any. */
static int make_hooks_inside(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    const struct spec *spec = run->spec;
    container_state_writer write_state = making->options->write_state;
    _cleanup_close_ int creating_fd = -1, created_fd = -1;
    int r = 0;

    if (spec->hooks[HOOK_CREATE_CONTAINER].n > 0)
        r = hook_state_open(spec, write_state, CONTAINER_CREATING, run->spawn.box_pid, &creating_fd,
                            err);
    if (r >= 0 && spec->hooks[HOOK_START_CONTAINER].n > 0)
        r = hook_state_open(spec, write_state, CONTAINER_CREATED, run->spawn.box_pid, &created_fd,
                            err);
    return r < 0 ? r : spawn_continue(&run->spawn, creating_fd, created_fd, err);
}

static int make_hooks(struct making *making, struct err *err)
{
    struct run *run = &making->run;
    container_state_writer write_state = making->options->write_state;

    if (!wants_hooks(run->spec))
        return 0;
    int r = make_expect(making, SPAWN_READY, err);
    if (r >= 0 && run->spec->n_netdevs > 0)
        r = spawn_move_netdevs(run->spec, run->spawn.box_pid, err);
    if (r < 0)
        return r;
    making->hooked = true;
    r = hooks_run(run->spec, HOOK_PRESTART, write_state, CONTAINER_CREATING, run->spawn.box_pid,
                  err);
    if (r >= 0)
        r = hooks_run(run->spec, HOOK_CREATE_RUNTIME, write_state, CONTAINER_CREATING,
                      run->spawn.box_pid, err);
    return r < 0 ? r : make_hooks_inside(making, err);
}

/* ---- the gate ----------------------------------------------------------------------------------------------- */

static int make_go(struct making *making, struct err *err)
{
    int r = launch_go(&making->run, err);

    self_settle();
    return r < 0 ? r : make_expect(making, SPAWN_CREATED, err);
}

/* The container is in its groups. */
static int make_scope_settled(struct making *making, struct err *err)
{
    return making->scope ? scope_settle(making->scope, making->run.plan.plan, err) : 0;
}

static int make_pid_file(struct making *making, struct err *err)
{
    const char *path = making->options->pid_file;

    if (!path)
        return 0;
    making->pid_file_written = true;
    return pid_file_write(path, making->run.spawn.box_pid, err);
}

static int make_settled(struct making *making, struct err *err)
{
    struct run *run = &making->run;

    if (making->init.start_ticks == 0)
        return err_set(err, ESRCH, "the container's process %d is not in /proc",
                       (int)run->spawn.box_pid);
    int r = container_record_brief(run->record, &making->init, buf_text(&making->lines),
                                   run->cgroups_path, err);

    if (r >= 0)
        r = record_settle(run->record, err);
    if (r >= 0)
        r = spawn_release(&run->spawn, err);
    /* The gate is somebody else's to open; what the launch still tells is its end. */
    run->spawn.gated = false;
    return r;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void making_clean(struct making *making)
{
    struct run *run = &making->run;

    if (run->record) {
        gate_remove(run->state, making->gate);
        rdt_undo(&making->rdt);
        record_remove_brief(run->state, run->spec->name);
        if (notify_is_wanted(making->options))
            state_remove_directory(run->state, run->spec->name, "");
        if (making->pid_file_written)
            unlink(making->options->pid_file);
    }
    /* What we made in it may be what another container's mounts stand on by now. */
    if (run->record && *making->root && !state_leave(run->state, making->root, run->spec->name)) {
        strv_free(run->targets.made);
        run->targets.made = NULL;
    }
    int cleaned = run_clean(run, NULL);
    /* Empty by now, it would go by itself; but not before we have said that nothing is left. */
    scope_free(TAKE_PTR(making->scope));
    if (making->scope_path)
        scope_stop(&making->scope_name, NULL);
    if (cleaned >= 0 && making->hooked)
        hooks_run(run->spec, HOOK_POSTSTOP, making->options->write_state, CONTAINER_STOPPED, 0,
                  NULL);
}

int making_create(struct making *making, struct err *err)
{
    static int (*const step_table[])(struct making *, struct err *) = {
        make_check,  make_state,   make_scope,         make_plan,        make_notify,  make_record,
        make_filter, make_console, make_gate,          make_first_group, make_box,     make_groups,
        make_hooks,  make_go,      make_scope_settled, make_pid_file,    make_settled,
    };

    for (size_t i = 0; i < ARRAY_SIZE(step_table); i++) {
        int r = step_table[i](making, err);
        if (r < 0) {
            making_clean(making);
            return r;
        }
    }
    /* Whoever comes next may clear the root away. */
    making->run.targets.root_fd = fd_close(making->run.targets.root_fd);
    return 0;
}

void making_container(struct making *making, struct container *ret)
{
    struct run *run = &making->run;

    *ret = (struct container){
        .engine = run->engine,
        .state = run->state,
        .record = TAKE_PTR(run->record),
        .name = run->spec->name,
        .text = making->lines,
        .intact = true,
        .init = making->init,
    };
    making->lines = BUF_INIT;
    memcpy(ret->gate, making->gate, sizeof(ret->gate));
    memcpy(ret->root, making->root, sizeof(ret->root));
}

int container_create(struct engine *engine, const struct spec *spec,
                     const struct container_options *options, struct err *err)
{
    struct making *making = NULL;
    int r = making_new(engine, spec, options, false, &making, err);

    if (r >= 0)
        r = making_create(making, err);
    making_free(making);
    return r;
}
