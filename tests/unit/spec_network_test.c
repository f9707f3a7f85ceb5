/* Ports, addresses and names of networks as people write them. */
#include <linux/sched.h>

#include "spec_world.h"

#include "spec/check.h"

#define HOST(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct {
    const char *text;
    struct spec_publish wanted;
} publish_table[] = {
    { "80", { 0, 0, 0, 80, 80, false } },
    { "80/tcp", { 0, 0, 0, 80, 80, false } },
    { "53/udp", { 0, 0, 0, 53, 53, true } },
    { "8080:80", { 0, 8080, 8080, 80, 80, false } },
    { "65535:1/udp", { 0, 65535, 65535, 1, 1, true } },
    { "127.0.0.1:8080:80", { HOST(127, 0, 0, 1), 8080, 8080, 80, 80, false } },
    { "127.0.0.1::80", { HOST(127, 0, 0, 1), 0, 0, 80, 80, false } },
    { "0.0.0.0:8080:80", { 0, 8080, 8080, 80, 80, false } },
    { ":80", { 0, 0, 0, 80, 80, false } },
    { "8000-8010:9000-9010", { 0, 8000, 8010, 9000, 9010, false } },
    { "8000-8010:80", { 0, 8000, 8010, 80, 80, false } },
    { "10.1.2.3:7-9:7-9/udp", { HOST(10, 1, 2, 3), 7, 9, 7, 9, true } },
    { "9000-9001", { 0, 0, 0, 9000, 9001, false } },
};

static const char *const publish_bad_table[] = {
    "",
    "0",
    "65536",
    "-1",
    "80:",
    "80/",
    "80/sctp",
    "80/TCP",
    "a",
    "80:b",
    "8080:80:",
    "1.2.3.4:80",
    "::80",
    "1.2.3:80:80",
    "1.2.3.4.5:80:80",
    "256.1.1.1:1:1",
    "01.2.3.4:80:80",
    "[::1]:80:80",
    "80-",
    "-80",
    "9-8",
    "1-2-3",
    "8000-8002:80-81",
    "8000:80-81",
    " 80",
    "80 ",
    "8080:80/tcp/udp",
    "1.2.3.4:80:80:80",
    "localhost:80:80",
    "0x50",
    "080808080808080808080:80",
    "+80",
};

static void test_publish(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(publish_table); i++) {
        const struct spec_publish *wanted = &publish_table[i].wanted;
        struct spec_publish got;
        struct err err = ERR_INIT;
        if (parse_publish("publish", publish_table[i].text, &got, &err) != 0)
            fail_msg("%s: %s", publish_table[i].text, err.text);
        if (got.host_ip != wanted->host_ip || got.host_first != wanted->host_first ||
            got.host_last != wanted->host_last || got.first != wanted->first ||
            got.last != wanted->last || got.udp != wanted->udp)
            fail_msg("%s is read wrongly", publish_table[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(publish_bad_table); i++) {
        struct spec_publish got;
        struct err err = ERR_INIT;
        if (parse_publish("publish", publish_bad_table[i], &got, &err) != -EINVAL)
            fail_msg("\"%s\" is taken", publish_bad_table[i]);
        assert_int_equal(err.class, ERR_USAGE);
        assert_non_null(strstr(err.text, "--publish"));
    }
}

static const struct {
    const char *name, *value;
    bool good;
} option_value_table[] = {
    { "network", "none", true },
    { "network", "host", true },
    { "network", "bridge", true },
    { "network", "my_net-1.x", true },
    { "network", "container:web", true },
    { "network", "container:", false },
    { "network", "container:a/b", false },
    { "network", "", false },
    { "network", "../x", false },
    { "network", ".lock", false },
    { "network", "a b", false },
    { "net", "none", true },
    { "expose", "80", true },
    { "expose", "80-90/udp", true },
    { "expose", "8080:80", false },
    { "expose", "0", false },
    { "dns", "1.1.1.1", true },
    { "dns", "2606:4700::1", true },
    { "dns", "dns.example", false },
    { "dns", "1.1.1.1\nsearch x", false },
    { "dns-search", "example.org", true },
    { "dns-search", ".", true },
    { "dns-search", "a b", false },
    { "dns-search", "", false },
    { "dns-option", "ndots:2", true },
    { "dns-opt", "rotate", true },
    { "dns-option", "x\ny", false },
    { "add-host", "db:10.0.0.1", true },
    { "add-host", "db=10.0.0.1", true },
    { "add-host", "db:::1", true },
    { "add-host", "db:host-gateway", true },
    { "add-host", "db", false },
    { "add-host", ":1.2.3.4", false },
    { "add-host", "db:", false },
    { "add-host", "d b:1.2.3.4", false },
    { "add-host", "db:1.2.3.4 x", false },
    { "ip", "10.88.0.9", true },
    { "ip", "10.88.0.9/16", false },
    { "ip", "10.88.0", false },
    { "ip", "0.0.0.0", false },
    { "ip", "::1", false },
    { "mac-address", "02:42:ac:11:00:02", true },
    { "mac-address", "02:42:AC:11:00:ff", true },
    { "mac-address", "01:42:ac:11:00:02", false },
    { "mac-address", "02:42:ac:11:00", false },
    { "mac-address", "02:42:ac:11:00:02:03", false },
    { "mac-address", "0g:42:ac:11:00:02", false },
    { "network-alias", "db", true },
    { "network-alias", "-db", false },
};

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(option_value_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_new();
        struct err err = ERR_INIT;
        int r = spec_set(draft, &root_world, option_value_table[i].name,
                         option_value_table[i].value, &err);
        if ((r == 0) != option_value_table[i].good)
            fail_msg("--%s \"%s\" is %s", option_value_table[i].name, option_value_table[i].value,
                     r == 0 ? "taken" : err.text);
        if (r < 0)
            assert_int_equal(err.class, ERR_USAGE);
    }
}

