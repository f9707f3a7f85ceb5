/* Shared by the files of the cgroup room; nobody else includes it. */
#pragma once

#include "cgroup/cgroup.h"

#define HIERARCHIES_MAX 24
#define GROUP_PREFIX    "ration-"
#define INNER_NAME      "box"
#define DEVICES_LIST    "devices.list" /* where v1 shows what devices.allow and devices.deny came to */
#define SUPERVISOR_NAME "ration-supervisor"
#define TEXT_FILE_MAX   (16u << 20) /* more than any kernel text file that is read whole */
#define GROUP_NAME_MAX  255
#define GROUP_PATH_MAX  960 /* so that paths of what is in it fit where paths are kept */

/* ---- mountinfo.c: the two files of /proc that tell where hierarchies are. Pure. ---------------- */

struct mount_entry {
    long id, parent;
    int version; /* of cgroups; 0: some other file system */
    bool read_only;
    const char *device; /* "0:35": one per hierarchy */
    const char *root;   /* what of the hierarchy is mounted, seen from our cgroup namespace */
    const char *point;
    const char *type;    /* of the file system */
    const char *options; /* of the super block */
};

struct mount_table {
    struct mount_entry *entries; /* owned; strings point into the text that was parsed */
    size_t n;
};

/* Takes text apart in place. Lines that do not parse are skipped. Returns 0 or -ENOMEM. */
int mountinfo_parse(char *text, struct mount_table *ret);
void mount_table_done(struct mount_table *table);
/* Is something else mounted over it, so that its path leads elsewhere? */
bool mount_is_hidden(const struct mount_table *table, size_t index);
/* How much of the hierarchy a mount shows: smaller is more. */
int mount_narrowness(const char *root);
/* Does the comma-separated list hold this word? */
bool options_have(const char *options, const char *word);
/* The controllers among the words of a comma-separated list. */
unsigned options_controllers(const char *options);
/* The other way: blank, tab, newline and backslash are escaped. */
void octal_escape(const char *text, struct buf *ret);

struct membership {
    const char *controllers; /* "" on v2 */
    unsigned mask;           /* the same as CONTROLLER_BIT()s */
    const char *path;
};

/* /proc/PID/cgroup, in place. Returns how many of at most max were filled in. */
size_t membership_parse(char *text, struct membership *ret, size_t max);
/* path, seen relative to a mount that shows root of the hierarchy; NULL when it is not beneath. */
const char *path_beneath(const char *root, const char *path);

/* ---- discover.c -------------------------------------------------------------------------------- */

struct hierarchy {
    int version;
    unsigned controllers; /* v1: of the mount; v2: offered by the base group, once looked at */
    bool read_only;       /* mounted so */
    bool opened;          /* looked at: the fds and `writable` are valid */
    bool writable;        /* groups can be made at the base */
    bool root_is_ours;    /* the visible root is known to be writable */
    bool own_known;       /* our own group can be named beneath the mount */
    size_t top;           /* v2: enabling controllers begins behind so many components of base */
    char *name, *mount_point, *mount_root, *own, *base; /* owned */
    int root_fd;                                        /* the visible root, O_PATH */
    int base_fd; /* O_PATH; -1 while the base does not exist yet */
    int error;   /* -errno why opening failed */
};

enum known { UNKNOWN, YES, NO };

struct cgroups {
    int root_fd; /* not ours; -1: the real root */
    struct cgroups_options options;
    /*
     * Where the base is, without leading and double slashes; NULL: where we find it. beneath: relative to
     * what we find.
     */
    char *parent; /* owned */
    bool beneath;
    char *leaf; /* owned: the limit group's name in the base; NULL: ration-NAME */
    struct hierarchy hierarchy[HIERARCHIES_MAX];
    size_t n_hierarchies;
    struct layout layout;
    char **texts;                  /* owned: obstacles and remedies that layout points to */
    uid_t uid;                     /* ours, once usual_find() has asked */
    enum known *initial_namespace; /* owned: found out when it is first asked for */
};

