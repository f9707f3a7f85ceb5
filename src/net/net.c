/* The network of one run: ports and files first, then the program that does the rest, then what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/net_private.h"

#define HOST_FILE_MAX 65536u
#define SHORT_ID      12 /* digits of an id that stand for it */

struct net {
    char *data_dir;
    struct lease wanted;
    struct ports ports;
    struct program program;
    struct net_info info;
};

/* ---- files --------------------------------------------------------------------------------------------------- */

static int file_put(int dir_fd, const char *name, const struct buf *text)
{
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (buf_error(text) < 0)
        return -ENOMEM;
    /* Whatever our umask is, the container's users read it. */
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return -errno;
    return fd_write_all(fd, buf_text(text), text->len);
}

static void hosts_first(const struct net_request *request, struct buf *ret)
{
    struct buf host = BUF_INIT;

    if (request->network != SPEC_NETWORK_HOST) {
        hosts_write_alone(request->hostname, request->net->hosts, ret);
        return;
    }
    if (file_read_regular(AT_FDCWD, "/etc/hosts", HOST_FILE_MAX, &host) >= 0) {
        buf_add(ret, host.data, host.len);
        if (host.len > 0 && host.data[host.len - 1] != '\n')
            buf_putc(ret, '\n');
    }
    for (char *const *extra = request->net->hosts; extra && *extra; extra++) {
        size_t name = strcspn(*extra, ":=");
        const char *address = *extra + name + 1;
        buf_printf(ret, "%s\t%.*s\n", strcmp(address, "host-gateway") == 0 ? "127.0.0.1" : address,
                   (int)name, *extra);
    }
    buf_done(&host);
}

/* The host's, or, where all of its name servers are a program of systemd's, the one that has the real ones. */
static void resolv_first(const struct net_request *request, struct buf *ret)
{
    static const char *const file_table[] = { "/etc/resolv.conf",
                                              "/run/systemd/resolve/resolv.conf" };
    bool loopback = request->network == SPEC_NETWORK_HOST;

    for (size_t i = 0; i < ARRAY_SIZE(file_table); i++) {
        _cleanup_buf_ struct buf host = BUF_INIT;
        if (file_read_regular(AT_FDCWD, file_table[i], HOST_FILE_MAX, &host) < 0)
            buf_reset(&host);
        buf_reset(ret);
        resolv_write(request->net, buf_text(&host), loopback, ret);
        if (strstr(buf_text(ret), "nameserver"))
            return;
    }
}

static int files_make(const struct net_request *request, struct err *err)
{
    _cleanup_buf_ struct buf hosts = BUF_INIT, resolv = BUF_INIT, hostname = BUF_INIT;
    const char *path = request->net->files;
    _cleanup_free_ char *above = path ? strdup(path) : NULL;
    int r = 0;

    if (!path)
        return 0;
    if (!above)
        return err_nomem(err);
    *strrchr(above, '/') = '\0';
    /* The container's root may be another user of ours: it passes here, but sees nothing. */
    if ((mkdir(above, 0711) < 0 && errno != EEXIST) || mkdir(path, 0711) < 0)
        return err_set(err, errno, "cannot make %.300s: %m", path);
    _cleanup_close_ int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    hosts_first(request, &hosts);
    resolv_first(request, &resolv);
    buf_printf(&hostname, "%s\n", text_or_empty(request->hostname));
    if (fd < 0)
        r = -errno;
    if (r >= 0)
        r = file_put(fd, NET_FILE_HOSTS, &hosts);
    if (r >= 0)
        r = file_put(fd, NET_FILE_RESOLV, &resolv);
    if (r >= 0)
        r = file_put(fd, NET_FILE_HOSTNAME, &hostname);
    return r < 0 ? err_set(err, -r, "cannot write the files of names in %.300s: %s", path,
                           err_name(-r))
                 : 0;
}

static int files_remove(const char *path, struct err *err)
{
    static const char *const name_table[] = { NET_FILE_HOSTS, NET_FILE_RESOLV, NET_FILE_HOSTNAME };
    _cleanup_close_ int fd = path ? open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(name_table); i++)
        unlinkat(fd, name_table[i], 0);
    if (rmdir(path) < 0 && errno != ENOENT)
        return err_set(err, errno, "cannot remove %.300s: %m", path);
    /* The directory above, when nobody has files in it any more. */
    _cleanup_free_ char *above = strdup(path);
    if (above) {
        *strrchr(above, '/') = '\0';
        rmdir(above);
    }
    return 0;
}

/* ---- what is asked for ----------------------------------------------------------------------------------------- */

static int push_name(char ***names, const char *name)
{
    for (char *const *have = *names; name && have && *have; have++) {
        if (strcmp(*have, name) == 0)
            return 0;
    }
    return name ? strv_push(names, name) : 0;
}

