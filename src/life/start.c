/* What clients of a container do: start it with a monitor of its own, and ask that one for the rest. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life/life_private.h"
#include "sys/sys.h"

#define CONTROL_FD 3 /* of the monitor's: whoever waits for the start */

/* ---- a monitor ---------------------------------------------------------------------------------------------- */

/* Ourselves when we are the program, else the one that is installed. */
static void find_program(const struct life *life, char ret[static PATH_MAX])
{
    ssize_t n = life->program ? -1 : readlink("/proc/self/exe", ret, PATH_MAX - 1);

    if (n > 0) {
        ret[n] = '\0';
        const char *slash = strrchr(ret, '/');
        if (slash && strcmp(slash, "/ration") == 0)
            return;
    }
    snprintf(ret, PATH_MAX, "%s", life->program ? life->program : RATION_PROGRAM);
}

struct monitor_start {
    char program[PATH_MAX];
    char *argv[4];
    char **envp;
    int control_fd;
};

/* In the child: nothing of ours goes along but the control socket. */
static _Noreturn void monitor_exec(const struct monitor_start *start)
{
    int null_fd = open("/dev/null", O_RDWR);
    sigset_t none;

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 0; fd < 3; fd++)
        dup2(null_fd, fd);
    if (start->control_fd == CONTROL_FD)
        fcntl(CONTROL_FD, F_SETFD, 0);
    else
        dup2(start->control_fd, CONTROL_FD);
    sys_close_range(CONTROL_FD + 1, UINT_MAX, 0);
    execve(start->program, start->argv, start->envp);
    _exit(errno == ENOENT ? 127 : 126);
}

/*
 * What a monitor has of our environment: where things are. COMMAND's own variables are kept with the container,
 * and each page of others would stay as long as that.
 */
static bool variable_is_passed(const char *variable)
{
    static const char *const name_table[] = { "PATH=", "HOME=",   "TMPDIR=",
                                              "XDG_",  "RATION_", "DBUS_SESSION_BUS_ADDRESS=" };

    if (text_starts(variable, "RATION_DATA_DIR=") || text_starts(variable, "RATION_STATE_DIR="))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++) {
        if (text_starts(variable, name_table[i]))
            return true;
    }
    return false;
}

/* The rest of it is what was settled when the library was opened. */
static int make_environment(const struct life *life, char ***ret)
{
    char *const *ours = life->world->environ;
    _cleanup_free_ char *data = text_format("RATION_DATA_DIR=%s", life->data_dir);
    const char *state_dir = engine_state_dir(life->engine);
    _cleanup_free_ char *state = state_dir ? text_format("RATION_STATE_DIR=%s", state_dir) : NULL;
    char **envp = NULL;
    int r = data && (state || !state_dir) ? 0 : -ENOMEM;

    for (; r >= 0 && ours && *ours; ours++) {
        if (variable_is_passed(*ours))
            r = strv_push(&envp, *ours);
    }
    if (r >= 0)
        r = strv_push(&envp, data);
    if (r >= 0 && state)
        r = strv_push(&envp, state);
    if (r < 0)
        strv_free(envp);
    else
        *ret = envp;
    return r;
}

/* The monitor is nobody's child: who started it may go, and need not wait for it. */
static int monitor_fork(const struct monitor_start *start)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        pid_t monitor = fork();
        if (monitor == 0)
            monitor_exec(start);
        _exit(monitor < 0);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

/* *ret_fd: our end of the monitor's control socket. */
static int monitor_start(const struct life *life, const struct container_dir *dir, int *ret_fd,
                         struct err *err)
{
    struct monitor_start start = { .argv = { (char *)(uintptr_t) "ration",
                                             (char *)(uintptr_t) "monitor",
                                             (char *)(uintptr_t)dir->id, NULL } };
    int ends[2];

    find_program(life, start.program);
    if (access(start.program, X_OK) < 0)
        return err_set(err, errno, "cannot execute %.300s, the monitor of containers: %m",
                       start.program);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set(err, errno, "cannot make a socket for the monitor: %m");
    start.control_fd = ends[1];
    int r = make_environment(life, &start.envp);
    if (r >= 0)
        r = monitor_fork(&start);
    strv_free(start.envp);
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return err_set(err, -r, "cannot start a monitor for container %.12s: %s", dir->id,
                       err_name(-r));
    }
    *ret_fd = ends[0];
    return 0;
}

/* ---- attach ------------------------------------------------------------------------------------------------- */

static int send_attach(int fd, const struct life_attach *attach, struct err *err)
{
    const int all[3] = { attach->in, attach->out, attach->err };
    char text[64];
    int fds[3];
    size_t n = 0;
    unsigned which = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (all[i] < 0)
            continue;
        fds[n++] = all[i];
        which |= 1u << i;
    }
    snprintf(text, sizeof(text), "attach %u %u %u", attach->rows, attach->columns, which);
    int r = packet_send(fd, text, fds, n);
    return r < 0 ? err_set(err, -r, "cannot reach the container's monitor: %s", err_name(-r)) : 0;
}

