/* The files in which a container looks for names: /etc/hosts, see hosts(5), and /etc/resolv.conf, resolv.conf(5). */
#include <string.h>

#include "net/net_private.h"

#define BEGIN "# ration: names in the network\n"
#define END   "# ration: end\n"

/* ---- hosts ------------------------------------------------------------------------------------------------- */

static void put_local(struct buf *ret)
{
    buf_puts(ret, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
}

/* "NAME:ADDRESS"; the address host-gateway is the host's in the network, if there is one. */
static void put_extra(struct buf *ret, char *const *extra, uint32_t gateway)
{
    char host[IPV4_SIZE];

    ipv4_format(gateway, host);
    for (; extra && *extra; extra++) {
        size_t name = strcspn(*extra, ":=");
        const char *address = *extra + name + 1;
        if (strcmp(address, "host-gateway") == 0)
            address = gateway ? host : "127.0.0.1";
        buf_printf(ret, "%s\t%.*s\n", address, (int)name, *extra);
    }
}

static void put_lease(struct buf *ret, const struct lease *lease, bool own)
{
    char address[IPV4_SIZE];
    const char *between = "\t";

    ipv4_format(lease->info.address, address);
    buf_puts(ret, address);
    if (own && lease->hostname) {
        buf_printf(ret, "%s%s", between, lease->hostname);
        between = " ";
    }
    for (char *const *name = lease->info.names; name && *name; name++) {
        buf_printf(ret, "%s%s", between, *name);
        between = " ";
    }
    buf_putc(ret, '\n');
}

/* The lines that are ours to change: of the container, and of the others that are here. */
static void put_block(struct buf *ret, const struct network *network, const struct lease *lease)
{
    buf_puts(ret, BEGIN);
    put_lease(ret, lease, true);
    for (size_t i = 0; i < network->n_leases; i++) {
        const struct lease *other = &network->leases[i];
        if (other->netns == lease->netns && strcmp(other->id, lease->id) != 0)
            put_lease(ret, other, false);
    }
    buf_puts(ret, END);
}

void hosts_write(const struct network *network, const struct lease *lease, const char *have,
                 struct buf *ret)
{
    const char *begin = strstr(have, BEGIN), *end = begin ? strstr(begin, END) : NULL;

    /* What the container has written around our lines is its own. */
    if (end) {
        buf_add(ret, have, (size_t)(begin - have));
        put_block(ret, network, lease);
        buf_puts(ret, end + strlen(END));
        return;
    }
    put_local(ret);
    put_extra(ret, lease->extra, network->config.gateway);
    put_block(ret, network, lease);
}

void hosts_write_alone(const char *hostname, char *const *extra, struct buf *ret)
{
    put_local(ret);
    if (hostname)
        buf_printf(ret, "127.0.1.1\t%s\n", hostname);
    put_extra(ret, extra, 0);
}

/* ---- resolv.conf ------------------------------------------------------------------------------------------- */

static bool line_is(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len > n && strncmp(line, word, n) == 0 && strchr(" \t", line[n]);
}

/* A name server that only the host itself reaches. */
static bool is_loopback(const char *line, size_t len)
{
    size_t n = strlen("nameserver");

    n += strspn(line + n, " \t");
    return (len >= n + 4 && strncmp(line + n, "127.", 4) == 0) ||
           (len == n + 3 && strncmp(line + n, "::1", 3) == 0);
}

static void put_words(struct buf *ret, const char *what, char *const *words, bool one_line)
{
    if (one_line && (!words[0] || strcmp(words[0], ".") == 0))
        return;
    if (one_line)
        buf_puts(ret, what);
    for (; *words; words++) {
        if (one_line)
            buf_printf(ret, " %s", *words);
        else
            buf_printf(ret, "%s %s\n", what, *words);
    }
    if (one_line)
        buf_putc(ret, '\n');
}

/* A line of the host's that nothing was asked for instead of. */
static bool line_stays(const struct spec_net *net, const char *line, size_t len, bool loopback)
{
    if (line_is(line, len, "nameserver"))
        return !net->dns && (loopback || !is_loopback(line, len));
    if (line_is(line, len, "search") || line_is(line, len, "domain"))
        return !net->dns_search;
    return line_is(line, len, "options") && !net->dns_options;
}

void resolv_write(const struct spec_net *net, const char *host, bool loopback, struct buf *ret)
{
    const char *line;
    size_t len;
    bool server = net->dns != NULL;

    while (line_next(&host, &line, &len)) {
        if (!line_stays(net, line, len, loopback))
            continue;
        server |= line_is(line, len, "nameserver");
        buf_add(ret, line, len);
        buf_putc(ret, '\n');
    }
    if (net->dns)
        put_words(ret, "nameserver", net->dns, false);
    if (net->dns_search)
        put_words(ret, "search", net->dns_search, true);
    if (net->dns_options)
        put_words(ret, "options", net->dns_options, true);
    if (!server)
        buf_puts(ret,
                 "# No name server of the host's can be reached from here; --dns names one.\n");
}