static int wanted_names(struct net *net, const struct net_request *request)
{
    char ***names = &net->wanted.info.names;
    char id[SHORT_ID + 1];
    int r = push_name(names, request->name);

    snprintf(id, sizeof(id), "%s", request->id);
    if (r == 0)
        r = push_name(names, strlen(request->id) > 4 * SHORT_ID ? id : request->id);
    for (char *const *alias = request->net->aliases; r == 0 && alias && *alias; alias++)
        r = push_name(names, *alias);
    return r;
}

static int wanted_fill(struct net *net, const struct net_request *request, struct err *err)
{
    struct lease *wanted = &net->wanted;
    const struct spec_net *asked = request->net;
    int r = text_replace(&net->data_dir, request->data_dir);

    if (r == 0)
        r = text_replace(&wanted->id, request->id);
    if (r == 0)
        r = text_replace(&wanted->info.network, asked->name);
    if (r == 0)
        r = text_replace(&wanted->hostname, request->hostname);
    if (r == 0 && asked->files) {
        wanted->hosts = text_format("%s/" NET_FILE_HOSTS, asked->files);
        r = wanted->hosts ? 0 : -ENOMEM;
    }
    if (r == 0 && asked->hosts)
        r = strv_copy(asked->hosts, &wanted->extra);
    if (r == 0)
        r = wanted_names(net, request);
    wanted->info.address = asked->ip;
    if (asked->mac_set)
        memcpy(wanted->info.mac, asked->mac, sizeof(asked->mac));
    wanted->info.bandwidth_in = request->bandwidth_in;
    wanted->info.bandwidth_out = request->bandwidth_out;
    return r < 0 ? err_nomem(err) : 0;
}

int net_new(const struct net_request *request, struct net **ret, struct err *err)
{
    struct net *net;
    int r;

    if (!net_id_valid(request->id))
        return err_usage(err, "%.140s is no name that a network can know a container by",
                         request->id);
    net = calloc(1, sizeof(*net));
    if (!net)
        return err_nomem(err);
    net->program.fd = -1;
    r = wanted_fill(net, request, err);
    if (r >= 0 && request->network == SPEC_NETWORK_BRIDGE)
        r = ports_take(request->data_dir, request->net, &net->ports, err);
    if (r >= 0)
        r = files_make(request, err);
    if (r < 0) {
        net_free(net);
        return r;
    }
    *ret = net;
    return 0;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    if (net->program.pid > 0)
        program_answer(&net->program, NULL);
    ports_done(&net->ports);
    lease_done(&net->wanted);
    net_info_done(&net->info);
    free(net->data_dir);
    free(net);
}

/* ---- up and down -------------------------------------------------------------------------------------------------- */

int net_start(struct net *net, int netns_fd, struct err *err)
{
    _cleanup_buf_ struct buf request = BUF_INIT;
    struct net_info *info = &net->wanted.info;

    /* Lent for as long as the request is written. */
    info->ports = net->ports.v;
    info->n_ports = net->ports.n;
    lease_write(&net->wanted, &request);
    info->ports = NULL;
    info->n_ports = 0;
    if (buf_error(&request) < 0)
        return err_nomem(err);
    return program_start("up", net->data_dir, net->wanted.id, netns_fd, buf_text(&request),
                         &net->program, err);
}

int net_finish(struct net *net, struct err *err)
{
    int r = program_answer(&net->program, err);

    return r < 0 ? r : net_look(net->data_dir, net->wanted.id, &net->info, err);
}

const struct net_info *net_result(const struct net *net)
{
    return &net->info;
}

int net_down(const char *data_dir, const char *id, const char *files, struct err *err)
{
    struct program program;
    int r = data_dir ? program_start("down", data_dir, id, -1, "", &program, err) : 0;

    if (r >= 0 && data_dir)
        r = program_answer(&program, err);
    return r < 0 ? r : files_remove(files, err);
}

/* ---- looking ---------------------------------------------------------------------------------------------------------- */

int net_look(const char *data_dir, const char *id, struct net_info *ret, struct err *err)
{
    struct store store = STORE_INIT;
    struct networks networks = { 0 };
    int r = store_open(data_dir, false, &store, err);

    if (r >= 0)
        r = store_read(&store, &networks, err);
    if (r >= 0)
        r = -ENOENT;
    for (size_t i = 0; r == -ENOENT && i < networks.n; i++) {
        struct network *network = &networks.v[i];
        for (size_t n = 0; r == -ENOENT && n < network->n_leases; n++) {
            struct lease *lease = &network->leases[n];
            if (strcmp(lease->id, id) != 0)
                continue;
            *ret = lease->info;
            lease->info = (struct net_info){ 0 };
            r = 0;
        }
    }
    networks_done(&networks);
    store_close(&store);
    return r == -ENOENT ? err_set(err, ENOENT, "%.64s is in no network", id) : r;
}
