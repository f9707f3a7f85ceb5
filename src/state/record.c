/* One record: put in place locked and whole, appended to, found again, removed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/state_private.h"

#define RECORD_NAME_MAX 128

struct record {
    struct state *state; /* not owned */
    int fd;              /* holds the lock */
    char name[RECORD_NAME_MAX + 1];
};

bool record_name_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > RECORD_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
            return false;
    }
    return true;
}

/* ---- making ---------------------------------------------------------------------------------------- */

/* Give the unnamed, locked file its name; -EEXIST when it is taken. */
static int record_link(struct record *record)
{
    char self[32];

    /* AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH; the way through /proc does not. */
    if (linkat(record->fd, "", record->state->dir_fd, record->name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST)
        return -EEXIST;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", record->fd);
    if (linkat(AT_FDCWD, self, record->state->dir_fd, record->name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    return -errno;
}

static int record_write_locked(int fd, const char *text)
{
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    return fd_write_all(fd, text, strlen(text));
}

/* For file systems without unnamed files: a dot name that is renamed when it is whole. */
static int record_place_by_rename(struct record *record, const char *text)
{
    char temporary[32];
    int dir_fd = record->state->dir_fd;

    snprintf(temporary, sizeof(temporary), ".new-%d", (int)getpid());
    record->fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (record->fd < 0)
        return -errno;
    int r = record_write_locked(record->fd, text);
    if (r >= 0 && renameat2(dir_fd, temporary, dir_fd, record->name, RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dir_fd, temporary, 0);
    return r;
}

static int record_place(struct record *record, const char *text)
{
    const int flags = O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC;

    record->fd = openat(record->state->dir_fd, ".", flags, 0600);
    if (record->fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
                   ? record_place_by_rename(record, text)
                   : -errno;
    int r = record_write_locked(record->fd, text);
    return r < 0 ? r : record_link(record);
}

static int record_make(struct record *record, const char *planned, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    buf_printf(&text, "supervisor %d\n", (int)getpid());
    buf_puts(&text, planned);
    /* Without this line the list of groups may be cut short, and reclaiming looks for itself. */
    buf_puts(&text, "planned\n");
    if (buf_error(&text) < 0)
        return err_nomem(err);
    int r = record_place(record, buf_text(&text));
    if (r == -EEXIST)
        return err_usage(err, "--name %s: a run of that name exists already", record->name),
               -EEXIST;
    if (r < 0)
        return err_set(err, -r, "cannot write the record %s/%s: %s", record->state->path,
                       record->name, err_name(-r));
    return 0;
}

int record_create(struct state *state, const char *name, const char *planned, struct record **ret,
                  struct err *err)
{
    if (!record_name_valid(name))
        return err_usage(err,
                         "--name: '%.140s' is not a name (letters, digits, '_', '.', '-'; at "
                         "most %d bytes)",
                         name, RECORD_NAME_MAX);
    struct record *record = calloc(1, sizeof(*record));
    if (!record)
        return err_nomem(err);
    record->state = state;
    record->fd = -1;
    memcpy(record->name, name, strlen(name));
    int r = record_make(record, planned, err);
    if (r < 0) {
        record_close(record);
        return r;
    }
    *ret = record;
    return 0;
}

int record_append(struct record *record, const char *key, const char *value, struct err *err)
{
    _cleanup_buf_ struct buf line = BUF_INIT;

    buf_printf(&line, "%s %s\n", key, value);
    if (buf_error(&line) < 0)
        return err_nomem(err);
    int r = fd_write_all(record->fd, line.data, line.len);
    if (r < 0)
        return err_set(err, -r, "cannot add to the record %s/%s: %s", record->state->path,
                       record->name, err_name(-r));
    return 0;
}

int record_remove(struct record *record, struct err *err)
{
    int r = 0;

    if (unlinkat(record->state->dir_fd, record->name, 0) < 0 && errno != ENOENT)
        r = err_set(err, errno, "cannot remove the record %s/%s: %m", record->state->path,
                    record->name);
    record_close(record);
    return r;
}

void record_close(struct record *record)
{
    if (!record)
        return;
    fd_close(record->fd);
    free(record);
}

/* ---- finding ---------------------------------------------------------------------------------------- */

int record_open_dead(struct state *state, const char *name)
{
    _cleanup_close_ int fd =
        openat(state->dir_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    /* Its owner may have ended between our open and our lock: then the name is gone or another's. */
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ENOENT;
    return TAKE_FD(fd);
}

const char *record_clean(struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\0')
            text->data[i] = '?';
    }
    return buf_text(text);
}

int state_read(struct state *state, const char *name, struct buf *ret, bool *ret_alive,
               struct err *err)
{
    _cleanup_close_ int fd = -1;

    if (!record_name_valid(name))
        return err_set(err, ENOENT, "there is no run named '%.140s'", name);
    fd = openat(state->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ENOENT, "there is no run named '%s'", name);
    int r = fd < 0 ? -errno : fd_read_all(fd, RECORD_MAX, ret);
    if (r < 0)
        return err_set(err, -r, "cannot read the record %s/%s: %s", state->path, name,
                       err_name(-r));
    record_clean(ret);
    *ret_alive = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    return 0;
}

bool record_find(const char *text, const char *key, char *ret, size_t size)
{
    size_t key_len = strlen(key), len;
    const char *line;
    bool found = false;

    while (line_next(&text, &line, &len)) {
        if (line[len] != '\n') /* torn: written by a call that was killed in the middle */
            break;
        if (len < key_len || memcmp(line, key, key_len) != 0)
            continue;
        if (len > key_len && line[key_len] != ' ')
            continue;
        const char *value = len > key_len ? line + key_len + 1 : line + key_len;
        snprintf(ret, size, "%.*s", (int)(line + len - value), value);
        found = true;
    }
    return found;
}
