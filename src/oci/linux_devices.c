/* Device nodes, those asked for and those that every container has; network devices. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "oci/reading.h"

#define MAJOR_MAX 0xfff /* 12 and 20 bits, as the kernel has them */
#define MINOR_MAX 0xfffff
#define MODE_MAX  0177777 /* engines leave the bits of the file's type in */
#define ID_MAX    (UINT32_MAX - 1)

/* ---- asked for ---------------------------------------------------------------------------------------------- */

static int read_device_type(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct word table[] = {
        { "c", 'c' },
        { "u", 'c' }, /* unbuffered: the same thing on Linux */
        { "b", 'b' },
        { "p", 'p' },
    };
    uint64_t type = 0;
    int result =
        WORD_READ(r, value, path, "a type of device, which are c, b, u and p", table, &type);

    ((struct spec_device *)target)->type = (char)type;
    return result;
}

static int read_device_path(struct reading *r, const json_t *value, const char *path, void *target)
{
    struct spec_device *device = target;
    const char *text = json_string_value(value);
    int result = path_check(r, text, path);

    if (result == 0)
        result = path_read_clean(r, text, path, &device->path);
    if (result == 0 && strcmp(device->path, "/") == 0)
        result = err_usage(r->err, "%s: a device cannot be the root", path);
    return result < 0 ? result : text_copy(r, device->path, &device->source);
}

static int read_mode(struct reading *r, const json_t *value, const char *path, void *target)
{
    uint64_t mode;
    int result = json_as_u64(value, path, 0, MODE_MAX, &mode, r->err);

    if (result < 0)
        return result;
    ((struct spec_device *)target)->mode = (uint32_t)mode & 07777;
    return 0;
}

static bool same_device(const struct spec_device *a, const struct spec_device *b)
{
    return a->type == b->type && a->major == b->major && a->minor == b->minor &&
           a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

/* The device that is last in the list, against the others. */
static int check_device(struct reading *r, const json_t *value, const char *path)
{
    const struct spec *spec = r->spec;
    const struct spec_device *device = &spec->devices[spec->n_devices - 1];

    if (device->type != 'p') {
        for (size_t i = 0; i < 2; i++) {
            const char *key = i == 0 ? "major" : "minor";
            if (!json_object_get(value, key))
                return err_usage(r->err, "%s is missing", json_path_key(path, key).text);
        }
    }
    for (size_t i = 0; i + 1 < spec->n_devices; i++) {
        if (strcmp(spec->devices[i].path, device->path) == 0 &&
            !same_device(&spec->devices[i], device))
            return err_usage(r->err, "%s.path: %s is two different devices", path,
                             json_show_text(device->path).text);
    }
    return 0;
}

static int read_device(struct reading *r, const json_t *value, const char *path, void *target)
{
    static const struct field table[] = {
        { "type", FIELD_TEXT, .required = true, .read = read_device_type },
        { "path", FIELD_TEXT, .required = true, .read = read_device_path },
        { "major", FIELD_NUMBER, FIELD_AT(struct spec_device, major), .max = MAJOR_MAX },
        { "minor", FIELD_NUMBER, FIELD_AT(struct spec_device, minor), .max = MINOR_MAX },
        { "fileMode", FIELD_ANY, .read = read_mode },
        { "uid", FIELD_NUMBER, FIELD_AT(struct spec_device, uid), .max = ID_MAX },
        { "gid", FIELD_NUMBER, FIELD_AT(struct spec_device, gid), .max = ID_MAX },
    };
    struct spec *spec = target;
    struct spec_device *device = ITEMS_ADD(spec->devices, spec->n_devices);

    if (!device)
        return err_nomem(r->err);
    device->mode = 0666;
    int result = FIELDS_READ(r, value, path, table, device);
    return result < 0 ? result : check_device(r, value, path);
}

int read_devices(struct reading *r, const json_t *value, const char *path, void *target)
{
    int result = length_check(r, json_array_size(value), path);

    return result < 0 ? result : items_read(r, value, path, read_device, target);
}

/* ---- what every container has --------------------------------------------------------------------------------- */

/* Is /dev another's, who has filled it and whose it stays? */
static bool has_foreign_dev(const struct spec *spec)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].kind == MOUNT_BIND && strcmp(spec->mounts[i].target, "/dev") == 0)
            return true;
    }
    return false;
}

static bool has_path(const struct spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->n_devices; i++) {
        if (strcmp(spec->devices[i].path, path) == 0)
            return true;
    }
    return false;
}

