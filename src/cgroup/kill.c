/*
 * Ending, freezing and signalling all processes of a run.
 *
 * v2: cgroup.kill (Linux 5.14) ends a group and everything beneath at once, frozen ones too, and
 * cgroup.events announces that it is empty. Without it, and on v1, processes are signalled one by
 * one; the freezer keeps them from forking meanwhile, and on v1 they die only once thawed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define FREEZE_WAIT_US 100000u /* a freezer that does not get there keeps nobody alive */
#define BACKOFF_MAX_US 10000u

bool backoff(uint64_t *pause_us, uint64_t deadline_us)
{
    if (clock_us(CLOCK_MONOTONIC) >= deadline_us)
        return false;
    struct timespec pause = { 0, (long)(*pause_us * 1000) };
    nanosleep(&pause, NULL);
    *pause_us = *pause_us * 2 < BACKOFF_MAX_US ? *pause_us * 2 : BACKOFF_MAX_US;
    return true;
}

static uint64_t deadline_in(uint64_t timeout_us)
{
    uint64_t now = clock_us(CLOCK_MONOTONIC);

    return timeout_us > UINT64_MAX - now ? UINT64_MAX : now + timeout_us;
}

/* ---- freezing ---------------------------------------------------------------------------------------- */

static bool freezer_is_frozen(const struct part *part)
{
    char line[64];

    return file_read_line(part->fd, "freezer.state", line, sizeof(line)) > 0 &&
           strcmp(line, "FROZEN") == 0;
}

/* v1: FREEZING may be read for milliseconds, and each reading helps it along. THAWED: by somebody else. */
static int freezer_wait(const struct part *part, uint64_t deadline_us)
{
    uint64_t pause_us = 100;
    char line[64];

    while (!freezer_is_frozen(part)) {
        if (file_read_line(part->fd, "freezer.state", line, sizeof(line)) > 0 &&
            strcmp(line, "THAWED") == 0)
            return -ECANCELED;
        if (!backoff(&pause_us, deadline_us))
            return -EBUSY;
    }
    return 0;
}

static int thaw_visit(void *data, int dir_fd)
{
    (void)data;
    file_write(dir_fd, "freezer.state", "THAWED");
    return 0;
}

int group_set_frozen(const struct part *part, bool frozen)
{
    if (part->version == 2)
        return file_write(part->fd, "cgroup.freeze", frozen ? "1" : "0");
    if (frozen)
        return file_write(part->fd, "freezer.state", "FROZEN");
    /* COMMAND may have frozen groups of its own. */
    return tree_visit(part->fd, thaw_visit, NULL);
}

/*
 * Where the run has groups in both, another runtime or a person may have used the v1 freezer as well, which
 * holds even those that are to die.
 */
static void freezer_release(const struct group *group)
{
    const struct part *freezer = group_part(group, CONTROLLER_FREEZER, 1);
    char line[64];

    if (freezer && file_read_line(freezer->fd, "freezer.state", line, sizeof(line)) > 0 &&
        strcmp(line, "THAWED") != 0)
        group_set_frozen(freezer, false);
}

/* A number of cgroup.events of the group, waiting until it is `value`; -EBUSY at the deadline. */
static int events_wait(const struct part *part, const char *key, uint64_t value,
                       uint64_t deadline_us)
{
    char text[256];
    uint64_t now_value;
    _cleanup_close_ int fd = openat(part->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text[n] = '\0';
        if (!keyed_find_u64(text, key, &now_value))
            return -ENODATA;
        if (now_value == value)
            return 0;
        uint64_t now = clock_us(CLOCK_MONOTONIC);
        if (now >= deadline_us)
            return -EBUSY;
        uint64_t left = deadline_us - now;
        struct timespec timeout = { (time_t)(left / 1000000), (long)(left % 1000000) * 1000 };
        struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
        if (left > UINT32_MAX)
            timeout.tv_sec = 3600;
        if (ppoll(&poll_fd, 1, &timeout, NULL) < 0 && errno != EINTR)
            return -errno;
    }
}

static const struct part *freezing_part(const struct group *group)
{
    const struct part *part = group_part(group, CONTROLLER_NONE, 2);

    return part ? part : group_part(group, CONTROLLER_FREEZER, 1);
}

