/* From a plan to a COMMAND that lives under it: record, groups, processes, in this order. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "run/run_private.h"

/* ---- record ------------------------------------------------------------------------------------------ */

/* Not where no limit needs one and no unified hierarchy gives figures for nothing. */
bool launch_needs_group(const struct run *run)
{
    if (run->engine->manager == MANAGER_DISABLED)
        return false;
    return run->plan.plan->controllers != 0 || run->plan.layout.has_v2 || run->spec->document;
}

/* Each line of the groups' list, marked as such. */
int launch_record_lines(struct run *run, struct buf *ret, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    const char *cursor, *line;
    size_t len;
    int r = 0;

    if (launch_needs_group(run))
        r = group_paths(run->cgroups, run->plan.plan, run->spec->name, &paths, err);
    if (r < 0)
        return r;
    cursor = buf_text(&paths);
    while (line_next(&cursor, &line, &len))
        buf_printf(ret, "group %.*s\n", (int)len, line);
    if (run->spec->namespaces & CLONE_NEWPID)
        buf_puts(ret, "pids own\n");
    network_record_lines(run, ret);
    targets_record(&run->targets, run->spec, ret);
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

/* What is going to exist is on record before any of it does. */
static int launch_record(struct run *run, struct err *err)
{
    _cleanup_buf_ struct buf lines = BUF_INIT;
    unsigned reclaimed;
    int r = engine_open_state(run->engine, &run->state, err);

    if (r >= 0)
        r = targets_find(&run->targets, run->spec, err);
    if (r >= 0)
        r = launch_record_lines(run, &lines, err);
    if (r >= 0)
        r = exec_record_lines(run, &lines, err);
    if (r < 0)
        return r;
    r = record_create(run->state, run->spec->name, buf_text(&lines), &run->record, err);
    if (r != -EEXIST)
        return r;
    /* The name may be a dead run's. */
    engine_reclaim_state(run->engine, run->state, false, &reclaimed, NULL);
    return record_create(run->state, run->spec->name, buf_text(&lines), &run->record, err);
}

/* ---- groups ------------------------------------------------------------------------------------------- */

static int unmet_add(struct plan *plan, enum limit_id limit, const char *why, const char *stand_in)
{
    struct plan_unmet *grown = reallocarray(plan->unmet, plan->n_unmet + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    plan->unmet = grown;
    grown[plan->n_unmet] = (struct plan_unmet){ .limit = limit, .why = strdup(why) };
    if (stand_in)
        grown[plan->n_unmet].stand_in = strdup(stand_in);
    plan->n_unmet++;
    return grown[plan->n_unmet - 1].why ? 0 : -ENOMEM;
}

/* A limit of CPU time can be watched only where something counts the CPU time of the whole run. */
static int launch_cpu_watch(struct run *run, struct err *err)
{
    static const char why[] = "no group that we may make counts the run's CPU time";
    static const enum limit_id limit_table[] = { LIMIT_CPU_TIME, LIMIT_CPU_TIME_SOFT };
    struct plan *plan = run->plan.plan;
    uint64_t cpu_us;

    if (plan->in_force.value[LIMIT_CPU_TIME].state != LIMIT_SET &&
        plan->in_force.value[LIMIT_CPU_TIME_SOFT].state != LIMIT_SET)
        return 0;
    if (run->group && group_cpu_us(run->group, &cpu_us) >= 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(limit_table); i++) {
        enum limit_id limit = limit_table[i];
        if (plan->in_force.value[limit].state != LIMIT_SET)
            continue;
        if (!run->spec->best_effort)
            return err_refuse(err, ENODATA,
                              "--%s cannot be put in force: %s; run as root or in a delegated "
                              "group, or run without it by --best-effort",
                              limit_info(limit)->name, why);
        plan->in_force.value[limit].state = LIMIT_UNSET;
        if (unmet_add(plan, limit, why,
                      limit == LIMIT_CPU_TIME ? "RLIMIT_CPU, for each process by itself" : NULL) <
            0)
            return err_nomem(err);
    }
    return 0;
}

/* What COMMAND leaves behind is found by its process namespace or by its group. */
static int check_end(const struct run *run, struct err *err)
{
    bool group = run->group && group_is_anywhere(run->group);

    if (group || (run->spec->namespaces & CLONE_NEWPID) || run->spec->best_effort)
        return 0;
    return err_refuse(
        err, ENOTSUP,
        "--pid host: what COMMAND leaves behind could not be ended, since no group can be "
        "made for it here; leave it out, or run all the same by --best-effort");
}

static int launch_groups(struct run *run, struct err *err)
{
    const struct run_plan *plan = &run->plan;

    if (!launch_needs_group(run))
        return check_end(run, err);
    int r =
        group_create(run->cgroups, plan->plan, &plan->machine, run->spec->name, &run->group, err);
    if (r >= 0)
        r = check_end(run, err);
    if (r < 0)
        return r;
    bool measured = run->spec->measure != SPEC_MEASURE_NOTHING;
    if (measured)
        group_watch_oom(run->group);
    return group_events(run->group, true, measured, &run->events);
}

/* ---- processes ---------------------------------------------------------------------------------------- */

/* RLIMIT_NOFILE's row by the name that the plan uses for its file. */
static int rlimit_resource(const char *file)
{
    for (int id = 0; id < LIMIT_COUNT; id++) {
        const struct limit_info *info = limit_info((enum limit_id)id);
        if (info->kind != LIMIT_KIND_RLIMIT_SIZE && info->kind != LIMIT_KIND_RLIMIT_NUMBER &&
            info->kind != LIMIT_KIND_RLIMIT_TIME)
            continue;
        if (strcasecmp(info->name + strlen("rlimit-"), file + strlen("RLIMIT_")) == 0)
            return info->rlimit;
    }
    return -1;
}

/* Only the planner's own word is no limit; what cannot be read is the tightest there is. */
static uint64_t rlimit_number(const char *text, size_t len)
{
    char digits[24];
    uint64_t value;

    snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
    if (strcmp(digits, "unlimited") == 0)
        return RLIM_INFINITY;
    return number_parse(digits, UINT64_MAX, &value) < 0 ? 0 : value;
}

/* The plan's writes to the process itself, in the form in which the child needs them. */
size_t launch_rlimits(const struct plan *plan, struct spawn_rlimit *ret, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_steps && n < max; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->target != PLAN_PROCESS || !text_starts(step->file, "RLIMIT_"))
            continue;
        size_t soft_len = strcspn(step->text, ":");
        const char *hard = step->text[soft_len] ? step->text + soft_len + 1 : step->text;
        ret[n++] = (struct spawn_rlimit){ .resource = rlimit_resource(step->file),
                                          .soft = rlimit_number(step->text, soft_len),
                                          .hard = rlimit_number(hard, strlen(hard)) };
    }
    return n;
}

