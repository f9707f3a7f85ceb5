/*
 * Programs kept in a directory: one file per policy, named by a hash of its text and holding the text, which
 * is what counts. A file that is broken, foreign or of another version is made anew.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "seccomp/seccomp_private.h"

#define NAME_SIZE 17 /* 16 hexadecimal digits */
#define TEXT_MAX  (16u << 20)

struct header {
    char magic[32];   /* who made it, and which version of the maker */
    uint32_t arch;    /* the machine's own */
    uint32_t library; /* version of libseccomp: it knows the numbers */
    uint64_t sum;     /* over the program */
    uint32_t text_len, n;
};

/* FNV-1a. */
static uint64_t hash(const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
    return value;
}

static void header_make(struct header *ret)
{
    const struct scmp_version *version = seccomp_version();

    *ret = (struct header){ .magic = "ration seccomp 1 " RATION_VERSION,
                            .arch = seccomp_arch_native() };
    ret->library = version ? version->major << 16 | version->minor << 8 | version->micro : 0;
}

static void name_make(const char *text, char ret[static NAME_SIZE])
{
    snprintf(ret, NAME_SIZE, "%016llx", (unsigned long long)hash(text, strlen(text)));
}

/* ---- finding ----------------------------------------------------------------------------------------- */

/* Only a file that nobody but we can have written. */
static int cache_open(int dir_fd, const char *name, size_t *ret_size)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0 ||
        st.st_size < (off_t)sizeof(struct header) ||
        st.st_size >
            (off_t)(sizeof(struct header) + TEXT_MAX + BPF_MAXINSNS * sizeof(struct sock_filter)))
        return -1;
    *ret_size = (size_t)st.st_size;
    return TAKE_FD(fd);
}

/* Is all of data what this version would have written for text? */
static bool content_fits(const char *data, size_t size, const char *text)
{
    struct header have, want;
    size_t len = strlen(text), bytes;

    header_make(&want);
    memcpy(&have, data, sizeof(have));
    if (memcmp(have.magic, want.magic, sizeof(want.magic)) != 0 || have.arch != want.arch ||
        have.library != want.library || have.text_len != len || have.n == 0 ||
        have.n > BPF_MAXINSNS)
        return false;
    bytes = have.n * sizeof(struct sock_filter);
    return size == sizeof(have) + len + bytes && memcmp(data + sizeof(have), text, len) == 0 &&
           hash(data + sizeof(have) + len, bytes) == have.sum;
}

bool seccomp_cache_get(int dir_fd, const char *text, struct sock_filter **ret, size_t *ret_n)
{
    char name[NAME_SIZE];
    size_t size = 0, len = strlen(text);

    name_make(text, name);
    _cleanup_close_ int fd = cache_open(dir_fd, name, &size);
    if (fd < 0)
        return false;
    _cleanup_free_ char *data = malloc(size);
    if (!data || pread(fd, data, size, 0) != (ssize_t)size || !content_fits(data, size, text))
        return false;
    size_t bytes = size - sizeof(struct header) - len;
    struct sock_filter *program = malloc(bytes);
    if (!program)
        return false;
    memcpy(program, data + sizeof(struct header) + len, bytes);
    *ret = program;
    *ret_n = bytes / sizeof(*program);
    return true;
}

/* ---- keeping ----------------------------------------------------------------------------------------- */

static bool name_is_ours(const char *name)
{
    return strlen(name) == NAME_SIZE - 1 && strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

/* How many files are kept, and which of them is the oldest. */
static size_t cache_count(DIR *dir, char ret_oldest[static NAME_SIZE])
{
    struct timespec oldest = { 0 };
    struct dirent *entry;
    struct stat st;
    size_t n = 0;

    rewinddir(dir);
    while ((entry = readdir(dir))) {
        if (!name_is_ours(entry->d_name) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (n++ == 0 || st.st_mtim.tv_sec < oldest.tv_sec ||
            (st.st_mtim.tv_sec == oldest.tv_sec && st.st_mtim.tv_nsec < oldest.tv_nsec)) {
            oldest = st.st_mtim;
            memcpy(ret_oldest, entry->d_name, NAME_SIZE);
        }
    }
    return n;
}

static void cache_bound(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    char oldest[NAME_SIZE] = "";

    if (!dir) {
        fd_close(fd);
        return;
    }
    while (cache_count(dir, oldest) > SECCOMP_CACHE_FILES) {
        if (unlinkat(dir_fd, oldest, 0) < 0)
            break;
    }
    closedir(dir);
}

static int cache_link(int fd, int dir_fd, const char *name)
{
    char self[32];

    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW);
}

/*
 * Written without a name first, so that a killed call leaves nothing and nobody reads half a file. File
 * systems that cannot do that keep no programs.
 */
void seccomp_cache_put(int dir_fd, const char *text, const struct sock_filter *program, size_t n)
{
    size_t len = strlen(text), bytes = n * sizeof(*program);
    char name[NAME_SIZE];
    struct header header;

    if (len > TEXT_MAX || n > BPF_MAXINSNS)
        return;
    header_make(&header);
    header.text_len = (uint32_t)len;
    header.n = (uint32_t)n;
    header.sum = hash(program, bytes);
    name_make(text, name);
    _cleanup_close_ int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    struct iovec parts[] = {
        { .iov_base = &header, .iov_len = sizeof(header) },
        { .iov_base = (void *)(uintptr_t)text, .iov_len = len },
        { .iov_base = (void *)(uintptr_t)program, .iov_len = bytes },
    };
    if (fd < 0 || writev(fd, parts, ARRAY_SIZE(parts)) != (ssize_t)(sizeof(header) + len + bytes))
        return;
    if (cache_link(fd, dir_fd, name) < 0) {
        /* What stands there was not good enough a moment ago. */
        if (errno != EEXIST || unlinkat(dir_fd, name, 0) < 0 || cache_link(fd, dir_fd, name) < 0)
            return;
    }
    cache_bound(dir_fd);
}
