/*
 * Where on v2 we may make groups, and getting controllers there.
 *
 * v2 allows processes only in leaves once controllers are enabled for the children
 * (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint"). Where the base group
 * holds processes - a container's root, a delegated scope - they are moved into a leaf beside our
 * groups for as long as there are any, and back afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

#define MOVE_PASSES     100 /* processes fork while they are being moved */
#define RESTORE_WAIT_US 1000000u
#define LOCK_WAIT_US    2000000u /* another ration holds it for a few system calls */

static int dir_open(int dir_fd, const char *path)
{
    return sys_openat2(dir_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* A group is delegated to us when we may make groups in it, fill them, and enable controllers. */
static bool dir_is_delegated(int dir_fd)
{
    return faccessat(dir_fd, ".", W_OK, 0) == 0 &&
           faccessat(dir_fd, "cgroup.procs", W_OK, 0) == 0 &&
           faccessat(dir_fd, "cgroup.subtree_control", W_OK, 0) == 0;
}

int delegate_find_base(struct cgroups *cgroups, struct hierarchy *h)
{
    _cleanup_free_ char *path = NULL;

    (void)cgroups;
    if (!h->own_known)
        return -ENOENT;
    path = strdup(h->own);
    if (!path)
        return -ENOMEM;
    /* From the top: the longer the way down, the more of the path is left uncut. */
    for (char *p = path;; p++) {
        p = strchrnul(p, '/');
        char cut = *p;
        *p = '\0';
        _cleanup_close_ int fd = dir_open(h->root_fd, path);
        if (fd >= 0 && dir_is_delegated(fd)) {
            if (text_replace(&h->base, path) < 0)
                return -ENOMEM;
            if (h->base_fd >= 0 && h->base_fd != h->root_fd)
                fd_close(h->base_fd);
            h->base_fd = TAKE_FD(fd);
            return 0;
        }
        if (cut == '\0')
            return -ENOENT;
        *p = cut;
    }
}

/* ---- moving processes -------------------------------------------------------------------------- */

/* Write each number in text to procs_fd. Counts the moved; a process that is gone is none. */
static int procs_write(int procs_fd, const char *text, unsigned *moved)
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len)) {
        if (len == 0)
            continue;
        /* Processes outside our pid namespace read as 0 and cannot be named. */
        if (len == 1 && *line == '0')
            return -EXDEV;
        if (write(procs_fd, line, len) < 0) {
            if (errno != ESRCH)
                return -errno;
            continue;
        }
        (*moved)++;
    }
    return 0;
}

/* Move all processes of the group from_fd into the group to_fd. Returns how many, or -errno. */
static int procs_move(int from_fd, int to_fd)
{
    _cleanup_buf_ struct buf list = BUF_INIT;
    _cleanup_close_ int procs_fd = openat(to_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    unsigned moved = 0;

    if (procs_fd < 0)
        return -errno;
    for (unsigned pass = 0; pass < MOVE_PASSES; pass++) {
        int r = file_read(from_fd, "cgroup.procs", TEXT_FILE_MAX, &list);
        if (r < 0)
            return r;
        if (list.len == 0)
            return (int)moved;
        r = procs_write(procs_fd, list.data, &moved);
        if (r < 0)
            return r;
    }
    return -EBUSY;
}

static int other_group_found(void *data, const char *name)
{
    const int *dir_fd = data;
    bool mirrored;

    if (strcmp(name, SUPERVISOR_NAME) == 0)
        return 0;
    if (text_starts(name, GROUP_PREFIX))
        return 1;
    _cleanup_close_ int fd = dir_open(*dir_fd, name);
    return fd >= 0 && group_mark_read(fd, &mirrored) == 0;
}

static unsigned enabled_controllers(int dir_fd)
{
    char line[256];

    if (file_read_line(dir_fd, "cgroup.subtree_control", line, sizeof(line)) < 0)
        return 0;
    for (char *p = line; *p; p++)
        if (*p == ' ')
            *p = ',';
    return options_controllers(line);
}

int subtree_write(int dir_fd, unsigned controllers, char sign)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if (controllers & CONTROLLER_BIT(c))
            buf_printf(&text, "%s%c%s", text.len ? " " : "", sign,
                       controller_name((enum controller)c, 2));
    if (buf_error(&text) < 0)
        return -ENOMEM;
    return text.len ? file_write(dir_fd, "cgroup.subtree_control", text.data) : 0;
}