/*
 * Nobody may mount hierarchies from within a user namespace that is not the one of its cgroup namespace
 * (cgroup_namespaces(7)): --userns private --cgroupns host shows none.
 */
static bool spec_shows_cgroups(const struct spec *spec)
{
    /* A document's are mounted from a cgroup namespace all the same. */
    if ((spec->namespaces & CLONE_NEWUSER) && !(spec->namespaces & CLONE_NEWCGROUP) &&
        !spec->document)
        return false;
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].kind == MOUNT_CGROUP)
            return true;
    }
    return false;
}

/* Does the run have a group of its own there? */
static bool hierarchy_is_ours(const struct run *run, const struct hierarchy_info *info)
{
    if (info->version == 2 || (info->controllers & run->plan.plan->controllers) != 0)
        return true;
    return run->spec->document && info->controllers == 0 && info->writable;
}

static struct spawn_cgroup_mount cgroup_mount_of(const struct run *run,
                                                 const struct hierarchy_info *info)
{
    static const char named[] = "name=";

    if (info->version == 2)
        return (struct spawn_cgroup_mount){ .version = 2,
                                            .target = run->plan.layout.has_v1 ? "unified" : "" };
    bool is_named = text_starts(info->name, named);
    return (struct spawn_cgroup_mount){
        .version = 1,
        .options = info->name,
        .target = is_named ? info->name + strlen(named) : info->name,
    };
}

/*
 * The hierarchies in which the run has groups of its own: the others would show nothing of it. A
 * unified hierarchy that stands alone is mounted at the top, as everybody expects it.
 */
size_t launch_cgroup_mounts(const struct run *run, struct spawn_cgroup_mount *ret, size_t max)
{
    struct hierarchy_info info;
    size_t n = 0;

    if (!spec_shows_cgroups(run->spec) || !launch_needs_group(run))
        return 0;
    for (size_t i = 0; n < max && cgroups_hierarchy(run->cgroups, i, &info); i++) {
        if (hierarchy_is_ours(run, &info))
            ret[n++] = cgroup_mount_of(run, &info);
    }
    return n;
}

/* Output that is counted goes through pipes of ours; a terminal is ours already. */
static int launch_pipes(struct run *run, int stdio[3], struct err *err)
{
    memcpy(stdio, run->stdio, sizeof(run->stdio));
    /* Ours to count: in force wherever it is asked for. */
    if (run->spec->tty || run->spec->limits.value[LIMIT_OUTPUT_LIMIT].state != LIMIT_SET)
        return 0;
    if (pipe2(run->pipe_out, O_CLOEXEC) < 0 || pipe2(run->pipe_err, O_CLOEXEC) < 0)
        return err_set(err, errno, "--output-limit: cannot make a pipe: %m");
    stdio[1] = run->pipe_out[1];
    stdio[2] = run->pipe_err[1];
    return 0;
}

