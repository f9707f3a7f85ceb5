/* Namespaces, the ids that a user namespace maps, the clocks that a time namespace shifts. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "oci/reading.h"

#define MAPS_MAX 340 /* user_namespaces(7) */

/* ---- namespaces ------------------------------------------------------------------------------------------ */

struct namespace_reading {
    uint64_t flag;
    const char *path; /* the document's; "" and NULL: it is made */
};

static int read_namespace_type(struct reading *r, const json_t *value, const char *path,
                               void *target)
{
    static const struct word table[] = {
        { "pid", CLONE_NEWPID },       { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
        { "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS },     { "user", CLONE_NEWUSER },
        { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
    };
    struct namespace_reading *item = target;
    int result = WORD_READ(r, value, path, "a type of namespace", table, &item->flag);

    if (result == 0 && has_namespace(r, item->flag))
        return err_usage(r->err, "%s: the namespace %s is given twice", path,
                         json_show(value).text);
    return result;
}

static int read_namespace_path(struct reading *r, const json_t *value, const char *path,
                               void *target)
{
    struct namespace_reading *item = target;

    item->path = json_string_value(value);
    return *item->path ? path_check(r, item->path, path) : 0;
}

static int read_namespace(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "type", FIELD_TEXT, .required = true, .read = read_namespace_type },
        { "path", FIELD_TEXT, .read = read_namespace_path },
    };
    struct namespace_reading item = { 0 };
    struct spec *spec = target;
    struct spec_join *join;
    int result = FIELDS_READ(r, value, path, table, &item);

    if (result < 0)
        return result;
    if (!item.path || !*item.path) {
        spec->namespaces |= item.flag;
        return 0;
    }
    r->joined |= item.flag;
    join = ITEMS_ADD(spec->joins, spec->n_joins);
    if (!join)
        return err_nomem(r->err);
    join->flag = item.flag;
    return text_copy(r, item.path, &join->path);
}

int read_namespaces(struct reading *r, const json_t *value, const char *path, void *target)
{
    return items_read(r, value, path, read_namespace, target);
}

/* ---- maps of ids -------------------------------------------------------------------------------------------- */

/* Do these ranges have a number in common? They end at 2^32-2 at most. */
static bool overlap(uint32_t a, uint32_t n_a, uint32_t b, uint32_t n_b)
{
    return a < b + n_b && b < a + n_a;
}

static int check_map(struct reading *r, const struct spec_id_map *maps, size_t n, const char *path)
{
    const struct spec_id_map *map = &maps[n];

    /* The number behind the last one must be countable, and 2^32-1 is nobody's. */
    if (map->count > UINT32_MAX - map->inside || map->count > UINT32_MAX - map->outside)
        return err_usage(r->err, "%s: %u and %u and the %u ids from there on go beyond 4294967294",
                         path, map->inside, map->outside, map->count);
    for (size_t i = 0; i < n; i++) {
        if (overlap(maps[i].inside, maps[i].count, map->inside, map->count) ||
            overlap(maps[i].outside, maps[i].count, map->outside, map->count))
            return err_usage(r->err, "%s overlaps an earlier one", path);
    }
    return 0;
}

int read_id_maps(struct reading *r, const json_t *array, const char *path, struct spec_id_map **ret,
                 size_t *ret_n)
{
    static const struct field table[] = {
        { "containerID", FIELD_NUMBER, .required = true, FIELD_AT(struct spec_id_map, inside),
          .max = UINT32_MAX - 1 },
        { "hostID", FIELD_NUMBER, .required = true, FIELD_AT(struct spec_id_map, outside),
          .max = UINT32_MAX - 1 },
        { "size", FIELD_NUMBER, .required = true, FIELD_AT(struct spec_id_map, count), .min = 1,
          .max = UINT32_MAX },
    };
    size_t n = json_array_size(array);

    if (n > MAPS_MAX)
        return err_usage(r->err, "%s has %zu ranges, at most %d are allowed", path, n, MAPS_MAX);
    *ret = calloc(n + 1, sizeof(**ret));
    if (!*ret)
        return err_nomem(r->err);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, i);
        struct json_path at = json_path_index(path, i);
        if (!json_is_object(item))
            return err_usage(r->err, "%s must be an object, not %s", at.text, json_show(item).text);
        int result = FIELDS_READ(r, item, at.text, table, &(*ret)[i]);
        if (result == 0)
            result = check_map(r, *ret, i, at.text);
        if (result < 0)
            return result;
        *ret_n = i + 1;
    }
    return 0;
}

