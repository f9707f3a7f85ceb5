/* What is packed: a directory with all beneath, names in order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive/pack_private.h"

#define DEPTH_MAX      512   /* directories; a descriptor each */
#define ATTRIBUTES_MAX 65536 /* bytes of names, and of a value */

struct frame {
    int fd;
    char **names;
    size_t next, path_len;
};

struct packing {
    struct pack *pack;
    struct frame frames[DEPTH_MAX];
    unsigned depth;
    struct buf path; /* in the archive */
    char data[1 << 18];
};

static int cannot(struct packing *p, int r, const char *what, struct err *err)
{
    return err_set(err, -r, "\"%.250s\" cannot be %s: %s", buf_text(&p->path), what, err_name(-r));
}

/* ---- directories ---------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted; fd stays the caller's. */
static int list_names(int fd, char ***ret)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    size_t n = 0, room = 0;
    char **names = NULL;
    int r = 0;

    if (!dir) {
        r = -errno;
        fd_close(copy);
        return r;
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n + 1 >= room) {
            room = room ? 2 * room : 64;
            char **grown = reallocarray(names, room, sizeof(*grown));
            r = grown ? 0 : -ENOMEM;
            names = grown ? grown : names;
        }
        if (r == 0 && (names[n] = strdup(entry->d_name)))
            names[++n] = NULL;
        else
            r = -ENOMEM;
    }
    closedir(dir);
    if (n > 0)
        qsort(names, n, sizeof(*names), compare_names);
    *ret = names;
    return r;
}

/* Takes fd. */
static int descend(struct packing *p, int fd, struct err *err)
{
    if (p->depth == DEPTH_MAX) {
        close(fd);
        return err_refuse(err, E2BIG, "\"%.60s...\" lies more than %d directories deep",
                          buf_text(&p->path), DEPTH_MAX);
    }
    struct frame *frame = &p->frames[p->depth++];
    *frame = (struct frame){ .fd = fd, .path_len = p->path.len };
    int r = list_names(fd, &frame->names);
    return r < 0 ? cannot(p, r, "read", err) : 0;
}

static void ascend(struct packing *p)
{
    struct frame *frame = &p->frames[--p->depth];

    fd_close(frame->fd);
    strv_free(frame->names);
}

/* ---- extended attributes ------------------------------------------------------------------------------------ */

static int add_attribute(const char *path, const char *name, struct archive_entry *entry)
{
    char value[ATTRIBUTES_MAX];
    ssize_t n = lgetxattr(path, name, value, sizeof(value));

    if (n < 0)
        return errno == ENODATA ? 0 : -errno;
    archive_entry_xattr_add_entry(entry, name, value, (size_t)n);
    return 0;
}

