/*
 * spawn: launches by hand-made specs. As root with real namespaces; as an ordinary user in a user
 * namespace, where the machine allows one (else these tests are skipped, and say so).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define OUTPUT_MAX 4096

/* ---- a spec and its launch ---------------------------------------------------------------------------- */

struct trial {
    struct spec spec;
    struct spawn_options options;
    struct spec_id_map uid_map, gid_map;
    struct spec_mount mount[8];
    char *argv[8];
    char *env[3];
    /* what came of it */
    struct spawn spawn;
    struct err err;
    enum spawn_event event; /* the last one */
    struct spawn_exit exit;
    int started; /* how often SPAWN_STARTED was told */
    char output[OUTPUT_MAX];
};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void trial_init(struct trial *t, const char *script)
{
    *t = (struct trial){
        .spec = { .init = true,
                  .namespaces =
                      CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP },
        .options = { .stdio = { -1, -1, -1 },
                     .die_with_supervisor = true,
                     .v2_fd = -1,
                     .gate_fd = -1,
                     .console_fd = -1,
                     .enter_pidfd = -1 },
        .uid_map = { 0, geteuid(), 1 },
        .gid_map = { 0, getegid(), 1 },
        .env = { text("PATH=/usr/local/bin:/usr/bin:/bin") },
    };
    t->spec.caps = (struct spec_caps){ .bounding = UINT64_MAX };
    t->spec.argv = t->argv;
    t->spec.env = t->env;
    t->spec.cwd = text("/");
    t->spec.mounts = t->mount;
    t->options.spec = &t->spec;
    t->argv[0] = text("/bin/sh");
    t->argv[1] = text("-c");
    t->argv[2] = text(script);
    t->mount[t->spec.n_mounts++] = (struct spec_mount){
        .kind = MOUNT_FILESYSTEM,
        .fstype = text("proc"),
        .target = text("/proc"),
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        .make_target = true,
    };
    if (geteuid() != 0) {
        t->spec.namespaces |= CLONE_NEWUSER;
        t->spec.rootless = true;
        t->spec.uid_maps = &t->uid_map;
        t->spec.gid_maps = &t->gid_map;
        t->spec.n_uid_maps = t->spec.n_gid_maps = 1;
        t->spec.caps.permitted = t->spec.caps.effective = (UINT64_C(1) << (sys_cap_last() + 1)) - 1;
    } else {
        uint64_t inheritable;
        sys_capget(&t->spec.caps.effective, &t->spec.caps.permitted, &inheritable);
    }
}

static void trial_add(struct trial *t, struct spec_mount mount)
{
    assert_true(t->spec.n_mounts < ARRAY_SIZE(t->mount));
    t->mount[t->spec.n_mounts++] = mount;
}

/* Without groups: COMMAND begins as soon as the box is ready. */
static int trial_spawn(struct trial *t)
{
    const struct spawn_groups none = { .v2_fd = -1 };
    int r = spawn_start(&t->options, &t->spawn, &t->err);

    return r < 0 ? r : spawn_go(&t->spawn, &none, &t->err);
}

static int trial_read(struct trial *t)
{
    int r;

    do {
        r = spawn_read(&t->spawn, true, &t->event, &t->exit, &t->err);
        t->started += t->event == SPAWN_STARTED;
    } while (r >= 0 && (t->event == SPAWN_NOTHING || t->event == SPAWN_STARTED));
    return r;
}

/* Start it, collect what it prints, wait for its end. */
static int trial_run(struct trial *t)
{
    size_t length = 0;
    ssize_t n;
    int pipe_fds[2];
    int r;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    t->options.stdio[1] = t->options.stdio[2] = pipe_fds[1];
    r = trial_spawn(t);
    close(pipe_fds[1]);
    if (r >= 0)
        r = trial_read(t);
    while ((n = read(pipe_fds[0], t->output + length, OUTPUT_MAX - 1 - length)) > 0)
        length += (size_t)n;
    close(pipe_fds[0]);
    if (t->spawn.box_pid > 0) {
        assert_int_equal(spawn_reap(&t->spawn, false, NULL), 0);
        assert_int_equal(spawn_signal(&t->spawn, SIGTERM), -ESRCH);
        spawn_close(&t->spawn);
    }
    return r;
}

