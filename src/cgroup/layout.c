/*
 * The layout: for each controller which version it is to be had from, whether we may use it, and if
 * not, why and what would mend it. Controllers resolve one by one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup_private.h"

/* Those that v2 groups have without their being enabled: cpu.stat, cgroup.freeze, programs. */
static const unsigned v2_core_controllers =
    CONTROLLER_BIT(CONTROLLER_CPUACCT) | CONTROLLER_BIT(CONTROLLER_FREEZER) |
    CONTROLLER_BIT(CONTROLLER_DEVICES) | CONTROLLER_BIT(CONTROLLER_PERF_EVENT);

/* Those that exist on v1 only. */
static const unsigned v1_only_controllers =
    CONTROLLER_BIT(CONTROLLER_NET_CLS) | CONTROLLER_BIT(CONTROLLER_NET_PRIO);

static const char remedy_systemd[] =
    "run 'sudo systemctl edit user@.service' and add [Service] Delegate=cpu cpuset io memory pids, "
    "or start it by 'systemd-run --user --scope -p Delegate=yes'";

static const char *name_of(enum controller controller, int version)
{
    const char *name = controller_name(controller, version);

    return name ? name : text_or_empty(controller_name(controller, version == 2 ? 1 : 2));
}

/* ---- what /proc/cgroups says of a controller ----------------------------------------------------- */

struct kernel_controller {
    bool known, enabled;
    uint64_t hierarchy; /* 0: on no v1 hierarchy */
};

/* "#subsys_name hierarchy num_cgroups enabled", tab-separated (cgroups(7)). */
static struct kernel_controller kernel_controller_find(const char *text, enum controller controller)
{
    const char *line;
    size_t len;

    while (line_next(&text, &line, &len)) {
        size_t name = strcspn(line, "\t\n");
        char digits[3][24] = { "", "", "" };
        uint64_t number[3] = { 0, 0, 0 };
        if (name >= len || controller_find(line, name) != controller)
            continue;
        const char *p = line + name;
        for (size_t i = 0; i < 3 && *p == '\t'; i++) {
            size_t n = strcspn(++p, "\t\n");
            snprintf(digits[i], sizeof(digits[i]), "%.*s", (int)n, p);
            if (number_parse(digits[i], UINT64_MAX, &number[i]) < 0)
                return (struct kernel_controller){ 0 };
            p += n;
        }
        return (struct kernel_controller){ true, number[2] != 0, number[0] };
    }
    return (struct kernel_controller){ 0 };
}

/* ---- why a controller is missing ------------------------------------------------------------------- */

struct explaining {
    struct cgroups *cgroups;
    const struct hierarchy *unified; /* or NULL */
    struct buf kernel;               /* /proc/cgroups */
    bool kernel_read;
};

static void set_obstacle(struct layout_controller *c, const char *obstacle, const char *remedy)
{
    c->writable = false;
    c->obstacle = obstacle;
    c->remedy = remedy;
}

/* The v2 hierarchy is there and its base group does not offer the controller. */
static void explain_not_offered(struct cgroups *cgroups, const struct hierarchy *h,
                                enum controller controller, struct layout_controller *c)
{
    const char *name = name_of(controller, 2);
    char path[512];

    hierarchy_path(h, h->base, "", path, sizeof(path));
    set_obstacle(
        c, cgroups_text(cgroups, "the group %s was not given it by the group above", path),
        cgroups->options.rootless
            ? remedy_systemd
            : cgroups_text(cgroups,
                           "have +%s written to cgroup.subtree_control of the groups above "
                           "%s",
                           name, path));
}

static void explain_missing(struct explaining *e, enum controller controller,
                            struct layout_controller *c)
{
    struct cgroups *cgroups = e->cgroups;
    const char *name = name_of(controller, 1);

