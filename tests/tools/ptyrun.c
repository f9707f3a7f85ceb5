/*
 * ptyrun [-r ROWS] [-c COLUMNS] [-o FILE] [-t SECONDS] STEP... -- COMMAND [ARG...]
 *
 * Runs COMMAND on a new terminal, as a person at a keyboard would, and goes through the steps:
 *
 *     expect TEXT     wait until COMMAND has written TEXT, behind what was expected before
 *     send TEXT       type TEXT; \n \r \t \\ and \NNN (octal) are understood
 *     resize R C      change the size of the terminal, as a window manager would
 *     mode            print "cooked" or "raw": what the terminal is in now
 *     await MODE      wait until it is in MODE
 *     kill NUMBER     send COMMAND's process that signal
 *     wait            wait for COMMAND to end, print "status N" (128+N when a signal ended it)
 *     pause MS        let time pass
 *
 * All that COMMAND writes goes to FILE. The first step that fails is told on stderr and ends it all
 * with status 1, COMMAND being hung up on; else 0. A step may take SECONDS (20).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, OUTPUT_MAX = 1 << 20 };

static int master = -1, slave = -1, copy = -1;
static pid_t command;
static char output[OUTPUT_MAX + 1];
static size_t length, matched; /* of output; matched: what has been expected */
static long step_ms = 20000;
static int ended, end_status;

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "ptyrun: %s%s%s\n", what, detail[0] ? ": " : "", detail);
    fprintf(stderr, "ptyrun: the last output: %s\n", output + (length > 400 ? length - 400 : 0));
    if (!ended && command > 0)
        kill(command, SIGHUP);
    exit(1);
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes what COMMAND has written, waiting at most ms for some. */
static void take_output(int ms)
{
    struct pollfd poller = { .fd = master, .events = POLLIN };
    ssize_t n;

    if (poll(&poller, 1, ms) <= 0 || !(poller.revents & POLLIN))
        return;
    n = read(master, output + length, OUTPUT_MAX - length);
    if (n <= 0)
        return;
    if (copy >= 0 && write(copy, output + length, (size_t)n) != n)
        fail("cannot write the copy", strerror(errno));
    length += (size_t)n;
    output[length] = '\0';
    if (length == OUTPUT_MAX)
        fail("too much output", "");
}

static void check_end(void)
{
    if (!ended && waitpid(command, &end_status, WNOHANG) == command)
        ended = 1;
}

static void step_expect(char **args)
{
    long end = now_ms() + step_ms;

    for (;;) {
        const char *found = strstr(output + matched, args[0]);
        if (found) {
            matched = (size_t)(found - output) + strlen(args[0]);
            return;
        }
        if (now_ms() > end)
            fail("was not written", args[0]);
        take_output(20);
    }
}

/* Undoes the escapes of text in place; returns the length. */
static size_t unescape(char *text)
{
    static const char names[] = "nrt\\", values[] = "\n\r\t\\";
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        const char *name = from[0] == '\\' && from[1] != '\0' ? strchr(names, from[1]) : NULL;
        if (name) {
            *to++ = values[name - names];
            from += 2;
        } else if (from[0] == '\\' && from[1] >= '0' && from[1] <= '7') {
            char *after;
            char digits[4] = { from[1], from[2], from[2] ? from[3] : '\0', '\0' };
            *to++ = (char)strtol(digits, &after, 8);
            from += 1 + (after - digits);
        } else {
            *to++ = *from++;
        }
    }
    return (size_t)(to - text);
}

static void step_send(char **args)
{
    char *text = strdup(args[0]);
    size_t size = unescape(text);

    if (write(master, text, size) != (ssize_t)size)
        fail("cannot type", strerror(errno));
    free(text);
}

static void step_resize(char **args)
{
    struct winsize size = { .ws_row = (unsigned short)atoi(args[0]),
                            .ws_col = (unsigned short)atoi(args[1]) };

    if (ioctl(master, TIOCSWINSZ, &size) < 0)
        fail("cannot resize", strerror(errno));
}

static const char *terminal_mode(void)
{
    struct termios now;

    if (tcgetattr(slave, &now) < 0)
        fail("tcgetattr", strerror(errno));
    return (now.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO) ? "cooked" : "raw";
}

static void step_mode(char **args)
{
    (void)args;
    puts(terminal_mode());
}

static void step_await(char **args)
{
    for (long end = now_ms() + step_ms; strcmp(terminal_mode(), args[0]) != 0;) {
        if (now_ms() > end)
            fail("the terminal did not come to be", args[0]);
        take_output(5);
    }
}

static void step_kill(char **args)
{
    if (kill(command, atoi(args[0])) < 0)
        fail("kill", strerror(errno));
}

static void step_wait(char **args)
{
    long end = now_ms() + step_ms;

    (void)args;
    for (check_end(); !ended; check_end()) {
        if (now_ms() > end)
            fail("COMMAND did not end", "");
        take_output(20);
    }
    take_output(0);
    printf("status %d\n",
           WIFEXITED(end_status) ? WEXITSTATUS(end_status) : 128 + WTERMSIG(end_status));
}

static void step_pause(char **args)
{
    for (long end = now_ms() + atol(args[0]); now_ms() < end;)
        take_output(5);
}

static const struct step {
    const char *name;
    int n_args;
    void (*run)(char **args);
} steps_table[] = {
    { "expect", 1, step_expect }, { "send", 1, step_send },   { "resize", 2, step_resize },
    { "mode", 0, step_mode },     { "await", 1, step_await }, { "kill", 1, step_kill },
    { "wait", 0, step_wait },     { "pause", 1, step_pause },
};

static const struct step *find_step(const char *name)
{
    for (size_t i = 0; i < sizeof(steps_table) / sizeof(steps_table[0]); i++)
        if (strcmp(steps_table[i].name, name) == 0)
            return &steps_table[i];
    fprintf(stderr, "ptyrun: there is no step %s\n", name);
    exit(EXIT_USAGE);
}

static void start(char **argv, const struct winsize *size)
{
    char *name;

    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || !(name = ptsname(master)) ||
        (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
        ioctl(master, TIOCSWINSZ, size) < 0)
        fail("no terminal", strerror(errno));
    command = fork();
    if (command < 0)
        fail("fork", strerror(errno));
    if (command > 0)
        return;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 ||
        dup2(slave, 2) < 0)
        _exit(99);
    execvp(argv[0], argv);
    _exit(98);
}

int main(int argc, char **argv)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    int option, separator;

    while ((option = getopt(argc, argv, "+r:c:o:t:")) >= 0) {
        switch (option) {
        case 'r':
            size.ws_row = (unsigned short)atoi(optarg);
            break;
        case 'c':
            size.ws_col = (unsigned short)atoi(optarg);
            break;
        case 'o':
            copy = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
            break;
        case 't':
            step_ms = atol(optarg) * 1000;
            break;
        default:
            return EXIT_USAGE;
        }
    }
    for (separator = optind; separator < argc && strcmp(argv[separator], "--") != 0;)
        separator += 1 + find_step(argv[separator])->n_args;
    if (separator + 1 >= argc) {
        fputs("ptyrun: no COMMAND\n", stderr);
        return EXIT_USAGE;
    }
    start(argv + separator + 1, &size);
    for (int i = optind; i < separator;) {
        const struct step *step = find_step(argv[i]);
        step->run(argv + i + 1);
        fflush(stdout);
        i += 1 + step->n_args;
    }
    return 0;
}
