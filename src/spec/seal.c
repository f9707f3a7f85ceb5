/* Sealing: a draft becomes a spec that nothing changes any more. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>

#include "spec/seal.h"

#define STOP_TIMEOUT_US 10000000

bool seal_text_is(const struct seal *seal, enum option_id id, const char *word)
{
    const char *text = seal_text(seal, id);

    return text && strcmp(text, word) == 0;
}

bool seal_security_is(const struct seal *seal, const char *word)
{
    const struct texts *texts = &seal->draft->value[OPTION_security_opt];

    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->v[i], word) == 0)
            return true;
    }
    return false;
}

int seal_string(const struct seal *seal, char **field, const char *text)
{
    return text_replace(field, text) < 0 ? err_nomem(seal->err) : 0;
}

/* ---- the steps of which all others make use --------------------------------------------------------- */

static int seal_name(struct seal *seal)
{
    char random[16] = "";
    const char *name = seal_text(seal, OPTION_name);

    if (!name && seal->world->random_name) {
        int r = seal->world->random_name(seal->world->data, random);
        if (r < 0)
            return err_set(seal->err, -r, "no random name for the run: %s", err_name(-r));
        name = random;
    }
    if (!name)
        return err_usage(seal->err, "--name is missing");
    return seal_string(seal, &seal->spec->name, name);
}

static int seal_flags(struct seal *seal)
{
    const struct draft *draft = seal->draft;
    struct spec *spec = seal->spec;

    spec->rootless = !(seal->world->capabilities & UINT64_C(1) << CAP_SYS_ADMIN);
    spec->tty = draft_flag(draft, OPTION_tty, false);
    spec->interactive = draft_flag(draft, OPTION_interactive, false);
    spec->init = draft_flag(draft, OPTION_init, true);
    spec->privileged = draft_flag(draft, OPTION_privileged, false);
    spec->root_readonly = draft_flag(draft, OPTION_read_only, false);
    spec->best_effort = draft_flag(draft, OPTION_best_effort, false);
    spec->remove = draft_flag(draft, OPTION_rm, false);
    spec->measure = draft->measure;
    spec->unconfined = spec->privileged || seal_security_is(seal, "seccomp=unconfined");
    spec->no_new_privs = seal_security_is(seal, "no-new-privileges") ||
                         seal_security_is(seal, "no-new-privileges:true") ||
                         seal_security_is(seal, "no-new-privileges=true");
    if (seal_text_is(seal, OPTION_weight_map, "linear"))
        spec->weight_map = WEIGHT_MAP_LINEAR;
    return 0;
}

/* Texts that were checked when they were set; what cannot fail is not checked again. */
static int seal_numbers(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const char *text;
    int64_t adj;
    unsigned mask;

    text = seal_text(seal, OPTION_stop_signal);
    if (!text && seal->draft->image)
        text = seal->draft->image->stop_signal;
    spec->stop_signal = text ? signal_parse(text) : SIGTERM;
    text = seal_text(seal, OPTION_soft_signal);
    spec->soft_signal = text ? signal_parse(text) : SIGXCPU;
    spec->stop_timeout_us = STOP_TIMEOUT_US;
    text = seal_text(seal, OPTION_stop_timeout);
    if (text && duration_parse(text, 1000000, &spec->stop_timeout_us) < 0)
        return err_usage(seal->err, "--stop-timeout is not a time");
    text = seal_text(seal, OPTION_umask);
    spec->umask_set = text && parse_octal(text, 0777, &mask) == 0;
    if (spec->umask_set)
        spec->umask = (mode_t)mask;
    text = seal_text(seal, OPTION_oom_score_adj);
    spec->oom_score_adj_set = text && number_parse_signed(text, -1000, 1000, &adj) == 0;
    if (spec->oom_score_adj_set)
        spec->oom_score_adj = (int)adj;
    return 0;
}

