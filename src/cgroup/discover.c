/*
 * Which hierarchies there are, where each is mounted best, and where our groups go in it.
 *
 * One reading of /proc/self/cgroup, and one of /proc/self/mountinfo where the hierarchies are not where
 * they usually are; of the hierarchies only those are opened that the caller wants (struct
 * cgroups_options).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

int root_open(int root_fd, const char *path, int flags)
{
    int fd;

    if (root_fd < 0) {
        fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    return sys_openat2(root_fd, path, (uint64_t)(unsigned)(flags | O_CLOEXEC), 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int root_read(int root_fd, const char *path, struct buf *ret)
{
    _cleanup_close_ int fd = root_open(root_fd, path, O_RDONLY | O_NOCTTY);

    return fd < 0 ? fd : fd_read_all(fd, TEXT_FILE_MAX, ret);
}

const char *cgroups_text(struct cgroups *cgroups, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (strv_push(&cgroups->texts, text) < 0)
        return NULL;
    return cgroups->texts[strv_length(cgroups->texts) - 1];
}

bool cgroups_wants(const struct cgroups *cgroups, enum controller controller)
{
    return !cgroups->options.selective ||
           (cgroups->options.controllers & CONTROLLER_BIT(controller));
}

const struct hierarchy *cgroups_find(const struct cgroups *cgroups, int version,
                                     unsigned controllers)
{
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        const struct hierarchy *h = &cgroups->hierarchy[i];
        if (h->version == version && (version == 2 || (h->controllers & controllers)))
            return h;
    }
    return NULL;
}

void hierarchy_path(const struct hierarchy *h, const char *base, const char *name, char *ret,
                    size_t size)
{
    snprintf(ret, size, "%s%s%s%s%s", h->mount_point, *base ? "/" : "", base, *name ? "/" : "",
             name);
}

/* ---- from mounts to hierarchies ---------------------------------------------------------------- */

/* The name that people know it by: "memory", "cpu,cpuacct", "name=systemd", "unified". */
static char *hierarchy_name(int version, const char *options)
{
    _cleanup_buf_ struct buf name = BUF_INIT;

    if (version == 2)
        return strdup("unified");
    for (const char *p = options; *p;) {
        size_t n = (size_t)(strchrnul(p, ',') - p);
        if (controller_find(p, n) < CONTROLLER_COUNT || strncmp(p, "name=", 5) == 0) {
            if (name.len > 0)
                buf_putc(&name, ',');
            buf_add(&name, p, n);
        }
        p += n + (p[n] == ',');
    }
    return buf_take(&name);
}

static void hierarchy_done(struct hierarchy *h)
{
    if (h->base_fd != h->root_fd)
        fd_close(h->base_fd);
    fd_close(h->root_fd);
    free(h->name);
    free(h->mount_point);
    free(h->mount_root);
    free(h->own);
    free(h->base);
    *h = (struct hierarchy){ .root_fd = -1, .base_fd = -1 };
}

int hierarchy_set(struct hierarchy *h, const struct mount_entry *mount)
{
    hierarchy_done(h);
    h->version = mount->version;
    h->read_only = mount->read_only;
    h->controllers = mount->version == 1 ? options_controllers(mount->options) : 0;
    h->name = hierarchy_name(mount->version, mount->options);
    h->mount_point = strdup(mount->point);
    h->mount_root = strdup(mount->root);
    h->own = strdup("");
    h->base = strdup("");
    return h->name && h->mount_point && h->mount_root && h->own && h->base ? 0 : -ENOMEM;
}

/* Is mount a better way into the hierarchy than the one we have? Writable first, then wider. */
static bool mount_is_better(const struct mount_entry *mount, const struct hierarchy *h)
{
    if (mount->read_only != h->read_only)
        return h->read_only;
    return mount_narrowness(mount->root) < mount_narrowness(h->mount_root);
}

/* table: of the mounts chosen so far, by hierarchy, to know one by its device. */
static int hierarchies_collect(struct cgroups *cgroups, const struct mount_table *table)
{
    const char *device[HIERARCHIES_MAX] = { 0 };

    for (size_t i = 0; i < table->n; i++) {
        const struct mount_entry *mount = &table->entries[i];
        size_t k = 0;
        if (mount->version == 0 || mount_is_hidden(table, i))
            continue;
        while (k < cgroups->n_hierarchies && (cgroups->hierarchy[k].version != mount->version ||
                                              !device[k] || strcmp(device[k], mount->device) != 0))
            k++;
        if (k == HIERARCHIES_MAX)
            continue;
        if (k < cgroups->n_hierarchies && !mount_is_better(mount, &cgroups->hierarchy[k]))
            continue;
        if (k == cgroups->n_hierarchies) {
            cgroups->n_hierarchies++;
            cgroups->hierarchy[k] = (struct hierarchy){ .root_fd = -1, .base_fd = -1 };
        }
        if (hierarchy_set(&cgroups->hierarchy[k], mount) < 0)
            return -ENOMEM;
        device[k] = mount->device;
    }
    return 0;
}

