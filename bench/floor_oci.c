/*
 * floor-oci - the least that an OCI container can cost: the document of bench/bundle.py written straight in
 * system calls, without reading it, without a record by which a killed call is undone, without reporting
 * errors to anybody. The container's process is made in its v2 group and makes the mounts while the launcher
 * makes the other groups and writes the limits, on two levels, each read back.
 *
 *   floor-oci run ID                  the whole life of a container
 *   floor-oci create|start|delete ID  the same in three calls; the process waits at a socket between them
 *   floor-oci exec ID PROGRAM...      a further process, in the container whose first one is --pid
 *
 *   --rootfs DIR --files DIR --filter FILE --group NAME --state DIR --pid-file FILE --pid N
 *
 * --filter: the instructions of the system call filter, ready to be loaded. All v1 hierarchies that are there
 * are used, and the unified one beside them; a machine that has only that one is none for this program.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/clone3.h"
#include "bench/floor_oci.h"

#define INSTRUCTIONS_MAX 4096

static struct sock_filter instructions[INSTRUCTIONS_MAX];
static struct sock_fprog filter = { .filter = instructions };

/* Podman's eleven. */
static const uint64_t kept_capabilities =
    1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |
    1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_SETFCAP | 1ull << CAP_SETGID |
    1ull << CAP_SETPCAP | 1ull << CAP_SETUID | 1ull << CAP_SYS_CHROOT;

__attribute__((noreturn)) void oci_fail(const char *what)
{
    dprintf(STDERR_FILENO, "floor-oci: %s: %s\n", what, strerror(errno));
    _exit(125);
}

void oci_must(long result, const char *what)
{
    if (result < 0)
        oci_fail(what);
}

static void filter_read(const struct oci *oci)
{
    ssize_t n;
    int fd;

    if (!oci->filter)
        return;
    fd = open(oci->filter, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, instructions, sizeof(instructions));
    oci_must(n, oci->filter);
    filter.len = (unsigned short)((size_t)n / sizeof(instructions[0]));
}

/* ---- the container's process -------------------------------------------------------------------------- */

static void enter_network(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    oci_must(fd, "socket");
    oci_must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
}

static void enter_bounding_set(void)
{
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (!(kept_capabilities & 1ull << cap) && prctl(PR_CAPBSET_DROP, cap) < 0) {
            if (errno != EINVAL) /* the first that the kernel does not know */
                oci_fail("bounding set");
            return;
        }
    }
}

static __attribute__((noreturn)) void become(char *const *argv, char *const *env)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { 0 };

    for (unsigned i = 0; i < COUNT(data); i++)
        data[i].effective = data[i].permitted = (uint32_t)(kept_capabilities >> (32 * i));
    oci_must(syscall(SYS_setgroups, 0, NULL), "setgroups");
    oci_must(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC), "close_range");
    if (filter.len > 0)
        oci_must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
    oci_must(syscall(SYS_capset, &header, data), "capset");
    execve(argv[0], argv, env);
    oci_fail(argv[0]);
}

static char *const container_env[] = {
    (char[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    (char[]){ "TERM=xterm" },
    (char[]){ "HOSTNAME=bench" },
    NULL,
};

static __attribute__((noreturn)) void container_process(struct oci *oci)
{
    char go;

    oci_must(sethostname("bench", 5), "sethostname");
    enter_network();
    oci_mounts_make(oci);
    oci_must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "keyring");
    enter_bounding_set();
    oci_must(prctl(PR_SET_DUMPABLE, 0), "not dumpable");
    if (read(oci->channel[1], &go, 1) != 1)
        _exit(125);
    oci_groups_join(oci);
    oci_must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
    oci_mounts_show_groups(oci);
    oci_must(setsid(), "setsid");
    if (oci->gate_fd >= 0) {
        int fd;

        if (write(oci->channel[1], &go, 1) != 1)
            _exit(125);
        close(oci->channel[1]);
        fd = accept4(oci->gate_fd, NULL, NULL, SOCK_CLOEXEC);
        oci_must(fd, "accept");
        if (read(fd, &go, 1) != 1)
            _exit(125);
    }
    become(oci->argv, container_env);
}

/* ---- create ---------------------------------------------------------------------------------------------- */

static void address_make(const struct oci *oci, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s.gate", oci->state, oci->id);
}

static void gate_open(struct oci *oci)
{
    struct sockaddr_un address;

    address_make(oci, &address);
    oci->gate_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    oci_must(oci->gate_fd, "socket");
    oci_must(bind(oci->gate_fd, (struct sockaddr *)&address, sizeof(address)), "bind");
    oci_must(listen(oci->gate_fd, 1), "listen");
}

static void file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    oci_must(fd, path);
    oci_must(write(fd, text, strlen(text)), path);
    close(fd);
}

static void record_path(const struct oci *oci, char ret[static 256])
{
    snprintf(ret, 256, "%s/%s.pid", oci->state, oci->id);
}

