/* The mounts of a run: the usual ones, the ones asked for, what is hidden and what is read-only. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>

#include "spec/seal.h"

#define NONE      0
#define NOSUID    MOUNT_ATTR_NOSUID
#define CONFINED  (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define READ_ONLY MOUNT_ATTR_RDONLY

#define MOUNTS_USUAL 32   /* a power of two; a run has 24 without any asked for */
#define MOUNTS_MAX   4096 /* asked for; the kernel allows 100,000 in a namespace */

/* ---- building the list --------------------------------------------------------------------------- */

/* A mount of the tables below: texts that are copied. */
struct usual_mount {
    enum mount_kind kind;
    const char *fstype, *source, *target, *data;
    uint64_t attr_set;
    bool recursive, make_target, optional;
};

static int copy_text(const char *text, char **ret)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

/* Takes over what mount owns, also on failure. */
static int take_mount(struct seal *seal, struct spec_mount *mount)
{
    struct spec *spec = seal->spec;
    size_t n = spec->n_mounts;

    /* Twice the room whenever a power of two is full; the usual ones fit at once. */
    if (n == 0 || (n >= MOUNTS_USUAL && (n & (n - 1)) == 0)) {
        size_t room = n == 0 ? MOUNTS_USUAL : 2 * n;
        struct spec_mount *grown = reallocarray(spec->mounts, room, sizeof(*spec->mounts));
        if (!grown) {
            spec_mount_done(mount);
            return err_nomem(seal->err);
        }
        spec->mounts = grown;
    }
    spec->mounts[spec->n_mounts++] = *mount;
    *mount = (struct spec_mount){ 0 };
    return 0;
}

static int add_usual(struct seal *seal, const struct usual_mount *usual)
{
    struct spec_mount mount = {
        .kind = usual->kind,
        .attr_set = usual->attr_set,
        .recursive = usual->recursive,
        .make_target = usual->make_target,
        .optional = usual->optional,
    };

    if (copy_text(usual->fstype, &mount.fstype) < 0 ||
        copy_text(usual->source, &mount.source) < 0 ||
        copy_text(usual->target, &mount.target) < 0 || copy_text(usual->data, &mount.data) < 0) {
        spec_mount_done(&mount);
        return err_nomem(seal->err);
    }
    return take_mount(seal, &mount);
}

/* ---- what was asked for --------------------------------------------------------------------------- */

struct asked {
    struct spec_mount *mount;
    size_t n;
};

static void asked_done(struct asked *asked)
{
    for (size_t i = 0; i < asked->n; i++)
        spec_mount_done(&asked->mount[i]);
    free(asked->mount);
}

static const struct spec_mount *asked_at(const struct asked *asked, const char *target)
{
    for (size_t i = 0; i < asked->n; i++) {
        if (asked->mount[i].target && strcmp(asked->mount[i].target, target) == 0)
            return &asked->mount[i];
    }
    return NULL;
}

static int asked_parse(struct seal *seal, enum option_id id, struct asked *asked)
{
    static int (*const parse_table[OPTION_ID_COUNT])(const char *, const char *,
                                                     struct spec_mount *, struct err *) = {
        [OPTION_volume] = parse_volume,
        [OPTION_mount] = parse_mount,
        [OPTION_tmpfs] = parse_tmpfs,
    };
    const struct texts *texts = &seal->draft->value[id];
    const char *name = option_table[id].name;

    if (texts->n + asked->n > MOUNTS_MAX)
        return err_usage(seal->err, "--%s: at most %d mounts are allowed", name, MOUNTS_MAX);
    struct spec_mount *grown = reallocarray(asked->mount, asked->n + texts->n + 1, sizeof(*grown));
    if (!grown)
        return err_nomem(seal->err);
    asked->mount = grown;
    for (size_t i = 0; i < texts->n; i++) {
        struct spec_mount mount;
        int r = parse_table[id](name, texts->v[i], &mount, seal->err);
        if (r < 0)
            return r;
        if (asked_at(asked, mount.target)) {
            r = err_usage(seal->err, "--%s: %s is the target of two mounts", name,
                          quote(mount.target).text);
            spec_mount_done(&mount);
            return r;
        }
        asked->mount[asked->n++] = mount;
    }
    return 0;
}

