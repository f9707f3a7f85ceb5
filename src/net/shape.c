/*
 * Bandwidth: a token bucket, tc-tbf(8), at the end of the link that packets leave by: the host's end for what
 * comes in to a container, the container's for what goes out.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/helper.h"

#define BURST_LEAST  16384u     /* ten packets */
#define BURST_MOST   (8u << 20) /* so that the bucket does not last for seconds */
#define BURSTS_PER_S 50u        /* a bucket holds this part of a second's bytes */
#define WAIT_PER_S   20u /* packets wait for a twentieth of a second at most, then they are dropped */

struct found {
    int index;
    uint64_t rate_bytes; /* 0: no bucket */
};

static void take_options(const struct nlattr *options, struct found *found)
{
    struct nlattr *attribute;

    WIRE_EACH_NESTED(attribute, options)
    {
        struct tc_tbf_qopt parameters;
        if (mnl_attr_get_type(attribute) == TCA_TBF_PARMS &&
            mnl_attr_get_payload_len(attribute) >= sizeof(parameters)) {
            memcpy(&parameters, mnl_attr_get_payload(attribute), sizeof(parameters));
            if (found->rate_bytes == 0)
                found->rate_bytes = parameters.rate.rate;
        } else if (mnl_attr_get_type(attribute) == TCA_TBF_RATE64) {
            found->rate_bytes = mnl_attr_get_u64(attribute);
        }
    }
}

static int take_qdisc(const struct nlmsghdr *answer, void *data)
{
    const struct tcmsg *head = mnl_nlmsg_get_payload(answer);
    const struct nlattr *options = NULL;
    struct found *found = data;
    struct nlattr *attribute;
    bool bucket = false;

    if (head->tcm_ifindex != found->index || head->tcm_parent != TC_H_ROOT)
        return MNL_CB_OK;
    WIRE_EACH(attribute, answer, sizeof(*head))
    {
        if (mnl_attr_get_type(attribute) == TCA_KIND)
            bucket = strcmp(mnl_attr_get_str(attribute), "tbf") == 0;
        else if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
            options = attribute;
    }
    if (bucket && options)
        take_options(options, found);
    return MNL_CB_OK;
}

static int shape_read(struct wire *wire, int index, uint64_t *ret)
{
    char buffer[WIRE_SIZE];
    struct nlmsghdr *request = wire_begin(buffer, RTM_GETQDISC, NLM_F_DUMP);
    struct tcmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
    struct found found = { .index = index };

    head->tcm_family = AF_UNSPEC;
    head->tcm_ifindex = index;
    int r = wire_talk(wire, request, take_qdisc, &found);
    *ret = found.rate_bytes;
    return r;
}

static void put_bucket(struct nlmsghdr *request, uint64_t rate_bytes)
{
    struct tc_tbf_qopt parameters = { 0 };
    uint64_t burst = rate_bytes / BURSTS_PER_S, wait = rate_bytes / WAIT_PER_S;

    burst = burst < BURST_LEAST ? BURST_LEAST : burst > BURST_MOST ? BURST_MOST : burst;
    wait = wait < BURST_LEAST ? BURST_LEAST : wait > INT32_MAX ? INT32_MAX : wait;
    parameters.rate.linklayer = TC_LINKLAYER_ETHERNET;
    parameters.rate.rate = rate_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)rate_bytes;
    parameters.limit = (uint32_t)(burst + wait);
    mnl_attr_put_strz(request, TCA_KIND, "tbf");
    struct nlattr *options = mnl_attr_nest_start(request, TCA_OPTIONS);
    mnl_attr_put(request, TCA_TBF_PARMS, sizeof(parameters), &parameters);
    mnl_attr_put_u32(request, TCA_TBF_BURST, (uint32_t)burst);
    if (rate_bytes > UINT32_MAX)
        mnl_attr_put_u64(request, TCA_TBF_RATE64, rate_bytes);
    mnl_attr_nest_end(request, options);
}

int shape_set(struct wire *wire, int index, uint64_t rate_bytes, uint64_t *ret)
{
    char buffer[WIRE_SIZE];
    bool set = rate_bytes > 0;
    struct nlmsghdr *request = wire_begin(buffer, set ? RTM_NEWQDISC : RTM_DELQDISC,
                                          set ? NLM_F_CREATE | NLM_F_REPLACE : 0);
    struct tcmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

    head->tcm_family = AF_UNSPEC;
    head->tcm_ifindex = index;
    head->tcm_parent = TC_H_ROOT;
    if (set)
        put_bucket(request, rate_bytes);
    int r = wire_talk(wire, request, NULL, NULL);
    /* There was none. */
    if (!set && (r == -ENOENT || r == -EINVAL))
        r = 0;
    return r < 0 ? r : shape_read(wire, index, ret);
}
