/* Being attached to a container. */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CHUNK        4096u
#define DETACH_KEYS  "ctrl-p,ctrl-q"
#define LAST_WORD_US 1000000u /* output that is still on its way when the container has ended */

/* Bytes on their way from one file to another. */
struct flow {
    struct session *session;
    int from, to; /* from -1: it has ended */
    int from_slot, to_slot;
};

struct session {
    struct ration *ration;
    const char *who;
    const struct session_options *options;
    struct ration_attachment *attachment;
    struct ration_error error;
    struct loop loop;
    struct session_keys keys;
    struct flow out, err;
    int in_fd;     /* the pipe that is its stdin; -1: none any more */
    struct buf in; /* what it has not taken yet */
    int in_slot, typed_slot;
    int signal_fd, timer;
    bool tty, open_stdin;
    bool ended;
    int status;
    uint64_t dropped;
    struct termios saved;
    bool raw;
};

/* ---- the container as it is ------------------------------------------------------------------------------- */

/* Has it a terminal, does it read? */
static int session_look(struct session *session)
{
    _cleanup_free_ char *document = NULL, *text = NULL;
    int r = ration_container_inspect(session->ration, session->who, &document, &session->error);

    if (r >= 0)
        r = ration_document_format(document, "{{.Config.Tty}} {{.Config.OpenStdin}}", &text,
                                   &session->error);
    if (r < 0)
        return r;
    session->tty = text_starts(text, "true");
    session->open_stdin = strstr(text, " true") != NULL && !session->options->no_stdin;
    return 0;
}

/* ---- our terminal ----------------------------------------------------------------------------------------- */

static void terminal_raw(struct session *session)
{
    struct termios raw;

    if (!session->tty || !session->open_stdin || tcgetattr(STDIN_FILENO, &session->saved) < 0)
        return;
    raw = session->saved;
    cfmakeraw(&raw);
    session->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void terminal_restore(struct session *session)
{
    if (session->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &session->saved);
    session->raw = false;
}

static void terminal_size(unsigned short *ret_rows, unsigned short *ret_columns)
{
    struct winsize size = { 0 };

    for (int fd = 0; fd <= STDERR_FILENO && size.ws_row == 0; fd++)
        ioctl(fd, TIOCGWINSZ, &size);
    *ret_rows = size.ws_row;
    *ret_columns = size.ws_col;
}

/* ---- its output ------------------------------------------------------------------------------------------- */

static bool flows_ended(const struct session *session)
{
    return session->out.from < 0 && session->err.from < 0;
}

static void flow_end(struct flow *flow)
{
    loop_remove_fd(&flow->session->loop, flow->from_slot);
    flow->from = fd_close(flow->from);
    if (flow->session->ended && flows_ended(flow->session))
        loop_stop(&flow->session->loop);
}

static int on_output(void *data, int fd, short revents)
{
    struct flow *flow = data;
    char chunk[CHUNK];
    ssize_t n = read(fd, chunk, sizeof(chunk));

    (void)revents;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        flow_end(flow);
        return 0;
    }
    int r = fd_write_all(flow->to, chunk, (size_t)n);
    if (r < 0)
        return cli_fail(&flow->session->error, -r, "the container's output cannot be written: %s",
                        err_name(-r));
    return 0;
}

/* ---- its input -------------------------------------------------------------------------------------------- */

static void input_end(struct session *session)
{
    if (session->in_slot >= 0)
        loop_remove_fd(&session->loop, session->in_slot);
    session->in_slot = -1;
    session->in_fd = fd_close(session->in_fd);
}

/* What is typed waits until the pipe has taken what was typed before. */
static void input_settle(struct session *session)
{
    bool waits = session->in.len > 0 && session->in_fd >= 0;

    if (session->in_slot >= 0)
        loop_set_events(&session->loop, session->in_slot, waits ? POLLOUT : 0);
    if (session->typed_slot >= 0)
        loop_set_events(&session->loop, session->typed_slot, waits ? 0 : POLLIN);
}