int read_uid_mappings(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;

    return read_id_maps(r, value, path, &spec->uid_maps, &spec->n_uid_maps);
}

int read_gid_mappings(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;

    return read_id_maps(r, value, path, &spec->gid_maps, &spec->n_gid_maps);
}

/* ---- clocks --------------------------------------------------------------------------------------------------- */

struct offset_reading {
    int64_t s;
    uint32_t ns;
};

static int read_offset(struct reading *r, const json_t *value, const char *path, int64_t *ret_s,
                       uint32_t *ret_ns)
{
    static const struct field table[] = {
        { "secs", FIELD_NUMBER, FIELD_AT(struct offset_reading, s), .min = INT64_MIN,
          .max = INT64_MAX },
        { "nanosecs", FIELD_NUMBER, FIELD_AT(struct offset_reading, ns), .max = 999999999 },
    };
    struct offset_reading offset = { 0 };

    if (!json_is_object(value))
        return err_usage(r->err, "%s must be an object, not %s", path, json_show(value).text);
    int result = FIELDS_READ(r, value, path, table, &offset);
    *ret_s = offset.s;
    *ret_ns = offset.ns;
    return result;
}

int read_time_offsets(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    const char *clock;
    json_t *item;

    json_object_foreach((json_t *)value, clock, item)
    {
        struct json_path at = json_path_key(path, clock);
        int result;
        if (strcmp(clock, "monotonic") == 0)
            result =
                read_offset(r, item, at.text, &spec->time_monotonic_s, &spec->time_monotonic_ns);
        else if (strcmp(clock, "boottime") == 0)
            result = read_offset(r, item, at.text, &spec->time_boottime_s, &spec->time_boottime_ns);
        else
            result = err_usage(r->err,
                               "%s: there is no clock of that name, only monotonic and "
                               "boottime",
                               at.text);
        if (result < 0)
            return result;
        spec->time_offset_set = true;
    }
    if (spec->time_offset_set && !(spec->namespaces & CLONE_NEWTIME))
        return err_usage(r->err, "%s is given, but linux.namespaces makes no time namespace", path);
    return 0;
}

/* ---- when all is known ------------------------------------------------------------------------------------------ */

/* Is there a mount whose ids are to be those of the user namespace? */
static bool wants_container_maps(const struct spec *spec)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].id_mapped && spec->mounts[i].n_uid_maps == 0)
            return true;
    }
    return false;
}

int check_namespaces(struct reading *r)
{
    const struct spec *spec = r->spec;
    bool makes_user = spec->namespaces & CLONE_NEWUSER;
    bool maps = spec->n_uid_maps || spec->n_gid_maps;

    if (!has_namespace(r, CLONE_NEWNS))
        return err_refuse(r->err, EOPNOTSUPP,
                          "linux.namespaces has no mount namespace: mounts of the container would "
                          "be made, and stay, among the host's");
    if (makes_user && (!spec->n_uid_maps || !spec->n_gid_maps))
        return err_usage(
            r->err, "linux.namespaces makes a user namespace, which needs linux.uidMappings and "
                    "linux.gidMappings");
    if (maps && !has_namespace(r, CLONE_NEWUSER))
        return err_usage(r->err, "linux.uidMappings and linux.gidMappings need a user namespace, "
                                 "which linux.namespaces does not have");
    if (!has_namespace(r, CLONE_NEWUSER) && wants_container_maps(spec))
        return err_usage(r->err, "a mount with the option idmap needs uidMappings and gidMappings, "
                                 "or a user namespace that has them");
    return 0;
}

static int check_mapped(struct reading *r, const struct spec_id_map *maps, size_t n, uint32_t id,
                        const char *field, const char *where)
{
    if (maps_have(maps, n, id))
        return 0;
    return err_usage(r->err, "%s %u is not among the ids of %s", field, id, where);
}

/* Whom a new user namespace does not know, no process in it can be. */
int check_identity(struct reading *r)
{
    const struct spec *spec = r->spec;
    int result = 0;

    if (!(spec->namespaces & CLONE_NEWUSER))
        return 0;
    result = check_mapped(r, spec->uid_maps, spec->n_uid_maps, spec->uid, "process.user.uid",
                          "linux.uidMappings");
    if (result == 0)
        result = check_mapped(r, spec->gid_maps, spec->n_gid_maps, spec->gid, "process.user.gid",
                              "linux.gidMappings");
    for (size_t i = 0; result == 0 && i < spec->n_groups; i++)
        result = check_mapped(r, spec->gid_maps, spec->n_gid_maps, spec->groups[i],
                              "process.user.additionalGids has", "linux.gidMappings");
    return result;
}
