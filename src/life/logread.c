/* Reading a container's log: from its oldest file to its newest, and on as it grows and is rotated. */
#include "life/life_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX  100u /* log.99 ... log */
#define OPEN_TRIES 20u
#define CHUNK      65536u
#define ENTRY_MAX  (4u << 20) /* no entry of ours is as long */
#define WAKE_MS    1000 /* whether the container goes on is looked at as often, if nobody tells */

struct reading {
    const struct log_source *source;
    const struct log_query *query;
    int dir_fd;
    int fds[FILES_MAX]; /* the files there are, the newest first */
    size_t n_fds;
    int notify_fd;      /* -1: nobody follows */
    struct buf partial; /* of a line whose end is not there yet */
    bool done;          /* behind the time that is asked for */
};

/* ---- the files ------------------------------------------------------------------------------------------ */

static void files_close(struct reading *reading)
{
    while (reading->n_fds > 0)
        fd_close(reading->fds[--reading->n_fds]);
}

static bool same_file(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int file_open(int dir_fd, size_t number)
{
    char name[32] = "log";

    if (number > 0)
        snprintf(name, sizeof(name), "log.%zu", number);
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * The newest first: a file that is rotated meanwhile is met a second time under its next name, and then all are
 * opened again. 0 or -errno.
 */
static int files_open_once(struct reading *reading)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        int fd = file_open(reading->dir_fd, i);
        /* Between two renames there is a log.1 and no log. */
        if (fd == -ENOENT && i == 0 && faccessat(reading->dir_fd, "log.1", F_OK, 0) == 0)
            return -EAGAIN;
        if (fd == -ENOENT)
            return 0;
        if (fd < 0)
            return fd;
        if (reading->n_fds > 0 && same_file(fd, reading->fds[reading->n_fds - 1])) {
            close(fd);
            return -EAGAIN;
        }
        reading->fds[reading->n_fds++] = fd;
    }
    return 0;
}

static int files_open(struct reading *reading, struct err *err)
{
    int r = -EAGAIN;

    for (unsigned i = 0; r == -EAGAIN && i < OPEN_TRIES; i++) {
        files_close(reading);
        r = files_open_once(reading);
    }
    return r < 0 ? err_set(err, -r, "cannot open the container's log: %s", err_name(-r)) : 0;
}

/* ---- its last entries ------------------------------------------------------------------------------------ */

/* Where in a file the last *left lines begin; *left becomes what is still wanted of older files. */
static int file_tail(int fd, uint64_t *left, off_t *ret)
{
    char chunk[4096];
    struct stat st;

    *ret = 0;
    if (fstat(fd, &st) < 0)
        return -errno;
    /* The newline that ends the last line begins none. */
    for (off_t end = st.st_size, at; end > 0; end = at) {
        at = end > (off_t)sizeof(chunk) ? end - (off_t)sizeof(chunk) : 0;
        ssize_t n = pread(fd, chunk, (size_t)(end - at), at);
        if (n < end - at)
            return n < 0 ? -errno : -EIO;
        for (ssize_t i = n; i-- > 0;) {
            if (chunk[i] != '\n' || at + i + 1 == st.st_size)
                continue;
            if (--*left == 0) {
                *ret = at + i + 1;
                return 0;
            }
        }
    }
    if (st.st_size > 0)
        --*left;
    return 0;
}

/* Go to the entry that is the first to be shown; older files are not read at all. */
static int files_seek(struct reading *reading, struct err *err)
{
    uint64_t left = reading->query->tail;
    size_t i = 0;

    if (left == UINT64_MAX)
        return 0;
    for (; i < reading->n_fds && left > 0; i++) {
        off_t begin;
        int r = file_tail(reading->fds[i], &left, &begin);
        if (r >= 0 && lseek(reading->fds[i], begin, SEEK_SET) < 0)
            r = -errno;
        if (r < 0)
            return err_set(err, -r, "cannot read the container's log: %s", err_name(-r));
    }
    /* None at all: of the newest only what will come. */
    if (i == 0 && reading->n_fds > 0) {
        lseek(reading->fds[0], 0, SEEK_END);
        i = 1;
    }
    while (reading->n_fds > i)
        fd_close(reading->fds[--reading->n_fds]);
    return 0;
}

/* ---- entries --------------------------------------------------------------------------------------------- */

static int entry_tell(struct reading *reading, char *line, size_t len)
{
    const struct log_query *query = reading->query;
    struct log_entry entry;
    unsigned stream;
    char *text;

    line[len] = '\0';
    if (!log_entry_parse(line, len, &text, &entry.length, &stream, &entry.time_ns))
        return 0; /* cut short when its writer was killed */
    entry.stream = stream ? 2 : 1;
    entry.text = text;
    if (entry.time_ns / 1000 < query->since_us)
        return 0;
    if (query->until_us != 0 && entry.time_ns / 1000 > query->until_us) {
        reading->done = true;
        return 0;
    }
    return reading->source->fn(reading->source->data, &entry);
}

/* The lines that are whole by now. */
static int partial_tell(struct reading *reading)
{
    struct buf *partial = &reading->partial;
    size_t at = 0;
    int r = 0;

    while (r == 0 && !reading->done) {
        char *end = memchr(partial->data + at, '\n', partial->len - at);
        if (!end)
            break;
        size_t len = (size_t)(end - partial->data) - at;
        r = entry_tell(reading, partial->data + at, len);
        at += len + 1;
    }
    memmove(partial->data, partial->data + at, partial->len - at);
    partial->len -= at;
    return r;
}

