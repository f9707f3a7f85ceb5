/* Finding criu, and running it. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ocicli/criu.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *criu_name(const struct session *session)
{
    return session->criu && session->criu[0] ? session->criu : "criu";
}

bool criu_exists(const struct session *session)
{
    const char *name = criu_name(session), *path = getenv("PATH");
    char file[4096];

    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    if (!path || !*path)
        path = PATH_DEFAULT;
    for (;;) {
        int len = (int)strcspn(path, ":");
        int n = snprintf(file, sizeof(file), "%.*s/%s", len, path, name);
        if (len > 0 && n > 0 && (size_t)n < sizeof(file) && access(file, X_OK) == 0)
            return true;
        if (path[len] == '\0')
            return false;
        path += len + 1;
    }
}

int criu_check(const struct session *session, struct err *err)
{
    if (criu_exists(session))
        return 0;
    return err_refuse(err, ENOENT,
                      "checkpoint and restore need the program %.200s, which is not here: install "
                      "criu, or name it with --criu",
                      criu_name(session));
}

/* The last line of criu's log that tells of an error, without its time stamp. */
static void last_error(const char *directory, const char *log, char *ret, size_t size)
{
    _cleanup_free_ char *path = text_format("%s/%s", directory, log);
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *cursor, *line;
    size_t len;

    snprintf(ret, size, "it left no word in %.100s/%s", directory, log);
    if (!path || file_read_regular(AT_FDCWD, path, 64u << 20, &text) < 0)
        return;
    cursor = buf_text(&text);
    while (line_next(&cursor, &line, &len)) {
        const char *error = memmem(line, len, "Error ", 6);
        if (error)
            snprintf(ret, size, "%.*s", (int)(line + len - error), error);
    }
}

int criu_run(char *const *argv, const char *directory, const char *log, struct err *err)
{
    char why[200];
    int status;
    pid_t pid;
    int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (r != 0)
        return err_set(err, r, "cannot execute %.200s: %s", argv[0], err_name(r));
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return err_set(err, errno, "cannot wait for criu: %s", err_name(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    last_error(directory, log, why, sizeof(why));
    return err_set(err, EIO, "criu %s failed with status %d: %s", argv[1],
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), why);
}
