/*
 * spec: one whole run as data. A draft is edited by doors (argv, library calls, documents); sealing
 * checks it once and makes a spec that nothing changes any more. Pure but for what a caller-given
 * struct spec_world answers (device numbers, our ids, file contents for --env-file).
 *
 *   spec_set(draft, "memory", "50m") ... ──► spec_seal(draft, world) ──► const struct spec *
 */
#pragma once

#include "base/base.h"
#include "limit/limit.h"

/* ---- options: one row each in options.def, beside the limits of limits.def ------------------------- */

enum option_kind {
    OPTION_FLAG,  /* --tty, --tty=false */
    OPTION_VALUE, /* --name N */
    OPTION_MANY,  /* may be given several times */
};

struct option_info {
    const char *name;    /* without dashes */
    char letter;         /* or 0 */
    const char *aliases; /* blank-separated, or NULL */
    const char *metavar; /* NULL for flags */
    const char *help;
    const char *group; /* heading in --help: "Limits: memory", "Root and mounts", ... */
    enum option_kind kind;
    enum limit_id limit; /* the limit it sets, or LIMIT_NONE */
};

/* The options of the run description, in the order of --help, limits last. */
size_t option_count(void);
/* Fills *ret with static text; false beyond the end. */
bool option_at(size_t index, struct option_info *ret);
/* By long name or alias; false when there is none. */
bool option_find(const char *name, struct option_info *ret);
bool option_find_letter(char letter, struct option_info *ret);

/* ---- parts ------------------------------------------------------------------------------------------ */

struct spec_id_map {
    uint32_t inside, outside, count;
};

enum mount_kind {
    MOUNT_BIND,
    MOUNT_FILESYSTEM, /* a new instance of fstype: proc, sysfs, tmpfs, mqueue, devpts */
    MOUNT_CGROUP,     /* the cgroup hierarchies as the run's cgroup namespace shows them */
    MOUNT_MASK, /* hide target: an empty read-only directory or /dev/null over it, if it exists */
    /*
     * Change attributes at target, if it exists. A target that is not a mount point becomes one
     * first, by being bound onto itself.
     */
    MOUNT_REMOUNT,
};

struct spec_mount {
    enum mount_kind kind;
    char *fstype;
    /*
     * BIND: a path as ration itself sees it, absolute or relative to its current directory; to be
     * opened before the first mount is made, because that may hide it.
     */
    char *source;
    /*
     * BIND: the source is this named volume (a directory of ration's own); source is then where its content
     * lies, or NULL when the world does not say where volumes are. copy_up: an empty one gets what target held.
     */
    char *volume;
    char *target;      /* absolute, beneath the run's root */
    char *data;        /* comma-separated file-system options: "size=64k,mode=755" */
    uint64_t attr_set; /* MOUNT_ATTR_* */
    uint64_t attr_clear;
    uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, ... with MS_REC for all beneath; or 0 */
    bool recursive;       /* rbind; attributes recursively */
    bool make_target;     /* create the target when it is missing (rootfs mode) */
    bool optional;        /* skipped when source or target does not exist */
    /* MOUNT_ATTR_* of the mount and of all beneath it, after attr_set and attr_clear ("rro"). */
    uint64_t tree_set, tree_clear;
    bool copy_up; /* a new tmpfs gets what target held ("tmpcopyup") */
    /* The mount shows its files' owners through these maps ("idmap"); n_maps 0: as they are. */
    struct spec_id_map *uid_maps, *gid_maps;
    size_t n_uid_maps, n_gid_maps;
    bool id_mapped;      /* without maps of its own: those of the run's user namespace */
    bool id_mapped_tree; /* and those of all mounts beneath ("ridmap") */
};

/*
 * A root of several directories that are one (overlayfs), made by the box in its own mount namespace: nothing
 * is to be unmounted. All paths are absolute.
 */
struct spec_overlay {
    char **lower; /* never written to; topmost first, at least one */
    char *upper,
        *work; /* what the run changes; on one file system, work empty. NULL: nothing can be */
    uint64_t size_bytes; /* bound of what is written; 0: none */
    bool
        size_by_quota; /* the bound is upper's project quota; else upper is a file system in memory */
    bool throw_away;   /* upper is removed after the run: what is written need not be flushed */
    bool userxattr;    /* marks are user.overlay.*, for who has no trusted.*: in a user namespace */
};

