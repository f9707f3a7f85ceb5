/* Reading the machine: files, names and places. Nothing is judged here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "doctor/facts.h"
#include "sys/sys.h"

#define FILE_TEXT_MAX (4u << 20)

static const char *const path_table[FILE_COUNT] = {
    [FILE_CMDLINE] = "/proc/cmdline",
    [FILE_FILESYSTEMS] = "/proc/filesystems",
    [FILE_SWAPS] = "/proc/swaps",
    [FILE_MOUNTS] = "/proc/self/mountinfo",
    [FILE_STATUS] = "/proc/self/status",
    [FILE_LIMITS] = "/proc/self/limits",
    [FILE_PRESSURE] = "/proc/pressure/memory",
    [FILE_FORWARDING] = "/proc/sys/net/ipv4/ip_forward",
    [FILE_MAX_USERNS] = "/proc/sys/user/max_user_namespaces",
    [FILE_USERNS_CLONE] = "/proc/sys/kernel/unprivileged_userns_clone",
    [FILE_USERNS_APPARMOR] = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    [FILE_SECCOMP_ACTIONS] = "/proc/sys/kernel/seccomp/actions_avail",
    [FILE_FIRST_PROCESS] = "/proc/1/comm",
    [FILE_PASSWD] = "/etc/passwd",
    [FILE_SUBUID] = "/etc/subuid",
    [FILE_SUBGID] = "/etc/subgid",
};

int facts_open(int root_fd, const char *path, int flags)
{
    flags |= flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY; /* openat2 is strict about O_PATH */
    if (root_fd >= 0)
        return sys_openat2(root_fd, path, (uint64_t)(unsigned)flags, 0, RESOLVE_IN_ROOT);
    int fd = open(path, flags);
    return fd < 0 ? -errno : fd;
}

const char *facts_text(const struct facts *facts, enum fact_file file)
{
    return facts->file[file].error < 0 ? "" : buf_text(&facts->file[file].text);
}

bool facts_number(const struct facts *facts, enum fact_file file, uint64_t *ret)
{
    const char *text = facts_text(facts, file);
    char digits[24];
    size_t n = strcspn(text, "\n");

    if (n >= sizeof(digits))
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    return number_parse(digits, UINT64_MAX, ret) == 0;
}

bool text_has_word(const char *text, const char *word)
{
    static const char blanks[] = " \t\n,";
    size_t len = strlen(word);

    while (*text) {
        text += strspn(text, blanks);
        size_t n = strcspn(text, blanks);
        if (n == len && memcmp(text, word, len) == 0)
            return true;
        text += n;
    }
    return false;
}

static bool path_exists(int root_fd, const char *path)
{
    _cleanup_close_ int fd = facts_open(root_fd, path, O_PATH);

    return fd >= 0;
}

/* A file that is read once, as the kernel writes it; the size limit is only against mischief. */
static void file_fact_read(int root_fd, enum fact_file file, struct facts *ret)
{
    _cleanup_close_ int fd = facts_open(root_fd, path_table[file], O_RDONLY | O_NONBLOCK);

    ret->file[file].error = fd < 0 ? fd : fd_read_all(fd, FILE_TEXT_MAX, &ret->file[file].text);
}

/* ---- disks ---------------------------------------------------------------------------------------- */

/* Neither a piece of memory nor a file that poses as a disk. */
static bool disk_is_real(const char *name)
{
    static const char *const other_table[] = {
        "loop", "ram", "zram", "nbd", "sr", "fd", "dm-", "md"
    };

    for (size_t i = 0; i < ARRAY_SIZE(other_table); i++) {
        if (text_starts(name, other_table[i]))
            return false;
    }
    return name[0] != '.';
}

static int disks_read(int root_fd, struct buf *ret)
{
    int fd = facts_open(root_fd, "/sys/block", O_RDONLY | O_DIRECTORY);
    const struct dirent *entry;

    if (fd < 0)
        return 0;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        fd_close(fd);
        return -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        char path[PATH_MAX], line[256];
        if (!disk_is_real(entry->d_name))
            continue;
        snprintf(path, sizeof(path), "/sys/block/%s/queue/scheduler", entry->d_name);
        _cleanup_close_ int file = facts_open(root_fd, path, O_RDONLY);
        ssize_t n = file < 0 ? -1 : pread(file, line, sizeof(line) - 1, 0);
        if (n <= 0)
            continue;
        line[n] = '\0';
        buf_printf(ret, "%s %.*s\n", entry->d_name, (int)strcspn(line, "\n"), line);
    }
    closedir(dir);
    return buf_error(ret);
}

/* ---- helpers and modules -------------------------------------------------------------------------- */

