/*
 * hog MODE [ARG...]: a program of known appetite, for the tests and the demonstration.
 *
 * Sizes are 4096, 40m (b k m g, 1024), durations 2s, 500ms, 3m (a bare number is seconds). What a
 * mode is told to use it uses, and nothing else; on success it exits 0 unless the mode says
 * otherwise, on a refusal by the kernel it prints one line to stderr and exits 3 (so that "was
 * refused" and "was killed" are never confused), on bad usage 2. Run it bare for the list.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
    CHUNK = 1 << 20,
};

static void refused(const char *what)
{
    fprintf(stderr, "hog: %s: %s\n", what, strerror(errno));
    exit(EXIT_REFUSED);
}

static void usage(const char *what)
{
    fprintf(stderr, "hog: bad %s\n", what);
    exit(EXIT_USAGE);
}

/* "40m" -> bytes. */
static size_t parse_size(const char *text)
{
    static const char units[] = "bkmgt";
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : units;

    if (end == text || !unit || (*end != '\0' && end[1] != '\0'))
        usage("size");
    return (size_t)(value << (10 * (unit - units)));
}

/* "500ms" -> nanoseconds. */
static int64_t parse_duration(const char *text)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units_table[] = {
        { "", 1000000000 },  { "ns", 1 },          { "us", 1000 },         { "ms", 1000000 },
        { "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 },
    };
    char *end;
    double value = strtod(text, &end);

    for (size_t i = 0; i < sizeof(units_table) / sizeof(units_table[0]); i++)
        if (end != text && strcmp(end, units_table[i].unit) == 0)
            return (int64_t)(value * (double)units_table[i].ns);
    usage("duration");
    return 0;
}

static long parse_number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0')
        usage("number");
    return value;
}

static void sleep_ns(int64_t ns)
{
    struct timespec left = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void sleep_forever(void)
{
    for (;;)
        pause();
}

/* Writes one byte to every page, so that each is really there. */
static void touch_pages(void *memory, size_t size)
{
    volatile char *bytes = memory;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t at = 0; at < size; at += page)
        bytes[at] = (char)(at / page + 1);
}

static void *map_anonymous(size_t size, int flags)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    if (memory == MAP_FAILED)
        refused("mmap");
    return memory;
}

/* The options that may follow the arguments of a mode which uses memory. */
struct hold {
    int64_t before_ns; /* --sleep-before DUR */
    int64_t after_ns;  /* --hold DUR; below zero: for ever */
};

static struct hold parse_hold(int argc, char **argv)
{
    struct hold hold = { 0 };

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--hold") == 0 && i + 1 < argc)
            hold.after_ns = parse_duration(argv[++i]);
        else if (strcmp(argv[i], "--hold-forever") == 0)
            hold.after_ns = -1;
        else if (strcmp(argv[i], "--sleep-before") == 0 && i + 1 < argc)
            hold.before_ns = parse_duration(argv[++i]);
        else
            usage("option");
    }
    return hold;
}

static void hold_after(const struct hold *hold)
{
    if (hold->after_ns < 0)
        sleep_forever();
    sleep_ns(hold->after_ns);
}

static int mode_mem(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    struct hold hold = parse_hold(argc - 1, argv + 1);

    sleep_ns(hold.before_ns);
    touch_pages(map_anonymous(size, 0), size);
    hold_after(&hold);
    return 0;
}

static int mode_mlock(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    struct hold hold = parse_hold(argc - 1, argv + 1);

    sleep_ns(hold.before_ns);
    if (mlock(map_anonymous(size, 0), size) < 0)
        refused("mlock");
    hold_after(&hold);
    return 0;
}

static int mode_hugetlb(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    struct hold hold = parse_hold(argc - 1, argv + 1);

    touch_pages(map_anonymous(size, MAP_HUGETLB), size);
    hold_after(&hold);
    return 0;
}

static int mode_shm(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    struct hold hold = parse_hold(argc - 1, argv + 1);
    int fd = memfd_create("hog", MFD_CLOEXEC);

    sleep_ns(hold.before_ns);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        refused("memfd");
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        refused("mmap");
    touch_pages(memory, size);
    hold_after(&hold);
    return 0;
}

static void write_bytes(int fd, size_t size, const char *what)
{
    void *chunk = map_anonymous(CHUNK, 0);

    memset(chunk, 'x', CHUNK);
    while (size > 0) {
        ssize_t n = write(fd, chunk, size < CHUNK ? size : CHUNK);
        if (n < 0 && errno != EINTR)
            refused(what);
        size -= n > 0 ? (size_t)n : 0;
    }
    munmap(chunk, CHUNK);
}

