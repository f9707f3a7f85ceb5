/* Who COMMAND is, by the names of the root's own files: read in the supervisor where the root is there, in the
 * box where the root is only made in it, and by a further process from within. The heap is not the box's to use. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "spawn/parts.h"
#include "spawn/steps.h"
#include "sys/sys.h"

#define ACCOUNTS_MAX (1024 * 1024)

/* Memory of which only what is used is ever there. */
struct accounts {
    char passwd[ACCOUNTS_MAX + 1], group[ACCOUNTS_MAX + 1];
    gid_t groups[2 * NGROUPS_MAX];
    char home[PATH_MAX + sizeof("HOME=")];
};

/* Room for one byte more than allowed tells whether there is more. */
static int text_read(int fd, char *ret)
{
    size_t length = 0;
    ssize_t n;

    do {
        n = read(fd, ret + length, ACCOUNTS_MAX + 1 - length);
        length += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && length <= ACCOUNTS_MAX) || (n < 0 && errno == EINTR));
    if (n < 0)
        return -errno;
    if (length > ACCOUNTS_MAX)
        return -EFBIG;
    ret[length] = '\0';
    return 0;
}

/*
 * One of the root's account files, as text. The file is whatever the image says: it may be missing, a
 * pipe that never gives anything, or endless.
 */
static int accounts_read(int root_fd, const char *path, char *ret, struct err *err)
{
    struct stat st;
    _cleanup_close_ int fd =
        sys_openat2(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    int r;

    ret[0] = '\0';
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return err_set(err, -fd, "--user: cannot open /%s of the root: %s", path, err_name(-fd));
    if (fstat(fd, &st) < 0)
        return err_set(err, errno, "--user: cannot look at /%s of the root: %m", path);
    if (!S_ISREG(st.st_mode))
        return err_refuse(err, EINVAL, "--user: /%s of the root is not a regular file", path);
    r = text_read(fd, ret);
    if (r == -EFBIG)
        return err_refuse(err, EFBIG, "--user: /%s of the root is larger than 1 MiB", path);
    if (r < 0)
        return err_set(err, -r, "--user: cannot read /%s of the root: %s", path, err_name(-r));
    return 0;
}

static int accounts_find(struct launch *launch, int root_fd, struct err *err)
{
    struct accounts *accounts = launch->accounts;
    const struct spec *spec = launch->spec;
    struct spec_account account = { .groups = accounts->groups, .room = NGROUPS_MAX };
    int r = accounts_read(root_fd, "etc/passwd", accounts->passwd, err);

    if (r >= 0)
        r = accounts_read(root_fd, "etc/group", accounts->group, err);
    if (r >= 0)
        r = spec_find_account(spec->user, accounts->passwd, accounts->group, &account, err);
    if (r < 0)
        return r;
    if (spec->n_groups > NGROUPS_MAX)
        return err_usage(err, "--group-add: too many groups");
    launch->uid = account.uid;
    launch->gid = account.gid;
    launch->n_groups = account.n_groups + spec->n_groups;
    /* Supplementary groups asked for by number join those that the root's files tell. */
    if (spec->n_groups > 0)
        memcpy(accounts->groups + account.n_groups, spec->groups,
               spec->n_groups * sizeof(*spec->groups));
    if (account.home_length >= PATH_MAX)
        return err_refuse(err, ENAMETOOLONG,
                          "--user: the home of %s in the root's /etc/passwd is "
                          "longer than a path can be",
                          spec->user);
    snprintf(accounts->home, sizeof(accounts->home), "HOME=%.*s",
             account.home ? (int)account.home_length : 0, text_or_empty(account.home));
    if (!accounts->home[strlen("HOME=")])
        strcpy(accounts->home, "HOME=/");
    return 0;
}

static bool has_home(char *const *env)
{
    for (; env && *env; env++) {
        if (text_starts(*env, "HOME="))
            return true;
    }
    return false;
}

int user_prepare(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;
    void *memory;

    launch->uid = spec->uid;
    launch->gid = spec->gid;
    launch->groups = spec->groups;
    launch->n_groups = spec->n_groups;
    if (!spec->user_from_rootfs)
        return 0;
    memory = mmap(NULL, sizeof(*launch->accounts), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return err_nomem(err);
    launch->accounts = memory;
    launch->groups = launch->accounts->groups;
    launch->home = launch->accounts->home;
    launch->home_wanted = !has_home(spec->env);
    if (spec->overlay || launch->entering)
        return 0;

    const char *root = spec->rootfs ? spec->rootfs : "/";
    _cleanup_close_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return err_set(err, errno, "--rootfs: cannot open %s: %m", root);
    return accounts_find(launch, root_fd, err);
}

void user_done(struct launch *launch)
{
    if (launch->accounts)
        munmap(launch->accounts, sizeof(*launch->accounts));
    launch->accounts = NULL;
}

int step_user(struct launch *launch, struct err *err)
{
    return accounts_find(launch, launch->root_fd, err);
}
