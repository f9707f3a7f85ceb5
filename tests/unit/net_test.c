/* Networks as data: subnets, addresses, rules, names, and what is kept of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/net_private.h"

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* ---- subnets and addresses ------------------------------------------------------------------------------ */

static void test_subnets(void **state)
{
    static const struct {
        struct subnet a, b;
        bool overlaps;
    } table[] = {
        { { IPV4(10, 0, 0, 0), 8 }, { IPV4(10, 88, 0, 0), 16 }, true },
        { { IPV4(10, 88, 0, 0), 16 }, { IPV4(10, 0, 0, 0), 8 }, true },
        { { IPV4(10, 88, 0, 0), 16 }, { IPV4(10, 89, 0, 0), 16 }, false },
        { { IPV4(10, 88, 0, 0), 16 }, { IPV4(10, 88, 255, 255), 32 }, true },
        { { IPV4(0, 0, 0, 0), 1 }, { IPV4(10, 88, 0, 0), 16 }, true },
        { { IPV4(128, 0, 0, 0), 1 }, { IPV4(10, 88, 0, 0), 16 }, false },
    };
    struct subnet taken[3] = { { IPV4(10, 88, 5, 0), 24 }, { IPV4(10, 96, 0, 0), 12 } }, got;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(subnet_overlaps(&table[i].a, &table[i].b), table[i].overlaps);
    assert_true(subnet_choose(NULL, 0, true, &got));
    assert_int_equal(got.address, IPV4(10, 88, 0, 0));
    assert_int_equal(got.prefix, 16);
    assert_true(subnet_choose(taken, 2, true, &got));
    assert_int_equal(got.address, IPV4(10, 112, 0, 0));
    assert_true(subnet_choose(NULL, 0, false, &got));
    assert_int_equal(got.address, IPV4(10, 89, 0, 0));
    assert_int_equal(got.prefix, 24);
    taken[0] = (struct subnet){ IPV4(10, 0, 0, 0), 8 };
    assert_true(subnet_choose(taken, 1, true, &got));
    assert_int_equal(got.address, IPV4(172, 20, 0, 0));
    taken[1] = (struct subnet){ IPV4(172, 16, 0, 0), 12 };
    taken[2] = (struct subnet){ IPV4(192, 168, 0, 0), 16 };
    assert_false(subnet_choose(taken, 3, true, &got));
    assert_false(subnet_choose(taken, 3, false, &got));
}

static struct lease lease_of(const char *id, uint32_t address)
{
    return (struct lease){ .id = (char *)id, .netns = 1, .info = { .address = address } };
}

static void test_pool(void **state)
{
    struct lease leases[5] = { lease_of("a", IPV4(10, 1, 0, 2)), lease_of("b", IPV4(10, 1, 0, 4)) };
    struct network network = { .config = { .name = (char *)"n",
                                           .subnet = IPV4(10, 1, 0, 0),
                                           .prefix = 29,
                                           .gateway = IPV4(10, 1, 0, 1) },
                               .leases = leases,
                               .n_leases = 2 };

    (void)state;
    assert_int_equal(pool_lowest(&network), IPV4(10, 1, 0, 3));
    leases[2] = lease_of("c", IPV4(10, 1, 0, 3));
    leases[3] = lease_of("d", IPV4(10, 1, 0, 5));
    network.n_leases = 4;
    assert_int_equal(pool_lowest(&network), IPV4(10, 1, 0, 6));
    leases[4] = lease_of("e", IPV4(10, 1, 0, 6));
    network.n_leases = 5;
    assert_int_equal(pool_lowest(&network), 0);
    /* The gateway may stand elsewhere. */
    network.config.gateway = IPV4(10, 1, 0, 6);
    network.n_leases = 4;
    assert_int_equal(pool_lowest(&network), IPV4(10, 1, 0, 1));
    static const struct {
        uint32_t address;
        int wanted;
    } table[] = {
        { IPV4(10, 1, 0, 1), 0 },           { IPV4(10, 1, 0, 2), -EADDRINUSE },
        { IPV4(10, 1, 0, 6), -EADDRINUSE }, { IPV4(10, 1, 0, 0), -ERANGE },
        { IPV4(10, 1, 0, 7), -ERANGE },     { IPV4(10, 1, 0, 8), -ERANGE },
        { IPV4(10, 0, 0, 2), -ERANGE },
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(pool_check(&network, table[i].address, "x", &err), table[i].wanted);
        assert_true(table[i].wanted == 0 || err.class == ERR_REFUSED);
    }
}

