/* Namespaces that exist already and are entered instead of made. See setns(2), ioctl_ns(2). */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* As documents call them, and the files in /proc/PID/ns. */
static const struct {
    uint64_t flag;
    const char *name, *file;
} kind_table[] = {
    { CLONE_NEWUSER, "user", "user" },       { CLONE_NEWPID, "pid", "pid" },
    { CLONE_NEWNET, "network", "net" },      { CLONE_NEWIPC, "ipc", "ipc" },
    { CLONE_NEWUTS, "uts", "uts" },          { CLONE_NEWNS, "mount", "mnt" },
    { CLONE_NEWCGROUP, "cgroup", "cgroup" }, { CLONE_NEWTIME, "time", "time" },
};

static const char *kind_name(uint64_t flag)
{
    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (kind_table[i].flag == flag)
            return kind_table[i].name;
    }
    return "unknown";
}

/* ---- opening ----------------------------------------------------------------------------------------- */

/*
 * One that we are in anyway is none of the container's own: nothing that is the host's is to be taken for
 * its. One cannot enter one's own user namespace either.
 */
static bool is_ours(int fd, uint64_t flag)
{
    struct stat ours, theirs;
    char path[48] = "";

    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (kind_table[i].flag == flag)
            snprintf(path, sizeof(path), "/proc/self/ns/%s", kind_table[i].file);
    }
    return stat(path, &ours) == 0 && fstat(fd, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* That of another run, which was found by its name. */
static int join_run(const struct launch *launch, int *ret, struct err *err)
{
    *ret = fcntl(launch->options->network_fd, F_DUPFD_CLOEXEC, 0);
    return *ret < 0 ? err_set(err, errno, "cannot open the network to be joined: %m") : 0;
}

static int join_open(const struct spec_join *join, int *ret, struct err *err)
{
    const char *name = kind_name(join->flag);
    _cleanup_close_ int fd = open(join->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0)
        return err_refuse(err, errno, "linux.namespaces: cannot open the %s namespace %s: %m", name,
                          join->path);
    if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
        return err_refuse(err, EINVAL, "linux.namespaces: %s is not a namespace", join->path);
    if (ioctl(fd, NS_GET_NSTYPE) != (int)join->flag)
        return err_refuse(err, EINVAL, "linux.namespaces: %s is a namespace but not a %s namespace",
                          join->path, name);
    *ret = is_ours(fd, join->flag) ? -1 : TAKE_FD(fd);
    return 0;
}

int joins_open(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    const uint64_t early = CLONE_NEWUSER | CLONE_NEWPID;

    if (launch->entering)
        return 0;
    if (spec->n_joins > JOINS_MAX)
        return err_usage(err, "linux.namespaces: a kind of namespace is named twice");
    for (size_t i = 0; i < spec->n_joins; i++) {
        bool run = spec->network == SPEC_NETWORK_JOIN && spec->joins[i].flag == CLONE_NEWNET;
        int r = run ? join_run(launch, &launch->join_fds[i], err)
                    : join_open(&spec->joins[i], &launch->join_fds[i], err);

        if (r < 0)
            return r;
        if (launch->join_fds[i] >= 0)
            launch->joined |= spec->joins[i].flag;
    }
    if ((spec->hostname || spec->domainname) &&
        !((spec->namespaces | launch->joined) & CLONE_NEWUTS) && spec->document)
        return err_refuse(err, EINVAL,
                          "hostname, domainname: the container has no uts namespace of its own, "
                          "they would be the host's");
    /*
     * What is made belongs to the user namespace of its maker, and one is born in a pid namespace. And who
     * is in a new user namespace has no rights any more to what was there before it.
     */
    launch->through =
        (launch->joined & early) != 0 || ((launch->joined & ~(uint64_t)CLONE_NEWCGROUP) != 0 &&
                                          (spec->namespaces & CLONE_NEWUSER) != 0);
    return 0;
}

void joins_close(struct launch *launch)
{
    for (size_t i = 0; i < JOINS_MAX; i++)
        launch->join_fds[i] = fd_close(launch->join_fds[i]);
}

/* ---- entering ---------------------------------------------------------------------------------------- */

static int join_failed(const struct spec_join *join, int code, struct err *err)
{
    return err_refuse(err, code, "linux.namespaces: cannot enter the %s namespace %s: %s",
                      kind_name(join->flag), join->path, err_name(code));
}

/* Enter those among the flags; each that was is taken out of *left. denied: what we may not stays. */
static int join_some(struct launch *launch, uint64_t flags, bool denied, uint64_t *left,
                     struct err *err)
{
    const struct spec *spec = launch->spec;

    for (size_t i = 0; i < spec->n_joins; i++) {
        uint64_t flag = spec->joins[i].flag;
        int r;

        if (!(*left & flags & flag) || launch->join_fds[i] < 0)
            continue;
        r = sys_setns(launch->join_fds[i], (int)flag);
        if (r < 0 && !(r == -EPERM && denied))
            return join_failed(&spec->joins[i], -r, err);
        if (r >= 0)
            *left &= ~flag;
    }
    return 0;
}

/*
 * As who we are first, which is enough for what belongs to our own user namespace or one beneath it; then
 * the user namespace; then what only its members may enter.
 */
int joins_enter(struct launch *launch, struct err *err)
{
    const uint64_t user = CLONE_NEWUSER;
    uint64_t left = launch->joined & ~(uint64_t)CLONE_NEWCGROUP;
    int r = join_some(launch, ~user, (launch->joined & user) != 0, &left, err);

    if (r >= 0)
        r = join_some(launch, user, false, &left, err);
    return r < 0 ? r : join_some(launch, ~user, false, &left, err);
}

int step_join_namespaces(struct launch *launch, struct err *err)
{
    return joins_enter(launch, err);
}

int step_join_cgroup_namespace(struct launch *launch, struct err *err)
{
    uint64_t left = CLONE_NEWCGROUP;

    return join_some(launch, CLONE_NEWCGROUP, false, &left, err);
}

/* ---- a child in other namespaces --------------------------------------------------------------------- */

struct traveller {
    struct launch *launch;
    const struct passage *passage;
};

static int traveller_clone(const struct traveller *traveller, struct err *err)
{
    struct launch *launch = traveller->launch;
    const struct passage *passage = traveller->passage;
    /* A sibling ends with the signal that we end with. */
    struct clone_args args = { .flags = passage->flags | CLONE_PARENT | CLONE_CLEAR_SIGHAND };
    pid_t pid;

    if (passage->v2_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)passage->v2_fd;
    }
    if (launch->borrows && passage->borrowing) {
        pid = sys_clone3_vfork(&args, passage->main, launch);
    } else {
        pid = sys_clone3(&args, sizeof(args));
        if (pid == 0)
            _exit(passage->main(launch));
    }
    if (pid < 0)
        return box_clone_failed(launch->spec, -pid, err);
    launch->outcome->pid = pid;
    return 0;
}

