/* limit: plans as whole text, on each layout. */
#include "limit_help.h"

#include <sys/resource.h>

struct planned {
    const char *texts, *v1, *v2;
};

/* Whole plans. NULL: not looked at here. The machine has 4 CPUs, 8 GiB, 2 GiB of swap. */
static const struct planned planned_table[] = {
    { "", "", "" },
    { "memory=50m|memory-swap=60m",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=62914560\n",
      "group memory.max=52428800\ngroup memory.swap.max=10485760\n" },
    { "memory-swap=60m|memory=50m", /* whatever the order of options */
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=62914560\n",
      "group memory.max=52428800\ngroup memory.swap.max=10485760\n" },
    { "memory=50m",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=104857600\n",
      "group memory.max=52428800\ngroup memory.swap.max=52428800\n" },
    { "memory=50m|memory-swap=-1",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=-1\n",
      "group memory.max=52428800\ngroup memory.swap.max=max\n" },
    { "memory=50m|memory-swap=50m",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=52428800\n",
      "group memory.max=52428800\ngroup memory.swap.max=0\n" },
    { "memory=52428801|memory-swap=-1",
      "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=-1\n",
      "group memory.max=52428800\ngroup memory.swap.max=max\n" },
    { "memory=25%|memory-swap=-1",
      "group memory.limit_in_bytes=2147483648\ngroup memory.memsw.limit_in_bytes=-1\n",
      "group memory.max=2147483648\ngroup memory.swap.max=max\n" },
    { "memory=-1", "group memory.limit_in_bytes=-1\n", "group memory.max=max\n" },
    { "memory-swap=-1", "group memory.memsw.limit_in_bytes=-1\n", "group memory.swap.max=max\n" },
    { "memory-reservation=20m", "group memory.soft_limit_in_bytes=20971520\n",
      "group memory.low=20971520\n" },
    { "memory-high=20m|memory-min=1m|memory-low=2m", NULL,
      "group memory.high=20971520\ngroup memory.min=1048576\ngroup memory.low=2097152\n" },
    { "memory-swappiness=10", "group memory.swappiness=10\ninner memory.swappiness=10\n", NULL },
    { "kernel-memory-tcp=1m", "group memory.kmem.tcp.limit_in_bytes=1048576\n", NULL },
    { "kernel-memory-tcp=-1", "group memory.kmem.tcp.limit_in_bytes=-1\n", NULL },
    { "oom-group", NULL, "group memory.oom.group=1\n" },
    { "oom-group=false", "", "group memory.oom.group=0\n" },
    { "oom-kill-disable", "group memory.oom_control=1\n", NULL },
    { "oom-kill-disable=false", "group memory.oom_control=0\n", "" },
    { "cpus=0.5", "group cpu.cfs_quota_us=50000\n", "group cpu.max=50000 100000\n" },
    { "cpu=20", "group cpu.cfs_quota_us=20000\n", "group cpu.max=20000 100000\n" },
    { "cpus=4", "group cpu.cfs_quota_us=400000\n", "group cpu.max=400000 100000\n" },
    { "cpus=0.005", "group cpu.cfs_period_us=1000000\ngroup cpu.cfs_quota_us=5000\n",
      "group cpu.max=5000 1000000\n" },
    { "cpus=0.001", "group cpu.cfs_period_us=1000000\ngroup cpu.cfs_quota_us=1000\n",
      "group cpu.max=1000 1000000\n" },
    { "cpus=0.333333", "group cpu.cfs_quota_us=33333\n", "group cpu.max=33333 100000\n" },
    { "cpus=unlimited", "group cpu.cfs_quota_us=-1\n", "group cpu.max=max 100000\n" },
    { "cpus=0.5|cpu-period=20ms", "group cpu.cfs_period_us=20000\ngroup cpu.cfs_quota_us=10000\n",
      "group cpu.max=10000 20000\n" },
    { "cpu-quota=20000|cpu-period=50000",
      "group cpu.cfs_period_us=50000\ngroup cpu.cfs_quota_us=20000\n",
      "group cpu.max=20000 50000\n" },
    { "cpu-quota=20000", "group cpu.cfs_quota_us=20000\n", "group cpu.max=20000 100000\n" },
    { "cpu-quota=-1", "group cpu.cfs_quota_us=-1\n", "group cpu.max=max 100000\n" },
    { "cpu-quota=900ms", "group cpu.cfs_quota_us=900000\n", "group cpu.max=900000 100000\n" },
    { "cpu-period=50000", "group cpu.cfs_period_us=50000\n", "group cpu.max=max 50000\n" },
    { "cpu-quota=20000|cpu-burst=10000",
      "group cpu.cfs_quota_us=20000\ngroup cpu.cfs_burst_us=10000\n",
      "group cpu.max=20000 100000\ngroup cpu.max.burst=10000\n" },
    { "cpu-burst=10000", "group cpu.cfs_burst_us=10000\n", "group cpu.max.burst=10000\n" },
    { "cpu-shares=512", "group cpu.shares=512\n", "group cpu.weight=59\n" },
    { "cpu-shares=1024", "group cpu.shares=1024\n", "group cpu.weight=100\n" },
    { "cpu-weight=100", "group cpu.shares=1024\n", "group cpu.weight=100\n" },
    { "cpu-idle", "group cpu.idle=1\n", "group cpu.idle=1\n" },
    { "cpu-idle=false|cpu-shares=2", "group cpu.shares=2\ngroup cpu.idle=0\n",
      "group cpu.weight=1\ngroup cpu.idle=0\n" },
    { "cpu-rt-runtime=5000", "group cpu.rt_runtime_us=5000\ninner cpu.rt_runtime_us=5000\n", NULL },
    { "cpu-rt-period=500000|cpu-rt-runtime=5000",
      "group cpu.rt_period_us=500000\ngroup cpu.rt_runtime_us=5000\n"
      "inner cpu.rt_period_us=500000\ninner cpu.rt_runtime_us=5000\n",
      NULL },
    { "cpuset-cpus=1-2",
      "group cpuset.mems=0\ninner cpuset.mems=0\ngroup cpuset.cpus=1-2\ninner cpuset.cpus=1-2\n",
      "group cpuset.cpus=1-2\n" },
    { "cpuset-mems=0",
      "group cpuset.cpus=0-3\ninner cpuset.cpus=0-3\ngroup cpuset.mems=0\ninner cpuset.mems=0\n",
      "group cpuset.mems=0\n" },
    { "cpuset-cpus=0|cpuset-mems=0",
      "group cpuset.cpus=0\ninner cpuset.cpus=0\ngroup cpuset.mems=0\ninner cpuset.mems=0\n",
      "group cpuset.cpus=0\ngroup cpuset.mems=0\n" },
    { "cpuset-cpus=1|cpuset-partition=root", NULL,
      "group cpuset.cpus=1\ngroup cpuset.cpus.partition=root\n" },
    { "pids-limit=64", "group pids.max=64\n", "group pids.max=64\n" },
    { "pids-limit=-1", "group pids.max=max\n", "group pids.max=max\n" },
    { "blkio-weight=500", "group blkio.weight=500\n", "group io.weight=default 4950\n" },
    { "blkio-weight-device=8:0:500;8:16:10",
      "group blkio.weight_device=8:0 500\ngroup blkio.weight_device=8:16 10\n",
      "group io.weight=8:0 4950\ngroup io.weight=8:16 1\n" },
    { "device-read-bps=/dev/sda:1m|device-write-iops=/dev/sda:10;/dev/sdb:20",
      "group blkio.throttle.read_bps_device=8:0 1048576\n"
      "inner blkio.throttle.read_bps_device=8:0 1048576\n"
      "group blkio.throttle.write_iops_device=8:0 10\n"
      "inner blkio.throttle.write_iops_device=8:0 10\n"
      "group blkio.throttle.write_iops_device=8:16 20\n"
      "inner blkio.throttle.write_iops_device=8:16 20\n",
      "group io.max=8:0 rbps=1048576 wiops=10\ngroup io.max=8:16 wiops=20\n" },
    { "device-read-bps=8:0:max|device-write-bps=8:0:5|device-read-iops=8:0:6",
      "group blkio.throttle.read_bps_device=8:0 0\ninner blkio.throttle.read_bps_device=8:0 0\n"
      "group blkio.throttle.write_bps_device=8:0 5\ninner blkio.throttle.write_bps_device=8:0 5\n"
      "group blkio.throttle.read_iops_device=8:0 6\ninner blkio.throttle.read_iops_device=8:0 6\n",
      "group io.max=8:0 rbps=max wbps=5 riops=6\n" },
    { "io-latency=8:0:10ms", NULL, "group io.latency=8:0 target=10000\n" },
    { "hugetlb=2MB:5m;1GB:max",
      "group hugetlb.2MB.limit_in_bytes=4194304\ngroup hugetlb.1GB.limit_in_bytes=-1\n",
      "group hugetlb.2MB.max=4194304\ngroup hugetlb.1GB.max=max\n" },
    { "device-cgroup-rule=c 1:3 rwm; deny b *:* w",
      "group devices.deny=a *:* rwm\ngroup devices.allow=c 1:3 rwm\n",
      "group (bpf)=deny a *:* rwm\nallow c 1:3 rwm\ndeny b *:* w\n" },
    { "device-cgroup-rule=a", "group devices.allow=a *:* rwm\n", "group (bpf)=allow a *:* rwm\n" },
    { "net-cls=10:1", "group net_cls.classid=1048577\ninner net_cls.classid=1048577\n", NULL },
    { "net-prio=eth0:5", "group net_prio.ifpriomap=eth0 5\ninner net_prio.ifpriomap=eth0 5\n",
      NULL },
    { "rdma=mlx4_0:hca_handle=2,hca_object=max",
      "group rdma.max=mlx4_0 hca_handle=2 hca_object=max\n",
      "group rdma.max=mlx4_0 hca_handle=2 hca_object=max\n" },
    { "misc=sev:4; tdx:max", "group misc.max=sev 4\ngroup misc.max=tdx max\n",
      "group misc.max=sev 4\ngroup misc.max=tdx max\n" },
    { "cgroup-conf=memory.zswap.max=0", "group memory.zswap.max=0\n",
      "group memory.zswap.max=0\n" },
    { "cgroup-conf=cpuset.memory_migrate=1",
      "group cpuset.cpus=0-3\ngroup cpuset.mems=0\ninner cpuset.cpus=0-3\ninner cpuset.mems=0\n"
      "group cpuset.memory_migrate=1\n",
      "group cpuset.memory_migrate=1\n" },
    { "cgroup-conf=cgroup.max.depth=3", NULL, "group cgroup.max.depth=3\n" },
    { "rlimit-nofile=1024:2048|rlimit-core=0|rlimit-as=1g:unlimited",
      "process RLIMIT_AS=1073741824:unlimited\nprocess RLIMIT_CORE=0:0\nprocess "
      "RLIMIT_NOFILE=1024:2048\n",
      "process RLIMIT_AS=1073741824:unlimited\nprocess RLIMIT_CORE=0:0\nprocess "
      "RLIMIT_NOFILE=1024:2048\n" },
    { "timeout=2s|timeout-soft=1|output-limit=1k",
      "supervisor timeout=2000000\nsupervisor timeout-soft=1000000\nsupervisor output-limit=1024\n",
      "supervisor timeout=2000000\nsupervisor timeout-soft=1000000\nsupervisor "
      "output-limit=1024\n" },
    { "timeout=unlimited", "", "" },
    { "cpu-time=500|cpu-time-soft=400",
      "process RLIMIT_CPU=2:2\nsupervisor cpu-time=500000\nsupervisor cpu-time-soft=400000\n",
      "process RLIMIT_CPU=2:2\nsupervisor cpu-time=500000\nsupervisor cpu-time-soft=400000\n" },
    { "cpu-time=500|rlimit-cpu=5", "process RLIMIT_CPU=5:5\nsupervisor cpu-time=500000\n",
      "process RLIMIT_CPU=5:5\nsupervisor cpu-time=500000\n" },
};

