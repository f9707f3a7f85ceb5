/* mounts: a row of the list becomes one struct spec_mount. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "oci/reading.h"

/* What the fields of a mount say, before it is settled what kind of mount that makes. */
struct mount_fields {
    struct mount_reading m;
    const char *type, *source; /* the document's */
    struct buf data;
    char superblock[32]; /* an option that a bind mount cannot have, or "" */
};

/* ---- fields --------------------------------------------------------------------------------------------- */

/* Relative ones are deprecated, and mean the root. */
static int read_destination(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct mount_fields *fields = target;
    const char *text = json_string_value(value);
    char **ret = &fields->m.mount->target;

    if (!*text)
        return err_usage(r->err, "%s is empty", path);
    int result = path_read_clean(r, text, path, ret);
    if (result == 0 && strcmp(*ret, "/") == 0)
        return err_usage(r->err, "%s: %s is the root itself", path, json_show_text(text).text);
    return result;
}

static int read_type(struct reading *r, const json_t *value, const char *path, void *target)
{
    (void)r;
    (void)path;
    ((struct mount_fields *)target)->type = json_string_value(value);
    return 0;
}

static int read_source(struct reading *r, const json_t *value, const char *path, void *target)
{
    (void)r;
    (void)path;
    ((struct mount_fields *)target)->source = json_string_value(value);
    return 0;
}

static int read_option(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct mount_fields *fields = target;
    const char *word = json_string_value(value);
    enum mount_option kind = mount_apply_option(&fields->m, word);

    (void)r;
    (void)path;
    if (kind == MOUNT_OPTION_APPLIED || !*word)
        return 0;
    if (!fields->superblock[0])
        snprintf(fields->superblock, sizeof(fields->superblock), "%s", word);
    buf_printf(&fields->data, "%s%s", fields->data.len ? "," : "", word);
    return 0;
}

static int read_options(struct reading *r, const json_t *value, const char *path, void *target)
{
    return texts_read(r, value, path, read_option, target);
}

static int read_uid_maps(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_mount *mount = ((struct mount_fields *)target)->m.mount;

    return read_id_maps(r, value, path, &mount->uid_maps, &mount->n_uid_maps);
}

static int read_gid_maps(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_mount *mount = ((struct mount_fields *)target)->m.mount;

    return read_id_maps(r, value, path, &mount->gid_maps, &mount->n_gid_maps);
}

/* ---- what kind it is -------------------------------------------------------------------------------------- */

static int settle_bind(struct reading *r, struct mount_fields *fields, const char *path)
{
    struct spec_mount *mount = fields->m.mount;
    const char *source = fields->source;

    mount->kind = MOUNT_BIND;
    if (!source || !*source)
        return err_usage(r->err, "%s.source is missing: a bind mount needs one", path);
    if (fields->superblock[0])
        return err_usage(r->err, "%s.options: a bind mount cannot have the option %s", path,
                         json_show_text(fields->superblock).text);
    if (source[0] == '/')
        return text_copy(r, source, &mount->source);
    mount->source = text_format("%s/%s", r->context->bundle, source);
    return mount->source ? 0 : err_nomem(r->err);
}

/* Attributes of what is mounted there already; a file system as a whole is not changed. */
static int settle_remount(struct reading *r, struct mount_fields *fields, const char *path)
{
    fields->m.mount->kind = MOUNT_REMOUNT;
    if (fields->superblock[0])
        return err_refuse(r->err, EOPNOTSUPP,
                          "%s.options: a remount with the option %s is not supported", path,
                          json_show_text(fields->superblock).text);
    return 0;
}

static int settle_filesystem(struct reading *r, struct mount_fields *fields, const char *path)
{
    struct spec_mount *mount = fields->m.mount;
    bool cgroup;

    if (!fields->type || !*fields->type)
        return err_usage(r->err, "%s.type is missing", path);
    cgroup = strcmp(fields->type, "cgroup") == 0 || strcmp(fields->type, "cgroup2") == 0;
    mount->kind = cgroup ? MOUNT_CGROUP : MOUNT_FILESYSTEM;
    if (cgroup && fields->data.len)
        return err_refuse(r->err, EOPNOTSUPP,
                          "%s.options: the option %s is not supported for control groups", path,
                          json_show_text(buf_text(&fields->data)).text);
    int result = text_copy(r, fields->type, &mount->fstype);
    if (result == 0 && fields->source && *fields->source && !cgroup)
        result = text_copy(r, fields->source, &mount->source);
    if (result == 0 && fields->data.len && !(mount->data = buf_take(&fields->data)))
        result = err_nomem(r->err);
    return result;
}

/* Maps without the word are a demand all the same; the word without maps means those of the container. */
static int check_id_map(struct reading *r, struct spec_mount *mount, const char *path)
{
    if (!mount->n_uid_maps != !mount->n_gid_maps)
        return err_usage(r->err, "%s: uidMappings and gidMappings are given together or not at all",
                         path);
    mount->id_mapped |= mount->n_uid_maps > 0;
    if (mount->id_mapped && mount->kind != MOUNT_BIND && mount->kind != MOUNT_FILESYSTEM)
        return err_usage(r->err, "%s: only what is newly mounted can have mapped ids", path);
    return 0;
}

static int settle(struct reading *r, struct mount_fields *fields, const char *path)
{
    struct spec_mount *mount = fields->m.mount;
    bool bind = fields->m.bind || (fields->type && strcmp(fields->type, "bind") == 0);
    int result;

    if (buf_error(&fields->data) < 0)
        return err_nomem(r->err);
    if (fields->m.remount)
        result = settle_remount(r, fields, path);
    else if (bind)
        result = settle_bind(r, fields, path);
    else
        result = settle_filesystem(r, fields, path);
    if (result == 0 && mount->copy_up &&
        (mount->kind != MOUNT_FILESYSTEM || strcmp(mount->fstype, "tmpfs") != 0))
        return err_usage(r->err, "%s.options: tmpcopyup is for tmpfs", path);
    return result < 0 ? result : check_id_map(r, mount, path);
}

/* ---- the list ------------------------------------------------------------------------------------------------ */

static int read_mount(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "destination", FIELD_TEXT, .required = true, .read = read_destination },
        { "type", FIELD_TEXT, .read = read_type },
        { "source", FIELD_TEXT, .read = read_source },
        { "options", FIELD_ARRAY, .read = read_options },
        { "uidMappings", FIELD_ARRAY, .read = read_uid_maps },
        { "gidMappings", FIELD_ARRAY, .read = read_gid_maps },
    };
    struct spec *spec = target;
    struct mount_fields fields = { .m.mount = ITEMS_ADD(spec->mounts, spec->n_mounts) };

    if (!fields.m.mount)
        return err_nomem(r->err);
    fields.m.mount->make_target = true;
    int result = FIELDS_READ(r, value, path, table, &fields);
    if (result == 0)
        result = settle(r, &fields, path);
    buf_done(&fields.data);
    return result;
}

int read_mounts(struct reading *r, const json_t *value, const char *path, void *target)
{
    int result = length_check(r, json_array_size(value), path);

    return result < 0 ? result : items_read(r, value, path, read_mount, target);
}
