/* A container as it is found: its record, its first process, its groups; the verbs that only look. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

/* ---- opening ------------------------------------------------------------------------------------------- */

int container_open(struct engine *engine, const char *name, bool lock, struct container *ret,
                   struct err *err)
{
    struct container container = { .engine = engine };
    bool alive;
    int r = text_replace(&container.name, name) < 0 ? err_nomem(err) : 0;

    if (r >= 0)
        r = container_open_state(engine, &container.state, err);
    if (r >= 0)
        r = lock ? record_open(container.state, name, CONTAINER_LOCK_US, &container.record,
                               &container.text, err)
                 : state_read(container.state, name, &container.text, &alive, err);
    if (r == -EFBIG && !lock) /* none of ours; its second account may know */
        r = 0;
    if (r < 0) {
        container_close(&container);
        return r;
    }
    container.being_made = !lock && r > 0;
    container_read_process(&container);
    *ret = container;
    return 0;
}

void container_leave(struct container *container)
{
    group_close(container->group);
    group_close(container->freezer);
    cgroups_close(container->cgroups);
    record_close(container->record);
    buf_done(&container->text);
    free(container->path);
    *container = CONTAINER_INIT;
}

void container_close(struct container *container)
{
    struct state *state = container->state;
    char *name = container->name;

    container_leave(container);
    state_close(state);
    free(name);
}

/* Moves *container; without memory it is just closed. */
static void container_keep(struct container *container)
{
    struct engine *engine = container->engine;

    if (!engine->inspected)
        engine->inspected = calloc(1, sizeof(*engine->inspected));
    else
        container_close(engine->inspected);
    if (engine->inspected)
        *engine->inspected = *container;
    else
        container_close(container);
    *container = CONTAINER_INIT;
}

int container_reopen(struct engine *engine, const char *name, struct container *ret,
                     struct err *err)
{
    struct container *kept = engine->inspected;

    if (!kept || !kept->name || kept->being_made || strcmp(kept->name, name) != 0)
        return container_open(engine, name, false, ret, err);
    *ret = *kept;
    *kept = CONTAINER_INIT;
    return 0;
}

/* ---- groups --------------------------------------------------------------------------------------------- */

bool container_has_own_pids(const struct container *container)
{
    char pids[8];

    return container->intact &&
           record_find(buf_text(&container->text), "pids", pids, sizeof(pids)) &&
           strcmp(pids, "own") == 0;
}

int container_group_paths(struct container *container, struct buf *ret, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    struct cgroups_options options = {
        .root_fd = -1,
        .rootless = container->engine->rootless,
        .path = container->path,
        .named = true,
    };

    if (container->intact) {
        container_group_lines(buf_text(&container->text), ret);
        return buf_error(ret) < 0 ? err_nomem(err) : 0;
    }
    int r = cgroups_open(&options, &cgroups, err);
    return r < 0 ? r : group_paths_named(cgroups, container->name, ret, err);
}

/* lines: all of them, or those of one kind. Nothing to open is no error. */
static int open_lines(struct container *container, const char *lines, struct group **ret,
                      struct err *err)
{
    struct cgroups_options options = {
        .root_fd = -1,
        .rootless = container->engine->rootless,
        .selective = true,
    };
    struct err ours = ERR_INIT;
    int r = 0;

    if (*lines == '\0')
        return 0;
    if (!container->cgroups)
        r = cgroups_open(&options, &container->cgroups, err);
    if (r < 0)
        return r;
    r = group_open(container->cgroups, lines, ret, &ours);
    if (r == -ENOENT)
        return 0;
    if (r < 0 && err)
        *err = ours;
    return r;
}

int container_open_group(struct container *container, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;

    if (container->group)
        return 0;
    int r = container_group_paths(container, &paths, err);
    return r < 0 ? r : open_lines(container, buf_text(&paths), &container->group, err);
}

/* Of a dozen hierarchies one or two can freeze. */
static void freezing_lines(const char *text, struct buf *ret)
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len)) {
        const char *word = memmem(line, len, "freezer", strlen("freezer"));
        if (len > 2 && (line[0] == '2' || word)) {
            buf_add(ret, line, len);
            buf_putc(ret, '\n');
        }
    }
}

int container_open_freezer(struct container *container, struct err *err)
{
    _cleanup_buf_ struct buf paths = BUF_INIT, lines = BUF_INIT;

    if (container->freezer)
        return 0;
    int r = container_group_paths(container, &paths, err);
    if (r < 0)
        return r;
    freezing_lines(buf_text(&paths), &lines);
    return buf_error(&lines) < 0
               ? err_nomem(err)
               : open_lines(container, buf_text(&lines), &container->freezer, err);
}

