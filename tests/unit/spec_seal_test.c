/* Sealing: whole specs, compared as text. */
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>

#include "spec_world.h"

/* ---- a spec as text ---------------------------------------------------------------------------------- */

static const struct {
    uint64_t flag;
    const char *name;
} namespace_table[] = {
    { CLONE_NEWNS, "mount" }, { CLONE_NEWPID, "pid" },       { CLONE_NEWIPC, "ipc" },
    { CLONE_NEWUTS, "uts" },  { CLONE_NEWNET, "net" },       { CLONE_NEWCGROUP, "cgroup" },
    { CLONE_NEWTIME, "time" }, { CLONE_NEWUSER, "user" },
}, attr_table[] = {
    { MOUNT_ATTR_RDONLY, "ro" },
    { MOUNT_ATTR_NOSUID, "nosuid" },
    { MOUNT_ATTR_NODEV, "nodev" },
    { MOUNT_ATTR_NOEXEC, "noexec" },
    { MOUNT_ATTR_NOATIME, "noatime" },
};

static const char *const mount_kind_table[] = {
    [MOUNT_BIND] = "bind", [MOUNT_FILESYSTEM] = "new",  [MOUNT_CGROUP] = "cgroup",
    [MOUNT_MASK] = "mask", [MOUNT_REMOUNT] = "remount",
};

static void dump_namespaces(const struct spec *spec, struct buf *b)
{
    for (size_t i = 0; i < ARRAY_SIZE(namespace_table); i++) {
        if (spec->namespaces & namespace_table[i].flag)
            buf_printf(b, " %s", namespace_table[i].name);
    }
}

static void dump_mounts(const struct spec *spec, struct buf *b)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *m = &spec->mounts[i];
        buf_printf(b, "%s", mount_kind_table[m->kind]);
        if (m->fstype)
            buf_printf(b, " %s", m->fstype);
        if (m->source)
            buf_printf(b, " %s ->", m->source);
        buf_printf(b, " %s", m->target);
        for (size_t j = 0; j < ARRAY_SIZE(attr_table); j++) {
            if (m->attr_set & attr_table[j].flag)
                buf_printf(b, " %s", attr_table[j].name);
        }
        buf_printf(b, "%s%s%s%s%s%s\n", m->recursive ? " rec" : "", m->make_target ? " make" : "",
                   m->optional ? " opt" : "", m->propagation & MS_SLAVE ? " slave" : "",
                   m->data ? " " : "", text_or_empty(m->data));
    }
}

/* The mounts of a spec but for the usual read-only and masked paths. */
static char *mounts_of(struct spec *spec)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < spec->n_mounts; i++) {
        bool system = strcmp(spec->mounts[i].target, "/sys") != 0 &&
                      (spec->mounts[i].kind == MOUNT_REMOUNT || spec->mounts[i].kind == MOUNT_MASK);
        struct spec one = { .mounts = &spec->mounts[i], .n_mounts = 1 };
        if (!system)
            dump_mounts(&one, &b);
    }
    return buf_take(&b);
}

static void dump_maps(const char *name, const struct spec_id_map *map, size_t n, struct buf *b)
{
    if (n)
        buf_printf(b, "; %s", name);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, " %u:%u:%u", map[i].inside, map[i].outside, map[i].count);
}

/* "uid 0 gid 0 groups set 1 2 from rootfs; uids 0:1000:1; gids ... helper" */
static char *identity_of(const struct spec *spec)
{
    struct buf b = BUF_INIT;

    buf_printf(&b, "%s %u:%u", spec->identity_set ? "set" : "kept", spec->uid, spec->gid);
    if (spec->n_groups)
        buf_puts(&b, " groups");
    for (size_t i = 0; i < spec->n_groups; i++)
        buf_printf(&b, " %u", spec->groups[i]);
    if (spec->user_from_rootfs)
        buf_printf(&b, " lookup %s", spec->user);
    dump_maps("uids", spec->uid_maps, spec->n_uid_maps, &b);
    dump_maps("gids", spec->gid_maps, spec->n_gid_maps, &b);
    if (spec->map_by_helper)
        buf_puts(&b, " helper");
    return buf_take(&b);
}

static char *env_of(const struct spec *spec)
{
    struct buf b = BUF_INIT;

    for (char **v = spec->env; *v; v++)
        buf_printf(&b, "%s%s", v == spec->env ? "" : "|", *v);
    return buf_take(&b);
}

