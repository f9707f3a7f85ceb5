/* The floor: what its three parts share. See floor.c for what it is. */
#pragma once

#include <errno.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { WRITES_MAX = 13, FIGURES_MAX = 3, GROUPS_MAX = 8, STATUS_FAILED = 125 };

/* When a hierarchy is used. */
enum use { USE_ALWAYS, USE_FULL, USE_DISK, USE_FIGURES_WITHOUT_V2 };

struct setting {
    const char *file;
    const char *text; /* NULL: what the hierarchy's root has */
    const char *back; /* what must be read back; NULL: nothing is */
};

struct hierarchy {
    const char *dir; /* beneath ROOT */
    enum use use;
    bool v2;
    bool joined; /* may be another name of an earlier row's hierarchy */
    bool deep;   /* the settings are needed in the child as well */
    struct setting settings[WRITES_MAX];
    const char *figures[FIGURES_MAX];
};

struct group {
    const struct hierarchy *hierarchy;
    int root_fd;
    int dir_fd; /* the group with the limits */
    int figure_fds[FIGURES_MAX];
    bool made, child_made;
    bool shared; /* the group was made through another name of the same hierarchy */
};

struct mark {
    const char *step;
    int64_t us_x10;
};

struct launch {
    /* yes or no; ints for getopt_long */
    int init, net, full, nested, readback, figures, procs, same, overlap;
    const char *rootfs, *name, *record, *disk;
    char **argv;
    struct group groups[GROUPS_MAX];
    size_t n_groups;
    char nested_tasks[64], flat_tasks[64]; /* beneath a hierarchy's root */
    int record_dir_fd, record_fd;
    int channel[2]; /* the launcher's end, init's end */
    int status;
    char read[FIGURES_MAX * GROUPS_MAX][256];
    struct mark *marks; /* shared with the copy that becomes init; NULL: steps are not timed */
};

/* When a step is taken. Without init there is nobody to work beside, so no overlap. */
enum when { ALWAYS, WHEN_SAME, WHEN_OVERLAP, WHEN_SERIAL, WHEN_INIT };

struct step {
    const char *name;
    int (*run)(struct launch *launch);
    enum when when;
};

/* Where in launch.marks the times of a table begin. */
enum { MARK_SETUP = 0, MARK_ENTER = 18, MARK_LAUNCH = 26, STEPS_MAX = 42 };

static inline int floor_result(long result)
{
    return result < 0 ? -errno : (int)result;
}

/* floor.c */

/** Runs the steps that are wanted, in order; the first that fails ends the run, is named on stderr,
 * and its -errno returned. Times are kept from launch->marks[mark] on, if they are wanted. */
int floor_run_steps(const struct step *table, size_t n, struct launch *launch, size_t mark);

/** A wait status as a shell has it. */
int floor_status(int wait_status);

/* floor_groups.c: each is a step; 0 or -errno */

/** Finds the layout and opens the hierarchies that are wanted. */
int floor_open_hierarchies(struct launch *launch);
int floor_make_groups(struct launch *launch);

/** Writes the limits and reads them back; -EDOM when the kernel has something else. */
int floor_write_limits(struct launch *launch);

/** Makes the groups that the command lives in. After the limits: v1 refuses devices.deny in a group
 * that has children, and a child of the devices hierarchy takes its parent's rules when made. */
int floor_make_child_groups(struct launch *launch);

/** To be called while the command starts, so that it costs no time at the end. */
int floor_open_figures(struct launch *launch);
int floor_read_figures(struct launch *launch);

/** Called by the process that becomes the command: enters the v1 groups. */
int floor_join_groups(struct launch *launch);
int floor_remove_groups(struct launch *launch);

/** Adds to args what starts a child in the v2 group, if there is one. 0 or -errno. */
int floor_clone_into_v2(const struct launch *launch, struct clone_args *args);

/* floor_mounts.c: steps */

int floor_propagation(struct launch *launch);
int floor_root(struct launch *launch);
int floor_dev(struct launch *launch);
int floor_pts(struct launch *launch);
int floor_shm(struct launch *launch);
int floor_mqueue(struct launch *launch);
int floor_proc(struct launch *launch);

/** What is writable in /proc and is the machine's, docker's five, becomes read-only. */
int floor_proc_read_only(struct launch *launch);
int floor_sys(struct launch *launch);

/** Docker's eleven masked paths. */
int floor_masks(struct launch *launch);

/** An empty file system over /sys/fs/cgroup, with a directory per hierarchy. */
int floor_view_place(struct launch *launch);

/** The run's own groups there; to be called within its cgroup namespace. */
int floor_view(struct launch *launch);

/* floor_inside.c */

/** Becomes the command as pid 1 of new namespaces; arg is the launch. Ends in exec or _exit. */
void floor_run_command(void *arg);

/** Becomes pid 1: starts the command, reaps whatever is handed to it, ends when the command does.
 * The kernel then kills the rest of the namespace. */
__attribute__((noreturn)) void floor_run_init(struct launch *launch);