/* Those that may be in an archive; opaque: overlayfs's mark of a directory. */
static int add_attributes(struct packing *p, const char *path, struct archive_entry *entry,
                          bool *ret_opaque)
{
    char names[ATTRIBUTES_MAX];
    ssize_t len = llistxattr(path, names, sizeof(names));
    const char *sorted[512];
    size_t n = 0;
    int r = 0;

    if (len < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    for (const char *at = names; at < names + len && n < ARRAY_SIZE(sorted); at += strlen(at) + 1) {
        if (strcmp(at, OPAQUE_TRUSTED) == 0 || strcmp(at, OPAQUE_USER) == 0) {
            char value[2] = "";
            *ret_opaque |= lgetxattr(path, at, value, sizeof(value)) == 1 && value[0] == 'y';
        } else if (attribute_is_overlays(at) && p->pack->how->form == LAYER_OVERLAY &&
                   (strstr(at, ".redirect") || strstr(at, ".metacopy"))) {
            /* What it stands for lies elsewhere: as a file it would be a wrong one. */
            return -EMEDIUMTYPE;
        } else if (attribute_is_kept(at, false)) {
            sorted[n++] = at;
        }
    }
    qsort(sorted, n, sizeof(*sorted), compare_names);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_attribute(path, sorted[i], entry);
    return r;
}

/* ---- hard links ------------------------------------------------------------------------------------------------ */

struct link {
    dev_t device;
    ino_t inode;
    char path[];
};

static int compare_links(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* The name under which this inode is in the archive already, or NULL after noting this one. */
static int find_link(struct packing *p, const struct stat *st, const char **ret)
{
    struct link *link = malloc(sizeof(*link) + p->path.len + 1);

    *ret = NULL;
    if (!link)
        return -ENOMEM;
    link->device = st->st_dev;
    link->inode = st->st_ino;
    memcpy(link->path, buf_text(&p->path), p->path.len + 1);
    struct link **found = tsearch(link, &p->pack->links, compare_links);
    if (!found || *found != link)
        free(link);
    if (!found)
        return -ENOMEM;
    if (*found != link)
        *ret = (*found)->path;
    return 0;
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

/* Where a file with holes has data; zeros in between are read, and left out by the writer. */
static void add_holes(int fd, const struct stat *st, struct archive_entry *entry)
{
    off_t data = 0, hole;

    if (st->st_blocks * 512 >= st->st_size || st->st_size < 65536)
        return;
    while (data < st->st_size && (data = lseek(fd, data, SEEK_DATA)) >= 0) {
        hole = lseek(fd, data, SEEK_HOLE);
        if (hole < 0)
            break;
        archive_entry_sparse_add_entry(entry, data, hole - data);
        data = hole;
    }
    /* All of it a hole: an empty piece at the end says so. */
    if (archive_entry_sparse_count(entry) == 0)
        archive_entry_sparse_add_entry(entry, st->st_size, 0);
    lseek(fd, 0, SEEK_SET);
}

/* As many bytes as the header said, whatever becomes of the file meanwhile. */
static int pack_content(struct packing *p, int fd, int64_t size, struct err *err)
{
    int r = 0;

    while (r == 0 && size > 0) {
        size_t wanted = (uint64_t)size < sizeof(p->data) ? (size_t)size : sizeof(p->data);
        ssize_t n = read(fd, p->data, wanted);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot(p, -errno, "read", err);
        if (n == 0) {
            memset(p->data, 0, wanted);
            n = (ssize_t)wanted;
        }
        r = pack_data(p->pack, p->data, (size_t)n, err);
        size -= n;
    }
    return r;
}

static int pack_file(struct packing *p, int dir_fd, const char *name, const struct stat *seen,
                     bool empty, struct archive_entry *entry, struct err *err)
{
    const char *other = NULL;
    struct stat st;
    int r = seen->st_nlink > 1 && !empty ? find_link(p, seen, &other) : 0;

    if (r < 0)
        return err_nomem(err);
    if (other) {
        archive_entry_set_hardlink(entry, other);
        archive_entry_set_size(entry, 0);
        return pack_header(p->pack, entry, err);
    }
    if (empty) {
        archive_entry_set_size(entry, 0);
        return pack_header(p->pack, entry, err);
    }
    /* Whoever lives in there may have put something else in its place. */
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cannot(p, -errno, "opened", err);
    if (!S_ISREG(st.st_mode))
        return cannot(p, -EAGAIN, "packed, since it changes", err);
    archive_entry_set_size(entry, st.st_size);
    add_holes(fd, &st, entry);
    r = pack_header(p->pack, entry, err);
    return r < 0 ? r : pack_content(p, fd, st.st_size, err);
}

/* ---- entries ----------------------------------------------------------------------------------------------------------- */

static int pack_mark(struct packing *p, const char *path, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();

    if (!entry)
        return err_nomem(err);
    archive_entry_copy_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0);
    archive_entry_set_size(entry, 0);
    archive_entry_set_mtime(entry, 0, 0);
    int r = pack_header(p->pack, entry, err);
    archive_entry_free(entry);
    return r;
}

static int pack_whiteout(struct packing *p, const char *name, struct err *err)
{
    _cleanup_free_ char *path =
        text_format("%.*s.wh.%s", (int)(p->path.len - strlen(name)), buf_text(&p->path), name);

    return path ? pack_mark(p, path, err) : err_nomem(err);
}

static int pack_opaque(struct packing *p, struct err *err)
{
    _cleanup_free_ char *path =
        text_format("%s%s.wh..wh..opq", buf_text(&p->path), p->path.len ? "/" : "");

    return path ? pack_mark(p, path, err) : err_nomem(err);
}

static int pack_directory(struct packing *p, int dir_fd, const char *name, bool opaque, bool empty,
                          struct archive_entry *entry, struct err *err)
{
    _cleanup_free_ char *path = text_format("%s/", p->path.len ? buf_text(&p->path) : ".");

    if (!path)
        return err_nomem(err);
    archive_entry_copy_pathname(entry, path);
    archive_entry_set_size(entry, 0);
    int r = pack_header(p->pack, entry, err);
    if (r == 0 && opaque && p->pack->how->form == LAYER_OVERLAY)
        r = pack_opaque(p, err);
    if (r < 0 || empty)
        return r;
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? cannot(p, -errno, "opened", err) : descend(p, fd, err);
}

static int pack_symlink(struct packing *p, int dir_fd, const char *name,
                        struct archive_entry *entry, struct err *err)
{
    char target[PATH_LENGTH_MAX + 2];
    ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);

    if (n < 0)
        return cannot(p, -errno, "read", err);
    target[n] = '\0';
    archive_entry_copy_symlink(entry, target);
    return pack_header(p->pack, entry, err);
}

static int pack_kind(struct packing *p, int dir_fd, const char *name, const struct stat *st,
                     bool mounted, struct archive_entry *entry, struct err *err)
{
    char path[64 + NAME_MAX];
    bool opaque = false;

    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
    int r = mounted ? 0 : add_attributes(p, path, entry, &opaque);
    if (r == -EMEDIUMTYPE)
        return err_refuse(
            err, EMEDIUMTYPE,
            "\"%.200s\" is kept by overlayfs as a reference (redirect_dir or metacopy)",
            buf_text(&p->path));
    if (r < 0)
        return cannot(p, r, "asked for its attributes", err);
    if (S_ISDIR(st->st_mode))
        return pack_directory(p, dir_fd, name, opaque, mounted, entry, err);
    archive_entry_copy_pathname(entry, buf_text(&p->path));
    if (S_ISREG(st->st_mode))
        return pack_file(p, dir_fd, name, st, mounted, entry, err);
    if (S_ISLNK(st->st_mode))
        return pack_symlink(p, dir_fd, name, entry, err);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        archive_entry_set_rdev(entry, st->st_rdev);
    return pack_header(p->pack, entry, err);
}

/* name beneath dir_fd, which p->path names; mount: what it is mounted on is asked for. */
static int pack_one(struct packing *p, int dir_fd, const char *name, struct err *err)
{
    struct statx sx;
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : cannot(p, -errno, "looked at", err);
    bool mounted = p->pack->how->one_file_system &&
                   statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &sx) == 0 &&
                   (sx.stx_mask & STATX_MNT_ID) && sx.stx_mnt_id != p->pack->mount_id;
    if (S_ISSOCK(st.st_mode)) {
        p->pack->done->sockets_skipped++;
        return 0;
    }
    if (p->pack->how->form == LAYER_OVERLAY && S_ISCHR(st.st_mode) && st.st_rdev == 0)
        return pack_whiteout(p, name, err);
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_nomem(err);
    archive_entry_set_mode(entry, st.st_mode);
    archive_entry_set_uid(entry, st.st_uid);
    archive_entry_set_gid(entry, st.st_gid);
    archive_entry_set_mtime(entry, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    if (S_ISREG(st.st_mode))
        p->pack->done->bytes += (uint64_t)st.st_size;
    int r = pack_kind(p, dir_fd, name, &st, mounted, entry, err);
    archive_entry_free(entry);
    return r;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------------ */

static int next_entry(struct packing *p, struct err *err)
{
    struct frame *frame = &p->frames[p->depth - 1];

    p->path.len = frame->path_len;
    if (p->path.data)
        p->path.data[p->path.len] = '\0';
    if (!frame->names || !frame->names[frame->next]) {
        ascend(p);
        return 0;
    }
    const char *name = frame->names[frame->next++];
    buf_printf(&p->path, "%s%s", p->path.len ? "/" : "", name);
    if (buf_error(&p->path) < 0)
        return err_nomem(err);
    if (p->path.len > PATH_LENGTH_MAX)
        return err_refuse(err, ENAMETOOLONG, "the name \"%.60s...\" is longer than %d bytes",
                          buf_text(&p->path), PATH_LENGTH_MAX);
    return pack_one(p, frame->fd, name, err);
}

int pack_walk(struct pack *pack, struct err *err)
{
    const struct layer_pack *how = pack->how;
    struct packing *p = calloc(1, sizeof(*p));
    struct statx sx;

    if (!p)
        return err_nomem(err);
    p->pack = pack;
    if (statx(how->tree_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) == 0)
        pack->mount_id = sx.stx_mnt_id;
    if (how->name)
        buf_puts(&p->path, how->rename ? how->rename : how->name);
    int r = pack_one(p, how->tree_fd, how->name ? how->name : ".", err);
    while (r == 0 && p->depth > 0)
        r = next_entry(p, err);
    while (p->depth > 0)
        ascend(p);
    buf_done(&p->path);
    free(p);
    return r;
}
