/* Who gets which address, and what things are called. */
#include <errno.h>
#include <string.h>

#include "net/net_private.h"

#define DATA_USUAL "/var/lib/ration"

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (c) << 8 | (d))

/* ---- subnets --------------------------------------------------------------------------------------------- */

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
    uint32_t mask = ipv4_mask(a->prefix < b->prefix ? a->prefix : b->prefix);

    return (a->address & mask) == (b->address & mask);
}

/* Private ones, see RFC 1918; those that other engines begin with come last or not at all. */
static const struct {
    uint32_t first, step;
    unsigned n, prefix;
    bool usual;
} subnet_table[] = {
    { IPV4(10, 88, 0, 0), 0x10000, 1, 16, true },
    { IPV4(10, 96, 0, 0), 0x10000, 32, 16, true },
    { IPV4(172, 20, 0, 0), 0x10000, 12, 16, true },
    { IPV4(10, 89, 0, 0), 0x100, 1792, 24, false }, /* to 10.95.255.0 */
    { IPV4(192, 168, 200, 0), 0x100, 56, 24, false },
};

static bool subnet_is_free(const struct subnet *subnet, const struct subnet *taken, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (subnet_overlaps(subnet, &taken[i]))
            return false;
    }
    return true;
}

bool subnet_choose(const struct subnet *taken, size_t n, bool usual, struct subnet *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(subnet_table); i++) {
        if (subnet_table[i].usual != usual)
            continue;
        for (unsigned k = 0; k < subnet_table[i].n; k++) {
            struct subnet subnet = { subnet_table[i].first + k * subnet_table[i].step,
                                     subnet_table[i].prefix };
            if (subnet_is_free(&subnet, taken, n)) {
                *ret = subnet;
                return true;
            }
        }
    }
    return false;
}

/* ---- addresses ------------------------------------------------------------------------------------------- */

static const struct lease *lease_at(const struct network *network, uint32_t address)
{
    for (size_t i = 0; i < network->n_leases; i++) {
        if (network->leases[i].info.address == address)
            return &network->leases[i];
    }
    return NULL;
}

static uint32_t pool_last(const struct net_config *config)
{
    return (config->subnet | ~ipv4_mask(config->prefix)) - 1;
}

uint32_t pool_lowest(const struct network *network)
{
    const struct net_config *config = &network->config;
    uint32_t first = (config->subnet & ipv4_mask(config->prefix)) + 1;

    for (uint32_t address = first; address <= pool_last(config); address++) {
        if (address != config->gateway && !lease_at(network, address))
            return address;
    }
    return 0;
}

int pool_check(const struct network *network, uint32_t address, const char *id, struct err *err)
{
    const struct net_config *config = &network->config;
    const struct lease *lease = lease_at(network, address);
    char text[IPV4_SIZE], subnet[IPV4_SIZE];

    ipv4_format(address, text);
    ipv4_format(config->subnet, subnet);
    if ((address & ipv4_mask(config->prefix)) != (config->subnet & ipv4_mask(config->prefix)) ||
        address == (config->subnet & ipv4_mask(config->prefix)) || address > pool_last(config))
        return err_refuse(err, ERANGE, "--ip %s is no address of the network %s, which is %s/%u",
                          text, config->name, subnet, config->prefix);
    if (address == config->gateway)
        return err_refuse(err, EADDRINUSE, "--ip %s is the gateway of the network %s", text,
                          config->name);
    if (lease && strcmp(lease->id, id) != 0)
        return err_refuse(err, EADDRINUSE, "--ip %s: the container %.64s has that address", text,
                          lease->info.names ? lease->info.names[0] : lease->id);
    return 0;
}

void pool_mac(uint32_t address, uint8_t ret[static 6])
{
    ret[0] = 0x02; /* given by us, and of one host */
    ret[1] = 0x72;
    for (unsigned i = 0; i < 4; i++)
        ret[2 + i] = (uint8_t)(address >> (24 - 8 * i));
}

/* ---- names ------------------------------------------------------------------------------------------------ */

/* FNV-1a, 64 bits: enough that two of a machine never meet. */
static uint64_t hash_add(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const char *data_dir, const char *kind, const char *name)
{
    return hash_add(hash_add(hash_add(UINT64_C(0xcbf29ce484222325), data_dir), kind), name);
}

void link_name(const char *data_dir, const char *id, char ret[static NET_LINK])
{
    snprintf(ret, NET_LINK, NET_LINKS "%012jx",
             (uintmax_t)(hash_of(data_dir, "link", id) & UINT64_C(0xffffffffffff)));
}

void bridge_name(const char *data_dir, const char *network, char ret[static NET_LINK])
{
    if (strcmp(data_dir, DATA_USUAL) == 0 && strcmp(network, NET_USUAL) == 0)
        snprintf(ret, NET_LINK, "ration0");
    else
        snprintf(ret, NET_LINK, NET_LINKS "-%010jx",
                 (uintmax_t)(hash_of(data_dir, "bridge", network) & UINT64_C(0xffffffffff)));
}

void table_name(const char *data_dir, char ret[static TABLE_NAME_SIZE])
{
    if (strcmp(data_dir, DATA_USUAL) == 0)
        snprintf(ret, TABLE_NAME_SIZE, "ration");
    else
        snprintf(ret, TABLE_NAME_SIZE, "ration-%08jx",
                 (uintmax_t)(hash_of(data_dir, "table", "") & UINT32_MAX));
}