/* How a container is asked whether it is well. Times of 0 are not said. */
struct spec_health {
    char **
        test; /* as images have it: "NONE"; "CMD" and arguments; "CMD-SHELL" and a line. NULL: none */
    uint64_t interval_us, timeout_us, start_period_us, start_interval_us;
    unsigned retries; /* 0: not said */
};

/* What an image says of the containers made from it; options override. Lists may be NULL. */
struct spec_image {
    char *name, *id; /* how it was asked for; "sha256:..." */
    char **entrypoint, **cmd;
    char **env;     /* "NAME=VALUE" */
    char **volumes; /* absolute paths */
    char **labels;  /* "KEY=VALUE" */
    char **exposed; /* "80/tcp" */
    char *user, *workdir, *stop_signal;
    struct spec_health health;
    char **
        layers; /* absolute directories, topmost first; NULL: the image is not unpacked (a plan needs none) */
};

struct spec_device {
    char *path;   /* inside, "/dev/null" */
    char *source; /* the same device on the host, for where nodes cannot be made */
    char type;    /* 'c' or 'b' */
    uint32_t major, minor;
    uint32_t mode;
    uid_t uid;
    gid_t gid;
};

struct spec_symlink {
    char *path, *target;
};

/*
 * A word such as "nosuid", and what takes it back again, into what is to be set of a mount and what is to be cleared
 * (MOUNT_ATTR_*); the later one wins. false: it is none.
 */
bool spec_mount_attribute(const char *word, uint64_t *set, uint64_t *clear);
/* MS_*, with MS_REC for "rslave" and its like; 0 when it is no word of propagation. */
uint64_t spec_mount_propagation(const char *word);

/* What every fresh /dev has: the devices that are for everybody, and the links of devpts and procfs. */
#define SPEC_USUAL_DEVICES  6
#define SPEC_USUAL_SYMLINKS 5
extern const struct spec_usual_device {
    const char *path;
    uint32_t major, minor;
} spec_usual_devices[SPEC_USUAL_DEVICES];
extern const struct spec_usual_symlink {
    const char *path, *target;
} spec_usual_symlinks[SPEC_USUAL_SYMLINKS];
/* Fill one of them, by its place there, into what is empty. 0 or -ENOMEM; what is in it is the caller's anyway. */
int spec_device_fill_usual(size_t index, struct spec_device *device);
int spec_symlink_fill_usual(size_t index, struct spec_symlink *link);

