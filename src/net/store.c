/* DATA/networks: a directory for each network, with its configuration and a file for each lease. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/net_private.h"

#define NETWORKS  "networks"
#define LOCK      ".lock"
#define CONFIG    "config"
#define LEASES    "leases"
#define TEMPORARY ".new"
#define PATH_SIZE 320 /* two names, and what stands between and behind them */

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* Like mkdir -p; the last one is ours alone. */
static int make_directories(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(copy, 0711) < 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int store_open(const char *data_dir, bool make, struct store *ret, struct err *err)
{
    _cleanup_free_ char *path = text_format("%s/" NETWORKS, data_dir);
    int r = 0;

    *ret = STORE_INIT;
    if (text_replace(&ret->data_dir, data_dir) < 0 || !path)
        return err_nomem(err);
    if (make)
        r = make_directories(path);
    if (r < 0)
        return err_set(err, -r, "cannot make %.300s: %s", path, err_name(-r));
    ret->dir_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (ret->dir_fd >= 0)
        return 0;
    return !make && errno == ENOENT ? -ENOENT : err_set(err, errno, "cannot open %.300s: %m", path);
}

int store_lock(struct store *store, struct err *err)
{
    store->lock_fd = openat(store->dir_fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return err_set(err, errno, "cannot open the lock of %.300s/" NETWORKS ": %m",
                       store->data_dir);
    while (flock(store->lock_fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return err_set(err, errno, "cannot lock %.300s/" NETWORKS ": %m", store->data_dir);
    }
    return 0;
}

void store_close(struct store *store)
{
    free(store->data_dir);
    store->dir_fd = fd_close(store->dir_fd);
    store->lock_fd = fd_close(store->lock_fd);
    *store = STORE_INIT;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* The names in a directory that are valid, sorted. */
static int names_read(int dir_fd, const char *path, bool (*valid)(const char *), char ***ret)
{
    int fd = openat(dir_fd, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    *ret = NULL;
    if (!dir) {
        fd_close(fd);
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (valid(entry->d_name))
            r = strv_push(ret, entry->d_name);
    }
    closedir(dir);
    return r;
}

static int lease_load(const struct store *store, const char *network, const char *id,
                      struct lease *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/" LEASES "/%s", network, id);
    int r = file_read_regular(store->dir_fd, path, NET_FILE_MAX, &text);
    return r < 0 ? r : lease_read(id, buf_text(&text), ret);
}

/* One that cannot be read holds nothing: what it stood for is found out from the links. */
static int leases_load(const struct store *store, struct network *network)
{
    char **ids = NULL;
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/" LEASES, network->config.name);
    int r = names_read(store->dir_fd, path, net_id_valid, &ids);
    size_t n = strv_length(ids);
    if (r == 0 && n > 0) {
        network->leases = calloc(n, sizeof(*network->leases));
        r = network->leases ? 0 : -ENOMEM;
    }
    for (size_t i = 0; r == 0 && ids && i < n; i++) {
        int got =
            lease_load(store, network->config.name, ids[i], &network->leases[network->n_leases]);
        if (got == -ENOMEM)
            r = got;
        network->n_leases += got == 0;
    }
    strv_free(ids);
    return r;
}

static int network_load(const struct store *store, const char *name, struct network *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[PATH_SIZE];

    *ret = (struct network){ 0 };
    snprintf(path, sizeof(path), "%s/" CONFIG, name);
    int r = file_read_regular(store->dir_fd, path, NET_FILE_MAX, &text);
    if (r >= 0)
        r = config_read(name, buf_text(&text), &ret->config);
    return r < 0 ? r : leases_load(store, ret);
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

int store_read(const struct store *store, struct networks *ret, struct err *err)
{
    char **names = NULL;
    int r = names_read(store->dir_fd, ".", network_name_valid, &names);
    size_t n = strv_length(names);

    *ret = (struct networks){ 0 };
    if (names && n > 0)
        qsort(names, n, sizeof(*names), compare_names);
    ret->v = calloc(n + 1, sizeof(*ret->v));
    if (!ret->v)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && names && i < n; i++) {
        struct network network;
        int got = network_load(store, names[i], &network);
        if (got == 0)
            ret->v[ret->n++] = network;
        /* Half made, or half removed. */
        else if (got == -ENOMEM)
            r = got;
        else if (got != -ENOENT)
            r = err_set(err, -got, "the network %s cannot be read (%s/" NETWORKS "/%s/config): %s",
                        names[i], store->data_dir, names[i], err_name(-got));
    }
    strv_free(names);
    if (r == -ENOMEM)
        err_nomem(err);
    if (r < 0)
        networks_done(ret);
    return r;
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

/* Aside, and put in place whole. keep: it has to survive the machine's fall, too. */
static int put_file(const struct store *store, const char *directory, const char *name,
                    const struct buf *text, bool keep)
{
    char path[PATH_SIZE], temporary[PATH_SIZE];

    if (buf_error(text) < 0)
        return -ENOMEM;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    /* Under the lock: there is one at a time. */
    snprintf(temporary, sizeof(temporary), "%s/" TEMPORARY, directory);
    _cleanup_close_ int fd = openat(store->dir_fd, temporary,
                                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, buf_text(text), text->len);
    if (r >= 0 && keep && fsync(fd) < 0)
        r = -errno;
    if (r >= 0 && renameat(store->dir_fd, temporary, store->dir_fd, path) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(store->dir_fd, temporary, 0);
    return r;
}

static int make_directory(const struct store *store, const char *path)
{
    return mkdirat(store->dir_fd, path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int store_keep(const struct store *store, const struct net_config *config, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = make_directory(store, config->name);

    config_write(config, &text);
    if (r >= 0)
        r = put_file(store, config->name, CONFIG, &text, true);
    return r < 0 ? err_set(err, -r, "cannot keep the network %s in %.200s/" NETWORKS ": %s",
                           config->name, store->data_dir, err_name(-r))
                 : 0;
}

int store_forget(const struct store *store, const char *network, struct err *err)
{
    static const char *const file_table[] = { CONFIG, TEMPORARY, LEASES "/" TEMPORARY };
    char path[PATH_SIZE];
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(file_table); i++) {
        snprintf(path, sizeof(path), "%s/%s", network, file_table[i]);
        if (unlinkat(store->dir_fd, path, 0) < 0 && errno != ENOENT)
            r = -errno;
    }
    snprintf(path, sizeof(path), "%s/" LEASES, network);
    if (r == 0 && unlinkat(store->dir_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    if (r == 0 && unlinkat(store->dir_fd, network, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r < 0 ? err_set(err, -r, "cannot remove the network %s from %.200s/" NETWORKS ": %s",
                           network, store->data_dir, err_name(-r))
                 : 0;
}

/* It names what ends with the kernel: a lease that a fall of the machine takes with it was dead anyway. */
int store_keep_lease(const struct store *store, const struct lease *lease, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[PATH_SIZE];

    lease_write(lease, &text);
    snprintf(path, sizeof(path), "%s/" LEASES, lease->info.network);
    int r = make_directory(store, path);
    if (r >= 0)
        r = put_file(store, path, lease->id, &text, false);
    return r < 0 ? err_set(err, -r, "cannot keep the lease of %s in %.200s/" NETWORKS ": %s",
                           lease->id, store->data_dir, err_name(-r))
                 : 0;
}

int store_forget_lease(const struct store *store, const char *network, const char *id,
                       struct err *err)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/" LEASES "/%s", network, id);
    if (unlinkat(store->dir_fd, path, 0) < 0 && errno != ENOENT)
        return err_set(err, errno, "cannot remove the lease of %s from %.200s/" NETWORKS ": %m", id,
                       store->data_dir);
    return 0;
}
