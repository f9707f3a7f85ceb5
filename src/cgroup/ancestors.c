/*
 * The groups above ours: limits there hold as well, and a tighter one is the one that counts. They
 * are looked at from the base up to the hierarchy's visible root; what lies above that is hidden
 * from us.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

int levels_visit(int root_fd, const char *base, bool skip_root,
                 int (*fn)(void *data, int dir_fd, const char *path), void *data)
{
    char path[1024];
    size_t n = 0;

    while (path_prefix(base, n + 1, path, sizeof(path)))
        n++;
    for (;; n--) {
        if (n == 0 && skip_root)
            return 0;
        path_prefix(base, n, path, sizeof(path));
        _cleanup_close_ int fd = sys_openat2(root_fd, *path ? path : ".",
                                             O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH);
        int r = fd < 0 ? 0 : fn(data, fd, path);
        if (r != 0)
            return r;
        if (n == 0)
            return 0;
    }
}

/* A number as limit files have it; "max" and -1 and v1's largest are UINT64_MAX. */
static uint64_t ceiling_parse(const char *text)
{
    char digits[24];
    uint64_t number;

    snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
    if (number_parse(digits, UINT64_MAX, &number) < 0 || number >= UINT64_C(1) << 62)
        return UINT64_MAX;
    return number;
}

static uint64_t ceiling_read(int dir_fd, const char *file, char *ret_text, size_t size)
{
    ssize_t n = file_read_line(dir_fd, file, ret_text, size);

    return n < 0 ? UINT64_MAX : ceiling_parse(ret_text);
}

static const char *row_file(enum limit_id id, int version)
{
    return version == 2 ? limit_info(id)->v2_file : limit_info(id)->v1_file;
}

/* ---- the tightest memory limit, for percentages ---------------------------------------------------- */

struct tightest {
    const char *file;
    uint64_t bytes;
};

static int tightest_visit(void *data, int dir_fd, const char *path)
{
    struct tightest *t = data;
    char text[64];
    uint64_t bytes = ceiling_read(dir_fd, t->file, text, sizeof(text));

    (void)path;
    if (bytes < t->bytes)
        t->bytes = bytes;
    return 0;
}

uint64_t ceiling_memory(struct cgroups *cgroups)
{
    int version = cgroups->layout.controller[CONTROLLER_MEMORY].version;
    const struct hierarchy *h = cgroups_find(cgroups, version, CONTROLLER_BIT(CONTROLLER_MEMORY));
    struct tightest t = { row_file(LIMIT_MEMORY, version == 2 ? 2 : 1), UINT64_MAX };

    if (h && h->opened && h->root_fd >= 0)
        levels_visit(h->root_fd, h->base, false, tightest_visit, &t);
    return t.bytes;
}

/* ---- every limit of the plan ------------------------------------------------------------------------ */

/* Limits whose files' numbers can be compared from level to level; a row for each file. */
static const enum limit_id ceiling_table[] = {
    LIMIT_MEMORY,
    LIMIT_MEMORY_SWAP,
    LIMIT_KERNEL_MEMORY_TCP,
    LIMIT_MEMORY_HIGH,
    /* What is protected is at most what the groups above it are given. */
    LIMIT_MEMORY_MIN,
    LIMIT_MEMORY_LOW,
    LIMIT_PIDS_LIMIT,
    LIMIT_CPU_QUOTA,
};

struct ceiling {
    const char *file;
    const char *
        period_file; /* the number is a share of this one, "" the file's own; NULL: it stands alone */
};

struct comparing {
    const struct hierarchy *h;
    const struct ceiling *ceiling;
    enum limit_id limit;
    uint64_t ours, tightest;
    void (*fn)(void *data, enum limit_id limit, const char *path, const char *value);
    void *data;
};

/* Quota and period as millionths of a CPU; a quota that is none stays UINT64_MAX. */
static uint64_t share(uint64_t quota, uint64_t period)
{
    return quota == UINT64_MAX || period == 0 || period == UINT64_MAX
               ? UINT64_MAX
               : (uint64_t)((unsigned __int128)quota * 1000000 / period);
}

/* "max 100000": quota and period in one file. */
static uint64_t share_parse(const char *text)
{
    const char *blank = strchr(text, ' ');

    return share(ceiling_parse(text), blank ? ceiling_parse(blank + 1) : 100000);
}

static uint64_t level_value(int dir_fd, const struct ceiling *c, char *text, size_t size)
{
    char period[64];
    uint64_t number = ceiling_read(dir_fd, c->file, text, size);

    if (!c->period_file || number == UINT64_MAX)
        return number;
    if (*c->period_file == '\0')
        return share_parse(text);
    return share(number, ceiling_read(dir_fd, c->period_file, period, sizeof(period)));
}

static int compare_visit(void *data, int dir_fd, const char *path)
{
    struct comparing *c = data;
    char text[128], where[1024];
    uint64_t value = level_value(dir_fd, c->ceiling, text, sizeof(text));

    if (value >= c->ours || value >= c->tightest)
        return 0;
    c->tightest = value;
    hierarchy_path(c->h, path, c->ceiling->file, where, sizeof(where));
    c->fn(c->data, c->limit, where, text);
    return 0;
}

static bool ceiling_find(const struct plan_step *step, struct ceiling *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(ceiling_table); i++) {
        const char *file = row_file(ceiling_table[i], step->version);
        if (!file || strcmp(file, step->file) != 0)
            continue;
        *ret = (struct ceiling){ .file = file };
        if (ceiling_table[i] == LIMIT_CPU_QUOTA)
            ret->period_file = step->version == 2 ? "" : row_file(LIMIT_CPU_PERIOD, 1);
        return true;
    }
    return false;
}

/* What the plan writes, in the terms in which levels are compared. */
static uint64_t planned_value(const struct plan *plan, const struct plan_step *step,
                              const struct ceiling *c)
{
    uint64_t period = 100000;

    if (!c->period_file)
        return ceiling_parse(step->text);
    if (*c->period_file == '\0')
        return share_parse(step->text);
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].version == step->version &&
            strcmp(plan->steps[i].file, c->period_file) == 0)
            period = ceiling_parse(plan->steps[i].text);
    return share(ceiling_parse(step->text), period);
}

int group_ancestors(const struct cgroups *cgroups, const struct plan *plan,
                    void (*fn)(void *data, enum limit_id limit, const char *path,
                               const char *value),
                    void *data)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        struct ceiling ceiling;
        if (step->target != PLAN_GROUP || step->limit >= LIMIT_COUNT ||
            step->controller >= CONTROLLER_COUNT || !ceiling_find(step, &ceiling))
            continue;
        const struct hierarchy *h =
            cgroups_find(cgroups, step->version, CONTROLLER_BIT(step->controller));
        if (!h || !h->opened || h->root_fd < 0)
            continue;
        struct comparing c = {
            h, &ceiling, step->limit, planned_value(plan, step, &ceiling), UINT64_MAX, fn, data
        };
        levels_visit(h->root_fd, h->base, hierarchy_root_is_real(cgroups, h), compare_visit, &c);
    }
    return 0;
}