static void test_names_of_links(void **state)
{
    char a[NET_LINK], b[NET_LINK], table[TABLE_NAME_SIZE];

    (void)state;
    link_name("/var/lib/ration", "one", a);
    link_name("/var/lib/ration", "two", b);
    assert_string_not_equal(a, b);
    link_name("/elsewhere", "one", b);
    assert_string_not_equal(a, b);
    link_name("/elsewhere", "one", a);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 14);
    bridge_name("/var/lib/ration", "bridge", a);
    assert_string_equal(a, "ration0");
    bridge_name("/elsewhere", "bridge", a);
    assert_true(text_starts(a, "rt-") && strlen(a) < NET_LINK);
    table_name("/var/lib/ration", table);
    assert_string_equal(table, "ration");
}

/* ---- what is kept ---------------------------------------------------------------------------------------- */

static void test_lease_text(void **state)
{
    static const char text[] = "boot abc\nnetns 4026531840\nnetwork blue\nbridge rt-1\nlink rt2\n"
                               "address 10.89.0.2/24\ngateway 10.89.0.1\nmac 02:72:0a:59:00:02\n"
                               "name web\nname alias\nhostname h\nhosts /run/x/hosts\n"
                               "extra db:1.2.3.4\nport 0.0.0.0 8080 80 tcp\n"
                               "port 127.0.0.1 53 5353 udp\nin 1000\nout 18446744073709551615\n";
    static const char *const bad_table[] = {
        "",
        "boot abc\n",
        "boot abc\nnetwork blue\nbridge b\nlink l\naddress 10.0.0/24\n",
        "boot abc\nnetwork blue\nbridge b\nlink l\naddress 10.0.0.2/33\n",
        "boot abc\nnetwork ../blue\nbridge b\nlink l\naddress 10.0.0.2/24\n",
        "boot abc\nnetwork blue\nbridge b\nlink 0123456789abcdef\naddress 10.0.0.2/24\n",
        "boot abc\nnetwork blue\nbridge b\nlink l\naddress 10.0.0.2/24\nport 1.2.3.4 70000 1 tcp\n",
        "boot abc\nnetwork blue\nbridge b\nlink l\naddress 10.0.0.2/24\nport 1.2.3.4\n",
        "nonsense\n",
    };
    struct lease lease;
    struct buf written = BUF_INIT;

    (void)state;
    assert_int_equal(lease_read("id", text, &lease), 0);
    assert_int_equal(lease.info.n_ports, 2);
    assert_true(lease.info.ports[1].udp);
    assert_int_equal(lease.info.ports[1].host, 53);
    assert_int_equal(lease.info.bandwidth_out, UINT64_MAX);
    assert_string_equal(lease.info.names[1], "alias");
    lease_write(&lease, &written);
    assert_string_equal(buf_text(&written), text);
    lease_done(&lease);
    buf_done(&written);
    for (size_t i = 0; i < ARRAY_SIZE(bad_table); i++)
        assert_int_equal(lease_read("id", bad_table[i], &lease), -EINVAL);
}

static void test_config_text(void **state)
{
    static const char text[] = "subnet 10.89.0.0/24\ngateway 10.89.0.254\nmtu 1400\ninternal 1\n"
                               "created 5\nbridge rt-1\nlabel a=b c\n";
    struct net_config config;
    struct buf written = BUF_INIT;

    (void)state;
    assert_int_equal(config_read("blue", text, &config), 0);
    assert_string_equal(config.name, "blue");
    assert_true(config.internal);
    config_write(&config, &written);
    assert_string_equal(buf_text(&written), text);
    net_config_done(&config);
    buf_done(&written);
    assert_int_equal(config_read("blue", "gateway 1.2.3.4\n", &config), -EINVAL);
    assert_int_equal(config_read("blue", "subnet 10.0.0.0/31\nbridge b\n", &config), -EINVAL);
}

