/*
 * Figures: metrics.def says which file of which controller, of which of the two groups, and how its
 * text is understood. Each distinct file is read once per sample.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

#define FILES_MAX 48

/* The text of one file of one group; NULL data when it could not be read. */
struct file_text {
    const struct part *part;
    const char *file;
    bool inner;
    struct buf text;
};

struct sampling {
    const struct group *group;
    struct file_text files[FILES_MAX];
    size_t n_files;
    uint64_t ticks_per_s;
};

int group_text_read(int fd, struct buf *ret)
{
    char chunk[8192];
    ssize_t n;

    do
        n = pread(fd, chunk, sizeof(chunk), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if ((size_t)n == sizeof(chunk))
        return fd_read_all(fd, TEXT_FILE_MAX, ret);
    buf_reset(ret);
    buf_add(ret, chunk, (size_t)n);
    return buf_error(ret);
}

static void sampling_done(struct sampling *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        buf_done(&s->files[i].text);
}

/* The text, read now or before; NULL when there is no such file. */
static const char *file_text(struct sampling *s, const struct part *part, const char *file,
                             bool inner)
{
    char path[128];

    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i].part == part && s->files[i].inner == inner &&
            strcmp(s->files[i].file, file) == 0)
            return s->files[i].text.data;
    if (s->n_files == FILES_MAX)
        return NULL;
    struct file_text *entry = &s->files[s->n_files++];
    *entry = (struct file_text){ part, file, inner, BUF_INIT };
    snprintf(path, sizeof(path), "%s%s", inner ? INNER_NAME "/" : "", file);
    _cleanup_close_ int fd = openat(part->fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || group_text_read(fd, &entry->text) < 0)
        buf_done(&entry->text);
    return entry->text.data;
}

/* ---- figures that the kernel counts per group only ------------------------------------------------- */

struct summing {
    const struct metric_source *source;
    uint64_t ticks_per_s;
    uint64_t sum;
    bool known;
};

static int sum_visit(void *data, int dir_fd)
{
    struct summing *s = data;
    _cleanup_buf_ struct buf text = BUF_INIT;
    uint64_t value;

    if (file_read(dir_fd, s->source->file, TEXT_FILE_MAX, &text) == 0 &&
        metric_parse(s->source, buf_text(&text), s->ticks_per_s, &value)) {
        s->sum += value;
        s->known = true;
    }
    return 0;
}

/* Of COMMAND's own group and of those that it made beneath. */
static bool inner_sum(struct sampling *s, const struct part *part,
                      const struct metric_source *source, uint64_t *ret)
{
    struct summing sum = { source, s->ticks_per_s, 0, false };

    if (dir_has_children(part->fd, INNER_NAME) <= 0) {
        const char *text = file_text(s, part, source->file, true);
        return text && metric_parse(source, text, s->ticks_per_s, ret);
    }
    _cleanup_close_ int fd = openat(part->fd, INNER_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || tree_visit(fd, sum_visit, &sum) < 0)
        return false;
    *ret = sum.sum;
    return sum.known;
}

/*
 * v1's throttle files. From Linux 5.14 to 6.4 reads were counted only under a rule for reads and writes
 * under one for writes, so that a 0 beside another number may be what nobody counted.
 */
static bool zero_is_counted(const struct metric_source *source)
{
    return source->parse != METRIC_PARSE_SUM_OP || !kernel_is_since(5, 14) || kernel_is_since(6, 5);
}

/* ---- one figure after the other -------------------------------------------------------------------- */

/*
 * Counters of a limit that was hit, which v1 and cpu.stat keep only for the group that has it. Where COMMAND's
 * own group has the same limit, either of the two is hit first.
 */
static bool counts_where_hit(const struct metric_source *source)
{
    static const char *const key_table[] = { "nr_periods",     "nr_throttled", "throttled_time",
                                             "throttled_usec", "nr_bursts",    "burst_time",
                                             "burst_usec" };

    if (strcmp(source->file, "memory.failcnt") == 0)
        return true;
    for (size_t i = 0; source->key && i < ARRAY_SIZE(key_table); i++)
        if (strcmp(source->key, key_table[i]) == 0)
            return true;
    return false;
}

static void larger_of_both(struct sampling *s, const struct part *part,
                           const struct metric_source *source, uint64_t *group)
{
    const char *text = file_text(s, part, source->file, true);
    uint64_t own;

    if (text && metric_parse(source, text, s->ticks_per_s, &own) && own > *group)
        *group = own;
}