/* Writes a file and reads it back, so that it stands in the page cache. */
static int mode_file(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    struct hold hold = parse_hold(argc - 2, argv + 2);
    int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *chunk = map_anonymous(CHUNK, 0);

    sleep_ns(hold.before_ns);
    if (fd < 0)
        refused(argv[1]);
    write_bytes(fd, size, argv[1]);
    if (fdatasync(fd) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        refused(argv[1]);
    while (read(fd, chunk, CHUNK) > 0)
        ;
    hold_after(&hold);
    return 0;
}

static int mode_write(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    int direct = argc > 2 && strcmp(argv[2], "--direct") == 0 ? O_DIRECT : 0;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | direct, 0600);

    if (fd < 0)
        refused(argv[1]);
    write_bytes(fd, size, argv[1]);
    if (fdatasync(fd) < 0)
        refused(argv[1]);
    return 0;
}

static int mode_read(int argc, char **argv)
{
    int direct = argc > 1 && strcmp(argv[1], "--direct") == 0 ? O_DIRECT : 0;
    int fd = open(argv[0], O_RDONLY | O_CLOEXEC | direct);
    char *chunk = map_anonymous(CHUNK, 0);
    ssize_t n;

    if (fd < 0)
        refused(argv[0]);
    while ((n = read(fd, chunk, CHUNK)) > 0)
        ;
    if (n < 0)
        refused(argv[0]);
    return 0;
}

