/* Judging the cgroup side: hierarchies, controllers, delegation, swap, disks. Pure. */
#include <errno.h>
#include <string.h>

#include "doctor/facts.h"

/* ---- where things are ------------------------------------------------------------------------------ */

static const struct hierarchy_info *hierarchy_of(const struct facts *facts,
                                                 enum controller controller)
{
    int version = facts->layout->controller[controller].version;

    for (size_t i = 0; i < facts->n_hierarchies; i++) {
        const struct hierarchy_info *h = &facts->hierarchy[i];
        if (h->version == version &&
            (version == 2 || (h->controllers & CONTROLLER_BIT(controller))))
            return h;
    }
    return NULL;
}

static const struct hierarchy_info *unified_of(const struct facts *facts)
{
    for (size_t i = 0; i < facts->n_hierarchies; i++) {
        if (facts->hierarchy[i].version == 2)
            return &facts->hierarchy[i];
    }
    return NULL;
}

/* "/sys/fs/cgroup/memory/base" */
static void base_path(const struct hierarchy_info *h, char *ret, size_t size)
{
    if (h)
        snprintf(ret, size, "%s%s%s", h->mount_point, *h->base ? "/" : "", h->base);
    else
        snprintf(ret, size, "an unknown place");
}

static const char *name_of(enum controller controller, int version)
{
    const char *name = controller_name(controller, version == 1 ? 1 : 2);

    return name ? name : text_or_empty(controller_name(controller, version == 1 ? 2 : 1));
}

/* ---- layout ----------------------------------------------------------------------------------------- */

/* "; version 1: cpu memory", or nothing when that version has none. */
static void layout_list(const struct layout *layout, int version, struct buf *ret)
{
    const char *separator = version == 0   ? "; missing:"
                            : version == 1 ? "; version 1:"
                                           : "; version 2:";

    for (unsigned c = 0; c < CONTROLLER_COUNT; c++) {
        if (layout->controller[c].version != version)
            continue;
        buf_printf(ret, "%s %s", separator, name_of((enum controller)c, version));
        separator = "";
    }
}

void check_layout(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf lists = BUF_INIT;

    (void)arg;
    if (!facts->layout) {
        finding_set(ret, DOCTOR_BAD, "%s", facts->cgroups_error);
        finding_why(ret, "without it nothing is known of the groups that enforce limits");
        finding_mend(ret, "see whether /proc is mounted: mount -t proc proc /proc");
        return;
    }
    if (facts->n_hierarchies == 0) {
        finding_set(ret, DOCTOR_BAD, "no cgroup file system is mounted");
        finding_why(ret, "limits on memory, CPU and processes are enforced by groups");
        finding_mend(ret, "mount -t cgroup2 none /sys/fs/cgroup");
        return;
    }
    for (int version = 1; version >= 0; version--) {
        layout_list(facts->layout, version, &lists);
        if (version == 1)
            layout_list(facts->layout, 2, &lists);
    }
    finding_set(ret, DOCTOR_OK, "%s%s", facts->layout->name, buf_text(&lists));
}

/* ---- controllers ------------------------------------------------------------------------------------- */

/* How much is missing with it. */
static enum doctor_verdict controller_weight(enum controller controller)
{
    static const enum doctor_verdict weight_table[CONTROLLER_COUNT] = {
        [CONTROLLER_MEMORY] = DOCTOR_BAD,    [CONTROLLER_CPU] = DOCTOR_BAD,
        [CONTROLLER_PIDS] = DOCTOR_BAD,      [CONTROLLER_CPUSET] = DOCTOR_WARN,
        [CONTROLLER_IO] = DOCTOR_WARN,       [CONTROLLER_DEVICES] = DOCTOR_WARN,
        [CONTROLLER_CPUACCT] = DOCTOR_WARN,  [CONTROLLER_FREEZER] = DOCTOR_WARN,
        [CONTROLLER_HUGETLB] = DOCTOR_NOTE,  [CONTROLLER_NET_CLS] = DOCTOR_NOTE,
        [CONTROLLER_NET_PRIO] = DOCTOR_NOTE, [CONTROLLER_PERF_EVENT] = DOCTOR_NOTE,
        [CONTROLLER_RDMA] = DOCTOR_NOTE,     [CONTROLLER_MISC] = DOCTOR_NOTE,
    };

    return weight_table[controller];
}

