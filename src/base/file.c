/* File descriptors, whole files, keyed text and clocks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

int fd_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

void fd_closep(int *fd)
{
    *fd = fd_close(*fd);
}

int fd_read_all(int fd, size_t max, struct buf *ret)
{
    size_t wanted = 4096; /* most are shorter; longer ones take fewer calls */

    buf_reset(ret);
    for (;; wanted = 16384) {
        char *room = buf_room(ret, wanted);
        if (!room)
            return -ENOMEM;
        ssize_t n = pread(fd, room, wanted, (off_t)ret->len);
        buf_add_length(ret, n > 0 ? (size_t)n : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        if (ret->len > max)
            return -EFBIG;
    }
}

int file_read(int dir_fd, const char *name, size_t max, struct buf *ret)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    return fd_read_all(fd, max, ret);
}

int file_read_regular(int dir_fd, const char *name, size_t max, struct buf *ret)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) ? fd_read_all(fd, max, ret) : -EINVAL;
}

ssize_t file_read_line(int dir_fd, const char *name, char *ret, size_t size)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char next;
    ssize_t n;

    if (fd < 0)
        return -errno;
    do
        n = read(fd, ret, size - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    /* Cut text would be a wrong value; only a newline may be left over. */
    if ((size_t)n == size - 1 && read(fd, &next, 1) == 1 && next != '\n')
        return -EFBIG;
    while (n > 0 && ret[n - 1] == '\n')
        n--;
    ret[n] = '\0';
    return n;
}

int file_write(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t len = strlen(text);
    ssize_t n;

    if (fd < 0)
        return -errno;
    do
        n = write(fd, text, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

int fd_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

bool line_next(const char **cursor, const char **ret_line, size_t *ret_len)
{
    const char *line = *cursor;

    if (!line || *line == '\0')
        return false;
    const char *end = strchrnul(line, '\n');
    *ret_line = line;
    *ret_len = (size_t)(end - line);
    *cursor = *end ? end + 1 : end;
    return true;
}

void line_escape(const char *text, struct buf *ret)
{
    while (*text) {
        size_t plain = strcspn(text, "\\\n");
        buf_add(ret, text, plain);
        text += plain;
        if (*text)
            buf_puts(ret, *text++ == '\n' ? "\\n" : "\\\\");
    }
}

void line_unescape(char *text)
{
    /* Seldom is there anything to do, and a document is a long line. */
    char *to = text = strchrnul(text, '\\');

    for (; *text; text++) {
        if (*text == '\\' && text[1]) {
            text++;
            *to++ = *text == 'n' ? '\n' : *text;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

bool keyed_find_u64(const char *text, const char *key, uint64_t *ret)
{
    size_t key_len = strlen(key), len;
    const char *line;

    while (line_next(&text, &line, &len)) {
        if (len <= key_len || memcmp(line, key, key_len) != 0)
            continue;
        const char *p = line + key_len;
        if (*p != ' ' && *p != '\t' && *p != ':' && *p != '=')
            continue;
        while (*p == ' ' || *p == '\t' || *p == ':' || *p == '=')
            p++;
        char digits[24];
        size_t n = 0;
        while (p + n < line + len && p[n] >= '0' && p[n] <= '9' && n < sizeof(digits) - 1) {
            digits[n] = p[n];
            n++;
        }
        digits[n] = '\0';
        return number_parse(digits, UINT64_MAX, ret) == 0;
    }
    return false;
}

uint64_t clock_us(int clock_id)
{
    struct timespec ts;

    clock_gettime(clock_id, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

int directory_make_all(const char *path, mode_t mode)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    if (mkdir(copy, mode) == 0 || errno == EEXIST)
        return 0;
    for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        /* One that is there may be in a place where nothing can be made. */
        if (mkdir(copy, mode) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return -errno;
        *slash = '/';
    }
    return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}
