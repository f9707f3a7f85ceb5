/* The verb run in the foreground: signals forwarded, the terminal relayed and always given back. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "run/run_private.h"

/* What is done with a signal that reaches us. */
enum signal_way {
    WAY_PASS,   /* COMMAND gets it and decides */
    WAY_END,    /* COMMAND gets it, and SIGKILL if it is still there after the stop timeout */
    WAY_RESIZE, /* the terminal's size is COMMAND's terminal's size */
    WAY_STOP,   /* COMMAND is stopped, then we are */
};

static const struct {
    int signal;
    enum signal_way way;
} signal_table[] = {
    { SIGTERM, WAY_END },     { SIGHUP, WAY_END },   { SIGINT, WAY_PASS },  { SIGQUIT, WAY_PASS },
    { SIGUSR1, WAY_PASS },    { SIGUSR2, WAY_PASS }, { SIGALRM, WAY_PASS }, { SIGCONT, WAY_PASS },
    { SIGWINCH, WAY_RESIZE }, { SIGTSTP, WAY_STOP },
};

static int pass_signal(struct run *run, int signal)
{
    /* It may end COMMAND or not, so there is no timeout; result.c looks at how COMMAND ended. */
    if (signal != SIGSTOP && signal != SIGCONT)
        return run_pass_signal(run, signal);
    int r = spawn_signal(&run->spawn, signal);
    return r == -ESRCH ? 0 : r;
}

static int handle_signal(struct run *run, int signal)
{
    enum signal_way way = WAY_PASS;

    for (size_t i = 0; i < ARRAY_SIZE(signal_table); i++) {
        if (signal_table[i].signal == signal)
            way = signal_table[i].way;
    }
    /* A container's process ends when it does: who waits for it may have other means. */
    if (way == WAY_END && run->spec->document)
        way = WAY_PASS;
    switch (way) {
    case WAY_END:
        return run_stop_gently(run, signal);
    case WAY_RESIZE:
        return terminal_resize(&((struct foreground *)run->foreground)->terminal,
                               run->spawn.terminal_fd);
    case WAY_STOP:
        /* SIGTSTP does nothing to a process without a job-control shell above it: SIGSTOP does. */
        pass_signal(run, SIGSTOP);
        raise(SIGSTOP);
        return 0;
    case WAY_PASS:
        break;
    }
    return pass_signal(run, signal);
}

static int on_signal(void *data, int fd, short revents)
{
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof(info));

    (void)revents;
    if (n != (ssize_t)sizeof(info))
        return 0;
    return handle_signal(data, (int)info.ssi_signo);
}

/* COMMAND runs: ours may have changed its size since the launch. */
static int on_started(struct run *run)
{
    const struct foreground *foreground = run->foreground;

    return terminal_resize(&foreground->terminal, run->spawn.terminal_fd);
}

int foreground_begin(struct foreground *foreground, struct err *err)
{
    sigset_t mask;

    *foreground = (struct foreground){ .signal_fd = -1 };
    terminal_init(&foreground->terminal);
    sigemptyset(&mask);
    for (size_t i = 0; i < ARRAY_SIZE(signal_table); i++)
        sigaddset(&mask, signal_table[i].signal);
    if (sigprocmask(SIG_BLOCK, &mask, &foreground->old_mask) < 0)
        return err_set(err, errno, "cannot block signals: %m");
    foreground->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (foreground->signal_fd < 0) {
        int code = errno;
        sigprocmask(SIG_SETMASK, &foreground->old_mask, NULL);
        return err_set(err, code, "cannot watch signals: %s", err_name(code));
    }
    return 0;
}

/* A run that lasts this long will last longer: what starting it took is not needed any more. */
#define SETTLED_US 50000u

static int on_settled(void *data)
{
    (void)data;
    memory_give_back();
    return 0;
}

static int foreground_join(struct foreground *foreground, struct run *run, struct err *err)
{
    bool typed = run->spec->interactive || run->spec->document;
    int r = 0;

    run->foreground = foreground;
    run->on_started = on_started;
    if (run->spec->tty)
        r = terminal_enter(&foreground->terminal, typed ? run->stdio[0] : -1, err);
    if (r >= 0 && loop_add_fd(&run->loop, foreground->signal_fd, POLLIN, on_signal, run) < 0)
        r = err_set(err, ENOSPC, "cannot watch signals");
    int settled = loop_add_timer(&run->loop, on_settled, NULL);
    if (settled >= 0)
        loop_arm(&run->loop, settled, clock_us(CLOCK_MONOTONIC) + SETTLED_US);
    return r;
}

int foreground_attend(struct foreground *foreground, struct run *run, struct err *err)
{
    int r = foreground_join(foreground, run, err);

    if (r >= 0)
        r = run_attend(run, err);
    terminal_leave(&foreground->terminal);
    return r;
}

void foreground_end(struct foreground *foreground)
{
    fd_close(foreground->signal_fd);
    sigprocmask(SIG_SETMASK, &foreground->old_mask, NULL);
}

static int foreground_wait(struct foreground *foreground, struct run *run,
                           const struct run_watch *watch, struct result **ret, struct err *err)
{
    int r = foreground_join(foreground, run, err);

    if (r >= 0 && watch)
        r = run_join_watch(run, watch, err);
    if (r >= 0)
        r = run_wait(run, ret, err);
    terminal_leave(&foreground->terminal);
    return r;
}

static int run_watched(struct engine *engine, const struct spec *spec, const int stdio[3],
                       const struct run_watch *watch, struct result **ret, struct err *err)
{
    struct foreground foreground;
    struct run *run = NULL;
    unsigned short rows = 0, columns = 0;
    int r = foreground_begin(&foreground, err);

    if (r < 0)
        return r;
    if (spec->tty)
        terminal_size(stdio, &rows, &columns);
    r = run_start_sized(engine, spec, stdio, rows, columns, &run, err);
    if (r >= 0)
        r = foreground_wait(&foreground, run, watch, ret, err);
    if (engine->last && run)
        run_clean(run, NULL);
    else
        run_free(run);
    foreground_end(&foreground);
    return r;
}

int run_foreground(struct engine *engine, const struct spec *spec, const int stdio[3],
                   struct result **ret, struct err *err)
{
    return run_watched(engine, spec, stdio, NULL, ret, err);
}

int run_supervised(struct engine *engine, const struct spec *spec, const int stdio[3],
                   const struct run_watch *watch, bool foreground, struct result **ret,
                   struct err *err)
{
    struct run *run = NULL;

    if (foreground)
        return run_watched(engine, spec, stdio, watch, ret, err);
    int r = run_start(engine, spec, stdio, &run, err);
    if (r >= 0)
        r = run_join_watch(run, watch, err);
    if (r >= 0)
        r = run_wait(run, ret, err);
    run_free(run);
    return r;
}
