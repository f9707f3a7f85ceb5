/* The run directory: opening it, walking it, and undoing what dead runs left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/state_private.h"

#define STATE_PATH_ROOT "/run/ration"

/* $XDG_RUNTIME_DIR/ration, else /run/user/UID/ration, else a directory of ours in /tmp. */
char *state_default_directory(bool rootless)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat st;

    if (!rootless)
        return strdup(STATE_PATH_ROOT);
    if (runtime && runtime[0] == '/')
        return text_format("%s/ration", runtime);
    char *path = text_format("/run/user/%u", geteuid());
    if (path && stat(path, &st) == 0 && st.st_uid == geteuid()) {
        char *below = text_format("%s/ration", path);
        free(path);
        return below;
    }
    free(path);
    return text_format("/tmp/ration-%u", geteuid());
}

/* The directory must be ours alone: whoever can write to it could name groups for us to kill. */
static int state_check(const struct state *state, struct err *err)
{
    struct stat st;

    if (fstat(state->dir_fd, &st) < 0)
        return err_set(err, errno, "cannot look at the run directory %s: %m", state->path);
    if (st.st_uid != geteuid())
        return err_set(err, EPERM, "run directory %s belongs to user %u, not to us (%u); remove it",
                       state->path, st.st_uid, geteuid());
    /* Of containers' directories some are made by those who call us, readable to all. */
    if (state->containers && (st.st_mode & 0022) == 0)
        return 0;
    if ((st.st_mode & 0077) != 0)
        return err_set(err, EPERM,
                       "run directory %s is open to others (mode %04o); make it private with "
                       "chmod 700 %s",
                       state->path, (unsigned)(st.st_mode & 07777), state->path);
    return 0;
}

/* What cannot be made is told by whoever makes the last one. */
static void state_make_parents(const char *path)
{
    _cleanup_free_ char *parent = strdup(path);

    for (char *slash = parent; slash && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(parent, 0700);
        *slash = '/';
    }
}

static int state_open_directory(struct state *state, struct err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    struct stat st;

    state->dir_fd = open(state->path, flags);
    if (state->dir_fd < 0 && errno == ENOTDIR && lstat(state->path, &st) == 0)
        return err_set(err, ENOTDIR, "the run directory %s is %s; remove it", state->path,
                       S_ISLNK(st.st_mode) ? "a symbolic link" : "not a directory");
    if (state->dir_fd < 0 && errno == ENOENT) {
        if (state->containers)
            state_make_parents(state->path);
        if (mkdir(state->path, 0700) < 0 && errno != EEXIST)
            return err_set(err, errno, "cannot make the run directory %s: %m", state->path);
        state->dir_fd = open(state->path, flags);
    }
    if (state->dir_fd < 0)
        return err_set(err, errno, "cannot open the run directory %s: %m", state->path);
    return state_check(state, err);
}

static int open_state(const char *path, bool rootless, bool containers, struct state **ret,
                      struct err *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state)
        return err_nomem(err);
    state->dir_fd = state->pending_fd = state->brief_fd = state->uses_fd = -1;
    state->containers = containers;
    state->path = path ? strdup(path) : state_default_directory(rootless);
    int r = state->path ? state_open_directory(state, err) : err_nomem(err);
    if (r < 0) {
        state_close(state);
        return r;
    }
    *ret = state;
    return 0;
}

int state_open(const char *path, bool rootless, struct state **ret, struct err *err)
{
    return open_state(path, rootless, false, ret, err);
}

int state_open_containers(const char *path, struct state **ret, struct err *err)
{
    return open_state(path, false, true, ret, err);
}

void state_close(struct state *state)
{
    if (!state)
        return;
    fd_close(state->dir_fd);
    fd_close(state->pending_fd);
    fd_close(state->brief_fd);
    fd_close(state->uses_fd);
    free(state->path);
    free(state);
}

void state_closep(struct state **state)
{
    state_close(*state);
}

const char *state_path(const struct state *state)
{
    return state->path;
}

/* ---- walking ------------------------------------------------------------------------------------ */

/* getdents64 spares opendir's buffer. */
int directory_each(int dir_fd, entry_fn fn, void *data)
{
    _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(struct dirent64) char chunk[4096];

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t n = getdents64(fd, chunk, sizeof(chunk));
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(chunk + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            int r = fn(data, entry->d_name);
            if (r < 0)
                return r;
        }
    }
}

static int state_each(struct state *state, int dir_fd, entry_fn fn, void *data, struct err *err)
{
    int r = directory_each(dir_fd, fn, data);

    /* One that fn has a sentence for is told by that. */
    if (r < 0 && err && err->code == 0)
        return err_set(err, -r, "cannot list the run directory %s: %s", state->path, err_name(-r));
    return r;
}

