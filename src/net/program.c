/* Starting ration-net, and hearing what came of it. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net_private.h"

#define ANSWER_MAX 1024
#define NETNS_FD   3

static int spawn_program(const char *path, char *const *argv, int fd, int netns_fd, pid_t *ret)
{
    static char *const environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    if (netns_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, netns_fd, NETNS_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, netns_fd >= 0 ? NETNS_FD + 1 : NETNS_FD);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* In a group of its own, what the terminal sends to ours does not stop it half way. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    int r = posix_spawn(ret, path, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

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

static void program_end(struct program *program)
{
    program->fd = fd_close(program->fd);
    while (program->pid > 0 && waitpid(program->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    program->pid = 0;
}

int program_start(const char *verb, const char *data_dir, const char *what, int netns_fd,
                  const char *request, struct program *ret, struct err *err)
{
    char path[PATH_MAX];
    char *argv[] = { path, (char *)verb, (char *)data_dir, (char *)what, NULL };
    int pair[2];

    *ret = (struct program){ .fd = -1 };
    if (!helper_find(NET_HELPER, "net", path))
        return err_refuse(err, ENOENT,
                          "--network: the program that makes links and rules, %.300s, is not "
                          "installed; use --network none or host",
                          path);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, errno, "--network: cannot make a socket: %m");
    int r = spawn_program(path, argv, pair[1], netns_fd, &ret->pid);
    close(pair[1]);
    ret->fd = pair[0];
    if (r < 0) {
        ret->pid = 0;
        ret->fd = fd_close(ret->fd);
        return err_set(err, -r, "cannot execute %.200s: %s", path, err_name(-r));
    }
    /* One that has ended told why before. */
    if (send_all(ret->fd, request) == 0)
        send_all(ret->fd, "go\n");
    return 0;
}

/* One line, or what there was of it; its length, or -errno. */
static ssize_t read_line(int fd, char ret[static ANSWER_MAX])
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

int program_answer(struct program *program, struct err *err)
{
    char answer[ANSWER_MAX];
    ssize_t n = read_line(program->fd, answer);

    program_end(program);
    if (n < 0)
        return err_set(err, (int)-n, "--network: " NET_HELPER " ended unexpectedly: %s",
                       err_name((int)-n));
    if (strcmp(answer, "ok") == 0)
        return 0;
    if (text_starts(answer, "error ")) {
        char *text;
        unsigned long code = strtoul(answer + strlen("error "), &text, 10);
        unsigned long class = strtoul(text, &text, 10);
        if (code > 0 && code < 4096 && class <= ERR_NOT_FOUND && *text == ' ')
            return err_set_class(err, (enum err_class) class, (int)code, "%.470s", text + 1);
    }
    return err_set(err, EPROTO, "--network: " NET_HELPER " is of another version");
}