/* Anybody who may open the group can hold its lock: not to be waited for without end. */
static int level_lock(int fd)
{
    uint64_t pause_us = 100, deadline_us = clock_us(CLOCK_MONOTONIC) + LOCK_WAIT_US;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (!backoff(&pause_us, deadline_us))
            return -EBUSY;
    }
    return 0;
}

void delegate_restore(int base_fd)
{
    if (faccessat(base_fd, SUPERVISOR_NAME, F_OK, 0) < 0)
        return;
    _cleanup_close_ int base = dir_open(base_fd, ".");
    if (base < 0 || level_lock(base) < 0)
        return;
    if (dir_each_child(base, other_group_found, &base) != 0)
        return;
    /* The group held processes, so nothing was enabled in it before we came. */
    if (subtree_write(base, enabled_controllers(base), '-') < 0)
        return;
    _cleanup_close_ int leaf = dir_open(base, SUPERVISOR_NAME);
    uint64_t pause_us = 100, deadline_us = clock_us(CLOCK_MONOTONIC) + RESTORE_WAIT_US;
    /* Who is just ending, as the box may be, can be moved no more and keeps the leaf until it has. */
    while (leaf >= 0 && procs_move(leaf, base) >= 0 &&
           unlinkat(base, SUPERVISOR_NAME, AT_REMOVEDIR) < 0 && errno == EBUSY)
        if (!backoff(&pause_us, deadline_us))
            break;
}

static int restore_level(void *data, int dir_fd, const char *path)
{
    (void)data;
    (void)path;
    delegate_restore(dir_fd);
    return 0;
}

void delegate_restore_all(int root_fd, const char *base)
{
    levels_visit(root_fd, base, false, restore_level, NULL);
}

static int supervisor_move(int base, const char *path, char **ret_note, struct err *err)
{
    if (mkdirat(base, SUPERVISOR_NAME, 0755) < 0 && errno != EEXIST)
        return err_refuse(err, errno, "cannot make the group %s/" SUPERVISOR_NAME ": %m", path);
    _cleanup_close_ int leaf = dir_open(base, SUPERVISOR_NAME);
    if (leaf < 0)
        return err_refuse(err, -leaf, "cannot open the group %s/" SUPERVISOR_NAME ": %m", path);
    int moved = procs_move(base, leaf);
    if (moved == -EXDEV)
        return err_refuse(err, EBUSY,
                          "the group %s holds processes of an outer pid namespace, which cannot be "
                          "moved out of the way; start ration in a group of its own",
                          path);
    if (moved < 0)
        return err_refuse(err, -moved,
                          "cannot move the processes of the group %s into its leaf " SUPERVISOR_NAME
                          ": %m",
                          path);
    if (moved > 0 && ret_note)
        *ret_note = text_format("moved %d process%s of the group %s into %s/" SUPERVISOR_NAME
                                ", since v2 enables controllers only beside groups with processes",
                                moved, moved == 1 ? "" : "es", path, path);
    return 0;
}

/* ---- enabling ---------------------------------------------------------------------------------- */

