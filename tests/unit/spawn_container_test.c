/*
 * spawn: what only containers have, without any namespace, so that anybody can run it: the gate, hooks, the
 * words for what cannot be executed, kept file descriptors. With namespaces: tests/kernel/70-spawn.t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

struct trial {
    struct spec spec;
    struct spawn_options options;
    struct spec_hook hook[2];
    struct spec_join join;
    char *argv[8];
    char *env[3];
    struct sockaddr_un address;
    struct spawn spawn;
    struct spawn_exit exit;
    enum spawn_event event;
    struct err err;
};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void trial_init(struct trial *t, const char *program, const char *script)
{
    uint64_t inheritable;

    *t = (struct trial){
        .spec = { .document = true, .caps = { .bounding = UINT64_MAX }, .cwd = text("/") },
        .options = { .stdio = { -1, -1, -1 },
                     .v2_fd = -1,
                     .gate_fd = -1,
                     .console_fd = -1,
                     .enter_pidfd = -1 },
        .argv = { text(program), text("-c"), text(script) },
        .env = { text("PATH=/usr/bin:/bin") },
    };
    sys_capget(&t->spec.caps.effective, &t->spec.caps.permitted, &inheritable);
    t->spec.argv = t->argv;
    t->spec.env = t->env;
    t->options.spec = &t->spec;
}

/* A gate that has no name in any directory: the kernel chooses one. */
static void trial_gate(struct trial *t)
{
    socklen_t size = sizeof(sa_family_t);

    t->address.sun_family = AF_UNIX;
    t->options.gate_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(t->options.gate_fd >= 0);
    assert_int_equal(bind(t->options.gate_fd, (struct sockaddr *)&t->address, size), 0);
    size = sizeof(t->address);
    assert_int_equal(getsockname(t->options.gate_fd, (struct sockaddr *)&t->address, &size), 0);
    t->address.sun_path[size - sizeof(sa_family_t)] = '\0';
    assert_int_equal(listen(t->options.gate_fd, 4), 0);
}

static int trial_connect(const struct trial *t)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(t->address.sun_path + 1));

    if (connect(fd, (const struct sockaddr *)&t->address, size) < 0)
        return fd_close(fd);
    return fd;
}

static void trial_next(struct trial *t)
{
    assert_int_equal(spawn_read(&t->spawn, true, &t->event, &t->exit, &t->err), 0);
}

static void trial_start(struct trial *t)
{
    const struct spawn_groups none = { .v2_fd = -1 };

    assert_int_equal(spawn_start(&t->options, &t->spawn, &t->err), 0);
    assert_int_equal(spawn_go(&t->spawn, &none, &t->err), 0);
    if (t->options.gate_fd >= 0)
        close(t->options.gate_fd);
}

static void trial_create(struct trial *t)
{
    trial_gate(t);
    trial_start(t);
    trial_next(t);
    if (t->event != SPAWN_CREATED)
        print_error("step %s: %s\n", t->err.step, t->err.text);
    assert_int_equal(t->event, SPAWN_CREATED);
    assert_int_equal(spawn_release(&t->spawn, &t->err), 0);
}

/* What COMMAND's process ended with, as a shell tells it. */
static int trial_end(struct trial *t)
{
    siginfo_t info = { 0 };

    assert_int_equal(sys_waitid(P_PIDFD, t->spawn.box_pidfd, &info, WEXITED, NULL), 0);
    spawn_close(&t->spawn);
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* ---- the gate ------------------------------------------------------------------------------------------ */

static void begins_once(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, "sh", "exit 7");
    trial_create(&t);
    /* Nobody of ours has to be there any more. */
    t.spawn.channel_fd = fd_close(t.spawn.channel_fd);
    close(trial_connect(&t)); /* says nothing */
    int first = trial_connect(&t), second = trial_connect(&t);
    assert_true(first >= 0 && second >= 0);
    assert_int_equal(spawn_begin(first, &t.err), 0);
    assert_int_equal(spawn_begin(second, &t.err), -ESRCH);
    assert_int_equal(trial_connect(&t), -1);
    assert_int_equal(trial_end(&t), 7);
    close(first);
    close(second);
}

static void tells_whoever_begins_it_why_not(void **state)
{
    char path[] = "/tmp/ration-spawn-XXXXXX";
    int fd = mkstemp(path);
    struct trial t;

    (void)state;
    assert_true(fd >= 0 && fchmod(fd, 0755) == 0 && write(fd, "neither\n", 8) == 8);
    close(fd);
    trial_init(&t, path, "");
    trial_create(&t);
    fd = trial_connect(&t);
    assert_int_equal(spawn_begin(fd, &t.err), -ENOEXEC);
    assert_non_null(strstr(t.err.text, "exec format error"));
    assert_string_equal(t.err.step, "exec");
    assert_int_equal(t.err.class, ERR_NOT_EXECUTABLE);
    assert_int_equal(trial_end(&t), 125);
    close(fd);
    unlink(path);
}

