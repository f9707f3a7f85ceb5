/* cgroup: discovery on the machines that there are, each as a little tree of files. */
#include <sys/resource.h>

#include "cgroup_fixture.h"

#define ALL_V2 "cpuset cpu io memory hugetlb pids rdma misc\n"

static const struct layout_controller *controller(const struct cgroups *c, enum controller id)
{
    return &cgroups_layout(c)->controller[id];
}

/* ---- hybrid: every controller in a v1 hierarchy of its own, v2 beside them ------------------------ */

static const char hybrid_mounts[] =
    MOUNTS_BEFORE V1("32", "29", "cpu", "rw", "cpu") V1("34", "31", "cpuset", "rw", "cpuset")
        V1("35", "32", "memory", "rw", "memory") V1("37", "34", "freezer", "rw", "freezer")
            V1("39", "36", "pids", "rw", "pids") V1("40", "37", "systemd", "rw", "name=systemd")
                V2("41", "38", "/", "/sys/fs/cgroup/unified", "rw");
static const char hybrid_own[] =
    "9:name=systemd:/\n8:pids:/\n4:memory:/other/deep\n3:cpuset:/\n1:cpu:/\n6:freezer:/\n0::/\n";
static const char hybrid_kernel[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                                    "cpuset\t3\t1\t1\nmemory\t4\t15\t1\nnet_cls\t0\t1\t1\n"
                                    "blkio\t7\t1\t1\nperf_event\t0\t1\t1\n";
static const struct fixture_file hybrid_files[] = {
    { "proc/cgroups", hybrid_kernel },
    { "sys/fs/cgroup/cpu", NULL },
    { "sys/fs/cgroup/cpuset/cpuset.cpus", "0-1\n" },
    { "sys/fs/cgroup/cpuset/cpuset.mems", "0\n" },
    { "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "9223372036854771712\n" },
    { "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n" },
    { "sys/fs/cgroup/freezer", NULL },
    { "sys/fs/cgroup/pids", NULL },
    { "sys/fs/cgroup/systemd", NULL },
    { "sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n" },
};

static void test_hybrid(void **state)
{
    (void)state;
    struct fixture f =
        fixture_make(hybrid_mounts, hybrid_own, NULL, hybrid_files, ARRAY_SIZE(hybrid_files));
    struct cgroups *c = fixture_open(&f, NULL, false);
    const struct layout *layout = cgroups_layout(c);

    assert_string_equal(layout->name, "hybrid");
    assert_true(layout->has_v1 && layout->has_v2);
    assert_int_equal(controller(c, CONTROLLER_MEMORY)->version, 1);
    assert_true(controller(c, CONTROLLER_MEMORY)->writable);
    assert_int_equal(controller(c, CONTROLLER_HUGETLB)->version, 2);
    /* cpu.stat of v2 counts CPU time where there is no cpuacct. */
    assert_int_equal(controller(c, CONTROLLER_CPUACCT)->version, 2);
    assert_true(layout->features & LAYOUT_MEMSW);
    assert_false(layout->features & LAYOUT_KMEM_TCP);
    assert_string_equal(layout->parent_cpus, "0-1");
    assert_string_equal(layout->parent_mems, "0");
    assert_true(layout->parent_memory_bytes == UINT64_MAX);
    assert_string_equal(fixture_hierarchy(c, "memory").own, "other/deep");
    assert_string_equal(fixture_hierarchy(c, "memory").base, "");
    /* A named hierarchy is listed and serves no limit. */
    assert_int_equal(fixture_hierarchy(c, "name=systemd").controllers, 0);
    /* Mounted elsewhere, but not here. */
    assert_int_equal(controller(c, CONTROLLER_IO)->version, 0);
    assert_has(controller(c, CONTROLLER_IO)->obstacle, "not mounted here");
    assert_has(controller(c, CONTROLLER_IO)->remedy, "mount -t cgroup -o blkio");
    assert_has(controller(c, CONTROLLER_NET_CLS)->remedy, "mount -t cgroup -o net_cls");
    assert_has(controller(c, CONTROLLER_MISC)->obstacle, "built without it");
    cgroups_close(c);
    fixture_drop(&f);
}

/* Nothing is opened but what is asked for, and v2, which takes in and kills. */
static void test_selective(void **state)
{
    (void)state;
    struct fixture f =
        fixture_make(hybrid_mounts, hybrid_own, NULL, hybrid_files, ARRAY_SIZE(hybrid_files));
    struct cgroups_options options = { .root_fd = f.fd };
    struct limit_set set = { 0 };
    struct cgroups *c = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(limit_parse(LIMIT_MEMORY, "50m", NULL, &set, &err), 0);
    assert_int_equal(cgroups_need(&set, &options), MACHINE_MEMORY);
    assert_true(options.selective);
    assert_int_equal(options.controllers, CONTROLLER_BIT(CONTROLLER_MEMORY));
    assert_int_equal(options.features, LAYOUT_MEMSW);
    assert_false(options.parent_memory);
    assert_int_equal(cgroups_open(&options, &c, &err), 0);
    assert_true(fixture_hierarchy(c, "memory").looked_at);
    assert_true(fixture_hierarchy(c, "unified").looked_at);
    assert_false(fixture_hierarchy(c, "cpu").looked_at);
    assert_false(fixture_hierarchy(c, "freezer").looked_at);
    assert_true(cgroups_layout(c)->features == LAYOUT_MEMSW);
    assert_string_equal(cgroups_layout(c)->parent_cpus, "");
    cgroups_close(c);

    assert_int_equal(limit_parse(LIMIT_MEMORY, "25%", NULL, &set, &err), 0);
    assert_int_equal(limit_parse(LIMIT_CPUSET_CPUS, "0", NULL, &set, &err), 0);
    assert_int_equal(limit_parse(LIMIT_RLIMIT_NOFILE, "10", NULL, &set, &err), 0);
    options = (struct cgroups_options){ .root_fd = f.fd };
    assert_int_equal(cgroups_need(&set, &options), MACHINE_MEMORY | MACHINE_CPUS | MACHINE_MEMS |
                                                       MACHINE_PRIVILEGE |
                                                       MACHINE_RLIMIT(RLIMIT_NOFILE));
    assert_true(options.parent_memory);
    limit_set_done(&set);
    fixture_drop(&f);
}

/* ---- v1 as systemd mounts it ----------------------------------------------------------------------- */

static void test_v1_joined(void **state)
{
    static const char mounts[] = MOUNTS_BEFORE V1("32", "29", "cpu,cpuacct", "rw", "cpu,cpuacct")
        V1("33", "30", "net_cls,net_prio", "rw", "net_cls,net_prio")
            V1("35", "32", "memory", "rw", "memory") V1("37", "34", "freezer", "rw", "freezer");
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_burst_us", "0\n" },
        { "sys/fs/cgroup/net_cls,net_prio", NULL },
        { "sys/fs/cgroup/memory", NULL },
        { "sys/fs/cgroup/freezer", NULL },
        { "proc/cgroups", "memory\t4\t1\t1\npids\t0\t1\t1\nblkio\t0\t1\t0\n" },
    };
    (void)state;
    struct fixture f = fixture_make(mounts, "4:memory:/user.slice\n2:cpuacct,cpu:/user.slice\n",
                                    NULL, files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, false);

    assert_string_equal(cgroups_layout(c)->name, "v1");
    assert_int_equal(controller(c, CONTROLLER_CPU)->version, 1);
    assert_int_equal(controller(c, CONTROLLER_CPUACCT)->version, 1);
    assert_int_equal(controller(c, CONTROLLER_NET_PRIO)->version, 1);
    assert_true(cgroups_layout(c)->features & LAYOUT_CPU_BURST);
    assert_string_equal(fixture_hierarchy(c, "cpu,cpuacct").own, "user.slice");
    /* Enabled, and on no hierarchy: to be mounted; disabled: to be enabled at boot. */
    assert_has(controller(c, CONTROLLER_PIDS)->remedy, "mount -t cgroup -o pids");
    assert_has(controller(c, CONTROLLER_IO)->obstacle, "disabled");
    assert_string_equal(controller(c, CONTROLLER_IO)->remedy, "boot with cgroup_enable=blkio");
    cgroups_close(c);
    fixture_drop(&f);
}

/* ---- v2 ---------------------------------------------------------------------------------------------- */

static const char v2_mounts[] = "22 27 0:21 / /proc rw - proc proc rw\n"
                                "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
                                "31 27 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

static void test_v2_systemd_root(void **state)
{
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/cgroup.controllers", ALL_V2 },
        { "sys/fs/cgroup/io.cost.qos", "" },
        { "sys/fs/cgroup/cpuset.cpus.effective", "0-3\n" },
        { "sys/fs/cgroup/system.slice/memory.max", "max\n" },
        { "sys/fs/cgroup/system.slice/memory.swap.max", "max\n" },
        { "sys/fs/cgroup/system.slice/pids.max", "max\n" },
        { "sys/fs/cgroup/system.slice/cgroup.events", "populated 1\n" },
    };
    (void)state;
    struct fixture f =
        fixture_make(v2_mounts, "0::/system.slice/ssh.service\n", NULL, files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, false);
    const struct layout *layout = cgroups_layout(c);

    assert_string_equal(layout->name, "v2");
    assert_int_equal(controller(c, CONTROLLER_MEMORY)->version, 2);
    assert_int_equal(controller(c, CONTROLLER_FREEZER)->version, 2);
    assert_int_equal(controller(c, CONTROLLER_NET_CLS)->version, 0);
    assert_string_equal(layout->parent_cpus, "0-3");
    /* Seen in a group that exists; seen in the root; not seen in the group, so not there. */
    assert_true(layout->features & LAYOUT_MEMSW);
    assert_true(layout->features & LAYOUT_IO_WEIGHT);
    assert_false(layout->features & (LAYOUT_MEMORY_PEAK | LAYOUT_PIDS_PEAK | LAYOUT_CGROUP_KILL));
    assert_string_equal(fixture_hierarchy(c, "unified").own, "system.slice/ssh.service");
    cgroups_close(c);
    fixture_drop(&f);
}

