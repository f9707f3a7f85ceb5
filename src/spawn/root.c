/* The run's root and the directory in it that COMMAND starts in. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/overlay.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define UMASK_DEFAULT 0022 /* of a container */

/* A mount namespace that was there before is its makers', who may share it with others. */
bool mounts_are_shared(const struct launch *launch)
{
    return (launch->spec->root_propagation & MS_SHARED) || (launch->joined & CLONE_NEWNS);
}

/*
 * What happens to the host's mounts is seen inside, what is mounted inside is not seen outside. A document
 * that wants it seen gets mounts that are still the host's; then nothing that we mount ourselves may
 * be made among those, see rootfs_attach() and step_pivot().
 */
int step_propagation(struct launch *launch, struct err *err)
{
    if (mounts_are_shared(launch))
        return 0;
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return err_set(err, errno, "cannot take the mounts out of the host's sight: %m");
    return 0;
}

/* ---- root ---------------------------------------------------------------------------------------------- */

static int root_failed(const char *rootfs, int code, struct err *err)
{
    return err_refuse(err, code, "--rootfs: cannot take %s as the root: %s", rootfs,
                      err_name(code));
}

/* The mount that a directory lies in is not shared any more: what is mounted there stays among us. */
static int mount_around_keep(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statx st;

    while (fd >= 0) {
        if (statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0)
            break;
        if (!(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
            errno = ENOTSUP;
            break;
        }
        if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
            int r = attr_apply(fd, 0, 0, 0, MS_PRIVATE);

            close(fd);
            return r;
        }
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
    }
    int r = -errno;
    fd_close(fd);
    return r;
}

/*
 * A copy of the mount (or directory) at rootfs, attached over itself: pivot_root(2) wants a mount. With
 * everything that is mounted beneath it; by options read-only too when the root is, by a document as it is.
 */
