/*
 * What the verbs of a container ask of its groups most often, straight from the record: is it frozen, and where
 * does a further process enter. Nothing else of the groups is opened, which would take three times as long.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

/* A file in the group of a line, or its inner one; "": the directory itself. The fd or -errno. */
static int glance_open(const struct path_line *line, int root_fd, const char *file, unsigned flags)
{
    char whole[GROUP_PATH_MAX + 320 + 256];
    size_t above = strlen(line->mount_point) + 1;
    int n = snprintf(whole, sizeof(whole), "%s/%s%s%s/%s", line->mount_point, line->base,
                     *line->base ? "/" : "", line->name, file);
    const char *path = whole + above;

    /* In one step, where all goes well: whoever asks looks what file system it lies in. */
    if (root_fd < 0 && n > 0 && (size_t)n < sizeof(whole)) {
        int fd = sys_openat2(AT_FDCWD, whole, flags | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
        if (fd >= 0)
            return fd;
    }
    _cleanup_close_ int mount_fd = root_open(root_fd, line->mount_point, O_PATH | O_DIRECTORY);
    if (mount_fd < 0) /* not the group alone is gone */
        return mount_fd == -ENOENT ? -ENODEV : mount_fd;
    if (n < 0 || (size_t)n >= sizeof(whole))
        return -ENAMETOOLONG;
    return sys_openat2(mount_fd, path, flags | O_CLOEXEC, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* ---- frozen -------------------------------------------------------------------------------------------- */

static bool line_is_frozen(const struct path_line *line, int root_fd)
{
    const char *file = line->version == 2 ? "cgroup.events" : "freezer.state";
    _cleanup_close_ int fd = glance_open(line, root_fd, file, O_RDONLY);
    char text[256];
    uint64_t frozen;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n <= 0 || mount_check(fd, line->version) < 0)
        return false;
    text[n] = '\0';
    if (line->version == 2)
        return keyed_find_u64(text, "frozen", &frozen) && frozen == 1;
    return strcmp(text, "FROZEN\n") == 0;
}

bool groups_are_frozen(const char *paths, int root_fd)
{
    const char *line;
    size_t len;
    bool frozen = false;

    while (!frozen && line_next(&paths, &line, &len)) {
        struct path_line parsed;
        if (path_line_parse(line, len, &parsed) < 0)
            continue;
        if (!parsed.is_parent &&
            (parsed.version == 2 || (parsed.controllers & CONTROLLER_BIT(CONTROLLER_FREEZER))))
            frozen = line_is_frozen(&parsed, root_fd);
        path_line_done(&parsed);
    }
    return frozen;
}

/* ---- entering ------------------------------------------------------------------------------------------- */

static int way_open(const struct path_line *line, int root_fd, struct group_way *ret)
{
    bool v2 = line->version == 2;
    _cleanup_close_ int fd = glance_open(line, root_fd, v2 ? INNER_NAME : INNER_NAME "/tasks",
                                         v2 ? O_PATH | O_DIRECTORY : O_WRONLY);
    int r = fd < 0 ? fd : mount_check(fd, line->version);

    if (r < 0)
        return r;
    if (v2)
        ret->v2_fd = TAKE_FD(fd);
    else if (ret->n_tasks_fds < ARRAY_SIZE(ret->tasks_fds))
        ret->tasks_fds[ret->n_tasks_fds++] = TAKE_FD(fd);
    return 0;
}

static int way_failed(const struct path_line *line, int code, struct err *err)
{
    return err_set(err, code, "cannot open the group %.200s/%.200s%s%.200s: %s", line->mount_point,
                   line->base, *line->base ? "/" : "", line->name, err_name(code));
}

int group_way_open(const char *paths, int root_fd, struct group_way *ret, struct err *err)
{
    const char *line;
    size_t len;
    int r = 0;

    *ret = GROUP_WAY_INIT;
    while (r >= 0 && line_next(&paths, &line, &len)) {
        struct path_line parsed;
        r = path_line_parse(line, len, &parsed);
        if (r < 0) {
            r = err_set(err, -r, "the record of the groups is damaged: '%.*s'",
                        (int)(len < 100 ? len : 100), line);
            break;
        }
        if (!parsed.is_parent)
            r = way_open(&parsed, root_fd, ret);
        /* A group without processes can be removed by whoever may: nobody would be in it. */
        r = r == -ENOENT ? 0 : r < 0 ? way_failed(&parsed, -r, err) : r;
        path_line_done(&parsed);
    }
    if (r < 0)
        group_way_close(ret);
    return r;
}

void group_way_close(struct group_way *way)
{
    fd_close(way->v2_fd);
    for (size_t i = 0; i < way->n_tasks_fds; i++)
        fd_close(way->tasks_fds[i]);
    *way = GROUP_WAY_INIT;
}