/* One answer; what else may come on such a connection comes later. */
static int receive_answer(int fd, const struct container_dir *dir, const char *expected,
                          struct err *err)
{
    char text[PACKET_MAX];
    int fds[3];
    size_t n_fds;
    ssize_t n = packet_receive(fd, text, fds, &n_fds, 0);

    if (n <= 0)
        return err_set(err, n < 0 ? (int)-n : EPIPE,
                       "the monitor of container %.12s has ended without a word", dir->id);
    int r = packet_error_parse(text, err);
    if (r >= 0 && strcmp(text, expected) != 0)
        return err_set(err, EPROTO, "the monitor of container %.12s answers \"%.64s\"", dir->id,
                       text);
    return r;
}

int life_attach(struct life *life, const char *who, const struct life_attach *attach, int *ret_fd,
                struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_close_ int fd = -1;
    int r = life_find(life, who, &dir, err);

    if (r < 0)
        return r;
    if (control_connect(life, dir.id, &fd) < 0)
        return err_set(err, ESRCH, "container %.12s is not running", dir.id);
    r = send_attach(fd, attach, err);
    if (r >= 0)
        r = receive_answer(fd, &dir, "ok", err);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int life_attachment_read(int fd, uint64_t *ret_value, struct err *err)
{
    static const struct {
        const char *word;
        enum life_attach_event event;
    } word_table[] = { { "exited ", LIFE_ATTACH_EXITED }, { "dropped ", LIFE_ATTACH_DROPPED } };
    char text[PACKET_MAX];
    int fds[3];
    size_t n_fds;
    ssize_t n = packet_receive(fd, text, fds, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return LIFE_ATTACH_NOTHING;
    if (n < 0)
        return err_set(err, (int)-n, "cannot hear the container's monitor: %s", err_name((int)-n));
    for (size_t i = 0; i < n_fds; i++)
        close(fds[i]);
    if (n == 0)
        return LIFE_ATTACH_GONE;
    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        size_t len = strlen(word_table[i].word);
        if (text_starts(text, word_table[i].word) &&
            number_parse(text + len, UINT64_MAX, ret_value) == 0)
            return (int)word_table[i].event;
    }
    return LIFE_ATTACH_NOTHING; /* "started", which whoever started it knows */
}

int life_attachment_resize(int fd, unsigned short rows, unsigned short columns, struct err *err)
{
    char text[32];

    snprintf(text, sizeof(text), "resize %u %u", rows, columns);
    int r = packet_send(fd, text, NULL, 0);
    return r < 0 ? err_set(err, -r, "cannot reach the container's monitor: %s", err_name(-r)) : 0;
}

void life_attachment_close(int fd)
{
    /* Said before the pipes are closed: their end is then not taken for the end of stdin. */
    packet_send(fd, "detach", NULL, 0);
    close(fd);
}

/* ---- start -------------------------------------------------------------------------------------------------- */

/* 1: it runs. */
static int check_startable(struct life *life, const struct container_dir *dir, struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };

    /* One that is just ending is waited for. */
    for (uint64_t until_us = clock_us(CLOCK_MONOTONIC) + LIFE_WAIT_US;;) {
        int r = life_read_state(life, dir, &state, err);
        if (r < 0)
            return r;
        if (state.status == LIFE_PAUSED)
            return err_set(err, EBUSY, "container %.12s is paused; unpause it instead", dir->id);
        if (state.status == LIFE_RUNNING || state.status == LIFE_RESTARTING)
            return 1;
        if (!lock_is_held(dir->fd, LOCK_MONITOR))
            return 0;
        if (clock_us(CLOCK_MONOTONIC) > until_us)
            return err_set(err, EBUSY, "the monitor of container %.12s does not come to its end",
                           dir->id);
        poll(NULL, 0, 5);
        life_state_done(&state);
    }
}

int life_start(struct life *life, const char *who, const struct life_attach *attach, int *ret_fd,
               struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_close_ int fd = -1;
    int r = life_find(life, who, &dir, err);

    if (r < 0)
        return r;
    _cleanup_close_ int lock = life_lock_next(life, &dir, err);
    if (lock < 0)
        return lock;
    r = check_startable(life, &dir, err);
    if (r != 0)
        return r;
    r = monitor_start(life, &dir, &fd, err);
    if (r >= 0 && attach)
        r = send_attach(fd, attach, err);
    if (r >= 0 && attach)
        r = receive_answer(fd, &dir, "ok", err);
    if (r >= 0)
        r = receive_answer(fd, &dir, "started", err);
    if (r < 0)
        return r;
    if (ret_fd)
        *ret_fd = TAKE_FD(fd);
    return 0;
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

/* -ESRCH with a sentence: it does not run; *ret_state (may be NULL) tells what it does instead. */
static int ask(struct life *life, const char *who, const char *request,
               struct container_dir *ret_dir, struct err *err)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    int r = life_find(life, who, ret_dir, err);

    if (r < 0)
        return r;
    r = life_ask(life, ret_dir, request, NULL, err);
    /* One that was killed with its monitor is put on record at once. */
    if (r == -ESRCH)
        life_read_state(life, ret_dir, &state, NULL);
    return r;
}

