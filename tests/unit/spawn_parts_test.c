/* spawn: what of mounts and processes is computed, and the way of a filter's notify fd to its listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "sys/sys.h"

/* ---- pure ------------------------------------------------------------------------------------------------ */

static void options_become_flags(void **state)
{
    static const struct {
        const char *data, *rest;
        unsigned long flags;
    } table[] = {
        { NULL, "", 0 },
        { "", "", 0 },
        { "mode=755,size=1k", "mode=755,size=1k", 0 },
        { "sync", "", MS_SYNCHRONOUS },
        { "sync,mode=1,dirsync,x=sync", "mode=1,x=sync", MS_SYNCHRONOUS | MS_DIRSYNC },
        { "async,syncs,lazytime,", "syncs", MS_LAZYTIME },
        { ",,mand,,a", "a", MS_MANDLOCK },
    };
    char rest[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        unsigned long flags = 0;
        assert_int_equal(data_split(table[i].data, rest, sizeof(rest), &flags), 0);
        assert_string_equal(rest, table[i].rest);
        assert_int_equal(flags, table[i].flags);
    }
}

static void options_too_long_are_told(void **state)
{
    unsigned long flags = 0;
    char rest[9];

    (void)state;
    assert_int_equal(data_split("abc,defg", rest, sizeof(rest), &flags), 0);
    assert_string_equal(rest, "abc,defg");
    assert_int_equal(data_split("abc,defgh", rest, sizeof(rest), &flags), -E2BIG);
}

static void cpu_lists(void **state)
{
    static const char *const wrong[] = { "",    ",",   "1,",   "-1",  "1-",     "3-2", "a",
                                         "0 1", "1-a", "8192", "1;2", "1-8192", " 1" };
    struct cpu_mask mask;

    (void)state;
    assert_int_equal(cpu_list_parse("0-2,5,64", &mask), 0);
    assert_true(mask.bits[0] == 0x27);
    assert_true(mask.bits[1] == 1);
    assert_int_equal(cpu_list_parse("8191", &mask), 0);
    assert_true(mask.bits[0] == 0 && mask.bits[127] == UINT64_C(1) << 63);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(cpu_list_parse(wrong[i], &mask), -EINVAL);
}

static void contexts_and_names_of_initial_sids(void **state)
{
    static const char *const right[] = { "system_u:system_r:init_t:s0", "u:r:t", "u:r:t:s0:c1,c2" };
    static const char *const wrong[] = { "",     "kernel", "init",    "unconfined", "u:r", "u:r:",
                                         ":r:t", "u::t",   ":ns://p", "u:r::",      "_",   "::" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_true(label_is_context(right[i]));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(label_is_context(wrong[i]));
}

static void parameters_and_their_namespaces(void **state)
{
    (void)state;
    assert_true(sysctl_namespace("net/core/somaxconn") == CLONE_NEWNET);
    assert_true(sysctl_namespace("fs/mqueue/msg_max") == CLONE_NEWIPC);
    assert_true(sysctl_namespace("kernel/shmmax") == CLONE_NEWIPC);
    assert_true(sysctl_namespace("kernel/domainname") == CLONE_NEWUTS);
    assert_true(sysctl_namespace("net/") == 0);
    assert_true(sysctl_namespace("net") == 0);
    assert_true(sysctl_namespace("network/x") == 0);
    assert_true(sysctl_namespace("kernel/shmmax2") == 0);
    assert_true(sysctl_namespace("kernel/core_pattern") == 0);
    assert_true(sysctl_namespace("fs/file-max") == 0);
    assert_true(sysctl_namespace("") == 0);
}

/* ---- a listener -------------------------------------------------------------------------------------------- */

/* What came over the socket: the fd, and the document in text. */
static int listener_receive(int socket_fd, char *text, size_t size)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { text, size - 1 };
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof(control.space),
    };
    ssize_t n = recvmsg(socket_fd, &message, 0);
    int fd = -1;

    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(control.header.cmsg_type, SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
    return fd;
}

/* Answer the next call: it fails with an errno that it cannot have of itself. */
static pid_t listener_answer(int fd, int code)
{
    struct seccomp_notif call = { 0 };

    assert_int_equal(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call), 0);
    struct seccomp_notif_resp answer = { .id = call.id, .error = -code };
    assert_int_equal(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
    return (pid_t)call.pid;
}

static void a_listener_gets_the_notify_fd(void **state)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chdir, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { ARRAY_SIZE(filter), filter };
    char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
                     (char[]){ "cd /tmp 2>/dev/null && exit 1; exit 7" }, NULL };
    char *env[] = { (char[]){ "PATH=/usr/bin:/bin" }, NULL };
    struct spec spec = {
        .document = true,
        .argv = argv,
        .env = env,
        .cwd = (char[]){ "/" },
        .no_new_privs = true,
        .namespaces = CLONE_NEWPID | CLONE_NEWNS,
        .caps = { .bounding = UINT64_MAX },
    };
    const struct spawn_groups none = { .v2_fd = -1 };
    enum spawn_event event = SPAWN_NOTHING;
    struct spawn_exit end = { 0 };
    struct err err = ERR_INIT;
    struct spawn spawn;
    char text[256], wanted[64];
    int pair[2];

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct spawn_listener listener = { pair[1], "{\"pid\":", "}" };
    struct spawn_options options = {
        .spec = &spec,
        .stdio = { -1, -1, -1 },
        .v2_fd = -1,
        .gate_fd = -1,
        .console_fd = -1,
        .enter_pidfd = -1,
        .filter = &program,
        .filter_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER,
        .listener = &listener,
    };
    assert_int_equal(spawn_start(&options, &spawn, &err), 0);
    assert_int_equal(spawn_go(&spawn, &none, &err), 0);
    close(pair[1]);
    int fd = listener_receive(pair[0], text, sizeof(text));
    snprintf(wanted, sizeof(wanted), "{\"pid\":%d}", (int)spawn.box_pid);
    assert_string_equal(text, wanted);
    assert_int_equal(listener_answer(fd, EXDEV), spawn.box_pid);
    /* Nobody else has either end. */
    assert_int_equal(recv(pair[0], text, sizeof(text), 0), 0);
    while (event != SPAWN_EXITED && event != SPAWN_FAILED)
        assert_int_equal(spawn_read(&spawn, true, &event, &end, &err), 0);
    assert_int_equal(event, SPAWN_EXITED);
    assert_true(end.exited);
    assert_int_equal(end.status, 7);
    assert_int_equal(spawn_reap(&spawn, false, NULL), 0);
    spawn_close(&spawn);
    close(fd);
    close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_flags),
        cmocka_unit_test(options_too_long_are_told),
        cmocka_unit_test(cpu_lists),
        cmocka_unit_test(contexts_and_names_of_initial_sids),
        cmocka_unit_test(parameters_and_their_namespaces),
        cmocka_unit_test(a_listener_gets_the_notify_fd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