static void ends_with_its_creator(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, "sh", "exit 0");
    trial_gate(&t);
    trial_start(&t);
    trial_next(&t);
    assert_int_equal(t.event, SPAWN_CREATED);
    t.spawn.channel_fd = fd_close(t.spawn.channel_fd); /* as our end would close it */
    assert_int_equal(trial_end(&t), 125);
}

static void death_at_the_gate_is_a_failure(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, "sh", "exit 0");
    trial_gate(&t);
    trial_start(&t);
    trial_next(&t);
    assert_int_equal(sys_pidfd_send_signal(t.spawn.box_pidfd, SIGKILL), 0);
    trial_next(&t);
    assert_int_equal(t.event, SPAWN_FAILED);
    spawn_close(&t.spawn);
}

/* ---- hooks ------------------------------------------------------------------------------------------------ */

static int state_file(void)
{
    int fd = memfd_create("state", MFD_CLOEXEC);

    assert_int_equal(write(fd, "state\n", 6), 6);
    return fd;
}

static struct spec_hook hook_of(char **argv, const char *script)
{
    argv[0] = text("hook");
    argv[1] = text("-c");
    argv[2] = text(script);
    argv[3] = NULL;
    return (struct spec_hook){ .path = text("/bin/sh"), .argv = argv };
}

static void hook_ends_well_or_not(void **state)
{
    static const struct {
        const char *script, *words;
        uint64_t timeout_us;
        int r;
    } table[] = {
        { "read -r x; [ \"$x\" = state ]", NULL, 0, 0 },
        { "read -r x; [ \"$x\" = state ]", NULL, 5000000, 0 }, /* from its beginning again */
        { "[ \"$0\" = hook ] && [ -z \"$HOME\" ] && [ ! -e /proc/self/fd/3 ]", NULL, 0, 0 },
        { "exit 3", "ended with exit status 3", 0, -ECANCELED },
        { "kill -TERM $$", "was ended by signal 15", 0, -ECANCELED },
        { "sleep 100 & sleep 100", "did not end within its timeout of 100 ms", 100000, -ETIMEDOUT },
    };
    int fd = state_file();

    (void)state;
    setenv("HOME", "/", 1);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct err err = ERR_INIT;
        char *argv[4];
        struct spec_hook hook = hook_of(argv, table[i].script);

        hook.timeout_us = table[i].timeout_us;
        assert_int_equal(spawn_hook(&hook, fd, &err), table[i].r);
        if (table[i].words && !strstr(err.text, table[i].words))
            fail_msg("%s: %s", table[i].script, err.text);
    }
    struct spec_hook missing = { .path = text("/nosuch") };
    assert_int_equal(spawn_hook(&missing, fd, NULL), -ENOENT);
    close(fd);
}

/* The supervisor's hooks, the box's own, and its way into the groups: that one may come before or after. */
static void waits_for_hooks(void **state)
{
    const struct spawn_groups none = { .v2_fd = -1 };
    char *argv[2][4];

    (void)state;
    for (int before = 0; before < 2; before++) {
        struct trial t;
        int files[2] = { state_file(), state_file() };

        trial_init(&t, "sh", "exit 5");
        t.hook[0] = hook_of(argv[0], "read -r x; [ \"$x\" = state ]");
        t.hook[1] = hook_of(argv[1], "read -r x; [ \"$x\" = state ] || exit 4");
        t.spec.hooks[HOOK_CREATE_CONTAINER] = (struct spec_hooks){ &t.hook[0], 1 };
        t.spec.hooks[HOOK_START_CONTAINER] = (struct spec_hooks){ &t.hook[1], 1 };
        t.options.hooks = true;
        trial_gate(&t);
        assert_int_equal(spawn_start(&t.options, &t.spawn, &t.err), 0);
        if (before)
            assert_int_equal(spawn_go(&t.spawn, &none, &t.err), 0);
        trial_next(&t);
        assert_int_equal(t.event, SPAWN_READY);
        assert_int_equal(spawn_continue(&t.spawn, files[0], files[1], &t.err), 0);
        if (!before)
            assert_int_equal(spawn_go(&t.spawn, &none, &t.err), 0);
        trial_next(&t);
        assert_int_equal(t.event, SPAWN_CREATED);
        assert_int_equal(spawn_release(&t.spawn, &t.err), 0);
        int fd = trial_connect(&t);
        assert_int_equal(spawn_begin(fd, &t.err), 0);
        assert_int_equal(trial_end(&t), 5);
        close(fd);
        close(files[0]);
        close(files[1]);
        close(t.options.gate_fd);
    }
}

