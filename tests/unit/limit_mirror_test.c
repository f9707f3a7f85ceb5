/*
 * limit: COMMAND's own group has the limits as well: which of them, and in which order.
 */
#include "limit_help.h"

struct mirror {
    const char *before; /* NULL: a new group */
    const char *texts;
    const char *v1, *v2; /* NULL: not on this layout */
};

static const struct mirror mirror_table[] = {
    { NULL, "memory=50m|memory-swap=60m",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=62914560\n"
      "inner memory.limit_in_bytes=52428800\ninner memory.memsw.limit_in_bytes=62914560\n",
      "group memory.max=52428800\ngroup memory.swap.max=10485760\n"
      "inner memory.max=52428800\ninner memory.swap.max=10485760\n" },
    { NULL, "memory-high=20m|memory-min=1m", NULL,
      "group memory.high=20971520\ninner memory.high=20971520\n"
      "group memory.min=1048576\ninner memory.min=1048576\n" },
    { NULL, "memory-reservation=2m",
      "group memory.soft_limit_in_bytes=2097152\ninner memory.soft_limit_in_bytes=2097152\n",
      "group memory.low=2097152\ninner memory.low=2097152\n" },
    { NULL, "cpu-quota=20000|cpu-period=50000",
      "group cpu.cfs_period_us=50000\ngroup cpu.cfs_quota_us=20000\n"
      "inner cpu.cfs_period_us=50000\ninner cpu.cfs_quota_us=20000\n",
      "group cpu.max=20000 50000\ninner cpu.max=20000 50000\n" },
    { NULL, "cpu-shares=512", "group cpu.shares=512\ninner cpu.shares=512\n",
      "group cpu.weight=59\ninner cpu.weight=59\n" },
    { NULL, "pids-limit=5", "group pids.max=5\ninner pids.max=5\n",
      "group pids.max=5\ninner pids.max=5\n" },
    { NULL, "oom-kill-disable", "group memory.oom_control=1\ninner memory.oom_control=1\n", NULL },
    { NULL, "oom-group", NULL, "group memory.oom.group=1\ninner memory.oom.group=1\n" },
    { NULL, "hugetlb=2MB:4m",
      "group hugetlb.2MB.limit_in_bytes=4194304\ninner hugetlb.2MB.limit_in_bytes=4194304\n",
      "group hugetlb.2MB.max=4194304\ninner hugetlb.2MB.max=4194304\n" },
    /* What v1 has on both levels anyway stands there once. */
    { NULL, "memory-swappiness=10", "group memory.swappiness=10\ninner memory.swappiness=10\n",
      NULL },
    { NULL, "device-read-bps=8:0:1m",
      "group blkio.throttle.read_bps_device=8:0 1048576\n"
      "inner blkio.throttle.read_bps_device=8:0 1048576\n",
      "group io.max=8:0 rbps=1048576\ninner io.max=8:0 rbps=1048576\n" },
    { NULL, "cpu-rt-runtime=5000", "group cpu.rt_runtime_us=5000\ninner cpu.rt_runtime_us=5000\n",
      NULL },
    { NULL, "cpuset-cpus=1|cpuset-mems=0",
      "group cpuset.cpus=1\ninner cpuset.cpus=1\ngroup cpuset.mems=0\ninner cpuset.mems=0\n",
      "group cpuset.cpus=1\ninner cpuset.cpus=1\ngroup cpuset.mems=0\ninner cpuset.mems=0\n" },
    /* Not a limit that a program could look for, or one that the inner group cannot have. */
    { NULL, "cpuset-partition=root", NULL, "group cpuset.cpus.partition=root\n" },
    { NULL, "device-cgroup-rule=c 1:3 r",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:3 r\n",
      "group (bpf)=deny a *:* rwm\nallow c 1:3 r\n" },
    { NULL, "rlimit-core=0|timeout=5", "process RLIMIT_CORE=0:0\nsupervisor timeout=5000000\n",
      "process RLIMIT_CORE=0:0\nsupervisor timeout=5000000\n" },
    /* Files by their own name: those that a limit has. */
    { NULL, "cgroup-conf=memory.high=1048576", NULL,
      "group memory.high=1048576\ninner memory.high=1048576\n" },
    { NULL, "cgroup-conf=hugetlb.2MB.max=2097152;cgroup.max.depth=5;cpuset.cpus.partition=member",
      NULL,
      "group hugetlb.2MB.max=2097152\ngroup cgroup.max.depth=5\n"
      "group cpuset.cpus.partition=member\ninner hugetlb.2MB.max=2097152\n" },

    /* ---- updates: a v1 group's share may at no moment exceed that of the one above ---- */
    { "cpu-quota=50000", "cpu-quota=20000",
      "inner cpu.cfs_quota_us=-1\ngroup cpu.cfs_quota_us=20000\ninner cpu.cfs_quota_us=20000\n",
      "group cpu.max=20000 100000\ninner cpu.max=20000 100000\n" },
    { "cpu-quota=20000", "cpu-quota=50000",
      "inner cpu.cfs_quota_us=-1\ngroup cpu.cfs_quota_us=50000\ninner cpu.cfs_quota_us=50000\n",
      "group cpu.max=50000 100000\ninner cpu.max=50000 100000\n" },
    { "cpu-quota=20000", "cpu-quota=-1", "inner cpu.cfs_quota_us=-1\ngroup cpu.cfs_quota_us=-1\n",
      "group cpu.max=max 100000\ninner cpu.max=max 100000\n" },
    { "cpu-quota=20000", "cpu-period=50000",
      "inner cpu.cfs_quota_us=-1\ngroup cpu.cfs_period_us=50000\ninner cpu.cfs_period_us=50000\n"
      "inner cpu.cfs_quota_us=20000\n",
      "group cpu.max=20000 50000\ninner cpu.max=20000 50000\n" },
    { "cpu-quota=20000", "cpu-quota=15000|cpu-period=50000",
      "inner cpu.cfs_quota_us=-1\ngroup cpu.cfs_quota_us=15000\ngroup cpu.cfs_period_us=50000\n"
      "inner cpu.cfs_quota_us=15000\ninner cpu.cfs_period_us=50000\n",
      "group cpu.max=15000 50000\ninner cpu.max=15000 50000\n" },
    { "cpu-quota=20000|cpu-burst=20000", "cpu-quota=10000|cpu-burst=10000",
      "group cpu.cfs_burst_us=10000\ninner cpu.cfs_quota_us=-1\ngroup cpu.cfs_quota_us=10000\n"
      "inner cpu.cfs_burst_us=10000\ninner cpu.cfs_quota_us=10000\n",
      "group cpu.max.burst=10000\ngroup cpu.max=10000 100000\n"
      "inner cpu.max.burst=10000\ninner cpu.max=10000 100000\n" },
    { "cpu-rt-runtime=5000", "cpu-rt-runtime=1000",
      "inner cpu.rt_runtime_us=1000\ngroup cpu.rt_runtime_us=1000\n", NULL },
    { "cpuset-cpus=0-1", "cpuset-cpus=1-2",
      "group cpuset.cpus=0-2\ninner cpuset.cpus=1-2\ngroup cpuset.cpus=1-2\n",
      "group cpuset.cpus=1-2\ninner cpuset.cpus=1-2\n" },
    /* Each level by itself: the total first when it is raised. */
    { "memory=50m|memory-swap=60m", "memory=100m|memory-swap=120m",
      "group memory.memsw.limit_in_bytes=125829120\ngroup memory.limit_in_bytes=104857600\n"
      "inner memory.memsw.limit_in_bytes=125829120\ninner memory.limit_in_bytes=104857600\n",
      "group memory.swap.max=20971520\ngroup memory.max=104857600\n"
      "inner memory.swap.max=20971520\ninner memory.max=104857600\n" },
    { "memory=50m|memory-swap=60m", "memory=20m|memory-swap=30m",
      "group memory.limit_in_bytes=20971520\ngroup memory.memsw.limit_in_bytes=31457280\n"
      "inner memory.limit_in_bytes=20971520\ninner memory.memsw.limit_in_bytes=31457280\n",
      "group memory.max=20971520\ngroup memory.swap.max=10485760\n"
      "inner memory.max=20971520\ninner memory.swap.max=10485760\n" },
};

