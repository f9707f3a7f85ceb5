/* The network of a run: which kind, what leads into it, what is written into its files. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "spec/seal.h"

#define PUBLISHES_MAX 1024
#define NETWORK_USUAL "bridge"

/* ---- which ------------------------------------------------------------------------------------------------ */

static int network_rootless(struct seal *seal, const char *asked)
{
    struct spec *spec = seal->spec;

    if (strcmp(asked, NETWORK_USUAL) != 0)
        return err_refuse(
            seal->err, EPERM,
            "--network %s takes root: an ordinary user's runs have --network none, host or "
            "container:NAME",
            quote(asked).text);
    if (!seal->world->has_user_network)
        return err_refuse(seal->err, EPERM,
                          "--network " NETWORK_USUAL " takes root: an ordinary user's runs have "
                          "--network none, host or container:NAME");
    spec->network = SPEC_NETWORK_USER;
    return 0;
}

static int network_named(struct seal *seal, const char *asked)
{
    struct spec *spec = seal->spec;

    if (spec->rootless) {
        int r = network_rootless(seal, asked);
        if (r < 0)
            return r;
    } else {
        spec->network = SPEC_NETWORK_BRIDGE;
    }
    return seal_string(seal, &spec->net.name, asked);
}

/* What only means something where there is a link. */
static const enum option_id link_table[] = { OPTION_publish, OPTION_publish_all, OPTION_ip,
                                             OPTION_mac_address, OPTION_network_alias };

static bool link_is_asked(const struct seal *seal, enum option_id id)
{
    return option_table[id].kind == OPTION_FLAG ? draft_flag(seal->draft, id, false)
                                                : seal_text(seal, id) != NULL;
}

/* Without --network: none, unless something is asked of a link, or it is a container of root's from an image. */
static const char *network_default(const struct seal *seal)
{
    for (size_t i = 0; i < ARRAY_SIZE(link_table); i++) {
        if (link_is_asked(seal, link_table[i]))
            return NETWORK_USUAL;
    }
    if (spec_get_image(seal->draft) && (!seal->spec->rootless || seal->world->has_user_network))
        return NETWORK_USUAL;
    return "none";
}

static int network_kind(struct seal *seal)
{
    static const char joined[] = "container:";
    struct spec *spec = seal->spec;
    const char *asked = seal_text(seal, OPTION_network);

    spec->network = SPEC_NETWORK_NONE;
    if (!asked)
        asked = network_default(seal);
    if (strcmp(asked, "host") == 0) {
        spec->network = SPEC_NETWORK_HOST;
    } else if (text_starts(asked, joined)) {
        spec->network = SPEC_NETWORK_JOIN;
        return seal_string(seal, &spec->net.name, asked + strlen(joined));
    } else if (strcmp(asked, "none") != 0) {
        return network_named(seal, asked);
    }
    return 0;
}

/* ---- what is asked of it --------------------------------------------------------------------------------- */

static int add_publish(struct seal *seal, const struct spec_publish *publish)
{
    struct spec_net *net = &seal->spec->net;

    if (net->n_publishes >= PUBLISHES_MAX)
        return err_usage(seal->err, "--publish: at most %d are allowed", PUBLISHES_MAX);
    struct spec_publish *grown =
        reallocarray(net->publishes, net->n_publishes + 1, sizeof(*net->publishes));
    if (!grown)
        return err_nomem(seal->err);
    net->publishes = grown;
    grown[net->n_publishes++] = *publish;
    return 0;
}

/* Is this port of COMMAND's on the list already? */
static bool is_published(const struct spec_net *net, const struct spec_publish *publish)
{
    for (size_t i = 0; i < net->n_publishes; i++) {
        const struct spec_publish *other = &net->publishes[i];
        if (other->udp == publish->udp && other->first <= publish->first &&
            other->last >= publish->last)
            return true;
    }
    return false;
}

/* Those that no port leads to yet. */
static int network_exposed(struct seal *seal, char *const *exposed)
{
    struct spec_publish one;
    int r = 0;

    for (; r == 0 && exposed && *exposed; exposed++) {
        r = parse_expose("expose", *exposed, &one, seal->err);
        if (r == 0 && !is_published(&seal->spec->net, &one))
            r = add_publish(seal, &one);
    }
    return r;
}