/* Opening what is named by an absolute path beneath a root that may be a fixture (root_fd >= 0). */
int root_open(int root_fd, const char *path, int flags);
int root_read(int root_fd, const char *path, struct buf *ret);
/* A copy that lives as long as cgroups; NULL when memory is out. */
const char *cgroups_text(struct cgroups *cgroups, const char *fmt, ...) _printf_(2, 3);
/* Open root and base of a hierarchy and find out whether groups can be made there. */
void hierarchy_open(struct cgroups *cgroups, struct hierarchy *h);
/* The hierarchy of a controller and version, or NULL. v2 need not have the controller. */
const struct hierarchy *cgroups_find(const struct cgroups *cgroups, int version,
                                     unsigned controllers);
bool cgroups_wants(const struct cgroups *cgroups, enum controller controller);
/* Name it after a mount: all that is known without opening it. Returns 0 or -ENOMEM. */
int hierarchy_set(struct hierarchy *h, const struct mount_entry *mount);
/* Are we in the initial cgroup namespace, whose root is that of the hierarchies? */
bool namespace_is_known_initial(const struct cgroups *cgroups);
/* Is the visible root of this hierarchy the hierarchy's own, which has no limits? */
bool hierarchy_root_is_real(const struct cgroups *cgroups, const struct hierarchy *h);
/* "/sys/fs/cgroup/memory/base/name" for people. */
void hierarchy_path(const struct hierarchy *h, const char *base, const char *name, char *ret,
                    size_t size);

/* ---- usual.c ----------------------------------------------------------------------------------- */

/*
 * Fill cgroups->hierarchy from where hierarchies usually are, roots opened; members as in
 * membership_parse(). False when in doubt: then what was filled in is to be undone.
 */
bool usual_find(struct cgroups *cgroups, const struct membership *members, size_t n);

/* ---- machine.c --------------------------------------------------------------------------------- */

/* Is the running kernel at least that version? For what cannot be seen from files. */
bool kernel_is_since(unsigned major, unsigned minor);

/* ---- layout.c ---------------------------------------------------------------------------------- */

int layout_fill(struct cgroups *cgroups, struct err *err);
/* features.c: the wanted ones of layout.features. */
void features_read(struct cgroups *cgroups);
/*
 * ancestors.c: calls fn for base and each group above it, up to the visible root (which is left out
 * when skip_root). path is relative to it. fn returns 0 to go on.
 */
int levels_visit(int root_fd, const char *base, bool skip_root,
                 int (*fn)(void *data, int dir_fd, const char *path), void *data);
/* The tightest memory limit of the base and what is above; UINT64_MAX: none. */
uint64_t ceiling_memory(struct cgroups *cgroups);

/* ---- base.c: making and removing --cgroup-parent ----------------------------------------------- */

/* Make the base and what is missing above it; marked, so that the last run to leave removes it. */
int base_make(const struct cgroups *cgroups, struct hierarchy *h, struct err *err);
/* A new fd (O_RDONLY) of the base, or of what there is of the way to it; -errno. */
int base_open_nearest(const struct hierarchy *h);
/* Mark a limit group, whose fd is open for reading, as ours. Returns 0 or -errno. */
int group_mark(int fd, bool mirrored);
/* 0: it carries the mark, and what that says is in *ret_mirrored; else -errno. */
int group_mark_read(int fd, bool *ret_mirrored);
/* Remove one empty group beneath root_fd; marked_only: -EPERM unless it carries our mark. */
int level_remove(int root_fd, const char *path, bool marked_only);
/* Remove marked, empty groups from base (relative to root_fd) upwards. */
void base_unmake(int root_fd, const char *base);
/* The first n components of path, "" for none; false when it has fewer. */
bool path_prefix(const char *path, size_t n, char *ret, size_t size);

/* ---- delegate.c: where we may make groups on v2 ------------------------------------------------ */

/* Set h->base to the topmost group above our own that is delegated to us. Returns 0 or -ENOENT. */
int delegate_find_base(struct cgroups *cgroups, struct hierarchy *h);
/*
 * Enable controllers for the children of the base, from the visible root downwards. Where the base
 * holds processes they are moved into its leaf ration-supervisor first, told in *note (owned by the
 * caller, may stay NULL). ret_lock: an fd that keeps others from undoing this until it is closed.
 */
int delegate_enable(const struct cgroups *cgroups, const struct hierarchy *h, unsigned controllers,
                    char **ret_note, int *ret_lock, struct err *err);
