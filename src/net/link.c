/* Bridges, pairs of links, addresses and routes by rtnetlink(7). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "net/helper.h"

#define BRIDGE_USUAL "ration0"

/* ---- what there is ------------------------------------------------------------------------------------------ */

static int take_link(const struct nlmsghdr *answer, void *data)
{
    const struct ifinfomsg *head = mnl_nlmsg_get_payload(answer);
    struct links *links = data;
    struct link link = { .index = head->ifi_index };
    struct nlattr *attribute;

    WIRE_EACH(attribute, answer, sizeof(*head))
    {
        if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
            snprintf(link.name, sizeof(link.name), "%s", mnl_attr_get_str(attribute));
        else if (mnl_attr_get_type(attribute) == IFLA_MASTER)
            link.master = (int)mnl_attr_get_u32(attribute);
    }
    if (!text_starts(link.name, NET_LINKS) && strcmp(link.name, BRIDGE_USUAL) != 0)
        return MNL_CB_OK;
    struct link *grown = reallocarray(links->v, links->n + 1, sizeof(*grown));
    if (!grown) {
        errno = ENOMEM;
        return MNL_CB_ERROR;
    }
    links->v = grown;
    grown[links->n++] = link;
    return MNL_CB_OK;
}

int links_read(struct wire *wire, struct links *ret)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_GETLINK, NLM_F_DUMP);
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->ifi_family = AF_UNSPEC;
    *ret = (struct links){ 0 };
    return wire_talk(wire, request, take_link, ret);
}

const struct link *links_find(const struct links *links, const char *name)
{
    for (size_t i = 0; i < links->n; i++) {
        if (strcmp(links->v[i].name, name) == 0)
            return &links->v[i];
    }
    return NULL;
}

static int take_index(const struct nlmsghdr *answer, void *data)
{
    const struct ifinfomsg *head = mnl_nlmsg_get_payload(answer);

    *(int *)data = head->ifi_index;
    return MNL_CB_OK;
}

int link_index(struct wire *wire, const char *name)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_GETLINK, 0);
    int index = -ENODEV;

    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, name);
    int r = wire_talk(wire, request, take_index, &index);
    return r < 0 ? r : index;
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

int link_make_bridge(struct wire *wire, const char *name, const uint8_t mac[static 6], unsigned mtu)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);

    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, name);
    /* One that is given does not change with the links that come and go. */
    mnl_attr_put(request, IFLA_ADDRESS, 6, mac);
    if (mtu != 0)
        mnl_attr_put_u32(request, IFLA_MTU, mtu);
    struct nlattr *info = mnl_attr_nest_start(request, IFLA_LINKINFO);
    mnl_attr_put_strz(request, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(request, info);
    return wire_talk(wire, request, NULL, NULL);
}

static void put_peer(struct nlmsghdr *request, const struct link_pair *pair)
{
    struct nlattr *data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(request, VETH_INFO_PEER);

    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, LINK_INSIDE);
    mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)pair->netns_fd);
    mnl_attr_put(request, IFLA_ADDRESS, 6, pair->mac);
    if (pair->mtu != 0)
        mnl_attr_put_u32(request, IFLA_MTU, pair->mtu);
    mnl_attr_nest_end(request, peer);
    mnl_attr_nest_end(request, data);
}

int link_make_pair(struct wire *wire, const struct link_pair *pair)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->ifi_flags = head->ifi_change = IFF_UP;
    mnl_attr_put_strz(request, IFLA_IFNAME, pair->name);
    mnl_attr_put_u32(request, IFLA_MASTER, (uint32_t)pair->master);
    if (pair->mtu != 0)
        mnl_attr_put_u32(request, IFLA_MTU, pair->mtu);
    struct nlattr *info = mnl_attr_nest_start(request, IFLA_LINKINFO);
    mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
    put_peer(request, pair);
    mnl_attr_nest_end(request, info);
    return wire_talk(wire, request, NULL, NULL);
}

int link_set_hairpin(struct wire *wire, const char *name)
{
    char buffer[WIRE_SIZE];
    int index = link_index(wire, name);
    struct nlmsghdr *request = wire_begin(buffer, RTM_SETLINK, 0);
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    if (index < 0)
        return index;
    head->ifi_family = PF_BRIDGE;
    head->ifi_index = index;
    struct nlattr *port = mnl_attr_nest_start(request, IFLA_PROTINFO);
    mnl_attr_put_u8(request, IFLA_BRPORT_MODE, 1);
    mnl_attr_nest_end(request, port);
    return wire_talk(wire, request, NULL, NULL);
}

int link_raise(struct wire *wire, int index)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_NEWLINK, 0);
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->ifi_index = index;
    head->ifi_flags = head->ifi_change = IFF_UP;
    return wire_talk(wire, request, NULL, NULL);
}

int link_remove(struct wire *wire, const char *name)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_DELLINK, 0);

    mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request, IFLA_IFNAME, name);
    int r = wire_talk(wire, request, NULL, NULL);
    return r == -ENODEV ? 0 : r;
}

/* ---- addresses and routes -------------------------------------------------------------------------------------- */

int link_add_address(struct wire *wire, int index, uint32_t address, unsigned prefix)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->ifa_family = AF_INET;
    head->ifa_prefixlen = (unsigned char)prefix;
    head->ifa_index = (unsigned)index;
    head->ifa_scope = RT_SCOPE_UNIVERSE;
    mnl_attr_put_u32(request, IFA_LOCAL, htonl(address));
    mnl_attr_put_u32(request, IFA_ADDRESS, htonl(address));
    if (prefix < 31)
        mnl_attr_put_u32(request, IFA_BROADCAST, htonl(address | ~ipv4_mask(prefix)));
    int r = wire_talk(wire, request, NULL, NULL);
    return r == -EEXIST ? 0 : r;
}

int link_add_route(struct wire *wire, int index, uint32_t gateway)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->rtm_family = AF_INET;
    head->rtm_table = RT_TABLE_MAIN;
    head->rtm_protocol = RTPROT_STATIC;
    head->rtm_scope = RT_SCOPE_UNIVERSE;
    head->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(request, RTA_GATEWAY, htonl(gateway));
    mnl_attr_put_u32(request, RTA_OIF, (uint32_t)index);
    return wire_talk(wire, request, NULL, NULL);
}
