/*
 * The stops on COMMAND's way to its program, and whoever lets it go on.
 *
 *   box                               supervisor                  somebody else, later
 *   READY ──────────────────────────► hooks of the runtime's
 *   hooks in the container ◄───────── CONTINUE
 *   CREATED ────────────────────────► the record is settled
 *   waits at the gate ◄────────────── RELEASE
 *   hooks before its program ◄──────────────────────────────────── BEGIN
 *   the connection closes by exec, or carries FAILED ────────────►
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define UID_UNMAPPED 65534 /* what users without a number here are shown as */

static int supervisor_gone(int r, struct err *err)
{
    return r < 0 ? err_set(err, -r, "cannot read from the supervisor: %s", err_name(-r))
                 : err_set(err, EPIPE, "the supervisor went away");
}

static int supervisor_tell(const struct launch *launch, enum message_kind kind, struct err *err)
{
    struct message message = { .kind = kind };
    int r = message_send(launch->channel_fd, &message);

    return r < 0 ? err_set(err, -r, "cannot write to the supervisor: %s", err_name(-r)) : 0;
}

/* ---- hooks -------------------------------------------------------------------------------------------- */

/* channel_fd: ends with it; -1: nobody waits for the box any more. */
static int hooks_run(struct launch *launch, enum hook_point point, int state_fd, int channel_fd,
                     struct err *err)
{
    const struct spec_hooks *hooks = &launch->spec->hooks[point];
    const char *name = point == HOOK_CREATE_CONTAINER ? "createContainer" : "startContainer";

    if (hooks->n > 0 && state_fd < 0)
        return err_set(err, EINVAL, "%s hooks: no state document for them", name);
    for (size_t i = 0; i < hooks->n; i++) {
        struct hook_call call = {
            .hook = &hooks->hooks[i],
            .state_fd = state_fd,
            .channel_fd = channel_fd,
            .umask_set = point == HOOK_CREATE_CONTAINER,
            .umask = launch->umask,
        };
        int r = hook_run(&call, err);

        if (r < 0) {
            err_prefix(err, "error running %s hook #%zu", name, i);
            return r;
        }
    }
    return 0;
}

/*
 * Before the root is entered. Hooks whose paths are the runtime's but whose namespaces are the container's
 * run here and now, in this process's namespaces.
 */
int step_ready(struct launch *launch, struct err *err)
{
    struct message message;
    size_t taken = 0;
    int r = supervisor_tell(launch, MESSAGE_READY, err);

    if (r < 0)
        return r;
    do { /* the groups may be made before or after the hooks are run */
        r = message_receive(launch->channel_fd, true, &message);
    } while (r > 0 && go_take(launch, &message));
    if (r <= 0 || message.kind != MESSAGE_CONTINUE)
        return supervisor_gone(r, err);
    for (size_t i = 0; i < ARRAY_SIZE(launch->hook_fds); i++) {
        if (message.n_tasks & 1 << i && taken < message.n_fds)
            launch->hook_fds[i] = message.fds[taken++];
    }
    return hooks_run(launch, HOOK_CREATE_CONTAINER, launch->hook_fds[0], launch->channel_fd, err);
}

int step_start_hooks(struct launch *launch, struct err *err)
{
    return hooks_run(launch, HOOK_START_CONTAINER, launch->hook_fds[1], -1, err);
}

/* ---- the gate, inside ----------------------------------------------------------------------------------- */

/* The directory that the socket is in keeps others away; this is for when it does not. */
static bool peer_is_trusted(const struct launch *launch, int fd)
{
    bool user = ((launch->spec->namespaces | launch->joined) & CLONE_NEWUSER) != 0;
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || (user && peer.uid == UID_UNMAPPED);
}

/* The connection over which we are told to begin. Who connects and says nothing did not mean it. */
static int gate_wait(const struct launch *launch, struct err *err)
{
    for (;;) {
        struct message message;
        int fd = accept4(launch->options->gate_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return err_set(err, errno, "cannot wait at the gate: %m");
        if (peer_is_trusted(launch, fd) && message_receive(fd, true, &message) > 0 &&
            message.kind == MESSAGE_BEGIN)
            return fd;
        close(fd);
    }
}

/*
 * Nothing of the supervisor's is kept open here: its lock on the record would seem held as long as we wait.
 */
int step_gate(struct launch *launch, struct err *err)
{
    const struct spawn_options *options = launch->options;
    const int keep[] = {
        launch->channel_fd,  options->gate_fd,
        launch->hook_fds[1], launch->own_proc_fd,
        launch->proc_fd,     options->listener ? options->listener->socket_fd : -1,
    };
    struct message message;
    int r = descriptors_close_but(descriptors_first(launch), keep, ARRAY_SIZE(keep));

    if (r < 0)
        return err_set(err, -r, "cannot close file descriptors: %s", err_name(-r));
    r = supervisor_tell(launch, MESSAGE_CREATED, err);
    if (r < 0)
        return r;
    r = message_receive(launch->channel_fd, true, &message);
    if (r <= 0 || message.kind != MESSAGE_RELEASE)
        return supervisor_gone(r, err);
    launch->channel_fd = fd_close(launch->channel_fd);
    memory_give_back_stack();
    launch->channel_fd = gate_wait(launch, err);
    close(options->gate_fd);
    return launch->channel_fd < 0 ? launch->channel_fd : 0;
}

/* ---- outside ---------------------------------------------------------------------------------------------- */

static int box_tell(const struct spawn *spawn, const struct message *message, const char *what,
                    struct err *err)
{
    int r = message_send(spawn->channel_fd, message);

    /* The box says itself why it is gone already. */
    if (r >= 0 || r == -EPIPE)
        return 0;
    err_set(err, -r, "cannot write to the run's first process: %s", err_name(-r));
    err_step(err, what);
    return r;
}

int spawn_continue(struct spawn *spawn, int creating_fd, int created_fd, struct err *err)
{
    const int fds[] = { creating_fd, created_fd };
    struct message message = { .kind = MESSAGE_CONTINUE };

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        if (fds[i] < 0)
            continue;
        message.n_tasks |= 1 << i;
        message.fds[message.n_fds++] = fds[i];
    }
    return box_tell(spawn, &message, "continue", err);
}

int spawn_release(struct spawn *spawn, struct err *err)
{
    const struct message message = { .kind = MESSAGE_RELEASE };

    return box_tell(spawn, &message, "release", err);
}

/*
 * A connection that is reset was never taken: the process has ended, or somebody else has let it begin. One
 * that just closes was closed by exec.
 */
int spawn_begin(int connection_fd, struct err *err)
{
    const struct message begin = { .kind = MESSAGE_BEGIN };
    struct pollfd watched = { .fd = connection_fd, .events = POLLIN };
    struct message message;
    socklen_t size = sizeof(int);
    int code = 0;
    int r = message_send(connection_fd, &begin);

    while (r >= 0 && poll(&watched, 1, -1) < 0) {
        if (errno != EINTR)
            r = -errno;
    }
    if (r >= 0 && getsockopt(connection_fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        r = -errno;
    if (r == -EPIPE || r == -ECONNRESET || code != 0)
        return err_set(err, ESRCH, "the container's process is gone, or has begun already");
    if (r >= 0)
        r = message_receive(connection_fd, true, &message);
    if (r < 0)
        return err_set(err, -r, "cannot let the container's process begin: %s", err_name(-r));
    if (r == 0)
        return 0;
    if (message.kind != MESSAGE_FAILED)
        return err_set(err, EBADMSG, "the container's process answers with what is no answer");
    if (err)
        *err = message.err;
    return -message.err.code;
}
