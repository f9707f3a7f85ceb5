/*
 * Records of containers. While one is being made it lies in a directory of its own, so that looking for what
 * killed calls left costs the same however many containers there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "state/state_private.h"

#define LOCK_PAUSE_FIRST_US 500u
#define LOCK_PAUSE_LAST_US  20000u

/* ---- directories beneath the run directory ---------------------------------------------------------- */

/* A directory of ours that nobody else can write to; 0 or -errno. */
static int directory_open(int dir_fd, const char *name, bool make)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;
    int fd = openat(dir_fd, name, flags);

    if (fd < 0 && errno == ENOENT && make) {
        if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
            return -errno;
        fd = openat(dir_fd, name, flags);
    }
    if (fd < 0)
        return -errno;
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 && (st.st_uid != geteuid() || (st.st_mode & 0022) != 0))
        r = -EPERM;
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}

/*
 * One that is kept open, in *fd, -1 before. Where nothing is to be made something is to be removed, which nobody
 * would come back for: so it is tried twice.
 */
static int directory_keep(int dir_fd, int *fd, const char *name, bool make)
{
    if (*fd < 0) {
        int opened = directory_open(dir_fd, name, make);
        if (opened < 0 && opened != -ENOENT && !make)
            opened = directory_open(dir_fd, name, false);
        if (opened < 0)
            return opened;
        *fd = opened;
    }
    return *fd;
}

int state_pending(struct state *state, bool make)
{
    return directory_keep(state->dir_fd, &state->pending_fd, PENDING_NAME, make);
}

int state_cache(struct state *state, const char *name, int *ret_fd, struct err *err)
{
    int fd = directory_open(state->dir_fd, name, true);

    if (fd < 0)
        return err_set(err, -fd, "cannot use the directory %s/%s: %s", state->path, name,
                       err_name(-fd));
    *ret_fd = fd;
    return 0;
}

/* ---- a directory of one container's ------------------------------------------------------------------- */

int state_directory(struct state *state, const char *name, int *ret_fd, struct err *err)
{
    _cleanup_close_ int all_fd = -1;
    int fd = record_name_valid(name) ? 0 : -EINVAL;

    if (fd >= 0)
        fd = all_fd = directory_open(state->dir_fd, OWN_NAME, true);
    if (fd >= 0)
        fd = directory_open(all_fd, name, true);
    if (fd < 0)
        return err_set(err, -fd, "cannot make the directory %s/" OWN_NAME "/%s: %s", state->path,
                       name, err_name(-fd));
    *ret_fd = fd;
    return 0;
}

char *state_directory_path(struct state *state, const char *name)
{
    _cleanup_free_ char *whole = realpath(state->path, NULL);

    return whole ? text_format("%s/" OWN_NAME "/%s", whole, name) : NULL;
}

void state_remove_directory(struct state *state, const char *name, const char *file)
{
    _cleanup_close_ int all_fd = -1, fd = -1;

    if (!record_name_valid(name) || directory_keep(state->dir_fd, &all_fd, OWN_NAME, false) < 0 ||
        directory_keep(all_fd, &fd, name, false) < 0)
        return;
    unlinkat(fd, file, 0);
    unlinkat(all_fd, name, AT_REMOVEDIR);
}

/* ---- making ------------------------------------------------------------------------------------------- */

static int already_exists(const char *name, struct err *err)
{
    return err_refuse(err, EEXIST, "container with given ID already exists: %s", name);
}

/*
 * Who is making one of that name has it among the pending; who has made it, among the settled. It moves from
 * there to here at once: with ours in place there, nobody can bring another here any more.
 */
