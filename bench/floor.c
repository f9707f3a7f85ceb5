/*
 * floor - the least that a launch under limits can cost.
 *
 * The same isolation that `ration run` gives, written straight in system calls: no spec, no state
 * file, no report, no error recovery beyond removing the groups. Every other launcher is measured
 * as a ratio to this one (docs/performance.md). What it does stands in three tables of steps:
 * launch_table for the launcher (here), setup_table for the process that becomes pid 1 and
 * enter_table for the process that becomes the command (floor_inside.c).
 *
 *   --no-init  the command itself is pid 1: one vfork-like clone3, nothing copied.
 *   --init     pid 1 is a reaper outside the limited groups. It is a copy of the launcher, not a
 *              borrower of its memory: whoever is root inside can write to pid 1.
 *
 *   --net, --full, --rootfs DIR    a network namespace, all hierarchies, another root
 *   --flat, --no-readback, --no-figures, --procs    without, or with the dearer way, to see a price
 *   --steps, --print    the time of each step, the figures read; on stderr
 *
 * The limits sit on a group whose child the command lives in; the child is the root of its cgroup
 * namespace, so that root inside cannot lift them. v1 groups are joined by the command writing "0"
 * to `tasks`, which spares the kernel's wait for an RCU grace period; the v2 group by
 * CLONE_INTO_CGROUP. --procs shows the price of the usual way.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

int floor_run_steps(const struct step *table, size_t n, struct launch *launch, size_t mark)
{
    for (size_t i = 0; i < n; i++) {
        int64_t began_ns = launch->marks ? now_ns() : 0;
        int r = table[i].run(launch);

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
        pid = clone3_copy(&args);
        if (pid == 0)
            floor_run_init(launch);
    } else {
        floor_clone_into_v2(launch, &args);
        pid = clone3_borrow(&args, floor_run_command, launch);
    }
    if (pid < 0)
        return pid;
    child_pid = pid;
    if (stopped) /* a signal that came while there was no pid to kill yet */
        kill(pid, SIGKILL);
    return 0;
}

static int step_wait(struct launch *launch)
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

static const struct step launch_table[] = {
    { "signals", step_signals },
    { "hierarchies", floor_open_hierarchies },
    { "groups", floor_make_groups },
    { "limits", floor_write_limits },
    { "child groups", floor_make_child_groups },
    { "clone", step_clone },
    { "open figures", floor_open_figures },
    { "wait", step_wait },
    { "read figures", floor_read_figures },
};

static const struct step remove_table[] = { { "remove groups", floor_remove_groups } };

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
        { "no-figures", no_argument, &launch->figures, 0 },
        { "procs", no_argument, &launch->procs, 1 },
        { "steps", no_argument, ret_steps, 1 },
        { "print", no_argument, ret_print, 1 },
        { "rootfs", required_argument, NULL, 'r' },
        { "group", required_argument, NULL, 'g' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "+", option_table, NULL)) != -1) {
        if (c == 'r')
            launch->rootfs = optarg;
        else if (c == 'g')
            launch->name = optarg;
        else if (c != 0)
            _exit(2);
    }
    launch->argv = argv + optind;
}

int main(int argc, char **argv)
{
    static struct launch launch = { .nested = 1, .readback = 1, .figures = 1 };
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
    if (floor_run_steps(remove_table, 1, &launch, MARK_LAUNCH + COUNT(launch_table)) < 0 || r < 0)
        return STATUS_FAILED;
    if (steps)
        marks_print(launch.marks, (now_ns() - began_ns) / 100);
    if (print)
        figures_print(&launch);
    return launch.status;
}
