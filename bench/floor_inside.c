/* The floor's other side: what pid 1 and the command do before exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/clone3.h"
#include "bench/floor.h"

static const struct {
    const char *name;
    unsigned int major, minor;
} node_table[] = {
    { "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
    { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static const struct {
    const char *name, *target;
} link_table[] = {
    { "/dev/fd", "/proc/self/fd" },       { "/dev/stdin", "/proc/self/fd/0" },
    { "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
    { "/dev/ptmx", "pts/ptmx" },
};

/* The fourteen capabilities that containers usually keep. */
static const uint64_t kept_capabilities =
    1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |
    1ull << CAP_KILL | 1ull << CAP_SETGID | 1ull << CAP_SETUID | 1ull << CAP_SETPCAP |
    1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_NET_RAW | 1ull << CAP_SYS_CHROOT |
    1ull << CAP_MKNOD | 1ull << CAP_AUDIT_WRITE | 1ull << CAP_SETFCAP;

static int step_hostname(struct launch *launch)
{
    (void)launch;
    return floor_result(sethostname("floor", 5));
}

static int step_propagation(struct launch *launch)
{
    (void)launch;
    return floor_result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* The new root first, everything else inside it: then no path can lead out any more. */
static int step_root(struct launch *launch)
{
    int tree;

    if (!launch->rootfs)
        return 0;
    tree = open_tree(AT_FDCWD, launch->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || move_mount(tree, "", AT_FDCWD, launch->rootfs, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return -errno;
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

static int step_proc(struct launch *launch)
{
    (void)launch;
    return floor_result(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

static int step_dev(struct launch *launch)
{
    mode_t mask = umask(0);

    (void)launch;
    if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") < 0)
        return -errno;
    for (size_t i = 0; i < COUNT(node_table); i++) {
        dev_t device = makedev(node_table[i].major, node_table[i].minor);

        if (mknod(node_table[i].name, S_IFCHR | 0666, device) < 0)
            return -errno;
    }
    for (size_t i = 0; i < COUNT(link_table); i++) {
        if (symlink(link_table[i].target, link_table[i].name) < 0)
            return -errno;
    }
    umask(mask);
    return 0;
}

static int step_pts(struct launch *launch)
{
    (void)launch;
    if (mkdir("/dev/pts", 0755) < 0)
        return -errno;
    return floor_result(mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                              "newinstance,ptmxmode=0666,mode=0620"));
}

static int step_shm(struct launch *launch)
{
    (void)launch;
    if (mkdir("/dev/shm", 01777) < 0)
        return -errno;
    return floor_result(mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                              "mode=1777,size=65536k"));
}

/* A network namespace or a new root needs a sysfs of its own; else the host's is made read-only,
 * with all that is mounted beneath it, in one call. */
static int step_sys(struct launch *launch)
{
    struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };

    if (launch->net || launch->rootfs)
        return floor_result(
            mount("sysfs", "/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    return floor_result(
        mount_setattr(AT_FDCWD, "/sys", AT_RECURSIVE, &read_only, sizeof(read_only)));
}

/* After joining, so that the groups joined are the namespace's roots. */
static int step_cgroup_namespace(struct launch *launch)
{
    (void)launch;
    return floor_result(unshare(CLONE_NEWCGROUP));
}

/* The kernel ends the loop: it refuses the first capability that it does not know. Root's exec
 * then gets no more than the bounding set has. */
static int step_capabilities(struct launch *launch)
{
    (void)launch;
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (kept_capabilities & 1ull << cap)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap) < 0)
            return errno == EINVAL ? 0 : -errno;
    }
    return 0;
}

static int step_descriptors(struct launch *launch)
{
    (void)launch;
    return floor_result(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC));
}

static int step_exec(struct launch *launch)
{
    execv(launch->argv[0], launch->argv);
    return -errno;
}

static const struct step setup_table[] = {
    { "hostname", step_hostname }, { "propagation", step_propagation },
    { "root", step_root },         { "proc", step_proc },
    { "dev", step_dev },           { "pts", step_pts },
    { "shm", step_shm },           { "sys", step_sys },
};

static const struct step enter_table[] = {
    { "join", floor_join_groups },
    { "cgroup namespace", step_cgroup_namespace },
    { "capabilities", step_capabilities },
    { "descriptors", step_descriptors },
    { "exec", step_exec },
};

_Static_assert(COUNT(setup_table) == MARK_ENTER - MARK_SETUP, "marks do not fit setup_table");
_Static_assert(COUNT(enter_table) == MARK_LAUNCH - MARK_ENTER, "marks do not fit enter_table");

static void command_enter(void *arg)
{
    struct launch *launch = arg;

    floor_run_steps(enter_table, COUNT(enter_table), launch, MARK_ENTER);
    _exit(STATUS_FAILED);
}

void floor_run_command(void *arg)
{
    struct launch *launch = arg;

    if (floor_run_steps(setup_table, COUNT(setup_table), launch, MARK_SETUP) < 0)
        _exit(STATUS_FAILED);
    command_enter(launch);
}

void floor_run_init(struct launch *launch)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    int wait_status = 0;
    pid_t command, pid;

    if (floor_run_steps(setup_table, COUNT(setup_table), launch, MARK_SETUP) < 0)
        _exit(STATUS_FAILED);
    floor_clone_into_v2(launch, &args);
    command = clone3_borrow(&args, command_enter, launch);
    if (command < 0)
        _exit(STATUS_FAILED);
    syscall(SYS_close_range, 0, ~0u, 0);
    do {
        pid = wait4(-1, &wait_status, 0, NULL);
    } while (pid != command && (pid > 0 || errno == EINTR));
    _exit(floor_status(wait_status));
}
