/* Making containers, and letting them run by themselves. */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/verb.h"

/* As docker has it: one that is there says of another container, and stays. */
static int open_cidfile(const char *path, int *ret_fd, struct ration_error *error)
{
    *ret_fd = -1;
    if (!path)
        return 0;
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (*ret_fd >= 0)
        return 0;
    if (errno == EEXIST)
        return cli_usage(error, "--cidfile %.300s is there already: remove it, or name another",
                         path);
    return cli_fail(error, errno, "cannot make --cidfile %.300s: %s", path, err_name(errno));
}

int launch_create(const struct launch *launch, char ret_id[RATION_ID_SIZE],
                  struct ration_error *error)
{
    const struct ration_create create = { .image = launch->image, .hold = launch->hold };
    _cleanup_close_ int fd = -1;
    int r = open_cidfile(launch->cidfile, &fd, error);

    if (r < 0)
        return r;
    r = ration_container_create(launch->ration, launch->spec, &create, ret_id, error);
    if (r >= 0 && fd >= 0 && (r = fd_write_all(fd, ret_id, strlen(ret_id))) < 0)
        r = cli_fail(error, -r, "cannot write --cidfile %.300s: %s", launch->cidfile, err_name(-r));
    if (r < 0 && fd >= 0)
        unlink(launch->cidfile);
    return r;
}

struct pid_of {
    const char *id;
    pid_t pid;
};

static int find_pid(void *data, const struct ration_container *container)
{
    struct pid_of *of = data;

    if (strcmp(container->id, of->id) != 0)
        return 0;
    of->pid = container->pid;
    return 1;
}

static int write_pidfile(const struct launch *launch, const char *id, struct ration_error *error)
{
    struct pid_of of = { .id = id };
    char text[24];

    if (!launch->pidfile)
        return 0;
    int r = ration_container_visit(launch->ration, 1, NULL, find_pid, &of, error);
    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%d\n", (int)of.pid);
    _cleanup_close_ int fd = open(launch->pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
    return r < 0 ? cli_fail(error, -r, "cannot write --pidfile %.300s: %s", launch->pidfile,
                            err_name(-r))
                 : 0;
}

int launch_detached(struct launch *launch, struct ration_error *error)
{
    char id[RATION_ID_SIZE];

    launch->hold = 1;
    int r = launch_create(launch, id, error);
    if (r >= 0)
        r = ration_container_start(launch->ration, id, NULL, NULL, error);
    if (r >= 0)
        r = write_pidfile(launch, id, error);
    return r < 0 ? r : verb_say(id, error);
}
