/*
 * The "resources" object. Which field is which limit stands in the oci column of limits.def; here is how the
 * values of each kind look in JSON. They go through the limits' own readers, so that ranges and the meaning
 * of 0 and -1 are the same wherever a limit comes from.
 */
#include <errno.h>
#include <string.h>

#include "oci/resources.h"

/* ---- handing on -------------------------------------------------------------------------------------- */

int resource_parse(const struct resource *r, const char *path, const char *text, struct err *err)
{
    struct err own = ERR_INIT;
    int result = limit_parse(r->limit, text, r->context, r->set, &own);

    if (result < 0) {
        /* "--memory: " is how the command line calls it. */
        const char *colon = text_starts(own.text, "--") ? strstr(own.text, ": ") : NULL;
        return err_set_class(err, own.class, -result, "%s: %s", path, colon ? colon + 2 : own.text);
    }
    return 1;
}

/* -1 is "unlimited" where the limit has that, and the field is signed just there. */
static int number_text(const struct resource *r, const json_t *value, const char *path,
                       char ret[static 24], struct err *err)
{
    const struct limit_info *info = limit_info(r->limit);
    uint64_t number = 0;
    int64_t with_sign = 0;
    int result;

    if (info->flags & LIMIT_ALLOW_UNLIMITED) {
        result = json_as_i64(value, path, -1, INT64_MAX, &with_sign, err);
        snprintf(ret, 24, "%lld", (long long)with_sign);
    } else {
        result = json_as_u64(value, path, 0, UINT64_MAX, &number, err);
        snprintf(ret, 24, "%llu", (unsigned long long)number);
    }
    return result;
}

/* ---- one value ----------------------------------------------------------------------------------------- */

static int read_number(const struct resource *r, const json_t *value, const char *path,
                       struct err *err)
{
    char text[24];
    int result = number_text(r, value, path, text, err);

    if (result < 0)
        return result;
    if (strcmp(text, "0") == 0 && (limit_info(r->limit)->flags & LIMIT_ZERO_UNSET))
        return 0; /* Go's zero value: nothing was asked for */
    return resource_parse(r, path, text, err);
}

static int read_list(const struct resource *r, const json_t *value, const char *path,
                     struct err *err)
{
    const char *text = NULL;
    int result = json_as_string(value, path, &text, err);

    if (result < 0)
        return result;
    return text[0] == '\0' ? 0 : resource_parse(r, path, text, err);
}

/* cpu.idle is a number that is 0 or 1. */
static int read_idle(const struct resource *r, const json_t *value, const char *path,
                     struct err *err)
{
    int64_t number = 0;
    int result = json_as_i64(value, path, 0, 1, &number, err);

    return result < 0 ? result : resource_parse(r, path, number ? "true" : "false", err);
}

/* Engines send false everywhere, also where the killer cannot be disabled: it asks for nothing. */
static int read_oom_killer(const struct resource *r, const json_t *value, const char *path,
                           struct err *err)
{
    if (!json_is_boolean(value))
        return err_usage(err, "%s must be true or false, not %s", path, json_show(value).text);
    return json_is_true(value) ? resource_parse(r, path, "true", err) : 0;
}

/* ---- lists and maps of values -------------------------------------------------------------------------- */

struct item {
    const struct resource *resource;
    const char *key; /* of the value in each element */
};

#define DEVICE_MAX (UINT32_MAX - 1)

static int read_device_item(void *data, const json_t *element, size_t index, const char *path,
                            struct err *err)
{
    const struct item *item = data;
    uint64_t major = 0, minor = 0, value = 0;
    char text[96];

