/*
 * The record of a run's groups: one line per hierarchy,
 *     VERSION CONTROLLERS MOUNTPOINT RELATIVE-PATH
 * blank-separated, with \ooo for blanks, tabs, newlines and backslashes as in mountinfo. CONTROLLERS
 * is a comma-separated list, "-" for none. The path is that of the limit group; what is beneath
 * belongs to it. Reading is strict: from such a line groups are killed and removed.
 *
 * A '=' before CONTROLLERS: the group was asked for by its path, so that its name need not begin with
 * "ration-". It is only taken for the run's when it carries the mark that it was given when it was made.
 *
 * CONTROLLERS "+" marks a group above that did not exist when the record was written and is going to
 * be made (--cgroup-parent). It is removed when it is empty, and only as the parent of a group in the
 * same record.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

bool group_name_valid(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > GROUP_NAME_MAX - strlen(GROUP_PREFIX) || *name == '.')
        return false;
    for (const char *p = name; *p; p++)
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9') &&
            !strchr("_+.-", *p))
            return false;
    return strcmp(name, &SUPERVISOR_NAME[sizeof(GROUP_PREFIX) - 1]) != 0;
}

void path_line_format(int version, unsigned controllers, bool named, const char *mount_point,
                      const char *base, const char *name, struct buf *ret)
{
    bool any = false;

    buf_puts(ret, version == 2 ? "2 " : "1 ");
    if (named)
        buf_putc(ret, '=');
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++) {
        const char *text = controller_name((enum controller)c, version);
        if (!(controllers & CONTROLLER_BIT(c)) || !text)
            continue;
        if (any)
            buf_putc(ret, ',');
        buf_puts(ret, text);
        any = true;
    }
    buf_puts(ret, any ? " " : "- ");
    octal_escape(mount_point, ret);
    buf_putc(ret, ' ');
    if (*base) {
        octal_escape(base, ret);
        buf_putc(ret, '/');
    }
    octal_escape(name, ret);
    buf_putc(ret, '\n');
}

void path_line_format_parent(int version, const char *mount_point, const char *path,
                             struct buf *ret)
{
    buf_printf(ret, "%d + ", version);
    octal_escape(mount_point, ret);
    buf_putc(ret, ' ');
    octal_escape(path, ret);
    buf_putc(ret, '\n');
}

void path_line_done(struct path_line *line)
{
    free(line->mount_point);
    free(line->base);
    free(line->name);
    *line = (struct path_line){ 0 };
}

/* No empty, "." or ".." component. */
static bool path_is_plain(const char *path)
{
    for (const char *p = path;; p++) {
        size_t n = (size_t)(strchrnul(p, '/') - p);
        if (n == 0 || n > GROUP_NAME_MAX || (n == 1 && *p == '.') ||
            (n == 2 && memcmp(p, "..", 2) == 0))
            return false;
        p += n;
        if (*p == '\0')
            return true;
    }
}

/* Only to know which files to look for: words that we do not know do no harm. */
static unsigned controllers_parse(const char *text)
{
    return strcmp(text, "-") == 0 ? 0 : options_controllers(text);
}

static int fields_check(char *const field[4], struct path_line *ret)
{
    text_unescape_octal(field[2]);
    text_unescape_octal(field[3]);
    if ((strcmp(field[0], "1") != 0 && strcmp(field[0], "2") != 0) || field[1][0] == '\0')
        return -EINVAL;
    ret->is_parent = strcmp(field[1], "+") == 0;
    ret->is_named = field[1][0] == '=';
    if (ret->is_named && field[1][1] == '\0')
        return -EINVAL;
    ret->controllers = ret->is_parent ? 0 : controllers_parse(field[1] + ret->is_named);
    /* The mount point is a path from the root; the root itself is none. */
    if (field[2][0] != '/' || !path_is_plain(field[2] + 1) || !path_is_plain(field[3]))
        return -EINVAL;
    ret->version = *field[0] - '0';
    if (ret->is_parent) {
        ret->mount_point = strdup(field[2]);
        ret->base = strdup(field[3]);
        return ret->mount_point && ret->base ? 0 : -ENOMEM;
    }
    char *slash = strrchr(field[3], '/');
    const char *name = slash ? slash + 1 : field[3];
    if (!ret->is_named &&
        (!text_starts(name, GROUP_PREFIX) || !group_name_valid(name + strlen(GROUP_PREFIX))))
        return -EINVAL;
    ret->name = strdup(name);
    if (slash)
        *slash = '\0';
    ret->base = strdup(slash ? field[3] : "");
    ret->mount_point = strdup(field[2]);
    return ret->name && ret->base && ret->mount_point ? 0 : -ENOMEM;
}