static void plans_are_as_written_here(void **state)
{
    const struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(planned_table); i++) {
        if (planned_table[i].v1)
            help_expect(&v1, planned_table[i].texts, planned_table[i].v1);
        if (planned_table[i].v2)
            help_expect(&v2, planned_table[i].texts, planned_table[i].v2);
    }
}

static void hybrid_mixes_versions(void **state)
{
    const struct help_world world = help_world("hybrid");

    (void)state;
    help_expect(&world, "memory=50m|memory-swap=50m|hugetlb=2MB:4m|cgroup-conf=cgroup.max.depth=2",
                "group memory.limit_in_bytes=52428800\ngroup memory.memsw.limit_in_bytes=52428800\n"
                "group hugetlb.2MB.max=4194304\ngroup cgroup.max.depth=2\n");
}

/* ---- every row on every layout ------------------------------------------------------------------ */

static const char *example_of(const struct limit_info *info)
{
    switch (info->kind) {
    case LIMIT_KIND_FLAG:
        return "true";
    case LIMIT_KIND_LIST:
        return "0";
    case LIMIT_KIND_WORD:
        return "root";
    case LIMIT_KIND_CPUS:
        return "1";
    case LIMIT_KIND_DEVICE_NUMBER:
        return "8:0:100";
    case LIMIT_KIND_DEVICE_SIZE:
        return "8:0:1m";
    case LIMIT_KIND_DEVICE_DURATION:
        return "8:0:10ms";
    case LIMIT_KIND_DEVICE_RULE:
        return "c 1:3 r";
    case LIMIT_KIND_PAIR_SIZE:
        return "2MB:2m";
    case LIMIT_KIND_PAIR_NUMBER:
        return "name:5";
    case LIMIT_KIND_PAIR_TEXT:
        return "name:a=5";
    case LIMIT_KIND_CONF:
        return "pids.x=5";
    case LIMIT_KIND_SIZE:
        return "8m";
    case LIMIT_KIND_DURATION:
        return "20ms";
    case LIMIT_KIND_RLIMIT_TIME:
        return "2s";
    default:
        return "20";
    }
}

