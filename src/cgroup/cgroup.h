/*
 * cgroup: finds where each controller is, makes groups there, puts a plan in force and reads it back,
 * reads figures and events, kills and removes. Controllers resolve one by one: a hybrid machine is a
 * mixture of hierarchies of both versions, not a third driver.
 *
 * A run owns in each hierarchy it needs
 *     BASE/ration-NAME          the group that carries the limits (PLAN_GROUP)
 *     BASE/ration-NAME/box      the group of COMMAND (PLAN_INNER), root of its cgroup namespace
 * so that whatever COMMAND does to its own group, the limits above it hold.
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"
#include "metric/metric.h"

/* ---- the machine's hierarchies --------------------------------------------------------------------- */

struct cgroups; /* what was discovered; opened once per call of ration */

struct cgroups_options {
    int root_fd; /* directory that stands for "/" (fixtures); -1: the real one */
    /* --cgroup-parent: base group beneath each hierarchy's visible root, made when missing; or NULL */
    const char *parent;
    /*
     * cgroupsPath: the limit group itself by its path, instead of BASE/ration-NAME: beneath each hierarchy's visible root
     * when it begins with '/', else beneath the base. What is missing above it is made and goes again with
     * it. An empty group that stands there already is replaced; one with processes or groups is refused.
     */
    const char *path;
    bool named; /* hierarchies without controllers, "name=systemd", are wanted too */
    bool rootless;
    /*
     * Look only at what is asked for: each hierarchy and each feature costs system calls. Without
     * `selective` everything is looked at (doctor, plan). cgroups_need() fills these in for a set.
     */
    bool selective;
    unsigned controllers; /* CONTROLLER_BIT mask */
    unsigned features;    /* LAYOUT_* mask */
    bool parent_memory;   /* fill layout.parent_memory_bytes in */
};

/* What of the machine machine_read_parts() is to find out. */
#define MACHINE_MEMORY    (1u << 0) /* memory_bytes, swap_bytes */
#define MACHINE_CPUS      (1u << 1)
#define MACHINE_MEMS      (1u << 2)
#define MACHINE_HUGEPAGES (1u << 3)
#define MACHINE_PRIVILEGE (1u << 4) /* can_raise_rlimits */
#define MACHINE_RLIMIT(r) (1u << (16u + (unsigned)(r)))
#define MACHINE_ALL       ~0u

/*
 * What planning and making this set of limits has to know: sets selective, controllers, features and
 * parent_memory in options (adding to what is there) and returns a mask of MACHINE_* parts. Pure.
 * Controllers that are wanted for their figures only are to be added to options->controllers.
 */
unsigned cgroups_need(const struct limit_set *set, struct cgroups_options *options);

/*
 * Read /proc/self/mountinfo, /proc/self/cgroup and the cgroup directories themselves. Nothing is
 * written. A machine without any cgroup mount is not an error: its layout has no controllers.
 * Follows cgroups(7), Documentation/admin-guide/cgroup-v1/cgroups.rst and cgroup-v2.rst.
 */
int cgroups_open(const struct cgroups_options *options, struct cgroups **ret, struct err *err);
void cgroups_close(struct cgroups *cgroups);
void cgroups_closep(struct cgroups **cgroups);

/* Plain data for the planner; belongs to cgroups. */
const struct layout *cgroups_layout(const struct cgroups *cgroups);
/* Facts of this machine for the planner (pages, memory, swap, CPUs, our hard rlimits). */
int machine_read(int root_fd, struct machine *ret, struct err *err);
/* The same, only what parts names (MACHINE_*); the rest is empty or 0. */
int machine_read_parts(int root_fd, unsigned parts, struct machine *ret, struct err *err);

/* For doctor and `cgroup ls`: each hierarchy in turn; false at the end. */
struct hierarchy_info {
    int version;
    unsigned controllers; /* CONTROLLER_BIT mask */
    const char *name;     /* "memory", "cpu,cpuacct", "unified", "name=systemd" */
    const char *mount_point;
    const char *base; /* where our groups go, relative to the mount point: "", "user.slice/..." */
    const char *own;  /* the group ration itself is in, likewise; NULL: not beneath the mount */
    bool looked_at;   /* else `writable` is not known: it was not asked for */
    bool read_only;   /* mounted so */
    bool writable;    /* we may make groups at base */
};
bool cgroups_hierarchy(const struct cgroups *cgroups, size_t index, struct hierarchy_info *ret);

/* ---- a run's groups ----------------------------------------------------------------------------------- */

struct group;

/*
 * What the groups of a run will be called, before any exists: one line per hierarchy,
 * "VERSION CONTROLLERS MOUNTPOINT RELATIVE-PATH" (blank-separated, octal-escaped like mountinfo;
 * CONTROLLERS is "-" for none). The path is that of the limit group; what is beneath goes with it.
 * CONTROLLERS "+" is a group above that is missing and will be made for it; a '=' before CONTROLLERS says
 * that the group was asked for by its path (struct cgroups_options).
 * The state room keeps it on record so that whatever happens can be undone by group_reclaim().
 */
