/*
 * Where something is mounted. A target's path may be the work of whoever made the root: it is looked up
 * beneath the root's fd, links inside it lead back to that root, and procfs's links to open files lead
 * nowhere. What was found is used by fd; no path is looked at twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

#define FD_FEW        128
#define LINKS_MAX     40 /* as many as the kernel follows */
#define PLACE_RESOLVE (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define BASE_RESOLVE  (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)

/* ---- bases -------------------------------------------------------------------------------------------- */

/* What follows directory in path: "pts" for "/dev/pts" and "/dev", "" for the same; else NULL. */
static const char *path_beneath(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    while (length > 0 && directory[length - 1] == '/')
        length--;
    if (strncmp(path, directory, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    path += length;
    return path + strspn(path, "/");
}

/* A path that climbs is nothing to compare as text. */
static bool path_climbs(const char *path)
{
    for (const char *dots = strstr(path, ".."); dots; dots = strstr(dots + 1, "..")) {
        if ((dots == path || dots[-1] == '/') && (dots[2] == '/' || dots[2] == '\0'))
            return true;
    }
    return false;
}

/* In procfs a process's own directory holds links to all that it has open. */
static bool is_certain(const char *rest)
{
    return !text_starts(rest, "self") && !text_starts(rest, "thread-self") &&
           !(rest[0] >= '0' && rest[0] <= '9');
}

const struct base *place_base(const struct launch *launch, const char *target)
{
    for (size_t i = launch->n_bases; i > 0; i--) {
        if (strcmp(launch->bases[i - 1].target, target) == 0)
            return &launch->bases[i - 1];
    }
    return NULL;
}

static const struct base *base_find(const struct launch *launch, const char *target,
                                    const char **ret_rest)
{
    if (launch->n_bases > 0 && path_climbs(target))
        return NULL;
    for (size_t i = launch->n_bases; i > 0; i--) {
        const char *rest = path_beneath(target, launch->bases[i - 1].target);

        if (rest && rest[0] != '\0') {
            *ret_rest = rest;
            return &launch->bases[i - 1];
        }
    }
    return NULL;
}

void place_add_base(struct launch *launch, const struct spec_mount *mount, int fd, bool direct)
{
    if (launch->n_bases < ARRAY_SIZE(launch->bases))
        launch->bases[launch->n_bases++] =
            (struct base){ mount->target, fd, mount->attr_set, direct };
}

void place_covered(struct launch *launch, const char *target)
{
    size_t kept = 0;

    for (size_t i = 0; i < launch->n_bases; i++) {
        struct base base = launch->bases[i];

        if (path_beneath(base.target, target))
            continue;
        /* Names beneath it may now lead into what was mounted there. */
        if (path_beneath(target, base.target))
            base.direct = false;
        launch->bases[kept++] = base;
    }
    launch->n_bases = kept;
}

/* ---- making ---------------------------------------------------------------------------------------------- */

/* The last component of path in parent_fd, and an fd of it. */
static int component_make(int parent_fd, const char *name, bool file)
{
    int fd;

    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return -EINVAL;
    if (file) {
        fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
            return -errno;
        close(fd);
    } else if (mkdirat(parent_fd, name, 0755) < 0) {
        return -errno;
    }
    fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * A link at path's part from begin to end that leads to what is not there yet: path becomes the one that it
 * stands for, to be looked up from the start.
 */
static int link_follow(int parent_fd, char path[static PATH_MAX], size_t begin, size_t end)
{
    char name[PATH_MAX], made[PATH_MAX];
    ssize_t n;
    int length;

    memcpy(name, path + begin, end - begin);
    name[end - begin] = '\0';
    n = readlinkat(parent_fd, name, made, sizeof(made) - 1);
    if (n <= 0)
        return -EEXIST;
    made[n] = '\0';
    memcpy(name, made, (size_t)n + 1);
    length = snprintf(made, sizeof(made), "%.*s%s%s", name[0] == '/' ? 0 : (int)begin, path,
                      name + strspn(name, "/"), path + end);
    if (length < 0 || (size_t)length >= sizeof(made))
        return -ENAMETOOLONG;
    memcpy(path, made, (size_t)length + 1);
    return 0;
}

/* One part further: what is at path up to end, made when it is missing. */
static int part_make(int root_fd, int parent_fd, char *path, size_t begin, size_t end,
                     uint64_t resolve, bool file)
{
    char after = path[end];
    int fd;

    path[end] = '\0';
    fd = sys_openat2(root_fd, path, O_PATH | O_CLOEXEC, 0, resolve);
    if (fd == -ENOENT)
        fd = component_make(parent_fd, path + begin, file);
    path[end] = after;
    return fd;
}

/*
 * Walk path (without leading '/'), making what is missing, also at the end of so many links. The last fd, or
 * -errno.
 */
static int path_make(int root_fd, const char *wanted, uint64_t resolve, bool file, int links)
{
    char path[PATH_MAX];
    size_t length = strlen(wanted), begin = 0;
    int parent_fd = root_fd;

    while (length > 0 && wanted[length - 1] == '/')
        length--;
    if (length >= sizeof(path))
        return -ENAMETOOLONG;
    memcpy(path, wanted, length);
    path[length] = '\0';
    while (path[begin]) {
        size_t end = begin + strcspn(path + begin, "/");
        int fd = part_make(root_fd, parent_fd, path, begin, end, resolve, !path[end] && file);
        bool again = fd == -EEXIST && links-- > 0;

        if (again)
            fd = link_follow(parent_fd, path, begin, end);
        if (parent_fd != root_fd)
            close(parent_fd);
        if (fd < 0)
            return fd;
        parent_fd = again ? root_fd : fd;
        begin = again ? 0 : end + strspn(path + end, "/");
    }
    return parent_fd;
}

/* ---- finding ---------------------------------------------------------------------------------------------- */

static int place_error(const char *target, int code, unsigned flags, struct err *err)
{
    if (code == ELOOP && (flags & PLACE_REAL))
        return err_refuse(
            err, code,
            "--rootfs: %s in the root is a symbolic link (or reached by one), and only "
            "a real directory can have a file system of the kernel on it",
            target);
    if (code == EACCES || code == EPERM || code == EROFS)
        return err_refuse(err, code, "cannot make %s in the root to mount on it: %s", target,
                          err_name(code));
    if (code == EEXIST)
        return err_refuse(err, code, "%s in the root is a symbolic link that leads nowhere",
                          target);
    return err_set(err, code, "cannot open %s in the root to mount on it: %s", target,
                   err_name(code));
}

int place_find(struct launch *launch, const char *target, unsigned flags, struct place *ret,
               struct err *err)
{
    const char *path = target + strspn(target, "/");
    const struct base *base = base_find(launch, target, &path);
    int from_fd = base ? base->fd : launch->root_fd;
    uint64_t resolve = base ? BASE_RESOLVE : PLACE_RESOLVE;
    bool make = (flags & (PLACE_MAKE_DIR | PLACE_MAKE_FILE)) != 0;
    int fd;

    *ret = (struct place){ .fd = from_fd, .name = path, .attr = base ? base->attr : 0 };
    if (path[0] == '\0' || (base && base->direct && is_certain(path)))
        return 0;
    /* A directory that we have just made in our own /dev needs no second look. */
    if (base && (flags & PLACE_MAKE_DIR) && !strchr(path, '/') &&
        mkdirat(from_fd, path, 0755) == 0) {
        ret->made = true;
        return 0;
    }
    if (flags & PLACE_REAL)
        resolve |= RESOLVE_NO_SYMLINKS;
    fd = sys_openat2(from_fd, path, O_PATH | O_CLOEXEC, 0, resolve);
    if (fd == -ELOOP && base) /* a link in our own /dev: from the top, then */
        fd = sys_openat2(launch->root_fd, target, O_PATH | O_CLOEXEC, 0, PLACE_RESOLVE);
    bool made = fd == -ENOENT && make;
    if (made)
        fd = path_make(from_fd, path, resolve, (flags & PLACE_MAKE_FILE) != 0,
                       launch->spec->document ? LINKS_MAX : 0);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return fd; /* for the caller to judge */
    if (fd < 0)
        return place_error(target, -fd, flags, err);
    *ret = (struct place){ .fd = fd, .name = "", .owned = true, .made = made };
    return 0;
}

/* The box closes all of its fds at once; but for the first few, that is too late to count on. */
void place_done(struct place *place)
{
    if (place->owned && place->fd > FD_FEW)
        close(place->fd);
    *place = (struct place){ .fd = -1, .name = "" };
}

int place_attach(const struct place *place, int tree_fd)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH;

    if (place->name[0] == '\0')
        flags |= MOVE_MOUNT_T_EMPTY_PATH;
    return sys_move_mount(tree_fd, "", place->fd, place->name, flags);
}

int place_bind(struct launch *launch, const struct place *place, unsigned long flags)
{
    if (launch->here_fd != place->fd && fchdir(place->fd) < 0)
        return -errno;
    launch->here_fd = place->owned ? -1 : place->fd;
    return mount(place->name, place->name, NULL, flags, NULL) < 0 ? -errno : 0;
}

/*
 * The old call does not mount a file system where that very one is mounted, as the groups are where the
 * host's /sys is kept; the new ones do. The flags that can be asked for have the same bits in both.
 */
static int place_mount_again(const struct place *place, const char *fstype, const char *source,
                             unsigned long flags, const char *data)
{
    int tree_fd = fs_make(fstype, source, data, flags, NULL);

    if (tree_fd < 0)
        return tree_fd;
    int r = place_attach(place, tree_fd);
    close(tree_fd);
    return r;
}

/*
 * The old call is one where the new ones are five and more, and "." or a name in it is as certain as an
 * fd: both are looked up from the current directory, which is the fd.
 */
int place_mount(struct launch *launch, const struct place *place, const char *fstype,
                const char *source, unsigned long flags, const char *data)
{
    source = source ? source : fstype;
    if (launch->here_fd != place->fd && fchdir(place->fd) < 0)
        return -errno;
    launch->here_fd = place->owned ? -1 : place->fd;
    if (mount(source, place->name[0] ? place->name : ".", fstype, flags, data) == 0)
        return 0;
    return errno == EBUSY ? place_mount_again(place, fstype, source, flags, data) : -errno;
}