static void check_text(const char *what, char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0)
        fail_msg("%s\n--- got:\n%s\n--- wanted:\n%s", what, got, wanted);
    free(got);
}

/* ---- sealing -------------------------------------------------------------------------------------------- */

static struct spec *seal_with(const struct spec_world *world, const char *const *words)
{
    _cleanup_(draft_freep) struct draft *draft = draft_with(world, words);
    struct err err = ERR_INIT;
    struct spec *spec = NULL;

    assert_int_equal(spec_set_command(draft, WORDS("true", "-x"), &err), 0);
    if (spec_seal(draft, world, &spec, &err) < 0)
        fail_msg("sealing: %s", err.text);
    return spec;
}

#define SEAL(world, ...) \
    _cleanup_(spec_freep) struct spec *spec = seal_with(world, WORDS(__VA_ARGS__))

static void expect_refusal(const struct spec_world *world, enum err_class class, const char *says,
                           const char *const *words)
{
    _cleanup_(draft_freep) struct draft *draft = draft_with(world, words);
    struct spec *spec = NULL;
    struct err err = ERR_INIT;

    if (spec_seal(draft, world, &spec, &err) == 0)
        fail_msg("%s was sealed, wanted: %s", words[0], says);
    if (err.class != class || !strstr(err.text, says))
        fail_msg("%s: class %d, \"%s\" lacks \"%s\"", words[0], (int)err.class, err.text, says);
}

#define PROTECTED                                                                          \
    "remount /proc/bus ro rec opt\nremount /proc/fs ro rec opt\n"                          \
    "remount /proc/irq ro rec opt\nremount /proc/sys ro rec opt\n"                         \
    "remount /proc/sysrq-trigger ro rec opt\nmask /proc/asound opt\nmask /proc/acpi opt\n" \
    "mask /proc/kcore opt\nmask /proc/keys opt\nmask /proc/latency_stats opt\n"            \
    "mask /proc/timer_list opt\nmask /proc/timer_stats opt\nmask /proc/sched_debug opt\n"  \
    "mask /proc/scsi opt\nmask /sys/firmware opt\nmask /sys/devices/virtual/powercap opt\n"

static void test_host_root(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    SEAL(&root_world);
    assert_string_equal(spec->name, "0123456789ab");
    assert_string_equal(spec->argv[0], "true");
    assert_string_equal(spec->argv[1], "-x");
    assert_null(spec->argv[2]);
    assert_null(spec->cwd);
    assert_null(spec->hostname);
    assert_null(spec->rootfs);
    assert_true(spec->init && spec->fresh_dev);
    assert_false(spec->rootless || spec->tty || spec->no_new_privs || spec->umask_set);
    assert_int_equal(spec->stop_signal, 15);
    assert_int_equal(spec->soft_signal, 24);
    assert_int_equal(spec->stop_timeout_us, 10000000);
    assert_int_equal(spec->network, SPEC_NETWORK_NONE);
    assert_int_equal(spec->root_attr_set, 0);
    assert_true(spec->caps.bounding == 0xa80425fb);
    assert_true(spec->caps.effective == 0xa80425fb && spec->caps.permitted == 0xa80425fb);
    assert_true(spec->caps.inheritable == 0 && spec->caps.ambient == 0);
    check_text("environment", env_of(spec), "OURS=ours|HOME=/home/us|PATH=/bin");
    check_text("identity", identity_of(spec), "kept 0:0");
    dump_namespaces(spec, &b);
    buf_putc(&b, '\n');
    dump_mounts(spec, &b);
    check_text("mounts", buf_take(&b),
               " mount pid ipc uts net cgroup\n"
               "new tmpfs /dev nosuid mode=755,size=64m\n"
               "new proc /proc nosuid nodev noexec\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620,gid=5\n"
               "new tmpfs /dev/shm nosuid nodev noexec make mode=1777,size=67108864\n"
               "new mqueue /dev/mqueue nosuid nodev noexec make\n"
               "new sysfs /sys ro nosuid nodev noexec\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n" PROTECTED);
}