int life_stop(struct life *life, const char *who, uint64_t timeout_us, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    char request[32];

    if (timeout_us == UINT64_MAX)
        snprintf(request, sizeof(request), "stop -");
    else
        snprintf(request, sizeof(request), "stop %llu", (unsigned long long)timeout_us);
    int r = ask(life, who, request, &dir, err);
    if (r == -ESRCH)
        return 1;
    if (r >= 0)
        life_event(life, &dir, "stop", NULL, NULL);
    return r;
}

int life_signal(struct life *life, const char *who, const char *signal, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    char request[32];
    int number = signal ? signal_parse(signal) : SIGKILL;

    if (number < 0)
        return err_usage(err, "there is no signal %.32s", signal);
    snprintf(request, sizeof(request), "signal %d", number);
    int r = ask(life, who, request, &dir, err);
    if (r < 0)
        return r;
    snprintf(request, sizeof(request), "%d", number);
    life_event(life, &dir, "kill", "signal", request);
    return 0;
}

int life_pause(struct life *life, const char *who, bool paused, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;

    return ask(life, who, paused ? "pause 1" : "pause 0", &dir, err);
}

int life_wait(struct life *life, const char *who, int *ret_status, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    _cleanup_buf_ struct buf answer = BUF_INIT;
    uint64_t status;
    int r = life_find(life, who, &dir, err);

    while (r >= 0) {
        buf_reset(&answer);
        r = life_ask(life, &dir, "wait", &answer, err);
        if (r >= 0 && number_parse(buf_text(&answer), 255, &status) == 0) {
            *ret_status = (int)status;
            return 0;
        }
        life_state_done(&state);
        r = life_read_state(life, &dir, &state, err);
        /* Just beginning, or just ending, it has no ear. */
        if (r >= 0 && !lock_is_held(dir.fd, LOCK_MONITOR))
            break;
        poll(NULL, 0, 10);
    }
    if (r < 0)
        return r;
    if (state.status == LIFE_CREATED)
        return err_set(err, ESRCH, "container %.12s has never been started", dir.id);
    *ret_status = state.exit_status >= 0 ? state.exit_status : 128 + SIGKILL;
    return 0;
}

/* ---- update ------------------------------------------------------------------------------------------------- */

/* Into the description; the limits among them also into a request to the monitor. */
static int update_draft(struct life *life, struct draft *draft, const struct life_setting *settings,
                        size_t n, struct buf *ret_request, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct option_info info;
        if (!option_find(settings[i].name, &info))
            return err_usage(err, "there is no limit named '%.64s'", settings[i].name);
        if (info.limit == LIMIT_NONE && strcmp(info.name, "restart") != 0)
            return err_usage(err, "--%s of a container cannot be changed", info.name);
        int r = spec_set(draft, life->world, info.name, settings[i].value, err);
        if (r < 0)
            return r;
        if (info.limit != LIMIT_NONE)
            buf_printf(ret_request, "%s=%s\n", info.name, settings[i].value);
    }
    return buf_error(ret_request) < 0 ? err_nomem(err) : 0;
}

static int write_config(const struct container_dir *dir, const struct draft *draft, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = draft_write(draft, &text);

    if (r >= 0)
        r = life_write_file(dir->fd, "config", text.data, text.len, true);
    return r < 0 ? err_set(err, -r, "cannot keep the new limits of container %.12s: %s", dir->id,
                           err_name(-r))
                 : 0;
}

int life_update(struct life *life, const char *who, const struct life_setting *settings, size_t n,
                bool force, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    _cleanup_(draft_freep) struct draft *draft = NULL;
    _cleanup_buf_ struct buf request = BUF_INIT;
    int r = life_find(life, who, &dir, err);

    if (r < 0)
        return r;
    _cleanup_close_ int lock = life_lock(&dir, LOCK_COMMAND, err);
    if (lock < 0)
        return lock;
    buf_printf(&request, "update %d\n", force);
    size_t head = request.len;
    r = life_read_config(life, &dir, &draft, err);
    if (r >= 0)
        r = update_draft(life, draft, settings, n, &request, err);
    if (r >= 0)
        r = life_read_state(life, &dir, &state, err);
    if (r >= 0 && request.len > head &&
        (state.status == LIFE_RUNNING || state.status == LIFE_PAUSED))
        r = life_ask(life, &dir, buf_text(&request), NULL, err);
    return r < 0 ? r : write_config(&dir, draft, err);
}
