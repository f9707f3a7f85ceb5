/* limit: changing a live group, and using a group again: the order of writes is what counts. */
#include "limit_help.h"

struct update {
    const char *before, *texts;
    const char *v1, *v2;
};

static const struct update update_table[] = {
    /* Only what is asked for is written. */
    { "memory=50m|memory-swap=60m|pids-limit=5", "pids-limit=6", "group pids.max=6\n",
      "group pids.max=6\n" },
    { "pids-limit=5", "pids-limit=-1", "group pids.max=max\n", "group pids.max=max\n" },
    /* Raising: the total first. Lowering: the memory first. */
    { "memory=50m|memory-swap=60m", "memory=100m|memory-swap=120m",
      "group memory.memsw.limit_in_bytes=125829120\ngroup memory.limit_in_bytes=104857600\n",
      "group memory.swap.max=20971520\ngroup memory.max=104857600\n" },
    { "memory=50m|memory-swap=60m", "memory=20m|memory-swap=30m",
      "group memory.limit_in_bytes=20971520\ngroup memory.memsw.limit_in_bytes=31457280\n",
      "group memory.max=20971520\ngroup memory.swap.max=10485760\n" },
    { "memory=50m|memory-swap=60m", "memory-swap=80m",
      "group memory.memsw.limit_in_bytes=83886080\n", "group memory.swap.max=31457280\n" },
    /* The total that was asked for stays; v2 moves swap so that it does. */
    { "memory=50m|memory-swap=60m", "memory=55m", "group memory.limit_in_bytes=57671680\n",
      "group memory.max=57671680\ngroup memory.swap.max=5242880\n" },
    /* docker's default of twice the memory moves with it. */
    { "memory=50m", "memory=100m",
      "group memory.memsw.limit_in_bytes=209715200\ngroup memory.limit_in_bytes=104857600\n",
      "group memory.swap.max=104857600\ngroup memory.max=104857600\n" },
    { "memory=50m", "memory=20m",
      "group memory.limit_in_bytes=20971520\ngroup memory.memsw.limit_in_bytes=41943040\n",
      "group memory.max=20971520\ngroup memory.swap.max=20971520\n" },
    { "memory=50m", "memory=-1",
      "group memory.memsw.limit_in_bytes=-1\ngroup memory.limit_in_bytes=-1\n",
      "group memory.swap.max=max\ngroup memory.max=max\n" },
    { "memory=50m|memory-swap=-1", "memory=100m", "group memory.limit_in_bytes=104857600\n",
      "group memory.max=104857600\ngroup memory.swap.max=max\n" },
    { "pids-limit=5", "memory=50m",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=104857600\n",
      "group memory.max=52428800\ngroup memory.swap.max=52428800\n" },
    /* The write that lowers the ratio of quota and period goes first. */
    { "cpus=0.5", "cpus=0.2", "group cpu.cfs_quota_us=20000\n", "group cpu.max=20000 100000\n" },
    { "cpus=0.5", "cpus=0.005", "group cpu.cfs_quota_us=5000\ngroup cpu.cfs_period_us=1000000\n",
      "group cpu.max=5000 1000000\n" },
    { "cpus=0.005", "cpus=0.5", "group cpu.cfs_period_us=100000\ngroup cpu.cfs_quota_us=50000\n",
      "group cpu.max=50000 100000\n" },
    { "cpus=0.5", "cpu=unlimited", "group cpu.cfs_quota_us=-1\n", "group cpu.max=max 100000\n" },
    { "cpu-quota=20000|cpu-period=50000", "cpus=0.5", "group cpu.cfs_quota_us=25000\n",
      "group cpu.max=25000 50000\n" },
    { "cpu-quota=20000", "cpu-period=50000", "group cpu.cfs_period_us=50000\n",
      "group cpu.max=20000 50000\n" },
    { "cpus=0.5", "cpu-period=50000",
      "group cpu.cfs_quota_us=25000\ngroup cpu.cfs_period_us=50000\n",
      "group cpu.max=25000 50000\n" },
    { "cpus=0.5", "cpu-period=200000",
      "group cpu.cfs_period_us=200000\ngroup cpu.cfs_quota_us=100000\n",
      "group cpu.max=100000 200000\n" },
    { "cpus=0.5|cpu-period=50000", "cpus=0.002",
      "group cpu.cfs_quota_us=2000\ngroup cpu.cfs_period_us=1000000\n",
      "group cpu.max=2000 1000000\n" },
    { "cpus=0.005", "cpu-burst=5000", "group cpu.cfs_burst_us=5000\n",
      "group cpu.max.burst=5000\n" },
    { "cpu-quota=20000|cpu-burst=20000", "cpu-quota=10000|cpu-burst=10000",
      "group cpu.cfs_burst_us=10000\ngroup cpu.cfs_quota_us=10000\n",
      "group cpu.max.burst=10000\ngroup cpu.max=10000 100000\n" },
    { "cpu-quota=20000|cpu-burst=20000", "cpu-quota=30000|cpu-burst=30000",
      "group cpu.cfs_quota_us=30000\ngroup cpu.cfs_burst_us=30000\n",
      "group cpu.max=30000 100000\ngroup cpu.max.burst=30000\n" },
    { "cpu-shares=512", "cpu-weight=100", "group cpu.shares=1024\n", "group cpu.weight=100\n" },
    { "cpu-rt-runtime=5000", "cpu-rt-runtime=9000",
      "group cpu.rt_runtime_us=9000\ninner cpu.rt_runtime_us=9000\n", NULL },
    { "cpu-rt-runtime=5000", "cpu-rt-runtime=1000",
      "inner cpu.rt_runtime_us=1000\ngroup cpu.rt_runtime_us=1000\n", NULL },
    /* A v1 child's list lies within its parent's at every moment. */
    { "cpuset-cpus=0-2", "cpuset-cpus=1", "inner cpuset.cpus=1\ngroup cpuset.cpus=1\n",
      "group cpuset.cpus=1\n" },
    { "cpuset-cpus=1", "cpuset-cpus=0-2", "group cpuset.cpus=0-2\ninner cpuset.cpus=0-2\n",
      "group cpuset.cpus=0-2\n" },
    { "cpuset-cpus=0-1", "cpuset-cpus=1-2",
      "group cpuset.cpus=0-2\ninner cpuset.cpus=1-2\ngroup cpuset.cpus=1-2\n",
      "group cpuset.cpus=1-2\n" },
    { "cpuset-mems=0", "cpuset-cpus=1-2", "inner cpuset.cpus=1-2\ngroup cpuset.cpus=1-2\n",
      "group cpuset.cpus=1-2\n" },
    { "timeout=10", "timeout=20", "supervisor timeout=20000000\n",
      "supervisor timeout=20000000\n" },
    { "cpu-time=10s", "cpu-time=20s", "supervisor cpu-time=20000000\n",
      "supervisor cpu-time=20000000\n" },
    { "memory-low=1m", "memory-reservation=2m", NULL, "group memory.low=2097152\n" },
    { "device-cgroup-rule=a", "device-cgroup-rule=c 1:3 r", NULL,
      "group (bpf)=deny a *:* rwm\nallow c 1:3 r\n" },
};