int group_paths(const struct cgroups *cgroups, const struct plan *plan, const char *name,
                struct buf *ret, struct err *err);

/*
 * The same for a name alone, in every hierarchy there is: for a record that lost its lines. Groups
 * that a run of that name never made are no error to group_reclaim().
 */
int group_paths_named(const struct cgroups *cgroups, const char *name, struct buf *ret,
                      struct err *err);

/*
 * Make the groups that plan needs (exclusively: an existing one is -EEXIST), write every step of the
 * plan for groups in order, read each value back and compare. On error everything made is removed
 * again. cgroups must outlive the group: its directories are used.
 * On v2 the controllers are enabled in the base's cgroup.subtree_control; where the base holds
 * processes, ours are moved into a leaf first.
 */
int group_create(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                 const char *name, struct group **ret, struct err *err);
/*
 * The first half of group_create(): the groups of the unified hierarchy alone are made, so that a process
 * can be born there (group_entry().v2_fd) before the limits are written by group_complete(). Without such a
 * hierarchy nothing is made yet. On error everything made is removed again. cgroups, plan, machine and name are
 * used until group_complete() returns.
 */
int group_begin(struct cgroups *cgroups, const struct plan *plan, const struct machine *machine,
                const char *name, struct group **ret, struct err *err);
/*
 * The second half: the other groups, and the limits. On error the group is as far as it came: the caller ends
 * whoever was born in it and removes it, which takes no memory.
 */
int group_complete(struct group *group, struct err *err);
/* Numbers of all processes in the group and beneath, in our pid namespace; the caller frees *ret. */
int group_pids(const struct group *group, pid_t **ret, size_t *ret_n, struct err *err);
bool group_is_frozen(const struct group *group);
/*
 * An fd that poll(2) tells POLLIN of when memory may have run out in the group (v1: eventfd of
 * memory.oom_control; v2: memory.events by inotify), and how often it has: to be read once after opening and
 * then after each POLLIN; more than before means that it has. v1 counts from the opening on and each time that
 * memory ran out, v2 from the start and processes killed. -ENODATA: no memory controller. group_oom_read():
 * -ENODEV when the group is gone.
 */
int group_oom_open(const struct group *group, int *ret_fd, struct err *err);
int group_oom_read(const struct group *group, int fd, uint64_t *ret_kills);

/* Does it have a group in any hierarchy? A plan without limits has none where none can be made. */
bool group_is_anywhere(const struct group *group);
/* Text read back for plan->steps[index], or NULL when that step has no read-back. */
const char *group_read_back(const struct group *group, size_t index);
/* What making the groups did besides, as sentences for the report; NULL at the end. */
const char *group_note(const struct group *group, size_t index);
/* Open the groups of a live run again from the record that group_paths() made. */
int group_open(struct cgroups *cgroups, const char *paths, struct group **ret, struct err *err);
/*
 * Write a plan made for an update to an open group, in order, with read-back: all of it, or on error
 * nothing, as far as what stood there can be written again. A memory limit below what is in use is refused
 * with that number. made: the plan that the group was made for; what is read back of a file that it wrote
 * too is what group_read_back() tells from then on. *ret_read_back: per step of plan the text read back or
 * NULL, plan->n_steps of them; texts and list are the caller's to free.
 */
int group_update(struct group *group, const struct plan *made, const struct plan *plan,
                 const struct machine *machine, char ***ret_read_back, struct err *err);
void group_close(struct group *group);
void group_closep(struct group **group);

/*
 * How COMMAND enters: a v2 directory fd for CLONE_INTO_CGROUP (or -1) and, per v1 hierarchy, a `tasks`
 * file into which the still single-threaded child writes "0" (writing 0 to tasks does not take
 * cgroup_threadgroup_rwsem, which costs milliseconds when cold). fds belong to the group.
 */
struct group_entry {
    int v2_fd;
    const int *tasks_fds;
    size_t n_tasks_fds;
};
struct group_entry group_entry(const struct group *group);

/*
 * The same for a further process, straight from the record that group_paths() made: nothing else of the groups
 * is opened. What of them is not there any more is left out. The fds are the caller's.
 */
struct group_way {
    int v2_fd;
    int tasks_fds[24]; /* HIERARCHIES_MAX */
    size_t n_tasks_fds;
};
#define GROUP_WAY_INIT ((struct group_way){ .v2_fd = -1 })
int group_way_open(const char *paths, int root_fd, struct group_way *ret, struct err *err);
void group_way_close(struct group_way *way);
/* Is one of the groups on record frozen, by either version? What cannot be read is not. */
bool groups_are_frozen(const char *paths, int root_fd);

/*
 * And for groups that COMMAND has made beneath its own. cgroup: their path, meant in every hierarchy, or
 * "cpu,memory:PATH", in those alone; elsewhere it is COMMAND's own group. paths: the record of the groups. A
 * group that is not there is an error. The fds are the caller's.
 */
