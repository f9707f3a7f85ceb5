/*
 * Resource control groups (Documentation/arch/x86/resctrl.rst; config-linux.md of the OCI runtime specification,
 * "IntelRdt"). A directory of the resctrl file system is a class of service: it says which parts of the caches
 * and how much memory bandwidth its processes have. Beneath "mon_groups" in it are directories that only count.
 *
 * Everything is done relative to the mount, which is looked up in mountinfo and checked for what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

#define DOMAINS_MAX 4096
#define BENEATH     (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* ---- schemata, pure ------------------------------------------------------------------------------------ */

static void lines_add(const char *text, bool but_bandwidth, struct buf *ret)
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len)) {
        if (len == 0 || (but_bandwidth && text_starts(line, "MB:")))
            continue;
        buf_add(ret, line, len);
        buf_putc(ret, '\n');
    }
}

void resctrl_schemata_join(const char *l3, const char *bandwidth, char *const *lines,
                           struct buf *ret)
{
    lines_add(text_or_empty(l3), bandwidth != NULL, ret);
    lines_add(text_or_empty(bandwidth), false, ret);
    for (; lines && *lines; lines++)
        lines_add(*lines, false, ret);
}

/* "L3:0=ff;1=f0", blanks before it: its name and what follows the colon. */
static bool line_split(const char *line, size_t len, const char **ret_name, size_t *ret_name_len,
                       const char **ret_rest, size_t *ret_rest_len)
{
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    const char *colon = memchr(line, ':', len);
    if (!colon)
        return false;
    *ret_name = line;
    *ret_name_len = (size_t)(colon - line);
    *ret_rest = colon + 1;
    *ret_rest_len = len - *ret_name_len - 1;
    return true;
}

/* Cut the next "ID=VALUE" off. */
static bool domain_next(const char **cursor, size_t *len, char *ret_id, char *ret_value,
                        size_t size)
{
    const char *end = *len ? memchr(*cursor, ';', *len) : NULL;
    size_t n = end ? (size_t)(end - *cursor) : *len;
    const char *equals = n ? memchr(*cursor, '=', n) : NULL;

    if (!equals)
        return false;
    snprintf(ret_id, size, "%.*s", (int)(equals - *cursor), *cursor);
    snprintf(ret_value, size, "%.*s", (int)(n - (size_t)(equals - *cursor) - 1), equals + 1);
    *cursor += n + (end != NULL);
    *len -= n + (end != NULL);
    return true;
}

/* The value that a domain has in text; "" when it has none. */
static void domain_find(const char *text, const char *name, size_t name_len, const char *id,
                        char *ret, size_t size)
{
    const char *line, *have, *rest;
    size_t len, have_len, rest_len;
    char other[32];

    while (line_next(&text, &line, &len)) {
        if (!line_split(line, len, &have, &have_len, &rest, &rest_len) || have_len != name_len ||
            memcmp(have, name, name_len) != 0)
            continue;
        while (domain_next(&rest, &rest_len, other, ret, size)) {
            if (strcmp(other, id) == 0)
                return;
        }
    }
    *ret = '\0';
}

/* Masks are hexadecimal; of bandwidth, which is rounded up, the kernel may give a little more. */
static bool value_is(const char *have, const char *wanted, bool bandwidth, unsigned granularity)
{
    char *have_end, *wanted_end;
    int base = bandwidth ? 10 : 16;
    unsigned long long h = strtoull(have, &have_end, base);
    unsigned long long w = strtoull(wanted, &wanted_end, base);

    if (!*have || *have_end || *wanted_end)
        return strcmp(have, wanted) == 0;
    return bandwidth ? h >= w && h - w < (granularity ? granularity : 1) : h == w;
}

bool resctrl_schemata_hold(const char *have, const char *wanted, unsigned granularity)
{
    const char *line, *name, *rest;
    size_t len, name_len, rest_len;
    char id[32], value[32], found[32];

    while (line_next(&wanted, &line, &len)) {
        if (!line_split(line, len, &name, &name_len, &rest, &rest_len))
            return false;
        while (rest_len > 0) {
            if (!domain_next(&rest, &rest_len, id, value, sizeof(id)))
                return false;
            domain_find(have, name, name_len, id, found, sizeof(found));
            if (!value_is(found, value, name_len == 2 && memcmp(name, "MB", 2) == 0, granularity))
                return false;
        }
    }
    return true;
}

/* ---- on record --------------------------------------------------------------------------------------------- */

void resctrl_format(const struct resctrl *resctrl, struct buf *ret)
{
    buf_printf(ret, "%c%c ", resctrl->makes_group ? 'g' : '-', resctrl->makes_monitor ? 'm' : '-');
    octal_escape(resctrl->mount_point, ret);
    buf_putc(ret, ' ');
    octal_escape(resctrl->name, ret);
    buf_putc(ret, ' ');
    octal_escape(resctrl->monitor ? resctrl->monitor : "/", ret);
}

