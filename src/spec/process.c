/*
 * A further process among those of a run: what of the run's spec it has to share, as lines of the run's record,
 * and what the options of exec change of that. A line is "process KEY VALUE":
 *
 *   namespaces BITS         flag NAME                 umask NUMBER         oom NUMBER
 *   identity UID GID        group GID                 user NAME[:GROUP]    cwd PATH
 *   caps BOUNDING EFFECTIVE PERMITTED INHERITABLE AMBIENT                  env NAME=VALUE
 */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "spec/seal.h"

#define PREFIX  "process "
#define ENV_MAX (256u * 1024u)

/* Members of struct spec that are true or false, and their names in a line. */
static const struct {
    const char *name;
    size_t offset;
} flag_table[] = {
    { "identity", offsetof(struct spec, identity_set) },
    { "user-from-root", offsetof(struct spec, user_from_rootfs) },
    { "no-new-privs", offsetof(struct spec, no_new_privs) },
    { "privileged", offsetof(struct spec, privileged) },
    { "unconfined", offsetof(struct spec, unconfined) },
    { "rootless", offsetof(struct spec, rootless) },
    { "maps-by-helper", offsetof(struct spec, map_by_helper) },
    { "document", offsetof(struct spec, document) },
};

static bool *flag_of(struct spec *spec, size_t index)
{
    return (bool *)((char *)spec + flag_table[index].offset);
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static void put_text(struct buf *ret, const char *key, const char *value)
{
    if (!value)
        return;
    buf_printf(ret, PREFIX "%s ", key);
    line_escape(value, ret);
    buf_putc(ret, '\n');
}

static void put_environment(char *const *env, struct buf *ret)
{
    size_t size = 0;

    for (char *const *variable = env; variable && *variable; variable++)
        size += strlen(*variable);
    for (; size <= ENV_MAX && env && *env; env++)
        put_text(ret, "env", *env);
}

void spec_write_process(const struct spec *spec, const char *cwd, struct buf *ret)
{
    const struct spec_caps *caps = &spec->caps;

    buf_printf(ret, PREFIX "namespaces %llu\n", (unsigned long long)spec->namespaces);
    for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
        if (*(const bool *)((const char *)spec + flag_table[i].offset))
            buf_printf(ret, PREFIX "flag %s\n", flag_table[i].name);
    }
    buf_printf(ret, PREFIX "identity %u %u\n", spec->uid, spec->gid);
    for (size_t i = 0; i < spec->n_groups; i++)
        buf_printf(ret, PREFIX "group %u\n", spec->groups[i]);
    put_text(ret, "user", spec->user);
    buf_printf(ret, PREFIX "caps %llu %llu %llu %llu %llu\n", (unsigned long long)caps->bounding,
               (unsigned long long)caps->effective, (unsigned long long)caps->permitted,
               (unsigned long long)caps->inheritable, (unsigned long long)caps->ambient);
    if (spec->umask_set)
        buf_printf(ret, PREFIX "umask %u\n", (unsigned)spec->umask);
    if (spec->oom_score_adj_set)
        buf_printf(ret, PREFIX "oom %d\n", spec->oom_score_adj);
    put_text(ret, "cwd", cwd);
    put_text(ret, "root", spec->rootfs || spec->overlay ? "own" : NULL);
    put_environment(spec->env, ret);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static int read_namespaces(struct spec *spec, char *value)
{
    uint64_t number;
    int r = number_parse(value, UINT64_MAX, &number);

    if (r == 0)
        spec->namespaces = number;
    return r;
}

static int read_flag(struct spec *spec, char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
        if (strcmp(flag_table[i].name, value) == 0)
            *flag_of(spec, i) = true;
    }
    return 0;
}

static int read_identity(struct spec *spec, char *value)
{
    uint64_t number[2];
    int r = numbers_parse(value, 2, number);

    if (r < 0 || number[0] > UINT32_MAX || number[1] > UINT32_MAX)
        return -EINVAL;
    spec->uid = (uid_t)number[0];
    spec->gid = (gid_t)number[1];
    return 0;
}

static int read_group(struct spec *spec, char *value)
{
    uint64_t number;
    int r = number_parse(value, UINT64_MAX, &number);

    if (r < 0 || number > UINT32_MAX)
        return -EINVAL;
    return gids_push(&spec->groups, &spec->n_groups, (gid_t)number);
}

static int read_caps(struct spec *spec, char *value)
{
    uint64_t number[5];
    int r = numbers_parse(value, 5, number);

    if (r == 0)
        spec->caps = (struct spec_caps){ .bounding = number[0],
                                         .effective = number[1],
                                         .permitted = number[2],
                                         .inheritable = number[3],
                                         .ambient = number[4] };
    return r;
}

static int read_umask(struct spec *spec, char *value)
{
    uint64_t number;
    int r = number_parse(value, UINT64_MAX, &number);

    if (r < 0 || number > 0777)
        return -EINVAL;
    spec->umask_set = true;
    spec->umask = (mode_t)number;
    return 0;
}

static int read_oom(struct spec *spec, char *value)
{
    int64_t number;
    int r = number_parse_signed(value, -1000, 1000, &number);

    if (r < 0)
        return r;
    spec->oom_score_adj_set = true;
    spec->oom_score_adj = (int)number;
    return 0;
}

static int read_user(struct spec *spec, char *value)
{
    line_unescape(value);
    return text_replace(&spec->user, value);
}