    (void)index;
    int result = json_get_u64(element, path, "major", 0, DEVICE_MAX, &major, err);
    if (result > 0)
        result = json_get_u64(element, path, "minor", 0, DEVICE_MAX, &minor, err);
    if (result > 0)
        result = json_get_u64(element, path, item->key, 0, UINT64_MAX, &value, err);
    if (result < 0)
        return result;
    if (result == 0)
        return err_usage(err, "%s must have major, minor and %s", path, item->key);
    /* A rate of 0 is how no limit is written to the kernel's files. */
    if (value == 0 && (limit_info(item->resource->limit)->flags & LIMIT_ALLOW_UNLIMITED))
        snprintf(text, sizeof(text), "%u:%u:max", (unsigned)major, (unsigned)minor);
    else
        snprintf(text, sizeof(text), "%u:%u:%llu", (unsigned)major, (unsigned)minor,
                 (unsigned long long)value);
    result = resource_parse(item->resource, path, text, err);
    return result < 0 ? result : 0;
}

static int read_items(const struct resource *r, const json_t *value, const char *path,
                      json_item_fn fn, const char *key, struct err *err)
{
    struct item item = { r, key };

    if (!json_is_array(value))
        return err_usage(err, "%s must be a list, not %s", path, json_show(value).text);
    return json_each(value, path, JSON_OBJECT, fn, &item, err);
}

static int read_rates(const struct resource *r, const json_t *value, const char *path,
                      struct err *err)
{
    return read_items(r, value, path, read_device_item, "rate", err);
}

static int read_weight_item(void *data, const json_t *element, size_t index, const char *path,
                            struct err *err)
{
    uint64_t leaf = 0;
    int result = json_get_u64(element, path, "leafWeight", 0, UINT16_MAX, &leaf, err);

    if (result >= 0 && leaf != 0)
        return err_refuse(err, ENOTSUP,
                          "%s.leafWeight cannot be put in force: it went with the scheduler that "
                          "had it, in Linux 5.0",
                          path);
    return result < 0 ? result : read_device_item(data, element, index, path, err);
}

static int read_weights(const struct resource *r, const json_t *value, const char *path,
                        struct err *err)
{
    return read_items(r, value, path, read_weight_item, "weight", err);
}

/* {"pageSize": "2MB", "limit": N} and {"name": "eth0", "priority": N}. */
static int read_pair_item(const struct item *item, const json_t *element, const char *path,
                          const char *name_key, uint64_t max, struct err *err)
{
    const char *name = NULL;
    uint64_t number = 0;
    int result = json_get_string(element, path, name_key, &name, err);

    if (result > 0)
        result = json_get_u64(element, path, item->key, 0, max, &number, err);
    if (result < 0)
        return result;
    if (result == 0)
        return err_usage(err, "%s must have %s and %s", path, name_key, item->key);
    if (strchr(name, ';'))
        return err_usage(err, "%s.%s: %s has a semicolon", path, name_key,
                         json_show_text(name).text);
    _cleanup_free_ char *text =
        number == UINT64_MAX && (limit_info(item->resource->limit)->flags & LIMIT_ALLOW_UNLIMITED)
            ? text_format("%s:max", name)
            : text_format("%s:%llu", name, (unsigned long long)number);
    if (!text)
        return err_nomem(err);
    result = resource_parse(item->resource, path, text, err);
    return result < 0 ? result : 0;
}

static int read_page_size_item(void *data, const json_t *element, size_t index, const char *path,
                               struct err *err)
{
    (void)index;
    return read_pair_item(data, element, path, "pageSize", UINT64_MAX, err);
}

static int read_page_sizes(const struct resource *r, const json_t *value, const char *path,
                           struct err *err)
{
    return read_items(r, value, path, read_page_size_item, "limit", err);
}

static int read_priority_item(void *data, const json_t *element, size_t index, const char *path,
                              struct err *err)
{
    (void)index;
    return read_pair_item(data, element, path, "name", UINT32_MAX, err);
}

static int read_priorities(const struct resource *r, const json_t *value, const char *path,
                           struct err *err)
{
    return read_items(r, value, path, read_priority_item, "priority", err);
}

