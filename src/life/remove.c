/* The verb rm, and clearing away what killed calls left half made or half removed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "life/life_private.h"
#include "root/root.h"

static const char *name_of(const char *prefix, const char *id, char ret[static LIFE_ID_SIZE + 8])
{
    snprintf(ret, LIFE_ID_SIZE + 8, "%s%s", prefix, id);
    return ret;
}

/* From here on it is gone for everybody; its files go when they go. */
static int declare_gone(struct life *life, const char *prefix, const char *id)
{
    char from[LIFE_ID_SIZE + 8], to[LIFE_ID_SIZE + 8];

    snprintf(from, sizeof(from), "%s%s", prefix, id);
    snprintf(to, sizeof(to), ".gone-%s", id);
    return renameat(life->containers_fd, from, life->containers_fd, to) < 0 ? -errno : 0;
}

/* The name that a directory's state tells, given up. */
static void drop_name_of(struct life *life, const struct container_dir *dir)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };

    if (state_read_plain(dir, &state) >= 0)
        life_drop_name(life, life_state_get(&state, "name"), dir->id);
    else
        life_drop_names(life, dir->id); /* killed before it could say */
}

static int remove_gone(struct life *life, const struct container_dir *dir, bool volumes,
                       struct err *err)
{
    char name[LIFE_ID_SIZE + 8];

    drop_name_of(life, dir);
    control_remove(life, dir->id);
    /* First, so that whoever is killed leaves the directory, by which the next call finds them. */
    int r = life_root_forget(life, dir->id, volumes, err);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), ".gone-%s", dir->id);
    r = root_remove_tree(life->world, life->containers_fd, name, err);
    if (r < 0 && r != -ENOENT)
        return r;
    r = 0;
    snprintf(name, sizeof(name), ".rm-%s", dir->id);
    unlinkat(life->containers_fd, name, 0);
    return r;
}

int life_remove_directory(struct life *life, const struct container_dir *dir, bool volumes,
                          struct err *err)
{
    int r = declare_gone(life, "", dir->id);

    if (r < 0)
        return err_set(err, -r, "cannot remove container %.12s: %s", dir->id, err_name(-r));
    life_event(life, dir, "destroy", NULL, NULL);
    return remove_gone(life, dir, volumes, err);
}

/* ---- the verb ---------------------------------------------------------------------------------------------- */

static int remove_locked(struct life *life, const struct container_dir *dir, bool volumes,
                         struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    int r = life_read_state(life, dir, &state, err);

    if (r < 0)
        return r;
    if (state.status == LIFE_RUNNING || state.status == LIFE_PAUSED ||
        state.status == LIFE_RESTARTING)
        return err_set(err, EBUSY,
                       "container %.12s is %s; stop it first, or remove it all the same with rm -f",
                       dir->id, life_status_name(state.status));
    /* A monitor that is coming to its end, or only beginning. */
    _cleanup_close_ int monitor = life_lock(dir, LOCK_MONITOR, err);
    if (monitor < 0)
        return monitor;
    return life_remove_directory(life, dir, volumes, err);
}

int life_remove(struct life *life, const char *who, bool force, bool volumes, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    struct err ignored = ERR_INIT;
    int r = life_find(life, who, &dir, err);

    if (r == -ENOENT && force)
        return 0;
    if (r < 0)
        return r;
    /* It may be about to be started by somebody who has the lock. */
    for (int attempt = 0; attempt < 3; attempt++) {
        if (force)
            life_ask(life, &dir, "end", NULL, &ignored);
        _cleanup_close_ int lock = life_lock(&dir, LOCK_COMMAND, err);
        if (lock < 0)
            return lock;
        r = remove_locked(life, &dir, volumes, err);
        if (r != -EBUSY || !force)
            break;
    }
    /* With --rm its monitor was faster. */
    return r < 0 && force && faccessat(life->containers_fd, dir.id, F_OK, 0) < 0 ? 0 : r;
}

/* ---- clearing away ------------------------------------------------------------------------------------------ */

typedef void (*tidy_fn)(struct life *life, const char *id);

static void tidy_each(struct life *life, const char *prefix, tidy_fn fn)
{
    _cleanup_buf_ struct buf ids = BUF_INIT;
    const char *cursor, *line;
    char id[LIFE_ID_SIZE];
    size_t len;

    if (life_list_ids(life, prefix, &ids) < 0)
        return;
    cursor = buf_text(&ids);
    while (line_next(&cursor, &line, &len)) {
        snprintf(id, sizeof(id), "%.*s", (int)len, line);
        fn(life, id);
    }
}

/* Whoever makes one has its lock, and took that while it held the names. */
static void tidy_new(struct life *life, const char *id)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    int names = life_lock_names(life);

    if (names < 0)
        return;
    if (life_open_directory(life, ".new-", id, &dir) >= 0 && !lock_is_held(dir.fd, LOCK_COMMAND))
        declare_gone(life, ".new-", id);
    life_unlock_names(life, names);
}

static void tidy_gone(struct life *life, const char *id)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;

    if (life_open_directory(life, ".gone-", id, &dir) >= 0 && !lock_is_held(dir.fd, LOCK_COMMAND))
        remove_gone(life, &dir, true, NULL);
}

/*
 * Of one that was to be removed at its end and was killed with its monitor nothing shall stay; nor when whoever
 * made it to run it was killed before that.
 */
static void tidy_dead(struct life *life, const char *id)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    char name[LIFE_ID_SIZE + 8];

    int r = life_open_directory(life, "", id, &dir);
    if (r == -ENOENT && faccessat(life->containers_fd, name_of(".new-", id, name), F_OK, 0) < 0 &&
        faccessat(life->containers_fd, name_of(".gone-", id, name), F_OK, 0) < 0)
        unlinkat(life->containers_fd, name_of(".rm-", id, name), 0);
    if (r < 0 || lock_is_held(dir.fd, LOCK_MONITOR))
        return;
    _cleanup_close_ int lock = lock_take(dir.fd, LOCK_COMMAND, 0);
    _cleanup_close_ int monitor = lock < 0 ? lock : lock_take(dir.fd, LOCK_MONITOR, 0);
    if (monitor < 0 || state_read_plain(&dir, &state) < 0 ||
        (state.status == LIFE_CREATED && !*life_state_get(&state, "run")))
        return;
    engine_reclaim(life->engine, NULL);
    life_remove_directory(life, &dir, true, NULL);
}

void life_tidy(struct life *life)
{
    tidy_each(life, ".new-", tidy_new);
    tidy_each(life, ".gone-", tidy_gone);
    tidy_each(life, ".rm-", tidy_dead);
}
