/* doctor: machines made of files, what dead runs left, this machine, and both printers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/facts.h"

/* ---- machines made of files ------------------------------------------------------------------------- */

static const char full_status[] = "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n";

static bool has_text(const char *text, const char *part)
{
    return !part || (text && strstr(text, part));
}

struct machine_tree {
    char path[64];
    char run[96];
    int fd;
};

static void tree_directory(const struct machine_tree *tree, const char *path)
{
    char part[PATH_MAX];

    for (const char *p = path; *p; p++) {
        if (p[1] != '/' && p[1] != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)(p - path + 1), path);
        if (mkdirat(tree->fd, part, 0755) < 0)
            assert_int_equal(errno, EEXIST);
    }
}

static void tree_file(const struct machine_tree *tree, const char *path, const char *text)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
    tree_directory(tree, directory);
    int fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static int tree_make(void **state)
{
    struct machine_tree *tree = calloc(1, sizeof(*tree));

    if (!tree)
        return -1;
    snprintf(tree->path, sizeof(tree->path), "/tmp/ration-doctor-test.XXXXXX");
    if (!mkdtemp(tree->path))
        return -1;
    tree->fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(tree->run, sizeof(tree->run), "%s/run-directory", tree->path);
    *state = tree;
    return tree->fd < 0 ? -1 : 0;
}