static void test_rootfs(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    SEAL(&root_world, "rootfs=img", "tty", "interactive", "memory=50m", "cpus=2", "name=box");
    assert_string_equal(spec->rootfs, "img");
    assert_string_equal(spec->cwd, "/");
    assert_string_equal(spec->hostname, "box");
    assert_true(spec->root_attr_set == MOUNT_ATTR_NODEV);
    /* docker's fourteen without mknod */
    assert_true(spec->caps.bounding == (0xa80425fb & ~(1ull << CAP_MKNOD)));
    assert_string_equal(spec->limit_texts[0], "memory=50m");
    assert_string_equal(spec->limit_texts[1], "cpus=2");
    assert_null(spec->limit_texts[2]);
    check_text("environment", env_of(spec),
               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|HOSTNAME=box|"
               "TERM=xterm|HOME=/root");
    check_text("identity", identity_of(spec), "set 0:0");
    dump_mounts(spec, &b);
    check_text("mounts", buf_take(&b),
               "new tmpfs /dev nosuid make mode=755,size=64m\n"
               "new proc /proc nosuid nodev noexec make\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620,gid=5\n"
               "new tmpfs /dev/shm nosuid nodev noexec make mode=1777,size=67108864\n"
               "new mqueue /dev/mqueue nosuid nodev noexec make\n"
               "new sysfs /sys ro nosuid nodev noexec make\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n" PROTECTED);
}

static void test_host_namespaces(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    SEAL(&root_world, "network=host", "pid=host", "ipc=host", "uts=host", "cgroupns=host");
    dump_namespaces(spec, &b);
    check_text("namespaces", buf_take(&b), " mount");
    assert_int_equal(spec->network, SPEC_NETWORK_HOST);
    check_text("mounts", mounts_of(spec),
               "new tmpfs /dev nosuid mode=755,size=64m\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620,gid=5\n"
               "bind /dev/shm -> /dev/shm nosuid nodev noexec rec make opt\n"
               "bind /dev/mqueue -> /dev/mqueue nosuid nodev noexec rec make opt\n"
               "remount /sys ro rec opt\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n");
    _cleanup_(spec_freep) struct spec *rootfs =
        seal_with(&root_world, WORDS("rootfs=/r", "network=host", "pid=host", "ipc=none"));
    check_text("mounts in a rootfs", mounts_of(rootfs),
               "new tmpfs /dev nosuid make mode=755,size=64m\n"
               "bind /proc -> /proc nosuid nodev noexec rec make\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620,gid=5\n"
               "new sysfs /sys ro nosuid nodev noexec make\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n");
}

static void test_privileged(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    SEAL(&root_world, "privileged", "cap-drop=SYS_ADMIN");
    assert_true(spec->caps.bounding == (ALL_CAPABILITIES & ~(1ull << CAP_SYS_ADMIN)));
    assert_false(spec->fresh_dev);
    assert_int_equal(spec->n_devices, 0);
    dump_mounts(spec, &b);
    check_text("mounts", buf_take(&b),
               "new proc /proc nosuid nodev noexec\n"
               "new tmpfs /dev/shm nosuid nodev noexec make mode=1777,size=67108864\n"
               "new mqueue /dev/mqueue nosuid nodev noexec make\n"
               "new sysfs /sys nosuid nodev noexec\n"
               "cgroup /sys/fs/cgroup nosuid nodev noexec opt\n");
    _cleanup_(spec_freep) struct spec *rootfs =
        seal_with(&root_world, WORDS("privileged", "rootfs=/r", "network=host", "ipc=host"));
    assert_int_equal(rootfs->root_attr_set, 0);
    check_text("mounts in a rootfs", mounts_of(rootfs),
               "bind /dev -> /dev nosuid rec make\n"
               "new proc /proc nosuid nodev noexec make\n"
               "new sysfs /sys nosuid nodev noexec make\n"
               "cgroup /sys/fs/cgroup nosuid nodev noexec opt\n");
}

