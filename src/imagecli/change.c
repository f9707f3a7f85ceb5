/* Lines of a Dockerfile as changes of an image's configuration. */
#include <errno.h>
#include <string.h>

#include "imagecli/build.h"
#include "spec/spec.h"

static int bad(const char *line, const char *why, struct err *err)
{
    return err_usage(err, "--change \"%.120s\": %s", line, why);
}

/* ["a", "b"], or a line for the shell. */
static int change_command(json_t *config, const char *key, const char *rest, const char *line,
                          struct err *err)
{
    json_t *argv =
        *rest == '[' ? json_loads(rest, 0, NULL) : json_pack("[s,s,s]", "/bin/sh", "-c", rest);

    bool strings = json_is_array(argv);
    for (size_t i = 0; strings && i < json_array_size(argv); i++)
        strings = json_is_string(json_array_get(argv, i));
    if (!strings) {
        json_decref(argv);
        return bad(line, "the list has to be of strings, as JSON", err);
    }
    json_object_set_new(config, key, argv);
    return 0;
}

static int change_text(json_t *config, const char *key, const char *rest, const char *line,
                       struct err *err)
{
    (void)line;
    (void)err;
    json_object_set_new(config, key, json_string(rest));
    return 0;
}

static int change_workdir(json_t *config, const char *key, const char *rest, const char *line,
                          struct err *err)
{
    return *rest == '/' ? change_text(config, key, rest, line, err)
                        : bad(line, "the directory has to be absolute", err);
}

static int change_signal(json_t *config, const char *key, const char *rest, const char *line,
                         struct err *err)
{
    return signal_parse(rest) > 0 ? change_text(config, key, rest, line, err)
                                  : bad(line, "there is no such signal", err);
}

/* "NAME=VALUE" or "NAME VALUE", quotes around VALUE or all of it go. */
static int split_pair(const char *rest, char **ret_name, char **ret_value)
{
    size_t n = strcspn(rest, "= \t");
    const char *value = rest + n;

    if (n == 0 || !*value)
        return -EINVAL;
    value += 1;
    size_t len = strlen(value);
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value++;
        len -= 2;
    }
    *ret_name = strndup(rest, n);
    *ret_value = strndup(value, len);
    return *ret_name && *ret_value ? 0 : -ENOMEM;
}

static int change_label(json_t *config, const char *key, const char *rest, const char *line,
                        struct err *err)
{
    _cleanup_free_ char *name = NULL, *value = NULL;

    if (split_pair(rest, &name, &value) < 0)
        return bad(line, "write LABEL KEY=VALUE", err);
    if (!json_is_object(json_object_get(config, key)))
        json_object_set_new(config, key, json_object());
    json_object_set_new(json_object_get(config, key), name, json_string(value));
    return 0;
}

static int change_env(json_t *config, const char *key, const char *rest, const char *line,
                      struct err *err)
{
    _cleanup_free_ char *name = NULL, *value = NULL, *pair = NULL;

    if (split_pair(rest, &name, &value) < 0)
        return bad(line, "write ENV NAME=VALUE", err);
    pair = text_format("%s=%s", name, value);
    if (!pair)
        return err_nomem(err);
    if (!json_is_array(json_object_get(config, key)))
        json_object_set_new(config, key, json_array());
    json_t *env = json_object_get(config, key);
    size_t n = strlen(name) + 1;
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *old = json_string_value(json_array_get(env, i));
        if (old && strncmp(old, pair, n) == 0) {
            json_array_set_new(env, i, json_string(pair));
            return 0;
        }
    }
    json_array_append_new(env, json_string(pair));
    return 0;
}

/* Words as members without a value: ports, volumes. */
static int add_members(json_t *config, const char *key, const char *rest, bool port)
{
    if (!json_is_object(json_object_get(config, key)))
        json_object_set_new(config, key, json_object());
    json_t *members = json_object_get(config, key);
    for (; *rest; rest += strspn(rest, " \t")) {
        size_t n = strcspn(rest, " \t");
        bool bare = port && !memchr(rest, '/', n);
        _cleanup_free_ char *name = text_format("%.*s%s", (int)n, rest, bare ? "/tcp" : "");
        if (!name)
            return -ENOMEM;
        json_object_set_new(members, name, json_object());
        rest += n;
    }
    return 0;
}

static int change_ports(json_t *config, const char *key, const char *rest, const char *line,
                        struct err *err)
{
    if (rest[strspn(rest, "0123456789-/tcpudsi \t")])
        return bad(line, "a port is a number, or one with /tcp or /udp", err);
    return add_members(config, key, rest, true) < 0 ? err_nomem(err) : 0;
}

static int change_volumes(json_t *config, const char *key, const char *rest, const char *line,
                          struct err *err)
{
    json_t *list = *rest == '[' ? json_loads(rest, 0, NULL) : NULL;
    int r = 0;

    if (*rest != '[' && *rest != '/')
        return bad(line, "a volume is an absolute path", err);
    if (*rest == '[' && !json_is_array(list))
        return bad(line, "the list has to be of strings, as JSON", err);
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = add_members(config, key, text_or_empty(json_string_value(json_array_get(list, i))),
                        false);
    if (!list)
        r = add_members(config, key, rest, false);
    json_decref(list);
    return r < 0 ? err_nomem(err) : 0;
}

int build_change(json_t *config, const char *line, struct err *err)
{
    static const struct {
        const char *word, *key;
        int (*change)(json_t *, const char *, const char *, const char *, struct err *);
    } table[] = {
        { "CMD", "Cmd", change_command },
        { "ENTRYPOINT", "Entrypoint", change_command },
        { "ENV", "Env", change_env },
        { "EXPOSE", "ExposedPorts", change_ports },
        { "LABEL", "Labels", change_label },
        { "STOPSIGNAL", "StopSignal", change_signal },
        { "USER", "User", change_text },
        { "VOLUME", "Volumes", change_volumes },
        { "WORKDIR", "WorkingDir", change_workdir },
    };
    const char *at = line + strspn(line, " \t");
    size_t n = strcspn(at, " \t=");

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strlen(table[i].word) != n || strncasecmp(at, table[i].word, n) != 0)
            continue;
        const char *rest = at + n + (at[n] != '\0');
        rest += strspn(rest, " \t");
        if (!*rest)
            return bad(line, "something is missing behind it", err);
        return table[i].change(config, table[i].key, rest, line, err);
    }
    return bad(
        line, "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR are known",
        err);
}

int build_changes(const struct call *call, char ***ret, struct err *err)
{
    const char *line;

    for (size_t i = 0; (line = call_option_at(call, "change", i)); i++) {
        /* Before any work is done. */
        json_t *none = json_object();
        int r = none ? build_change(none, line, err) : err_nomem(err);
        json_decref(none);
        if (r < 0)
            return r;
        if (strv_push(ret, line) < 0)
            return err_nomem(err);
    }
    return 0;
}