/* What cannot be had without it, by the options' names. */
static void controller_serves(enum controller controller, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf options = BUF_INIT;
    unsigned n = 0;

    for (int id = 0; id < LIMIT_COUNT; id++) {
        const struct limit_info *info = limit_info((enum limit_id)id);
        if (info->controller != controller)
            continue;
        if (++n <= 4)
            buf_printf(&options, "%s--%s", n == 1 ? "" : ", ", info->name);
    }
    if (n > 4)
        buf_printf(&options, " and %u more", n - 4);
    if (n > 0)
        finding_why(ret, "refused without it: %s", buf_text(&options));
    else if (controller == CONTROLLER_CPUACCT)
        finding_why(ret,
                    "without it a run's CPU time is not known, nor can --cpu-time be enforced");
    else if (controller == CONTROLLER_FREEZER)
        finding_why(ret, "without it runs cannot be paused");
    else
        finding_why(ret, "no limit of ration's depends on it");
}

/* Does the kernel's command line switch it off? The word is copied out. */
static bool boot_switches_off(const struct facts *facts, enum controller controller, char *ret,
                              size_t size)
{
    static const char *const option_table[] = { "cgroup_disable=", "cgroup_no_v1=" };
    const char *text = facts_text(facts, FILE_CMDLINE);

    while (*text) {
        text += strspn(text, " \n");
        size_t n = strcspn(text, " \n");
        for (size_t i = 0; i < ARRAY_SIZE(option_table); i++) {
            size_t key = strlen(option_table[i]);
            snprintf(ret, size, "%.*s", (int)n, text);
            if (!text_starts(ret, option_table[i]))
                continue;
            if (text_has_word(ret + key, name_of(controller, 1)) ||
                text_has_word(ret + key, name_of(controller, 2)) || text_has_word(ret + key, "all"))
                return true;
        }
        text += n;
    }
    return false;
}

void check_controller(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    enum controller controller = (enum controller)arg;
    const struct layout_controller *c;
    char path[512], option[256];

    if (!facts->layout) {
        finding_set(ret, controller_weight(controller), "not known");
        return;
    }
    c = &facts->layout->controller[controller];
    base_path(hierarchy_of(facts, controller), path, sizeof(path));
    if (c->version != 0 && c->writable) {
        finding_set(ret, DOCTOR_OK, "version %d at %s", c->version, path);
        return;
    }
    if (c->version != 0)
        finding_set(ret, controller_weight(controller), "version %d, not usable: %s", c->version,
                    text_or_empty(c->obstacle));
    else
        finding_set(ret, controller_weight(controller), "%s", text_or_empty(c->obstacle));
    controller_serves(controller, ret);
    if (c->remedy)
        finding_mend(ret, "%s", c->remedy);
    if (c->version == 0 && boot_switches_off(facts, controller, option, sizeof(option))) {
        finding_set(ret, controller_weight(controller), "switched off at boot by %s", option);
        finding_mend(ret, "take %s from the kernel's command line", option);
    }
}

/* ---- delegation and whoever else manages the tree ---------------------------------------------------- */

void check_delegation(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    static const enum controller wanted_table[] = { CONTROLLER_CPU, CONTROLLER_CPUSET,
                                                    CONTROLLER_IO, CONTROLLER_MEMORY,
                                                    CONTROLLER_PIDS };
    _cleanup_buf_ struct buf has = BUF_INIT, lacks = BUF_INIT;
    const struct hierarchy_info *unified = unified_of(facts);
    char path[512];

    (void)arg;
    if (!facts->rootless || !facts->layout) {
        finding_set(ret, DOCTOR_OK, "not needed: root may make groups everywhere");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(wanted_table); i++) {
        const struct layout_controller *c = &facts->layout->controller[wanted_table[i]];
        bool ours = c->version == 2 && c->writable;
        buf_printf(ours ? &has : &lacks, " %s", name_of(wanted_table[i], 2));
    }
    if (!unified || !unified->writable) {
        finding_set(ret, DOCTOR_BAD,
                    unified ? "no group of version 2 is delegated to user %u"
                            : "there is no version 2 hierarchy to delegate to "
                              "user %u",
                    facts->uid);
        finding_why(ret,
                    "without it limits stay with root; --best-effort has rlimits in their place");
        finding_mend(ret, facts->systemd ? "systemd-run --user --scope -p Delegate=yes ration ..."
                                         : "as root: make a group, give it to the user by chown, "
                                           "and move the user's shell into it");
        return;
    }
    base_path(unified, path, sizeof(path));
    finding_set(ret, lacks.len ? DOCTOR_WARN : DOCTOR_OK, "%s:%s%s%s", path,
                has.len ? buf_text(&has) : " no controller", lacks.len ? "; without" : "",
                buf_text(&lacks));
    if (lacks.len) {
        finding_why(ret, "limits of the controllers that were not handed down are refused");
        finding_mend(ret, "sudo systemctl edit user@.service, and there: [Service] Delegate=cpu "
                          "cpuset io memory pids");
    }
}

