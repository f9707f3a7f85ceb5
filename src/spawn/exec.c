/* Executing COMMAND, found as execvp(3) finds it, with the run's own PATH. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define CANDIDATE_MAX 4096

/* ---- why it cannot be executed ----------------------------------------------------------------------- */

/*
 * Clients of container runtimes look for these words, as they are: "executable file not found in $PATH",
 * "no such file or directory", "permission denied".
 */
static int document_failed(const char *program, const char *verb, int code, struct err *err)
{
    bool missing = code == ENOENT || code == ENOTDIR;
    enum err_class class = missing ? ERR_NOT_FOUND : ERR_NOT_EXECUTABLE;
    const char *words = err_name(code);

    return err_set_class(err, class, code, "exec: \"%s\": %s%s%c%s", program, verb,
                         verb[0] ? ": " : "", words[0] | ('a' - 'A'), words + 1);
}

/* 127 only when there is nothing of that name; whatever else went wrong, it is there: 126. */
static int execute_failed(const char *program, int code, bool interpreter, struct err *err)
{
    if (code == ENOENT && interpreter)
        return err_set_class(err, ERR_NOT_EXECUTABLE, code,
                             "cannot execute %s: the interpreter or loader that it names does not "
                             "exist in the run's root",
                             program);
    if (code == ENOENT || code == ENOTDIR)
        return err_set_class(err, ERR_NOT_FOUND, code, "cannot execute %s: %s", program,
                             strchr(program, '/') ? err_name(code) : "not found in PATH");
    if (code == ENOEXEC)
        return err_set_class(err, ERR_NOT_EXECUTABLE, code,
                             "cannot execute %s: not a program of this machine, and no script (it "
                             "has no \"#!\" line)",
                             program);
    if (code == EACCES)
        return err_set_class(err, ERR_NOT_EXECUTABLE, code,
                             "cannot execute %s: Permission denied (no execute permission, a "
                             "directory, or on a mount with noexec)",
                             program);
    return err_set_class(err, ERR_NOT_EXECUTABLE, code, "cannot execute %s: %s", program,
                         err_name(code));
}

/* ---- looking ----------------------------------------------------------------------------------------- */

static int execute_path(struct launch *launch, const char *path)
{
    execve(path, launch->spec->argv, launch->env);
    return errno;
}

/* The next of PATH's directories with name behind it; an empty one is the current directory. */
static bool candidate_next(const char **cursor, const char *name, char *ret, size_t size)
{
    size_t length, name_length = strlen(name);

    while (*cursor) {
        const char *directory = *cursor;

        length = strcspn(directory, ":");
        *cursor = directory[length] == ':' ? directory + length + 1 : NULL;
        if (length + 1 + name_length + 1 > size)
            continue;
        memcpy(ret, directory, length);
        if (length > 0)
            ret[length++] = '/';
        memcpy(ret + length, name, name_length + 1);
        return true;
    }
    return false;
}

static int execute_search(struct launch *launch, const char *name, struct err *err)
{
    char path[CANDIDATE_MAX];
    const char *cursor = launch->path;
    bool denied = false;

    while (candidate_next(&cursor, name, path, sizeof(path))) {
        int code = execute_path(launch, path);

        if (code == EACCES)
            denied = true;
        else if (code == ENOENT && access(path, F_OK) == 0)
            return execute_failed(path, code, true, err);
        else if (code != ENOENT && code != ENOTDIR && code != ENAMETOOLONG)
            return execute_failed(path, code, false, err);
    }
    return execute_failed(name, denied ? EACCES : ENOENT, false, err);
}

/*
 * Is there a program that may be executed? Never by one of procfs's links to open files: "/proc/self/exe" is
 * the runtime's own program until this process has another. 0 or -errno.
 */
static int candidate_check(const char *path)
{
    _cleanup_close_ int fd =
        sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
    struct stat st;

    if (fd == -ELOOP && access(path, F_OK) == 0)
        return -EACCES;
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EACCES;
    return access(path, X_OK) < 0 ? -errno : 0;
}

int command_locate(struct launch *launch, struct err *err)
{
    const char *name = launch->spec->argv[0], *cursor = launch->path;
    int r;

    if (name[0] != '\0' && !strchr(name, '/')) {
        while (candidate_next(&cursor, name, launch->program, sizeof(launch->program))) {
            if (candidate_check(launch->program) >= 0)
                return 0;
        }
    }
    if (!strchr(name, '/'))
        return err_set_class(err, ERR_NOT_FOUND, ENOENT,
                             "exec: \"%s\": executable file not found in $PATH", name);
    r = strlen(name) < sizeof(launch->program) ? candidate_check(name) : -ENAMETOOLONG;
    if (r == -EACCES)
        return document_failed(name, "", EACCES, err);
    if (r < 0) {
        char verb[128];

        snprintf(verb, sizeof(verb), "stat %.100s", name);
        return document_failed(name, verb, -r, err);
    }
    memcpy(launch->program, name, strlen(name) + 1);
    return 0;
}

/* ---- executing --------------------------------------------------------------------------------------- */

/* What was found, by the same path: hooks may have been at it, but it has to be there still. */
static int execute_found(struct launch *launch, struct err *err)
{
    int code = execute_path(launch, launch->program);

    return document_failed(launch->program, "", code, err);
}

int command_execute(struct launch *launch, struct err *err)
{
    const char *program = launch->spec->argv[0];
    int code;

    if (launch->spec->document)
        return execute_found(launch, err);
    if (program[0] == '\0')
        return err_set_class(err, ERR_NOT_FOUND, ENOENT,
                             "cannot execute COMMAND: its name is empty");
    if (!strchr(program, '/'))
        return execute_search(launch, program, err);
    code = execute_path(launch, program);
    return execute_failed(program, code, code == ENOENT && access(program, F_OK) == 0, err);
}
