/* What happened to containers: JSON lines as docker's events have them, in a file of bounded size. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"

#define EVENTS_BYTES   (4 << 20) /* of one file; there are two */
#define EVENT_LINE_MAX (1 << 16)

/* ---- writing ------------------------------------------------------------------------------------------------ */

static json_t *text_json(const char *text)
{
    json_t *string = json_string(text);

    /* A name that is no UTF-8 is no reason to say nothing. */
    return string ? string : json_string("?");
}

static json_t *event_attributes(struct life_state *state, const char *attribute, const char *value)
{
    json_t *attributes = json_object();

    for (char *const *label = state->labels; label && *label; label++) {
        _cleanup_free_ char *name = strndup(*label, strcspn(*label, "="));
        const char *text = strchr(*label, '=');
        if (name)
            json_object_set_new(attributes, name, text_json(text ? text + 1 : ""));
    }
    json_object_set_new(attributes, "image", text_json(life_state_get(state, "image")));
    json_object_set_new(attributes, "name", text_json(life_state_get(state, "name")));
    if (attribute)
        json_object_set_new(attributes, attribute, text_json(value));
    return attributes;
}

static char *event_line(const struct container_dir *dir, struct life_state *state,
                        const char *action, const char *attribute, const char *value)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    json_t *event = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:{s:s, s:o}, s:s, s:I, s:I}", "status", action, "id", dir->id,
        "from", text_json(life_state_get(state, "image")), "Type", "container", "Action", action,
        "Actor", "ID", dir->id, "Attributes", event_attributes(state, attribute, value), "scope",
        "local", "time", (json_int_t)now.tv_sec, "timeNano",
        (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec);
    char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;

    json_decref(event);
    return line;
}

/* Locked; the file may have been exchanged while we waited for the lock. */
static int events_open(int dir_fd)
{
    struct stat ours, theirs;

    for (int attempt = 0; attempt < 16; attempt++) {
        int fd =
            openat(dir_fd, "events", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &ours) == 0 &&
            fstatat(dir_fd, "events", &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_ino == theirs.st_ino) {
            if (ours.st_size < EVENTS_BYTES)
                return fd;
            renameat(dir_fd, "events", dir_fd, "events.1");
        }
        close(fd);
    }
    return -EBUSY;
}