/* Neither this process nor what comes of it may be looked into from where it goes. */
static int traveller_main(void *data)
{
    const struct traveller *traveller = data;
    struct launch *launch = traveller->launch;
    struct err err = ERR_INIT;
    int r = 0;

    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        r = err_set(&err, errno, "cannot make a process unreadable: %m");
    if (r >= 0)
        r = traveller->passage->enter(launch, &err);
    if (r >= 0)
        r = traveller_clone(traveller, &err);
    if (r < 0)
        launch->outcome->err = err;
    return 0;
}

static pid_t traveller_start(struct traveller *traveller)
{
    struct clone_args args = {
        .flags = CLONE_VFORK | CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    if (traveller->launch->borrows)
        return sys_clone3_vfork(&args, traveller_main, traveller);
    pid = sys_clone3(&args, sizeof(args));
    if (pid == 0)
        _exit(traveller_main(traveller));
    return pid;
}

/* It is a child of ours that nobody has waited for: the number is still its own. */
static pid_t child_watch(pid_t pid, int *ret_pidfd, struct err *err)
{
    int pidfd = sys_pidfd_open(pid, 0);

    if (pidfd < 0) {
        kill(pid, SIGKILL);
        sys_waitid(P_PID, pid, &(siginfo_t){ 0 }, WEXITED, NULL);
        return err_set(err, -pidfd, "cannot watch the run's first process: %s", err_name(-pidfd));
    }
    *ret_pidfd = pidfd;
    return pid;
}

pid_t clone_through(struct launch *launch, const struct passage *passage, int *ret_pidfd,
                    struct err *err)
{
    struct traveller traveller = { .launch = launch, .passage = passage };
    int dumpable = launch->borrows ? prctl(PR_GET_DUMPABLE) : -1;
    pid_t pid;
    int r;

    launch->outcome->pid = 0;
    launch->outcome->err.code = 0;
    pid = traveller_start(&traveller);
    if (pid < 0)
        return err_set(err, -pid, "cannot make a process: %s", err_name(-pid));
    /* The memory was ours, and so is again how it may be looked into. */
    if (dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1);
    do {
        r = sys_waitid(P_PID, pid, &(siginfo_t){ 0 }, WEXITED | __WALL, NULL);
    } while (r == -EINTR);
    if (launch->outcome->pid > 0)
        return child_watch(launch->outcome->pid, ret_pidfd, err);
    if (launch->outcome->err.code == 0)
        return err_set(err, ECHILD, "the process that enters the namespaces was killed");
    if (err)
        *err = launch->outcome->err;
    return -launch->outcome->err.code;
}