/* The names of the files that the row's write may go to are the row's own. */
static bool step_is_of_row(const struct plan_step *step, const struct limit_info *info)
{
    const char *file = step->version == 2 ? info->v2_file : info->v1_file;

    if (step->target == PLAN_PROCESS)
        return text_starts(step->file, "RLIMIT_");
    if (step->target == PLAN_SUPERVISOR)
        return strcmp(step->file, info->name) == 0;
    return !file || strchr(file, '%') || info->controller == CONTROLLER_DEVICES ||
           strcmp(step->file, file) == 0;
}

static void row_is_planned(struct help_world *world, enum limit_id id)
{
    const struct limit_info *info = limit_info(id);
    char texts[128];
    struct err err = ERR_INIT;

    snprintf(texts, sizeof(texts), "%s=%s%s", info->name, example_of(info),
             id == LIMIT_MEMORY_SWAP ? "|memory=8m" : "");
    struct plan *plan = help_plan(world, texts, &err);
    if (!plan)
        fail_msg("%s on %s: %s", texts, world->layout.name, err.text);
    bool in_force = limit_is_set(&plan->in_force, id), serves = false, unmet = false;
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct plan_step *step = &plan->steps[i];
        bool is_stand_in = plan->n_unmet > 0 && step->target == PLAN_PROCESS;
        assert_true(step->text && step->text[0] && step->file[0]);
        assert_int_equal(step->limit == LIMIT_NONE, step->serves == 0);
        assert_true(step->limit == LIMIT_NONE || (step->serves & LIMIT_BIT(step->limit)));
        serves = serves || (!is_stand_in && (step->serves & LIMIT_BIT(id)));
        if (step->limit == id)
            assert_true(step_is_of_row(step, info));
        if (step->controller < CONTROLLER_COUNT)
            assert_true(plan->controllers & CONTROLLER_BIT(step->controller));
    }
    for (size_t i = 0; i < plan->n_unmet; i++)
        unmet = unmet || (plan->unmet[i].limit == id && plan->unmet[i].why[0]);
    if (serves == unmet || in_force == unmet)
        fail_msg("%s on %s: %s %s %s", texts, world->layout.name, serves ? "served" : "not served",
                 unmet ? "unmet" : "not unmet", in_force ? "in force" : "not in force");
    plan_free(plan);

    /* Without best effort the unmet one is the error. */
    world->options.best_effort = false;
    plan = help_plan(world, texts, &err);
    assert_int_equal(plan == NULL, unmet);
    if (!plan) {
        assert_int_equal(err.class, ERR_REFUSED);
        /* memory-swap is never asked for alone, and memory comes before it. */
        assert_non_null(strstr(err.text, id == LIMIT_MEMORY_SWAP ? "--memory" : info->name));
        assert_non_null(strstr(err.text, "--best-effort"));
    }
    plan_free(plan);
    world->options.best_effort = true;
}