static void test_mounts_asked(void **state)
{
    (void)state;
    SEAL(&root_world, "volume=/a:/x/y/z", "tmpfs=/x:size=1m,exec", "volume=./b:/x/y:ro,rslave",
         "mount=type=tmpfs,dst=/dev/shm", "volume=/c:/dev/c", "mount=type=bind,src=/d,dst=/d,ro",
         "shm-size=1g");
    check_text("mounts", mounts_of(spec),
               "new tmpfs /dev nosuid mode=755,size=64m\n"
               "new proc /proc nosuid nodev noexec\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620,gid=5\n"
               "new mqueue /dev/mqueue nosuid nodev noexec make\n"
               "new sysfs /sys ro nosuid nodev noexec\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n"
               "bind /d -> /d ro rec\n"
               "new tmpfs /x nosuid nodev size=1048576\n"
               "bind ./b -> /x/y ro rec make slave\n"
               "bind /c -> /dev/c rec make\n"
               "new tmpfs /dev/shm nosuid nodev noexec make\n"
               "bind /a -> /x/y/z rec make\n");
    _cleanup_(spec_freep) struct spec *rootfs =
        seal_with(&root_world, WORDS("rootfs=/r", "volume=/a:/a", "volume=/b:/b:dev",
                                     "volume=/dev:/dev:dev", "volume=/sys:/sys:ro,bind"));
    assert_false(rootfs->fresh_dev);
    check_text("mounts in a rootfs", mounts_of(rootfs),
               "new proc /proc nosuid nodev noexec make\n"
               "bind /a -> /a nodev rec make\n"
               "bind /b -> /b rec make\n"
               "bind /dev -> /dev rec make\n"
               "bind /sys -> /sys ro nodev make\n");
    expect_refusal(&root_world, ERR_USAGE, "--tmpfs", WORDS("volume=/a:/x", "tmpfs=/x/"));
}

static void test_masks(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    SEAL(&root_world, "security-opt=systempaths=unconfined", "security-opt=mask=/a//b:/c");
    size_t n = spec->n_mounts;
    assert_int_equal(spec->mounts[n - 1].kind, MOUNT_MASK);
    assert_string_equal(spec->mounts[n - 1].target, "/c");
    assert_string_equal(spec->mounts[n - 2].target, "/a/b");
    assert_string_equal(spec->mounts[n - 3].target, "/sys/fs/cgroup");
    _cleanup_(spec_freep) struct spec *part =
        seal_with(&root_world, WORDS("security-opt=unmask=/proc/kcore:/proc/bus:/sys/firmware"));
    dump_mounts(part, &b);
    assert_null(strstr(buf_text(&b), "/proc/kcore"));
    assert_null(strstr(buf_text(&b), "/proc/bus"));
    assert_null(strstr(buf_text(&b), "/sys/firmware"));
    assert_non_null(strstr(buf_text(&b), "/proc/keys"));
    buf_done(&b);
}

static void test_devices(void **state)
{
    struct limit_value *rules;

    (void)state;
    SEAL(&root_world, "device=/dev/fuse", "device=/dev/sda:/dev/null");
    assert_int_equal(spec->n_devices, 7);
    assert_string_equal(spec->devices[0].path, "/dev/null");
    assert_string_equal(spec->devices[0].source, "/dev/sda");
    assert_int_equal(spec->devices[0].type, 'b');
    assert_int_equal(spec->devices[0].major, 8);
    assert_string_equal(spec->devices[6].path, "/dev/fuse");
    assert_int_equal(spec->devices[6].minor, 229);
    assert_int_equal(spec->devices[6].mode, 0660);
    assert_int_equal(spec->n_symlinks, 5);
    assert_false(limit_is_set(&spec->limits, LIMIT_DEVICE_CGROUP_RULE));
    /* less than all access can only be had by rules */
    _cleanup_(spec_freep) struct spec *narrow = seal_with(&root_world, WORDS("device=/dev/fuse:r"));
    rules = &narrow->limits.value[LIMIT_DEVICE_CGROUP_RULE];
    assert_true(limit_is_set(&narrow->limits, LIMIT_DEVICE_CGROUP_RULE));
    assert_false(rules->entries[0].allow);
    assert_int_equal(rules->entries[0].type, 'a');
    assert_int_equal(rules->entries[rules->n_entries - 1].major, 10);
    assert_string_equal(rules->entries[rules->n_entries - 1].access, "r");
    /* a rule that allows is docker's: beside the usual ones; one that denies stands alone */
    _cleanup_(spec_freep) struct spec *allow =
        seal_with(&root_world, WORDS("device-cgroup-rule=c 42:* rwm", "device=/dev/fuse"));
    rules = &allow->limits.value[LIMIT_DEVICE_CGROUP_RULE];
    assert_int_equal(rules->n_entries, 14);
    assert_int_equal(rules->entries[13].major, 42);
    _cleanup_(spec_freep) struct spec *deny =
        seal_with(&root_world, WORDS("device-cgroup-rule=deny b *:* w"));
    assert_int_equal(deny->limits.value[LIMIT_DEVICE_CGROUP_RULE].n_entries, 1);
    /* who may make nodes in a rootfs gets rules */
    _cleanup_(spec_freep) struct spec *mknod =
        seal_with(&root_world, WORDS("rootfs=/r", "cap-add=MKNOD"));
    assert_int_equal(mknod->limits.value[LIMIT_DEVICE_CGROUP_RULE].n_entries, 12);
    assert_int_equal(mknod->root_attr_set, 0);
    expect_refusal(&root_world, ERR_USAGE, "--device",
                   WORDS("privileged", "device=/dev/fuse:/dev/x"));
}

