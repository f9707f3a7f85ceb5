/* The floor's other side: what pid 1 and the command do before exec. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/clone3.h"
#include "bench/floor.h"

/* The fourteen capabilities that containers usually keep. */
static const uint64_t kept_capabilities =
    1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |
    1ull << CAP_KILL | 1ull << CAP_SETGID | 1ull << CAP_SETUID | 1ull << CAP_SETPCAP |
    1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_NET_RAW | 1ull << CAP_SYS_CHROOT |
    1ull << CAP_MKNOD | 1ull << CAP_AUDIT_WRITE | 1ull << CAP_SETFCAP;

/* Whatever becomes of the launcher, nothing outlives it. */
static int step_die(struct launch *launch)
{
    (void)launch;
    return floor_result(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static int step_names(struct launch *launch)
{
    return launch->rootfs ? floor_result(sethostname("floor", 5)) : 0;
}

static int step_loopback(struct launch *launch)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd;

    if (!launch->net)
        return 0;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return -errno;
    return 0;
}

static int step_keyring(struct launch *launch)
{
    (void)launch;
    return floor_result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

/* The kernel ends the loop: it refuses the first capability that it does not know. Root's exec
 * then gets no more than the bounding set has. */
static int step_bounding_set(struct launch *launch)
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

/* Nobody inside may look into init, which is a copy of the launcher. */
static int step_hide(struct launch *launch)
{
    return launch->init ? floor_result(prctl(PR_SET_DUMPABLE, 0)) : 0;
}

/* The launcher has made the groups meanwhile, and put the limits in force. */
static int step_go_in(struct launch *launch)
{
    char go;

    return read(launch->channel[1], &go, 1) == 1 ? 0 : -EPIPE;
}

/* After joining, so that the groups joined are the namespace's roots. */
static int step_cgroup_namespace(struct launch *launch)
{
    (void)launch;
    return floor_result(unshare(CLONE_NEWCGROUP));
}

static int step_session(struct launch *launch)
{
    (void)launch;
    return floor_result(setsid());
}

static int step_capabilities(struct launch *launch)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { 0 };

    (void)launch;
    for (unsigned i = 0; i < COUNT(data); i++)
        data[i].effective = data[i].permitted = (uint32_t)(kept_capabilities >> (32 * i));
    return floor_result(syscall(SYS_capset, &header, data));
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
    { "die with launcher", step_die, WHEN_SAME },
    { "names", step_names, ALWAYS },
    { "loopback", step_loopback, WHEN_SAME },
    { "propagation", floor_propagation, ALWAYS },
    { "root", floor_root, ALWAYS },
    { "proc", floor_proc, ALWAYS },
    { "dev", floor_dev, ALWAYS },
    { "pts", floor_pts, ALWAYS },
    { "shm", floor_shm, ALWAYS },
    { "mqueue", floor_mqueue, WHEN_SAME },
    { "sys", floor_sys, ALWAYS },
    { "view place", floor_view_place, WHEN_SAME },
    { "read-only paths", floor_proc_read_only, WHEN_SAME },
    { "masked paths", floor_masks, WHEN_SAME },
    { "keyring", step_keyring, WHEN_SAME },
    { "bounding set", step_bounding_set, ALWAYS },
    { "hide", step_hide, WHEN_SAME },
    { "go (waited for)", step_go_in, WHEN_OVERLAP },
};

static const struct step enter_table[] = {
    { "join", floor_join_groups, ALWAYS },
    { "cgroup namespace", step_cgroup_namespace, ALWAYS },
    { "view", floor_view, WHEN_SAME },
    { "session", step_session, WHEN_SAME },
    { "capabilities", step_capabilities, WHEN_SAME },
    { "descriptors", step_descriptors, ALWAYS },
    { "exec", step_exec, ALWAYS },
};

_Static_assert(COUNT(setup_table) <= MARK_ENTER - MARK_SETUP, "marks do not fit setup_table");
_Static_assert(COUNT(enter_table) <= MARK_LAUNCH - MARK_ENTER, "marks do not fit enter_table");

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

/* Only the channel stays open, as 0. */
static int init_watch(int channel_fd, pid_t command)
{
    int wait_status = 0, status;
    pid_t pid;

    if (dup2(channel_fd, 0) < 0 || syscall(SYS_close_range, 1, ~0u, 0) < 0)
        return STATUS_FAILED;
    do {
        pid = wait4(-1, &wait_status, 0, NULL);
    } while (pid != command && (pid > 0 || errno == EINTR));
    status = floor_status(wait_status);
    return write(0, &status, sizeof(status)) == sizeof(status) ? 0 : STATUS_FAILED;
}

void floor_run_init(struct launch *launch)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    pid_t command;

    if (floor_run_steps(setup_table, COUNT(setup_table), launch, MARK_SETUP) < 0 ||
        floor_clone_into_v2(launch, &args) < 0)
        _exit(STATUS_FAILED);
    command = clone3_borrow(&args, command_enter, launch);
    _exit(command < 0 ? STATUS_FAILED : init_watch(launch->channel[1], command));
}
