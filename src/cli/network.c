/* ration network: networks of containers, made, shown and removed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_create(const struct command *command, char *const *argv);
static int command_ls(const struct command *command, char *const *argv);
static int command_inspect(const struct command *command, char *const *argv);
static int command_rm(const struct command *command, char *const *argv);
static int command_prune(const struct command *command, char *const *argv);

#define NETWORK "The network"

static const struct ration_option create_options[] = {
    { "subnet", 0, NULL, "ADDRESS/PREFIX", "its addresses (default: a private one that is free)",
      NETWORK, RATION_OPTION_VALUE },
    { "gateway", 0, NULL, "ADDRESS", "the host's address in it (default: the first)", NETWORK,
      RATION_OPTION_VALUE },
    { "mtu", 0, NULL, "BYTES", "largest packet on its links", NETWORK, RATION_OPTION_VALUE },
    { "internal", 0, NULL, NULL, "no way out of it, nor in", NETWORK, RATION_OPTION_FLAG },
    { "label", 0, NULL, "NAME[=VALUE]", "a note on it", NETWORK, RATION_OPTION_MANY },
};

static const struct ration_option ls_options[] = {
    { "quiet", 'q', NULL, NULL, "names alone", "The list", RATION_OPTION_FLAG },
    { "format", 0, NULL, "FORMAT", "table, json, or a template for each", "The list",
      RATION_OPTION_VALUE },
};

static const struct ration_option inspect_options[] = {
    { "format", 'f', NULL, "FORMAT", "json, or a template for each", "The list",
      RATION_OPTION_VALUE },
};

const struct command network_create_command = {
    .name = "network create",
    .args = "NAME",
    .summary = "make a network of containers",
    .description = "Containers in it reach each other by name, and those of other networks not at "
                   "all. Its bridge and rules are there while a container is in it.",
    .options = create_options,
    .n_options = ARRAY_SIZE(create_options),
    .run = command_create,
};

const struct command network_ls_command = {
    .name = "network ls",
    .also = "network list",
    .args = "",
    .summary = "list networks",
    .options = ls_options,
    .n_options = ARRAY_SIZE(ls_options),
    .run = command_ls,
};

const struct command network_inspect_command = {
    .name = "network inspect",
    .args = "NETWORK...",
    .summary = "show networks, and who is in them",
    .options = inspect_options,
    .n_options = ARRAY_SIZE(inspect_options),
    .run = command_inspect,
};

const struct command network_rm_command = {
    .name = "network rm",
    .also = "network remove",
    .args = "NETWORK...",
    .summary = "remove networks that nobody is in",
    .run = command_rm,
};

const struct command network_prune_command = {
    .name = "network prune",
    .args = "",
    .summary = "remove every network that nobody is in",
    .run = command_prune,
};

/* ---- create --------------------------------------------------------------------------------------------------------- */

static int command_create(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    uint64_t mtu = 0;
    int status;

    if (verb_read(command, argv, 1, 1, &verb, &status) != 0)
        return status;
    const char *text = verb_value(&verb, "mtu");
    if (text && number_parse(text, 65535, &mtu) < 0) {
        cli_usage(&error, "--mtu takes 68 to 65535 bytes, not %.64s", text);
        return cli_report(&error);
    }
    const struct ration_network network = { .name = verb.operands[0],
                                            .subnet = verb_value(&verb, "subnet"),
                                            .gateway = verb_value(&verb, "gateway"),
                                            .mtu = (unsigned)mtu,
                                            .internal = verb_flag(&verb, "internal"),
                                            .labels = verb_many(&verb) };
    if (ration_network_create(verb.ration, &network, &error) < 0 ||
        verb_say(verb.operands[0], &error) < 0)
        return cli_report(&error);
    return 0;
}

/* ---- ls ---------------------------------------------------------------------------------------------------------------- */

static const struct ration_column column_table[] = {
    { "Name", "NAME", 0 },         { "Subnet", "SUBNET", 0 },
    { "Gateway", "GATEWAY", 0 },   { "Containers", "CONTAINERS", 0 },
    { "Internal", "INTERNAL", 0 }, { "Driver", "DRIVER", 1 },
};

struct list {
    struct ration_table *table; /* NULL: names alone */
    struct ration_error *error;
};

static int list_row(void *data, const struct ration_network *network, unsigned containers,
                    const char *json)
{
    const struct list *list = data;
    char count[16];

    (void)json;
    if (!list->table)
        return verb_say(network->name, list->error);
    snprintf(count, sizeof(count), "%u", containers);
    const char *const values[] = { network->name,
                                   network->subnet,
                                   network->gateway,
                                   count,
                                   network->internal ? "true" : "false",
                                   "bridge" };
    return ration_table_add(list->table, values, list->error);
}

static int command_ls(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    struct list list = { .error = &error };
    int status, r = 0;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    if (!verb_flag(&verb, "quiet"))
        r = ration_table_new(column_table, ARRAY_SIZE(column_table), verb_value(&verb, "format"),
                             &list.table, &error);
    if (r >= 0)
        r = ration_network_each(verb.ration, NULL, list_row, &list, &error);
    if (r >= 0 && list.table)
        r = ration_table_write(list.table, STDOUT_FILENO, &error);
    ration_table_free(list.table);
    return r < 0 ? cli_report(&error) : 0;
}

/* ---- inspect -------------------------------------------------------------------------------------------------------------- */

static int keep_json(void *data, const struct ration_network *network, unsigned containers,
                     const char *json)
{
    (void)network;
    (void)containers;
    return strv_push(data, json);
}

static int command_inspect(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    _cleanup_(strv_freep) char **documents = NULL;
    struct ration_error error = { 0 };
    int status, r = 0;

    if (verb_read(command, argv, 1, 0, &verb, &status) != 0)
        return status;
    for (char *const *name = verb.operands; r >= 0 && *name; name++)
        r = ration_network_each(verb.ration, *name, keep_json, &documents, &error);
    if (r >= 0)
        r = ration_documents_write((const char *const *)documents, strv_length(documents),
                                   verb_value(&verb, "format"), STDOUT_FILENO, &error);
    return r < 0 ? cli_report(&error) : 0;
}

/* ---- rm and prune ------------------------------------------------------------------------------------------------------------ */

static int remove_one(const struct verb *verb, const char *name, struct ration_error *error)
{
    int r = ration_network_remove(verb->ration, name, error);

    return r < 0 ? r : verb_say(name, error);
}

static int command_rm(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    int status;

    if (verb_read(command, argv, 1, 0, &verb, &status) != 0)
        return status;
    return verb_each(&verb, remove_one);
}

/* The usual one would come again by itself. */
static int keep_unused(void *data, const struct ration_network *network, unsigned containers,
                       const char *json)
{
    (void)json;
    return containers > 0 || strcmp(network->name, "bridge") == 0 ? 0
                                                                  : strv_push(data, network->name);
}

static int command_prune(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    _cleanup_(strv_freep) char **unused = NULL;
    struct ration_error error = { 0 };
    int status;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    int r = ration_network_each(verb.ration, NULL, keep_unused, &unused, &error);
    for (char *const *name = unused; r >= 0 && name && *name; name++) {
        r = remove_one(&verb, *name, &error);
        /* Somebody has entered it meanwhile. */
        if (r == -EBUSY)
            r = 0;
    }
    return r < 0 ? cli_report(&error) : 0;
}
