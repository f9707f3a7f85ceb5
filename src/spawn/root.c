/* The run's root and the directory in it that COMMAND starts in. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* What happens to the host's mounts is seen inside, what is mounted inside is not seen outside. */
int step_propagation(struct launch *launch, struct err *err)
{
    (void)launch;
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

/*
 * A copy of the mount (or directory) at rootfs, attached over itself: pivot_root(2) wants a mount.
 * With everything that is mounted beneath it, read-only too when the root is.
 */
static int rootfs_attach(const char *rootfs, uint64_t attr, bool read_only)
{
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
    _cleanup_close_ int under = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tree, r = 0;

    if (under < 0)
        return -errno;
    tree = sys_open_tree(under, "", flags);
    if (tree < 0)
        return tree;
    /* Targets may have to be made in it before step_root_attributes(). */
    if (read_only || attr)
        r = attr_apply(tree, AT_RECURSIVE, attr | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, 0);
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

int step_root(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    int r;

    launch->umask = umask(0);
    r = mounts_open_sources(launch, err);
    if (r < 0)
        return r;
    launch->root_fd = spec->rootfs
                          ? rootfs_attach(spec->rootfs, spec->root_attr_set, spec->root_readonly)
                          : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
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

/* The new root over the old one, and the old one away: nothing of the host can be reached any more. */
int step_pivot(struct launch *launch, struct err *err)
{
    const char *rootfs = launch->spec->rootfs;
    int r;

    launch->here_fd = -1;
    if (fchdir(launch->root_fd) < 0)
        return root_failed(rootfs, errno, err);
    r = sys_pivot_root(".", ".");
    if (r == -EINVAL)
        return err_refuse(
            err, EINVAL,
            "--rootfs: cannot take %s as the root: ration's own root is the kernel's first "
            "one (an initramfs), which cannot be replaced; mount it over itself first",
            rootfs);
    if (r < 0)
        return root_failed(rootfs, -r, err);
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return root_failed(rootfs, errno, err);
    return 0;
}

/* ---- directory ------------------------------------------------------------------------------------------ */

static int directory_failed(const struct launch *launch, int code, struct err *err)
{
    const char *option = launch->spec->cwd ? "--workdir" : "the current directory";

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
    struct place place;
    int r;

    umask(launch->spec->umask_set ? launch->spec->umask : launch->umask);
    if (!launch->spec->rootfs && !launch->spec->cwd)
        return 0;        /* where we are already, by name */
    launch->n_bases = 0; /* the mounts are made: everything is looked up from the root */
    r = place_find(launch, launch->cwd,
                   launch->spec->rootfs && launch->spec->cwd ? PLACE_MAKE_DIR : 0, &place, NULL);
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
