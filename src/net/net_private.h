/* net, private: networks and leases as data, what is planned from them, and the files that hold them. */
#pragma once

#include "net/net.h"

#define NET_HELPER   "ration-net"
#define NET_LINK     16   /* IFNAMSIZ */
#define NET_LINKS    "rt" /* begins the names of the host's ends of links, and of bridges */
#define NET_FILE_MAX 65536u

/* Who has an address. Members are owned. */
struct lease {
    char *id;
    struct net_info info;
    char *boot;     /* the kernel's boot_id */
    uint64_t netns; /* inode of the network namespace that the bridge is in */
    char *hosts;    /* its file of names, which is written anew when others come and go; or NULL */
    char *hostname; /* its own name, or NULL */
    char **extra;   /* "NAME:ADDRESS" that were asked for */
};
void lease_done(struct lease *lease);

struct network {
    struct net_config config;
    struct lease *leases;
    size_t n_leases;
};

/* All networks, sorted by name. */
struct networks {
    struct network *v;
    size_t n;
};
void networks_done(struct networks *networks);
struct network *networks_find(const struct networks *networks, const char *name);

/* ---- text.c: configurations and leases as lines; pure ---------------------------------------------------- */

void config_write(const struct net_config *config, struct buf *ret);
/* name is kept. -EINVAL: no configuration of ours. */
int config_read(const char *name, const char *text, struct net_config *ret);
void lease_write(const struct lease *lease, struct buf *ret);
int lease_read(const char *id, const char *text, struct lease *ret);
/* One that is asked for only: nothing but its network has to be there. */
int lease_read_request(const char *id, const char *text, struct lease *ret);
/* Ids of containers, which are names of files: as record_name_valid() has it. */
bool net_id_valid(const char *id);

/* ---- pool.c: who gets which address; pure ------------------------------------------------------------------ */

struct subnet {
    uint32_t address;
    unsigned prefix;
};
/* Do the two have an address in common? */
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);
/* The first of 10.88.0.0/16 ... (usual), 10.89.0.0/24 ... that none of these has a part of; false: all do. */
bool subnet_choose(const struct subnet *taken, size_t n, bool usual, struct subnet *ret);
/* The lowest address that nobody has; 0: there is none. */
uint32_t pool_lowest(const struct network *network);
/* May this one be had? */
int pool_check(const struct network *network, uint32_t address, const char *id, struct err *err);
/* The hardware address that goes with an address: neighbours never remember a wrong one. */
void pool_mac(uint32_t address, uint8_t ret[static 6]);
/* Names of links: the same for the same container in the same DATA, and of nobody else. */
void link_name(const char *data_dir, const char *id, char ret[static NET_LINK]);
void bridge_name(const char *data_dir, const char *network, char ret[static NET_LINK]);
/* "ration", or for another DATA than the usual one with a mark of it. */
#define TABLE_NAME_SIZE 32
void table_name(const char *data_dir, char ret[static TABLE_NAME_SIZE]);

/* ---- rules.c: what the kernel is told of packets; pure ----------------------------------------------------- */

enum rule_chain {
    CHAIN_RAW,
    CHAIN_PREROUTING,
    CHAIN_OUTPUT,
    CHAIN_POSTROUTING,
    CHAIN_FORWARD,
    CHAIN_PUBLISH, /* no hook of its own */
    CHAIN_COUNT,
};

/* Where a chain is hooked in. */
struct chain_info {
    const char *name, *type; /* type NULL: it is jumped to */
    unsigned hook;           /* NF_INET_* */
    int priority;
};
extern const struct chain_info chain_table[CHAIN_COUNT];

enum rule_verdict { RULE_ACCEPT, RULE_DROP, RULE_MASQUERADE, RULE_DNAT, RULE_PUBLISH };

/* All that is set must hold. */
struct rule {
    enum rule_chain chain;
    char in[NET_LINK], out[NET_LINK]; /* names of links, or "" */
    bool in_not, out_not;             /* any other than those */
    struct subnet source, target;     /* prefix 0: any */
    bool udp;
    uint16_t port;    /* of the target, with udp or tcp; 0: any */
    bool local;       /* the target is an address of the host */
    bool established; /* an answer, or of a connection that was let through */
    bool translated;  /* a rule with RULE_DNAT has given it another target */
    enum rule_verdict verdict;
    uint32_t to; /* RULE_DNAT */
    uint16_t to_port;
};

struct rules {
    char table[TABLE_NAME_SIZE];
    struct rule *v;
    size_t n, cap;
};
void rules_done(struct rules *rules);
/* Those of all networks that have a lease in this network namespace. Without any: none. */
int rules_plan(const char *data_dir, const struct networks *networks, uint64_t netns,
               struct rules *ret);
/* As nft(8) would have them written. */
void rules_write(const struct rules *rules, struct buf *ret);

/* ---- names.c: the files of a container; pure ----------------------------------------------------------------- */

/* /etc/hosts of lease, with the others of its network; have: what stands in the file now, or "". */
void hosts_write(const struct network *network, const struct lease *lease, const char *have,
                 struct buf *ret);
/* The same where there is no network of ours. */
void hosts_write_alone(const char *hostname, char *const *extra, struct buf *ret);
/* /etc/resolv.conf: what is asked for, and the rest from the host's, without name servers on its loopback. */
void resolv_write(const struct spec_net *net, const char *host, bool loopback, struct buf *ret);

/* ---- store.c: DATA/networks ------------------------------------------------------------------------------------ */

struct store {
    char *data_dir;
    int dir_fd; /* DATA/networks */
    int lock_fd;
};
#define STORE_INIT ((struct store){ .dir_fd = -1, .lock_fd = -1 })
/* make: with directories that are missing; else -ENOENT. */
int store_open(const char *data_dir, bool make, struct store *ret, struct err *err);
/* Nobody else changes anything until store_close(). */
int store_lock(struct store *store, struct err *err);
void store_close(struct store *store);
int store_read(const struct store *store, struct networks *ret, struct err *err);
/* Keep a network that is new or changed. */
int store_keep(const struct store *store, const struct net_config *config, struct err *err);
int store_forget(const struct store *store, const char *network, struct err *err);
int store_keep_lease(const struct store *store, const struct lease *lease, struct err *err);
int store_forget_lease(const struct store *store, const char *network, const char *id,
                       struct err *err);
/* This kernel's boot_id and our network namespace. */
int store_here(char ret_boot[static 40], uint64_t *ret_netns, struct err *err);
/* The subnets that routes of the machine lead to. */
int routes_read(struct subnet **ret, size_t *ret_n, struct err *err);
/* Fill in what config does not say: subnet, gateway, bridge. taken: other networks and routes. */
int config_complete(const char *data_dir, const struct networks *networks,
                    struct net_config *config, struct err *err);

/* ---- program.c: starting ration-net --------------------------------------------------------------------------- */

struct program {
    pid_t pid; /* 0: not started */
    int fd;
};
/* netns_fd -1: it needs none. request: lines for it, or "". */
int program_start(const char *verb, const char *data_dir, const char *what, int netns_fd,
                  const char *request, struct program *ret, struct err *err);
/* Its answer; it has ended then. */
int program_answer(struct program *program, struct err *err);

/* ---- ports.c ----------------------------------------------------------------------------------------------------- */

struct ports {
    int *fds; /* sockets that are bound to them, so that nobody else is */
    size_t n_fds;
    struct net_port *v;
    size_t n;
};
int ports_take(const char *data_dir, const struct spec_net *net, struct ports *ret,
               struct err *err);
void ports_done(struct ports *ports);
