/*
 * fingerprint: prints everything by which a confined process could tell how well it is confined, one
 * fact a line, then "END", and waits for the end of its input (so that it can be looked at from outside
 * meanwhile). Two runs of the same options print the same, byte for byte: numbers that differ from run
 * to run (inodes, mount numbers, addresses) are left out. Exits 0, or 3 when a fact cannot be read.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <net/if.h>

extern char **environ;

static bool incomplete;

static void missing(const char *what)
{
    incomplete = true;
    printf("%s: cannot be read: %s\n", what, strerror(errno));
}

/* ---- files ------------------------------------------------------------------------------------- */

/* Calls fn for each line of a file, without its newline. */
static void each_line(const char *path, void (*fn)(char *line))
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    if (!file) {
        missing(path);
        return;
    }
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        fn(line);
    }
    free(line);
    fclose(file);
}

static void print_status(char *line)
{
    static const char *const key_table[] = {
        "Umask:",  "Uid:",    "Gid:",    "Groups:", "Threads:",     "SigBlk:",
        "SigIgn:", "SigCgt:", "CapInh:", "CapPrm:", "CapEff:",      "CapBnd:",
        "CapAmb:", "Seccomp", "NoNew",   "Cpus_al", "Mems_allowed", "TracerPid:",
    };

    for (size_t i = 0; i < sizeof(key_table) / sizeof(key_table[0]); i++) {
        if (strncmp(line, key_table[i], strlen(key_table[i])) == 0)
            printf("status %s\n", line);
    }
}

/* Mounts by where they are; those on the same place lie on each other, and keep their order. */
enum { MOUNTS_MAX = 1024 };
static struct mount {
    char target[256];
    char *line; /* owned */
    int index;
} mounts[MOUNTS_MAX];
static int n_mounts;

static int compare_mounts(const void *a, const void *b)
{
    const struct mount *first = a, *second = b;
    int order = strcmp(first->target, second->target);

    return order != 0 ? order : first->index - second->index;
}

static void keep_mount(char *line)
{
    if (n_mounts == MOUNTS_MAX ||
        sscanf(line, "%*s %*s %*s %*s %255s", mounts[n_mounts].target) != 1 ||
        !(mounts[n_mounts].line = strdup(line))) {
        errno = E2BIG;
        missing("a mount");
        return;
    }
    mounts[n_mounts].index = n_mounts;
    n_mounts++;
}

/*
 * Without the numbers of mount, parent, device and peer group. A device is a device, whichever file
 * system its node is from; those in /dev are told of by print_entry() and print_use() anyway.
 */
static void print_mount(char *line)
{
    char target[256] = "";
    struct stat st;

    if (sscanf(line, "%*s %*s %*s %*s %255s", target) == 1 && stat(target, &st) == 0 &&
        S_ISCHR(st.st_mode)) {
        if (strncmp(target, "/dev/", 5) != 0)
            printf("device %u:%u on %s\n", major(st.st_rdev), minor(st.st_rdev), target);
        return;
    }
    char *field = strtok(line, " ");
    printf("mount");
    for (int i = 0; field; i++, field = strtok(NULL, " ")) {
        char *colon = strchr(field, ':');
        if (i < 3)
            continue;
        if (colon && (strncmp(field, "shared:", 7) == 0 || strncmp(field, "master:", 7) == 0))
            *colon = '\0';
        printf(" %s", field);
    }
    printf("\n");
}

static void print_mounts(void)
{
    each_line("/proc/self/mountinfo", keep_mount);
    qsort(mounts, (size_t)n_mounts, sizeof(mounts[0]), compare_mounts);
    for (int i = 0; i < n_mounts; i++) {
        print_mount(mounts[i].line);
        free(mounts[i].line);
    }
}

static void print_plain(char *line)
{
    printf("  %s\n", line);
}

static void print_file(const char *path)
{
    printf("%s\n", path);
    each_line(path, print_plain);
}

/* The name before the colon: its figures count packets. */
static void print_interface(char *line)
{
    struct ifreq request = { 0 };
    char *colon = strchr(line, ':');
    const char *name = line + strspn(line, " ");

    if (!colon)
        return;
    *colon = '\0';
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    bool up =
        fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
    printf("interface %s %s\n", name, up ? "up" : "down");
    if (fd >= 0)
        close(fd);
}

/* ---- directories ------------------------------------------------------------------------------- */

