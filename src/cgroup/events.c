/*
 * The counters that verdicts rest on.
 *
 * v1 (Documentation/admin-guide/cgroup-v1/memory.rst, pids.rst): memory.failcnt counts in the group
 * whose limit was hit, the oom_kill line of memory.oom_control in the group of the victim only, and
 * the max line of pids.events in the group that forked, whosever limit it was. The eventfds of
 * memory.oom_control are told in the group that is out of memory and in all beneath it, not in those
 * above, and not when it is the machine that is.
 * v2 (cgroup-v2.rst): memory.events counts what happened in a group and beneath, memory.events.local
 * tells whose limit it was. pids.events counts like v1's before Linux 6.12; since then in the group
 * whose limit was hit and in those above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

enum where {
    WHERE_GROUP, /* the limit group */
    WHERE_INNER, /* COMMAND's own and those beneath, added up */
    WHERE_LIMIT, /* where the limit is that is hit: the limit group, and its mirror in COMMAND's own */
    WHERE_EITHER,    /* the limit group or COMMAND's own and those beneath: whichever counts more */
    WHERE_ANCESTORS, /* the base and the groups above it, added up */
};

struct event_source {
    enum event_id event;
    int version;
    enum controller controller;
    const char *file;
    const char *older_file; /* where a kernel lacks file, or NULL */
    const char *key;        /* NULL: the whole file is one number */
    enum where where;
};

static const struct event_source source_table[] = {
    { EVENT_OOM_OWN, 2, CONTROLLER_MEMORY, "memory.events.local", NULL, "oom", WHERE_LIMIT },
    { EVENT_OOM_KILL, 1, CONTROLLER_MEMORY, "memory.oom_control", NULL, "oom_kill", WHERE_INNER },
    { EVENT_OOM_KILL, 2, CONTROLLER_MEMORY, "memory.events", NULL, "oom_kill", WHERE_GROUP },
    { EVENT_MEMORY_FAILCNT, 1, CONTROLLER_MEMORY, "memory.failcnt", NULL, NULL, WHERE_LIMIT },
    { EVENT_MEMORY_FAILCNT, 2, CONTROLLER_MEMORY, "memory.events.local", "memory.events", "max",
      WHERE_LIMIT },
    { EVENT_MEMSW_FAILCNT, 1, CONTROLLER_MEMORY, "memory.memsw.failcnt", NULL, NULL, WHERE_LIMIT },
    { EVENT_MEMSW_FAILCNT, 2, CONTROLLER_MEMORY, "memory.swap.events", NULL, "max", WHERE_GROUP },
    { EVENT_OOM_ANCESTOR, 1, CONTROLLER_MEMORY, "memory.failcnt", NULL, NULL, WHERE_ANCESTORS },
    { EVENT_OOM_ANCESTOR, 2, CONTROLLER_MEMORY, "memory.events.local", NULL, "oom",
      WHERE_ANCESTORS },
    { EVENT_PIDS_MAX, 1, CONTROLLER_PIDS, "pids.events", NULL, "max", WHERE_EITHER },
    { EVENT_PIDS_MAX, 2, CONTROLLER_PIDS, "pids.events", NULL, "max", WHERE_EITHER },
    { EVENT_PIDS_ANCESTOR, 2, CONTROLLER_PIDS, "pids.events.local", NULL, "max", WHERE_ANCESTORS },
};

/* Limits that COMMAND gave itself, which v2 tells by the figure memory_oom_events. */
static const struct event_source nested_source = { EVENT_OOM_NESTED, 1,    CONTROLLER_MEMORY,
                                                   "memory.failcnt", NULL, NULL,
                                                   WHERE_INNER };

struct counting {
    const struct event_source *source;
    const char *file;
    uint64_t sum;
    bool known;
};

static bool counter_parse(const char *text, const char *key, uint64_t *ret)
{
    char digits[24];

    if (key)
        return keyed_find_u64(text, key, ret);
    snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
    return number_parse(digits, UINT64_MAX, ret) == 0;
}

static int count_visit(void *data, int dir_fd)
{
    struct counting *c = data;
    char text[1024];
    uint64_t value;

    if (file_read_line(dir_fd, c->file, text, sizeof(text)) >= 0 &&
        counter_parse(text, c->source->key, &value)) {
        c->sum += value;
        c->known = true;
    }
    return 0;
}