static bool membership_is_of(const struct membership *m, const struct hierarchy *h)
{
    if (h->version == 2)
        return *m->controllers == '\0';
    if (h->controllers)
        return m->mask == h->controllers;
    return *m->controllers && strcmp(m->controllers, h->name) == 0;
}

static int hierarchies_find_own(struct cgroups *cgroups, const struct membership *members, size_t n)
{
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        struct hierarchy *h = &cgroups->hierarchy[i];
        for (size_t k = 0; k < n; k++) {
            if (!membership_is_of(&members[k], h))
                continue;
            const char *own = path_beneath(h->mount_root, members[k].path);
            if (own && text_replace(&h->own, own) < 0)
                return -ENOMEM;
            h->own_known = own != NULL;
            break;
        }
    }
    return 0;
}

static int mounts_read(struct cgroups *cgroups, struct err *err)
{
    _cleanup_buf_ struct buf mounts = BUF_INIT;
    struct mount_table table;

    int r = root_read(cgroups->root_fd, "/proc/self/mountinfo", &mounts);
    if (r < 0)
        return err_set(err, -r, "cannot read /proc/self/mountinfo: %s; is /proc mounted?",
                       err_name(-r));
    if (!mounts.data)
        return 0;
    r = mountinfo_parse(mounts.data, &table);
    if (r == 0) {
        r = hierarchies_collect(cgroups, &table);
        mount_table_done(&table);
    }
    return r < 0 ? err_nomem(err) : 0;
}

static void hierarchies_forget(struct cgroups *cgroups)
{
    while (cgroups->n_hierarchies > 0)
        hierarchy_done(&cgroups->hierarchy[--cgroups->n_hierarchies]);
}

/* ---- opening ----------------------------------------------------------------------------------- */

