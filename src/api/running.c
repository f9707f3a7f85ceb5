/* libration: starting, waiting, changing. */
#include <errno.h>
#include <string.h>

#include "api/api_private.h"
#include "life/life.h"

static struct ration_result *result_wrap(struct result *result)
{
    struct ration_result *wrapped = calloc(1, sizeof(*wrapped));

    if (!wrapped)
        result_free(result);
    else
        wrapped->result = result;
    return wrapped;
}

int api_result(struct result *result, struct ration_result **ret, struct ration_error *error)
{
    *ret = result_wrap(result);
    return *ret ? 0 : api_fail(error, ENOMEM, "out of memory");
}

int ration_start(struct ration *ration, const struct ration_spec *draft, struct ration_run **ret,
                 struct ration_error *error)
{
    struct err err = ERR_INIT;
    struct ration_run *run = calloc(1, sizeof(*run));

    if (!run)
        return api_fail(error, ENOMEM, "out of memory");
    run->ration = ration;
    int r = prepare_run(ration, draft, &run->prepared, &err);
    if (r >= 0)
        r = spec_seal(run->prepared.draft, &ration->world, &run->spec, &err);
    if (r >= 0)
        r = run_start(ration->engine, run->spec, draft->stdio, &run->run, &err);
    if (r < 0) {
        ration_run_free(run);
        return api_error(error, &err, r);
    }
    *ret = run;
    return 0;
}

int ration_wait(struct ration_run *run, struct ration_result **ret, struct ration_error *error)
{
    struct err err = ERR_INIT;
    struct result *result;
    int r = run_wait(run->run, &result, &err);

    if (r < 0)
        return api_error(error, &err, r);
    *ret = result_wrap(result);
    return *ret ? 0 : api_fail(error, ENOMEM, "out of memory");
}

int ration_run_foreground(struct ration *ration, const struct ration_spec *draft,
                          struct ration_result **ret, struct ration_error *error)
{
    struct prepared prepared = { 0 };
    struct spec *spec = NULL;
    struct err err = ERR_INIT;
    struct result *result;
    int r = prepare_run(ration, draft, &prepared, &err);

    if (r >= 0)
        r = spec_seal(prepared.draft, &ration->world, &spec, &err);
    if (r >= 0)
        r = run_foreground(ration->engine, spec, draft->stdio, &result, &err);
    int removed = prepared_done(&prepared, r < 0 ? NULL : &err);
    if (r >= 0 && removed < 0) {
        result_free(result);
        r = removed;
    }
    if (!engine_is_last(ration->engine))
        spec_free(spec);
    if (r < 0)
        return api_error(error, &err, r);
    *ret = result_wrap(result);
    return *ret ? 0 : api_fail(error, ENOMEM, "out of memory");
}

const char *ration_run_name(const struct ration_run *run)
{
    return run_name(run->run);
}

int ration_kill(struct ration_run *run, int signal, struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, run_signal(run->run, signal, &err));
}

int ration_update(struct ration_run *run, const char *limit, const char *value,
                  struct ration_error *error)
{
    struct err err = ERR_INIT;
    struct limit_set limits = { 0 };
    enum limit_id id = limit_find(limit);

    if (id == LIMIT_NONE)
        return api_fail(error, EINVAL, "there is no limit named '%s'", limit);
    int r = run_copy_limit(run->run, id, &limits);
    if (r < 0)
        return api_fail(error, -r, "out of memory");
    r = limit_parse(id, value, &run->ration->world.limit_context, &limits, &err);
    if (r >= 0)
        r = run_update(run->run, &limits, &err);
    limit_set_done(&limits);
    return api_error(error, &err, r);
}

int ration_freeze(struct ration_run *run, int frozen, struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, run_freeze(run->run, frozen != 0, &err));
}

void ration_run_free(struct ration_run *run)
{
    if (!run)
        return;
    run_free(run->run);
    spec_free(run->spec);
    prepared_done(&run->prepared, NULL);
    free(run);
}

/*
 * Who is meant: a container, whose run has the first digits of its id for a name, or else a run by its own name.
 */
int api_find_run(struct ration *ration, const char *name, char ret[static API_RUN_SIZE],
                 struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    struct err ours = ERR_INIT;
    int r = life_find(ration->life, name, &dir, &ours);

    if (r == -ENOENT) {
        snprintf(ret, API_RUN_SIZE, "%s", name);
        return 0;
    }
    if (r >= 0)
        r = life_read_state(ration->life, &dir, &state, &ours);
    if (r >= 0 && state.status != LIFE_RUNNING && state.status != LIFE_PAUSED)
        r = err_set(&ours, ESRCH, "container %.64s is not running (%s)", name,
                    life_status_name(state.status));
    if (r < 0 && err)
        *err = ours;
    snprintf(ret, API_RUN_SIZE, "%.12s", dir.id);
    return r;
}

/* Its own name in what the run says of itself, which knows the first digits of its id alone. */
static void exec_error(const char *name, const char *run, int r, struct err *err)
{
    if (r == -EBUSY && strcmp(name, run) != 0)
        err_set(err, EBUSY, "container %.64s is paused: nothing can run in it until it is unpaused",
                name);
    else if (r == -ESRCH && strcmp(name, run) != 0)
        err_set(err, ESRCH, "container %.64s is not running", name);
}

int ration_exec(struct ration *ration, const char *name, const struct ration_spec *draft,
                int detach, int *ret_status, struct ration_error *error)
{
    char run[API_RUN_SIZE];
    struct err err = ERR_INIT;
    int r = api_find_run(ration, name, run, &err);

    if (r < 0)
        return api_error(error, &err, r);
    r = run_exec(ration->engine, run, draft->draft, &ration->world, draft->stdio, detach != 0,
                 ret_status, &err);
    if (r < 0)
        exec_error(name, run, r, &err);
    return api_error(error, &err, r);
}
