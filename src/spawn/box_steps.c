/*
 * What the box does before COMMAND's process exists, in this order. None of it is in the run's groups.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define ARGUMENTS_MAX (2 << 20)

/* ---- itself ------------------------------------------------------------------------------------------------ */

static void on_child(int signal)
{
    (void)signal; /* it is enough that ppoll(2) comes back */
}

/* Asking sigaction(2) would take a call for each signal. Without /proc that could be any. */
uint64_t signals_ignored(void)
{
    char text[2048];
    const char *line = NULL;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n > 0) {
        text[n] = '\0';
        line = strstr(text, "\nSigIgn:\t");
    }
    fd_close(fd);
    if (!line)
        return ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
    return strtoull(line + strlen("\nSigIgn:\t"), NULL, 16);
}

/* Everything is blocked and SIGCHLD has a handler, for watch(): an inherited SIG_IGN would reap for us. */
static int step_signals(struct launch *launch, struct err *err)
{
    struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
    sigset_t mask;

    (void)launch;
    sigfillset(&mask);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0 || sigaction(SIGCHLD, &action, NULL) < 0)
        return err_set(err, errno, "cannot set up signals: %m");
    return 0;
}

/* With init the box sees its channel hung up, whichever thread of the supervisor began the run. */
static bool has_to_die(const struct launch *launch)
{
    return launch->options->die_with_supervisor && !launch->spec->init;
}

static int step_die(struct launch *launch, struct err *err)
{
    (void)launch;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_set(err, errno, "cannot ask to be killed with the supervisor: %m");
    return 0;
}

/* What the process in between has not entered already. */
static bool joins_itself(const struct launch *launch)
{
    return launch->joined != 0 && !launch->through;
}

static bool joined_user_namespace(const struct launch *launch)
{
    return (launch->joined & CLONE_NEWUSER) != 0;
}

/* Be the root of the namespace that was entered, where it has one. */
static int step_joined_user(struct launch *launch, struct err *err)
{
    int r = sys_setresgid(0, 0, 0);

    (void)launch;
    if (r >= 0 || r == -EINVAL)
        r = sys_setresuid(0, 0, 0);
    return r < 0 && r != -EINVAL
               ? err_set(err, -r, "cannot become root in the user namespace entered: %s",
                         err_name(-r))
               : 0;
}

static bool has_user_namespace(const struct launch *launch)
{
    return (launch->spec->namespaces & CLONE_NEWUSER) != 0;
}

/* The supervisor writes the maps and says so; then be somebody whom they name. */
static int step_user_namespace(struct launch *launch, struct err *err)
{
    uid_t uid = launch->box_uid;
    gid_t gid = launch->box_gid;
    struct message message;
    int r = message_receive(launch->channel_fd, true, &message);

    if (r <= 0 || message.kind != MESSAGE_MAPPED)
        return err_set(err, r < 0 ? -r : EPIPE, "the supervisor went away");
    r = gid == (gid_t)-1 ? 0 : sys_setresgid(gid, gid, gid);
    if (r >= 0 && uid != (uid_t)-1)
        r = sys_setresuid(uid, uid, uid);
    return r < 0 ? err_refuse(err, -r, "--uidmap, --gidmap: cannot become %u:%u inside: %s", uid,
                              gid, err_name(-r))
                 : 0;
}

static bool lacks_pid_namespace(const struct launch *launch)
{
    return launch->spec->init && !(launch->spec->namespaces & CLONE_NEWPID);
}

/* Without a pid namespace of its own the box is no process 1; orphans come to it all the same. */
static int step_subreaper(struct launch *launch, struct err *err)
{
    (void)launch;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return err_set(err, errno, "cannot become the reaper of orphans: %m");
    return 0;
}

/*
 * The supervisor's arguments (host paths, other people's variables) are not for the eyes of whoever
 * reads /proc/1/cmdline inside. They lie from the program's name up to the first variable.
 */
