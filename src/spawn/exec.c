/* Executing COMMAND, found as execvp(3) finds it, with the run's own PATH. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "spawn/launch.h"

#define CANDIDATE_MAX 4096

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

int command_execute(struct launch *launch, struct err *err)
{
    const char *program = launch->spec->argv[0];
    int code;

    if (program[0] == '\0')
        return err_set_class(err, ERR_NOT_FOUND, ENOENT,
                             "cannot execute COMMAND: its name is empty");
    if (!strchr(program, '/'))
        return execute_search(launch, program, err);
    code = execute_path(launch, program);
    return execute_failed(program, code, code == ENOENT && access(program, F_OK) == 0, err);
}
