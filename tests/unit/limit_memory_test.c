/*
 * limit: when memory runs out. Each allocation in turn fails once; the call must either do without it or
 * say so, and nothing may be lost or freed twice (which the sanitizers' build would tell).
 */
#undef _FORTIFY_SOURCE
#include "failing_alloc.h"
#include "limit_help.h"

/* Everything at once, and best effort, so that each encoder and the unmet are on the way. */
static const char everything[] =
    "memory=25%|memory-swap=30%|memory-high=20m|memory-reservation=1m|memory-swappiness=5|"
    "oom-kill-disable|cpus=0.005|cpu-burst=1000|cpu-shares=512|cpu-rt-runtime=500|cpuset-cpus=1|"
    "cpuset-partition=root|pids-limit=5|blkio-weight=500|blkio-weight-device=8:0:20|"
    "device-read-bps=8:0:1m|io-latency=8:0:1ms|hugetlb=2MB:5m|device-cgroup-rule=c 1:3 rwm|"
    "net-cls=10:1|net-prio=eth0:5|rdma=mlx:a=1|misc=sev:4|cgroup-conf=pids.x=5|rlimit-nofile=5:6|"
    "timeout=5|cpu-time=500";

/* Plan it with the nth allocation failing; false when it was not reached. */
static bool plan_failing(const struct help_world *world, const struct limit_set *set, long n)
{
    struct plan *plan = NULL;
    struct err err = ERR_INIT;

    allocations_left = n;
    int r = limits_plan(set, &world->layout, &world->machine, &world->options, &plan, &err);
    bool reached = allocations_left < 0;
    allocations_left = -1;
    assert_int_equal(r == 0, plan != NULL);
    if (r < 0) {
        assert_int_equal(r, -ENOMEM);
        assert_string_equal(err.text, "out of memory");
    } else {
        assert_false(plan->out_of_memory);
    }
    plan_free(plan);
    return reached;
}

static void plans_fail_whole(void **state)
{
    static const char *const layouts[] = { "v1", "v2", "hybrid" };
    struct limit_set set = { 0 };

    (void)state;
    help_set(&set, everything);
    for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
        struct help_world world = help_world(layouts[i]);
        long n = 0;
        world.options.best_effort = true;
        while (plan_failing(&world, &set, n))
            n++;
        assert_true(n > 50);
    }
    limit_set_done(&set);
}

static void updates_fail_whole(void **state)
{
    struct limit_set set = { 0 }, current = { 0 };
    struct help_world world = help_world("v1");
    long n = 0;

    (void)state;
    help_set(&set, "memory=30m|cpus=0.2|cpuset-cpus=1-2|pids-limit=6");
    help_set(&current, "memory=20m|memory-swap=40m|cpus=0.5|cpuset-cpus=0-1|misc=sev:4");
    world.options.current = &current;
    while (plan_failing(&world, &set, n))
        n++;
    assert_true(n > 5);
    limit_set_done(&set);
    limit_set_done(&current);
}

static void parsing_fails_whole(void **state)
{
    static const struct {
        enum limit_id id;
        const char *text;
    } table[] = {
        { LIMIT_CPUSET_PARTITION, "root" },
        { LIMIT_MISC, "a:1; b:2" },
        { LIMIT_CGROUP_CONF, "cpu.x=1; cpu.y=2" },
        { LIMIT_RDMA, "mlx:a=1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        for (long n = 0;; n++) {
            struct limit_set set = { 0 };
            struct err err = ERR_INIT;
            if (limit_is_many(table[i].id))
                help_set(&set, "misc=x:1|cgroup-conf=cpu.a=1|rdma=y:b=1");
            allocations_left = n;
            int r = limit_parse(table[i].id, table[i].text, NULL, &set, &err);
            bool reached = allocations_left < 0;
            allocations_left = -1;
            assert_true(r == 0 || r == -ENOMEM);
            limit_set_done(&set);
            if (!reached)
                break;
            assert_int_equal(r, -ENOMEM);
        }
    }
}

static void copies_fail_whole(void **state)
{
    struct limit_set set = { 0 }, copy;

    (void)state;
    help_set(&set, everything);
    for (long n = 0;; n++) {
        allocations_left = n;
        int r = limit_set_copy(&set, &copy);
        bool reached = allocations_left < 0;
        allocations_left = -1;
        if (r == 0)
            limit_set_done(&copy);
        assert_int_equal(r, reached ? -ENOMEM : 0);
        if (!reached)
            break;
    }
    limit_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_fail_whole),
        cmocka_unit_test(updates_fail_whole),
        cmocka_unit_test(parsing_fails_whole),
        cmocka_unit_test(copies_fail_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