/* ---- rules ------------------------------------------------------------------------------------------------- */

static void test_rules(void **state)
{
    struct net_port ports[] = { { 0, 8080, 80, false }, { IPV4(127, 0, 0, 1), 53, 5353, true } };
    struct lease leases[] = { lease_of("a", IPV4(10, 88, 0, 2)), lease_of("b", IPV4(10, 89, 0, 2)),
                              lease_of("c", IPV4(10, 90, 0, 2)) };
    struct network v[] = {
        { .config = { .name = (char *)"blue",
                      .subnet = IPV4(10, 88, 0, 0),
                      .prefix = 16,
                      .bridge = (char *)"b0" },
          .leases = &leases[0],
          .n_leases = 1 },
        { .config = { .name = (char *)"inner",
                      .subnet = IPV4(10, 89, 0, 0),
                      .prefix = 24,
                      .internal = true,
                      .bridge = (char *)"b1" },
          .leases = &leases[1],
          .n_leases = 1 },
        { .config = { .name = (char *)"other",
                      .subnet = IPV4(10, 90, 0, 0),
                      .prefix = 24,
                      .bridge = (char *)"b2" },
          .leases = &leases[2],
          .n_leases = 1 },
    };
    struct networks networks = { v, ARRAY_SIZE(v) };
    struct buf text = BUF_INIT;
    struct rules rules;

    (void)state;
    leases[0].info.ports = ports;
    leases[0].info.n_ports = 2;
    leases[2].netns = 2; /* in another network namespace */
    assert_int_equal(rules_plan("/var/lib/ration", &networks, 1, &rules), 0);
    rules_write(&rules, &text);
    assert_string_equal(buf_text(&text),
                        "table ip ration {\n"
                        "\tchain publish {\n"
                        "\t\ttcp dport 8080 dnat to 10.88.0.2:80\n"
                        "\t\tip daddr 127.0.0.1 udp dport 53 dnat to 10.88.0.2:5353\n"
                        "\t}\n"
                        "\tchain forward {\n"
                        "\t\ttype filter hook forward priority 0; policy accept;\n"
                        "\t\tiifname \"b1\" oifname != \"b1\" drop\n"
                        "\t\tiifname != \"b1\" oifname \"b1\" drop\n"
                        "\t\tct state established,related accept\n"
                        "\t\tct status dnat accept\n"
                        "\t\tiifname \"b0\" oifname \"b0\" accept\n"
                        "\t\tiifname \"b1\" oifname \"b1\" accept\n"
                        "\t\toifname \"b0\" drop\n"
                        "\t\toifname \"b1\" drop\n"
                        "\t}\n"
                        "\tchain postrouting {\n"
                        "\t\ttype nat hook postrouting priority 100; policy accept;\n"
                        "\t\toifname != \"b0\" ip saddr 10.88.0.0/16 masquerade\n"
                        "\t\toifname \"b0\" ip saddr 10.88.0.0/16 ct status dnat masquerade\n"
                        "\t\toifname \"b0\" ip saddr 127.0.0.0/8 masquerade\n"
                        "\t\toifname \"b1\" ip saddr 10.89.0.0/24 ct status dnat masquerade\n"
                        "\t\toifname \"b1\" ip saddr 127.0.0.0/8 masquerade\n"
                        "\t}\n"
                        "\tchain output {\n"
                        "\t\ttype nat hook output priority -100; policy accept;\n"
                        "\t\tfib daddr type local jump publish\n"
                        "\t}\n"
                        "\tchain prerouting {\n"
                        "\t\ttype nat hook prerouting priority -100; policy accept;\n"
                        "\t\tfib daddr type local jump publish\n"
                        "\t}\n"
                        "\tchain raw {\n"
                        "\t\ttype filter hook prerouting priority -300; policy accept;\n"
                        "\t\tiifname \"b0\" ip daddr 127.0.0.0/8 drop\n"
                        "\t\tiifname \"b1\" ip daddr 127.0.0.0/8 drop\n"
                        "\t}\n"
                        "}\n");
    buf_done(&text);
    rules_done(&rules);
    assert_int_equal(rules_plan("/var/lib/ration", &networks, 3, &rules), 0);
    assert_int_equal(rules.n, 0);
    rules_done(&rules);
}

