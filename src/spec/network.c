/* What options say of the network: ports, addresses, names. Docker's forms, read strictly. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "spec/check.h"

#define NETWORK_NAME_MAX 64
#define PORT_MAX         65535
#define DNS_WORD_MAX     253

/* ---- ports ----------------------------------------------------------------------------------------------- */

/* "80", "8000-8010", "" where that is allowed: both 0. */
static int ports_parse(const char *text, size_t len, uint16_t *ret_first, uint16_t *ret_last)
{
    char copy[16];
    uint64_t first, last;

    if (len >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *dash = strchr(copy, '-');
    if (dash)
        *dash++ = '\0';
    if (number_parse(copy, PORT_MAX, &first) < 0 || first == 0)
        return -EINVAL;
    last = first;
    if (dash && (number_parse(dash, PORT_MAX, &last) < 0 || last < first))
        return -EINVAL;
    *ret_first = (uint16_t)first;
    *ret_last = (uint16_t)last;
    return 0;
}

/* Cut "/tcp" or "/udp" off; *len is of what stands before. */
static int protocol_take(const char *text, size_t *len, bool *ret_udp)
{
    const char *slash = strchr(text, '/');

    *len = slash ? (size_t)(slash - text) : strlen(text);
    *ret_udp = slash && strcmp(slash, "/udp") == 0;
    return !slash || *ret_udp || strcmp(slash, "/tcp") == 0 ? 0 : -EINVAL;
}

int parse_expose(const char *name, const char *value, struct spec_publish *ret, struct err *err)
{
    struct spec_publish publish = { 0 };
    size_t len;

    if (protocol_take(value, &len, &publish.udp) < 0 ||
        ports_parse(value, len, &publish.first, &publish.last) < 0)
        return err_usage(err, "--%s takes PORT[-LAST][/tcp|udp], 1 to 65535, not %s", name,
                         quote(value).text);
    *ret = publish;
    return 0;
}

static int publish_error(const char *name, const char *value, struct err *err)
{
    return err_usage(
        err,
        "--%s takes [[IP:][HOST[-LAST]]:]PORT[-LAST][/tcp|udp], with an IPv4 address and "
        "ports of 1 to 65535, not %s",
        name, quote(value).text);
}

/* The address before the first colon, if there are two. *text goes behind it. */
static int host_ip_take(const char **text, size_t *len, uint32_t *ret)
{
    const char *first = memchr(*text, ':', *len);
    const char *last = memrchr(*text, ':', *len);
    char copy[IPV4_SIZE];
    size_t n = first ? (size_t)(first - *text) : 0;

    *ret = 0;
    if (first == last)
        return 0;
    if (n >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, *text, n);
    copy[n] = '\0';
    if (ipv4_parse(copy, ret) < 0)
        return -EINVAL;
    *text += n + 1;
    *len -= n + 1;
    return 0;
}

int parse_publish(const char *name, const char *value, struct spec_publish *ret, struct err *err)
{
    struct spec_publish publish = { 0 };
    const char *text = value, *colon;
    size_t len;

    if (protocol_take(value, &len, &publish.udp) < 0 ||
        host_ip_take(&text, &len, &publish.host_ip) < 0)
        return publish_error(name, value, err);
    colon = memchr(text, ':', len);
    if (colon && colon > text &&
        ports_parse(text, (size_t)(colon - text), &publish.host_first, &publish.host_last) < 0)
        return publish_error(name, value, err);
    if (colon) {
        len -= (size_t)(colon - text) + 1;
        text = colon + 1;
    }
    if (ports_parse(text, len, &publish.first, &publish.last) < 0)
        return publish_error(name, value, err);
    if (publish.host_first != 0 && publish.last != publish.first &&
        publish.host_last - publish.host_first != publish.last - publish.first)
        return err_usage(err, "--%s: %s has ranges of different lengths", name, quote(value).text);
    *ret = publish;
    return 0;
}

CHECK(publish)
{
    struct spec_publish publish;

    (void)world;
    return parse_publish(name, value, &publish, err);
}

CHECK(expose)
{
    struct spec_publish publish;

    (void)world;
    return parse_expose(name, value, &publish, err);
}

/* ---- names ------------------------------------------------------------------------------------------------ */

bool network_name_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NETWORK_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
            return false;
    }
    return true;
}

CHECK(network)
{
    const char *joined = text_starts(value, "container:") ? value + strlen("container:") : NULL;

    if (joined)
        return check_name(name, world, joined, err);
    if (!network_name_valid(text_or_empty(value)))
        return err_usage(
            err,
            "--%s takes none, host, container:NAME or the name of a network (a letter or "
            "digit, then up to 63 letters, digits, '_', '.' and '-'), not %s",
            name, quote(value).text);
    return 0;
}

/* ---- addresses -------------------------------------------------------------------------------------------- */

CHECK(ip)
{
    uint32_t address;

    (void)world;
    if (ipv4_parse(value, &address) < 0 || address == 0)
        return err_usage(err, "--%s takes an IPv4 address, not %s", name, quote(value).text);
    return 0;
}

CHECK(mac)
{
    uint8_t mac[6];

    (void)world;
    if (mac_parse(value, mac) < 0)
        return err_usage(err, "--%s takes six pairs of digits like 02:42:ac:11:00:02, not %s", name,
                         quote(value).text);
    if (mac[0] & 1)
        return err_usage(err, "--%s: %s is the address of a group of hosts, not of one", name,
                         quote(value).text);
    return 0;
}

static bool is_address(const char *text)
{
    struct in6_addr six;
    uint32_t four;

    return ipv4_parse(text, &four) == 0 || inet_pton(AF_INET6, text, &six) == 1;
}

CHECK(dns)
{
    (void)world;
    return is_address(value) ? 0
                             : err_usage(err, "--%s takes the address of a name server, not %s",
                                         name, quote(value).text);
}

/* One word of a line of resolv.conf(5). */
CHECK(dns_word)
{
    (void)world;
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)value[i]) && !strchr("_.-:", value[i]))
            len = 0;
    }
    return len > 0 && len <= DNS_WORD_MAX
               ? 0
               : err_usage(err,
                           "--%s takes one word of letters, digits, '_', '.', '-' and ':', not %s",
                           name, quote(value).text);
}

CHECK(add_host)
{
    const char *colon = value + strcspn(value, ":=");
    _cleanup_free_ char *host = strndup(value, (size_t)(colon - value));

    if (!host)
        return err_nomem(err);
    if (*colon == '\0' || *host == '\0' ||
        (!is_address(colon + 1) && strcmp(colon + 1, "host-gateway") != 0))
        return err_usage(err, "--%s takes NAME:ADDRESS or NAME:host-gateway, not %s", name,
                         quote(value).text);
    return check_hostname(name, world, host, err);
}