    if (cgroups->n_hierarchies == 0) {
        set_obstacle(c, "no cgroup file system is mounted",
                     "mount one by 'mount -t cgroup2 none /sys/fs/cgroup'");
        return;
    }
    if (!e->kernel_read)
        root_read(cgroups->root_fd, "/proc/cgroups", &e->kernel);
    e->kernel_read = true;
    struct kernel_controller k = kernel_controller_find(buf_text(&e->kernel), controller);
    if (k.known && !k.enabled)
        set_obstacle(c, cgroups_text(cgroups, "the kernel was booted with it disabled"),
                     cgroups_text(cgroups, "boot with cgroup_enable=%s", name));
    else if (k.known && (k.hierarchy != 0 || (v1_only_controllers & CONTROLLER_BIT(controller)) ||
                         !e->unified))
        set_obstacle(c,
                     k.hierarchy != 0 ? "its v1 hierarchy is not mounted here"
                                      : "no mounted hierarchy has it",
                     cgroups_text(cgroups, "mount it by 'mount -t cgroup -o %s none %s/%s'", name,
                                  "/sys/fs/cgroup", name));
    else if (k.known && e->unified->opened && e->unified->error == 0)
        explain_not_offered(cgroups, e->unified, controller, c);
    else
        set_obstacle(c, "the running kernel was built without it", "use a kernel that has it");
}

/* ---- why a hierarchy cannot be used ---------------------------------------------------------------- */

static void explain_read_only(struct cgroups *cgroups, const struct hierarchy *h,
                              struct layout_controller *c)
{
    set_obstacle(c, cgroups_text(cgroups, "%s is mounted read-only", h->mount_point),
                 cgroups_text(cgroups,
                              "make it writable by 'mount -o remount,rw %s' (in a container: start "
                              "that with a writable cgroup mount)",
                              h->mount_point));
}

static void explain_not_writable(struct cgroups *cgroups, const struct hierarchy *h,
                                 struct layout_controller *c)
{
    char path[512];

    hierarchy_path(h, h->base, "", path, sizeof(path));
    if (h->error == -ENOENT || h->error == -ENOTDIR)
        set_obstacle(c, cgroups_text(cgroups, "there is no group %s", path), NULL);
    else if (h->error < 0)
        set_obstacle(c, cgroups_text(cgroups, "%s cannot be opened: %s", path, err_name(-h->error)),
                     NULL);
    else if (h->version == 1)
        set_obstacle(c, cgroups_text(cgroups, "groups beneath %s can only be made by root", path),
                     "run as root");
    else if (!h->own_known)
        set_obstacle(c, "our own group is outside of what is mounted, so none above it is ours",
                     remedy_systemd);
    else
        set_obstacle(c,
                     cgroups_text(cgroups,
                                  "neither our group %s/%s nor one above it is delegated to "
                                  "us",
                                  h->mount_point, h->own),
                     remedy_systemd);
}

static void explain_hierarchy(struct cgroups *cgroups, const struct hierarchy *h,
                              struct layout_controller *c)
{
    c->writable = !h->opened ? !h->read_only : h->writable;
    if (c->writable)
        return;
    if (h->read_only)
        explain_read_only(cgroups, h, c);
    else
        explain_not_writable(cgroups, h, c);
}

/* ---- one controller after the other -------------------------------------------------------------- */

struct offering {
    char *line;
    size_t size;
};

/* From the base upwards: the topmost that we may hand controllers down from tells last. */
static int offering_visit(void *data, int dir_fd, const char *path)
{
    const struct offering *offering = data;

    (void)path;
    if (*offering->line == '\0' || faccessat(dir_fd, "cgroup.subtree_control", W_OK, 0) == 0)
        if (file_read_line(dir_fd, "cgroup.controllers", offering->line, offering->size) < 0)
            *offering->line = '\0';
    return 0;
}

/*
 * What the base group can hand to ours. Where it was given it is what the visible root offers, or the
 * topmost group that we may change, since every level from there down is enabled when groups are made.
 */
static void unified_read(const struct cgroups *cgroups, struct hierarchy *h)
{
    char line[256] = "";
    struct offering offering = { line, sizeof(line) };
    int fd = cgroups->parent ? h->root_fd : h->base_fd;

    if (cgroups->parent && (cgroups->options.rootless || h->top > 0) && h->root_fd >= 0)
        levels_visit(h->root_fd, h->base, false, offering_visit, &offering);
    else if (fd < 0 || TRY_TWICE(file_read_line(fd, "cgroup.controllers", line, sizeof(line))) < 0)
        return;
    for (char *p = line; *p; p++)
        if (*p == ' ')
            *p = ',';
    h->controllers = options_controllers(line);
}