/* Capability masks, bit N is capability N. */
struct spec_caps {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* How much is read at the end; each figure costs system calls, and some a group. */
enum spec_measure {
    SPEC_MEASURE_GROUPS,  /* what the groups count that the limits need anyway; the default */
    SPEC_MEASURE_NOTHING, /* how COMMAND ended, no more */
    SPEC_MEASURE_ALL,     /* groups are made for figures alone, too */
};

enum spec_network {
    SPEC_NETWORK_NONE, /* its own with loopback alone */
    SPEC_NETWORK_HOST,
    SPEC_NETWORK_BRIDGE, /* its own with a link to spec_net.name, a network of ration's */
    SPEC_NETWORK_USER,   /* its own, with a program of the user's that passes packets on */
    SPEC_NETWORK_JOIN,   /* that of the run spec_net.name */
};

/* Ports of the host that lead to ports of the run. */
struct spec_publish {
    uint32_t host_ip;               /* 0: every address of the host */
    uint16_t host_first, host_last; /* 0: any free one */
    uint16_t first, last;           /* as many as on the host, or one, for any of those */
    bool udp;
};

/* What is asked of the network, beside what kind of one it is. */
struct spec_net {
    char *name;     /* of a network, or of the run whose network is joined; NULL otherwise */
    char *called;   /* by others in the network; NULL: by the run's name */
    char **aliases; /* further names in the network */
    uint32_t ip;    /* 0: any free one */
    bool mac_set;
    uint8_t mac[6];
    struct spec_publish *publishes;
    size_t n_publishes;
    char **dns, **dns_search, **dns_options; /* for /etc/resolv.conf; NULL: the host's */
    char **hosts;                            /* "NAME:ADDRESS", for /etc/hosts */
    /* The directory of the files that are bound over /etc/hosts and its like, or NULL: none are. */
    char *files;
};

/* A namespace that exists already and is entered instead of one being made. */
struct spec_join {
    uint64_t flag; /* CLONE_NEW* */
    char *path;    /* "/proc/123/ns/net", "/run/netns/blue" */
};

/* When a hook is run; the order is that of a container's life (OCI runtime specification, "Hooks"). */
enum hook_point {
    HOOK_PRESTART, /* by the runtime: namespaces and mounts are made, the root not yet entered */
    HOOK_CREATE_RUNTIME,   /* the same, after those */
    HOOK_CREATE_CONTAINER, /* the same moment, in the container's namespaces */
    HOOK_START_CONTAINER,  /* in the container, right before its program is executed */
    HOOK_POSTSTART,        /* by the runtime, after that */
    HOOK_POSTSTOP,         /* by the runtime, after the container is deleted */
    HOOK_POINT_COUNT,
};

struct spec_hook {
    char *path;          /* absolute */
    char **argv;         /* NULL: the path alone */
    char **env;          /* all of it: nothing is inherited. NULL: none */
    uint64_t timeout_us; /* 0: none */
};

struct spec_hooks {
    struct spec_hook *hooks;
    size_t n;
};

/* A kernel parameter of a namespace: "net/ipv4/ip_forward" beneath /proc/sys, and what is written. */
struct spec_sysctl {
    char *path, *value;
};

/* A network device of the runtime's that moves into the container. */
struct spec_netdev {
    char *name, *new_name; /* new_name NULL: it keeps its name */
};

/* sched_setattr(2); see there for which members a policy uses. */
struct spec_scheduler {
    bool set;
    uint32_t policy; /* SCHED_* */
    uint64_t flags;  /* SCHED_FLAG_* */
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

/* The resource control group of Intel RDT (resctrl). */
struct spec_rdt {
    bool set;
    char *clos_id;                /* NULL: the container's name */
    char *l3_schema, *mem_schema; /* NULL: none */
    char **schemata;              /* lines, NULL: none */
    bool monitoring;
};

enum seccomp_action {
    SECCOMP_KILL_THREAD,
    SECCOMP_KILL_PROCESS,
    SECCOMP_TRAP,
    SECCOMP_ERRNO,
    SECCOMP_TRACE,
    SECCOMP_ALLOW,
    SECCOMP_LOG,
    SECCOMP_NOTIFY,
};

enum seccomp_compare {
    SECCOMP_NE,
    SECCOMP_LT,
    SECCOMP_LE,
    SECCOMP_EQ,
    SECCOMP_GE,
    SECCOMP_GT,
    SECCOMP_MASKED_EQ, /* argument & value == value_two */
};

struct seccomp_argument {
    unsigned index; /* 0 to 5 */
    enum seccomp_compare compare;
    uint64_t value, value_two;
};

struct seccomp_rule {
    char **names; /* system calls; those that the kernel does not know are left out */
    enum seccomp_action action;
    unsigned errno_value;               /* of ERRNO and TRACE; EPERM when not asked for */
    struct seccomp_argument *arguments; /* all must hold */
    size_t n_arguments;
};

/* A system call filter as the OCI runtime specification has it ("Seccomp"). */
struct seccomp_policy {
    enum seccomp_action default_action;
    unsigned default_errno;
    char **architectures;                    /* "SCMP_ARCH_X86_64"; NULL: the machine's own */
    unsigned flags;                          /* SECCOMP_FILTER_FLAG_* */
    char *listener_path, *listener_metadata; /* a socket that is sent the notify fd; or NULL */
    struct seccomp_rule *rules;
    size_t n_rules;
    char *text; /* the policy as it was written, white space aside: what a cache knows it by */
};

/* ---- the spec ------------------------------------------------------------------------------------------ */

struct spec {
    /* identity */
    char *name; /* given or generated; [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 bytes */

