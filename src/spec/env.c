/* The environment: -e, --env-file, and what COMMAND gets. */
#include <errno.h>
#include <string.h>

#include "spec/seal.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* NAME=VALUE for name among ours, or NULL. */
static const char *environ_find(const struct spec_world *world, const char *name, size_t len)
{
    for (char *const *v = world->environ; v && *v; v++) {
        if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
            return *v;
    }
    return NULL;
}

/* As docker has it: NAME alone passes ours on, and is nothing when we have none. */
static int env_store(struct draft *draft, enum option_id id, const struct spec_world *world,
                     const char *assignment, struct err *err)
{
    size_t name = strcspn(assignment, "=");

    if (!assignment[name])
        assignment = environ_find(world, assignment, name);
    return assignment ? draft_store(draft, id, assignment, err) : 0;
}

int option_set_env(struct draft *draft, const struct spec_world *world, const char *value,
                   struct err *err)
{
    if (*value == '\0' || *value == '=')
        return err_usage(err, "--env takes NAME[=VALUE]; a name is missing in %s",
                         quote(value).text);
    return env_store(draft, OPTION_env, world, value, err);
}

/* ---- --env-file --------------------------------------------------------------------------------------- */

/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool utf8_valid(const char *text, size_t len)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    const unsigned char *c = (const unsigned char *)text, *end = c + len;

    while (c < end) {
        unsigned more = *c < 0x80 ? 0 : *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : 1;
        uint32_t point = more ? *c & (0x3fu >> more) : *c;
        if ((*c >= 0x80 && *c < 0xc2) || *c > 0xf4 || (size_t)(end - c) <= more)
            return false;
        c++;
        for (unsigned i = 0; i < more; i++, c++) {
            if ((*c & 0xc0) != 0x80)
                return false;
            point = point << 6 | (*c & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
    }
    return true;
}

/* One line by docker's rules: comments, no quotes, no blanks in a name, the value as it stands. */
static int option_read_line(struct draft *draft, const struct spec_world *world,
                            const struct assignment_file *file, unsigned number, const char *line,
                            size_t len, struct err *err)
{
    const char *name = file->name;

    if (!utf8_valid(line, len))
        return err_usage(err, "--%s %s: line %u is not UTF-8", name, quote(file->path).text,
                         number);
    while (len > 0 && (*line == ' ' || *line == '\t'))
        line++, len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0 || *line == '#')
        return 0;
    _cleanup_free_ char *text = strndup(line, len);
    if (!text)
        return err_nomem(err);
    size_t key = strcspn(text, "=");
    if (key == 0)
        return err_usage(err, "--%s %s: line %u has no name", name, quote(file->path).text, number);
    if (strcspn(text, " \t") < key)
        return err_usage(err, "--%s %s: line %u has a blank in the name", name,
                         quote(file->path).text, number);
    return file->store(draft, world, text, err);
}

