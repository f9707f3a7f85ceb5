/* libration: networks. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "api/api_private.h"
#include "net/net.h"

/* ---- making and removing --------------------------------------------------------------------------------------- */

static int config_fill(const struct ration_network *from, struct net_config *ret,
                       struct ration_error *error)
{
    if (from->subnet &&
        (ipv4_parse_prefix(from->subnet, &ret->subnet, &ret->prefix) < 0 || ret->prefix == 0))
        return api_usage(error, "--subnet takes ADDRESS/PREFIX, as 10.89.0.0/24, not %.64s",
                         from->subnet);
    if (from->gateway && (!from->subnet || ipv4_parse(from->gateway, &ret->gateway) < 0))
        return api_usage(error, "--gateway takes an IPv4 address, beside --subnet");
    if (from->mtu != 0 && (from->mtu < 68 || from->mtu > 65535))
        return api_usage(error, "--mtu takes 68 to 65535 bytes");
    for (const char *const *label = from->labels; label && *label; label++) {
        if (strpbrk(*label, "\n\r"))
            return api_usage(error, "--label: a label is one line");
        if (strv_push(&ret->labels, *label) < 0)
            return api_fail(error, ENOMEM, "out of memory");
    }
    ret->mtu = from->mtu;
    ret->internal = from->internal != 0;
    ret->name = strdup(from->name);
    return ret->name ? 0 : api_fail(error, ENOMEM, "out of memory");
}

/* Networks are made of links and rules of the machine. */
static int check_root(const struct ration *ration, struct ration_error *error)
{
    return engine_is_rootless(ration->engine)
               ? api_fail(error, EPERM,
                          "networks of one's own take root; an ordinary user has "
                          "--network none, host and container:NAME")
               : 0;
}

int ration_network_create(struct ration *ration, const struct ration_network *network,
                          struct ration_error *error)
{
    struct net_config config = { 0 };
    struct err err = ERR_INIT;
    int r = check_root(ration, error);

    if (r >= 0)
        r = config_fill(network, &config, error);
    if (r >= 0)
        r = api_error(error, &err, net_create(engine_data_dir(ration->engine), &config, &err));
    net_config_done(&config);
    return r;
}

int ration_network_remove(struct ration *ration, const char *name, struct ration_error *error)
{
    struct err err = ERR_INIT;
    int r = check_root(ration, error);

    return r < 0 ? r
                 : api_error(error, &err, net_remove(engine_data_dir(ration->engine), name, &err));
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

static json_t *labels_json(char *const *labels)
{
    json_t *json = json_object();

    for (; labels && *labels; labels++) {
        char key[256];
        size_t n = strcspn(*labels, "=");
        snprintf(key, sizeof(key), "%.*s", (int)n, *labels);
        json_object_set_new(json, key, json_string((*labels)[n] ? *labels + n + 1 : ""));
    }
    return json;
}

static void member_json(const char *data_dir, const char *id, json_t *ret)
{
    struct net_info info = { 0 };
    char address[IPV4_SIZE], mac[MAC_SIZE];

    if (net_look(data_dir, id, &info, NULL) < 0)
        return; /* it has just gone */
    ipv4_format(info.address, address);
    mac_format(info.mac, mac);
    json_object_set_new(ret, id,
                        json_pack("{s:s, s:o, s:s}", "Name", info.names ? info.names[0] : id,
                                  "IPv4Address", json_sprintf("%s/%u", address, info.prefix),
                                  "MacAddress", mac));
    net_info_done(&info);
}

static char *network_json(const struct net_config *config, const struct ration_network *network,
                          json_t *members)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:b, s:{s:[{s:s, s:s}]}, s:{s:s, s:i}, s:O, s:o}", "Name",
                  config->name, "Driver", "bridge", "Scope", "local", "Internal", config->internal,
                  "IPAM", "Config", "Subnet", network->subnet, "Gateway", network->gateway,
                  "Options", "Interface", config->bridge, "MTU", (int)config->mtu, "Containers",
                  members, "Labels", labels_json(config->labels));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

static int network_tell(const char *data_dir, const char *name, ration_network_fn fn, void *data,
                        struct err *err)
{
    struct net_config config = { 0 };
    _cleanup_(strv_freep) char **ids = NULL;
    char subnet[IPV4_SIZE + 4], gateway[IPV4_SIZE];
    int r = net_inspect(data_dir, name, &config, err);

    if (r >= 0)
        r = net_members(data_dir, name, &ids, err);
    if (r < 0) {
        net_config_done(&config);
        return r;
    }
    ipv4_format(config.subnet, subnet);
    snprintf(subnet + strlen(subnet), 4, "/%u", config.prefix & 63);
    ipv4_format(config.gateway, gateway);
    const struct ration_network network = { .name = name,
                                            .subnet = subnet,
                                            .gateway = gateway,
                                            .mtu = config.mtu,
                                            .internal = config.internal,
                                            .labels = (const char *const *)config.labels };
    json_t *members = json_object();
    for (char *const *id = ids; id && *id; id++)
        member_json(data_dir, *id, members);
    _cleanup_free_ char *json = network_json(&config, &network, members);
    json_decref(members);
    net_config_done(&config);
    return json ? fn(data, &network, (unsigned)strv_length(ids), json) : err_nomem(err);
}

int ration_network_each(struct ration *ration, const char *name, ration_network_fn fn, void *data,
                        struct ration_error *error)
{
    _cleanup_(strv_freep) char **names = NULL;
    const char *data_dir = engine_data_dir(ration->engine);
    struct err err = ERR_INIT;
    int r = 0;

    if (name)
        return api_error(error, &err, network_tell(data_dir, name, fn, data, &err));
    r = net_list(data_dir, &names, &err);
    for (char *const *one = names; r == 0 && one && *one; one++) {
        r = network_tell(data_dir, *one, fn, data, &err);
        if (r == -ENOENT)
            r = 0; /* removed meanwhile */
    }
    return api_error(error, &err, r);
}
