/*
 * Network devices that move into a container: by rtnetlink(7), spoken on two sockets, one in each network
 * namespace. The kernel takes a device's addresses away when it moves it, so those that are meant to stay
 * are given to it again. What fails half way is moved back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spawn/launch.h"
#include "sys/sys.h"

#define ANSWER_MAX    32768
#define ADDRESSES_MAX 64
#define NETDEVS_MAX   64

/* A network namespace and a way to speak with it. */
struct side {
    int ns_fd, socket_fd;
};

struct address {
    struct ifaddrmsg head;
    unsigned char local[16], peer[16], broadcast[16];
    size_t local_length, peer_length, broadcast_length;
    uint32_t flags;
};

struct device {
    int index;
    bool up;
    size_t n_addresses;
    struct address addresses[ADDRESSES_MAX];
};

/* ---- messages ---------------------------------------------------------------------------------------------- */

struct request {
    struct nlmsghdr head;
    char body[512];
};

static void *request_begin(struct request *request, unsigned type, unsigned flags, size_t length)
{
    *request = (struct request){
        .head = { .nlmsg_len = NLMSG_LENGTH((unsigned)length),
                  .nlmsg_type = (unsigned short)type,
                  .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags) },
    };
    return NLMSG_DATA(&request->head);
}

static void request_add(struct request *request, unsigned type, const void *data, size_t length)
{
    struct rtattr *attribute =
        (struct rtattr *)(void *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));

    attribute->rta_type = (unsigned short)type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(length);
    memcpy(RTA_DATA(attribute), data, length);
    request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + (unsigned)RTA_SPACE(length);
}

/*
 * Send, and give each answer to fn (NULL: there is none but the acknowledgement) until there is no more. 0
 * or -errno, the kernel's.
 */
static int request_send(const struct side *side, const struct request *request,
                        void (*fn)(const struct nlmsghdr *answer, void *data), void *data)
{
    static _Alignas(struct nlmsghdr) char answers[ANSWER_MAX];

    if (send(side->socket_fd, request, request->head.nlmsg_len, 0) < 0)
        return -errno;
    for (;;) {
        ssize_t n = recv(side->socket_fd, answers, sizeof(answers), 0);
        unsigned left;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        left = (unsigned)n;
        for (const struct nlmsghdr *answer = (const void *)answers; NLMSG_OK(answer, left);
             answer = NLMSG_NEXT(answer, left)) {
            if (answer->nlmsg_type == NLMSG_DONE)
                return 0;
            if (answer->nlmsg_type == NLMSG_ERROR)
                return ((const struct nlmsgerr *)NLMSG_DATA(answer))->error;
            if (fn)
                fn(answer, data);
        }
    }
}

/* ---- what there is ------------------------------------------------------------------------------------------- */

static void take_link(const struct nlmsghdr *answer, void *data)
{
    const struct ifinfomsg *link = NLMSG_DATA(answer);
    struct device *device = data;

    if (answer->nlmsg_type != RTM_NEWLINK)
        return;
    device->index = link->ifi_index;
    device->up = (link->ifi_flags & IFF_UP) != 0;
}

/* By name, or by number where name is NULL. -ENODEV: there is none. */
static int link_find(const struct side *side, const char *name, int index, struct device *ret)
{
    struct request request;
    struct ifinfomsg *link = request_begin(&request, RTM_GETLINK, NLM_F_ACK, sizeof(*link));

    link->ifi_index = index;
    if (name)
        request_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    return request_send(side, &request, take_link, ret);
}

static void take_bytes(const struct rtattr *attribute, unsigned char ret[static 16],
                       size_t *ret_length)
{
    size_t length = RTA_PAYLOAD(attribute);

    *ret_length = length <= 16 ? length : 0;
    memcpy(ret, RTA_DATA(attribute), *ret_length);
}