    /* the process */
    char **argv; /* NULL when no COMMAND was given: a plan needs none */
    char **env;
    char *cwd;  /* inside; NULL: the current directory on the host's root, "/" in a rootfs */
    char *user; /* as asked, "name[:group]" or numbers; NULL: not asked */
    /*
     * The child sets its groups (where the user namespace lets it), gid and uid. When false it keeps
     * ration's own, and uid and gid tell those. Numbers are as the run sees them.
     */
    bool identity_set;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* supplementary, n_groups */
    size_t n_groups;
    /*
     * user must be looked up in the rootfs's own files, by the child, with spec_resolve_user(); a
     * missing file is NULL there. groups then holds what comes on top of the groups found, and env has
     * no HOME unless one was asked for: the child adds the one found, or "/".
     */
    bool user_from_rootfs;
    bool umask_set;
    mode_t umask;
    bool tty;         /* -t */
    bool interactive; /* -i: stdin is passed on; otherwise, with -t, it is not read */
    bool init;        /* ration's reaper is process 1 and COMMAND its child */
    bool no_new_privs;
    bool privileged;
    bool unconfined; /* --security-opt seccomp=unconfined, or privileged */
    struct spec_caps caps;
    bool oom_score_adj_set;
    int oom_score_adj;
    int stop_signal;          /* SIGTERM */
    uint64_t stop_timeout_us; /* from stop signal to SIGKILL */
    int soft_signal;          /* sent at a soft limit (SIGXCPU) */

    /* namespaces: CLONE_NEW* bits to create */
    uint64_t namespaces;
    char *hostname, *domainname;
    enum spec_network network;
    struct spec_net net;
    bool time_offset_set;
    int64_t time_monotonic_s, time_boottime_s;
    uint32_t time_monotonic_ns, time_boottime_ns; /* on top of the seconds */
    struct spec_id_map *uid_maps, *gid_maps;
    size_t n_uid_maps, n_gid_maps;
    bool map_by_helper; /* newuidmap/newgidmap write the maps */

    /* the root */
    char *rootfs; /* NULL: the host's own root; with an overlay, or an image, what it is called */
    struct spec_overlay *overlay; /* owned; NULL: rootfs is a directory */
    bool image; /* rootfs is an image's: it has an overlay unless this is for a plan */
    /* Before the mounts: the root read-only; on the host's root with everything mounted beneath. */
    bool root_readonly;
    /* MOUNT_ATTR_* of the mount that rootfs becomes: nodev, where device nodes in it must not work. */
    uint64_t root_attr_set;
    struct spec_mount *mounts; /* in order */
    size_t n_mounts;
    struct spec_device *devices; /* nodes for the fresh /dev */
    size_t n_devices;
    struct spec_symlink *symlinks; /* made in the fresh /dev */
    size_t n_symlinks;
    bool fresh_dev; /* /dev is a tmpfs of our own (first mount), filled with devices and symlinks */

    /* limits */
    struct limit_set limits;
    char **limit_texts; /* "name=text" as asked, for the report, in order */
    enum weight_map weight_map;
    bool best_effort;
    char *cgroup_parent;

    /* what is wanted back */
    enum spec_measure measure;
    bool rootless;
    bool remove; /* --rm */