/* ---- files of names -------------------------------------------------------------------------------------------- */

static void test_hosts(void **state)
{
    char *names[] = { (char *)"web", (char *)"alias", NULL }, *other[] = { (char *)"db", NULL };
    char *extra[] = { (char *)"x:1.2.3.4", (char *)"y=::1", (char *)"gw:host-gateway", NULL };
    struct lease leases[] = { lease_of("a", IPV4(10, 88, 0, 2)),
                              lease_of("b", IPV4(10, 88, 0, 3)) };
    struct network network = { .config = { .gateway = IPV4(10, 88, 0, 1) },
                               .leases = leases,
                               .n_leases = 2 };
    struct buf text = BUF_INIT, again = BUF_INIT;

    (void)state;
    leases[0].info.names = names;
    leases[0].hostname = (char *)"host";
    leases[0].extra = extra;
    leases[1].info.names = other;
    hosts_write(&network, &leases[0], "", &text);
    assert_string_equal(buf_text(&text), "127.0.0.1\tlocalhost\n"
                                         "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                         "1.2.3.4\tx\n::1\ty\n10.88.0.1\tgw\n"
                                         "# ration: names in the network\n"
                                         "10.88.0.2\thost web alias\n10.88.0.3\tdb\n"
                                         "# ration: end\n");
    /* What the container has added stays when the other goes. */
    buf_puts(&text, "9.9.9.9 mine\n");
    network.n_leases = 1;
    hosts_write(&network, &leases[0], buf_text(&text), &again);
    assert_non_null(strstr(buf_text(&again), "# ration: end\n9.9.9.9 mine\n"));
    assert_null(strstr(buf_text(&again), "db"));
    buf_done(&text);
    buf_done(&again);
}

static void test_resolv(void **state)
{
    static const char host[] = "# made by\nnameserver 127.0.0.53\nnameserver\t10.0.0.1\n"
                               "nameserver ::1\nsearch a b\noptions edns0\nsortlist x\n";
    static char *dns[] = { (char *)"1.1.1.1", (char *)"8.8.8.8", NULL },
                *none[] = { (char *)".", NULL },
                *options[] = { (char *)"ndots:2", (char *)"rotate", NULL };
    static const struct {
        struct spec_net net;
        bool loopback;
        const char *wanted;
    } table[] = {
        { { 0 }, false, "nameserver\t10.0.0.1\nsearch a b\noptions edns0\n" },
        { { 0 },
          true,
          "nameserver 127.0.0.53\nnameserver\t10.0.0.1\nnameserver ::1\nsearch a b\noptions "
          "edns0\n" },
        { { .dns = dns },
          false,
          "search a b\noptions edns0\nnameserver 1.1.1.1\nnameserver 8.8.8.8\n" },
        { { .dns_search = none }, false, "nameserver\t10.0.0.1\noptions edns0\n" },
        { { .dns_options = options },
          false,
          "nameserver\t10.0.0.1\nsearch a b\noptions ndots:2 rotate\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct buf text = BUF_INIT;
        resolv_write(&table[i].net, host, table[i].loopback, &text);
        assert_string_equal(buf_text(&text), table[i].wanted);
        buf_done(&text);
    }
    struct buf text = BUF_INIT;
    resolv_write(&(struct spec_net){ 0 }, "nameserver 127.0.0.1\n", false, &text);
    assert_true(text_starts(buf_text(&text), "#"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subnets),        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_names_of_links), cmocka_unit_test(test_lease_text),
        cmocka_unit_test(test_config_text),    cmocka_unit_test(test_rules),
        cmocka_unit_test(test_hosts),          cmocka_unit_test(test_resolv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