/* v2: who kills what we freeze thaws it again, and it never comes to be frozen. */
static int unified_wait(const struct part *part, bool frozen, uint64_t deadline_us)
{
    const uint64_t slice_us = 100000;
    char line[16];
    int r;

    do {
        uint64_t until_us = clock_us(CLOCK_MONOTONIC) + slice_us;
        r = events_wait(part, "frozen", frozen, until_us < deadline_us ? until_us : deadline_us);
        if (r == -EBUSY && file_read_line(part->fd, "cgroup.freeze", line, sizeof(line)) > 0 &&
            strcmp(line, frozen ? "1" : "0") != 0)
            r = -ECANCELED;
    } while (r == -EBUSY && clock_us(CLOCK_MONOTONIC) < deadline_us);
    return r;
}

/* Freeze or thaw and wait until it is done. What does not freeze in time is thawed again. */
static int part_freeze(const struct part *part, bool frozen, uint64_t deadline_us)
{
    int r = 0;

    if (part->version == 2)
        r = unified_wait(part, frozen, deadline_us);
    else if (frozen)
        r = freezer_wait(part, deadline_us);
    if (r < 0 && frozen)
        group_set_frozen(part, false);
    return r;
}

int group_freeze(struct group *group, bool frozen, uint64_t timeout_us, struct err *err)
{
    const struct part *part = freezing_part(group);
    uint64_t deadline_us = deadline_in(timeout_us);
    char path[1024];

    if (!part)
        return err_refuse(
            err, ENOTSUP,
            "the run has no group that could be frozen: there is neither a writable v2 "
            "hierarchy nor a v1 freezer");
    part_path(part, "", path, sizeof(path));
    int r = group_set_frozen(part, frozen);
    if (r < 0)
        return err_set(err, -r, "cannot %s the group %s: %m", frozen ? "freeze" : "thaw", path);
    if (!frozen)
        freezer_release(group);
    r = part_freeze(part, frozen, deadline_us);
    if (r < 0)
        return err_set(err, -r, "the group %s did not %s in time: %m", path,
                       frozen ? "freeze" : "thaw");
    return 0;
}

bool group_is_frozen(const struct group *group)
{
    const struct part *unified = group_part(group, CONTROLLER_NONE, 2);
    const struct part *freezer = group_part(group, CONTROLLER_FREEZER, 1);

    return (unified && events_wait(unified, "frozen", 1, 0) == 0) ||
           (freezer && freezer_is_frozen(freezer));
}

/* A group that has gone meanwhile is no failure. */
static bool kill_failed_for_good(int r)
{
    return r < 0 && r != -ENOENT && r != -ENODEV;
}

/* ---- signalling -------------------------------------------------------------------------------------- */

/* Nobody forks past us while it is frozen; false: it was frozen before, or does not freeze in time. */
static bool signal_hold(const struct group *group)
{
    const struct part *part = freezing_part(group);

    return part && !group_is_frozen(group) && group_set_frozen(part, true) == 0 &&
           part_freeze(part, true, deadline_in(FREEZE_WAIT_US)) == 0;
}

int group_signal(const struct group *group, int signal, struct err *err)
{
    const struct part *part = freezing_part(group);
    bool held = signal_hold(group);
    unsigned count = 0;
    char path[1024];

    for (size_t i = 0; !part && i < group->n_parts; i++)
        if (part_is_open(&group->part[i]))
            part = &group->part[i];
    if (!part)
        return 0;
    int r = procs_signal_each(part->fd, signal, &count);
    if (held)
        group_set_frozen(part, false);
    part_path(part, "", path, sizeof(path));
    return r < 0 ? err_set(err, -r, "cannot signal the processes of %s: %m", path) : (int)count;
}

/* Processes of those parts that are of that version. */
static int parts_list(const struct group *group, int version, pid_t **list, size_t *n,
                      struct err *err)
{
    for (size_t i = 0; i < group->n_parts && *n == 0; i++) {
        const struct part *part = &group->part[i];
        if (part->version != version || !part_is_open(part))
            continue;
        int r = procs_list(part->fd, list, n);
        if (kill_failed_for_good(r))
            return err_set(err, -r, "cannot list the processes of %s in %s: %s", part->name,
                           part->mount_point, err_name(-r));
    }
    return 0;
}