bool container_is_frozen(struct container *container)
{
    _cleanup_buf_ struct buf paths = BUF_INIT;

    return container_group_paths(container, &paths, NULL) >= 0 &&
           groups_are_frozen(buf_text(&paths), -1);
}

/* ---- status --------------------------------------------------------------------------------------------- */

/*
 * start tells that it begins, and that it has begun; killed in between it leaves the question to the gate:
 * nobody listens there any more when the program was executed.
 */
static bool has_begun(const struct container *container)
{
    const char *text = buf_text(&container->text);
    char value[8];
    int fd;

    if (container->intact && record_find(text, "begun", value, sizeof(value)))
        return true;
    if (container->intact && !record_find(text, "begin", value, sizeof(value)))
        return false;
    if (gate_connect(container->state, container->gate, &fd, NULL) < 0)
        return true;
    close(fd);
    return false;
}

enum container_status container_find_status(struct container *container)
{
    if (container->being_made)
        return CONTAINER_CREATING;
    if (!process_is_alive(&container->init))
        return CONTAINER_STOPPED;
    if (container_is_frozen(container))
        return CONTAINER_PAUSED;
    return has_begun(container) ? CONTAINER_RUNNING : CONTAINER_CREATED;
}

const char *container_status_name(enum container_status status)
{
    static const char *const name_table[] = { "creating", "created", "running", "paused",
                                              "stopped" };

    return name_table[status];
}

/* ---- telling ---------------------------------------------------------------------------------------------- */

void container_info_done(struct container_info *info)
{
    free(info->name);
    free(info->bundle);
    free(info->rootfs);
    strv_free(info->annotations);
    free(info->document);
    *info = (struct container_info){ 0 };
}

static uint64_t number_on_record(const char *text, const char *key)
{
    char digits[24];
    uint64_t number;

    return record_find(text, key, digits, sizeof(digits)) &&
                   number_parse(digits, UINT64_MAX, &number) == 0
               ? number
               : 0;
}

static int info_fill(struct container *container, struct container_info *ret, struct err *err)
{
    const char *text = buf_text(&container->text);
    _cleanup_(spec_freep) struct spec *spec = NULL;
    int r = container_read_spec(container, &spec, err);

    if (r < 0)
        return r;
    *ret = (struct container_info){
        .name = TAKE_PTR(spec->name),
        .bundle = TAKE_PTR(spec->bundle),
        .rootfs = TAKE_PTR(spec->rootfs),
        .annotations = TAKE_PTR(spec->annotations),
        .document = container_value(text, "document"),
        .status = container_find_status(container),
        .created_us = number_on_record(text, "started"),
        .owner = (uid_t)number_on_record(text, "owner"),
    };
    ret->pid = ret->status == CONTAINER_STOPPED ? 0 : container->init.pid;
    return 0;
}

int container_inspect(struct engine *engine, const char *name, struct container_info *ret,
                      struct err *err)
{
    struct container container = CONTAINER_INIT;
    int r = container_open(engine, name, false, &container, err);

    if (r < 0)
        return r;
    r = info_fill(&container, ret, err);
    container_keep(&container);
    return r;
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

struct visiting {
    struct engine *engine;
    int (*fn)(void *data, const struct container_info *info);
    void *data;
    struct err *err;
};

static int visit_one(void *data, const char *name, const char *text, bool alive)
{
    struct visiting *visiting = data;
    struct container_info info;

    (void)text, (void)alive;
    int r = container_inspect(visiting->engine, name, &info, visiting->err);
    if (r == -ENOENT) { /* gone meanwhile */
        *visiting->err = ERR_INIT;
        return 0;
    }
    if (r < 0)
        return r;
    r = visiting->fn(visiting->data, &info);
    container_info_done(&info);
    return r;
}

int container_visit(struct engine *engine, int (*fn)(void *data, const struct container_info *info),
                    void *data, struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    struct err ours = ERR_INIT;
    struct visiting visiting = { .engine = engine, .fn = fn, .data = data, .err = &ours };
    int r = container_open_state(engine, &state, err);

    if (r < 0)
        return r;
    r = state_visit(state, visit_one, &visiting, &ours);
    if (r < 0 && err)
        *err = ours;
    return r;
}