static int tree_drop(void **state)
{
    struct machine_tree *tree = *state;
    char command[128];

    close(tree->fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", tree->path);
    int r = system(command);
    free(tree);
    return r;
}

static struct doctor_report *tree_check(const struct machine_tree *tree,
                                        struct doctor_options *options)
{
    struct doctor_report *report = NULL;
    struct err err = ERR_INIT;

    options->root_fd = tree->fd;
    options->state_dir = tree->run;
    assert_int_equal(doctor_check(options, &report, &err), 0);
    assert_int_equal(report->n_findings, check_count);
    return report;
}

static const struct doctor_finding *report_find(const struct doctor_report *report, const char *id)
{
    for (size_t i = 0; i < report->n_findings; i++) {
        if (strcmp(report->findings[i].id, id) == 0)
            return &report->findings[i];
    }
    fail_msg("no finding is called %s", id);
    return NULL;
}

static void report_has(const struct doctor_report *report, const char *id,
                       enum doctor_verdict verdict, const char *found)
{
    const struct doctor_finding *f = report_find(report, id);

    if (f->verdict != verdict || !has_text(f->found, found))
        fail_msg("%s: %s, '%s'", id, doctor_verdict_name(f->verdict), f->found);
}

/* Version 2 alone, systemd, everything there. */
static void unified_tree(const struct machine_tree *tree)
{
    static const char *const files[][2] = {
        { "proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 "
                                 "rw,nsdelegate,memory_recursiveprot\n"
                                 "31 24 0:27 / /dev/pts rw - devpts devpts rw\n" },
        { "proc/self/cgroup", "0::/user.slice\n" },
        { "proc/self/status", full_status },
        { "proc/self/limits", "Max open files            1024                 4096  files\n" },
        { "proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                          "memory\t0\t90\t1\ncpu\t0\t90\t1\npids\t0\t90\t1\n" },
        { "proc/filesystems", "nodev\toverlay\n" },
        { "proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 2097152 0 -2\n" },
        { "proc/pressure/memory", "some avg10=0.00\n" },
        { "proc/sys/user/max_user_namespaces", "31415\n" },
        { "proc/sys/kernel/osrelease", "6.1.0-test\n" },
        { "proc/sys/kernel/seccomp/actions_avail", "kill errno\n" },
        { "proc/1/comm", "systemd\n" },
        { "sys/block/sda/queue/scheduler", "[mq-deadline] bfq none\n" },
        { "sys/block/loop0/queue/scheduler", "[none]\n" },
        { "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n" },
        { "sys/fs/cgroup/cgroup.subtree_control", "cpuset cpu io memory hugetlb pids rdma misc\n" },
        { "sys/fs/cgroup/cgroup.procs", "" },
        { "sys/fs/cgroup/cpuset.cpus.effective", "0-3\n" },
        { "sys/fs/cgroup/cpuset.mems.effective", "0\n" },
        { "sys/fs/cgroup/user.slice/cgroup.kill", "" },
        { "sys/fs/cgroup/user.slice/cgroup.events", "populated 1\n" },
        { "sys/fs/cgroup/user.slice/memory.max", "max\n" },
        { "sys/fs/cgroup/user.slice/memory.swap.max", "max\n" },
        { "usr/bin/newuidmap", "x" },
        { "etc/passwd", "root:x:0:0\n" },
        { "run/systemd/system/x", "" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        tree_file(tree, files[i][0], files[i][1]);
}

static void unified_machine_is_read(void **state)
{
    const struct machine_tree *tree = *state;
    struct doctor_options options = { 0 };
    struct stat st;

    unified_tree(tree);
    struct doctor_report *report = tree_check(tree, &options);
    assert_string_equal(report->release, "6.1.0-test");
    report_has(report, "layout", DOCTOR_OK, "v2");
    report_has(report, "controller-memory", DOCTOR_OK, "version 2 at /sys/fs/cgroup");
    report_has(report, "manager", DOCTOR_NOTE, "systemd manages the tree");
    report_has(report, "mount-options", DOCTOR_OK, "nsdelegate");
    report_has(report, "swap-accounting", DOCTOR_OK, "2 GiB of swap, counted");
    report_has(report, "io-scheduler", DOCTOR_NOTE, "sda has mq-deadline");
    report_has(report, "cpuset-seeds", DOCTOR_OK, "CPUs 0-3");
    report_has(report, "capabilities", DOCTOR_OK, NULL);
    report_has(report, "rlimits", DOCTOR_OK, "raised");
    report_has(report, "pressure", DOCTOR_OK, NULL);
    report_has(report, "overlay", DOCTOR_OK, "there is one");
    report_has(report, "user-namespaces", DOCTOR_OK, "no setting forbids");
    report_has(report, "system-calls", DOCTOR_OK, "not tried");
    report_has(report, "run-directory", DOCTOR_OK, "not there yet");
    assert_int_equal(stat(tree->run, &st), -1); /* looking does not make it */
    assert_int_equal(report->count[DOCTOR_BAD], 0);
    doctor_report_free(report);
}

/* Version 1, memory switched off at boot, and much else missing. */
static void crippled_machine_is_read(void **state)
{
    const struct machine_tree *tree = *state;
    struct doctor_options options = { 0 };

    tree_file(tree, "proc/self/mountinfo",
              "30 24 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
              "31 24 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
              "32 24 0:28 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
    tree_file(tree, "proc/self/cgroup", "3:cpuset:/\n2:pids:/\n1:cpu,cpuacct:/\n");
    tree_file(tree, "proc/cmdline", "ro quiet cgroup_disable=memory\n");
    tree_file(tree, "proc/cgroups",
              "memory\t0\t1\t0\ncpuset\t3\t1\t1\npids\t2\t1\t1\ncpu\t1\t1\t1\n");
    tree_file(tree, "proc/swaps", "Filename\n/dev/sda2 partition 1024 0 -2\n");
    tree_file(tree, "proc/filesystems", "nodev\tproc\n");
    tree_file(tree, "proc/sys/user/max_user_namespaces", "0\n");
    tree_file(tree, "proc/sys/kernel/osrelease", "5.10.0-test\n");
    tree_file(tree, "lib/modules/5.10.0-test/kernel/fs/overlayfs/overlay.ko", "");
    tree_file(tree, "sys/fs/cgroup/cpuset/cpuset.cpus", "\n");
    tree_file(tree, "sys/fs/cgroup/cpuset/cpuset.mems", "0\n");
    tree_directory(tree, "sys/fs/cgroup/pids");
    tree_directory(tree, "sys/fs/cgroup/cpu");
    struct doctor_report *report = tree_check(tree, &options);
    report_has(report, "controller-memory", DOCTOR_BAD,
               "switched off at boot by cgroup_disable=memory");
    report_has(report, "controller-pids", DOCTOR_OK, "version 1 at /sys/fs/cgroup/pids");
    report_has(report, "controller-cpu", DOCTOR_BAD, "read-only");
    report_has(report, "cpuset-seeds", DOCTOR_WARN, "no CPUs");
    report_has(report, "swap-accounting", DOCTOR_WARN, "1 MiB of swap, not counted");
    report_has(report, "pressure", DOCTOR_NOTE, NULL);
    report_has(report, "overlay", DOCTOR_OK, "not loaded yet");
    report_has(report, "user-namespaces", DOCTOR_NOTE, "max_user_namespaces is 0");
    report_has(report, "terminal", DOCTOR_NOTE, "no devpts");
    report_has(report, "cgroup-kill", DOCTOR_WARN, NULL);
    report_has(report, "capabilities", DOCTOR_BAD, NULL);
    assert_true(doctor_attention(report) >= 5);
    doctor_report_free(report);
}

static void empty_machine_is_no_obstacle(void **state)
{
    const struct machine_tree *tree = *state;
    struct doctor_options options = { .rootless = true };
    struct doctor_report *report = tree_check(tree, &options);

    report_has(report, "layout", DOCTOR_BAD, NULL);
    report_has(report, "controller-memory", DOCTOR_BAD, NULL);
    doctor_report_free(report);

    tree_file(tree, "proc/self/mountinfo", "");
    report = tree_check(tree, &options);
    report_has(report, "layout", DOCTOR_BAD, "no cgroup file system is mounted");
    doctor_report_free(report);
}

/* ---- what dead runs left ----------------------------------------------------------------------------- */

static struct state *run_directory(const struct machine_tree *tree)
{
    struct state *state;
    struct err err = ERR_INIT;

    assert_int_equal(state_open(tree->run, false, &state, &err), 0);
    return state;
}

static bool tree_has(const struct machine_tree *tree, const char *path)
{
    return faccessat(tree->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The temporary directory stands for a cgroup file system: a group without files can be removed. */
static void strays_are_found_and_removed(void **state)
{
    const struct machine_tree *tree = *state;
    struct doctor_options options = { 0 };
    struct state *runs = run_directory(tree);
    struct record *record;
    char deep[PATH_MAX] = "sys/fs/cgroup/ration-deep";

    unified_tree(tree);
    assert_int_equal(record_create(runs, "kept", "", &record, NULL), 0);
    tree_directory(tree, "sys/fs/cgroup/ration-kept/box");
    tree_directory(tree, "sys/fs/cgroup/ration-gone/box/a/b");
    tree_directory(tree, "sys/fs/cgroup/ration-gone/c");
    tree_file(tree, "sys/fs/cgroup/ration-busy/box/x/cgroup.procs", "12\n");
    tree_directory(tree, "sys/fs/cgroup/ration-busy/empty");
    tree_directory(tree, "sys/fs/cgroup/ration-supervisor");
    tree_directory(tree, "sys/fs/cgroup/ration-no name");
    tree_directory(tree, "sys/fs/cgroup/rationed");
    assert_int_equal(symlinkat("ration-gone", tree->fd, "sys/fs/cgroup/ration-link"), 0);
    for (unsigned i = 0; i < 70; i++)
        strcat(deep, "/d");
    tree_directory(tree, deep);

    struct doctor_report *report = tree_check(tree, &options);
    report_has(report, "groups", DOCTOR_WARN, "4 without a record"); /* gone, busy, deep, link */
    assert_true(report_find(report, "groups")->fixable);
    assert_false(report_find(report, "groups")->fixed);
    doctor_report_free(report);
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-gone/box/a/b"));

    options.fix = true;
    report = tree_check(tree, &options);
    report_has(report, "groups", DOCTOR_WARN, "3 without a record");
    assert_true(report_find(report, "groups")->fixed);
    assert_false(report_find(report, "groups")->fixable);
    doctor_report_free(report);
    assert_false(tree_has(tree, "sys/fs/cgroup/ration-gone"));
    /* Nothing of a group that has processes goes, not even what is empty in it. */
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-busy/empty"));
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-kept/box"));
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-supervisor"));
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-no name"));
    assert_true(tree_has(tree, "sys/fs/cgroup/ration-link"));
    assert_true(tree_has(tree, "sys/fs/cgroup/rationed"));
    assert_true(tree_has(tree, "sys/fs/cgroup/user.slice"));
    assert_true(tree_has(tree, deep));
    assert_int_equal(record_remove(record, NULL), 0);
    state_close(runs);
}

struct reclaiming {
    unsigned calls;
    int result;
};

static int reclaim_one(void *data, const char *name, const char *text, struct err *err)
{
    struct reclaiming *reclaiming = data;

    (void)text;
    reclaiming->calls++;
    return reclaiming->result < 0 ? err_set(err, EBUSY, "'%s' is busy", name) : 0;
}

static void records_are_counted_and_cleared(void **state)
{
    const struct machine_tree *tree = *state;
    struct reclaiming reclaiming = { .result = -EBUSY };
    struct doctor_options options = { .reclaim = reclaim_one, .reclaim_data = &reclaiming };
    struct state *runs = run_directory(tree);
    struct record *live, *dead;

    assert_int_equal(record_create(runs, "live", "", &live, NULL), 0);
    assert_int_equal(record_create(runs, "dead", "", &dead, NULL), 0);
    record_close(dead);
    struct doctor_report *report = tree_check(tree, &options);
    report_has(report, "records", DOCTOR_WARN, "1 of runs that are dead: dead");
    doctor_report_free(report);
    assert_int_equal(reclaiming.calls, 0); /* looking changes nothing */

    options.fix = true;
    report = tree_check(tree, &options);
    report_has(report, "records", DOCTOR_WARN, "dead");
    assert_non_null(strstr(report_find(report, "records")->why, "'dead' is busy"));
    doctor_report_free(report);

    reclaiming.result = 0;
    report = tree_check(tree, &options);
    report_has(report, "records", DOCTOR_OK, "1 cleared away; 1 alive");
    assert_true(report_find(report, "records")->fixed);
    doctor_report_free(report);
    assert_int_equal(reclaiming.calls, 2);

    assert_int_equal(chmod(tree->run, 0755), 0);
    report = tree_check(tree, &options);
    report_has(report, "run-directory", DOCTOR_BAD, "open to others");
    doctor_report_free(report);
    assert_int_equal(chmod(tree->run, 0700), 0);
    assert_int_equal(record_remove(live, NULL), 0);
    state_close(runs);
}

/* ---- this machine, and printing ------------------------------------------------------------------------ */

static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void this_machine_is_looked_at(void **state)
{
    const struct machine_tree *tree = *state;
    struct doctor_options options = { .root_fd = -1,
                                      .rootless = geteuid() != 0,
                                      .state_dir = tree->run };
    struct doctor_report *report;
    struct err err = ERR_INIT;
    unsigned before = open_descriptors();

    assert_int_equal(doctor_check(&options, &report, &err), 0);
    assert_int_equal(report->n_findings, check_count);
    assert_true(strlen(report->release) > 0);
    report_has(report, "system-calls", DOCTOR_OK, "are there");
    for (size_t i = 0; i < report->n_findings; i++) {
        const struct doctor_finding *f = &report->findings[i];
        assert_true(strlen(f->found) > 0);
        assert_true(f->verdict == DOCTOR_OK || f->why);
        for (const char *p = f->found; *p; p++)
            assert_true((unsigned char)*p >= ' ');
    }
    doctor_report_free(report);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
}

static struct doctor_finding sample_findings[] = {
    { .id = "a",
      .title = "short",
      .verdict = DOCTOR_OK,
      .found = (char *)"fine",
      .why = (char *)"not shown",
      .mend = (char *)"nor this" },
    { .id = "b",
      .title = "much longer",
      .verdict = DOCTOR_WARN,
      .found = (char *)"a \"quoted\" \\ thing",
      .why = (char *)"it matters",
      .mend = (char *)"do this",
      .fixable = true },
    { .id = "c", .title = "third", .verdict = DOCTOR_BAD, .found = (char *)"gone", .fixed = true },
};

static const struct doctor_report sample_report = {
    .findings = sample_findings,
    .n_findings = ARRAY_SIZE(sample_findings),
    .count = { 1, 0, 1, 1 },
    .release = "6.1.0-test",
    .uid = 1000,
    .rootless = true,
};

static void text_is_aligned(void **state)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    (void)state;
    assert_int_equal(doctor_print_text(&sample_report, &text, NULL), 0);
    assert_string_equal(buf_text(&text), "Linux 6.1.0-test, without root\n"
                                         "\n"
                                         "ok    short        fine\n"
                                         "warn  much longer  a \"quoted\" \\ thing\n"
                                         "                   it matters\n"
                                         "                   mend: do this\n"
                                         "bad   third        gone\n"
                                         "\n"
                                         "1 ok, 0 note, 1 warn, 1 bad\n");
    assert_int_equal(doctor_attention(&sample_report), 2);
}

static void json_is_whole(void **state)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    json_error_t error;
    const char *id, *verdict, *found, *why, *mend;
    int user, rootless, warn, fixable;

    (void)state;
    assert_int_equal(doctor_print_json(&sample_report, &text, NULL), 0);
    json_t *json = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, &error);
    assert_non_null(json);
    json_t *checks = json_object_get(json, "checks");
    assert_int_equal(json_array_size(checks), 3);
    assert_int_equal(json_unpack(json, "{s:i, s:b, s:{s:i}}", "user", &user, "rootless", &rootless,
                                 "summary", "warn", &warn),
                     0);
    assert_int_equal(user, 1000);
    assert_true(rootless);
    assert_int_equal(warn, 1);
    assert_int_equal(json_unpack(json_array_get(checks, 1), "{s:s, s:s, s:s, s:s, s:s, s:b}", "id",
                                 &id, "verdict", &verdict, "found", &found, "why", &why, "mend",
                                 &mend, "fixable", &fixable),
                     0);
    assert_string_equal(id, "b");
    assert_string_equal(verdict, "warn");
    assert_string_equal(found, "a \"quoted\" \\ thing");
    assert_string_equal(mend, "do this");
    assert_true(fixable);
    assert_true(json_is_null(json_object_get(json_array_get(checks, 2), "why")));
    assert_true(json_is_true(json_object_get(json_array_get(checks, 2), "fixed")));
    json_decref(json);
}

#define tree_test(f) cmocka_unit_test_setup_teardown(f, tree_make, tree_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tree_test(unified_machine_is_read),         tree_test(crippled_machine_is_read),
        tree_test(empty_machine_is_no_obstacle),    tree_test(strays_are_found_and_removed),
        tree_test(records_are_counted_and_cleared), tree_test(this_machine_is_looked_at),
        cmocka_unit_test(text_is_aligned),          cmocka_unit_test(json_is_whole),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
