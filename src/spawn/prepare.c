/* What a launch needs and a child must not compute: done in the supervisor, before the clone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/overlay.h"
#include "spawn/parts.h"
#include "sys/sys.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char *environment_find(char *const *env, const char *assignment)
{
    size_t length = strlen(assignment);

    for (; env && *env; env++) {
        if (strncmp(*env, assignment, length) == 0)
            return *env;
    }
    return NULL;
}

/* ---- the user --------------------------------------------------------------------------------------- */

/* Who is not mapped is nobody inside: then it becomes root there, or else the first number there is. */
static uint32_t number_inside(const struct spec_id_map *maps, size_t n, uint32_t ours)
{
    uint32_t inside = n > 0 ? maps[0].inside : UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        if (ours >= maps[i].outside && ours - maps[i].outside < maps[i].count)
            return UINT32_MAX;
        if (maps[i].inside == 0 && maps[i].count > 0)
            inside = 0;
    }
    return inside;
}

static int prepare_box_user(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    (void)err;
    launch->box_uid = (uid_t)-1;
    launch->box_gid = (gid_t)-1;
    if (!(spec->namespaces & CLONE_NEWUSER))
        return 0;
    launch->box_uid = number_inside(spec->uid_maps, spec->n_uid_maps, geteuid());
    launch->box_gid = number_inside(spec->gid_maps, spec->n_gid_maps, getegid());
    return 0;
}

/*
 * COMMAND cannot be born in its group when the box becomes it, nor when the box is somebody else than we
 * to the file system: the right to join is that of whoever opened the file, the right to be born there
 * is not.
 */
static int prepare_group(struct launch *launch, struct err *err)
{
    (void)err;
    launch->joins = !launch->spec->init || launch->box_uid != (uid_t)-1;
    if (!launch->spec->init && launch->options->v2_fd >= 0)
        launch->joins = false; /* the box was born there */
    return 0;
}

/* ---- environment and directory --------------------------------------------------------------------- */

static int prepare_environment(struct launch *launch, struct err *err)
{
    char **env = launch->spec->env;
    size_t n = strv_length(env);
    const char *path = environment_find(env, "PATH=");

    launch->path = path ? path + strlen("PATH=") : PATH_DEFAULT;
    /* A vector of our own, whose strings are the spec's. */
    launch->env = calloc(n + 3, sizeof(*launch->env));
    if (!launch->env)
        return err_nomem(err);
    if (n > 0)
        memcpy(launch->env, env, n * sizeof(*env));
    /* Its name comes first and its value when the box has found it. */
    if (launch->home_wanted)
        launch->env[n++] = launch->home;
    if (!environment_find(env, "LISTEN_FDS="))
        return 0;
    /* sd_listen_fds(3): whose they are is told by a number that only COMMAND's process knows. */
    launch->listen_pid = &launch->env[n];
    for (size_t i = 0; i < n; i++) {
        if (strncmp(launch->env[i], "LISTEN_PID=", strlen("LISTEN_PID=")) == 0)
            launch->listen_pid = &launch->env[i];
    }
    return 0;
}

/* Where we are is told by name, not by fd: a mount of the run may stand in its way. */
static int prepare_directory(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    char here[4096];
    int r;

    if (spec->cwd || spec->rootfs) {
        launch->cwd = strdup(spec->cwd ? spec->cwd : "/");
        return launch->cwd ? 0 : err_nomem(err);
    }
    r = sys_getcwd(here, sizeof(here));
    if (r < 0)
        return err_set(err, -r, "cannot tell the current directory: %s", err_name(-r));
    if (here[0] != '/')
        return err_refuse(
            err, ENOENT,
            "the current directory is not beneath the root; name another by --workdir");
    launch->cwd = strdup(here);
    return launch->cwd ? 0 : err_nomem(err);
}

/* ---- file descriptors and memory --------------------------------------------------------------------- */

/* A directory as stdin would be a way out of a root of its own. */
static int prepare_stdio(struct launch *launch, struct err *err)
{
    struct stat st;

    for (int i = 0; i < 3; i++) {
        int fd = launch->options->stdio[i];

        if (fd < 0 && launch->null_fd < 0) {
            launch->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
            if (launch->null_fd < 0)
                return err_set(err, errno, "cannot open /dev/null: %m");
        }
        launch->stdio[i] = fd < 0 ? launch->null_fd : fd;
        if (!launch->spec->rootfs || fd < 0)
            continue;
        if (fstat(fd, &st) < 0)
            return err_set(err, errno, "cannot look at file descriptor %d of COMMAND: %m", i);
        if (S_ISDIR(st.st_mode))
            return err_refuse(err, EISDIR,
                              "file descriptor %d of COMMAND is a directory: it would lead out of "
                              "--rootfs %s",
                              i, launch->spec->rootfs);
    }
    return 0;
}