/* Run it to an end of its own. */
static void trial_runs(struct trial *t)
{
    int r = trial_run(t);

    if (r < 0 || t->event == SPAWN_FAILED)
        print_error("step %s: %s\n", t->err.step, t->err.text);
    assert_int_equal(r, 0);
    assert_int_equal(t->event, SPAWN_EXITED);
    assert_int_equal(t->started, 1);
}

/* Its failure, wherever it arose. */
static void trial_fails(struct trial *t, enum err_class class, const char *step, const char *words)
{
    int r = trial_run(t);

    if (r >= 0) {
        assert_int_equal(t->event, SPAWN_FAILED);
        assert_int_equal(t->started, 0);
    }
    if (!strstr(t->err.text, words) || strcmp(t->err.step, step) != 0)
        print_error("step %s: %s\n", t->err.step, t->err.text);
    assert_int_equal(t->err.class, class);
    assert_string_equal(t->err.step, step);
    assert_non_null(strstr(t->err.text, words));
    assert_null(strchr(t->err.text, '\n'));
}

/* Namespaces are no given: an ordinary user may be refused them, and so may a container. */
static bool can_launch(void)
{
    static int answer = -1;

    if (answer < 0) {
        struct trial t;
        trial_init(&t, "exit 0");
        answer = trial_run(&t) >= 0 && t.event == SPAWN_EXITED;
        if (!answer)
            print_error("SKIPPED: no launch is possible here: %s\n", t.err.text);
    }
    return answer > 0;
}

#define NEEDS_LAUNCH()     \
    do {                   \
        if (!can_launch()) \
            skip();        \
    } while (0)

/* ---- ends ------------------------------------------------------------------------------------------------ */

static void tells_exit_status(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    for (int status = 0; status < 256; status += 85) {
        char script[16];
        snprintf(script, sizeof(script), "exit %d", status);
        trial_init(&t, script);
        trial_runs(&t);
        assert_true(t.exit.exited);
        assert_int_equal(t.exit.status, status);
        assert_true(t.exit.max_rss_bytes > 100 * 1024);
        assert_true(t.exit.started_us > 0 && t.exit.started_us <= t.exit.ended_us);
    }
}

static void tells_signal(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "kill -TERM $$");
    trial_runs(&t);
    assert_false(t.exit.exited);
    assert_int_equal(t.exit.status, SIGTERM);
    assert_false(t.exit.core_dumped);
}

static void counts_the_time_of_children(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "(i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done); :");
    trial_runs(&t);
    assert_true(t.exit.user_us + t.exit.system_us > 1000);
}

static void command_is_process_2_and_1(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "echo $$");
    trial_runs(&t);
    assert_string_equal(t.output, "2\n");
    trial_init(&t, "echo $$; exit 9");
    t.spec.init = false;
    trial_runs(&t);
    assert_string_equal(t.output, "1\n");
    assert_int_equal(t.exit.status, 9);
}

static void orphans_are_reaped(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    /* Orphans of the inner shells; none may stay a zombie. */
    trial_init(&t, "for i in 1 2 3 4; do (sleep 0.01 &) ; done; sleep 0.3;"
                   "grep -l '^State:.Z' /proc/[0-9]*/status; echo done");
    trial_runs(&t);
    assert_string_equal(t.output, "done\n");
}

static void nothing_outlives_command(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    /* trial_run() reads the pipe to its end, which the sleeper holds open. */
    trial_init(&t, "sleep 60 & exit 5");
    trial_runs(&t);
    assert_int_equal(t.exit.status, 5);
}

/* ---- failures ---------------------------------------------------------------------------------------------- */

static void missing_program(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "");
    t.argv[0] = text("no-such-program");
    trial_fails(&t, ERR_NOT_FOUND, "exec", "cannot execute no-such-program: not found in PATH");
    assert_int_equal(err_exit_status(&t.err), 127);

    trial_init(&t, "");
    t.argv[0] = text("/no/such/program");
    trial_fails(&t, ERR_NOT_FOUND, "exec", "/no/such/program: No such file");

    trial_init(&t, "");
    t.argv[0] = text("");
    trial_fails(&t, ERR_NOT_FOUND, "exec", "name is empty");

    trial_init(&t, "");
    t.argv[0] = text("no-such-program");
    t.spec.init = false;
    trial_fails(&t, ERR_NOT_FOUND, "exec", "no-such-program");
}

