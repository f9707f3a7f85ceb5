/* doctor: the checks, with facts made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "doctor/doctor.h"
#include "doctor/facts.h"

/* ---- facts by hand ------------------------------------------------------------------------------------ */

static const char full_status[] = "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n";

struct patient {
    struct facts facts;
    struct layout layout;
    struct doctor_finding finding;
};

static void set_file(struct patient *p, enum fact_file file, const char *text)
{
    p->facts.file[file].error = text ? 0 : -ENOENT;
    buf_reset(&p->facts.file[file].text);
    buf_puts(&p->facts.file[file].text, text ? text : "");
}

/* A machine on which nothing is wrong. */
static struct patient *patient_new(const char *layout)
{
    struct patient *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    assert_int_equal(layout_example(layout, &p->layout), 0);
    p->facts.layout = &p->layout;
    p->facts.uid = 1000;
    p->facts.newuidmap = HELPER_READY;
    p->facts.probes.done = true;
    p->facts.run_path = strdup("/run/ration");
    for (unsigned i = 0; i < FILE_COUNT; i++)
        set_file(p, (enum fact_file)i, NULL);
    set_file(p, FILE_STATUS, full_status);
    set_file(p, FILE_FILESYSTEMS, "nodev\tproc\nnodev\toverlay\n\text4\n");
    set_file(p, FILE_MAX_USERNS, "96365\n");
    set_file(p, FILE_SECCOMP_ACTIONS, "kill_process errno allow\n");
    set_file(p, FILE_PRESSURE, "some avg10=0.00\n");
    set_file(p, FILE_FORWARDING, "1\n");
    set_file(p, FILE_MOUNTS,
             "40 1 0:31 / /dev/pts rw,relatime - devpts devpts rw,mode=600\n"
             "41 1 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate,"
             "memory_recursiveprot\n");
    set_file(p, FILE_PASSWD, "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n");
    set_file(p, FILE_SUBUID, "bert:100000:65536\nanna:165536:65536\n");
    set_file(p, FILE_SUBGID, "1000:165536:65536\n");
    set_file(p, FILE_LIMITS,
             "Limit                     Soft Limit           Hard Limit           "
             "Units\n"
             "Max processes             96365                96365                "
             "processes\n"
             "Max open files            1024                 20000                "
             "files\n");
    set_file(p, FILE_FIRST_PROCESS, "init\n");
    if (p->layout.has_v2)
        p->facts.hierarchy[p->facts.n_hierarchies++] = (struct hierarchy_info){
            .version = 2,
            .name = "unified",
            .mount_point = "/sys/fs/cgroup",
            .base = "",
            .writable = true,
        };
    if (p->layout.has_v1)
        p->facts.hierarchy[p->facts.n_hierarchies++] = (struct hierarchy_info){
            .version = 1,
            .controllers = ~0u,
            .name = "all",
            .mount_point = "/sys/fs/cgroup/all",
            .base = "",
            .writable = true,
        };
    return p;
}

static void finding_done(struct doctor_finding *f)
{
    free(f->found);
    free(f->why);
    free(f->mend);
    *f = (struct doctor_finding){ 0 };
}

static void patient_free(struct patient *p)
{
    finding_done(&p->finding);
    facts_done(&p->facts);
    free(p);
}

static const struct check *check_find(const char *id)
{
    for (size_t i = 0; i < check_count; i++) {
        if (strcmp(check_table[i].id, id) == 0)
            return &check_table[i];
    }
    fail_msg("no check is called %s", id);
    return NULL;
}

static bool has_text(const char *text, const char *part)
{
    return !part || (text && strstr(text, part));
}

/* Parts of found and mend; NULL: whatever. */
static void expect(struct patient *p, const char *id, enum doctor_verdict verdict,
                   const char *found, const char *mend)
{
    struct doctor_finding *f = &p->finding;
    const struct check *check = check_find(id);

    finding_done(f);
    check->fn(&p->facts, check->arg, f);
    if (f->verdict != verdict || !f->found || !has_text(f->found, found) ||
        !has_text(f->mend, mend))
        fail_msg("%s: %s, '%s', mend '%s'", id, doctor_verdict_name(f->verdict),
                 text_or_empty(f->found), text_or_empty(f->mend));
    if (verdict != DOCTOR_OK && (!f->why || !f->mend))
        fail_msg("%s: says neither why nor how", id);
}

