/* What the commands of one call share: where containers are on record, and who we are. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ocicli/ocicli.h"

#define DIRECTORY_NAME "ration-oci"

/*
 * Does user 0 here stand for somebody else outside? user_namespaces(7): "0 0 4294967295", with blanks. -errno
 * where it cannot be told: whoever is taken for a user of a namespace is let off what such cannot have.
 */
static int in_user_namespace(void)
{
    static const char *const identity_table[] = { "0", "0", "4294967295" };
    char line[64];
    const char *at = line;

    /* More maps than one line holds are no identity, either. */
    ssize_t r = file_read_line(AT_FDCWD, "/proc/self/uid_map", line, sizeof(line));
    if (r < 0)
        return r == -ENOENT || r == -EFBIG ? r == -EFBIG : (int)r;
    for (size_t i = 0; i < ARRAY_SIZE(identity_table); i++) {
        size_t n = strlen(identity_table[i]);
        at += strspn(at, " ");
        if (strncmp(at, identity_table[i], n) != 0 || (at[n] != ' ' && at[n] != '\0'))
            return true;
        at += n;
    }
    return *at != '\0';
}

/*
 * $XDG_RUNTIME_DIR is a user's, and is gone by when a root who came by sudo logs out: for root it counts in
 * a user namespace only, where podman has us as root of its own making.
 */
static char *default_root(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    bool has_runtime = runtime && runtime[0] == '/';
    uid_t uid = geteuid();
    char path[48];
    struct stat st;

    if (uid == 0 && (!has_runtime || in_user_namespace() <= 0))
        return strdup("/run/" DIRECTORY_NAME);
    if (has_runtime)
        return text_format("%s/" DIRECTORY_NAME, runtime);
    snprintf(path, sizeof(path), "/run/user/%u", uid);
    if (stat(path, &st) == 0 && st.st_uid == uid)
        return text_format("%s/" DIRECTORY_NAME, path);
    return text_format("/tmp/" DIRECTORY_NAME "-%u", uid);
}

static enum cgroup_manager manager_of(const struct session *session)
{
    static const struct {
        const char *word;
        enum cgroup_manager manager;
    } manager_table[] = {
        { "cgroupfs", MANAGER_CGROUPFS },
        { "systemd", MANAGER_SYSTEMD },
        { "disabled", MANAGER_DISABLED },
    };

    for (size_t i = 0; session->cgroup_manager && i < ARRAY_SIZE(manager_table); i++) {
        if (strcmp(manager_table[i].word, session->cgroup_manager) == 0)
            return manager_table[i].manager;
    }
    return session->systemd_cgroup ? MANAGER_SYSTEMD : MANAGER_CGROUPFS;
}

/* 1 or 0, told by --rootless or found out. */
static int find_rootless(const struct session *session, struct err *err)
{
    if (session->rootless && strcmp(session->rootless, "auto") != 0)
        return strcmp(session->rootless, "true") == 0;
    if (geteuid() != 0)
        return true;
    int r = in_user_namespace();
    return r < 0 ? err_set(err, -r, "cannot read /proc/self/uid_map: %s", err_name(-r)) : r;
}

int session_engine(struct session *session, struct engine **ret, struct err *err)
{
    if (!session->engine) {
        bool given = session->root && session->root[0];
        _cleanup_free_ char *root = given ? strdup(session->root) : default_root();
        if (!root)
            return err_nomem(err);
        int r = engine_open(root, &session->engine, err);
        if (r < 0)
            return r;
        if (PROCESS_LEAVES_ALL)
            engine_set_last(session->engine);
        engine_set_manager(session->engine, manager_of(session));
        r = find_rootless(session, err);
        if (r < 0)
            return r;
        engine_set_rootless(session->engine, r > 0);
    }
    *ret = session->engine;
    return 0;
}

int session_world(struct session *session, const struct spec_world **ret, struct err *err)
{
    if (!session->has_world) {
        /* A document names every id by itself. */
        int r = run_world(false, &session->world, err);
        if (r < 0)
            return r;
        session->has_world = true;
    }
    *ret = &session->world;
    return 0;
}

void session_done(struct session *session)
{
    engine_close(session->engine);
    session->engine = NULL;
    session->log_fd = fd_close(session->log_fd);
}
