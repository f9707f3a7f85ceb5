/* Containers, as far as images have to do with them: whose root is made of what. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/containers.h"

#define FILE_MAX (1u << 20)

void container_root_done(struct container_root *root)
{
    fd_close(root->dir_fd);
    free(root->image);
    free(root->upper);
    free(root->work);
    strv_free(root->layers);
    *root = CONTAINER_ROOT_INIT;
}

static int read_line(struct container_root *root, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t key = space ? (size_t)(space - line) : len;
    char *value = space ? strndup(space + 1, len - key - 1) : strdup("");
    char **ret = NULL;
    int r = value ? 0 : -ENOMEM;

    if (key == 5 && memcmp(line, "image", 5) == 0)
        ret = &root->image;
    else if (key == 5 && memcmp(line, "upper", 5) == 0)
        ret = &root->upper;
    else if (key == 4 && memcmp(line, "work", 4) == 0)
        ret = &root->work;
    else if (key == 5 && memcmp(line, "layer", 5) == 0 && r == 0)
        r = strv_push(&root->layers, value);
    if (ret) {
        free(*ret);
        *ret = TAKE_PTR(value);
    }
    free(value);
    return r;
}

static int read_root(struct container_root *root)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *line;
    size_t len;
    int r = file_read_regular(root->dir_fd, "root", FILE_MAX, &text);

    for (const char *cursor = buf_text(&text); r == 0 && line_next(&cursor, &line, &len);)
        r = read_line(root, line, len);
    return r;
}

/* Its process as its state has it, if that lives. */
static void read_state(struct container_root *root)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *line;
    size_t len;
    uint64_t pid = 0;
    bool runs = false;

    if (file_read_regular(root->dir_fd, "state", FILE_MAX, &text) < 0)
        return;
    for (const char *cursor = buf_text(&text); line_next(&cursor, &line, &len);) {
        if (len > 5 && len < 100 && memcmp(line, "name ", 5) == 0)
            snprintf(root->name, sizeof(root->name), "%.*s", (int)len - 5, line + 5);
        runs |= (len == 14 && memcmp(line, "status running", 14) == 0) ||
                (len == 13 && memcmp(line, "status paused", 13) == 0);
    }
    if (runs && keyed_find_u64(buf_text(&text), "pid", &pid) && pid > 0 && pid < INT32_MAX &&
        kill((pid_t)pid, 0) == 0)
        root->pid = (pid_t)pid;
}

/* Its writable layer lies in its own directory, unless it says where else. */
static int find_upper(const struct call *call, struct container_root *root)
{
    struct stat st;

    if (root->upper || fstatat(root->dir_fd, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISDIR(st.st_mode))
        return 0;
    root->upper = text_format("%s/containers/%s/upper", call->data_dir, root->id);
    root->work = text_format("%s/containers/%s/work", call->data_dir, root->id);
    return root->upper && root->work ? 0 : -ENOMEM;
}

static int open_container(const struct call *call, int containers_fd, const char *id,
                          struct container_root *ret)
{
    container_root_done(ret);
    ret->dir_fd = openat(containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (ret->dir_fd < 0)
        return -errno;
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    int r = read_root(ret);
    if (r == 0)
        r = find_upper(call, ret);
    if (r == 0)
        read_state(ret);
    return r;
}

static int open_containers(const struct call *call)
{
    _cleanup_free_ char *path = text_format("%s/containers", call->data_dir);
    int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    return fd < 0 ? (path ? -errno : -ENOMEM) : fd;
}

int container_visit(const struct call *call, container_root_fn fn, void *data, struct err *err)
{
    int fd = open_containers(call);
    int r = 0;

    if (fd == -ENOENT)
        return 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        r = fd < 0 ? fd : -errno;
        fd_close(fd);
        return err_set(err, -r, "cannot read %.200s/containers: %s", call->data_dir, err_name(-r));
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        _cleanup_container_root_ struct container_root root = CONTAINER_ROOT_INIT;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        /* One without that file uses nothing, or not yet: whoever makes one holds the store's lock. */
        if (open_container(call, dirfd(dir), entry->d_name, &root) == 0)
            r = fn(data, &root);
    }
    closedir(dir);
    return r;
}

static int find_by_beginning(int containers_fd, const char *who, char ret_id[65], unsigned *ret_n)
{
    int copy = openat(containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    if (!dir) {
        fd_close(copy);
        return -errno;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strlen(entry->d_name) == 64 && text_starts(entry->d_name, who)) {
            snprintf(ret_id, 65, "%.64s", entry->d_name);
            ++*ret_n;
        }
    }
    closedir(dir);
    return 0;
}

int container_find(const struct call *call, const char *who, struct container_root *ret,
                   struct err *err)
{
    _cleanup_close_ int fd = open_containers(call);
    _cleanup_free_ char *link = text_format(".names/%s", who);
    char id[80] = "";
    unsigned n = 0;

    if (!link)
        return err_nomem(err);
    bool plain = *who && !strchr(who, '/') && strlen(who) < 200;
    if (fd >= 0 && plain) {
        ssize_t len = readlinkat(fd, link, id, sizeof(id) - 1);
        id[len > 0 ? len : 0] = '\0';
        /* The link is to ../ID or to ID. */
        char *slash = strrchr(id, '/');
        if (slash)
            memmove(id, slash + 1, strlen(slash));
        n = len > 0;
        if (n == 0 && who[strspn(who, "0123456789abcdef")] == '\0')
            find_by_beginning(fd, who, id, &n);
    }
    if (n > 1)
        return err_set(err, ENOTUNIQ, "\"%.80s\" is the beginning of %u containers' ids", who, n);
    int r = n == 1 ? open_container(call, fd, id, ret) : -ENOENT;
    if (r == -ENOENT)
        return err_set(err, ENOENT, "there is no container \"%.80s\"", who);
    return r < 0 ? err_set(err, -r, "the container %.80s cannot be read: %s", who, err_name(-r))
                 : 0;
}