static void test_v2_container(void **state)
{
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n" },
        { "sys/fs/cgroup/cgroup.type", "domain\n" },
        { "sys/fs/cgroup/cgroup.events", "populated 1\n" },
        { "sys/fs/cgroup/memory.max", "104857600\n" },
        { "proc/cgroups", "cpuset\t0\t1\t1\n" },
    };
    (void)state;
    struct fixture f =
        fixture_make(v2_mounts, "0::/\n", "cgroup:[4026532000]", files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, false);

    assert_int_equal(controller(c, CONTROLLER_MEMORY)->version, 2);
    assert_true(cgroups_layout(c)->parent_memory_bytes == 104857600);
    assert_false(hierarchy_root_is_real(c, &c->hierarchy[0]));
    /* The file would be here if the kernel had it. */
    assert_false(cgroups_layout(c)->features & LAYOUT_CGROUP_KILL);
    assert_int_equal(controller(c, CONTROLLER_CPUSET)->version, 0);
    assert_has(controller(c, CONTROLLER_CPUSET)->obstacle, "was not given it by the group above");
    assert_has(controller(c, CONTROLLER_CPUSET)->remedy, "+cpuset");
    cgroups_close(c);
    fixture_drop(&f);
}

/* Paths that start above the root of our name space cannot be followed. */
static void test_v2_outside_namespace(void **state)
{
    static const char mounts[] = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
                                 "31 27 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/cgroup.controllers", ALL_V2 },
    };
    (void)state;
    struct fixture f = fixture_make(mounts, "0::/sub\n", "cgroup:[4026532000]", files, 1);
    struct cgroups *c = fixture_open(&f, NULL, false);
    assert_null(fixture_hierarchy(c, "unified").own);
    assert_false(hierarchy_root_is_real(c, &c->hierarchy[0]));
    cgroups_close(c);
    fixture_drop(&f);

    f = fixture_make(v2_mounts, "0::/../beside\n", "cgroup:[4026532000]", files, 1);
    c = fixture_open(&f, NULL, false);
    assert_null(fixture_hierarchy(c, "unified").own);
    cgroups_close(c);
    fixture_drop(&f);
}