/* newuidmap works by the set-user-id bit or by file capabilities. */
static enum helper_state newuidmap_find(int root_fd)
{
    static const char *const place_table[] = { "/usr/bin/newuidmap", "/bin/newuidmap",
                                               "/usr/local/bin/newuidmap" };
    enum helper_state found = HELPER_ABSENT;
    struct stat st;

    for (size_t i = 0; i < ARRAY_SIZE(place_table); i++) {
        _cleanup_close_ int fd = facts_open(root_fd, place_table[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
            continue;
        if ((st.st_mode & S_ISUID) || fgetxattr(fd, "security.capability", NULL, 0) > 0)
            return HELPER_READY;
        found = HELPER_POWERLESS;
    }
    return found;
}

static void release_read(int root_fd, struct facts *ret)
{
    _cleanup_close_ int fd =
        root_fd < 0 ? -1 : facts_open(root_fd, "/proc/sys/kernel/osrelease", O_RDONLY);
    struct utsname name;

    if (root_fd >= 0) {
        ssize_t n = fd < 0 ? 0 : pread(fd, ret->release, sizeof(ret->release) - 1, 0);
        ret->release[n > 0 ? n : 0] = '\0';
        ret->release[strcspn(ret->release, "\n")] = '\0';
    } else if (uname(&name) == 0) {
        snprintf(ret->release, sizeof(ret->release), "%s", name.release);
    }
}

int facts_read(const struct doctor_options *options, int root_fd, struct facts *ret)
{
    char path[160];

    ret->uid = geteuid();
    ret->rootless = options->rootless;
    release_read(root_fd, ret);
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        file_fact_read(root_fd, (enum fact_file)i, ret);
        if (ret->file[i].error == -ENOMEM)
            return -ENOMEM;
    }
    ret->newuidmap = newuidmap_find(root_fd);
    ret->systemd = path_exists(root_fd, "/run/systemd/system");
    snprintf(path, sizeof(path), "/lib/modules/%s/kernel/fs/overlayfs", ret->release);
    ret->overlay_module = path_exists(root_fd, path);
    return disks_read(root_fd, &ret->disks);
}

void facts_done(struct facts *facts)
{
    for (unsigned i = 0; i < FILE_COUNT; i++)
        buf_done(&facts->file[i].text);
    buf_done(&facts->disks);
    free(facts->run_path);
    strv_free(facts->dead);
    for (size_t i = 0; i < facts->n_strays; i++)
        free(facts->strays[i].path);
    free(facts->strays);
}

/* ---- the run directory ---------------------------------------------------------------------------- */

static int record_note(void *data, const char *name, const char *text, bool alive)
{
    struct facts *facts = data;

    (void)text;
    if (alive) {
        facts->live++;
        return 0;
    }
    return strv_push(&facts->dead, name);
}

static void records_reclaim(const struct doctor_options *options, struct state *state,
                            struct facts *facts)
{
    struct err err = ERR_INIT;
    int r = state_reclaim(state, options->reclaim, options->reclaim_data, &facts->reclaimed,
                          &facts->reclaim_failed, &err);

    if (r < 0 || facts->reclaim_failed > 0)
        snprintf(facts->reclaim_sentence, sizeof(facts->reclaim_sentence), "%s", err.text);
}

/* Without making it: state_open() would. */
int run_directory_read(const struct doctor_options *options, struct facts *facts)
{
    _cleanup_(state_closep) struct state *state = NULL;
    struct err err = ERR_INIT;
    struct statvfs space;
    struct stat st;

    facts->run_path = options->state_dir ? strdup(options->state_dir)
                                         : state_default_directory(options->rootless);
    if (!facts->run_path)
        return -ENOMEM;
    facts->run_error = lstat(facts->run_path, &st) < 0 ? -errno : 0;
    if (facts->run_error == -ENOENT)
        return 0;
    if (facts->run_error == 0)
        facts->run_error = state_open(facts->run_path, options->rootless, &state, &err);
    else
        err_set(&err, -facts->run_error, "cannot look at %s: %m", facts->run_path);
    if (facts->run_error < 0) {
        snprintf(facts->run_sentence, sizeof(facts->run_sentence), "%s", err.text);
        return facts->run_error == -ENOMEM ? -ENOMEM : 0;
    }
    /* A file system that counts no files (f_files 0) does not run out of them. */
    if (statvfs(facts->run_path, &space) == 0)
        facts->run_full = space.f_bavail == 0 || (space.f_files > 0 && space.f_favail == 0);
    if (options->fix && options->reclaim)
        records_reclaim(options, state, facts);
    return state_visit(state, record_note, facts, NULL);
}
