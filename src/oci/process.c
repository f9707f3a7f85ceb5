/* The process: who it is, what it executes, what it may. */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

#define ID_MAX     (UINT32_MAX - 1) /* 2^32-1 stands for "no change" in system calls */
#define GROUPS_MAX 65536            /* NGROUPS_MAX */

/* ---- terminal ------------------------------------------------------------------------------------------- */

/* "Runtimes MUST ignore consoleSize if terminal is false or unset." terminal is read before it. */
static int read_console(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "height", FIELD_NUMBER, .required = true, FIELD_AT(struct spec, rows),
          .max = UINT16_MAX },
        { "width", FIELD_NUMBER, .required = true, FIELD_AT(struct spec, columns),
          .max = UINT16_MAX },
    };

    return r->spec->tty ? FIELDS_READ(r, value, path, table, target) : 0;
}

/* ---- user --------------------------------------------------------------------------------------------------- */

static int read_umask(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    uint64_t mask;
    int result = json_as_u64(value, path, 0, 0777, &mask, r->err);

    if (result < 0)
        return result;
    spec->umask = (mode_t)mask;
    spec->umask_set = true;
    return 0;
}

static int read_groups(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    size_t n = json_array_size(value);

    if (n > GROUPS_MAX)
        return err_usage(r->err, "%s has %zu groups, at most %d are allowed", path, n, GROUPS_MAX);
    spec->groups = calloc(n + 1, sizeof(*spec->groups));
    if (!spec->groups)
        return err_nomem(r->err);
    for (size_t i = 0; i < n; i++) {
        uint64_t gid;
        int result = json_as_u64(json_array_get(value, i), json_path_index(path, i).text, 0, ID_MAX,
                                 &gid, r->err);
        if (result < 0)
            return result;
        spec->groups[spec->n_groups++] = (gid_t)gid;
    }
    return 0;
}

/* username is for other platforms. */
static int read_user(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "uid", FIELD_NUMBER, .required = true, FIELD_AT(struct spec, uid), .max = ID_MAX },
        { "gid", FIELD_NUMBER, .required = true, FIELD_AT(struct spec, gid), .max = ID_MAX },
        { "umask", FIELD_ANY, .read = read_umask },
        { "additionalGids", FIELD_ARRAY, .read = read_groups },
    };

    return FIELDS_READ(r, value, path, table, target);
}

/* ---- program -------------------------------------------------------------------------------------------------- */

static int read_cwd(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    int result = path_check(r, json_string_value(value), path);

    return result < 0 ? result : text_copy(r, json_string_value(value), &spec->cwd);
}

static int read_args(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    int result = json_as_strv(value, path, &spec->argv, r->err);

    if (result < 0)
        return result;
    if (!spec->argv[0])
        return err_usage(r->err, "%s is empty: it must name a program", path);
    return *spec->argv[0] ? 0 : err_usage(r->err, "%s[0] is empty: it must name a program", path);
}

static int read_env(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    int result = json_as_strv(value, path, &spec->env, r->err);

    return result < 0 ? result : environment_check(r, spec->env, path);
}

/* ---- rlimits --------------------------------------------------------------------------------------------------- */

struct rlimit_reading {
    enum limit_id id;
    uint64_t soft, hard;
};

static bool is_rlimit(enum limit_id id)
{
    return id != LIMIT_NONE && text_starts(limit_info(id)->name, "rlimit-");
}

/* "RLIMIT_NOFILE" is the limit "rlimit-nofile". */
static int read_rlimit_type(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct rlimit_reading *item = target;
    const char *text = json_string_value(value);
    char name[32] = "";
    size_t n = strlen(text);

    item->id = LIMIT_NONE;
    if (text_starts(text, "RLIMIT_") && n < sizeof(name)) {
        for (size_t i = 0; i < n; i++) {
            bool letter = text[i] >= 'A' && text[i] <= 'Z';
            name[i] = letter ? (char)(text[i] - 'A' + 'a') : text[i] == '_' ? '-' : '?';
        }
        item->id = limit_find(name);
    }
    if (!is_rlimit(item->id))
        return err_usage(r->err, "%s: there is no limit %s", path, json_show_text(text).text);
    if (limit_is_set(&r->spec->limits, item->id))
        return err_usage(r->err, "%s: %s is given twice", path, json_show_text(text).text);
    return 0;
}