/* From where it is to its end as it is now. */
static int file_tell(struct reading *reading, int fd)
{
    struct buf *partial = &reading->partial;
    int r = 0;

    while (r == 0 && !reading->done) {
        if (partial->len > ENTRY_MAX)
            partial->len = 0;
        char *room = buf_room(partial, CHUNK);
        if (!room)
            return -ENOMEM;
        ssize_t n = read(fd, room, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buf_add_length(partial, (size_t)n);
        r = partial_tell(reading);
    }
    return r;
}

/* All that is there: what a file lacks at its end does not come with the next one. */
static int files_tell(struct reading *reading)
{
    int r = 0;

    for (size_t i = reading->n_fds; r == 0 && !reading->done && i-- > 0;) {
        buf_reset(&reading->partial);
        r = file_tell(reading, reading->fds[i]);
    }
    return r;
}

/* ---- following ----------------------------------------------------------------------------------------- */

/* Older files have been read; of those that have come since, ours is the oldest, if it is there still. */
static int files_renew(struct reading *reading, struct err *err)
{
    int current = reading->n_fds > 0 ? reading->fds[0] : -1;
    int newest = file_open(reading->dir_fd, 0), r;
    size_t own;

    if (newest < 0 || (current >= 0 && same_file(newest, current))) {
        if (newest >= 0)
            close(newest);
        return 0;
    }
    close(newest);
    if (current >= 0)
        reading->fds[0] = -1; /* files_open() is not to close it */
    r = files_open(reading, err);
    for (own = 0; current >= 0 && own < reading->n_fds; own++) {
        if (same_file(reading->fds[own], current))
            break;
    }
    /* What was written to it between our last look and its new name comes first, from where we were. */
    if (current >= 0 && own < reading->n_fds) {
        while (reading->n_fds > own)
            fd_close(reading->fds[--reading->n_fds]);
        reading->fds[reading->n_fds++] = TAKE_FD(current);
    }
    fd_close(current);
    return r < 0 ? r : 1;
}

static void wait_for_more(const struct reading *reading)
{
    struct pollfd poll_fd = { .fd = reading->notify_fd, .events = POLLIN };
    char events[4096];

    if (poll(&poll_fd, 1, WAKE_MS) > 0) {
        while (read(reading->notify_fd, events, sizeof(events)) > 0)
            ;
    }
}

static bool is_over(const struct reading *reading)
{
    const struct log_source *source = reading->source;
    const struct log_query *query = reading->query;

    if (reading->done || !source->goes_on(source->data))
        return true;
    return query->until_us != 0 && clock_us(CLOCK_REALTIME) > query->until_us;
}

static int read_failed(int r, struct err *err)
{
    return r == -ENOMEM ? err_nomem(err)
                        : err_set(err, -r, "cannot read the container's log: %s", err_name(-r));
}

/* Whether there will be more is asked before the last look, so that nothing is missed between the two. */
static int follow(struct reading *reading, struct err *err)
{
    for (;;) {
        bool over = is_over(reading);
        int r = reading->n_fds > 0 && !reading->done ? file_tell(reading, reading->fds[0]) : 0;
        if (r != 0)
            return r < 0 ? read_failed(r, err) : r;
        r = reading->done ? 0 : files_renew(reading, err);
        if (r > 0) {
            /* The rest of the one before, whose partial line is kept, and then the newer ones. */
            if (reading->n_fds > 1) {
                r = file_tell(reading, reading->fds[reading->n_fds - 1]);
                fd_close(reading->fds[--reading->n_fds]);
            } else {
                r = 0;
            }
            if (r == 0)
                r = files_tell(reading);
            if (r == 0)
                continue;
            return r < 0 ? read_failed(r, err) : r;
        }
        if (r < 0 || over)
            return r;
        wait_for_more(reading);
    }
}

static int follow_begin(struct reading *reading, struct err *err)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", reading->dir_fd);
    reading->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (reading->notify_fd < 0 ||
        inotify_add_watch(reading->notify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return err_set(err, errno, "cannot watch the container's log: %m");
    return 0;
}

int log_read(const struct log_source *source, struct err *err)
{
    struct reading reading = {
        .source = source, .query = source->query, .dir_fd = source->dir_fd, .notify_fd = -1
    };
    int r = reading.query->follow ? follow_begin(&reading, err) : 0;

    if (r >= 0)
        r = files_open(&reading, err);
    if (r >= 0)
        r = files_seek(&reading, err);
    if (r >= 0) {
        r = files_tell(&reading);
        if (r < 0)
            r = read_failed(r, err);
    }
    if (r == 0 && reading.query->follow)
        r = follow(&reading, err);
    files_close(&reading);
    fd_close(reading.notify_fd);
    buf_done(&reading.partial);
    return r;
}

/* ---- of a container ---------------------------------------------------------------------------------------- */

struct container_log {
    const struct container_dir *dir;
    log_fn fn;
    void *data;
};

static int container_entry(void *data, const struct log_entry *entry)
{
    const struct container_log *log = data;

    return log->fn(log->data, entry);
}

/* As long as it has a monitor it may write, or be started again. */
static bool container_goes_on(void *data)
{
    const struct container_log *log = data;

    return lock_is_held(log->dir->fd, LOCK_MONITOR);
}

int life_logs(struct life *life, const char *who, const struct log_query *query, log_fn fn,
              void *data, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    struct container_log log = { .dir = &dir, .fn = fn, .data = data };
    struct log_source source = {
        .query = query, .fn = container_entry, .goes_on = container_goes_on, .data = &log
    };
    int r = life_find(life, who, &dir, err);

    if (r < 0)
        return r;
    source.dir_fd = dir.fd;
    r = log_read(&source, err);
    if (r < 0)
        err_prefix(err, "container %.64s", who);
    return r;
}