/* The specification keeps those that are permanent and of global scope. */
static void take_address(const struct nlmsghdr *answer, void *data)
{
    const struct ifaddrmsg *head = NLMSG_DATA(answer);
    struct device *device = data;
    unsigned left = (unsigned)IFA_PAYLOAD(answer);

    if (answer->nlmsg_type != RTM_NEWADDR || (int)head->ifa_index != device->index ||
        head->ifa_scope != RT_SCOPE_UNIVERSE || device->n_addresses == ADDRESSES_MAX)
        return;
    struct address *address = &device->addresses[device->n_addresses];
    *address = (struct address){ .head = *head, .flags = head->ifa_flags };
    for (const struct rtattr *a = IFA_RTA(head); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFA_LOCAL)
            take_bytes(a, address->local, &address->local_length);
        else if (a->rta_type == IFA_ADDRESS)
            take_bytes(a, address->peer, &address->peer_length);
        else if (a->rta_type == IFA_BROADCAST)
            take_bytes(a, address->broadcast, &address->broadcast_length);
        else if (a->rta_type == IFA_FLAGS)
            memcpy(&address->flags, RTA_DATA(a), sizeof(address->flags));
    }
    device->n_addresses += (address->flags & IFA_F_PERMANENT) != 0;
}

static int addresses_find(const struct side *side, struct device *device)
{
    struct request request;
    struct ifaddrmsg *head = request_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(*head));

    head->ifa_family = AF_UNSPEC;
    device->n_addresses = 0;
    return request_send(side, &request, take_address, device);
}

/* ---- moving -------------------------------------------------------------------------------------------------- */

static int link_move(const struct side *from, const struct side *to, int index, const char *name)
{
    struct request request;
    struct ifinfomsg *link = request_begin(&request, RTM_NEWLINK, NLM_F_ACK, sizeof(*link));

    link->ifi_index = index;
    request_add(&request, IFLA_NET_NS_FD, &to->ns_fd, sizeof(to->ns_fd));
    request_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    return request_send(from, &request, NULL, NULL);
}

static int address_add(const struct side *side, int index, const struct address *address)
{
    static const uint32_t kept = IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_MANAGETEMPADDR |
                                 IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN;
    uint32_t flags = address->flags & kept;
    struct request request;
    struct ifaddrmsg *head =
        request_begin(&request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(*head));

    *head = address->head;
    head->ifa_index = (unsigned)index;
    head->ifa_flags = 0;
    request_add(&request, IFA_FLAGS, &flags, sizeof(flags));
    if (address->local_length > 0)
        request_add(&request, IFA_LOCAL, address->local, address->local_length);
    if (address->peer_length > 0)
        request_add(&request, IFA_ADDRESS, address->peer, address->peer_length);
    if (address->broadcast_length > 0)
        request_add(&request, IFA_BROADCAST, address->broadcast, address->broadcast_length);
    int r = request_send(side, &request, NULL, NULL);
    return r == -EEXIST ? 0 : r;
}

static int link_raise(const struct side *side, int index)
{
    struct request request;
    struct ifinfomsg *link = request_begin(&request, RTM_NEWLINK, NLM_F_ACK, sizeof(*link));

    link->ifi_index = index;
    link->ifi_flags = link->ifi_change = IFF_UP;
    return request_send(side, &request, NULL, NULL);
}

/*
 * device: as it is on its side. A name that ends in "%d" is completed by the kernel; the device is then known
 * by its number, which it keeps where that is free.
 */
static int device_move(const struct side *from, const struct side *to, struct device *device,
                       const char *name, bool up)
{
    struct device there = { 0 };
    bool template = strstr(name, "%d") != NULL;
    int r = template ? link_find(to, NULL, device->index, &there) : link_find(to, name, 0, &there);

    if (r != -ENODEV)
        return r < 0 ? r : -EEXIST;
    r = addresses_find(from, device);
    if (r >= 0)
        r = link_move(from, to, device->index, name);
    if (r < 0)
        return r;
    r = link_find(to, template ? NULL : name, template ? device->index : 0, &there);
    if (r < 0)
        return r;
    device->index = there.index;
    for (size_t i = 0; i < device->n_addresses && r >= 0; i++)
        r = address_add(to, there.index, &device->addresses[i]);
    return r < 0 || !up ? r : link_raise(to, there.index);
}

/* ---- all ------------------------------------------------------------------------------------------------------ */