static bool source_read(struct sampling *s, const struct part *part,
                        const struct metric_source *source, uint64_t *ret)
{
    uint64_t group = 0, inner = 0;
    bool known = false;

    if (source->place != METRIC_PLACE_INNER) {
        const char *text = file_text(s, part, source->file, false);
        known = text && metric_parse(source, text, s->ticks_per_s, &group);
        if (s->group->mirrored && counts_where_hit(source))
            larger_of_both(s, part, source, &group);
    }
    if (source->place != METRIC_PLACE_GROUP)
        known |= inner_sum(s, part, source, &inner);
    *ret = group + inner;
    return known;
}

/*
 * Some kernels (6.1) count a v1 group's block I/O only while a limit on it is set; elsewhere the files
 * are there and say 0. Where even the root group, with all beneath it, has never done any I/O, a 0 means
 * nothing.
 */
static bool io_is_counted(const struct part *part, const char *file)
{
    const struct metric_source total = { .parse = METRIC_PARSE_SUM_OP, .key = "Total" };
    _cleanup_buf_ struct buf text = BUF_INIT;
    uint64_t value;

    if (part->root_fd < 0)
        return true;
    return file_read(part->root_fd, file, TEXT_FILE_MAX, &text) == 0 &&
           metric_parse(&total, buf_text(&text), 0, &value) && value > 0;
}

static bool metric_try(struct sampling *s, enum metric_id id, const struct metric_source *source,
                       int version, struct sample *ret)
{
    char where[sizeof(ret->value[0].source)];
    uint64_t value;

    if (source->parse == METRIC_PARSE_NONE || !source->file)
        return false;
    const struct part *part = group_part(s->group, source->controller, version);
    if (!part || !source_read(s, part, source, &value))
        return false;
    if (value == 0 && !zero_is_counted(source))
        return false;
    if (value == 0 && source->parse == METRIC_PARSE_SUM_OP && !io_is_counted(part, source->file))
        return false;
    const char *controller = source->controller < CONTROLLER_COUNT
                                 ? controller_name(source->controller, version)
                                 : "cgroup";
    snprintf(where, sizeof(where), "%s/%s%s%s", text_or_empty(controller), source->file,
             source->key ? " " : "", text_or_empty(source->key));
    sample_set(ret, id, value, where);
    return true;
}

/* "12345 0 678": nanoseconds of each CPU. */
static void per_cpu_read(struct sampling *s, struct sample *ret)
{
    const struct part *part = group_part(s->group, CONTROLLER_CPUACCT, 1);
    const char *p = part ? file_text(s, part, "cpuacct.usage_percpu", false) : NULL;

    while (p && ret->n_cpus < SAMPLE_CPUS_MAX) {
        char digits[24];
        uint64_t ns;
        p += strspn(p, " \n");
        size_t n = strspn(p, "0123456789");
        snprintf(digits, sizeof(digits), "%.*s", (int)n, p);
        if (number_parse(digits, UINT64_MAX, &ns) < 0)
            return;
        ret->per_cpu_us[ret->n_cpus++] = ns / 1000;
        p += n;
    }
}

int group_sample(const struct group *group, struct sample *ret, struct err *err)
{
    _cleanup_(sampling_done) struct sampling s = {
        .group = group,
        .ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK),
    };

    (void)err;
    *ret = (struct sample){ .taken_us = clock_us(CLOCK_MONOTONIC) };
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        enum metric_id id = (enum metric_id)i;
        const struct metric_info *info = metric_info(id);
        if (!metric_try(&s, id, &info->v1, 1, ret) && !metric_try(&s, id, &info->v1_older, 1, ret))
            metric_try(&s, id, &info->v2, 2, ret);
    }
    per_cpu_read(&s, ret);
    return 0;
}

/* ---- CPU time alone ---------------------------------------------------------------------------------- */

static int cpu_open(const struct group *group)
{
    struct group_cache *cache = group->cache;
    const struct part *part = group_part(group, CONTROLLER_CPUACCT, 1);

    cache->cpu_is_v2 = !part;
    if (!part)
        part = group_part(group, CONTROLLER_NONE, 2);
    if (!part)
        return -ENODATA;
    cache->cpu_fd =
        openat(part->fd, cache->cpu_is_v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY | O_CLOEXEC);
    return cache->cpu_fd < 0 ? -ENODATA : 0;
}

int group_cpu_us(const struct group *group, uint64_t *ret_us)
{
    struct group_cache *cache = group->cache;
    char text[1024];
    uint64_t value;

    if (cache->cpu_fd < 0 && cpu_open(group) < 0)
        return -ENODATA;
    ssize_t n = pread(cache->cpu_fd, text, sizeof(text) - 1, 0);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    if (cache->cpu_is_v2)
        return keyed_find_u64(text, "usage_usec", ret_us) ? 0 : -ENODATA;
    text[strcspn(text, "\n")] = '\0';
    int r = number_parse(text, UINT64_MAX, &value);
    if (r == 0)
        *ret_us = value / 1000;
    return r;
}
