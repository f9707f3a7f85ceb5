/* --device HOST[:TARGET[:rwm]] and --uidmap, --gidmap INSIDE:OUTSIDE:COUNT. */
#include <errno.h>
#include <string.h>

#include "spec/check.h"

void spec_device_done(struct spec_device *device)
{
    free(device->path);
    free(device->source);
    *device = (struct spec_device){ 0 };
}

/* A subset of "rwm", each letter at most once. */
static bool access_valid(const char *access)
{
    size_t n = strlen(access);

    return n > 0 && n <= 3 && strspn(access, "rwm") == n && (n < 2 || access[0] != access[1]) &&
           (n < 3 || (access[0] != access[2] && access[1] != access[2]));
}

/* Split in place: HOST, then TARGET and access where they are; docker takes HOST:rwm too. */
static bool device_split(char *text, char **ret_target, char **ret_access)
{
    *ret_target = *ret_access = NULL;
    char *colon = strchr(text, ':');
    if (!colon)
        return true;
    *colon++ = '\0';
    if (*colon != '/') {
        *ret_access = colon;
        return access_valid(colon);
    }
    *ret_target = colon;
    colon = strchr(colon, ':');
    if (!colon)
        return true;
    *colon++ = '\0';
    *ret_access = colon;
    return access_valid(colon);
}

static int device_numbers(const char *name, const struct spec_world *world,
                          struct spec_device *device, struct err *err)
{
    if (!world->stat_device)
        return err_usage(err, "--%s: device paths cannot be looked up here", name);
    int r = world->stat_device(world->data, device->source, &device->type, &device->major,
                               &device->minor, &device->mode);
    if (r == -ENODEV || r == -ENOTBLK)
        return err_usage(err, "--%s: %s is not a device", name, quote(device->source).text);
    if (r < 0)
        return err_usage(err, "--%s: %s: %s", name, quote(device->source).text, err_name(-r));
    if (device->type != 'c' && device->type != 'b')
        return err_usage(err, "--%s: %s is not a device", name, quote(device->source).text);
    return 0;
}

int parse_device(const char *name, const struct spec_world *world, const char *value,
                 struct spec_device *ret, char ret_access[static 4], struct err *err)
{
    _cleanup_(spec_device_done) struct spec_device device = { 0 };
    _cleanup_free_ char *text = strdup(value);
    char *target, *access;

    if (!text)
        return err_nomem(err);
    if (text[0] != '/' || !device_split(text, &target, &access))
        return err_usage(err, "--%s takes HOST[:TARGET[:rwm]] with absolute paths, not %s", name,
                         quote(value).text);
    int r = path_clean(text, &device.source);
    if (r == 0)
        r = path_clean(target ? target : text, &device.path);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (r < 0)
        return err_usage(err, "--%s: %s has a \"..\"", name, quote(value).text);
    if (!path_is_beneath(device.path, "/dev") || strcmp(device.path, "/dev") == 0)
        return err_usage(err, "--%s: inside, the device must be beneath /dev, unlike %s", name,
                         quote(device.path).text);
    r = device_numbers(name, world, &device, err);
    if (r < 0)
        return r;
    device.mode &= 0777;
    snprintf(ret_access, 4, "%s", access ? access : "rwm");
    *ret = device;
    device = (struct spec_device){ 0 };
    return 0;
}

CHECK(device)
{
    _cleanup_(spec_device_done) struct spec_device device = { 0 };
    char access[4];

    return parse_device(name, world, value, &device, access, err);
}

int parse_id_map(const char *name, const char *value, struct spec_id_map *ret, struct err *err)
{
    uint32_t number[3];
    const char *part = value;

    for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
        size_t n = strcspn(part, ":");
        bool last = i == ARRAY_SIZE(number) - 1;
        if (parse_id(part, n, &number[i]) < 0 || (part[n] == '\0') != last)
            return err_usage(err, "--%s takes INSIDE:OUTSIDE:COUNT, not %s", name,
                             quote(value).text);
        part += n + !last;
    }
    if (number[2] == 0 || number[0] > UINT32_MAX - number[2] || number[1] > UINT32_MAX - number[2])
        return err_usage(err, "--%s: %s maps nothing or goes beyond the last number, 4294967294",
                         name, quote(value).text);
    *ret = (struct spec_id_map){ number[0], number[1], number[2] };
    return 0;
}

CHECK(id_map)
{
    struct spec_id_map map;

    (void)world;
    return parse_id_map(name, value, &map, err);
}
