/*
 * cp: files out of a container or into it. Both sides are a directory and a name in it; between them goes a tar,
 * packed by a child and unpacked here, so that what holds for layers holds for it: no link leads out of the
 * container, FIFOs are not opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imagecli/containers.h"
#include "imagecli/output.h"
#include "sys/sys.h"

#define IN_ROOT   (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define LINKS_MAX 40

/* One side of it. */
struct side {
    const char *text; /* as it was typed */
    const char *path; /* without the container */
    char *container;  /* NULL: here */
    int root_fd;      /* of the container */
    int dir_fd;       /* where the last name of path is */
    char *name;       /* that; "." for the top */
    struct stat st;   /* what it is */
    bool exists, contents /* "/." at the end */, slash /* "/" at the end */;
};

static void side_done(struct side *side)
{
    free(side->container);
    free(side->name);
    fd_close(side->root_fd);
    fd_close(side->dir_fd);
}

/* Docker's rule: what begins with '/' or '.' is here, else what stands before the first ':' is a container. */
static int side_parse(const char *text, struct side *ret, struct err *err)
{
    const char *colon = strchr(text, ':');

    *ret = (struct side){ .text = text, .path = text, .root_fd = -1, .dir_fd = -1 };
    if (*text == '/' || *text == '.' || !colon || colon == text)
        return *text ? 0 : err_usage(err, "a path must not be empty");
    ret->container = strndup(text, (size_t)(colon - text));
    ret->path = colon + 1;
    if (!ret->container)
        return err_nomem(err);
    return *ret->path ? 0 : err_usage(err, "\"%.100s\" has no path behind the ':'", text);
}

/* ---- resolving ------------------------------------------------------------------------------------------------ */

/* path as the directory above and the last name; trailing slashes and "/." go. */
static int split_path(struct side *side, const char *path, char **ret_above)
{
    _cleanup_free_ char *copy = strdup(text_or_empty(path));

    if (!copy)
        return -ENOMEM;
    size_t n = strlen(copy);
    if (n >= 2 && strcmp(copy + n - 2, "/.") == 0) {
        side->contents = true;
        copy[--n] = '\0';
    } else if (strcmp(copy, ".") == 0) {
        side->contents = true;
    }
    side->slash |= n > 1 && copy[n - 1] == '/' && !side->contents;
    while (n > 1 && copy[n - 1] == '/')
        copy[--n] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    /* "..", "." and "/" are directories themselves. */
    bool whole = *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    free(side->name);
    side->name = strdup(whole ? "." : name);
    if (whole)
        *ret_above = strdup(copy);
    else if (!slash)
        *ret_above = strdup(".");
    else
        *ret_above = slash == copy ? strdup("/") : strndup(copy, (size_t)(slash - copy));
    return side->name && *ret_above ? 0 : -ENOMEM;
}

static int open_above(struct side *side, const char *above)
{
    side->dir_fd = fd_close(side->dir_fd);
    side->dir_fd = side->container ? sys_openat2(side->root_fd, above,
                                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, IN_ROOT)
                                   : open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (side->dir_fd < 0)
        return side->container ? side->dir_fd : -errno;
    side->exists = fstatat(side->dir_fd, side->name, &side->st, AT_SYMLINK_NOFOLLOW) == 0;
    return side->exists || errno == ENOENT ? 0 : -errno;
}

/* Where the link leads: relative to the directory it is in, and never out of the container. */
static int read_link(const struct side *side, const char *above, char **ret)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(side->dir_fd, side->name, target, sizeof(target) - 1);

    if (n < 0)
        return -errno;
    target[n] = '\0';
    *ret = *target == '/' ? strdup(target) : text_format("%s/%s", above, target);
    return *ret ? 0 : -ENOMEM;
}