static void test_environment(void **state)
{
    (void)state;
    SEAL(&root_world, "env=A=1", "env=A=2", "env=HOME=/x", "env=OURS", "env=NOT_OURS",
         "env-file=good.env", "env=PLAIN=over");
    check_text("environment", env_of(spec),
               "OURS=ours|HOME=/x|PATH=/bin|INDENTED=1|PLAIN=over|EMPTY=|CR=x|A=2");
    struct spec_world world = root_world;
    world.environ = NULL;
    _cleanup_(spec_freep) struct spec *empty = seal_with(&world, NULL);
    assert_null(empty->env[0]);
    _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, NULL);
    struct err err = ERR_INIT;
    for (unsigned i = 0; i < 20000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "V%u=%u", i % 10000, i);
        assert_int_equal(spec_set(draft, &root_world, "env", text, &err), 0);
    }
    _cleanup_(spec_freep) struct spec *many = NULL;
    assert_int_equal(spec_seal(draft, &root_world, &many, &err), 0);
    assert_int_equal(strv_length(many->env), 10003);
    assert_string_equal(many->env[3], "V0=10000");
    assert_string_equal(many->env[10002], "V9999=19999");
}

static const struct {
    const char *who; /* root, user, helper */
    const char *words[4];
    const char *identity;
} identity_table[] = {
    { "root", { "user=alice" }, "set 1000:1000 groups 1000 29" },
    { "root", { "user=77" }, "set 77:0" },
    { "root", { "user=77:78", "group-add=video" }, "set 77:78 groups 78 44" },
    { "root", { "group-add=44" }, "set 0:0 groups 44" },
    { "root", { "rootfs=/r", "user=5:6", "group-add=7" }, "set 5:6 groups 6 7" },
    { "root", { "rootfs=/r", "user=5" }, "set 0:0 lookup 5" },
    { "root", { "rootfs=/r", "user=www:data", "group-add=7" }, "set 0:0 groups 7 lookup www:data" },
    { "root", { "userns=private" }, "kept 0:0; uids 0:0:4294967295; gids 0:0:4294967295" },
    { "root", { "uidmap=0:1000:10", "gidmap=0:0:9" }, "set 0:0; uids 0:1000:10; gids 0:0:9" },
    { "user", { NULL }, "kept 1000:1001; uids 1000:1000:1; gids 1001:1001:1" },
    { "user", { "userns=private" }, "kept 0:0; uids 0:1000:1; gids 0:1001:1" },
    { "user", { "rootfs=/r" }, "kept 0:0; uids 0:1000:1; gids 0:1001:1" },
    { "user",
      { "rootfs=/r", "userns=keep-id" },
      "kept 1000:1001; uids 1000:1000:1; gids 1001:1001:1" },
    { "user", { "user=1000:1001" }, "set 1000:1001; uids 1000:1000:1; gids 1001:1001:1" },
    { "helper", { NULL }, "kept 1000:1001; uids 1000:1000:1; gids 1001:1001:1" },
    { "helper",
      { "rootfs=/r" },
      "set 0:0; uids 0:1000:1 1:100000:65536; gids 0:1001:1 1:100000:65536 helper" },
    { "helper",
      { "userns=keep-id" },
      "kept 1000:1001; uids 0:100000:1000 1000:1000:1 1001:101000:64536; "
      "gids 0:100000:1001 1001:1001:1 1002:101001:64535 helper" },
    { "helper",
      { "rootfs=/r", "user=33:33" },
      "set 33:33 groups 33; uids 0:1000:1 1:100000:65536; gids 0:1001:1 1:100000:65536 helper" },
};

