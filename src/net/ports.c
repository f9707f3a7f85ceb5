/*
 * Published ports of the host: taken by a socket that is bound to each for as long as the run lives. Rules lead
 * connections away before they reach it; but nobody else gets the port meanwhile, who would wait in vain.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_private.h"

/* ---- who has it -------------------------------------------------------------------------------------------- */

/* A container of ours with that port; the name is the caller's. */
static char *port_container(const char *data_dir, const struct net_port *port)
{
    struct store store = STORE_INIT;
    struct networks networks = { 0 };
    char *name = NULL;

    if (store_open(data_dir, false, &store, NULL) == 0)
        store_read(&store, &networks, NULL);
    for (size_t i = 0; i < networks.n; i++) {
        for (size_t l = 0; l < networks.v[i].n_leases; l++) {
            const struct lease *lease = &networks.v[i].leases[l];
            for (size_t p = 0; !name && p < lease->info.n_ports; p++) {
                const struct net_port *other = &lease->info.ports[p];
                if (other->host == port->host && other->udp == port->udp &&
                    (!other->host_ip || !port->host_ip || other->host_ip == port->host_ip))
                    name = strdup(lease->info.names ? lease->info.names[0] : lease->id);
            }
        }
    }
    networks_done(&networks);
    store_close(&store);
    return name;
}

/* The inode of a socket that is bound to the port, by /proc/net/tcp and its like; 0: none can be seen. */
static uint64_t port_inode(const struct net_port *port)
{
    static const char *const file_table[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
                                                  { "/proc/net/udp", "/proc/net/udp6" } };
    const char *cursor, *line;
    size_t len;

    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        if (file_read(AT_FDCWD, file_table[port->udp][i], 8u << 20, &text) < 0)
            continue;
        cursor = buf_text(&text);
        while (line_next(&cursor, &line, &len)) {
            char copy[320], local[5], inode[24];
            uint64_t number;
            snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
            if (sscanf(copy, "%*s %*[0-9A-F]:%4[0-9A-F] %*s %*s %*s %*s %*s %*s %*s %23[0-9]",
                       local, inode) == 2 &&
                strtoul(local, NULL, 16) == port->host &&
                number_parse(inode, UINT64_MAX, &number) == 0 && number != 0)
                return number;
        }
    }
    return 0;
}