int group_open_beneath(const char *paths, const char *cgroup, struct group_way *ret,
                       struct err *err);

/*
 * Give COMMAND's own group of the unified hierarchy to a user: the directory and those files in it that
 * /sys/kernel/cgroup/delegate names (cgroup-v2.rst, "Delegation"). Without such a group nothing is done.
 */
int group_give(const struct group *group, uid_t uid, struct err *err);

/* Tighter limits above the base: calls fn for each limit of the plan that an ancestor undercuts. */
int group_ancestors(const struct cgroups *cgroups, const struct plan *plan,
                    void (*fn)(void *data, enum limit_id limit, const char *path,
                               const char *value),
                    void *data);

/* Figures of the whole run; only groups that exist are read. want: METRIC bits are not needed: all. */
int group_sample(const struct group *group, struct sample *ret, struct err *err);
/* CPU time only, cheap: for the CPU-time watch. -ENODATA when no group counts CPU time. */
int group_cpu_us(const struct group *group, uint64_t *ret_us);
/*
 * Counters that verdicts rest on. before=true fills before (and after), false only after. machine: the
 * machine's own count of OOM kills too, which costs more than all the others and only tells the
 * machine's shortage from one that cannot be seen.
 */
int group_events(const struct group *group, bool before, bool machine, struct event_counts *counts);

/*
 * v1: have the kernel announce whose memory limit leaves the run out of memory, by eventfds on the
 * limit group and on the base above it. To be called before the first group_events(), which then knows
 * EVENT_OOM_OWN, and EVENT_OOM_ANCESTOR by what it says. Where the kernel does not take part, and on
 * v2, whose files tell by themselves, nothing changes.
 */
void group_watch_oom(struct group *group);

/* Send SIGKILL to every process of the run (cgroup.kill; on v1 freeze, kill, thaw, repeat), and wait
 * until the groups are empty: at most timeout_us, else -EBUSY. Frozen groups die too. */
int group_kill(struct group *group, uint64_t timeout_us, struct err *err);
/* Send another signal to every process of the run. Returns how many got it. */
int group_signal(const struct group *group, int signal, struct err *err);
int group_freeze(struct group *group, bool frozen, uint64_t timeout_us, struct err *err);
/* Remove the groups, deepest first, with what COMMAND made beneath them; bounded retries on EBUSY. */
int group_remove(struct group *group, struct err *err);

enum reclaim_flags {
    /*
     * Not for a run whose processes died with their pid namespace: who is in its groups was put there by
     * others, lives, and is named in the error.
     */
    RECLAIM_KILL = 1 << 0,
    RECLAIM_AT_ONCE = 1 << 1, /* wait for nobody who is dying yet; -EBUSY: it may work later */
};

/*
 * Kill and remove what the record names, whatever of it exists; nothing else is touched. Idempotent.
 * flags: enum reclaim_flags. Returns 0 only when nothing is left.
 */
int group_reclaim(const char *paths, int root_fd, unsigned flags, struct err *err);

/* ---- resource control (resctrl) --------------------------------------------------------------------------- */

struct resctrl_wanted {
    const char *name;     /* of the class of service */
    bool given;           /* somebody has named it: it may exist. Else it is to be made */
    const char *schemata; /* lines that are to be in force, "": none; resctrl_schemata_join() */
    const char *monitor;  /* a directory of that name counts what the processes use; NULL: none */
};

/* A class of service for one run, and what of it is made for the run and goes with it. */
struct resctrl {
    char *mount_point, *name, *monitor; /* owned */
    bool makes_group, makes_monitor;
};

/* The lines of an OCI document's members, by the rules of the specification. Pure. */
void resctrl_schemata_join(const char *l3, const char *bandwidth, char *const *lines,
                           struct buf *ret);
/* Does have, as the kernel writes it, say all that wanted says? granularity: of bandwidth. Pure. */
bool resctrl_schemata_hold(const char *have, const char *wanted, unsigned granularity);
/* What is there and what has to be made. Nothing is changed. root_fd as in cgroups_options. */
int resctrl_plan(int root_fd, const struct resctrl_wanted *wanted, struct resctrl *ret,
                 struct err *err);
/* One line for the record, and back. -EINVAL: no such line. */
void resctrl_format(const struct resctrl *resctrl, struct buf *ret);
int resctrl_parse(const char *text, struct resctrl *ret);
/* Make what is missing; the schemata are read back. On error resctrl_remove() takes away what was made. */
int resctrl_make(int root_fd, const struct resctrl *resctrl, const char *schemata, struct err *err);
/* A process with one thread; what it starts from then on is in it as well. */
int resctrl_join(int root_fd, const struct resctrl *resctrl, pid_t pid, struct err *err);
/* Idempotent. 0 or -errno. */
int resctrl_remove(int root_fd, const struct resctrl *resctrl);
void resctrl_done(struct resctrl *resctrl);