static void controller_fill(struct explaining *e, enum controller controller)
{
    struct cgroups *cgroups = e->cgroups;
    struct layout_controller *c = &cgroups->layout.controller[controller];
    unsigned bit = CONTROLLER_BIT(controller);
    const struct hierarchy *h = cgroups_find(cgroups, 1, bit);

    if (!h && e->unified && ((e->unified->controllers | v2_core_controllers) & bit) != 0)
        h = e->unified;
    if (h) {
        c->version = h->version;
        explain_hierarchy(cgroups, h, c);
    } else if (cgroups_wants(cgroups, controller)) {
        explain_missing(e, controller, c);
    } else {
        c->obstacle = "it was not looked for";
    }
}

struct seed {
    const char *file;
    char *text;
    size_t size;
};

static int seed_visit(void *data, int dir_fd, const char *path)
{
    const struct seed *seed = data;

    (void)path;
    if (file_read_line(dir_fd, seed->file, seed->text, seed->size) < 0)
        *seed->text = '\0';
    return *seed->text != '\0';
}

/* Of the base, or of the nearest group above it that has something there. */
static void seed_read(const struct hierarchy *h, const char *file, char *text, size_t size)
{
    struct seed seed = { file, text, size };
    int fd = h->base_fd >= 0 ? h->base_fd : h->root_fd;

    *text = '\0';
    if (fd >= 0 && !seed_visit(&seed, fd, "") && *h->base)
        levels_visit(h->root_fd, h->base, false, seed_visit, &seed);
}

static void seeds_read(struct cgroups *cgroups)
{
    struct layout *layout = &cgroups->layout;
    const struct layout_controller *c = &layout->controller[CONTROLLER_CPUSET];
    const struct hierarchy *h =
        c->version ? cgroups_find(cgroups, c->version, CONTROLLER_BIT(CONTROLLER_CPUSET)) : NULL;
    const char *cpus = c->version == 2 ? "cpuset.cpus.effective" : "cpuset.cpus";
    const char *mems = c->version == 2 ? "cpuset.mems.effective" : "cpuset.mems";

    if (!h || !h->opened || !cgroups_wants(cgroups, CONTROLLER_CPUSET))
        return;
    seed_read(h, cpus, layout->parent_cpus, sizeof(layout->parent_cpus));
    seed_read(h, mems, layout->parent_mems, sizeof(layout->parent_mems));
}

static void name_fill(struct cgroups *cgroups)
{
    struct layout *layout = &cgroups->layout;

    layout->has_v2 = cgroups_find(cgroups, 2, 0) != NULL;
    layout->has_v1 = cgroups_find(cgroups, 1, ~0u) != NULL;
    layout->name = layout->has_v1 && layout->has_v2 ? "hybrid"
                   : layout->has_v1                 ? "v1"
                   : layout->has_v2                 ? "v2"
                                                    : "none";
}

/* Does something wanted have to come from v2? Then what it offers has to be read. */
static bool unified_is_wanted(const struct cgroups *cgroups)
{
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if (cgroups_wants(cgroups, (enum controller)c) &&
            !(v2_core_controllers & CONTROLLER_BIT(c)) &&
            !cgroups_find(cgroups, 1, CONTROLLER_BIT(c)))
            return true;
    return false;
}

int layout_fill(struct cgroups *cgroups, struct err *err)
{
    const struct hierarchy *unified = cgroups_find(cgroups, 2, 0);
    struct explaining e = { .cgroups = cgroups, .unified = unified };

    name_fill(cgroups);
    if (unified && unified_is_wanted(cgroups))
        unified_read(cgroups, &cgroups->hierarchy[unified - cgroups->hierarchy]);
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        controller_fill(&e, (enum controller)c);
    buf_done(&e.kernel);
    seeds_read(cgroups);
    features_read(cgroups);
    if (cgroups->options.parent_memory || !cgroups->options.selective)
        cgroups->layout.parent_memory_bytes = ceiling_memory(cgroups);
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++)
        if (cgroups->layout.controller[c].version == 0 && !cgroups->layout.controller[c].obstacle)
            return err_nomem(err);
    return 0;
}
