/*
 * What a run makes in a --rootfs for its mounts to stand on: directories, and empty files. What was missing
 * before it is removed after it, unless something was put into it.
 *
 * Removing a directory takes away what others have mounted on it in namespaces of their own. So every run
 * holds a shared lock (flock(2)) on its root, and only who gets the exclusive one removes anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/run_private.h"
#include "sys/sys.h"

#define RESOLVE    (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define LOCK_TRIES 50 /* of 2 ms: the exclusive lock is held for a few system calls */

/* ---- what is missing ----------------------------------------------------------------------------------- */

static bool is_beneath(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    while (length > 0 && directory[length - 1] == '/')
        length--;
    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* Made in what another mount shows: nothing of the root's own. */
static bool is_in_a_mount(const struct spec *spec, const char *target)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (mount->kind != MOUNT_MASK && mount->kind != MOUNT_REMOUNT &&
            is_beneath(target, mount->target))
            return true;
    }
    return false;
}

static bool strv_has(char *const *v, const char *text)
{
    for (; v && *v; v++) {
        if (strcmp(*v, text) == 0)
            return true;
    }
    return false;
}

/*
 * 0: path is there. -ENOENT; another error: nothing will be made there. What was only in our own way, a signal
 * or the like, must not be taken for the last, since what is not noted here is not removed: so it is tried twice.
 */
static int path_look(const struct targets *targets, const char *path)
{
    int fd = sys_openat2(targets->root_fd, path, O_PATH | O_CLOEXEC, 0, RESOLVE);

    if (fd < 0 && fd != -ENOENT)
        fd = sys_openat2(targets->root_fd, path, O_PATH | O_CLOEXEC, 0, RESOLVE);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

/* Each component of target that is not there yet, the topmost first. */
static int missing_add(struct targets *targets, const char *target)
{
    char path[4096];
    size_t begin = strspn(target, "/"), end = begin;

    if (strlen(target) >= sizeof(path))
        return 0; /* nothing will be made there */
    while (target[end] != '\0') {
        end += strcspn(target + end, "/");
        snprintf(path, sizeof(path), "%.*s", (int)(end - begin), target + begin);
        int r = path_look(targets, path);
        if (r < 0 && r != -ENOENT)
            return 0;
        if (r == -ENOENT && !strv_has(targets->made, path) && strv_push(&targets->made, path) < 0)
            return -ENOMEM;
        end += strspn(target + end, "/");
    }
    return 0;
}

/* The usual case first: it is all there. */
static int target_add(struct targets *targets, const struct spec *spec, const char *target)
{
    const char *path = target + strspn(target, "/");

    if (*path == '\0' || is_in_a_mount(spec, target))
        return 0;
    return path_look(targets, path) == -ENOENT ? missing_add(targets, target) : 0;
}

static bool lock_shared(int fd)
{
    const struct timespec pause = { 0, 2000000 };

    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_SH | LOCK_NB) == 0)
            return true;
        if (errno == EOPNOTSUPP || errno == ENOLCK)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