static int rootfs_attach(const struct launch *launch)
{
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
    const struct spec *spec = launch->spec;
    bool read_only = spec->root_readonly && !spec->document;
    _cleanup_close_ int under = open(spec->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tree, r = 0;

    if (under < 0)
        return -errno;
    tree = sys_open_tree(under, "", flags);
    if (tree < 0)
        return tree;
    if (mounts_are_shared(launch)) {
        r = attr_apply(tree, AT_RECURSIVE, 0, 0, MS_SLAVE);
        if (r >= 0)
            r = mount_around_keep(under);
    }
    /* Targets may have to be made in it before step_root_attributes(). */
    if (r >= 0 && (read_only || spec->root_attr_set))
        r = attr_apply(tree, AT_RECURSIVE,
                       spec->root_attr_set | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, 0);
    if (read_only && r >= 0)
        r = attr_apply(tree, 0, 0, MOUNT_ATTR_RDONLY, 0);
    if (r >= 0)
        r = sys_move_mount(tree, "", under, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (r < 0) {
        close(tree);
        return r;
    }
    return tree;
}

/* Where there is no mount namespace, what is mounted would be the host's. */
static bool mounts_are_hosts(const struct launch *launch)
{
    const struct spec *spec = launch->spec;

    return spec->document && !launch_has(launch, CLONE_NEWNS) &&
           (spec->n_mounts > 0 || spec->root_readonly || spec->root_propagation != 0);
}

int step_root(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    int r;

    if (mounts_are_hosts(launch))
        return err_refuse(err, EINVAL,
                          "mounts and a read-only root take a mount namespace: without one they "
                          "would be the host's");
    launch->umask = umask(0);
    r = mounts_open_sources(launch, err);
    if (r < 0)
        return r;
    if (spec->overlay)
        return overlay_take(launch, err);
    launch->root_fd =
        spec->rootfs && launch_has(launch, CLONE_NEWNS)
            ? rootfs_attach(launch)
            : open(spec->rootfs ? spec->rootfs : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (launch->root_fd < 0 && spec->rootfs && !launch_has(launch, CLONE_NEWNS))
        launch->root_fd = -errno;
    if (launch->root_fd < 0 && spec->rootfs)
        return root_failed(spec->rootfs, -launch->root_fd, err);
    if (launch->root_fd < 0)
        return err_set(err, errno, "cannot open /: %m");
    if (!spec->root_readonly || spec->rootfs)
        return 0;
    /* The host's root with all that is mounted beneath it; what the run mounts comes later. */
    r = attr_apply(launch->root_fd, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0 ? err_refuse(err, -r, "--read-only: cannot make the host's root read-only: %s",
                              r == -ENOSYS ? "that takes Linux 5.12" : err_name(-r))
                 : 0;
}

int step_mounts(struct launch *launch, struct err *err)
{
    return mounts_make(launch, err);
}

int step_root_attributes(struct launch *launch, struct err *err)
{
    int r =
        launch->spec->root_readonly ? attr_apply(launch->root_fd, 0, MOUNT_ATTR_RDONLY, 0, 0) : 0;

    return r < 0 ? err_refuse(err, -r, "--read-only: cannot make the root read-only: %s",
                              err_name(-r))
                 : 0;
}

/* Of the container's root as the document wants it, when there is nothing else any more. */
static int root_propagate(const struct launch *launch, struct err *err)
{
    uint64_t propagation = launch->spec->root_propagation;

    /* As the host's mounts are seen anyway. */
    if (!propagation || propagation == (MS_SLAVE | MS_REC))
        return 0;
    return mount(NULL, "/", NULL, propagation, NULL) < 0
               ? err_set(err, errno, "rootfsPropagation: cannot set it: %m")
               : 0;
}

/*
 * Is nothing mounted over the new root? "/.." is what is uppermost there: had something stood on the old root, that
 * would have gone in its place. What several file systems make up is worth a second look.
 */
static int root_is_alone(const char *rootfs, struct err *err)
{
    struct stat root, above;

    if (stat("/", &root) < 0 || stat("/..", &above) < 0)
        return root_failed(rootfs, errno, err);
    return root.st_dev == above.st_dev && root.st_ino == above.st_ino
               ? 0
               : err_set(err, EBUSY, "the old root still stands above that of %s", rootfs);
}

/*
 * The new root over the old one, and the old one away: nothing of the host can be reached any more. Where
 * the mounts are still the host's, they must cease to be that first, or it would lose its own.
 */
static int root_pivot(struct launch *launch, struct err *err)
{
    const char *rootfs = launch->spec->rootfs;
    _cleanup_close_ int old_fd = -1;
    int r;

    if (mounts_are_shared(launch)) {
        old_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (old_fd < 0)
            return root_failed(rootfs, errno, err);
    }
    if (fchdir(launch->root_fd) < 0)
        return root_failed(rootfs, errno, err);
    r = sys_pivot_root(".", ".");
    if (r == -EINVAL)
        return err_refuse(
            err, EINVAL,
            "--rootfs: cannot take %s as the root: ration's own root is the kernel's first "
            "one (an initramfs), which cannot be replaced; mount it over itself first",
            rootfs);
    if (r >= 0 && old_fd >= 0)
        r = attr_apply(old_fd, AT_RECURSIVE, 0, 0, MS_SLAVE);
    if (r < 0)
        return root_failed(rootfs, -r, err);
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return root_failed(rootfs, errno, err);
    return launch->spec->overlay ? root_is_alone(rootfs, err) : 0;
}

/* Without a mount namespace there is nothing to replace: the root is another for this process alone. */
static int root_change(struct launch *launch, struct err *err)
{
    if (fchdir(launch->root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return root_failed(launch->spec->rootfs, errno, err);
    return 0;
}

int step_pivot(struct launch *launch, struct err *err)
{
    int r;

    launch->here_fd = -1;
    if (!launch_has(launch, CLONE_NEWNS))
        return root_change(launch, err);
    r = launch->spec->no_pivot ? root_move(launch, err) : root_pivot(launch, err);
    return r < 0 ? r : root_propagate(launch, err);
}

/* ---- directory ------------------------------------------------------------------------------------------ */

static int directory_failed(const struct launch *launch, int code, struct err *err)
{
    const char *option = launch->spec->cwd ? "--workdir" : "the current directory";

    if (launch->spec->document) /* in the words that clients of container runtimes know */
        return err_refuse(err, code, "chdir to cwd (\"%s\") set in config.json failed: %s",
                          launch->cwd,
                          code == ENOENT   ? "no such file or directory"
                          : code == EACCES ? "permission denied"
                                           : err_name(code));
    return err_refuse(err, code, "%s: cannot enter %s%s: %s", option, launch->cwd,
                      launch->spec->rootfs ? " of the root" : "",
                      code == ELOOP ? "it leads through too many links, or one of /proc's"
                                    : err_name(code));
}

/*
 * Looked up as if by COMMAND, but never through procfs's links to open files: "/proc/self/fd/7" may be a
 * directory of the host that somebody forgot to close. In a root of its own, a missing one is made.
 */
int step_directory_open(struct launch *launch, struct err *err)
{
    bool makes = launch->spec->rootfs && launch->spec->cwd && !launch->entering;
    struct place place;
    int r;

    umask(launch->spec->umask_set  ? launch->spec->umask
          : launch->spec->document ? UMASK_DEFAULT
                                   : launch->umask);
    if (!launch->spec->rootfs && !launch->spec->cwd)
        return 0;        /* where we are already, by name */
    launch->n_bases = 0; /* the mounts are made: everything is looked up from the root */
    r = place_find(launch, launch->cwd, makes ? PLACE_MAKE_DIR : 0, &place, NULL);
    if (r < 0)
        return directory_failed(launch, -r, err);
    launch->cwd_fd = place.fd;
    return 0;
}

/* In the command, which may have moved about to mount something. */
int step_directory(struct launch *launch, struct err *err)
{
    char here[4096];
    int r = launch->cwd_fd < 0 ? chdir(launch->cwd) : fchdir(launch->cwd_fd);

    here[0] = '\0';
    r = r < 0 ? -errno : sys_getcwd(here, sizeof(here));
    if (r < 0)
        return directory_failed(launch, -r, err);
    if (here[0] != '/')
        return directory_failed(launch, ENOENT, err);
    return 0;
}
