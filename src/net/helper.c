/*
 * ration-net: makes and removes what src/net plans, by rtnetlink and nftables. It knows nothing of runs.
 *
 *     ration-net up DATA ID       stdin: a lease that is asked for, and "go"; descriptor 3: the network namespace
 *     ration-net down DATA ID
 *     ration-net remove DATA NETWORK
 *
 * stdout: one line, "ok" or "error CODE CLASS SENTENCE". Whoever asked and is gone before it is answered gets
 * nothing: what was made is undone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/helper.h"

#define NETNS_FD 3

struct helper {
    struct store store;
    struct networks networks;
    char boot[40];
    uint64_t netns; /* the host's */
    struct wire wire;
    struct links links;
    const char *id;
};

/* ---- telling -------------------------------------------------------------------------------------------------- */

static int tell(const char *line)
{
    return fd_write_all(STDOUT_FILENO, line, strlen(line));
}

static int tell_error(const struct err *err)
{
    char line[600];

    snprintf(line, sizeof(line) - 1, "error %d %d %s", err->code, (int)err->class, err->text);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\n')
            line[i] = ' ';
    }
    line[length++] = '\n';
    return fd_write_all(STDOUT_FILENO, line, length);
}

/* Is whoever asked still there? */
static bool is_wanted(void)
{
    struct pollfd asker = { .fd = STDIN_FILENO, .events = POLLRDHUP };

    return poll(&asker, 1, 0) <= 0 || !(asker.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

/* ---- the world ------------------------------------------------------------------------------------------------- */

/* Is this lease's link where it ought to be? One of another network namespace cannot be seen from here. */
static bool lease_lives(const struct helper *h, const struct lease *lease)
{
    if (strcmp(lease->boot, h->boot) != 0)
        return false;
    return lease->netns != h->netns || links_find(&h->links, lease->info.link);
}

static void lease_drop(struct network *network, size_t index)
{
    lease_done(&network->leases[index]);
    network->n_leases--;
    memmove(&network->leases[index], &network->leases[index + 1],
            (network->n_leases - index) * sizeof(*network->leases));
}

/* What killed calls left of leases goes. */
static int leases_check(struct helper *h, struct err *err)
{
    for (size_t i = 0; i < h->networks.n; i++) {
        struct network *network = &h->networks.v[i];
        for (size_t n = network->n_leases; n > 0; n--) {
            const struct lease *lease = &network->leases[n - 1];
            if (lease_lives(h, lease))
                continue;
            int r = store_forget_lease(&h->store, network->config.name, lease->id, err);
            if (r < 0)
                return r;
            lease_drop(network, n - 1);
        }
    }
    return 0;
}

static int links_load(struct helper *h, struct err *err)
{
    free(h->links.v);
    int r = links_read(&h->wire, &h->links);
    return r < 0 ? err_set(err, -r, "--network: cannot list links: %s", err_name(-r)) : 0;
}

/* Under the lock, what there is. */
static int world_load(struct helper *h, const char *data_dir, bool make, struct err *err)
{
    int r = store_open(data_dir, make, &h->store, err);

    if (r >= 0)
        r = store_lock(&h->store, err);
    if (r >= 0)
        r = store_here(h->boot, &h->netns, err);
    if (r >= 0)
        r = store_read(&h->store, &h->networks, err);
    if (r < 0)
        return r;
    r = wire_open(&h->wire, NETLINK_ROUTE);
    if (r < 0)
        return err_set(err, -r, "--network: cannot speak rtnetlink: %s", err_name(-r));
    r = links_load(h, err);
    return r < 0 ? r : leases_check(h, err);
}

static void world_close(struct helper *h)
{
    wire_close(&h->wire);
    free(h->links.v);
    networks_done(&h->networks);
    store_close(&h->store);
}

/* ---- agreement: bridges, rules and files follow from the leases ---------------------------------------------------- */

static bool has_members(const struct helper *h, const struct network *network)
{
    for (size_t i = 0; i < network->n_leases; i++) {
        if (network->leases[i].netns == h->netns)
            return true;
    }
    return false;
}

/*
 * Links that no lease names, of our names and with a bridge of ours, and bridges without a member. What was made
 * by hand stays.
 */
static int agree_links(struct helper *h, struct err *err)
{
    for (size_t i = 0; i < h->networks.n; i++) {
        const struct network *network = &h->networks.v[i];
        const struct link *bridge = links_find(&h->links, network->config.bridge);
        if (!bridge || has_members(h, network))
            continue;
        int r = link_remove(&h->wire, bridge->name);
        if (r < 0)
            return err_set(err, -r, "cannot remove the bridge %s: %s", bridge->name, err_name(-r));
    }
    return 0;
}

static int agree_rules(struct helper *h, struct err *err)
{
    struct rules rules;
    int r = rules_plan(h->store.data_dir, &h->networks, h->netns, &rules);

    if (r < 0)
        return err_nomem(err);
    r = rules_apply(&rules, err);
    rules_done(&rules);
    return r;
}

/* In place: it is bound where the container sees it. Longer than it was first, so that nobody reads half of it. */
static void hosts_put(const struct network *network, const struct lease *lease)
{
    _cleanup_buf_ struct buf have = BUF_INIT, text = BUF_INIT;
    _cleanup_close_ int fd = open(lease->hosts, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    /* What a container has made too large is written anew. */
    if (fd_read_all(fd, NET_FILE_MAX, &have) < 0)
        buf_reset(&have);
    hosts_write(network, lease, buf_text(&have), &text);
    if (buf_error(&text) < 0 || pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len)
        return;
    if (ftruncate(fd, (off_t)text.len) < 0)
        return;
}

static void agree_files(const struct helper *h, const struct network *network)
{
    for (size_t i = 0; i < network->n_leases; i++) {
        const struct lease *lease = &network->leases[i];
        if (lease->netns == h->netns && lease->hosts)
            hosts_put(network, lease);
    }
}

/* ---- up: the bridge -------------------------------------------------------------------------------------------------- */

/* Has somebody else a route to the subnet by now? Ours comes with the bridge. */
static int bridge_room(const struct network *network, struct err *err)
{
    const struct net_config *config = &network->config;
    struct subnet own = { config->subnet, config->prefix }, *routes = NULL;
    char text[IPV4_SIZE];
    size_t n = 0;
    int r = routes_read(&routes, &n, err);

    ipv4_format(config->subnet, text);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (subnet_overlaps(&own, &routes[i]))
            r = err_refuse(
                err, EADDRINUSE,
                "--network %s: a route of this machine leads to its subnet %s/%u; remove "
                "the network and make it anew with another --subnet",
                config->name, text, config->prefix);
    }
    free(routes);
    return r;
}

static int bridge_make(struct helper *h, const struct network *network, struct err *err)
{
    const struct net_config *config = &network->config;
    uint8_t mac[6];
    int r = bridge_room(network, err), index;

    if (r < 0)
        return r;
    pool_mac(config->gateway, mac);
    r = link_make_bridge(&h->wire, config->bridge, mac, config->mtu);
    index = r < 0 ? r : link_index(&h->wire, config->bridge);
    if (index < 0)
        return err_set(err, -index, "--network %s: cannot make the bridge %s: %s", config->name,
                       config->bridge, err_name(-index));
    r = link_setting("ipv6", config->bridge, "disable_ipv6", "1", err);
    if (r >= 0)
        r = link_setting("ipv4", config->bridge, "route_localnet", "1", err);
    if (r < 0)
        return r;
    r = link_add_address(&h->wire, index, config->gateway, config->prefix);
    if (r >= 0)
        r = link_raise(&h->wire, index);
    return r < 0 ? err_set(err, -r, "--network %s: cannot give the bridge %s its address: %s",
                           config->name, config->bridge, err_name(-r))
                 : index;
}

/* Its number, or -errno. A bridge that a killed call left is made again. */
static int bridge_ensure(struct helper *h, const struct network *network, struct err *err)
{
    const struct link *bridge = links_find(&h->links, network->config.bridge);
    int r = 0;

    if (bridge && has_members(h, network))
        return bridge->index;
    if (bridge)
        r = link_remove(&h->wire, bridge->name);
    if (r < 0)
        return err_set(err, -r, "cannot remove the bridge %s: %s", bridge->name, err_name(-r));
    r = bridge_make(h, network, err);
    if (r < 0)
        link_remove(&h->wire, network->config.bridge);
    return r;
}

/* The way out of the machine leads through it: it has to pass packets on. */
static int forwarding_ensure(const struct network *network, struct err *err)
{
    return network->config.internal ? 0 : setting_put("/proc/sys/net/ipv4/ip_forward", "1", err);
}

static int outside(struct helper *h, struct lease *lease, struct err *err)
{
    uint64_t rate = lease->info.bandwidth_in;
    int index = rate > 0 ? link_index(&h->wire, lease->info.link) : 0;
    int r = index < 0 ? index : 0;

    if (rate > 0 && r == 0)
        r = shape_set(&h->wire, index, rate, &lease->info.bandwidth_in);
    return r < 0 ? err_refuse(err, -r, "--bandwidth-in: the kernel does not take it: %s",
                              err_name(-r))
                 : 0;
}

/* ---- up ---------------------------------------------------------------------------------------------------------------- */

/* The usual network is made when it is first used. */
static int network_ensure(struct helper *h, const char *name, struct network **ret, struct err *err)
{
    struct net_config config = { 0 };
    int r = 0;

    *ret = networks_find(&h->networks, name);
    if (*ret)
        return 0;
    if (strcmp(name, NET_USUAL) != 0)
        return err_usage(
            err, "--network: there is no network %.64s; ration network create makes one", name);
    config.name = strdup(name);
    if (!config.name)
        return err_nomem(err);
    r = config_complete(h->store.data_dir, &h->networks, &config, err);
    if (r >= 0)
        r = store_keep(&h->store, &config, err);
    net_config_done(&config);
    if (r < 0)
        return r;
    networks_done(&h->networks);
    r = store_read(&h->store, &h->networks, err);
    *ret = r < 0 ? NULL : networks_find(&h->networks, name);
    return r < 0 || *ret ? r : err_set(err, ENOENT, "the network %s has vanished", name);
}

static int lease_assign(struct helper *h, const struct network *network, struct lease *lease,
                        struct err *err)
{
    static const uint8_t none[6] = { 0 };
    struct net_info *info = &lease->info;
    char link[NET_LINK];
    int r = 0;

    if (info->address != 0)
        r = pool_check(network, info->address, lease->id, err);
    else
        info->address = pool_lowest(network);
    if (r < 0)
        return r;
    if (info->address == 0)
        return err_refuse(err, EADDRNOTAVAIL, "--network %s: no address is free in it",
                          network->config.name);
    info->prefix = network->config.prefix;
    info->gateway = network->config.gateway;
    if (memcmp(info->mac, none, sizeof(none)) == 0)
        pool_mac(info->address, info->mac);
    link_name(h->store.data_dir, lease->id, link);
    lease->netns = h->netns;
    if (text_replace(&info->link, link) < 0 || text_replace(&lease->boot, h->boot) < 0 ||
        text_replace(&info->bridge, network->config.bridge) < 0)
        return err_nomem(err);
    return 0;
}

/* The lease becomes one of the network's, which owns it from now on. */
static int lease_join(struct network *network, struct lease *lease)
{
    struct lease *grown =
        reallocarray(network->leases, network->n_leases + 1, sizeof(*network->leases));

    if (!grown)
        return -ENOMEM;
    network->leases = grown;
    grown[network->n_leases++] = *lease;
    *lease = (struct lease){ 0 };
    return 0;
}

static int links_make(struct helper *h, const struct network *network, struct lease *lease,
                      struct err *err)
{
    int master = bridge_ensure(h, network, err);
    struct link_pair pair = { .name = lease->info.link,
                              .master = master,
                              .netns_fd = NETNS_FD,
                              .mac = lease->info.mac,
                              .mtu = network->config.mtu };

    if (master < 0)
        return master;
    int r = link_make_pair(&h->wire, &pair);
    if (r >= 0 && link_setting("ipv6", lease->info.link, "disable_ipv6", "1", err) < 0)
        return -EIO;
    /* Through a published port a container can reach itself, and the packet goes back to where it came from. */
    if (r >= 0 && lease->info.n_ports > 0)
        r = link_set_hairpin(&h->wire, lease->info.link);
    return r < 0 ? err_set(err, -r, "--network %s: cannot make the link %s: %s",
                           network->config.name, lease->info.link, err_name(-r))
                 : 0;
}

static const struct lease *lease_find(const struct helper *h, const char *id)
{
    for (size_t i = 0; i < h->networks.n; i++) {
        const struct network *network = &h->networks.v[i];
        for (size_t n = 0; n < network->n_leases; n++) {
            if (strcmp(network->leases[n].id, id) == 0)
                return &network->leases[n];
        }
    }
    return NULL;
}

static int up(struct helper *h, struct lease *lease, struct err *err)
{
    struct network *network = NULL;

    if (lease_find(h, lease->id))
        return err_refuse(err, EEXIST, "--network: %.64s is in a network already", lease->id);
    int r = network_ensure(h, lease->info.network, &network, err);
    if (r >= 0)
        r = lease_assign(h, network, lease, err);
    if (r >= 0)
        r = store_keep_lease(&h->store, lease, err);
    if (r >= 0)
        r = links_make(h, network, lease, err);
    if (r >= 0)
        r = forwarding_ensure(network, err);
    if (r >= 0)
        r = inside(NETNS_FD, network, lease, err);
    if (r >= 0)
        r = outside(h, lease, err);
    /* With what was read back. */
    if (r >= 0 && (lease->info.bandwidth_in || lease->info.bandwidth_out))
        r = store_keep_lease(&h->store, lease, err);
    if (r >= 0 && lease_join(network, lease) < 0)
        r = err_nomem(err);
    if (r >= 0)
        r = agree_rules(h, err);
    if (r >= 0)
        agree_files(h, network);
    return r;
}

/* ---- down -------------------------------------------------------------------------------------------------------------- */

/* Whatever there is of it. The rest of the world is brought into agreement, whether or not there was anything. */
static int down(struct helper *h, struct err *err)
{
    char link[NET_LINK];
    int r;

    link_name(h->store.data_dir, h->id, link);
    for (size_t i = 0; i < h->networks.n; i++) {
        struct network *network = &h->networks.v[i];
        for (size_t n = 0; n < network->n_leases; n++) {
            if (strcmp(network->leases[n].id, h->id) != 0)
                continue;
            lease_drop(network, n);
            break;
        }
    }
    r = link_remove(&h->wire, link);
    if (r < 0)
        return err_set(err, -r, "cannot remove the link %s: %s", link, err_name(-r));
    r = agree_rules(h, err);
    if (r >= 0)
        r = agree_links(h, err);
    /* Its lease may have been dropped already, as one whose link is gone. */
    for (size_t i = 0; i < h->networks.n; i++)
        agree_files(h, &h->networks.v[i]);
    for (size_t i = 0; r >= 0 && i < h->networks.n; i++)
        r = store_forget_lease(&h->store, h->networks.v[i].config.name, h->id, err);
    return r;
}

/* From the beginning: what up() knows may be half of it. */
static int down_again(struct helper *h, struct err *err)
{
    networks_done(&h->networks);
    int r = store_read(&h->store, &h->networks, err);

    if (r >= 0)
        r = links_load(h, err);
    return r < 0 ? r : down(h, err);
}

/* ---- the dialogue ------------------------------------------------------------------------------------------------------- */

/* stdin up to "go", into text. 0 or -errno. */
static int request_read(struct buf *ret)
{
    char line[1024];

    for (;;) {
        if (!fgets(line, sizeof(line), stdin))
            return -EPIPE;
        if (strcmp(line, "go\n") == 0)
            return buf_error(ret);
        buf_puts(ret, line);
    }
}

static int verb_up(struct helper *h, const char *data_dir, const char *id, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct lease lease = { 0 };
    int r = request_read(&text);

    if (r >= 0)
        r = lease_read_request(id, buf_text(&text), &lease);
    if (r < 0)
        return err_set(err, -r, NET_HELPER ": the request cannot be read: %s", err_name(-r));
    h->id = id;
    r = world_load(h, data_dir, true, err);
    if (r >= 0 && !is_wanted())
        r = -EPIPE;
    else if (r >= 0)
        r = up(h, &lease, err);
    lease_done(&lease);
    if ((r < 0 && r != -EPIPE && h->wire.socket) || (r >= 0 && !is_wanted()))
        down_again(h, NULL);
    return r;
}

static int verb_down(struct helper *h, const char *data_dir, const char *id, struct err *err)
{
    h->id = id;
    int r = world_load(h, data_dir, false, err);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : down(h, err);
}

static int verb_remove(struct helper *h, const char *data_dir, const char *name, struct err *err)
{
    int r = world_load(h, data_dir, false, err);

    if (r < 0 && r != -ENOENT)
        return r;
    const struct network *network = r < 0 ? NULL : networks_find(&h->networks, name);
    if (!network)
        return err_set(err, ENOENT, "there is no network %.64s", name);
    if (network->n_leases > 0)
        return err_refuse(err, EBUSY, "the network %.64s is in use by the container %.64s", name,
                          network->leases[0].info.names ? network->leases[0].info.names[0]
                                                        : network->leases[0].id);
    r = agree_links(h, err);
    return r < 0 ? r : store_forget(&h->store, name, err);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(struct helper *, const char *, const char *, struct err *);
    } verb_table[] = {
        { "up", verb_up },
        { "down", verb_down },
        { "remove", verb_remove },
    };
    struct helper h = { .store = STORE_INIT };
    struct err err = ERR_INIT;
    int r = -EINVAL;

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc == 4 && i < ARRAY_SIZE(verb_table); i++) {
        if (strcmp(argv[1], verb_table[i].name) == 0) {
            r = verb_table[i].fn(&h, argv[2], argv[3], &err);
            /* Under the lock still: whoever hears of it may ask for more at once. */
            int told = r < 0 ? tell_error(&err) : tell("ok\n");
            if (told < 0 && r >= 0 && verb_table[i].fn == verb_up)
                down_again(&h, NULL);
            world_close(&h);
            return r < 0;
        }
    }
    fputs(NET_HELPER " is started by ration --network\n", stderr);
    return 2;
}
