/*
 * lifecycle - a container's life as engines make it: create, start, its end, delete.
 *
 * usage: lifecycle PID_FILE ID CREATE_OPTIONS RUNTIME [GLOBAL OPTION...]
 *
 * Runs RUNTIME ... create CREATE_OPTIONS --pid-file PID_FILE ID, then start ID, waits for the end of the
 * container's process, of which it becomes the parent, and runs delete ID. CREATE_OPTIONS is one argument,
 * its words parted by blanks. Like conmon and containerd's shim it is the one who collects the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/clone3.h"

enum { ARGS_MAX = 48 };

static char *args[ARGS_MAX];
static int n_global;

static void start_program(void *data)
{
    (void)data;
    execv(args[0], args);
    _exit(126);
}

/* The runtime's own options stand already in args. */
static void call_runtime(char *const *more)
{
    struct clone_args clone = { .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
    int n = n_global, status;
    pid_t pid;

    while (*more && n < ARGS_MAX - 1)
        args[n++] = *more++;
    args[n] = NULL;
    pid = clone3_borrow(&clone, start_program, NULL);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        dprintf(STDERR_FILENO, "lifecycle: %s %s failed\n", args[0], args[n_global]);
        _exit(1);
    }
}

static pid_t pid_read(const char *path)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        _exit(1);
    close(fd);
    return atoi(text);
}

int main(int argc, char **argv)
{
    char *create[ARGS_MAX] = { (char[]){ "create" } };
    char *start[] = { (char[]){ "start" }, argv[2], NULL };
    char *end[] = { (char[]){ "delete" }, argv[2], NULL };
    int n = 1;

    if (argc < 5 || argc > ARGS_MAX / 2)
        return 2;
    for (char *word = strtok(argv[3], " "); word && n < ARGS_MAX / 2; word = strtok(NULL, " "))
        create[n++] = word;
    create[n++] = (char[]){ "--pid-file" };
    create[n++] = argv[1];
    create[n] = argv[2];
    for (n_global = 0; n_global + 4 < argc; n_global++)
        args[n_global] = argv[n_global + 4];
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return 1;
    call_runtime(create);
    call_runtime(start);
    while (waitpid(pid_read(argv[1]), NULL, 0) < 0) {
        if (errno != EINTR)
            return 1;
    }
    call_runtime(end);
    return 0;
}
