/* The volumes of a run: named, made, held. */
#include <errno.h>
#include <string.h>

#include "root/root.h"
#include "root/root_private.h"
#include "volume/volume.h"

void root_volumes_done(struct root_volumes *volumes)
{
    for (size_t i = 0; i < volumes->n; i++)
        fd_close(volumes->fds[i]);
    free(volumes->fds);
    *volumes = (struct root_volumes){ 0 };
}

static bool is_among(char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

static int hold(const struct volume_place *place, const char *id, char *const *names,
                char *const *anonymous, struct root_volumes *ret, struct err *err)
{
    size_t n = names ? strv_length(names) : 0;

    if (n == 0)
        return 0;
    ret->fds = calloc(n, sizeof(*ret->fds));
    if (!ret->fds)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        int r = volume_create(place, names[i], NULL, is_among(anonymous, names[i]), id, err);
        int fd = r < 0 ? r : volume_use(place, names[i], id, err);
        if (fd < 0)
            return fd;
        ret->fds[ret->n++] = fd;
    }
    return 0;
}

int root_use_volumes(const struct volume_place *place, const char *id, struct draft *draft,
                     struct root_volumes *ret, struct err *err)
{
    _cleanup_(strv_freep) char **anonymous = NULL, **names = NULL;
    struct root_volumes volumes = { 0 };
    int r = spec_name_volumes(draft, root_random_name, NULL, &anonymous, err);

    if (r == 0)
        r = spec_volumes(draft, &names, err);
    if (r == 0)
        r = hold(place, id, names, anonymous, &volumes, err);
    if (r < 0) {
        /* What was made for nobody goes again. */
        root_volumes_done(&volumes);
        for (char **name = anonymous; name && *name; name++)
            volume_remove(place, *name, true, NULL);
        return r;
    }
    *ret = volumes;
    return 0;
}
