/* The tables: limits.def as data, and the names of controllers. */
#include <string.h>
#include <sys/resource.h>

#include "limit/limit.h"

static const struct limit_info limit_table[LIMIT_COUNT] = {
#define LIMIT(id, ...) [LIMIT_##id] = { __VA_ARGS__ },
#include "limit/limits.def"
#undef LIMIT
};

/* By version; the same name twice where only one version has it, for messages. */
static const char *const controller_table[][2] = {
    [CONTROLLER_CPU] = { "cpu", "cpu" },
    [CONTROLLER_CPUACCT] = { "cpuacct", "cpuacct" },
    [CONTROLLER_CPUSET] = { "cpuset", "cpuset" },
    [CONTROLLER_MEMORY] = { "memory", "memory" },
    [CONTROLLER_PIDS] = { "pids", "pids" },
    [CONTROLLER_IO] = { "blkio", "io" },
    [CONTROLLER_DEVICES] = { "devices", "devices" },
    [CONTROLLER_FREEZER] = { "freezer", "freezer" },
    [CONTROLLER_HUGETLB] = { "hugetlb", "hugetlb" },
    [CONTROLLER_NET_CLS] = { "net_cls", "net_cls" },
    [CONTROLLER_NET_PRIO] = { "net_prio", "net_prio" },
    [CONTROLLER_PERF_EVENT] = { "perf_event", "perf_event" },
    [CONTROLLER_RDMA] = { "rdma", "rdma" },
    [CONTROLLER_MISC] = { "misc", "misc" },
    [CONTROLLER_PROCESS] = { "process", "process" },
    [CONTROLLER_SUPERVISOR] = { "supervisor", "supervisor" },
    [CONTROLLER_NETWORK] = { "network", "network" },
    [CONTROLLER_NONE] = { "cgroup", "cgroup" },
};

const struct limit_info *limit_info(enum limit_id id)
{
    return (size_t)id < LIMIT_COUNT ? &limit_table[id] : NULL;
}

void limit_name_format(enum limit_id id, bool document, char *ret, size_t size)
{
    const struct limit_info *info = limit_info(id);

    if (document && info->oci)
        snprintf(ret, size, "linux.resources.%s", info->oci);
    else
        snprintf(ret, size, "--%s", info->name);
}

/* Is name one of the blank-separated words? */
static bool words_have(const char *words, const char *name)
{
    size_t len = words ? strlen(name) : 0;

    if (len == 0 || strchr(name, ' '))
        return false;
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strcspn(at, " ") == len && memcmp(at, name, len) == 0)
            return true;
    }
    return false;
}

enum limit_id limit_find(const char *name)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (strcmp(limit_table[i].name, name) == 0 || words_have(limit_table[i].aliases, name))
            return (enum limit_id)i;
    }
    return LIMIT_NONE;
}

bool limit_is_many(enum limit_id id)
{
    return (limit_table[id].flags & LIMIT_MANY) != 0;
}

const char *controller_name(enum controller controller, int version)
{
    if ((size_t)controller >= ARRAY_SIZE(controller_table))
        return "unknown";
    return controller_table[controller][version == 2];
}

enum controller controller_find(const char *name, size_t len)
{
    for (size_t i = 0; len > 0 && i < CONTROLLER_COUNT; i++) {
        for (size_t v = 0; v < 2; v++) {
            const char *known = controller_table[i][v];
            if (*known == *name && strncmp(known, name, len) == 0 && known[len] == '\0')
                return (enum controller)i;
        }
    }
    return CONTROLLER_NONE;
}