void check_manager(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const struct hierarchy_info *unified = unified_of(facts);
    const char *first = facts_text(facts, FILE_FIRST_PROCESS);

    (void)arg;
    if (!facts->systemd) {
        if (*first)
            finding_set(ret, DOCTOR_OK, "systemd does not run; process 1 is %.*s",
                        (int)strcspn(first, "\n"), first);
        else
            finding_set(ret, DOCTOR_OK, "systemd does not run; process 1 is not known");
        return;
    }
    if (!unified || facts->rootless || *unified->base != '\0') {
        finding_set(ret, DOCTOR_OK,
                    "systemd manages the tree; ration's groups have a place of "
                    "their own in it");
        return;
    }
    finding_set(ret, DOCTOR_NOTE, "systemd manages the tree, and ration's groups are at its top");
    finding_why(ret, "systemd counts the top as its own, and may take a controller back there that "
                     "none of its units uses");
    finding_mend(ret, "systemd-run --scope -p Delegate=yes ration ..., or --cgroup-parent with a "
                      "group of a unit that has Delegate=yes");
}

/* ---- what the hierarchies can do ---------------------------------------------------------------------- */

/* The options of the file system mounted there: the last field of its line of mountinfo (proc(5)). */
static void mount_options_find(const char *mounts, const char *point, char *ret, size_t size)
{
    const char *line;
    size_t len;

    ret[0] = '\0';
    while (line_next(&mounts, &line, &len)) {
        const char *p = line, *end = line + len, *type;
        for (int field = 0; field < 4 && p < end; field++)
            p += strcspn(p, " \n") + 1;
        size_t n = p < end ? strcspn(p, " \n") : 0;
        if (n != strlen(point) || memcmp(p, point, n) != 0)
            continue;
        type = memmem(p, (size_t)(end - p), " - ", 3);
        const char *last = memrchr(line, ' ', len);
        if (type && last && text_starts(type, " - cgroup2 "))
            snprintf(ret, size, "%.*s", (int)(end - last - 1), last + 1);
    }
}

void check_mount_options(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const struct hierarchy_info *unified = unified_of(facts);
    char options[512];
    bool delegate, recursive, memory;

    (void)arg;
    if (!unified) {
        finding_set(ret, DOCTOR_OK, "there is no version 2 hierarchy that could have some");
        return;
    }
    mount_options_find(facts_text(facts, FILE_MOUNTS), unified->mount_point, options,
                       sizeof(options));
    memory = facts->layout->controller[CONTROLLER_MEMORY].version == 2;
    delegate = text_has_word(options, "nsdelegate");
    recursive = !memory || text_has_word(options, "memory_recursiveprot");
    if (delegate && recursive) {
        finding_set(ret, DOCTOR_OK, "nsdelegate%s", memory ? " and memory_recursiveprot" : "");
        return;
    }
    finding_set(ret, DOCTOR_NOTE, "%s is mounted without %s%s%s", unified->mount_point,
                delegate ? "" : "nsdelegate", delegate || recursive ? "" : " and ",
                recursive ? "" : "memory_recursiveprot");
    finding_why(ret, "%s",
                !delegate ? "a command may then write limits of its own group; ration's "
                            "stand above that and hold"
                          : "--memory-low and --memory-min protect no group beneath the "
                            "run's");
    finding_mend(ret, "mount -o remount,nsdelegate,memory_recursiveprot none %s",
                 unified->mount_point);
}

void check_kill(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    bool kill = facts->layout && (facts->layout->features & LAYOUT_CGROUP_KILL);
    const struct hierarchy_info *unified = unified_of(facts);

    (void)arg;
    if (kill && unified && unified->writable) {
        finding_set(ret, DOCTOR_OK, "cgroup.kill ends a whole group at once");
        return;
    }
    bool freezer = facts->layout && facts->layout->controller[CONTROLLER_FREEZER].writable;
    finding_set(ret, freezer ? DOCTOR_NOTE : DOCTOR_WARN, "there is no cgroup.kill for us; %s",
                freezer ? "groups are frozen, then killed" : "and no freezer either");
    finding_why(ret, "%s",
                freezer ? "killing takes a little longer"
                        : "processes that fork quickly are killed in several rounds, "
                          "unless they are in a process namespace of their own");
    finding_mend(ret, "use Linux 5.14 or later with a version 2 hierarchy mounted");
}