/* Undo the move when no other group is left beneath the base: idempotent, best effort. */
void delegate_restore(int base_fd);
/* The same for the base and each group above it, whichever of them the processes were moved in. */
void delegate_restore_all(int root_fd, const char *base);
/* Write "+memory +pids" or "-memory -pids" to the group's cgroup.subtree_control. Returns 0 or -errno. */
int subtree_write(int dir_fd, unsigned controllers, char sign);
/* ---- group.c ----------------------------------------------------------------------------------- */

/* What group_complete() goes on with; nothing here is owned. */
struct making {
    struct cgroups *cgroups;
    const struct plan *plan;
    const struct machine *machine;
    const char *name;
};

/* The groups of a run in one hierarchy. */
struct part {
    int version;
    unsigned controllers; /* v2: those enabled in the group */
    char *mount_point;    /* owned */
    char *base;           /* owned: relative to the mount point, "" or "a/b" */
    char *name;           /* owned: "ration-NAME", or as asked for */
    int root_fd;          /* visible root of the hierarchy, O_PATH; ours when owns_fds */
    int base_fd;          /* ours when owns_fds */
    int fd;               /* the group that carries the limits, O_PATH */
    int inner_fd;         /* v1: box/tasks, O_RDWR; v2: box, O_PATH */
    bool owns_fds;
    bool base_is_root; /* the hierarchy's real root: no limits there or above */
    bool inner_made;
    bool inner_read; /* v1: inner_fd's list of processes was read, and stays as it was */
    bool removed;
    bool mirrored; /* opened again: its mark says so */
};

struct group {
    struct part part[HIERARCHIES_MAX];
    size_t n_parts;
    int tasks_fds[HIERARCHIES_MAX];
    size_t n_tasks_fds;
    char **read_back; /* owned, n_read_back of them; entries may be NULL */
    size_t n_read_back;
    char **notes; /* owned */
    int root_fd;
    bool fresh; /* made by us: its counters started at 0 */
    bool
        mirrored; /* COMMAND's own group has the limits too, so that it is there that they are hit */
    struct making making;
    char hugepages[128];
    struct group_cache *cache; /* owned: fds that are kept between readings */
};

/* What a const group may keep between calls. */
struct group_cache {
    int cpu_fd;
    bool cpu_is_v2;
    int oom_own_fd, oom_above_fd; /* eventfds of group_watch_oom(), -1: none */
    uint64_t oom_own, oom_above;  /* what they have announced */
    uint64_t oom_told;            /* what that of group_oom_open() has */
};

/* The part that serves a controller in a version; CONTROLLER_NONE with 2: the v2 part. NULL: none. */
const struct part *group_part(const struct group *group, enum controller controller, int version);
bool part_is_open(const struct part *part);
/* Absolute path of a file of the group, or of its inner group, for people. */
void part_path(const struct part *part, const char *file, char *ret, size_t size);
void part_close(struct part *part);
/* Open the inner group for entering. Returns 0 or -errno. */
int part_open_inner(struct part *part);
/* Fill group->tasks_fds. */
void group_collect_entry(struct group *group);
struct group *group_new(int root_fd);
/* May a group be called that? [a-zA-Z0-9_.-], no leading dot, not ration's own. */
bool group_name_valid(const char *name);
/* Would plan need a group in this hierarchy? */
bool hierarchy_is_used(const struct cgroups *cgroups, const struct hierarchy *h,
                       const struct plan *plan);

/* ---- paths.c ----------------------------------------------------------------------------------- */

/* One line of the record, as data. */
struct path_line {
    int version;
    unsigned controllers;
    bool is_parent;                  /* a group above the run's that did not exist: base, no name */
    bool is_named;                   /* a name that was asked for: only a marked group is meant */
    char *mount_point, *base, *name; /* owned */
};

void path_line_done(struct path_line *line);
/* Strict: 0, or -EINVAL when the line is not one that group_paths() writes. */
int path_line_parse(const char *line, size_t len, struct path_line *ret);
/* named: by a path that was given. */
void path_line_format(int version, unsigned controllers, bool named, const char *mount_point,
                      const char *base, const char *name, struct buf *ret);