static void unusable_program(void **state)
{
    char script[] = "/tmp/spawn_test.XXXXXX";
    struct trial t;
    int fd;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "");
    t.argv[0] = text("/etc/passwd");
    trial_fails(&t, ERR_NOT_EXECUTABLE, "exec", "/etc/passwd: Permission denied");
    assert_int_equal(err_exit_status(&t.err), 126);

    trial_init(&t, "");
    t.argv[0] = text("/usr");
    trial_fails(&t, ERR_NOT_EXECUTABLE, "exec", "/usr: Permission denied");

    fd = mkstemp(script);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0755), 0);
    assert_true(write(fd, "#!/no/such/interpreter\n", 23) == 23);
    close(fd);
    trial_init(&t, "");
    t.argv[0] = script;
    trial_fails(&t, ERR_NOT_EXECUTABLE, "exec", "interpreter");

    fd = open(script, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(write(fd, "echo\n", 5) == 5);
    close(fd);
    trial_init(&t, "");
    t.argv[0] = script;
    trial_fails(&t, ERR_NOT_EXECUTABLE, "exec", "not a program of this machine");
    unlink(script);
}

static void failures_name_the_step_and_option(void **state)
{
    const struct spawn_rlimit rlimit = { RLIMIT_NOFILE, UINT64_C(1) << 40, UINT64_C(1) << 40 };
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "");
    t.options.rlimits = &rlimit;
    t.options.n_rlimits = 1;
    trial_fails(&t, ERR_REFUSED, "rlimits", "--ulimit nofile");

    trial_init(&t, "");
    t.spec.cwd = text("/no/such/directory");
    trial_fails(&t, ERR_REFUSED, "directory", "--workdir: cannot enter /no/such/directory");

    trial_init(&t, "");
    t.spec.rootfs = text("/no/such/root");
    trial_fails(&t, ERR_REFUSED, "root", "--rootfs: cannot take /no/such/root");

    trial_init(&t, "");
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_BIND,
                                       .source = text("/no/such/source"),
                                       .target = text("/mnt") });
    trial_fails(&t, ERR_REFUSED, "root", "cannot bind /no/such/source to /mnt");

    trial_init(&t, "");
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_FILESYSTEM,
                                       .fstype = text("tmpfs"),
                                       .target = text("/no/such/target") });
    trial_fails(&t, ERR_REFUSED, "mounts", "/no/such/target does not exist in the root");
}

static void no_command(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, "");
    t.argv[0] = NULL;
    trial_fails(&t, ERR_USAGE, "prepare", "no COMMAND");
}

/* ---- what COMMAND gets ------------------------------------------------------------------------------------- */