static int resolve(struct side *side, bool follow, struct err *err)
{
    _cleanup_free_ char *path = strdup(side->path);
    int r = path ? 0 : -ENOMEM;

    for (unsigned i = 0; r == 0; i++) {
        _cleanup_free_ char *above = NULL;
        char *next = NULL;
        r = split_path(side, path, &above);
        if (r == 0)
            r = open_above(side, above);
        if (r < 0 || !side->exists || !S_ISLNK(side->st.st_mode))
            break;
        /* A link to a directory is one where its contents are meant. */
        if (!follow && !side->contents && !side->slash)
            break;
        r = i < LINKS_MAX ? read_link(side, above, &next) : -ELOOP;
        free(path);
        path = next;
    }
    return r < 0 ? err_set(err, -r, "cannot find %.200s: %s", side->text, err_name(-r)) : 0;
}

static int side_open(struct call *call, struct side *side, bool write, bool follow, struct err *err)
{
    _cleanup_container_root_ struct container_root root = CONTAINER_ROOT_INIT;
    int r = side->container ? container_find(call, side->container, &root, err) : 0;

    if (r == 0 && side->container) {
        side->root_fd = container_open_root(call, &root, write, err);
        r = side->root_fd < 0 ? side->root_fd : 0;
    }
    return r < 0 ? r : resolve(side, follow, err);
}

/* ---- what goes where --------------------------------------------------------------------------------------------- */

/* The directory that is written into, and what is written called. */
struct copy_plan {
    struct layer_pack pack;
    char *rename;
    int into_fd;
};

static bool is_directory(const struct side *side)
{
    return side->exists && S_ISDIR(side->st.st_mode);
}

static const char *last_name(const struct side *side)
{
    return strcmp(side->name, ".") == 0 ? "root" : side->name;
}