static int mode_out(int argc, char **argv)
{
    int fd = argc > 1 && strcmp(argv[1], "--stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;

    write_bytes(fd, parse_size(argv[0]), "write");
    return 0;
}

static void burn_until(clockid_t clock, int64_t ns)
{
    int64_t end = clock_ns(clock) + ns;
    volatile unsigned spin = 0;

    while (clock_ns(clock) < end)
        for (unsigned i = 0; i < 1000; i++)
            spin = spin + i;
}

/* Spins; with --at it sleeps first, so that two of them spin over the very same time. */
static int mode_cpu(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--at") == 0)
        sleep_ns(parse_duration(argv[2]) - clock_ns(CLOCK_MONOTONIC));
    else if (argc != 1)
        usage("option");
    burn_until(CLOCK_MONOTONIC, parse_duration(argv[0]));
    return 0;
}

static int mode_cputime(int argc, char **argv)
{
    (void)argc;
    burn_until(CLOCK_PROCESS_CPUTIME_ID, parse_duration(argv[0]));
    return 0;
}

/* Forks N children that burn DUR of CPU time each, and waits for them. */
static int mode_cputime_tree(int argc, char **argv)
{
    long count = parse_number(argv[0]);
    int64_t ns = parse_duration(argv[1]);

    (void)argc;
    for (long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0)
            refused("fork");
        if (pid == 0) {
            burn_until(CLOCK_PROCESS_CPUTIME_ID, ns);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}

/* Waits for all children after sending them SIGKILL. */
static void end_children(const pid_t *pids, long count)
{
    for (long i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
}

/*
 * A fork bomb with an end: up to N children that sleep, all of them alive at once. A refused fork
 * exits 3 after the children are gone, unless --insist, which keeps asking for two seconds.
 */
static int mode_fork(int argc, char **argv)
{
    long count = parse_number(argv[0]);
    int insist = argc > 1 && strcmp(argv[1], "--insist") == 0;
    pid_t *pids = calloc(count > 0 ? (size_t)count : 1, sizeof(*pids));
    int64_t end = clock_ns(CLOCK_MONOTONIC) + 2000000000;
    int error = 0;
    long made = 0;

    while (pids && made < count && !error) {
        pids[made] = fork();
        if (pids[made] == 0)
            sleep_forever();
        if (pids[made] > 0)
            made++;
        else if (!insist || clock_ns(CLOCK_MONOTONIC) > end)
            error = errno;
        else
            sleep_ns(10000000);
    }
    printf("hog: %ld children\n", made);
    fflush(stdout);
    end_children(pids, made);
    free(pids);
    errno = error;
    if (error)
        refused("fork");
    return 0;
}

static void *thread_sleep(void *arg)
{
    sleep_ns(*(const int64_t *)arg);
    return NULL;
}

static int mode_threads(int argc, char **argv)
{
    long count = parse_number(argv[0]);
    int64_t ns = argc > 1 ? parse_duration(argv[1]) : 200000000;
    pthread_t *threads = calloc(count > 0 ? (size_t)count : 1, sizeof(*threads));
    long made = 0;

    while (threads && made < count) {
        errno = pthread_create(&threads[made], NULL, thread_sleep, &ns);
        if (errno != 0)
            refused("pthread_create");
        made++;
    }
    while (threads && made > 0)
        pthread_join(threads[--made], NULL);
    free(threads);
    return 0;
}

/* A parent that touches SIZE and N children that touch SIZE each, all held at the same time. */
static int mode_rss_tree(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    long count = parse_number(argv[1]);
    struct hold hold = parse_hold(argc - 2, argv + 2);
    int ready[2];
    char byte = 0;

    if (pipe2(ready, O_CLOEXEC) < 0)
        refused("pipe");
    pid_t *pids = calloc(count > 0 ? (size_t)count : 1, sizeof(*pids));
    for (long i = 0; pids && i < count; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            refused("fork");
        if (pids[i] == 0) {
            touch_pages(map_anonymous(size, 0), size);
            if (write(ready[1], &byte, 1) != 1)
                _exit(EXIT_REFUSED);
            sleep_forever();
        }
    }
    touch_pages(map_anonymous(size, 0), size);
    close(ready[1]);
    for (long i = 0; i < count; i++)
        if (read(ready[0], &byte, 1) != 1)
            break;
    hold_after(&hold);
    end_children(pids, count);
    free(pids);
    return 0;
}

static int mode_sleep(int argc, char **argv)
{
    (void)argc;
    sleep_ns(parse_duration(argv[0]));
    return 0;
}

static int mode_exit(int argc, char **argv)
{
    (void)argc;
    return (int)parse_number(argv[0]);
}

static int mode_signal(int argc, char **argv)
{
    int number = (int)parse_number(argv[0]);

    (void)argc;
    signal(number, SIG_DFL);
    raise(number);
    return 0;
}

static int mode_abort(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    abort();
}

static int mode_segv(int argc, char **argv)
{
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)argc;
    (void)argv;
    *(volatile char *)page = 1;
    return 0;
}

static int mode_ignore_term(int argc, char **argv)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    puts("ready");
    fflush(stdout);
    sleep_ns(argc > 0 ? parse_duration(argv[0]) : 3600000000000);
    return 0;
}

/* Prints the number of every signal that reaches it and exits with it. */
static int mode_report_signal(int argc, char **argv)
{
    sigset_t all;
    int number;

    (void)argc;
    (void)argv;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    puts("ready");
    fflush(stdout);
    if (sigwait(&all, &number) != 0)
        refused("sigwait");
    printf("signal %d\n", number);
    return number;
}

/* Leaves a process behind that has no parent, no session and no terminal; exits 0 itself. */
static int mode_daemon(int argc, char **argv)
{
    int64_t ns = argc > 0 ? parse_duration(argv[0]) : 3600000000000;
    pid_t pid = fork();

    if (pid < 0)
        refused("fork");
    if (pid > 0) {
        waitpid(pid, NULL, 0);
        return 0;
    }
    setsid();
    pid = fork();
    if (pid != 0)
        _exit(pid < 0 ? EXIT_REFUSED : 0);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
        dup2(null_fd, fd);
    sleep_ns(ns);
    _exit(0);
}

/* Children that exit as orphans; whoever is the reaper must collect N of them. */
static int mode_orphans(int argc, char **argv)
{
    long count = parse_number(argv[0]);

    (void)argc;
    for (long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0)
            refused("fork");
        if (pid == 0) {
            if (fork() == 0)
                sleep_ns(20000000);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    sleep_ns(100000000);
    return 0;
}

static int mode_fds(int argc, char **argv)
{
    long count = parse_number(argv[0]);

    (void)argc;
    for (long i = 0; i < count; i++)
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
            refused("open");
    return 0;
}

/* Fills N pipes, whose buffers are kernel memory: no page of any process grows by it. */
static int mode_pipes(int argc, char **argv)
{
    long count = parse_number(argv[0]);

    (void)argc;
    for (long i = 0; i < count; i++) {
        int ends[2];
        char *chunk = map_anonymous(65536, 0);
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
            refused("pipe");
        if (write(ends[1], chunk, 65536) < 0 && errno != EAGAIN)
            refused("write");
        munmap(chunk, 65536);
    }
    return 0;
}

/* Grows a file; SIGXFSZ is left at its default, so that RLIMIT_FSIZE kills. */
static int mode_fsize(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)argc;
    if (fd < 0)
        refused(argv[1]);
    write_bytes(fd, size, argv[1]);
    unlink(argv[1]);
    return 0;
}

/* Uses SIZE of stack, so that RLIMIT_STACK kills. */
static int mode_stack(int argc, char **argv)
{
    size_t size = parse_size(argv[0]);
    volatile char here = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile char *top = &here;

    (void)argc;
    for (size_t at = page; at < size; at += page)
        top[-(ptrdiff_t)at] = 1;
    return 0;
}

static const struct {
    const char *name;
    long number;
} syscalls_table[] = {
    { "getppid", SYS_getppid }, { "uname", SYS_uname }, { "sync", SYS_sync },
    { "getuid", SYS_getuid },   { "umask", SYS_umask }, { "sched_yield", SYS_sched_yield },
};

static long parse_syscall(const char *name)
{
    for (size_t i = 0; i < sizeof(syscalls_table) / sizeof(syscalls_table[0]); i++)
        if (strcmp(name, syscalls_table[i].name) == 0)
            return syscalls_table[i].number;
    usage("system call");
    return -1;
}

/* Installs a filter that kills the process on one system call, and makes that call. */
static int mode_syscall(int argc, char **argv)
{
    long number = parse_syscall(argv[0]);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

    (void)argc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        refused("seccomp");
    syscall(number, NULL, NULL, NULL);
    return 0;
}

/* Prints what a process can see of itself: ids, session, standing of its signals. */
static int mode_self(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("pid %d\nppid %d\npgid %d\nsid %d\nuid %u\ngid %u\n", (int)getpid(), (int)getppid(),
           (int)getpgrp(), (int)getsid(0), getuid(), getgid());
    return 0;
}

/* Becomes user and group N, without other groups, and executes COMMAND. */
static int mode_run_as(int argc, char **argv)
{
    unsigned id = (unsigned)parse_number(argv[0]);

    (void)argc;
    if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
        refused("change ids");
    execvp(argv[1], argv + 1);
    refused(argv[1]);
    return EXIT_REFUSED;
}

static const struct mode {
    const char *name;
    int min_args;
    int (*run)(int argc, char **argv);
    const char *args;
    const char *help;
} modes_table[] = {
    { "mem", 1, mode_mem, "SIZE [HOLD]", "touch every page of SIZE anonymous memory" },
    { "mlock", 1, mode_mlock, "SIZE [HOLD]", "lock SIZE in memory" },
    { "hugetlb", 1, mode_hugetlb, "SIZE [HOLD]", "the same in huge pages" },
    { "shm", 1, mode_shm, "SIZE [HOLD]", "the same in a memfd" },
    { "file", 2, mode_file, "SIZE PATH [HOLD]", "write and read a file: page cache" },
    { "write", 2, mode_write, "SIZE PATH [--direct]", "write a file and sync it" },
    { "read", 1, mode_read, "PATH [--direct]", "read a file to its end" },
    { "out", 1, mode_out, "SIZE [--stderr]", "write SIZE bytes to stdout" },
    { "cpu", 1, mode_cpu, "DUR [--at UPTIME]", "spin for DUR of wall time" },
    { "cputime", 1, mode_cputime, "DUR", "spin until DUR of CPU time is used" },
    { "cputime-tree", 2, mode_cputime_tree, "N DUR", "N children that use DUR of CPU time each" },
    { "fork", 1, mode_fork, "N [--insist]", "up to N children at once, then end them" },
    { "threads", 1, mode_threads, "N [DUR]", "N threads that sleep" },
    { "rss-tree", 2, mode_rss_tree, "SIZE N [HOLD]", "SIZE here and in each of N children" },
    { "sleep", 1, mode_sleep, "DUR", "sleep" },
    { "exit", 1, mode_exit, "N", "exit with status N" },
    { "signal", 1, mode_signal, "N", "raise signal N" },
    { "abort", 0, mode_abort, "", "call abort" },
    { "segv", 0, mode_segv, "", "write where nothing may be written" },
    { "ignore-term", 0, mode_ignore_term, "[DUR]", "ignore TERM, INT and HUP; says ready" },
    { "report-signal", 0, mode_report_signal, "", "wait for a signal, print it, exit with it" },
    { "daemon", 0, mode_daemon, "[DUR]", "leave a detached process behind" },
    { "orphans", 1, mode_orphans, "N", "make N orphans that exit" },
    { "fds", 1, mode_fds, "N", "open N files" },
    { "pipes", 1, mode_pipes, "N", "fill N pipes of 64 KiB" },
    { "fsize", 2, mode_fsize, "SIZE PATH", "grow a file to SIZE" },
    { "stack", 1, mode_stack, "SIZE", "use SIZE of stack" },
    { "syscall", 1, mode_syscall, "NAME", "be killed by seccomp on NAME" },
    { "run-as", 2, mode_run_as, "N COMMAND...", "execute COMMAND as user and group N" },
    { "self", 0, mode_self, "", "print own ids" },
};

int main(int argc, char **argv)
{
    const size_t count = sizeof(modes_table) / sizeof(modes_table[0]);

    for (size_t i = 0; argc > 1 && i < count; i++) {
        const struct mode *mode = &modes_table[i];
        if (strcmp(argv[1], mode->name) != 0)
            continue;
        if (argc - 2 < mode->min_args)
            usage("number of arguments");
        return mode->run(argc - 2, argv + 2);
    }
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "hog %s %s\n        %s\n", modes_table[i].name, modes_table[i].args,
                modes_table[i].help);
    fputs("HOLD: [--sleep-before DUR] [--hold DUR | --hold-forever]\n", stderr);
    return EXIT_USAGE;
}