/* A world that is in the state that before leads to. */
static struct limit_set begin(struct help_world *world, const char *before)
{
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(world, before, &err);

    if (!plan)
        fail_msg("%s: %s", before, err.text);
    struct limit_set current = plan->in_force;
    plan->in_force = (struct limit_set){ 0 };
    plan_free(plan);
    return current;
}

static void expect_update(const char *layout, const struct update *update, const char *want)
{
    struct help_world world = help_world(layout);
    struct limit_set current = begin(&world, update->before);

    world.options.current = &current;
    help_expect(&world, update->texts, want);
    limit_set_done(&current);
}

static void updates_are_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(update_table); i++) {
        if (update_table[i].v1)
            expect_update("v1", &update_table[i], update_table[i].v1);
        if (update_table[i].v2)
            expect_update("v2", &update_table[i], update_table[i].v2);
    }
}

static void refuse_update(const char *layout, const char *before, const char *texts,
                          enum err_class class, const char *parts)
{
    struct help_world world = help_world(layout);
    struct limit_set current = begin(&world, before);

    world.options.current = &current;
    help_refused(&world, texts, class, parts);
    limit_set_done(&current);
}

static void updates_that_cannot_be_are_refused(void **state)
{
    (void)state;
    refuse_update("v1", "memory=50m|memory-swap=60m", "memory=70m", ERR_USAGE,
                  "--memory 70m|60 MiB now in force|--memory-swap");
    refuse_update("v1", "memory=50m", "memory-swap=40m", ERR_USAGE,
                  "cannot be below --memory|50 MiB");
    refuse_update("v2", "cpu-quota=20000", "cpu-burst=30000", ERR_USAGE, "quota of 20000 us");
    refuse_update("v2", "cpus=0.005", "cpu-burst=5001", ERR_USAGE, "quota of 5000 us");
    refuse_update("v2", "cpu-quota=20000|cpu-burst=20000", "cpu-quota=10000", ERR_USAGE,
                  "--cpu-quota 10ms|below the burst of 20000 us|--cpu-burst");
    refuse_update("v2", "cpus=0.005", "cpu-period=50000", ERR_USAGE,
                  "--cpu-period 50ms|250 us|minimum of 1000 us");
    refuse_update("v2", "timeout=10", "timeout-soft=20", ERR_USAGE, "--timeout-soft 20s|--timeout");
    refuse_update("v2", "cpu-idle", "cpu-shares=50", ERR_USAGE, "contradicts --cpu-idle");
    refuse_update("v1", "", "rlimit-nofile=50", ERR_REFUSED, "cannot be changed in a live run");
    refuse_update("v1", "device-cgroup-rule=a", "device-cgroup-rule=c 1:3 r", ERR_REFUSED,
                  "cannot be changed in a live run on cgroup v1");
}

