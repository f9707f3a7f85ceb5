/*
 * Being told that memory ran out.
 *
 * v1 (Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"): cgroup.event_control connects an
 * eventfd to memory.oom_control. It is told in the group that is out of memory and in all beneath it, not
 * in those above, and once more when the group goes away.
 * v2 (cgroup-v2.rst): memory.events counts for a group and all beneath, and a change of it is a change of
 * the file (inotify(7)).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

/* cgroup.event_control takes "EVENTFD FILE". -1 where the kernel has no such thing. */
int oom_eventfd(int group_fd)
{
    char text[32];
    _cleanup_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    _cleanup_close_ int control =
        event < 0 ? -1 : openat(group_fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);

    if (control < 0)
        return -1;
    snprintf(text, sizeof(text), "%d %d", event, control);
    return file_write(group_fd, "cgroup.event_control", text) < 0 ? -1 : TAKE_FD(event);
}

void group_watch_oom(struct group *group)
{
    const struct part *part = group_part(group, CONTROLLER_MEMORY, 1);
    struct group_cache *cache = group->cache;

    if (!part || cache->oom_own_fd >= 0)
        return;
    /* Without the one above, it could not be told from our own: then the limits' counters have to do. */
    if (!part->base_is_root) {
        cache->oom_above_fd = oom_eventfd(part->base_fd);
        if (cache->oom_above_fd < 0)
            return;
    }
    cache->oom_own_fd = oom_eventfd(part->fd);
    if (cache->oom_own_fd < 0)
        cache->oom_above_fd = fd_close(cache->oom_above_fd);
}

/* ---- for whoever waits --------------------------------------------------------------------------------- */

static int v1_open(const struct part *part)
{
    /* Whether it is its own limit, mirrored from above, or one above: COMMAND's group is told. */
    _cleanup_close_ int inner = openat(part->fd, INNER_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = oom_eventfd(inner >= 0 ? inner : part->fd);

    return fd < 0 ? -EOPNOTSUPP : fd;
}

static int v2_open(const struct part *part)
{
    char path[64];
    _cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/memory.events", part->fd);
    return inotify_add_watch(fd, path, IN_MODIFY) < 0 ? -errno : TAKE_FD(fd);
}

int group_oom_open(const struct group *group, int *ret_fd, struct err *err)
{
    const struct part *v1 = group_part(group, CONTROLLER_MEMORY, 1);
    const struct part *v2 = group_part(group, CONTROLLER_MEMORY, 2);
    char path[1024];

    if (!v1 && !v2)
        return err_set(err, ENODATA, "the memory controller has no group of this run");
    int fd = v1 ? v1_open(v1) : v2_open(v2);
    if (fd < 0) {
        part_path(v1 ? v1 : v2, v1 ? "memory.oom_control" : "memory.events", path, sizeof(path));
        return err_set(err, -fd, "cannot watch %s: %s", path, err_name(-fd));
    }
    *ret_fd = fd;
    return 0;
}

static bool part_is_gone(const struct part *part, const char *file)
{
    return faccessat(part->fd, file, F_OK, 0) < 0;
}

static int v1_read(const struct group *group, const struct part *part, int fd, uint64_t *ret_kills)
{
    eventfd_t more;

    if (eventfd_read(fd, &more) == 0) {
        /* The end of the group is announced in the same way. */
        if (part_is_gone(part, INNER_NAME "/memory.oom_control"))
            return -ENODEV;
        group->cache->oom_told += more;
    }
    *ret_kills = group->cache->oom_told;
    return 0;
}

static int v2_read(const struct part *part, int fd, uint64_t *ret_kills)
{
    _Alignas(struct inotify_event) char chunk[512];
    _cleanup_buf_ struct buf text = BUF_INIT;

    while (read(fd, chunk, sizeof(chunk)) > 0)
        continue;
    int r = file_read(part->fd, "memory.events", TEXT_FILE_MAX, &text);
    if (r < 0)
        return r == -ENOENT ? -ENODEV : r;
    return keyed_find_u64(buf_text(&text), "oom_kill", ret_kills) ? 0 : -ENODATA;
}

int group_oom_read(const struct group *group, int fd, uint64_t *ret_kills)
{
    const struct part *v1 = group_part(group, CONTROLLER_MEMORY, 1);
    const struct part *v2 = group_part(group, CONTROLLER_MEMORY, 2);

    if (!v1 && !v2)
        return -ENODATA;
    return v1 ? v1_read(group, v1, fd, ret_kills) : v2_read(v2, fd, ret_kills);
}
