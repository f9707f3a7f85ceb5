/*
 * Raw mode and back. A process that is killed cannot tidy up, so a small guard process holds the other
 * end of a pipe: when we vanish without a word, it restores the terminal and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/terminal.h"

#define GUARD_DONE 'd' /* we restored it ourselves */

void terminal_init(struct terminal *terminal)
{
    *terminal = (struct terminal){ .fd = -1, .guard_fd = -1 };
}

static bool restore(int fd, const struct termios *saved)
{
    sigset_t mask, old;

    /* From the background, setting a terminal's modes raises SIGTTOU, which would stop us. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGTTOU);
    sigprocmask(SIG_BLOCK, &mask, &old);
    bool restored = tcsetattr(fd, TCSADRAIN, saved) == 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    return restored;
}

/* The guard's whole life. It keeps nothing open but its line to us and the terminal. */
static _Noreturn void guard_main(const struct terminal *terminal, int line_fd)
{
    sigset_t all;
    char word = 0;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* Out of each other's way first: either may have the number that the other is to get. */
    int line = fcntl(line_fd, F_DUPFD, 5), fd = fcntl(terminal->fd, F_DUPFD, 5);
    if (dup2(line, 3) < 0 || dup2(fd, 4) < 0)
        _exit(1);
    close_range(5, ~0U, 0);
    close_range(0, 2, 0);
    while (read(3, &word, 1) < 0 && errno == EINTR)
        ;
    if (word != GUARD_DONE)
        restore(4, &terminal->saved);
    _exit(0);
}

static int guard_start(struct terminal *terminal, struct err *err)
{
    int line[2];

    if (pipe2(line, O_CLOEXEC) < 0)
        return err_set(err, errno, "--tty: cannot make the terminal's guard: %m");
    terminal->guard = fork();
    if (terminal->guard == 0)
        guard_main(terminal, line[0]);
    int code = errno;
    close(line[0]);
    if (terminal->guard < 0) {
        close(line[1]);
        return err_set(err, code, "--tty: cannot make the terminal's guard: %s", err_name(code));
    }
    terminal->guard_fd = line[1];
    return 0;
}

int terminal_enter(struct terminal *terminal, int fd, struct err *err)
{
    struct termios raw;

    /* In the background the terminal is another job's: leave it as it is. */
    if (fd < 0 || tcgetattr(fd, &terminal->saved) < 0 || tcgetpgrp(fd) != getpgrp())
        return 0;
    terminal->fd = fd;
    int r = guard_start(terminal, err);
    if (r < 0) {
        terminal->fd = -1;
        return r;
    }
    raw = terminal->saved;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSANOW, &raw) < 0)
        return err_set(err, errno, "--tty: cannot put the terminal into raw mode: %m");
    return 0;
}

void terminal_leave(struct terminal *terminal)
{
    static const char done = GUARD_DONE;

    if (terminal->fd < 0)
        return;
    /* What we cannot restore the guard tries once more. */
    if (restore(terminal->fd, &terminal->saved))
        fd_write_all(terminal->guard_fd, &done, 1);
    terminal->fd = -1;
    terminal->guard_fd = fd_close(terminal->guard_fd);
    while (waitpid(terminal->guard, NULL, 0) < 0 && errno == EINTR)
        ;
}

void terminal_size(const int stdio[3], unsigned short *ret_rows, unsigned short *ret_columns)
{
    struct winsize size;

    for (int i = 0; i < 3; i++) {
        if (stdio[i] >= 0 && ioctl(stdio[i], TIOCGWINSZ, &size) == 0) {
            *ret_rows = size.ws_row;
            *ret_columns = size.ws_col;
            return;
        }
    }
}

int terminal_resize(const struct terminal *terminal, int command_fd)
{
    struct winsize size;

    if (terminal->fd < 0 || command_fd < 0)
        return 0;
    if (ioctl(terminal->fd, TIOCGWINSZ, &size) == 0)
        ioctl(command_fd, TIOCSWINSZ, &size);
    return 0;
}
