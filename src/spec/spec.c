/* Freeing a sealed spec. */
#include "spec/check.h"
#include "spec/option.h"

static void hooks_done(struct spec_hooks *hooks)
{
    for (size_t i = 0; i < hooks->n; i++) {
        free(hooks->hooks[i].path);
        strv_free(hooks->hooks[i].argv);
        strv_free(hooks->hooks[i].env);
    }
    free(hooks->hooks);
}

static void seccomp_free(struct seccomp_policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->n_rules; i++) {
        strv_free(policy->rules[i].names);
        free(policy->rules[i].arguments);
    }
    free(policy->rules);
    strv_free(policy->architectures);
    free(policy->listener_path);
    free(policy->listener_metadata);
    free(policy->text);
    free(policy);
}

/* The lists that only a document fills. */
static void document_lists_done(struct spec *spec)
{
    for (size_t i = 0; i < spec->n_joins; i++)
        free(spec->joins[i].path);
    free(spec->joins);
    for (size_t i = 0; i < HOOK_POINT_COUNT; i++)
        hooks_done(&spec->hooks[i]);
    for (size_t i = 0; i < spec->n_sysctls; i++) {
        free(spec->sysctls[i].path);
        free(spec->sysctls[i].value);
    }
    free(spec->sysctls);
    for (size_t i = 0; i < spec->n_netdevs; i++) {
        free(spec->netdevs[i].name);
        free(spec->netdevs[i].new_name);
    }
    free(spec->netdevs);
}

static void document_done(struct spec *spec)
{
    document_lists_done(spec);
    free(spec->bundle);
    free(spec->text);
    strv_free(spec->annotations);
    seccomp_free(spec->seccomp);
    free(spec->apparmor_profile);
    free(spec->selinux_label);
    free(spec->cpu_affinity_initial);
    free(spec->cpu_affinity_final);
    free(spec->rdt.clos_id);
    free(spec->rdt.l3_schema);
    free(spec->rdt.mem_schema);
    strv_free(spec->rdt.schemata);
    free(spec->cgroups_path);
}

static void net_done(struct spec_net *net)
{
    free(net->name);
    free(net->called);
    strv_free(net->aliases);
    free(net->publishes);
    strv_free(net->dns);
    strv_free(net->dns_search);
    strv_free(net->dns_options);
    strv_free(net->hosts);
    free(net->files);
}

void spec_forget_launch(struct spec *spec)
{
    strv_free(spec->env);
    for (size_t i = 0; i < spec->n_mounts; i++)
        spec_mount_done(&spec->mounts[i]);
    free(spec->mounts);
    for (size_t i = 0; i < spec->n_devices; i++)
        spec_device_done(&spec->devices[i]);
    free(spec->devices);
    for (size_t i = 0; i < spec->n_symlinks; i++) {
        free(spec->symlinks[i].path);
        free(spec->symlinks[i].target);
    }
    free(spec->symlinks);
    spec_overlay_free(spec->overlay);
    spec->env = NULL;
    spec->mounts = NULL;
    spec->devices = NULL;
    spec->symlinks = NULL;
    spec->overlay = NULL;
    spec->n_mounts = spec->n_devices = spec->n_symlinks = 0;
}

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    spec_forget_launch(spec);
    free(spec->name);
    strv_free(spec->argv);
    free(spec->cwd);
    free(spec->user);
    free(spec->groups);
    free(spec->hostname);
    free(spec->domainname);
    free(spec->uid_maps);
    free(spec->gid_maps);
    free(spec->rootfs);
    limit_set_done(&spec->limits);
    strv_free(spec->limit_texts);
    free(spec->cgroup_parent);
    net_done(&spec->net);
    document_done(spec);
    free(spec);
}

void spec_freep(struct spec **spec)
{
    spec_free(*spec);
}