void check_cpuset(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    const struct layout *layout = facts->layout;
    char path[512];

    (void)arg;
    if (!layout || layout->controller[CONTROLLER_CPUSET].version == 0) {
        finding_set(ret, DOCTOR_OK, "there is no cpuset controller that could be empty");
        return;
    }
    bool cpus = *layout->parent_cpus, mems = *layout->parent_mems;
    base_path(hierarchy_of(facts, CONTROLLER_CPUSET), path, sizeof(path));
    if (cpus && mems) {
        finding_set(ret, DOCTOR_OK, "%s has CPUs %s and memory nodes %s", path, layout->parent_cpus,
                    layout->parent_mems);
        return;
    }
    finding_set(ret, DOCTOR_WARN, "%s has no %s%s%s", path, cpus ? "" : "CPUs",
                cpus || mems ? "" : " and no ", mems ? "" : "memory nodes");
    finding_why(ret, "groups beneath it have none either, and no process can enter them");
    finding_mend(ret, "cat %s/../cpuset.%s > %s/cpuset.%s", path, cpus ? "mems" : "cpus", path,
                 cpus ? "mems" : "cpus");
}

/* ---- swap ---------------------------------------------------------------------------------------------- */

/* Bytes of all lines of /proc/swaps: "NAME TYPE SIZE USED PRIORITY", size in KiB. */
static uint64_t swap_total(const char *text)
{
    const char *line;
    uint64_t total = 0;
    size_t len;

    while (line_next(&text, &line, &len)) {
        const char *p = line, *end = line + len;
        char digits[24];
        uint64_t kib;
        for (int field = 0; field < 2; field++) {
            p += strcspn(p, " \t\n");
            p += strspn(p, " \t");
        }
        size_t n = p < end ? strcspn(p, " \t\n") : 0;
        if (n == 0 || n >= sizeof(digits))
            continue;
        snprintf(digits, sizeof(digits), "%.*s", (int)n, p);
        if (number_parse(digits, UINT64_MAX / 1024, &kib) == 0)
            total += kib * 1024;
    }
    return total;
}

void check_swap(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    uint64_t swap = swap_total(facts_text(facts, FILE_SWAPS));
    bool counted = facts->layout && (facts->layout->features & LAYOUT_MEMSW);
    char size[48];

    (void)arg;
    size_format(swap, size, sizeof(size));
    if (swap == 0) {
        finding_set(ret, DOCTOR_OK, "no swap is on%s",
                    counted ? "; it would be counted" : ", so nothing has to be counted");
        return;
    }
    if (counted) {
        finding_set(ret, DOCTOR_OK, "%s of swap, counted per group", size);
        return;
    }
    finding_set(ret, DOCTOR_WARN, "%s of swap, not counted per group", size);
    finding_why(ret, "a command over its --memory goes on in swap, and --memory-swap is refused");
    finding_mend(ret, "boot with swapaccount=1, or swapoff -a");
}

/* ---- disks --------------------------------------------------------------------------------------------- */

void check_disks(const struct facts *facts, unsigned arg, struct doctor_finding *ret)
{
    _cleanup_buf_ struct buf other = BUF_INIT, one = BUF_INIT;
    const char *disks = buf_text(&facts->disks), *line;
    unsigned n = 0;
    size_t len;

    (void)arg;
    while (line_next(&disks, &line, &len)) {
        size_t name = strcspn(line, " ");
        const char *open = memchr(line, '[', len);
        const char *close = open ? memchr(open, ']', (size_t)(line + len - open)) : NULL;
        n++;
        if (!close || name >= len)
            continue;
        size_t chosen = (size_t)(close - open - 1);
        if (chosen == 3 && memcmp(open + 1, "bfq", 3) == 0)
            continue;
        buf_printf(&other, "%s%.*s has %.*s", other.len ? ", " : "", (int)name, line, (int)chosen,
                   open + 1);
        if (one.len == 0)
            buf_add(&one, line, name);
    }
    if (other.len == 0) {
        finding_set(ret, DOCTOR_OK, n ? "bfq on every disk" : "there are no disks to schedule");
        return;
    }
    finding_set(ret, DOCTOR_NOTE, "%s", buf_text(&other));
    finding_why(ret, "I/O weights work with the scheduler bfq only; limits in bytes and operations "
                     "per second work with every one");
    finding_mend(ret, "echo bfq > /sys/block/%s/queue/scheduler", buf_text(&one));
}