static void arguments_forget(void)
{
    static const char title[] = "ration: init";
    char *begin = program_invocation_name;
    const char *after = environ ? environ[0] : NULL;
    uintptr_t length = (uintptr_t)after - (uintptr_t)begin;

    if (!after || (uintptr_t)after <= (uintptr_t)begin || length > ARGUMENTS_MAX)
        return; /* somebody has put others in their place */
    memset(begin, 0, length);
    memcpy(begin, title, length < sizeof(title) ? length - 1 : sizeof(title));
}

/* Nobody inside may look into the box, which is a copy of ration. */
static int step_hide(struct launch *launch, struct err *err)
{
    if (launch->spec->init || launch->options->gate_fd >= 0)
        arguments_forget();
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return err_set(err, errno, "cannot make the run's first process unreadable: %m");
    return 0;
}

/* ---- names, network, clocks ------------------------------------------------------------------------------- */

static bool has_names(const struct launch *launch)
{
    return ((launch->spec->namespaces | launch->joined) & CLONE_NEWUTS) &&
           (launch->spec->hostname || launch->spec->domainname);
}

static int step_names(struct launch *launch, struct err *err)
{
    const char *host = launch->spec->hostname, *domain = launch->spec->domainname;

    if (host && sethostname(host, strlen(host)) < 0)
        return err_set(err, errno, "--hostname: cannot set %s: %m", host);
    if (domain && setdomainname(domain, strlen(domain)) < 0)
        return err_set(err, errno, "--domainname: cannot set %s: %m", domain);
    return 0;
}

static bool has_network(const struct launch *launch)
{
    return (launch->spec->namespaces & CLONE_NEWNET) != 0;
}

/* A new network namespace has a loopback interface and nothing else, and it is down. */
static int step_loopback(struct launch *launch, struct err *err)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)launch;
    /* A kernel without IPv4 has nothing to bring up. */
    if (fd < 0 && errno == EAFNOSUPPORT)
        return 0;
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return err_set(err, errno, "--network none: cannot bring loopback up: %m");
    return 0;
}

static bool has_time_namespace(const struct launch *launch)
{
    return (launch->spec->namespaces & CLONE_NEWTIME) != 0;
}

static int time_set_offsets(const struct spec *spec, struct err *err)
{
    char text[112];
    int r;

    snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n",
             (long long)spec->time_monotonic_s, spec->time_monotonic_ns,
             (long long)spec->time_boottime_s, spec->time_boottime_ns);
    r = file_write(AT_FDCWD, "/proc/self/timens_offsets", text);
    if (r == -ERANGE)
        return err_refuse(err, ERANGE, "--time-offset: a clock would be before 0 or too far ahead");
    return r < 0 ? err_refuse(err, -r, "--time-offset: cannot shift the clocks: %s", err_name(-r))
                 : 0;
}

/*
 * The box stays in the old one; COMMAND's process is born in the new one. A box that becomes COMMAND goes
 * there: exec does it from Linux 6.3 on only. See time_namespaces(7).
 */
static int step_time(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    _cleanup_close_ int fd = -1;

    if (unshare(CLONE_NEWTIME) < 0)
        return err_refuse(err, errno, "--time: cannot make a time namespace: %m");
    int r = spec->time_offset_set ? time_set_offsets(spec, err) : 0;
    if (r < 0 || spec->init)
        return r;
    fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
        return err_refuse(err, errno, "--time: cannot enter the time namespace: %m");
    return 0;
}

/* ---- what COMMAND inherits from the box ------------------------------------------------------------------ */

/* A session keyring of its own: no key of the caller's is found from inside. */
int step_keyring(struct launch *launch, struct err *err)
{
    int r = sys_keyring_new_session();

    (void)launch;
    if (r == -ENOSYS)
        return 0; /* no keys, nothing to leak */
    return r < 0 ? err_set(err, -r, "cannot make a new session keyring: %s", err_name(-r)) : 0;
}

/* A document's profiles and labels come first, see command_steps.c. */
static bool wants_no_new_privs(const struct launch *launch)
{
    return launch->spec->no_new_privs && !launch->spec->document;
}

int step_no_new_privs(struct launch *launch, struct err *err)
{
    (void)launch;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(err, errno, "--security-opt no-new-privileges: %m");
    return 0;
}