static void every_row_is_served_or_unmet(void **state)
{
    static const char *const layouts[] = { "v1", "v2", "hybrid" };

    (void)state;
    for (size_t l = 0; l < ARRAY_SIZE(layouts); l++) {
        for (unsigned with = 0; with < 4; with++) {
            struct help_world world = help_world(layouts[l]);
            world.options.best_effort = true;
            if (with == 1)
                world.layout.features = 0;
            if (with == 2)
                world.layout.features = LAYOUT_FEATURES_UNKNOWN;
            for (size_t c = 0; with == 3 && c < CONTROLLER_COUNT; c++)
                world.layout.controller[c] = (struct layout_controller){ 0 };
            for (int i = 0; i < LIMIT_COUNT; i++)
                row_is_planned(&world, (enum limit_id)i);
        }
    }
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void contradictions_are_usage_errors(void **state)
{
    static const char *const table[][2] = {
        { "cpus=1|cpu=20", "--cpu 20%|contradicts --cpus" },
        { "cpus=1|cpu-quota=20000", "--cpu-quota 20ms|contradicts --cpus" },
        { "cpu=20|cpu-quota=20000", "--cpu-quota 20ms|contradicts --cpu:" },
        { "cpu-shares=20|cpu-weight=20", "--cpu-weight 20|contradicts --cpu-shares" },
        { "cpu-shares=20|cpu-idle", "--cpu-shares 20|contradicts --cpu-idle" },
        { "cpu-weight=20|cpu-idle", "--cpu-weight 20|contradicts --cpu-idle" },
        { "cpus=0.005|cpu-period=100000", "--cpus 0.005|500 us|--cpu-period|minimum of 1000 us" },
        { "cpu-quota=20000|cpu-burst=30000", "--cpu-burst 30ms|more than the quota of 20000 us" },
        { "cpus=0.1|cpu-burst=30000", "--cpu-burst 30ms|more than the quota of 10000 us" },
        { "timeout=10|timeout-soft=11", "--timeout-soft 11s|later than --timeout" },
        { "cpu-time=10|cpu-time-soft=11", "--cpu-time-soft 11ms|later than --cpu-time" },
        { "memory=50m|memory-swap=40m", "--memory-swap 40m|cannot be below --memory|50 MiB" },
        { "memory-swap=40m", "--memory-swap 40m|needs --memory" },
        { "memory=-1|memory-swap=40m", "--memory-swap 40m|needs --memory" },
        { "memory=50m|memory-reservation=60m", "--memory-reservation 60m|more than --memory" },
        { "memory=50m|cgroup-conf=memory.swappiness=1|memory-swappiness=2", NULL },
    };
    const struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        help_refused(&v1, table[i][0], ERR_USAGE,
                     table[i][1] ? table[i][1]
                                 : "--cgroup-conf|memory.swappiness|--memory-swappiness");
        if (table[i][1])
            help_refused(&v2, table[i][0], ERR_USAGE, table[i][1]);
    }
    help_refused(&v2, "memory-low=1m|memory-reservation=2m", ERR_USAGE,
                 "--memory-reservation 2m|contradicts --memory-low");
    help_refused(&v1, "cpu-rt-period=1000|cpu-rt-runtime=2000", ERR_USAGE, "real-time budget|2000");
    help_refused(&v1, "cpu-rt-runtime=2s", ERR_USAGE, "real-time budget|2000000|1000000");
    help_refused(&v1, "cpuset-cpus=1|cgroup-conf=cpuset.mems=0", ERR_USAGE,
                 "cpuset.mems|set-up of the group");
}

