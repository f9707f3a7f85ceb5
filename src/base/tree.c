/* Removing directories with all that is in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/*
 * A tree may be deeper than descriptors or stack last, and its maker hostile. So nothing is descended into
 * further than one level: a directory's directories move up beside it and have their turn later.
 */
struct removal {
    int top_fd;
    uint64_t moved; /* number in the last one's new name */
    uint64_t done;  /* things that went or moved in this pass */
    int r;          /* the first failure of this pass, which does not keep the rest from going */
};

static void remove_failed(struct removal *removal, int r)
{
    if (removal->r == 0)
        removal->r = r;
}

/* An fd of a directory; one without permissions of its own gets them. */
static int open_directory(int dir_fd, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir_fd, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
        fd = openat(dir_fd, name, flags);
    return fd < 0 ? -errno : fd;
}

static DIR *list_directory(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

    if (!dir)
        fd_close(copy);
    return dir;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 0: it is gone. Positive: a directory with something in it. */
static int remove_one(int dir_fd, const struct dirent *entry)
{
    bool directory = entry->d_type == DT_DIR;

    if (unlinkat(dir_fd, entry->d_name, directory ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT)
        return 0;
    if (!directory && errno == EISDIR && unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return 1;
    /* Somebody who may not write into it cannot remove it either. */
    if (errno == EACCES && fchmod(dir_fd, 0700) == 0 &&
        unlinkat(dir_fd, entry->d_name, directory ? AT_REMOVEDIR : 0) == 0)
        return 0;
    return errno == ENOTEMPTY || errno == EEXIST ? 1 : -errno;
}

static int move_up(struct removal *removal, int from_fd, const char *name)
{
    char to[40];

    for (;;) {
        snprintf(to, sizeof(to), ".moved-%llu", (unsigned long long)removal->moved++);
        if (renameat2(from_fd, name, removal->top_fd, to, 1 /* RENAME_NOREPLACE */) == 0)
            return 0;
        if (errno == EACCES) {
            /* Its ".." changes, for which it has to be ours to write. */
            if (fchmodat(from_fd, name, 0700, 0) == 0 &&
                renameat2(from_fd, name, removal->top_fd, to, 1) == 0)
                return 0;
        }
        if (errno != EEXIST)
            return -errno;
    }
}

/* Empty the directory name of the top: files go, directories move up. */
static void empty_directory(struct removal *removal, const char *name)
{
    _cleanup_close_ int fd = open_directory(removal->top_fd, name);
    DIR *dir = fd >= 0 ? list_directory(fd) : NULL;

    if (!dir) {
        remove_failed(removal, fd < 0 ? fd : -errno);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (is_dots(entry->d_name))
            continue;
        int r = remove_one(fd, entry);
        if (r > 0)
            r = move_up(removal, fd, entry->d_name);
        if (r < 0)
            remove_failed(removal, r);
        else
            removal->done++;
    }
    closedir(dir);
    if (unlinkat(removal->top_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        remove_failed(removal, -errno);
    else
        removal->done++;
}

/* One pass over what is in the top. Positive: something was there. */
static int remove_pass(struct removal *removal)
{
    DIR *dir = list_directory(removal->top_fd);
    int found = 0;

    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (is_dots(entry->d_name))
            continue;
        found = 1;
        int r = remove_one(removal->top_fd, entry);
        if (r > 0)
            empty_directory(removal, entry->d_name);
        else if (r < 0)
            remove_failed(removal, r);
        else
            removal->done++;
    }
    closedir(dir);
    return found;
}

int tree_remove(int dir_fd, const char *name)
{
    struct removal removal = { .top_fd = -1 };
    int r;

    if (unlinkat(dir_fd, name, 0) == 0)
        return 0;
    if (errno == ENOENT)
        return -ENOENT;
    _cleanup_close_ int fd = open_directory(dir_fd, name);
    if (fd < 0)
        return fd;
    removal.top_fd = fd;
    do {
        removal.done = 0;
        removal.r = 0;
        r = remove_pass(&removal);
    } while (r > 0 && removal.done > 0);
    if (r >= 0)
        r = removal.r;
    if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}