/* ---- containers on v1: a part of the hierarchy, bind-mounted ------------------------------------- */

static void test_v1_container(void **state)
{
    static const char mounts[] =
        MOUNTS_BEFORE "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                      "36 31 0:33 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/memory/memory.limit_in_bytes", "52428800\n" },
        { "sys/fs/cgroup/pids", NULL },
        { "proc/cgroups", "" },
    };
    (void)state;
    struct fixture f = fixture_make(mounts, "4:memory:/docker/abc/in\n5:pids:/docker/abc\n", NULL,
                                    files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, false);

    assert_string_equal(fixture_hierarchy(c, "memory").own, "in");
    assert_string_equal(fixture_hierarchy(c, "memory").base, "");
    assert_true(cgroups_layout(c)->parent_memory_bytes == 52428800);
    assert_false(hierarchy_root_is_real(c, &c->hierarchy[0]));
    /* Mounted read-only: there, but not to be used, and what to do about it. */
    assert_int_equal(controller(c, CONTROLLER_PIDS)->version, 1);
    assert_false(controller(c, CONTROLLER_PIDS)->writable);
    assert_string_equal(controller(c, CONTROLLER_PIDS)->obstacle,
                        "/sys/fs/cgroup/pids is mounted read-only");
    assert_has(controller(c, CONTROLLER_PIDS)->remedy, "mount -o remount,rw /sys/fs/cgroup/pids");
    cgroups_close(c);
    fixture_drop(&f);
}

