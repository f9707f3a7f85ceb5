/*
 * Mounts that show their files' owners through maps: mount_setattr(2), MOUNT_ATTR_IDMAP. The maps are given
 * as a user namespace, so one is made for them, held by a process that does nothing else and is gone
 * again at once: an open fd keeps it.
 *
 * All of this is the supervisor's. The kernel asks for rights over the file system itself, which
 * the root of a user namespace of the run's own does not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

/* The maps that a mount is shown through. */
struct maps {
    const struct spec_id_map *uid, *gid;
    size_t n_uid, n_gid;
};

/* ---- a user namespace for some maps -------------------------------------------------------------------- */

struct holder {
    pid_t pid;
    int life_fd; /* when it is closed, the holder ends: also with us */
};

static _Noreturn void holder_main(int wait_fd, int life_fd)
{
    char c;

    close(life_fd);
    while (read(wait_fd, &c, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static int holder_start(struct holder *ret)
{
    /* No signal: whoever called us may have a handler for its children. */
    struct clone_args args = { .flags = CLONE_NEWUSER };
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    ret->pid = sys_clone3(&args, sizeof(args));
    if (ret->pid == 0)
        holder_main(pipe_fds[0], pipe_fds[1]);
    close(pipe_fds[0]);
    ret->life_fd = pipe_fds[1];
    if (ret->pid < 0)
        close(pipe_fds[1]);
    return ret->pid < 0 ? ret->pid : 0;
}

static void holder_end(struct holder *holder)
{
    siginfo_t info;

    close(holder->life_fd);
    while (sys_waitid(P_PID, holder->pid, &info, WEXITED | __WALL, NULL) == -EINTR)
        ;
}

static int holder_write(const struct holder *holder, const char *file,
                        const struct spec_id_map *maps, size_t n)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)holder->pid, file);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
    return buf_error(&text) < 0 ? -ENOMEM : file_write(AT_FDCWD, path, buf_text(&text));
}

/* An fd of a user namespace with these maps, or -errno. */
static int userns_make(const struct maps *maps)
{
    struct holder holder = { 0 };
    char path[64];
    int r = holder_start(&holder);

    if (r < 0)
        return r;
    r = holder_write(&holder, "uid_map", maps->uid, maps->n_uid);
    if (r >= 0)
        r = holder_write(&holder, "gid_map", maps->gid, maps->n_gid);
    if (r >= 0) {
        snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)holder.pid);
        r = open(path, O_RDONLY | O_CLOEXEC);
        r = r < 0 ? -errno : r;
    }
    holder_end(&holder);
    return r;
}

int idmap_userns(const struct spec *spec)
{
    const struct maps maps = { spec->uid_maps, spec->gid_maps, spec->n_uid_maps, spec->n_gid_maps };

    return userns_make(&maps);
}

/* ---- which one ------------------------------------------------------------------------------------------- */

static bool is_shifted(const struct spec_mount *mount)
{
    return mount->id_mapped || mount->id_mapped_tree || mount->n_uid_maps > 0 ||
           mount->n_gid_maps > 0;
}

static const char *mount_name(const struct spec_mount *mount)
{
    return mount->kind == MOUNT_BIND ? mount->source : mount->fstype;
}

static const char *joined_userns(const struct spec *spec)
{
    for (size_t i = 0; i < spec->n_joins; i++) {
        if (spec->joins[i].flag == CLONE_NEWUSER)
            return spec->joins[i].path;
    }
    return NULL;
}

static int maps_failed(const struct spec_mount *mount, int code, struct err *err)
{
    if (code == EPERM)
        return err_refuse(err, code,
                          "cannot map the owners of %s on %s (idmap): making these maps takes root",
                          mount_name(mount), mount->target);
    return err_refuse(err, code,
                      "cannot map the owners of %s on %s (idmap): no user namespace with "
                      "these maps can be made: %s",
                      mount_name(mount), mount->target, err_name(code));
}

