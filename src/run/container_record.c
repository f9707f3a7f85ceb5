/*
 * What a container's record says. A line is "KEY VALUE", VALUE on one line:
 *
 *   kind container        group VERSION ...      pids own            root, made (targets.c)
 *   bundle PATH           rootfs PATH            owner UID           cgroup PATH
 *   inside yes            uses ROOT              notify yes          scope system|user UNIT
 *   gate NAME             annotation KEY=VALUE   limit NAME TEXT     document JSON
 *   rdt MADE MOUNTPOINT CLASS MONITOR
 *   hook POINT TIMEOUT-US PATH, followed by its argument and environment lines
 * and, as it comes about,
 *   container PID START   begin    begun         limit NAME TEXT
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

#define BRIEF_MAX 4000u

/* ---- lines ------------------------------------------------------------------------------------------- */

static void line_put(struct buf *ret, const char *key, const char *value)
{
    if (!value)
        return;
    buf_printf(ret, "%s ", key);
    line_escape(value, ret);
    buf_putc(ret, '\n');
}

/* The value of a line, still escaped, if the line has that key and is whole. */
static const char *line_value(const char *line, size_t len, const char *key, size_t *ret_len)
{
    size_t key_len = strlen(key);

    if (len <= key_len || memcmp(line, key, key_len) != 0 || line[key_len] != ' ' ||
        line[len] != '\n')
        return NULL;
    *ret_len = len - key_len - 1;
    return line + key_len + 1;
}

static char *value_copy(const char *value, size_t len)
{
    char *copy = strndup(value, len);

    if (copy)
        line_unescape(copy);
    return copy;
}

char *container_value(const char *text, const char *key)
{
    const char *line, *found = NULL;
    size_t len, found_len = 0;

    while (line_next(&text, &line, &len)) {
        size_t value_len;
        const char *value = line_value(line, len, key, &value_len);
        if (value) {
            found = value;
            found_len = value_len;
        }
    }
    return found ? value_copy(found, found_len) : NULL;
}

void container_group_lines(const char *text, struct buf *ret)
{
    const char *line, *value;
    size_t len, value_len;

    while (line_next(&text, &line, &len)) {
        value = line_value(line, len, "group", &value_len);
        if (!value)
            continue;
        buf_add(ret, value, value_len);
        buf_putc(ret, '\n');
    }
}

/* ---- limits -------------------------------------------------------------------------------------------- */

/* Those of many entries are changed entry by entry: nobody needs the others for that. */
static bool limit_is_kept(const struct limit_set *limits, enum limit_id id)
{
    return limit_is_set(limits, id) && !limit_is_many(id);
}

static void limit_text(const struct limit_set *limits, enum limit_id id, struct buf *ret)
{
    buf_printf(ret, "%s ", limit_info(id)->name);
    limit_format(id, &limits->value[id], ret);
}

int container_record_limits(struct record *record, const struct limit_set *limits, struct err *err)
{
    int r = 0;

    for (unsigned i = 0; r >= 0 && i < LIMIT_COUNT; i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        if (!limit_is_kept(limits, (enum limit_id)i))
            continue;
        limit_text(limits, (enum limit_id)i, &text);
        r = buf_error(&text) < 0 ? err_nomem(err)
                                 : record_append(record, "limit", buf_text(&text), err);
    }
    return r;
}

