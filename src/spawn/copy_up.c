/*
 * What a directory holds, into a new file system that will hide it ("tmpcopyup"). The directory is the work
 * of whoever made the root: no link in it is followed, nothing in it is opened that is no file, and there
 * is an end to it. The way through it is a list of directories that are open, not a path.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"

#define DEPTH_MAX   64
#define ENTRIES_MAX (256 * 1024)
#define BYTES_MAX   (1024LL * 1024 * 1024)
#define LISTING     4096
#define XATTR_MAX   4096
#define CHUNK       (1024 * 1024)

/* What getdents64(2) writes. */
struct entry {
    uint64_t inode;
    int64_t next; /* where the directory goes on after it */
    unsigned short length;
    unsigned char type;
    char name[];
};

struct level {
    int from, to;
    dev_t device;
    struct timespec times[2];
};

struct copy {
    struct level level[DEPTH_MAX];
    size_t depth;
    unsigned entries;
    long long bytes;
};

/* ---- one file ---------------------------------------------------------------------------------------------- */

/* What tmpfs has no room for is no loss: programs' own notes. All else decides who may do what. */
static bool is_dispensable(const char *name, int code)
{
    return code == EOPNOTSUPP && text_starts(name, "user.");
}

static int xattr_copy(int from, int to, const char *name)
{
    char value[XATTR_MAX];
    ssize_t n = fgetxattr(from, name, value, sizeof(value));

    if (n < 0)
        return errno == ENODATA ? 0 : -errno;
    if (fsetxattr(to, name, value, (size_t)n, 0) < 0)
        return is_dispensable(name, errno) ? 0 : -errno;
    return 0;
}

static int xattrs_copy(int from, int to)
{
    char names[XATTR_MAX];
    ssize_t n = flistxattr(from, names, sizeof(names));
    int r = 0;

    if (n < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    for (const char *name = names; name < names + n && r >= 0; name += strlen(name) + 1)
        r = xattr_copy(from, to, name);
    return r;
}

static int content_copy(struct copy *copy, int from, int to)
{
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, CHUNK);

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        copy->bytes += n;
        if (copy->bytes > BYTES_MAX)
            return -EFBIG;
    }
}

/* To change the owner takes the bits away that are worth something only with it. */
static int file_finish(int fd, const struct stat *st)
{
    const struct timespec times[] = { st->st_atim, st->st_mtim };

    if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0 ||
        futimens(fd, times) < 0)
        return -errno;
    return 0;
}