static int network_publishes(struct seal *seal)
{
    const struct texts *publish = &seal->draft->value[OPTION_publish];
    const struct texts *expose = &seal->draft->value[OPTION_expose];
    const struct spec_image *image = spec_get_image(seal->draft);
    struct spec_publish one;
    int r = 0;

    for (size_t i = 0; r == 0 && i < publish->n; i++) {
        r = parse_publish("publish", publish->v[i], &one, seal->err);
        if (r == 0)
            r = add_publish(seal, &one);
    }
    if (!draft_flag(seal->draft, OPTION_publish_all, false))
        return r;
    if (r == 0)
        r = network_exposed(seal, expose->v);
    return r < 0 || !image ? r : network_exposed(seal, image->exposed);
}

/* Lists that are taken as they were written. */
static int network_lists(struct seal *seal)
{
    struct spec_net *net = &seal->spec->net;
    const struct {
        enum option_id id;
        char ***list;
    } list_table[] = {
        { OPTION_network_alias, &net->aliases }, { OPTION_dns, &net->dns },
        { OPTION_dns_search, &net->dns_search }, { OPTION_dns_option, &net->dns_options },
        { OPTION_add_host, &net->hosts },
    };

    for (size_t i = 0; i < ARRAY_SIZE(list_table); i++) {
        const struct texts *texts = &seal->draft->value[list_table[i].id];
        for (size_t n = 0; n < texts->n; n++) {
            if (strv_push(list_table[i].list, texts->v[n]) < 0)
                return err_nomem(seal->err);
        }
    }
    return 0;
}

/* Only a network of ration's has a link; an ordinary user's program takes ports. */
static int network_check(const struct seal *seal)
{
    enum spec_network kind = seal->spec->network;

    for (size_t i = 0; kind != SPEC_NETWORK_BRIDGE && i < ARRAY_SIZE(link_table); i++) {
        enum option_id id = link_table[i];
        bool ports = id == OPTION_publish || id == OPTION_publish_all;
        if (!link_is_asked(seal, id) || (kind == SPEC_NETWORK_USER && ports))
            continue;
        if (kind == SPEC_NETWORK_USER)
            return err_refuse(seal->err, ENOTSUP, "--%s takes a network of root's",
                              option_table[id].name);
        return err_usage(seal->err, "--%s takes a network to be in, unlike --network %s",
                         option_table[id].name, text_or_empty(seal_text(seal, OPTION_network)));
    }
    return 0;
}

/* The namespace is found by the run's name when the run begins. */
static int network_join(struct seal *seal)
{
    struct spec *spec = seal->spec;

    spec->joins = calloc(1, sizeof(*spec->joins));
    if (!spec->joins)
        return err_nomem(seal->err);
    spec->joins[0].path = text_format("container:%s", spec->net.name);
    if (!spec->joins[0].path)
        return err_nomem(seal->err);
    spec->joins[0].flag = CLONE_NEWNET;
    spec->n_joins = 1;
    return 0;
}

/* A container's own files of names: where it has a link, in an image, and where something is asked of them. */
int seal_names(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const struct spec_net *net = &spec->net;
    bool linked = spec->network == SPEC_NETWORK_BRIDGE || spec->network == SPEC_NETWORK_USER;
    bool asked = net->dns || net->dns_search || net->dns_options || net->hosts;

    if (!seal->world->names || (!linked && !asked && !spec->image))
        return 0;
    spec->net.files = text_format("%s/%s", seal->world->names, spec->name);
    return spec->net.files ? 0 : err_nomem(seal->err);
}

int seal_network(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const char *ip = seal_text(seal, OPTION_ip), *mac = seal_text(seal, OPTION_mac_address);
    int r = network_kind(seal);

    if (r == 0)
        r = network_check(seal);
    if (r == 0)
        r = network_publishes(seal);
    if (r == 0)
        r = network_lists(seal);
    if (r < 0)
        return r;
    if (ip && ipv4_parse(ip, &spec->net.ip) < 0)
        return err_usage(seal->err, "--ip is not an address");
    if (seal->world->called && text_replace(&spec->net.called, seal->world->called) < 0)
        return err_nomem(seal->err);
    spec->net.mac_set = mac && mac_parse(mac, spec->net.mac) == 0;
    if (spec->network != SPEC_NETWORK_HOST && spec->network != SPEC_NETWORK_JOIN)
        spec->namespaces |= CLONE_NEWNET;
    return spec->network == SPEC_NETWORK_JOIN ? network_join(seal) : 0;
}
