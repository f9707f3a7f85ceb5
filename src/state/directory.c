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
    if ((st.st_mode & 0077) != 0)
        return err_set(err, EPERM,
                       "run directory %s is open to others (mode %04o); make it private with "
                       "chmod 700 %s",
                       state->path, (unsigned)(st.st_mode & 07777), state->path);
    return 0;
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
        if (mkdir(state->path, 0700) < 0 && errno != EEXIST)
            return err_set(err, errno, "cannot make the run directory %s: %m", state->path);
        state->dir_fd = open(state->path, flags);
    }
    if (state->dir_fd < 0)
        return err_set(err, errno, "cannot open the run directory %s: %m", state->path);
    return state_check(state, err);
}

int state_open(const char *path, bool rootless, struct state **ret, struct err *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state)
        return err_nomem(err);
    state->dir_fd = -1;
    state->path = path ? strdup(path) : state_default_directory(rootless);
    int r = state->path ? state_open_directory(state, err) : err_nomem(err);
    if (r < 0) {
        state_close(state);
        return r;
    }
    *ret = state;
    return 0;
}

void state_close(struct state *state)
{
    if (!state)
        return;
    fd_close(state->dir_fd);
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

typedef int (*entry_fn)(struct state *state, const char *name, void *data);

/* Calls fn for every name in the directory but "." and ".."; getdents64 spares opendir's buffer. */
static int state_each(struct state *state, entry_fn fn, void *data, struct err *err)
{
    _cleanup_close_ int fd = openat(state->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(struct dirent64) char chunk[4096];

    if (fd < 0)
        return err_set(err, errno, "cannot list the run directory %s: %m", state->path);
    for (;;) {
        ssize_t n = getdents64(fd, chunk, sizeof(chunk));
        if (n < 0)
            return err_set(err, errno, "cannot list the run directory %s: %m", state->path);
        if (n == 0)
            return 0;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(chunk + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            int r = fn(state, entry->d_name, data);
            if (r < 0)
                return r;
        }
    }
}

/* ---- reclaiming --------------------------------------------------------------------------------- */

struct reclaim {
    record_reclaim_fn fn;
    void *data;
    unsigned reclaimed, failed;
    struct err *err;
};

/*
 * One name: nothing if its supervisor lives or it is gone meanwhile. A record that cannot be undone
 * stays, so that a later call tries again; it never stops the others.
 */
static int reclaim_entry(struct state *state, const char *name, void *data)
{
    struct reclaim *reclaim = data;
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
    fd = record_open_dead(state, name);
    if (fd == -EWOULDBLOCK || fd == -ENOENT || fd == -EINVAL)
        return 0;
    if (fd < 0)
        r = err_set(&err, -fd, "cannot open the record %s/%s: %s", state->path, name,
                    err_name(-fd));
    if (r >= 0 && !unborn) {
        r = fd_read_all(fd, RECORD_MAX, &text);
        if (r == -ENOMEM)
            return err_nomem(reclaim->err);
        r = reclaim->fn(reclaim->data, name, r < 0 ? "" : record_clean(&text), &err);
    }
    if (r >= 0 && unlinkat(state->dir_fd, name, 0) < 0 && errno != ENOENT)
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

int state_reclaim(struct state *state, record_reclaim_fn fn, void *data, unsigned *ret_reclaimed,
                  unsigned *ret_failed, struct err *err)
{
    struct err first = ERR_INIT;
    struct reclaim reclaim = { .fn = fn, .data = data, .err = &first };
    int r = state_each(state, reclaim_entry, &reclaim, &first);

    *ret_reclaimed = reclaim.reclaimed;
    *ret_failed = reclaim.failed;
    if (err && first.code != 0)
        *err = first;
    return r;
}

/* ---- visiting ------------------------------------------------------------------------------------ */

struct visit {
    record_visit_fn fn;
    void *data;
};

static int visit_entry(struct state *state, const char *name, void *data)
{
    struct visit *visit = data;
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool alive = false;

    if (!record_name_valid(name))
        return 0;
    int r = state_read(state, name, &text, &alive, NULL);
    /* Gone or foreign: the others still count. One that was blown up is still a record. */
    if (r < 0 && r != -EFBIG)
        return 0;
    if (r < 0)
        buf_reset(&text);
    return visit->fn(visit->data, name, buf_text(&text), alive);
}

int state_visit(struct state *state, record_visit_fn fn, void *data, struct err *err)
{
    struct visit visit = { .fn = fn, .data = data };

    return state_each(state, visit_entry, &visit, err);
}