static int enter(struct side *side, int *ret, struct err *err)
{
    *ret = openat(side->dir_fd, side->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret < 0 ? err_set(err, errno, "cannot open %.200s: %m", side->text) : 0;
}

/* As docker cp has it. */
static int make_plan(struct side *from, struct side *to, struct copy_plan *ret, struct err *err)
{
    bool directory = is_directory(from);

    if (!from->exists)
        return err_set(err, ENOENT, "there is no %.200s", from->text);
    if ((from->contents || from->slash) && !directory)
        return err_usage(err, "%.200s is no directory", from->text);
    if (to->exists && !is_directory(to) && (directory || to->slash || to->contents))
        return err_usage(err, "%.200s is no directory", to->text);
    if (!to->exists && (to->slash || to->contents) && !directory)
        return err_usage(err, "there is no directory %.200s", to->text);
    ret->pack =
        (struct layer_pack){ .tree_fd = from->dir_fd, .name = from->name, .form = LAYER_PLAIN };
    if (!is_directory(to)) {
        ret->into_fd = to->dir_fd;
        ret->rename = strdup(text_or_empty(to->name));
    } else {
        int r = enter(to, &ret->into_fd, err);
        if (r < 0)
            return r;
        if (from->contents) {
            ret->pack.name = NULL;
            return enter(from, &ret->pack.tree_fd, err);
        }
        ret->rename = strdup(last_name(from));
    }
    ret->pack.rename = ret->rename;
    return ret->rename ? 0 : err_nomem(err);
}

/* ---- moving the bytes ---------------------------------------------------------------------------------------------- */

static _Noreturn void pack_child(const struct copy_plan *plan, int fd, int err_fd)
{
    struct layer_pack pack = plan->pack;
    struct layer_packed packed;
    struct err err = ERR_INIT;

    pack.write = write_to_fd;
    pack.write_data = &fd;
    signal(SIGPIPE, SIG_IGN);
    int r = layer_pack(&pack, &packed, &err);
    if (r < 0 && r != -EPIPE)
        fd_write_all(err_fd, &err, sizeof(err));
    _exit(r < 0);
}

static int unpack_from(struct call *call, int fd, int into_fd, bool keep_owner, struct err *err)
{
    struct layer_unpack how = {
        .tree_fd = into_fd,
        .form = LAYER_PLAIN,
        .ceilings = { .bytes = UINT64_MAX / 2,
                      .entries = UINT64_MAX / 2,
                      .depth = 512,
                      .ratio = UINT32_MAX },
        .rootless = call->rootless,
        .keep_owner = keep_owner,
        .keep_top = true,
    };
    struct layer_unpacked unpacked;

    return layer_unpack(fd, &how, &unpacked, err);
}

static int copy(struct call *call, const struct copy_plan *plan, bool keep_owner, struct err *err)
{
    int tar[2], told[2], status = 0;
    struct err child = ERR_INIT;

    if (pipe2(tar, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe: %m");
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, errno, "cannot start a process: %m");
    if (pid == 0) {
        close(tar[0]);
        close(told[0]);
        pack_child(plan, tar[1], told[1]);
    }
    close(tar[1]);
    close(told[1]);
    int r = unpack_from(call, tar[0], plan->into_fd, keep_owner, err);
    close(tar[0]);
    /* What the other side says comes first: an archive that ends early is only what follows from it. */
    if (read(told[0], &child, sizeof(child)) == (ssize_t)sizeof(child) && child.code) {
        r = -child.code;
        if (err)
            *err = child;
    }
    close(told[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (r == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        r = err_set(err, EIO, "the copy was ended in the middle");
    return r;
}

/* ---- the command -------------------------------------------------------------------------------------------------------- */

static int to_stdout(struct side *from, struct err *err)
{
    int out = STDOUT_FILENO;
    struct layer_packed packed;
    struct layer_pack pack = {
        .tree_fd = from->dir_fd,
        .name = from->name,
        .rename = last_name(from),
        .form = LAYER_PLAIN,
        .write = write_to_fd,
        .write_data = &out,
    };

    if (!from->exists)
        return err_set(err, ENOENT, "there is no %.200s", from->text);
    if (isatty(out))
        return err_usage(err, "an archive is nothing for a terminal; use a pipe");
    return layer_pack(&pack, &packed, err);
}

static int from_stdin(struct call *call, struct side *to, struct err *err)
{
    int into_fd;

    if (!is_directory(to))
        return err_usage(err, "%.200s is no directory, and that is what an archive is unpacked in",
                         to->text);
    int r = enter(to, &into_fd, err);
    if (r < 0)
        return r;
    r = unpack_from(call, STDIN_FILENO, into_fd, true, err);
    close(into_fd);
    return r;
}

static int copy_sides(struct call *call, struct side *from, struct side *to, struct err *err)
{
    bool follow = call_flag(call, "follow-link");
    bool read_tar = !from->container && strcmp(from->text, "-") == 0;
    bool write_tar = !to->container && strcmp(to->text, "-") == 0;
    struct copy_plan plan = { .into_fd = -1 };

    if (!from->container == !to->container)
        return err_usage(err, "one of the two has to be CONTAINER:PATH, and not both");
    int r = read_tar ? 0 : side_open(call, from, false, follow, err);
    if (r == 0 && !write_tar)
        r = side_open(call, to, true, true, err);
    if (r < 0)
        return r;
    if (write_tar)
        return to_stdout(from, err);
    if (read_tar)
        return from_stdin(call, to, err);
    r = make_plan(from, to, &plan, err);
    if (r == 0)
        r = copy(call, &plan, call_flag(call, "archive"), err);
    if (plan.into_fd != to->dir_fd)
        fd_close(plan.into_fd);
    if (!plan.pack.name && plan.pack.tree_fd != from->dir_fd)
        fd_close(plan.pack.tree_fd);
    free(plan.rename);
    return r;
}

int command_cp(struct call *call, struct err *err)
{
    struct side from = { .root_fd = -1, .dir_fd = -1 }, to = { .root_fd = -1, .dir_fd = -1 };
    int r = call_need(call, 2, 2, "what to copy and where to", err);

    if (r == 0)
        r = side_parse(call->operands[0], &from, err);
    if (r == 0)
        r = side_parse(call->operands[1], &to, err);
    if (r == 0)
        r = copy_sides(call, &from, &to, err);
    side_done(&from);
    side_done(&to);
    return r;
}
