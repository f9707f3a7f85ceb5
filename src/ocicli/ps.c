/* ration-oci ps: the processes of a container, as the host's ps(1) shows them. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ocicli/ocicli.h"

static int command_ps(struct session *session, const void *values, char *const *operands,
                      struct err *err);

struct ps_values {
    const char *format;
};

static const struct cli_option ps_options[] = {
    { "format", 'f', CLI_WORD, offsetof(struct ps_values, format), "table|json",
      "a table, or the process numbers as a JSON array", NULL },
};

const struct command ps_command = {
    .name = "ps",
    .args = "ID [PS-OPTION...]",
    .summary = "show the processes of a container",
    .description = "The table is that of the host's ps with the options given (default: -ef), less "
                   "the lines of other processes.",
    .options = ps_options,
    .n_options = ARRAY_SIZE(ps_options),
    .values_size = sizeof(struct ps_values),
    .min_operands = 1,
    .max_operands = OPERANDS_ANY,
    .takes_id = true,
    .run = command_ps,
};

struct pids {
    pid_t *pids;
    size_t n;
};

static bool pids_have(const struct pids *pids, uint64_t pid)
{
    for (size_t i = 0; i < pids->n; i++) {
        if ((uint64_t)pids->pids[i] == pid)
            return true;
    }
    return false;
}

/* ---- the host's ps ------------------------------------------------------------------------------------ */

#define PS_OUTPUT_MAX (64u << 20)

static int read_pipe(int fd, struct buf *ret)
{
    char chunk[4096];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : buf_error(ret);
        if (ret->len + (size_t)n > PS_OUTPUT_MAX)
            return -EFBIG;
        buf_add(ret, chunk, (size_t)n);
    }
}

/* -ENOENT when the host has none. */
static int start_ps(char *const *arguments, int out_fd, pid_t *ret_pid)
{
    static char name[] = "ps", usual[] = "-ef";
    size_t n = strv_length(arguments);
    _cleanup_free_ char **argv = calloc(n + 3, sizeof(*argv));
    posix_spawn_file_actions_t actions;

    if (!argv)
        return -ENOMEM;
    argv[0] = name;
    argv[1] = usual;
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = arguments[i];
    posix_spawn_file_actions_init(&actions);
    int r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawnp(ret_pid, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Run it, and take what it prints. */
static int run_ps(char *const *arguments, struct buf *ret, struct err *err)
{
    int fds[2], status;
    pid_t pid = 0;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe for ps: %s", err_name(errno));
    int r = start_ps(arguments, fds[1], &pid);
    fd_close(fds[1]);
    if (r < 0) {
        fd_close(fds[0]);
        return r == -ENOENT ? r : err_set(err, -r, "cannot execute ps: %s", err_name(-r));
    }
    r = read_pipe(fds[0], ret);
    fd_close(fds[0]);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return err_set(err, errno, "cannot wait for ps: %s", err_name(errno));
    }
    if (r < 0)
        return err_set(err, -r, "cannot read what ps prints: %s", err_name(-r));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(err, EIO, "ps failed with status %d",
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

/* The word at that index, counted from 0; its length, 0 when there is none. */
static size_t word_at(const char *line, size_t len, size_t index, const char **ret)
{
    const char *end = line + len;

    for (size_t i = 0;; i++) {
        while (line < end && (*line == ' ' || *line == '\t'))
            line++;
        const char *start = line;
        while (line < end && *line != ' ' && *line != '\t')
            line++;
        if (i == index || line == start) {
            *ret = start;
            return (size_t)(line - start);
        }
    }
}

/* Which column is headed PID? */
static bool pid_column(const char *line, size_t len, size_t *ret)
{
    const char *word;
    size_t n;

    for (size_t i = 0; (n = word_at(line, len, i, &word)) > 0; i++) {
        if (n == 3 && memcmp(word, "PID", 3) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static int filter_lines(const char *text, const struct pids *pids, struct buf *ret, struct err *err)
{
    const char *line, *word;
    size_t len, column, n;
    char number[16];
    uint64_t pid;

    if (!line_next(&text, &line, &len) || !pid_column(line, len, &column))
        return err_set(err, EINVAL, "ps prints no column PID: give it options that make it do so");
    buf_printf(ret, "%.*s\n", (int)len, line);
    while (line_next(&text, &line, &len)) {
        n = word_at(line, len, column, &word);
        if (n == 0 || n >= sizeof(number))
            continue;
        memcpy(number, word, n);
        number[n] = '\0';
        if (number_parse(number, INT32_MAX, &pid) == 0 && pids_have(pids, pid))
            buf_printf(ret, "%.*s\n", (int)len, line);
    }
    return 0;
}

/* ---- without one -------------------------------------------------------------------------------------------- */

/* What a process was called with, blanks between; its short name where it has none. */
static void add_command_line(pid_t pid, struct buf *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[40];

    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    if (file_read(AT_FDCWD, path, 1u << 20, &text) < 0 || text.len == 0) {
        snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        if (file_read(AT_FDCWD, path, 64, &text) < 0)
            return;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (i + 1 < text.len || (c != '\0' && c != '\n'))
            buf_putc(ret, c == '\0' ? ' ' : c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

static void add_processes(const struct pids *pids, struct buf *ret)
{
    buf_puts(ret, "UID          PID    PPID CMD\n");
    for (size_t i = 0; i < pids->n; i++) {
        _cleanup_buf_ struct buf status = BUF_INIT;
        uint64_t uid, parent;
        char path[40];
        snprintf(path, sizeof(path), "/proc/%d/status", pids->pids[i]);
        if (file_read(AT_FDCWD, path, 1u << 16, &status) < 0 ||
            !keyed_find_u64(buf_text(&status), "Uid", &uid) ||
            !keyed_find_u64(buf_text(&status), "PPid", &parent))
            continue; /* it ended meanwhile */
        buf_printf(ret, "%-10u %5d %7u ", (unsigned)uid, pids->pids[i], (unsigned)parent);
        add_command_line(pids->pids[i], ret);
        buf_putc(ret, '\n');
    }
}

/* ---- the command ------------------------------------------------------------------------------------------- */

static int add_table(const struct pids *pids, char *const *arguments, struct buf *ret,
                     struct err *err)
{
    _cleanup_buf_ struct buf output = BUF_INIT;
    int r = run_ps(arguments, &output, err);

    if (r == -ENOENT && arguments[0])
        return err_set(err, ENOENT, "there is no ps that could take \"%.64s\"", arguments[0]);
    if (r == -ENOENT) {
        add_processes(pids, ret);
        return 0;
    }
    return r < 0 ? r : filter_lines(buf_text(&output), pids, ret, err);
}

static void add_json(const struct pids *pids, struct buf *ret)
{
    buf_putc(ret, '[');
    for (size_t i = 0; i < pids->n; i++)
        buf_printf(ret, "%s%d", i ? "," : "", pids->pids[i]);
    buf_puts(ret, "]\n");
}

static int command_ps(struct session *session, const void *values, char *const *operands,
                      struct err *err)
{
    const struct ps_values *ps = values;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct pids pids = { 0 };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    if (r == 0)
        r = container_pids(engine, operands[0], &pids.pids, &pids.n, err);
    if (r < 0)
        return r;
    if (ps->format && strcmp(ps->format, "json") == 0)
        add_json(&pids, &text);
    else
        r = add_table(&pids, operands + 1, &text, err);
    free(pids.pids);
    return r < 0 ? r : cli_print(&text, err);
}