void life_event(struct life *life, const struct container_dir *dir, const char *action,
                const char *attribute, const char *value)
{
    _cleanup_(life_state_done) struct life_state state = { 0 };
    _cleanup_close_ int dir_fd = open(life->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_buf_ struct buf line = BUF_INIT;

    if (dir_fd < 0 || state_read_plain(dir, &state) < 0)
        return;
    _cleanup_free_ char *text = event_line(dir, &state, action, attribute, value);
    if (!text)
        return;
    buf_printf(&line, "%s\n", text);
    _cleanup_close_ int fd = events_open(dir_fd);
    if (fd >= 0 && buf_error(&line) == 0)
        fd_write_all(fd, line.data, line.len);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

struct event_reader {
    const struct event_query *query;
    event_fn fn;
    void *data;
};

static bool event_matches(const void *data, const char *key, const char *value)
{
    const struct event *event = data;

    if (strcmp(key, "event") == 0)
        return strcmp(event->action, value) == 0;
    if (strcmp(key, "type") == 0)
        return strcmp(event->type, value) == 0;
    if (strcmp(key, "image") == 0)
        return strcmp(event->image, value) == 0;
    if (strcmp(key, "container") == 0)
        return strcmp(event->name, value) == 0 || (*value && text_starts(event->id, value));
    /* label: the attributes have it as "NAME=VALUE, ". */
    const char *found = event->attributes;
    size_t len = strlen(value);
    while ((found = strstr(found, value)) != NULL) {
        bool begins = found == event->attributes || text_starts(found - 2, ", ");
        bool ends =
            found[len] == '\0' || found[len] == ',' || (found[len] == '=' && !strchr(value, '='));
        if (begins && ends)
            return true;
        found += len;
    }
    return false;
}

static void attributes_format(json_t *attributes, struct buf *ret)
{
    const char *key;
    json_t *value;

    json_object_foreach(attributes, key, value) buf_printf(
        ret, "%s%s=%s", ret->len ? ", " : "", key, text_or_empty(json_string_value(value)));
}

/* One line; what is none of ours is passed over. */
static int event_read(struct event_reader *reader, const char *line)
{
    const struct event_query *query = reader->query;
    _cleanup_buf_ struct buf text = BUF_INIT;
    json_t *json = json_loads(line, 0, NULL);
    json_t *actor = json_object_get(json, "Actor");
    json_t *attributes = json_object_get(actor, "Attributes");
    int r = 0;

    attributes_format(attributes, &text);
    struct event event = {
        .time_ns = (uint64_t)json_integer_value(json_object_get(json, "timeNano")),
        .type = text_or_empty(json_string_value(json_object_get(json, "Type"))),
        .action = text_or_empty(json_string_value(json_object_get(json, "Action"))),
        .id = text_or_empty(json_string_value(json_object_get(actor, "ID"))),
        .name = text_or_empty(json_string_value(json_object_get(attributes, "name"))),
        .image = text_or_empty(json_string_value(json_object_get(attributes, "image"))),
        .attributes = buf_text(&text),
        .json = line,
    };
    uint64_t us = event.time_ns / 1000;
    if (json && us >= query->since_us && (query->until_us == 0 || us <= query->until_us) &&
        filters_match(query->filters, event_matches, &event))
        r = reader->fn(reader->data, &event);
    json_decref(json);
    return r;
}

/* All whole lines from *offset on. */
static int events_read(struct event_reader *reader, int fd, off_t *offset)
{
    _cleanup_free_ char *data = malloc(EVENT_LINE_MAX + 1);
    int r = 0;

    if (!data)
        return -ENOMEM;
    while (r == 0) {
        ssize_t n = pread(fd, data, EVENT_LINE_MAX, *offset);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        data[n] = '\0';
        char *line = data, *end;
        for (; r == 0 && (end = memchr(line, '\n', (size_t)(data + n - line))); line = end + 1) {
            *end = '\0';
            r = event_read(reader, line);
        }
        if (line == data) /* no whole line yet; or one that cannot be ours */
            line = n == EVENT_LINE_MAX ? data + n : data;
        *offset += line - data;
        if (line == data)
            return 0;
    }
    return r;
}

/* Nothing more will be asked for. */
static bool events_over(const struct event_query *query)
{
    return query->until_us != 0 && clock_us(CLOCK_REALTIME) > query->until_us;
}

static int events_wait(const struct event_query *query, int watch_fd)
{
    struct pollfd poll_fd = { .fd = watch_fd, .events = POLLIN };
    char events[4096] __attribute__((aligned(8)));
    uint64_t now_us = clock_us(CLOCK_REALTIME);
    int timeout_ms = -1;

    if (query->until_us != 0) {
        uint64_t left_us = query->until_us > now_us ? query->until_us - now_us : 0;
        timeout_ms = left_us < 3600000000u ? (int)(left_us / 1000) + 1 : 3600000;
    }
    if (poll(&poll_fd, 1, timeout_ms) < 0 && errno != EINTR)
        return -errno;
    if (poll_fd.revents && read(watch_fd, events, sizeof(events)) < 0 && errno != EAGAIN)
        return -errno;
    return 0;
}

static int events_follow(struct event_reader *reader, int dir_fd, int watch_fd, int fd)
{
    struct stat ours, theirs;
    off_t offset = 0;
    int r = 0;

    while (r == 0) {
        if (fd < 0)
            fd = openat(dir_fd, "events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            r = events_read(reader, fd, &offset);
        if (r != 0 || !reader->query->follow || events_over(reader->query))
            break;
        /* Exchanged: the rest of the old one has been read. */
        if (fd >= 0 && fstat(fd, &ours) == 0 &&
            fstatat(dir_fd, "events", &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_ino != theirs.st_ino) {
            r = events_read(reader, fd, &offset);
            fd = fd_close(fd);
            offset = 0;
            continue;
        }
        r = events_wait(reader->query, watch_fd);
    }
    fd_close(fd);
    return r;
}

int life_events(struct life *life, const struct event_query *query, event_fn fn, void *data,
                struct err *err)
{
    static const char *const key_table[] = { "container", "event", "image", "label", "type" };
    struct event_reader reader = { query, fn, data };
    off_t offset = 0;
    int r = filters_check(query->filters, key_table, ARRAY_SIZE(key_table), err);

    /* To be followed, the directory has to be there. */
    if (r >= 0 && query->follow)
        r = life_containers(life, true, err);
    if (r < 0 || !life->data_dir)
        return r;
    _cleanup_close_ int dir_fd = open(life->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT)
        return 0;
    _cleanup_close_ int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (dir_fd < 0 || watch_fd < 0 ||
        (query->follow &&
         inotify_add_watch(watch_fd, life->data_dir, IN_MODIFY | IN_CREATE | IN_MOVED_FROM) < 0))
        return err_set(err, errno, "cannot watch %s: %m", life->data_dir);
    _cleanup_close_ int older = openat(dir_fd, "events.1", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (older >= 0)
        r = events_read(&reader, older, &offset);
    if (r == 0)
        r = events_follow(&reader, dir_fd, watch_fd, -1);
    return r < 0
               ? err_set(err, -r, "cannot read the events in %s: %s", life->data_dir, err_name(-r))
               : r;
}