/*
 * Whatever was open when our program was executed has not the flag that all have which we have opened
 * ourselves since: COMMAND is not to get one of those for one that it was promised and that was not there.
 */
static int prepare_preserved(struct launch *launch, struct err *err)
{
    for (unsigned i = 0; i < launch->options->n_preserved_fds; i++) {
        int fd = STDERR_FILENO + 1 + (int)i;
        int flags = fcntl(fd, F_GETFD);

        if (flags < 0 || flags & FD_CLOEXEC)
            return err_refuse(err, EBADF, "--preserve-fds %u: file descriptor %d is not open",
                              launch->options->n_preserved_fds, fd);
    }
    return 0;
}

/* Hooks of which the caller does not know would be left out without a word. */
static int prepare_hooks(struct launch *launch, struct err *err)
{
    const struct spec_hooks *hooks = launch->spec->hooks;

    if (launch->entering || launch->options->hooks ||
        hooks[HOOK_PRESTART].n + hooks[HOOK_CREATE_RUNTIME].n + hooks[HOOK_CREATE_CONTAINER].n +
                hooks[HOOK_START_CONTAINER].n ==
            0)
        return 0;
    return err_set(err, EINVAL, "the document has hooks and nobody to run them");
}

int *fds_new(size_t n)
{
    int *fds = malloc((n + 1) * sizeof(*fds));

    for (size_t i = 0; fds && i < n; i++)
        fds[i] = -1;
    return fds;
}

/*
 * A process that is to enter another time namespace must have memory of its own (clone(2), EINVAL; setns(2),
 * EUSERS).
 */
static int prepare_outcome(struct launch *launch, struct err *err)
{
    uint64_t entered =
        launch->entering ? launch->enter_mask : launch->spec->namespaces | launch->joined;
    void *page;

    launch->outcome = &launch->own_outcome;
    launch->borrows = sys_has_vfork() && !(entered & CLONE_NEWTIME);
    if (launch->borrows)
        return 0;
    page = mmap(NULL, sizeof(*launch->outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    if (page == MAP_FAILED)
        return err_nomem(err);
    launch->outcome = page;
    return 0;
}

int launch_prepare(struct launch *launch, const struct spawn_options *options, bool entering,
                   struct err *err)
{
    static int (*const part_table[])(struct launch *, struct err *) = {
        joins_open,    enter_compare,     prepare_outcome,     prepare_box_user,
        prepare_group, user_prepare,      prepare_environment, prepare_directory,
        prepare_stdio, prepare_preserved, prepare_hooks,       volumes_prepare,
        idmap_prepare, procfs_prepare,    labels_check,        overlay_prepare_outside,
    };
    const struct spec *spec = options->spec;

    *launch = (struct launch){
        .v2_fd = -1,
        .options = options,
        .spec = spec,
        .entering = entering,
        .outcome = &launch->own_outcome,
        .hook_fds = { -1, -1 },
        .null_fd = -1,
        .channel_fd = -1,
        .root_fd = -1,
        .overlay_fd = -1,
        .proc_fd = -1,
        .own_proc_fd = -1,
        .dev_fd = -1,
        .here_fd = -1,
        .null_tree_fd = -1,
        .empty_fd = -1,
        .cgroup = { .fd = -1, .name = "" },
        .cwd_fd = -1,
        .terminal_fd = -1,
        .tty_fd = -1,
        .command_pidfd = -1,
    };
    for (size_t i = 0; i < JOINS_MAX; i++)
        launch->join_fds[i] = -1;
    if (!spec->argv || !spec->argv[0])
        return err_usage(err, "no COMMAND to run");
    launch->sources = fds_new(spec->n_mounts);
    launch->nodes = fds_new(spec->n_devices);
    if (!launch->sources || !launch->nodes)
        return err_nomem(err);
    for (size_t i = 0; i < ARRAY_SIZE(part_table); i++) {
        int r = part_table[i](launch, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void launch_done(struct launch *launch)
{
    if (launch->outcome && launch->outcome != &launch->own_outcome)
        munmap(launch->outcome, sizeof(*launch->outcome));
    launch->null_fd = fd_close(launch->null_fd);
    joins_close(launch);
    idmap_done(launch);
    volumes_done(launch);
    procfs_done(launch);
    free(launch->sources);
    free(launch->idmaps);
    free(launch->nodes);
    free(launch->env);
    user_done(launch);
    fd_close(launch->overlay_fd);
    free(launch->cwd);
}
