/* cgroup: counters of events, from files and from what the kernel announces. */
#include <sys/eventfd.h>

#include "cgroup_fixture.h"

static const struct fixture_file files[] = {
    { "memory/base/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n" },
    { "memory/base/cgroup.event_control", "" },
    { "memory/base/memory.failcnt", "7\n" },
    { "memory/base/ration-x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n" },
    { "memory/base/ration-x/cgroup.event_control", "" },
    { "memory/base/ration-x/memory.failcnt", "0\n" },
    { "memory/base/ration-x/box/memory.oom_control", "under_oom 0\noom_kill 0\n" },
    { "memory/base/ration-x/box/memory.failcnt", "0\n" },
};

struct scene {
    struct fixture f;
    struct group *group;
};

static int open_path(const struct fixture *f, const char *path)
{
    int fd = openat(f->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* A run's memory group in a hierarchy of v1, fresh or opened again. */
static struct scene scene_make(bool base_is_root, bool fresh)
{
    struct scene s = { .f = fixture_make("", "", NULL, files, ARRAY_SIZE(files)) };

    s.group = group_new(s.f.fd);
    assert_non_null(s.group);
    s.group->fresh = fresh;
    s.group->n_parts = 1;
    s.group->part[0] = (struct part){
        .version = 1,
        .controllers = CONTROLLER_BIT(CONTROLLER_MEMORY),
        .mount_point = strdup("/cg/memory"),
        .base = strdup("base"),
        .name = strdup("ration-x"),
        .root_fd = open_path(&s.f, "memory"),
        .base_fd = open_path(&s.f, "memory/base"),
        .fd = open_path(&s.f, "memory/base/ration-x"),
        .inner_fd = -1,
        .owns_fds = true,
        .base_is_root = base_is_root,
    };
    return s;
}

static void scene_drop(struct scene *s)
{
    group_close(s->group);
    fixture_drop(&s->f);
}

static void expect_event(const struct event_counts *counts, enum event_id id, uint64_t before,
                         uint64_t after, const char *source)
{
    const struct event_count *event = &counts->event[id];

    assert_true(event->known);
    assert_int_equal(event->before, before);
    assert_int_equal(event->after, after);
    assert_string_equal(event->source, source);
}

/* "EVENTFD FILE" is what the kernel is told. */
static void expect_registered(const struct scene *s, const char *path, int event_fd)
{
    char text[64];
    int event = -1, control = -1;

    assert_true(file_read_line(s->f.fd, path, text, sizeof(text)) > 0);
    assert_int_equal(sscanf(text, "%d %d", &event, &control), 2);
    assert_int_equal(event, event_fd);
    assert_true(control > 2 && control != event);
}

static void test_own(void **state)
{
    (void)state;
    struct scene s = scene_make(true, true);
    struct event_counts counts;

    group_watch_oom(s.group);
    assert_true(s.group->cache->oom_own_fd >= 0);
    assert_int_equal(s.group->cache->oom_above_fd, -1);
    expect_registered(&s, "memory/base/ration-x/cgroup.event_control", s.group->cache->oom_own_fd);
    group_events(s.group, true, false, &counts);
    expect_event(&counts, EVENT_OOM_OWN, 0, 0,
                 "/cg/memory/base/ration-x/memory.oom_control eventfd");
    assert_false(counts.event[EVENT_OOM_ANCESTOR].known);
    assert_int_equal(eventfd_write(s.group->cache->oom_own_fd, 2), 0);
    group_events(s.group, false, false, &counts);
    assert_int_equal(counts.event[EVENT_OOM_OWN].after, 2);
    /* Read again, it is still 2. */
    group_events(s.group, false, false, &counts);
    assert_int_equal(counts.event[EVENT_OOM_OWN].after, 2);
    scene_drop(&s);
}

/* What happens above is announced in both. */
static void test_above(void **state)
{
    (void)state;
    static const struct {
        uint64_t own, above, expected_own, expected_above;
    } row_table[] = {
        { 0, 0, 0, 0 }, { 1, 0, 1, 0 }, { 1, 1, 0, 1 }, { 5, 3, 2, 3 }, { 0, 1, 0, 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(row_table); i++) {
        struct scene s = scene_make(false, true);
        struct event_counts counts;

        group_watch_oom(s.group);
        expect_registered(&s, "memory/base/cgroup.event_control", s.group->cache->oom_above_fd);
        group_events(s.group, true, false, &counts);
        assert_int_equal(eventfd_write(s.group->cache->oom_own_fd, row_table[i].own), 0);
        assert_int_equal(eventfd_write(s.group->cache->oom_above_fd, row_table[i].above), 0);
        group_events(s.group, false, false, &counts);
        expect_event(&counts, EVENT_OOM_OWN, 0, row_table[i].expected_own,
                     "/cg/memory/base/ration-x/memory.oom_control eventfd");
        expect_event(&counts, EVENT_OOM_ANCESTOR, 0, row_table[i].expected_above,
                     "/cg/memory/base/memory.oom_control eventfd");
        scene_drop(&s);
    }
}

/* A kernel that does not take the registration (PREEMPT_RT), or a watch that nobody asked for. */
static void test_not_announced(void **state)
{
    (void)state;
    static const char *const missing_table[] = {
        "memory/base/cgroup.event_control",
        "memory/base/ration-x/cgroup.event_control",
        "memory/base/memory.oom_control",
        NULL,
    };

    for (size_t i = 0; i < ARRAY_SIZE(missing_table); i++) {
        struct scene s = scene_make(false, true);
        struct event_counts counts;

        if (missing_table[i]) {
            assert_int_equal(unlinkat(s.f.fd, missing_table[i], 0), 0);
            group_watch_oom(s.group);
        }
        assert_true(s.group->cache->oom_own_fd < 0);
        assert_true(s.group->cache->oom_above_fd < 0);
        group_events(s.group, true, false, &counts);
        fixture_put(&s.f, "memory/base/memory.failcnt", "9\n");
        group_events(s.group, false, false, &counts);
        assert_false(counts.event[EVENT_OOM_OWN].known);
        expect_event(&counts, EVENT_OOM_ANCESTOR, 7, 9, "/cg/memory/base/memory.failcnt");
        scene_drop(&s);
    }
}

/* COMMAND made groups and gave them limits; that is looked at only when somebody was killed. */
static void test_nested(void **state)
{
    (void)state;
    struct scene s = scene_make(true, true);
    struct event_counts counts;

    fixture_put(&s.f, "memory/base/ration-x/box/deeper/memory.failcnt", "3\n");
    fixture_put(&s.f, "memory/base/ration-x/box/deeper/memory.oom_control", "oom_kill 0\n");
    group_events(s.group, true, false, &counts);
    group_events(s.group, false, false, &counts);
    assert_false(counts.event[EVENT_OOM_NESTED].known);
    fixture_put(&s.f, "memory/base/ration-x/box/deeper/memory.oom_control", "oom_kill 1\n");
    group_events(s.group, false, false, &counts);
    expect_event(&counts, EVENT_OOM_KILL, 0, 1,
                 "/cg/memory/base/ration-x/box/memory.oom_control oom_kill");
    expect_event(&counts, EVENT_OOM_NESTED, 0, 3, "/cg/memory/base/ration-x/box/memory.failcnt");
    scene_drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_above),
        cmocka_unit_test(test_not_announced),
        cmocka_unit_test(test_nested),
    };

    return cmocka_run_group_tests_name("cgroup_events", tests, NULL, NULL);
}
