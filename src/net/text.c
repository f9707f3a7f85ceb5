/* Configurations and leases as lines "KEY VALUE". */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "net/net_private.h"

#define ID_MAX 128

/* ---- freeing --------------------------------------------------------------------------------------------- */

void net_info_done(struct net_info *info)
{
    free(info->network);
    free(info->bridge);
    free(info->link);
    strv_free(info->names);
    free(info->ports);
    *info = (struct net_info){ 0 };
}

void lease_done(struct lease *lease)
{
    free(lease->id);
    net_info_done(&lease->info);
    free(lease->boot);
    free(lease->hosts);
    free(lease->hostname);
    strv_free(lease->extra);
    *lease = (struct lease){ 0 };
}

void net_config_done(struct net_config *config)
{
    free(config->name);
    strv_free(config->labels);
    free(config->bridge);
    *config = (struct net_config){ 0 };
}

void networks_done(struct networks *networks)
{
    for (size_t i = 0; i < networks->n; i++) {
        struct network *network = &networks->v[i];
        for (size_t n = 0; n < network->n_leases; n++)
            lease_done(&network->leases[n]);
        free(network->leases);
        net_config_done(&network->config);
    }
    free(networks->v);
    *networks = (struct networks){ 0 };
}

struct network *networks_find(const struct networks *networks, const char *name)
{
    for (size_t i = 0; i < networks->n; i++) {
        if (strcmp(networks->v[i].config.name, name) == 0)
            return &networks->v[i];
    }
    return NULL;
}

bool net_id_valid(const char *id)
{
    size_t len = strlen(id);

    if (len == 0 || len > ID_MAX || !isalnum((unsigned char)id[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)id[i]) && !strchr("_.-", id[i]))
            return false;
    }
    return true;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static void put_address(struct buf *ret, const char *key, uint32_t address)
{
    char text[IPV4_SIZE];

    ipv4_format(address, text);
    buf_printf(ret, "%s %s\n", key, text);
}

static void put_list(struct buf *ret, const char *key, char *const *list)
{
    for (; list && *list; list++)
        buf_printf(ret, "%s %s\n", key, *list);
}

static void put_text(struct buf *ret, const char *key, const char *text)
{
    if (text)
        buf_printf(ret, "%s %s\n", key, text);
}

void config_write(const struct net_config *config, struct buf *ret)
{
    char subnet[IPV4_SIZE];

    ipv4_format(config->subnet, subnet);
    buf_printf(ret, "subnet %s/%u\n", subnet, config->prefix);
    put_address(ret, "gateway", config->gateway);
    buf_printf(ret, "mtu %u\ninternal %d\ncreated %ju\n", config->mtu, config->internal,
               (uintmax_t)config->created_us);
    put_text(ret, "bridge", config->bridge);
    put_list(ret, "label", config->labels);
}

