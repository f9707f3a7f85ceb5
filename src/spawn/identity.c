/* What COMMAND's process may do: its resource limits, its numbers, its capabilities. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/steps.h"
#include "sys/sys.h"

/* ---- oom score -------------------------------------------------------------------------------------------- */

static int oom_score_write(const struct launch *launch, const char *text)
{
    int proc_fd = launch->own_proc_fd >= 0 ? launch->own_proc_fd : launch->proc_fd;
    int dir_fd = proc_fd >= 0 ? proc_fd : AT_FDCWD;
    const char *file = proc_fd >= 0 ? "self/oom_score_adj" : "/proc/self/oom_score_adj";
    char back[16];
    ssize_t n;
    int r = file_write(dir_fd, file, text);

    if (r < 0)
        return r;
    n = file_read_line(dir_fd, file, back, sizeof(back));
    if (n < 0)
        return (int)n;
    return strcmp(back, text) == 0 ? 0 : -EIO;
}

int step_oom_score(struct launch *launch, struct err *err)
{
    bool user = (launch->spec->namespaces & CLONE_NEWUSER) != 0;
    char text[16];
    int r;

    snprintf(text, sizeof(text), "%d", launch->spec->oom_score_adj);
    /* An unreadable process's files belong to a root that is not ours. Nobody else is inside yet. */
    if (user)
        prctl(PR_SET_DUMPABLE, 1);
    r = oom_score_write(launch, text);
    if (user)
        prctl(PR_SET_DUMPABLE, 0);
    if (r == -EACCES || r == -EPERM)
        return err_refuse(err, -r,
                          "--oom-score-adj: cannot set %s: a value below the inherited one takes "
                          "CAP_SYS_RESOURCE",
                          text);
    if (r == -EIO)
        return err_refuse(err, EIO, "--oom-score-adj: the kernel did not keep %s", text);
    return r < 0 ? err_refuse(err, -r, "--oom-score-adj: cannot set %s: %s", text, err_name(-r))
                 : 0;
}

/* ---- resource limits ---------------------------------------------------------------------------------------- */

