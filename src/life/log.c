/*
 * The log of a container: JSON lines as docker's json-file has them, in files of bounded size. A line of
 * output that is longer than the buffer is several entries, of which only the last ends with a newline.
 * Bytes that are no UTF-8 are written as \udc80 to \udcff, lone surrogates, so that none is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"

/* ---- entries: pure ---------------------------------------------------------------------------------------- */

void time_format(uint64_t time_ns, char ret[static TIME_SIZE])
{
    time_t seconds = (time_t)(time_ns / 1000000000u);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    size_t n = strftime(ret, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + n, TIME_SIZE - n, ".%09uZ", (unsigned)(time_ns % 1000000000u));
}

bool time_parse(const char *text, uint64_t *ret_ns)
{
    struct tm tm = { 0 };
    unsigned ns = 0, digits = 0;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end)
        return false;
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9' && digits < 9; end++, digits++)
            ns = ns * 10 + (unsigned)(*end - '0');
        for (; digits < 9; digits++)
            ns *= 10;
    }
    *ret_ns = (uint64_t)timegm(&tm) * 1000000000u + ns;
    return strcmp(end, "Z") == 0;
}

/* The length of a well-formed character of UTF-8 (RFC 3629) of several bytes, or 0. */
static size_t utf8_length(const unsigned char *c, size_t len)
{
    size_t more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : 1;
    unsigned low = 0x80, high = 0xbf;

    if (*c < 0xc2 || *c > 0xf4 || more >= len)
        return 0;
    if (*c == 0xe0)
        low = 0xa0;
    else if (*c == 0xed)
        high = 0x9f;
    else if (*c == 0xf0)
        low = 0x90;
    else if (*c == 0xf4)
        high = 0x8f;
    if (c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i <= more; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    return more + 1;
}

/* One character; gives how many bytes of it there were. */
static size_t character_format(struct buf *ret, const unsigned char *c, size_t len)
{
    static const char short_table[] = "\"\"\\\\\nn\rr\tt\bb\ff";

    for (size_t i = 0; i + 1 < sizeof(short_table); i += 2) {
        if (*c == (unsigned char)short_table[i]) {
            buf_putc(ret, '\\');
            buf_putc(ret, short_table[i + 1]);
            return 1;
        }
    }
    size_t n = *c < 0x80 ? 1 : utf8_length(c, len);
    if (*c < 0x20 || *c == 0x7f)
        buf_printf(ret, "\\u%04x", *c);
    else if (n == 0)
        buf_printf(ret, "\\udc%02x", *c);
    else
        buf_add(ret, c, n);
    return n ? n : 1;
}

void log_entry_format(struct buf *ret, unsigned stream, uint64_t time_ns, const char *data,
                      size_t len)
{
    char time[TIME_SIZE];

    buf_puts(ret, "{\"log\":\"");
    for (size_t i = 0; i < len;) {
        size_t plain = i;
        while (plain < len && data[plain] >= 0x20 && data[plain] != '"' && data[plain] != '\\' &&
               data[plain] != 0x7f)
            plain++;
        buf_add(ret, data + i, plain - i);
        i = plain;
        if (i < len)
            i += character_format(ret, (const unsigned char *)data + i, len - i);
    }
    time_format(time_ns, time);
    buf_printf(ret, "\",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream ? "stderr" : "stdout", time);
}

/* The character of \uXXXX at text, into to; gives its bytes, 0 when it is none. */
static size_t unicode_decode(const char *text, char *to)
{
    char digits[5];
    unsigned value;

    snprintf(digits, sizeof(digits), "%.4s", text);
    if (strlen(digits) != 4 || strspn(digits, "0123456789abcdefABCDEF") != 4)
        return 0;
    value = (unsigned)strtoul(digits, NULL, 16);
    if (value < 0x80 || (value >= 0xdc80 && value <= 0xdcff)) {
        to[0] = (char)(value & 0xff);
        return 1;
    }
    return 0; /* we write all others as they are */
}

/* In place, up to the closing quote; gives what follows it, or NULL. */
static char *string_decode(char *text, size_t *ret_length)
{
    static const char short_table[] = "\"\"\\\\n\nr\rt\tb\bf\f";
    char *to = text;

    for (char *from = text; *from; from++) {
        if (*from == '"') {
            *ret_length = (size_t)(to - text);
            *to = '\0';
            return from + 1;
        }
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        from++;
        if (*from == 'u') {
            if (unicode_decode(from + 1, to) == 0)
                return NULL;
            to++;
            from += 4;
            continue;
        }
        const char *found = NULL;
        for (size_t i = 0; *from && !found && i + 1 < sizeof(short_table); i += 2)
            found = short_table[i] == *from ? &short_table[i + 1] : NULL;
        if (!found)
            return NULL;
        *to++ = *found;
    }
    return NULL;
}

bool log_entry_parse(char *line, size_t len, char **ret_text, size_t *ret_length,
                     unsigned *ret_stream, uint64_t *ret_time_ns)
{
    static const char first[] = "{\"log\":\"", out[] = ",\"stream\":\"stdout\",\"time\":\"",
                      err[] = ",\"stream\":\"stderr\",\"time\":\"";
    char time[TIME_SIZE];

    if (len == 0 || line[len - 1] != '}' || !text_starts(line, first))
        return false;
    *ret_text = line + strlen(first);
    char *rest = string_decode(*ret_text, ret_length);
    if (!rest)
        return false;
    *ret_stream = text_starts(rest, err);
    if (!*ret_stream && !text_starts(rest, out))
        return false;
    rest += strlen(out);
    size_t n = strcspn(rest, "\"");
    if (n >= sizeof(time) || strcmp(rest + n, "\"}") != 0)
        return false;
    snprintf(time, sizeof(time), "%.*s", (int)n, rest);
    return time_parse(time, ret_time_ns);
}

/* ---- the file --------------------------------------------------------------------------------------------- */

void log_init(struct log *log, int dir_fd, const struct log_bounds *bounds)
{
    *log = (struct log){ .dir_fd = dir_fd, .fd = -1, .bounds = *bounds };
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whoever wrote it last may have been killed within a line. */
static void log_heal(const struct log *log)
{
    char last = '\n';

    if (log->bytes > 0 && pread(log->fd, &last, 1, (off_t)log->bytes - 1) == 1 && last != '\n')
        fd_write_all(log->fd, "\n", 1);
}

static int log_open(struct log *log)
{
    struct stat st;

    if (log->fd >= 0)
        return 0;
    log->fd =
        openat(log->dir_fd, "log", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log->fd < 0 || fstat(log->fd, &st) < 0)
        return -errno;
    log->bytes = (uint64_t)st.st_size;
    log_heal(log);
    return 0;
}

/* log becomes log.1, log.1 log.2 ...; the oldest goes. */
static int log_rotate(struct log *log)
{
    char older[24], newer[24];

    log->fd = fd_close(log->fd);
    for (unsigned i = log->bounds.max_files; i-- > 0;) {
        snprintf(older, sizeof(older), "log.%u", i + 1);
        if (i > 0)
            snprintf(newer, sizeof(newer), "log.%u", i);
        else
            snprintf(newer, sizeof(newer), "log");
        if (i + 1 >= log->bounds.max_files)
            unlinkat(log->dir_fd, newer, 0);
        else
            renameat(log->dir_fd, newer, log->dir_fd, older);
    }
    return log_open(log);
}

static void log_put(struct log *log, unsigned stream, const char *data, size_t len)
{
    _cleanup_buf_ struct buf line = BUF_INIT;
    int r;

    log_entry_format(&line, stream, now_ns(), data, len);
    r = buf_error(&line);
    if (r >= 0)
        r = log_open(log);
    if (r >= 0 && log->bytes > 0 && log->bounds.max_bytes - log->bytes < line.len)
        r = log_rotate(log);
    if (r >= 0)
        r = fd_write_all(log->fd, line.data, line.len);
    if (r >= 0)
        log->bytes += line.len;
    else
        log->lost += len;
}

void log_write(struct log *log, unsigned stream, const char *data, size_t len)
{
    while (len > 0) {
        struct log_stream *held = log->streams[stream];
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) + 1 : len;

        /* Whole lines need not be held. */
        if (newline && (!held || held->length == 0) && n <= LOG_LINE_BYTES) {
            log_put(log, stream, data, n);
        } else {
            if (!held)
                held = log->streams[stream] = calloc(1, sizeof(*held));
            if (!held) {
                log->lost += len;
                return;
            }
            size_t room = LOG_LINE_BYTES - held->length;
            n = n < room ? n : room;
            memcpy(held->data + held->length, data, n);
            held->length += n;
            if (held->length == LOG_LINE_BYTES || held->data[held->length - 1] == '\n') {
                log_put(log, stream, held->data, held->length);
                held->length = 0;
            }
        }
        data += n;
        len -= n;
    }
}

void log_finish(struct log *log)
{
    for (unsigned i = 0; i < 2; i++) {
        struct log_stream *held = log->streams[i];
        if (held && held->length > 0)
            log_put(log, i, held->data, held->length);
        free(held);
        log->streams[i] = NULL;
    }
}

void log_done(struct log *log)
{
    log_finish(log);
    log->fd = fd_close(log->fd);
}