/* A bind mount onto this very path takes the device's place. */
static bool is_mounted(const struct spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].kind != MOUNT_MASK && strcmp(spec->mounts[i].target, path) == 0)
            return true;
    }
    return false;
}

static int add_devices(struct reading *r)
{
    struct spec *spec = r->spec;

    for (size_t i = 0; i < SPEC_USUAL_DEVICES; i++) {
        const char *path = spec_usual_devices[i].path;
        if (has_path(spec, path) || is_mounted(spec, path))
            continue;
        struct spec_device *device = ITEMS_ADD(spec->devices, spec->n_devices);
        if (!device || spec_device_fill_usual(i, device) < 0)
            return err_nomem(r->err);
    }
    return 0;
}

/*
 * "/dev/ptmx: a bind-mount or symlink of the container's /dev/pts/ptmx": engines that hand over all devices of
 * the host list its node too, which the link takes the place of.
 */
static void drop_ptmx(struct spec *spec)
{
    for (size_t i = 0; i < spec->n_devices; i++) {
        struct spec_device *device = &spec->devices[i];
        if (strcmp(device->path, "/dev/ptmx") != 0 || device->type != 'c' || device->major != 5 ||
            device->minor != 2)
            continue;
        free(device->path);
        free(device->source);
        spec->n_devices--;
        memmove(device, device + 1, (spec->n_devices - i) * sizeof(*device));
        return;
    }
}

static int add_symlinks(struct reading *r)
{
    struct spec *spec = r->spec;

    drop_ptmx(spec);
    for (size_t i = 0; i < SPEC_USUAL_SYMLINKS; i++) {
        const char *path = spec_usual_symlinks[i].path;
        if (has_path(spec, path) || is_mounted(spec, path))
            continue;
        struct spec_symlink *link = ITEMS_ADD(spec->symlinks, spec->n_symlinks);
        if (!link || spec_symlink_fill_usual(i, link) < 0)
            return err_nomem(r->err);
    }
    return 0;
}

int add_default_devices(struct reading *r)
{
    int result = 0;

    if (!has_foreign_dev(r->spec)) {
        result = add_devices(r);
        if (result == 0)
            result = add_symlinks(r);
    }
    r->spec->make_devices = r->spec->n_devices || r->spec->n_symlinks;
    return result;
}

/* ---- network devices -------------------------------------------------------------------------------------------- */

/* As the kernel's dev_valid_name() has it. */
static bool is_device_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (name[i] == '/' || name[i] == ':' || (unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    }
    return true;
}

static int read_netdev(struct reading *r, const char *name, const json_t *value, const char *path)
{
    static const struct field table[] = {
        { "name", FIELD_TEXT, FIELD_AT(struct spec_netdev, new_name) },
    };
    struct spec *spec = r->spec;
    struct spec_netdev *device = ITEMS_ADD(spec->netdevs, spec->n_netdevs);
    int result;

    if (!device)
        return err_nomem(r->err);
    if (!json_is_object(value))
        return err_usage(r->err, "%s must be an object, not %s", path, json_show(value).text);
    result = text_copy(r, name, &device->name);
    if (result == 0)
        result = FIELDS_READ(r, value, path, table, device);
    if (result < 0)
        return result;
    const char *inside = device->new_name ? device->new_name : device->name;
    if (!is_device_name(device->name) || !is_device_name(inside))
        return err_usage(r->err, "%s: %s is no name of a network device", path,
                         json_show_text(is_device_name(device->name) ? inside : name).text);
    for (size_t i = 0; i + 1 < spec->n_netdevs; i++) {
        const struct spec_netdev *other = &spec->netdevs[i];
        if (strcmp(other->new_name ? other->new_name : other->name, inside) == 0)
            return err_usage(r->err, "%s: two devices would be called %s", path, inside);
    }
    return 0;
}

int read_netdevs(struct reading *r, const json_t *value, const char *path, void *target)
{
    const char *name;
    json_t *item;
    int result = length_check(r, json_object_size(value), path);

    (void)target;
    if (result < 0)
        return result;
    json_object_foreach((json_t *)value, name, item)
    {
        result = read_netdev(r, name, item, json_path_key(path, name).text);
        if (result < 0)
            return result;
    }
    if (json_object_size(value) > 0 && !has_namespace(r, CLONE_NEWNET))
        return err_usage(
            r->err, "%s needs a network namespace, which linux.namespaces does not have", path);
    return 0;
}
