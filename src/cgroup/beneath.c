/* Groups that COMMAND has made beneath its own, for whoever is to enter them; and giving it its own. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* ---- entering ---------------------------------------------------------------------------------- */

/* What is asked for in the hierarchy with these controllers; "": nothing. */
static const char *path_in(const char *cgroup, unsigned controllers)
{
    const char *colon = strchr(cgroup, ':');
    char list[256];

    if (!colon)
        return cgroup;
    if ((size_t)(colon - cgroup) >= sizeof(list))
        return "";
    memcpy(list, cgroup, (size_t)(colon - cgroup));
    list[colon - cgroup] = '\0';
    return options_controllers(list) & controllers ? colon + 1 : "";
}

static int way_open(const struct path_line *line, const char *cgroup, struct group_way *ret,
                    struct err *err)
{
    const char *beneath = path_in(cgroup, line->controllers);
    bool unified = line->version == 2;

    beneath += strspn(beneath, "/");
    _cleanup_free_ char *inner =
        text_format("%s%s%s/" INNER_NAME, line->base, *line->base ? "/" : "", line->name);
    _cleanup_free_ char *path =
        text_format("%s%s", *beneath ? beneath : ".", unified ? "" : "/tasks");
    if (!inner || !path)
        return err_nomem(err);
    _cleanup_close_ int mount_fd = root_open(-1, line->mount_point, O_PATH | O_DIRECTORY);
    int fd = mount_fd < 0 ? mount_fd : mount_check(mount_fd, line->version);
    _cleanup_close_ int inner_fd =
        fd < 0 ? fd : sys_openat2(mount_fd, inner, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, BENEATH);
    fd = inner_fd;
    if (inner_fd >= 0)
        fd = sys_openat2(inner_fd, path,
                         unified ? O_PATH | O_DIRECTORY | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0,
                         BENEATH);
    if (fd < 0)
        return err_set(err, -fd, "--cgroup %s: cannot open %s of %s/%s: %s", cgroup, path,
                       line->mount_point, inner, err_name(-fd));
    if (unified)
        ret->v2_fd = fd;
    else
        ret->tasks_fds[ret->n_tasks_fds++] = fd;
    return 0;
}

int group_open_beneath(const char *paths, const char *cgroup, struct group_way *ret,
                       struct err *err)
{
    struct group_way way = GROUP_WAY_INIT;
    const char *line;
    size_t len;
    int r = 0;

    while (r >= 0 && way.n_tasks_fds < ARRAY_SIZE(way.tasks_fds) &&
           line_next(&paths, &line, &len)) {
        struct path_line parsed;
        r = path_line_parse(line, len, &parsed);
        if (r < 0) {
            r = err_set(err, -r, "the record of the groups is damaged: '%.*s'",
                        (int)(len < 100 ? len : 100), line);
            break;
        }
        if (!parsed.is_parent && !(parsed.version == 2 && way.v2_fd >= 0))
            r = way_open(&parsed, cgroup, &way, err);
        path_line_done(&parsed);
    }
    *ret = way; /* what is open of it, too, is the caller's */
    return r;
}

/* ---- giving it away ----------------------------------------------------------------------------- */

/* Those that every kernel has that does not tell. */
#define DELEGATED "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n"

int group_give(const struct group *group, uid_t uid, struct err *err)
{
    const struct part *part = group_part(group, CONTROLLER_NONE, 2);
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *cursor = DELEGATED, *line;
    char name[256];
    size_t len;

    if (!part || part->inner_fd < 0)
        return 0;
    if (root_read(group->root_fd, "/sys/kernel/cgroup/delegate", &text) >= 0)
        cursor = buf_text(&text);
    int r = fchownat(part->inner_fd, "", uid, (gid_t)-1, AT_EMPTY_PATH) < 0 ? -errno : 0;
    while (r >= 0 && line_next(&cursor, &line, &len)) {
        if (len == 0 || len >= sizeof(name) || memchr(line, '/', len))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len, line);
        /* It names files of controllers as well, which may not be here. */
        if (fchownat(part->inner_fd, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno != ENOENT)
            r = -errno;
    }
    return r < 0 ? err_set(err, -r, "cannot give the container's group to user %u: %s",
                           (unsigned)uid, err_name(-r))
                 : 0;
}
