/* Reading a container's log: from its oldest file to its newest, and on as it grows. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "life/life_private.h"

#define READ_BYTES 65536u /* more than the longest entry: each byte is six at most */
#define FILES_MAX  1000u

struct log_reader {
    const struct log_query *query;
    const struct container_dir *dir;
    log_fn fn;
    void *data;
    uint64_t skip; /* entries that are before the tail */
    bool counting;
    uint64_t counted;
    char *buffer; /* owned, READ_BYTES + 1 */
};

/* ---- one file ---------------------------------------------------------------------------------------------- */

static int read_entry(struct log_reader *reader, char *line, size_t len)
{
    const struct log_query *query = reader->query;
    struct log_entry entry;
    unsigned stream;
    char *text;

    if (!log_entry_parse(line, len, &text, &entry.length, &stream, &entry.time_ns))
        return 0; /* cut short when its writer was killed */
    entry.stream = stream ? 2 : 1;
    entry.text = text;
    if (entry.time_ns / 1000 < query->since_us ||
        (query->until_us != 0 && entry.time_ns / 1000 > query->until_us))
        return 0;
    if (reader->counting) {
        reader->counted++;
        return 0;
    }
    if (reader->skip > 0) {
        reader->skip--;
        return 0;
    }
    return reader->fn(reader->data, &entry);
}

/* All whole lines from *offset on. */
static int read_lines(struct log_reader *reader, int fd, off_t *offset)
{
    for (;;) {
        ssize_t n = pread(fd, reader->buffer, READ_BYTES, *offset);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        char *line = reader->buffer, *end, *stop = line + n;
        while ((end = memchr(line, '\n', (size_t)(stop - line))) != NULL) {
            *end = '\0';
            int r = read_entry(reader, line, (size_t)(end - line));
            if (r != 0)
                return r;
            line = end + 1;
        }
        if (line == reader->buffer && n < (ssize_t)READ_BYTES)
            return 0;
        if (line == reader->buffer) /* no entry of ours is as long */
            line = stop;
        *offset += line - reader->buffer;
    }
}

/* Older files, from the oldest on. */
static int read_older(struct log_reader *reader)
{
    char name[24];
    unsigned n = 0;
    int r = 0;

    do {
        snprintf(name, sizeof(name), "log.%u", n + 1);
    } while (n < FILES_MAX && faccessat(reader->dir->fd, name, F_OK, 0) == 0 && ++n);
    for (; r == 0 && n > 0; n--) {
        off_t offset = 0;
        snprintf(name, sizeof(name), "log.%u", n);
        _cleanup_close_ int fd = openat(reader->dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            r = read_lines(reader, fd, &offset);
    }
    return r;
}

static int open_newest(const struct log_reader *reader)
{
    return openat(reader->dir->fd, "log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- following --------------------------------------------------------------------------------------------- */

/* Is it over: nobody writes any more? */
static bool is_over(const struct log_reader *reader)
{
    return !lock_is_held(reader->dir->fd, LOCK_MONITOR);
}

static void wait_for_more(int watch_fd)
{
    struct pollfd poll_fd = { .fd = watch_fd, .events = POLLIN };
    char events[4096] __attribute__((aligned(8)));

    /* A monitor that is killed changes no file: so look again now and then. */
    if (poll(&poll_fd, 1, 500) > 0 && read(watch_fd, events, sizeof(events)) < 0)
        poll(NULL, 0, 10);
}

/* The rest of an exchanged file, which is log.1 now, has been read by its descriptor. */
static bool is_exchanged(const struct log_reader *reader, int fd)
{
    struct stat ours, theirs;

    return fstat(fd, &ours) == 0 &&
           fstatat(reader->dir->fd, "log", &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino != theirs.st_ino;
}

static int follow(struct log_reader *reader, int watch_fd)
{
    _cleanup_close_ int fd = open_newest(reader);
    off_t offset = 0;
    int r = 0;

    for (;;) {
        bool over = is_over(reader); /* before the reading: nothing comes after it */
        if (fd < 0)
            fd = open_newest(reader);
        bool exchanged = fd >= 0 && is_exchanged(reader, fd);
        if (fd >= 0)
            r = read_lines(reader, fd, &offset);
        if (r != 0 || !reader->query->follow)
            return r;
        if (exchanged) {
            fd = fd_close(fd);
            offset = 0;
            continue;
        }
        if (over)
            return 0;
        wait_for_more(watch_fd);
    }
}

/* So many entries are before those of the tail. */
static int count_skipped(struct log_reader *reader)
{
    _cleanup_close_ int fd = open_newest(reader);
    off_t offset = 0;

    if (reader->query->tail == UINT64_MAX)
        return 0;
    reader->counting = true;
    int r = read_older(reader);
    if (r == 0 && fd >= 0)
        r = read_lines(reader, fd, &offset);
    reader->counting = false;
    if (reader->counted > reader->query->tail)
        reader->skip = reader->counted - reader->query->tail;
    return r;
}

int life_logs(struct life *life, const char *who, const struct log_query *query, log_fn fn,
              void *data, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    struct log_reader reader = { .query = query, .dir = &dir, .fn = fn, .data = data };
    char path[64];
    int r = life_find(life, who, &dir, err);

    if (r < 0)
        return r;
    _cleanup_close_ int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", dir.fd);
    if (watch_fd < 0 || (query->follow && inotify_add_watch(watch_fd, path,
                                                            IN_MODIFY | IN_CREATE | IN_MOVED_TO |
                                                                IN_DELETE_SELF) < 0))
        return err_set(err, errno, "cannot watch the log of container %.12s: %m", dir.id);
    _cleanup_free_ char *buffer = malloc(READ_BYTES + 1);
    if (!buffer)
        return err_nomem(err);
    reader.buffer = buffer;
    r = count_skipped(&reader);
    if (r == 0)
        r = read_older(&reader);
    if (r == 0)
        r = follow(&reader, watch_fd);
    return r < 0 ? err_set(err, -r, "cannot read the log of container %.12s: %s", dir.id,
                           err_name(-r))
                 : r;
}
