/* User and group maps of a new user namespace, written from outside. See user_namespaces(7). */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/launch.h"

#define MAPS_MAX 340 /* user_namespaces(7) */

/* One kind of map: its file in /proc/PID and the helper that may write more than one number. */
struct map_kind {
    const char *file, *helper, *option;
};

static const struct map_kind uid_kind = { "uid_map", "newuidmap", "--uidmap" };
static const struct map_kind gid_kind = { "gid_map", "newgidmap", "--gidmap" };

static int proc_write(pid_t pid, const char *file, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return file_write(AT_FDCWD, path, text);
}

static int map_write(const struct map_kind *kind, const struct spec_id_map *maps, size_t n,
                     pid_t pid, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r;

    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
    if (buf_error(&text) < 0)
        return err_nomem(err);
    r = proc_write(pid, kind->file, buf_text(&text));
    if (r == -EPERM)
        return err_refuse(err, EPERM,
                          "%s: the kernel refuses this map; an ordinary user may map only itself, "
                          "unless %s is installed and /etc/sub%.3s names a range",
                          kind->option, kind->helper, kind->file);
    return r < 0
               ? err_set(err, -r, "%s: cannot write %s: %s", kind->option, kind->file, err_name(-r))
               : 0;
}

/* newuidmap PID INSIDE OUTSIDE COUNT ... */
static int helper_run(const struct map_kind *kind, char **argv, struct err *err)
{
    char *env[] = { (char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" }, NULL };
    char path[64];
    int wait_status;
    pid_t pid;
    int r;

    snprintf(path, sizeof(path), "/usr/bin/%s", kind->helper);
    r = posix_spawn(&pid, path, NULL, NULL, argv, env);
    if (r != 0)
        return err_refuse(err, r, "%s: cannot execute %s: %s", kind->option, path, err_name(r));
    while (waitpid(pid, &wait_status, 0) < 0) {
        if (errno != EINTR)
            return err_set(err, errno, "%s: cannot wait for %s: %m", kind->option, path);
    }
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        return err_refuse(err, EPERM, "%s: %s refuses the map; /etc/sub%.3s must allow it",
                          kind->option, path, kind->file);
    return 0;
}

static int map_by_helper(const struct map_kind *kind, const struct spec_id_map *maps, size_t n,
                         pid_t pid, struct err *err)
{
    char **argv = NULL;
    char text[16];
    int r = strv_push(&argv, kind->helper);

    snprintf(text, sizeof(text), "%d", (int)pid);
    if (r >= 0)
        r = strv_push(&argv, text);
    for (size_t i = 0; r >= 0 && i < 3 * n; i++) {
        const uint32_t numbers[] = { maps[i / 3].inside, maps[i / 3].outside, maps[i / 3].count };

        snprintf(text, sizeof(text), "%u", numbers[i % 3]);
        r = strv_push(&argv, text);
    }
    r = r < 0 ? err_nomem(err) : helper_run(kind, argv, err);
    strv_free(argv);
    return r;
}

/*
 * Who may not change groups outside must give that up inside before mapping one (user_namespaces(7)):
 * it could drop a group that denies access. Who may is not refused here, and keeps it.
 */
static int groups_deny(pid_t pid, struct err *err)
{
    int r = geteuid() == 0 ? 0 : proc_write(pid, "setgroups", "deny");

    return r < 0 ? err_set(err, -r, "cannot write setgroups: %s", err_name(-r)) : 0;
}

int maps_write(const struct spec *spec, pid_t box_pid, struct err *err)
{
    int r;

    if (spec->n_uid_maps == 0 || spec->n_gid_maps == 0 || spec->n_uid_maps > MAPS_MAX ||
        spec->n_gid_maps > MAPS_MAX)
        return err_usage(err, "--uidmap, --gidmap: 1 to %d ranges are possible", MAPS_MAX);
    if (spec->map_by_helper) {
        r = map_by_helper(&uid_kind, spec->uid_maps, spec->n_uid_maps, box_pid, err);
        return r < 0 ? r : map_by_helper(&gid_kind, spec->gid_maps, spec->n_gid_maps, box_pid, err);
    }
    r = map_write(&uid_kind, spec->uid_maps, spec->n_uid_maps, box_pid, err);
    if (r >= 0)
        r = groups_deny(box_pid, err);
    return r < 0 ? r : map_write(&gid_kind, spec->gid_maps, spec->n_gid_maps, box_pid, err);
}
