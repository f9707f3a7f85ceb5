/*
 * Walking the groups beneath a group. Their names and number are COMMAND's choice, and they change
 * while we look: no recursion, no path longer than one name, no fd kept per level.
 *
 * Going up is "..": directories of a cgroup file system never move to another parent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

/* More groups than one run can be allowed to make us look at. */
#define TREE_GROUPS_MAX 1000000u

int dir_each_child(int fd, int (*fn)(void *data, const char *name), void *data)
{
    _Alignas(struct dirent64) char chunk[4096];
    ssize_t n;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    while ((n = getdents64(fd, chunk, sizeof(chunk))) > 0) {
        for (ssize_t at = 0; at < n;) {
            struct dirent64 *entry = (struct dirent64 *)(void *)(chunk + at);
            at += entry->d_reclen;
            if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
                strcmp(entry->d_name, "..") == 0)
                continue;
            int r = fn(data, entry->d_name);
            if (r != 0)
                return r;
        }
    }
    return n < 0 ? -errno : 0;
}

int dir_has_children(int dir_fd, const char *name)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    /* Each subdirectory's ".." is a link. */
    return st.st_nlink > 2;
}

static int child_open(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* ---- visiting ---------------------------------------------------------------------------------- */

struct pending {
    size_t depth;
    char *name; /* owned */
};

struct walk {
    struct pending *stack; /* owned */
    size_t n, room;
    size_t depth; /* of the group whose children are being listed */
    size_t seen;
};

static int walk_push(void *data, const char *name)
{
    struct walk *walk = data;

    if (++walk->seen > TREE_GROUPS_MAX)
        return -ELOOP;
    if (walk->n == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 16;
        struct pending *stack = reallocarray(walk->stack, room, sizeof(*stack));
        if (!stack)
            return -ENOMEM;
        walk->stack = stack;
        walk->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    walk->stack[walk->n++] = (struct pending){ walk->depth + 1, copy };
    return 0;
}

static void walk_done(struct walk *walk)
{
    for (size_t i = 0; i < walk->n; i++)
        free(walk->stack[i].name);
    free(walk->stack);
}

/* Go from the group at *depth to the one that next names, which is a child of one on our way. */
static int walk_go(int *fd, size_t *depth, const struct pending *next)
{
    while (*depth > next->depth - 1) {
        int up = child_open(*fd, "..");
        if (up < 0)
            return up;
        fd_close(*fd);
        *fd = up;
        (*depth)--;
    }
    int down = child_open(*fd, next->name);
    if (down < 0)
        return down;
    fd_close(*fd);
    *fd = down;
    (*depth)++;
    return 0;
}

int tree_visit(int fd, int (*fn)(void *data, int dir_fd), void *data)
{
    _cleanup_(walk_done) struct walk walk = { 0 };
    _cleanup_close_ int current = child_open(fd, ".");
    size_t depth = 0;

    if (current < 0)
        return current;
    for (;;) {
        int r = fn(data, current);
        if (r != 0)
            return r;
        walk.depth = depth;
        r = dir_each_child(current, walk_push, &walk);
        if (r < 0 && r != -ENOENT)
            return r;
        /* On to the next that still exists. */
        for (;;) {
            if (walk.n == 0)
                return 0;
            struct pending next = walk.stack[--walk.n];
            r = walk_go(&current, &depth, &next);
            free(next.name);
            if (r == 0)
                break;
            if (r != -ENOENT)
                return r;
        }
    }
}

/* ---- removing ---------------------------------------------------------------------------------- */

struct emptying {
    int fd;
    char busy[256]; /* the child to go down into, or "" */
};

static int child_remove(void *data, const char *name)
{
    struct emptying *e = data;

    if (unlinkat(e->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    snprintf(e->busy, sizeof(e->busy), "%s", name);
    return 1;
}

int tree_empty(int fd, uint64_t deadline_us)
{
    struct emptying e = { .fd = child_open(fd, ".") };
    size_t depth = 0;
    int r = e.fd;

    while (e.fd >= 0 && clock_us(CLOCK_MONOTONIC) < deadline_us) {
        e.busy[0] = '\0';
        r = dir_each_child(e.fd, child_remove, &e);
        if (r < 0)
            break;
        if (r == 0 && depth == 0)
            break;
        /* Down into a group that does not go; up when there is nothing left here. */
        int next = child_open(e.fd, r > 0 ? e.busy : "..");
        if (next == -ENOENT && r > 0)
            continue;
        if (next < 0) {
            r = next;
            break;
        }
        bool stuck = r > 0 && dir_has_children(next, ".") == 0;
        fd_close(e.fd);
        e.fd = next;
        depth = r > 0 ? depth + 1 : depth - 1;
        if (stuck) {
            r = -EBUSY;
            break;
        }
        r = -EBUSY;
    }
    fd_close(e.fd);
    return r > 0 ? -EBUSY : r;
}