int path_line_parse(const char *line, size_t len, struct path_line *ret)
{
    _cleanup_free_ char *copy = strndup(line, len);
    char *field[4];
    size_t n = 0;

    *ret = (struct path_line){ 0 };
    if (!copy)
        return -ENOMEM;
    if (strlen(copy) != len)
        return -EINVAL;
    for (char *p = copy; p; n++) {
        if (n == ARRAY_SIZE(field))
            return -EINVAL;
        field[n] = p;
        p = strchr(p, ' ');
        if (p)
            *p++ = '\0';
    }
    if (n != ARRAY_SIZE(field))
        return -EINVAL;
    int r = fields_check(field, ret);
    if (r < 0)
        path_line_done(ret);
    return r;
}

/* What stands at the mount point must still be a cgroup file system of that version. */
int mount_check(int fd, int version)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return -errno;
    return fs.f_type == (version == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC) ? 0
                                                                                  : -EMEDIUMTYPE;
}

static int part_open_dirs(struct part *part)
{
    uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    uint64_t flags = O_DIRECTORY | O_CLOEXEC;

    part->base_fd = *part->base ? sys_openat2(part->root_fd, part->base, flags | O_PATH, 0, beneath)
                                : part->root_fd;
    if (part->base_fd < 0)
        return part->base_fd;
    part->fd = sys_openat2(part->base_fd, part->name, flags | O_RDONLY, 0, beneath);
    return part->fd < 0 ? part->fd : 0;
}

/* Whoever made it there since, it is not the group that we made. */
static int part_check_mark(struct part *part, bool is_named)
{
    int r = group_mark_read(part->fd, &part->mirrored);

    return is_named && r < 0 ? -ENOENT : 0;
}

int part_open(struct part *ret, struct path_line *line, int root_fd, struct err *err)
{
    struct part part = {
        .version = line->version,
        .controllers = line->controllers,
        .mount_point = TAKE_PTR(line->mount_point),
        .base = TAKE_PTR(line->base),
        .name = TAKE_PTR(line->name),
        .root_fd = -1,
        .base_fd = -1,
        .fd = -1,
        .inner_fd = -1,
        .owns_fds = true,
    };
    int r = part.root_fd = root_open(root_fd, part.mount_point, O_PATH | O_DIRECTORY);

    if (r >= 0)
        r = mount_check(part.root_fd, part.version);
    if (r < 0) {
        r = err_set(err, r == -ENOENT ? ENODEV : -r,
                    "the hierarchy that was mounted at %s is not there any more: %s",
                    part.mount_point, err_name(-r));
    } else {
        r = part_open_dirs(&part);
        if (r == 0)
            r = part_check_mark(&part, line->is_named);
        if (r == -ENOENT) {
            /* Somebody else's, or ours and not marked yet: then nobody is in it, and it goes. */
            if (part.fd >= 0)
                unlinkat(part.base_fd, part.name, AT_REMOVEDIR);
            /* Gone, or never made; what was done to the groups above it may be left. */
            if (part.version == 2)
                delegate_restore_all(part.root_fd, part.base);
            base_unmake(part.root_fd, part.base);
        }
        if (r < 0 && r != -ENOENT)
            r = err_set(err, -r, "cannot open the group %s/%s/%s: %m", part.mount_point, part.base,
                        part.name);
    }
    if (r < 0)
        part_close(&part);
    else
        *ret = part;
    return r;
}