    /*
     * What only a container has that a document describes (config.json of an OCI bundle). All of it is
     * empty for a run that options describe.
     */
    bool
        document; /* this is one: nothing is added to what it says but what its specification orders */
    char *bundle;       /* absolute path of the directory that the document lies in */
    char *text;         /* the document on one line, for the record */
    char **annotations; /* "key=value" */
    struct spec_join *joins;
    size_t n_joins;
    struct spec_hooks hooks[HOOK_POINT_COUNT];
    struct spec_sysctl *sysctls;
    size_t n_sysctls;
    struct spec_netdev *netdevs;
    size_t n_netdevs;
    struct seccomp_policy *seccomp; /* owned; NULL: none */
    char *apparmor_profile;         /* NULL: as it is */
    char *selinux_label;            /* of the process; NULL: as it is */
    uint64_t root_propagation;      /* MS_*, with MS_REC; 0: the runtime's choice */
    bool make_devices; /* devices and symlinks are made where they say, after the mounts */
    bool no_pivot;     /* MS_MOVE and chroot(2): where the root is an initramfs */
    bool no_new_keyring;
    struct spec_scheduler scheduler;
    bool io_priority_set;
    int io_class, io_priority;                       /* IOPRIO_CLASS_*, 0 to 7 */
    char *cpu_affinity_initial, *cpu_affinity_final; /* lists, or NULL */
    bool personality_set;
    unsigned long personality;
    unsigned short rows, columns; /* of the terminal; 0: not said */
    struct spec_rdt rdt;
    char *cgroups_path; /* as the document has it, or NULL */
    bool limits_inside; /* COMMAND's own group shows the limits too: programs look for them there */
};

struct draft;

struct draft *draft_new(void);
void draft_free(struct draft *draft);
void draft_freep(struct draft **draft);
int draft_copy(const struct draft *from, struct draft **ret);

/* What sealing and some options may ask of the world; injected so that this room stays pure. */
struct spec_world {
    uid_t uid;
    gid_t gid;
    uint64_t capabilities;       /* our own effective ones; without SYS_ADMIN we are rootless */
    int (*cap_last)(void *data); /* highest capability of the running kernel */
    char *const *environ;        /* ours */
    struct spec_id_map subuid, subgid; /* our range from /etc/subuid; count 0: none */
    bool has_newuidmap;
    const char
        *names; /* the directory in which the files of names of runs are made; NULL: nowhere */
    const char *called;    /* the container's name, where the run's is another; or NULL */
    bool has_user_network; /* an ordinary user's runs can be given a network, too */
    struct limit_context limit_context;
    /*
     * Whole content of a file (an env file, the host's passwd and group); returns 0 and malloc'ed
     * text or -errno: -EILSEQ when there is a NUL in it, -EFBIG above some sensible size.
     */
    int (*read_file)(void *data, const char *path, char **ret);
    /* what a device path is: type 'c' or 'b' and numbers, permission bits; 0 or -errno */
    int (*stat_device)(void *data, const char *path, char *ret_type, uint32_t *ret_major,
                       uint32_t *ret_minor, uint32_t *ret_mode);
    /* 12 hexadecimal digits that no other run has; may be NULL where a name is always given */
    int (*random_name)(void *data, char ret[static 16]);
    const char *volumes; /* absolute path of the directory of named volumes; NULL: there are none */
    void *data;
};

/*
 * Set one option by its long name (or alias), as the command line does: limits, docker's names, ours.
 * value NULL means a flag without value. Errors are ERR_USAGE and name the option.
 */
int spec_set(struct draft *draft, const struct spec_world *world, const char *name,
             const char *value, struct err *err);
/* COMMAND and its arguments; copies. */
int spec_set_command(struct draft *draft, const char *const *argv, struct err *err);
/* The text that an option was last set to ("true" for a flag), or NULL when it was not set. */
const char *spec_get(const struct draft *draft, const char *name);
/* All texts of an option that may be given several times, NULL-terminated; belongs to the draft. */
char *const *spec_get_all(const struct draft *draft, const char *name);
/* A draft as lines and back, to be run again: variables and files stay as they were read, devices are looked up. */
int draft_write(const struct draft *draft, struct buf *ret);
int draft_read(const char *text, const struct spec_world *world, struct draft **ret,
               struct err *err);

/* --restart: when a container that has ended is started again by its monitor. */
enum restart_when { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };
struct restart_policy {
    enum restart_when when;
    unsigned most; /* restarts on failure; 0: without end */
};
int restart_parse(const char *text, struct restart_policy *ret);
/* --log-opt: how much of a container's output is kept. */
struct log_bounds {
    uint64_t max_bytes; /* of one file; UINT64_MAX: no bound */
    unsigned max_files;
};
#define LOG_BOUNDS_DEFAULT ((struct log_bounds){ .max_bytes = 10u << 20, .max_files = 3 })
int log_option_parse(const char *text, struct log_bounds *bounds);
/*
 * What an image says, as defaults that options override whenever they are set. All of it may be an enemy's
 * work: bad values are ERR_REFUSED, in one sentence that names the image; and an image supplies nothing but
 * what struct spec_image has. Copies. As docker has it:
 *   a COMMAND replaces cmd and follows entrypoint; --entrypoint replaces entrypoint and clears cmd ("" leaves
 *   the COMMAND alone); env comes below --env-file and -e; labels below --label; volumes that no mount was
 *   asked for become volumes without a name. --workdir, --user and --stop-signal replace.
 */
int spec_set_image(struct draft *draft, const struct spec_image *image, struct err *err);
/* The image, the draft's own; NULL: there is none. */
const struct spec_image *spec_get_image(const struct draft *draft);
/*
 * Where the run's writable layer is. lower NULL: the image's layers. size_bytes is --storage-opt's unless
 * given. Copies. Without a call of this a run of an image cannot write to its root.
 */
int spec_set_overlay(struct draft *draft, const struct spec_overlay *overlay, struct err *err);
/*
 * How a container of this draft is asked whether it is well: the image's check as options override it, times and
 * retries filled in. test NULL: it is not asked; the caller frees it by strv_free().
 */
int spec_find_health(const struct draft *draft, struct spec_health *ret, struct err *err);
/* Labels of the image, --label-file and --label, each key once. *ret is the caller's to strv_free(). */
int spec_labels(const struct draft *draft, char ***ret, struct err *err);
/*
 * Give every volume without a name, asked for or the image's, one that name_fn makes (64 hexadecimal digits)
 * and keep it in the draft, so that a container finds its volumes again. ret_names gets those names (strv).
 */
int spec_name_volumes(struct draft *draft, int (*name_fn)(void *data, char ret[static 65]),
                      void *data, char ***ret_names, struct err *err);
/* The names of the draft's volumes, each once (strv, or NULL when there are none). */
int spec_volumes(const struct draft *draft, char ***ret, struct err *err);

/* All figures are wanted in the result, also those that cost a group more. */
void spec_set_measure(struct draft *draft, enum spec_measure measure);

/*
 * Check everything once and fill in what follows from it: default mounts, devices, masked paths,
 * capabilities, environment, user-namespace maps. The draft stays usable. Pure.
 * Errors are ERR_USAGE or ERR_REFUSED.
 */
int spec_seal(const struct draft *draft, const struct spec_world *world, struct spec **ret,
              struct err *err);

/*
 * What a further process among those of a run has to know of it, as lines "process KEY VALUE" for the run's
 * record: namespaces, identity, capabilities, umask, environment. cwd: where COMMAND starts, absolute. An
 * environment that is larger than a record should be is left out.
 */
void spec_write_process(const struct spec *spec, const char *cwd, struct buf *ret);
/*
 * The same from the text of a record, other lines of which are ignored: a spec of a process alone, without init
 * and without COMMAND. -ESRCH: the record tells of no process.
 */
int spec_read_process(const char *record, struct spec **ret, struct err *err);
/*
 * What the options of exec in a draft change of it: COMMAND, --tty, --interactive, --env, --env-file,
 * --workdir, --user, --privileged; others are refused. Pure.
 */
int spec_override_process(struct spec *process, const struct draft *draft,
                          const struct spec_world *world, struct err *err);

void spec_free(struct spec *spec);
void spec_freep(struct spec **spec);
void spec_forget_launch(
    struct spec *spec); /* free what only the launch had use for: root, environment */

/* "NAME", "NAME:GROUP", "1000:1000" against passwd and group texts. Strict numbers, below 2^32-1. */
int spec_resolve_user(const char *user, const char *passwd, const char *group, uid_t *ret_uid,
                      gid_t *ret_gid, gid_t **ret_groups, size_t *ret_n_groups, char **ret_home,
                      struct err *err);

/*
 * The same without the heap, for who may not use it: groups is room for so many numbers, home lies in passwd and has
 * no NUL behind it (NULL: there is none).
 */
struct spec_account {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t n_groups, room;
    const char *home;
    size_t home_length;
};
int spec_find_account(const char *user, const char *passwd, const char *group,
                      struct spec_account *account, struct err *err);

/* Absolute, without "." and doubled slashes; ".." is -EINVAL. The caller frees *ret. */
int path_clean(const char *path, char **ret);
/* A letter or digit, then letters, digits, '_', '.' and '-'; at most 64. */
bool network_name_valid(const char *name);
/* "/a/b" lies beneath "/a" and beneath "/"; a path also lies beneath itself. */
bool path_is_beneath(const char *path, const char *top);
/* Is this number, as the namespace counts, in the maps? */
bool maps_have(const struct spec_id_map *map, size_t n, uint32_t inside);

/* Signal by name in any case ("TERM", "SIGTERM", "RTMIN+3", "15"); -EINVAL when unknown. */
int signal_parse(const char *text);
/* "SIGTERM", "SIGRTMIN+3"; NULL when there is no such signal. */
const char *signal_name(int signal);
/*
 * CLONE_NEW* of the namespace whose kernel parameter it is ("net/core/somaxconn", beneath /proc/sys); 0:
 * of none, so that it is the machine's.
 */
uint64_t sysctl_namespace(const char *path);
/* Number of a capability by name ("NET_ADMIN", "CAP_NET_ADMIN", any case); -EINVAL when unknown. */
int capability_parse(const char *text);
/* "NET_ADMIN"; NULL when unknown. */
const char *capability_name(int capability);
