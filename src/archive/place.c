/* Where entries go: names cleaned, and the directories above them kept open. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_private.h"
#include "sys/sys.h"

#define BENEATH (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* ---- names -------------------------------------------------------------------------------------------- */

int place_clean(const char *path, unsigned depth_max, char **ret, struct err *err)
{
    struct buf clean = BUF_INIT;
    unsigned depth = 0;

    if (strlen(path) > PATH_LENGTH_MAX)
        return err_refuse(err, ENAMETOOLONG, "the name \"%.60s...\" in it is longer than %d bytes",
                          path, PATH_LENGTH_MAX);
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/");
        if (n == 2 && at[0] == '.' && at[1] == '.') {
            buf_done(&clean);
            return err_refuse(err, EPERM, "the name \"%.150s\" in it leads upwards", path);
        }
        if (n > 0 && !(n == 1 && *at == '.')) {
            buf_printf(&clean, "%s%.*s", clean.len ? "/" : "", (int)n, at);
            depth++;
        }
        at += n;
        at += *at == '/';
    }
    if (depth > depth_max + 1) {
        buf_done(&clean);
        return err_refuse(err, E2BIG,
                          "\"%.60s...\" in it lies %u directories deep, at most %u are taken", path,
                          depth - 1, depth_max);
    }
    *ret = clean.len || !clean.failed ? buf_take(&clean) : NULL;
    if (!*ret && depth == 0)
        *ret = strdup("");
    return *ret ? 0 : err_nomem(err);
}

/* ---- directories ----------------------------------------------------------------------------------------- */

void place_forget(struct place *place)
{
    while (place->n > 0) {
        place->n--;
        fd_close(place->levels[place->n].fd);
        free(place->levels[place->n].name);
    }
}

void place_done(struct place *place)
{
    place_forget(place);
    free(place->levels);
    place->levels = NULL;
    place->room = 0;
}

static int push_level(struct place *place, const char *name, size_t len, int fd)
{
    char *copy = strndup(name, len);

    if (copy && place->n == place->room) {
        size_t room = place->room ? 2 * place->room : 32;
        struct place_level *grown = reallocarray(place->levels, room, sizeof(*grown));
        if (grown) {
            place->levels = grown;
            place->room = room;
        }
    }
    if (!copy || place->n == place->room) {
        free(copy);
        fd_close(fd);
        return -ENOMEM;
    }
    place->levels[place->n++] = (struct place_level){ .name = copy, .fd = fd };
    return 0;
}

/* How many of path's directories are open already; *path moves behind them, the others are closed. */
static void keep_common(struct place *place, const char **path)
{
    size_t common = 0;

    for (; common < place->n; common++) {
        size_t n = strlen(place->levels[common].name);
        if (strncmp(*path, place->levels[common].name, n) != 0 || (*path)[n] != '/')
            break;
        *path += n + 1;
    }
    while (place->n > common) {
        place->n--;
        fd_close(place->levels[place->n].fd);
        free(place->levels[place->n].name);
    }
}

/*
 * One that no entry was there for. As in a container's own file system, it is user 0's; what stands below in
 * another layer shows through but for its attributes.
 */
static int make_missing(struct place *place, int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0755) < 0)
        return -errno;
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !place->how->keep_owner &&
        fchown(fd, place->how->owner_uid, place->how->owner_gid) < 0)
        fd = fd_close(fd);
    return fd < 0 ? -errno : fd;
}

/* Of a whiteout's place: what lay below it must not show through. */
static int replace_whiteout(struct place *place, int dir_fd, const char *name)
{
    struct stat st;

    if (place->how->form != LAYER_OVERLAY || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISCHR(st.st_mode) || st.st_rdev != 0)
        return -ENOTDIR;
    if (unlinkat(dir_fd, name, 0) < 0)
        return -errno;
    int fd = make_missing(place, dir_fd, name);
    if (fd >= 0)
        directory_set_opaque(fd, place->how->rootless);
    return fd;
}

/* The directory name, a string of its own, in dir_fd; so_far is the whole path down to it. */
static int open_level(struct place *place, int dir_fd, const char *name, const char *so_far)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno == ENOENT)
        return make_missing(place, dir_fd, name);
    if (errno != ENOTDIR && errno != ELOOP)
        return -errno;
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        return sys_openat2(place->root_fd, so_far, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, BENEATH);
    return replace_whiteout(place, dir_fd, name);
}

int place_parent(struct place *place, const char *path, int *ret_fd, const char **ret_name,
                 struct err *err)
{
    const char *at = path;

    keep_common(place, &at);
    for (const char *slash; (slash = strchr(at, '/')); at = slash + 1) {
        int above = place->n ? place->levels[place->n - 1].fd : place->root_fd;
        _cleanup_free_ char *name = strndup(at, (size_t)(slash - at));
        _cleanup_free_ char *so_far = strndup(path, (size_t)(slash - path));
        if (!name || !so_far)
            return err_nomem(err);
        int fd = open_level(place, above, name, so_far);
        if (fd < 0)
            return err_set(err, -fd,
                           "\"%.200s\" in it cannot be made, since \"%.100s\" is no directory: %s",
                           path, so_far, err_name(-fd));
        if (push_level(place, name, strlen(name), fd) < 0)
            return err_nomem(err);
    }
    *ret_fd = place->n ? place->levels[place->n - 1].fd : place->root_fd;
    *ret_name = at;
    return 0;
}