static pid_t container_make(struct oci *oci)
{
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
                 CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    filter_read(oci);
    oci_groups_open(oci);
    args.cgroup = (__u64)oci_groups_make_unified(oci);
    oci_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, oci->channel), "socketpair");
    pid = clone3_copy(&args);
    oci_must(pid, "clone3");
    if (pid == 0)
        container_process(oci);
    close(oci->channel[1]);
    oci_groups_make(oci);
    oci_must(write(oci->channel[0], "", 1), "go");
    return pid;
}

static int verb_run(struct oci *oci)
{
    int status;
    pid_t pid = container_make(oci);

    oci_must(waitpid(pid, &status, 0), "waitpid");
    oci_groups_remove(oci);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int verb_create(struct oci *oci)
{
    char path[256], text[16], done;
    pid_t pid;

    gate_open(oci);
    pid = container_make(oci);
    if (read(oci->channel[0], &done, 1) != 1)
        return 125;
    snprintf(text, sizeof(text), "%d", (int)pid);
    record_path(oci, path);
    file_write(path, text);
    if (oci->pid_file)
        file_write(oci->pid_file, text);
    return 0;
}

/* ---- start, delete, exec ------------------------------------------------------------------------------------ */

static int verb_start(struct oci *oci)
{
    struct sockaddr_un address;
    char byte;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    address_make(oci, &address);
    oci_must(fd, "socket");
    oci_must(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
    oci_must(unlink(address.sun_path), "unlink");
    oci_must(write(fd, "", 1), "begin");
    return read(fd, &byte, 1) == 0 ? 0 : 125; /* closed by exec */
}

static int verb_delete(struct oci *oci)
{
    char path[256], text[16] = "";
    int fd, pidfd;

    record_path(oci, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    oci_must(fd, path);
    oci_must(read(fd, text, sizeof(text) - 1), path);
    pidfd = (int)syscall(SYS_pidfd_open, atoi(text), 0);
    if (pidfd >= 0) {
        errno = EBUSY;
        oci_fail("it runs");
    }
    oci_groups_open(oci);
    oci_groups_remove(oci);
    oci_must(unlink(path), path);
    return 0;
}

struct entering {
    struct oci *oci;
    int pidfd;
};

static void exec_process(void *arg)
{
    const struct entering *entering = arg;

    oci_groups_join(entering->oci);
    oci_must(setns(entering->pidfd,
                   CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP),
             "setns");
    oci_must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "keyring");
    oci_must(setsid(), "setsid");
    enter_bounding_set();
    become(entering->oci->argv, container_env);
}

/* The process borrows our memory until it executes its program: nothing is copied. */
static int verb_exec(struct oci *oci)
{
    struct entering entering = { .oci = oci };
    struct clone_args args = { .flags = CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP,
                               .exit_signal = SIGCHLD };
    int status;
    pid_t pid;

    filter_read(oci);
    oci_groups_open(oci);
    args.cgroup = (__u64)oci_groups_find(oci);
    entering.pidfd = (int)syscall(SYS_pidfd_open, oci->pid, 0);
    oci_must(entering.pidfd, "pidfd_open");
    oci_must(setns(entering.pidfd, CLONE_NEWPID), "setns");
    pid = clone3_borrow(&args, exec_process, &entering);
    oci_must(pid, "clone3");
    oci_must(waitpid(pid, &status, 0), "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    int (*run)(struct oci *oci);
} verb_table[] = {
    { "run", verb_run },       { "create", verb_create }, { "start", verb_start },
    { "delete", verb_delete }, { "exec", verb_exec },
};

static void option_take(struct oci *oci, int which)
{
    const char **const text_table[] = { &oci->rootfs, &oci->files, &oci->filter,
                                        &oci->group,  &oci->state, &oci->pid_file };

    if (which < (int)COUNT(text_table))
        *text_table[which] = optarg;
    else
        oci->pid = atoi(optarg);
}

static void options_take(struct oci *oci, int argc, char **argv)
{
    static const struct option option_table[] = {
        { "rootfs", required_argument, NULL, 0 }, { "files", required_argument, NULL, 1 },
        { "filter", required_argument, NULL, 2 }, { "group", required_argument, NULL, 3 },
        { "state", required_argument, NULL, 4 },  { "pid-file", required_argument, NULL, 5 },
        { "pid", required_argument, NULL, 6 },    { NULL, 0, NULL, 0 },
    };
    int which;

    while ((which = getopt_long(argc, argv, "+", option_table, NULL)) != -1) {
        if (which == '?')
            _exit(2);
        option_take(oci, which);
    }
}

static char *default_argv[] = { (char[]){ "/bin/bench-payload" }, NULL };

int main(int argc, char **argv)
{
    struct oci oci = { .gate_fd = -1, .argv = default_argv };
    const char *verb;

    options_take(&oci, argc, argv);
    verb = optind < argc ? argv[optind++] : "";
    options_take(&oci, argc, argv);
    oci.id = optind < argc ? argv[optind++] : "";
    if (optind < argc)
        oci.argv = argv + optind;
    for (size_t i = 0; i < COUNT(verb_table); i++) {
        if (*oci.id && strcmp(verb, verb_table[i].name) == 0)
            return verb_table[i].run(&oci);
    }
    dprintf(STDERR_FILENO,
            "floor-oci: usage: floor-oci [options] VERB [options] ID [PROGRAM...]\n");
    return 2;
}