static void print_entry(const char *path, const char *name)
{
    char full[512], target[512];
    struct stat st;

    snprintf(full, sizeof(full), "%s/%s", path, name); /* "//dev" is fine */
    if (lstat(full, &st) < 0) {
        missing(full);
        return;
    }
    printf("entry %s mode %o owner %u:%u", full, st.st_mode, st.st_uid, st.st_gid);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        printf(" device %u:%u", major(st.st_rdev), minor(st.st_rdev));
    ssize_t n = S_ISLNK(st.st_mode) ? readlink(full, target, sizeof(target) - 1) : -1;
    if (n >= 0) {
        target[n] = '\0';
        printf(" to %s", target);
    }
    printf("\n");
}

static int any_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void print_directory(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, any_entry, alphasort);

    if (n < 0) {
        printf("directory %s: %s\n", path, strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        print_entry(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* Can the usual devices be used? */
static void print_use(void)
{
    static const char *const device_table[] = { "/dev/null", "/dev/zero", "/dev/full",
                                                "/dev/urandom" };

    for (size_t i = 0; i < sizeof(device_table) / sizeof(device_table[0]); i++) {
        int fd = open(device_table[i], O_RDWR | O_CLOEXEC);
        printf("use %s: %s\n", device_table[i], fd < 0 ? strerror(errno) : "yes");
        if (fd >= 0)
            close(fd);
    }
}

/* Open files by what they are; a number at the end is an inode's. */
static void print_fds(void)
{
    char path[64], target[512];

    for (int fd = 0; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
            continue;
        target[n] = '\0';
        target[strcspn(target, ":#")] = '\0';
        printf("fd %d %s flags %x\n", fd, target, fcntl(fd, F_GETFL));
    }
}

/* ---- figures ----------------------------------------------------------------------------------- */

static void print_limits(void)
{
    struct rlimit limit;

    for (int i = 0; i < RLIM_NLIMITS; i++) {
        if (getrlimit((__rlimit_resource_t)i, &limit) < 0)
            missing("rlimit");
        else
            printf("rlimit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
                   (unsigned long long)limit.rlim_max);
    }
}

static void print_prctl(void)
{
    int death_signal = -1, reaper = -1;

    prctl(PR_GET_PDEATHSIG, &death_signal);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    printf("securebits %x dumpable %d no_new_privs %d death_signal %d reaper %d slack %d thp %d\n",
           (unsigned)prctl(PR_GET_SECUREBITS), prctl(PR_GET_DUMPABLE),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), death_signal, reaper, prctl(PR_GET_TIMERSLACK),
           prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

static void print_identity(void)
{
    struct utsname names;
    char directory[4096], keyring[256] = "";

    uname(&names);
    printf("host %s domain %s\n", names.nodename, names.domainname);
    printf("directory %s\n", getcwd(directory, sizeof(directory)) ? directory : "(none)");
    /* In a pid namespace of our own the numbers are small, and the same each time. */
    printf("pid %d parent %d leader %s session %s\n", getpid() < 10 ? getpid() : -1,
           getppid() < 10 ? getppid() : -1, getpgrp() == getpid() ? "yes" : "no",
           getsid(0) == getpid() ? "its own" : "another's");
    printf("personality %x policy %d nice %d ioprio %ld\n", (unsigned)personality(0xffffffff),
           sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, 1, 0));
    if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, keyring,
                sizeof(keyring) - 1) < 0)
        snprintf(keyring, sizeof(keyring), "(none)");
    printf("keyring %s\n", keyring);
    for (char **variable = environ; *variable; variable++)
        printf("env %s\n", *variable);
}

int main(void)
{
    char byte;

    each_line("/proc/self/status", print_status);
    print_identity();
    print_prctl();
    print_limits();
    print_fds();
    print_mounts();
    each_line("/proc/net/dev", print_interface);
    print_file("/proc/self/cgroup");
    print_file("/proc/self/uid_map");
    print_file("/proc/self/gid_map");
    print_file("/proc/self/setgroups");
    print_file("/proc/self/oom_score_adj");
    print_file("/proc/self/coredump_filter");
    print_file("/proc/sys/net/ipv4/ping_group_range");
    print_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    print_directory("/");
    print_directory("/dev");
    print_directory("/sys/fs/cgroup");
    print_use();
    printf("END\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0 || errno == EINTR)
        errno = 0;
    return incomplete ? 3 : 0;
}
