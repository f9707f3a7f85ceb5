/* linux: what Linux alone has, but for the parts with a file of their own. */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "oci/reading.h"

#define CGROUPS_PATH_MAX 2048
#define COMPONENT_MAX    255 /* NAME_MAX */

/* ---- control groups -------------------------------------------------------------------------------------- */

/* "/a/b", "a/b", or "slice:prefix:name" for systemd; what it means is for who makes the groups. */
static int read_cgroups_path(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);
    size_t n;

    if (strlen(text) > CGROUPS_PATH_MAX)
        return err_usage(r->err, "%s has %zu characters, at most %d are allowed", path,
                         strlen(text), CGROUPS_PATH_MAX);
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return err_usage(r->err, "%s has a control character: %s", path,
                             json_show_text(text).text);
    }
    for (const char *part = text; *part; part += n) {
        part += strspn(part, "/");
        n = strcspn(part, "/");
        if ((n == 2 && memcmp(part, "..", 2) == 0) || n > COMPONENT_MAX)
            return err_usage(r->err, "%s: %s has a part that is \"..\" or too long", path,
                             json_show_text(text).text);
    }
    return *text ? text_copy(r, text, &((struct spec *)target)->cgroups_path) : 0;
}

static int read_resources(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec *spec = target;
    int result = oci_resources_from_json(value, path, &r->context->world->limit_context,
                                         &spec->limits, r->err);

    if (result >= 0)
        result = oci_resources_check_new(value, path, r->err);
    return result < 0 ? result : 0;
}

/* ---- the root and paths in it ---------------------------------------------------------------------------- */

static int read_propagation(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *text = json_string_value(value);
    uint64_t flags = spec_mount_propagation(text);

    if (!flags && *text)
        return err_usage(r->err, "%s must be private, slave, shared or unbindable, not %s", path,
                         json_show_text(text).text);
    ((struct spec *)target)->root_propagation = flags;
    return 0;
}

/* One more mount for a path of maskedPaths or readonlyPaths. */
static int add_path(struct reading *r, const json_t *value, const char *path,
                    const struct spec_mount *kind)
{
    struct spec *spec = r->spec;
    const char *text = json_string_value(value);
    int result = path_check(r, text, path);
    struct spec_mount *mount;

    if (result < 0)
        return result;
    mount = ITEMS_ADD(spec->mounts, spec->n_mounts);
    if (!mount)
        return err_nomem(r->err);
    *mount = *kind;
    return path_read_clean(r, text, path, &mount->target);
}

static int read_masked_path(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct spec_mount kind = { .kind = MOUNT_MASK, .optional = true };

    (void)target;
    return add_path(r, value, path, &kind);
}

static int read_readonly_path(struct reading *r, const json_t *value, const char *path,
                              void *target)
{
    static const struct spec_mount kind = {
        .kind = MOUNT_REMOUNT,
        .attr_set = MOUNT_ATTR_RDONLY,
        .recursive = true,
        .optional = true,
    };

    (void)target;
    return add_path(r, value, path, &kind);
}

static int read_masked_paths(struct reading *r, const json_t *value, const char *path, void *target)
{
    int result = length_check(r, json_array_size(value), path);

    return result < 0 ? result : texts_read(r, value, path, read_masked_path, target);
}

static int read_readonly_paths(struct reading *r, const json_t *value, const char *path,
                               void *target)
{
    int result = length_check(r, json_array_size(value), path);

    return result < 0 ? result : texts_read(r, value, path, read_readonly_path, target);
}

/*
 * SELinux's label for what is mounted: an option of each new file system but of those whose files the
 * policy labels itself. The quotes are SELinux's own: labels have commas.
 */
static int read_mount_label(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const char *const labelled_otherwise[] = { "proc", "sysfs", "mqueue" };
    struct spec *spec = target;
    const char *label = json_string_value(value);

    if (strpbrk(label, "\"\\") || strchr(label, '\n'))
        return err_usage(r->err, "%s is no label: %s", path, json_show_text(label).text);
    for (size_t i = 0; *label && i < spec->n_mounts; i++) {
        struct spec_mount *mount = &spec->mounts[i];
        bool takes = mount->kind == MOUNT_FILESYSTEM;
        for (size_t j = 0; takes && j < ARRAY_SIZE(labelled_otherwise); j++)
            takes = strcmp(mount->fstype, labelled_otherwise[j]) != 0;
        if (!takes)
            continue;
        char *data = text_format("%s%scontext=\"%s\"", text_or_empty(mount->data),
                                 mount->data ? "," : "", label);
        if (!data)
            return err_nomem(r->err);
        free(mount->data);
        mount->data = data;
    }
    return 0;
}

/* ---- personality ---------------------------------------------------------------------------------------------- */

static int read_domain(struct reading *r, const json_t *value, const char *path, void *target)
{
    /* personality(2): PER_LINUX, PER_LINUX32 */
    static const struct word table[] = { { "LINUX", 0x0000 }, { "LINUX32", 0x0008 } };
    struct spec *spec = target;
    uint64_t number = 0;
    int result = WORD_READ(r, value, path, "a domain, which are LINUX and LINUX32", table, &number);

    spec->personality = (unsigned long)number;
    spec->personality_set = true;
    return result;
}

static int read_personality_flags(struct reading *r, const json_t *value, const char *path,
                                  void *target)
{
    (void)target;
    if (json_array_size(value) == 0)
        return 0;
    return err_refuse(r->err, EOPNOTSUPP, "%s: no flag is supported, %s is asked for", path,
                      json_show(json_array_get(value, 0)).text);
}

static int read_personality(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "domain", FIELD_TEXT, .required = true, .read = read_domain },
        { "flags", FIELD_ARRAY, .read = read_personality_flags },
    };

    return FIELDS_READ(r, value, path, table, target);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* Namespaces come first, because others depend on them; masks last, because they hide. */
static const struct field linux_table[] = {
    { "namespaces", FIELD_ARRAY, .read = read_namespaces },
    { "uidMappings", FIELD_ARRAY, .read = read_uid_mappings },
    { "gidMappings", FIELD_ARRAY, .read = read_gid_mappings },
    { "timeOffsets", FIELD_OBJECT, .read = read_time_offsets },
    { "devices", FIELD_ARRAY, .read = read_devices },
    { "netDevices", FIELD_OBJECT, .read = read_netdevs },
    { "cgroupsPath", FIELD_TEXT, .read = read_cgroups_path },
    { "resources", FIELD_OBJECT, .read = read_resources },
    { "intelRdt", FIELD_OBJECT, .read = read_rdt },
    { "sysctl", FIELD_OBJECT, .read = read_sysctls },
    { "seccomp", FIELD_OBJECT, .read = read_seccomp },
    { "rootfsPropagation", FIELD_TEXT, .read = read_propagation },
    { "mountLabel", FIELD_TEXT, .read = read_mount_label },
    { "personality", FIELD_OBJECT, .read = read_personality },
    { "readonlyPaths", FIELD_ARRAY, .read = read_readonly_paths },
    { "maskedPaths", FIELD_ARRAY, .read = read_masked_paths },
};

int read_linux(struct reading *r, const json_t *value, const char *path, void *target)
{
    return FIELDS_READ(r, value, path, linux_table, target);
}
