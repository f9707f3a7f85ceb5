/* The machine as the spec room asks for it: our identity, files, devices, names. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run/run.h"
#include "sys/sys.h"

#define FILE_MAX (16u * 1024u * 1024u)

static int world_read_file(void *data, const char *path, char **ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = file_read_regular(AT_FDCWD, path, FILE_MAX, &text);

    (void)data;
    if (r < 0)
        return r;
    if (strlen(buf_text(&text)) != text.len)
        return -EILSEQ; /* a NUL: what follows it would be ignored in silence */
    *ret = buf_take(&text);
    return *ret ? 0 : -ENOMEM;
}

static int world_stat_device(void *data, const char *path, char *ret_type, uint32_t *ret_major,
                             uint32_t *ret_minor, uint32_t *ret_mode)
{
    struct stat st;

    (void)data;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENODEV;
    *ret_type = S_ISCHR(st.st_mode) ? 'c' : 'b';
    *ret_major = major(st.st_rdev);
    *ret_minor = minor(st.st_rdev);
    *ret_mode = st.st_mode & 07777;
    return 0;
}

/* For limits per device: a block device, or the device that a file or directory lies on. */
static int world_limit_device(void *data, const char *path, uint32_t *ret_major,
                              uint32_t *ret_minor)
{
    struct stat st;

    (void)data;
    if (stat(path, &st) < 0)
        return -errno;
    dev_t device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
    if (S_ISCHR(st.st_mode))
        return -ENOTBLK;
    *ret_major = major(device);
    *ret_minor = minor(device);
    return 0;
}

static int world_random_name(void *data, char ret[static 16])
{
    uint8_t bytes[6];

    (void)data;
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return errno ? -errno : -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* Asked for each capability that is named, and the same for as long as the kernel runs. */
static int world_cap_last(void *data)
{
    static atomic_int known = -1;
    int last = atomic_load(&known);

    (void)data;
    if (last < 0) {
        last = sys_cap_last();
        atomic_store(&known, last);
    }
    return last;
}

/* The field of that index in a line of colon-separated ones, if it is there and fits. */
static bool colon_field(const char *line, size_t len, unsigned index, char *ret, size_t size)
{
    const char *end = line + len, *colon;

    for (; index > 0; index--) {
        colon = memchr(line, ':', (size_t)(end - line));
        if (!colon)
            return false;
        line = colon + 1;
    }
    colon = memchr(line, ':', (size_t)(end - line));
    size_t n = (size_t)((colon ? colon : end) - line);
    if (n >= size)
        return false;
    memcpy(ret, line, n);
    ret[n] = '\0';
    return true;
}

/* Our line of /etc/subuid or /etc/subgid, subuid(5): "NAME-OR-UID:FIRST:COUNT". */
static void world_sub_ids(const char *path, uid_t uid, const char *user, struct spec_id_map *ret)
{
    char *text = NULL;
    char number[16];
    const char *cursor, *line;
    size_t len;

    if (world_read_file(NULL, path, &text) < 0)
        return;
    snprintf(number, sizeof(number), "%u", uid);
    cursor = text;
    while (line_next(&cursor, &line, &len)) {
        char owner[64], first[16], count[16];
        uint64_t first_id, n_ids;
        if (colon_field(line, len, 0, owner, sizeof(owner)) &&
            colon_field(line, len, 1, first, sizeof(first)) &&
            colon_field(line, len, 2, count, sizeof(count)) &&
            (strcmp(owner, number) == 0 || (user && strcmp(owner, user) == 0)) &&
            number_parse(first, UINT32_MAX - 1, &first_id) == 0 &&
            number_parse(count, UINT32_MAX - 1, &n_ids) == 0)
            *ret = (struct spec_id_map){ .outside = (uint32_t)first_id, .count = (uint32_t)n_ids };
    }
    free(text);
}

/* Our login name by /etc/passwd, without the name service: a static program has none. */
static char *world_user_name(uid_t uid)
{
    char *text = NULL, *found = NULL;
    const char *cursor, *line;
    size_t len;

    if (world_read_file(NULL, "/etc/passwd", &text) < 0)
        return NULL;
    cursor = text;
    while (!found && line_next(&cursor, &line, &len)) {
        char name[64], id[16];
        uint64_t number;
        if (colon_field(line, len, 0, name, sizeof(name)) &&
            colon_field(line, len, 2, id, sizeof(id)) &&
            number_parse(id, UINT32_MAX - 1, &number) == 0 && number == uid)
            found = strdup(name);
    }
    free(text);
    return found;
}

static bool program_exists(const char *name)
{
    static const char *const directory_table[] = { "/usr/bin", "/bin", "/usr/local/bin" };
    char path[64];

    for (size_t i = 0; i < ARRAY_SIZE(directory_table); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory_table[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

int run_world(bool rootless, struct spec_world *ret, struct err *err)
{
    uint64_t permitted, inheritable;

    *ret = (struct spec_world){
        .uid = geteuid(),
        .gid = getegid(),
        .environ = environ,
        .limit_context = { .device = world_limit_device },
        .read_file = world_read_file,
        .stat_device = world_stat_device,
        .random_name = world_random_name,
        .cap_last = world_cap_last,
    };
    /* Taken for somebody without any, root would get other namespaces than it asked for. */
    int r = sys_capget(&ret->capabilities, &permitted, &inheritable);
    if (r < 0)
        return err_set(err, -r, "cannot read our own capabilities: %s", err_name(-r));
    if (!rootless)
        return 0;
    ret->has_newuidmap = program_exists("newuidmap") && program_exists("newgidmap");
    if (!ret->has_newuidmap)
        return 0;
    char *user = world_user_name(ret->uid);
    world_sub_ids("/etc/subuid", ret->uid, user, &ret->subuid);
    world_sub_ids("/etc/subgid", ret->uid, user, &ret->subgid);
    free(user);
    return 0;
}