static const char *const rlimit_name_table[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = "cpu",           [RLIMIT_FSIZE] = "fsize",
    [RLIMIT_DATA] = "data",         [RLIMIT_STACK] = "stack",
    [RLIMIT_CORE] = "core",         [RLIMIT_RSS] = "rss",
    [RLIMIT_NPROC] = "nproc",       [RLIMIT_NOFILE] = "nofile",
    [RLIMIT_MEMLOCK] = "memlock",   [RLIMIT_AS] = "as",
    [RLIMIT_LOCKS] = "locks",       [RLIMIT_SIGPENDING] = "sigpending",
    [RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
    [RLIMIT_RTPRIO] = "rtprio",     [RLIMIT_RTTIME] = "rttime",
};

static const char *rlimit_name(int resource)
{
    bool known = resource >= 0 && resource < RLIM_NLIMITS;

    return known && rlimit_name_table[resource] ? rlimit_name_table[resource] : "?";
}

static int rlimit_set(const struct spawn_rlimit *wanted, struct err *err)
{
    struct rlimit limit = { .rlim_cur = wanted->soft, .rlim_max = wanted->hard };
    struct rlimit now = { 0 };
    const char *name = rlimit_name(wanted->resource);
    int r = sys_prlimit(0, wanted->resource, &limit, NULL);

    if (r == -EPERM && sys_prlimit(0, wanted->resource, NULL, &now) >= 0)
        return err_refuse(err, EPERM,
                          "--ulimit %s: the hard limit here is %llu, and raising it takes "
                          "CAP_SYS_RESOURCE (nofile: also fs.nr_open)",
                          name, (unsigned long long)now.rlim_max);
    if (r < 0)
        return err_refuse(err, -r, "--ulimit %s: cannot set it: %s", name, err_name(-r));
    r = sys_prlimit(0, wanted->resource, NULL, &now);
    if (r < 0)
        return err_set(err, -r, "--ulimit %s: cannot read it back: %s", name, err_name(-r));
    if (now.rlim_cur != limit.rlim_cur || now.rlim_max != limit.rlim_max)
        return err_refuse(err, EIO, "--ulimit %s: the kernel keeps %llu:%llu instead", name,
                          (unsigned long long)now.rlim_cur, (unsigned long long)now.rlim_max);
    return 0;
}

int step_rlimits(struct launch *launch, struct err *err)
{
    for (size_t i = 0; i < launch->options->n_rlimits; i++) {
        int r = rlimit_set(&launch->options->rlimits[i], err);

        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- user and groups ----------------------------------------------------------------------------------------- */

/* In a user namespace whose maker may not change groups there is nothing to give up, and no right to. */
static bool groups_are_denied(const struct launch *launch)
{
    return (launch->spec->namespaces & CLONE_NEWUSER) && launch->spec->rootless &&
           !launch->spec->map_by_helper;
}

/* The same where somebody else has made the user namespace that we are all in. */
static bool groups_were_denied(const struct launch *launch)
{
    char text[16];

    return launch->own_proc_fd >= 0 &&
           file_read_line(launch->own_proc_fd, "self/setgroups", text, sizeof(text)) > 0 &&
           strcmp(text, "deny") == 0;
}

static int groups_set(struct launch *launch, struct err *err)
{
    bool document = launch->spec->document;
    int r;

    if (groups_are_denied(launch) && !(document && launch->n_groups > 0))
        return 0;
    r = sys_setgroups(launch->n_groups, launch->groups);
    if (r == -EPERM && document && launch->n_groups == 0 && groups_were_denied(launch))
        return 0;
    return r < 0
               ? err_refuse(err, -r, "--user, --group-add: cannot set the supplementary groups: %s",
                            r == -EPERM ? "the user namespace denies it (setgroups)" : err_name(-r))
               : 0;
}

/* A document's filter may have to be loaded afterwards, which takes capabilities; so may its own sets. */
static bool keeps_capabilities(const struct launch *launch)
{
    const struct spec *spec = launch->spec;

    if (launch->uid == 0)
        return false;
    return spec->caps.ambient != 0 ||
           (spec->document && ((spec->caps.permitted | spec->caps.inheritable) != 0 ||
                               (launch->options->filter && !spec->no_new_privs)));
}

/* Only a document is read back: what options ask for is known to be there when the calls have said so. */
static int identity_verify(const struct launch *launch, struct err *err)
{
    uid_t uid[3];
    gid_t gid[3];

    if (!launch->spec->document)
        return 0;
    if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
        return err_set(err, errno, "cannot read the user back: %m");
    for (int i = 0; i < 3; i++) {
        if (uid[i] != launch->uid || gid[i] != launch->gid)
            return err_refuse(err, EIO, "--user: asked for %u:%u, and got %u:%u", launch->uid,
                              launch->gid, uid[i], gid[i]);
    }
    return 0;
}

int step_identity(struct launch *launch, struct err *err)
{
    int r;

    /* They survive the change only on request; see step_capabilities(). */
    if (keeps_capabilities(launch) && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return err_set(err, errno, "cannot keep capabilities across a change of user: %m");
    r = groups_set(launch, err);
    if (r < 0)
        return r;
    r = sys_setresgid(launch->gid, launch->gid, launch->gid);
    if (r >= 0)
        r = sys_setresuid(launch->uid, launch->uid, launch->uid);
    if (r == -EINVAL)
        return err_refuse(err, EINVAL,
                          "--user: %u:%u has no number outside; --uidmap and --gidmap must map it",
                          launch->uid, launch->gid);
    return r < 0 ? err_refuse(err, -r, "--user: cannot become %u:%u: %s", launch->uid, launch->gid,
                              err_name(-r))
                 : identity_verify(launch, err);
}

/* ---- capabilities --------------------------------------------------------------------------------------------- */

/* What is inheritable may be ambient already, by whoever started us. */
static int ambient_set(const struct spec_caps *caps, struct err *err)
{
    if (caps->inheritable != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return err_set(err, errno, "cannot clear the ambient capabilities: %m");
    for (int i = 0; i < 64 && caps->ambient >> i; i++) {
        if (!(caps->ambient & UINT64_C(1) << i))
            continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return err_refuse(err, errno, "--cap-add: cannot make capability %d ambient: %m", i);
    }
    return 0;
}

/* Behind a filter of the document's own nothing more is asked than has to be. */
static int capabilities_verify(const struct launch *launch, const struct spec_caps *caps,
                               struct err *err)
{
    uint64_t effective, permitted, inheritable;
    int r;

    if (!launch->spec->document || (launch->options->filter && !launch->spec->no_new_privs))
        return 0;
    r = sys_capget(&effective, &permitted, &inheritable);
    if (r < 0)
        return err_set(err, -r, "cannot read the capabilities back: %s", err_name(-r));
    if (effective != caps->effective || permitted != caps->permitted ||
        inheritable != caps->inheritable)
        return err_refuse(err, EIO,
                          "--cap-add, --cap-drop: the kernel keeps other capabilities than asked "
                          "for");
    return 0;
}

int step_capabilities(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    struct spec_caps caps = spec->caps;
    int r;

    /* Another user's are gone with the change, unless kept; what is inheritable is not, and has to go in
     * any case. */
    if (launch->uid != 0 && caps.ambient == 0 && spec->user && !spec->document)
        caps.effective = caps.permitted = 0;
    r = sys_capset(caps.effective, caps.permitted, caps.inheritable);
    if (r < 0)
        return err_refuse(err, -r, "--cap-add, --cap-drop: cannot set the capabilities: %s",
                          r == -EPERM ? "one of them is not ours to give" : err_name(-r));
    r = ambient_set(&caps, err);
    return r < 0 ? r : capabilities_verify(launch, &caps, err);
}

/* What exec may give: for COMMAND itself, after its profile was asked for. */
int step_no_gain(struct launch *launch, struct err *err)
{
    (void)launch;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(err, errno, "noNewPrivileges: %m");
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return err_refuse(err, EIO, "noNewPrivileges: the kernel does not keep it");
    return 0;
}