/* The image's volumes, for which no other mount was asked, are volumes without a name. */
static int asked_image(struct seal *seal, struct asked *asked)
{
    char *const *volumes = seal->draft->image ? seal->draft->image->volumes : NULL;
    size_t n = volumes ? strv_length(volumes) : 0;
    struct spec_mount *grown =
        n > 0 ? reallocarray(asked->mount, asked->n + n, sizeof(*grown)) : asked->mount;

    if (n > 0 && !grown)
        return err_nomem(seal->err);
    asked->mount = grown;
    for (size_t i = 0; i < n; i++) {
        struct spec_mount mount;
        int r = volume_of_image(volumes[i], &mount, seal->err);
        if (r < 0)
            return r;
        if (asked_at(asked, mount.target))
            spec_mount_done(&mount);
        else
            asked->mount[asked->n++] = mount;
    }
    return 0;
}

/* Where the volume lies; one without a name has no place yet. */
static int locate_volume(struct seal *seal, struct spec_mount *mount)
{
    const char *volumes = seal->world->volumes;

    if (!mount->volume || !*mount->volume || !volumes)
        return 0;
    /* What a run in a user namespace of root's writes there is the same to every other run. */
    mount->id_mapped = !seal->spec->rootless && (seal->spec->namespaces & CLONE_NEWUSER);
    mount->source = text_format("%s/%s/data", volumes, mount->volume);
    return mount->source ? 0 : err_nomem(seal->err);
}

/* Does a mount that was asked for take the place of the usual one at target? */
static bool replaced(const struct asked *asked, const char *target)
{
    for (size_t i = 0; i < asked->n; i++) {
        if (path_is_beneath(target, asked->mount[i].target))
            return true;
    }
    return false;
}

/* Is target in an empty file system of the run's own, where a directory for it can be made? */
static bool in_fresh_tmpfs(const struct spec *spec, const char *target)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (mount->fstype && strcmp(mount->fstype, "tmpfs") == 0 &&
            path_is_beneath(target, mount->target))
            return true;
    }
    return false;
}

static unsigned path_depth(const char *path)
{
    unsigned depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/*
 * In a rootfs devices that lie about in what is mounted must not work, unless "dev" was written. A
 * missing target is made in a rootfs; on the host's root nothing is made but in what is ours.
 */
static int place_asked(struct seal *seal, struct spec_mount *mount)
{
    struct spec *spec = seal->spec;

    if (spec->rootfs && !spec->privileged && mount->kind == MOUNT_BIND &&
        !(mount->attr_clear & MOUNT_ATTR_NODEV))
        mount->attr_set |= MOUNT_ATTR_NODEV;
    mount->make_target = spec->rootfs || in_fresh_tmpfs(spec, mount->target);
    int r = locate_volume(seal, mount);
    return r < 0 ? r : take_mount(seal, mount);
}

/* Parents before what lies beneath them, otherwise as they were given. */
static int add_asked(struct seal *seal, struct asked *asked)
{
    size_t left = asked->n;
    int r = 0;

    for (unsigned depth = 1; r == 0 && left > 0; depth++) {
        for (size_t i = 0; r == 0 && i < asked->n; i++) {
            struct spec_mount *mount = &asked->mount[i];
            if (!mount->target || path_depth(mount->target) != depth)
                continue;
            r = place_asked(seal, mount);
            left--;
        }
    }
    return r;
}

/* ---- what every run has --------------------------------------------------------------------------------- */

/* A /dev of the run's own is the first mount; the host's, where all its devices are wanted. */
static int add_dev(struct seal *seal, const struct asked *asked)
{
    struct spec *spec = seal->spec;
    bool rootfs = spec->rootfs != NULL;
    const struct usual_mount fresh = {
        MOUNT_FILESYSTEM, "tmpfs", NULL, "/dev", "mode=755,size=64m", NOSUID, false, rootfs, false
    };
    const struct usual_mount host = { MOUNT_BIND, NULL, "/dev", "/dev", NULL,
                                      NOSUID,     true, true,   false };

    if (replaced(asked, "/dev"))
        return 0;
    if (spec->privileged)
        return rootfs ? add_usual(seal, &host) : 0;
    spec->fresh_dev = true;
    return add_usual(seal, &fresh);
}

/* The kernel mounts a proc of its own only for a pid namespace of its own. */
static int add_proc(struct seal *seal)
{
    const struct spec *spec = seal->spec;
    const struct usual_mount fresh = {
        MOUNT_FILESYSTEM, "proc", NULL, "/proc", NULL, CONFINED, false, spec->rootfs != NULL, false
    };
    const struct usual_mount host = { MOUNT_BIND, NULL, "/proc", "/proc", NULL,
                                      CONFINED,   true, true,    false };

    if (spec->namespaces & CLONE_NEWPID)
        return add_usual(seal, &fresh);
    return spec->rootfs ? add_usual(seal, &host) : 0;
}

static int add_dev_mounts(struct seal *seal, const struct asked *asked)
{
    const struct spec *spec = seal->spec;
    bool host_ipc = !(spec->namespaces & CLONE_NEWIPC);
    /* The group tty, where there is one. */
    bool tty_group =
        !(spec->namespaces & CLONE_NEWUSER) || maps_have(spec->gid_maps, spec->n_gid_maps, 5);
    char shm_data[64];
    uint64_t shm_bytes = 64 << 20;
    const char *shm_size = seal_text(seal, OPTION_shm_size);

    if (shm_size && size_parse(shm_size, &shm_bytes) < 0)
        return err_usage(seal->err, "--shm-size is not a size");
    snprintf(shm_data, sizeof(shm_data), "mode=1777,size=%llu", (unsigned long long)shm_bytes);
    const struct usual_mount usual_table[] = {
        { MOUNT_FILESYSTEM, "devpts", NULL, "/dev/pts",
          tty_group ? "newinstance,ptmxmode=0666,mode=0620,gid=5"
                    : "newinstance,ptmxmode=0666,mode=0620",
          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false, true, false },
        { MOUNT_FILESYSTEM, "tmpfs", NULL, "/dev/shm", shm_data, CONFINED, false, true, false },
        { MOUNT_FILESYSTEM, "mqueue", NULL, "/dev/mqueue", NULL, CONFINED, false, true, false },
    };
    const struct usual_mount host_table[] = {
        { MOUNT_BIND, NULL, "/dev/shm", "/dev/shm", NULL, CONFINED, true, true, true },
        { MOUNT_BIND, NULL, "/dev/mqueue", "/dev/mqueue", NULL, CONFINED, true, true, true },
    };
    bool no_ipc = seal_text_is(seal, OPTION_ipc, "none");
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(usual_table); i++) {
        const struct usual_mount *usual = &usual_table[i];
        if (i > 0 && host_ipc)
            usual = &host_table[i - 1];
        if (replaced(asked, usual->target) || (i == 0 ? !spec->fresh_dev : no_ipc))
            continue;
        if (!spec->fresh_dev && host_ipc)
            continue; /* the host's /dev has them already */
        r = add_usual(seal, usual);
    }
    return r;
}

