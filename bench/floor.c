/*
 * floor - the least that a launch under limits can cost.
 *
 * The same isolation that `ration run` gives, written straight in system calls: no spec, no state
 * file, no report, no error recovery beyond removing the groups. Every other launcher is measured
 * as a ratio to this one (docs/performance.md). What it does stands in three tables of steps:
 * launch_table for the launcher (here), setup_table for the process that becomes pid 1 and
 * enter_table for the process that becomes the command (both in floor_inside.c).
 *
 *   --no-init  the command itself is pid 1: one vfork-like clone3, nothing copied.
 *   --init     pid 1 is a reaper outside the limited groups. It is a copy of the launcher, not a
 *              borrower of its memory: whoever is root inside can write to pid 1. It makes mounts
 *              while the launcher makes groups (--serial: one after the other).
 *
 *   --bare     leaves out what a container runtime adds beyond namespaces, groups and the usual
 *              file systems: read-only and masked paths, the view of its own groups, a keyring, ...
 *   --net, --full, --rootfs DIR    a network namespace, more controllers, another root
 *   --disk MAJOR:MINOR, --figures, --record DIR    with a limit on a disk, with the figures of a
 *              report, with a locked record of the run in DIR while it lasts
 *   --flat, --no-readback, --procs    without, or with the dearer way, to see a price
 *   --steps, --print    the time of each step, the figures read; on stderr
 *
 * The limits sit on a group whose child the command lives in; the child is the root of its cgroup
 * namespace, so that root inside cannot lift them. v1 groups are joined by the command writing "0"
 * to `tasks`, which spares the kernel's wait for an RCU grace period; the v2 group by
 * CLONE_INTO_CGROUP. --procs shows the price of the usual way.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/clone3.h"
#include "bench/floor.h"

static volatile sig_atomic_t child_pid, stopped;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool step_is_wanted(const struct launch *launch, enum when when)
{
    switch (when) {
    case WHEN_SAME:
        return launch->same;
    case WHEN_OVERLAP:
        return launch->init && launch->overlap;
    case WHEN_SERIAL:
        return !launch->init || !launch->overlap;
    case WHEN_INIT:
        return launch->init;
    default:
        return true;
    }
}

int floor_run_steps(const struct step *table, size_t n, struct launch *launch, size_t mark)
{
    for (size_t i = 0; i < n; i++) {
        int64_t began_ns = launch->marks ? now_ns() : 0;
        int r;

        if (!step_is_wanted(launch, table[i].when))
            continue;
        r = table[i].run(launch);
        if (r < 0) {
            dprintf(STDERR_FILENO, "floor: %s: %s\n", table[i].name, strerror(-r));
            return r;
        }
        if (launch->marks)
            launch->marks[mark + i] = (struct mark){ table[i].name, (now_ns() - began_ns) / 100 };
    }
    return 0;
}

int floor_status(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
    if (child_pid > 0)
        kill(child_pid, SIGKILL);
}

static int step_signals(struct launch *launch)
{
    static const int signal_table[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    (void)launch;
    for (size_t i = 0; i < COUNT(signal_table); i++) {
        if (sigaction(signal_table[i], &action, NULL) < 0)
            return -errno;
    }
    return 0;
}

static int step_clone(struct launch *launch)
{
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    if (launch->net)
        args.flags |= CLONE_NEWNET;
    if (launch->init) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, launch->channel) < 0)
            return -errno;
        pid = clone3_copy(&args);
        if (pid == 0)
            floor_run_init(launch);
        close(launch->channel[1]);
    } else {
        int r = floor_clone_into_v2(launch, &args);

        if (r < 0)
            return r;
        pid = clone3_borrow(&args, floor_run_command, launch);
    }
    if (pid < 0)
        return pid;
    child_pid = pid;
    if (stopped) /* a signal that came while there was no pid to kill yet */
        kill(pid, SIGKILL);
    return 0;
}

