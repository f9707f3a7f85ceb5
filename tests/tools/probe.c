/*
 * probe MODE [ARG...]: prints what a process finds itself in, for tests of how it was started.
 *
 * What is printed was true before the first line of main() could change it. Exit: 0, 2 on bad usage,
 * 3 when the kernel refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_REFUSED = 3 };

static int refused(const char *what)
{
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    return EXIT_REFUSED;
}

/* The numbers of the CPUs that may be used, separated by blanks. */
static int mode_affinity(char **argv)
{
    cpu_set_t set;
    int first = 1;

    (void)argv;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return refused("sched_getaffinity");
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        printf("%s%zu", first ? "" : " ", cpu);
        first = 0;
    }
    putchar('\n');
    return 0;
}

/* Class and level of io priority. */
static int mode_ioprio(char **argv)
{
    long value = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);

    (void)argv;
    if (value < 0)
        return refused("ioprio_get");
    printf("%ld %ld\n", value >> IOPRIO_CLASS_SHIFT, value & 7);
    return 0;
}

static const struct {
    const char *name;
    int resource;
} rlimits_table[] = {
    { "as", RLIMIT_AS },
    { "core", RLIMIT_CORE },
    { "cpu", RLIMIT_CPU },
    { "data", RLIMIT_DATA },
    { "fsize", RLIMIT_FSIZE },
    { "locks", RLIMIT_LOCKS },
    { "memlock", RLIMIT_MEMLOCK },
    { "msgqueue", RLIMIT_MSGQUEUE },
    { "nice", RLIMIT_NICE },
    { "nofile", RLIMIT_NOFILE },
    { "nproc", RLIMIT_NPROC },
    { "rss", RLIMIT_RSS },
    { "rtprio", RLIMIT_RTPRIO },
    { "rttime", RLIMIT_RTTIME },
    { "sigpending", RLIMIT_SIGPENDING },
    { "stack", RLIMIT_STACK },
};

static void print_rlimit(rlim_t value)
{
    if (value == RLIM_INFINITY)
        printf(" unlimited");
    else
        printf(" %llu", (unsigned long long)value);
}

/* "NAME SOFT HARD", a line for each of the sixteen. */
static int mode_rlimits(char **argv)
{
    (void)argv;
    for (size_t i = 0; i < sizeof(rlimits_table) / sizeof(rlimits_table[0]); i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)rlimits_table[i].resource, &limit) < 0)
            return refused(rlimits_table[i].name);
        fputs(rlimits_table[i].name, stdout);
        print_rlimit(limit.rlim_cur);
        print_rlimit(limit.rlim_max);
        putchar('\n');
    }
    return 0;
}

/* The open descriptors, in order, separated by blanks. */
static int mode_fds(char **argv)
{
    (void)argv;
    for (int fd = 0, first = 1; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        printf("%s%d", first ? "" : " ", fd);
        first = 0;
    }
    putchar('\n');
    return 0;
}

/* Opens PATH for reading ("r"), writing ("w") or both. */
static int mode_open(char **argv)
{
    int flags = strcmp(argv[0], "r") == 0   ? O_RDONLY
                : strcmp(argv[0], "w") == 0 ? O_WRONLY
                                            : O_RDWR;

    if (open(argv[1], flags | O_CLOEXEC | O_NONBLOCK) < 0)
        return refused(argv[1]);
    return 0;
}

/* How the signals stand: the numbers of those ignored and of those blocked. */
static int mode_signals(char **argv)
{
    sigset_t blocked;

    (void)argv;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    printf("ignored");
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf(" %d", number);
    }
    printf("\nblocked");
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&blocked, number) == 1)
            printf(" %d", number);
    putchar('\n');
    return 0;
}

/* Executes COMMAND with every signal at its default and none blocked. */
static int mode_default_signals(char **argv)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    return refused(argv[0]);
}

/* Dies of a fault of the kind that KIND names. */
static int mode_fault(char **argv)
{
    volatile int zero = 0;

    if (strcmp(argv[0], "fpe") == 0)
        return 100 / zero;
    if (strcmp(argv[0], "ill") == 0)
        __builtin_trap();
    return EXIT_USAGE;
}

static const struct mode {
    const char *name;
    int min_args;
    int (*run)(char **argv);
    const char *args;
} modes_table[] = {
    { "affinity", 0, mode_affinity, "" },
    { "ioprio", 0, mode_ioprio, "" },
    { "rlimits", 0, mode_rlimits, "" },
    { "fds", 0, mode_fds, "" },
    { "open", 2, mode_open, "r|w|rw PATH" },
    { "signals", 0, mode_signals, "" },
    { "default-signals", 1, mode_default_signals, "COMMAND..." },
    { "fault", 1, mode_fault, "fpe|ill" },
};

int main(int argc, char **argv)
{
    const size_t count = sizeof(modes_table) / sizeof(modes_table[0]);

    for (size_t i = 0; argc > 1 && i < count; i++)
        if (strcmp(argv[1], modes_table[i].name) == 0 && argc - 2 >= modes_table[i].min_args)
            return modes_table[i].run(argv + 2);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "probe %s %s\n", modes_table[i].name, modes_table[i].args);
    return EXIT_USAGE;
}