/* ---- reclaiming --------------------------------------------------------------------------------- */

struct reclaim {
    struct state *state;
    int dir_fd; /* where the records are */
    record_reclaim_fn fn;
    void *data;
    unsigned reclaimed, failed;
    struct err *err;
};

/*
 * One name: nothing if its supervisor lives or it is gone meanwhile. A record that cannot be undone
 * stays, so that a later call tries again; it never stops the others.
 */
static int reclaim_entry(void *data, const char *name)
{
    struct reclaim *reclaim = data;
    struct state *state = reclaim->state;
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_close_ int fd = -1;
    /* A record under such a name was never given its own: nothing of its run was made. */
    bool unborn = text_starts(name, RECORD_TEMPORARY);
    struct err err = ERR_INIT;
    int r = 0;

    if (!unborn && !record_name_valid(name))
        return 0;
    if (state->own && strcmp(name, state->own) == 0)
        return 0; /* we live */
    fd = record_open_dead(reclaim->dir_fd, name);
    if (fd == -EWOULDBLOCK || fd == -ENOENT || fd == -EINVAL)
        return 0;
    if (fd < 0)
        r = err_set(&err, -fd, "cannot open the record %s/%s: %s", state->path, name,
                    err_name(-fd));
    if (r >= 0 && !unborn) {
        r = fd_read_all(fd, record_max(state), &text);
        if (r == -ENOMEM)
            return err_nomem(reclaim->err);
        r = reclaim->fn(reclaim->data, name, r < 0 ? "" : record_clean(&text), &err);
    }
    if (r >= 0 && unlinkat(reclaim->dir_fd, name, 0) < 0 && errno != ENOENT)
        r = err_set(&err, errno, "cannot remove the record %s/%s: %m", state->path, name);
    if (r < 0) {
        reclaim->failed++;
        if (reclaim->err && reclaim->err->code == 0)
            *reclaim->err = err;
    } else {
        reclaim->reclaimed++;
    }
    return 0;
}

static int reclaim_directory(struct reclaim *reclaim, unsigned *ret_reclaimed, unsigned *ret_failed,
                             struct err *err)
{
    struct err first = ERR_INIT;

    reclaim->err = &first;
    int r = state_each(reclaim->state, reclaim->dir_fd, reclaim_entry, reclaim, &first);
    *ret_reclaimed = reclaim->reclaimed;
    *ret_failed = reclaim->failed;
    if (err && first.code != 0)
        *err = first;
    return r;
}

int state_reclaim(struct state *state, record_reclaim_fn fn, void *data, unsigned *ret_reclaimed,
                  unsigned *ret_failed, struct err *err)
{
    struct reclaim reclaim = { .state = state, .dir_fd = state->dir_fd, .fn = fn, .data = data };

    return reclaim_directory(&reclaim, ret_reclaimed, ret_failed, err);
}

int state_reclaim_pending(struct state *state, record_reclaim_fn fn, void *data,
                          unsigned *ret_reclaimed, unsigned *ret_failed, struct err *err)
{
    struct reclaim reclaim = { .state = state, .fn = fn, .data = data };

    *ret_reclaimed = *ret_failed = 0;
    reclaim.dir_fd = state_pending(state, false);
    if (reclaim.dir_fd == -ENOENT)
        return 0;
    if (reclaim.dir_fd < 0)
        return err_set(err, -reclaim.dir_fd, "cannot open %s/" PENDING_NAME ": %s", state->path,
                       err_name(-reclaim.dir_fd));
    return reclaim_directory(&reclaim, ret_reclaimed, ret_failed, err);
}

/* ---- visiting ------------------------------------------------------------------------------------ */

struct visit {
    struct state *state;
    record_visit_fn fn;
    void *data;
};

static int visit_entry(void *data, const char *name)
{
    struct visit *visit = data;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive = false;

    if (!record_name_valid(name))
        return 0;
    int r = state_read(visit->state, name, &text, &alive, NULL);
    /* Gone or foreign: the others still count. One that was blown up, or cannot be read, is still a record. */
    if (r == -ENOENT || r == -EINVAL)
        return 0;
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        buf_reset(&text);
    return visit->fn(visit->data, name, buf_text(&text), alive);
}

int state_visit(struct state *state, record_visit_fn fn, void *data, struct err *err)
{
    struct visit visit = { .state = state, .fn = fn, .data = data };

    return state_each(state, state->dir_fd, visit_entry, &visit, err);
}