/*
 * A new sysfs belongs to a network namespace that is ours; without one it can be mounted by real root
 * alone. On the host's root with the host's network the host's own is made read-only, with all that is
 * mounted in it.
 */
static int add_sys(struct seal *seal, const struct asked *asked)
{
    const struct spec *spec = seal->spec;
    uint64_t read_only = spec->privileged ? NONE : READ_ONLY;
    bool rootfs = spec->rootfs != NULL;
    const struct usual_mount fresh = { MOUNT_FILESYSTEM,     "sysfs", NULL,   "/sys", NULL,
                                       CONFINED | read_only, false,   rootfs, false };
    const struct usual_mount host = { MOUNT_BIND,           NULL, "/sys", "/sys", NULL,
                                      CONFINED | read_only, true, true,   false };
    const struct usual_mount same = { MOUNT_REMOUNT, NULL, NULL,  "/sys", NULL,
                                      read_only,     true, false, true };
    const struct usual_mount groups = {
        MOUNT_CGROUP, NULL, NULL, "/sys/fs/cgroup", NULL, CONFINED | read_only, false, false, true
    };
    bool own_network = spec->namespaces & CLONE_NEWNET;
    bool root = !(spec->namespaces & CLONE_NEWUSER);
    int r = 0;

    if (!replaced(asked, "/sys")) {
        if (own_network || (rootfs && root))
            r = add_usual(seal, &fresh);
        else if (rootfs)
            r = add_usual(seal, &host);
        else if (read_only)
            r = add_usual(seal, &same);
    }
    if (r == 0 && !replaced(asked, "/sys/fs/cgroup"))
        r = add_usual(seal, &groups);
    return r;
}