static void stdio_may_be_in_each_others_place(void **state)
{
    struct trial t;
    int pipe_a[2], pipe_b[2], saved[3];
    char a[16] = "", b[16] = "";

    (void)state;
    NEEDS_LAUNCH();
    assert_int_equal(pipe2(pipe_a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(pipe_b, O_CLOEXEC), 0);
    for (int i = 0; i < 3; i++)
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
    trial_init(&t, "echo one; echo two >&2; read x && echo never");
    /* Our 2 is to be its 1, our 1 its 2. */
    dup2(pipe_a[1], 2);
    dup2(pipe_b[1], 1);
    t.options.stdio[1] = 2;
    t.options.stdio[2] = 1;
    int r = trial_spawn(&t);
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    assert_int_equal(r, 0);
    assert_int_equal(trial_read(&t), 0);
    assert_int_equal(t.event, SPAWN_EXITED);
    assert_int_equal(spawn_reap(&t.spawn, false, NULL), 0);
    spawn_close(&t.spawn);
    assert_int_equal(read(pipe_a[0], a, sizeof(a) - 1), 4);
    assert_string_equal(a, "one\n");
    assert_int_equal(read(pipe_b[0], b, sizeof(b) - 1), 4);
    assert_string_equal(b, "two\n");
    for (int i = 0; i < 2; i++) {
        close(pipe_a[i]);
        close(pipe_b[i]);
    }
}

static void no_other_file_is_inherited(void **state)
{
    struct trial t;
    int fd = open("/", O_RDONLY | O_DIRECTORY); /* not close-on-exec */
    int high = fcntl(fd, F_DUPFD, 700);

    (void)state;
    NEEDS_LAUNCH();
    assert_true(fd >= 0 && high >= 700);
    for (int init = 0; init < 2; init++) {
        trial_init(&t, "cd /proc/self/fd && echo *");
        t.spec.init = init;
        trial_runs(&t);
        /* A shell may have one of its own. */
        assert_true(strcmp(t.output, "0 1 2\n") == 0 || strcmp(t.output, "0 1 2 3\n") == 0);
    }
    close(fd);
    close(high);
}

static void a_directory_is_no_stdin_of_a_root(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, "");
    t.spec.rootfs = text("/usr");
    t.options.stdio[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    trial_fails(&t, ERR_REFUSED, "prepare", "file descriptor 0 of COMMAND is a directory");
    close(t.options.stdio[0]);
}

static void signals_are_reset(void **state)
{
    struct trial t;
    sigset_t block, old;

    (void)state;
    NEEDS_LAUNCH();
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &old);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGRTMAX, SIG_IGN);
    trial_init(&t, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
    trial_runs(&t);
    assert_string_equal(t.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGRTMAX, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void umask_is_ours_or_asked_for(void **state)
{
    mode_t mine = umask(027);
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "umask");
    trial_runs(&t);
    assert_string_equal(t.output, "0027\n");
    trial_init(&t, "umask");
    t.spec.umask_set = true;
    t.spec.umask = 0;
    trial_runs(&t);
    assert_string_equal(t.output, "0000\n");
    umask(mine);
}

static void rlimits_are_set(void **state)
{
    const struct spawn_rlimit rlimits[] = { { RLIMIT_NOFILE, 17, 34 }, { RLIMIT_CORE, 0, 0 } };
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "ulimit -Sn; ulimit -Hn; ulimit -Hc");
    t.options.rlimits = rlimits;
    t.options.n_rlimits = 2;
    trial_runs(&t);
    assert_string_equal(t.output, "17\n34\n0\n");
}

static void bounding_set_and_no_new_privs(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "grep -E '^(CapInh|CapPrm|CapBnd|NoNew)' /proc/self/status");
    t.spec.caps = (struct spec_caps){ .bounding = 1, .effective = 1, .permitted = 1 };
    t.spec.no_new_privs = true;
    trial_runs(&t);
    assert_string_equal(t.output, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000001\n"
                                  "CapBnd:\t0000000000000001\nNoNewPrivs:\t1\n");
}

static void names_are_its_own(void **state)
{
    char before[256], after[256];
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    gethostname(before, sizeof(before));
    trial_init(&t, "cat /proc/sys/kernel/hostname");
    t.spec.hostname = text("inside");
    trial_runs(&t);
    gethostname(after, sizeof(after));
    assert_string_equal(t.output, "inside\n");
    assert_string_equal(before, after);
}

static void path_is_the_runs_own(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "");
    t.argv[0] = text("true");
    t.argv[1] = NULL;
    t.env[0] = text("PATH=/no/such:/etc/passwd:/bin");
    trial_runs(&t);
    assert_int_equal(t.exit.status, 0);
    trial_init(&t, "");
    t.argv[0] = text("true");
    t.env[0] = text("PATH=/no/such");
    trial_fails(&t, ERR_NOT_FOUND, "exec", "not found in PATH");
    trial_init(&t, "");
    t.argv[0] = text("true");
    t.argv[1] = NULL;
    t.env[0] = NULL;
    trial_runs(&t);
}

/* ---- mounts -------------------------------------------------------------------------------------------------- */

static void mounts_are_inside_only(void **state)
{
    char dir[] = "/tmp/spawn_test.XXXXXX";
    struct trial t;
    struct stat st;

    (void)state;
    NEEDS_LAUNCH();
    assert_non_null(mkdtemp(dir));
    trial_init(
        &t,
        "cd \"$0\" && touch in && ls && mkdir a 2>/dev/null; touch /usr/x 2>/dev/null || echo ro");
    t.argv[3] = dir;
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_FILESYSTEM,
                                       .fstype = text("tmpfs"),
                                       .target = dir,
                                       .data = text("size=64k,nr_inodes=3") });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_BIND,
                                       .source = text("/usr"),
                                       .target = text("/usr"),
                                       .recursive = true,
                                       .attr_set = MOUNT_ATTR_RDONLY });
    trial_runs(&t);
    assert_string_equal(t.output, "in\nro\n");
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(stat("/proc/self/status", &st), 0);
}

