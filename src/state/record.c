/* One record: put in place locked and whole, appended to, found again, removed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state/state_private.h"

bool record_name_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > RECORD_NAME_MAX || strchr(".-", name[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_+.-", name[i]))
            return false;
    }
    return true;
}

/* ---- locking --------------------------------------------------------------------------------------- */

/*
 * Open file description locks (fcntl(2)): unlike those of flock(2) they can be asked about without being
 * taken, so that somebody who only looks never keeps a reclaimer away.
 */
int record_lock(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return 0;
    return errno == EACCES ? -EWOULDBLOCK : -errno;
}

bool record_is_locked(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    /* If that cannot be told it is taken for alive: the safe side. */
    return fcntl(fd, F_OFD_GETLK, &whole) < 0 || whole.l_type != F_UNLCK;
}

void record_unlock(int fd)
{
    struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    fcntl(fd, F_OFD_SETLK, &whole);
}

/* ---- making ---------------------------------------------------------------------------------------- */

/* Give the unnamed, locked file its name; -EEXIST when it is taken. */
static int record_link(struct record *record)
{
    char self[32];

    /* AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH; the way through /proc does not. */
    if (linkat(record->fd, "", record->dir_fd, record->name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST)
        return -EEXIST;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", record->fd);
    if (linkat(AT_FDCWD, self, record->dir_fd, record->name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    return -errno;
}

static int record_write_locked(int fd, const char *text)
{
    int r = record_lock(fd);

    return r < 0 ? r : fd_write_all(fd, text, strlen(text));
}

static int record_rename_from(struct record *record, const char *temporary, const char *text)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
    int dir_fd = record->dir_fd;

    fd_close(record->fd);
    record->fd = openat(dir_fd, temporary, flags, 0600);
    if (record->fd < 0)
        return errno == EEXIST ? -EAGAIN : -errno; /* a killed call's, or another thread's */
    int r = record_write_locked(record->fd, text);
    /* A reclaimer that came before our lock takes the file for a dead one's and removes it. */
    if (r == -EWOULDBLOCK)
        return -EAGAIN;
    if (r >= 0 && renameat2(dir_fd, temporary, dir_fd, record->name, RENAME_NOREPLACE) < 0)
        r = errno == ENOENT ? -EAGAIN : -errno;
    if (r < 0 && r != -EAGAIN)
        unlinkat(dir_fd, temporary, 0);
    return r;
}

/* For file systems without unnamed files: a dot name that is renamed when it is whole. */
static int record_place_by_rename(struct record *record, const char *text)
{
    char temporary[48];
    int r = -EAGAIN;

    for (unsigned i = 0; r == -EAGAIN && i < 100; i++) {
        snprintf(temporary, sizeof(temporary), RECORD_TEMPORARY "%d-%u", (int)getpid(), i);
        r = record_rename_from(record, temporary, text);
    }
    return r;
}

static int record_place(struct record *record, const char *text)
{
    const int flags = O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC;

    record->fd = openat(record->dir_fd, ".", flags, 0600);
    if (record->fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
                   ? record_place_by_rename(record, text)
                   : -errno;
    int r = record_write_locked(record->fd, text);
    if (r < 0)
        return r;
    r = record_link(record);
    return r == -ENOENT ? record_place_by_rename(record, text) : r; /* no /proc to link through */
}

/* The name is taken: by whom? */
static int record_taken(const struct record *record, struct err *err)
{
    _cleanup_close_ int fd = record_open_dead(record->dir_fd, record->name);

    if (fd < 0)
        return err_refuse(err, EEXIST, "--name %s: a run of that name exists already",
                          record->name);
    return err_refuse(err, EEXIST,
                      "--name %s: a dead run of that name is not cleared away yet; see "
                      "'ration doctor --fix'",
                      record->name);
}

int record_make(struct record *record, const char *planned)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    buf_printf(&text, "supervisor %d\n", (int)getpid());
    buf_printf(&text, "started %llu\n", (unsigned long long)clock_us(CLOCK_REALTIME));
    buf_puts(&text, planned);
    if (text.len > 0 && buf_text(&text)[text.len - 1] != '\n')
        buf_putc(&text, '\n');
    /* Without this line the list of groups may be cut short, and reclaiming looks for itself. */
    buf_puts(&text, "planned\n");
    if (buf_error(&text) < 0)
        return -ENOMEM;
    int r = record_place(record, buf_text(&text));
    if (r < 0)
        return r;
    record->size = (off_t)text.len;
    return 0;
}

struct record *record_new(struct state *state, int dir_fd, const char *name)
{
    struct record *record = calloc(1, sizeof(*record));

    if (!record)
        return NULL;
    record->state = state;
    record->dir_fd = dir_fd;
    record->fd = -1;
    snprintf(record->name, sizeof(record->name), "%s", name);
    return record;
}

int record_create(struct state *state, const char *name, const char *planned, struct record **ret,
                  struct err *err)
{
    if (!record_name_valid(name))
        return err_usage(err,
                         "--name: '%.140s' is not a name (letters, digits, '_', '.', '-'; at "
                         "most %d bytes)",
                         name, RECORD_NAME_MAX);
    struct record *record = record_new(state, state->dir_fd, name);
    if (!record)
        return err_nomem(err);
    int r = record_make(record, planned);
    if (r == -EEXIST)
        r = record_taken(record, err);
    else if (r < 0)
        r = err_set(err, -r, "cannot write the record %s/%s: %s", state->path, name, err_name(-r));
    if (r < 0) {
        record_close(record);
        return r;
    }
    state->own = record->name;
    *ret = record;
    return 0;
}

int record_append(struct record *record, const char *key, const char *value, struct err *err)
{
    _cleanup_buf_ struct buf line = BUF_INIT;

    /* A value with a newline would be another line, which might name a group. */
    if (strpbrk(key, " \n") || strchr(value, '\n'))
        return err_set(err, EINVAL, "cannot add '%.64s' to the record %s/%s: more than one line",
                       key, record->state->path, record->name);
    buf_printf(&line, "%s%s %s\n", record->torn ? "\n" : "", key, value);
    if (buf_error(&line) < 0)
        return err_nomem(err);
    int r = fd_write_all(record->fd, line.data, line.len);
    if (r < 0) {
        /* Half a line, if any, must not become the beginning of the next one. */
        int cut = ftruncate(record->fd, record->size);
        (void)cut; /* cannot fail on a file that we made and nobody else writes to */
        return err_set(err, -r, "cannot add to the record %s/%s: %s", record->state->path,
                       record->name, err_name(-r));
    }
    record->size += (off_t)line.len;
    record->torn = false;
    return 0;
}

int record_remove(struct record *record, struct err *err)
{
    int r = 0;

    if (record->state->containers)
        record_remove_brief(record->state, record->name);
    if (unlinkat(record->dir_fd, record->name, 0) < 0 && errno != ENOENT)
        r = err_set(err, errno, "cannot remove the record %s/%s: %m", record->state->path,
                    record->name);
    record_close(record);
    return r;
}

void record_close(struct record *record)
{
    if (!record)
        return;
    if (record->state->own == record->name)
        record->state->own = NULL;
    /* Of a container that outlives us: a process that inherited the lock may not have closed it yet. */
    if (record->state->containers && record->fd >= 0)
        record_unlock(record->fd);
    fd_close(record->fd);
    free(record);
}

/* ---- finding ---------------------------------------------------------------------------------------- */

int record_open_file(int dir_fd, const char *name, int flags)
{
    _cleanup_close_ int fd =
        openat(dir_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    if (fd < 0) /* the codes of a symlink, a directory, a socket */
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EINVAL : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

int record_open_dead(int dir_fd, const char *name)
{
    _cleanup_close_ int fd = record_open_file(dir_fd, name, O_RDWR);
    struct stat st, now;

    if (fd < 0)
        return fd;
    int r = record_lock(fd);
    if (r < 0)
        return r;
    /* Between our open and our lock its owner may have ended, or given it another name. */
    if (fstat(fd, &st) < 0 || fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (now.st_ino != st.st_ino || now.st_dev != st.st_dev)
        return -ENOENT;
    return TAKE_FD(fd);
}

const char *record_clean(struct buf *text)
{
    for (char *at = text->data, *end = at + text->len;
         at && (at = memchr(at, '\0', (size_t)(end - at)));)
        *at = '?';
    return buf_text(text);
}

/* The text of a record that others may have the lock of. */
static int record_read(struct state *state, int dir_fd, const char *name, struct buf *ret,
                       bool *ret_alive)
{
    _cleanup_close_ int fd = record_open_file(dir_fd, name, O_RDONLY);
    struct stat st;

    if (fd < 0)
        return fd;
    *ret_alive = record_is_locked(fd);
    int r = fd_read_all(fd, record_max(state), ret);
    /* A run that ended while we looked was not found dead: it is gone. */
    if (r >= 0 && (fstat(fd, &st) < 0 || st.st_nlink == 0))
        r = -ENOENT;
    return r;
}

/* Is it just being made? Then, and only then, its record is among the pending ones, and locked. */
static int record_read_pending(struct state *state, const char *name, struct buf *ret,
                               bool *ret_alive)
{
    int dir_fd = state->containers ? state_pending(state, false) : -ENOENT;
    int r = dir_fd < 0 ? dir_fd : record_read(state, dir_fd, name, ret, ret_alive);

    return r < 0 ? r : *ret_alive ? 1 : -ENOENT;
}

int state_read(struct state *state, const char *name, struct buf *ret, bool *ret_alive,
               struct err *err)
{
    const char *format = state->containers ? "container \"%.140s\" does not exist"
                                           : "there is no run named '%.140s'";

    if (!record_name_valid(name))
        return err_set(err, ENOENT, format, name);
    int r = record_read(state, state->dir_fd, name, ret, ret_alive);
    if (r == -ENOENT)
        r = record_read_pending(state, name, ret, ret_alive);
    if (r == -ENOENT || (r == -EINVAL && state->containers))
        return err_set(err, ENOENT, format, name);
    if (r < 0)
        return err_set(err, -r, "cannot read the record %s/%s: %s", state->path, name,
                       err_name(-r));
    record_clean(ret);
    return r;
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
