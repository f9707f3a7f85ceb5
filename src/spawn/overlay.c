/*
 * A root of several directories (overlayfs), not attached anywhere. The layers are opened here, by whoever
 * makes it, in the mount namespace that it is made in, since the kernel takes no other's.
 *
 * Source: Documentation/filesystems/overlayfs.rst; fsopen(2), fsconfig(2).
 */
#include "spawn/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/sys.h"

#define LAYERS_MAX 512
#define DATA_SIZE  4096 /* mount(2): a page */
#define PATH_SIZE  40   /* "/proc/self/fd/N" */

/* How the kernel is told a layer; newer ones first. */
enum overlay_how {
    BY_FD,     /* fsconfig(2) with the directory itself: Linux 6.15 */
    BY_STRING, /* ... with procfs's name for it, one call a layer: Linux 6.5 */
    BY_MOUNT,  /* mount(2), all in a page: names of the fds relative to /proc/self/fd */
};

struct overlay {
    const struct overlay_request *request;
    int lower[LAYERS_MAX];
    size_t n_lower;
    int upper, work; /* -1: read-only */
    int tree; /* of the file system in memory that they are on, or of what is shown through maps; -1: none */
    bool in_memory;
    char words[160]; /* the kernel's */
};

/* ---- what went wrong ------------------------------------------------------------------------------------ */

static int layer_failed(const struct overlay *overlay, const char *path, int code, struct err *err)
{
    const char *name = overlay->request->name;

    if (code == ENOENT || code == ENOTDIR)
        return err_refuse(err, code, "the root of %s is not whole: its layer %s is %s", name, path,
                          code == ENOENT ? "missing" : "no directory");
    return err_refuse(err, code, "cannot use the layer %s of %s: %s", path, name, err_name(code));
}

static int make_failed(const struct overlay *overlay, int code, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;
    const char *name = overlay->request->name;

    if (code == ENODEV)
        return err_refuse(err, code,
                          "cannot put the layers of %s together: this kernel has no overlay file "
                          "system (modprobe overlay)",
                          name);
    if (code == EPERM && spec->userxattr)
        return err_refuse(err, code,
                          "cannot put the layers of %s together without root: that takes Linux "
                          "5.11 and a user namespace of ours",
                          name);
    if (code == EINVAL && overlay->request->userns_fd >= 0 && !overlay->words[0])
        return err_refuse(err, code,
                          "--userns: cannot show the layers of %s through maps of users: that "
                          "takes Linux 5.19",
                          name);
    return err_refuse(err, code, "cannot put the %zu layers of %s together%s%s: %s%s%s",
                      overlay->n_lower, name, spec->upper ? ", to be written in " : "",
                      text_or_empty(spec->upper), err_name(code), overlay->words[0] ? ": " : "",
                      overlay->words + 2 * (overlay->words[0] && overlay->words[1] == ' '));
}

/* The kernel's own words for what it did not like: "e overlay: ...". */
static void words_keep(struct overlay *overlay, int fs_fd)
{
    ssize_t n;

    if (overlay->words[0])
        return;
    n = read(fs_fd, overlay->words, sizeof(overlay->words) - 1);
    overlay->words[n > 0 ? n : 0] = '\0';
    overlay->words[strcspn(overlay->words, "\n")] = '\0';
}

/* ---- the options ----------------------------------------------------------------------------------------- */

/*
 * What differs between kernels by how they were built is said: a layer is not to send us elsewhere
 * (redirect_dir), to have its data elsewhere (metacopy), or to be refused after it was moved (index). What is
 * thrown away afterwards need not be flushed (volatile).
 */
static const struct {
    const char *key, *value; /* NULL: a flag */
    bool upper, throw_away, user;
} option_table[] = {
    { "redirect_dir", "nofollow", false, false, false },
    { "metacopy", "off", false, false, false },
    { "index", "off", false, false, false },
    { "volatile", NULL, true, true, false },
    { "userxattr", NULL, false, false, true },
};

static bool option_applies(const struct overlay *overlay, size_t i)
{
    const struct spec_overlay *spec = overlay->request->overlay;

    return (!option_table[i].upper || overlay->upper >= 0) &&
           (!option_table[i].throw_away || spec->throw_away) &&
           (!option_table[i].user || spec->userxattr);
}

