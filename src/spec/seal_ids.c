/* Namespaces, the maps of a user namespace, and who COMMAND is. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>

#include "spec/seal.h"

/* ---- namespaces ----------------------------------------------------------------------------------- */

static bool wants_user_namespace(const struct seal *seal)
{
    const char *asked = seal_text(seal, OPTION_userns);

    if (asked)
        return strcmp(asked, "host") != 0;
    return seal->spec->rootless || seal_text(seal, OPTION_uidmap) || seal_text(seal, OPTION_gidmap);
}

int seal_namespaces(struct seal *seal)
{
    static const struct {
        enum option_id id;
        uint64_t flag;
    } private_table[] = {
        { OPTION_pid, CLONE_NEWPID },
        { OPTION_ipc, CLONE_NEWIPC },
        { OPTION_uts, CLONE_NEWUTS },
        { OPTION_cgroupns, CLONE_NEWCGROUP },
    };
    struct spec *spec = seal->spec;
    const char *offset = seal_text(seal, OPTION_time_offset);

    spec->namespaces = CLONE_NEWNS;
    for (size_t i = 0; i < ARRAY_SIZE(private_table); i++) {
        if (!seal_text_is(seal, private_table[i].id, "host"))
            spec->namespaces |= private_table[i].flag;
    }
    if (seal_text_is(seal, OPTION_time, "private") || offset)
        spec->namespaces |= CLONE_NEWTIME;
    if (offset && seal_text_is(seal, OPTION_time, "host"))
        return err_usage(seal->err, "--time-offset cannot be given together with --time host");
    spec->time_offset_set = offset != NULL;
    if (offset) {
        int r = parse_time_offset("time-offset", offset, &spec->time_monotonic_s,
                                  &spec->time_boottime_s, seal->err);
        if (r < 0)
            return r;
    }
    if (wants_user_namespace(seal))
        spec->namespaces |= CLONE_NEWUSER;
    else if (spec->rootless)
        return err_refuse(seal->err, EPERM,
                          "--userns host takes root; leave it out to run in a user namespace");
    return 0;
}

/* ---- maps -------------------------------------------------------------------------------------------- */

struct maps {
    struct spec_id_map *map;
    size_t n;
};

static int maps_add(struct maps *maps, uint32_t inside, uint32_t outside, uint32_t count)
{
    if (count == 0)
        return 0;
    struct spec_id_map *grown = reallocarray(maps->map, maps->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[maps->n++] = (struct spec_id_map){ inside, outside, count };
    maps->map = grown;
    return 0;
}

/* The number inside that stands for the one outside; false when there is none. */
static bool maps_inside(const struct spec_id_map *map, size_t n, uint32_t outside, uint32_t *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (outside >= map[i].outside && outside - map[i].outside < map[i].count) {
            *ret = map[i].inside + (outside - map[i].outside);
            return true;
        }
    }
    return false;
}

bool maps_have(const struct spec_id_map *map, size_t n, uint32_t inside)
{
    for (size_t i = 0; i < n; i++) {
        if (inside >= map[i].inside && inside - map[i].inside < map[i].count)
            return true;
    }
    return false;
}

static bool ranges_overlap(uint32_t a, uint32_t b, const struct spec_id_map *of_a,
                           const struct spec_id_map *of_b)
{
    return a < b ? b - a < of_a->count : a - b < of_b->count;
}

/* --uidmap or --gidmap: as asked. The kernel takes 340 lines at most, none overlapping another. */
static int maps_asked(struct seal *seal, enum option_id id, struct maps *maps)
{
    const char *name = option_table[id].name;
    const struct texts *texts = &seal->draft->value[id];
    struct spec_id_map map;

    if (texts->n > 340)
        return err_usage(seal->err, "--%s is given %zu times, the kernel takes 340", name,
                         texts->n);
    for (size_t i = 0; i < texts->n; i++) {
        int r = parse_id_map(name, texts->v[i], &map, seal->err);
        if (r < 0)
            return r;
        for (size_t j = 0; j < maps->n; j++) {
            const struct spec_id_map *other = &maps->map[j];
            if (ranges_overlap(map.inside, other->inside, &map, other) ||
                ranges_overlap(map.outside, other->outside, &map, other))
                return err_usage(seal->err, "--%s %s overlaps another one", name, texts->v[i]);
        }
        if (maps_add(maps, map.inside, map.outside, map.count) < 0)
            return err_nomem(seal->err);
    }
    return 0;
}

/*
 * Our own number stands at self inside; the range of /etc/subuid or subgid, if there is one, fills
 * the numbers around it.
 */
static int maps_around(struct maps *maps, uint32_t own, uint32_t self,
                       const struct spec_id_map *range)
{
    uint32_t below = self < range->count ? self : range->count;
    int r = maps_add(maps, 0, range->outside, below);

    if (r == 0)
        r = maps_add(maps, self, own, 1);
    if (r == 0 && range->count > below)
        r = maps_add(maps, self + 1, range->outside + below, range->count - below);
    return r;
}

