/*
 * The cgroup hierarchies as COMMAND sees them: nothing above its own groups. The kernel decides that when a
 * hierarchy is mounted, by the mounter's cgroup namespace; so the place is found and prepared with the other
 * mounts, and filled once the groups are joined. Where COMMAND has no cgroup namespace, one is entered for
 * the time of mounting. See cgroup_namespaces(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* ---- the place ------------------------------------------------------------------------------------------- */

/* "cpu" for "cpu,cpuacct": everybody looks for each controller by its own name. */
static int aliases_make(int fd, const char *target)
{
    char name[64];

    if (!strchr(target, ','))
        return 0;
    for (const char *cursor = target; *cursor;) {
        size_t length = strcspn(cursor, ",");

        if (length >= sizeof(name))
            return -ENAMETOOLONG;
        memcpy(name, cursor, length);
        name[length] = '\0';
        if (length > 0 && symlinkat(target, fd, name) < 0 && errno != EEXIST)
            return -errno;
        cursor += length;
        cursor += *cursor == ',';
    }
    return 0;
}

/* A directory per hierarchy, in a tmpfs of our own. */
static int directories_make(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    uint64_t attr = mount->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY; /* until all is mounted in it */
    int fd = fs_make("tmpfs", NULL, "mode=755", attr, err);
    int r = 0;

    if (fd < 0)
        return fd;
    for (size_t i = 0; i < launch->options->n_cgroup_mounts && r >= 0; i++) {
        const char *target = launch->options->cgroup_mounts[i].target;

        r = mkdirat(fd, target, 0755) < 0 ? -errno : aliases_make(fd, target);
        if (r < 0)
            return err_set(err, -r, "cannot make %s/%s: %s", mount->target, target, err_name(-r));
    }
    r = place_attach(&launch->cgroup, fd);
    if (r < 0)
        return mount_failed(mount, -r, err);
    place_done(&launch->cgroup);
    launch->cgroup = (struct place){ .fd = fd, .name = "" };
    return 0;
}

