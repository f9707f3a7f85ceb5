/* The device nodes and links of a fresh /dev, and what --device adds. */
#include <errno.h>
#include <string.h>

#include "spec/seal.h"

#define DEVICES_USUAL 8 /* a power of two; there are SPEC_USUAL_DEVICES to begin with */

/* Takes over what device owns, also on failure; one of the same path is replaced. */
static int take_device(struct seal *seal, struct spec_device *device)
{
    struct spec *spec = seal->spec;

    for (size_t i = 0; i < spec->n_devices; i++) {
        if (strcmp(spec->devices[i].path, device->path) == 0) {
            spec_device_done(&spec->devices[i]);
            spec->devices[i] = *device;
            return 0;
        }
    }
    size_t n = spec->n_devices;
    /* Twice the room whenever a power of two is full; the usual ones fit at once. */
    if (n == 0 || (n >= DEVICES_USUAL && (n & (n - 1)) == 0)) {
        size_t room = n == 0 ? DEVICES_USUAL : 2 * n;
        struct spec_device *grown = reallocarray(spec->devices, room, sizeof(*grown));
        if (!grown) {
            spec_device_done(device);
            return err_nomem(seal->err);
        }
        spec->devices = grown;
    }
    spec->devices[spec->n_devices++] = *device;
    return 0;
}

static int add_usual_devices(struct seal *seal)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < SPEC_USUAL_DEVICES; i++) {
        struct spec_device device = { 0 };
        if (spec_device_fill_usual(i, &device) < 0) {
            spec_device_done(&device);
            return err_nomem(seal->err);
        }
        r = take_device(seal, &device);
    }
    return r;
}

static int add_symlinks(struct seal *seal)
{
    struct spec *spec = seal->spec;

    spec->symlinks = calloc(SPEC_USUAL_SYMLINKS, sizeof(*spec->symlinks));
    if (!spec->symlinks)
        return err_nomem(seal->err);
    for (size_t i = 0; i < SPEC_USUAL_SYMLINKS; i++) {
        if (spec_symlink_fill_usual(i, &spec->symlinks[spec->n_symlinks++]) < 0)
            return err_nomem(seal->err);
    }
    return 0;
}

/* "allow c 10:229 rw" beside the usual rules, once any device is given with less than all access. */
static int add_device_rule(struct seal *seal, const struct spec_device *device, const char *access)
{
    char rule[64];

    snprintf(rule, sizeof(rule), "allow %c %u:%u %s", device->type, device->major, device->minor,
             access);
    if (strlen(access) < 3)
        seal->device_rules = true;
    return texts_push(&seal->device_allow, rule) < 0 ? err_nomem(seal->err) : 0;
}

static int add_asked_device(struct seal *seal, const char *value)
{
    struct spec_device device;
    char access[4];
    int r = parse_device("device", seal->world, value, &device, access, seal->err);

    if (r < 0)
        return r;
    r = add_device_rule(seal, &device, access);
    if (r == 0 && seal->spec->fresh_dev)
        return take_device(seal, &device);
    if (r == 0 && strcmp(device.path, device.source) != 0)
        r = err_usage(seal->err, "--device: %s cannot be made, /dev is not the run's own here",
                      quote(device.path).text);
    spec_device_done(&device);
    return r;
}

int seal_devices(struct seal *seal)
{
    const struct texts *texts = &seal->draft->value[OPTION_device];
    int r = 0;

    if (seal->spec->fresh_dev) {
        r = add_usual_devices(seal);
        if (r == 0)
            r = add_symlinks(seal);
    }
    for (size_t i = 0; r == 0 && i < texts->n; i++)
        r = add_asked_device(seal, texts->v[i]);
    return r;
}