/* One of the two maps, when it was not spelt out. */
static int maps_default(struct seal *seal, struct maps *maps, uint32_t own,
                        const struct spec_id_map *range, bool keep)
{
    const struct spec_id_map none = { 0 };

    if (seal->spec->rootless)
        return maps_around(maps, own, keep ? own : 0, seal->spec->map_by_helper ? range : &none);
    if (keep || range->count == 0)
        return maps_add(maps, 0, 0, UINT32_MAX);
    return maps_add(maps, 0, range->outside, range->count);
}

/*
 * Without root: on the host's root we stay who we are, in a rootfs we are root, and a range of our
 * own, which only newuidmap can map, is used where more than our own number may be needed. With root:
 * root's range where one is set aside, or else all numbers as they are (which confines capabilities,
 * not files).
 */
int seal_id_maps(struct seal *seal)
{
    const struct spec_world *world = seal->world;
    struct spec *spec = seal->spec;
    struct maps uids = { 0 }, gids = { 0 };
    bool keep = seal_text(seal, OPTION_userns) ? seal_text_is(seal, OPTION_userns, "keep-id")
                                               : spec->rootless && !spec->rootfs;

    if (!(spec->namespaces & CLONE_NEWUSER)) {
        if (seal_text(seal, OPTION_uidmap) || seal_text(seal, OPTION_gidmap))
            return err_usage(seal->err, "--uidmap and --gidmap contradict --userns host");
        return 0;
    }
    bool asked = seal_text(seal, OPTION_uidmap) || seal_text(seal, OPTION_gidmap);
    bool needed = asked || spec->rootfs || seal_text(seal, OPTION_userns) ||
                  seal_text(seal, OPTION_user) || seal_text(seal, OPTION_group_add);
    spec->map_by_helper = spec->rootless && world->has_newuidmap && world->subuid.count > 0 &&
                          world->subgid.count > 0 && needed;
    int r = maps_asked(seal, OPTION_uidmap, &uids);
    if (r == 0)
        r = maps_asked(seal, OPTION_gidmap, &gids);
    if (r == 0 && uids.n == 0 && maps_default(seal, &uids, world->uid, &world->subuid, keep) < 0)
        r = err_nomem(seal->err);
    if (r == 0 && gids.n == 0 && maps_default(seal, &gids, world->gid, &world->subgid, keep) < 0)
        r = err_nomem(seal->err);
    spec->uid_maps = uids.map;
    spec->n_uid_maps = uids.n;
    spec->gid_maps = gids.map;
    spec->n_gid_maps = gids.n;
    return r;
}

/* ---- who COMMAND is -------------------------------------------------------------------------------------- */

/* May the child set its groups? Not with a map that it wrote itself without privilege. */
static bool can_set_groups(const struct spec *spec)
{
    return !spec->rootless || spec->map_by_helper;
}

/* Without --user: unchanged on the host's root; root without further groups in a rootfs. */
static void identity_unasked(struct seal *seal)
{
    struct spec *spec = seal->spec;
    bool user_namespace = spec->namespaces & CLONE_NEWUSER;
    bool mapped = true;

    spec->uid = seal->world->uid;
    spec->gid = seal->world->gid;
    if (user_namespace) {
        mapped = maps_inside(spec->uid_maps, spec->n_uid_maps, seal->world->uid, &spec->uid) &&
                 maps_inside(spec->gid_maps, spec->n_gid_maps, seal->world->gid, &spec->gid);
        if (!mapped)
            spec->uid = spec->gid = 0;
    }
    if (spec->rootfs && !seal_text_is(seal, OPTION_userns, "keep-id")) {
        mapped = mapped && spec->uid == 0 && spec->gid == 0 && !can_set_groups(spec);
        spec->uid = spec->gid = 0;
    }
    spec->identity_set = !mapped;
}

/* Text of one of the host's files; missing is empty. */
static int host_file(const struct seal *seal, const char *path, char **ret)
{
    int r = seal->world->read_file ? seal->world->read_file(seal->world->data, path, ret) : -ENOENT;

    if (r == -ENOENT) {
        *ret = NULL;
        return 0;
    }
    if (r == -ENOMEM)
        return err_nomem(seal->err);
    return r < 0 ? err_set(seal->err, -r, "--user: %s cannot be read: %s", path, err_name(-r)) : 0;
}

static int identity_asked(struct seal *seal, const char *user, const char *group_text)
{
    struct spec *spec = seal->spec;
    _cleanup_free_ char *passwd = NULL;
    int r = seal_string(seal, &spec->user, user);

    if (r < 0)
        return r;
    spec->identity_set = true;
    if (spec->rootfs) {
        /* Even a number has a group, further groups and a home there; with a group it needs none. */
        spec->user_from_rootfs = !user_is_numeric(user) || !strchr(user, ':');
        if (spec->user_from_rootfs)
            return 0;
    } else {
        r = host_file(seal, "/etc/passwd", &passwd);
        if (r < 0)
            return r;
    }
    return spec_resolve_user(user, passwd, group_text, &spec->uid, &spec->gid, &spec->groups,
                             &spec->n_groups, &seal->home, seal->err);
}

