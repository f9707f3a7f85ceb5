/* Where runs happen, and undoing what killed ones left. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

int engine_open(const char *state_dir, struct engine **ret, struct err *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (!engine)
        return err_nomem(err);
    engine->rootless = geteuid() != 0;
    if (text_replace(&engine->state_dir, state_dir) < 0) {
        engine_close(engine);
        return err_nomem(err);
    }
    *ret = engine;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    if (engine->inspected)
        container_close(engine->inspected);
    free(engine->inspected);
    free(engine->state_dir);
    free(engine->data_dir);
    free(engine->names_dir);
    free(engine);
}

void engine_closep(struct engine **engine)
{
    engine_close(*engine);
}

const char *engine_state_dir(const struct engine *engine)
{
    return engine->state_dir;
}

int engine_set_data_dir(struct engine *engine, const char *path, struct err *err)
{
    return text_replace(&engine->data_dir, path) < 0 ? err_nomem(err) : 0;
}

const char *engine_data_dir(struct engine *engine)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (engine->data_dir)
        return engine->data_dir;
    if (!engine->rootless)
        engine->data_dir = strdup("/var/lib/ration");
    else if (data && *data == '/')
        engine->data_dir = text_format("%s/ration", data);
    else
        engine->data_dir = text_format("%s/.local/share/ration", home && *home ? home : "/tmp");
    return engine->data_dir;
}

const char *engine_names_dir(struct engine *engine)
{
    char *usual = NULL;

    if (engine->names_dir)
        return engine->names_dir;
    if (!engine->state_dir)
        usual = state_default_directory(engine->rootless);
    if (engine->state_dir || usual)
        engine->names_dir = text_format("%s/.names", usual ? usual : engine->state_dir);
    free(usual);
    return engine->names_dir;
}

bool engine_is_rootless(const struct engine *engine)
{
    return engine->rootless;
}

void engine_set_last(struct engine *engine)
{
    engine->last = true;
}

bool engine_is_last(const struct engine *engine)
{
    return engine->last;
}

void engine_set_rootless(struct engine *engine, bool rootless)
{
    engine->rootless = rootless;
}

void engine_set_manager(struct engine *engine, enum cgroup_manager manager)
{
    engine->manager = manager;
}

int container_protect(char *const *argv, struct err *err)
{
    return self_protect(argv, err);
}

int engine_open_state(struct engine *engine, struct state **ret, struct err *err)
{
    return state_open(engine->state_dir, engine->rootless, ret, err);
}

/* ---- reclaiming ----------------------------------------------------------------------------------- */

/* The groups on record, one per line; false when the record was cut short before it named them all. */
static bool groups_on_record(const char *text, struct buf *ret)
{
    static const char prefix[] = "group ";
    char complete[2];
    const char *line;
    size_t len;

    if (!record_find(text, "planned", complete, sizeof(complete)))
        return false;
    while (line_next(&text, &line, &len)) {
        if (len > strlen(prefix) && strncmp(line, prefix, strlen(prefix)) == 0) {
            buf_add(ret, line + strlen(prefix), len - strlen(prefix));
            buf_putc(ret, '\n');
        }
    }
    return true;
}

/*
 * A record that lost its lines (a full disk, a hand that edited it): the name alone still tells where
 * the groups would be, in every hierarchy there is.
 */
static int groups_by_name(struct engine *engine, const char *name, struct buf *ret, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    struct cgroups_options options = { .root_fd = -1, .rootless = engine->rootless };
    int r = cgroups_open(&options, &cgroups, err);

    return r < 0 ? r : group_paths_named(cgroups, name, ret, err);
}

static int reclaim_record(struct engine *engine, const char *name, const char *text, unsigned flags,
                          struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;
    char pids[16];

    if (!record_name_valid(name))
        return err_set(err, EINVAL, "'%.140s' in the run directory is not a record of ours", name);
    /* One that nobody holds the lock of is not dead: containers outlive who made them. */
    if (record_find(text, "kind", pids, sizeof(pids)))
        return err_set(err, EBUSY, "'%s' is a container of ration-oci; delete it with that", name);
    if (!groups_on_record(text, &paths)) {
        buf_reset(&paths);
        int r = groups_by_name(engine, name, &paths, err);
        if (r < 0)
            return r;
    }
    bool own_pids = record_find(text, "pids", pids, sizeof(pids)) && strcmp(pids, "own") == 0;
    int r = group_reclaim(buf_text(&paths), -1, flags | (own_pids ? 0 : RECLAIM_KILL), err);
    if (r >= 0 && targets_reclaim(text) < 0)
        r = err_nomem(err);
    if (r >= 0)
        r = network_reclaim(name, text, err);
    if (r < 0)
        err_prefix(err, "cannot reclaim what the dead run '%s' left", name);
    return r;
}

int engine_reclaim_record(void *engine, const char *name, const char *text, struct err *err)
{
    return reclaim_record(engine, name, text, 0, err);
}

static int reclaim_record_at_once(void *engine, const char *name, const char *text, struct err *err)
{
    return reclaim_record(engine, name, text, RECLAIM_AT_ONCE, err);
}

int engine_reclaim_state(struct engine *engine, struct state *state, bool at_once,
                         unsigned *ret_reclaimed, struct err *err)
{
    record_reclaim_fn fn = at_once ? reclaim_record_at_once : engine_reclaim_record;
    unsigned failed;
    int r = state_reclaim(state, fn, engine, ret_reclaimed, &failed, err);

    if (r >= 0 && failed > 0)
        r = -EBUSY;
    return r;
}

int engine_reclaim(struct engine *engine, struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    unsigned reclaimed;
    int r = engine_open_state(engine, &state, err);

    if (r < 0)
        return r;
    r = engine_reclaim_state(engine, state, false, &reclaimed, err);
    return r < 0 ? r : (int)reclaimed;
}