/* Before anything is made it is on record, locked as long as we live. */
static int step_record(struct launch *launch)
{
    static const char text[256] = "what a record says is of no interest here\n";
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (!launch->record)
        return 0;
    launch->record_dir_fd = open(launch->record, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (launch->record_dir_fd < 0)
        return -errno;
    launch->record_fd = openat(launch->record_dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (launch->record_fd < 0 || fcntl(launch->record_fd, F_OFD_SETLK, &lock) < 0 ||
        write(launch->record_fd, text, sizeof(text)) < 0 ||
        linkat(launch->record_fd, "", launch->record_dir_fd, launch->name, AT_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

static int step_record_removal(struct launch *launch)
{
    return launch->record ? floor_result(unlinkat(launch->record_dir_fd, launch->name, 0)) : 0;
}

static int step_go(struct launch *launch)
{
    return write(launch->channel[0], "", 1) == 1 ? 0 : -errno;
}

static int child_wait(struct launch *launch)
{
    int wait_status;
    pid_t pid;

    do {
        pid = wait4(child_pid, &wait_status, 0, NULL);
    } while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return -errno;
    launch->status = floor_status(wait_status);
    return 0;
}

/* Init tells how the command ended and then goes, while the groups are being removed. When it is
 * gone without a word its own status tells. */
static int step_wait(struct launch *launch)
{
    ssize_t n;

    if (!launch->init)
        return child_wait(launch);
    do {
        n = read(launch->channel[0], &launch->status, sizeof(launch->status));
    } while (n < 0 && errno == EINTR);
    return n == sizeof(launch->status) ? 0 : child_wait(launch);
}

static int step_reap(struct launch *launch)
{
    int status = launch->status;
    int r = child_wait(launch);

    launch->status = status;
    return r == -ECHILD ? 0 : r;
}

static const struct step launch_table[] = {
    { "signals", step_signals, ALWAYS },
    { "hierarchies", floor_open_hierarchies, ALWAYS },
    { "record", step_record, ALWAYS },
    { "clone", step_clone, WHEN_OVERLAP },
    { "groups", floor_make_groups, ALWAYS },
    { "limits", floor_write_limits, ALWAYS },
    { "child groups", floor_make_child_groups, ALWAYS },
    { "clone", step_clone, WHEN_SERIAL },
    { "go", step_go, WHEN_OVERLAP },
    { "open figures", floor_open_figures, ALWAYS },
    { "wait", step_wait, ALWAYS },
    { "read figures", floor_read_figures, ALWAYS },
};

static const struct step remove_table[] = {
    { "remove groups", floor_remove_groups, ALWAYS },
    { "reap", step_reap, WHEN_INIT },
    { "remove record", step_record_removal, ALWAYS },
};

_Static_assert(COUNT(launch_table) + COUNT(remove_table) <= STEPS_MAX - MARK_LAUNCH,
               "marks do not fit launch_table and remove_table");

static void marks_print(const struct mark *marks, int64_t total_us_x10)
{
    for (size_t i = 0; i < STEPS_MAX; i++) {
        if (marks[i].step)
            dprintf(STDERR_FILENO, "%s\t%ld.%ld\n", marks[i].step, (long)(marks[i].us_x10 / 10),
                    (long)(marks[i].us_x10 % 10));
    }
    dprintf(STDERR_FILENO, "total\t%ld.%ld\n", (long)(total_us_x10 / 10),
            (long)(total_us_x10 % 10));
}

static void figures_print(const struct launch *launch)
{
    for (size_t i = 0; i < launch->n_groups; i++) {
        for (size_t j = 0; j < FIGURES_MAX && launch->groups[i].hierarchy->figures[j]; j++)
            dprintf(STDERR_FILENO, "%s:\n%s", launch->groups[i].hierarchy->figures[j],
                    launch->read[i * FIGURES_MAX + j]);
    }
}

static void options_parse(int argc, char **argv, struct launch *launch, int *ret_steps,
                          int *ret_print)
{
    const struct option option_table[] = {
        { "init", no_argument, &launch->init, 1 },
        { "no-init", no_argument, &launch->init, 0 },
        { "net", no_argument, &launch->net, 1 },
        { "full", no_argument, &launch->full, 1 },
        { "nested", no_argument, &launch->nested, 1 },
        { "flat", no_argument, &launch->nested, 0 },
        { "no-readback", no_argument, &launch->readback, 0 },
        { "figures", no_argument, &launch->figures, 1 },
        { "bare", no_argument, &launch->same, 0 },
        { "serial", no_argument, &launch->overlap, 0 },
        { "procs", no_argument, &launch->procs, 1 },
        { "steps", no_argument, ret_steps, 1 },
        { "print", no_argument, ret_print, 1 },
        { "rootfs", required_argument, NULL, 'r' },
        { "group", required_argument, NULL, 'g' },
        { "record", required_argument, NULL, 'R' },
        { "disk", required_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "+", option_table, NULL)) != -1) {
        if (c == 'r')
            launch->rootfs = optarg;
        else if (c == 'g')
            launch->name = optarg;
        else if (c == 'R')
            launch->record = optarg;
        else if (c == 'd')
            launch->disk = optarg;
        else if (c != 0)
            _exit(2);
    }
    launch->argv = argv + optind;
}

int main(int argc, char **argv)
{
    static struct launch launch = { .nested = 1, .readback = 1, .same = 1, .overlap = 1 };
    int64_t began_ns = now_ns();
    char name[32];
    int steps = 0, print = 0;
    int r;

    options_parse(argc, argv, &launch, &steps, &print);
    if (!launch.argv[0] || geteuid() != 0) {
        dprintf(STDERR_FILENO, launch.argv[0] ? "floor: needs root\n"
                                              : "floor: usage: floor [options] -- COMMAND...\n");
        return launch.argv[0] ? STATUS_FAILED : 2;
    }
    if (!launch.name) {
        snprintf(name, sizeof(name), "bench-floor-%d", (int)getpid());
        launch.name = name;
    }
    if (steps) {
        launch.marks = mmap(NULL, STEPS_MAX * sizeof(struct mark), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (launch.marks == MAP_FAILED)
            return STATUS_FAILED;
    }
    r = floor_run_steps(launch_table, COUNT(launch_table), &launch, MARK_LAUNCH);
    if (r < 0 && child_pid > 0) {
        kill(child_pid, SIGKILL);
        waitpid(child_pid, NULL, 0);
    }
    if (floor_run_steps(remove_table, COUNT(remove_table), &launch,
                        MARK_LAUNCH + COUNT(launch_table)) < 0 ||
        r < 0)
        return STATUS_FAILED;
    if (steps)
        marks_print(launch.marks, (now_ns() - began_ns) / 100);
    if (print)
        figures_print(&launch);
    return launch.status;
}
