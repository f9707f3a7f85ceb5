/*
 * A container's first process, by number and start time: numbers are used again, the two together are not. A
 * signal goes through a pidfd whose process was looked at after it was opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run/container_private.h"
#include "sys/sys.h"

#define STAT_STATE 3 /* numbers of fields, proc_pid_stat(5) */
#define STAT_START 22

/* Its state letter and start time. The name in between may hold anything, so the fields are counted from
 * its end. */
static int stat_read(pid_t pid, char *ret_state, uint64_t *ret_ticks)
{
    char path[32], text[1024];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    ssize_t n = file_read_line(AT_FDCWD, path, text, sizeof(text));
    if (n < 0)
        return -ESRCH;
    const char *field = strrchr(text, ')');
    if (!field || strlen(field) < 3)
        return -ESRCH;
    field += 2;
    *ret_state = *field;
    for (int i = STAT_STATE; i < STAT_START; i++) {
        field = strchr(field, ' ');
        if (!field)
            return -ESRCH;
        field++;
    }
    *ret_ticks = strtoull(field, NULL, 10);
    return 0;
}

int process_find(pid_t pid, struct process *ret)
{
    char state;

    ret->pid = pid;
    return stat_read(pid, &state, &ret->start_ticks);
}

bool process_is_alive(const struct process *process)
{
    uint64_t ticks;
    char state;

    return process->pid > 0 && stat_read(process->pid, &state, &ticks) == 0 &&
           ticks == process->start_ticks && !strchr("ZXx", state);
}

bool process_parse(const char *text, struct process *ret)
{
    uint64_t number[2];

    if (numbers_parse(text, 2, number) < 0 || number[0] == 0 || number[0] > INT_MAX)
        return false;
    *ret = (struct process){ .pid = (pid_t)number[0], .start_ticks = number[1] };
    return true;
}

int process_open(const struct process *process)
{
    if (process->pid <= 0)
        return -ESRCH;
    int fd = sys_pidfd_open(process->pid, 0);
    if (fd >= 0 && !process_is_alive(process)) {
        close(fd);
        return -ESRCH;
    }
    return fd == -EINVAL ? -ESRCH : fd;
}

bool process_wait_end(const struct process *process, uint64_t timeout_us)
{
    uint64_t deadline_us = clock_us(CLOCK_MONOTONIC) + timeout_us;
    _cleanup_close_ int fd = process_open(process);

    while (fd >= 0) {
        uint64_t now_us = clock_us(CLOCK_MONOTONIC);
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        if (now_us >= deadline_us)
            return false;
        int n = poll(&poll_fd, 1, (int)((deadline_us - now_us) / 1000) + 1);
        if (n > 0 || !process_is_alive(process))
            return true;
    }
    return fd == -ESRCH;
}

int container_kill_process(struct container *container, struct err *err)
{
    _cleanup_close_ int fd = process_open(&container->init);

    if (fd == -ESRCH)
        return 0;
    int r = fd < 0 ? fd : sys_pidfd_send_signal(fd, SIGKILL);
    if (r < 0 && r != -ESRCH)
        return err_set(err, -r, "cannot kill process %d of container \"%s\": %s",
                       (int)container->init.pid, container->name, err_name(-r));
    /* Whom the older freezer holds dies when he is let go. */
    if (container_is_frozen(container) && container_open_freezer(container, NULL) >= 0 &&
        container->freezer)
        group_freeze(container->freezer, false, 0, NULL);
    if (!process_wait_end(&container->init, CONTAINER_END_US))
        return err_set(err, EBUSY, "process %d of container \"%s\" does not die",
                       (int)container->init.pid, container->name);
    return 0;
}
