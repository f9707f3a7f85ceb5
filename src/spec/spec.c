/* Freeing a sealed spec. */
#include "spec/check.h"

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    free(spec->name);
    strv_free(spec->argv);
    strv_free(spec->env);
    free(spec->cwd);
    free(spec->user);
    free(spec->groups);
    free(spec->hostname);
    free(spec->domainname);
    free(spec->uid_maps);
    free(spec->gid_maps);
    free(spec->rootfs);
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
    limit_set_done(&spec->limits);
    strv_free(spec->limit_texts);
    free(spec->cgroup_parent);
    free(spec);
}

void spec_freep(struct spec **spec)
{
    spec_free(*spec);
}
