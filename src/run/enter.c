/* A further process where others of a run or a container are: their namespaces, their groups. */
#include <errno.h>
#include <string.h>

#include "run/run_private.h"

void entry_init(struct entry *entry, struct engine *engine, const struct spec *process,
                const int stdio[3])
{
    entry->options = (struct spawn_options){
        .spec = process,
        .v2_fd = -1,
        .gate_fd = -1,
        .console_fd = -1,
        .enter_pidfd = -1,
    };
    memcpy(entry->options.stdio, stdio, sizeof(entry->options.stdio));
    entry->way = GROUP_WAY_INIT;
    entry->pidfd = -1;
    run_init(&entry->run, engine, process, stdio);
}

void entry_done(struct entry *entry)
{
    group_way_close(&entry->way);
    entry->pidfd = fd_close(entry->pidfd);
    run_done(&entry->run);
}

static int entry_spawn(struct entry *entry, struct err *err)
{
    struct run *run = &entry->run;
    struct spawn_options *options = &entry->options;
    const struct spawn_groups groups = { entry->way.v2_fd, entry->way.tasks_fds,
                                         entry->way.n_tasks_fds };

    options->rlimits = entry->rlimits;
    options->n_rlimits = entry->n_rlimits;
    options->rows = run->terminal_rows ? run->terminal_rows : options->spec->rows;
    options->columns = run->terminal_columns ? run->terminal_columns : options->spec->columns;
    options->enter_pidfd = entry->pidfd;
    int r = spawn_enter(options, &groups, &run->spawn, err);
    if (r >= 0)
        run->spawned = true;
    return r;
}

int entry_start(struct entry *entry, struct err *err)
{
    struct run *run = &entry->run;
    enum spawn_event event = SPAWN_NOTHING;
    int r = entry_spawn(entry, err);

    if (r < 0)
        return r;
    self_settle();
    while (r >= 0 && event == SPAWN_NOTHING)
        r = spawn_read(&run->spawn, true, &event, &run->exit, err);
    if (r >= 0 && event == SPAWN_FAILED)
        r = err && err->code ? -err->code : -ECHILD;
    else if (r >= 0 && event != SPAWN_STARTED)
        r = err_set(err, ECHILD, "the process ended before its program was executed");
    if (r < 0)
        spawn_reap(&run->spawn, true, NULL);
    return r;
}

int entry_attend(struct entry *entry, int (*steps)(void *data, struct err *err), void *data,
                 struct err *err)
{
    struct foreground foreground;
    struct run *run = &entry->run;
    int r = foreground_begin(&foreground, err);

    if (r < 0)
        return r;
    if (run->spec->tty)
        terminal_size(run->stdio, &run->terminal_rows, &run->terminal_columns);
    r = steps(data, err);
    if (r >= 0)
        r = foreground_attend(&foreground, run, err);
    foreground_end(&foreground);
    return r;
}