/* What only an image has a use for. */
static int seal_imageless(struct seal *seal)
{
    static const enum option_id id_table[] = { OPTION_entrypoint, OPTION_platform, OPTION_pull,
                                               OPTION_storage_opt };

    for (size_t i = 0; i < ARRAY_SIZE(id_table); i++) {
        if (seal_text(seal, id_table[i]))
            return err_usage(seal->err, "--%s takes an IMAGE; there is none",
                             option_table[id_table[i]].name);
    }
    return seal_string(seal, &seal->spec->rootfs, seal_text(seal, OPTION_rootfs));
}

/* The root is named after the image, and is its layers with what the run changes above them. */
static int seal_image(struct seal *seal)
{
    const struct draft *draft = seal->draft;
    struct spec *spec = seal->spec;
    const char *size = seal_text(seal, OPTION_storage_opt);
    const struct spec_overlay layers = { .lower = draft->image ? draft->image->layers : NULL };

    if (!draft->image)
        return seal_imageless(seal);
    if (seal_text(seal, OPTION_rootfs))
        return err_usage(seal->err, "--rootfs cannot be given together with an IMAGE");
    spec->image = true;
    int r = seal_string(seal, &spec->rootfs, text_or_empty(draft->image->name));
    if (r < 0 || (!draft->overlay && !layers.lower))
        return r;
    if (spec_overlay_copy(draft->overlay ? draft->overlay : &layers, &spec->overlay) < 0 ||
        (!spec->overlay->lower && layers.lower &&
         strv_copy(layers.lower, &spec->overlay->lower) < 0))
        return err_nomem(seal->err);
    if (size && spec->overlay->size_bytes == 0 &&
        parse_storage_size(size, &spec->overlay->size_bytes) < 0)
        return err_usage(seal->err, "--storage-opt is not a size");
    spec->overlay->userxattr |= spec->rootless;
    return 0;
}

static int seal_paths(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const char *cwd = seal_text(seal, OPTION_workdir), *parent;
    int r = 0;

    if (!cwd && seal->draft->image)
        cwd = seal->draft->image->workdir;
    if (cwd && path_clean(cwd, &spec->cwd) < 0)
        r = err_nomem(seal->err);
    if (r == 0 && !cwd && spec->rootfs)
        r = seal_string(seal, &spec->cwd, "/");
    parent = seal_text(seal, OPTION_cgroup_parent);
    if (r == 0 && parent && path_clean(parent, &spec->cgroup_parent) < 0)
        r = err_nomem(seal->err);
    return r;
}

static int argv_add(char ***argv, char *const *words)
{
    int r = 0;

    for (; r == 0 && words && *words; words++)
        r = strv_push(argv, *words);
    return r;
}

/* The entrypoint and after it COMMAND, or the image's own where neither was given. */
static int seal_command(struct seal *seal)
{
    const struct spec_image *image = seal->draft->image;
    const char *entrypoint = seal_text(seal, OPTION_entrypoint);
    char *const *command = seal->draft->argv;
    char ***argv = &seal->spec->argv;
    int r = 0;

    if (entrypoint)
        r = *entrypoint ? strv_push(argv, entrypoint) : 0;
    else if (image)
        r = argv_add(argv, image->entrypoint);
    if (!command && image && !entrypoint)
        command = image->cmd;
    if (r == 0)
        r = argv_add(argv, command);
    return r < 0 ? err_nomem(seal->err) : 0;
}

/*
 * A host name is given, or in a rootfs the run's own name as far as it is one; on the host's root the
 * host's stays.
 */
static int seal_hostname(struct seal *seal)
{
    struct spec *spec = seal->spec;
    const char *hostname = seal_text(seal, OPTION_hostname);
    const char *domainname = seal_text(seal, OPTION_domainname);
    char cut[64];

    if ((hostname || domainname) && !(spec->namespaces & CLONE_NEWUTS))
        return err_usage(seal->err, "--%s cannot be set together with --uts host",
                         hostname ? "hostname" : "domainname");
    if (!hostname && spec->rootfs && (spec->namespaces & CLONE_NEWUTS)) {
        snprintf(cut, sizeof(cut), "%s", spec->name);
        hostname = cut;
    }
    int r = seal_string(seal, &spec->hostname, hostname);
    return r < 0 ? r : seal_string(seal, &spec->domainname, domainname);
}

