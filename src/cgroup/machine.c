/* Facts of the machine that a plan depends on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"
#include "sys/sys.h"

bool kernel_is_since(unsigned major, unsigned minor)
{
    struct utsname uts;
    char *end;

    if (uname(&uts) < 0)
        return false;
    unsigned long have_major = strtoul(uts.release, &end, 10);
    unsigned long have_minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return have_major > major || (have_major == major && have_minor >= minor);
}

static int memory_read(int root_fd, struct machine *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    uint64_t total_kb = 0, swap_kb = 0;
    struct sysinfo info;

    if (root_fd < 0) {
        if (sysinfo(&info) < 0)
            return -errno;
        ret->memory_bytes = (uint64_t)info.totalram * info.mem_unit;
        ret->swap_bytes = (uint64_t)info.totalswap * info.mem_unit;
        return 0;
    }
    int r = root_read(root_fd, "/proc/meminfo", &text);
    if (r < 0)
        return r;
    if (!keyed_find_u64(buf_text(&text), "MemTotal", &total_kb))
        return -ENODATA;
    keyed_find_u64(text.data, "SwapTotal", &swap_kb);
    ret->memory_bytes = total_kb * 1024;
    ret->swap_bytes = swap_kb * 1024;
    return 0;
}

/* One line of a file, cut to fit; "" when there is none. */
static void line_read(int root_fd, const char *path, char *ret, size_t size)
{
    _cleanup_close_ int fd = root_open(root_fd, path, O_RDONLY | O_NOCTTY);
    ssize_t n = fd < 0 ? 0 : pread(fd, ret, size - 1, 0);

    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
}

/* "hugepages-2048kB" becomes "2MB", as the hugetlb controller names its files. */
static void hugepage_add(const char *entry, char *ret, size_t size)
{
    static const char prefix[] = "hugepages-";
    char digits[16];
    uint64_t kb;

    if (!text_starts(entry, prefix))
        return;
    entry += strlen(prefix);
    snprintf(digits, sizeof(digits), "%.*s", (int)strspn(entry, "0123456789"), entry);
    if (number_parse(digits, UINT32_MAX, &kb) < 0 || kb == 0)
        return;
    size_t len = strlen(ret);
    const char *blank = len ? " " : "";
    if (kb >= 1u << 20)
        snprintf(ret + len, size - len, "%s%juGB", blank, (uintmax_t)(kb >> 20));
    else if (kb >= 1u << 10)
        snprintf(ret + len, size - len, "%s%juMB", blank, (uintmax_t)(kb >> 10));
    else
        snprintf(ret + len, size - len, "%s%juKB", blank, (uintmax_t)kb);
}

struct hugepages {
    char *text;
    size_t size;
};

static int hugepage_visit(void *data, const char *name)
{
    const struct hugepages *list = data;

    hugepage_add(name, list->text, list->size);
    return 0;
}

static void hugepages_read(int root_fd, struct machine *ret)
{
    struct hugepages list = { ret->hugepages, sizeof(ret->hugepages) };
    _cleanup_close_ int fd = root_open(root_fd, "/sys/kernel/mm/hugepages", O_RDONLY | O_DIRECTORY);

    if (fd >= 0)
        dir_each_child(fd, hugepage_visit, &list);
}

static void rlimits_read(unsigned parts, struct machine *ret)
{
    struct rlimit limit;

    for (unsigned i = 0; i < ARRAY_SIZE(ret->rlimit_hard); i++) {
        ret->rlimit_hard[i] = LIMIT_NUMBER_UNLIMITED;
        if ((parts & MACHINE_RLIMIT(i)) && sys_prlimit(0, (int)i, NULL, &limit) == 0)
            ret->rlimit_hard[i] =
                limit.rlim_max == RLIM_INFINITY ? LIMIT_NUMBER_UNLIMITED : limit.rlim_max;
    }
}

int machine_read_parts(int root_fd, unsigned parts, struct machine *ret, struct err *err)
{
    uint64_t effective, permitted, inheritable;

    *ret = (struct machine){
        .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
        .ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK),
    };
    int r = parts & MACHINE_MEMORY ? memory_read(root_fd, ret) : 0;
    if (r < 0)
        return err_set(err, -r, "cannot read /proc/meminfo: %s", err_name(-r));
    if (parts & MACHINE_CPUS)
        line_read(root_fd, "/sys/devices/system/cpu/online", ret->cpus, sizeof(ret->cpus));
    if (parts & MACHINE_MEMS) {
        line_read(root_fd, "/sys/devices/system/node/has_memory", ret->mems, sizeof(ret->mems));
        /* A kernel without NUMA has no such directory and one node. */
        if (!*ret->mems)
            memcpy(ret->mems, "0", sizeof("0"));
    }
    if (parts & MACHINE_HUGEPAGES)
        hugepages_read(root_fd, ret);
    rlimits_read(parts, ret);
    if ((parts & MACHINE_PRIVILEGE) && sys_capget(&effective, &permitted, &inheritable) == 0)
        ret->can_raise_rlimits = effective & (UINT64_C(1) << CAP_SYS_RESOURCE);
    return 0;
}

int machine_read(int root_fd, struct machine *ret, struct err *err)
{
    return machine_read_parts(root_fd, MACHINE_ALL, ret, err);
}
