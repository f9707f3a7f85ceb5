/* What a tree holds, as one number: to see later whether it still does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_private.h"

#define DEPTH_MAX 1024 /* directories; unpacking takes fewer */

struct frame {
    DIR *dir;
    size_t path_len;
};

struct walk {
    struct frame frames[DEPTH_MAX];
    unsigned depth;
    struct buf path;
    uint64_t
        total[4]; /* sums of entries' hashes: the order is the file system's and does not matter */
    struct layer_sum *sum;
};

/* Path, and all of the inode that unpacking sets. */
static int add_entry(struct walk *walk, int dir_fd, const char *name, const struct stat *st)
{
    struct {
        uint64_t mode, uid, gid, size, rdev, seconds, nanoseconds;
    } facts = {
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
        .rdev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? st->st_rdev : 0,
        .seconds = (uint64_t)st->st_mtim.tv_sec,
        .nanoseconds = (uint64_t)st->st_mtim.tv_nsec,
    };
    uint64_t words[4];
    void *hash = layer_hash_start();

    if (!hash)
        return -ENOMEM;
    /* A whiteout has no time of its own: nothing sets it. */
    if (S_ISCHR(st->st_mode) && st->st_rdev == 0)
        facts.seconds = facts.nanoseconds = 0;
    layer_hash_add(hash, buf_text(&walk->path), walk->path.len + 1);
    layer_hash_add(hash, &facts, sizeof(facts));
    if (S_ISLNK(st->st_mode)) {
        char target[PATH_LENGTH_MAX + 1];
        ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));
        layer_hash_add(hash, target, n > 0 ? (size_t)n : 0);
    }
    layer_hash_end(hash, (uint8_t *)words);
    layer_hash_free(hash);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        walk->total[i] += words[i];
    walk->sum->entries++;
    if (S_ISREG(st->st_mode))
        walk->sum->bytes += (uint64_t)st->st_size;
    return 0;
}

static int descend(struct walk *walk, int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (walk->depth == DEPTH_MAX) {
        close(fd);
        return -E2BIG;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int r = -errno;
        fd_close(fd);
        return r;
    }
    walk->frames[walk->depth++] = (struct frame){ .dir = dir, .path_len = walk->path.len };
    return 0;
}

static void path_cut(struct walk *walk, size_t len)
{
    walk->path.len = len;
    if (walk->path.data)
        walk->path.data[len] = '\0';
}

static int next_entry(struct walk *walk)
{
    struct frame *frame = &walk->frames[walk->depth - 1];
    struct dirent *entry = readdir(frame->dir);
    struct stat st;

    path_cut(walk, frame->path_len);
    if (!entry) {
        closedir(frame->dir);
        walk->depth--;
        return 0;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return 0;
    int fd = dirfd(frame->dir);
    if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    buf_printf(&walk->path, "/%s", entry->d_name);
    int r = buf_error(&walk->path);
    if (r == 0)
        r = add_entry(walk, fd, entry->d_name, &st);
    if (r == 0 && S_ISDIR(st.st_mode))
        r = descend(walk, fd, entry->d_name);
    return r;
}

int layer_sum_tree(int tree_fd, struct layer_sum *ret, struct err *err)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    struct stat st;
    int r;

    if (!walk)
        return err_nomem(err);
    *ret = (struct layer_sum){ 0 };
    walk->sum = ret;
    r = fstat(tree_fd, &st) < 0 ? -errno : add_entry(walk, tree_fd, ".", &st);
    if (r == 0)
        r = descend(walk, tree_fd, ".");
    while (r == 0 && walk->depth > 0)
        r = next_entry(walk);
    if (r < 0)
        err_set(err, -r, "\"%.200s\" cannot be looked at: %s", buf_text(&walk->path), err_name(-r));
    while (walk->depth > 0)
        closedir(walk->frames[--walk->depth].dir);
    for (size_t i = 0; i < ARRAY_SIZE(walk->total); i++)
        snprintf(ret->tree + 16 * i, 17, "%016llx", (unsigned long long)walk->total[i]);
    buf_done(&walk->path);
    free(walk);
    return r;
}