static int count_level(void *data, int dir_fd, const char *path)
{
    (void)path;
    return count_visit(data, dir_fd);
}

/* COMMAND's own group alone. */
static void count_own(const struct part *part, struct counting *c)
{
    const char *file = c->file;
    char path[128];

    snprintf(path, sizeof(path), INNER_NAME "/%s", file);
    c->file = path;
    count_visit(c, part->fd);
    c->file = file;
}

/* COMMAND's own group, and whatever it made beneath it. */
static void count_inner(const struct part *part, struct counting *c)
{
    if (dir_has_children(part->fd, INNER_NAME) <= 0) {
        count_own(part, c);
        return;
    }
    _cleanup_close_ int fd = openat(part->fd, INNER_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        tree_visit(fd, count_visit, c);
}

static void counter_read(const struct group *group, const struct part *part, struct counting *c)
{
    struct counting inner = *c;

    switch (c->source->where) {
    case WHERE_GROUP:
        count_visit(c, part->fd);
        break;
    case WHERE_LIMIT:
        count_visit(c, part->fd);
        /* The older file of v2 counts what is beneath by itself. */
        if (group->mirrored && c->file == c->source->file)
            count_own(part, c);
        break;
    case WHERE_EITHER:
        count_visit(c, part->fd);
        count_inner(part, &inner);
        c->known |= inner.known;
        c->sum = inner.sum > c->sum ? inner.sum : c->sum;
        break;
    case WHERE_INNER:
        count_inner(part, c);
        break;
    case WHERE_ANCESTORS:
        levels_visit(part->root_fd, part->base, part->base_is_root, count_level, c);
        break;
    }
}

static void source_name(const struct part *part, const struct event_source *source,
                        const char *file, char *ret, size_t size)
{
    char inner[96], path[sizeof(((struct event_count *)NULL)->source)];

    if (source->where == WHERE_ANCESTORS) {
        snprintf(path, sizeof(path), "%s%s%s/%s", part->mount_point, *part->base ? "/" : "",
                 part->base, file);
    } else {
        snprintf(inner, sizeof(inner), "%s%s", source->where == WHERE_INNER ? INNER_NAME "/" : "",
                 file);
        part_path(part, inner, path, sizeof(path));
    }
    size_t key = strlen(text_or_empty(source->key)) + 1;
    /* A long path is cut, the key is not. */
    snprintf(ret, size, "%.*s%s%s", (int)(size - 1 - key), path, source->key ? " " : "",
             text_or_empty(source->key));
}

static void count_set(struct event_count *count, bool before, uint64_t value)
{
    count->known = true;
    count->after = value;
    if (before)
        count->before = value;
}

static void source_count(const struct group *group, const struct event_source *source, bool before,
                         struct event_counts *counts)
{
    const struct part *part = group_part(group, source->controller, source->version);
    struct event_count *count = &counts->event[source->event];
    struct counting c = { source, source->file, 0, false };
    bool ancestors = source->where == WHERE_ANCESTORS;

    if (!part || (ancestors && part->base_is_root))
        return;
    /* A limit that was reached is no evidence where being out of memory is announced. */
    if (source->event == EVENT_OOM_ANCESTOR && group->cache->oom_above_fd >= 0)
        return;
    if (before && group->fresh && !ancestors)
        /* Made by us a moment ago: every counter is at 0, and reading it would say nothing else. */
        c.known = true;
    else
        counter_read(group, part, &c);
    if (!c.known && source->older_file) {
        c.file = source->older_file;
        counter_read(group, part, &c);
    }
    /* The mirror of the run's own limit is none that COMMAND gave itself. */
    if (source->event == EVENT_OOM_NESTED && group->mirrored) {
        struct counting own = { source, source->file, 0, false };
        count_own(part, &own);
        c.sum -= own.sum < c.sum ? own.sum : c.sum;
    }
    if (!c.known) {
        count->known = false;
        return;
    }
    count_set(count, before, c.sum);
    source_name(part, source, c.file, count->source, sizeof(count->source));
}

/* One file per page size, added up. */
static void hugetlb_count(const struct group *group, bool before, struct event_counts *counts)
{
    int version = group_part(group, CONTROLLER_HUGETLB, 1) ? 1 : 2;
    const struct part *part = group_part(group, CONTROLLER_HUGETLB, version);
    struct event_count *count = &counts->event[EVENT_HUGETLB_MAX];
    const struct event_source source = { .event = EVENT_HUGETLB_MAX,
                                         .version = version,
                                         .key = version == 1 ? NULL : "max",
                                         .where = WHERE_GROUP };
    struct counting c = { &source, NULL, 0, false };
    char file[64] = "";

    for (const char *p = group->hugepages; part && *p;) {
        size_t n = strcspn(p, " ");
        snprintf(file, sizeof(file), "hugetlb.%.*s.%s", (int)n, p,
                 version == 1 ? "failcnt" : "events");
        c.file = file;
        count_visit(&c, part->fd);
        if (group->mirrored && version == 1)
            count_own(part, &c);
        p += n + strspn(p + n, " ");
    }
    if (!c.known)
        return;
    count_set(count, before, c.sum);
    source_name(part, &source, file, count->source, sizeof(count->source));
}

static void machine_count(const struct group *group, bool before, struct event_counts *counts)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct event_count *count = &counts->event[EVENT_OOM_MACHINE];
    uint64_t value;

    if (!group_part(group, CONTROLLER_MEMORY, 1) && !group_part(group, CONTROLLER_MEMORY, 2))
        return;
    /* A count since the machine was started says nothing without the one before. */
    if (!before && !count->known)
        return;
    if (root_read(group->root_fd, "/proc/vmstat", &text) < 0 ||
        !keyed_find_u64(buf_text(&text), "oom_kill", &value))
        return;
    count_set(count, before, value);
    snprintf(count->source, sizeof(count->source), "/proc/vmstat oom_kill");
}