/* Open the base as far as it exists. */
static void base_open(struct hierarchy *h)
{
    if (*h->base == '\0') {
        h->base_fd = h->root_fd;
        return;
    }
    int fd = sys_openat2(h->root_fd, h->base, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                         RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (fd >= 0)
        h->base_fd = fd;
    else if (fd != -ENOENT)
        h->error = fd;
}

static size_t components(const char *path)
{
    char prefix[1024];
    size_t n = 0;

    while (path_prefix(path, n + 1, prefix, sizeof(prefix)))
        n++;
    return n;
}

/* The base that was found is where a relative path begins. */
static void base_go_beneath(struct cgroups *cgroups, struct hierarchy *h)
{
    h->top = components(h->base);
    if (*cgroups->parent == '\0')
        return;
    char *path = text_format("%s%s%s", h->base, *h->base ? "/" : "", cgroups->parent);
    if (h->base_fd != h->root_fd)
        fd_close(h->base_fd);
    h->base_fd = -1;
    if (!path) {
        h->error = -ENOMEM;
        return;
    }
    free(h->base);
    h->base = path;
    base_open(h);
}

static bool nearest_is_writable(struct hierarchy *h)
{
    _cleanup_close_ int fd = h->base_fd >= 0 ? -1 : base_open_nearest(h);

    if (h->base_fd < 0 && fd < 0) {
        errno = -fd;
        return false;
    }
    return faccessat(h->base_fd >= 0 ? h->base_fd : fd, ".", W_OK, 0) == 0;
}

/* Where groups go in the hierarchy, and whether we may make them there. */
static void hierarchy_find_base(struct cgroups *cgroups, struct hierarchy *h)
{
    bool given = cgroups->parent && !cgroups->beneath;

    if (given && text_replace(&h->base, cgroups->parent) < 0) {
        h->error = -ENOMEM;
        return;
    }
    base_open(h);
    if (h->error < 0 || h->read_only)
        return;
    h->writable = (h->root_is_ours && h->base_fd == h->root_fd) || nearest_is_writable(h);
    if (!h->writable && errno != EACCES && errno != EROFS)
        h->error = -errno;
    if (h->error < 0)
        return;
    /* Not the whole hierarchy is ours: look for the part that is. */
    if (h->version == 2 && !given && (!h->writable || cgroups->options.rootless))
        h->writable = delegate_find_base(cgroups, h) == 0;
    if (cgroups->beneath)
        base_go_beneath(cgroups, h);
    else if (!given)
        h->top = components(h->base);
}

void hierarchy_open(struct cgroups *cgroups, struct hierarchy *h)
{
    if (h->opened)
        return;
    h->opened = true;
    if (h->root_fd < 0)
        h->root_fd = root_open(cgroups->root_fd, h->mount_point, O_PATH | O_DIRECTORY);
    if (h->root_fd < 0) {
        h->error = h->root_fd;
        h->root_fd = -1;
        return;
    }
    hierarchy_find_base(cgroups, h);
}

/* Are we in the initial cgroup name space, whose root is that of the hierarchies? */
static bool namespace_is_initial(int root_fd)
{
    char name[64];
    ssize_t n = readlinkat(root_fd < 0 ? AT_FDCWD : root_fd,
                           root_fd < 0 ? "/proc/self/ns/cgroup" : "proc/self/ns/cgroup", name,
                           sizeof(name) - 1);

    name[n > 0 ? n : 0] = '\0';
    /* PROC_CGROUP_INIT_INO of the kernel's include/linux/proc_ns.h; no name spaces, no other */
    return n <= 0 || strcmp(name, "cgroup:[4026531835]") == 0;
}

bool namespace_is_known_initial(const struct cgroups *cgroups)
{
    enum known *known = cgroups->initial_namespace;

    if (*known == UNKNOWN)
        *known = namespace_is_initial(cgroups->root_fd) ? YES : NO;
    return *known == YES;
}

bool hierarchy_root_is_real(const struct cgroups *cgroups, const struct hierarchy *h)
{
    return strcmp(h->mount_root, "/") == 0 && namespace_is_known_initial(cgroups);
}

/* Is it closed to us for good? Then we do without; not for want of descriptors, say. */
static bool error_lasts(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -ELOOP ||
           error == -EXDEV;
}

static int hierarchies_open(struct cgroups *cgroups, struct err *err)
{
    const struct hierarchy *unified = cgroups_find(cgroups, 2, 0);

    if (unified)
        hierarchy_open(cgroups, &cgroups->hierarchy[unified - cgroups->hierarchy]);
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        struct hierarchy *h = &cgroups->hierarchy[i];
        unsigned wanted = cgroups->options.selective ? cgroups->options.controllers : ~0u;
        /* Without cgroup.kill the freezer is what makes killing sure. */
        if (!unified || !unified->writable)
            wanted |= CONTROLLER_BIT(CONTROLLER_FREEZER);
        if (h->version == 1 &&
            (h->controllers ? (h->controllers & wanted) != 0 : cgroups->options.named))
            hierarchy_open(cgroups, h);
        if (h->error < 0 && !error_lasts(h->error))
            return err_set(err, -h->error, "cannot open the cgroup hierarchy %s: %s",
                           h->mount_point, err_name(-h->error));
    }
    return 0;
}

/* All that is wanted was opened without a hitch, and the unified hierarchy will kill for us. */
static bool usual_is_enough(const struct cgroups *cgroups)
{
    for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
        const struct hierarchy *h = &cgroups->hierarchy[i];
        if (h->opened && (h->error < 0 || !h->writable))
            return false;
    }
    return true;
}

static int hierarchies_find(struct cgroups *cgroups, struct err *err)
{
    _cleanup_buf_ struct buf own = BUF_INIT;
    struct membership members[2 * HIERARCHIES_MAX];
    size_t n = 0;

    int r = root_read(cgroups->root_fd, "/proc/self/cgroup", &own);
    if (r < 0 && r != -ENOENT)
        return err_set(err, -r, "cannot read /proc/self/cgroup: %s", err_name(-r));
    if (own.data)
        n = membership_parse(own.data, members, ARRAY_SIZE(members));
    if (usual_find(cgroups, members, n)) {
        if (hierarchies_find_own(cgroups, members, n) < 0)
            return err_nomem(err);
        if (hierarchies_open(cgroups, NULL) == 0 && usual_is_enough(cgroups))
            return 0;
    }
    hierarchies_forget(cgroups);
    r = mounts_read(cgroups, err);
    if (r < 0)
        return r;
    if (hierarchies_find_own(cgroups, members, n) < 0)
        return err_nomem(err);
    return hierarchies_open(cgroups, err);
}