static void hooks_are_never_left_out(void **state)
{
    struct trial t;
    char *argv[4];

    (void)state;
    trial_init(&t, "sh", "exit 0");
    t.hook[0] = hook_of(argv, "exit 0");
    t.spec.hooks[HOOK_CREATE_CONTAINER] = (struct spec_hooks){ &t.hook[0], 1 };
    assert_true(spawn_start(&t.options, &t.spawn, &t.err) < 0);
    assert_non_null(strstr(t.err.text, "hooks"));
}

/* ---- what cannot be executed -------------------------------------------------------------------------- */

static void words_that_clients_know(void **state)
{
    static const struct {
        const char *program, *words;
        enum err_class class;
    } table[] = {
        { "nosuch-program", "exec: \"nosuch-program\": executable file not found in $PATH",
          ERR_NOT_FOUND },
        { "", "exec: \"\": executable file not found in $PATH", ERR_NOT_FOUND },
        { "/nosuch/program",
          "exec: \"/nosuch/program\": stat /nosuch/program: no such file or directory",
          ERR_NOT_FOUND },
        { "/etc/passwd", "exec: \"/etc/passwd\": permission denied", ERR_NOT_EXECUTABLE },
        { "/etc", "exec: \"/etc\": permission denied", ERR_NOT_EXECUTABLE },
        { "/proc/self/exe", "exec: \"/proc/self/exe\": permission denied", ERR_NOT_EXECUTABLE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct trial t;

        trial_init(&t, table[i].program, "");
        trial_start(&t);
        trial_next(&t);
        assert_int_equal(t.event, SPAWN_FAILED);
        assert_string_equal(t.err.text, table[i].words);
        assert_int_equal(t.err.class, table[i].class);
        assert_string_equal(t.err.step, "find");
        trial_end(&t);
    }
}

/* ---- namespaces -------------------------------------------------------------------------------------------- */

static void namespaces_are_looked_at(void **state)
{
    static const struct {
        const char *path, *words;
    } table[] = {
        { "/proc/self/ns/ipc", "is a namespace but not a network namespace" },
        { "/dev/null", "is not a namespace" },
        { "/nosuch", "No such file" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct trial t;

        trial_init(&t, "true", "");
        t.join = (struct spec_join){ CLONE_NEWNET, text(table[i].path) };
        t.spec.joins = &t.join;
        t.spec.n_joins = 1;
        assert_true(spawn_start(&t.options, &t.spawn, &t.err) < 0);
        assert_non_null(strstr(t.err.text, table[i].words));
        assert_int_equal(t.err.class, ERR_REFUSED);
    }
}

/* ---- file descriptors ----------------------------------------------------------------------------------------- */

/* A bit for each of the first 32 that are open. */
static unsigned open_ones(void)
{
    unsigned ret = 0;

    for (int fd = 0; fd < 32; fd++)
        ret |= fcntl(fd, F_GETFD) >= 0 ? 1u << fd : 0;
    return ret;
}

static void closes_all_but_some(void **state)
{
    static const struct {
        unsigned first;
        int keep[4];
        unsigned left;
    } table[] = {
        { 3, { -1, -1, -1, -1 }, 0x7 },
        { 3, { 9, 5, -1, 7 }, 0x7 | 1u << 5 | 1u << 7 | 1u << 9 },
        { 3, { 3, 4, 3, 19 }, 0x7 | 1u << 3 | 1u << 4 | 1u << 19 },
        { 6, { 4, 8, 8, 1 }, 0x3f | 1u << 8 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        int wait_status;
        pid_t pid = fork();

        if (pid == 0) {
            for (int fd = 0; fd < 20; fd++)
                fcntl(fd, F_GETFD) < 0 ? (void)open("/dev/null", O_RDONLY | O_CLOEXEC) : (void)0;
            if (descriptors_close_but(table[i].first, table[i].keep, ARRAY_SIZE(table[i].keep)) < 0)
                _exit(2);
            _exit(open_ones() == table[i].left ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &wait_status, 0), pid);
        assert_int_equal(wait_status, 0);
    }
}

static void ours_are_not_kept_for_others(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct trial t;

    (void)state;
    trial_init(&t, "true", "");
    t.options.n_preserved_fds = (unsigned)fd - 2;
    assert_true(spawn_start(&t.options, &t.spawn, &t.err) < 0);
    assert_non_null(strstr(t.err.text, "is not open"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_once),
        cmocka_unit_test(tells_whoever_begins_it_why_not),
        cmocka_unit_test(ends_with_its_creator),
        cmocka_unit_test(death_at_the_gate_is_a_failure),
        cmocka_unit_test(hook_ends_well_or_not),
        cmocka_unit_test(waits_for_hooks),
        cmocka_unit_test(hooks_are_never_left_out),
        cmocka_unit_test(words_that_clients_know),
        cmocka_unit_test(namespaces_are_looked_at),
        cmocka_unit_test(closes_all_but_some),
        cmocka_unit_test(ours_are_not_kept_for_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