/* The kernel ends the loop: it refuses the first number that it does not know. */
int step_bounding_set(struct launch *launch, struct err *err)
{
    for (int capability = 0; capability < 64; capability++) {
        if (launch->spec->caps.bounding & UINT64_C(1) << capability)
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) >= 0)
            continue;
        if (errno == EINVAL)
            break;
        if (errno != EPERM || prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 0)
            return err_set(err, errno, "--cap-drop: cannot drop capability %d: %m", capability);
    }
    return 0;
}

bool go_take(struct launch *launch, const struct message *message)
{
    if (message->kind != MESSAGE_GO || message->n_tasks < 0 ||
        (size_t)message->n_tasks > message->n_fds)
        return false;
    launch->n_tasks_fds = (size_t)message->n_tasks;
    launch->ignored = message->ignored;
    memcpy(launch->tasks_fds, message->fds, sizeof(launch->tasks_fds));
    if (message->n_fds > launch->n_tasks_fds)
        launch->v2_fd = message->fds[launch->n_tasks_fds];
    launch->has_gone = true;
    return true;
}

/* The supervisor has made the groups meanwhile and put the limits in force; it sends the way in. */
static int step_go(struct launch *launch, struct err *err)
{
    struct message message;
    int r;

    if (launch->has_gone)
        return 0;
    r = message_receive(launch->channel_fd, true, &message);
    if (r <= 0 || !go_take(launch, &message))
        return r < 0 ? err_set(err, -r, "cannot read from the supervisor: %s", err_name(-r))
                     : err_set(err, EPIPE, "the supervisor went away");
    return 0;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static bool has_mount_namespace(const struct launch *launch)
{
    return ((launch->spec->namespaces | launch->joined) & CLONE_NEWNS) != 0;
}

static bool has_own_mount_namespace(const struct launch *launch)
{
    return (launch->spec->namespaces & CLONE_NEWNS) != 0;
}

static bool has_new_root(const struct launch *launch)
{
    return launch->spec->rootfs != NULL;
}

static bool has_user_inside(const struct launch *launch)
{
    return launch->spec->overlay && launch->accounts;
}

static bool has_terminal(const struct launch *launch)
{
    return launch->spec->tty;
}

static bool has_console(const struct launch *launch)
{
    return launch->spec->tty && launch->options->console_fd >= 0;
}

static bool has_hooks(const struct launch *launch)
{
    return launch->options->hooks;
}

static bool wants_keyring(const struct launch *launch)
{
    return !launch->spec->no_new_keyring;
}

static bool has_devices(const struct launch *launch)
{
    return launch->spec->make_devices;
}

static bool has_sysctls(const struct launch *launch)
{
    return launch->spec->n_sysctls > 0;
}

static const struct step step_table[] = {
    { "signals", NULL, step_signals },
    { "supervisor", has_to_die, step_die },
    { "join namespaces", joins_itself, step_join_namespaces },
    { "user namespace", has_user_namespace, step_user_namespace },
    { "user namespace", joined_user_namespace, step_joined_user },
    { "reaper", lacks_pid_namespace, step_subreaper },
    { "time namespace", has_time_namespace, step_time },
    { "names", has_names, step_names },
    { "network", has_network, step_loopback },
    { "propagation", has_own_mount_namespace, step_propagation },
    { "root", NULL, step_root },
    { "user", has_user_inside, step_user },
    { "mounts", has_mount_namespace, step_mounts },
    { "devices", has_devices, step_devices },
    { "terminal", has_terminal, step_terminal_open },
    { "console socket", has_console, step_console_send },
    { "directory", NULL, step_directory_open },
    { "read-only root", has_new_root, step_root_attributes },
    { "ready", has_hooks, step_ready },
    { "pivot", has_new_root, step_pivot },
    { "sysctl", has_sysctls, step_sysctls },
    { "keyring", wants_keyring, step_keyring },
    { "no new privileges", wants_no_new_privs, step_no_new_privs },
    { "hierarchies", NULL, later_await },
    { "bounding set", NULL, step_bounding_set },
    { "hide", NULL, step_hide },
    { "go", NULL, step_go },
};

int box_steps(struct launch *launch, struct err *err)
{
    return steps_run(step_table, ARRAY_SIZE(step_table), launch, err);
}
