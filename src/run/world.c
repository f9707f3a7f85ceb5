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

static void world_sub_ids(const char *path, uid_t uid, struct spec_id_map *ret)
{
    struct id_range range;

    if (user_sub_ids(path, uid, &range))
        *ret = (struct spec_id_map){ .outside = range.first, .count = range.count };
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
    world_sub_ids("/etc/subuid", ret->uid, &ret->subuid);
    world_sub_ids("/etc/subgid", ret->uid, &ret->subgid);
    return 0;
}