/* "/a//b/" becomes "a/b"; "." and ".." are refused. *ret: NULL when nothing is left. */
static int path_normalise(const char *path, const char *option, char **ret, struct err *err)
{
    _cleanup_buf_ struct buf out = BUF_INIT;

    *ret = NULL;
    for (const char *p = path; p && *p;) {
        size_t n = (size_t)(strchrnul(p, '/') - p);
        if ((n == 1 && *p == '.') || (n == 2 && memcmp(p, "..", 2) == 0) || n > GROUP_NAME_MAX ||
            memchr(p, '\n', n))
            return err_usage(err, "%s'%.100s' is not the path of a group", option, path);
        if (n > 0) {
            if (out.len > 0)
                buf_putc(&out, '/');
            buf_add(&out, p, n);
        }
        p += n + (p[n] == '/');
    }
    if (out.len == 0)
        return 0;
    if (out.len >= GROUP_PATH_MAX)
        return err_usage(err, "%s'%.100s' is too long for the path of a group", option, path);
    *ret = buf_take(&out);
    return *ret ? 0 : err_nomem(err);
}

/* A path of the limit group itself is the way to its base, and its name there. */
static int path_take(struct cgroups *cgroups, const char *text, struct err *err)
{
    _cleanup_free_ char *path = NULL, *parent = TAKE_PTR(cgroups->parent);
    int r = path_normalise(text, "cgroupsPath: ", &path, err);

    if (r < 0)
        return r;
    if (!path)
        return err_usage(err, "cgroupsPath: '%.100s' names no group", text);
    char *slash = strrchr(path, '/');
    cgroups->leaf = strdup(slash ? slash + 1 : path);
    path[slash ? slash - path : 0] = '\0';
    cgroups->beneath = *text != '/' && !parent;
    cgroups->parent = *text != '/' && parent ? text_format("%s%s%s", parent, *path ? "/" : "", path)
                                             : strdup(path);
    if (!cgroups->leaf || !cgroups->parent)
        return err_nomem(err);
    /* Such a name is that of a run, and read as one. */
    if (text_starts(cgroups->leaf, GROUP_PREFIX) &&
        !group_name_valid(cgroups->leaf + strlen(GROUP_PREFIX)))
        return err_usage(err, "cgroupsPath: '%.100s' cannot be the name of a group", cgroups->leaf);
    return 0;
}

int cgroups_open(const struct cgroups_options *options, struct cgroups **ret, struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

    if (!cgroups)
        return err_nomem(err);
    cgroups->initial_namespace = calloc(1, sizeof(*cgroups->initial_namespace));
    if (!cgroups->initial_namespace)
        return err_nomem(err);
    cgroups->options = *options;
    cgroups->root_fd = options->root_fd;
    int r = path_normalise(options->parent, "--cgroup-parent: ", &cgroups->parent, err);
    if (r == 0 && options->path)
        r = path_take(cgroups, options->path, err);
    if (r < 0)
        return r;
    r = hierarchies_find(cgroups, err);
    if (r == 0)
        r = layout_fill(cgroups, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(cgroups);
    return 0;
}

void cgroups_close(struct cgroups *cgroups)
{
    if (!cgroups)
        return;
    for (size_t i = 0; i < cgroups->n_hierarchies; i++)
        hierarchy_done(&cgroups->hierarchy[i]);
    strv_free(cgroups->texts);
    free(cgroups->initial_namespace);
    free(cgroups->parent);
    free(cgroups->leaf);
    free(cgroups);
}

void cgroups_closep(struct cgroups **cgroups)
{
    cgroups_close(*cgroups);
}

const struct layout *cgroups_layout(const struct cgroups *cgroups)
{
    return &cgroups->layout;
}

bool cgroups_hierarchy(const struct cgroups *cgroups, size_t index, struct hierarchy_info *ret)
{
    if (index >= cgroups->n_hierarchies)
        return false;
    const struct hierarchy *h = &cgroups->hierarchy[index];
    *ret = (struct hierarchy_info){
        .version = h->version,
        .controllers = h->controllers,
        .name = h->name,
        .mount_point = h->mount_point,
        .base = h->base,
        .own = h->own_known ? h->own : NULL,
        .looked_at = h->opened,
        .read_only = h->read_only,
        .writable = h->writable,
    };
    return true;
}
