/* sys: what the wrappers promise beyond the system call. Needs no privileges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"

/* ---- clone3 ------------------------------------------------------------------------------------ */

struct note {
    int seen;
    pid_t pid;
    const char *program;
};

static int write_note(void *arg)
{
    struct note *note = arg;
    volatile char room[4096];

    /* A child that used the parent's frames would be found out by the compiler's canary or by the
     * values below. */
    memset((void *)room, 0x5a, sizeof(room));
    note->seen = 41 + (room[17] == 0x5a);
    note->pid = getpid();
    return 7;
}

static int execute(void *arg)
{
    struct note *note = arg;
    char *argv[] = { (char *)(uintptr_t)note->program, NULL };
    char *env[] = { NULL };

    note->seen = 1;
    execve(note->program, argv, env);
    note->seen = errno;
    return 9;
}

static void vfork_shares_memory_and_comes_back(void **state)
{
    struct note note = { 0 };
    struct clone_args args = { .exit_signal = SIGCHLD };
    volatile uint64_t before = UINT64_C(0x1122334455667788);
    siginfo_t info = { 0 };
    struct rusage usage;
    pid_t pid;

    (void)state;
    for (int i = 0; i < 100; i++) {
        note = (struct note){ 0 };
        pid = sys_clone3_vfork(&args, write_note, &note);
        assert_true(pid > 0);
        assert_int_equal(note.seen, 42);
        assert_int_equal(note.pid, pid);
        assert_true(before == UINT64_C(0x1122334455667788));
        assert_int_equal(sys_waitid(P_PID, pid, &info, WEXITED, &usage), 0);
        assert_int_equal(info.si_code, CLD_EXITED);
        assert_int_equal(info.si_status, 7);
    }
    assert_int_equal(args.flags, 0);
}

static void vfork_sleeps_until_exec_or_failure(void **state)
{
    struct note note = { .program = "/bin/true" };
    struct clone_args args = { .exit_signal = SIGCHLD };
    siginfo_t info = { 0 };
    pid_t pid;

    (void)state;
    pid = sys_clone3_vfork(&args, execute, &note);
    assert_true(pid > 0);
    assert_int_equal(note.seen, 1);
    assert_int_equal(sys_waitid(P_PID, pid, &info, WEXITED, NULL), 0);
    assert_int_equal(info.si_status, 0);

    note.program = "/nonexistent/program";
    pid = sys_clone3_vfork(&args, execute, &note);
    assert_true(pid > 0);
    assert_int_equal(note.seen, ENOENT);
    assert_int_equal(sys_waitid(P_PID, pid, &info, WEXITED, NULL), 0);
    assert_int_equal(info.si_status, 9);
}

static void clone_tells_errors(void **state)
{
    struct note note = { 0 };
    struct clone_args args = { .exit_signal = SIGCHLD,
                               .flags = CLONE_INTO_CGROUP,
                               .cgroup = 4000000 };

    (void)state;
    assert_int_equal(sys_clone3_vfork(&args, write_note, &note), -EBADF);
    assert_int_equal(note.seen, 0);
    assert_int_equal(sys_clone3(&args, sizeof(args)), -EBADF);
}

static void clone_copies_memory(void **state)
{
    int pidfd = -1;
    struct clone_args args = {
        .exit_signal = SIGCHLD,
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
    };
    volatile int value = 1;
    siginfo_t info = { 0 };
    pid_t pid;

    (void)state;
    pid = sys_clone3(&args, sizeof(args));
    if (pid == 0) {
        value = 2;
        _exit(value);
    }
    assert_true(pid > 0);
    assert_int_equal(sys_pidfd_pid(pidfd), pid);
    assert_int_equal(sys_waitid(P_PIDFD, pidfd, &info, WEXITED, NULL), 0);
    assert_int_equal(info.si_status, 2);
    assert_int_equal(value, 1);
    assert_int_equal(sys_pidfd_pid(pidfd), -ESRCH);
    assert_int_equal(sys_pidfd_send_signal(pidfd, 0), -ESRCH);
    close(pidfd);
}

static void pidfd_pid_refuses_other_files(void **state)
{
    (void)state;
    assert_int_equal(sys_pidfd_pid(STDERR_FILENO), -EBADF);
    assert_int_equal(sys_pidfd_pid(4000000), -ENOENT);
}

/* ---- limits, fds, identity -------------------------------------------------------------------- */