/* ---- several mounts of one hierarchy ----------------------------------------------------------------- */

static void test_best_mount(void **state)
{
    static const char mounts[] =
        MOUNTS_BEFORE "35 31 0:32 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
                      "36 27 0:32 /deep/part /mnt/part rw - cgroup cgroup rw,memory\n"
                      "37 27 0:32 /deep /mnt/a\\040wide\\011one rw - cgroup cgroup rw,memory\n"
                      "38 27 0:32 / /mnt/hidden rw - cgroup cgroup rw,memory\n"
                      "39 38 0:99 / /mnt/hidden rw - tmpfs tmpfs rw\n";
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/memory", NULL }, { "mnt/part", NULL },   { "mnt/a wide\tone", NULL },
        { "mnt/hidden", NULL },           { "proc/cgroups", "" },
    };
    (void)state;
    struct fixture f =
        fixture_make(mounts, "4:memory:/deep/part/x\n", NULL, files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, false);

    assert_string_equal(fixture_hierarchy(c, "memory").mount_point, "/mnt/a wide\tone");
    assert_string_equal(fixture_hierarchy(c, "memory").own, "part/x");
    assert_true(fixture_hierarchy(c, "memory").writable);
    cgroups_close(c);
    fixture_drop(&f);
}

static void test_hidden(void **state)
{
    static const char text[] = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
                               "30 27 0:30 / /sys rw - sysfs sysfs rw\n"
                               "31 30 0:31 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                               "32 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                               "33 31 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                               "34 27 0:34 / /opt/a rw - cgroup2 cgroup2 rw\n"
                               "35 27 0:35 / /opt rw - tmpfs tmpfs rw\n"
                               "1 1 0:2 / / rw - rootfs rootfs rw\n"
                               "not a line\n40 41\n"
                               "x 27 0:9 / /bad rw - cgroup cgroup rw,cpu\n";
    char copy[sizeof(text)];
    struct mount_table table;

    (void)state;
    memcpy(copy, text, sizeof(copy));
    assert_int_equal(mountinfo_parse(copy, &table), 0);
    assert_int_equal(table.n, 8);
    assert_false(mount_is_hidden(&table, 0));
    assert_false(mount_is_hidden(&table, 1));
    assert_true(mount_is_hidden(&table, 2)); /* v2 stands on it */
    assert_true(mount_is_hidden(&table, 3)); /* it hangs on what is hidden */
    assert_false(mount_is_hidden(&table, 4));
    assert_true(mount_is_hidden(&table, 5)); /* /opt was mounted over afterwards */
    assert_false(mount_is_hidden(&table, 6));
    assert_true(mount_is_hidden(&table, 7)); /* the initial root */
    mount_table_done(&table);
}

