/* Where we are: the kernel, its network namespace, the routes that there are; and what a new network gets there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "net/net_private.h"

#define ROUTES_MAX (1u << 20)

int store_here(char ret_boot[static 40], uint64_t *ret_netns, struct err *err)
{
    struct stat st;
    ssize_t n = file_read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret_boot, 40);

    if (n < 0)
        return err_set(err, (int)-n, "cannot read /proc/sys/kernel/random/boot_id: %s",
                       err_name((int)-n));
    if (stat("/proc/self/ns/net", &st) < 0)
        return err_set(err, errno, "cannot look at /proc/self/ns/net: %m");
    *ret_netns = st.st_ino;
    return 0;
}

/* ---- routes ------------------------------------------------------------------------------------------------- */

/* A line of /proc/net/route, see proc_pid_net(5): the mask and the destination in network byte order. */
static bool route_parse(const char *line, size_t len, struct subnet *ret)
{
    char copy[256], target[9], mask[9];

    snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
    if (sscanf(copy, "%*s %8[0-9A-F] %*s %*s %*s %*s %*s %8[0-9A-F]", target, mask) != 2)
        return false;
    ret->address = __builtin_bswap32((uint32_t)strtoul(target, NULL, 16));
    ret->prefix = (unsigned)__builtin_popcount((uint32_t)strtoul(mask, NULL, 16));
    /* The route to everywhere leads to nobody's subnet. */
    return ret->prefix > 0;
}

int routes_read(struct subnet **ret, size_t *ret_n, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct subnet *routes = NULL;
    const char *cursor, *line;
    size_t n = 0, len;
    int r = file_read(AT_FDCWD, "/proc/net/route", ROUTES_MAX, &text);

    if (r < 0)
        return err_set(err, -r, "cannot read /proc/net/route: %s", err_name(-r));
    cursor = buf_text(&text);
    while (line_next(&cursor, &line, &len)) {
        struct subnet route;
        if (!route_parse(line, len, &route))
            continue;
        struct subnet *grown = reallocarray(routes, n + 1, sizeof(*grown));
        if (!grown) {
            free(routes);
            return err_nomem(err);
        }
        routes = grown;
        routes[n++] = route;
    }
    *ret = routes;
    *ret_n = n;
    return 0;
}

/* ---- a new network ------------------------------------------------------------------------------------------ */

/* Routes of the machine, and the networks that are not up at the moment. */
static int taken_read(const struct networks *networks, struct subnet **ret, size_t *ret_n,
                      struct err *err)
{
    struct subnet *taken = NULL;
    size_t n = 0;
    int r = routes_read(&taken, &n, err);

    if (r < 0)
        return r;
    struct subnet *grown = reallocarray(taken, n + networks->n + 1, sizeof(*grown));
    if (!grown) {
        free(taken);
        return err_nomem(err);
    }
    for (size_t i = 0; i < networks->n; i++)
        grown[n++] = (struct subnet){ networks->v[i].config.subnet, networks->v[i].config.prefix };
    *ret = grown;
    *ret_n = n;
    return 0;
}

static int subnet_check(const struct net_config *config, const struct subnet *taken, size_t n,
                        struct err *err)
{
    struct subnet subnet = { config->subnet, config->prefix };
    char text[IPV4_SIZE], other[IPV4_SIZE];

    ipv4_format(config->subnet, text);
    if (config->prefix < 8 || config->prefix > 30 ||
        (config->subnet & ~ipv4_mask(config->prefix)) != 0)
        return err_usage(err,
                         "--subnet %s/%u is no network: a prefix of 8 to 30 and zeros behind it",
                         text, config->prefix);
    for (size_t i = 0; i < n; i++) {
        if (!subnet_overlaps(&subnet, &taken[i]))
            continue;
        ipv4_format(taken[i].address, other);
        return err_refuse(err, EEXIST, "--subnet %s/%u: %s/%u is in use on this machine", text,
                          config->prefix, other, taken[i].prefix);
    }
    return 0;
}

static int gateway_check(struct net_config *config, struct err *err)
{
    uint32_t mask = ipv4_mask(config->prefix);
    char text[IPV4_SIZE];

    if (config->gateway == 0)
        config->gateway = config->subnet + 1;
    ipv4_format(config->gateway, text);
    if ((config->gateway & mask) != config->subnet || config->gateway == config->subnet ||
        config->gateway == (config->subnet | ~mask))
        return err_usage(err, "--gateway %s is no address of the subnet", text);
    return 0;
}

int config_complete(const char *data_dir, const struct networks *networks,
                    struct net_config *config, struct err *err)
{
    struct subnet *taken = NULL, subnet;
    bool usual = strcmp(config->name, NET_USUAL) == 0;
    char bridge[NET_LINK];
    size_t n = 0;
    int r = taken_read(networks, &taken, &n, err);

    if (r == 0 && config->prefix != 0) {
        r = subnet_check(config, taken, n, err);
    } else if (r == 0 && subnet_choose(taken, n, usual, &subnet)) {
        config->subnet = subnet.address;
        config->prefix = subnet.prefix;
    } else if (r == 0) {
        r = err_refuse(err, EADDRNOTAVAIL,
                       "no private subnet is free for the network %s; give one with --subnet of "
                       "ration network create",
                       config->name);
    }
    free(taken);
    if (r == 0)
        r = gateway_check(config, err);
    if (r < 0)
        return r;
    bridge_name(data_dir, config->name, bridge);
    config->created_us = clock_us(CLOCK_REALTIME);
    return text_replace(&config->bridge, bridge) < 0 ? err_nomem(err) : 0;
}