static void prlimit_reads_and_writes(void **state)
{
    struct rlimit before, now, wanted;

    (void)state;
    assert_int_equal(sys_prlimit(0, RLIMIT_CORE, NULL, &before), 0);
    wanted = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    assert_int_equal(sys_prlimit(0, RLIMIT_CORE, &wanted, NULL), 0);
    assert_int_equal(sys_prlimit(0, RLIMIT_CORE, NULL, &now), 0);
    assert_true(now.rlim_cur == 0 && now.rlim_max == before.rlim_max);
    assert_int_equal(sys_prlimit(0, RLIMIT_CORE, &before, NULL), 0);
    assert_int_equal(sys_prlimit(0, 1000, NULL, &now), -EINVAL);
}

static void close_range_closes(void **state)
{
    int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int b = fcntl(a, F_DUPFD_CLOEXEC, 500);

    (void)state;
    assert_true(a >= 0 && b >= 500);
    assert_int_equal(sys_close_range((unsigned)b, (unsigned)b + 3, 0), 0);
    assert_int_equal(fcntl(b, F_GETFD), -1);
    assert_int_not_equal(fcntl(a, F_GETFD), -1);
    close(a);
}

static void capabilities_are_64_bit_masks(void **state)
{
    uint64_t effective, permitted, inheritable;
    char text[32] = "";
    int fd = open("/proc/sys/kernel/cap_last_cap", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sys_cap_last(), (int)strtol(text, NULL, 10));
    assert_int_equal(sys_capget(&effective, &permitted, &inheritable), 0);
    assert_true((effective & ~permitted) == 0);
    assert_true(permitted >> (sys_cap_last() + 1) == 0);
    assert_int_equal(sys_capset(effective, permitted, inheritable), 0);
    if (!(permitted & 1))
        assert_int_equal(sys_capset(effective | 1, permitted | 1, inheritable), -EPERM);
}

/* ---- paths --------------------------------------------------------------------------------------- */

static void openat2_stays_in_root(void **state)
{
    char dir[] = "/tmp/sys_test.XXXXXX";
    int root_fd, fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(root_fd >= 0);
    assert_int_equal(symlinkat("/etc", root_fd, "out"), 0);
    assert_int_equal(symlinkat("../../../../etc", root_fd, "up"), 0);
    assert_int_equal(symlinkat("in", root_fd, "link"), 0);
    assert_int_equal(mkdirat(root_fd, "in", 0700), 0);

    assert_int_equal(sys_openat2(root_fd, "out", O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT), -ENOENT);
    assert_int_equal(sys_openat2(root_fd, "up", O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT), -ENOENT);
    assert_int_equal(sys_openat2(root_fd, "up", O_PATH | O_CLOEXEC, 0, RESOLVE_BENEATH), -EXDEV);
    assert_int_equal(sys_openat2(root_fd, "link", O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS),
                     -ELOOP);
    fd = sys_openat2(root_fd, "link", O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
    assert_true(fd >= 0);
    close(fd);
    unlinkat(root_fd, "out", 0);
    unlinkat(root_fd, "up", 0);
    unlinkat(root_fd, "link", 0);
    unlinkat(root_fd, "in", AT_REMOVEDIR);
    close(root_fd);
    rmdir(dir);
}

static void getcwd_tells_the_length(void **state)
{
    char mine[4096], text[4096];
    int length;

    (void)state;
    assert_non_null(getcwd(mine, sizeof(mine)));
    length = sys_getcwd(text, sizeof(text));
    assert_int_equal(length, (int)strlen(mine) + 1);
    assert_string_equal(text, mine);
    assert_int_equal(sys_getcwd(text, 1), -ERANGE);
}

/* ---- terminals ------------------------------------------------------------------------------------ */

static void pty_peer_is_the_other_end(void **state)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    char text[16] = "";
    int slave;

    (void)state;
    assert_true(master >= 0);
    slave = sys_pty_peer(master, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(isatty(slave), 1);
    assert_int_equal(write(slave, "hello", 5), 5);
    assert_int_equal(read(master, text, sizeof(text)), 5);
    assert_string_equal(text, "hello");
    close(slave);
    close(master);
    assert_int_equal(sys_pty_peer(STDIN_FILENO, O_RDWR) < 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vfork_shares_memory_and_comes_back),
        cmocka_unit_test(vfork_sleeps_until_exec_or_failure),
        cmocka_unit_test(clone_tells_errors),
        cmocka_unit_test(clone_copies_memory),
        cmocka_unit_test(pidfd_pid_refuses_other_files),
        cmocka_unit_test(prlimit_reads_and_writes),
        cmocka_unit_test(close_range_closes),
        cmocka_unit_test(capabilities_are_64_bit_masks),
        cmocka_unit_test(openat2_stays_in_root),
        cmocka_unit_test(getcwd_tells_the_length),
        cmocka_unit_test(pty_peer_is_the_other_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
