/*
 * The rules in the kernel's words, by libnftnl: one batch, which takes effect whole or not at all. See nft(8) and
 * linux/netfilter/nf_tables.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "net/helper.h"

#define MESSAGE_MAX 2048u
#define ANSWER_SIZE 16384

/* The kernel's masks of states, linux/netfilter/nf_tables.h's NFT_CT_STATE: 1 << (state + 1). */
#define STATE_ESTABLISHED 2u
#define STATE_RELATED     4u

struct batch {
    char *data;
    size_t length, size;
    unsigned sequence;
    bool failed; /* no memory */
    const char *table;
};

/* ---- messages ------------------------------------------------------------------------------------------------ */

static char *batch_room(struct batch *batch)
{
    if (batch->length + MESSAGE_MAX > batch->size) {
        size_t size = batch->size ? batch->size * 2 : 16 * MESSAGE_MAX;
        char *grown = realloc(batch->data, size);
        if (!grown) {
            batch->failed = true;
            return NULL;
        }
        batch->data = grown;
        batch->size = size;
    }
    return batch->data + batch->length;
}

static void batch_took(struct batch *batch, const struct nlmsghdr *head)
{
    batch->length += (head->nlmsg_len + 3) & ~UINT32_C(3);
}

static void put_table(struct batch *batch, unsigned type, unsigned flags)
{
    struct nftnl_table *table = nftnl_table_alloc();
    char *room = batch_room(batch);

    if (table && room) {
        nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table);
        nftnl_table_set_u32(table, NFTNL_TABLE_FAMILY, NFPROTO_IPV4);
        struct nlmsghdr *head = nftnl_nlmsg_build_hdr(room, (uint16_t)type, NFPROTO_IPV4,
                                                      (uint16_t)flags, batch->sequence++);
        nftnl_table_nlmsg_build_payload(head, table);
        batch_took(batch, head);
    }
    batch->failed |= !table;
    if (table)
        nftnl_table_free(table);
}

static void put_chain(struct batch *batch, const struct chain_info *info)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();
    char *room = batch_room(batch);

    if (chain && room) {
        nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, batch->table);
        nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, info->name);
        if (info->type) {
            nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, info->type);
            nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, info->hook);
            nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, info->priority);
            nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
        }
        struct nlmsghdr *head = nftnl_nlmsg_build_hdr(room, NFT_MSG_NEWCHAIN, NFPROTO_IPV4,
                                                      NLM_F_CREATE, batch->sequence++);
        nftnl_chain_nlmsg_build_payload(head, chain);
        batch_took(batch, head);
    }
    batch->failed |= !chain;
    if (chain)
        nftnl_chain_free(chain);
}

/* ---- expressions ---------------------------------------------------------------------------------------------- */

/* An expression of the rule; NULL with batch->failed set when there is no memory. */
static struct nftnl_expr *put_expr(struct batch *batch, struct nftnl_rule *rule, const char *name)
{
    struct nftnl_expr *expr = nftnl_expr_alloc(name);

    if (expr)
        nftnl_rule_add_expr(rule, expr);
    else
        batch->failed = true;
    return expr;
}

static void put_compare(struct batch *batch, struct nftnl_rule *rule, unsigned op, const void *data,
                        size_t length)
{
    struct nftnl_expr *expr = put_expr(batch, rule, "cmp");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
    nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, (uint32_t)length);
}

static void put_mask(struct batch *batch, struct nftnl_rule *rule, uint32_t mask)
{
    static const uint32_t zero = 0;
    struct nftnl_expr *expr = put_expr(batch, rule, "bitwise");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
}

static void put_meta(struct batch *batch, struct nftnl_rule *rule, unsigned key)
{
    struct nftnl_expr *expr = put_expr(batch, rule, "meta");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void put_payload(struct batch *batch, struct nftnl_rule *rule, unsigned base, size_t offset,
                        size_t length)
{
    struct nftnl_expr *expr = put_expr(batch, rule, "payload");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)offset);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)length);
}

static void put_link(struct batch *batch, struct nftnl_rule *rule, unsigned key, const char *name,
                     bool other)
{
    char padded[NET_LINK] = "";

    if (*name == '\0')
        return;
    /* The whole field: the name and what is behind it. */
    snprintf(padded, sizeof(padded), "%s", name);
    put_meta(batch, rule, key);
    put_compare(batch, rule, other ? NFT_CMP_NEQ : NFT_CMP_EQ, padded, sizeof(padded));
}