static int options_set(const struct overlay *overlay, int fs_fd)
{
    int r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "overlay", 0);

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(option_table); i++) {
        const char *value = option_table[i].value;
        if (option_applies(overlay, i))
            r = sys_fsconfig(fs_fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                             option_table[i].key, value, 0);
    }
    return r;
}

static int directory_set(enum overlay_how how, int fs_fd, const char *key, int dir_fd)
{
    char path[PATH_SIZE];

    if (how == BY_FD)
        return sys_fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, dir_fd);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path, 0);
}

static int directories_set(const struct overlay *overlay, enum overlay_how how, int fs_fd)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < overlay->n_lower; i++)
        r = directory_set(how, fs_fd, "lowerdir+", overlay->lower[i]);
    if (r >= 0 && overlay->upper >= 0)
        r = directory_set(how, fs_fd, "upperdir", overlay->upper);
    if (r >= 0 && overlay->upper >= 0)
        r = directory_set(how, fs_fd, "workdir", overlay->work);
    return r;
}

/* A detached mount, or -errno. */
static int make_new(struct overlay *overlay, enum overlay_how how)
{
    _cleanup_close_ int fs_fd = sys_fsopen("overlay", FSOPEN_CLOEXEC);
    int r = fs_fd < 0 ? fs_fd : options_set(overlay, fs_fd);

    if (r >= 0)
        r = directories_set(overlay, how, fs_fd);
    if (r >= 0)
        r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r < 0 && fs_fd >= 0)
        words_keep(overlay, fs_fd);
    return r < 0 ? r : sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)overlay->request->attr);
}

static void data_add(char data[static DATA_SIZE], size_t *used, const char *text)
{
    size_t length = strlen(text);

    if (*used + length < DATA_SIZE)
        memcpy(data + *used, text, length + 1);
    *used += length;
}

static void data_add_fd(char data[static DATA_SIZE], size_t *used, const char *before, int fd)
{
    char text[PATH_SIZE];

    snprintf(text, sizeof(text), "%s%d", before, fd);
    data_add(data, used, text);
}

/*
 * Attached over the root at once, since mount(2) knows nothing else, and taken off it again as a tree of its
 * own: mount(2) is asked in the directory where the names of our fds are, so that 500 of them fit in a page.
 */