static void in_force_is_what_holds_after_the_update(void **state)
{
    struct help_world world = help_world("v1");
    struct limit_set current = begin(&world, "memory=50m|memory-swap=60m|cpus=0.5|cpu-shares=512");
    struct err err = ERR_INIT;

    (void)state;
    world.options.current = &current;
    struct plan *plan = help_plan(&world, "memory=40m|cpu-quota=20000|cpu-weight=100", &err);
    assert_non_null(plan);
    const struct limit_set *set = &plan->in_force;
    assert_int_equal(set->value[LIMIT_MEMORY].number, 41943040);
    assert_int_equal(set->value[LIMIT_MEMORY_SWAP].number, 62914560);
    assert_int_equal(set->value[LIMIT_CPU_QUOTA].number, 20000);
    assert_false(limit_is_set(set, LIMIT_CPUS));
    assert_int_equal(set->value[LIMIT_CPU_WEIGHT].number, 100);
    assert_false(limit_is_set(set, LIMIT_CPU_SHARES));
    plan_free(plan);
    limit_set_done(&current);
}

/* ---- groups used again ------------------------------------------------------------------------- */

static void a_group_used_again_is_written_whole(void **state)
{
    struct help_world world = help_world("v1");
    struct err err = ERR_INIT;

    (void)state;
    world.options.reset = true;
    world.options.measure = CONTROLLER_BIT(CONTROLLER_PIDS);
    help_expect(&world, "memory=50m|memory-swap=60m",
                "group pids.max=max\n"
                "group memory.oom_control=0\n"
                "group memory.kmem.tcp.limit_in_bytes=-1\n"
                "group memory.soft_limit_in_bytes=-1\n"
                "group memory.memsw.limit_in_bytes=-1\n"
                "group memory.limit_in_bytes=-1\n"
                "group memory.limit_in_bytes=52428800\n"
                "group memory.memsw.limit_in_bytes=62914560\n");
    struct plan *plan = help_plan(&world, "memory=50m|cgroup-conf=pids.max=5", &err);
    assert_non_null(plan);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct plan_step *step = &plan->steps[i];
        assert_int_equal(step->best_effort, step->check == PLAN_CHECK_NONE);
    }
    plan_free(plan);
    world = help_world("v2");
    world.options.reset = true;
    help_expect(&world, "cpus=1",
                "group cpu.idle=0\ngroup cpu.weight=100\ngroup cpu.max.burst=0\n"
                "group cpu.max=max 100000\ngroup cpu.max=100000 100000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_in_order),
        cmocka_unit_test(updates_that_cannot_be_are_refused),
        cmocka_unit_test(in_force_is_what_holds_after_the_update),
        cmocka_unit_test(a_group_used_again_is_written_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
