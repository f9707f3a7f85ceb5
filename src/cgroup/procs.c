/*
 * Signalling the processes of a group. A number read from cgroup.procs may belong to another
 * process by the time it is used: so a pidfd is opened first, then the list is read again, and only
 * those still listed get the signal. Whoever the pidfd stands for was in the group at that moment,
 * or is dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

#define BATCH         128
#define SIGNAL_PASSES 100

struct signalling {
    int signal;
    unsigned count;
    bool each;   /* skip those in told, add to them */
    pid_t *told; /* owned */
    size_t n_told;
};

static size_t pids_parse(const char *text, pid_t **ret)
{
    const char *line;
    size_t len, n = 0, lines = 1;

    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    pid_t *pids = calloc(lines, sizeof(*pids));
    while (pids && line_next(&text, &line, &len)) {
        char digits[16];
        uint64_t number;
        snprintf(digits, sizeof(digits), "%.*s", (int)len, line);
        /* 0 is a process outside our pid namespace. */
        if (number_parse(digits, INT32_MAX, &number) == 0 && number > 0)
            pids[n++] = (pid_t)number;
    }
    *ret = pids;
    return n;
}

/* Returns the numbers now in the group, malloc'ed in *ret; or -errno. */
static ssize_t pids_read(int dir_fd, pid_t **ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = file_read(dir_fd, "cgroup.procs", TEXT_FILE_MAX, &text);

    *ret = NULL;
    if (r < 0)
        return r;
    size_t n = pids_parse(buf_text(&text), ret);
    return *ret ? (ssize_t)n : -ENOMEM;
}

static bool pids_have(const pid_t *pids, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static int told_add(struct signalling *s, pid_t pid)
{
    pid_t *grown = reallocarray(s->told, s->n_told + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    s->told = grown;
    s->told[s->n_told++] = pid;
    return 0;
}

static int batch_signal(int dir_fd, const pid_t *pids, size_t n, struct signalling *s)
{
    int pidfds[BATCH];
    _cleanup_free_ pid_t *now = NULL;

    for (size_t i = 0; i < n; i++)
        pidfds[i] = sys_pidfd_open(pids[i], 0);
    ssize_t n_now = pids_read(dir_fd, &now);
    int r = n_now < 0 ? (int)n_now : 0;
    for (size_t i = 0; i < n; i++) {
        if (pidfds[i] >= 0 && n_now > 0 && pids_have(now, (size_t)n_now, pids[i]) &&
            !pids_have(s->told, s->n_told, pids[i]) &&
            sys_pidfd_send_signal(pidfds[i], s->signal) == 0) {
            s->count++;
            if (s->each && r == 0)
                r = told_add(s, pids[i]);
        }
        fd_close(pidfds[i]);
    }
    return r;
}

/* A group that goes away, or a threaded one (its processes are listed above it), has none. */
static int gone(ssize_t r)
{
    return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP ? 0 : (int)r;
}

static int group_visit(void *data, int dir_fd)
{
    _cleanup_free_ pid_t *pids = NULL;
    ssize_t n = pids_read(dir_fd, &pids);

    if (n < 0)
        return gone(n);
    for (size_t at = 0; at < (size_t)n; at += BATCH) {
        size_t left = (size_t)n - at;
        int r = batch_signal(dir_fd, pids + at, left < BATCH ? left : BATCH, data);
        if (r < 0)
            return gone(r);
    }
    return 0;
}

int procs_signal(int fd, int signal, unsigned *count)
{
    struct signalling s = { .signal = signal };
    int r = tree_visit(fd, group_visit, &s);

    *count += s.count;
    return r;
}

int procs_signal_each(int fd, int signal, unsigned *count)
{
    struct signalling s = { .signal = signal, .each = true };
    unsigned before;
    int r, passes = 0;

    do {
        before = s.count;
        r = tree_visit(fd, group_visit, &s);
    } while (r == 0 && s.count > before && ++passes < SIGNAL_PASSES);
    *count += s.count;
    free(s.told);
    return r;
}

/* ---- looking ------------------------------------------------------------------------------------------- */

static int any_visit(void *data, int dir_fd)
{
    char line[32];

    (void)data;
    ssize_t n = file_read_line(dir_fd, "cgroup.procs", line, sizeof(line));
    return n < 0 ? gone(n) : n > 0;
}

int procs_any(int fd)
{
    return tree_visit(fd, any_visit, NULL);
}

static int describe_visit(void *data, int dir_fd)
{
    struct buf *out = data;
    _cleanup_free_ pid_t *pids = NULL;
    ssize_t n = pids_read(dir_fd, &pids);

    for (ssize_t i = 0; i < n; i++) {
        if (out->len > 60) {
            buf_puts(out, " and others");
            return 1;
        }
        buf_printf(out, "%s%d", out->len ? ", " : "", pids[i]);
    }
    return 0;
}

void procs_describe(int fd, char *ret, size_t size)
{
    _cleanup_buf_ struct buf out = BUF_INIT;

    tree_visit(fd, describe_visit, &out);
    snprintf(ret, size, "%s", buf_text(&out));
}

struct listing {
    pid_t *pids;
    size_t n;
};

static int list_visit(void *data, int dir_fd)
{
    struct listing *list = data;
    _cleanup_free_ pid_t *pids = NULL;
    ssize_t n = pids_read(dir_fd, &pids);

    if (n <= 0)
        return gone(n);
    pid_t *grown = reallocarray(list->pids, list->n + (size_t)n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    list->pids = grown;
    /* A process that moves while we look is met twice. */
    for (size_t i = 0; i < (size_t)n; i++)
        if (!pids_have(list->pids, list->n, pids[i]))
            list->pids[list->n++] = pids[i];
    return 0;
}

int procs_list(int fd, pid_t **list, size_t *n)
{
    struct listing listing = { *list, *n };
    int r = tree_visit(fd, list_visit, &listing);

    *list = listing.pids;
    *n = listing.n;
    return r;
}
