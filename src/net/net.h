/*
 * net: networks of containers. A network is a subnet and a bridge; a container in it has one end of a veth pair,
 * an address, names, and ports of the host that lead to it.
 *
 *   net_new()     ports of the host are taken, files made         before anything is on record but their names
 *   net_start()   the program ration-net is at work: lease, bridge, link, addresses, rules, bandwidth
 *   net_finish()  everything was read back; addresses are known   before COMMAND begins
 *   net_down()    by the id alone, however far it had come        at the end, and for runs that were killed
 *
 * What speaks netlink is a program of its own, ration-net, which links libmnl and libnftnl: nobody else pays
 * for it. It works under a lock on DATA/networks, and every call of it brings all of the networks into
 * agreement with the leases: what a killed one left is undone by the next.
 *
 *   DATA/networks/NAME/config       subnet, gateway, MTU, labels: lines "KEY VALUE"
 *   DATA/networks/NAME/leases/ID    who has which address: lines "KEY VALUE"
 *
 * A lease holds as long as the host's end of its link is there, in the network namespace and since the boot that
 * it names: the kernel takes both ends away with the container's network namespace.
 */
#pragma once

#include "base/base.h"
#include "spec/spec.h"

#define NET_USUAL "bridge" /* the network that is made when it is first used */
/* Files beneath spec_net.files, each bound over the one in /etc. */
#define NET_FILE_HOSTS    "hosts"
#define NET_FILE_RESOLV   "resolv.conf"
#define NET_FILE_HOSTNAME "hostname"

/* What a run asks for. Strings are the caller's, and have to last until net_finish(). */
struct net_request {
    const char *data_dir; /* DATA */
    const char *id;       /* by which everything is found again: [a-zA-Z0-9][a-zA-Z0-9_.-]* */
    const char *name;     /* what others in the network call it, beside id; or NULL */
    const char *hostname; /* its own name, or NULL */
    enum spec_network network;
    const struct spec_net *net;
    uint64_t bandwidth_in, bandwidth_out; /* bytes per second; 0: no limit */
};

struct net_port {
    uint32_t host_ip; /* 0: every address of the host */
    uint16_t host, port;
    bool udp;
};

/* What a container has got. Members are owned. */
struct net_info {
    char *network, *bridge, *link; /* link: the host's end of the pair */
    uint32_t address, gateway;     /* 0: none, on an internal network */
    unsigned prefix;
    uint8_t mac[6];
    char **names;
    struct net_port *ports;
    size_t n_ports;
    uint64_t bandwidth_in, bandwidth_out; /* in force, as read back */
};
void net_info_done(struct net_info *info);

struct net; /* the network of a run that is being started, or has been */

/*
 * Take the published ports of the host, so that nobody else gets them while net is there, and make the files
 * that net->files names. A port that somebody has: ERR_REFUSED, naming who, if that can be seen.
 */
int net_new(const struct net_request *request, struct net **ret, struct err *err);
/* Have it made in the network namespace that netns_fd is of, while the caller does something else. */
int net_start(struct net *net, int netns_fd, struct err *err);
/* Wait until it is made. On error nothing of it is left. */
int net_finish(struct net *net, struct err *err);
/* After net_finish(); belongs to net. */
const struct net_info *net_result(const struct net *net);
/* The ports are free again; nothing else changes. NULL is allowed. */
void net_free(struct net *net);

/*
 * Undo all that net_start() did for this id, and remove its files. Idempotent; what is not there is no error.
 * files: the directory with its files, or NULL.
 */
int net_down(const char *data_dir, const char *id, const char *files, struct err *err);
/* What the container of that id has; -ENOENT: it is in no network. Needs no program. */
int net_look(const char *data_dir, const char *id, struct net_info *ret, struct err *err);

/* ---- networks --------------------------------------------------------------------------------------------- */

struct net_config {
    char *name;
    uint32_t subnet, gateway; /* 0: chosen, when it is made */
    unsigned prefix;
    unsigned mtu;  /* 0: the kernel's default */
    bool internal; /* no way out of it, nor in */
    char **labels; /* "KEY=VALUE" */
    char *bridge;
    uint64_t created_us; /* CLOCK_REALTIME */
};
void net_config_done(struct net_config *config);

/* Keep a new one; a subnet that is not given is chosen so that no route of the machine is in its way. */
int net_create(const char *data_dir, const struct net_config *config, struct err *err);
int net_inspect(const char *data_dir, const char *name, struct net_config *ret, struct err *err);
/* The names of all, sorted; the usual one is always among them. */
int net_list(const char *data_dir, char ***ret, struct err *err);
/* The ids of the containers in it. */
int net_members(const char *data_dir, const char *name, char ***ret, struct err *err);
/* -EBUSY while a container is in it. */
int net_remove(const char *data_dir, const char *name, struct err *err);
