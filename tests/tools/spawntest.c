/*
 * spawntest: containers straight from the spawn room, for tests/kernel/70-spawn.t.
 *
 *   spawntest create ROOT GATE [OPTION...] -- COMMAND...   a container that waits at the socket GATE
 *   spawntest run ROOT [OPTION...] -- COMMAND...           one that does not wait; its exit status
 *   spawntest begin GATE                                   let it begin
 *   spawntest poke GATE                                    connect and say nothing
 *   spawntest enter PID [OPTION...] -- COMMAND...          a further process; its exit status
 *   spawntest hold ANYTHING                                stay
 *   spawntest console SOCKET                               wait for a terminal there, and show what it says
 *
 * Options: --join KIND=PATH  --without KIND  --hook POINT=PROGRAM  --timeout MS (of the hook before)
 *          --console SOCKET  --tty  --preserve N  --v2 DIRECTORY  --tasks FILE  --map FIRST  --uid UID
 *          --env NAME=VALUE  --cwd DIRECTORY  --abandon (go before the container is released)
 * PROTECT=1 in the environment: self_protect() first.
 * It prints "pid N", "created", and each hook that it runs itself. Errors: "CLASS: sentence", status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/spawn.h"
#include "sys/sys.h"

#define MANY         16
#define CAPABILITIES UINT64_C(0xa80425fb) /* what containers have by default */

struct test {
    struct spec spec;
    struct spawn_options options;
    struct spec_mount mounts[2];
    struct spec_join joins[MANY];
    struct spec_hook hooks[HOOK_POINT_COUNT][MANY];
    struct spec_hook *last_hook;
    struct spec_id_map map;
    char *env[MANY + 1];
    size_t n_env;
    int tasks_fds[MANY];
    struct spawn_groups groups;
    bool abandon;
};

static const struct {
    const char *name;
    uint64_t flag;
} kind_table[] = {
    { "user", CLONE_NEWUSER }, { "pid", CLONE_NEWPID },       { "net", CLONE_NEWNET },
    { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },       { "mnt", CLONE_NEWNS },
    { "time", CLONE_NEWTIME }, { "cgroup", CLONE_NEWCGROUP },
};

static const char *const point_table[HOOK_POINT_COUNT] = {
    [HOOK_PRESTART] = "prestart",
    [HOOK_CREATE_RUNTIME] = "createRuntime",
    [HOOK_CREATE_CONTAINER] = "createContainer",
    [HOOK_START_CONTAINER] = "startContainer",
    [HOOK_POSTSTART] = "poststart",
    [HOOK_POSTSTOP] = "poststop",
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "spawntest: %s: %m\n", what);
    exit(99);
}

static _Noreturn void fail(const struct err *err)
{
    static const char *const class_table[] = {
        [ERR_FAILED] = "failed",       [ERR_REFUSED] = "refused",
        [ERR_USAGE] = "usage",         [ERR_NOT_EXECUTABLE] = "not executable",
        [ERR_NOT_FOUND] = "not found",
    };

    fprintf(stderr, "%s: %s\n", class_table[err->class], err->text);
    exit(1);
}

/* ---- options ------------------------------------------------------------------------------------------- */

static uint64_t kind(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (strlen(kind_table[i].name) == len && strncmp(kind_table[i].name, name, len) == 0)
            return kind_table[i].flag;
    }
    errno = EINVAL;
    die(name);
}

static void add_join(struct test *test, char *value)
{
    char *path = strchr(value, '=') + 1;
    uint64_t flag = kind(value, (size_t)(path - 1 - value));

    test->spec.joins = test->joins;
    test->joins[test->spec.n_joins++] = (struct spec_join){ .flag = flag, .path = path };
    test->spec.namespaces &= ~flag;
}

static void add_hook(struct test *test, char *value)
{
    char *path = strchr(value, '=') + 1;

    for (size_t i = 0; i < HOOK_POINT_COUNT; i++) {
        struct spec_hooks *hooks = &test->spec.hooks[i];

        if (strncmp(point_table[i], value, (size_t)(path - 1 - value)) != 0)
            continue;
        hooks->hooks = test->hooks[i];
        test->last_hook = &test->hooks[i][hooks->n++];
        test->last_hook->path = path;
        test->options.hooks = true;
        return;
    }
    errno = EINVAL;
    die(value);
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un ret = { .sun_family = AF_UNIX };

    snprintf(ret.sun_path, sizeof(ret.sun_path), "%s", path);
    return ret;
}

static int connect_to(const char *path, int type)
{
    struct sockaddr_un to = address(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die(path);
    return fd;
}

static int listen_at(const char *path, int type)
{
    struct sockaddr_un at = address(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4) < 0)
        die(path);
    return fd;
}

