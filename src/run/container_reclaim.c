/* What killed calls left half made is undone by whoever comes next. */
#include <errno.h>
#include <signal.h>

#include "run/container_private.h"

int container_open_state(struct engine *engine, struct state **ret, struct err *err)
{
    return state_open_containers(engine->state_dir, ret, err);
}

int container_remove_files(struct container *container, struct err *err)
{
    char value[8];

    if (*container->gate)
        gate_remove(container->state, container->gate);
    if (!container->intact ||
        record_find(buf_text(&container->text), "notify", value, sizeof(value)))
        notify_remove(container);
    rdt_remove(container);
    if (!*container->root || !state_leave(container->state, container->root, container->name) ||
        !container->intact || targets_reclaim(buf_text(&container->text)) >= 0)
        return 0;
    /* Once more; but only who has no memory to do it with stays on record for that. */
    return targets_reclaim(buf_text(&container->text)) == -ENOMEM ? err_nomem(err) : 0;
}

/* How long somebody else's call that makes a container of the same name is waited for. */
#define PENDING_WAIT_US 1000000u

struct pending {
    struct engine *engine;
    struct state *state;
};

/* Whoever is in groups that were never handed out belongs to the call that died. */
static int reclaim_groups(const char *text, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;

    container_group_lines(text, &paths);
    return buf_error(&paths) < 0 ? err_nomem(err)
                                 : group_reclaim(buf_text(&paths), -1, RECLAIM_KILL, err);
}

static int reclaim_one(void *data, const char *name, const char *text, struct err *err)
{
    struct pending *pending = data;
    struct container container = { .engine = pending->engine, .state = pending->state };

    container.being_made = true;
    buf_puts(&container.text, text);
    int r = text_replace(&container.name, name) < 0 ? err_nomem(err) : 0;
    if (r >= 0) {
        container_read_process(&container);
        r = container_kill_process(&container, err);
    }
    if (r >= 0)
        r = reclaim_groups(text, err);
    if (r >= 0) {
        container_stop_scope(&container, NULL); /* empty, it would go by itself */
        r = container_remove_files(&container, err);
    }
    if (r >= 0)
        record_remove_brief(pending->state, name);
    container.state = NULL; /* is the caller's */
    container_close(&container);
    return r;
}

/* Of a call that was killed only what it had started is left, which ends as soon as it notices. */
static bool maker_lives(struct state *state, const char *name)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char digits[24];
    uint64_t pid;
    bool alive;

    if (state_read(state, name, &text, &alive, NULL) < 0 ||
        !record_find(buf_text(&text), "supervisor", digits, sizeof(digits)) ||
        number_parse(digits, INT32_MAX, &pid) < 0 || pid == 0)
        return true;
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

void container_reclaim_pending(struct engine *engine, struct state *state, const char *name)
{
    struct pending pending = { .engine = engine, .state = state };
    unsigned reclaimed, failed;

    state_reclaim_pending(state, reclaim_one, &pending, &reclaimed, &failed, NULL);
    int r = state_wait_pending(state, name, PENDING_WAIT_US);
    if (r == -EBUSY && !maker_lives(state, name))
        r = state_wait_pending(state, name, CONTAINER_END_US);
    if (r > 0)
        state_reclaim_pending(state, reclaim_one, &pending, &reclaimed, &failed, NULL);
}
