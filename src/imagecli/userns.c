/* An ordinary user's own namespace. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imagecli/imagecli.h"
#include "imagecli/userns.h"

/* Are all numbers of users ours, as they are on the machine itself? */
static bool is_whole(void)
{
    char line[64];
    char *after;

    if (file_read_line(AT_FDCWD, "/proc/self/uid_map", line, sizeof(line)) < 0)
        return true; /* a kernel without user namespaces */
    uint64_t inside = strtoull(line, &after, 10), outside = strtoull(after, &after, 10);
    return inside == 0 && outside == 0 && strtoull(after, NULL, 10) >= UINT32_MAX;
}

/* ---- the parent ------------------------------------------------------------------------------------------ */

static pid_t child_pid;

static void pass_on(int signal)
{
    if (child_pid > 0)
        kill(child_pid, signal);
}

static int run_tool(const char *tool, pid_t pid, uint32_t own, const struct id_range *range)
{
    char words[6][16], *argv[9] = { (char *)tool };
    const uint32_t numbers[] = { 0, own, 1, 1, range->first, range->count };
    char target[16];
    pid_t tool_pid;
    int status;

    snprintf(target, sizeof(target), "%d", pid);
    argv[1] = target;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        snprintf(words[i], sizeof(words[i]), "%u", numbers[i]);
        argv[i + 2] = words[i];
    }
    argv[8] = NULL;
    int r = posix_spawnp(&tool_pid, tool, NULL, NULL, argv, environ);
    if (r != 0)
        return -r;
    while (waitpid(tool_pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* One number each: what everybody may. */
static int map_alone(pid_t pid, uid_t uid, gid_t gid)
{
    char path[64], text[64];
    const struct {
        const char *file;
        unsigned id;
        bool deny;
    } map_table[] = { { "uid_map", uid, false },
                      { "setgroups", 0, true },
                      { "gid_map", gid, false } };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(map_table); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, map_table[i].file);
        snprintf(text, sizeof(text), "0 %u 1\n", map_table[i].id);
        r = file_write(AT_FDCWD, path, map_table[i].deny ? "deny" : text);
    }
    return r;
}

static int write_maps(pid_t pid)
{
    struct id_range uids, gids;
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (user_sub_ids("/etc/subuid", uid, &uids) && user_sub_ids("/etc/subgid", uid, &gids) &&
        run_tool("newuidmap", pid, uid, &uids) == 0 && run_tool("newgidmap", pid, gid, &gids) == 0)
        return 0;
    return map_alone(pid, uid, gid);
}

static _Noreturn void wait_for_child(pid_t pid)
{
    static const int passed[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    int status;

    child_pid = pid;
    for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
        signal(passed[i], pass_on);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            _exit(125);
    }
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

/* ---- both -------------------------------------------------------------------------------------------------- */

static int become_root(int go_fd, int ready_fd, struct err *err)
{
    char byte = 'r';

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return err_set(err, errno,
                       "cannot make a user namespace, which files of other owners take: %m");
    if (write(ready_fd, &byte, 1) != 1 || read(go_fd, &byte, 1) != 1 || byte != 'g')
        return err_set(err, EPERM, "the user namespace got no ids");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_set(err, errno, "cannot become root of a user namespace: %m");
    /* Changing who we are has cleared it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return 0;
}

int userns_enter(bool *ret_rootless, struct err *err)
{
    int go[2], ready[2];
    char byte;

    if (geteuid() == 0) {
        *ret_rootless = !is_whole();
        return 0;
    }
    *ret_rootless = true;
    if (pipe2(go, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe: %m");
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, errno, "cannot start a process: %m");
    if (pid == 0) {
        close(go[1]);
        close(ready[0]);
        int r = become_root(go[0], ready[1], err);
        close(go[0]);
        close(ready[1]);
        return r;
    }
    close(go[0]);
    close(ready[1]);
    if (read(ready[0], &byte, 1) == 1) {
        byte = write_maps(pid) == 0 ? 'g' : 'x';
        if (write(go[1], &byte, 1) < 0)
            byte = 'x';
    }
    wait_for_child(pid);
}
