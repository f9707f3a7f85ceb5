/*
 * sys: one thin wrapper per system call that libc lacks or that needs a fallback.
 *
 * Every function returns a result >= 0 or -errno; none allocates, logs or decides. All are safe in a
 * child that shares memory with its parent (raw system calls, no libc state).
 */
#pragma once

#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Processes ------------------------------------------------------------------------------------- */

/* clone3(2) that returns twice like fork; must not be used with CLONE_VM. */
pid_t sys_clone3(const struct clone_args *args, size_t size);
/*
 * clone3(2) with CLONE_VM|CLONE_VFORK added: runs fn(arg) in a child that borrows this process's memory
 * and stack and ends with fn's value as its exit status; the caller sleeps until the child executes a
 * program or ends. Nothing is copied, and what fn writes through arg is seen by the caller.
 * -ENOSYS on machines for which this is not written (see sys_has_vfork()).
 */
pid_t sys_clone3_vfork(const struct clone_args *args, int (*fn)(void *), void *arg);
bool sys_has_vfork(void);
int sys_pidfd_open(pid_t pid, unsigned flags);
/* The process number behind a pidfd, as fdinfo tells it; -ESRCH when it is gone. */
pid_t sys_pidfd_pid(int pidfd);
int sys_pidfd_send_signal(int pidfd, int signal);
/* waitid(2) with its fifth argument, the usage of the process waited for. */
int sys_waitid(int type, int id, siginfo_t *ret_info, int options, struct rusage *ret_usage);
int sys_prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *ret_old);
int sys_setns(int fd, int flags);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
/* Back to the default action, also for the two signals that libc keeps from its own sigaction(). */
int sys_signal_default(int signal);
/* Identity without libc's broadcast to threads. */
int sys_setresuid(uid_t r, uid_t e, uid_t s);
int sys_setresgid(gid_t r, gid_t e, gid_t s);
int sys_setgroups(size_t n, const gid_t *groups);
/* Capabilities as 64-bit masks (capset(2), version 3). */
int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int sys_capget(uint64_t *ret_effective, uint64_t *ret_permitted, uint64_t *ret_inheritable);
/* The highest capability number that the running kernel knows. */
int sys_cap_last(void);

/* What sched_setattr(2) takes, in the form that every kernel knows (libc has no name for it). */
struct sys_sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};
/* Of the calling thread; size is filled in. */
int sys_sched_setattr(const struct sys_sched_attr *attr);
int sys_sched_getattr(struct sys_sched_attr *ret);
/* ioprio_set(2) of the calling thread: class in bits 13 to 15, level below. */
int sys_ioprio_set(int value);
int sys_ioprio_get(void);
/* seccomp(2), SECCOMP_SET_MODE_FILTER; with SECCOMP_FILTER_FLAG_NEW_LISTENER the result is an fd. */
struct sock_fprog;
int sys_seccomp_filter(unsigned flags, const struct sock_fprog *program);

/* Paths and mounts --------------------------------------------------------------------------------- */

int sys_openat2(int dir_fd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_open_tree(int dir_fd, const char *path, unsigned flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_fsopen(const char *fstype, unsigned flags);
int sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux);
int sys_fsmount(int fd, unsigned flags, unsigned attr);
/* mount_setattr(2); -ENOSYS before Linux 5.12. */
int sys_mount_setattr(int dir_fd, const char *path, unsigned flags, const struct mount_attr *attr);
/* The file system that is mounted there, to be configured anew (fspick(2)). */
int sys_fspick(int dir_fd, const char *path, unsigned flags);
int sys_pivot_root(const char *new_root, const char *put_old);
/*
 * getcwd(2) as the kernel tells it: the length with the final NUL; a directory that is not beneath the
 * root of this process begins with "(unreachable)".
 */
int sys_getcwd(char *ret, size_t size);

/* Terminals ------------------------------------------------------------------------------------------ */

/* Unlock a pty master and open its slave without a path (TIOCGPTPEER). */
int sys_pty_peer(int master_fd, int flags);

/* Others --------------------------------------------------------------------------------------------- */

/* Replace the session keyring by a new one of no name (keyctl(2)). */
int sys_keyring_new_session(void);
int sys_bpf(int cmd, union bpf_attr *attr, size_t size);
