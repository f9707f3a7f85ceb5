/* Machines and layouts that exist nowhere: for `ration plan --layout NAME` and for tests. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "limit/limit.h"

void machine_example(struct machine *ret)
{
    *ret = (struct machine){
        .page_bytes = 4096,
        .memory_bytes = UINT64_C(8) << 30,
        .swap_bytes = UINT64_C(2) << 30,
        .ticks_per_s = 100,
        .cpus = "0-3",
        .mems = "0",
        .hugepages = "2MB 1GB",
        .can_raise_rlimits = true,
    };
    for (size_t i = 0; i < ARRAY_SIZE(ret->rlimit_hard); i++)
        ret->rlimit_hard[i] = LIMIT_NUMBER_UNLIMITED;
    ret->rlimit_hard[RLIMIT_NOFILE] = 1048576;
}

#define FEATURES_V1                                                                        \
    (LAYOUT_MEMSW | LAYOUT_CPU_BURST | LAYOUT_CPU_IDLE | LAYOUT_CPU_RT | LAYOUT_KMEM_TCP | \
     LAYOUT_IO_WEIGHT | LAYOUT_SWAPPINESS | LAYOUT_OOM_KILL_DISABLE)
#define FEATURES_V2                                                                             \
    (LAYOUT_MEMSW | LAYOUT_CPU_BURST | LAYOUT_CPU_IDLE | LAYOUT_IO_WEIGHT | LAYOUT_IO_LATENCY | \
     LAYOUT_CGROUP_KILL | LAYOUT_MEMORY_PEAK | LAYOUT_CPUSET_PARTITION | LAYOUT_OOM_GROUP |     \
     LAYOUT_PIDS_PEAK | LAYOUT_DEVICE_BPF)

static const char obstacle_v1_only[] = "it exists only on cgroup v1 and this layout is v2";

static const struct layout layout_table[] = {
    { .name = "v1", .has_v1 = true, .features = FEATURES_V1 },
    { .name = "v2", .has_v2 = true, .features = FEATURES_V2 },
    /* Controllers on v1 with a v2 hierarchy beside them, which holds what v1 does not claim. */
    { .name = "hybrid",
      .has_v1 = true,
      .has_v2 = true,
      .features = FEATURES_V1 | LAYOUT_CGROUP_KILL },
};

static int example_version(const struct layout *layout, enum controller controller)
{
    if (!layout->has_v1)
        return controller == CONTROLLER_NET_CLS || controller == CONTROLLER_NET_PRIO ? 0 : 2;
    return layout->has_v2 && controller == CONTROLLER_HUGETLB ? 2 : 1;
}

int layout_example(const char *name, struct layout *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(layout_table); i++) {
        if (strcmp(layout_table[i].name, name) != 0)
            continue;
        *ret = layout_table[i];
        memcpy(ret->parent_cpus, "0-3", sizeof("0-3"));
        memcpy(ret->parent_mems, "0", sizeof("0"));
        ret->parent_memory_bytes = UINT64_MAX;
        for (size_t c = 0; c < CONTROLLER_COUNT; c++) {
            struct layout_controller *controller = &ret->controller[c];
            controller->version = example_version(ret, (enum controller)c);
            controller->writable = controller->version != 0;
            controller->obstacle = controller->version == 0 ? obstacle_v1_only : NULL;
        }
        return 0;
    }
    return -EINVAL;
}