/* A group that will be made above the run's: its path in place of base and name. */
void path_line_format_parent(int version, const char *mount_point, const char *path,
                             struct buf *ret);
/* Is fd's directory in a cgroup file system of that version? 0 or -errno. */
int mount_check(int fd, int version);
/* Open the directories of a line as a part; missing ones give -ENOENT. */
int part_open(struct part *ret, struct path_line *line, int root_fd, struct err *err);

/* ---- apply.c ----------------------------------------------------------------------------------- */

#define TARGET_BIT(target) (1u << (unsigned)(target))

/* Write the steps of plan for these targets, in order, with read-back into group->read_back. */
int apply_steps(struct group *group, const struct plan *plan, unsigned targets,
                const struct machine *machine, struct err *err);

/* ---- read.c ------------------------------------------------------------------------------------ */

/*
 * The whole text of a group's file, but lists of processes: the kernel makes such a text in one go,
 * so that a short read is the end of it and one pread(2) is enough.
 */
int group_text_read(int fd, struct buf *ret);

/* ---- tree.c: the groups that COMMAND may have made beneath ------------------------------------- */

/* Calls fn for the group and everything beneath it, parents first. fn returns 0 to go on. */
int tree_visit(int fd, int (*fn)(void *data, int dir_fd), void *data);
/* Remove everything beneath fd (not fd itself). -EBUSY: something there does not go. */
int tree_empty(int fd, uint64_t deadline_us);
/* Has the directory a subdirectory? -errno or 0, 1. */
int dir_has_children(int dir_fd, const char *name);
/* Calls fn with the name of each subdirectory of fd. fn returns 0 to go on. */
int dir_each_child(int fd, int (*fn)(void *data, const char *name), void *data);

/* ---- procs.c: process numbers in groups -------------------------------------------------------- */

/* Send signal to each process of the tree; counts them in *count. Safe against reused numbers. */
int procs_signal(int fd, int signal, unsigned *count);
/*
 * The same, but each process once however often the tree is gone through: until no new one is found, so that
 * who forks meanwhile gets away only by doing so for ever.
 */
int procs_signal_each(int fd, int signal, unsigned *count);
/* The first few process numbers in the tree as text, "12, 34 and others"; "" when there is none. */
void procs_describe(int fd, char *ret, size_t size);
/* 1: some process is in the group or beneath; 0: none; -errno. */
int procs_any(int fd);
/* Add the process numbers in the tree to the malloc'ed list; one that is there already is not added. */
int procs_list(int fd, pid_t **list, size_t *n);

/* ---- kill.c ------------------------------------------------------------------------------------ */

/* Sleep for *pause_us and double it, up to 10 ms. false when deadline_us has passed. */
bool backoff(uint64_t *pause_us, uint64_t deadline_us);
int group_set_frozen(const struct part *part, bool frozen);

/* ---- oom.c ------------------------------------------------------------------------------------- */

/* An eventfd that is told when this v1 group is out of memory; -1: the kernel has no such thing. */
int oom_eventfd(int group_fd);

/* ---- bpf.c: device rules as a program. Pure. --------------------------------------------------- */

struct device_rule {
    char type;             /* 'a', 'b' or 'c' */
    uint32_t major, minor; /* UINT32_MAX: any */
    unsigned access;       /* BPF_DEVCG_ACC_* */
    bool allow;
};

struct bpf_insn;

/* "allow c 1:3 rwm", "deny a", "c *:* m" (allow). Returns 0 or -EINVAL. */
int device_rule_parse(const char *text, bool allow, struct device_rule *ret);
/*
 * Per kind of access the last rule that matches decides; without one, access is granted (to
 * programs on groups above it is left to refuse). Returns malloc'ed instructions, or NULL.
 */
struct bpf_insn *device_program(const struct device_rule *rules, size_t n, size_t *ret_n);

/* ---- devices.c --------------------------------------------------------------------------------- */

/* Can programs be attached here? 0 or -errno. */
int devices_probe(int group_fd);
/*
 * Serve the device step plan->steps[index]: the first of them builds one program of all, attaches it,
 * takes older ones away and checks; the others have nothing left to do. Text for people in
 * *ret_read_back.
 */
int devices_apply(int group_fd, const struct plan *plan, size_t index, const char *path,
                  char **ret_read_back, struct err *err);