int option_read_lines(struct draft *draft, const struct spec_world *world,
                      const struct assignment_file *file, struct err *err)
{
    _cleanup_free_ char *content = NULL;
    size_t len;

    if (!world->read_file)
        return err_usage(err, "--%s: files cannot be read here", file->name);
    int r = world->read_file(world->data, file->path, &content);
    if (r == -ENOMEM)
        return err_nomem(err);
    if (r < 0)
        return err_usage(err, "--%s: %s cannot be read: %s", file->name, quote(file->path).text,
                         err_name(-r));
    const char *cursor = content, *line;
    if (text_starts(cursor, "\xef\xbb\xbf"))
        cursor += 3;
    for (unsigned number = 1; line_next(&cursor, &line, &len); number++) {
        r = option_read_line(draft, world, file, number, line, len, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int env_file_store(struct draft *draft, const struct spec_world *world, const char *text,
                          struct err *err)
{
    return env_store(draft, OPTION_env_file, world, text, err);
}

int option_set_env_file(struct draft *draft, const struct spec_world *world, const char *value,
                        struct err *err)
{
    const struct assignment_file file = { "env-file", value, env_file_store };

    return option_read_lines(draft, world, &file, err);
}

/* ---- --label -------------------------------------------------------------------------------------------- */

/* A key alone has an empty value. */
static int label_store(struct draft *draft, enum option_id id, const char *text, struct err *err)
{
    _cleanup_free_ char *label = text_format("%s%s", text, strchr(text, '=') ? "" : "=");

    return label ? draft_store(draft, id, label, err) : err_nomem(err);
}

int option_set_label(struct draft *draft, const struct spec_world *world, const char *value,
                     struct err *err)
{
    (void)world;
    if (*value == '\0' || *value == '=')
        return err_usage(err, "--label takes NAME[=VALUE]; a name is missing in %s",
                         quote(value).text);
    return label_store(draft, OPTION_label, value, err);
}

static int label_file_store(struct draft *draft, const struct spec_world *world, const char *text,
                            struct err *err)
{
    (void)world;
    return label_store(draft, OPTION_label_file, text, err);
}

int option_set_label_file(struct draft *draft, const struct spec_world *world, const char *value,
                          struct err *err)
{
    const struct assignment_file file = { "label-file", value, label_file_store };

    return option_read_lines(draft, world, &file, err);
}

/* ---- putting it together: a table by name, so that many variables cost no more each than few ------------ */

struct environment {
    struct texts texts;
    size_t *slots; /* index + 1 into texts, 0: free; 2^n of them */
    size_t n_slots;
};

static void environment_done(struct environment *env)
{
    texts_done(&env->texts);
    free(env->slots);
}

/* FNV-1a over the name. */
static size_t name_hash(const char *assignment)
{
    uint32_t hash = 2166136261u;

    for (; *assignment && *assignment != '='; assignment++)
        hash = (hash ^ (unsigned char)*assignment) * 16777619u;
    return hash;
}

/* Where the name of the assignment is, or the free slot where it belongs. */
static size_t *environment_slot(const struct environment *env, const char *assignment)
{
    size_t len = strcspn(assignment, "=");

    for (size_t i = name_hash(assignment);; i++) {
        size_t *slot = &env->slots[i & (env->n_slots - 1)];
        const char *have = *slot ? env->texts.v[*slot - 1] : NULL;
        if (!have || (strncmp(have, assignment, len) == 0 && have[len] == '='))
            return slot;
    }
}

static int environment_grow(struct environment *env)
{
    size_t n = env->n_slots ? env->n_slots * 2 : 64;
    size_t *slots = calloc(n, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    free(env->slots);
    env->slots = slots;
    env->n_slots = n;
    for (size_t i = 0; i < env->texts.n; i++)
        *environment_slot(env, env->texts.v[i]) = i + 1;
    return 0;
}

/* The last assignment of a name wins, in the place of the first. */
static int environment_set(struct environment *env, const char *assignment)
{
    if (!strchr(assignment, '='))
        return 0;
    if (env->texts.n * 2 >= env->n_slots && environment_grow(env) < 0)
        return -ENOMEM;
    size_t *slot = environment_slot(env, assignment);
    if (*slot)
        return text_replace(&env->texts.v[*slot - 1], assignment);
    if (texts_push(&env->texts, assignment) < 0)
        return -ENOMEM;
    *slot = env->texts.n;
    return 0;
}

static int environment_set_all(struct environment *env, char *const *v)
{
    int r = 0;

    for (; r == 0 && v && *v; v++)
        r = environment_set(env, *v);
    return r;
}

static int environment_set_value(struct environment *env, const char *name, const char *value)
{
    _cleanup_free_ char *assignment = text_format("%s=%s", name, value);

    return assignment ? environment_set(env, assignment) : -ENOMEM;
}

/*
 * On the host's own root a run stands in for starting COMMAND directly, and inherits our environment;
 * in a rootfs it gets docker's few variables. What was asked for goes on top, files first.
 */
static int environment_fill(struct seal *seal, struct environment *env)
{
    const struct spec *spec = seal->spec;
    const char *home = spec->uid == 0 ? "/root" : "/";
    int r = 0;

    if (!spec->rootfs) {
        r = environment_set_all(env, seal->world->environ);
        if (r == 0 && seal->home)
            r = environment_set_value(env, "HOME", seal->home);
    } else {
        r = environment_set_value(env, "PATH", DEFAULT_PATH);
        if (r == 0 && spec->hostname)
            r = environment_set_value(env, "HOSTNAME", spec->hostname);
        if (r == 0 && spec->tty)
            r = environment_set_value(env, "TERM", "xterm");
        if (r == 0 && !spec->user_from_rootfs)
            r = environment_set_value(env, "HOME", home);
        if (r == 0 && seal->draft->image)
            r = environment_set_all(env, seal->draft->image->env);
    }
    if (r == 0)
        r = environment_set_all(env, seal->draft->value[OPTION_env_file].v);
    if (r == 0)
        r = environment_set_all(env, seal->draft->value[OPTION_env].v);
    return r;
}

int seal_environment(struct seal *seal)
{
    _cleanup_(environment_done) struct environment env = { 0 };
    struct spec *spec = seal->spec;

    if (environment_grow(&env) < 0 || environment_fill(seal, &env) < 0)
        return err_nomem(seal->err);
    spec->env = env.texts.v;
    env.texts.v = NULL;
    if (!spec->env) {
        spec->env = calloc(1, sizeof(*spec->env));
        if (!spec->env)
            return err_nomem(seal->err);
    }
    return 0;
}

int spec_labels(const struct draft *draft, char ***ret, struct err *err)
{
    _cleanup_(environment_done) struct environment labels = { 0 };

    if (environment_grow(&labels) < 0 ||
        (draft->image && environment_set_all(&labels, draft->image->labels) < 0) ||
        environment_set_all(&labels, draft->value[OPTION_label_file].v) < 0 ||
        environment_set_all(&labels, draft->value[OPTION_label].v) < 0)
        return err_nomem(err);
    *ret = labels.texts.v ? TAKE_PTR(labels.texts.v) : calloc(1, sizeof(**ret));
    return *ret ? 0 : err_nomem(err);
}

int env_override(const struct draft *draft, bool term, char ***env)
{
    _cleanup_(environment_done) struct environment made = { 0 };
    int r = environment_grow(&made);

    if (r == 0 && term)
        r = environment_set(&made, "TERM=xterm");
    if (r == 0)
        r = environment_set_all(&made, *env);
    if (r == 0)
        r = environment_set_all(&made, draft->value[OPTION_env_file].v);
    if (r == 0)
        r = environment_set_all(&made, draft->value[OPTION_env].v);
    if (r == 0 && made.texts.n == 0)
        return 0;
    if (r < 0)
        return r;
    strv_free(*env);
    *env = made.texts.v;
    made.texts = (struct texts){ 0 };
    return 0;
}
