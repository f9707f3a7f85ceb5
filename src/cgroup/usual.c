/*
 * The hierarchies where everybody has them. Writing mountinfo costs the kernel more than all else that
 * discovery does, so it is only read when this does not do.
 *
 * What is found here is as certain as what mountinfo tells: the directory is a cgroup file system, it is
 * mounted writable, and its inode is 1, which only the very root of a hierarchy has (kernfs numbers its
 * nodes from there). In the initial cgroup namespace /proc/self/cgroup then names our groups from that
 * same root. Any doubt, and mountinfo is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define TOP        "/sys/fs/cgroup"
#define ROOT_INODE 1

/* Is it what it should be there? The fd of its root, or -1; *ret_ours: we own it, and may make groups in it. */
static int usual_open(int version, const char *point, uid_t uid, bool *ret_ours)
{
    _cleanup_close_ int fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;
    struct stat st;

    if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
        return -1;
    if (fs.f_type != (version == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC) ||
        (fs.f_flags & ST_RDONLY) || st.st_ino != ROOT_INODE)
        return -1;
    *ret_ours = st.st_uid == uid && (st.st_mode & S_IWUSR);
    return TAKE_FD(fd);
}

/* One that is not looked at is only listed: the kernel has it, and nobody is going to use it. */
static bool usual_add(struct cgroups *cgroups, int version, const char *point, const char *names,
                      bool look)
{
    const struct mount_entry mount = {
        .version = version,
        .root = "/",
        .point = point,
        .options = names,
    };
    struct hierarchy *h = &cgroups->hierarchy[cgroups->n_hierarchies];

    if (cgroups->n_hierarchies == HIERARCHIES_MAX)
        return false;
    *h = (struct hierarchy){ .root_fd = -1, .base_fd = -1 };
    cgroups->n_hierarchies++;
    if (hierarchy_set(h, &mount) < 0)
        return false;
    if (look)
        h->root_fd = usual_open(version, point, cgroups->uid, &h->root_is_ours);
    return !look || h->root_fd >= 0;
}

/* Those that carry a wanted controller are looked at; and the first, so that it is certain that there
 * are any here. */
static bool usual_add_all_v1(struct cgroups *cgroups, const struct membership *members, size_t n)
{
    bool found = false;

    for (size_t i = 0; i < n; i++) {
        char point[256];
        const char *named = text_starts(members[i].controllers, "name=")
                                ? members[i].controllers + strlen("name=")
                                : NULL;
        if (members[i].mask == 0 && !(named && cgroups->options.named))
            continue;
        int len = snprintf(point, sizeof(point), TOP "/%s", named ? named : members[i].controllers);
        bool wanted = named || (members[i].mask & cgroups->options.controllers) != 0;
        if (len < 0 || (size_t)len >= sizeof(point) ||
            !usual_add(cgroups, 1, point, members[i].controllers, wanted || !found))
            return false;
        found = true;
    }
    return found;
}

bool usual_find(struct cgroups *cgroups, const struct membership *members, size_t n)
{
    struct statfs fs;

    if (cgroups->root_fd >= 0 || !cgroups->options.selective || cgroups->options.rootless ||
        !namespace_is_known_initial(cgroups) || statfs(TOP, &fs) < 0)
        return false;
    cgroups->uid = geteuid();
    if (fs.f_type != CGROUP2_SUPER_MAGIC)
        return usual_add(cgroups, 2, TOP "/unified", "", true) &&
               usual_add_all_v1(cgroups, members, n);
    for (size_t i = 0; i < n; i++) {
        if (members[i].mask != 0)
            return false; /* a v1 hierarchy as well, wherever it is */
    }
    return usual_add(cgroups, 2, TOP, "", true);
}