/* {"mlx5_1": {"hcaHandles": N, "hcaObjects": N}} */
static int read_rdma(const struct resource *r, const json_t *value, const char *path,
                     struct err *err)
{
    const char *name;
    json_t *element;
    uint64_t handles, objects;

    if (!json_is_object(value))
        return err_usage(err, "%s must be an object, not %s", path, json_show(value).text);
    json_object_foreach((json_t *)(uintptr_t)value, name, element)
    {
        struct json_path at = json_path_key(path, name);
        _cleanup_buf_ struct buf text = BUF_INIT;
        if (!json_is_object(element) || strchr(name, ';'))
            return err_usage(err, "%s must be the limits of a device, not %s", at.text,
                             json_show(element).text);
        int has_handles =
            json_get_u64(element, at.text, "hcaHandles", 0, UINT32_MAX, &handles, err);
        if (has_handles < 0)
            return has_handles;
        int has_objects =
            json_get_u64(element, at.text, "hcaObjects", 0, UINT32_MAX, &objects, err);
        if (has_objects < 0)
            return has_objects;
        if (!has_handles && !has_objects)
            return err_usage(err, "%s must have hcaHandles or hcaObjects", at.text);
        buf_printf(&text, "%s:", name);
        if (has_handles)
            buf_printf(&text, "hca_handle=%llu%s", (unsigned long long)handles,
                       has_objects ? "," : "");
        if (has_objects)
            buf_printf(&text, "hca_object=%llu", (unsigned long long)objects);
        if (buf_error(&text) < 0)
            return err_nomem(err);
        int result = resource_parse(r, at.text, buf_text(&text), err);
        if (result < 0)
            return result;
    }
    return 0;
}

/* ---- the rows ------------------------------------------------------------------------------------------ */

typedef int (*resource_fn)(const struct resource *r, const json_t *value, const char *path,
                           struct err *err);

/* By kind, and by limit where one looks unlike others of its kind. */
static resource_fn reader_of(enum limit_id id)
{
    static const resource_fn kind_table[] = {
        [LIMIT_KIND_SIZE] = read_number,
        [LIMIT_KIND_NUMBER] = read_number,
        [LIMIT_KIND_DURATION] = read_number,
        [LIMIT_KIND_LIST] = read_list,
        [LIMIT_KIND_DEVICE_NUMBER] = read_rates,
        [LIMIT_KIND_DEVICE_SIZE] = read_rates,
        [LIMIT_KIND_DEVICE_RULE] = resource_read_devices,
        [LIMIT_KIND_PAIR_SIZE] = read_page_sizes,
        [LIMIT_KIND_PAIR_NUMBER] = read_priorities,
        [LIMIT_KIND_PAIR_TEXT] = read_rdma,
        [LIMIT_KIND_CONF] = resource_read_unified,
    };
    static const resource_fn limit_table[LIMIT_COUNT] = {
        [LIMIT_CPU_IDLE] = read_idle,
        [LIMIT_OOM_KILL_DISABLE] = read_oom_killer,
        [LIMIT_BLKIO_WEIGHT_DEVICE] = read_weights,
    };
    enum limit_kind kind = limit_info(id)->kind;

    if (limit_table[id])
        return limit_table[id];
    return (size_t)kind < ARRAY_SIZE(kind_table) ? kind_table[kind] : NULL;
}

/*
 * The value at "memory.limit" beneath resources and its path in sentences. 0 when it is not there, 1, or
 * -errno when what should hold it is no object.
 */
static int find_value(const json_t *resources, const char *path, const char *oci,
                      const json_t **ret, struct json_path *ret_path, struct err *err)
{
    const char *dot = strchr(oci, '.'), *key = oci;
    const json_t *object = resources;
    char group[32];

    *ret_path = json_path_key(path, oci);
    if (dot) {
        snprintf(group, sizeof(group), "%.*s", (int)(dot - oci), oci);
        int result = json_get_object(resources, path, group, &object, err);
        if (result <= 0)
            return result;
        key = dot + 1;
    }
    *ret = json_object_get(object, key);
    return *ret ? 1 : 0;
}