static void test_identity(void **state)
{
    const struct spec_world user = user_world(false), helper = user_world(true);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(identity_table); i++) {
        const char *who = identity_table[i].who;
        const struct spec_world *world = *who == 'r' ? &root_world : *who == 'u' ? &user : &helper;
        _cleanup_(spec_freep) struct spec *spec = seal_with(world, identity_table[i].words);
        check_text(text_or_empty(identity_table[i].words[0]), identity_of(spec),
                   identity_table[i].identity);
    }
    struct spec_world ranged = root_world;
    ranged.subuid = ranged.subgid = (struct spec_id_map){ .outside = 200000, .count = 1000 };
    SEAL(&ranged, "userns=private");
    check_text("root with a range", identity_of(spec),
               "set 0:0; uids 0:200000:1000; gids 0:200000:1000");
}

static void test_home(void **state)
{
    (void)state;
    SEAL(&root_world, "user=alice");
    check_text("home of a user", env_of(spec), "OURS=ours|HOME=/home/alice|PATH=/bin");
    _cleanup_(spec_freep) struct spec *looked_up =
        seal_with(&root_world, WORDS("rootfs=/r", "user=www", "name=n"));
    check_text("home to be looked up", env_of(looked_up),
               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|HOSTNAME=n");
    _cleanup_(spec_freep) struct spec *given =
        seal_with(&root_world, WORDS("rootfs=/r", "user=www", "env=HOME=/w"));
    assert_string_equal(given->env[2], "HOME=/w");
    _cleanup_(spec_freep) struct spec *number =
        seal_with(&root_world, WORDS("rootfs=/r", "user=5:5", "name=n", "uts=host"));
    assert_string_equal(number->env[1], "HOME=/");
}

static const struct {
    const char *words[4];
    uint64_t caps;
} capability_case_table[] = {
    { { "cap-drop=ALL" }, 0 },
    { { "cap-drop=all", "cap-add=CHOWN" }, 1ull << CAP_CHOWN },
    { { "cap-add=ALL" }, ALL_CAPABILITIES },
    { { "cap-add=ALL", "cap-drop=SYS_ADMIN" }, ALL_CAPABILITIES & ~(1ull << CAP_SYS_ADMIN) },
    { { "cap-drop=CHOWN" }, 0xa80425fb & ~1ull },
    { { "cap-add=SYS_TIME" }, 0xa80425fb | 1ull << CAP_SYS_TIME },
    { { "cap-add=CHOWN", "cap-drop=CHOWN" }, 0xa80425fb },
};

static void test_capabilities(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(capability_case_table); i++) {
        _cleanup_(spec_freep) struct spec *spec =
            seal_with(&root_world, capability_case_table[i].words);
        if (spec->caps.bounding != capability_case_table[i].caps)
            fail_msg("%s: %llx", capability_case_table[i].words[0],
                     (unsigned long long)spec->caps.bounding);
    }
    struct spec_world world = root_world;
    world.capabilities &= ~(1ull << CAP_SYS_RESOURCE | 1ull << CAP_NET_RAW);
    SEAL(&world, "cap-add=ALL");
    assert_true(spec->caps.bounding == world.capabilities);
    _cleanup_(spec_freep) struct spec *usual = seal_with(&world, NULL);
    assert_true(usual->caps.bounding == (0xa80425fb & ~(1ull << CAP_NET_RAW)));
    expect_refusal(&world, ERR_REFUSED, "SYS_RESOURCE", WORDS("cap-add=SYS_RESOURCE"));
    /* in a user namespace of our own we have them all */
    const struct spec_world user = user_world(false);
    _cleanup_(spec_freep) struct spec *added = seal_with(&user, WORDS("cap-add=SYS_RESOURCE"));
    assert_true(added->caps.bounding == (0xa80425fb | 1ull << CAP_SYS_RESOURCE));
}

static void test_rootless_mounts(void **state)
{
    const struct spec_world user = user_world(false);

    (void)state;
    SEAL(&user, "network=host");
    assert_true(spec->rootless);
    check_text("mounts", mounts_of(spec),
               "new tmpfs /dev nosuid mode=755,size=64m\n"
               "new proc /proc nosuid nodev noexec\n"
               "new devpts /dev/pts nosuid noexec make newinstance,ptmxmode=0666,mode=0620\n"
               "new tmpfs /dev/shm nosuid nodev noexec make mode=1777,size=67108864\n"
               "new mqueue /dev/mqueue nosuid nodev noexec make\n"
               "remount /sys ro rec opt\n"
               "cgroup /sys/fs/cgroup ro nosuid nodev noexec opt\n");
    _cleanup_(spec_freep) struct spec *rootfs =
        seal_with(&user, WORDS("network=host", "rootfs=/r"));
    _cleanup_free_ char *mounts = mounts_of(rootfs);
    assert_non_null(strstr(mounts, "bind /sys -> /sys ro nosuid nodev noexec rec make"));
}