static void test_paths_and_lists(void **state)
{
    (void)state;
    assert_true(mount_narrowness("/..") < mount_narrowness("/"));
    assert_true(mount_narrowness("/") < mount_narrowness("/a"));
    assert_true(mount_narrowness("/a") < mount_narrowness("/a/b"));
    assert_string_equal(path_beneath("/", "/a/b"), "a/b");
    assert_string_equal(path_beneath("/a", "/a"), "");
    assert_string_equal(path_beneath("/a", "/a/b"), "b");
    assert_string_equal(path_beneath("/../x", "/../x/y"), "y");
    assert_null(path_beneath("/a", "/ab"));
    assert_null(path_beneath("/a", "/"));
    assert_null(path_beneath("/", "/.."));
    assert_null(path_beneath("/", "/../b"));
    assert_string_equal(path_beneath("/", "/..b"), "..b");
    assert_true(options_have("rw,memory", "memory"));
    assert_false(options_have("rw,memory2", "memory"));
    assert_int_equal(options_controllers("rw,cpu,cpuacct,nonsense"),
                     CONTROLLER_BIT(CONTROLLER_CPU) | CONTROLLER_BIT(CONTROLLER_CPUACCT));
}

/* ---- nothing, and nobody's permission ---------------------------------------------------------------- */

static void test_none(void **state)
{
    (void)state;
    struct fixture f = fixture_make("27 1 254:0 / / rw - ext4 /dev/vda rw\n", "", NULL, NULL, 0);
    struct cgroups *c = fixture_open(&f, NULL, false);
    struct hierarchy_info info;

    assert_string_equal(cgroups_layout(c)->name, "none");
    assert_false(cgroups_hierarchy(c, 0, &info));
    for (unsigned i = 0; i < CONTROLLER_COUNT; i++) {
        assert_int_equal(controller(c, (enum controller)i)->version, 0);
        assert_has(controller(c, (enum controller)i)->remedy, "mount -t cgroup2");
    }
    cgroups_close(c);
    fixture_drop(&f);
}

static void test_no_proc(void **state)
{
    (void)state;
    struct fixture f = fixture_make("", "", NULL, NULL, 0);
    struct cgroups_options options = { .root_fd = f.fd };
    struct cgroups *c = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(unlinkat(f.fd, "proc/self/mountinfo", 0), 0);
    assert_int_equal(cgroups_open(&options, &c, &err), -ENOENT);
    assert_has(err.text, "is /proc mounted?");
    fixture_drop(&f);
}

/* Rootless: the topmost group above our own in which we may do everything. */
static void test_delegated(void **state)
{
    static const struct fixture_file files[] = {
        { "sys/fs/cgroup/cgroup.controllers", ALL_V2 },
        { "sys/fs/cgroup/user.slice/cgroup.procs", "" },
        { "sys/fs/cgroup/user.slice/u.service/cgroup.procs", "" },
        { "sys/fs/cgroup/user.slice/u.service/cgroup.subtree_control", "memory pids\n" },
        { "sys/fs/cgroup/user.slice/u.service/cgroup.controllers", "memory pids\n" },
        { "sys/fs/cgroup/user.slice/u.service/app/cgroup.procs", "" },
        { "sys/fs/cgroup/user.slice/u.service/app/cgroup.subtree_control", "" },
        { "proc/cgroups", "cpuset\t0\t1\t1\n" },
    };
    (void)state;
    struct fixture f =
        fixture_make(v2_mounts, "0::/user.slice/u.service/app\n", NULL, files, ARRAY_SIZE(files));
    struct cgroups *c = fixture_open(&f, NULL, true);
    assert_string_equal(fixture_hierarchy(c, "unified").base, "user.slice/u.service");
    assert_true(controller(c, CONTROLLER_MEMORY)->writable);
    assert_int_equal(controller(c, CONTROLLER_CPUSET)->version, 0);
    assert_has(controller(c, CONTROLLER_CPUSET)->remedy, "Delegate=cpu cpuset io memory pids");
    cgroups_close(c);

    assert_int_equal(unlinkat(f.fd, "sys/fs/cgroup/user.slice/u.service/cgroup.subtree_control", 0),
                     0);
    assert_int_equal(
        unlinkat(f.fd, "sys/fs/cgroup/user.slice/u.service/app/cgroup.subtree_control", 0), 0);
    c = fixture_open(&f, NULL, true);
    assert_false(controller(c, CONTROLLER_MEMORY)->writable);
    assert_has(controller(c, CONTROLLER_MEMORY)->obstacle, "delegated");
    assert_has(controller(c, CONTROLLER_MEMORY)->remedy, "systemd-run --user --scope");
    cgroups_close(c);
    fixture_drop(&f);
}