static void sound_machines_are_ok(void **state)
{
    static const char *const layouts[] = { "v1", "v2", "hybrid" };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(layouts); k++) {
        struct patient *p = patient_new(layouts[k]);
        for (size_t i = 0; i < check_count; i++) {
            bool gone = p->layout.controller[check_table[i].arg].version == 0;
            if (check_table[i].fn == check_controller && gone)
                continue;
            if (strcmp(check_table[i].id, "cgroup-kill") == 0 && !p->layout.has_v2)
                continue;
            expect(p, check_table[i].id, DOCTOR_OK, NULL, NULL);
        }
        patient_free(p);
    }
}

static void table_is_well_formed(void **state)
{
    (void)state;
    assert_true(check_count >= 30);
    for (size_t i = 0; i < check_count; i++) {
        assert_int_equal(strspn(check_table[i].id, "abcdefghijklmnopqrstuvwxyz_-"),
                         strlen(check_table[i].id));
        assert_true(strlen(check_table[i].title) > 3);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(check_table[i].id, check_table[k].id);
            assert_string_not_equal(check_table[i].title, check_table[k].title);
        }
    }
    /* One row per controller. */
    for (unsigned c = 0; c < CONTROLLER_COUNT; c++) {
        unsigned rows = 0;
        for (size_t i = 0; i < check_count; i++)
            rows += check_table[i].fn == check_controller && check_table[i].arg == c;
        assert_int_equal(rows, 1);
    }
}

/* ---- the cgroup side ------------------------------------------------------------------------------------ */

static void layout_is_told(void **state)
{
    struct patient *p = patient_new("hybrid");

    (void)state;
    expect(p, "layout", DOCTOR_OK, "hybrid; version 1: cpu cpuacct cpuset memory pids blkio", NULL);
    expect(p, "layout", DOCTOR_OK, "; version 2: hugetlb", NULL);
    p->layout.controller[CONTROLLER_MISC].version = 0;
    expect(p, "layout", DOCTOR_OK, "; missing: misc", NULL);
    p->facts.n_hierarchies = 0;
    expect(p, "layout", DOCTOR_BAD, "no cgroup file system", "mount -t cgroup2");
    p->facts.layout = NULL;
    snprintf(p->facts.cgroups_error, sizeof(p->facts.cgroups_error), "cannot read it");
    /* Nothing that looks at the layout stumbles over its absence. */
    for (size_t i = 0; i < check_count; i++) {
        finding_done(&p->finding);
        check_table[i].fn(&p->facts, check_table[i].arg, &p->finding);
        assert_non_null(p->finding.found);
    }
    expect(p, "layout", DOCTOR_BAD, "cannot read it", NULL);
    patient_free(p);
}

static void controllers_say_what_is_lost(void **state)
{
    struct patient *p = patient_new("v1");
    struct layout_controller *memory = &p->layout.controller[CONTROLLER_MEMORY];

    (void)state;
    expect(p, "controller-memory", DOCTOR_OK, "version 1 at /sys/fs/cgroup/all", NULL);
    memory->writable = false;
    memory->obstacle = "only root may";
    memory->remedy = "run as root";
    expect(p, "controller-memory", DOCTOR_BAD, "version 1, not usable: only root may",
           "run as root");
    assert_non_null(strstr(p->finding.why, "--memory"));
    memory->version = 0;
    memory->obstacle = "the kernel was booted without it";
    expect(p, "controller-memory", DOCTOR_BAD, "booted without it", "run as root");

    /* The command line knows better. */
    set_file(p, FILE_CMDLINE, "quiet cgroup_disable=pids,memory panic=1\n");
    expect(p, "controller-memory", DOCTOR_BAD, "cgroup_disable=pids,memory",
           "take cgroup_disable=");
    set_file(p, FILE_CMDLINE, "cgroup_no_v1=all\n");
    expect(p, "controller-memory", DOCTOR_BAD, "cgroup_no_v1=all", "take cgroup_no_v1=all");
    set_file(p, FILE_CMDLINE, "cgroup_disable=memory2 xcgroup_disable=memory\n");
    expect(p, "controller-memory", DOCTOR_BAD, "booted without it", "run as root");

    p->layout.controller[CONTROLLER_IO] =
        (struct layout_controller){ .obstacle = "gone", .remedy = "look" };
    set_file(p, FILE_CMDLINE, "cgroup_disable=blkio\n");
    expect(p, "controller-io", DOCTOR_WARN, "cgroup_disable=blkio", NULL);
    p->layout.controller[CONTROLLER_RDMA] =
        (struct layout_controller){ .obstacle = "gone", .remedy = "look" };
    expect(p, "controller-rdma", DOCTOR_NOTE, "gone", "look");
    patient_free(p);
}

