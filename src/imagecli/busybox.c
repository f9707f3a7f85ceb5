/* An image of what this machine has: busybox, and as much around it as programs expect. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imagecli/import.h"

#define MISSING "; sudo apt-get install busybox-static"

/* ---- the program -------------------------------------------------------------------------------------- */

/* One that needs no library is one without an interpreter: elf(5). */
static bool is_static(int fd)
{
    Elf64_Ehdr header;
    Elf64_Phdr part;

    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    /* On machines of 32 bits the table is another; there it is taken on trust. */
    for (unsigned i = 0; header.e_ident[EI_CLASS] == ELFCLASS64 && i < header.e_phnum; i++) {
        off_t at = (off_t)(header.e_phoff + (uint64_t)i * header.e_phentsize);
        if (pread(fd, &part, sizeof(part), at) != sizeof(part) || part.p_type == PT_INTERP)
            return false;
    }
    return true;
}

static int find_busybox(const char **ret_path, struct err *err)
{
    static const char *const path_table[] = { "/bin/busybox", "/usr/bin/busybox" };
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(path_table); i++) {
        int fd = open(path_table[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        found = true;
        if (is_static(fd)) {
            *ret_path = path_table[i];
            return fd;
        }
        close(fd);
    }
    return err_set(err, ENOENT,
                   found ? "the busybox of this machine needs libraries that an image of it would "
                           "not have" MISSING
                         : "this machine has no busybox" MISSING);
}

/* What it can do, one word a line: it says so itself. */
static int list_applets(const char *path, struct buf *ret)
{
    char *argv[] = { (char *)path, (char *)"--list", NULL }, *none[] = { NULL };
    posix_spawn_file_actions_t actions;
    int ends[2], status;
    pid_t pid;
    ssize_t n = 1;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int r = -posix_spawn(&pid, path, &actions, NULL, argv, none);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (r == 0 && n > 0) {
        char *room = buf_room(ret, 4096);
        n = room ? read(ends[0], room, 4096) : -1;
        buf_add_length(ret, n > 0 ? (size_t)n : 0);
    }
    close(ends[0]);
    if (r < 0)
        return r;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && ret->len > 0 ? 0 : -ENOEXEC;
}

/* ---- the tree -------------------------------------------------------------------------------------------- */

struct tree {
    int fd;
    struct timespec time; /* busybox's own: the same program gives the same image */
};

static int put_time(const struct tree *tree, const char *path)
{
    const struct timespec times[] = { tree->time, tree->time };

    return utimensat(tree->fd, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int put_file(const struct tree *tree, const char *path, const char *text)
{
    _cleanup_close_ int fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

    return r < 0 ? r : put_time(tree, path);
}

static int put_busybox(const struct tree *tree, int from, off_t size)
{
    _cleanup_close_ int fd =
        openat(tree->fd, "bin/busybox", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    off_t at = 0;

    while (fd >= 0 && at < size) {
        ssize_t n = sendfile(fd, from, &at, (size_t)(size - at));
        if (n <= 0 && errno != EINTR)
            return n < 0 ? -errno : -EIO;
    }
    return fd < 0 ? -errno : put_time(tree, "bin/busybox");
}

static int put_links(const struct tree *tree, const struct buf *applets)
{
    const char *cursor = buf_text(applets), *line;
    size_t len;

    while (line_next(&cursor, &line, &len)) {
        char path[128];
        if (len == 0 || len > 100 || memchr(line, '/', len) ||
            (len == strlen("busybox") && memcmp(line, "busybox", len) == 0))
            continue;
        snprintf(path, sizeof(path), "bin/%.*s", (int)len, line);
        if (symlinkat("busybox", tree->fd, path) < 0 && errno != EEXIST)
            return -errno;
        put_time(tree, path);
    }
    return 0;
}

static int put_rest(const struct tree *tree)
{
    static const struct {
        const char *path, *text;
    } file_table[] = {
        { "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                        "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
                        "nobody:x:65534:65534:nobody:/home:/bin/false\n" },
        { "etc/group", "root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n" },
        { "etc/shadow", "root:*:::::::\nnobody:*:::::::\n" },
        { "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n" },
    };
    static const struct {
        const char *path, *target;
    } link_table[] = { { "sbin", "bin" }, { "usr/bin", "../bin" }, { "usr/sbin", "../bin" } };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(file_table); i++)
        r = put_file(tree, file_table[i].path, file_table[i].text);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(link_table); i++) {
        r = symlinkat(link_table[i].target, tree->fd, link_table[i].path) < 0 ? -errno : 0;
        if (r == 0)
            r = put_time(tree, link_table[i].path);
    }
    return r == 0 && fchmodat(tree->fd, "etc/shadow", 0600, 0) < 0 ? -errno : r;
}

static const struct {
    const char *path;
    mode_t mode;
} directory_table[] = {
    { ".", 0755 },    { "bin", 0755 },       { "dev", 0755 },      { "etc", 0755 },
    { "home", 0755 }, { "proc", 0555 },      { "root", 0700 },     { "run", 0755 },
    { "sys", 0555 },  { "tmp", 01777 },      { "usr", 0755 },      { "usr/lib", 0755 },
    { "var", 0755 },  { "var/spool", 0755 }, { "var/tmp", 01777 }, { "var/www", 0755 },
};

static int make_tree(const struct tree *tree, int busybox_fd, off_t size, const struct buf *applets)
{
    int r = 0;

    for (size_t i = 1; r == 0 && i < ARRAY_SIZE(directory_table); i++)
        r = mkdirat(tree->fd, directory_table[i].path, 0700) < 0 ? -errno : 0;
    if (r == 0)
        r = put_busybox(tree, busybox_fd, size);
    if (r == 0)
        r = put_links(tree, applets);
    if (r == 0)
        r = put_rest(tree);
    /* Last, when nothing is made in them any more; what lies deeper comes later in the table. */
    for (size_t i = ARRAY_SIZE(directory_table); r == 0 && i > 0; i--) {
        const char *path = directory_table[i - 1].path;
        r = fchmodat(tree->fd, path, directory_table[i - 1].mode, 0) < 0 ? -errno : 0;
        if (r == 0)
            r = put_time(tree, path);
    }
    return r;
}

int import_busybox(struct call *call, struct built_layer *ret, struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    _cleanup_buf_ struct buf applets = BUF_INIT;
    const char *path = NULL;
    struct stat st;
    _cleanup_close_ int fd = find_busybox(&path, err);

    if (fd < 0)
        return fd;
    int r = fstat(fd, &st) < 0 ? -errno : list_applets(path, &applets);
    if (r < 0)
        return err_set(err, -r, "%s does not say what it can do: %s", path, err_name(-r));
    r = image_layer_start(call->store, NULL, &work, err);
    if (r < 0)
        return r;
    struct tree tree = { .fd = image_work_tree(work), .time = { .tv_sec = st.st_mtim.tv_sec } };
    r = make_tree(&tree, fd, st.st_size, &applets);
    if (r < 0)
        return err_set(err, -r, "the image of busybox cannot be made in %.200s: %s",
                       image_store_path(call->store), err_name(-r));
    struct layer_pack pack = { .tree_fd = tree.fd, .form = LAYER_OVERLAY };
    return build_pack(call, &pack, ret, err);
}
