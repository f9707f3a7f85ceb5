/* Questions to the kernel and their answers, see netlink(7). */
#include <errno.h>
#include <string.h>

#include "net/helper.h"

#define ANSWER_SIZE 32768

int wire_open(struct wire *ret, int bus)
{
    *ret = (struct wire){ .sequence = 1 };
    ret->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (!ret->socket)
        return -errno;
    if (mnl_socket_bind(ret->socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return 0;
    int r = -errno;
    wire_close(ret);
    return r;
}

void wire_close(struct wire *wire)
{
    if (wire->socket)
        mnl_socket_close(wire->socket);
    wire->socket = NULL;
}

struct nlmsghdr *wire_begin(char buffer[static WIRE_SIZE], unsigned type, unsigned flags)
{
    memset(buffer, 0, WIRE_SIZE);
    struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
    head->nlmsg_type = (uint16_t)type;
    head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    return head;
}

int wire_talk(struct wire *wire, struct nlmsghdr *request, mnl_cb_t fn, void *data)
{
    static char answer[ANSWER_SIZE];
    unsigned port = mnl_socket_get_portid(wire->socket);
    int more = MNL_CB_OK;

    request->nlmsg_seq = wire->sequence++;
    if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
        request->nlmsg_flags |= NLM_F_ACK;
    if (mnl_socket_sendto(wire->socket, request, request->nlmsg_len) < 0)
        return -errno;
    while (more > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(wire->socket, answer, sizeof(answer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        more = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, port, fn, data);
    }
    return more < 0 ? -errno : 0;
}