static void what_the_machine_has_not_is_refused(void **state)
{
    struct help_world world = help_world("v1");

    (void)state;
    help_refused(&world, "cpus=4.1", ERR_REFUSED, "--cpus 4.1|more than this machine's 4 CPUs");
    help_refused(&world, "cpu=500", ERR_REFUSED, "--cpu 500%|more than this machine's 4 CPUs");
    help_refused(&world, "memory=9g", ERR_REFUSED,
                 "--memory 9g|more than this machine's memory|8 GiB");
    help_refused(&world, "memory-reservation=9g", ERR_REFUSED, "--memory-reservation 9g");
    help_refused(&world, "memory=0.001%", ERR_REFUSED, "--memory 0.001%|below the minimum");
    help_refused(&world, "cpuset-cpus=0,4-9", ERR_REFUSED,
                 "--cpuset-cpus 0,4-9|CPU 4-9|it has 0-3");
    help_refused(&world, "cpuset-mems=1", ERR_REFUSED, "--cpuset-mems 1|memory node 1|it has 0");
    help_refused(&world, "hugetlb=16MB:16m", ERR_REFUSED, "--hugetlb 16MB:16m|it has 2MB 1GB");
    help_refused(&world, "hugetlb=2GB:2g", ERR_REFUSED, "--hugetlb");
    memcpy(world.layout.parent_cpus, "0-1", 4);
    help_refused(&world, "cpuset-cpus=0-2", ERR_REFUSED,
                 "--cpuset-cpus 0-2|the group above|CPU 0-1");
    memcpy(world.machine.cpus, "0", 2);
    help_refused(&world, "cpus=2", ERR_REFUSED, "this machine's 1 CPU");
    world.options.beyond_machine = true;
    help_expect(&world, "cpus=2|memory=9g|memory-swap=-1",
                "group cpu.cfs_quota_us=200000\ngroup memory.limit_in_bytes=9663676416\n"
                "group memory.memsw.limit_in_bytes=-1\n");
}

static void unmet_limits_name_what_is_missing(void **state)
{
    struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    help_refused(
        &v1, "memory-high=40m", ERR_REFUSED,
        "--memory-high 40m cannot be put in force|memory.high exists only on cgroup v2|memory "
        "controller is on v1");
    help_refused(&v2, "oom-kill-disable", ERR_REFUSED,
                 "--oom-kill-disable true|memory.oom_control exists only on cgroup v1");
    help_refused(&v2, "net-cls=10:1", ERR_REFUSED, "--net-cls 0x100001|net_cls controller|v1");
    help_refused(&v1, "cgroup-conf=io.max=8:0 rbps=1", ERR_REFUSED, "io.max|v2|blkio|v1");
    help_refused(&v2, "cgroup-conf=blkio.x=1", ERR_REFUSED, "blkio.x|v1|io controller is on v2");
    help_refused(&v1, "cgroup-conf=cgroup.max.depth=1", ERR_REFUSED,
                 "cgroup v2, which is not mounted");
    v1.layout.features &= ~LAYOUT_MEMSW;
    help_refused(&v1, "memory=50m|memory-swap=60m", ERR_REFUSED,
                 "--memory-swap 60m|does not count swap|boot with swapaccount=1");
    v1.layout.controller[CONTROLLER_PIDS] = (struct layout_controller){
        .version = 1, .obstacle = "it is mounted read-only", .remedy = "mount it writable"
    };
    help_refused(&v1, "pids-limit=5", ERR_REFUSED,
                 "--pids-limit 5|pids controller|read-only; mount it writable, or");
    v1.layout.controller[CONTROLLER_PIDS] = (struct layout_controller){ .version = 1 };
    help_refused(&v1, "pids-limit=5", ERR_REFUSED, "not writable for us");
    help_refused(&v1, "cgroup-conf=pids.x=5", ERR_REFUSED, "pids controller");
    v1.layout.controller[CONTROLLER_CPUACCT] = (struct layout_controller){ 0 };
    help_refused(&v1, "cpu-time=500", ERR_REFUSED, "--cpu-time 500ms|counts the CPU time");
}

static void rlimits_stop_at_our_own_hard_limit(void **state)
{
    struct help_world world = help_world("v1");

    (void)state;
    world.machine.can_raise_rlimits = false;
    world.machine.rlimit_hard[RLIMIT_NOFILE] = 20000;
    help_expect(&world, "rlimit-nofile=1024:20000", "process RLIMIT_NOFILE=1024:20000\n");
    help_refused(&world, "rlimit-nofile=30000", ERR_REFUSED,
                 "--rlimit-nofile 30000|RLIMIT_NOFILE is 20000|CAP_SYS_RESOURCE");
    help_refused(&world, "rlimit-nofile=10:unlimited", ERR_REFUSED, "20000");
    world.options.best_effort = true;
    help_expect(
        &world, "rlimit-nofile=30000",
        "process RLIMIT_NOFILE=20000:20000\nunmet rlimit-nofile: RLIMIT_NOFILE 20000:20000, "
        "our own hard limit\n");
    help_expect(&world, "rlimit-nofile=10:unlimited",
                "process RLIMIT_NOFILE=10:20000\nunmet rlimit-nofile: RLIMIT_NOFILE 10:20000, our "
                "own hard limit\n");
    /* The backstop of cpu-time is left out where it cannot be had. */
    world.machine.rlimit_hard[RLIMIT_CPU] = 1;
    help_expect(&world, "cpu-time=500", "supervisor cpu-time=500000\n");
}

