/*
 * Lines of `events`: the figures of a container in the form that runc made known. A figure that is not known
 * is left out, and never 0; limits are no figures.
 */
#include <string.h>

#include "oci/write.h"

/* Where a figure goes; what is in microseconds becomes nanoseconds there. */
static const struct {
    const char *path;
    enum metric_id metric;
    unsigned multiply;
} figure_table[] = {
    { "cpu.usage.total", METRIC_CPU_TOTAL_US, 1000 },
    { "cpu.usage.kernel", METRIC_CPU_SYSTEM_US, 1000 },
    { "cpu.usage.user", METRIC_CPU_USER_US, 1000 },
    { "cpu.throttling.periods", METRIC_NR_PERIODS, 1 },
    { "cpu.throttling.throttledPeriods", METRIC_NR_THROTTLED, 1 },
    { "cpu.throttling.throttledTime", METRIC_THROTTLED_US, 1000 },
    { "cpu.psi.some.total", METRIC_PRESSURE_CPU_SOME_US, 1 },
    { "cpu.psi.full.total", METRIC_PRESSURE_CPU_FULL_US, 1 },
    { "memory.cache", METRIC_MEMORY_FILE_BYTES, 1 },
    { "memory.usage.usage", METRIC_MEMORY_CURRENT_BYTES, 1 },
    { "memory.usage.max", METRIC_MEMORY_PEAK_BYTES, 1 },
    { "memory.usage.failcnt", METRIC_MEMORY_FAILCNT, 1 },
    { "memory.swap.max", METRIC_MEMORY_AND_SWAP_PEAK_BYTES, 1 },
    { "memory.kernel.usage", METRIC_MEMORY_KERNEL_BYTES, 1 },
    { "memory.psi.some.total", METRIC_PRESSURE_MEMORY_SOME_US, 1 },
    { "memory.psi.full.total", METRIC_PRESSURE_MEMORY_FULL_US, 1 },
    { "memory.event_count.high", METRIC_MEMORY_HIGH_EVENTS, 1 },
    { "memory.event_count.oom", METRIC_MEMORY_OOM_EVENTS, 1 },
    { "memory.event_count.oom_kill", METRIC_OOM_KILLS, 1 },
    { "pids.current", METRIC_PIDS_CURRENT, 1 },
    { "blkio.psi.some.total", METRIC_PRESSURE_IO_SOME_US, 1 },
    { "blkio.psi.full.total", METRIC_PRESSURE_IO_FULL_US, 1 },
};

/* "memory.raw" is the group's memory.stat by the kernel's names, which the source of a figure ends with. */
static const enum metric_id raw_table[] = {
    METRIC_MEMORY_ANON_BYTES, METRIC_MEMORY_FILE_BYTES, METRIC_MEMORY_SHMEM_BYTES,
    METRIC_MEMORY_SWAP_BYTES, METRIC_GROUP_PAGE_FAULTS, METRIC_GROUP_MAJOR_FAULTS,
};

/* Sums over all devices: none is named. */
static const struct {
    const char *path;
    const char *operation;
    enum metric_id metric;
} io_table[] = {
    { "blkio.ioServiceBytesRecursive", "Read", METRIC_IO_READ_BYTES },
    { "blkio.ioServiceBytesRecursive", "Write", METRIC_IO_WRITE_BYTES },
    { "blkio.ioServicedRecursive", "Read", METRIC_IO_READ_OPS },
    { "blkio.ioServicedRecursive", "Write", METRIC_IO_WRITE_OPS },
};

static json_t *number(uint64_t value, unsigned multiply)
{
    return json_integer(value > INT64_MAX / multiply ? INT64_MAX : (json_int_t)(value * multiply));
}

static bool add_figures(json_t *data, const struct sample *sample)
{
    uint64_t value;

    for (size_t i = 0; i < ARRAY_SIZE(figure_table); i++) {
        if (sample_get(sample, figure_table[i].metric, &value) &&
            !write_at(data, figure_table[i].path, number(value, figure_table[i].multiply)))
            return false;
    }
    return true;
}

/* runc's swap counts memory and swap together on either version of cgroups. */
static bool add_swap(json_t *data, const struct sample *sample)
{
    uint64_t memory, swap;

    if (!sample_get(sample, METRIC_MEMORY_CURRENT_BYTES, &memory) ||
        !sample_get(sample, METRIC_MEMORY_SWAP_BYTES, &swap))
        return true;
    return write_at(data, "memory.swap.usage", number(memory + swap, 1));
}

static bool add_raw(json_t *data, const struct sample *sample)
{
    uint64_t value;

    for (size_t i = 0; i < ARRAY_SIZE(raw_table); i++) {
        const char *source = sample->value[raw_table[i]].source;
        const char *key = strstr(source, "memory.stat ");
        if (!key || !sample_get(sample, raw_table[i], &value))
            continue;
        char path[80];
        snprintf(path, sizeof(path), "memory.raw.%s", key + strlen("memory.stat "));
        if (!write_at(data, path, number(value, 1)))
            return false;
    }
    return true;
}

static bool add_io(json_t *data, const struct sample *sample)
{
    uint64_t value;

    for (size_t i = 0; i < ARRAY_SIZE(io_table); i++) {
        const char *key = strchr(io_table[i].path, '.') + 1;
        if (!sample_get(sample, io_table[i].metric, &value))
            continue;
        json_t *list = json_object_get(json_object_get(data, "blkio"), key);
        if (!list) {
            list = json_array();
            if (!list || !write_at(data, io_table[i].path, list))
                return false;
        }
        json_t *entry =
            json_pack("{s:s, s:o}", "op", io_table[i].operation, "value", number(value, 1));
        if (json_array_append_new(list, entry) < 0)
            return false;
    }
    return true;
}

static bool add_per_cpu(json_t *data, const struct sample *sample)
{
    json_t *list = sample->n_cpus > 0 ? json_array() : NULL;

    if (sample->n_cpus == 0)
        return true;
    for (unsigned i = 0; list && i < sample->n_cpus; i++) {
        if (json_array_append_new(list, number(sample->per_cpu_us[i], 1000)) < 0) {
            json_decref(list);
            return false;
        }
    }
    return list && write_at(data, "cpu.usage.percpu", list);
}

void oci_write_stats(const char *id, const struct sample *sample, struct buf *ret)
{
    json_t *event = json_pack("{s:s, s:o}", "type", "stats", "id", write_text(id));
    json_t *data = json_object();
    bool ok = event && data && add_figures(data, sample) && add_swap(data, sample) &&
              add_raw(data, sample) && add_io(data, sample) && add_per_cpu(data, sample);

    if (!ok || json_object_set(event, "data", data) < 0) {
        json_decref(event);
        event = NULL;
    }
    json_decref(data);
    write_finish(event, ret);
}

void oci_write_oom(const char *id, struct buf *ret)
{
    write_finish(json_pack("{s:s, s:o}", "type", "oom", "id", write_text(id)), ret);
}