static void put_subnet(struct batch *batch, struct nftnl_rule *rule, size_t offset,
                       const struct subnet *subnet)
{
    uint32_t mask = ipv4_mask(subnet->prefix), address = htonl(subnet->address & mask);

    if (subnet->prefix == 0)
        return;
    put_payload(batch, rule, NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof(address));
    if (subnet->prefix < 32)
        put_mask(batch, rule, htonl(mask));
    put_compare(batch, rule, NFT_CMP_EQ, &address, sizeof(address));
}

static void put_port(struct batch *batch, struct nftnl_rule *rule, const struct rule *from)
{
    uint8_t protocol = from->udp ? IPPROTO_UDP : IPPROTO_TCP;
    uint16_t port = htons(from->port);

    if (from->port == 0)
        return;
    put_meta(batch, rule, NFT_META_L4PROTO);
    put_compare(batch, rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
    put_payload(batch, rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
    put_compare(batch, rule, NFT_CMP_EQ, &port, sizeof(port));
}

static void put_local(struct batch *batch, struct nftnl_rule *rule)
{
    uint32_t local = RTN_LOCAL;
    struct nftnl_expr *expr = put_expr(batch, rule, "fib");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
    put_compare(batch, rule, NFT_CMP_EQ, &local, sizeof(local));
}

static void put_connection(struct batch *batch, struct nftnl_rule *rule, unsigned key,
                           uint32_t mask)
{
    static const uint32_t zero = 0;
    struct nftnl_expr *expr = put_expr(batch, rule, "ct");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, NFT_REG_1);
    put_mask(batch, rule, mask);
    put_compare(batch, rule, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void put_immediate(struct batch *batch, struct nftnl_rule *rule, unsigned reg,
                          const void *data, size_t length)
{
    struct nftnl_expr *expr = put_expr(batch, rule, "immediate");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, reg);
    nftnl_expr_set(expr, NFTNL_EXPR_IMM_DATA, data, (uint32_t)length);
}

static void put_decision(struct batch *batch, struct nftnl_rule *rule, int verdict)
{
    struct nftnl_expr *expr = put_expr(batch, rule, "immediate");

    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
    if (verdict == NFT_JUMP)
        nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, chain_table[CHAIN_PUBLISH].name);
}

static void put_translation(struct batch *batch, struct nftnl_rule *rule, const struct rule *from)
{
    uint32_t address = htonl(from->to);
    uint16_t port = htons(from->to_port);

    put_immediate(batch, rule, NFT_REG_1, &address, sizeof(address));
    put_immediate(batch, rule, NFT_REG_2, &port, sizeof(port));
    struct nftnl_expr *expr = put_expr(batch, rule, "nat");
    if (!expr)
        return;
    nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static void put_matches(struct batch *batch, struct nftnl_rule *rule, const struct rule *from)
{
    put_link(batch, rule, NFT_META_IIFNAME, from->in, from->in_not);
    put_link(batch, rule, NFT_META_OIFNAME, from->out, from->out_not);
    put_subnet(batch, rule, offsetof(struct iphdr, saddr), &from->source);
    put_subnet(batch, rule, offsetof(struct iphdr, daddr), &from->target);
    put_port(batch, rule, from);
    if (from->local)
        put_local(batch, rule);
    if (from->established)
        put_connection(batch, rule, NFT_CT_STATE, STATE_ESTABLISHED | STATE_RELATED);
    if (from->translated)
        put_connection(batch, rule, NFT_CT_STATUS, IPS_DST_NAT);
}

static void put_verdict(struct batch *batch, struct nftnl_rule *rule, const struct rule *from)
{
    switch (from->verdict) {
    case RULE_ACCEPT:
        put_decision(batch, rule, NF_ACCEPT);
        break;
    case RULE_DROP:
        put_decision(batch, rule, NF_DROP);
        break;
    case RULE_PUBLISH:
        put_decision(batch, rule, NFT_JUMP);
        break;
    case RULE_MASQUERADE:
        put_expr(batch, rule, "masq");
        break;
    case RULE_DNAT:
        put_translation(batch, rule, from);
        break;
    }
}

static void put_rule(struct batch *batch, const struct rule *from)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();
    char *room = batch_room(batch);

    if (rule && room) {
        nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, batch->table);
        nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain_table[from->chain].name);
        nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
        put_matches(batch, rule, from);
        put_verdict(batch, rule, from);
        struct nlmsghdr *head = nftnl_nlmsg_build_hdr(
            room, NFT_MSG_NEWRULE, NFPROTO_IPV4, NLM_F_CREATE | NLM_F_APPEND, batch->sequence++);
        nftnl_rule_nlmsg_build_payload(head, rule);
        batch_took(batch, head);
    }
    batch->failed |= !rule;
    if (rule)
        nftnl_rule_free(rule);
}