static void delegation_is_judged(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    expect(p, "delegation", DOCTOR_OK, "not needed", NULL);
    p->facts.rootless = true;
    p->facts.hierarchy[0].base = "user.slice/user-1000.slice/user@1000.service";
    expect(p, "delegation", DOCTOR_OK, "user@1000.service: cpu cpuset io memory pids", NULL);
    p->layout.controller[CONTROLLER_CPU].version = 0;
    p->layout.controller[CONTROLLER_IO].writable = false;
    expect(p, "delegation", DOCTOR_WARN, ": cpuset memory pids; without cpu io", "Delegate=");
    p->facts.hierarchy[0].writable = false;
    expect(p, "delegation", DOCTOR_BAD, "no group of version 2 is delegated to user 1000", "chown");
    p->facts.systemd = true;
    expect(p, "delegation", DOCTOR_BAD, NULL, "systemd-run --user --scope");
    p->facts.n_hierarchies = 0;
    expect(p, "delegation", DOCTOR_BAD, "no version 2 hierarchy", NULL);
    patient_free(p);
}

static void manager_is_named(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    expect(p, "manager", DOCTOR_OK, "process 1 is init", NULL);
    set_file(p, FILE_FIRST_PROCESS, NULL);
    expect(p, "manager", DOCTOR_OK, "not known", NULL);
    p->facts.systemd = true;
    expect(p, "manager", DOCTOR_NOTE, "at its top", "Delegate=yes");
    p->facts.hierarchy[0].base = "system.slice/x.service";
    expect(p, "manager", DOCTOR_OK, "a place of their own", NULL);
    patient_free(p);
}

static void mount_options_are_read(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    expect(p, "mount-options", DOCTOR_OK, "nsdelegate and memory_recursiveprot", NULL);
    set_file(p, FILE_MOUNTS,
             "9 1 0:3 / /sys/fs/cgroup rw - tmpfs nsdelegate rw,nsdelegate\n"
             "41 1 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
             "42 1 0:39 / /sys/fs/cgroup/x rw - cgroup2 cgroup2 rw\n");
    expect(p, "mount-options", DOCTOR_NOTE, "without memory_recursiveprot", "remount");
    p->layout.controller[CONTROLLER_MEMORY].version = 1;
    expect(p, "mount-options", DOCTOR_OK, "nsdelegate", NULL);
    set_file(p, FILE_MOUNTS, "41 1 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,xnsdelegate\n");
    expect(p, "mount-options", DOCTOR_NOTE, "without nsdelegate", "remount");
    p->layout.controller[CONTROLLER_MEMORY].version = 2;
    expect(p, "mount-options", DOCTOR_NOTE, "without nsdelegate and memory_recursiveprot", NULL);
    set_file(p, FILE_MOUNTS, "41 1\n\n41 1 0:38 / /sys/fs/cgroup\n - \n");
    expect(p, "mount-options", DOCTOR_NOTE, "without nsdelegate", NULL);
    p->facts.n_hierarchies = 0;
    expect(p, "mount-options", DOCTOR_OK, "no version 2", NULL);
    patient_free(p);
}

static void killing_is_judged(void **state)
{
    struct patient *p = patient_new("v1");

    (void)state;
    expect(p, "cgroup-kill", DOCTOR_NOTE, "frozen", NULL);
    p->layout.controller[CONTROLLER_FREEZER].writable = false;
    expect(p, "cgroup-kill", DOCTOR_WARN, "no freezer", NULL);
    patient_free(p);
    p = patient_new("v2");
    p->layout.features &= ~LAYOUT_CGROUP_KILL;
    expect(p, "cgroup-kill", DOCTOR_NOTE, "no cgroup.kill", "5.14");
    patient_free(p);
}