static void expect(const char *layout, const struct mirror *mirror, const char *want)
{
    struct help_world world = help_world(layout);
    struct limit_set current = { 0 };

    world.options.mirror = true;
    if (mirror->before) {
        struct err err = ERR_INIT;
        struct plan *plan = help_plan(&world, mirror->before, &err);
        assert_non_null(plan);
        assert_int_equal(limit_set_copy(&plan->in_force, &current), 0);
        plan_free(plan);
        world.options.current = &current;
    }
    help_expect(&world, mirror->texts, want);
    limit_set_done(&current);
}

static void the_inner_group_shows_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(mirror_table); i++) {
        if (mirror_table[i].v1)
            expect("v1", &mirror_table[i], mirror_table[i].v1);
        if (mirror_table[i].v2)
            expect("v2", &mirror_table[i], mirror_table[i].v2);
    }
    /* On the hybrid each controller by its own version: hugetlb is on v2 there. */
    expect("hybrid", &(struct mirror){ .texts = "pids-limit=5|hugetlb=2MB:2m" },
           "group pids.max=5\ninner pids.max=5\n"
           "group hugetlb.2MB.max=2097152\ninner hugetlb.2MB.max=2097152\n");
}

static void copies_are_read_back_like_the_first(void **state)
{
    struct help_world world = help_world("v1");
    struct err err = ERR_INIT;

    (void)state;
    world.options.mirror = true;
    struct plan *plan = help_plan(&world, "oom-kill-disable", &err);
    assert_non_null(plan);
    assert_true(plan->mirrored);
    assert_int_equal(plan->n_steps, 2);
    assert_int_equal(plan->steps[1].target, PLAN_INNER);
    assert_int_equal(plan->steps[1].check, plan->steps[0].check);
    assert_string_equal(plan->steps[1].expect, "oom_kill_disable 1");
    assert_int_equal(plan->steps[1].version, 1);
    assert_non_null(plan->steps[1].reason);
    plan_free(plan);
}