static int on_room(void *data, int fd, short revents)
{
    struct session *session = data;
    ssize_t n = session->in.len > 0 ? write(fd, session->in.data, session->in.len) : 0;

    if (n > 0) {
        memmove(session->in.data, session->in.data + n, session->in.len - (size_t)n);
        session->in.len -= (size_t)n;
    }
    /* Nobody reads it any more: what is typed from now on is lost, as in a shell's pipe. */
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || (revents & POLLERR)) {
        session->in.len = 0;
        input_end(session);
    }
    input_settle(session);
    if (session->typed_slot < 0 && session->in.len == 0)
        input_end(session);
    return 0;
}

static int on_typed(void *data, int fd, short revents)
{
    struct session *session = data;
    char typed[CHUNK];
    ssize_t n = read(fd, typed, sizeof(typed));

    (void)revents;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        loop_remove_fd(&session->loop, session->typed_slot);
        session->typed_slot = -1;
        if (session->in.len == 0)
            input_end(session);
        return 0;
    }
    if (session_keys_pass(&session->keys, typed, (size_t)n, &session->in)) {
        loop_stop(&session->loop);
        return 0;
    }
    if (session->in_fd >= 0)
        return on_room(session, session->in_fd, 0);
    session->in.len = 0;
    return 0;
}

/* ---- what its monitor tells, and signals --------------------------------------------------------------- */

static int on_last_word(void *data)
{
    loop_stop(&((struct session *)data)->loop);
    return 0;
}

static int on_told(void *data, int fd, short revents)
{
    struct session *session = data;
    enum ration_attach_event event;
    uint64_t value = 0;
    int r = ration_attachment_read(session->attachment, &event, &value, &session->error);

    (void)fd;
    (void)revents;
    if (r < 0)
        return r;
    if (event == RATION_ATTACH_DROPPED)
        session->dropped += value;
    if (event == RATION_ATTACH_GONE)
        return cli_fail(&session->error, ECHILD,
                        "container %.64s has ended: its monitor was killed", session->who);
    if (event != RATION_ATTACH_EXITED)
        return 0;
    session->ended = true;
    session->status = (int)value;
    if (flows_ended(session))
        loop_stop(&session->loop);
    else
        loop_arm(&session->loop, session->timer, clock_us(CLOCK_MONOTONIC) + LAST_WORD_US);
    return 0;
}

static const int signal_table[] = { SIGTERM, SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,
                                    SIGUSR2, SIGALRM, SIGCONT, SIGWINCH };

static int on_signal(void *data, int fd, short revents)
{
    struct session *session = data;
    struct signalfd_siginfo info;
    unsigned short rows, columns;
    char number[16];

    (void)revents;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    if (info.ssi_signo == SIGWINCH) {
        terminal_size(&rows, &columns);
        if (session->tty && rows > 0)
            ration_attachment_resize(session->attachment, rows, columns, NULL);
        return 0;
    }
    if (info.ssi_signo == SIGCONT && session->raw)
        terminal_raw(session);
    /* With a terminal, what is typed makes its signals; those that we get are about us. */
    if (session->options->no_signals || session->tty) {
        if (info.ssi_signo != SIGCONT) {
            session->status = 128 + (int)info.ssi_signo;
            loop_stop(&session->loop);
        }
        return 0;
    }
    snprintf(number, sizeof(number), "%u", info.ssi_signo);
    /* One that has just ended needs no signal any more. */
    ration_container_signal(session->ration, session->who, number, NULL);
    return 0;
}

static int signals_begin(struct session *session, sigset_t *ret_before)
{
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < ARRAY_SIZE(signal_table); i++)
        sigaddset(&mask, signal_table[i]);
    session->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    int code = errno;
    sigaddset(&mask, SIGPIPE); /* of writing to a container that reads no more */
    sigprocmask(SIG_BLOCK, &mask, ret_before);
    return session->signal_fd < 0
               ? cli_fail(&session->error, code, "signals cannot be watched: %s", err_name(code))
               : 0;
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

static int pipe_make(struct session *session, int ret[2])
{
    return pipe2(ret, O_CLOEXEC) < 0
               ? cli_fail(&session->error, errno, "no pipe can be made: %s", err_name(errno))
               : 0;
}

