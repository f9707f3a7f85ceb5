/* Starting ration-net, and hearing what came of it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net_private.h"

#define ANSWER_MAX 1024

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
    static char *const environment[] = { NULL };
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
    /* In a group of its own, what the terminal sends to ours does not stop it half way. */
    int r = helper_spawn(path, argv, environment, pair[1], netns_fd, true, &ret->pid);
    close(pair[1]);
    ret->fd = pair[0];
    if (r < 0) {
        ret->pid = 0;
        ret->fd = fd_close(ret->fd);
        return err_set(err, -r, "cannot execute %.200s: %s", path, err_name(-r));
    }
    /* One that has ended told why before. */
    if (helper_send(ret->fd, request) == 0)
        helper_send(ret->fd, "go\n");
    return 0;
}

int program_answer(struct program *program, struct err *err)
{
    char answer[ANSWER_MAX];
    ssize_t n = helper_read_line(program->fd, answer, sizeof(answer));

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