int targets_find(struct targets *targets, const struct spec *spec, struct err *err)
{
    int r = 0;

    /* What is made in an image's root is made in what the run writes. */
    if (!spec->rootfs || spec->image)
        return 0;
    /* What is wrong with it is told by whoever makes it the root. */
    targets->root_fd = open(spec->rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (targets->root_fd < 0)
        targets->root_fd = open(spec->rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (targets->root_fd < 0)
        return 0;
    /* A file system without locks, or somebody inside who holds on to one: then all stays. */
    if (!lock_shared(targets->root_fd)) {
        targets->root_fd = fd_close(targets->root_fd);
        return 0;
    }
    for (size_t i = 0; r == 0 && i < spec->n_mounts; i++) {
        if (spec->mounts[i].make_target)
            r = target_add(targets, spec, spec->mounts[i].target);
    }
    if (r == 0 && spec->cwd)
        r = target_add(targets, spec, spec->cwd);
    return r < 0 ? err_nomem(err) : 0;
}

/* ---- on record ------------------------------------------------------------------------------------------- */

/* "root DEVICE INODE PATH" and "made PATH" ...; a path that is no line is left to this process alone. */
void targets_record(const struct targets *targets, const struct spec *spec, struct buf *ret)
{
    _cleanup_free_ char *path = NULL;
    struct stat st;

    if (!targets->made || TRY_TWICE(fstat(targets->root_fd, &st)) < 0)
        return;
    path = realpath(spec->rootfs, NULL);
    if (!path)
        path = realpath(spec->rootfs, NULL);
    if (!path || strchr(path, '\n'))
        return;
    buf_printf(ret, "root %ju %ju %s\n", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, path);
    for (char **made = targets->made; *made; made++) {
        if (!strchr(*made, '\n'))
            buf_printf(ret, "made %s\n", *made);
    }
}

/* The number that text begins with, up to a blank, which is passed over. */
static bool number_next(const char **text, uint64_t *ret)
{
    char digits[24];
    size_t len = strcspn(*text, " ");

    if ((*text)[len] != ' ' || len >= sizeof(digits))
        return false;
    memcpy(digits, *text, len);
    digits[len] = '\0';
    *text += len + 1;
    return number_parse(digits, UINT64_MAX, ret) == 0;
}

/* The root, if it is still the one that was meant. */
static int root_reopen(const char *text)
{
    uint64_t device, inode;
    struct stat st;

    if (!number_next(&text, &device) || !number_next(&text, &inode) || *text != '/')
        return -ENOENT;
    _cleanup_close_ int fd = open(text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return st.st_dev == device && st.st_ino == inode ? TAKE_FD(fd) : -ENOENT;
}

int targets_reclaim(const char *record)
{
    struct targets targets = TARGETS_INIT;
    char root[4200];
    const char *line;
    size_t len;
    int r = 0;

    if (!record_find(record, "root", root, sizeof(root)))
        return 0;
    targets.root_fd = root_reopen(root);
    if (targets.root_fd < 0)
        return targets.root_fd == -ENOENT || targets.root_fd == -ENOTDIR ? 0 : targets.root_fd;
    while (r == 0 && line_next(&record, &line, &len)) {
        _cleanup_free_ char *path = NULL;
        if (len <= strlen("made ") || strncmp(line, "made ", strlen("made ")) != 0)
            continue;
        path = strndup(line + strlen("made "), len - strlen("made "));
        r = path ? strv_push(&targets.made, path) : -ENOMEM;
    }
    targets_remove(&targets);
    return r;
}

bool targets_name(const struct targets *targets, char *ret, size_t size)
{
    struct stat st;

    if (targets->root_fd < 0 || TRY_TWICE(fstat(targets->root_fd, &st)) < 0)
        return false;
    snprintf(ret, size, "%jx-%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return true;
}

/* ---- removing --------------------------------------------------------------------------------------------- */

/*
 * Looked up anew, and never out of the root: COMMAND may have put links in the way. 0: it is gone, or others
 * have put something there; -errno.
 */
static int made_remove(int root_fd, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char parent[4096]; /* missing_add() takes none that is longer; and memory may have run out */
    struct stat st;
    int r = 0;

    snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
    _cleanup_close_ int fd =
        sys_openat2(root_fd, *parent ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE);
    if (fd < 0)
        return fd;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        r = unlinkat(fd, name, AT_REMOVEDIR);
    else if (S_ISREG(st.st_mode) && st.st_size == 0)
        r = unlinkat(fd, name, 0);
    return r < 0 && errno != ENOTEMPTY && errno != EBUSY ? -errno : 0;
}

/* Nobody comes back for it: what was in the way of one attempt (a signal, say) need not be in that of another. */
void targets_remove(struct targets *targets)
{
    int locked = targets->made ? flock(targets->root_fd, LOCK_EX | LOCK_NB) : -1;

    if (targets->made && locked < 0)
        locked = flock(targets->root_fd, LOCK_EX | LOCK_NB);
    for (size_t i = locked < 0 ? 0 : strv_length(targets->made); i > 0; i--) {
        if (made_remove(targets->root_fd, targets->made[i - 1]) < 0)
            made_remove(targets->root_fd, targets->made[i - 1]);
    }
    strv_free(targets->made);
    targets->made = NULL;
    targets->root_fd = fd_close(targets->root_fd);
}