/* ---- the batch -------------------------------------------------------------------------------------------------- */

static void put_edge(struct batch *batch, struct nlmsghdr *(*edge)(char *, uint32_t))
{
    char *room = batch_room(batch);

    if (room)
        batch_took(batch, edge(room, batch->sequence++));
}

/* The answer to the last message, unless one before it has failed. */
static int batch_answer(struct wire *wire, unsigned last)
{
    static _Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
    int failed = 0;

    for (;;) {
        ssize_t n = mnl_socket_recvfrom(wire->socket, answer, sizeof(answer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        int left = (int)n;
        for (const struct nlmsghdr *head = (const void *)answer; mnl_nlmsg_ok(head, left);
             head = mnl_nlmsg_next(head, &left)) {
            const struct nlmsgerr *error = mnl_nlmsg_get_payload(head);
            if (head->nlmsg_type != NLMSG_ERROR)
                continue;
            if (failed == 0)
                failed = error->error;
            /* One that the whole batch failed of names its beginning. */
            if (head->nlmsg_seq == last || head->nlmsg_seq == 0)
                return failed;
        }
    }
}

static int batch_send(struct batch *batch)
{
    struct wire wire;
    int size = batch->length > INT32_MAX / 4 ? INT32_MAX / 2 : (int)batch->length * 2;
    int r = wire_open(&wire, NETLINK_NETFILTER);

    if (r < 0)
        return r;
    /* It has to be sent in one piece. */
    setsockopt(mnl_socket_get_fd(wire.socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    if (mnl_socket_sendto(wire.socket, batch->data, batch->length) < 0)
        r = -errno;
    if (r == 0)
        r = batch_answer(&wire, batch->sequence - 2);
    wire_close(&wire);
    return r;
}

int rules_apply(const struct rules *rules, struct err *err)
{
    struct batch batch = { .table = rules->table };

    put_edge(&batch, nftnl_batch_begin);
    /* Made, so that it can be removed whether or not it is there. */
    put_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_table(&batch, NFT_MSG_DELTABLE, rules->n > 0 ? 0 : NLM_F_ACK);
    if (rules->n > 0) {
        put_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
        for (int chain = CHAIN_COUNT - 1; chain >= 0; chain--)
            put_chain(&batch, &chain_table[chain]);
        for (size_t i = 0; i < rules->n; i++)
            put_rule(&batch, &rules->v[i]);
    }
    if (batch.failed) {
        free(batch.data);
        return err_nomem(err);
    }
    put_edge(&batch, nftnl_batch_end);
    int r = batch.failed ? -ENOMEM : 0;
    if (r == 0) {
        /* The last one before the end is answered. */
        struct nlmsghdr *head = (void *)batch.data;
        int left = (int)batch.length;
        while (head->nlmsg_seq != batch.sequence - 2)
            head = mnl_nlmsg_next(head, &left);
        head->nlmsg_flags |= NLM_F_ACK;
        r = batch_send(&batch);
    }
    free(batch.data);
    if (r == -EOPNOTSUPP || r == -EPROTONOSUPPORT)
        return err_refuse(
            err, -r,
            "--network: this kernel has no nftables with address translation "
            "(CONFIG_NF_TABLES, CONFIG_NFT_NAT, CONFIG_NFT_MASQ, CONFIG_NFT_FIB_IPV4)");
    return r < 0 ? err_set(err, -r, "--network: cannot write the rules of packets, table %s: %s",
                           rules->table, err_name(-r))
                 : 0;
}