/* Our copies of the ends that COMMAND has, so that the end of its output can be seen. */
static int launch_relays(struct run *run)
{
    int r = 0;

    if (run->pipe_out[0] < 0)
        return 0;
    run->pipe_out[1] = fd_close(run->pipe_out[1]);
    run->pipe_err[1] = fd_close(run->pipe_err[1]);
    r = relay_start(run, RELAY_OUT, TAKE_FD(run->pipe_out[0]), run->stdio[1]);
    if (r >= 0)
        r = relay_start(run, RELAY_ERR, TAKE_FD(run->pipe_err[0]), run->stdio[2]);
    return r;
}

/*
 * Is there a hierarchy of which COMMAND would see more than its own groups, if it came to mount it? As the
 * host's user 0, or able to become it, it could write to the groups of other runs there.
 */
bool launch_is_confined(const struct run *run)
{
    const struct spec *spec = run->spec;

    return run->plan.layout.has_v1 && !spec->unconfined && !(spec->namespaces & CLONE_NEWUSER) &&
           !(spec->caps.bounding & UINT64_C(1) << CAP_SYS_ADMIN);
}

/* What a launch needs to know of the plan. */
struct launch_layout {
    struct spawn_rlimit rlimits[RLIM_NLIMITS + 4];
    struct spawn_cgroup_mount cgroup_mounts[CGROUP_MOUNTS_MAX];
};

static void layout_fill(const struct run *run, struct launch_layout *layout,
                        struct spawn_options *options)
{
    options->rlimits = layout->rlimits;
    options->n_rlimits =
        launch_rlimits(run->plan.plan, layout->rlimits, ARRAY_SIZE(layout->rlimits));
    options->cgroup_mounts = layout->cgroup_mounts;
    options->n_cgroup_mounts = launch_cgroup_mounts(run, layout->cgroup_mounts, CGROUP_MOUNTS_MAX);
    options->no_user_namespaces = launch_is_confined(run);
}

static int launch_processes(struct run *run, struct err *err)
{
    struct launch_layout layout;
    struct spawn_options options = {
        .spec = run->spec,
        .later = run->plan.plan == NULL,
        .rows = run->terminal_rows,
        .columns = run->terminal_columns,
        .die_with_supervisor = true,
        .network_fd = run->join_fd,
        .v2_fd = -1,
        .gate_fd = -1,
        .console_fd = -1,
        .enter_pidfd = -1,
    };
    int r = launch_pipes(run, options.stdio, err);

    if (r < 0)
        return r;
    if (run->plan.plan)
        layout_fill(run, &layout, &options);
    run->begun_realtime_us = clock_us(CLOCK_REALTIME);
    run->begun_us = clock_us(CLOCK_MONOTONIC);
    r = spawn_start(&options, &run->spawn, err);
    if (r < 0)
        return r;
    run->spawned = true;
    r = launch_relays(run);
    return r < 0 ? err_set(err, -r, "cannot watch COMMAND's output: %s", err_name(-r)) : 0;
}

/* Only now, with every limit read back. */
int launch_go(struct run *run, struct err *err)
{
    struct spawn_groups groups = { .v2_fd = -1 };

    if (run->group) {
        struct group_entry entry = group_entry(run->group);
        groups = (struct spawn_groups){ entry.v2_fd, entry.tasks_fds, entry.n_tasks_fds };
    }
    return spawn_go(&run->spawn, &groups, err);
}

static int launch_tell(struct run *run, struct err *err)
{
    struct launch_layout layout;
    struct spawn_options options = { .spec = run->spec };

    layout_fill(run, &layout, &options);
    return spawn_tell(&run->spawn, &options, err);
}

typedef int (*launch_step_fn)(struct run *run, struct err *err);

static int launch_steps(struct run *run, const launch_step_fn *table, size_t n, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++)
        r = table[i](run, err);
    return r < 0 ? r : 0;
}

/*
 * The box makes mounts while the hierarchies are found, the record is written and the groups are made here; it ends
 * by itself when we do. What it makes in a root of its own would outlive it: that has to be on record before. And an
 * ordinary user is to learn from the plan what is missing, not from the box. Whatever fails, run_clean() ends it.
 */
int run_launch(struct run *run, struct err *err)
{
    static const launch_step_fn begin_table[] = { launch_processes, run_make_plan, launch_tell,
                                                  launch_record };
    static const launch_step_fn begin_planned_table[] = { run_make_plan,    launch_record,
                                                          network_join,     network_prepare,
                                                          launch_processes, network_start };
    static const launch_step_fn rest_table[] = { launch_groups, launch_cpu_watch, network_finish,
                                                 launch_go };
    bool planned = run->spec->rootfs || run->engine->rootless || network_is_wanted(run->spec) ||
                   run->spec->network == SPEC_NETWORK_JOIN;
    int r = planned ? launch_steps(run, begin_planned_table, ARRAY_SIZE(begin_planned_table), err)
                    : launch_steps(run, begin_table, ARRAY_SIZE(begin_table), err);
    return r < 0 ? r : launch_steps(run, rest_table, ARRAY_SIZE(rest_table), err);
}
