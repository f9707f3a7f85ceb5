/* libration: volumes. */
#include "volume/volume.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "api/api_private.h"

static struct volume_place place_of(const struct ration *ration)
{
    return (struct volume_place){ ration->data_dir, &ration->world };
}

int ration_volume_create(struct ration *ration, const char *name, const char *const *labels,
                         struct ration_error *error)
{
    const struct volume_place place = place_of(ration);
    struct err err = ERR_INIT;
    int r = api_data_dir(ration, &err);

    for (const char *const *label = labels; r == 0 && label && *label; label++) {
        if (**label == '\0' || **label == '=')
            r = err_usage(&err, "--label takes NAME[=VALUE]; a name is missing in \"%.64s\"",
                          *label);
    }
    /* Only read; the parameter lacks the const that C cannot add by itself. */
    if (r == 0)
        r = volume_create(&place, name, (char *const *)(uintptr_t)labels, false, NULL, &err);
    return r > 0 ? r : api_error(error, &err, r);
}

int ration_volume_remove(struct ration *ration, const char *name, int force,
                         struct ration_error *error)
{
    const struct volume_place place = place_of(ration);
    struct err err = ERR_INIT;
    int r = api_data_dir(ration, &err);

    if (r == 0)
        r = volume_remove(&place, name, force != 0, &err);
    return api_error(error, &err, r);
}

struct visit {
    const char *name; /* NULL: all */
    ration_volume_fn fn;
    void *data;
    bool found;
};

static char *volume_json(const struct volume *volume)
{
    json_t *labels = json_object();
    char created[32] = "";
    time_t seconds = (time_t)(volume->created_us / 1000000);
    struct tm tm;

    for (char **label = volume->labels; label && *label; label++) {
        size_t n = strcspn(*label, "=");
        _cleanup_free_ char *key = strndup(*label, n);
        json_object_set_new(labels, key, json_string((*label)[n] ? *label + n + 1 : ""));
    }
    if (gmtime_r(&seconds, &tm))
        strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_t *all =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:b, s:b}", "Name", volume->name, "Driver",
                  "local", "Mountpoint", volume->directory, "CreatedAt", created, "Labels", labels,
                  "Scope", "local", "Anonymous", volume->anonymous, "InUse", volume->used);
    char *text = all ? json_dumps(all, JSON_INDENT(4)) : NULL;
    json_decref(all);
    return text;
}

static int visit_one(void *data, const struct volume *volume)
{
    struct visit *visit = data;
    const struct ration_volume public = {
        .name = volume->name,
        .directory = volume->directory,
        .labels = (const char *const *)volume->labels,
        .created_us = volume->created_us,
        .anonymous = volume->anonymous,
        .used = volume->used,
    };

    if (visit->name && strcmp(visit->name, volume->name) != 0)
        return 0;
    visit->found = true;
    _cleanup_free_ char *json = volume_json(volume);
    return json ? visit->fn(visit->data, &public, json) : -ENOMEM;
}

int ration_volume_each(struct ration *ration, const char *name, ration_volume_fn fn, void *data,
                       struct ration_error *error)
{
    const struct volume_place place = place_of(ration);
    struct visit visit = { name, fn, data, false };
    struct err err = ERR_INIT;
    int r = api_data_dir(ration, &err);

    if (r == 0)
        r = volume_visit(&place, visit_one, &visit, &err);
    if (r == 0 && name && !visit.found)
        return api_fail(error, ENOENT, "there is no volume %.128s", name);
    if (r == -ENOMEM && !err.code)
        err_nomem(&err);
    return r < 0 && err.code ? api_error(error, &err, r) : r;
}
