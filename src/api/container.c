/* libration: containers. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api_private.h"
#include "life/life.h"

_Static_assert(RATION_ID_SIZE == LIFE_ID_SIZE, "ids are as long as the header says");

/* ---- making and finding ---------------------------------------------------------------------------------------- */

int ration_container_create(struct ration *ration, const struct ration_spec *spec,
                            const struct ration_create *create, char ret_id[RATION_ID_SIZE],
                            struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err,
                     life_create(ration->life, spec->draft, create ? create->image : NULL,
                                 create && create->hold, ret_id, &err));
}

int ration_container_find(struct ration *ration, const char *who, char ret_id[RATION_ID_SIZE],
                          struct ration_error *error)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    struct err err = ERR_INIT;
    int r = life_find(ration->life, who, &dir, &err);

    if (r >= 0)
        memcpy(ret_id, dir.id, sizeof(dir.id));
    return api_error(error, &err, r);
}

/* ---- being attached --------------------------------------------------------------------------------------------- */

struct ration_attachment {
    int fd;
};

static struct life_attach attach_of(const struct ration_attach *attach)
{
    return (struct life_attach){ attach->in, attach->out, attach->err, attach->rows,
                                 attach->columns };
}

static int attachment_new(int fd, struct ration_attachment **ret, struct ration_error *error)
{
    struct ration_attachment *attachment = calloc(1, sizeof(*attachment));

    if (!attachment) {
        close(fd);
        return api_fail(error, ENOMEM, "out of memory");
    }
    attachment->fd = fd;
    *ret = attachment;
    return 0;
}

int ration_container_attach(struct ration *ration, const char *who,
                            const struct ration_attach *attach, struct ration_attachment **ret,
                            struct ration_error *error)
{
    const struct life_attach ours = attach_of(attach);
    struct err err = ERR_INIT;
    int fd;
    int r = life_attach(ration->life, who, &ours, &fd, &err);

    return r < 0 ? api_error(error, &err, r) : attachment_new(fd, ret, error);
}

int ration_attachment_fd(const struct ration_attachment *attachment)
{
    return attachment->fd;
}

int ration_attachment_read(struct ration_attachment *attachment,
                           enum ration_attach_event *ret_event, uint64_t *ret_value,
                           struct ration_error *error)
{
    struct err err = ERR_INIT;
    int r = life_attachment_read(attachment->fd, ret_value, &err);
    static const enum ration_attach_event event_table[] = {
        [LIFE_ATTACH_NOTHING] = RATION_ATTACH_NOTHING,
        [LIFE_ATTACH_EXITED] = RATION_ATTACH_EXITED,
        [LIFE_ATTACH_DROPPED] = RATION_ATTACH_DROPPED,
        [LIFE_ATTACH_GONE] = RATION_ATTACH_GONE,
    };

    if (r < 0)
        return api_error(error, &err, r);
    *ret_event = event_table[r];
    return 0;
}

int ration_attachment_resize(struct ration_attachment *attachment, unsigned short rows,
                             unsigned short columns, struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_attachment_resize(attachment->fd, rows, columns, &err));
}

void ration_attachment_close(struct ration_attachment *attachment)
{
    if (!attachment)
        return;
    life_attachment_close(attachment->fd);
    free(attachment);
}

/* ---- changing it ------------------------------------------------------------------------------------------------- */

int ration_container_start(struct ration *ration, const char *who,
                           const struct ration_attach *attach,
                           struct ration_attachment **ret_attachment, struct ration_error *error)
{
    const struct life_attach ours = attach ? attach_of(attach) : (struct life_attach){ 0 };
    struct err err = ERR_INIT;
    int fd = -1;
    int r = life_start(ration->life, who, attach ? &ours : NULL, attach ? &fd : NULL, &err);

    if (r < 0)
        return api_error(error, &err, r);
    if (attach && r == 0)
        return attachment_new(fd, ret_attachment, error);
    if (attach)
        return ration_container_attach(ration, who, attach, ret_attachment, error) < 0 ? -ESRCH : 1;
    return r;
}

int ration_container_run_foreground(struct ration *ration, const char *who, const int stdio[3],
                                    struct ration_result **ret, struct ration_error *error)
{
    struct err err = ERR_INIT;
    struct result *result;
    int r = life_run_foreground(ration->life, who, stdio, &result, &err);

    return r < 0 ? api_error(error, &err, r) : api_result(result, ret, error);
}

int ration_container_monitor(struct ration *ration, const char *id, struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_monitor(ration->life, id, 3, &err));
}

int ration_container_stop(struct ration *ration, const char *who, uint64_t timeout_us,
                          struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_stop(ration->life, who, timeout_us, &err));
}

int ration_container_signal(struct ration *ration, const char *who, const char *signal,
                            struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_signal(ration->life, who, signal, &err));
}

int ration_container_pause(struct ration *ration, const char *who, int paused,
                           struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_pause(ration->life, who, paused != 0, &err));
}

