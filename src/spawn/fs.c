/* New instances of file systems, not attached anywhere. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define OPTION_MAX 256 /* fsconfig(2): a longer string is EINVAL */

/* One "key=value" or "flag". */
static int option_apply(int fs_fd, const char *option, size_t length)
{
    char text[OPTION_MAX];
    char *value;

    if (length >= sizeof(text))
        return -EINVAL;
    memcpy(text, option, length);
    text[length] = '\0';
    value = strchr(text, '=');
    if (!value)
        return sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, text, NULL, 0);
    *value++ = '\0';
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, text, value, 0);
}

static int options_apply(int fs_fd, const char *data)
{
    while (data && *data) {
        size_t length = strcspn(data, ",");
        int r = length > 0 ? option_apply(fs_fd, data, length) : 0;

        if (r < 0)
            return r;
        data += length;
        data += *data == ',';
    }
    return 0;
}

/* The kernel's own words for what it did not like: "e tmpfs: Bad value for 'size'". */
static void kernel_words(int fs_fd, char *ret, size_t size)
{
    ssize_t n = read(fs_fd, ret, size - 1);

    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
}

static int fs_failed(const char *fstype, int fs_fd, int code, struct err *err)
{
    char words[160];

    kernel_words(fs_fd, words, sizeof(words));
    if (code == EPERM && strcmp(fstype, "proc") == 0)
        return err_refuse(
            err, code,
            "cannot make a /proc of the run's own: parts of the /proc here are hidden by "
            "mounts, as in a container, or its process numbers are the host's "
            "(--pid host without root)");
    if (code == EPERM && strcmp(fstype, "sysfs") == 0)
        return err_refuse(
            err, code,
            "cannot make a /sys of the run's own: the network is not its own (--network "
            "host without root) or parts of the /sys here are hidden by mounts");
    return err_set(err, code, "cannot make a new %s: %s%s%s", fstype, err_name(code),
                   words[0] ? ": " : "", words[0] ? words + 2 * (words[1] == ' ') : "");
}

int fs_make(const char *fstype, const char *source, const char *data, uint64_t attr,
            struct err *err)
{
    /* Left open: all of the box's fds are closed at once, and these are few. */
    int fs_fd = sys_fsopen(fstype, FSOPEN_CLOEXEC);
    int r;

    if (fs_fd == -ENODEV)
        return err_refuse(err, ENODEV, "cannot make a new %s: this kernel has no such file system",
                          fstype);
    r = fs_fd < 0 ? fs_fd : options_apply(fs_fd, data);
    if (r >= 0 && source)
        r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source, 0);
    if (r >= 0)
        r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r >= 0)
        r = sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attr);
    return r < 0 ? fs_failed(fstype, fs_fd, -r, err) : r;
}

/* ---- options as text ------------------------------------------------------------------------------------- */

/* What a file system is told by flags of mount(2), and does not take as text; 0: how it is anyway. */
static const struct {
    const char *word;
    unsigned long flag;
} flag_table[] = {
    { "sync", MS_SYNCHRONOUS },
    { "async", 0 },
    { "dirsync", MS_DIRSYNC },
    { "lazytime", MS_LAZYTIME },
    { "nolazytime", 0 },
    { "mand", MS_MANDLOCK },
    { "nomand", 0 },
    { "iversion", MS_I_VERSION },
    { "noiversion", 0 },
    { "silent", MS_SILENT },
    { "loud", 0 },
};

static bool flag_find(const char *word, size_t length, unsigned long *ret_flags)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
        if (strlen(flag_table[i].word) != length || memcmp(flag_table[i].word, word, length) != 0)
            continue;
        *ret_flags |= flag_table[i].flag;
        return true;
    }
    return false;
}

int data_split(const char *data, char *ret_rest, size_t size, unsigned long *ret_flags)
{
    size_t used = 0;

    ret_rest[0] = '\0';
    while (data && *data) {
        size_t length = strcspn(data, ",");

        if (length > 0 && !flag_find(data, length, ret_flags)) {
            if (used + length + 2 > size)
                return -E2BIG;
            if (used > 0)
                ret_rest[used++] = ',';
            memcpy(ret_rest + used, data, length);
            used += length;
            ret_rest[used] = '\0';
        }
        data += length;
        data += *data == ',';
    }
    return 0;
}
