/* What the parts of ration-net share. Private to the program. */
#pragma once

#include <libmnl/libmnl.h>

#include "net/net_private.h"

/* ---- wire.c: rtnetlink(7) --------------------------------------------------------------------------------- */

struct wire {
    struct mnl_socket *socket; /* of the network namespace that it was made in */
    unsigned sequence;
};
int wire_open(struct wire *ret, int bus);
void wire_close(struct wire *wire);
#define WIRE_SIZE 4096 /* room for one request */
struct nlmsghdr *wire_begin(char buffer[static WIRE_SIZE], unsigned type, unsigned flags);
/* Send it, give each answer to fn (NULL: there is none but the acknowledgement). 0 or -errno. */
int wire_talk(struct wire *wire, struct nlmsghdr *request, mnl_cb_t fn, void *data);

/* Each attribute of a message behind head, and within another; libmnl's own macros are not clean C. */
#define WIRE_EACH(attribute, message, head)                                               \
    for ((attribute) = mnl_nlmsg_get_payload_offset(message, head);                       \
         mnl_attr_ok(attribute, (int)((const char *)mnl_nlmsg_get_payload_tail(message) - \
                                      (const char *)(attribute)));                        \
         (attribute) = mnl_attr_next(attribute))
#define WIRE_EACH_NESTED(attribute, nest)                                                   \
    for ((attribute) = mnl_attr_get_payload(nest); mnl_attr_ok(                             \
             attribute, (int)((const char *)mnl_attr_get_payload(nest) +                    \
                              mnl_attr_get_payload_len(nest) - (const char *)(attribute))); \
         (attribute) = mnl_attr_next(attribute))

/* ---- link.c ------------------------------------------------------------------------------------------------ */

/* Links that could be ours: those whose names begin like ours. */
struct links {
    struct link {
        char name[NET_LINK];
        int index, master;
    } * v;
    size_t n;
};
int links_read(struct wire *wire, struct links *ret);
const struct link *links_find(const struct links *links, const char *name);
/* Number of a link; -ENODEV when there is none. */
int link_index(struct wire *wire, const char *name);
int link_make_bridge(struct wire *wire, const char *name, const uint8_t mac[static 6],
                     unsigned mtu);
struct link_pair {
    const char *name; /* the host's end */
    int master;       /* the bridge that it joins */
    int netns_fd;     /* where the other end, eth0, is born */
    const uint8_t *mac;
    unsigned mtu; /* 0: the kernel's default */
};
#define LINK_INSIDE "eth0"
int link_make_pair(struct wire *wire, const struct link_pair *pair);
/* What comes from this link of a bridge may go back to it. */
int link_set_hairpin(struct wire *wire, const char *name);
int link_raise(struct wire *wire, int index);
/* One that is not there is no error. */
int link_remove(struct wire *wire, const char *name);
int link_add_address(struct wire *wire, int index, uint32_t address, unsigned prefix);
int link_add_route(struct wire *wire, int index, uint32_t gateway);

/* ---- shape.c: bandwidth ------------------------------------------------------------------------------------- */

/* Let at most so many bytes per second out of a link; 0: any number. *ret: as read back. */
int shape_set(struct wire *wire, int index, uint64_t rate_bytes, uint64_t *ret);

/* ---- inside.c ------------------------------------------------------------------------------------------------ */

/* Write a setting beneath /proc/sys, if it is not like that. */
int setting_put(const char *path, const char *value, struct err *err);
/* One of a link's; family "ipv4" or "ipv6". */
int link_setting(const char *family, const char *link, const char *name, const char *value,
                 struct err *err);
/* Set the container's end up: address, route, bandwidth, which is told as it was read back. */
int inside(int netns_fd, const struct network *network, struct lease *lease, struct err *err);

/* ---- nft.c ---------------------------------------------------------------------------------------------------- */

/* Put the table in place of the one of that name, in one transaction; without rules it goes. */
int rules_apply(const struct rules *rules, struct err *err);
