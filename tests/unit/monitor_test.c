/* monitor: the limits that ration itself watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "monitor/monitor.h"

struct scene {
    struct loop loop;
    struct monitor monitor;
    struct limit_set limits;
    unsigned n_told;
    enum limit_id told;
    enum stop_reason reason;
};

static int on_limit(void *data, enum limit_id limit, enum stop_reason reason)
{
    struct scene *s = data;

    s->n_told++;
    s->told = limit;
    s->reason = reason;
    return 0;
}

static int stop(void *data)
{
    loop_stop(data);
    return 0;
}

static void scene_init(struct scene *s)
{
    *s = (struct scene){ 0 };
    loop_init(&s->loop);
    assert_int_equal(monitor_init(&s->monitor, &s->loop, NULL, 1, on_limit, s), 0);
}

static void limit_to(struct scene *s, enum limit_id id, uint64_t us)
{
    s->limits.value[id] = (struct limit_value){ .state = LIMIT_SET, .number = us };
}

/* Everything that is due by now. */
static void run_due(struct scene *s)
{
    int timer = loop_add_timer(&s->loop, stop, &s->loop);

    loop_arm(&s->loop, timer, clock_us(CLOCK_MONOTONIC));
    assert_int_equal(loop_run(&s->loop), 0);
}

static void test_reached(void **state)
{
    (void)state;
    struct scene s;
    uint64_t now = clock_us(CLOCK_MONOTONIC);

    scene_init(&s);
    limit_to(&s, LIMIT_TIMEOUT, 1000000);
    monitor_begin(&s.monitor, &s.limits, now);
    run_due(&s);
    assert_int_equal(s.n_told, 0);
    monitor_begin(&s.monitor, &s.limits, now - 2000000);
    run_due(&s);
    assert_int_equal(s.n_told, 1);
    assert_int_equal(s.told, LIMIT_TIMEOUT);
    assert_int_equal(s.reason, STOP_WALL_TIME);
}

/* A soft limit that was told is not told again because some other limit has changed. */
static void test_told_once(void **state)
{
    (void)state;
    struct scene s;
    uint64_t begun = clock_us(CLOCK_MONOTONIC) - 2000000;

    scene_init(&s);
    limit_to(&s, LIMIT_TIMEOUT_SOFT, 1000000);
    monitor_begin(&s.monitor, &s.limits, begun);
    run_due(&s);
    assert_int_equal(s.n_told, 1);
    assert_int_equal(s.reason, STOP_NONE);
    limit_to(&s, LIMIT_TIMEOUT, 3600000000);
    monitor_begin(&s.monitor, &s.limits, begun);
    run_due(&s);
    assert_int_equal(s.n_told, 1);
    /* With another value it is another limit. */
    limit_to(&s, LIMIT_TIMEOUT_SOFT, 1500000);
    monitor_begin(&s.monitor, &s.limits, begun);
    run_due(&s);
    assert_int_equal(s.n_told, 2);
}

static void test_end(void **state)
{
    (void)state;
    struct scene s;

    scene_init(&s);
    limit_to(&s, LIMIT_TIMEOUT, 1);
    monitor_begin(&s.monitor, &s.limits, clock_us(CLOCK_MONOTONIC) - 2000000);
    monitor_end(&s.monitor);
    run_due(&s);
    assert_int_equal(s.n_told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reached),
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
