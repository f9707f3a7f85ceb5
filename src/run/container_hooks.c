/* Hooks that the runtime itself runs, and the state document that all hooks read. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/container_private.h"

static const char *const point_table[HOOK_POINT_COUNT] = {
    [HOOK_PRESTART] = "prestart",
    [HOOK_CREATE_RUNTIME] = "createRuntime",
    [HOOK_CREATE_CONTAINER] = "createContainer",
    [HOOK_START_CONTAINER] = "startContainer",
    [HOOK_POSTSTART] = "poststart",
    [HOOK_POSTSTOP] = "poststop",
};

int hook_state_open(const struct spec *spec, container_state_writer write_state,
                    enum container_status status, pid_t pid, int *ret_fd, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = write_state(spec->name, status, pid, spec, &text);

    if (r < 0 || buf_error(&text) < 0)
        return err_nomem(err);
    _cleanup_close_ int fd = memfd_create("state", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno, "cannot make a file for the state that hooks read: %m");
    r = fd_write_all(fd, buf_text(&text), text.len);
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_set(err, r < 0 ? -r : errno, "cannot write the state that hooks read");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int hooks_run(const struct spec *spec, enum hook_point point, container_state_writer write_state,
              enum container_status status, pid_t pid, struct err *err)
{
    const struct spec_hooks *hooks = &spec->hooks[point];
    struct err first = ERR_INIT;
    _cleanup_close_ int state_fd = -1;

    if (hooks->n == 0 || !write_state)
        return 0;
    int r = hook_state_open(spec, write_state, status, pid, &state_fd, err);
    for (size_t i = 0; r >= 0 && i < hooks->n; i++) {
        struct err one = ERR_INIT;
        if (spawn_hook(&hooks->hooks[i], state_fd, &one) >= 0)
            continue;
        err_prefix(&one, "error running %s hook #%zu", point_table[point], i);
        if (first.code == 0)
            first = one;
        /* What is to follow the end of a container is not kept from it by what failed before. */
        if (point != HOOK_POSTSTOP)
            break;
    }
    if (first.code == 0)
        return r;
    if (err)
        *err = first;
    return -first.code;
}
