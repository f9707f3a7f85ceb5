/* A process described by options, as a document: the container's own with changes. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "oci/oci.h"
#include "ocicli/process.h"

struct writer {
    json_t *process;
    struct err *err;
};

/* Takes the value over; NULL is one that could not be made. */
static int set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) < 0 ? err_nomem(writer->err) : 0;
}

static int set_text(struct writer *writer, const char *option, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : NULL;

    if (text && !value)
        return err_usage(writer->err, "%s is no valid UTF-8", option);
    return text ? set(writer, writer->process, key, value) : 0;
}

static int append_text(struct writer *writer, const char *what, json_t *array, const char *text)
{
    json_t *value = json_string(text);

    if (!value)
        return err_usage(writer->err, "%s is no valid UTF-8", what);
    return json_array_append_new(array, value) < 0 ? err_nomem(writer->err) : 0;
}

/* The member of that name, made when it is missing or something else. */
static json_t *member(json_t *object, const char *key, bool is_array)
{
    json_t *value = json_object_get(object, key);

    if (is_array ? json_is_array(value) : json_is_object(value))
        return value;
    json_object_set_new(object, key, is_array ? json_array() : json_object());
    return json_object_get(object, key);
}

/* ---- the parts ------------------------------------------------------------------------------------------ */

static int set_args(struct writer *writer, char *const *argv)
{
    json_t *args = json_array();
    int r = set(writer, writer->process, "args", args);

    for (size_t i = 0; r == 0 && argv[i]; i++)
        r = append_text(writer, "an argument of the command", args, argv[i]);
    return r;
}

/* A variable replaces the one of the same name. */
static int set_env(struct writer *writer, char *const *env)
{
    json_t *array = member(writer->process, "env", true);
    int r = array ? 0 : err_nomem(writer->err);

    for (size_t i = 0; r == 0 && env && env[i]; i++) {
        const char *end = strchr(env[i], '=');
        size_t at, len;
        json_t *entry;
        if (!end || end == env[i])
            return err_usage(writer->err, "--env: \"%.64s\" is not NAME=VALUE", env[i]);
        len = (size_t)(end - env[i]) + 1;
        json_array_foreach(array, at, entry)
        {
            if (json_is_string(entry) && strncmp(json_string_value(entry), env[i], len) == 0)
                break;
        }
        if (at < json_array_size(array))
            json_array_remove(array, at);
        r = append_text(writer, "--env", array, env[i]);
    }
    return r;
}

static int set_id(struct writer *writer, json_t *user, const char *option, const char *key,
                  const char *text)
{
    uint64_t id;

    /* The highest number stands for "no change" in system calls. */
    if (number_parse(text, UINT32_MAX - 1, &id) < 0)
        return err_usage(writer->err, "%s: \"%.64s\" is not a number from 0 to 4294967294", option,
                         text);
    return set(writer, user, key, json_integer((json_int_t)id));
}

static int set_user(struct writer *writer, const char *text, char *const *gids)
{
    json_t *user = member(writer->process, "user", false);
    json_t *groups = user && gids ? member(user, "additionalGids", true) : NULL;
    uint64_t id;
    int r = 0;

    if (!user || (gids && !groups))
        return err_nomem(writer->err);
    if (text) {
        const char *group = strchr(text, ':');
        _cleanup_free_ char *name = group ? strndup(text, (size_t)(group - text)) : strdup(text);
        if (!name)
            return err_nomem(writer->err);
        r = set_id(writer, user, "--user", "uid", name);
        if (r == 0 && group)
            r = set_id(writer, user, "--user", "gid", group + 1);
    }
    for (size_t i = 0; r == 0 && gids && gids[i]; i++) {
        if (number_parse(gids[i], UINT32_MAX - 1, &id) < 0)
            return err_usage(writer->err,
                             "--additional-gids: \"%.64s\" is not a number from 0 to 4294967294",
                             gids[i]);
        if (json_array_append_new(groups, json_integer((json_int_t)id)) < 0)
            return err_nomem(writer->err);
    }
    return r;
}

/* Neither inheritable nor ambient: those would outlive a change of user. */
static int set_caps(struct writer *writer, char *const *caps)
{
    static const char *const set_table[] = { "bounding", "effective", "permitted" };
    json_t *sets = caps ? member(writer->process, "capabilities", false) : NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && caps && caps[i]; i++) {
        char name[64];
        int capability = capability_parse(caps[i]);
        if (capability < 0)
            return err_usage(writer->err, "--cap: there is no capability \"%.64s\"", caps[i]);
        snprintf(name, sizeof(name), "CAP_%s", capability_name(capability));
        for (size_t j = 0; r == 0 && j < ARRAY_SIZE(set_table); j++) {
            json_t *array = sets ? member(sets, set_table[j], true) : NULL;
            r = array ? append_text(writer, "--cap", array, name) : err_nomem(writer->err);
        }
    }
    return r;
}

static int set_options(struct writer *writer, const struct process_values *values)
{
    int r = set(writer, writer->process, "terminal", json_boolean(values->tty));

    if (r == 0 && values->no_new_privs)
        r = set(writer, writer->process, "noNewPrivileges", json_true());
    if (r == 0)
        r = set_text(writer, "--cwd", "cwd", values->cwd);
    if (r == 0)
        r = set_text(writer, "--apparmor", "apparmorProfile", values->apparmor);
    if (r == 0)
        r = set_text(writer, "--process-label", "selinuxLabel", values->label);
    if (r == 0)
        r = set_env(writer, values->env);
    if (r == 0)
        r = set_user(writer, values->user, values->gids);
    return r < 0 ? r : set_caps(writer, values->caps);
}

static int dump_into(const char *data, size_t len, void *ret)
{
    buf_add(ret, data, len);
    return 0;
}

int process_write(const char *document, const struct process_values *values, char *const *argv,
                  struct buf *ret, struct err *err)
{
    struct writer writer = { .err = err };
    json_error_t error;

    if (!argv[0])
        return err_usage(err, "exec needs a COMMAND, or --process FILE");
    /* Of a document that is mostly about system calls. */
    size_t len;
    const char *process = oci_member_find(document, "process", &len);
    json_t *root = process ? json_loadb(process, len, 0, &error) : json_loads(document, 0, &error);
    if (!root)
        return err_set(err, EINVAL, "the document on record cannot be read: %s", error.text);
    writer.process = process ? root : member(root, "process", false);
    int r = writer.process ? 0 : err_nomem(err);
    if (r == 0)
        r = set_options(&writer, values);
    if (r == 0)
        r = set_args(&writer, argv);
    if (r == 0 && (json_dump_callback(writer.process, dump_into, ret, JSON_COMPACT) < 0 ||
                   buf_error(ret) < 0))
        r = err_nomem(err);
    json_decref(root);
    return r;
}
