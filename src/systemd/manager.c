/*
 * Talking to ration-systemd, over a socket that is its stdin and stdout: lines of properties, "go", and an
 * answer of one line, "ok TEXT" or "error CODE SENTENCE". When the socket closes it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "systemd/systemd.h"

#define HELPER     "ration-systemd"
#define ANSWER_MAX 4096

struct scope {
    pid_t pid;
    int fd;
    char *group;
};

/* ---- is it there ---------------------------------------------------------------------------------------- */

bool systemd_is_supported(void)
{
    char path[PATH_MAX];

    return helper_find(HELPER, "systemd", path);
}

bool systemd_is_user(void)
{
    char line[64];

    if (geteuid() != 0)
        return true;
    if (file_read_line(AT_FDCWD, "/proc/self/uid_map", line, sizeof(line)) < 0)
        return false;
    /* user_namespaces(7): is 0 here 0 outside? */
    char *after;
    unsigned long inside = strtoul(line, &after, 10), outside = strtoul(after, NULL, 10);
    return inside != 0 || outside != 0;
}

/* ---- starting it ----------------------------------------------------------------------------------------- */

/* What tells it where the user's bus is, and nothing else. */
static void clean_environment(char *ret[static 3], char *const *environment)
{
    size_t n = 0;

    for (; environment && *environment && n < 2; environment++) {
        if (text_starts(*environment, "XDG_RUNTIME_DIR=") ||
            text_starts(*environment, "DBUS_SESSION_BUS_ADDRESS="))
            ret[n++] = *environment;
    }
    ret[n] = NULL;
}

static int helper_start(const char *verb, const struct scope_name *name, const char *description,
                        struct scope *ret, struct err *err)
{
    char path[PATH_MAX];
    char *argv[] = { path,         (char *)(name->user ? "user" : "system"),
                     (char *)verb, name->unit,
                     name->slice,  (char *)description,
                     NULL };
    char *environment[3];
    int pair[2];

    if (!helper_find(HELPER, "systemd", path))
        return err_refuse(err, ENOENT,
                          "--cgroup-manager systemd: the program that speaks to systemd, "
                          "%.200s/" HELPER ", is not installed; use --cgroup-manager cgroupfs",
                          RATION_LIBEXECDIR);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, errno, "--cgroup-manager systemd: cannot make a socket: %m");
    clean_environment(environment, environ);
    int r = helper_spawn(path, argv, environment, pair[1], -1, false, &ret->pid);
    close(pair[1]);
    ret->fd = pair[0];
    if (r < 0) {
        ret->fd = fd_close(ret->fd);
        return err_set(err, -r, "cannot execute %.200s: %s", path, err_name(-r));
    }
    return 0;
}

/* ---- a question and its answer -------------------------------------------------------------------------- */

/* *ret_text: what it answered besides, the caller's; or NULL. */
static int ask(const struct scope *scope, const char *properties, char **ret_text, struct err *err)
{
    char answer[ANSWER_MAX];
    ssize_t n;
    int r = helper_send(scope->fd, properties);

    if (r >= 0)
        r = helper_send(scope->fd, "go\n");
    /* One that has ended told why before. */
    n = r < 0 && r != -EPIPE ? r : helper_read_line(scope->fd, answer, sizeof(answer));
    if (n < 0)
        return err_set(err, EIO, "--cgroup-manager systemd: " HELPER " ended unexpectedly: %s",
                       err_name((int)-n));
    if (text_starts(answer, "error ")) {
        char *text;
        long code = strtol(answer + strlen("error "), &text, 10);
        return err_refuse(err, code > 0 && code < 4096 ? (int)code : EPROTO, "%.470s",
                          text + strspn(text, " "));
    }
    if (!text_starts(answer, "ok "))
        return err_set(err, EPROTO, "--cgroup-manager systemd: " HELPER " is of another version");
    if (!ret_text)
        return 0;
    *ret_text = strdup(answer + strlen("ok "));
    return *ret_text ? 0 : err_nomem(err);
}

static void helper_end(struct scope *scope)
{
    scope->fd = fd_close(scope->fd);
    while (scope->pid > 0 && waitpid(scope->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    scope->pid = 0;
}

/* ---- scopes -------------------------------------------------------------------------------------------------- */

int scope_start(const struct scope_name *name, const char *description, const char *properties,
                struct scope **ret, struct err *err)
{
    struct scope *scope = calloc(1, sizeof(*scope));

    if (!scope)
        return err_nomem(err);
    scope->fd = -1;
    int r = helper_start("start", name, description, scope, err);
    if (r >= 0)
        r = ask(scope, properties, &scope->group, err);
    if (r < 0) {
        scope_free(scope);
        return r;
    }
    *ret = scope;
    return 0;
}

const char *scope_group(const struct scope *scope)
{
    return scope->group;
}

int scope_set(struct scope *scope, const char *properties, struct err *err)
{
    return *properties ? ask(scope, properties, NULL, err) : 0;
}

int scope_release(struct scope *scope, struct err *err)
{
    int r = 0;

    if (shutdown(scope->fd, SHUT_WR) < 0)
        r = -errno;
    helper_end(scope);
    return r < 0 ? err_set(err, -r, "--cgroup-manager systemd: " HELPER " ended before its time")
                 : 0;
}

void scope_free(struct scope *scope)
{
    if (!scope)
        return;
    helper_end(scope);
    free(scope->group);
    free(scope);
}

static int ask_once(const char *verb, const struct scope_name *name, const char *properties,
                    struct err *err)
{
    struct scope scope = { .fd = -1 };
    int r = helper_start(verb, name, "", &scope, err);

    if (r >= 0)
        r = ask(&scope, properties, NULL, err);
    helper_end(&scope);
    return r;
}

int scope_update(const struct scope_name *name, const char *properties, struct err *err)
{
    return *properties ? ask_once("set", name, properties, err) : 0;
}

int scope_stop(const struct scope_name *name, struct err *err)
{
    return ask_once("stop", name, "", err);
}
