/* ration volume: directories that outlive containers, made, shown and removed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"

static int command_create(const struct command *command, char *const *argv);
static int command_ls(const struct command *command, char *const *argv);
static int command_inspect(const struct command *command, char *const *argv);
static int command_rm(const struct command *command, char *const *argv);
static int command_prune(const struct command *command, char *const *argv);

static const struct ration_option create_options[] = {
    { "label", 0, NULL, "NAME[=VALUE]", "a note on it", "The volume", RATION_OPTION_MANY },
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

static const struct ration_option rm_options[] = {
    { "force", 'f', NULL, NULL, "one that is not there is no error", "The volume",
      RATION_OPTION_FLAG },
};

static const struct ration_option prune_options[] = {
    { "all", 'a', NULL, NULL, "those with names, too", "The volumes", RATION_OPTION_FLAG },
    { "force", 'f', NULL, NULL, "accepted as docker has it: nobody is asked", "The volumes",
      RATION_OPTION_FLAG },
};

const struct command volume_create_command = {
    .name = "volume create",
    .args = "NAME",
    .summary = "make a volume, unless it is there",
    .description =
        "--volume NAME:TARGET makes it by itself, and a new one gets what the image has at "
        "TARGET.",
    .options = create_options,
    .n_options = ARRAY_SIZE(create_options),
    .run = command_create,
};

const struct command volume_ls_command = {
    .name = "volume ls",
    .also = "volume list",
    .args = "",
    .summary = "list volumes",
    .options = ls_options,
    .n_options = ARRAY_SIZE(ls_options),
    .run = command_ls,
};

const struct command volume_inspect_command = {
    .name = "volume inspect",
    .args = "VOLUME...",
    .summary = "show volumes, and where they lie",
    .options = inspect_options,
    .n_options = ARRAY_SIZE(inspect_options),
    .run = command_inspect,
};

const struct command volume_rm_command = {
    .name = "volume rm",
    .also = "volume remove",
    .args = "VOLUME...",
    .summary = "remove volumes that no container has",
    .options = rm_options,
    .n_options = ARRAY_SIZE(rm_options),
    .run = command_rm,
};

const struct command volume_prune_command = {
    .name = "volume prune",
    .args = "",
    .summary = "remove unnamed volumes that no container has",
    .options = prune_options,
    .n_options = ARRAY_SIZE(prune_options),
    .run = command_prune,
};

static int command_create(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    int status;

    if (verb_read(command, argv, 1, 1, &verb, &status) != 0)
        return status;
    if (ration_volume_create(verb.ration, verb.operands[0], verb_many(&verb), &error) < 0 ||
        verb_say(verb.operands[0], &error) < 0)
        return cli_report(&error);
    return 0;
}

/* ---- ls ------------------------------------------------------------------------------------------- */

static const struct ration_column column_table[] = {
    { "Driver", "DRIVER", 0 },
    { "Name", "VOLUME NAME", 0 },
    { "Used", "USED", 0 },
    { "Mountpoint", "MOUNTPOINT", 1 },
};

struct list {
    struct ration_table *table; /* NULL: names alone */
    struct ration_error *error;
};

static int list_row(void *data, const struct ration_volume *volume, const char *json)
{
    const struct list *list = data;
    const char *const values[] = { "local", volume->name, volume->used ? "true" : "false",
                                   volume->directory };

    (void)json;
    return list->table ? ration_table_add(list->table, values, list->error)
                       : verb_say(volume->name, list->error);
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
        r = ration_volume_each(verb.ration, NULL, list_row, &list, &error);
    if (r >= 0 && list.table)
        r = ration_table_write(list.table, STDOUT_FILENO, &error);
    ration_table_free(list.table);
    return r < 0 ? cli_report(&error) : 0;
}

/* ---- inspect -------------------------------------------------------------------------------------- */

static int keep_json(void *data, const struct ration_volume *volume, const char *json)
{
    (void)volume;
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
        r = ration_volume_each(verb.ration, *name, keep_json, &documents, &error);
    if (r >= 0)
        r = ration_documents_write((const char *const *)documents, strv_length(documents),
                                   verb_value(&verb, "format"), STDOUT_FILENO, &error);
    return r < 0 ? cli_report(&error) : 0;
}

/* ---- rm and prune --------------------------------------------------------------------------------- */

static int remove_one(const struct verb *verb, const char *name, struct ration_error *error)
{
    int r = ration_volume_remove(verb->ration, name, verb_flag(verb, "force"), error);

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

struct unused {
    bool all;
    char **names;
};

static int keep_unused(void *data, const struct ration_volume *volume, const char *json)
{
    struct unused *unused = data;

    (void)json;
    return volume->used || (!volume->anonymous && !unused->all)
               ? 0
               : strv_push(&unused->names, volume->name);
}

static int command_prune(const struct command *command, char *const *argv)
{
    _cleanup_(verb_done) struct verb verb;
    struct ration_error error = { 0 };
    int status;

    if (verb_read(command, argv, 0, 0, &verb, &status) != 0)
        return status;
    struct unused unused = { .all = verb_flag(&verb, "all") };
    int r = ration_volume_each(verb.ration, NULL, keep_unused, &unused, &error);
    for (char *const *name = unused.names; r >= 0 && name && *name; name++) {
        r = remove_one(&verb, *name, &error);
        /* Somebody has taken or removed it meanwhile. */
        if (r == -EBUSY || r == -ENOENT)
            r = 0;
    }
    strv_free(unused.names);
    return r < 0 ? cli_report(&error) : 0;
}