static int record_make_pending(struct record *record, const char *planned, struct err *err)
{
    struct state *state = record->state;
    int r = record_make(record, planned);

    if (r == -EEXIST)
        return already_exists(record->name, err);
    if (r < 0)
        return err_set(err, -r, "cannot write the record %s/" PENDING_NAME "/%s: %s", state->path,
                       record->name, err_name(-r));
    if (faccessat(state->dir_fd, record->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    unlinkat(record->dir_fd, record->name, 0);
    return already_exists(record->name, err);
}

int record_begin(struct state *state, const char *name, const char *planned, struct record **ret,
                 struct err *err)
{
    if (!record_name_valid(name))
        return err_usage(err,
                         "'%.140s' is no container ID: it may have letters, digits, '_', '+', '.' "
                         "and '-', begins with neither '.' nor '-', and has at most %d bytes",
                         name, RECORD_NAME_MAX);
    int dir_fd = state_pending(state, true);
    if (dir_fd < 0)
        return err_set(err, -dir_fd, "cannot make the directory %s/" PENDING_NAME ": %s",
                       state->path, err_name(-dir_fd));
    struct record *record = record_new(state, dir_fd, name);
    if (!record)
        return err_nomem(err);
    int r = record_make_pending(record, planned, err);
    if (r < 0) {
        record_close(record);
        return r;
    }
    *ret = record;
    return 0;
}

static int settle_failed(const struct record *record, int code, struct err *err)
{
    if (code == EEXIST)
        return already_exists(record->name, err);
    return err_set(err, code, "cannot put the record %s/%s in place: %s", record->state->path,
                   record->name, err_name(code));
}

int record_settle(struct record *record, struct err *err)
{
    struct state *state = record->state;
    const char *name = record->name;
    int r = renameat2(record->dir_fd, name, state->dir_fd, name, RENAME_NOREPLACE);

    if (r < 0 && errno == EINVAL) { /* a file system that cannot: in two steps, then */
        if (faccessat(state->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return settle_failed(record, EEXIST, err);
        r = renameat(record->dir_fd, name, state->dir_fd, name);
    }
    if (r < 0)
        return settle_failed(record, errno, err);
    record->dir_fd = state->dir_fd;
    return 0;
}

/*
 * What goes before the record: nobody would come back for it afterwards. So it is tried twice, in case it was
 * a signal or the like; where it cannot be removed at all, the record in the same directory cannot either.
 * 0: it is gone; -errno.
 */
static int remove_for_good(int dir_fd, const char *path, int flags)
{
    if (unlinkat(dir_fd, path, flags) == 0 || errno == ENOENT)
        return 0;
    return unlinkat(dir_fd, path, flags) == 0 || errno == ENOENT ? 0 : -errno;
}

/* ---- the brief account ----------------------------------------------------------------------------------- */

int record_set_brief(struct record *record, const char *text, struct err *err)
{
    struct state *state = record->state;
    int dir_fd = directory_keep(state->dir_fd, &state->brief_fd, BRIEF_NAME, true);
    int r = dir_fd;

    if (r >= 0)
        r = symlinkat(text, dir_fd, record->name) < 0 ? -errno : 0;
    if (r == -EEXIST) { /* of a container that is gone: nobody else has this name now */
        unlinkat(dir_fd, record->name, 0);
        r = symlinkat(text, dir_fd, record->name) < 0 ? -errno : 0;
    }
    if (r < 0)
        return err_set(err, -r, "cannot make %s/" BRIEF_NAME "/%s: %s", state->path, record->name,
                       err_name(-r));
    return 0;
}

bool state_read_brief(struct state *state, const char *name, char *ret, size_t size)
{
    int dir_fd = record_name_valid(name)
                     ? directory_keep(state->dir_fd, &state->brief_fd, BRIEF_NAME, false)
                     : -EINVAL;
    ssize_t n = dir_fd < 0 ? dir_fd : readlinkat(dir_fd, name, ret, size);

    if (n < 0 || (size_t)n >= size)
        return false;
    ret[n] = '\0';
    return true;
}

void record_remove_brief(struct state *state, const char *name)
{
    int dir_fd = record_name_valid(name)
                     ? directory_keep(state->dir_fd, &state->brief_fd, BRIEF_NAME, false)
                     : -EINVAL;

    if (dir_fd >= 0)
        remove_for_good(dir_fd, name, 0);
}

/* ---- who uses what ------------------------------------------------------------------------------------------ */

int state_use(struct state *state, const char *thing, const char *name, struct err *err)
{
    int r = 0;

    if (!record_name_valid(thing) || !record_name_valid(name))
        return err_set(err, EINVAL, "'%.140s' cannot be noted as used", thing);
    /* Whoever leaves it takes the directory along, maybe right now. */
    for (int i = 0; i < 8; i++) {
        r = directory_keep(state->dir_fd, &state->uses_fd, USES_NAME, true);
        _cleanup_close_ int fd = r < 0 ? r : directory_open(state->uses_fd, thing, true);
        if (fd < 0)
            r = fd;
        else if (symlinkat(name, fd, name) == 0 || errno == EEXIST)
            return 0;
        else
            r = -errno;
        if (r != -ENOENT)
            break;
    }
    return err_set(err, -r, "cannot make %s/" USES_NAME "/%s/%s: %s", state->path, thing, name,
                   err_name(-r));
}

bool state_leave(struct state *state, const char *thing, const char *name)
{
    if (!record_name_valid(thing) || !record_name_valid(name))
        return false;
    int all_fd = directory_keep(state->dir_fd, &state->uses_fd, USES_NAME, false);
    if (all_fd < 0)
        return all_fd == -ENOENT;
    _cleanup_close_ int fd = -1;
    if (directory_keep(all_fd, &fd, thing, false) >= 0)
        remove_for_good(fd, name, 0);
    return remove_for_good(all_fd, thing, AT_REMOVEDIR) == 0;
}

/* ---- opening again ----------------------------------------------------------------------------------------- */

static int lock_wait(int fd, uint64_t wait_us)
{
    uint64_t deadline_us = clock_us(CLOCK_MONOTONIC) + wait_us, pause_us = LOCK_PAUSE_FIRST_US;
    int r;

    while ((r = record_lock(fd)) == -EWOULDBLOCK) {
        if (clock_us(CLOCK_MONOTONIC) >= deadline_us)
            return -EBUSY;
        const struct timespec pause = { 0, (long)pause_us * 1000 };
        nanosleep(&pause, NULL);
        if (pause_us < LOCK_PAUSE_LAST_US)
            pause_us *= 2;
    }
    return r;
}

int state_wait_pending(struct state *state, const char *name, uint64_t wait_us)
{
    int dir_fd = record_name_valid(name) ? state_pending(state, false) : -ENOENT;
    _cleanup_close_ int fd = dir_fd < 0 ? dir_fd : record_open_file(dir_fd, name, O_RDWR);

    if (fd < 0)
        return 0;
    int r = lock_wait(fd, wait_us);
    return r < 0 ? r : 1;
}

static int record_open_settled(struct record *record, uint64_t wait_us, struct buf *ret_text)
{
    struct stat st;

    record->fd = record_open_file(record->dir_fd, record->name, O_RDWR | O_APPEND);
    if (record->fd < 0)
        return record->fd == -EINVAL ? -ENOENT : record->fd;
    int r = lock_wait(record->fd, wait_us);
    if (r < 0)
        return r;
    if (fstat(record->fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0) /* deleted while we waited */
        return -ENOENT;
    record->size = st.st_size;
    r = fd_read_all(record->fd, CONTAINER_RECORD_MAX, ret_text);
    if (r == -EFBIG) { /* none of ours: what is known of it stands elsewhere */
        buf_reset(ret_text);
        r = 0;
    }
    if (r < 0)
        return r;
    record->torn = ret_text->len > 0 && ret_text->data[ret_text->len - 1] != '\n';
    record_clean(ret_text);
    return buf_error(ret_text);
}

int record_open(struct state *state, const char *name, uint64_t wait_us, struct record **ret,
                struct buf *ret_text, struct err *err)
{
    if (!record_name_valid(name))
        return err_set(err, ENOENT, "container \"%.140s\" does not exist", name);
    struct record *record = record_new(state, state->dir_fd, name);
    if (!record)
        return err_nomem(err);
    int r = record_open_settled(record, wait_us, ret_text);
    if (r >= 0) {
        *ret = record;
        return 0;
    }
    record_close(record);
    if (r == -ENOENT)
        return err_set(err, ENOENT, "container \"%s\" does not exist", name);
    if (r == -EBUSY)
        return err_set(err, EBUSY, "container \"%s\" is in use by another call that does not end",
                       name);
    return err_set(err, -r, "cannot open the record %s/%s: %s", state->path, name, err_name(-r));
}

void record_release(struct record *record)
{
    record_unlock(record->fd);
}

int record_retake(struct record *record, uint64_t wait_us)
{
    struct stat st;
    int r = lock_wait(record->fd, wait_us);

    if (r < 0)
        return r;
    if (fstat(record->fd, &st) < 0)
        r = -errno;
    else if (st.st_nlink == 0)
        r = -ENOENT;
    else if (st.st_size != record->size)
        r = -ESTALE;
    if (r < 0)
        record_unlock(record->fd);
    return r;
}

/* ---- the gate ------------------------------------------------------------------------------------------------ */

void gate_name(char ret[static GATE_NAME_SIZE])
{
    uint64_t number;

    /* Never fails once the machine has gathered any randomness; the clock serves before that. */
    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
        number = clock_us(CLOCK_REALTIME) << 20 ^ (uint64_t)getpid();
    snprintf(ret, GATE_NAME_SIZE, ".gate-%016llx", (unsigned long long)number);
}

bool gate_name_valid(const char *name)
{
    static const char prefix[] = ".gate-";
    size_t n = strlen(prefix);

    return text_starts(name, prefix) && strlen(name) == n + 16 &&
           strspn(name + n, "0123456789abcdef") == 16;
}

/* A socket and its address, by a path that is short wherever the run directory is. */
static int gate_socket(struct state *state, const char *name, bool make, struct sockaddr_un *ret)
{
    int dir_fd = state_pending(state, make);

    if (dir_fd < 0)
        return dir_fd;
    if (!gate_name_valid(name))
        return -EINVAL;
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int gate_listen(struct state *state, const char *name, int *ret_fd, struct err *err)
{
    struct sockaddr_un address;
    _cleanup_close_ int fd = gate_socket(state, name, true, &address);
    int r = fd < 0 ? fd : 0;

    /* The name gets the mode that the socket has. */
    if (r >= 0 &&
        (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
         listen(fd, 4) < 0))
        r = -errno;
    if (r < 0)
        return err_set(err, -r, "cannot make the container's gate in %s: %s", state->path,
                       err_name(-r));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int gate_connect(struct state *state, const char *name, int *ret_fd, struct err *err)
{
    struct sockaddr_un address;
    _cleanup_close_ int fd = gate_socket(state, name, false, &address);
    int r = fd < 0 ? fd : 0;

    if (r >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        r = -errno;
    if (r < 0)
        return err_set(err, -r, "cannot reach the container's gate in %s: %s", state->path,
                       err_name(-r));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void gate_remove(struct state *state, const char *name)
{
    int dir_fd = gate_name_valid(name) ? state_pending(state, false) : -ENOENT;

    if (dir_fd < 0 && dir_fd != -ENOENT)
        dir_fd = state_pending(state, false);
    if (dir_fd >= 0)
        remove_for_good(dir_fd, name, 0);
}