static int read_cwd(struct spec *spec, char *value)
{
    line_unescape(value);
    return text_replace(&spec->cwd, value);
}

/* That it has one; where it came from is of no use from inside. */
static int read_root(struct spec *spec, char *value)
{
    (void)value;
    return text_replace(&spec->rootfs, "/");
}

static int read_env(struct spec *spec, char *value)
{
    line_unescape(value);
    return strv_push(&spec->env, value);
}

static const struct {
    const char *key;
    int (*read)(struct spec *spec, char *value);
} line_table[] = {
    { "namespaces", read_namespaces },
    { "flag", read_flag },
    { "identity", read_identity },
    { "group", read_group },
    { "caps", read_caps },
    { "umask", read_umask },
    { "oom", read_oom },
    { "user", read_user },
    { "cwd", read_cwd },
    { "root", read_root },
    { "env", read_env },
};

/* text: what follows the prefix, ours to change. */
static int read_line(struct spec *spec, char *text)
{
    char *blank = strchr(text, ' ');

    if (!blank)
        return -EINVAL;
    *blank = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(line_table); i++) {
        if (strcmp(line_table[i].key, text) == 0)
            return line_table[i].read(spec, blank + 1);
    }
    return 0;
}

int spec_read_process(const char *record, struct spec **ret, struct err *err)
{
    _cleanup_(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));
    const char *line;
    bool found = false;
    size_t len;

    if (!spec)
        return err_nomem(err);
    while (line_next(&record, &line, &len)) {
        if (len <= strlen(PREFIX) || memcmp(line, PREFIX, strlen(PREFIX)) != 0 || line[len] != '\n')
            continue;
        _cleanup_free_ char *text = strndup(line + strlen(PREFIX), len - strlen(PREFIX));
        int r = text ? read_line(spec, text) : -ENOMEM;
        if (r == -ENOMEM)
            return err_nomem(err);
        if (r < 0)
            return err_set(err, EINVAL, "the record is damaged: '%.*s'", len < 100 ? (int)len : 100,
                           line);
        found = true;
    }
    if (!found)
        return err_set(err, ESRCH, "the record tells nothing of its processes");
    *ret = TAKE_PTR(spec);
    return 0;
}

/* ---- the options of exec --------------------------------------------------------------------------------- */

static int check_options(const struct draft *draft, struct err *err)
{
    static const enum option_id known_table[] = {
        OPTION_interactive, OPTION_tty,  OPTION_env,        OPTION_env_file,
        OPTION_workdir,     OPTION_user, OPTION_privileged,
    };

    if (draft->limit_texts.n > 0)
        return err_usage(err,
                         "--%.*s: a further process has the limits of those it joins; ration "
                         "update changes them",
                         (int)strcspn(draft->limit_texts.v[0], "="), draft->limit_texts.v[0]);
    for (size_t i = 0; i < OPTION_ID_COUNT; i++) {
        bool known = draft->value[i].n == 0;
        for (size_t j = 0; !known && j < ARRAY_SIZE(known_table); j++)
            known = known_table[j] == (enum option_id)i;
        if (!known)
            return err_usage(err, "--%s is of a whole run, not of a further process in it",
                             option_table[i].name);
    }
    return 0;
}

/* By the files of the root that the processes have now; a home that was another's goes. */
static int override_user(struct spec *process, const char *user)
{
    char **from = process->env, **to = process->env;

    if (text_replace(&process->user, user) < 0)
        return -ENOMEM;
    process->identity_set = true;
    process->user_from_rootfs = true;
    free(process->groups);
    process->groups = NULL;
    process->n_groups = 0;
    for (; from && *from; from++) {
        if (text_starts(*from, "HOME="))
            free(*from);
        else
            *to++ = *from;
    }
    if (to)
        *to = NULL;
    return 0;
}

/* All that there is: of this machine, or over its own user namespace. */
static void override_privileges(struct spec *process, const struct spec_world *world)
{
    uint64_t all = world->capabilities;

    if (process->namespaces & CLONE_NEWUSER)
        all = ~UINT64_C(0) >> (63 - world->cap_last(world->data));
    process->caps = (struct spec_caps){ .bounding = all, .effective = all, .permitted = all };
    process->privileged = process->unconfined = true;
    process->no_new_privs = false;
}

int spec_override_process(struct spec *process, const struct draft *draft,
                          const struct spec_world *world, struct err *err)
{
    const char *user = draft_text(draft, OPTION_user), *cwd = draft_text(draft, OPTION_workdir);
    bool term;
    int r = check_options(draft, err);

    if (r < 0)
        return r;
    if (!draft->argv)
        return err_usage(err, "there is no COMMAND to run");
    strv_free(process->argv);
    process->argv = NULL;
    process->tty = draft_flag(draft, OPTION_tty, false);
    process->interactive = draft_flag(draft, OPTION_interactive, false);
    r = strv_copy(draft->argv, &process->argv);
    if (r == 0 && cwd) {
        free(process->cwd);
        process->cwd = NULL;
        r = path_clean(cwd, &process->cwd);
    }
    if (r == 0 && user)
        r = override_user(process, user);
    if (draft_flag(draft, OPTION_privileged, false))
        override_privileges(process, world);
    term = process->tty && process->rootfs;
    if (r == 0)
        r = env_override(draft, term, &process->env);
    return r < 0 ? err_nomem(err) : 0;
}