/* ---- sealing ------------------------------------------------------------------------------------------- */

static const struct {
    const char *words[6];
    enum spec_network kind;
    bool own; /* a network namespace of its own */
    const char *name;
} kind_table[] = {
    { { NULL }, SPEC_NETWORK_NONE, true, NULL },
    { { "network=none" }, SPEC_NETWORK_NONE, true, NULL },
    { { "network=host" }, SPEC_NETWORK_HOST, false, NULL },
    { { "publish=80" }, SPEC_NETWORK_BRIDGE, true, "bridge" },
    { { "publish-all" }, SPEC_NETWORK_BRIDGE, true, "bridge" },
    { { "publish-all=false" }, SPEC_NETWORK_NONE, true, NULL },
    { { "network=bridge" }, SPEC_NETWORK_BRIDGE, true, "bridge" },
    { { "network=blue" }, SPEC_NETWORK_BRIDGE, true, "blue" },
    { { "network=container:web" }, SPEC_NETWORK_JOIN, false, "web" },
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, kind_table[i].words);
        _cleanup_(spec_freep) struct spec *spec = NULL;
        assert_int_equal(spec_seal(draft, &root_world, &spec, NULL), 0);
        assert_int_equal(spec->network, kind_table[i].kind);
        assert_int_equal((spec->namespaces & CLONE_NEWNET) != 0, kind_table[i].own);
        if (kind_table[i].name)
            assert_string_equal(spec->net.name, kind_table[i].name);
        else
            assert_null(spec->net.name);
    }
}

static void test_whole(void **state)
{
    const char *const words[] = { "network=blue",
                                  "publish=8080:80",
                                  "publish-all",
                                  "expose=80",
                                  "expose=443",
                                  "ip=10.1.2.3",
                                  "mac-address=02:00:00:00:00:07",
                                  "network-alias=db",
                                  "dns=1.1.1.1",
                                  "add-host=a:1.2.3.4",
                                  NULL };
    _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, words);
    _cleanup_(spec_freep) struct spec *spec = NULL;

    (void)state;
    assert_int_equal(spec_seal(draft, &root_world, &spec, NULL), 0);
    assert_int_equal(spec->net.n_publishes, 2);
    assert_int_equal(spec->net.publishes[0].host_first, 8080);
    assert_int_equal(spec->net.publishes[1].host_first, 0);
    assert_int_equal(spec->net.publishes[1].first, 443);
    assert_int_equal(spec->net.ip, HOST(10, 1, 2, 3));
    assert_true(spec->net.mac_set);
    assert_int_equal(spec->net.mac[5], 7);
    assert_string_equal(spec->net.aliases[0], "db");
    assert_string_equal(spec->net.dns[0], "1.1.1.1");
    assert_string_equal(spec->net.hosts[0], "a:1.2.3.4");
    assert_null(spec->net.dns_search);
}

static const char *const lone_table[] = { "publish=80", "publish-all", "ip=10.0.0.1",
                                          "mac-address=02:00:00:00:00:07", "network-alias=db" };

static void test_link_options_take_a_link(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lone_table); i++) {
        static const char *const kind[] = { "network=none", "network=host", "network=container:x" };
        for (size_t k = 0; k < ARRAY_SIZE(kind); k++) {
            const char *const words[] = { kind[k], lone_table[i], NULL };
            _cleanup_(draft_freep) struct draft *draft = draft_with(&root_world, words);
            struct spec *spec = NULL;
            struct err err = ERR_INIT;
            assert_int_equal(spec_seal(draft, &root_world, &spec, &err), -EINVAL);
            assert_int_equal(err.class, ERR_USAGE);
        }
    }
}

static void test_rootless(void **state)
{
    const char *const bridge[] = { "network=bridge", "publish=8080:80", NULL };
    const char *const named[] = { "network=blue", NULL };
    struct spec_world world = user_world(true);
    _cleanup_(draft_freep) struct draft *draft = draft_with(&world, bridge);
    _cleanup_(draft_freep) struct draft *other = draft_with(&world, named);
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_true(spec_seal(draft, &world, &spec, &err) < 0);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_non_null(strstr(err.text, "takes root"));
    world.has_user_network = true;
    assert_int_equal(spec_seal(draft, &world, &spec, &err), 0);
    assert_int_equal(spec->network, SPEC_NETWORK_USER);
    assert_int_equal(spec->net.n_publishes, 1);
    struct spec *none = NULL;
    assert_true(spec_seal(other, &world, &none, &err) < 0);
    assert_int_equal(err.class, ERR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_link_options_take_a_link),
        cmocka_unit_test(test_rootless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
