/*
 * Which files the kernel offers beyond the basic set. Only what is wanted is looked for, one
 * faccessat(2) each. Many files are missing in the root group of a hierarchy, where the base often
 * is: then a file that does stand there tells as much, or a group that exists beneath, or else the
 * kernel's version. What is guessed too kindly is found out when it is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

struct feature {
    unsigned bit;
    enum controller controller; /* CONTROLLER_NONE: v2's core */
    const char *v1_file;      /* stands in the root group as well, or tells of one that does not */
    const char *v2_file;      /* NULL: not on this version; "" for what has no file */
    const char *v2_root_file; /* stands in the root group where v2_file is supported, or NULL */
    unsigned char major, minor; /* of Linux that brought v2_file; 0: depends on its configuration */
};

static const struct feature feature_table[] = {
    { LAYOUT_MEMSW, CONTROLLER_MEMORY, "memory.memsw.limit_in_bytes", "memory.swap.max", NULL, 0,
      0 },
    { LAYOUT_CPU_BURST, CONTROLLER_CPU, "cpu.cfs_burst_us", "cpu.max.burst", NULL, 5, 14 },
    { LAYOUT_CPU_IDLE, CONTROLLER_CPU, "cpu.idle", "cpu.idle", NULL, 5, 15 },
    { LAYOUT_CPU_RT, CONTROLLER_CPU, "cpu.rt_runtime_us", NULL, NULL, 0, 0 },
    { LAYOUT_KMEM_TCP, CONTROLLER_MEMORY, "memory.kmem.tcp.limit_in_bytes", NULL, NULL, 0, 0 },
    { LAYOUT_IO_WEIGHT, CONTROLLER_IO, "blkio.weight", "io.weight", "io.cost.qos", 0, 0 },
    { LAYOUT_IO_BFQ_WEIGHT, CONTROLLER_IO, "blkio.bfq.io_serviced", "io.bfq.weight", NULL, 255, 0 },
    { LAYOUT_IO_LATENCY, CONTROLLER_IO, NULL, "io.latency", NULL, 0, 0 },
    { LAYOUT_CGROUP_KILL, CONTROLLER_NONE, NULL, "cgroup.kill", NULL, 5, 14 },
    { LAYOUT_MEMORY_PEAK, CONTROLLER_MEMORY, "memory.max_usage_in_bytes", "memory.peak",
      "memory.reclaim", 5, 19 },
    { LAYOUT_CPUSET_PARTITION, CONTROLLER_CPUSET, NULL, "cpuset.cpus.partition", NULL, 5, 0 },
    { LAYOUT_OOM_GROUP, CONTROLLER_MEMORY, NULL, "memory.oom.group", NULL, 4, 19 },
    { LAYOUT_PIDS_PEAK, CONTROLLER_PIDS, "pids.peak", "pids.peak", NULL, 6, 1 },
    { LAYOUT_SWAPPINESS, CONTROLLER_MEMORY, "memory.swappiness", NULL, NULL, 0, 0 },
    { LAYOUT_OOM_KILL_DISABLE, CONTROLLER_MEMORY, "memory.oom_control", NULL, NULL, 0, 0 },
};

static bool feature_is_wanted(const struct cgroups *cgroups, unsigned bit)
{
    return !cgroups->options.selective || (cgroups->options.features & bit);
}

static bool file_exists(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, 0) == 0;
}

/* A group beneath the root in which a controller is enabled, so that its files can be looked at. */
struct specimen {
    int dir_fd;
    const char *file; /* a basic file of the controller */
    char name[256];
};

static int specimen_visit(void *data, const char *name)
{
    struct specimen *s = data;
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", name, s->file);
    if (!file_exists(s->dir_fd, path))
        return 0;
    snprintf(s->name, sizeof(s->name), "%s", name);
    return 1;
}

/* A file that every non-root group has when the controller is enabled in it. */
static const char *basic_file(enum controller controller)
{
    static const enum limit_id limit_table[] = { LIMIT_CPU_QUOTA, LIMIT_CPUSET_CPUS, LIMIT_MEMORY,
                                                 LIMIT_PIDS_LIMIT, LIMIT_DEVICE_READ_BPS };

    for (size_t i = 0; i < ARRAY_SIZE(limit_table); i++)
        if (limit_info(limit_table[i])->controller == controller)
            return limit_info(limit_table[i])->v2_file;
    return "cgroup.events";
}

