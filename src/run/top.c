/* The processes of a live run: the members of its groups, as /proc tells of them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/container_private.h"

#define COMMAND_MAX 4096u

/* ---- one process -------------------------------------------------------------------------------------- */

/* Fields of proc_pid_stat(5), numbered as there. */
enum {
    STAT_STATE = 3,
    STAT_PARENT = 4,
    STAT_USER = 14,
    STAT_SYSTEM = 15,
    STAT_THREADS = 20,
    STAT_START = 22,
    STAT_RSS = 24,
    STAT_FIELDS = 25,
};

/* The number of a field; text begins behind the program's name, with field 3. */
static uint64_t stat_number(const char *text, int field)
{
    for (int i = STAT_STATE; i < field; i++) {
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    char digits[24];
    uint64_t value;

    snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(text, " \n"), text);
    return number_parse(digits, UINT64_MAX, &value) < 0 ? 0 : value;
}

static uint64_t ticks_us(uint64_t ticks)
{
    static const uint64_t us_per_s = 1000000;
    uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

    return ticks / hz * us_per_s + ticks % hz * us_per_s / hz;
}

static int read_stat(int dir_fd, uint64_t booted_us, struct run_process_facts *ret,
                     char name[static 16])
{
    char text[1024];
    ssize_t n = file_read_line(dir_fd, "stat", text, sizeof(text));
    const char *open = n < 0 ? NULL : strchr(text, '('), *close = n < 0 ? NULL : strrchr(text, ')');

    if (!open || !close || close < open || strlen(close) < 3)
        return n < 0 ? (int)n : -EBADMSG;
    snprintf(name, 16, "%.*s", (int)(close - open - 1), open + 1);
    const char *fields = close + 2;
    ret->state = *fields;
    ret->parent_pid = (pid_t)stat_number(fields, STAT_PARENT);
    ret->cpu_us = ticks_us(stat_number(fields, STAT_USER) + stat_number(fields, STAT_SYSTEM));
    ret->threads = (unsigned)stat_number(fields, STAT_THREADS);
    ret->started_us = booted_us + ticks_us(stat_number(fields, STAT_START));
    ret->rss_bytes = stat_number(fields, STAT_RSS) * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

/* "NSpid:\t4711\t12": the last number is that of the innermost namespace. */
static pid_t inner_number(int dir_fd, pid_t pid)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    const char *line, *last;
    uint64_t number;
    char digits[16];

    if (file_read(dir_fd, "status", 65536, &text) < 0 ||
        !(line = strstr(buf_text(&text), "\nNSpid:")))
        return pid;
    line++;
    size_t len = strcspn(line, "\n");
    for (last = line + len; last > line && last[-1] != '\t';)
        last--;
    snprintf(digits, sizeof(digits), "%.*s", (int)(line + len - last), last);
    return number_parse(digits, INT_MAX, &number) < 0 ? pid : (pid_t)number;
}

/* Its words on one line; those without any (zombies) by name. */
static void read_command(int dir_fd, const char *name, char *ret, size_t size)
{
    _cleanup_close_ int fd = openat(dir_fd, "cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

    if (n <= 0) {
        snprintf(ret, size, "[%s]", name);
        return;
    }
    while (n > 0 && ret[n - 1] == '\0')
        n--;
    for (ssize_t i = 0; i < n; i++) {
        if ((unsigned char)ret[i] < 0x20)
            ret[i] = ' ';
    }
    ret[n] = '\0';
}

struct listing {
    run_process_fn fn;
    void *data;
    uint64_t booted_us;
    char command[COMMAND_MAX];
};

/* 0 also for one that is gone by now. */
static int tell_process(struct listing *listing, pid_t pid)
{
    struct run_process_facts facts = { .pid = pid, .command = listing->command };
    char path[32], name[16];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    _cleanup_close_ int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || fstat(dir_fd, &st) < 0 ||
        read_stat(dir_fd, listing->booted_us, &facts, name) < 0)
        return 0;
    facts.uid = st.st_uid;
    facts.inner_pid = inner_number(dir_fd, pid);
    facts.name = name;
    read_command(dir_fd, name, listing->command, sizeof(listing->command));
    return listing->fn(listing->data, &facts);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static int compare_pids(const void *a, const void *b)
{
    const pid_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int find_pids(struct engine *engine, const char *record, pid_t **ret, size_t *ret_n,
                     struct err *err)
{
    _cleanup_(cgroups_closep) struct cgroups *cgroups = NULL;
    _cleanup_(group_closep) struct group *group = NULL;
    _cleanup_buf_ struct buf paths = BUF_INIT;
    struct cgroups_options options = { .root_fd = -1, .rootless = engine->rootless };
    struct process command;
    char line[64];

    container_group_lines(record, &paths);
    if (buf_error(&paths) < 0)
        return err_nomem(err);
    int r = paths.len > 0 ? cgroups_open(&options, &cgroups, err) : 0;
    if (r >= 0 && cgroups)
        r = group_open(cgroups, buf_text(&paths), &group, err);
    if (r >= 0 && group)
        r = group_pids(group, ret, ret_n, err);
    /* Without a group of its own there is COMMAND at least. */
    if (r < 0 || *ret_n > 0 || !record_find(record, "command", line, sizeof(line)) ||
        !process_parse(line, &command) || !process_is_alive(&command))
        return r;
    free(*ret);
    *ret = malloc(sizeof(**ret));
    if (!*ret)
        return err_nomem(err);
    **ret = command.pid;
    *ret_n = 1;
    return 0;
}

int run_list_processes(struct engine *engine, const char *name, run_process_fn fn, void *data,
                       struct err *err)
{
    _cleanup_(state_closep) struct state *state = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    _cleanup_free_ struct listing *listing = calloc(1, sizeof(*listing));
    _cleanup_free_ pid_t *pids = NULL;
    size_t n = 0;
    bool alive;
    int r = listing ? engine_open_state(engine, &state, err) : err_nomem(err);

    if (r >= 0)
        r = state_read(state, name, &text, &alive, err);
    if (r >= 0 && !alive)
        r = err_set(err, ESRCH, "run '%s' is not running", name);
    if (r >= 0)
        r = find_pids(engine, buf_text(&text), &pids, &n, err);
    if (r < 0)
        return r;
    *listing = (struct listing){ .fn = fn,
                                 .data = data,
                                 .booted_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME) };
    if (n > 0)
        qsort(pids, n, sizeof(*pids), compare_pids);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = tell_process(listing, pids[i]);
    return r;
}