static int enable_failed(int code, int dir_fd, unsigned controllers, const char *path,
                         struct err *err)
{
    char offered[256] = "";
    _cleanup_buf_ struct buf wanted = BUF_INIT;

    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if (controllers & CONTROLLER_BIT(c))
            buf_printf(&wanted, "%s%s", wanted.len ? " " : "",
                       controller_name((enum controller)c, 2));
    file_read_line(dir_fd, "cgroup.controllers", offered, sizeof(offered));
    const char *why = code == EBUSY                     ? "it holds processes"
                      : code == ENOENT                  ? "the group above does not hand them down"
                      : code == EACCES || code == EPERM ? "it is not delegated to us"
                      : code == EOPNOTSUPP              ? "it is in threaded mode"
                                                        : err_name(code);
    return err_refuse(err, code,
                      "cannot enable the controllers %s in %s/cgroup.subtree_control: %s; it "
                      "offers: %s",
                      buf_text(&wanted), path, why, *offered ? offered : "none");
}

static int type_check(int dir_fd, const char *path, struct err *err)
{
    char type[64];

    if (file_read_line(dir_fd, "cgroup.type", type, sizeof(type)) < 0 || !strcmp(type, "domain"))
        return 0;
    return err_refuse(err, EOPNOTSUPP,
                      "the group %s is of type '%s', which cannot hold groups with limits on "
                      "memory; choose another one with --cgroup-parent",
                      path, type);
}

struct level {
    const char *path; /* relative to the visible root */
    bool real_root;
    bool top; /* ours to begin at: its processes may be moved into a leaf */
};

/* Does the group hold processes? Only then is a leaf needed. */
static bool level_has_processes(int dir_fd)
{
    char line[32];
    ssize_t n = file_read_line(dir_fd, "cgroup.procs", line, sizeof(line));

    return n > 0 || n == -EFBIG; /* more than fits: many */
}

/*
 * Who lives in a group of somebody else's making is left there. The kernel would take "+cpu +pids" all the
 * same, and make groups beneath that nobody can enter.
 */
static int level_clear(int fd, const struct level *level, const char *path, char **ret_note,
                       struct err *err)
{
    int r = type_check(fd, path, err);

    if (r < 0 || !level_has_processes(fd))
        return r;
    if (level->top)
        return supervisor_move(fd, path, ret_note, err);
    return err_refuse(
        err, EBUSY,
        "the group %s holds processes, beside which v2 enables no controllers for groups "
        "beneath it; choose a group without processes",
        path);
}

static int level_enable(const struct hierarchy *h, const struct level *level, unsigned controllers,
                        char **ret_note, int *ret_lock, struct err *err)
{
    char path[512];
    _cleanup_close_ int fd = dir_open(h->root_fd, level->path);

    hierarchy_path(h, level->path, "", path, sizeof(path));
    if (fd < 0)
        return err_refuse(err, -fd, "cannot open the group %s: %m", path);
    int locked = level->real_root ? 0 : level_lock(fd);
    if (locked < 0)
        return err_set(err, -locked, "cannot lock the group %s: %s%s", path, err_name(-locked),
                       locked == -EBUSY ? "; another process holds its lock (flock)" : "");
    unsigned missing = controllers & ~enabled_controllers(fd);
    if (missing && !level->real_root) {
        int r = level_clear(fd, level, path, ret_note, err);
        if (r < 0) {
            flock(fd, LOCK_UN);
            delegate_restore(fd);
            return r;
        }
    }
    int r = missing ? subtree_write(fd, missing, '+') : 0;
    if (r < 0) {
        r = enable_failed(-r, fd, missing, path, err);
        flock(fd, LOCK_UN);
        delegate_restore(fd);
        return r;
    }
    if (!level->real_root) {
        fd_close(*ret_lock);
        *ret_lock = TAKE_FD(fd);
    }
    return 0;
}

int delegate_enable(const struct cgroups *cgroups, const struct hierarchy *h, unsigned controllers,
                    char **ret_note, int *ret_lock, struct err *err)
{
    char path[1024];
    bool real = hierarchy_root_is_real(cgroups, h);

    /* What lies above a delegated group is not ours to change. */
    for (size_t n = h->top; path_prefix(h->base, n, path, sizeof(path)); n++) {
        struct level level = { path, real && *path == '\0', n == h->top };
        int r = level_enable(h, &level, controllers, ret_note, ret_lock, err);
        if (r < 0)
            return r;
    }
    return 0;
}