static void best_effort_lists_stand_ins(void **state)
{
    struct help_world world = help_world("v1");

    (void)state;
    world.options.best_effort = true;
    for (size_t c = 0; c < CONTROLLER_COUNT; c++)
        world.layout.controller[c] = (struct layout_controller){ 0 };
    help_expect(
        &world, "memory=50%|memory-swap=60m|pids-limit=10|cpus=1|cpu-time=1500",
        "process RLIMIT_AS=4294967296:4294967296\n"
        "process RLIMIT_NPROC=10:10\n"
        "process RLIMIT_CPU=2:2\n"
        "unmet cpus\n"
        "unmet memory: RLIMIT_AS 4294967296, for the address space of each process by itself\n"
        "unmet memory-swap\n"
        "unmet pids-limit: RLIMIT_NPROC 10, which counts all processes of the user and does "
        "not hold root\n"
        "unmet cpu-time: RLIMIT_CPU 2, for each process by itself\n");
    /* What is asked for itself is not stood in for; what is unlimited needs nobody. */
    help_expect(&world, "memory=50m|rlimit-as=1g|pids-limit=-1",
                "process RLIMIT_AS=1073741824:1073741824\nunmet memory\nunmet pids-limit\n");
    world.machine.can_raise_rlimits = false;
    world.machine.rlimit_hard[RLIMIT_AS] = 1048576;
    help_expect(
        &world, "memory=50m",
        "process RLIMIT_AS=1048576:1048576\n"
        "unmet memory: RLIMIT_AS 1048576, for the address space of each process by itself\n");
    world.machine.rlimit_hard[RLIMIT_AS] = LIMIT_NUMBER_UNLIMITED;
    help_expect(
        &world, "memory=9g",
        "process RLIMIT_AS=9663676416:9663676416\n"
        "unmet memory: RLIMIT_AS 9663676416, for the address space of each process by itself\n");
}

/* ---- swap, features, reasons --------------------------------------------------------------------- */

/* The reason of the step that writes file, or "". */
static char *reason_of(const struct help_world *world, const char *texts, const char *file)
{
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(world, texts, &err);
    char *reason = NULL;

    assert_non_null(plan);
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (strcmp(plan->steps[i].file, file) == 0)
            assert_int_equal(text_replace(&reason, text_or_empty(plan->steps[i].reason)), 0);
    }
    plan_free(plan);
    assert_non_null(reason);
    return reason;
}

static void expect_reason(const struct help_world *world, const char *texts, const char *file,
                          const char *want)
{
    char *have = reason_of(world, texts, file);

    assert_string_equal(have, want);
    free(have);
}

static void reasons_say_what_was_done(void **state)
{
    struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    expect_reason(&v1, "memory=52428801", "memory.limit_in_bytes",
                  "52428801 B rounded down to pages of 4096 bytes");
    expect_reason(&v1, "memory=25%", "memory.limit_in_bytes",
                  "25% of the machine's 8 GiB is 2 GiB, in whole pages");
    expect_reason(&v2, "memory=50m", "memory.swap.max",
                  "memory and swap are twice --memory, as docker has it, since no --memory-swap is "
                  "given; the total less --memory, since v2 counts swap alone");
    expect_reason(&v2, "cpu-shares=512", "cpu.weight",
                  "512 shares are a weight of 59 by --weight-map oci");
    expect_reason(&v1, "cpu-weight=100", "cpu.shares",
                  "a weight of 100 is 1024 shares by --weight-map oci");
    v2.options.weight_map = WEIGHT_MAP_LINEAR;
    expect_reason(&v2, "cpu-shares=512", "cpu.weight",
                  "512 shares are a weight of 50 by --weight-map linear");
    expect_reason(&v1, "cpus=0.005", "cpu.cfs_quota_us",
                  "a period of 1 s, since the quota would be below the kernel's minimum of 1000 us "
                  "in the usual 100 ms");
    expect_reason(&v2, "cpus=0.333333", "cpu.max", "rounded down to whole microseconds per period");
    expect_reason(&v2, "cpu-quota=900ms", "cpu.max",
                  "more than this machine's 4 CPUs, so never reached");
    expect_reason(&v1, "hugetlb=2MB:5m", "hugetlb.2MB.limit_in_bytes",
                  "5242880 bytes rounded down to huge pages of 2MB");
    v1.layout.parent_memory_bytes = UINT64_C(4) << 30;
    expect_reason(&v1, "memory=25%", "memory.limit_in_bytes",
                  "25% of the parent's 4 GiB is 1 GiB, in whole pages");
}

