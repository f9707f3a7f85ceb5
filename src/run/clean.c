/* The way out: everything of a run is ended and removed, whatever state it is in. */
#include <errno.h>

#include "run/run_private.h"

#define KILL_TIMEOUT_US 5000000u

static int clean_processes(struct run *run, struct err *err)
{
    bool own_pids = (run->spec->namespaces & CLONE_NEWPID) != 0;
    int r = 0;

    /* The end of a process namespace ends everything in it; elsewhere the group has to be emptied. */
    if (run->group && (!own_pids || run->frozen))
        r = group_kill(run->group, KILL_TIMEOUT_US, err);
    if (run->spawned && !run->reaped) {
        /* Whoever comes here with a box that lives has no use for it any more. */
        int reaped = spawn_reap(&run->spawn, true, r < 0 ? NULL : err);
        run->reaped = reaped >= 0;
        if (r >= 0)
            r = reaped;
    }
    return r;
}

void run_leave_group(struct run *run)
{
    if (!run->engine->last)
        group_close(run->group);
    run->group = NULL;
}

static int clean_groups(struct run *run, struct err *err)
{
    if (!run->group)
        return 0;
    int r = group_remove(run->group, err);
    /*
     * With a process namespace of its own everything of the run is dead: who is still in there was put
     * there by somebody else, and is theirs to move.
     */
    if (r == -EBUSY && !(run->spec->namespaces & CLONE_NEWPID)) {
        r = group_kill(run->group, KILL_TIMEOUT_US, err);
        if (r >= 0)
            r = group_remove(run->group, err);
    }
    if (r < 0)
        return r;
    run_leave_group(run);
    return 0;
}

int run_clean(struct run *run, struct err *err)
{
    int r = clean_processes(run, err);

    if (r >= 0)
        r = clean_groups(run, err);
    /* The record stays, for another try: ours in run_free(), or that of the next call of ration. */
    if (r < 0)
        return r;
    targets_remove(&run->targets);
    r = network_clean(run, err);
    if (r >= 0 && run->record)
        r = record_remove(run->record, err);
    if (r < 0 && run->networked)
        return r;
    run->record = NULL;
    return r;
}
