/* ID/state: lines "key value", one file that tells all that ps shows. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"

#define STATE_MAX ((size_t)1 << 20)

static const char *const status_table[LIFE_STATUS_COUNT] = {
    [LIFE_CREATED] = "created",       [LIFE_RUNNING] = "running", [LIFE_PAUSED] = "paused",
    [LIFE_RESTARTING] = "restarting", [LIFE_EXITED] = "exited",
};

const char *life_status_name(enum life_status status)
{
    return status < LIFE_STATUS_COUNT ? status_table[status] : "unknown";
}

/* ---- text: pure ------------------------------------------------------------------------------------------- */

void state_line(struct buf *ret, const char *key, const char *value)
{
    buf_printf(ret, "%s ", key);
    for (; *value; value++)
        buf_putc(ret, (unsigned char)*value < 0x20 ? ' ' : *value);
    buf_putc(ret, '\n');
}

/* Is a line of this key in text? */
static bool has_key(const char *text, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len), *other;
    size_t key = space ? (size_t)(space - line) : len, other_len;

    while (line_next(&text, &other, &other_len)) {
        if (other_len >= key && memcmp(other, line, key) == 0 &&
            (other_len == key || other[key] == ' '))
            return true;
    }
    return false;
}

void state_merge(const char *text, const char *changes, struct buf *ret)
{
    const char *line;
    size_t len;

    for (const char *cursor = text; line_next(&cursor, &line, &len);) {
        if (!has_key(changes, line, len))
            buf_printf(ret, "%.*s\n", (int)len, line);
    }
    for (const char *cursor = changes; line_next(&cursor, &line, &len);) {
        if (memchr(line, ' ', len))
            buf_printf(ret, "%.*s\n", (int)len, line);
    }
}

/* In place: each line becomes a string of its own; the last one ends with two NULs, as the buffer does. */
const char *life_state_get(struct life_state *state, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = state->text; line && *line; line += strlen(line) + 1) {
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return line + len + 1;
    }
    return "";
}

static uint64_t state_number(struct life_state *state, const char *key, uint64_t unknown)
{
    uint64_t number;

    return number_parse(life_state_get(state, key), UINT64_MAX, &number) < 0 ? unknown : number;
}

static int state_labels(struct life_state *state)
{
    int r = 0;

    for (const char *line = state->text; r == 0 && *line; line += strlen(line) + 1) {
        if (text_starts(line, "label "))
            r = strv_push(&state->labels, line + strlen("label "));
    }
    if (r == 0 && !state->labels)
        state->labels = calloc(1, sizeof(*state->labels));
    return state->labels ? r : -ENOMEM;
}

/* Takes the text over. */
static int state_take(char *text, struct life_state *ret)
{
    ret->text = text;
    for (char *c = text; *c; c++) {
        if (*c == '\n')
            *c = '\0';
    }
    const char *status = life_state_get(ret, "status");
    for (int i = 0; i < LIFE_STATUS_COUNT; i++) {
        if (strcmp(status, status_table[i]) == 0)
            ret->status = (enum life_status)i;
    }
    ret->created_us = state_number(ret, "created", 0);
    ret->started_us = state_number(ret, "started", 0);
    ret->finished_us = state_number(ret, "finished", 0);
    ret->pid = (pid_t)state_number(ret, "pid", 0);
    ret->exit_status = (int)(int64_t)state_number(ret, "exit", UINT64_MAX);
    ret->restarts = (unsigned)state_number(ret, "restarts", 0);
    return state_labels(ret);
}

/* ---- files ------------------------------------------------------------------------------------------------ */

int state_read_plain(const struct container_dir *dir, struct life_state *ret)
{
    struct buf text = BUF_INIT;
    int r = file_read(dir->fd, "state", STATE_MAX, &text);

    *ret = (struct life_state){ .exit_status = -1 };
    /* One NUL more than there is: the end of the last string. */
    buf_add(&text, "", 1);
    if (r >= 0)
        r = buf_error(&text);
    if (r >= 0)
        return state_take(buf_take(&text), ret);
    buf_done(&text);
    return r;
}

void life_state_done(struct life_state *state)
{
    free(state->text);
    strv_free(state->labels);
    *state = (struct life_state){ 0 };
}

static int state_change(const struct container_dir *dir, const char *lines)
{
    _cleanup_buf_ struct buf text = BUF_INIT, merged = BUF_INIT;
    /* What is over or has not begun outlives the machine. */
    bool durable = strstr(lines, "status exited") || strstr(lines, "status created");
    int r = file_read(dir->fd, "state", STATE_MAX, &text);

    if (r < 0 && r != -ENOENT)
        return r;
    state_merge(buf_text(&text), lines, &merged);
    r = buf_error(&merged);
    return r < 0 ? r : life_write_file(dir->fd, "state", merged.data, merged.len, durable);
}

int life_set_state(const struct container_dir *dir, const char *lines, struct err *err)
{
    _cleanup_close_ int lock = lock_take(dir->fd, LOCK_STATE, LIFE_WAIT_US);
    int r = lock < 0 ? lock : state_change(dir, lines);

    return r < 0 ? err_set(err, -r, "cannot write the state of container %.12s: %s", dir->id,
                           err_name(-r))
                 : 0;
}

/* ---- what is true now --------------------------------------------------------------------------------------- */

static bool is_alive(enum life_status status)
{
    return status == LIFE_RUNNING || status == LIFE_PAUSED || status == LIFE_RESTARTING;
}

/* Somebody may have been faster, or have started it again meanwhile. */
static int mark_dead(const struct container_dir *dir)
{
    _cleanup_close_ int lock = lock_take(dir->fd, LOCK_STATE, LIFE_WAIT_US);
    _cleanup_(life_state_done) struct life_state state = { 0 };
    char lines[256];

    if (lock < 0)
        return lock;
    int r = state_read_plain(dir, &state);
    if (r < 0 || !is_alive(state.status) || lock_is_held(dir->fd, LOCK_MONITOR))
        return r < 0 ? r : 0;
    snprintf(lines, sizeof(lines),
             "status exited\nexit\nsignal\nwhose\npid\ncause monitor\n"
             "sentence killed with its monitor; how COMMAND ended is not known\nfinished %llu\n",
             (unsigned long long)clock_us(CLOCK_REALTIME));
    r = state_change(dir, lines);
    return r < 0 ? r : 1;
}

int life_read_state(struct life *life, const struct container_dir *dir, struct life_state *ret,
                    struct err *err)
{
    int r = state_read_plain(dir, ret);

    if (r >= 0 && is_alive(ret->status) && !lock_is_held(dir->fd, LOCK_MONITOR)) {
        r = mark_dead(dir);
        if (r > 0) {
            life_event(life, dir, "die", "cause", "monitor");
            control_remove(life, dir->id);
            /* Groups, network and record: what fails stays on record for the next call. */
            engine_reclaim(life->engine, NULL);
        }
        life_state_done(ret);
        if (r >= 0)
            r = state_read_plain(dir, ret);
    }
    return r < 0 ? err_set(err, -r, "cannot read the state of container %.12s: %s", dir->id,
                           err_name(-r))
                 : 0;
}

int life_read_config(struct life *life, const struct container_dir *dir, struct draft **ret,
                     struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = file_read(dir->fd, "config", (size_t)16 << 20, &text);

    if (r < 0)
        return err_set(err, -r, "cannot read the description of container %.12s: %s", dir->id,
                       err_name(-r));
    r = draft_read(buf_text(&text), life->world, ret, err);
    if (r < 0)
        err_prefix(err, "container %.12s", dir->id);
    return r;
}
