/* The verbs of containers, not made yet. */
#include <errno.h>

#include "run/container.h"
#include "run/run_private.h"

static int not_yet(const char *verb, struct err *err)
{
    return err_set(err, ENOSYS, "%s: not made yet", verb);
}

int container_create(struct engine *engine, const struct spec *spec,
                     const struct container_options *options, struct err *err)
{
    (void)engine, (void)spec, (void)options;
    return not_yet("create", err);
}

int container_start(struct engine *engine, const char *name,
                    const struct container_options *options, struct err *err)
{
    (void)engine, (void)name, (void)options;
    return not_yet("start", err);
}

int container_run(struct engine *engine, const struct spec *spec,
                  const struct container_options *options, bool detach, bool keep, int *ret_status,
                  struct err *err)
{
    (void)engine, (void)spec, (void)options, (void)detach, (void)keep, (void)ret_status;
    return not_yet("run", err);
}

int container_inspect(struct engine *engine, const char *name, struct container_info *ret,
                      struct err *err)
{
    (void)engine, (void)name, (void)ret;
    return not_yet("state", err);
}

void container_info_done(struct container_info *info)
{
    free(info->name);
    free(info->bundle);
    free(info->rootfs);
    strv_free(info->annotations);
    free(info->document);
    *info = (struct container_info){ 0 };
}

int container_visit(struct engine *engine, int (*fn)(void *data, const struct container_info *info),
                    void *data, struct err *err)
{
    (void)engine, (void)fn, (void)data;
    return not_yet("list", err);
}

int container_kill(struct engine *engine, const char *name, int signal, bool all, struct err *err)
{
    (void)engine, (void)name, (void)signal, (void)all;
    return not_yet("kill", err);
}

int container_delete(struct engine *engine, const char *name, bool force,
                     const struct container_options *options, struct err *err)
{
    (void)engine, (void)name, (void)force, (void)options;
    return not_yet("delete", err);
}

int container_pause(struct engine *engine, const char *name, bool paused, struct err *err)
{
    (void)engine, (void)name, (void)paused;
    return not_yet("pause", err);
}

int container_exec(struct engine *engine, const char *name, const struct spec *process,
                   const struct container_options *options, const char *cgroup, bool detach,
                   int *ret_status, struct err *err)
{
    (void)engine, (void)name, (void)process, (void)options, (void)cgroup, (void)detach;
    (void)ret_status;
    return not_yet("exec", err);
}

int container_pids(struct engine *engine, const char *name, pid_t **ret, size_t *ret_n,
                   struct err *err)
{
    (void)engine, (void)name, (void)ret, (void)ret_n;
    return not_yet("ps", err);
}

int container_update(struct engine *engine, const char *name, const struct limit_set *limits,
                     struct err *err)
{
    (void)engine, (void)name, (void)limits;
    return not_yet("update", err);
}

int container_sample(struct engine *engine, const char *name, struct sample *ret, struct err *err)
{
    (void)engine, (void)name, (void)ret;
    return not_yet("events", err);
}

int container_watch(struct engine *engine, const char *name, uint64_t interval_us,
                    int (*fn)(void *data, const struct sample *sample, bool oom), void *data,
                    struct err *err)
{
    (void)engine, (void)name, (void)interval_us, (void)fn, (void)data;
    return not_yet("events", err);
}