static void empty_cpusets_are_found(void **state)
{
    struct patient *p = patient_new("v1");

    (void)state;
    expect(p, "cpuset-seeds", DOCTOR_OK, "CPUs 0-3 and memory nodes 0", NULL);
    p->facts.hierarchy[0].base = "docker";
    p->layout.parent_mems[0] = '\0';
    expect(p, "cpuset-seeds", DOCTOR_WARN, "/sys/fs/cgroup/all/docker has no memory nodes",
           "cpuset.mems");
    p->layout.parent_cpus[0] = '\0';
    expect(p, "cpuset-seeds", DOCTOR_WARN, "has no CPUs and no memory nodes", "cpuset.cpus");
    p->layout.controller[CONTROLLER_CPUSET].version = 0;
    expect(p, "cpuset-seeds", DOCTOR_OK, "no cpuset controller", NULL);
    patient_free(p);
}

static void swap_is_judged(void **state)
{
    struct patient *p = patient_new("v1");
    static const char head[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    char two[300];

    (void)state;
    set_file(p, FILE_SWAPS, head);
    expect(p, "swap-accounting", DOCTOR_OK, "no swap is on; it would be counted", NULL);
    snprintf(two, sizeof(two), "%s%s", head,
             "/dev/dm-1                               partition\t1048576\t\t0\t\t-2\n"
             "/swap\\040file                           file\t\t524288\t\t1024\t\t-3\n");
    set_file(p, FILE_SWAPS, two);
    expect(p, "swap-accounting", DOCTOR_OK, "1.5 GiB of swap, counted", NULL);
    p->layout.features &= ~LAYOUT_MEMSW;
    expect(p, "swap-accounting", DOCTOR_WARN, "1.5 GiB of swap, not counted", "swapaccount=1");
    set_file(p, FILE_SWAPS, "x partition 99999999999999999999 0\nx y\nx\n\n");
    expect(p, "swap-accounting", DOCTOR_OK, "no swap is on, so nothing", NULL);
    patient_free(p);
}

static void schedulers_are_read(void **state)
{
    struct patient *p = patient_new("v1");

    (void)state;
    expect(p, "io-scheduler", DOCTOR_OK, "no disks", NULL);
    buf_puts(&p->facts.disks, "sda none mq-deadline [bfq]\n");
    expect(p, "io-scheduler", DOCTOR_OK, "bfq on every disk", NULL);
    buf_puts(&p->facts.disks, "sdb none [mq-deadline] bfq\nnvme0n1 [none] bfq\nodd\nodd2 [x\n");
    expect(p, "io-scheduler", DOCTOR_NOTE, "sdb has mq-deadline, nvme0n1 has none",
           "echo bfq > /sys/block/sdb/queue/scheduler");
    patient_free(p);
}

/* ---- the kernel and ourselves ------------------------------------------------------------------------- */

static void kernel_s_gifts_are_judged(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    p->facts.file[FILE_PRESSURE].error = -EOPNOTSUPP;
    expect(p, "pressure", DOCTOR_NOTE, "switched off", "psi=1");
    p->facts.file[FILE_PRESSURE].error = -ENOENT;
    expect(p, "pressure", DOCTOR_NOTE, "built without", "CONFIG_PSI");

    p->facts.probes.call[PROBE_MOUNT_SETATTR] = -ENOSYS;
    expect(p, "system-calls", DOCTOR_BAD, "missing: mount_setattr", "5.12");
    p->facts.probes.call[PROBE_CLONE3] = -EPERM;
    expect(p, "system-calls", DOCTOR_BAD, "refused by a filter: clone3, mount_setattr", "seccomp");
    p->facts.probes.done = false;
    expect(p, "system-calls", DOCTOR_OK, "not tried", NULL);

    set_file(p, FILE_STATUS, "Seccomp:\t2\n");
    expect(p, "seccomp", DOCTOR_NOTE, "under a filter", "profile");
    set_file(p, FILE_STATUS, "Name:\tx\n");
    expect(p, "seccomp", DOCTOR_WARN, "built without", "CONFIG_SECCOMP_FILTER");

    set_file(p, FILE_FILESYSTEMS, "nodev\toverlayx\nnodev\tproc\n");
    expect(p, "overlay", DOCTOR_NOTE, "has none", "CONFIG_OVERLAY_FS");
    p->facts.overlay_module = true;
    expect(p, "overlay", DOCTOR_OK, "not loaded yet", NULL);
    set_file(p, FILE_FILESYSTEMS, "nodev\toverlay\n");
    p->facts.probes.done = true;
    p->facts.probes.userns_overlay = -EPERM;
    expect(p, "overlay", DOCTOR_OK, "there is one", NULL);
    p->facts.rootless = true;
    expect(p, "overlay", DOCTOR_NOTE, "not for user namespaces", "5.11");

    p->facts.probes.terminal = -ENOSPC;
    expect(p, "terminal", DOCTOR_WARN, "No space left", "pty/max");
    set_file(p, FILE_MOUNTS,
             "1 1 0:1 / /dev/ptsx rw - devpts x rw\n1 1 0:1 / /dev/pts rw - tmpfs x rw\n");
    expect(p, "terminal", DOCTOR_NOTE, "no devpts", "mount -t devpts");
    patient_free(p);
}

static void privileges_are_judged(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    /* Without SYS_RESOURCE (24), as in the machine this was seen on. */
    set_file(p, FILE_STATUS, "CapInh:\t0\nCapEff:\t000001fffeffffff\n");
    expect(p, "capabilities", DOCTOR_OK, "all that", NULL);
    expect(p, "rlimits", DOCTOR_NOTE, "20000 open files, 96365 processes", "CAP_SYS_RESOURCE");
    p->facts.rootless = true;
    expect(p, "rlimits", DOCTOR_OK, "only be lowered", NULL);
    p->facts.rootless = false;
    /* docker's fourteen */
    set_file(p, FILE_STATUS, "CapEff:\t00000000a80425fb\n");
    expect(p, "capabilities", DOCTOR_BAD, "without SYS_ADMIN", "container");
    set_file(p, FILE_STATUS, "CapEff:\t000001fff7ffffff\n"); /* MKNOD (27) */
    expect(p, "capabilities", DOCTOR_WARN, "without MKNOD", NULL);
    set_file(p, FILE_STATUS, "CapEff:\n");
    expect(p, "capabilities", DOCTOR_BAD, "SYS_ADMIN", NULL);
    set_file(p, FILE_LIMITS, "Max open files\nMax processes");
    expect(p, "rlimits", DOCTOR_NOTE, "open files", NULL);
    patient_free(p);
}

static void user_namespaces_are_judged(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    expect(p, "user-namespaces", DOCTOR_OK, "one was made", NULL);
    set_file(p, FILE_USERNS_CLONE, "0\n"); /* concerns ordinary users only */
    expect(p, "user-namespaces", DOCTOR_OK, NULL, NULL);
    p->facts.rootless = true;
    expect(p, "user-namespaces", DOCTOR_BAD, "unprivileged_userns_clone is 0", "sysctl");
    set_file(p, FILE_USERNS_CLONE, "1\n");
    expect(p, "user-namespaces", DOCTOR_OK, NULL, NULL);
    set_file(p, FILE_USERNS_APPARMOR, "1\n");
    expect(p, "user-namespaces", DOCTOR_OK, NULL, NULL); /* a profile allows us */
    p->facts.probes.userns_mount = -EACCES;
    expect(p, "user-namespaces", DOCTOR_BAD, "AppArmor", "apparmor_restrict");
    set_file(p, FILE_USERNS_APPARMOR, NULL);
    finding_done(&p->finding);
    check_userns(&p->facts, 0, &p->finding);
    assert_int_equal(p->finding.verdict, DOCTOR_BAD);
    assert_non_null(strstr(p->finding.found, "nothing mounted in it: Permission denied"));
    p->facts.probes.userns = -ENOSPC;
    finding_done(&p->finding);
    check_userns(&p->facts, 0, &p->finding);
    assert_non_null(strstr(p->finding.found, "making one fails: No space left"));
    set_file(p, FILE_MAX_USERNS, "0\n");
    expect(p, "user-namespaces", DOCTOR_BAD, "max_user_namespaces is 0", "sysctl");
    p->facts.rootless = false;
    expect(p, "user-namespaces", DOCTOR_NOTE, "max_user_namespaces is 0", "sysctl");
    set_file(p, FILE_MAX_USERNS, NULL);
    expect(p, "user-namespaces", DOCTOR_NOTE, "built without", "CONFIG_USER_NS");
    patient_free(p);
}

static void id_ranges_are_judged(void **state)
{
    struct patient *p = patient_new("v2");

    (void)state;
    p->facts.rootless = true;
    expect(p, "id-ranges", DOCTOR_OK, "65536 users and 65536 groups", NULL);
    set_file(p, FILE_SUBGID, "1000:1\nannabel:1:5\n:1:5\nanna:1:2x\n");
    expect(p, "id-ranges", DOCTOR_NOTE, "/etc/subgid gives user anna none", "usermod");
    set_file(p, FILE_SUBUID, NULL);
    expect(p, "id-ranges", DOCTOR_NOTE, "/etc/subuid", "anna");
    set_file(p, FILE_PASSWD, "anna:x:10001:0\nx\n:x:1000:\n");
    expect(p, "id-ranges", DOCTOR_NOTE, "without a name", "USER");
    p->facts.newuidmap = HELPER_POWERLESS;
    expect(p, "id-ranges", DOCTOR_NOTE, "without the right", "chmod u+s");
    p->facts.newuidmap = HELPER_ABSENT;
    expect(p, "id-ranges", DOCTOR_NOTE, "not installed", "apt install uidmap");
    patient_free(p);
}

static void what_is_ours_is_judged(void **state)
{
    struct patient *p = patient_new("v2");
    char names[8][8];

    (void)state;
    p->facts.run_error = -ENOENT;
    expect(p, "run-directory", DOCTOR_OK, "not there yet", NULL);
    p->facts.run_error = -EPERM;
    snprintf(p->facts.run_sentence, sizeof(p->facts.run_sentence), "it is open to others");
    expect(p, "run-directory", DOCTOR_BAD, "open to others", "chmod 700 /run/ration");
    p->facts.run_error = -ENOTDIR;
    expect(p, "run-directory", DOCTOR_BAD, NULL, "rm /run/ration");
    p->facts.run_error = 0;
    p->facts.run_full = true;
    expect(p, "run-directory", DOCTOR_BAD, "full", "df");

    p->facts.live = 2;
    expect(p, "records", DOCTOR_OK, "2 alive, none dead", NULL);
    for (unsigned i = 0; i < 7; i++) {
        snprintf(names[i], sizeof(names[i]), "run%u", i);
        assert_int_equal(strv_push(&p->facts.dead, names[i]), 0);
    }
    expect(p, "records", DOCTOR_WARN, "7 of runs that are dead: run0 run1 run2 run3 run4 ...",
           "ration doctor --fix");
    assert_true(p->finding.fixable);
    p->facts.reclaim_failed = 7;
    snprintf(p->facts.reclaim_sentence, sizeof(p->facts.reclaim_sentence), "it is busy");
    expect(p, "records", DOCTOR_WARN, NULL, NULL);
    assert_non_null(strstr(p->finding.why, "it is busy"));

    p->facts.strays_removed = 3;
    expect(p, "groups", DOCTOR_OK, "3 without a record removed", NULL);
    assert_true(p->finding.fixed);
    patient_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_machines_are_ok),   cmocka_unit_test(table_is_well_formed),
        cmocka_unit_test(layout_is_told),          cmocka_unit_test(controllers_say_what_is_lost),
        cmocka_unit_test(delegation_is_judged),    cmocka_unit_test(manager_is_named),
        cmocka_unit_test(mount_options_are_read),  cmocka_unit_test(killing_is_judged),
        cmocka_unit_test(empty_cpusets_are_found), cmocka_unit_test(swap_is_judged),
        cmocka_unit_test(schedulers_are_read),     cmocka_unit_test(kernel_s_gifts_are_judged),
        cmocka_unit_test(privileges_are_judged),   cmocka_unit_test(user_namespaces_are_judged),
        cmocka_unit_test(id_ranges_are_judged),    cmocka_unit_test(what_is_ours_is_judged),
    };

    return cmocka_run_group_tests_name("doctor_check", tests, NULL, NULL);
}
