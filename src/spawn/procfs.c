/*
 * A procfs that nobody but the kernel has made: the runtime's own, opened in its own mount namespace,
 * before there is anything of the container. What is written to it arrives in the kernel; what an image has
 * at /proc, or a document mounts there, is never asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

/* Neither what is mounted in it nor a link out of it; "self" is a link of the other kind. */
#define PROCFS_RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)

/* From a cgroup namespace that is left again afterwards. */
static bool shows_groups(const struct spec *spec)
{
    if (spec->namespaces & CLONE_NEWCGROUP)
        return false;
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].kind == MOUNT_CGROUP)
            return true;
    }
    return false;
}

static bool is_needed(const struct launch *launch)
{
    const struct spec *spec = launch->spec;

    if (!spec->document)
        return false;
    /* A container that is entered has its mounts and parameters. */
    if (!launch->entering && (spec->n_sysctls > 0 || spec->no_pivot || shows_groups(spec)))
        return true;
    return spec->apparmor_profile || spec->selinux_label || spec->oom_score_adj_set ||
           launch->options->listener || (spec->rootless && spec->n_groups == 0);
}

int procfs_prepare(struct launch *launch, struct err *err)
{
    struct statfs st;
    int fd;

    if (!is_needed(launch))
        return 0;
    fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "cannot open /proc: %m");
    if (fstatfs(fd, &st) < 0 || st.f_type != PROC_SUPER_MAGIC) {
        close(fd);
        return err_set(err, ENOTSUP, "what is at /proc is not the kernel's procfs");
    }
    launch->own_proc_fd = fd;
    return 0;
}

void procfs_done(struct launch *launch)
{
    launch->own_proc_fd = fd_close(launch->own_proc_fd);
}

/* In a container ours may have mounts over its parts; then one that is new has none. */
static int fresh_open(const char *path, int flags)
{
    int proc_fd =
        fs_make("proc", NULL, NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
    int fd;

    if (proc_fd < 0)
        return -EXDEV;
    fd = sys_openat2(proc_fd, path, (uint64_t)flags, 0, PROCFS_RESOLVE);
    close(proc_fd);
    return fd;
}

int procfs_open(const struct launch *launch, const char *path, int flags)
{
    int fd;

    flags |= O_CLOEXEC;
    fd = sys_openat2(launch->own_proc_fd, path, (uint64_t)flags, 0, PROCFS_RESOLVE);
    return fd == -EXDEV ? fresh_open(path, flags) : fd;
}

int procfs_write(const struct launch *launch, const char *path, const char *text, size_t length)
{
    _cleanup_close_ int fd = procfs_open(launch, path, O_WRONLY);
    ssize_t n;

    if (fd < 0)
        return fd;
    do {
        n = write(fd, text, length);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}
