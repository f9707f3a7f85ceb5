/*
 * A further process in a container that exists. A process in between enters the container's namespaces and
 * clones COMMAND's there, as our own child; that one does what the box has done for the container's first
 * process as far as it is a process's and not the container's, and then the same steps as every COMMAND.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define ENTER_FAILED 255

/* ---- which namespaces --------------------------------------------------------------------------------- */

static const struct {
    uint64_t flag;
    const char *file;
} kind_table[] = {
    { CLONE_NEWUSER, "user" }, { CLONE_NEWTIME, "time" },     { CLONE_NEWPID, "pid" },
    { CLONE_NEWNET, "net" },   { CLONE_NEWIPC, "ipc" },       { CLONE_NEWUTS, "uts" },
    { CLONE_NEWNS, "mnt" },    { CLONE_NEWCGROUP, "cgroup" },
};

/* Is it another one than ours? A kind that the kernel does not have is the same. */
static int kind_differs(pid_t pid, const char *file)
{
    struct stat ours, theirs;
    char path[48];

    snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
    if (stat(path, &ours) < 0)
        return errno == ENOENT ? 0 : -errno;
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, file);
    if (stat(path, &theirs) < 0)
        return -errno;
    return ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino;
}

/*
 * One is not let into one's own user namespace again, nor into others without rights there, be they one's own
 * already. The number is that of the pidfd's process as long as that one can be signalled: then nobody else
 * had it meanwhile.
 */
int enter_compare(struct launch *launch, struct err *err)
{
    int pidfd = launch->options->enter_pidfd;
    pid_t pid = launch->entering ? sys_pidfd_pid(pidfd) : 0;
    int r = pid < 0 ? pid : 0;

    if (!launch->entering)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(kind_table) && r >= 0; i++) {
        r = kind_differs(pid, kind_table[i].file);
        if (r > 0)
            launch->enter_mask |= kind_table[i].flag;
    }
    if (r >= 0)
        r = sys_pidfd_send_signal(pidfd, 0);
    if (r == -ENOENT || r == -ESRCH)
        return err_set(err, ESRCH, "container not running");
    return r < 0 ? err_set(err, -r, "cannot tell the container's namespaces: %s", err_name(-r)) : 0;
}

/* ---- the process in between ------------------------------------------------------------------------- */

/*
 * Everything but the cgroup namespace, which comes after joining the groups: from within it, they are beneath
 * a root that we do not come from, and may not be joined.
 */
static int enter_namespaces(struct launch *launch, struct err *err)
{
    int mask = (int)(launch->enter_mask & ~(uint64_t)CLONE_NEWCGROUP);
    int r = 0;

    if (launch->spec->oom_score_adj_set)
        r = step_oom_score(launch, err); /* while /proc is ours */
    if (r < 0 || mask == 0)
        return r;
    r = sys_setns(launch->options->enter_pidfd, mask);
    if (r == -ESRCH)
        return err_set(err, ESRCH, "container not running");
    return r < 0 ? err_set(err, -r, "cannot enter the container's namespaces: %s", err_name(-r))
                 : 0;
}

/* ---- COMMAND's process ---------------------------------------------------------------------------------- */

static bool enters_user_namespace(const struct launch *launch)
{
    return (launch->enter_mask & CLONE_NEWUSER) != 0;
}

/* The namespace's root, where it has one: whatever we are outside is nobody here. */
static int step_become_root(struct launch *launch, struct err *err)
{
    int r = sys_setresgid(0, 0, 0);

    (void)launch;
    if (r >= 0 || r == -EINVAL)
        r = sys_setresuid(0, 0, 0);
    return r < 0 && r != -EINVAL
               ? err_set(err, -r, "cannot become the container's root: %s", err_name(-r))
               : 0;
}

static int step_enter_root(struct launch *launch, struct err *err)
{
    launch->umask = umask(0);
    launch->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return launch->root_fd < 0 ? err_set(err, errno, "cannot open the container's root: %m") : 0;
}

static bool has_user_inside(const struct launch *launch)
{
    return launch->spec->user_from_rootfs;
}

static bool has_terminal(const struct launch *launch)
{
    return launch->spec->tty;
}

static bool has_console(const struct launch *launch)
{
    return launch->spec->tty && launch->options->console_fd >= 0;
}

static bool wants_keyring(const struct launch *launch)
{
    return !launch->spec->no_new_keyring;
}

static bool wants_no_new_privs(const struct launch *launch)
{
    return launch->spec->no_new_privs && !launch->spec->document;
}

static const struct step step_table[] = {
    { "user namespace", enters_user_namespace, step_become_root },
    { "root", NULL, step_enter_root },
    { "user", has_user_inside, step_user },
    { "terminal", has_terminal, step_terminal_open },
    { "console socket", has_console, step_console_send },
    { "directory", NULL, step_directory_open },
    { "keyring", wants_keyring, step_keyring },
    { "no new privileges", wants_no_new_privs, step_no_new_privs },
    { "bounding set", NULL, step_bounding_set },
};

/* In memory that may be the supervisor's: nothing but the launch is written to. */
static int entered_main(void *data)
{
    struct launch *launch = data;
    struct message message = { .kind = MESSAGE_FAILED };

    self_settle_child();
    int r = steps_run(step_table, ARRAY_SIZE(step_table), launch, &message.err);
    if (r >= 0)
        command_steps(launch, &message.err);
    message_send(launch->channel_fd, &message);
    return ENTER_FAILED;
}

/* ---- the supervisor ------------------------------------------------------------------------------------- */

static int groups_take(struct launch *launch, const struct spawn_groups *groups, struct err *err)
{
    if (groups->n_tasks_fds > ARRAY_SIZE(launch->tasks_fds))
        return err_set(err, E2BIG, "cannot join %zu groups at once", groups->n_tasks_fds);
    launch->v2_fd = groups->v2_fd;
    launch->n_tasks_fds = groups->n_tasks_fds;
    if (groups->n_tasks_fds > 0)
        memcpy(launch->tasks_fds, groups->tasks_fds, groups->n_tasks_fds * sizeof(int));
    return 0;
}

/* Signals wait: no handler of ours may run in a process that borrows our memory. */
static int entered_clone(struct launch *launch, struct spawn *spawn, struct err *err)
{
    const struct passage passage = {
        .enter = enter_namespaces,
        .main = entered_main,
        .v2_fd = launch->v2_fd,
        .borrowing = true,
    };
    sigset_t all, before;
    pid_t pid;

    launch->ignored = signals_ignored();
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return err_set(err, errno, "cannot block signals: %m");
    pid = clone_through(launch, &passage, &spawn->box_pidfd, err);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return pid;
    spawn->box_pid = pid;
    return 0;
}

int spawn_enter(const struct spawn_options *options, const struct spawn_groups *groups,
                struct spawn *ret, struct err *err)
{
    struct launch launch;
    int r;

    *ret =
        (struct spawn){ .box_pidfd = -1, .command_pidfd = -1, .channel_fd = -1, .terminal_fd = -1 };
    r = launch_prepare(&launch, options, true, err);
    if (r >= 0)
        r = groups_take(&launch, groups, err);
    if (r >= 0)
        r = channel_open(&ret->channel_fd, &launch.channel_fd, err);
    if (r >= 0) {
        r = entered_clone(&launch, ret, err);
        close(launch.channel_fd);
    }
    launch_done(&launch);
    if (r < 0) {
        err_step(err, "enter");
        spawn_close(ret);
    }
    return r;
}