static void test_refusals(void **state)
{
    const struct spec_world user = user_world(false);
    struct spec_world broken = root_world;

    (void)state;
    expect_refusal(&root_world, ERR_USAGE, "--hostname", WORDS("uts=host", "hostname=x"));
    expect_refusal(&root_world, ERR_USAGE, "--domainname", WORDS("uts=host", "domainname=x"));
    expect_refusal(&root_world, ERR_USAGE, "--time-offset", WORDS("time=host", "time-offset=1"));
    expect_refusal(&root_world, ERR_USAGE, "--uidmap", WORDS("userns=host", "uidmap=0:0:1"));
    expect_refusal(&root_world, ERR_USAGE, "overlaps", WORDS("uidmap=0:0:9", "uidmap=8:20:2"));
    expect_refusal(&root_world, ERR_USAGE, "overlaps", WORDS("gidmap=0:0:9", "gidmap=9:8:2"));
    expect_refusal(&root_world, ERR_USAGE, "no user", WORDS("user=carol"));
    expect_refusal(&root_world, ERR_USAGE, "no group", WORDS("group-add=staff"));
    expect_refusal(&root_world, ERR_USAGE, "number", WORDS("rootfs=/r", "group-add=audio"));
    expect_refusal(&user, ERR_REFUSED, "--userns host", WORDS("userns=host"));
    expect_refusal(&user, ERR_REFUSED, "/etc/subuid", WORDS("user=0"));
    expect_refusal(&user, ERR_REFUSED, "--group-add", WORDS("group-add=44"));
    expect_refusal(&root_world, ERR_REFUSED, "no user 20",
                   WORDS("uidmap=0:0:10", "gidmap=0:0:10", "user=20:0"));
    broken.random_name = NULL;
    expect_refusal(&broken, ERR_USAGE, "--name", WORDS("tty"));
}

static void test_the_rest(void **state)
{
    (void)state;
    SEAL(&root_world, "umask=027", "oom-score-adj=-5", "stop-signal=INT", "stop-timeout=1500ms",
         "soft-signal=USR2", "init=false", "rm", "best-effort", "weight-map=linear",
         "cgroup-parent=a//b/", "workdir=/x/./y", "time-offset=monotonic=5", "read-only",
         "security-opt=no-new-privileges", "hostname=h", "domainname=d", "interactive");
    assert_true(spec->umask_set);
    assert_int_equal(spec->umask, 027);
    assert_true(spec->oom_score_adj_set);
    assert_int_equal(spec->oom_score_adj, -5);
    assert_int_equal(spec->stop_signal, 2);
    assert_int_equal(spec->stop_timeout_us, 1500000);
    assert_int_equal(spec->soft_signal, 12);
    assert_true(!spec->init && spec->remove && spec->best_effort && spec->root_readonly);
    assert_true(spec->no_new_privs && spec->interactive && spec->time_offset_set);
    assert_int_equal(spec->weight_map, WEIGHT_MAP_LINEAR);
    assert_string_equal(spec->cgroup_parent, "/a/b");
    assert_string_equal(spec->cwd, "/x/y");
    assert_int_equal(spec->time_monotonic_s, 5);
    assert_int_equal(spec->time_boottime_s, 0);
    assert_true(spec->namespaces & CLONE_NEWTIME);
    assert_string_equal(spec->hostname, "h");
    assert_string_equal(spec->domainname, "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_root),       cmocka_unit_test(test_rootfs),
        cmocka_unit_test(test_host_namespaces), cmocka_unit_test(test_privileged),
        cmocka_unit_test(test_mounts_asked),    cmocka_unit_test(test_masks),
        cmocka_unit_test(test_devices),         cmocka_unit_test(test_environment),
        cmocka_unit_test(test_identity),        cmocka_unit_test(test_home),
        cmocka_unit_test(test_capabilities),    cmocka_unit_test(test_rootless_mounts),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
