/*
 * Talking to ration-systemd, over a socket that is its stdin and stdout: lines of properties, "go", and an
 * answer of one line, "ok TEXT" or "error CODE SENTENCE". When the socket closes it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
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

static int helper_spawn(const char *path, char *const *argv, int fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *environment[3];
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    clean_environment(environment, environ);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int r = posix_spawn(ret, path, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

static int helper_start(const char *verb, const struct scope_name *name, const char *description,
                        struct scope *ret, struct err *err)
{
    char path[PATH_MAX];
    char *argv[] = { path,         (char *)(name->user ? "user" : "system"),
                     (char *)verb, name->unit,
                     name->slice,  (char *)description,
                     NULL };
    int pair[2];

    if (!helper_find(HELPER, "systemd", path))
        return err_refuse(err, ENOENT,
                          "--cgroup-manager systemd: the program that speaks to systemd, "
                          "%.200s/" HELPER ", is not installed; use --cgroup-manager cgroupfs",
                          RATION_LIBEXECDIR);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, errno, "--cgroup-manager systemd: cannot make a socket: %m");
    int r = helper_spawn(path, argv, pair[1], &ret->pid);
    close(pair[1]);
    ret->fd = pair[0];
    if (r < 0) {
        ret->fd = fd_close(ret->fd);
        return err_set(err, -r, "cannot execute %.200s: %s", path, err_name(-r));
    }
    return 0;
}

/* ---- a question and its answer -------------------------------------------------------------------------- */

static int send_all(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* One line; its length, or -errno. */
static ssize_t read_answer(int fd, char ret[static ANSWER_MAX])
{
    size_t len = 0;

    while (len < ANSWER_MAX - 1) {
        ssize_t n = read(fd, ret + len, ANSWER_MAX - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        len += (size_t)n;
        if (ret[len - 1] == '\n') {
            ret[--len] = '\0';
            return (ssize_t)len;
        }
    }
    return -EMSGSIZE;
}

/* *ret_text: what it answered besides, the caller's; or NULL. */
static int ask(const struct scope *scope, const char *properties, char **ret_text, struct err *err)
{
    char answer[ANSWER_MAX];
    ssize_t n;
    int r = send_all(scope->fd, properties);

    if (r >= 0)
        r = send_all(scope->fd, "go\n");
    /* One that has ended told why before. */
    n = r < 0 && r != -EPIPE ? r : read_answer(scope->fd, answer);
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