static void swap_is_never_passed_over_in_silence(void **state)
{
    struct help_world world = help_world("v1");

    (void)state;
    world.machine.swap_bytes = 0;
    help_expect(&world, "memory=50m", "group memory.limit_in_bytes=52428800\n");
    expect_reason(&world, "memory=50m", "memory.limit_in_bytes",
                  "no swap is on, so this bounds memory and swap alike");
    expect_reason(&world, "memory=50m|memory-swap=60m", "memory.memsw.limit_in_bytes",
                  "no swap is on, so none can be used whatever this says");
    world.layout.features &= ~LAYOUT_MEMSW;
    help_expect(&world, "memory=50m|memory-swap=50m", "group memory.limit_in_bytes=52428800\n");
    expect_reason(&world, "memory=50m|memory-swap=50m", "memory.limit_in_bytes",
                  "no swap is on, so --memory-swap holds without being written");
    world.machine.swap_bytes = 1 << 30;
    expect_reason(&world, "memory=50m", "memory.limit_in_bytes",
                  "swap is not counted here and comes on top");
    expect_reason(&world, "memory=50m|memory-swap=-1", "memory.limit_in_bytes",
                  "swap is not counted here, which is what --memory-swap asks for");
    world.options.best_effort = true;
    help_expect(&world, "memory=50m|memory-swap=60m",
                "group memory.limit_in_bytes=52428800\nunmet memory-swap\n");
}

static void bfq_has_files_of_its_own(void **state)
{
    struct help_world v1 = help_world("v1"), v2 = help_world("v2");

    (void)state;
    v1.layout.features = v2.layout.features = LAYOUT_IO_BFQ_WEIGHT;
    help_expect(&v1, "blkio-weight=500|blkio-weight-device=8:0:20",
                "group blkio.bfq.weight=500\ngroup blkio.bfq.weight_device=8:0 20\n");
    help_expect(&v2, "blkio-weight=500|blkio-weight-device=8:0:20",
                "group io.bfq.weight=default 500\ngroup io.bfq.weight=8:0 20\n");
}

/* ---- controllers, set-up, in force --------------------------------------------------------------- */

static void controllers_are_those_needed(void **state)
{
    struct help_world world = help_world("v1");
    struct err err = ERR_INIT;

    (void)state;
    world.options.measure = CONTROLLER_BIT(CONTROLLER_IO) | CONTROLLER_BIT(CONTROLLER_MISC);
    world.layout.controller[CONTROLLER_MISC].version = 0;
    struct plan *plan = help_plan(&world, "memory=50m|cpu-time=500|timeout=2", &err);
    assert_non_null(plan);
    assert_int_equal(plan->controllers, CONTROLLER_BIT(CONTROLLER_IO) |
                                            CONTROLLER_BIT(CONTROLLER_MEMORY) |
                                            CONTROLLER_BIT(CONTROLLER_CPUACCT));
    plan_free(plan);
    /* Any group of a v2 hierarchy counts CPU time. */
    world = help_world("hybrid");
    plan = help_plan(&world, "cpu-time=500", &err);
    assert_non_null(plan);
    assert_int_equal(plan->controllers, 0);
    plan_free(plan);
    /* A limit that cannot be had needs no group. */
    world.options.best_effort = true;
    plan = help_plan(&world, "memory-high=50m|cpus=1", &err);
    assert_non_null(plan);
    assert_int_equal(plan->controllers, CONTROLLER_BIT(CONTROLLER_CPU));
    plan_free(plan);
}

static void a_measured_cpuset_is_seeded(void **state)
{
    struct help_world world = help_world("v1");

    (void)state;
    world.options.measure = CONTROLLER_BIT(CONTROLLER_CPUSET);
    memcpy(world.layout.parent_cpus, "0-1", 4);
    world.layout.parent_mems[0] = '\0';
    help_expect(&world, "",
                "group cpuset.cpus=0-1\ngroup cpuset.mems=0\ninner cpuset.cpus=0-1\ninner "
                "cpuset.mems=0\n");
    world = help_world("v2");
    world.options.measure = CONTROLLER_BIT(CONTROLLER_CPUSET);
    help_expect(&world, "", "");
}

static void in_force_holds_what_was_rounded(void **state)
{
    const struct help_world world = help_world("v2");
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(
        &world, "memory=25%|cpus=0.333333|cpu-shares=512|device-read-bps=8:0:1m|cpuset-cpus=1",
        &err);

    (void)state;
    assert_non_null(plan);
    const struct limit_set *set = &plan->in_force;
    assert_int_equal(set->value[LIMIT_MEMORY].number, UINT64_C(2) << 30);
    assert_false(set->value[LIMIT_MEMORY].percent);
    assert_int_equal(set->value[LIMIT_CPUS].number, 333330);
    assert_int_equal(set->value[LIMIT_CPU_SHARES].number, 512);
    assert_int_equal(set->value[LIMIT_DEVICE_READ_BPS].n_entries, 1);
    assert_string_equal(set->value[LIMIT_CPUSET_CPUS].text, "1");
    /* docker's default was planned and not asked for. */
    assert_false(limit_is_set(set, LIMIT_MEMORY_SWAP));
    plan_free(plan);
    plan_free(NULL);
}

