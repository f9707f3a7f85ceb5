/* Removing volumes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/spawn.h"
#include "volume/volume_private.h"

int volume_delete(const struct volumes *volumes, const char *name)
{
    _cleanup_free_ char *gone = text_format(".gone-%s", name);

    if (!gone)
        return -ENOMEM;
    /* From then on it is nobody's, and what stays of it goes with the next call. */
    if (name[0] != '.' && renameat(volumes->dir_fd, name, volumes->dir_fd, gone) < 0)
        return -errno;
    return spawn_remove_tree(volumes->world, volumes->dir_fd, name[0] == '.' ? name : gone);
}

/* 0: nobody has it; the fd holds it for us. -EBUSY with err set. */
static int volume_claim(const struct volumes *volumes, const char *name, const char *except,
                        int *ret_fd, struct err *err)
{
    _cleanup_close_ int fd = volume_open(volumes, name, LOCK_EX | LOCK_NB);
    char user[NAME_MAX + 1];

    if (fd == -EWOULDBLOCK)
        return err_set(err, EBUSY, "the volume %s is in use by a run", name);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return err_set(err, ENOENT, "there is no volume %s", name);
    int r = fd < 0 ? fd : volume_user(volumes, fd, except, user, sizeof(user));
    if (r < 0)
        return err_set(err, -r, "cannot open the volume %s: %s", name, err_name(-r));
    if (user[0])
        return err_set(err, EBUSY, "the volume %s belongs to the container %.12s", name, user);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int remove_locked(const struct volumes *volumes, const char *name, const char *except,
                         struct err *err)
{
    _cleanup_close_ int fd = -1;
    int r = volume_claim(volumes, name, except, &fd, err);

    if (r < 0)
        return r;
    r = volume_delete(volumes, name);
    return r < 0 ? err_set(err, -r, "cannot remove the volume %s: %s", name, err_name(-r)) : 0;
}

int volume_remove(const struct volume_place *place, const char *name, bool force, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    int r = volume_check_name(name, err);

    if (r == 0)
        r = volumes_open(place, false, &volumes, err);
    if (r == 0)
        r = remove_locked(&volumes, name, NULL, err);
    else if (r == -ENOENT)
        r = err_set(err, ENOENT, "there is no volume %s", name);
    return r == -ENOENT && force ? 0 : r;
}

/* ---- a container that goes ---------------------------------------------------------------------------------- */

/*
 * Off its list, unless it goes: then the list goes with it, so that whoever is killed in between leaves somebody on it
 * for whom the next call does the same again.
 */
static int forget_one(const struct volumes *volumes, const char *name, const char *id,
                      bool anonymous, struct err *err)
{
    _cleanup_close_ int fd =
        openat(volumes->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_close_ int used_fd =
        fd < 0 ? -1 : openat(fd, "used", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (used_fd < 0 || faccessat(used_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (anonymous && volume_is_anonymous(fd)) {
        int r = remove_locked(volumes, name, id, err);
        if (r != -EBUSY)
            return r;
    }
    unlinkat(used_fd, id, 0);
    return 0;
}

int volume_forget(const struct volume_place *place, const char *id, bool anonymous, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    _cleanup_(strv_freep) char **names = NULL;
    int r = volumes_open(place, false, &volumes, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    names = names_list(volumes.dir_fd);
    if (!names)
        return err_nomem(err);
    for (char **name = names; *name; name++) {
        if ((*name)[0] == '.')
            continue;
        int one = forget_one(&volumes, *name, id, anonymous, r == 0 ? err : NULL);
        r = r == 0 ? one : r;
    }
    return r;
}

/* ---- prune ---------------------------------------------------------------------------------------------------- */

struct prune {
    bool all;
    void (*fn)(void *data, const char *name);
    void *data;
};

static int prune_one(const struct volumes *volumes, struct prune *prune, const char *name,
                     struct err *err)
{
    _cleanup_close_ int fd = -1;
    int r = volume_claim(volumes, name, NULL, &fd, NULL);

    if (r < 0 || !(prune->all || volume_is_anonymous(fd)))
        return 0; /* somebody has it */
    r = volume_delete(volumes, name);
    if (r < 0)
        return err_set(err, -r, "cannot remove the volume %s: %s", name, err_name(-r));
    if (prune->fn)
        prune->fn(prune->data, name);
    return 0;
}

int volume_prune(const struct volume_place *place, bool all,
                 void (*fn)(void *data, const char *name), void *data, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    _cleanup_(strv_freep) char **names = NULL;
    struct prune prune = { .all = all, .fn = fn, .data = data };
    int r = volumes_open(place, false, &volumes, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    names = names_list(volumes.dir_fd);
    if (!names)
        return err_nomem(err);
    for (char **name = names; r == 0 && *name; name++) {
        if ((*name)[0] != '.')
            r = prune_one(&volumes, &prune, *name, err);
    }
    return r;
}