static int make_old(struct overlay *overlay)
{
    char data[DATA_SIZE];
    size_t used = 0;
    int r;

    data_add(data, &used, "lowerdir=");
    for (size_t i = 0; i < overlay->n_lower; i++)
        data_add_fd(data, &used, i > 0 ? ":" : "", overlay->lower[i]);
    if (overlay->upper >= 0) {
        data_add_fd(data, &used, ",upperdir=", overlay->upper);
        data_add_fd(data, &used, ",workdir=", overlay->work);
    }
    for (size_t i = 0; i < ARRAY_SIZE(option_table); i++) {
        if (!option_applies(overlay, i))
            continue;
        data_add(data, &used, ",");
        data_add(data, &used, option_table[i].key);
        data_add(data, &used, option_table[i].value ? "=" : "");
        data_add(data, &used, text_or_empty(option_table[i].value));
    }
    if (used >= sizeof(data))
        return -E2BIG;
    if (chdir("/proc/self/fd") < 0 ||
        mount("overlay", "/", "overlay", attr_to_flags(overlay->request->attr), data) < 0)
        return -errno;
    r = sys_open_tree(AT_FDCWD, "/..", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (r >= 0 && umount2("/..", MNT_DETACH) < 0) {
        close(r);
        return -errno;
    }
    return r;
}

/* A file system that cannot hold what is written makes the kernel go on without it, and say so to its log alone. */
static int writable_check(const struct overlay *overlay, int fd, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;
    struct statvfs st;

    if (overlay->upper < 0 || fstatvfs(fd, &st) < 0 || !(st.f_flag & ST_RDONLY))
        return fd;
    close(fd);
    return err_refuse(
        err, EROFS,
        "what %s writes cannot be kept in %s: its file system cannot be the upper one "
        "of layers (the kernel's log says why)",
        overlay->request->name, spec->upper ? spec->upper : "memory");
}

/*
 * What a kernel says that does not know one way: EOPNOTSUPP before Linux 6.5 when it is given an fd. EINVAL and
 * EBADF it may say for better reasons, too, all ways long.
 */
static bool is_unknown(int code)
{
    return code == EINVAL || code == EBADF || code == EOPNOTSUPP;
}

static int make(struct overlay *overlay)
{
    int r = -EINVAL;

    for (enum overlay_how how = BY_FD; how <= BY_MOUNT && r < 0 && is_unknown(-r); how++)
        r = how == BY_MOUNT ? make_old(overlay) : make_new(overlay, how);
    return r;
}

/* ---- the layers --------------------------------------------------------------------------------------------- */

/*
 * A copy of the mount at dir_fd whose files' owners are shown through maps, attached over it: kernels before
 * Linux 6.15 take no layers from mounts that are nowhere.
 */
static int mapped_open(const struct overlay *overlay, int dir_fd)
{
    const struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_IDMAP,
        .userns_fd = (unsigned)overlay->request->userns_fd,
    };
    int tree_fd = sys_open_tree(dir_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    int r = tree_fd < 0 ? tree_fd : sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attr);

    if (r >= 0)
        r = sys_move_mount(tree_fd, "", dir_fd, "",
                           MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (r >= 0)
        return tree_fd;
    fd_close(tree_fd);
    return r;
}

static int mapped_failed(const struct overlay *overlay, const char *path, int code, struct err *err)
{
    return err_refuse(err, code,
                      "--userns: the layer %s of %s cannot be shown through maps of users: %s; "
                      "--userns host does without",
                      path, overlay->request->name,
                      code == EINVAL   ? "its file system cannot do that on this kernel"
                      : code == ENOSYS ? "that takes Linux 5.12"
                                       : err_name(code));
}

static int layer_open(const struct overlay *overlay, const char *path, struct err *err)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), mapped;

    if (fd < 0)
        return layer_failed(overlay, path, errno, err);
    if (overlay->request->userns_fd < 0)
        return fd;
    mapped = mapped_open(overlay, fd);
    close(fd);
    return mapped < 0 ? mapped_failed(overlay, path, -mapped, err) : mapped;
}

static int lower_open(struct overlay *overlay, struct err *err)
{
    char *const *lower = overlay->request->overlay->lower;

    for (; lower && *lower; lower++) {
        if (overlay->n_lower == LAYERS_MAX)
            return err_refuse(err, E2BIG, "%s has more than %d layers", overlay->request->name,
                              LAYERS_MAX);
        int fd = layer_open(overlay, *lower, err);
        if (fd < 0)
            return fd;
        overlay->lower[overlay->n_lower++] = fd;
    }
    return overlay->n_lower > 0 ? 0
                                : err_set(err, EINVAL, "%s has no layers", overlay->request->name);
}

/* ---- what can be written ---------------------------------------------------------------------------------------- */