int ration_container_update(struct ration *ration, const char *who,
                            const struct ration_setting *settings, size_t n, int force,
                            struct ration_error *error)
{
    _cleanup_free_ struct life_setting *ours = calloc(n + 1, sizeof(*ours));
    struct err err = ERR_INIT;

    if (!ours)
        return api_fail(error, ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        ours[i] = (struct life_setting){ settings[i].name, settings[i].value };
    return api_error(error, &err, life_update(ration->life, who, ours, n, force != 0, &err));
}

int ration_container_rename(struct ration *ration, const char *who, const char *name,
                            struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_rename(ration->life, who, name, &err));
}

int ration_container_remove(struct ration *ration, const char *who, unsigned flags,
                            struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err,
                     life_remove(ration->life, who, flags & RATION_REMOVE_FORCE,
                                 flags & RATION_REMOVE_VOLUMES, &err));
}

int ration_container_wait(struct ration *ration, const char *who, int *ret_status,
                          struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_wait(ration->life, who, ret_status, &err));
}

/* ---- looking at it ------------------------------------------------------------------------------------------------ */

struct visit {
    ration_container_fn fn;
    void *data;
};

static int visit_one(void *data, const struct container_facts *facts)
{
    const struct visit *visit = data;
    struct life_state *state = facts->state;
    const struct ration_container container = {
        .id = facts->id,
        .name = life_state_get(state, "name"),
        .image = life_state_get(state, "image"),
        .image_id = life_state_get(state, "image_id"),
        .command = life_state_get(state, "command"),
        .status = life_status_name(state->status),
        .status_text = facts->status_text,
        .health = life_state_get(state, "health"),
        .ports = life_state_get(state, "ports"),
        .networks = life_state_get(state, "network"),
        .mounts = life_state_get(state, "mounts"),
        .cause = life_state_get(state, "cause"),
        .whose = life_state_get(state, "whose"),
        .sentence = life_state_get(state, "sentence"),
        .directory = facts->directory,
        .labels = (const char *const *)state->labels,
        .created_us = state->created_us,
        .started_us = state->started_us,
        .finished_us = state->finished_us,
        .pid = state->pid,
        .exit_status = state->exit_status,
        .restarts = state->restarts,
    };

    return visit->fn(visit->data, &container);
}

int ration_container_visit(struct ration *ration, int all, const char *const *filters,
                           ration_container_fn fn, void *data, struct ration_error *error)
{
    struct visit visit = { fn, data };
    struct err err = ERR_INIT;

    return api_error(error, &err,
                     life_visit(ration->life, all != 0, filters, visit_one, &visit, &err));
}

int ration_container_inspect(struct ration *ration, const char *who, char **ret_json,
                             struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, life_inspect(ration->life, who, ret_json, &err));
}

int ration_container_prune(struct ration *ration, const char *const *filters,
                           ration_container_fn fn, void *data, uint64_t *ret_bytes,
                           struct ration_error *error)
{
    struct visit visit = { fn, data };
    struct err err = ERR_INIT;
    uint64_t bytes;
    int r = life_prune(ration->life, filters, fn ? visit_one : NULL, &visit, &bytes, &err);

    if (ret_bytes)
        *ret_bytes = bytes;
    return api_error(error, &err, r);
}

/* ---- logs and events --------------------------------------------------------------------------------------------- */

struct log_visit {
    ration_log_fn fn;
    void *data;
};

static int log_one(void *data, const struct log_entry *entry)
{
    const struct log_visit *visit = data;
    const struct ration_log_entry theirs = { entry->time_ns, entry->stream, entry->text,
                                             entry->length };

    return visit->fn(visit->data, &theirs);
}

int ration_container_logs(struct ration *ration, const char *who,
                          const struct ration_log_options *options, ration_log_fn fn, void *data,
                          struct ration_error *error)
{
    const struct log_query query = { options->follow != 0, options->tail, options->since_us,
                                     options->until_us };
    struct log_visit visit = { fn, data };
    struct err err = ERR_INIT;

    return api_error(error, &err, life_logs(ration->life, who, &query, log_one, &visit, &err));
}

struct event_visit {
    ration_event_fn fn;
    void *data;
};

static int event_one(void *data, const struct event *event)
{
    const struct event_visit *visit = data;
    const struct ration_event theirs = { event->time_ns,    event->type, event->action,
                                         event->id,         event->name, event->image,
                                         event->attributes, event->json };

    return visit->fn(visit->data, &theirs);
}

int ration_events(struct ration *ration, const struct ration_event_options *options,
                  ration_event_fn fn, void *data, struct ration_error *error)
{
    const struct event_query query = { options->follow != 0, options->since_us, options->until_us,
                                       options->filters };
    struct event_visit visit = { fn, data };
    struct err err = ERR_INIT;

    return api_error(error, &err, life_events(ration->life, &query, event_one, &visit, &err));
}