int group_pids(const struct group *group, pid_t **ret, size_t *ret_n, struct err *err)
{
    pid_t *list = NULL;
    size_t n = 0;
    /* Every hierarchy that has groups of the run has all its processes, as long as nobody moves one. */
    int r = parts_list(group, 2, &list, &n, err);

    if (r == 0)
        r = parts_list(group, 1, &list, &n, err);
    if (r < 0) {
        free(list);
        return r;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* ---- killing ----------------------------------------------------------------------------------------- */

/*
 * Is somebody in the groups of this part? Cheap where COMMAND made no groups of its own, and for the
 * first time: a v1 list of processes that was read once is what that open file shows from then on.
 */
static bool part_is_populated(struct part *part)
{
    char line[16];

    if (part->version == 1 && part->inner_fd >= 0 && !part->inner_read &&
        dir_has_children(part->fd, INNER_NAME) == 0) {
        part->inner_read = true;
        if (pread(part->inner_fd, line, sizeof(line), 0) != 0)
            return true;
        /* Nobody but root from outside puts a process beside the inner group. */
        ssize_t n = file_read_line(part->fd, "cgroup.procs", line, sizeof(line));
        return n > 0 || n == -EFBIG; /* more than fits: many */
    }
    /* What cannot be looked at is not called empty, unless it is gone. */
    int r = procs_any(part->fd);
    return r != 0 && r != -ENOENT && r != -ENODEV;
}

/* v2 with cgroup.kill. -ENOENT: the kernel has none. */
static int kill_at_once(const struct part *part, uint64_t deadline_us)
{
    if (events_wait(part, "populated", 0, 0) == 0)
        return 0;
    int r = file_write(part->fd, "cgroup.kill", "1");
    return r < 0 ? r : events_wait(part, "populated", 0, deadline_us);
}

/* No new processes while the old ones are being found. */
static void forks_stop(const struct group *group)
{
    for (int version = 1; version <= 2; version++) {
        const struct part *pids = group_part(group, CONTROLLER_PIDS, version);
        if (pids)
            file_write(pids->fd, "pids.max", "0");
    }
}

/* One round: freeze, signal everybody in every hierarchy, thaw. */
static int kill_round(struct group *group)
{
    const struct part *freezer = freezing_part(group);
    unsigned count = 0;
    int r = 0;

    if (freezer && group_set_frozen(freezer, true) == 0 && freezer->version == 1)
        freezer_wait(freezer, deadline_in(FREEZE_WAIT_US));
    for (size_t i = 0; i < group->n_parts; i++) {
        int one =
            part_is_open(&group->part[i]) ? procs_signal(group->part[i].fd, SIGKILL, &count) : 0;
        if (kill_failed_for_good(one))
            r = one;
    }
    if (freezer)
        group_set_frozen(freezer, false);
    return r;
}

/* The first part that somebody is still in; NULL: none. */
static const struct part *part_populated(struct group *group)
{
    for (size_t i = 0; i < group->n_parts; i++)
        if (part_is_open(&group->part[i]) && part_is_populated(&group->part[i]))
            return &group->part[i];
    return NULL;
}

int group_kill(struct group *group, uint64_t timeout_us, struct err *err)
{
    const struct part *unified = group_part(group, CONTROLLER_NONE, 2), *left;
    uint64_t deadline_us = deadline_in(timeout_us), pause_us = 200;
    char path[1024], pids[128];
    freezer_release(group);
    int r = unified ? kill_at_once(unified, deadline_us) : -ENOENT;

    if (r < 0)
        forks_stop(group);
    /* Also after cgroup.kill: a process may be in a v1 group of ours and out of the v2 one. */
    while ((left = part_populated(group))) {
        r = kill_round(group);
        if (r < 0 || !backoff(&pause_us, deadline_us))
            break;
    }
    if (!left)
        return 0;
    part_path(left, "", path, sizeof(path));
    procs_describe(left->fd, pids, sizeof(pids));
    return err_set(err, EBUSY, "the processes %s of the group %s do not die%s%s",
                   *pids ? pids : "(of an outer pid namespace)", path, r < 0 ? ": " : "",
                   r < 0 ? err_name(-r) : "");
}
