/* The directory of what a run writes to an image's root. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/root.h"

/* The root directory that the run sees is this one: it looks like the layer's that it hides. */
static int upper_make(const char *upper, const char *lower)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (stat(lower, &st) < 0)
        return -errno;
    if (mkdir(upper, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    fd = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Without root the owner is another's number, which the run's user namespace has for its own. */
    if (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
        return -errno;
    return fchmod(fd, st.st_mode & 07777) < 0 ? -errno : 0;
}

/* As strict as sealing: what is not a size was refused when it was set. */
static bool is_in_memory(const struct draft *draft)
{
    return spec_get(draft, "storage-opt") != NULL;
}

int root_add_layer(const char *directory, bool throw_away, struct draft *draft, struct err *err)
{
    const struct spec_image *image = spec_get_image(draft);
    _cleanup_free_ char *upper = text_format("%s/upper", directory);
    _cleanup_free_ char *work = text_format("%s/work", directory);
    struct spec_overlay overlay = { .throw_away = throw_away };
    int r;

    if (!upper || !work)
        return err_nomem(err);
    if (!image || !image->layers || !image->layers[0])
        return err_set(err, EINVAL, "the image has no layers");
    if (is_in_memory(draft))
        return spec_set_overlay(draft, &overlay, err);
    r = upper_make(upper, image->layers[0]);
    if (r == 0 && mkdir(work, 0700) < 0 && errno != EEXIST)
        r = -errno;
    if (r < 0)
        return err_set(err, -r, "cannot make %s for what the run writes: %s", upper, err_name(-r));
    overlay.upper = upper;
    overlay.work = work;
    return spec_set_overlay(draft, &overlay, err);
}
