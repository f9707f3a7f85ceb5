/*
 * The groups above the limit group, by --cgroup-parent or by a given path: made when they are missing, and
 * removed again by whichever run is the last to leave. What we made carries a mark of its own (an extended
 * attribute), so that nothing else is ever removed, whichever run looks and whatever became of the one that
 * made it. Likewise a limit group whose name was given to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

bool path_prefix(const char *path, size_t n, char *ret, size_t size)
{
    const char *end = path;

    for (size_t i = 0; i < n; i++) {
        if (*end == '\0')
            return false;
        end = strchrnul(end + (i > 0), '/');
    }
    snprintf(ret, size, "%.*s", (int)(end - path), path);
    return true;
}

/* "user." works on v2 without privileges, "trusted." everywhere for root. */
static const char *const made_table[] = { "trusted.ration.made", "user.ration.made" };
static const char *const group_table[] = { "trusted.ration.group", "user.ration.group" };

static int level_open(int root_fd, const char *path)
{
    return sys_openat2(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Tables are of the two names. */
static int mark_set(int fd, const char *const table[static 2], const char *value)
{
    for (size_t i = 0; i < 2; i++)
        if (fsetxattr(fd, table[i], value, strlen(value), 0) == 0)
            return 0;
    return -errno;
}

/*
 * The mark's first letter, or -errno. What cannot be read for a moment is asked for again: without its mark a
 * group of ours would be taken for somebody else's, and left.
 */
static int mark_get(int fd, const char *const table[static 2])
{
    char value[8];

    for (size_t i = 0; i < 2; i++) {
        ssize_t n = fgetxattr(fd, table[i], value, sizeof(value));
        if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
            n = fgetxattr(fd, table[i], value, sizeof(value));
        if (n > 0)
            return *value;
    }
    return -errno;
}

int group_mark(int fd, bool mirrored)
{
    return mark_set(fd, group_table, mirrored ? "2" : "1");
}

int group_mark_read(int fd, bool *ret_mirrored)
{
    int value = mark_get(fd, group_table);

    *ret_mirrored = value == '2';
    return value < 0 ? value : 0;
}

/* A new v1 cpuset group is empty and lets nobody in: it gets what the group above has. */
static void cpuset_seed(int parent_fd, int fd)
{
    static const char *const file_table[] = { "cpuset.cpus", "cpuset.mems" };
    char text[1024];

    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++) {
        if (file_read_line(fd, file_table[i], text, sizeof(text)) > 0)
            continue;
        if (file_read_line(parent_fd, file_table[i], text, sizeof(text)) > 0)
            file_write(fd, file_table[i], text);
    }
}

/* Make one level, name beneath parent_fd, unless it is there. Returns its fd or -errno. */
static int level_make(const struct hierarchy *h, int parent_fd, const char *name)
{
    bool made = mkdirat(parent_fd, name, 0755) == 0;

    if (!made && errno != EEXIST)
        return -errno;
    int fd = level_open(parent_fd, name);
    if (fd < 0 && made) /* what cannot be marked would never be known for ours */
        unlinkat(parent_fd, name, AT_REMOVEDIR);
    if (fd >= 0 && made)
        mark_set(fd, made_table, "1");
    /* Others may have left one that they made empty, which would admit nobody either. */
    if (fd >= 0 && h->version == 1 && (h->controllers & CONTROLLER_BIT(CONTROLLER_CPUSET)))
        cpuset_seed(parent_fd, fd);
    return fd;
}

int base_open_nearest(const struct hierarchy *h)
{
    char path[1024];
    size_t n = 0;

    if (h->base_fd >= 0)
        return level_open(h->base_fd, ".");
    while (path_prefix(h->base, n + 1, path, sizeof(path)))
        n++;
    for (;; n--) {
        path_prefix(h->base, n, path, sizeof(path));
        int fd = level_open(h->root_fd, *path ? path : ".");
        if (fd != -ENOENT || n == 0)
            return fd;
    }
}

int base_make(const struct cgroups *cgroups, struct hierarchy *h, struct err *err)
{
    char path[1024], name[GROUP_NAME_MAX + 1];
    bool seeding =
        cgroups->leaf && h->version == 1 && (h->controllers & CONTROLLER_BIT(CONTROLLER_CPUSET));
    int fd = -1, r = 0;

    if (h->base_fd >= 0 && (!seeding || h->base_fd == h->root_fd))
        return 0;
    for (const char *p = h->base; *p;) {
        size_t n = (size_t)(strchrnul(p, '/') - p);
        snprintf(name, sizeof(name), "%.*s", (int)n, p);
        r = level_make(h, fd < 0 ? h->root_fd : fd, name);
        fd_close(fd);
        fd = r;
        if (r < 0)
            break;
        p += n + (p[n] == '/');
    }
    if (fd < 0) {
        hierarchy_path(h, h->base, "", path, sizeof(path));
        base_unmake(h->root_fd, h->base);
        return err_refuse(err, -r, "%scannot make the group %s: %m",
                          cgroups->leaf ? "" : "--cgroup-parent: ", path);
    }
    fd_close(h->base_fd);
    h->base_fd = fd;
    return 0;
}

static int level_try_remove(int root_fd, const char *path, bool marked_only)
{
    char parent[1024];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    int r = 0;

    if (n >= sizeof(parent))
        return -ENAMETOOLONG;
    memcpy(parent, path, n);
    parent[n] = '\0';
    if (marked_only) {
        _cleanup_close_ int fd = level_open(root_fd, path);
        if (fd < 0)
            return fd;
        if (mark_get(fd, made_table) < 0)
            return -EPERM;
    }
    int parent_fd = slash ? level_open(root_fd, parent) : root_fd;
    if (parent_fd < 0)
        return parent_fd;
    if (unlinkat(parent_fd, slash ? slash + 1 : path, AT_REMOVEDIR) < 0)
        r = -errno;
    if (slash)
        fd_close(parent_fd);
    return r;
}

/*
 * Whether an empty group above goes is nobody's failure, so nobody would try again: one call that fails for
 * a moment (no descriptor, a signal) must not leave it.
 */
int level_remove(int root_fd, const char *path, bool marked_only)
{
    int r = level_try_remove(root_fd, path, marked_only);

    if (r < 0 && r != -ENOENT && r != -ENOTEMPTY && r != -EBUSY)
        r = level_try_remove(root_fd, path, marked_only);
    return r;
}

void base_unmake(int root_fd, const char *base)
{
    char path[1024];

    if (snprintf(path, sizeof(path), "%s", base) >= (int)sizeof(path))
        return;
    for (char *slash = path; slash; *slash = '\0') {
        int r = level_remove(root_fd, path, true);
        /* One that is gone already says nothing about those above it. */
        if (r < 0 && r != -ENOENT)
            return;
        slash = strrchr(path, '/');
        if (!slash)
            return;
    }
}