static void masks_hide(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "wc -c < /proc/uptime; ls /proc/sys | wc -l; "
                   "cd /proc/self && echo x > /proc/irq/default_smp_affinity || echo ro");
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_MASK, .target = text("/proc/uptime") });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_MASK, .target = text("/proc/sys") });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_MASK, .target = text("/proc/no-such") });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_REMOUNT,
                                       .target = text("/proc/irq"),
                                       .attr_set = MOUNT_ATTR_RDONLY,
                                       .recursive = true });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_REMOUNT,
                                       .target = text("/proc/no-such"),
                                       .attr_set = MOUNT_ATTR_RDONLY });
    trial_runs(&t);
    assert_non_null(strstr(t.output, "0\n0\n"));
    assert_non_null(strstr(t.output, "Read-only file system"));
    assert_non_null(strstr(t.output, "ro\n"));
}

/* A root whose name leads elsewhere, for each way there. */
static void links_in_the_root_are_refused(void **state)
{
    static const char *const target_table[] = { "/", "/tmp", "../../../../tmp", "/proc/self/root" };
    char dir[] = "/tmp/spawn_test.XXXXXX";
    char path[64];
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/proc", dir);
    for (size_t i = 0; i < ARRAY_SIZE(target_table); i++) {
        assert_int_equal(symlink(target_table[i], path), 0);
        trial_init(&t, "");
        t.spec.rootfs = dir;
        trial_fails(&t, ERR_REFUSED, "mounts", "/proc in the root is a symbolic link");
        assert_int_equal(unlink(path), 0);
    }
    /* A file is no directory either. */
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    trial_init(&t, "");
    t.spec.rootfs = dir;
    assert_int_equal(trial_run(&t), 0);
    assert_int_equal(t.event, SPAWN_FAILED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void targets_are_made_in_the_root(void **state)
{
    char dir[] = "/tmp/spawn_test.XXXXXX";
    char path[64];
    struct trial t;
    struct stat st;

    (void)state;
    NEEDS_LAUNCH();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/out", dir);
    /* From inside, /out/x is beneath the root: /tmp/x in it, not our /tmp. */
    assert_int_equal(symlink("/made", path), 0);
    snprintf(path, sizeof(path), "%s/made", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    trial_init(&t, "");
    t.argv[0] = text("/no-program-here");
    t.spec.rootfs = dir;
    t.spec.cwd = text("/");
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_BIND,
                                       .source = text("/usr"),
                                       .target = text("/out/deep/er"),
                                       .make_target = true });
    trial_add(&t, (struct spec_mount){ .kind = MOUNT_BIND,
                                       .source = text("/etc/passwd"),
                                       .target = text("/out/file"),
                                       .make_target = true });
    trial_fails(&t, ERR_NOT_FOUND, "exec", "/no-program-here");
    snprintf(path, sizeof(path), "%s/made/deep/er", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(rmdir(path), 0); /* empty: nothing was mounted out here */
    snprintf(path, sizeof(path), "%s/made/file", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
    static const char *const left_table[] = { "made/deep", "made/file", "made", "out", "proc", "" };
    for (size_t i = 0; i < ARRAY_SIZE(left_table); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, left_table[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* ---- the user, by the root's files ---------------------------------------------------------------------------- */

static void user_files_are_not_trusted(void **state)
{
    char dir[] = "/tmp/spawn_test.XXXXXX";
    char path[64];
    struct trial t;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/etc", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/etc/passwd", dir);
    trial_init(&t, "");
    t.spec.rootfs = dir;
    t.spec.user = text("joe");
    t.spec.user_from_rootfs = true;
    trial_fails(&t, ERR_USAGE, "prepare", "joe");

    /* A pipe would be waited for, an endless file read for ever. */
    assert_int_equal(mkfifo(path, 0644), 0);
    trial_fails(&t, ERR_REFUSED, "prepare", "/etc/passwd of the root is not a regular file");
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(fd, 100 << 20), 0);
    close(fd);
    trial_fails(&t, ERR_REFUSED, "prepare", "larger than 1 MiB");
    unlink(path);
    /* The host's own is not to be seen from there. */
    assert_int_equal(symlink("/etc/shadow-of-the-host", path), 0);
    trial_fails(&t, ERR_USAGE, "prepare", "joe");
    unlink(path);
    snprintf(path, sizeof(path), "%s/etc", dir);
    rmdir(path);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- signals and the supervisor's end ---------------------------------------------------------------------------- */

static void can_be_signalled(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    for (int init = 0; init < 2; init++) {
        trial_init(&t, "exec sleep 60");
        t.argv[0] = text("/bin/sleep");
        t.argv[1] = text("60");
        t.argv[2] = NULL;
        t.spec.init = init;
        assert_int_equal(trial_spawn(&t), 0);
        assert_int_equal(spawn_signal(&t.spawn, SIGTERM), -ESRCH);
        assert_int_equal(spawn_command_pid(&t.spawn), -ESRCH);
        assert_int_equal(spawn_read(&t.spawn, true, &t.event, &t.exit, &t.err), 0);
        assert_int_equal(t.event, SPAWN_STARTED);
        assert_true(spawn_command_pid(&t.spawn) > 0);
        assert_int_equal(spawn_read(&t.spawn, false, &t.event, &t.exit, &t.err), 0);
        assert_int_equal(t.event, SPAWN_NOTHING);
        assert_int_equal(spawn_signal(&t.spawn, SIGKILL), 0);
        assert_int_equal(trial_read(&t), 0);
        assert_int_equal(t.event, SPAWN_EXITED);
        assert_false(t.exit.exited);
        assert_int_equal(t.exit.status, SIGKILL);
        assert_int_equal(spawn_reap(&t.spawn, false, NULL), 0);
        assert_int_equal(spawn_signal(&t.spawn, SIGTERM), -ESRCH);
        spawn_close(&t.spawn);
    }
}

static void a_killed_box_is_told(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    trial_init(&t, "sleep 60");
    assert_int_equal(trial_spawn(&t), 0);
    assert_int_equal(spawn_read(&t.spawn, true, &t.event, &t.exit, &t.err), 0);
    assert_int_equal(t.event, SPAWN_STARTED);
    assert_int_equal(sys_pidfd_send_signal(t.spawn.box_pidfd, SIGKILL), 0);
    assert_int_equal(trial_read(&t), 0);
    assert_int_equal(t.event, SPAWN_EXITED);
    assert_int_equal(t.exit.status, SIGKILL);
    assert_int_equal(spawn_reap(&t.spawn, true, NULL), 0);
    spawn_close(&t.spawn);
}

static void reap_kills_what_has_not_begun(void **state)
{
    struct trial t;

    (void)state;
    NEEDS_LAUNCH();
    for (int i = 0; i < 20; i++) {
        trial_init(&t, "sleep 60");
        assert_int_equal(trial_spawn(&t), 0);
        usleep((useconds_t)i * 200);
        assert_int_equal(spawn_reap(&t.spawn, true, NULL), 0);
        spawn_close(&t.spawn);
    }
}

/* A supervisor that is killed takes its run along, also in the middle of the launch. */
static void nothing_outlives_the_supervisor(void **state)
{
    (void)state;
    NEEDS_LAUNCH();
    for (int i = 0; i < 24; i++) {
        struct trial t;
        int alive[2];
        char byte;
        trial_init(&t, "trap '' TERM HUP; sleep 60 & wait");
        t.spec.init = i % 3 != 0;
        assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
        t.options.stdio[1] = alive[1];
        pid_t supervisor = fork();
        if (supervisor == 0) {
            close(alive[0]);
            trial_spawn(&t);
            close(alive[1]);
            for (;;)
                pause();
        }
        close(alive[1]);
        usleep((useconds_t)i * 300);
        kill(supervisor, SIGKILL);
        waitpid(supervisor, NULL, 0);
        /* The end of file comes when the last process of the run is gone. */
        struct pollfd fd = { .fd = alive[0], .events = POLLIN };
        assert_int_equal(poll(&fd, 1, 10000), 1);
        assert_int_equal(read(alive[0], &byte, 1), 0);
        close(alive[0]);
    }
}

/* ---- a terminal -------------------------------------------------------------------------------------------------- */

static void terminal_is_its_own(void **state)
{
    for (int init = 0; init < 2; init++) {
        struct trial t;
        char said[256] = "";
        size_t length = 0;
        ssize_t n;

        (void)state;
        NEEDS_LAUNCH();
        trial_init(&t, "stty size; tty; ps -o tty= -p $$ >/dev/null 2>&1; exit 3");
        t.spec.init = init;
        t.spec.tty = true;
        t.spec.fresh_dev = true;
        t.options.rows = 31;
        t.options.columns = 97;
        trial_add(&t, (struct spec_mount){ .kind = MOUNT_FILESYSTEM,
                                           .fstype = text("tmpfs"),
                                           .target = text("/dev"),
                                           .data = text("mode=755") });
        trial_add(&t, (struct spec_mount){ .kind = MOUNT_FILESYSTEM,
                                           .fstype = text("devpts"),
                                           .target = text("/dev/pts"),
                                           .make_target = true,
                                           .data = text("newinstance,ptmxmode=0666,mode=0620") });
        assert_int_equal(trial_spawn(&t), 0);
        assert_int_equal(spawn_read(&t.spawn, true, &t.event, &t.exit, &t.err), 0);
        if (t.event == SPAWN_FAILED)
            print_error("step %s: %s\n", t.err.step, t.err.text);
        assert_int_equal(t.event, SPAWN_STARTED);
        assert_true(t.spawn.terminal_fd >= 0);
        while ((n = read(t.spawn.terminal_fd, said + length, sizeof(said) - 1 - length)) > 0)
            length += (size_t)n;
        assert_string_equal(said, "31 97\r\n/dev/pts/0\r\n");
        assert_int_equal(trial_read(&t), 0);
        assert_int_equal(t.exit.status, 3);
        assert_int_equal(spawn_reap(&t.spawn, false, NULL), 0);
        spawn_close(&t.spawn);
    }
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void messages_go_whole_or_not(void **state)
{
    struct message sent = { .kind = MESSAGE_FAILED }, got;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(message_receive(pair[1], false, &got), -EAGAIN);
    err_refuse(&sent.err, EPERM, "a sentence");
    assert_int_equal(message_send(pair[0], &sent), 0);
    assert_int_equal(message_receive(pair[1], true, &got), 1);
    assert_int_equal(got.kind, MESSAGE_FAILED);
    assert_string_equal(got.err.text, "a sentence");
    assert_int_equal(got.n_fds, 0);

    sent = (struct message){ .kind = MESSAGE_STARTED, .fds = { pair[0], pair[1] }, .n_fds = 2 };
    assert_int_equal(message_send(pair[0], &sent), 0);
    assert_int_equal(message_receive(pair[1], true, &got), 1);
    assert_int_equal(got.n_fds, 2);
    assert_int_equal(fcntl(got.fds[0], F_GETFD), FD_CLOEXEC);
    close(got.fds[0]);
    close(got.fds[1]);

    sent.kind = MESSAGE_EXITED;
    assert_int_equal(send(pair[0], &sent.kind, sizeof(sent.kind), 0), sizeof(sent.kind));
    assert_int_equal(message_receive(pair[1], true, &got), -EBADMSG);
    close(pair[0]);
    assert_int_equal(message_receive(pair[1], true, &got), 0);
    close(pair[1]);
}

static void what_comes_later_is_taken_whole(void **state)
{
    const struct spawn_rlimit rlimits[] = { { .resource = 7, .soft = 64, .hard = 128 } };
    char name[] = "memory";
    struct spawn_cgroup_mount mounts[] = {
        { .version = 2, .target = "unified" },
        { .version = 1, .options = name, .target = name },
    };
    const struct spawn_options begun = { .later = true, .enter_pidfd = -1 };
    struct spawn_options known = { .rlimits = rlimits,
                                   .n_rlimits = 1,
                                   .cgroup_mounts = mounts,
                                   .n_cgroup_mounts = 2,
                                   .no_user_namespaces = true };
    struct later later;
    struct launch launch = { .options = &begun, .later = &later };
    struct err err = ERR_INIT;
    struct spawn spawn;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    spawn.channel_fd = pair[0];
    launch.channel_fd = pair[1];
    assert_int_equal(spawn_tell(&spawn, &known, &err), 0);
    memset(name, 'x', strlen(name)); /* what was told is a copy */
    assert_int_equal(later_await(&launch, &err), 0);
    assert_true(launch.options->no_user_namespaces);
    assert_int_equal(launch.options->enter_pidfd, -1);
    assert_int_equal(launch.options->n_rlimits, 1);
    assert_int_equal(launch.options->rlimits[0].hard, 128);
    assert_int_equal(launch.options->n_cgroup_mounts, 2);
    assert_null(launch.options->cgroup_mounts[0].options);
    assert_string_equal(launch.options->cgroup_mounts[1].options, "memory");
    assert_string_equal(launch.options->cgroup_mounts[1].target, "memory");
    assert_int_equal(later_await(&launch, &err), 0); /* once is enough */

    launch.options = &begun;
    assert_int_equal(send(pair[0], &later, offsetof(struct later, mounts) + 1, 0),
                     offsetof(struct later, mounts) + 1);
    assert_int_equal(later_await(&launch, &err), -EBADMSG);
    char long_name[LATER_NAME_MAX + 1];
    memset(long_name, 'x', LATER_NAME_MAX);
    long_name[LATER_NAME_MAX] = '\0';
    mounts[1].options = long_name;
    assert_int_equal(spawn_tell(&spawn, &known, &err), -ENAMETOOLONG);
    close(pair[0]);
    assert_int_equal(later_await(&launch, &err), -EPIPE);
    close(pair[1]);
}

/* The box fails while the supervisor already tells it to go on. */
static void last_words_are_heard(void **state)
{
    struct message sent = { .kind = MESSAGE_FAILED }, got;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    err_set(&sent.err, EIO, "last words");
    assert_int_equal(message_send(pair[0], &sent), 0);
    sent.kind = MESSAGE_MAPPED;
    assert_int_equal(message_send(pair[1], &sent), 0);
    close(pair[0]);
    assert_int_equal(message_receive(pair[1], true, &got), 1);
    assert_string_equal(got.err.text, "last words");
    assert_int_equal(message_receive(pair[1], true, &got), 0);
    assert_int_equal(message_send(pair[1], &sent), -EPIPE);
    close(pair[1]);
}

static void attributes_as_flags(void **state)
{
    (void)state;
    assert_int_equal(attr_to_flags(0), 0);
    assert_int_equal(attr_to_flags(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID), MS_RDONLY | MS_NOSUID);
    assert_int_equal(attr_to_flags(MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW),
                     MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_exit_status),
        cmocka_unit_test(tells_signal),
        cmocka_unit_test(counts_the_time_of_children),
        cmocka_unit_test(command_is_process_2_and_1),
        cmocka_unit_test(orphans_are_reaped),
        cmocka_unit_test(nothing_outlives_command),
        cmocka_unit_test(missing_program),
        cmocka_unit_test(unusable_program),
        cmocka_unit_test(failures_name_the_step_and_option),
        cmocka_unit_test(no_command),
        cmocka_unit_test(stdio_may_be_in_each_others_place),
        cmocka_unit_test(no_other_file_is_inherited),
        cmocka_unit_test(a_directory_is_no_stdin_of_a_root),
        cmocka_unit_test(signals_are_reset),
        cmocka_unit_test(umask_is_ours_or_asked_for),
        cmocka_unit_test(rlimits_are_set),
        cmocka_unit_test(bounding_set_and_no_new_privs),
        cmocka_unit_test(names_are_its_own),
        cmocka_unit_test(path_is_the_runs_own),
        cmocka_unit_test(mounts_are_inside_only),
        cmocka_unit_test(masks_hide),
        cmocka_unit_test(links_in_the_root_are_refused),
        cmocka_unit_test(targets_are_made_in_the_root),
        cmocka_unit_test(user_files_are_not_trusted),
        cmocka_unit_test(can_be_signalled),
        cmocka_unit_test(a_killed_box_is_told),
        cmocka_unit_test(reap_kills_what_has_not_begun),
        cmocka_unit_test(nothing_outlives_the_supervisor),
        cmocka_unit_test(terminal_is_its_own),
        cmocka_unit_test(messages_go_whole_or_not),
        cmocka_unit_test(last_words_are_heard),
        cmocka_unit_test(what_comes_later_is_taken_whole),
        cmocka_unit_test(attributes_as_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
