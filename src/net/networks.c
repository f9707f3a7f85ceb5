/* Networks that people make: kept in files, which take no program. */
#include <errno.h>
#include <string.h>

#include "net/net_private.h"

static int copy_config(const struct net_config *from, struct net_config *ret)
{
    *ret = *from;
    ret->name = strdup(from->name);
    ret->bridge = NULL;
    ret->labels = NULL;
    if (!ret->name)
        return -ENOMEM;
    return from->labels ? strv_copy(from->labels, &ret->labels) : 0;
}

static int create_locked(const struct store *store, const struct net_config *asked, struct err *err)
{
    struct networks networks = { 0 };
    struct net_config config = { 0 };
    int r = store_read(store, &networks, err);

    if (r >= 0 && networks_find(&networks, asked->name))
        r = err_refuse(err, EEXIST, "there is a network %s already", asked->name);
    if (r >= 0 && copy_config(asked, &config) < 0)
        r = err_nomem(err);
    if (r >= 0)
        r = config_complete(store->data_dir, &networks, &config, err);
    if (r >= 0)
        r = store_keep(store, &config, err);
    net_config_done(&config);
    networks_done(&networks);
    return r;
}

int net_create(const char *data_dir, const struct net_config *config, struct err *err)
{
    static const char *const word_table[] = { NET_USUAL, "none", "host", "container" };
    struct store store = STORE_INIT;
    int r;

    if (!network_name_valid(config->name))
        return err_usage(err,
                         "a network's name is a letter or digit and then up to 63 letters, digits, "
                         "'_', '.' and '-'");
    for (size_t i = 0; i < ARRAY_SIZE(word_table); i++) {
        if (strcmp(config->name, word_table[i]) == 0)
            return err_usage(err, "%s is what --network says of its own; give another name",
                             config->name);
    }
    r = store_open(data_dir, true, &store, err);
    if (r >= 0)
        r = store_lock(&store, err);
    if (r >= 0)
        r = create_locked(&store, config, err);
    store_close(&store);
    return r;
}

/* Each network, in the order of names. */
static int networks_read(const char *data_dir, struct networks *ret, struct err *err)
{
    struct store store = STORE_INIT;
    int r = store_open(data_dir, false, &store, err);

    *ret = (struct networks){ 0 };
    if (r >= 0)
        r = store_read(&store, ret, err);
    store_close(&store);
    return r == -ENOENT ? 0 : r;
}

int net_inspect(const char *data_dir, const char *name, struct net_config *ret, struct err *err)
{
    struct networks networks;
    int r = networks_read(data_dir, &networks, err);
    struct network *network = r < 0 ? NULL : networks_find(&networks, name);

    if (r >= 0 && network) {
        *ret = network->config;
        network->config = (struct net_config){ 0 };
    } else if (r >= 0) {
        r = err_set(err, ENOENT, "there is no network %.64s", name);
    }
    networks_done(&networks);
    return r;
}

int net_list(const char *data_dir, char ***ret, struct err *err)
{
    struct networks networks;
    int r = networks_read(data_dir, &networks, err), pushed = 0;

    *ret = NULL;
    if (r < 0)
        return r;
    for (size_t i = 0; pushed == 0 && i < networks.n; i++)
        pushed = strv_push(ret, networks.v[i].config.name);
    networks_done(&networks);
    if (pushed == 0)
        return 0;
    strv_free(*ret);
    *ret = NULL;
    return err_nomem(err);
}

int net_members(const char *data_dir, const char *name, char ***ret, struct err *err)
{
    struct networks networks;
    int r = networks_read(data_dir, &networks, err), pushed = 0;
    const struct network *network = r < 0 ? NULL : networks_find(&networks, name);

    *ret = NULL;
    if (r < 0)
        return r;
    for (size_t i = 0; network && pushed == 0 && i < network->n_leases; i++)
        pushed = strv_push(ret, network->leases[i].id);
    networks_done(&networks);
    if (pushed == 0)
        return 0;
    strv_free(*ret);
    *ret = NULL;
    return err_nomem(err);
}

int net_remove(const char *data_dir, const char *name, struct err *err)
{
    struct program program;

    if (!network_name_valid(name))
        return err_set(err, ENOENT, "there is no network %.64s", name);
    int r = program_start("remove", data_dir, name, -1, "", &program, err);
    return r < 0 ? r : program_answer(&program, err);
}