static int side_open(const char *path, struct side *ret)
{
    ret->ns_fd = open(path, O_RDONLY | O_CLOEXEC);
    return ret->ns_fd < 0 ? -errno : 0;
}

static int side_speak(struct side *side)
{
    side->socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return side->socket_fd < 0 ? -errno : 0;
}

/* A socket belongs to the namespace that it was made in. */
static int sides_open(pid_t pid, struct side *ours, struct side *theirs)
{
    char path[48];
    int r;

    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    r = side_open("/proc/self/ns/net", ours);
    if (r >= 0)
        r = side_open(path, theirs);
    if (r >= 0)
        r = side_speak(ours);
    if (r >= 0)
        r = sys_setns(theirs->ns_fd, CLONE_NEWNET);
    if (r < 0)
        return r;
    r = side_speak(theirs);
    int back = sys_setns(ours->ns_fd, CLONE_NEWNET);
    return r < 0 ? r : back;
}

static void side_close(struct side *side)
{
    side->ns_fd = fd_close(side->ns_fd);
    side->socket_fd = fd_close(side->socket_fd);
}

static int netdev_failed(const struct spec_netdev *netdev, int code, struct err *err)
{
    const char *name = netdev->new_name ? netdev->new_name : netdev->name;

    if (code == ENODEV)
        return err_refuse(err, code, "linux.netDevices: there is no network device %s",
                          netdev->name);
    if (code == EEXIST)
        return err_refuse(err, code,
                          "linux.netDevices: cannot move %s: the container has a device %s already",
                          netdev->name, name);
    if (code == EINVAL || code == EOPNOTSUPP)
        return err_refuse(err, code,
                          "linux.netDevices: %s is a device that stays in its network namespace",
                          netdev->name);
    return err_refuse(err, code, "linux.netDevices: cannot move %s: %s", netdev->name,
                      err_name(code));
}

/* What has arrived, and how it was. */
struct moved {
    int index;
    bool was_up;
};

static int netdev_move(const struct side *ours, const struct side *theirs,
                       const struct spec_netdev *netdev, struct moved *ret, struct err *err)
{
    struct device device = { 0 };
    struct device there = { 0 };
    int r = link_find(ours, netdev->name, 0, &device);

    ret->was_up = device.up;
    if (r >= 0)
        r = device_move(ours, theirs, &device, netdev->new_name ? netdev->new_name : netdev->name,
                        true);
    ret->index = device.index;
    if (r >= 0)
        return 0;
    /* Half moved: it would go with the container. */
    if (device.index > 0 && link_find(ours, netdev->name, 0, &there) == -ENODEV)
        device_move(theirs, ours, &device, netdev->name, ret->was_up);
    return netdev_failed(netdev, -r, err);
}

static void netdev_return(const struct side *ours, const struct side *theirs,
                          const struct spec_netdev *netdev, const struct moved *moved)
{
    struct device device = { .index = moved->index };

    device_move(theirs, ours, &device, netdev->name, moved->was_up);
}

int spawn_move_netdevs(const struct spec *spec, pid_t pid, struct err *err)
{
    struct side ours = { -1, -1 }, theirs = { -1, -1 };
    struct moved moved[NETDEVS_MAX];
    size_t n = 0;
    int r;

    if (spec->n_netdevs > NETDEVS_MAX)
        return err_usage(err, "linux.netDevices: at most %d can be moved", NETDEVS_MAX);
    r = sides_open(pid, &ours, &theirs);
    if (r < 0)
        r = err_set(err, -r, "linux.netDevices: cannot reach the container's network: %s",
                    err_name(-r));
    for (; n < spec->n_netdevs && r >= 0; n++)
        r = netdev_move(&ours, &theirs, &spec->netdevs[n], &moved[n], err);
    /* The last one has failed, and is here. */
    for (n = n > 0 ? n - 1 : 0; r < 0 && n > 0; n--)
        netdev_return(&ours, &theirs, &spec->netdevs[n - 1], &moved[n - 1]);
    side_close(&ours);
    side_close(&theirs);
    return r;
}
