/* A container's groups beneath a scope of systemd's, where that makes them (--cgroup-manager systemd). */
#include <errno.h>
#include <string.h>

#include "run/container_private.h"

bool engine_has_systemd(void)
{
    return systemd_is_supported();
}

int scope_begin(const struct engine *engine, const struct spec *spec, struct scope_name *ret_name,
                struct scope **ret_scope, char **ret_path, struct err *err)
{
    _cleanup_buf_ struct buf properties = BUF_INIT;
    char description[160];
    int r = scope_name_plan(spec->cgroups_path, spec->name, engine->rootless || systemd_is_user(),
                            ret_name, err);

    if (r >= 0)
        r = properties_from_annotations(spec->annotations, &properties, err);
    if (r < 0)
        return r;
    snprintf(description, sizeof(description), "container %s", spec->name);
    r = scope_start(ret_name, description, buf_text(&properties), ret_scope, err);
    if (r < 0)
        return r;
    /* One beneath: the scope's own files are systemd's to write. */
    *ret_path = text_format("%s/container", scope_group(*ret_scope));
    return *ret_path ? 0 : err_nomem(err);
}

int scope_settle(struct scope *scope, const struct plan *plan, struct err *err)
{
    _cleanup_buf_ struct buf properties = BUF_INIT;
    int r = properties_from_plan(plan, &properties, err);

    if (r >= 0)
        r = scope_set(scope, buf_text(&properties), err);
    return r < 0 ? r : scope_release(scope, err);
}

void scope_record(const struct scope_name *name, struct buf *ret)
{
    if (name->unit)
        buf_printf(ret, "scope %s %s\n", name->user ? "user" : "system", name->unit);
}

/* It has one of systemd's; false: none. The unit's name is of those that a record line can hold. */
static bool read_scope(const struct container *container, struct scope_name *ret)
{
    static const char user[] = "user ", machine[] = "system ";
    _cleanup_free_ char *value = container_value(buf_text(&container->text), "scope");
    bool is_user = value && text_starts(value, user);

    if (!value || !(is_user || text_starts(value, machine)))
        return false;
    *ret = (struct scope_name){
        .unit = strdup(value + strlen(is_user ? user : machine)),
        .slice = strdup(""),
        .user = is_user,
    };
    if (ret->unit && ret->slice)
        return true;
    scope_name_done(ret);
    return false;
}

int container_stop_scope(struct container *container, struct err *err)
{
    struct scope_name name = { 0 };

    if (!read_scope(container, &name))
        return 0;
    int r = scope_stop(&name, err);
    scope_name_done(&name);
    return r;
}

static int tell_scope(struct container *container, const struct plan *plan,
                      int (*properties_of)(const struct plan *, struct buf *, struct err *),
                      struct err *err)
{
    _cleanup_buf_ struct buf properties = BUF_INIT;
    struct scope_name name = { 0 };

    if (!read_scope(container, &name))
        return 0;
    int r = properties_of(plan, &properties, err);
    if (r >= 0)
        r = scope_update(&name, buf_text(&properties), err);
    scope_name_done(&name);
    return r;
}

int container_loosen_scope(struct container *container, const struct plan *plan, struct err *err)
{
    return tell_scope(container, plan, properties_before_plan, err);
}

int container_tell_scope(struct container *container, const struct plan *plan, struct err *err)
{
    int r = tell_scope(container, plan, properties_from_plan, err);

    if (r < 0)
        err_prefix(err, "the limits are in force, but systemd may undo them");
    return r;
}