/* Both must be seen by one mount: that of the directory around them, where maps are in between. */
static int writable_open_mapped(struct overlay *overlay, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;
    const char *upper = strrchr(spec->upper, '/'), *work = strrchr(spec->work, '/');
    size_t length = (size_t)(upper - spec->upper);
    char around[PATH_MAX];

    if (length == 0 || length >= sizeof(around) || (size_t)(work - spec->work) != length ||
        memcmp(spec->upper, spec->work, length) != 0)
        return err_set(err, EINVAL, "%s and %s are not beside each other", spec->upper, spec->work);
    memcpy(around, spec->upper, length);
    around[length] = '\0';
    overlay->tree = layer_open(overlay, around, err);
    if (overlay->tree < 0)
        return overlay->tree;
    overlay->upper = openat(overlay->tree, upper + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
    overlay->work = openat(overlay->tree, work + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return overlay->upper < 0 || overlay->work < 0 ? layer_failed(overlay, around, errno, err) : 0;
}

static int writable_open(struct overlay *overlay, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;

    if (overlay->request->userns_fd >= 0)
        return writable_open_mapped(overlay, err);
    overlay->upper = open(spec->upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (overlay->upper < 0)
        return layer_failed(overlay, spec->upper, errno, err);
    overlay->work = open(spec->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return overlay->work < 0 ? layer_failed(overlay, spec->work, errno, err) : 0;
}

/* The root looks like that of the layer beneath, which is what a new upper directory would hide. */
static int root_imitate(int lower_fd, int upper_fd)
{
    struct stat st;

    if (fstat(lower_fd, &st) < 0)
        return -errno;
    if (fchownat(upper_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

/*
 * A file system in memory, of the size asked for, holds what is written. It is attached over our root until the
 * layers are put together: see mapped_open(). Left there it would be what pivot_root(2)'s caller takes for the old
 * root, and the old root would stay.
 */
static int memory_make(struct overlay *overlay, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;
    _cleanup_close_ int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    char data[64];
    int r;

    snprintf(data, sizeof(data), "mode=0755,size=%llu", (unsigned long long)spec->size_bytes);
    overlay->tree = here < 0 ? here : fs_make("tmpfs", "ration", data, 0, err);
    if (overlay->tree < 0)
        return here < 0 ? err_set(err, errno, "cannot open /: %m") : overlay->tree;
    r = sys_move_mount(overlay->tree, "", here, "",
                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    overlay->in_memory = r >= 0;
    if (r >= 0 && fstat(overlay->lower[0], &st) < 0)
        r = -errno;
    if (r >= 0 && (mkdirat(overlay->tree, "upper", st.st_mode & 07777) < 0 ||
                   mkdirat(overlay->tree, "work", 0755) < 0))
        r = -errno;
    overlay->upper = r < 0 ? -1 : openat(overlay->tree, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
    overlay->work = r < 0 ? -1 : openat(overlay->tree, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r >= 0 && (overlay->upper < 0 || overlay->work < 0))
        r = -errno;
    if (r >= 0)
        r = root_imitate(overlay->lower[0], overlay->upper);
    return r < 0 ? err_refuse(err, -r,
                              "--storage-opt size=: cannot prepare a file system in memory: %s",
                              err_name(-r))
                 : 0;
}

/* What was put together has it all the same. */
static int memory_detach(int fd, struct err *err)
{
    if (umount2("/..", MNT_DETACH) == 0)
        return fd;
    int r =
        err_set(err, errno, "--storage-opt size=: cannot take the file system in memory off /: %m");
    close(fd);
    return r;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static void overlay_done(struct overlay *overlay)
{
    for (size_t i = 0; i < overlay->n_lower; i++)
        close(overlay->lower[i]);
    fd_close(overlay->upper);
    fd_close(overlay->work);
    fd_close(overlay->tree);
}

static int overlay_prepare(struct overlay *overlay, struct err *err)
{
    const struct spec_overlay *spec = overlay->request->overlay;
    int r = lower_open(overlay, err);

    if (r < 0)
        return r;
    if (spec->size_bytes > 0 && !spec->size_by_quota)
        return memory_make(overlay, err);
    return spec->upper ? writable_open(overlay, err) : 0;
}

/* The kernel takes no single layer that nothing is written above (EINVAL): that is the directory itself. */
static int single_clone(const struct overlay *overlay, struct err *err)
{
    int fd =
        sys_open_tree(overlay->lower[0], "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    int r = fd < 0 ? fd : attr_apply(fd, 0, overlay->request->attr | MOUNT_ATTR_RDONLY, 0, 0);

    if (r >= 0)
        return fd;
    fd_close(fd);
    return layer_failed(overlay, overlay->request->overlay->lower[0], -r, err);
}

int overlay_make(const struct overlay_request *request, struct err *err)
{
    struct overlay overlay;
    int r;

    overlay.request = request;
    overlay.n_lower = 0;
    overlay.upper = overlay.work = overlay.tree = -1;
    overlay.in_memory = false;
    overlay.words[0] = '\0';
    r = overlay_prepare(&overlay, err);
    if (r >= 0 && overlay.n_lower == 1 && overlay.upper < 0) {
        r = single_clone(&overlay, err);
    } else if (r >= 0) {
        r = make(&overlay);
        r = r < 0 ? make_failed(&overlay, -r, err) : writable_check(&overlay, r, err);
    }
    if (r >= 0 && overlay.in_memory)
        r = memory_detach(r, err);
    overlay_done(&overlay);
    return r;
}
