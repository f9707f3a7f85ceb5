/*
 * runner - starts the candidates of a comparison in turn (A B C A B C ...) and measures each start.
 *
 * usage: runner ROUNDS IDLE_MS PLAN >RESULTS
 * PLAN: one candidate a line, fields parted by tabs: label, directory to hide or "-", arguments
 * from the program's path on. RESULTS: label, round, wall time in ns, CPU time in us, peak resident
 * kB, exit status.
 *
 * It is small and static on purpose. A child that has called exec keeps, as its peak resident set,
 * at least what its parent had at that moment (getrusage(2)), so that a fat parent would be
 * measured instead of the child. The clock starts in the child, right before exec.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/clone3.h"

enum { CANDIDATES_MAX = 32, ARGS_MAX = 64, PLAN_MAX = 32768, STATUS_NO_START = 126 };

struct candidate {
    const char *label;
    const char *hide; /* NULL: nothing */
    char *argv[ARGS_MAX];
};

struct start {
    const struct candidate *candidate;
    int mount_ns_fd; /* -1: the runner's own */
    int null_fd;
    int64_t began_ns;
};

static char plan_text[PLAN_MAX];
static struct candidate candidates[CANDIDATES_MAX];
static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static __attribute__((noreturn)) void fail(const char *what)
{
    dprintf(STDERR_FILENO, "runner: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static size_t plan_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, plan_text, PLAN_MAX - 1);
    char *line, *lines = plan_text;
    size_t count = 0;

    if (n < 0)
        fail(path);
    close(fd);
    while ((line = strsep(&lines, "\n")) && *line) {
        struct candidate *candidate = &candidates[count++];
        const char *hide;

        if (count > CANDIDATES_MAX || (size_t)n == PLAN_MAX - 1) {
            errno = E2BIG;
            fail(path);
        }
        candidate->label = strsep(&line, "\t");
        hide = strsep(&line, "\t");
        candidate->hide = hide && strcmp(hide, "-") != 0 ? hide : NULL;
        for (size_t i = 0; i < ARGS_MAX - 1 && line; i++)
            candidate->argv[i] = strsep(&line, "\t");
    }
    return count;
}

/* A mount namespace of our own in which an empty tmpfs lies over `hide`; nothing of it is seen
 * outside. The runner itself stays where it was. */
static int hidden_namespace_open(const char *hide)
{
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int hidden;

    if (own < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("empty", hide, "tmpfs", 0, "mode=755") < 0)
        fail("a private mount namespace");
    hidden = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (hidden < 0 || setns(own, CLONE_NEWNS) < 0)
        fail("a private mount namespace");
    close(own);
    return hidden;
}

static void child_start(void *arg)
{
    struct start *start = arg;
    const struct candidate *candidate = start->candidate;

    dup2(start->null_fd, STDIN_FILENO);
    dup2(start->null_fd, STDOUT_FILENO);
    if (start->mount_ns_fd >= 0 && setns(start->mount_ns_fd, CLONE_NEWNS) < 0)
        _exit(STATUS_NO_START);
    start->began_ns = now_ns();
    execv(candidate->argv[0], candidate->argv);
    _exit(STATUS_NO_START);
}

static int64_t timeval_us(struct timeval t)
{
    return t.tv_sec * INT64_C(1000000) + t.tv_usec;
}

static void candidate_measure(const struct candidate *candidate, int mount_ns_fd, int null_fd,
                              long round)
{
    struct start start = {
        .candidate = candidate,
        .mount_ns_fd = candidate->hide ? mount_ns_fd : -1,
        .null_fd = null_fd,
    };
    struct clone_args args = { .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
    struct rusage usage;
    int64_t wall_ns;
    int status;
    pid_t pid = clone3_borrow(&args, child_start, &start);

    if (pid < 0)
        fail("clone3");
    while (wait4(pid, &status, 0, &usage) < 0) {
        if (errno != EINTR)
            fail("wait4");
    }
    wall_ns = now_ns() - start.began_ns;
    dprintf(STDOUT_FILENO, "%s\t%ld\t%lld\t%lld\t%ld\t%d\n", candidate->label, round,
            (long long)wall_ns,
            (long long)(timeval_us(usage.ru_utime) + timeval_us(usage.ru_stime)), usage.ru_maxrss,
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };
    const char *hide = NULL;
    int mount_ns_fd = -1, null_fd;
    struct timespec idle;
    long rounds, idle_ms;
    size_t count;

    if (argc != 4) {
        dprintf(STDERR_FILENO, "runner: usage: runner ROUNDS IDLE_MS PLAN\n");
        return 2;
    }
    rounds = strtol(argv[1], NULL, 10);
    idle_ms = strtol(argv[2], NULL, 10);
    idle = (struct timespec){ idle_ms / 1000, idle_ms % 1000 * 1000000 };
    count = plan_read(argv[3]);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    for (size_t i = 0; i < count && !hide; i++)
        hide = candidates[i].hide;
    if (hide)
        mount_ns_fd = hidden_namespace_open(hide);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        fail("/dev/null");
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count && !stopped; i++) {
            if (idle_ms > 0)
                nanosleep(&idle, NULL);
            candidate_measure(&candidates[i], mount_ns_fd, null_fd, round);
        }
    }
    return stopped ? 130 : 0;
}
