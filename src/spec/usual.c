/* The device nodes and links that every fresh /dev has. */
#include <errno.h>
#include <string.h>

#include "spec/spec.h"

/* Minor and major as in the kernel's Documentation/admin-guide/devices.txt. */
const struct spec_usual_device spec_usual_devices[SPEC_USUAL_DEVICES] = {
    { "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
    { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

const struct spec_usual_symlink spec_usual_symlinks[SPEC_USUAL_SYMLINKS] = {
    { "/dev/fd", "/proc/self/fd" },       { "/dev/stdin", "/proc/self/fd/0" },
    { "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
    { "/dev/ptmx", "pts/ptmx" },
};

int spec_device_fill_usual(size_t index, struct spec_device *device)
{
    const struct spec_usual_device *row = &spec_usual_devices[index];

    device->type = 'c';
    device->major = row->major;
    device->minor = row->minor;
    device->mode = 0666;
    device->path = strdup(row->path);
    device->source = strdup(row->path);
    return device->path && device->source ? 0 : -ENOMEM;
}

int spec_symlink_fill_usual(size_t index, struct spec_symlink *link)
{
    const struct spec_usual_symlink *row = &spec_usual_symlinks[index];

    link->path = strdup(row->path);
    link->target = strdup(row->target);
    return link->path && link->target ? 0 : -ENOMEM;
}
