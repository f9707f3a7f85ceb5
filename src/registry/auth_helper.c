/*
 * docker-credential-NAME: a program that keeps passwords for docker. It gets a verb as its argument and the registry's
 * address on stdin, and answers with JSON.
 *
 * Source: docker's documentation of "docker login", "Credential helper protocol".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "registry/auth.h"
#include "registry/wire.h"

#define HELPER_US     60000000u /* a person may have to unlock it */
#define HELPER_OUTPUT 65536u

struct helper {
    const char *name; /* of the program */
    pid_t pid;
    int in, out;
    uint64_t until_us;
};

static int helper_start(struct helper *h, const char *verb, struct err *err)
{
    char *const argv[] = { (char *)h->name, (char *)verb, NULL };
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) < 0)
        return err_set(err, errno, "%s cannot be started: %m", h->name);
    if (pipe2(out, O_CLOEXEC) < 0) {
        int code = errno;
        fd_close(in[0]);
        fd_close(in[1]);
        return err_set(err, code, "%s cannot be started: %m", h->name);
    }
    int r = posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        r = posix_spawnp(&h->pid, h->name, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    fd_close(in[0]);
    fd_close(out[1]);
    h->in = in[1];
    h->out = out[0];
    if (r == 0)
        return 0;
    h->pid = -1;
    return err_set(err, r,
                   r == ENOENT ? "the configuration of passwords names %s, which is not installed"
                               : "%s cannot be started: %m",
                   h->name);
}

/* 0: something can be read or it is at its end; -ETIMEDOUT. */
static int helper_wait(const struct helper *h)
{
    struct pollfd poll_fd = { .fd = h->out, .events = POLLIN };

    for (;;) {
        uint64_t now_us = clock_us(CLOCK_MONOTONIC);
        if (now_us >= h->until_us)
            return -ETIMEDOUT;
        int n = poll(&poll_fd, 1, (int)((h->until_us - now_us) / 1000) + 1);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int helper_read(const struct helper *h, struct buf *ret, struct err *err)
{
    char bytes[4096];

    for (;;) {
        if (helper_wait(h) < 0)
            return err_set(err, ETIMEDOUT, "%s has not answered within a minute", h->name);
        ssize_t n = read(h->out, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno, "the answer of %s cannot be read: %m", h->name);
        if (n == 0)
            return buf_error(ret) == 0 ? 0 : err_nomem(err);
        if (ret->len + (size_t)n > HELPER_OUTPUT)
            return err_set(err, EFBIG, "%s says more than 64 KiB", h->name);
        buf_add(ret, bytes, (size_t)n);
        explicit_bzero(bytes, sizeof(bytes));
    }
}

/* It has ended, or is made to. Its exit status; 255 for a signal. */
static int helper_end(struct helper *h, bool failed)
{
    int status = 0;

    h->in = fd_close(h->in);
    h->out = fd_close(h->out);
    if (h->pid <= 0)
        return 255;
    if (failed)
        kill(h->pid, SIGKILL);
    while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* A reader that has gone is no reason for us to end. */
static void helper_write(struct helper *h, const char *input)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);

    (void)fd_write_all(h->in, input, strlen(input));
    h->in = fd_close(h->in);
    signal(SIGPIPE, before);
}

int auth_helper_run(const char *name, const char *verb, const char *input, struct buf *ret,
                    struct err *err)
{
    _cleanup_free_ char *program = text_format("docker-credential-%s", name);
    struct helper h = { .name = program, .pid = -1, .in = -1, .out = -1 };

    if (!program)
        return err_nomem(err);
    h.until_us = clock_us(CLOCK_MONOTONIC) + HELPER_US;
    int r = helper_start(&h, verb, err);
    if (r == 0) {
        helper_write(&h, input);
        r = helper_read(&h, ret, err);
    }
    int status = helper_end(&h, r < 0);
    if (r < 0 || status == 0)
        return r;
    if (strstr(buf_text(ret), "credentials not found"))
        return 1;
    return err_set(err, EIO, "%s %s ended with status %d: %.150s", program, verb, status,
                   WIRE_QUOTE(buf_text(ret)));
}