static int file_copy(struct copy *copy, const struct level *at, const char *name)
{
    struct stat st;
    /* It may have become something else since it was looked at. */
    _cleanup_close_ int from =
        openat(at->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    _cleanup_close_ int to = -1;
    int r;

    if (from < 0 || fstat(from, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ESTALE;
    to = openat(at->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return -errno;
    r = content_copy(copy, from, to);
    if (r >= 0)
        r = xattrs_copy(from, to);
    /* A capability of the file would go with the change of owner. */
    if (r >= 0)
        r = file_finish(to, &st);
    return r < 0 ? r : xattrs_copy(from, to);
}

static int link_copy(const struct level *at, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(at->from, name, target, sizeof(target) - 1);

    if (n < 0)
        return -errno;
    target[n] = '\0';
    return symlinkat(target, at->to, name) < 0 ? -errno : 0;
}

static int other_copy(const struct level *at, const char *name, const struct stat *st)
{
    const struct timespec times[] = { st->st_atim, st->st_mtim };
    int r = S_ISLNK(st->st_mode)                                            ? link_copy(at, name)
            : mknodat(at->to, name, st->st_mode & ~07000u, st->st_rdev) < 0 ? -errno
                                                                            : 0;

    if (r < 0)
        return r;
    if (fchownat(at->to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(at->to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

/* ---- directories ------------------------------------------------------------------------------------------- */

static int directory_enter(struct copy *copy, int from, int to, const struct stat *st)
{
    int r = xattrs_copy(from, to);

    if (r >= 0)
        r = file_finish(to, st);
    copy->level[copy->depth++] = (struct level){
        .from = from,
        .to = to,
        .device = st->st_dev,
        .times = { st->st_atim, st->st_mtim },
    };
    return r;
}

static int directory_leave(struct copy *copy)
{
    struct level *at = &copy->level[--copy->depth];
    /* What was made in it has changed them. */
    int r = futimens(at->to, at->times) < 0 ? -errno : 0;

    close(at->from);
    close(at->to);
    return r;
}

/* Another file system that is mounted there stays an empty directory. */
static int directory_copy(struct copy *copy, const struct level *at, const char *name)
{
    struct stat st = { 0 };
    int from, to;

    if (mkdirat(at->to, name, 0700) < 0)
        return -errno;
    from = openat(at->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return -errno;
    to = openat(at->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = to < 0 || fstat(from, &st) < 0 ? -errno : copy->depth == DEPTH_MAX ? -ELOOP : 0;
    bool other = r >= 0 && st.st_dev != at->device;
    if (other)
        r = file_finish(to, &st);
    if (r < 0 || other) {
        close(from);
        fd_close(to);
        return r;
    }
    return directory_enter(copy, from, to, &st);
}

static int entry_copy(struct copy *copy, const struct level *at, const char *name)
{
    struct stat st;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (++copy->entries > ENTRIES_MAX)
        return -EFBIG;
    if (fstatat(at->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(st.st_mode))
        return directory_copy(copy, at, name);
    return S_ISREG(st.st_mode) ? file_copy(copy, at, name) : other_copy(at, name, &st);
}

/*
 * The next part of the innermost directory. Where a directory is found in it, that one comes first: this one
 * is told to go on behind it.
 */
static int listing_copy(struct copy *copy)
{
    struct level at = copy->level[copy->depth - 1];
    size_t depth = copy->depth;
    _Alignas(struct entry) char listing[LISTING];
    long n = syscall(SYS_getdents64, at.from, listing, sizeof(listing));

    if (n < 0)
        return -errno;
    if (n == 0)
        return directory_leave(copy);
    for (long i = 0; i < n;) {
        const struct entry *entry = (const struct entry *)(const void *)(listing + i);
        int r = entry_copy(copy, &at, entry->name);

        if (r < 0)
            return r;
        if (copy->depth > depth)
            return lseek(at.from, entry->next, SEEK_SET) < 0 ? -errno : 0;
        i += entry->length;
    }
    return 0;
}

static int copy_failed(const struct spec_mount *mount, int code, struct err *err)
{
    const char *target = mount->target;
    const char *into = mount->volume ? "its new volume" : "its new tmpfs (tmpcopyup)";

    if (code == EFBIG || code == ELOOP)
        return err_refuse(
            err, code,
            "cannot copy %s into %s: it holds more than 1 GiB, 262144 files or 64 directories in "
            "each other%s",
            target, into, mount->volume ? "; the mount option nocopy does without" : "");
    if (code == EPERM)
        return err_refuse(err, code,
                          "cannot copy %s into %s: it holds device nodes or attributes that the "
                          "container's user namespace may not make",
                          target, into);
    if (code == EINVAL)
        return err_refuse(err, code,
                          "cannot copy %s into %s: it holds files of somebody whom the container's "
                          "user namespace does not map",
                          target, into);
    return err_refuse(err, code, "cannot copy %s into %s: %s", target, into, err_name(code));
}

/* Who may do what with the directory itself was settled when its file system was made, if it was. */
static bool owner_is_given(const struct spec_mount *mount)
{
    const char *data = text_or_empty(mount->data);

    return strstr(data, "uid=") || strstr(data, "gid=");
}

int copy_up(const struct place *from, int to_fd, const struct spec_mount *mount, struct err *err)
{
    struct copy copy;
    struct stat st = { 0 };
    const char *name = from->name[0] ? from->name : ".";
    int in = openat(from->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = in < 0 || out < 0 || fstat(in, &st) < 0 ? -errno : 0;

    copy.depth = copy.entries = 0;
    copy.bytes = 0;
    if (r >= 0 && !owner_is_given(mount) && fchown(out, st.st_uid, st.st_gid) < 0)
        r = -errno;
    if (r >= 0 && mount->volume && fchmod(out, st.st_mode & 07777) < 0)
        r = -errno;
    if (r < 0) {
        fd_close(in);
        fd_close(out);
        return copy_failed(mount, -r, err);
    }
    copy.level[copy.depth++] = (struct level){ in, out, st.st_dev, { st.st_atim, st.st_mtim } };
    while (copy.depth > 0 && r >= 0)
        r = listing_copy(&copy);
    while (copy.depth > 0)
        directory_leave(&copy);
    return r < 0 ? copy_failed(mount, -r, err) : 0;
}
