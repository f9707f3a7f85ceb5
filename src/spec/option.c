/* The options of a run: the rows of options.def, then a row for each limit. */
#include <string.h>

#include "spec/check.h"
#include "spec/option.h"

#define OPTION_GROUP_PROCESS   "The process"
#define OPTION_GROUP_ROOT      "The root and mounts"
#define OPTION_GROUP_ISOLATION "Isolation"
#define OPTION_GROUP_NETWORK   "The network"
#define OPTION_GROUP_LIMITS    "Limits in general"
#define OPTION_GROUP_CONTAINER "Containers"

const struct option_row option_table[OPTION_ID_COUNT] = {
#define OPTION(id, name_, letter_, aliases_, metavar_, help_, group_, kind_, ...) \
    [OPTION_##id] = { .name = name_,                                              \
                      .letter = letter_,                                          \
                      .aliases = aliases_,                                        \
                      .metavar = metavar_,                                        \
                      .help = help_,                                              \
                      .group = group_,                                            \
                      .kind = kind_,                                              \
                      __VA_ARGS__ },
#include "spec/options.def"
#undef OPTION
};

/* The heading under which the limits of a controller stand. */
static const char *const limit_group_table[CONTROLLER_NONE + 1] = {
    [CONTROLLER_CPU] = "Limits: CPU",
    [CONTROLLER_CPUACCT] = "Limits: CPU",
    [CONTROLLER_CPUSET] = "Limits: CPU",
    [CONTROLLER_MEMORY] = "Limits: memory",
    [CONTROLLER_PIDS] = "Limits: processes",
    [CONTROLLER_IO] = "Limits: block devices",
    [CONTROLLER_DEVICES] = "Limits: the rest of the kernel's",
    [CONTROLLER_FREEZER] = "Limits: the rest of the kernel's",
    [CONTROLLER_HUGETLB] = "Limits: the rest of the kernel's",
    [CONTROLLER_NET_CLS] = "Limits: the rest of the kernel's",
    [CONTROLLER_NET_PRIO] = "Limits: the rest of the kernel's",
    [CONTROLLER_PERF_EVENT] = "Limits: the rest of the kernel's",
    [CONTROLLER_RDMA] = "Limits: the rest of the kernel's",
    [CONTROLLER_MISC] = "Limits: the rest of the kernel's",
    [CONTROLLER_PROCESS] = "Limits: each process",
    [CONTROLLER_SUPERVISOR] = "Limits: time and output, watched by ration",
    [CONTROLLER_NETWORK] = "Limits: the network",
    [CONTROLLER_NONE] = "Limits: the rest of the kernel's",
};

bool words_have(const char *words, const char *word, size_t len)
{
    while (words && *words) {
        size_t n = strcspn(words, " ");
        if (n == len && memcmp(words, word, len) == 0)
            return true;
        words += n;
        words += strspn(words, " ");
    }
    return false;
}

static struct option_info option_of_row(const struct option_row *row)
{
    return (struct option_info){
        .name = row->name,
        .letter = row->letter,
        .aliases = row->aliases,
        .metavar = row->metavar,
        .help = row->help,
        .group = row->group,
        .kind = row->kind,
        .limit = LIMIT_NONE,
    };
}

static struct option_info option_of_limit(enum limit_id id)
{
    const struct limit_info *limit = limit_info(id);

    return (struct option_info){
        .name = limit->name,
        .letter = limit->letter,
        .aliases = limit->aliases,
        .metavar = limit->metavar,
        .help = limit->help,
        .group = limit_group_table[limit->controller],
        .kind = limit->kind == LIMIT_KIND_FLAG ? OPTION_FLAG
                : limit_is_many(id)            ? OPTION_MANY
                                               : OPTION_VALUE,
        .limit = id,
    };
}

size_t option_count(void)
{
    return (size_t)OPTION_ID_COUNT + LIMIT_COUNT;
}

bool option_at(size_t index, struct option_info *ret)
{
    if (index >= option_count())
        return false;
    *ret = index < OPTION_ID_COUNT ? option_of_row(&option_table[index])
                                   : option_of_limit((enum limit_id)(index - OPTION_ID_COUNT));
    return true;
}

enum option_id option_row_find(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < OPTION_ID_COUNT; i++) {
        if (strcmp(option_table[i].name, name) == 0 ||
            words_have(option_table[i].aliases, name, len))
            return (enum option_id)i;
    }
    return OPTION_ID_COUNT;
}

bool option_find(const char *name, struct option_info *ret)
{
    enum option_id row = option_row_find(name);

    if (row != OPTION_ID_COUNT) {
        *ret = option_of_row(&option_table[row]);
        return true;
    }
    enum limit_id limit = limit_find(name);
    if (limit == LIMIT_NONE)
        return false;
    *ret = option_of_limit(limit);
    return true;
}

bool option_find_letter(char letter, struct option_info *ret)
{
    for (size_t i = 0; letter && option_at(i, ret); i++) {
        if (ret->letter == letter)
            return true;
    }
    return false;
}