void lease_write(const struct lease *lease, struct buf *ret)
{
    const struct net_info *info = &lease->info;
    char mac[MAC_SIZE], subnet[IPV4_SIZE];

    put_text(ret, "boot", lease->boot);
    buf_printf(ret, "netns %ju\n", (uintmax_t)lease->netns);
    put_text(ret, "network", info->network);
    put_text(ret, "bridge", info->bridge);
    put_text(ret, "link", info->link);
    ipv4_format(info->address, subnet);
    buf_printf(ret, "address %s/%u\n", subnet, info->prefix);
    put_address(ret, "gateway", info->gateway);
    mac_format(info->mac, mac);
    buf_printf(ret, "mac %s\n", mac);
    put_list(ret, "name", info->names);
    put_text(ret, "hostname", lease->hostname);
    put_text(ret, "hosts", lease->hosts);
    put_list(ret, "extra", lease->extra);
    for (size_t i = 0; i < info->n_ports; i++) {
        const struct net_port *port = &info->ports[i];
        ipv4_format(port->host_ip, subnet);
        buf_printf(ret, "port %s %u %u %s\n", subnet, port->host, port->port,
                   port->udp ? "udp" : "tcp");
    }
    buf_printf(ret, "in %ju\nout %ju\n", (uintmax_t)info->bandwidth_in,
               (uintmax_t)info->bandwidth_out);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* A line's key, and its value, which is the caller's. 0: a line; 1: the end; or -errno. */
static int line_take(const char **cursor, char *key, size_t size, char **ret_value)
{
    const char *line;
    size_t len;

    if (!line_next(cursor, &line, &len))
        return 1;
    const char *space = memchr(line, ' ', len);
    size_t n = space ? (size_t)(space - line) : len;
    if (!space || n >= size)
        return -EINVAL;
    memcpy(key, line, n);
    key[n] = '\0';
    *ret_value = strndup(space + 1, len - n - 1);
    return *ret_value ? 0 : -ENOMEM;
}

static int take_number(const char *value, uint64_t max, uint64_t *ret)
{
    return number_parse(value, max, ret);
}

static int take_port(const char *value, struct net_info *info)
{
    struct net_port port = { 0 };
    char address[IPV4_SIZE], protocol[4], host[8], inside[8];
    uint64_t host_port, inside_port;

    if (sscanf(value, "%15s %7s %7s %3s", address, host, inside, protocol) != 4 ||
        ipv4_parse(address, &port.host_ip) < 0 || number_parse(host, UINT16_MAX, &host_port) < 0 ||
        number_parse(inside, UINT16_MAX, &inside_port) < 0)
        return -EINVAL;
    port.host = (uint16_t)host_port;
    port.port = (uint16_t)inside_port;
    port.udp = strcmp(protocol, "udp") == 0;
    struct net_port *grown = reallocarray(info->ports, info->n_ports + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    info->ports = grown;
    grown[info->n_ports++] = port;
    return 0;
}

static int config_take(struct net_config *config, const char *key, const char *value)
{
    uint64_t number = 0;
    int r = 0;

    if (strcmp(key, "subnet") == 0)
        return ipv4_parse_prefix(value, &config->subnet, &config->prefix);
    if (strcmp(key, "gateway") == 0)
        return ipv4_parse(value, &config->gateway);
    if (strcmp(key, "bridge") == 0)
        return text_replace(&config->bridge, value);
    if (strcmp(key, "label") == 0)
        return strv_push(&config->labels, value);
    if (strcmp(key, "mtu") == 0) {
        r = take_number(value, UINT16_MAX, &number);
        config->mtu = (unsigned)number;
    } else if (strcmp(key, "internal") == 0) {
        r = take_number(value, 1, &number);
        config->internal = number != 0;
    } else if (strcmp(key, "created") == 0) {
        r = take_number(value, UINT64_MAX, &config->created_us);
    }
    return r;
}

int config_read(const char *name, const char *text, struct net_config *ret)
{
    struct net_config config = { 0 };
    char key[16], *value;
    int r = text_replace(&config.name, name);

    while (r == 0 && (r = line_take(&text, key, sizeof(key), &value)) == 0) {
        r = config_take(&config, key, value);
        free(value);
    }
    if (r == 1)
        r = config.prefix == 0 || config.prefix > 30 || !config.bridge ||
                    strlen(config.bridge) >= NET_LINK
                ? -EINVAL
                : 0;
    if (r < 0) {
        net_config_done(&config);
        return r;
    }
    *ret = config;
    return 0;
}

static int lease_take(struct lease *lease, const char *key, const char *value)
{
    struct net_info *info = &lease->info;
    const struct {
        const char *key;
        char **text;
        char ***list;
        uint64_t *number;
    } key_table[] = {
        { "boot", &lease->boot, NULL, NULL },         { "hosts", &lease->hosts, NULL, NULL },
        { "hostname", &lease->hostname, NULL, NULL }, { "network", &info->network, NULL, NULL },
        { "bridge", &info->bridge, NULL, NULL },      { "link", &info->link, NULL, NULL },
        { "name", NULL, &info->names, NULL },         { "extra", NULL, &lease->extra, NULL },
        { "netns", NULL, NULL, &lease->netns },       { "in", NULL, NULL, &info->bandwidth_in },
        { "out", NULL, NULL, &info->bandwidth_out },
    };

    for (size_t i = 0; i < ARRAY_SIZE(key_table); i++) {
        if (strcmp(key, key_table[i].key) != 0)
            continue;
        if (key_table[i].text)
            return text_replace(key_table[i].text, value);
        return key_table[i].list ? strv_push(key_table[i].list, value)
                                 : take_number(value, UINT64_MAX, key_table[i].number);
    }
    if (strcmp(key, "address") == 0)
        return ipv4_parse_prefix(value, &info->address, &info->prefix);
    if (strcmp(key, "gateway") == 0)
        return ipv4_parse(value, &info->gateway);
    if (strcmp(key, "mac") == 0)
        return mac_parse(value, info->mac);
    return strcmp(key, "port") == 0 ? take_port(value, info) : 0;
}

int lease_read_request(const char *id, const char *text, struct lease *ret)
{
    struct lease lease = { 0 };
    char key[16], *value;
    int r = text_replace(&lease.id, id);

    while (r == 0 && (r = line_take(&text, key, sizeof(key), &value)) == 0) {
        r = lease_take(&lease, key, value);
        free(value);
    }
    if (r == 1)
        r = lease.info.network && network_name_valid(lease.info.network) ? 0 : -EINVAL;
    if (r < 0) {
        lease_done(&lease);
        return r;
    }
    *ret = lease;
    return 0;
}

int lease_read(const char *id, const char *text, struct lease *ret)
{
    int r = lease_read_request(id, text, ret);

    if (r < 0)
        return r;
    if (ret->info.address != 0 && ret->boot && ret->info.link && ret->info.bridge &&
        strlen(ret->info.link) < NET_LINK && strlen(ret->info.bridge) < NET_LINK)
        return 0;
    lease_done(ret);
    return -EINVAL;
}