/* ---- what was announced -------------------------------------------------------------------------------------- */

static void announced_add(int fd, uint64_t *count)
{
    eventfd_t more;

    if (fd >= 0 && eventfd_read(fd, &more) == 0)
        *count += more;
}

/* What was announced above was announced here too: the difference is our own. */
static void oom_count(const struct group *group, bool before, struct event_counts *counts)
{
    static const struct event_source own_source = { .event = EVENT_OOM_OWN,
                                                    .key = "eventfd",
                                                    .where = WHERE_GROUP };
    static const struct event_source above_source = { .event = EVENT_OOM_ANCESTOR,
                                                      .key = "eventfd",
                                                      .where = WHERE_ANCESTORS };
    struct event_count *own = &counts->event[EVENT_OOM_OWN];
    struct event_count *above = &counts->event[EVENT_OOM_ANCESTOR];
    const struct part *part = group_part(group, CONTROLLER_MEMORY, 1);
    struct group_cache *cache = group->cache;

    if (!part || cache->oom_own_fd < 0)
        return;
    announced_add(cache->oom_own_fd, &cache->oom_own);
    announced_add(cache->oom_above_fd, &cache->oom_above);
    count_set(own, before,
              cache->oom_own > cache->oom_above ? cache->oom_own - cache->oom_above : 0);
    source_name(part, &own_source, "memory.oom_control", own->source, sizeof(own->source));
    if (cache->oom_above_fd < 0)
        return;
    count_set(above, before, cache->oom_above);
    source_name(part, &above_source, "memory.oom_control", above->source, sizeof(above->source));
}

/* ---- all of them ------------------------------------------------------------------------------------- */

int group_events(const struct group *group, bool before, bool machine, struct event_counts *counts)
{
    if (before)
        *counts = (struct event_counts){ 0 };
    for (size_t i = 0; i < ARRAY_SIZE(source_table); i++)
        source_count(group, &source_table[i], before, counts);
    oom_count(group, before, counts);
    /* It only matters whose limit it was when somebody was killed. */
    if (!before && counts->event[EVENT_OOM_KILL].after > counts->event[EVENT_OOM_KILL].before)
        source_count(group, &nested_source, false, counts);
    hugetlb_count(group, before, counts);
    if (machine)
        machine_count(group, before, counts);
    return 0;
}