/* Names of groups are the host's on its own root; in a rootfs only numbers say what they mean. */
static int add_groups(struct seal *seal, const char *group_text)
{
    struct spec *spec = seal->spec;
    const struct texts *texts = &seal->draft->value[OPTION_group_add];
    gid_t gid;

    for (size_t i = 0; i < texts->n; i++) {
        if (group_resolve(spec->rootfs ? NULL : group_text, texts->v[i], &gid) < 0)
            return err_usage(seal->err,
                             spec->rootfs ? "--group-add: with --rootfs a group is named by its "
                                            "number, unlike %s"
                                          : "--group-add: there is no group %s",
                             quote(texts->v[i]).text);
        int r = gids_push(&spec->groups, &spec->n_groups, gid);
        if (r < 0)
            return r == -ENOMEM ? err_nomem(seal->err)
                                : err_usage(seal->err, "--group-add: too many groups");
    }
    spec->identity_set = spec->identity_set || texts->n > 0;
    return 0;
}

/* What was asked for must exist in the maps, and be ours to set. */
static int identity_check(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const char *remedy = "install uidmap and set aside a range in /etc/subuid and /etc/subgid, or "
                         "run ration as root";

    if (!(spec->namespaces & CLONE_NEWUSER) || spec->user_from_rootfs)
        return 0;
    if (!maps_have(spec->uid_maps, spec->n_uid_maps, spec->uid) ||
        !maps_have(spec->gid_maps, spec->n_gid_maps, spec->gid))
        return err_refuse(seal->err, EPERM,
                          "--user: the user namespace has no user %u with group %u; %s", spec->uid,
                          spec->gid, remedy);
    if (seal_text(seal, OPTION_group_add) && !can_set_groups(spec))
        return err_refuse(seal->err, EPERM, "--group-add: groups cannot be set here; %s", remedy);
    if (!can_set_groups(spec))
        spec->n_groups = 0; /* what is left is our own user, and it has the groups that we have */
    return 0;
}

int seal_identity(struct seal *seal)
{
    const char *user = seal_text(seal, OPTION_user);
    _cleanup_free_ char *group_text = NULL;
    int r = 0;

    if (!user && seal->draft->image)
        user = seal->draft->image->user;
    if ((user || seal_text(seal, OPTION_group_add)) && !seal->spec->rootfs) {
        r = host_file(seal, "/etc/group", &group_text);
        if (r < 0)
            return r;
    }
    if (user)
        r = identity_asked(seal, user, group_text);
    else
        identity_unasked(seal);
    if (r == 0)
        r = add_groups(seal, group_text);
    return r < 0 ? r : identity_check(seal);
}

/* ---- capabilities ------------------------------------------------------------------------------------------ */

#define BIT(capability) (UINT64_C(1) << (capability))

/* The fourteen that docker lets a container keep. */
static const uint64_t default_capabilities =
    BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) | BIT(CAP_MKNOD) |
    BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) |
    BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE);

/* The mask of a list of names, and whether ALL is among them. */
static uint64_t capability_mask(const struct texts *texts, bool *ret_all)
{
    uint64_t mask = 0;

    *ret_all = false;
    for (size_t i = 0; i < texts->n; i++) {
        int capability = capability_parse(texts->v[i]);
        if (capability < 0)
            *ret_all = true;
        else
            mask |= BIT(capability);
    }
    return mask;
}

/*
 * docker's rules: ALL among the added means all but the dropped, ALL among the dropped means only the
 * added. In a rootfs making device nodes must be asked for: a node in the image would reach the
 * host's devices. Nothing is inheritable or ambient.
 */
int seal_capabilities(struct seal *seal)
{
    struct spec *spec = seal->spec;
    bool add_all, drop_all;
    uint64_t add = capability_mask(&seal->draft->value[OPTION_cap_add], &add_all);
    uint64_t drop = capability_mask(&seal->draft->value[OPTION_cap_drop], &drop_all);
    uint64_t ours = seal->world->capabilities;
    uint64_t keep = default_capabilities;

    /* Whoever is in a user namespace of its own has all that there are, over that namespace. */
    if (spec->namespaces & CLONE_NEWUSER)
        ours = ~UINT64_C(0) >> (63 - seal->world->cap_last(seal->world->data));
    if (spec->rootfs)
        keep &= ~BIT(CAP_MKNOD);
    if (add & ~ours) {
        int missing = __builtin_ctzll(add & ~ours);
        return err_refuse(seal->err, EPERM, "--cap-add: ration itself does not have %s",
                          capability_name(missing));
    }
    if (spec->privileged || add_all)
        keep = ours & ~drop;
    else if (drop_all)
        keep = add;
    else
        keep = (keep & ~drop) | add;
    keep &= ours;
    spec->caps.bounding = spec->caps.effective = spec->caps.permitted = keep;
    /* Whoever may make nodes must be kept from using them: nodev cannot be relied on then. */
    bool host_root = !spec->rootless && !(spec->namespaces & CLONE_NEWUSER);
    if (spec->rootfs && host_root && !spec->privileged && (keep & BIT(CAP_MKNOD)))
        seal->device_rules = true;
    return 0;
}
