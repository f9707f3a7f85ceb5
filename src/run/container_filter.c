/* A process's system call filter, and the socket that its notify fd goes to. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "run/container_private.h"

#define CACHE_NAME ".seccomp"

/*
 * The container process state of the OCI runtime specification ("seccomp", listenerPath), which holds the
 * container's own state. The process's number is known to the process alone: what stands before it and after it
 * is made here. The version is that of the state.
 */
static int listener_document(struct filter *filter, const struct seccomp_policy *policy,
                             const struct spec *container, const struct container_options *options,
                             enum container_status status, pid_t pid)
{
    _cleanup_buf_ struct buf state = BUF_INIT;
    struct buf *before = &filter->before;
    int r = options->write_state(container->name, status, pid, container, &state);

    if (r < 0)
        return r;
    const char *text = buf_text(&state);
    buf_add(before, text, strcspn(text, ","));
    buf_puts(before, ",\"fds\":[\"seccompFd\"]");
    if (policy->listener_metadata) {
        buf_puts(before, ",\"metadata\":\"");
        for (const char *c = policy->listener_metadata; *c; c++) {
            if (*c == '"' || *c == '\\')
                buf_printf(before, "\\%c", *c);
            else if ((unsigned char)*c < 0x20)
                buf_printf(before, "\\u%04x", (unsigned)*c);
            else
                buf_putc(before, *c);
        }
        buf_putc(before, '"');
    }
    buf_puts(before, ",\"state\":");
    buf_add(before, text, state.len);
    buf_puts(before, ",\"pid\":");
    return buf_error(before) < 0 || buf_error(&state) < 0 ? -ENOMEM : 0;
}

static int listener_make(struct filter *filter, const struct seccomp_policy *policy,
                         const struct spec *container, const struct container_options *options,
                         enum container_status status, pid_t pid, struct err *err)
{
    if (!policy->listener_path)
        return err_usage(err, "linux.seccomp.listenerPath: the policy notifies and says not whom");
    int r = console_connect(policy->listener_path, &filter->listener.socket_fd, err);
    if (r < 0) {
        err_prefix(err, "linux.seccomp.listenerPath");
        return r;
    }
    r = listener_document(filter, policy, container, options, status, pid);
    if (r < 0)
        return err_nomem(err);
    filter->listener.before = buf_text(&filter->before);
    filter->listener.after = "}";
    filter->notifies = true;
    return 0;
}

int filter_make(struct filter *filter, struct state *state, const struct spec *process,
                const struct spec *container, const struct container_options *options,
                enum container_status status, pid_t pid, struct err *err)
{
    _cleanup_close_ int cache_fd = -1;

    if (!process->seccomp)
        return 0;
    /* Without the cache it takes longer, no more. */
    if (state_cache(state, CACHE_NAME, &cache_fd, NULL) < 0)
        cache_fd = -1;
    int r = seccomp_compile(process->seccomp, cache_fd, &filter->program, err);
    if (r < 0)
        return r;
    if (filter->program.n > UINT16_MAX)
        return err_refuse(err, E2BIG, "linux.seccomp: the filter has %zu instructions, too many",
                          filter->program.n);
    filter->fprog = (struct sock_fprog){ .len = (unsigned short)filter->program.n,
                                         .filter = filter->program.instructions };
    filter->wanted = filter->program.n > 0;
    return filter->program.has_notify
               ? listener_make(filter, process->seccomp, container, options, status, pid, err)
               : 0;
}

void filter_apply(const struct filter *filter, struct spawn_options *options)
{
    if (!filter->wanted)
        return;
    options->filter = &filter->fprog;
    options->filter_flags = filter->program.flags;
    options->listener = filter->notifies ? &filter->listener : NULL;
}

void filter_done(struct filter *filter)
{
    seccomp_program_done(&filter->program);
    fd_close(filter->listener.socket_fd);
    buf_done(&filter->before);
    *filter = FILTER_INIT;
}
