/* Socket activation and preserved descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/env.h"
#include "ocicli/fds.h"

/* $LISTEN_FDS, unless $LISTEN_PID says that it is somebody else's, who passed it on by mistake. */
static unsigned listen_fds(void)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    uint64_t number, owner;

    if (!count || number_parse(count, 1024, &number) < 0)
        return 0;
    if (pid && (number_parse(pid, INT32_MAX, &owner) < 0 || (pid_t)owner != getpid()))
        return 0;
    return (unsigned)number;
}

unsigned fds_count(unsigned preserved)
{
    return listen_fds() + preserved;
}

int fds_add_to_spec(struct spec *spec, unsigned preserved, struct err *err)
{
    unsigned n_listen = listen_fds(), n = n_listen + preserved;
    char count[16];

    for (unsigned fd = STDERR_FILENO + 1; fd < STDERR_FILENO + 1 + n; fd++) {
        if (fcntl((int)fd, F_GETFD) < 0)
            return err_usage(err, "file descriptor %u is to be preserved, and is not open", fd);
    }
    if (n_listen == 0)
        return 0;
    snprintf(count, sizeof(count), "%u", n_listen);
    if (env_set(&spec->env, "LISTEN_FDS", count) < 0 || env_set(&spec->env, "LISTEN_PID", "1") < 0)
        return err_nomem(err);
    return 0;
}