/* ---- fields that are no limits ------------------------------------------------------------------------- */

/*
 * Accepted as long as they ask for what is so anyway; refused otherwise. memory.checkBeforeUpdate is met
 * by every change: a limit below what is in use is not written.
 */
static const struct plain_field {
    const char *oci;
    bool is_flag;
    int64_t min, max;
    const char *why;
} plain_table[] = {
    { "memory.kernel", false, -1, 0,
      "the kernel has no limit of its own for kernel memory any more, which memory.limit counts" },
    { "memory.useHierarchy", true, 1, 1, "the kernel counts memory by hierarchies only" },
    { "memory.checkBeforeUpdate", true, 0, 1, NULL },
    { "blockIO.leafWeight", false, 0, 0, "it went with the scheduler that had it, in Linux 5.0" },
};

static int check_plain(const struct plain_field *field, const json_t *value, const char *path,
                       struct err *err)
{
    int64_t number = 0;

    if (field->is_flag && !json_is_boolean(value))
        return err_usage(err, "%s must be true or false, not %s", path, json_show(value).text);
    int result = field->is_flag ? 0 : json_as_i64(value, path, -1, INT64_MAX, &number, err);
    if (result < 0)
        return result;
    if (field->is_flag)
        number = json_is_true(value);
    if (number < field->min || number > field->max)
        return err_refuse(err, ENOTSUP, "%s cannot be %s: %s", path, json_show(value).text,
                          text_or_empty(field->why));
    return 0;
}

/* ---- the object ---------------------------------------------------------------------------------------- */

int oci_resources_from_json(const json_t *resources, const char *path,
                            const struct limit_context *context, struct limit_set *set,
                            struct err *err)
{
    const json_t *value = NULL;
    struct json_path at;
    int result = 0;

    if (!json_is_object(resources))
        return err_usage(err, "%s must be an object, not %s", path, json_show(resources).text);
    for (unsigned i = 0; i < LIMIT_COUNT && result >= 0; i++) {
        const char *oci = limit_info((enum limit_id)i)->oci;
        resource_fn read = oci ? reader_of((enum limit_id)i) : NULL;
        struct resource resource = { (enum limit_id)i, context, set };
        if (!read)
            continue;
        result = find_value(resources, path, oci, &value, &at, err);
        if (result > 0)
            result = read(&resource, value, at.text, err);
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain_table) && result >= 0; i++) {
        result = find_value(resources, path, plain_table[i].oci, &value, &at, err);
        if (result > 0)
            result = check_plain(&plain_table[i], value, at.text, err);
    }
    return result < 0 ? result : 0;
}

int oci_resources_check_new(const json_t *resources, const char *path, struct err *err)
{
    const json_t *cpu = json_object_get(resources, "cpu");
    const json_t *period = json_object_get(cpu, "period");

    if (!period || json_integer_value(period) != 0 ||
        json_integer_value(json_object_get(cpu, "quota")) <= 0)
        return 0;
    return err_usage(err,
                     "%s.cpu.period is 0, and %s.cpu.quota counts by it; leave it out for the "
                     "usual 100000 microseconds",
                     path, path);
}

int oci_read_resources(const char *text, size_t len, const struct limit_context *context,
                       struct limit_set *ret, struct err *err)
{
    _cleanup_json_ json_t *document = NULL;
    int result = json_document_load(text, len, &document, err);

    *ret = (struct limit_set){ 0 };
    if (result >= 0)
        result = oci_resources_from_json(document, "resources", context, ret, err);
    if (result < 0)
        limit_set_done(ret);
    else
        resource_forget_usual_devices(ret);
    return result < 0 ? result : 0;
}