/* One component that is no other directory's. */
static bool name_is_plain(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int resctrl_parse(const char *text, struct resctrl *ret)
{
    _cleanup_free_ char *copy = strdup(text);
    char *field[4], *cursor = copy;
    size_t n = 0;

    if (!copy)
        return -ENOMEM;
    while (n < ARRAY_SIZE(field) && (field[n] = strsep(&cursor, " ")))
        text_unescape_octal(field[n++]);
    if (n != ARRAY_SIZE(field) || cursor || strlen(field[0]) != 2 || *field[1] != '/' ||
        !name_is_plain(field[2]) || (strcmp(field[3], "/") != 0 && !name_is_plain(field[3])))
        return -EINVAL;
    *ret = (struct resctrl){ .makes_group = field[0][0] == 'g',
                             .makes_monitor = field[0][1] == 'm',
                             .mount_point = strdup(field[1]),
                             .name = strdup(field[2]),
                             .monitor = *field[3] == '/' ? NULL : strdup(field[3]) };
    if (ret->mount_point && ret->name && (ret->monitor || *field[3] == '/'))
        return 0;
    resctrl_done(ret);
    return -ENOMEM;
}

void resctrl_done(struct resctrl *resctrl)
{
    free(resctrl->mount_point);
    free(resctrl->name);
    free(resctrl->monitor);
    *resctrl = (struct resctrl){ 0 };
}

/* ---- what there is --------------------------------------------------------------------------------------------- */

static int mount_find(int root_fd, char **ret)
{
    _cleanup_(mount_table_done) struct mount_table table = { 0 };
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = root_read(root_fd, "/proc/self/mountinfo", &text);

    if (r < 0)
        return r;
    r = mountinfo_parse(text.data, &table);
    for (size_t i = 0; r >= 0 && i < table.n; i++) {
        const struct mount_entry *entry = &table.entries[i];
        if (strcmp(entry->type, "resctrl") != 0 || strcmp(entry->root, "/") != 0 ||
            mount_is_hidden(&table, i))
            continue;
        *ret = strdup(entry->point);
        return *ret ? 0 : -ENOMEM;
    }
    return r < 0 ? r : -ENOENT;
}

static int group_dir_open(const struct resctrl *resctrl, int root_fd)
{
    _cleanup_close_ int mount_fd = root_open(root_fd, resctrl->mount_point, O_PATH | O_DIRECTORY);

    return mount_fd < 0 ? mount_fd
                        : sys_openat2(mount_fd, resctrl->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                      0, BENEATH);
}

/* How far the kernel rounds bandwidth up; 1 when it does not say. */
static unsigned granularity_read(const struct resctrl *resctrl, int root_fd)
{
    _cleanup_close_ int fd = root_open(root_fd, resctrl->mount_point, O_PATH | O_DIRECTORY);
    char line[24];
    uint64_t number;

    if (fd < 0 || file_read_line(fd, "info/MB/bandwidth_gran", line, sizeof(line)) < 0 ||
        number_parse(line, 1000000, &number) < 0)
        return 1;
    return (unsigned)number;
}

/* What the kernel says of the last write that it refused: "", or ": " and its words. */
static void status_read(const struct resctrl *resctrl, int root_fd, char *ret, size_t size)
{
    _cleanup_close_ int fd = root_open(root_fd, resctrl->mount_point, O_PATH | O_DIRECTORY);
    char line[120];

    *ret = '\0';
    if (fd >= 0 && file_read_line(fd, "info/last_cmd_status", line, sizeof(line)) > 0 &&
        strcmp(line, "ok") != 0)
        snprintf(ret, size, " (%s)", line);
}

static int schemata_check(const struct resctrl *resctrl, int fd, int root_fd, const char *wanted,
                          const char *what, struct err *err)
{
    _cleanup_buf_ struct buf have = BUF_INIT;
    int r = file_read(fd, "schemata", DOMAINS_MAX, &have);

    if (r < 0)
        return err_refuse(err, -r, "linux.intelRdt: cannot read %s/%s/schemata: %s",
                          resctrl->mount_point, resctrl->name, err_name(-r));
    if (resctrl_schemata_hold(buf_text(&have), wanted, granularity_read(resctrl, root_fd)))
        return 0;
    return err_refuse(err, EEXIST,
                      "linux.intelRdt: %s/%s/schemata %s what the document asks for: "
                      "%.120s",
                      resctrl->mount_point, resctrl->name, what, buf_text(&have));
}

int resctrl_plan(int root_fd, const struct resctrl_wanted *wanted, struct resctrl *ret,
                 struct err *err)
{
    struct resctrl resctrl = { 0 };
    int r = mount_find(root_fd, &resctrl.mount_point);

    if (r == -ENOENT)
        return err_refuse(err, EOPNOTSUPP,
                          "linux.intelRdt: no resctrl file system is mounted; where the processor "
                          "has resource control: mount -t resctrl resctrl /sys/fs/resctrl");
    if (r >= 0 && (text_replace(&resctrl.name, wanted->name) < 0 ||
                   text_replace(&resctrl.monitor, wanted->monitor) < 0))
        r = -ENOMEM;
    if (r < 0) {
        resctrl_done(&resctrl);
        return err_set(err, -r, "linux.intelRdt: cannot look for resctrl: %s", err_name(-r));
    }
    _cleanup_close_ int fd = group_dir_open(&resctrl, root_fd);
    resctrl.makes_group = fd == -ENOENT;
    resctrl.makes_monitor = wanted->monitor != NULL;
    if (fd >= 0 && !wanted->given)
        r = err_refuse(err, EEXIST, "linux.intelRdt: %s/%s exists already", resctrl.mount_point,
                       resctrl.name);
    else if (fd >= 0 && *wanted->schemata)
        r = schemata_check(&resctrl, fd, root_fd, wanted->schemata, "exists and is not", err);
    else if (fd < 0 && fd != -ENOENT)
        r = err_refuse(err, -fd, "linux.intelRdt: cannot open %s/%s: %s", resctrl.mount_point,
                       resctrl.name, err_name(-fd));
    else if (fd < 0 && wanted->given && !*wanted->schemata)
        r = err_refuse(err, ENOENT,
                       "linux.intelRdt.closID: %s/%s does not exist, and no schema says how to "
                       "make it",
                       resctrl.mount_point, resctrl.name);
    if (r < 0)
        resctrl_done(&resctrl);
    else
        *ret = resctrl;
    return r;
}

/* ---- making, joining, removing ------------------------------------------------------------------------------------ */

static int schemata_write(const struct resctrl *resctrl, int fd, int root_fd, const char *schemata,
                          struct err *err)
{
    char why[140];
    int r = file_write(fd, "schemata", schemata);

    if (r >= 0)
        return schemata_check(resctrl, fd, root_fd, schemata, "was written and is not", err);
    status_read(resctrl, root_fd, why, sizeof(why));
    return err_refuse(err, -r, "linux.intelRdt: cannot write %s/%s/schemata: %s%s",
                      resctrl->mount_point, resctrl->name, err_name(-r), why);
}

int resctrl_make(int root_fd, const struct resctrl *resctrl, const char *schemata, struct err *err)
{
    _cleanup_close_ int mount_fd = root_open(root_fd, resctrl->mount_point, O_PATH | O_DIRECTORY);
    _cleanup_close_ int fd = -1;
    char path[300];

    if (mount_fd < 0)
        return err_set(err, -mount_fd, "linux.intelRdt: cannot open %s: %s", resctrl->mount_point,
                       err_name(-mount_fd));
    if (resctrl->makes_group && mkdirat(mount_fd, resctrl->name, 0755) < 0)
        return err_refuse(err, errno,
                          errno == ENOSPC ? "linux.intelRdt: cannot make %s/%s: the processor has "
                                            "no further class of service"
                                          : "linux.intelRdt: cannot make %s/%s: %m",
                          resctrl->mount_point, resctrl->name);
    fd = group_dir_open(resctrl, root_fd);
    if (fd < 0)
        return err_set(err, -fd, "linux.intelRdt: cannot open %s/%s: %s", resctrl->mount_point,
                       resctrl->name, err_name(-fd));
    if (resctrl->makes_group && *schemata) {
        int r = schemata_write(resctrl, fd, root_fd, schemata, err);
        if (r < 0)
            return r;
    }
    snprintf(path, sizeof(path), "mon_groups/%s", text_or_empty(resctrl->monitor));
    if (resctrl->makes_monitor && mkdirat(fd, path, 0755) < 0)
        return err_refuse(err, errno, "linux.intelRdt: cannot make %s/%s/%s: %m",
                          resctrl->mount_point, resctrl->name, path);
    return 0;
}

int resctrl_join(int root_fd, const struct resctrl *resctrl, pid_t pid, struct err *err)
{
    _cleanup_close_ int fd = group_dir_open(resctrl, root_fd);
    char path[320], text[16];
    int r = fd < 0 ? fd : 0;

    snprintf(text, sizeof(text), "%d\n", (int)pid);
    if (r >= 0)
        r = file_write(fd, "tasks", text);
    snprintf(path, sizeof(path), "mon_groups/%s/tasks", text_or_empty(resctrl->monitor));
    if (r >= 0 && resctrl->monitor)
        r = file_write(fd, path, text);
    return r < 0 ? err_refuse(err, -r, "linux.intelRdt: cannot put process %d into %s/%s: %s",
                              (int)pid, resctrl->mount_point, resctrl->name, err_name(-r))
                 : 0;
}

/* Its processes, if there are any left, fall back to the class above. */
int resctrl_remove(int root_fd, const struct resctrl *resctrl)
{
    _cleanup_close_ int mount_fd = root_open(root_fd, resctrl->mount_point, O_PATH | O_DIRECTORY);
    char path[300];
    int r = 0;

    if (mount_fd < 0)
        return mount_fd == -ENOENT ? 0 : mount_fd;
    if (resctrl->makes_monitor) {
        _cleanup_close_ int fd = group_dir_open(resctrl, root_fd);
        snprintf(path, sizeof(path), "mon_groups/%s", resctrl->monitor);
        if (fd >= 0 && unlinkat(fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
            r = -errno;
    }
    if (resctrl->makes_group && unlinkat(mount_fd, resctrl->name, AT_REMOVEDIR) < 0 &&
        errno != ENOENT)
        r = -errno;
    return r;
}