int container_read_limits(const struct container *container, struct limit_set *ret, struct err *err)
{
    const char *cursor = buf_text(&container->text), *line;
    size_t len, value_len;

    while (line_next(&cursor, &line, &len)) {
        const char *value = line_value(line, len, "limit", &value_len);
        _cleanup_free_ char *copy = value ? strndup(value, value_len) : NULL;
        char *text = copy ? strchr(copy, ' ') : NULL;
        if (value && !copy)
            return err_nomem(err);
        if (!text)
            continue;
        *text++ = '\0';
        enum limit_id id = limit_find(copy);
        if (id == LIMIT_NONE)
            continue;
        int r = limit_parse(id, text, NULL, ret, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- hooks ----------------------------------------------------------------------------------------------- */

/* Those that are run when the document is not at hand any more. */
static const enum hook_point late_table[] = { HOOK_POSTSTART, HOOK_POSTSTOP };

static void hook_put(enum hook_point point, const struct spec_hook *hook, struct buf *ret)
{
    buf_printf(ret, "hook %d %llu ", (int)point, (unsigned long long)hook->timeout_us);
    line_escape(hook->path, ret);
    buf_putc(ret, '\n');
    for (char **arg = hook->argv; arg && *arg; arg++)
        line_put(ret, "argument", *arg);
    for (char **variable = hook->env; variable && *variable; variable++)
        line_put(ret, "environment", *variable);
}

/* A number and the blank behind it, if any. */
static bool number_take(const char **at, int base, uint64_t *ret)
{
    char *end;

    if (!isxdigit((unsigned char)**at))
        return false;
    errno = 0;
    *ret = strtoull(*at, &end, base);
    if (errno != 0 || end == *at || (*end != ' ' && *end != '\0'))
        return false;
    *at = end + (*end == ' ');
    return true;
}

/* A word and the blank behind it. */
static bool word_take(const char **at, char *ret, size_t size)
{
    size_t length = strcspn(*at, " ");

    if (length == 0 || length >= size || (*at)[length] != ' ')
        return false;
    memcpy(ret, *at, length);
    ret[length] = '\0';
    *at += length + 1;
    return true;
}

static int hook_parse(const char *value, size_t len, struct spec *spec)
{
    _cleanup_free_ char *copy = value_copy(value, len);
    const char *path = copy;
    uint64_t point, timeout_us;

    if (!copy)
        return -ENOMEM;
    if (!number_take(&path, 10, &point) || point >= HOOK_POINT_COUNT ||
        !number_take(&path, 10, &timeout_us) || *path == '\0')
        return -EINVAL;
    struct spec_hooks *hooks = &spec->hooks[point];
    struct spec_hook *grown = reallocarray(hooks->hooks, hooks->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    hooks->hooks = grown;
    grown[hooks->n] = (struct spec_hook){ .path = strdup(path), .timeout_us = timeout_us };
    return grown[hooks->n++].path ? (int)point : -ENOMEM;
}

/* One line of what hooks need; *point: the one that further lines belong to, or -1. */
static int spec_line(struct spec *spec, const char *line, size_t len, int *point)
{
    const char *value;
    size_t value_len;
    char ***list = NULL;

    if ((value = line_value(line, len, "hook", &value_len))) {
        *point = hook_parse(value, value_len, spec);
        return *point == -EINVAL ? 0 : *point;
    }
    struct spec_hooks *hooks = *point >= 0 ? &spec->hooks[*point] : NULL;
    if (hooks && (value = line_value(line, len, "argument", &value_len)))
        list = &hooks->hooks[hooks->n - 1].argv;
    else if (hooks && (value = line_value(line, len, "environment", &value_len)))
        list = &hooks->hooks[hooks->n - 1].env;
    else if ((value = line_value(line, len, "annotation", &value_len)))
        list = &spec->annotations;
    if (!list)
        return 0;
    _cleanup_free_ char *text = value_copy(value, value_len);
    return text ? strv_push(list, text) : -ENOMEM;
}

int container_read_spec(const struct container *container, struct spec **ret, struct err *err)
{
    const char *text = buf_text(&container->text), *cursor = text, *line;
    _cleanup_(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));
    int r = 0, point = -1;
    size_t len;

    if (!spec || text_replace(&spec->name, container->name) < 0)
        return err_nomem(err);
    spec->document = true;
    spec->bundle = container_value(text, "bundle");
    spec->rootfs = container_value(text, "rootfs");
    while (r >= 0 && line_next(&cursor, &line, &len))
        r = spec_line(spec, line, len, &point);
    if (r < 0)
        return err_nomem(err);
    *ret = TAKE_PTR(spec);
    return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

int container_record_lines(const struct spec *spec, const char *cgroups_path,
                           const struct limit_set *limits, const char *gate, struct buf *ret,
                           struct err *err)
{
    buf_puts(ret, "kind container\n");
    line_put(ret, "bundle", spec->bundle);
    line_put(ret, "rootfs", spec->rootfs);
    buf_printf(ret, "owner %u\n", geteuid());
    line_put(ret, "cgroup", cgroups_path);
    line_put(ret, "gate", gate);
    if (spec->limits_inside)
        buf_puts(ret, "inside yes\n");
    for (char **annotation = spec->annotations; annotation && *annotation; annotation++)
        line_put(ret, "annotation", *annotation);
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        if (!limit_is_kept(limits, (enum limit_id)i))
            continue;
        buf_puts(ret, "limit ");
        limit_text(limits, (enum limit_id)i, ret);
        buf_putc(ret, '\n');
    }
    for (size_t i = 0; i < ARRAY_SIZE(late_table); i++) {
        const struct spec_hooks *hooks = &spec->hooks[late_table[i]];
        for (size_t j = 0; j < hooks->n; j++)
            hook_put(late_table[i], &hooks->hooks[j], ret);
    }
    line_put(ret, "document", spec->text);
    return buf_error(ret) < 0 ? err_nomem(err) : 0;
}

/* ---- the brief account ----------------------------------------------------------------------------------------- */

struct brief {
    struct process init;
    uint64_t hash; /* of the groups' lines */
    char gate[GATE_NAME_SIZE], root[TARGETS_NAME_SIZE];
    const char *path;
};

/* FNV-1a of the groups' lines: what a damaged record must not be believed about. */
static uint64_t groups_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *line, *value;
    size_t len, value_len;

    while (line_next(&text, &line, &len)) {
        value = line_value(line, len, "group", &value_len);
        /* The line's end is hashed as well: no line can run on into the next. */
        for (size_t i = 0; value && i <= value_len; i++)
            hash = (hash ^ (unsigned char)value[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

int container_record_brief(struct record *record, const struct process *init, const char *text,
                           const char *path, struct err *err)
{
    _cleanup_buf_ struct buf brief = BUF_INIT;
    char gate[GATE_NAME_SIZE], root[TARGETS_NAME_SIZE];

    buf_printf(&brief, "%d %llu %016llx %s %s ", (int)init->pid,
               (unsigned long long)init->start_ticks, (unsigned long long)groups_hash(text),
               record_find(text, "gate", gate, sizeof(gate)) ? gate : "-",
               record_find(text, "uses", root, sizeof(root)) ? root : "-");
    line_escape(text_or_empty(path), &brief);
    if (buf_error(&brief) < 0)
        return err_nomem(err);
    /* A path of that length is nobody's; without the account, only a damaged record is at a loss. */
    return brief.len > BRIEF_MAX ? 0 : record_set_brief(record, buf_text(&brief), err);
}

static bool process_take(const char **at, struct process *ret)
{
    uint64_t pid, ticks;

    if (!number_take(at, 10, &pid) || pid == 0 || pid > INT_MAX || !number_take(at, 10, &ticks))
        return false;
    *ret = (struct process){ .pid = (pid_t)pid, .start_ticks = ticks };
    return true;
}

static bool brief_parse(char *text, struct brief *ret)
{
    const char *at = text;

    if (!process_take(&at, &ret->init) || !number_take(&at, 16, &ret->hash) ||
        !word_take(&at, ret->gate, sizeof(ret->gate)) ||
        !word_take(&at, ret->root, sizeof(ret->root)))
        return false;
    ret->path = text + (at - text);
    return true;
}

void container_read_process(struct container *container)
{
    const char *text = buf_text(&container->text);
    char line[64], account[BRIEF_MAX + 1];
    struct process init = { 0 };
    struct brief brief;

    container->intact = record_find(text, "planned", line, sizeof(line)) &&
                        record_find(text, "kind", line, sizeof(line));
    const char *at = line;
    if (record_find(text, "container", line, sizeof(line)))
        process_take(&at, &init);
    container->init = init;
    container->path = container_value(text, "cgroup");
    if (!record_find(text, "gate", container->gate, sizeof(container->gate)))
        *container->gate = '\0';
    if (!record_find(text, "uses", container->root, sizeof(container->root)))
        *container->root = '\0';
    if (container->being_made ||
        !state_read_brief(container->state, container->name, account, sizeof(account)) ||
        !brief_parse(account, &brief))
        return;
    if (init.pid == brief.init.pid && init.start_ticks == brief.init.start_ticks &&
        brief.hash == groups_hash(text))
        return;
    container->intact = false;
    container->init = brief.init;
    free(container->path);
    container->path = *brief.path ? value_copy(brief.path, strlen(brief.path)) : NULL;
    memcpy(container->gate, brief.gate, sizeof(container->gate));
    memcpy(container->root, brief.root, sizeof(container->root));
}
