/*
 * What the kernel is told of packets, as data: one table of ours, written whole whenever something changes.
 *
 * A container reaches the world with the host's address, the world a container through published ports alone, and
 * containers of different networks each other not at all, but through those ports.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "net/net_private.h"

/* nft(8): the priorities are those of "raw", "dstnat", "srcnat" and "filter". */
const struct chain_info chain_table[CHAIN_COUNT] = {
    [CHAIN_RAW] = { "raw", "filter", NF_INET_PRE_ROUTING, -300 },
    [CHAIN_PREROUTING] = { "prerouting", "nat", NF_INET_PRE_ROUTING, -100 },
    [CHAIN_OUTPUT] = { "output", "nat", NF_INET_LOCAL_OUT, -100 },
    [CHAIN_POSTROUTING] = { "postrouting", "nat", NF_INET_POST_ROUTING, 100 },
    [CHAIN_FORWARD] = { "forward", "filter", NF_INET_FORWARD, 0 },
    [CHAIN_PUBLISH] = { "publish", NULL, 0, 0 },
};

static const struct subnet loopback = { UINT32_C(0x7f000000), 8 };

void rules_done(struct rules *rules)
{
    free(rules->v);
    *rules = (struct rules){ 0 };
}

static int add(struct rules *rules, struct rule rule)
{
    if (rules->n == rules->cap) {
        size_t cap = rules->cap ? rules->cap * 2 : 32;
        struct rule *grown = reallocarray(rules->v, cap, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        rules->v = grown;
        rules->cap = cap;
    }
    rules->v[rules->n++] = rule;
    return 0;
}

static void set_link(char field[static NET_LINK], const struct network *network)
{
    snprintf(field, NET_LINK, "%s", network->config.bridge);
}

/* ---- of one network ------------------------------------------------------------------------------------------ */

/*
 * The bridge takes packets to 127.0.0.0/8 for the host's own (route_localnet), which answers to connections from
 * there need; nobody else is to send such.
 */
static int add_raw(struct rules *rules, const struct network *network)
{
    struct rule rule = { .chain = CHAIN_RAW, .target = loopback, .verdict = RULE_DROP };

    set_link(rule.in, network);
    return add(rules, rule);
}

static int add_postrouting(struct rules *rules, const struct network *network)
{
    struct subnet subnet = { network->config.subnet, network->config.prefix };
    struct rule out = { .chain = CHAIN_POSTROUTING, .source = subnet, .verdict = RULE_MASQUERADE };
    struct rule back = out;
    struct rule local = { .chain = CHAIN_POSTROUTING,
                          .source = loopback,
                          .verdict = RULE_MASQUERADE };
    int r = 0;

    out.out_not = true;
    set_link(out.out, network);
    /* From one container to another, or to itself, through a published port: the answer has to come back here. */
    back.translated = true;
    set_link(back.out, network);
    set_link(local.out, network);
    if (!network->config.internal)
        r = add(rules, out);
    if (r == 0)
        r = add(rules, back);
    return r < 0 ? r : add(rules, local);
}

static int add_internal(struct rules *rules, const struct network *network)
{
    struct rule out = { .chain = CHAIN_FORWARD, .out_not = true, .verdict = RULE_DROP };
    struct rule in = { .chain = CHAIN_FORWARD, .in_not = true, .verdict = RULE_DROP };

    if (!network->config.internal)
        return 0;
    set_link(out.in, network);
    set_link(out.out, network);
    set_link(in.in, network);
    set_link(in.out, network);
    int r = add(rules, out);
    return r < 0 ? r : add(rules, in);
}

static int add_within(struct rules *rules, const struct network *network)
{
    struct rule rule = { .chain = CHAIN_FORWARD, .verdict = RULE_ACCEPT };

    set_link(rule.in, network);
    set_link(rule.out, network);
    return add(rules, rule);
}

static int add_closed(struct rules *rules, const struct network *network)
{
    struct rule rule = { .chain = CHAIN_FORWARD, .verdict = RULE_DROP };

    set_link(rule.out, network);
    return add(rules, rule);
}

static int add_answers(struct rules *rules)
{
    struct rule established = { .chain = CHAIN_FORWARD,
                                .established = true,
                                .verdict = RULE_ACCEPT };
    struct rule published = { .chain = CHAIN_FORWARD, .translated = true, .verdict = RULE_ACCEPT };
    int r = add(rules, established);

    return r < 0 ? r : add(rules, published);
}

/* ---- published ports ------------------------------------------------------------------------------------------ */

static int add_ports(struct rules *rules, const struct network *network, uint64_t netns)
{
    for (size_t i = 0; i < network->n_leases; i++) {
        const struct lease *lease = &network->leases[i];
        for (size_t n = 0; lease->netns == netns && n < lease->info.n_ports; n++) {
            const struct net_port *port = &lease->info.ports[n];
            struct rule rule = { .chain = CHAIN_PUBLISH,
                                 .udp = port->udp,
                                 .port = port->host,
                                 .verdict = RULE_DNAT,
                                 .to = lease->info.address,
                                 .to_port = port->port };
            if (port->host_ip != 0)
                rule.target = (struct subnet){ port->host_ip, 32 };
            int r = add(rules, rule);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Connections from outside, and from the host itself, to one of its addresses. */
static int add_jumps(struct rules *rules)
{
    static const enum rule_chain chains[] = { CHAIN_PREROUTING, CHAIN_OUTPUT };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(chains); i++)
        r = add(rules, (struct rule){ .chain = chains[i], .local = true, .verdict = RULE_PUBLISH });
    return r;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static bool is_here(const struct network *network, uint64_t netns)
{
    for (size_t i = 0; i < network->n_leases; i++) {
        if (network->leases[i].netns == netns)
            return true;
    }
    return false;
}

static int each(struct rules *rules, const struct networks *networks, uint64_t netns,
                int (*fn)(struct rules *, const struct network *))
{
    for (size_t i = 0; i < networks->n; i++) {
        int r = is_here(&networks->v[i], netns) ? fn(rules, &networks->v[i]) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int rules_plan(const char *data_dir, const struct networks *networks, uint64_t netns,
               struct rules *ret)
{
    struct rules rules = { 0 };
    int r = each(&rules, networks, netns, add_raw);

    if (r == 0 && rules.n > 0) {
        r = add_jumps(&rules);
        for (size_t i = 0; r == 0 && i < networks->n; i++)
            r = add_ports(&rules, &networks->v[i], netns);
        if (r == 0)
            r = each(&rules, networks, netns, add_postrouting);
        if (r == 0)
            r = each(&rules, networks, netns, add_internal);
        if (r == 0)
            r = add_answers(&rules);
        if (r == 0)
            r = each(&rules, networks, netns, add_within);
        if (r == 0)
            r = each(&rules, networks, netns, add_closed);
    }
    if (r < 0) {
        rules_done(&rules);
        return r;
    }
    table_name(data_dir, rules.table);
    *ret = rules;
    return 0;
}

/* ---- as text --------------------------------------------------------------------------------------------------- */

static void write_subnet(struct buf *ret, const char *what, const struct subnet *subnet)
{
    char text[IPV4_SIZE];

    if (subnet->prefix == 0)
        return;
    ipv4_format(subnet->address & ipv4_mask(subnet->prefix), text);
    buf_printf(ret, "ip %s %s", what, text);
    if (subnet->prefix < 32)
        buf_printf(ret, "/%u", subnet->prefix);
    buf_putc(ret, ' ');
}

static void write_matches(struct buf *ret, const struct rule *rule)
{
    if (*rule->in)
        buf_printf(ret, "iifname %s\"%s\" ", rule->in_not ? "!= " : "", rule->in);
    if (*rule->out)
        buf_printf(ret, "oifname %s\"%s\" ", rule->out_not ? "!= " : "", rule->out);
    write_subnet(ret, "saddr", &rule->source);
    write_subnet(ret, "daddr", &rule->target);
    if (rule->port != 0)
        buf_printf(ret, "%s dport %u ", rule->udp ? "udp" : "tcp", rule->port);
    if (rule->local)
        buf_puts(ret, "fib daddr type local ");
    if (rule->established)
        buf_puts(ret, "ct state established,related ");
    if (rule->translated)
        buf_puts(ret, "ct status dnat ");
}

static void write_verdict(struct buf *ret, const struct rule *rule)
{
    static const char *const verdict_table[] = {
        [RULE_ACCEPT] = "accept",         [RULE_DROP] = "drop",
        [RULE_MASQUERADE] = "masquerade", [RULE_DNAT] = "dnat to",
        [RULE_PUBLISH] = "jump publish",
    };
    char to[IPV4_SIZE];

    buf_puts(ret, verdict_table[rule->verdict]);
    if (rule->verdict == RULE_DNAT) {
        ipv4_format(rule->to, to);
        buf_printf(ret, " %s:%u", to, rule->to_port);
    }
    buf_putc(ret, '\n');
}

void rules_write(const struct rules *rules, struct buf *ret)
{
    static const char *const hook_table[] = {
        [NF_INET_PRE_ROUTING] = "prerouting",   [NF_INET_LOCAL_IN] = "input",
        [NF_INET_FORWARD] = "forward",          [NF_INET_LOCAL_OUT] = "output",
        [NF_INET_POST_ROUTING] = "postrouting",
    };

    buf_printf(ret, "table ip %s {\n", rules->table);
    for (int chain = CHAIN_COUNT - 1; chain >= 0; chain--) {
        const struct chain_info *info = &chain_table[chain];
        buf_printf(ret, "\tchain %s {\n", info->name);
        if (info->type)
            buf_printf(ret, "\t\ttype %s hook %s priority %d; policy accept;\n", info->type,
                       hook_table[info->hook], info->priority);
        for (size_t i = 0; i < rules->n; i++) {
            if (rules->v[i].chain != (enum rule_chain)chain)
                continue;
            buf_puts(ret, "\t\t");
            write_matches(ret, &rules->v[i]);
            write_verdict(ret, &rules->v[i]);
        }
        buf_puts(ret, "\t}\n");
    }
    buf_puts(ret, "}\n");
}