/* ---- the limits --------------------------------------------------------------------------------------- */

/* What docker lets every container use; making a node is allowed, for what that is worth. */
static const char *const device_rule_table[] = {
    "deny a *:* rwm",  "allow c *:* m",   "allow b *:* m",   "allow c 1:3 rwm",
    "allow c 1:5 rwm", "allow c 1:7 rwm", "allow c 1:8 rwm", "allow c 1:9 rwm",
    "allow c 5:0 rwm", "allow c 5:1 rwm", "allow c 5:2 rwm", "allow c 136:* rwm",
};

static int add_rule(struct seal *seal, const char *text)
{
    return limit_parse(LIMIT_DEVICE_CGROUP_RULE, text, &seal->world->limit_context,
                       &seal->spec->limits, seal->err);
}

/* Rules asked for, after the ones that everybody has. A first rule that allows says what docker's
 * does: this too, beside the usual devices. One that denies is taken as it stands. */
static int seal_device_rules(struct seal *seal)
{
    struct limit_value *rules = &seal->spec->limits.value[LIMIT_DEVICE_CGROUP_RULE];
    const char *key = "device-cgroup-rule=";
    int r = 0;

    if (!seal->device_rules && (rules->n_entries == 0 || !rules->entries[0].allow))
        return 0;
    limit_value_done(rules);
    *rules = (struct limit_value){ 0 };
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(device_rule_table); i++)
        r = add_rule(seal, device_rule_table[i]);
    for (size_t i = 0; r == 0 && i < seal->device_allow.n; i++)
        r = add_rule(seal, seal->device_allow.v[i]);
    for (size_t i = 0; r == 0 && i < seal->draft->limit_texts.n; i++) {
        const char *text = seal->draft->limit_texts.v[i];
        if (text_starts(text, key))
            r = add_rule(seal, text + strlen(key));
    }
    return r;
}

int seal_limits(struct seal *seal)
{
    struct spec *spec = seal->spec;
    struct texts texts;

    if (limit_set_copy(&seal->draft->limits, &spec->limits) < 0)
        return err_nomem(seal->err);
    if (texts_copy(&seal->draft->limit_texts, &texts) < 0)
        return err_nomem(seal->err);
    spec->limit_texts = texts.v;
    if (!spec->limit_texts) {
        spec->limit_texts = calloc(1, sizeof(*spec->limit_texts));
        if (!spec->limit_texts)
            return err_nomem(seal->err);
    }
    return seal_device_rules(seal);
}

/* Of no use to the run itself, but wrong words are to be told before it begins. */
static int seal_health(struct seal *seal)
{
    struct spec_health health;
    int r = spec_find_health(seal->draft, &health, seal->err);

    strv_free(health.test);
    return r;
}

/* ---- all of it, in this order ----------------------------------------------------------------------------- */

static int (*const seal_table[])(struct seal *seal) = {
    seal_name,        seal_flags,   seal_numbers,  seal_image,   seal_paths,    seal_command,
    seal_namespaces,  seal_network, seal_hostname, seal_id_maps, seal_identity, seal_capabilities,
    seal_environment, seal_mounts,  seal_devices,  seal_masks,   seal_limits,   seal_health,
};

int spec_seal(const struct draft *draft, const struct spec_world *world, struct spec **ret,
              struct err *err)
{
    _cleanup_(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));
    struct seal seal = { .draft = draft, .world = world, .spec = spec, .err = err };
    int r = 0;

    if (!spec)
        return err_nomem(err);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(seal_table); i++)
        r = seal_table[i](&seal);
    free(seal.home);
    texts_done(&seal.device_allow);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(spec);
    return 0;
}
