/* The run's root out of layers: where and by whom it is made. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/overlay.h"
#include "spawn/parts.h"
#include "sys/sys.h"

/* What the process in between tells, in memory that both see. */
struct answer {
    int fd; /* in the table of fds that both have */
    struct err err;
};

static struct overlay_request request_of(const struct launch *launch, int userns_fd)
{
    const struct spec *spec = launch->spec;

    return (struct overlay_request){
        .overlay = spec->overlay,
        .name = spec->rootfs,
        .attr = spec->root_attr_set,
        .userns_fd = userns_fd,
    };
}

/* ---- outside -------------------------------------------------------------------------------------------- */

/* Who the run's user 0 is outside, or whoever comes first where there is none. */
static uint32_t number_outside(const struct spec_id_map *maps, size_t n)
{
    uint32_t outside = n > 0 ? maps[0].outside : 0;

    for (size_t i = 0; i < n; i++) {
        if (maps[i].inside == 0)
            outside = maps[i].outside;
    }
    return outside;
}

/*
 * The kernel makes its own files in the work directory as whoever has mounted it, with his rights: root has no number in the
 * maps, so that is the run's root, with root's rights. The calls tell nothing of failure.
 */
static int become_mapped(const struct spec *spec, struct err *err)
{
    uint64_t effective, permitted, inheritable;
    int r = sys_capget(&effective, &permitted, &inheritable);

    if (r >= 0) {
        setfsgid(number_outside(spec->gid_maps, spec->n_gid_maps));
        setfsuid(number_outside(spec->uid_maps, spec->n_uid_maps));
        r = sys_capset(effective, permitted, inheritable);
    }
    return r < 0 ? err_set(err, -r, "cannot act as the run's root: %s", err_name(-r)) : 0;
}

static int make_outside(const struct spec *spec, const struct overlay_request *request,
                        struct err *err)
{
    umask(0);
    if (become_mapped(spec, err) < 0)
        return -EPERM;
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return err_set(err, errno, "cannot take the mounts out of the host's sight: %m");
    return overlay_make(request, err);
}

/* A mount namespace of its own, which goes with it, and our table of fds. */
static pid_t maker_start(const struct spec *spec, const struct overlay_request *request,
                         struct answer *answer)
{
    const struct clone_args args = { .flags = CLONE_NEWNS | CLONE_FILES };
    pid_t pid = sys_clone3(&args, sizeof(args));

    if (pid != 0)
        return pid;
    answer->fd = make_outside(spec, request, &answer->err);
    _exit(0);
}

static int maker_run(const struct spec *spec, const struct overlay_request *request,
                     struct answer *answer, struct err *err)
{
    siginfo_t info;
    pid_t pid;
    int r;

    answer->fd = -ECHILD;
    pid = maker_start(spec, request, answer);
    if (pid < 0)
        return err_set(err, -pid, "cannot make a process to put layers together: %s",
                       err_name(-pid));
    do {
        r = sys_waitid(P_PID, pid, &info, WEXITED | __WALL, NULL);
    } while (r == -EINTR);
    if (answer->fd == -ECHILD)
        return err_set(err, ECHILD, "the process that puts layers together was ended");
    if (answer->fd < 0 && err)
        *err = answer->err;
    return answer->fd;
}

/*
 * The kernel lets nobody in another user namespace map owners or read the marks in layers (trusted.overlay), so root does it
 * beforehand.
 */
int overlay_prepare_outside(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    _cleanup_close_ int userns_fd = -1;
    void *page;

    if (spec->image && !spec->overlay && !launch->entering)
        return err_set(err, EINVAL, "the layers of %s are not known", spec->rootfs);
    if (!spec->overlay || launch->entering || spec->overlay->userxattr ||
        !(spec->namespaces & CLONE_NEWUSER))
        return 0;
    userns_fd = idmap_userns(spec);
    if (userns_fd < 0)
        return err_refuse(err, -userns_fd,
                          "--userns: no user namespace with these maps can be "
                          "made to show layers through: %s",
                          err_name(-userns_fd));
    page = mmap(NULL, sizeof(struct answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                0);
    if (page == MAP_FAILED)
        return err_nomem(err);
    const struct overlay_request request = request_of(launch, userns_fd);
    int fd = maker_run(spec, &request, page, err);
    munmap(page, sizeof(struct answer));
    launch->overlay_fd = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : 0;
}

/* ---- in the box --------------------------------------------------------------------------------------------- */

int overlay_take(struct launch *launch, struct err *err)
{
    const struct overlay_request request = request_of(launch, -1);
    _cleanup_close_ int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tree = TAKE_FD(launch->overlay_fd), r;

    if (tree < 0)
        tree = overlay_make(&request, err);
    launch->here_fd = -1;
    if (tree < 0)
        return tree;
    r = here < 0
            ? -errno
            : sys_move_mount(tree, "", here, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (r < 0) {
        close(tree);
        return err_set(err, -r, "cannot mount the root made of %s: %s", request.name, err_name(-r));
    }
    launch->root_fd = tree;
    return 0;
}
