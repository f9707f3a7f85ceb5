/* libration: what a run of an image has of its own while it runs. */
#include <errno.h>

#include "api/api_private.h"

static bool has_volumes(const struct draft *draft)
{
    return spec_get(draft, "volume") || spec_get(draft, "mount");
}

static int prepare_image(struct ration *ration, const struct ration_spec *spec,
                         struct prepared *ret, struct err *err)
{
    const struct volume_place place = { ration->data_dir, &ration->world };
    _cleanup_root_source_ struct root_source *source = NULL;
    int r = root_find(ration->data_dir, spec->image, ret->draft, &source, err);

    if (r == 0)
        r = root_apply(source, ret->draft, err);
    if (r == 0)
        r = root_scratch_new(&place, source, ret->draft, &ret->scratch, err);
    if (r == 0)
        r = root_use_volumes(&place, root_scratch_name(ret->scratch), ret->draft, &ret->volumes,
                             err);
    return r < 0 ? r : root_add_layer(root_scratch_directory(ret->scratch), true, ret->draft, err);
}

int prepare_run(struct ration *ration, const struct ration_spec *spec, struct prepared *ret,
                struct err *err)
{
    const struct volume_place place = { ration->data_dir, &ration->world };

    if (draft_copy(spec->draft, &ret->draft) < 0)
        return err_nomem(err);
    /* Without a place for volumes those that are only paths do; others are refused when they are mounted. */
    if (!spec->image && (!has_volumes(ret->draft) || !ration->data_dir))
        return 0;
    int r = api_data_dir(ration, err);
    if (r < 0)
        return r;
    return spec->image ? prepare_image(ration, spec, ret, err)
                       : root_use_volumes(&place, NULL, ret->draft, &ret->volumes, err);
}

int prepare_plan(struct ration *ration, const struct ration_spec *spec, struct draft **ret,
                 struct err *err)
{
    _cleanup_root_source_ struct root_source *source = NULL;

    if (draft_copy(spec->draft, ret) < 0)
        return err_nomem(err);
    if (!spec->image)
        return 0;
    int r = api_data_dir(ration, err);
    if (r == 0)
        r = root_find(ration->data_dir, spec->image, *ret, &source, err);
    return r == 0 ? root_apply(source, *ret, err) : r;
}

int prepared_done(struct prepared *prepared, struct err *err)
{
    root_volumes_done(&prepared->volumes);
    int r = root_scratch_remove(prepared->scratch, err);

    draft_free(prepared->draft);
    *prepared = (struct prepared){ 0 };
    return r;
}
