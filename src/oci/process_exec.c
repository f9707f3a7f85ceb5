/* A process to execute in a container: its document on top of the container's. */
#include <errno.h>
#include <string.h>

#include "oci/reading.h"

/* What such a process has from the container without asking. */
static const size_t text_table[] = {
    offsetof(struct spec, name),
    offsetof(struct spec, bundle),
    offsetof(struct spec, rootfs),
    offsetof(struct spec, apparmor_profile),
    offsetof(struct spec, selinux_label),
    offsetof(struct spec, cpu_affinity_initial),
    offsetof(struct spec, cpu_affinity_final),
    offsetof(struct spec, cgroups_path),
};

static int copy_texts(const struct spec *base, struct spec *spec)
{
    for (size_t i = 0; i < ARRAY_SIZE(text_table); i++) {
        char *const *from = (char *const *)((const char *)base + text_table[i]);
        char **to = (char **)((char *)spec + text_table[i]);
        if (*from && text_replace(to, *from) < 0)
            return -ENOMEM;
    }
    return base->annotations ? strv_copy(base->annotations, &spec->annotations) : 0;
}

static void *copy_bytes(const void *from, size_t n, size_t size)
{
    void *to = calloc(n + 1, size);

    return to && n > 0 ? memcpy(to, from, n * size) : to;
}

static int copy_maps(const struct spec *base, struct spec *spec)
{
    spec->uid_maps = copy_bytes(base->uid_maps, base->n_uid_maps, sizeof(*spec->uid_maps));
    spec->gid_maps = copy_bytes(base->gid_maps, base->n_gid_maps, sizeof(*spec->gid_maps));
    if (!spec->uid_maps || !spec->gid_maps)
        return -ENOMEM;
    spec->n_uid_maps = base->n_uid_maps;
    spec->n_gid_maps = base->n_gid_maps;
    return 0;
}

static int copy_rule(const struct seccomp_rule *from, struct seccomp_rule *to)
{
    to->action = from->action;
    to->errno_value = from->errno_value;
    to->arguments = copy_bytes(from->arguments, from->n_arguments, sizeof(*to->arguments));
    if (!to->arguments)
        return -ENOMEM;
    to->n_arguments = from->n_arguments;
    return strv_copy(from->names, &to->names);
}

static int copy_seccomp(const struct seccomp_policy *from, struct spec *spec)
{
    struct seccomp_policy *to = spec->seccomp = calloc(1, sizeof(*to));

    if (!to || !(to->rules = calloc(from->n_rules + 1, sizeof(*to->rules))))
        return -ENOMEM;
    to->default_action = from->default_action;
    to->default_errno = from->default_errno;
    to->flags = from->flags;
    for (size_t i = 0; i < from->n_rules; i++) {
        to->n_rules = i + 1;
        if (copy_rule(&from->rules[i], &to->rules[i]) < 0)
            return -ENOMEM;
    }
    if (from->architectures && strv_copy(from->architectures, &to->architectures) < 0)
        return -ENOMEM;
    if (from->listener_path && text_replace(&to->listener_path, from->listener_path) < 0)
        return -ENOMEM;
    if (from->listener_metadata &&
        text_replace(&to->listener_metadata, from->listener_metadata) < 0)
        return -ENOMEM;
    return text_replace(&to->text, from->text);
}

static void copy_values(const struct spec *base, struct spec *spec)
{
    spec->document = true;
    spec->identity_set = true;
    spec->interactive = true;
    spec->rootless = base->rootless;
    spec->measure = SPEC_MEASURE_NOTHING;
    spec->stop_signal = base->stop_signal;
    spec->stop_timeout_us = base->stop_timeout_us;
    spec->soft_signal = base->soft_signal;
    spec->namespaces = base->namespaces;
    spec->network = base->network;
    spec->no_new_privs = base->no_new_privs;
    spec->no_new_keyring = base->no_new_keyring;
    spec->caps = base->caps;
    spec->umask_set = base->umask_set;
    spec->umask = base->umask;
    spec->oom_score_adj_set = base->oom_score_adj_set;
    spec->oom_score_adj = base->oom_score_adj;
    spec->scheduler = base->scheduler;
    spec->io_priority_set = base->io_priority_set;
    spec->io_class = base->io_class;
    spec->io_priority = base->io_priority;
    spec->personality_set = base->personality_set;
    spec->personality = base->personality;
    /* rlimits alone are each process's own; they have no part on the heap */
    for (enum limit_id id = 0; id < LIMIT_COUNT; id++) {
        if (text_starts(limit_info(id)->name, "rlimit-"))
            spec->limits.value[id] = base->limits.value[id];
    }
}

static int copy_base(const struct spec *base, struct spec *spec)
{
    copy_values(base, spec);
    if (copy_texts(base, spec) < 0 || copy_maps(base, spec) < 0)
        return -ENOMEM;
    return base->seccomp ? copy_seccomp(base->seccomp, spec) : 0;
}

int oci_read_process(const char *text, size_t len, const struct spec *base,
                     const struct oci_context *context, struct spec **ret, struct err *err)
{
    _cleanup_json_ json_t *document = NULL;
    _cleanup_(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));
    struct reading r = { .context = context, .spec = spec, .err = err };

    *ret = NULL;
    if (!spec)
        return err_nomem(err);
    int result = json_document_load(text, len, &document, err);
    if (result == 0 && copy_base(base, spec) < 0)
        result = err_nomem(err);
    /* Nothing stands above a process document: its fields are called as in config.json. */
    if (result == 0)
        result = read_process(&r, document, "process", spec);
    if (result == 0)
        result = check_identity(&r);
    if (result < 0)
        return result;
    *ret = TAKE_PTR(spec);
    return 0;
}
