/* What a launch needs and a child must not compute: done in the supervisor, before the clone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ACCOUNTS_MAX (1024 * 1024)

static char *environment_find(char *const *env, const char *assignment)
{
    size_t length = strlen(assignment);

    for (; env && *env; env++) {
        if (strncmp(*env, assignment, length) == 0)
            return *env;
    }
    return NULL;
}

/* ---- the user, by the names of the root's own files ---------------------------------------------- */

/*
 * One of the root's account files, as text. The file is whatever the image says: it may be missing, a
 * pipe that never gives anything, or endless.
 */
static int accounts_read(int root_fd, const char *path, struct buf *ret, struct err *err)
{
    struct stat st;
    _cleanup_close_ int fd =
        sys_openat2(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    int r;

    if (fd == -ENOENT) {
        buf_reset(ret);
        buf_puts(ret, "");
        return buf_error(ret);
    }
    if (fd < 0)
        return err_set(err, -fd, "--user: cannot open /%s of the root: %s", path, err_name(-fd));
    if (fstat(fd, &st) < 0)
        return err_set(err, errno, "--user: cannot look at /%s of the root: %m", path);
    if (!S_ISREG(st.st_mode))
        return err_refuse(err, EINVAL, "--user: /%s of the root is not a regular file", path);
    r = fd_read_all(fd, ACCOUNTS_MAX, ret);
    if (r == -EFBIG)
        return err_refuse(err, EFBIG, "--user: /%s of the root is larger than 1 MiB", path);
    if (r < 0)
        return err_set(err, -r, "--user: cannot read /%s of the root: %s", path, err_name(-r));
    return 0;
}

/* Supplementary groups asked for by number join those that the root's files tell. */
static int groups_join(struct launch *launch, gid_t *found, size_t n_found, struct err *err)
{
    const struct spec *spec = launch->spec;
    gid_t *all = calloc(n_found + spec->n_groups + 1, sizeof(*all));

    if (!all) {
        free(found);
        return err_nomem(err);
    }
    if (n_found > 0)
        memcpy(all, found, n_found * sizeof(*all));
    if (spec->n_groups > 0)
        memcpy(all + n_found, spec->groups, spec->n_groups * sizeof(*all));
    free(found);
    launch->groups = all;
    launch->n_groups = n_found + spec->n_groups;
    return 0;
}

/*
 * The directory that names are looked up in: of those whom we join, what they see. The number is that of the
 * pidfd's process as long as that one can be signalled.
 */
static int accounts_root(const struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    const char *root = spec->rootfs ? spec->rootfs : "/";
    char path[32];

    if (launch->entering) {
        pid_t pid = sys_pidfd_pid(launch->options->enter_pidfd);
        if (pid <= 0)
            return err_set(err, ESRCH, "container not running");
        snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
        root = path;
    }
    _cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "--%s: cannot open %s: %m", launch->entering ? "user" : "rootfs",
                       root);
    if (launch->entering && sys_pidfd_send_signal(launch->options->enter_pidfd, 0) < 0)
        return err_set(err, ESRCH, "container not running");
    return TAKE_FD(fd);
}

static int prepare_user(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    _cleanup_buf_ struct buf passwd = BUF_INIT, group = BUF_INIT;
    _cleanup_free_ char *home = NULL;
    gid_t *groups = NULL;
    size_t n_groups = 0;
    int r;

    launch->uid = spec->uid;
    launch->gid = spec->gid;
    if (!spec->user_from_rootfs)
        return groups_join(launch, NULL, 0, err);

    _cleanup_close_ int root_fd = accounts_root(launch, err);
    if (root_fd < 0)
        return root_fd;
    r = accounts_read(root_fd, "etc/passwd", &passwd, err);
    if (r < 0)
        return r;
    r = accounts_read(root_fd, "etc/group", &group, err);
    if (r < 0)
        return r;
    r = spec_resolve_user(spec->user, buf_text(&passwd), buf_text(&group), &launch->uid,
                          &launch->gid, &groups, &n_groups, &home, err);
    if (r < 0)
        return r;
    if (!environment_find(spec->env, "HOME=")) {
        launch->home = text_format("HOME=%s", home && *home ? home : "/");
        if (!launch->home) {
            free(groups);
            return err_nomem(err);
        }
    }
    return groups_join(launch, groups, n_groups, err);
}

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
    if (launch->home)
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

static int fds_new(size_t n, int **ret)
{
    int *fds = malloc((n + 1) * sizeof(*fds));

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    *ret = fds;
    return 0;
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
        joins_open,    enter_compare,       prepare_outcome,   prepare_box_user, prepare_group,
        prepare_user,  prepare_environment, prepare_directory, prepare_stdio,    prepare_preserved,
        prepare_hooks, idmap_prepare,       procfs_prepare,    labels_check,
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
    if (fds_new(spec->n_mounts, &launch->sources) < 0 ||
        fds_new(spec->n_devices, &launch->nodes) < 0)
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
    procfs_done(launch);
    free(launch->sources);
    free(launch->idmaps);
    free(launch->nodes);
    free(launch->env);
    free(launch->home);
    free(launch->cwd);
    free(launch->groups);
}