static bool specimen_has(const struct hierarchy *h, const struct feature *f, bool *ret_has)
{
    struct specimen s = { .file = basic_file(f->controller) };
    char path[400];
    _cleanup_close_ int fd = openat(h->base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    s.dir_fd = fd;
    if (fd < 0 || dir_each_child(fd, specimen_visit, &s) <= 0)
        return false;
    snprintf(path, sizeof(path), "%s/%s", s.name, f->v2_file);
    *ret_has = file_exists(fd, path);
    return true;
}

static bool v2_feature(const struct hierarchy *h, const struct feature *f)
{
    bool has;

    if (!f->v2_file || h->base_fd < 0)
        return f->v2_file != NULL;
    if (file_exists(h->base_fd, f->v2_file))
        return true;
    /* The controller's other files are there: this one is missing for good. */
    if (file_exists(h->base_fd, basic_file(f->controller)))
        return false;
    if (f->v2_root_file && file_exists(h->base_fd, f->v2_root_file))
        return true;
    if (specimen_has(h, f, &has))
        return has;
    return f->major == 0 ? !f->v2_root_file : kernel_is_since(f->major, f->minor);
}

static bool feature_exists(const struct cgroups *cgroups, const struct feature *f)
{
    int version =
        f->controller < CONTROLLER_COUNT ? cgroups->layout.controller[f->controller].version : 2;
    const struct hierarchy *h =
        version ? cgroups_find(cgroups, version,
                               f->controller < CONTROLLER_COUNT ? CONTROLLER_BIT(f->controller) : 0)
                : NULL;

    if (!h || !h->opened || h->error < 0)
        return false;
    if (version == 2)
        return v2_feature(h, f);
    return f->v1_file && file_exists(h->base_fd >= 0 ? h->base_fd : h->root_fd, f->v1_file);
}

static void device_programs_probe(struct cgroups *cgroups)
{
    struct layout_controller *c = &cgroups->layout.controller[CONTROLLER_DEVICES];
    const struct hierarchy *h = cgroups_find(cgroups, 2, 0);

    if (c->version != 2 || !c->writable || !feature_is_wanted(cgroups, LAYOUT_DEVICE_BPF) || !h)
        return;
    int r = devices_probe(h->base_fd >= 0 ? h->base_fd : h->root_fd);
    if (r == 0) {
        cgroups->layout.features |= LAYOUT_DEVICE_BPF;
        return;
    }
    c->writable = false;
    c->obstacle =
        r == -EPERM || r == -EACCES
            ? "only root of the initial user namespace may attach device programs to groups"
            : "the kernel does not take device programs for groups (CONFIG_CGROUP_BPF)";
    c->remedy = r == -EPERM || r == -EACCES ? "run as root" : "use a kernel that has them";
}

void features_read(struct cgroups *cgroups)
{
    for (size_t i = 0; i < ARRAY_SIZE(feature_table); i++)
        if (feature_is_wanted(cgroups, feature_table[i].bit) &&
            feature_exists(cgroups, &feature_table[i]))
            cgroups->layout.features |= feature_table[i].bit;
    device_programs_probe(cgroups);
}

/* ---- what a set of limits needs ------------------------------------------------------------------ */

static unsigned machine_parts(const struct limit_info *info)
{
    switch (info->controller) {
    case CONTROLLER_MEMORY:
        return MACHINE_MEMORY;
    case CONTROLLER_CPU:
        return MACHINE_CPUS;
    case CONTROLLER_CPUSET:
        return MACHINE_CPUS | MACHINE_MEMS;
    case CONTROLLER_HUGETLB:
        return MACHINE_HUGEPAGES;
    case CONTROLLER_PROCESS:
        return MACHINE_PRIVILEGE | MACHINE_RLIMIT(info->rlimit);
    default:
        return 0;
    }
}

/* "memory.zswap.max=0": the controller that a file belongs to is what stands before the dot. */
static unsigned conf_controllers(const struct limit_value *value)
{
    unsigned mask = 0;

    for (size_t i = 0; i < value->n_entries; i++) {
        const char *key = value->entries[i].key;
        enum controller controller = controller_find(key, strcspn(key, "."));
        if (controller < CONTROLLER_COUNT)
            mask |= CONTROLLER_BIT(controller);
    }
    return mask;
}

/* One CPU's worth of time is there on every machine: how many CPUs it has need not be known. */
static bool within_one_cpu(enum limit_id id, const struct limit_value *value)
{
    return (id == LIMIT_CPUS || id == LIMIT_CPU) && value->state == LIMIT_SET && !value->percent &&
           value->number <= 1000000;
}

unsigned cgroups_need(const struct limit_set *set, struct cgroups_options *options)
{
    unsigned parts = 0;

    options->selective = true;
    for (unsigned id = 0; id < LIMIT_COUNT; id++) {
        const struct limit_info *info = limit_info((enum limit_id)id);
        const struct limit_value *value = &set->value[id];
        if (value->state == LIMIT_UNSET)
            continue;
        if (!within_one_cpu((enum limit_id)id, value))
            parts |= machine_parts(info);
        if (info->controller < CONTROLLER_COUNT)
            options->controllers |= CONTROLLER_BIT(info->controller);
        if (info->kind == LIMIT_KIND_CONF)
            options->controllers |= conf_controllers(value);
        options->features |= info->feature;
        if (info->feature & LAYOUT_IO_WEIGHT)
            options->features |= LAYOUT_IO_BFQ_WEIGHT;
        /* A limit on memory brings one on swap with it, as docker has it. */
        if (id == LIMIT_MEMORY)
            options->features |= LAYOUT_MEMSW;
        options->parent_memory |= value->percent;
    }
    return parts;
}
