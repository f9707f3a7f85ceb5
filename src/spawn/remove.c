/* Removing what runs in user namespaces have written. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

struct removal {
    int dir_fd, wait_fd;
    const char *name;
};

/* The root of the namespace, once its maps are written. */
static _Noreturn void remove_main(const struct removal *removal)
{
    char go;

    if (read(removal->wait_fd, &go, 1) != 1 || sys_setresgid(0, 0, 0) < 0 ||
        sys_setresuid(0, 0, 0) < 0)
        _exit(EPERM);
    _exit(-tree_remove(removal->dir_fd, removal->name) & 0xff);
}

/* As the runs had them: we are root, and the range stands above. */
static int remove_map(const struct spec_world *world, pid_t pid)
{
    struct spec_id_map uids[] = { { 0, world->uid, 1 },
                                  { 1, world->subuid.outside, world->subuid.count } };
    struct spec_id_map gids[] = { { 0, world->gid, 1 },
                                  { 1, world->subgid.outside, world->subgid.count } };
    const struct spec spec = {
        .uid_maps = uids,
        .gid_maps = gids,
        .n_uid_maps = ARRAY_SIZE(uids),
        .n_gid_maps = ARRAY_SIZE(gids),
        .map_by_helper = true,
    };

    return maps_write(&spec, pid, NULL);
}

static int remove_mapped(const struct spec_world *world, int dir_fd, const char *name)
{
    const struct clone_args args = { .flags = CLONE_NEWUSER };
    struct removal removal = { .dir_fd = dir_fd, .name = name };
    siginfo_t info;
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    removal.wait_fd = pipe_fds[0];
    pid_t pid = sys_clone3(&args, sizeof(args));
    if (pid == 0) {
        close(pipe_fds[1]);
        remove_main(&removal);
    }
    close(pipe_fds[0]);
    int r = pid < 0 ? pid : remove_map(world, pid);
    if (r >= 0 && write(pipe_fds[1], "", 1) != 1)
        r = -errno;
    close(pipe_fds[1]);
    if (pid < 0)
        return r;
    while (sys_waitid(P_PID, pid, &info, WEXITED | __WALL, NULL) == -EINTR)
        ;
    if (r < 0)
        return r;
    return info.si_code == CLD_EXITED ? -info.si_status : -EIO;
}

int spawn_remove_tree(const struct spec_world *world, int dir_fd, const char *name)
{
    int r = tree_remove(dir_fd, name);

    if ((r == -EACCES || r == -EPERM) && world && world->has_newuidmap && world->subuid.count > 0 &&
        world->subgid.count > 0)
        r = remove_mapped(world, dir_fd, name);
    return r == -ENOENT ? 0 : r;
}