/* docker's default total is not a document's. */
static void literal_adds_nothing(void **state)
{
    static const char *const layout_table[] = { "v1", "v2" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(layout_table); i++) {
        const char *file = i == 0 ? "memory.limit_in_bytes" : "memory.max";
        struct help_world world = help_world(layout_table[i]);
        struct limit_set current = { 0 };
        char want[80];
        world.options.literal = true;
        snprintf(want, sizeof(want), "group %s=52428800\n", file);
        help_expect(&world, "memory=50m", want);
        help_set(&current, "memory=50m");
        world.options.current = &current;
        snprintf(want, sizeof(want), "group %s=104857600\n", file);
        help_expect(&world, "memory=100m", want);
        snprintf(want, sizeof(want), "group %s=%s\n", file, i == 0 ? "-1" : "max");
        help_expect(&world, "memory=-1", want);
        limit_set_done(&current);
    }
}

/* A document's limit is one of reservations as well, on both levels where it is mirrored. */
static void documents_limit_reservations(void **state)
{
    struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    v1.options.document = v2.options.document = v2.options.mirror = true;
    help_expect(&v1, "hugetlb=2MB:4m",
                "group hugetlb.2MB.limit_in_bytes=4194304\n"
                "group hugetlb.2MB.rsvd.limit_in_bytes=4194304\n");
    help_expect(&v2, "hugetlb=2MB:5m",
                "group hugetlb.2MB.max=4194304\ngroup hugetlb.2MB.rsvd.max=4194304\n"
                "inner hugetlb.2MB.max=4194304\ninner hugetlb.2MB.rsvd.max=4194304\n");
    help_expect(&v2, "hugetlb=2MB:-1",
                "group hugetlb.2MB.max=max\ngroup hugetlb.2MB.rsvd.max=max\n"
                "inner hugetlb.2MB.max=max\ninner hugetlb.2MB.rsvd.max=max\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inner_group_shows_them),
        cmocka_unit_test(copies_are_read_back_like_the_first),
        cmocka_unit_test(literal_adds_nothing),
        cmocka_unit_test(documents_limit_reservations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