static void test_parent(void **state)
{
    struct err err = ERR_INIT;
    struct cgroups *c;

    (void)state;
    struct fixture f =
        fixture_make(hybrid_mounts, hybrid_own, NULL, hybrid_files, ARRAY_SIZE(hybrid_files));
    c = fixture_open(&f, "//a///b/", false);
    assert_string_equal(fixture_hierarchy(c, "memory").base, "a/b");
    assert_true(fixture_hierarchy(c, "memory").writable);
    cgroups_close(c);
    /* A link there is not followed. */
    assert_int_equal(symlinkat("../cpu", f.fd, "sys/fs/cgroup/memory/link"), 0);
    c = fixture_open(&f, "link", false);
    assert_false(controller(c, CONTROLLER_MEMORY)->writable);
    cgroups_close(c);
    static const char *const bad_table[] = { "..", "a/../b", "./a", "a/.", "a\nb" };
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++) {
        struct cgroups_options options = { .root_fd = f.fd, .parent = bad_table[i] };
        assert_int_equal(cgroups_open(&options, &c, &err), -EINVAL);
        assert_int_equal(err.class, ERR_USAGE);
        assert_has(err.text, "--cgroup-parent");
    }
    fixture_drop(&f);
}

/* ---- the machine -------------------------------------------------------------------------------------- */

static void test_machine(void **state)
{
    static const struct fixture_file files[] = {
        { "proc/meminfo", "MemTotal:        1000 kB\nMemFree: 3 kB\nSwapTotal:   8 kB\n" },
        { "sys/devices/system/cpu/online", "0-3,7\n" },
        { "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n" },
        { "sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "0\n" },
    };
    struct machine m;
    struct err err = ERR_INIT;

    (void)state;
    struct fixture f = fixture_make("", "", NULL, files, ARRAY_SIZE(files));
    assert_int_equal(machine_read(f.fd, &m, &err), 0);
    assert_true(m.memory_bytes == 1024000 && m.swap_bytes == 8192);
    assert_string_equal(m.cpus, "0-3,7");
    assert_string_equal(m.mems, "0"); /* no NUMA */
    assert_has(m.hugepages, "2MB");
    assert_has(m.hugepages, "64KB");
    assert_int_equal(machine_read_parts(f.fd, 0, &m, &err), 0);
    assert_true(m.memory_bytes == 0 && m.page_bytes >= 4096 && m.cpus[0] == '\0');
    assert_int_equal(unlinkat(f.fd, "proc/meminfo", 0), 0);
    assert_int_equal(machine_read(f.fd, &m, &err), -ENOENT);
    assert_has(err.text, "/proc/meminfo");
    fixture_drop(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hybrid),       cmocka_unit_test(test_selective),
        cmocka_unit_test(test_v1_joined),    cmocka_unit_test(test_v2_systemd_root),
        cmocka_unit_test(test_v2_container), cmocka_unit_test(test_v2_outside_namespace),
        cmocka_unit_test(test_v1_container), cmocka_unit_test(test_best_mount),
        cmocka_unit_test(test_hidden),       cmocka_unit_test(test_paths_and_lists),
        cmocka_unit_test(test_none),         cmocka_unit_test(test_no_proc),
        cmocka_unit_test(test_delegated),    cmocka_unit_test(test_parent),
        cmocka_unit_test(test_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