static bool process_has(const char *pid, uint64_t inode)
{
    char wanted[40], link[40], path[300];
    struct dirent *entry;
    bool found = false;

    snprintf(wanted, sizeof(wanted), "socket:[%ju]", (uintmax_t)inode);
    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    while (dir && !found && (entry = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* "process 123 (nginx)"; the text is the caller's. */
static char *port_process(const struct net_port *port)
{
    uint64_t inode = port_inode(port);
    DIR *dir = inode ? opendir("/proc") : NULL;
    struct dirent *entry;
    char *text = NULL;

    while (dir && !text && (entry = readdir(dir))) {
        char path[64], name[32] = "?";
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !process_has(entry->d_name, inode))
            continue;
        snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
        file_read_line(AT_FDCWD, path, name, sizeof(name));
        text = text_format("process %.20s (%s)", entry->d_name, name);
    }
    if (dir)
        closedir(dir);
    return text;
}

static int port_failed(const char *data_dir, const struct net_port *port, int code, struct err *err)
{
    char ip[IPV4_SIZE];

    ipv4_format(port->host_ip, ip);
    if (code == EADDRNOTAVAIL)
        return err_refuse(err, code, "--publish %s:%u: %s is no address of this machine", ip,
                          port->host, ip);
    if (code == EACCES)
        return err_refuse(err, code, "--publish %u: a port below 1024 takes root", port->host);
    if (code != EADDRINUSE)
        return err_refuse(err, code, "--publish %s:%u: cannot take the port: %s", ip, port->host,
                          err_name(code));
    _cleanup_free_ char *container = port_container(data_dir, port);
    _cleanup_free_ char *process = container ? NULL : port_process(port);
    return err_refuse(err, code, "--publish: %s port %u of %s is taken, by %s%.64s",
                      port->udp ? "udp" : "tcp", port->host, port->host_ip ? ip : "this machine",
                      container ? "the container " : "",
                      container ? container
                      : process ? process
                                : "somebody who cannot be seen");
}

/* ---- taking -------------------------------------------------------------------------------------------------- */

static int ports_grow(struct ports *ports, const struct net_port *port, int fd)
{
    int *fds = reallocarray(ports->fds, ports->n_fds + 1, sizeof(*fds));
    struct net_port *v = NULL;

    if (fds) {
        ports->fds = fds;
        v = reallocarray(ports->v, ports->n + 1, sizeof(*v));
    }
    if (!v) {
        close(fd);
        return -ENOMEM;
    }
    ports->v = v;
    fds[ports->n_fds++] = fd;
    v[ports->n++] = *port;
    return 0;
}

/* A socket that is bound, or -errno. */
static int port_bind(const struct net_port *port, bool reuse, struct sockaddr_in *ret)
{
    int fd = socket(AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int value = reuse;
    socklen_t size = sizeof(*ret);

    if (fd < 0)
        return -errno;
    *ret = (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port->host),
                                 .sin_addr = { htonl(port->host_ip) } };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
    if (bind(fd, (struct sockaddr *)ret, sizeof(*ret)) < 0 ||
        getsockname(fd, (struct sockaddr *)ret, &size) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    /* From now on it counts as taken, also for those who set the same option. */
    value = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
    return fd;
}

/*
 * port->host 0: any that is free, which is told there. 0 or -errno. Connections of before that are fading away are
 * in nobody's way; but only then is the port asked for as one to be shared, since the kernel remembers of a port
 * that it was, whatever is said afterwards.
 */
static int port_take(struct ports *ports, struct net_port *port)
{
    struct sockaddr_in address = { 0 };
    int fd = port_bind(port, false, &address);

    if (fd == -EADDRINUSE && !port->udp)
        fd = port_bind(port, true, &address);
    if (fd < 0)
        return fd;
    port->host = ntohs(address.sin_port);
    return ports_grow(ports, port, fd);
}

/* A port of the range for the one inside. */
static int port_take_any(struct ports *ports, const struct spec_publish *publish,
                         struct net_port *port)
{
    int r = -EADDRINUSE;

    for (unsigned host = publish->host_first; r == -EADDRINUSE && host <= publish->host_last;
         host++) {
        port->host = (uint16_t)host;
        r = port_take(ports, port);
    }
    return r;
}

static int publish_take(const char *data_dir, struct ports *ports,
                        const struct spec_publish *publish, struct err *err)
{
    unsigned count = (unsigned)(publish->last - publish->first) + 1;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < count; i++) {
        struct net_port port = { .host_ip = publish->host_ip,
                                 .port = (uint16_t)(publish->first + i),
                                 .udp = publish->udp };
        if (count == 1 && publish->host_last > publish->host_first) {
            r = port_take_any(ports, publish, &port);
        } else {
            if (publish->host_first != 0)
                port.host = (uint16_t)(publish->host_first + i);
            r = port_take(ports, &port);
        }
        if (r == -ENOMEM)
            return err_nomem(err);
        if (r < 0)
            return port_failed(data_dir, &port, -r, err);
    }
    return r;
}

int ports_take(const char *data_dir, const struct spec_net *net, struct ports *ret, struct err *err)
{
    int r = 0;

    *ret = (struct ports){ 0 };
    for (size_t i = 0; r == 0 && i < net->n_publishes; i++)
        r = publish_take(data_dir, ret, &net->publishes[i], err);
    if (r < 0)
        ports_done(ret);
    return r;
}

void ports_done(struct ports *ports)
{
    for (size_t i = 0; i < ports->n_fds; i++)
        close(ports->fds[i]);
    free(ports->fds);
    free(ports->v);
    *ports = (struct ports){ 0 };
}