static void set_map(struct test *test, const char *value)
{
    struct spec *spec = &test->spec;

    test->map = (struct spec_id_map){ 0, (uint32_t)strtoul(value, NULL, 10), 65536 };
    spec->uid_maps = spec->gid_maps = &test->map;
    spec->n_uid_maps = spec->n_gid_maps = 1;
    spec->namespaces |= CLONE_NEWUSER;
}

static void set_v2(struct test *test, const char *value)
{
    int fd = open(value, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        die(value);
    test->options.v2_fd = test->groups.v2_fd = fd;
}

static void add_tasks(struct test *test, const char *value)
{
    int fd = open(value, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        die(value);
    test->tasks_fds[test->groups.n_tasks_fds++] = fd;
}

/* One option; its value is used up when it has one. */
static int option_take(struct test *test, const char *name, char *value)
{
    if (strcmp(name, "--tty") == 0)
        return test->spec.tty = true, 0;
    if (strcmp(name, "--abandon") == 0)
        return test->abandon = true, 0;
    if (strcmp(name, "--join") == 0)
        add_join(test, value);
    else if (strcmp(name, "--without") == 0)
        test->spec.namespaces &= ~kind(value, strlen(value));
    else if (strcmp(name, "--hook") == 0)
        add_hook(test, value);
    else if (strcmp(name, "--timeout") == 0)
        test->last_hook->timeout_us = strtoull(value, NULL, 10) * 1000;
    else if (strcmp(name, "--console") == 0)
        test->options.console_fd = connect_to(value, SOCK_STREAM);
    else if (strcmp(name, "--preserve") == 0)
        test->options.n_preserved_fds = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--v2") == 0)
        set_v2(test, value);
    else if (strcmp(name, "--tasks") == 0)
        add_tasks(test, value);
    else if (strcmp(name, "--map") == 0)
        set_map(test, value);
    else if (strcmp(name, "--uid") == 0)
        test->spec.uid = test->spec.gid = (uid_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--env") == 0)
        test->env[test->n_env++] = value;
    else if (strcmp(name, "--cwd") == 0)
        test->spec.cwd = value;
    else {
        errno = EINVAL;
        die(name);
    }
    return 1;
}

static void options_take(struct test *test, char **argv)
{
    while (*argv && strcmp(*argv, "--") != 0)
        argv += 1 + option_take(test, argv[0], argv[1]);
    if (*argv)
        argv++;
    test->spec.argv = argv;
}

static void test_init(struct test *test)
{
    *test = (struct test){
        .spec = { .document = true,
                  .namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                                CLONE_NEWNET | CLONE_NEWCGROUP,
                  .identity_set = true,
                  .caps = { CAPABILITIES, CAPABILITIES, CAPABILITIES, 0, 0 },
                  .cwd = (char[]){ "/" } },
        .options = { .stdio = { 0, 1, 2 },
                     .v2_fd = -1,
                     .gate_fd = -1,
                     .console_fd = -1,
                     .enter_pidfd = -1 },
        .groups = { .v2_fd = -1 },
    };
    test->spec.env = test->env;
    test->spec.mounts = test->mounts;
    test->options.spec = &test->spec;
    test->groups.tasks_fds = test->tasks_fds;
    test->env[test->n_env++] = (char[]){ "PATH=/bin" };
}

static void add_mount(struct test *test, const char *fstype, const char *target, const char *data)
{
    test->mounts[test->spec.n_mounts++] = (struct spec_mount){
        .kind = MOUNT_FILESYSTEM,
        .fstype = (char *)(uintptr_t)fstype,
        .target = (char *)(uintptr_t)target,
        .data = (char *)(uintptr_t)data,
        .make_target = true,
    };
}

/* ---- a container ------------------------------------------------------------------------------------------ */

static int state_file(const char *text)
{
    int fd = memfd_create("state", MFD_CLOEXEC);

    if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
        die("memfd_create");
    return fd;
}

static int run_hooks(const struct test *test, enum hook_point point, struct err *err)
{
    const struct spec_hooks *hooks = &test->spec.hooks[point];
    int fd = state_file("{\"status\":\"creating\"}\n");
    int r = 0;

    for (size_t i = 0; i < hooks->n && r >= 0; i++) {
        printf("%s\n", point_table[point]);
        fflush(stdout);
        r = spawn_hook(&hooks->hooks[i], fd, err);
    }
    close(fd);
    return r;
}

static int at_ready(const struct test *test, struct spawn *spawn, struct err *err)
{
    int r = run_hooks(test, HOOK_PRESTART, err);

    if (r >= 0)
        r = run_hooks(test, HOOK_CREATE_RUNTIME, err);
    if (r < 0)
        return r;
    return spawn_continue(spawn, state_file("{\"status\":\"creating\"}\n"),
                          state_file("{\"status\":\"created\"}\n"), err);
}

static int command_wait(struct spawn *spawn)
{
    struct spawn_exit exit = { 0 };
    struct err err = ERR_INIT;
    enum spawn_event event;

    do {
        if (spawn_read(spawn, true, &event, &exit, &err) < 0)
            fail(&err);
        if (event == SPAWN_FAILED) {
            spawn_reap(spawn, false, NULL);
            fail(&err);
        }
    } while (event != SPAWN_EXITED);
    spawn_reap(spawn, false, NULL);
    return exit.exited ? exit.status : 128 + exit.status;
}

static int container_start(struct test *test, struct spawn *spawn, struct err *err)
{
    int r;

    add_mount(test, "proc", "/proc", NULL);
    if (test->spec.tty)
        add_mount(test, "devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620");
    r = spawn_start(&test->options, spawn, err);
    if (r < 0)
        return r;
    printf("pid %d\n", (int)spawn->box_pid);
    fflush(stdout);
    return spawn_go(spawn, &test->groups, err);
}

static int container_run(struct test *test)
{
    struct spawn spawn;
    struct err err = ERR_INIT;

    if (container_start(test, &spawn, &err) < 0)
        fail(&err);
    return command_wait(&spawn);
}

static int container_create(struct test *test, const char *gate)
{
    struct spawn spawn;
    struct spawn_exit exit;
    struct err err = ERR_INIT;
    enum spawn_event event = SPAWN_NOTHING;
    int r;

    test->options.gate_fd = listen_at(gate, SOCK_SEQPACKET);
    r = container_start(test, &spawn, &err);
    while (r >= 0 && event != SPAWN_CREATED && event != SPAWN_FAILED) {
        r = spawn_read(&spawn, true, &event, &exit, &err);
        if (r >= 0 && event == SPAWN_READY)
            r = at_ready(test, &spawn, &err);
    }
    if (r < 0 || event == SPAWN_FAILED) {
        if (spawn.box_pid > 0)
            spawn_reap(&spawn, true, NULL);
        fail(&err);
    }
    if (test->abandon)
        return 0;
    if (spawn_release(&spawn, &err) < 0)
        fail(&err);
    printf("created\n");
    spawn_close(&spawn);
    return 0;
}

static int enter(struct test *test, pid_t pid)
{
    struct err err = ERR_INIT;
    struct spawn spawn;

    test->options.enter_pidfd = sys_pidfd_open(pid, 0);
    if (test->options.enter_pidfd < 0)
        die("pidfd_open");
    if (spawn_enter(&test->options, &test->groups, &spawn, &err) < 0)
        fail(&err);
    return command_wait(&spawn);
}

/* Two minutes at most, for whoever wants to look at our program while it is executed. */
static int hold(void)
{
    return (int)sleep(120);
}

static int begin(const char *gate)
{
    struct err err = ERR_INIT;

    if (spawn_begin(connect_to(gate, SOCK_SEQPACKET), &err) < 0)
        fail(&err);
    return 0;
}

/* ---- the other end of a console socket ---------------------------------------------------------------------- */

static int console(const char *path)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    char name[64] = "", text[512];
    struct iovec part = { name, sizeof(name) - 1 };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    int fd = accept(listen_at(path, SOCK_STREAM), NULL, NULL);
    ssize_t n;
    int master;

    if (fd < 0 || recvmsg(fd, &header, 0) <= 0 || !CMSG_FIRSTHDR(&header))
        die("no terminal came");
    memcpy(&master, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(master));
    printf("name %s\n", name);
    while ((n = read(master, text, sizeof(text))) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    return 0;
}

int main(int argc, char **given)
{
    static struct test test;
    char **argv = NULL; /* a copy: the box wipes what it was called with */
    const char *verb;

    if (getenv("PROTECT")) {
        struct err err = ERR_INIT;

        if (self_protect(given, &err) < 0)
            fail(&err);
    }
    if (strv_copy(given, &argv) < 0)
        die("strv_copy");
    verb = argc > 2 ? argv[1] : "";
    test_init(&test);
    test.spec.rootfs = argc > 2 ? argv[2] : NULL;
    if (strcmp(verb, "begin") == 0)
        return begin(argv[2]);
    if (strcmp(verb, "poke") == 0)
        return close(connect_to(argv[2], SOCK_SEQPACKET));
    if (strcmp(verb, "hold") == 0)
        return hold();
    if (strcmp(verb, "console") == 0)
        return console(argv[2]);
    if (strcmp(verb, "enter") == 0) {
        options_take(&test, argv + 3);
        test.spec.rootfs = (char[]){ "/" };
        return enter(&test, (pid_t)strtol(argv[2], NULL, 10));
    }
    if (strcmp(verb, "run") == 0) {
        options_take(&test, argv + 3);
        return container_run(&test);
    }
    if (strcmp(verb, "create") != 0 || argc < 5)
        return fputs("usage: see the source\n", stderr), 2;
    options_take(&test, argv + 4);
    return container_create(&test, argv[3]);
}
