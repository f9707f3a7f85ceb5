/* One entry of an archive as a file, directory, link, device or whiteout. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "archive/archive_private.h"
#include "sys/sys.h"

#define BENEATH (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

#define WHITEOUT        ".wh."
#define WHITEOUT_META   ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* What is made, and where. */
struct making {
    struct unpacking *unpacking;
    struct archive_entry *entry;
    const char *path;
    int dir_fd;
    const char *name;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec time;
};

static int making_failed(const struct making *m, int r, struct err *err)
{
    if (r == -ENOMEM || (err && err->code != 0))
        return r;
    return err_set(err, -r, "\"%.200s\" in it cannot be made: %s", m->path, err_name(-r));
}

/* ---- what stands in the way ------------------------------------------------------------------------------- */

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Later entries replace earlier ones. */
static int clear_way(struct making *m)
{
    struct stat st;

    if (fstatat(m->dir_fd, m->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return unlinkat(m->dir_fd, m->name, 0) < 0 ? -errno : 0;
    int r = tree_remove(m->dir_fd, m->name);
    /* What is kept open may have lain in it, and dir_fd with it if a link led back here. */
    int fd = openat(m->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    place_forget(&m->unpacking->place);
    if (fd < 0)
        return r < 0 ? r : -errno;
    fd_close(fd);
    int again = place_parent(&m->unpacking->place, m->path, &m->dir_fd, &m->name, NULL);
    return r < 0 ? r : again;
}

/* ---- attributes that all have ------------------------------------------------------------------------------- */

/* Who it belongs to now is user 0 of ours, as whom it was made. */
static int set_owner(struct making *m, int fd, const char *name, int flags)
{
    const struct layer_unpack *how = m->unpacking->how;

    if (m->uid == 0 && m->gid == 0 && how->keep_owner)
        return 0;
    if (fchownat(fd, name, m->uid, m->gid, flags | AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    /* Numbers that a user namespace does not have. */
    if (!how->rootless || (errno != EINVAL && errno != EPERM))
        return -errno;
    m->unpacking->done->owners_changed++;
    return 0;
}

static int set_attributes(struct making *m)
{
    char path[64 + NAME_MAX];

    if (archive_entry_xattr_count(m->entry) == 0)
        return 0;
    /* The link is one of our own descriptors; what follows it is not followed further. */
    int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", m->dir_fd, m->name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    return attributes_set(path, m->entry, m->unpacking->how->rootless,
                          &m->unpacking->done->attributes_dropped);
}

static int set_time(const struct making *m)
{
    const struct timespec times[] = { m->time, m->time };

    return utimensat(m->dir_fd, m->name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* ---- directories ----------------------------------------------------------------------------------------------- */

static int remember_time(struct unpacking *u, const char *path, struct timespec time)
{
    if (u->n_times == u->times_room) {
        size_t room = u->times_room ? 2 * u->times_room : 256;
        struct directory_time *grown = reallocarray(u->times, room, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        u->times = grown;
        u->times_room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    u->times[u->n_times++] = (struct directory_time){ .path = copy, .time = time };
    return 0;
}

/* Deepest last in an archive is the rule, but none that must hold: names decide, not the order of descriptors. */
int entry_finish_times(struct unpacking *u, struct err *err)
{
    for (size_t i = u->n_times; i > 0; i--) {
        const struct directory_time *at = &u->times[i - 1];
        const struct timespec times[] = { at->time, at->time };
        _cleanup_close_ int fd =
            sys_openat2(u->how->tree_fd, *at->path ? at->path : ".",
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, BENEATH);
        /* Something else has taken its place since. */
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue;
        if (fd < 0 || futimens(fd, times) < 0)
            return err_set(err, fd < 0 ? -fd : errno, "the time of \"%.200s\" cannot be set: %s",
                           at->path, err_name(fd < 0 ? -fd : errno));
    }
    return 0;
}

static int make_directory(struct making *m)
{
    bool overlay = m->unpacking->how->form == LAYER_OVERLAY;
    bool opaque = false;

    if (!*m->path && m->unpacking->how->keep_top)
        return 0;
    if (*m->path && mkdirat(m->dir_fd, m->name, 0700) < 0) {
        struct stat st;
        if (errno != EEXIST)
            return -errno;
        if (fstatat(m->dir_fd, m->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        if (!S_ISDIR(st.st_mode)) {
            opaque = overlay && is_whiteout(&st);
            if (unlinkat(m->dir_fd, m->name, 0) < 0 || mkdirat(m->dir_fd, m->name, 0700) < 0)
                return -errno;
        }
    }
    _cleanup_close_ int fd =
        openat(m->dir_fd, m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = set_owner(m, fd, "", AT_EMPTY_PATH);
    if (r == 0 && fchmod(fd, m->mode) < 0)
        r = -errno;
    if (r == 0)
        r = set_attributes(m);
    if (r == 0 && opaque)
        r = directory_set_opaque(fd, m->unpacking->how->rootless);
    return r < 0 ? r : remember_time(m->unpacking, m->path, m->time);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static int data_failed(struct unpacking *u, const char *path, struct err *err)
{
    return err_set(err, EBADMSG, "it is damaged at \"%.150s\": %.150s", path,
                   text_or_empty(archive_error_string(u->archive)));
}

/* Holes stay holes: blocks tell where they belong. */
static int write_content(struct making *m, int fd, struct err *err)
{
    struct unpacking *u = m->unpacking;
    int64_t size = archive_entry_size(m->entry), at = 0;
    const void *block;
    size_t len;
    la_int64_t offset;
    int r;

    while ((r = archive_read_data_block(u->archive, &block, &len, &offset)) == ARCHIVE_OK ||
           r == ARCHIVE_WARN) {
        if (len == 0)
            continue;
        if (offset != at && lseek(fd, offset, SEEK_SET) < 0)
            return -errno;
        r = fd_write_all(fd, block, len);
        if (r < 0)
            return r;
        at = offset + (int64_t)len;
    }
    if (r != ARCHIVE_EOF)
        return data_failed(u, m->path, err);
    return at < size && ftruncate(fd, size) < 0 ? -errno : 0;
}

static int make_file(struct making *m, struct err *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const struct timespec times[] = { m->time, m->time };
    _cleanup_close_ int fd = openat(m->dir_fd, m->name, flags, m->mode & 0777);

    if (fd < 0 && errno == EEXIST) {
        int r = clear_way(m);
        if (r < 0)
            return r;
        fd = openat(m->dir_fd, m->name, flags, m->mode & 0777);
    }
    if (fd < 0)
        return -errno;
    int r = write_content(m, fd, err);
    if (r == 0)
        r = set_owner(m, fd, "", AT_EMPTY_PATH);
    /* A change of owner takes these away, so they come after it. */
    if (r == 0 && (m->mode & 07000) && fchmod(fd, m->mode) < 0)
        r = -errno;
    if (r == 0)
        r = set_attributes(m);
    if (r == 0 && futimens(fd, times) < 0)
        r = -errno;
    return r;
}

/* ---- links and nodes --------------------------------------------------------------------------------------------------- */

static int make_hard_link(struct making *m, const char *to, struct err *err)
{
    _cleanup_free_ char *target = NULL, *above = NULL;
    struct stat there, here;
    int r = place_clean(to, m->unpacking->how->ceilings.depth, &target, err);

    if (r < 0)
        return r;
    const char *slash = strrchr(target, '/');
    above = slash ? strndup(target, (size_t)(slash - target)) : strdup(".");
    if (!above)
        return err_nomem(err);
    _cleanup_close_ int fd = sys_openat2(m->unpacking->how->tree_fd, above,
                                         O_PATH | O_DIRECTORY | O_CLOEXEC, 0, BENEATH);
    const char *name = slash ? slash + 1 : target;
    if (fd < 0 || fstatat(fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(err, EBADMSG, "\"%.150s\" in it is a link to \"%.150s\", which is not in it",
                       m->path, to);
    if (S_ISDIR(there.st_mode))
        return err_set(err, EBADMSG, "\"%.150s\" in it is a hard link to a directory", m->path);
    if (fstatat(m->dir_fd, m->name, &here, AT_SYMLINK_NOFOLLOW) == 0) {
        if (here.st_dev == there.st_dev && here.st_ino == there.st_ino)
            return 0;
        r = clear_way(m);
    }
    if (r == 0 && linkat(fd, name, m->dir_fd, m->name, 0) < 0)
        r = -errno;
    return r;
}

static int make_symlink(struct making *m)
{
    const char *target = archive_entry_symlink(m->entry);
    int r = 0;

    if (!target || !*target)
        return -EBADMSG;
    if (symlinkat(target, m->dir_fd, m->name) < 0) {
        r = errno == EEXIST ? clear_way(m) : -errno;
        if (r == 0 && symlinkat(target, m->dir_fd, m->name) < 0)
            r = -errno;
    }
    if (r == 0)
        r = set_owner(m, m->dir_fd, m->name, 0);
    if (r == 0)
        r = set_attributes(m);
    return r < 0 ? r : set_time(m);
}

/* FIFOs and devices; nobody ever opens them here. */
static int make_node(struct making *m, mode_t type, struct err *err)
{
    dev_t device = type == S_IFIFO ? 0 : archive_entry_rdev(m->entry);

    if (type == S_IFCHR && device == 0)
        return err_refuse(
            err, EPERM, "\"%.200s\" in it is device 0:0, which overlayfs would take for a whiteout",
            m->path);
    if (type != S_IFIFO && m->unpacking->how->rootless) {
        m->unpacking->done->devices_skipped++;
        return 0;
    }
    int r = clear_way(m);
    if (r == 0 && mknodat(m->dir_fd, m->name, type | (m->mode & 0777), device) < 0)
        r = -errno;
    if (r == 0)
        r = set_owner(m, m->dir_fd, m->name, 0);
    if (r == 0 && (m->mode & 07000) && fchmodat(m->dir_fd, m->name, m->mode, 0) < 0)
        r = -errno;
    if (r == 0)
        r = set_attributes(m);
    return r < 0 ? r : set_time(m);
}

/* ---- whiteouts ------------------------------------------------------------------------------------------------------------ */

/*
 * They speak of the layers below alone, wherever in the archive they stand: what this layer itself has under
 * that name stays.
 */
static int make_whiteout(struct making *m, struct err *err)
{
    const char *name = m->name + strlen(WHITEOUT);
    struct stat st;

    if (strcmp(m->name, WHITEOUT_OPAQUE) == 0)
        return directory_set_opaque(m->dir_fd, m->unpacking->how->rootless);
    if (text_starts(m->name, WHITEOUT_META))
        return 0; /* what aufs kept for itself */
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_refuse(err, EPERM, "\"%.200s\" in it is a whiteout of no name", m->path);
    if (fstatat(m->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return -errno;
        return mknodat(m->dir_fd, name, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
    }
    if (!S_ISDIR(st.st_mode))
        return 0;
    _cleanup_close_ int fd =
        openat(m->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : directory_set_opaque(fd, m->unpacking->how->rootless);
}

/* ---- which of them ------------------------------------------------------------------------------------------------------------ */

static int make_kind(struct making *m, struct err *err)
{
    mode_t type = archive_entry_filetype(m->entry);
    const char *link = archive_entry_hardlink(m->entry);

    if (!*m->path)
        return type == AE_IFDIR && !link ? make_directory(m)
                                         : err_refuse(err, EPERM, "the top of it is no directory");
    if (m->unpacking->how->form == LAYER_OVERLAY && text_starts(m->name, WHITEOUT))
        return make_whiteout(m, err);
    if (link)
        return make_hard_link(m, link, err);
    switch (type) {
    case AE_IFDIR:
        return make_directory(m);
    case AE_IFREG:
        return make_file(m, err);
    case AE_IFLNK:
        return make_symlink(m);
    case AE_IFCHR:
        return make_node(m, S_IFCHR, err);
    case AE_IFBLK:
        return make_node(m, S_IFBLK, err);
    case AE_IFIFO:
        return make_node(m, S_IFIFO, err);
    default:
        return err_set(err, EBADMSG, "\"%.200s\" in it is of no kind that files have", m->path);
    }
}

int entry_make(struct unpacking *u, struct archive_entry *entry, const char *path, struct err *err)
{
    const struct layer_unpack *how = u->how;
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    struct making m = {
        .unpacking = u,
        .entry = entry,
        .path = path,
        .dir_fd = how->tree_fd,
        .name = ".",
        .mode = archive_entry_perm(entry),
        .uid = how->keep_owner ? (uid_t)uid : how->owner_uid,
        .gid = how->keep_owner ? (gid_t)gid : how->owner_gid,
        .time = { .tv_sec = archive_entry_mtime(entry),
                  .tv_nsec = archive_entry_mtime_nsec(entry) },
    };

    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return err_set(err, EBADMSG, "\"%.150s\" in it belongs to %lld:%lld, which nobody can be",
                       path, (long long)uid, (long long)gid);
    int r = *path ? place_parent(&u->place, path, &m.dir_fd, &m.name, err) : 0;
    if (r < 0)
        return r;
    struct err own = ERR_INIT;
    r = make_kind(&m, &own);
    if (r < 0)
        making_failed(&m, r, &own);
    if (r < 0 && err)
        *err = own;
    return r < 0 ? r : 0;
}
