/*
 * What the program says: an error once on stderr, in words for people, and once more in the log that the
 * client named, where containerd and podman look for it ({"level","msg","time"}, as runc writes it).
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ocicli/ocicli.h"

/* ---- where to -------------------------------------------------------------------------------------- */

/* A descriptor by its name in /dev: it need not be one that can be opened again (a socket). */
static bool descriptor_of_path(const char *path, int *ret)
{
    static const struct {
        const char *prefix;
        int fd; /* -1: a number follows */
    } prefix_table[] = {
        { "/dev/stdin", 0 }, { "/dev/stdout", 1 },     { "/dev/stderr", 2 },
        { "/dev/fd/", -1 },  { "/proc/self/fd/", -1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(prefix_table); i++) {
        size_t len = strlen(prefix_table[i].prefix);
        uint64_t number;
        if (strncmp(path, prefix_table[i].prefix, len) != 0)
            continue;
        if (prefix_table[i].fd >= 0 && path[len] == '\0') {
            *ret = prefix_table[i].fd;
            return true;
        }
        if (prefix_table[i].fd < 0 && number_parse(path + len, INT32_MAX, &number) == 0) {
            *ret = (int)number;
            return true;
        }
    }
    return false;
}

int log_open(struct session *session, struct err *err)
{
    int fd;

    session->log_fd = -1;
    if (!session->log || session->log[0] == '\0')
        return 0;
    if (!descriptor_of_path(session->log, &fd)) {
        /* A FIFO that nobody reads is an error rather than a wait without end. */
        fd = open(session->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                  0644);
    } else if (fd == STDERR_FILENO) {
        return 0;
    } else {
        fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    if (fd < 0)
        return err_set(err, errno, "cannot open the log %.300s: %s", session->log, err_name(errno));
    session->log_fd = fd;
    return 0;
}

/* ---- how it looks --------------------------------------------------------------------------------------- */

static bool is_json(const struct session *session)
{
    return session->log_format && strcmp(session->log_format, "json") == 0;
}

/* One line, whatever is in it: a name or path may hold anything. */
static void clean(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

/* The text in quotes as JSON has it, which logfmt reads as well. */
static void add_quoted(struct buf *line, char *text)
{
    json_t *string = json_string(text);

    if (!string) {
        /* Not UTF-8. */
        for (char *c = text; *c; c++) {
            if ((unsigned char)*c >= 0x80)
                *c = '?';
        }
        string = json_string(text);
    }
    _cleanup_free_ char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    buf_puts(line, quoted ? quoted : "\"\"");
    json_decref(string);
}

static void format_line(bool json, const char *level, char *text, struct buf *line)
{
    _cleanup_buf_ struct buf now = BUF_INIT;

    oci_write_time(clock_us(CLOCK_REALTIME), &now);
    if (json) {
        buf_printf(line, "{\"level\":\"%s\",\"msg\":", level);
        add_quoted(line, text);
        buf_printf(line, ",\"time\":\"%s\"}\n", buf_text(&now));
    } else {
        buf_printf(line, "time=\"%s\" level=%s msg=", buf_text(&now), level);
        add_quoted(line, text);
        buf_putc(line, '\n');
    }
}

/*
 * Tell it in the log, in one write, or plainly on stderr where there is none; twice: on stderr in any case,
 * unless that is the log.
 */
static void say(const struct session *session, const char *level, const char *sentence, bool twice)
{
    _cleanup_buf_ struct buf log_line = BUF_INIT;
    char text[sizeof(((struct err *)NULL)->text)];
    char line[sizeof(text) + sizeof(OCICLI_PROGRAM) + 4]; /* that memory has run out is told, too */

    snprintf(text, sizeof(text), "%s", sentence);
    clean(text);
    snprintf(line, sizeof(line), OCICLI_PROGRAM ": %s\n", text);
    if (session->log_fd >= 0 || is_json(session)) {
        int fd = session->log_fd >= 0 ? session->log_fd : STDERR_FILENO;
        format_line(is_json(session), level, text, &log_line);
        fd_write_all(fd, buf_text(&log_line), log_line.len);
        if (!twice || fd == STDERR_FILENO)
            return;
    }
    fd_write_all(STDERR_FILENO, line, strlen(line));
}

/*
 * The name of an error begins with a small letter in what other runtimes say ("no such file or directory"),
 * and clients tell by it, letter for letter, what went wrong.
 */
static void lower_error_name(const struct err *err, char *text)
{
    const char *name = err_name(err->code);
    char *at = strstr(text, name);

    if (at && at[0] >= 'A' && at[0] <= 'Z' && at[1] >= 'a' && at[1] <= 'z')
        at[0] = (char)(at[0] - 'A' + 'a');
}

void log_error(const struct session *session, const struct err *err)
{
    char text[sizeof(err->text)];

    snprintf(text, sizeof(text), "%s", err->text[0] ? err->text : err_name(err->code));
    lower_error_name(err, text);
    say(session, "error", text, true);
}

void log_warning(void *session, const char *sentence)
{
    const struct session *of = session;

    if (!of->log_level || strcmp(of->log_level, "error") != 0)
        say(of, "warning", sentence, false);
}

void log_debug(const struct session *session, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    if (!session->debug && (!session->log_level || strcmp(session->log_level, "debug") != 0))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say(session, "debug", text, false);
}

int cli_print(const struct buf *text, struct err *err)
{
    int r = buf_error(text);

    if (r == 0)
        r = fd_write_all(STDOUT_FILENO, buf_text(text), text->len);
    return r < 0 ? err_set(err, -r, "standard output cannot be written: %s", err_name(-r)) : 0;
}
