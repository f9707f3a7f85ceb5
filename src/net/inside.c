/* The container's end of a link, in its network namespace; and settings of links. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "net/helper.h"
#include "sys/sys.h"

int setting_put(const char *path, const char *value, struct err *err)
{
    char have[16];

    if (file_read_line(AT_FDCWD, path, have, sizeof(have)) > 0 && strcmp(have, value) == 0)
        return 0;
    int r = file_write(AT_FDCWD, path, value);
    return r < 0 ? err_set(err, -r, "--network: cannot write %s to %.100s: %s", value, path,
                           err_name(-r))
                 : 0;
}

int link_setting(const char *family, const char *link, const char *name, const char *value,
                 struct err *err)
{
    char path[160];

    snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, link, name);
    /* A kernel without IPv6. */
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    return setting_put(path, value, err);
}

/* ---- the container's end --------------------------------------------------------------------------------- */

static int inside_address(struct wire *wire, const struct network *network,
                          const struct lease *lease)
{
    int index = link_index(wire, LINK_INSIDE), lo = link_index(wire, "lo");
    int r =
        index < 0 ? index : link_add_address(wire, index, lease->info.address, lease->info.prefix);

    if (r >= 0)
        r = link_raise(wire, index);
    if (r >= 0 && lo > 0)
        r = link_raise(wire, lo);
    if (r >= 0 && !network->config.internal)
        r = link_add_route(wire, index, lease->info.gateway);
    return r;
}

static int inside_set_up(const struct network *network, struct lease *lease, struct err *err)
{
    struct wire wire = { 0 };
    uint64_t rate = lease->info.bandwidth_out;
    int r = link_setting("ipv6", LINK_INSIDE, "disable_ipv6", "1", err);

    if (r < 0)
        return r;
    r = wire_open(&wire, NETLINK_ROUTE);
    if (r >= 0)
        r = inside_address(&wire, network, lease);
    if (r < 0)
        err_set(err, -r, "--network %s: cannot set the container's end of the link up: %s",
                network->config.name, err_name(-r));
    if (r >= 0 && rate > 0) {
        r = shape_set(&wire, link_index(&wire, LINK_INSIDE), rate, &lease->info.bandwidth_out);
        if (r < 0)
            err_refuse(err, -r, "--bandwidth-out: the kernel does not take it: %s", err_name(-r));
    }
    wire_close(&wire);
    return r;
}

/* In the container's network namespace, and back. */
int inside(int netns_fd, const struct network *network, struct lease *lease, struct err *err)
{
    _cleanup_close_ int own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int r = own_fd < 0 ? -errno : sys_setns(netns_fd, CLONE_NEWNET);

    if (r < 0)
        return err_set(err, -r, "--network: cannot enter the container's network: %s",
                       err_name(-r));
    r = inside_set_up(network, lease, err);
    int back = sys_setns(own_fd, CLONE_NEWNET);
    if (back < 0) /* nothing can be undone from there */
        _exit(1);
    return r;
}