static void merged_writes_serve_all_their_limits(void **state)
{
    const struct help_world world = help_world("v2");
    struct err err = ERR_INIT;
    struct plan *plan = help_plan(
        &world, "cpu-quota=20000|cpu-period=50000|device-read-bps=8:0:1|device-write-bps=8:0:2",
        &err);

    (void)state;
    assert_non_null(plan);
    assert_int_equal(plan->n_steps, 2);
    assert_int_equal(plan->steps[0].limit, LIMIT_CPU_QUOTA);
    assert_int_equal(plan->steps[0].serves,
                     LIMIT_BIT(LIMIT_CPU_QUOTA) | LIMIT_BIT(LIMIT_CPU_PERIOD));
    assert_int_equal(plan->steps[1].serves,
                     LIMIT_BIT(LIMIT_DEVICE_READ_BPS) | LIMIT_BIT(LIMIT_DEVICE_WRITE_BPS));
    plan_free(plan);
}

static void checks_fit_the_files(void **state)
{
    static const struct {
        const char *texts;
        enum plan_check check;
        const char *expect;
    } table[] = {
        { "memory=50m|memory-swap=50m", PLAN_CHECK_PAGES, NULL },
        { "cpus=1", PLAN_CHECK_NUMBER, NULL },
        { "oom-kill-disable", PLAN_CHECK_KEYED, "oom_kill_disable 1" },
        { "device-read-bps=8:0:1m", PLAN_CHECK_KEYED, NULL },
        { "cpuset-cpus=1", PLAN_CHECK_LIST, NULL },
        { "device-cgroup-rule=a", PLAN_CHECK_DEVICES, "a *:* rwm\n" },
        { "device-cgroup-rule=deny c 1:5 w", PLAN_CHECK_DEVICES, "a *:* rwm\n- c 1:5 w\n" },
        { "cgroup-conf=cpu.x=1", PLAN_CHECK_ANY, NULL },
        { "timeout=1", PLAN_CHECK_NONE, NULL },
    };
    const struct help_world world = help_world("v1");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct err err = ERR_INIT;
        struct plan *plan = help_plan(&world, table[i].texts, &err);
        assert_non_null(plan);
        assert_int_equal(plan->steps[0].check, table[i].check);
        assert_string_equal(text_or_empty(plan->steps[0].expect), text_or_empty(table[i].expect));
        plan_free(plan);
    }
}

/* Values that no text gives, but that a caller of the library could fill in. */
static void hand_made_values_are_checked(void **state)
{
    struct help_world world = help_world("v2");
    struct limit_entry entry = { .key = "huge", .number = 1 };
    char list[] = "one";
    const struct limit_set low = { .value[LIMIT_CPUS] = { .state = LIMIT_SET, .number = 10 } };
    const struct limit_set odd = { .value[LIMIT_CPUSET_CPUS] = { .state = LIMIT_SET,
                                                                 .text = list } };
    const struct limit_set page = { .value[LIMIT_HUGETLB] = {
                                        .state = LIMIT_SET, .entries = &entry, .n_entries = 1 } };
    const struct limit_set *const sets[] = { &low, &odd, &page };

    (void)state;
    world.machine.hugepages[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        struct plan *plan = NULL;
        struct err err = ERR_INIT;
        assert_true(limits_plan(sets[i], &world.layout, &world.machine, NULL, &plan, &err) < 0);
        assert_null(plan);
        assert_int_equal(err.class, ERR_USAGE);
    }
    world.options.beyond_machine = true;
    help_expect(&world, "memory=10000000000g",
                "group memory.max=10737418240000000000\ngroup memory.swap.max=max\n");
}

static void unknown_layouts_are_not_made_up(void **state)
{
    struct layout layout;

    (void)state;
    assert_int_equal(layout_example("v3", &layout), -EINVAL);
    assert_int_equal(layout_example("", &layout), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_as_written_here),
        cmocka_unit_test(hybrid_mixes_versions),
        cmocka_unit_test(every_row_is_served_or_unmet),
        cmocka_unit_test(contradictions_are_usage_errors),
        cmocka_unit_test(what_the_machine_has_not_is_refused),
        cmocka_unit_test(unmet_limits_name_what_is_missing),
        cmocka_unit_test(rlimits_stop_at_our_own_hard_limit),
        cmocka_unit_test(best_effort_lists_stand_ins),
        cmocka_unit_test(reasons_say_what_was_done),
        cmocka_unit_test(swap_is_never_passed_over_in_silence),
        cmocka_unit_test(bfq_has_files_of_its_own),
        cmocka_unit_test(controllers_are_those_needed),
        cmocka_unit_test(a_measured_cpuset_is_seeded),
        cmocka_unit_test(in_force_holds_what_was_rounded),
        cmocka_unit_test(merged_writes_serve_all_their_limits),
        cmocka_unit_test(checks_fit_the_files),
        cmocka_unit_test(hand_made_values_are_checked),
        cmocka_unit_test(unknown_layouts_are_not_made_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