/* Over the root's own; on the host's root no file is made that is not there. */
static int add_names(struct seal *seal, const struct asked *asked)
{
    static const struct {
        const char *name, *target;
        bool root; /* not on the host's root, whose name stays */
    } name_table[] = {
        { "hosts", "/etc/hosts", false },
        { "resolv.conf", "/etc/resolv.conf", false },
        { "hostname", "/etc/hostname", true },
    };
    const struct spec *spec = seal->spec;
    bool rootfs = spec->rootfs != NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && spec->net.files && i < ARRAY_SIZE(name_table); i++) {
        if (replaced(asked, name_table[i].target) || (!rootfs && name_table[i].root))
            continue;
        _cleanup_free_ char *source = text_format("%s/%s", spec->net.files, name_table[i].name);
        const struct usual_mount usual = { .kind = MOUNT_BIND,
                                           .source = source,
                                           .target = name_table[i].target,
                                           .attr_set = spec->root_readonly ? CONFINED | READ_ONLY
                                                                           : CONFINED,
                                           .make_target = rootfs,
                                           .optional = !rootfs };
        r = source ? add_usual(seal, &usual) : err_nomem(seal->err);
    }
    return r;
}

int seal_mounts(struct seal *seal)
{
    static const enum option_id source_table[] = { OPTION_volume, OPTION_mount, OPTION_tmpfs };
    _cleanup_(asked_done) struct asked asked = { 0 };
    struct spec *spec = seal->spec;
    int r = 0;

    if (spec->rootfs && !spec->privileged && !seal->device_rules)
        spec->root_attr_set |= MOUNT_ATTR_NODEV;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(source_table); i++)
        r = asked_parse(seal, source_table[i], &asked);
    if (r == 0)
        r = asked_image(seal, &asked);
    if (r == 0)
        r = add_dev(seal, &asked);
    if (r == 0)
        r = add_proc(seal);
    if (r == 0)
        r = add_dev_mounts(seal, &asked);
    if (r == 0)
        r = add_sys(seal, &asked);
    if (r == 0)
        r = seal_names(seal);
    if (r == 0)
        r = add_names(seal, &asked);
    return r < 0 ? r : add_asked(seal, &asked);
}

/* ---- hidden and read-only --------------------------------------------------------------------------------- */

/* docker's lists: what tells of, or reaches into, the machine as a whole. */
static const char *const mask_table[] = {
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
};

static const char *const read_only_table[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* Is path in one of the colon-separated lists of --security-opt prefix=LIST? */
static bool listed(const struct seal *seal, const char *prefix, const char *path)
{
    const struct texts *texts = &seal->draft->value[OPTION_security_opt];

    for (size_t i = 0; i < texts->n; i++) {
        const char *list = texts->v[i];
        if (!text_starts(list, prefix))
            continue;
        for (list += strlen(prefix); *list; list += *list == ':') {
            size_t n = strcspn(list, ":");
            if (strlen(path) == n && memcmp(path, list, n) == 0)
                return true;
            list += n;
        }
    }
    return false;
}

static int add_table(struct seal *seal, const char *const *table, size_t n, enum mount_kind kind)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct usual_mount usual = { .kind = kind, .target = table[i], .optional = true };
        if (kind == MOUNT_REMOUNT) {
            usual.attr_set = READ_ONLY;
            usual.recursive = true;
        }
        if (!listed(seal, "unmask=", table[i]))
            r = add_usual(seal, &usual);
    }
    return r;
}

/* --security-opt mask=PATH[:PATH] */
static int add_masks_asked(struct seal *seal)
{
    const struct texts *texts = &seal->draft->value[OPTION_security_opt];
    int r = 0;

    for (size_t i = 0; r == 0 && i < texts->n; i++) {
        if (!text_starts(texts->v[i], "mask="))
            continue;
        for (const char *list = texts->v[i] + 5; r == 0 && *list; list += *list == ':') {
            size_t n = strcspn(list, ":");
            _cleanup_free_ char *path = strndup(list, n), *clean = NULL;
            if (!path || path_clean(path, &clean) < 0)
                return err_nomem(seal->err);
            struct usual_mount usual = { .kind = MOUNT_MASK, .target = clean, .optional = true };
            r = add_usual(seal, &usual);
            list += n;
        }
    }
    return r;
}

int seal_masks(struct seal *seal)
{
    int r = 0;

    if (!seal->spec->privileged && !seal_security_is(seal, "systempaths=unconfined") &&
        !seal_security_is(seal, "unmask=ALL")) {
        r = add_table(seal, read_only_table, ARRAY_SIZE(read_only_table), MOUNT_REMOUNT);
        if (r == 0)
            r = add_table(seal, mask_table, ARRAY_SIZE(mask_table), MOUNT_MASK);
    }
    return r < 0 ? r : add_masks_asked(seal);
}