static int userns_open(const struct spec *spec, const struct spec_mount *mount, struct err *err)
{
    struct maps maps = { mount->uid_maps, mount->gid_maps, mount->n_uid_maps, mount->n_gid_maps };
    const char *joined = joined_userns(spec);
    bool own = maps.n_uid > 0 || maps.n_gid > 0;
    int fd;

    if (!own && joined) {
        fd = open(joined, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_set(err, errno, "cannot open the user namespace %s: %m", joined) : fd;
    }
    if (!own && !(spec->namespaces & CLONE_NEWUSER))
        return err_refuse(err, EINVAL,
                          "cannot map the owners of %s on %s (idmap): neither the mount nor the "
                          "container has maps",
                          mount_name(mount), mount->target);
    if (!own)
        maps = (struct maps){ spec->uid_maps, spec->gid_maps, spec->n_uid_maps, spec->n_gid_maps };
    fd = userns_make(&maps);
    return fd < 0 ? maps_failed(mount, -fd, err) : fd;
}

/* ---- the mounts ------------------------------------------------------------------------------------------ */

int idmap_apply(int tree_fd, int userns_fd, const struct spec_mount *mount, struct err *err)
{
    const struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_IDMAP,
        .userns_fd = (unsigned)userns_fd,
    };
    unsigned deep = mount->id_mapped_tree ? AT_RECURSIVE : 0;
    int r = sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH | deep, &attr);

    if (r == -ENOSYS)
        return err_refuse(err, ENOSYS,
                          "cannot map the owners of %s on %s (idmap): that takes Linux 5.12",
                          mount_name(mount), mount->target);
    if (r == -EINVAL)
        return err_refuse(err, EINVAL,
                          "cannot map the owners of %s on %s (idmap): its file system, or one "
                          "mounted beneath it, cannot do that on this kernel",
                          mount_name(mount), mount->target);
    return r < 0 ? err_refuse(err, -r, "cannot map the owners of %s on %s (idmap): %s",
                              mount_name(mount), mount->target, err_name(-r))
                 : 0;
}

/* We see the host's mounts as the host does; what is mounted inside is not to be seen here. */
static int bind_hide(const struct spec_mount *mount, int fd, struct err *err)
{
    int r = mount->propagation & MS_SHARED ? 0 : attr_apply(fd, AT_RECURSIVE, 0, 0, MS_SLAVE);

    return r < 0 ? err_set(err, -r, "cannot take %s out of the host's sight: %s", mount->source,
                           err_name(-r))
                 : 0;
}

static int idmap_bind(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    int r = mount_open_source(mount, &launch->sources[index], err);
    int fd = launch->sources[index];

    if (r < 0 || fd < 0)
        return r;
    r = idmap_apply(fd, launch->idmaps[index], mount, err);
    return r < 0 ? r : bind_hide(mount, fd, err);
}

/*
 * Root's run of an image in a user namespace is somebody whom the way to a source may be closed to: what root asks for, root
 * opens. What may be done with it is up to the files themselves.
 */
static bool opens_outside(const struct spec *spec, const struct spec_mount *mount)
{
    return mount->kind == MOUNT_BIND && spec->overlay && !spec->overlay->userxattr &&
           (spec->namespaces & CLONE_NEWUSER);
}

static int bind_outside(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];
    int r = mount_open_source(mount, &launch->sources[index], err);

    return r < 0 || launch->sources[index] < 0 ? r : bind_hide(mount, launch->sources[index], err);
}

static int idmap_mount(struct launch *launch, size_t index, struct err *err)
{
    const struct spec_mount *mount = &launch->spec->mounts[index];

    if (!launch->idmaps) {
        launch->idmaps = fds_new(launch->spec->n_mounts);
        if (!launch->idmaps)
            return err_nomem(err);
    }
    int fd = userns_open(launch->spec, mount, err);
    if (fd < 0)
        return fd;
    launch->idmaps[index] = fd;
    return mount->kind == MOUNT_BIND ? idmap_bind(launch, index, err) : 0;
}

int idmap_prepare(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    for (size_t i = 0; i < spec->n_mounts && !launch->entering; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        int r = is_shifted(mount)            ? idmap_mount(launch, i, err)
                : opens_outside(spec, mount) ? bind_outside(launch, i, err)
                                             : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

void idmap_done(struct launch *launch)
{
    size_t n = launch->spec->n_mounts;

    /* Sources are opened by the box, but for these. */
    for (size_t i = 0; launch->sources && i < n; i++)
        launch->sources[i] = fd_close(launch->sources[i]);
    for (size_t i = 0; launch->idmaps && i < n; i++)
        launch->idmaps[i] = fd_close(launch->idmaps[i]);
}
