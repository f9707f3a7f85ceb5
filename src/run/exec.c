/*
 * The verb exec: a further process in a run that lives, by what the run's record tells. The record has lines of
 * the spec room ("process ..."), and
 *   rlimit RESOURCE SOFT HARD    confined yes         from the start
 *   command PID START-TICKS                           once COMMAND runs
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run/container_private.h"
#include "sys/sys.h"

#define START_PAUSE_US 5000u
#define START_TRIES    1000u /* five seconds: a run on a busy machine may be slow to begin */

/* ---- the record ------------------------------------------------------------------------------------------ */

/* Where COMMAND begins when nobody says it: where we are, on the host's root. */
static const char *start_directory(const struct spec *spec, char *here, size_t size)
{
    if (spec->cwd)
        return spec->cwd;
    if (spec->rootfs || sys_getcwd(here, size) < 0)
        return "/";
    return here;
}

int exec_record_lines(const struct run *run, struct buf *ret, struct err *err)
{
    struct spawn_rlimit rlimits[RLIM_NLIMITS + 4];
    size_t n = launch_rlimits(run->plan.plan, rlimits, ARRAY_SIZE(rlimits));
    char here[PATH_MAX];

    spec_write_process(run->spec, start_directory(run->spec, here, sizeof(here)), ret);
    for (size_t i = 0; i < n; i++)
        buf_printf(ret, "rlimit %d %llu %llu\n", rlimits[i].resource,
                   (unsigned long long)rlimits[i].soft, (unsigned long long)rlimits[i].hard);
    if (launch_is_confined(run))
        buf_puts(ret, "confined yes\n");
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

/* Without the line nobody can join the run, which is no reason to end it. */
void exec_record_command(struct run *run)
{
    struct process command;
    char text[48];
    pid_t pid;

    if (!run->record)
        return;
    pid = spawn_command_pid(&run->spawn);
    if (pid <= 0 || process_find(pid, &command) < 0)
        return;
    snprintf(text, sizeof(text), "%d %llu", (int)command.pid,
             (unsigned long long)command.start_ticks);
    (void)TRY_TWICE(record_append(run->record, "command", text, NULL));
}

/* ---- what is asked for -------------------------------------------------------------------------------------- */

struct run_process {
    struct engine *engine; /* not owned, like name, draft and world */
    const char *name;
    const struct draft *draft;
    const struct spec_world *world;
    struct spec *spec;
    struct process command; /* of the run */
    struct buf text;        /* the run's record */
    bool detach;
    struct entry entry;
};

static int exec_ended(const struct run_process *exec, struct err *err)
{
    return err_set(err, ESRCH, "run '%s' is not running", exec->name);
}

/* A run that is just beginning has no COMMAND yet, and soon has. */
static int exec_find(struct run_process *exec, struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    const struct timespec pause = { 0, (long)START_PAUSE_US * 1000 };
    char line[64];
    bool alive;
    int r = engine_open_state(exec->engine, &state, err);

    for (unsigned i = 0; r >= 0 && i < START_TRIES; i++) {
        r = state_read(state, exec->name, &exec->text, &alive, err);
        if (r < 0)
            break;
        if (!alive)
            return exec_ended(exec, err);
        if (record_find(buf_text(&exec->text), "command", line, sizeof(line)))
            return process_parse(line, &exec->command)
                       ? 0
                       : err_set(err, EINVAL, "the record of run '%s' is damaged: 'command %s'",
                                 exec->name, line);
        nanosleep(&pause, NULL);
    }
    return r < 0 ? r
                 : err_set(err, EAGAIN, "run '%s' has not begun yet: its COMMAND is not known",
                           exec->name);
}

/* The groups of its own, as the record has them; frozen ones would keep us waiting for ever. */
static int exec_groups(struct run_process *exec, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;

    container_group_lines(buf_text(&exec->text), &paths);
    if (buf_error(&paths) < 0)
        return err_nomem(err);
    if (groups_are_frozen(buf_text(&paths), -1))
        return err_set(err, EBUSY, "run '%s' is paused: nothing can run in it until it goes on",
                       exec->name);
    return group_way_open(buf_text(&paths), -1, &exec->entry.way, err);
}

static int exec_describe(struct run_process *exec, struct err *err)
{
    int r = spec_read_process(buf_text(&exec->text), &exec->spec, err);

    if (r >= 0)
        r = text_replace(&exec->spec->name, exec->name) < 0 ? err_nomem(err) : 0;
    if (r >= 0)
        r = spec_override_process(exec->spec, exec->draft, exec->world, err);
    return r;
}

/* "RESOURCE SOFT HARD"; false: it is not that. */
static bool rlimit_parse(const char *text, size_t len, struct spawn_rlimit *ret)
{
    uint64_t number[3];
    char numbers[80];

    snprintf(numbers, sizeof(numbers), "%.*s", (int)len, text);
    if (numbers_parse(numbers, 3, number) < 0 || number[0] >= RLIM_NLIMITS)
        return false;
    *ret =
        (struct spawn_rlimit){ .resource = (int)number[0], .soft = number[1], .hard = number[2] };
    return true;
}

/* A limit that cannot be read is one that would silently not hold. */
static int exec_rlimits(struct run_process *exec, struct err *err)
{
    static const char key[] = "rlimit ";
    const char *cursor = buf_text(&exec->text), *line;
    struct entry *entry = &exec->entry;
    size_t len;

    while (line_next(&cursor, &line, &len)) {
        if (len < strlen(key) || memcmp(line, key, strlen(key)) != 0)
            continue;
        if (entry->n_rlimits == ARRAY_SIZE(entry->rlimits) ||
            !rlimit_parse(line + strlen(key), len - strlen(key),
                          &entry->rlimits[entry->n_rlimits++]))
            return err_set(err, EINVAL, "the record of run '%s' is damaged: '%.*s'", exec->name,
                           len < 100 ? (int)len : 100, line);
    }
    return 0;
}

/* ---- starting it ------------------------------------------------------------------------------------------ */

static int exec_enter(struct run_process *exec, struct err *err)
{
    struct entry *entry = &exec->entry;
    struct err ours = ERR_INIT;
    char line[8];

    entry->pidfd = process_open(&exec->command);
    if (entry->pidfd < 0)
        return exec_ended(exec, err);
    entry->options.no_user_namespaces =
        record_find(buf_text(&exec->text), "confined", line, sizeof(line)) &&
        !exec->spec->unconfined;
    entry->options.die_with_supervisor = !exec->detach;
    int r = entry_start(entry, &ours);
    /* What it could not enter is going: the reason is the run's end, whatever it looks like. */
    if (r < 0 && !process_is_alive(&exec->command))
        return exec_ended(exec, err);
    if (r < 0 && err)
        *err = ours;
    return r;
}

static int exec_steps(void *data, struct err *err)
{
    static int (*const step_table[])(struct run_process *, struct err *) = {
        exec_groups,
        exec_rlimits,
        exec_enter,
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(step_table); i++)
        r = step_table[i](data, err);
    return r;
}

/* Nobody reads ahead what is not passed on: without --interactive standard input is empty. */
static void exec_stdio(struct run_process *exec, const int stdio[3])
{
    int fds[3];

    memcpy(fds, stdio, sizeof(fds));
    if (!exec->spec->interactive)
        fds[0] = -1;
    if (exec->detach)
        fds[0] = fds[1] = fds[2] = -1;
    entry_init(&exec->entry, exec->engine, exec->spec, fds);
    /* Which of them is a terminal tells the size of COMMAND's. */
    memcpy(exec->entry.run.stdio, stdio, sizeof(fds));
}

static int exec_new(struct engine *engine, const char *name, const struct draft *draft,
                    const struct spec_world *world, const int stdio[3], bool detach,
                    struct run_process **ret, struct err *err)
{
    struct run_process *exec = calloc(1, sizeof(*exec));

    if (!exec)
        return err_nomem(err);
    exec->engine = engine;
    exec->name = name;
    exec->draft = draft;
    exec->world = world;
    exec->detach = detach;
    int r = exec_find(exec, err);
    if (r >= 0)
        r = exec_describe(exec, err);
    if (r >= 0 && detach && exec->spec->tty)
        r = err_usage(err, "--tty and --detach: nobody would hold the terminal");
    if (r < 0) {
        run_process_free(exec);
        return r;
    }
    exec_stdio(exec, stdio);
    *ret = exec;
    return 0;
}

int run_exec(struct engine *engine, const char *name, const struct draft *draft,
             const struct spec_world *world, const int stdio[3], bool detach, int *ret_status,
             struct err *err)
{
    struct run_process *exec;
    int r = exec_new(engine, name, draft, world, stdio, detach, &exec, err);

    if (r < 0)
        return r;
    r = detach ? exec_steps(exec, err) : entry_attend(&exec->entry, exec_steps, exec, err);
    if (r >= 0)
        *ret_status = detach ? 0 : exit_status(&exec->entry.run.exit);
    if (r >= 0)
        exec->entry.run.spawn.reaped = true; /* it has ended, or is to live on */
    run_process_free(exec);
    return r < 0 ? r : 0;
}

/* ---- for whoever has a loop ---------------------------------------------------------------------------------- */

int run_process_start(struct engine *engine, const char *name, const struct draft *draft,
                      const struct spec_world *world, const int stdio[3], struct run_process **ret,
                      struct err *err)
{
    struct run_process *exec;
    int r = exec_new(engine, name, draft, world, stdio, false, &exec, err);

    if (r >= 0) {
        r = exec_steps(exec, err);
        if (r < 0)
            run_process_free(exec);
    }
    if (r < 0)
        return r;
    /* These are the caller's, who need not keep them. */
    exec->name = NULL;
    exec->draft = NULL;
    exec->world = NULL;
    *ret = exec;
    return 0;
}

int run_process_fd(const struct run_process *process)
{
    return process->entry.run.spawn.channel_fd;
}

/* It began a session of its own: what it has started goes with it, unless that began another. */
void run_process_kill(struct run_process *process)
{
    const struct spawn *spawn = &process->entry.run.spawn;

    /* Nobody has waited for it yet, so that the number is still its own. */
    if (!spawn->reaped && spawn->box_pid > 0)
        kill(-spawn->box_pid, SIGKILL);
    spawn_signal(spawn, SIGKILL);
}

int run_process_wait(struct run_process *process, struct err *err)
{
    struct run *run = &process->entry.run;
    enum spawn_event event;
    int r = run->spawn.reaped ? 0 : spawn_read(&run->spawn, true, &event, &run->exit, err);

    return r < 0 ? r : exit_status(&run->exit);
}

void run_process_free(struct run_process *process)
{
    if (!process)
        return;
    if (process->spec) {
        if (process->entry.run.spawned && !process->entry.run.spawn.reaped) {
            run_process_kill(process);
            spawn_reap(&process->entry.run.spawn, true, NULL);
        }
        if (process->entry.run.spec)
            entry_done(&process->entry);
    }
    spec_free(process->spec);
    buf_done(&process->text);
    free(process);
}