static int read_rlimit(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "type", FIELD_TEXT, .required = true, .read = read_rlimit_type },
        { "soft", FIELD_NUMBER, .required = true, FIELD_AT(struct rlimit_reading, soft),
          .max = UINT64_MAX },
        { "hard", FIELD_NUMBER, .required = true, FIELD_AT(struct rlimit_reading, hard),
          .max = UINT64_MAX },
    };
    struct rlimit_reading item = { .id = LIMIT_NONE };
    int result = FIELDS_READ(r, value, path, table, &item);

    (void)target;
    if (result < 0)
        return result;
    /* RLIM_INFINITY is the largest number, and LIMIT_NUMBER_UNLIMITED the same. */
    if (item.soft > item.hard)
        return err_usage(r->err, "%s: the soft limit %llu is above the hard limit %llu", path,
                         (unsigned long long)item.soft, (unsigned long long)item.hard);
    r->spec->limits.value[item.id] = (struct limit_value){
        .state = item.soft == LIMIT_NUMBER_UNLIMITED ? LIMIT_UNLIMITED : LIMIT_SET,
        .number = item.soft,
        .hard = item.hard,
    };
    return 0;
}

/* A process executed in a container has its own instead of the container's. */
static int read_rlimits(struct reading *r, const json_t *value, const char *path, void *target)
{
    for (enum limit_id id = 0; id < LIMIT_COUNT; id++) {
        if (is_rlimit(id))
            limit_value_done(&r->spec->limits.value[id]);
    }
    return items_read(r, value, path, read_rlimit, target);
}

/* ---- labels and priorities ----------------------------------------------------------------------------------------- */

/* Engines send empty ones where they have none. */
static int read_label(struct reading *r, const json_t *value, char **ret)
{
    const char *text = json_string_value(value);

    return *text ? text_copy(r, text, ret) : 0;
}

static int read_apparmor(struct reading *r, const json_t *value, const char *path, void *target)
{
    (void)path;
    return read_label(r, value, &((struct spec *)target)->apparmor_profile);
}

static int read_selinux(struct reading *r, const json_t *value, const char *path, void *target)
{
    (void)path;
    return read_label(r, value, &((struct spec *)target)->selinux_label);
}

static int read_oom_score(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    int64_t number;
    int result = json_as_i64(value, path, -1000, 1000, &number, r->err);

    if (result < 0)
        return result;
    spec->oom_score_adj = (int)number;
    spec->oom_score_adj_set = true;
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static const struct field process_table[] = {
    { "terminal", FIELD_FLAG, FIELD_AT(struct spec, tty) },
    { "consoleSize", FIELD_OBJECT, .read = read_console },
    { "user", FIELD_OBJECT, .read = read_user },
    { "cwd", FIELD_TEXT, .required = true, .read = read_cwd },
    { "args", FIELD_ARRAY, .required = true, .read = read_args },
    { "env", FIELD_ARRAY, .read = read_env },
    { "rlimits", FIELD_ARRAY, .read = read_rlimits },
    { "capabilities", FIELD_OBJECT, .read = read_capabilities },
    { "noNewPrivileges", FIELD_FLAG, FIELD_AT(struct spec, no_new_privs) },
    { "apparmorProfile", FIELD_TEXT, .read = read_apparmor },
    { "selinuxLabel", FIELD_TEXT, .read = read_selinux },
    { "oomScoreAdj", FIELD_ANY, .read = read_oom_score },
    { "scheduler", FIELD_OBJECT, .read = read_scheduler },
    { "ioPriority", FIELD_OBJECT, .read = read_io_priority },
    { "execCPUAffinity", FIELD_OBJECT, .read = read_cpu_affinity },
};

int read_process(struct reading *r, const json_t *value, const char *path, void *target)
{
    return FIELDS_READ(r, value, path, process_table, target);
}