/* Its ends go to the monitor, ours stay. */
static int session_join(struct session *session)
{
    struct ration_attach attach = { .in = -1, .out = -1, .err = -1 };
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
    int r = pipe_make(session, out);

    if (r >= 0 && !session->tty)
        r = pipe_make(session, err);
    if (r >= 0 && session->open_stdin)
        r = pipe_make(session, in);
    attach.in = in[0];
    attach.out = out[1];
    attach.err = err[1];
    terminal_size(&attach.rows, &attach.columns);
    if (r >= 0 && session->options->start)
        r = ration_container_start(session->ration, session->who, &attach, &session->attachment,
                                   &session->error);
    else if (r >= 0)
        r = ration_container_attach(session->ration, session->who, &attach, &session->attachment,
                                    &session->error);
    fd_close(in[0]);
    fd_close(out[1]);
    fd_close(err[1]);
    session->in_fd = in[1];
    session->out.from = out[0];
    session->err.from = err[0];
    return r;
}

static int session_watch(struct session *session)
{
    struct loop *loop = &session->loop;
    int r = loop_add_fd(loop, ration_attachment_fd(session->attachment), POLLIN, on_told, session);

    session->timer = loop_add_timer(loop, on_last_word, session);
    session->out.from_slot = loop_add_fd(loop, session->out.from, POLLIN, on_output, &session->out);
    if (session->err.from >= 0)
        session->err.from_slot =
            loop_add_fd(loop, session->err.from, POLLIN, on_output, &session->err);
    if (session->in_fd >= 0) {
        fcntl(session->in_fd, F_SETFL, O_NONBLOCK);
        session->in_slot = loop_add_fd(loop, session->in_fd, 0, on_room, session);
        session->typed_slot = loop_add_fd(loop, STDIN_FILENO, POLLIN, on_typed, session);
    }
    if (r >= 0)
        r = loop_add_fd(loop, session->signal_fd, POLLIN, on_signal, session);
    return r < 0 ? cli_fail(&session->error, -r, "nothing can be watched: %s", err_name(-r)) : 0;
}

static int session_run(struct session *session)
{
    const char *keys = session->options->detach_keys;
    int r = session_look(session);

    if (r >= 0 && session->tty)
        r = session_keys_parse(keys ? keys : DETACH_KEYS, &session->keys, &session->error);
    if (r >= 0)
        r = session_join(session);
    if (r >= 0)
        r = session_watch(session);
    if (r < 0)
        return r;
    terminal_raw(session);
    r = loop_run(&session->loop);
    terminal_restore(session);
    if (r < 0 && session->error.code == 0)
        cli_fail(&session->error, -r, "the container cannot be watched: %s", err_name(-r));
    return r;
}

static void session_done(struct session *session)
{
    ration_attachment_close(session->attachment);
    fd_close(session->signal_fd);
    fd_close(session->in_fd);
    fd_close(session->out.from);
    fd_close(session->err.from);
    buf_done(&session->in);
}

static void say_dropped(const struct session *session)
{
    char sentence[128];

    if (session->dropped == 0)
        return;
    snprintf(sentence, sizeof(sentence),
             "%llu bytes of output came too fast for here and were left out; ration logs has them",
             (unsigned long long)session->dropped);
    cli_say(sentence);
}

int session_attach(struct ration *ration, const char *who, const struct session_options *options)
{
    struct session session = { .ration = ration,
                               .who = who,
                               .options = options,
                               .in_fd = -1,
                               .in_slot = -1,
                               .typed_slot = -1,
                               .signal_fd = -1 };
    sigset_t before;

    session.out = (struct flow){ .session = &session, .from = -1, .to = STDOUT_FILENO };
    session.err = (struct flow){ .session = &session, .from = -1, .to = STDERR_FILENO };
    loop_init(&session.loop);
    int r = signals_begin(&session, &before);
    if (r >= 0)
        r = session_run(&session);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (r < 0)
        session.status = cli_report(&session.error);
    say_dropped(&session);
    session_done(&session);
    return session.status;
}