/* Without groups of its own there is only the host's view to show, and nothing of it to change. */
static int host_view_bind(struct launch *launch, const struct spec_mount *mount, struct err *err)
{
    struct spec_mount bound = *mount;
    struct place place;
    int fd, r;

    bound.kind = MOUNT_BIND;
    bound.source = (char *)(uintptr_t) "/sys/fs/cgroup";
    bound.tree_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    r = place_find(launch, mount->target, mount->make_target ? PLACE_MAKE_DIR : 0, &place, err);
    if ((r == -ENOENT || r == -ENOTDIR) && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(&bound, -r, err);
    if (r < 0)
        return r;
    fd = sys_open_tree(AT_FDCWD, bound.source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    r = fd < 0 ? fd : mount_attach(launch, &bound, &place, fd);
    place_done(&place);
    if (r < 0)
        return mount_failed(&bound, -r, err);
    close(fd);
    place_covered(launch, mount->target);
    return 0;
}

int mount_cgroup(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    int r = later_await(launch, err);

    if (r < 0)
        return r;
    const struct spawn_options *options = launch->options;
    if (options->n_cgroup_mounts == 0)
        return launch->spec->document ? host_view_bind(launch, mount, err) : 0;
    r = place_find(launch, mount->target, mount->make_target ? PLACE_MAKE_DIR : 0, &launch->cgroup,
                   err);
    if ((r == -ENOENT || r == -ENOTDIR) && mount->optional)
        return 0;
    if (r == -ENOENT || r == -ENOTDIR)
        return mount_failed(mount, -r, err);
    if (r < 0)
        return r;
    launch->cgroup_in_base = launch->cgroup.name[0] != '\0';
    if (options->cgroup_mounts[0].target[0] != '\0')
        r = directories_make(launch, mount, err);
    if (r < 0)
        return r;
    launch->cgroup_attr = mount->attr_set;
    launch->cgroup_wanted = true;
    launch->cgroup_target = mount->target;
    /* The kernel's own tree within the kernel's own: names there stay certain. */
    if (!launch->cgroup_in_base)
        place_covered(launch, mount->target);
    return 0;
}

/* ---- the hierarchies --------------------------------------------------------------------------------------- */

static int hierarchy_mount(struct launch *launch, const struct spawn_cgroup_mount *mount,
                           struct err *err)
{
    const char *fstype = mount->version == 2 ? "cgroup2" : "cgroup";
    struct place place = launch->cgroup;
    int r;

    place.owned = false;
    if (mount->target[0] != '\0')
        place.name = mount->target;
    r = place_mount(launch, &place, fstype, NULL, attr_to_flags(launch->cgroup_attr),
                    mount->options);
    return r < 0 ? err_set(err, -r, "cannot show the run's own groups (%s %s): %s", fstype,
                           text_or_empty(mount->options), err_name(-r))
                 : 0;
}

static int hierarchies_mount(struct launch *launch, struct err *err)
{
    const struct spawn_options *options = launch->options;
    int r = 0;

    launch->here_fd = -1;
    for (size_t i = 0; i < options->n_cgroup_mounts && r >= 0; i++)
        r = hierarchy_mount(launch, &options->cgroup_mounts[i], err);
    if (r < 0 || !(launch->cgroup_attr & MOUNT_ATTR_RDONLY) ||
        options->cgroup_mounts[0].target[0] == '\0')
        return r;
    /* The directories themselves. */
    r = attr_apply(launch->cgroup.fd, 0, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0
               ? err_set(err, -r, "cannot make the view of the groups read-only: %s", err_name(-r))
               : 0;
}

/* ---- without a cgroup namespace of COMMAND's ---------------------------------------------------------------- */

static int namespace_make(struct err *err)
{
    return unshare(CLONE_NEWCGROUP) < 0
               ? err_set(err, errno, "cannot make a cgroup namespace to mount from: %m")
               : 0;
}

static int within_and_back(struct launch *launch, struct err *err)
{
    int fd = openat(launch->own_proc_fd, "self/ns/cgroup", O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return err_set(err, errno, "cannot open the cgroup namespace: %m");
    r = namespace_make(err);
    if (r < 0) {
        close(fd);
        return r;
    }
    r = hierarchies_mount(launch, err);
    if (sys_setns(fd, CLONE_NEWCGROUP) < 0 && r >= 0)
        r = err_set(err, errno, "cannot go back to the cgroup namespace: %m");
    close(fd);
    return r;
}

static int child_main(void *data)
{
    struct launch *launch = data;
    struct err *err = &launch->outcome->err;
    int r = namespace_make(err);

    return r < 0 || hierarchies_mount(launch, err) < 0;
}

/* The root of a user namespace cannot go back to where it came from; a child of it need not. */
static int within_child(struct launch *launch, struct err *err)
{
    struct clone_args args = { .flags = CLONE_VFORK };
    struct err *told = &launch->outcome->err;
    siginfo_t info = { 0 };
    pid_t pid;

    if (launch->borrows) {
        pid = sys_clone3_vfork(&args, child_main, launch);
    } else {
        pid = sys_clone3(&args, sizeof(args));
        if (pid == 0)
            _exit(child_main(launch));
    }
    if (pid < 0)
        return err_set(err, -pid, "cannot make a process to mount the groups from: %s",
                       err_name(-pid));
    while (sys_waitid(P_PID, pid, &info, WEXITED | __WALL, NULL) == -EINTR)
        ;
    if (info.si_code == CLD_EXITED && info.si_status == 0)
        return 0;
    if (told->code == 0)
        return err_set(err, ECHILD, "the process that mounts the groups was killed");
    if (err != told)
        *err = *told;
    return -told->code;
}

/* A box shares its mount namespace, so what is mounted here stays; the view is the mounter's. */
int step_cgroup_mounts(struct launch *launch, struct err *err)
{
    int r;

    if (launch_has(launch, CLONE_NEWCGROUP) || !launch->spec->document)
        r = hierarchies_mount(launch, err);
    else if (launch_has(launch, CLONE_NEWUSER) || launch->spec->rootless)
        r = within_child(launch, err);
    else
        r = within_and_back(launch, err);
    return r < 0 ? r : mounts_make_late(launch, err);
}
