/* libration: the machine, the options, describing a run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "api/api_private.h"
#include "image/image.h"
#include "oci/oci.h"
#include "report/report.h"

/* ---- errors ------------------------------------------------------------------------------------------ */

int api_error(struct ration_error *error, const struct err *err, int code)
{
    if (error && code < 0) {
        error->code = err->code;
        error->exit_status = err_exit_status(err);
        memcpy(error->step, err->step, sizeof(error->step));
        memcpy(error->text, err->text, sizeof(error->text));
    }
    return code;
}

int api_fail(struct ration_error *error, int code, const char *fmt, ...)
{
    struct err err = ERR_INIT;
    va_list ap;

    va_start(ap, fmt);
    err_vset(&err, ERR_FAILED, code, fmt, ap);
    va_end(ap);
    return api_error(error, &err, -code);
}

int api_usage(struct ration_error *error, const char *fmt, ...)
{
    struct err err = ERR_INIT;
    va_list ap;

    va_start(ap, fmt);
    err_vset(&err, ERR_USAGE, EINVAL, fmt, ap);
    va_end(ap);
    return api_error(error, &err, -EINVAL);
}

int api_write(int fd, const struct buf *text, struct ration_error *error)
{
    if (buf_error(text) < 0)
        return api_fail(error, ENOMEM, "out of memory");
    int r = fd_write_all(fd, buf_text(text), text->len);
    return r < 0 ? api_fail(error, -r, "cannot write to file descriptor %d: %s", fd, err_name(-r))
                 : 0;
}

/* ---- the machine -------------------------------------------------------------------------------------- */

const char *ration_version(void)
{
    return RATION_VERSION;
}

/*
 * Where images, containers and volumes are; nothing is made there yet. Who has no place for them (without
 * HOME) is told when one is needed.
 */
static int open_data(struct ration *ration, const char *asked, struct err *err)
{
    _cleanup_free_ char *path = NULL, *here = NULL;
    int r = image_data_dir(asked, &path, NULL);

    if (r == -ENOENT)
        return 0;
    if (r == 0 && path[0] != '/') {
        here = getcwd(NULL, 0);
        ration->data_dir = here ? text_format("%s/%s", here, path) : NULL;
    } else if (r == 0) {
        ration->data_dir = TAKE_PTR(path);
    }
    if (ration->data_dir)
        ration->volumes_dir = text_format("%s/volumes", ration->data_dir);
    ration->world.volumes = ration->volumes_dir;
    return ration->volumes_dir ? 0 : err_nomem(err);
}

int api_data_dir(const struct ration *ration, struct err *err)
{
    char *path;

    return ration->data_dir ? 0 : image_data_dir(NULL, &path, err);
}

int ration_open(const struct ration_options *options, struct ration **ret,
                struct ration_error *error)
{
    struct err err = ERR_INIT;
    struct ration *ration = calloc(1, sizeof(*ration));

    if (!ration)
        return api_fail(error, ENOMEM, "out of memory");
    int r = engine_open(options ? options->state_dir : NULL, &ration->engine, &err);
    if (r >= 0)
        r = run_world(engine_is_rootless(ration->engine), &ration->world, &err);
    if (r >= 0 && options && options->data_dir)
        r = engine_set_data_dir(ration->engine, options->data_dir, &err);
    if (r >= 0)
        ration->world.names = engine_names_dir(ration->engine);
    if (r >= 0)
        r = open_data(ration, options ? options->data_dir : NULL, &err);
    if (r >= 0)
        r = life_open(ration->engine, &ration->world, options ? options->data_dir : NULL,
                      options ? options->program : NULL, &ration->life, &err);
    if (r < 0) {
        ration_close(ration);
        return api_error(error, &err, r);
    }
    if (options && options->last)
        engine_set_last(ration->engine);
    *ret = ration;
    return 0;
}

void ration_close(struct ration *ration)
{
    if (!ration)
        return;
    life_close(ration->life);
    engine_close(ration->engine);
    free(ration->data_dir);
    free(ration->volumes_dir);
    free(ration);
}

int ration_reclaim(struct ration *ration, struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, engine_reclaim(ration->engine, &err));
}

/* ---- options ------------------------------------------------------------------------------------------ */

static int option_fill(bool found, const struct option_info *info, struct ration_option *ret)
{
    static const enum ration_option_kind kind_table[] = {
        [OPTION_FLAG] = RATION_OPTION_FLAG,
        [OPTION_VALUE] = RATION_OPTION_VALUE,
        [OPTION_MANY] = RATION_OPTION_MANY,
    };

    if (!found)
        return -ENOENT;
    *ret = (struct ration_option){
        .name = info->name,
        .letter = info->letter,
        .aliases = info->aliases,
        .metavar = info->metavar,
        .help = info->help,
        .group = info->group,
        .kind = kind_table[info->kind],
    };
    return 0;
}

size_t ration_option_count(void)
{
    return option_count();
}

int ration_option_at(size_t index, struct ration_option *ret)
{
    struct option_info info;

    return option_fill(option_at(index, &info), &info, ret);
}

int ration_option_find(const char *name, struct ration_option *ret)
{
    struct option_info info;

    return option_fill(option_find(name, &info), &info, ret);
}

int ration_option_find_letter(char letter, struct ration_option *ret)
{
    struct option_info info;

    return option_fill(option_find_letter(letter, &info), &info, ret);
}

/* ---- describing a run ---------------------------------------------------------------------------------- */

int ration_spec_new(struct ration *ration, struct ration_spec **ret, struct ration_error *error)
{
    struct ration_spec *spec = calloc(1, sizeof(*spec));

    if (spec)
        spec->draft = draft_new();
    if (!spec || !spec->draft) {
        free(spec);
        return api_fail(error, ENOMEM, "out of memory");
    }
    spec->ration = ration;
    for (int i = 0; i < 3; i++)
        spec->stdio[i] = i;
    *ret = spec;
    return 0;
}

void ration_spec_free(struct ration_spec *spec)
{
    if (!spec)
        return;
    draft_free(spec->draft);
    free(spec->image);
    free(spec);
}

int ration_spec_set_image(struct ration_spec *spec, const char *image, struct ration_error *error)
{
    return text_replace(&spec->image, image) < 0 ? api_fail(error, ENOMEM, "out of memory") : 0;
}

int ration_image_find(struct ration *ration, const char *image, struct ration_error *error)
{
    _cleanup_root_source_ struct root_source *source = NULL;
    _cleanup_(draft_freep) struct draft *draft = draft_new();
    struct err err = ERR_INIT;

    if (!draft)
        return api_fail(error, ENOMEM, "out of memory");
    int r = api_data_dir(ration, &err);
    if (r == 0)
        r = root_find(ration->data_dir, image, draft, &source, &err);
    return api_error(error, &err, r);
}

int ration_spec_set(struct ration_spec *spec, const char *name, const char *value,
                    struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, spec_set(spec->draft, &spec->ration->world, name, value, &err));
}

int ration_spec_set_command(struct ration_spec *spec, const char *const *argv,
                            struct ration_error *error)
{
    struct err err = ERR_INIT;

    return api_error(error, &err, spec_set_command(spec->draft, argv, &err));
}

int ration_spec_set_stdio(struct ration_spec *spec, int in, int out, int err,
                          struct ration_error *error)
{
    const int fds[3] = { in, out, err };

    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
            return api_fail(error, EBADF, "file descriptor %d is not open", fds[i]);
    }
    memcpy(spec->stdio, fds, sizeof(fds));
    return 0;
}

int ration_spec_set_measure(struct ration_spec *spec, enum ration_measure measure,
                            struct ration_error *error)
{
    static const enum spec_measure measure_table[] = {
        [RATION_MEASURE_GROUPS] = SPEC_MEASURE_GROUPS,
        [RATION_MEASURE_NOTHING] = SPEC_MEASURE_NOTHING,
        [RATION_MEASURE_ALL] = SPEC_MEASURE_ALL,
    };

    if ((size_t)measure >= ARRAY_SIZE(measure_table))
        return api_fail(error, EINVAL, "there is no such measure as %d", (int)measure);
    spec_set_measure(spec->draft, measure_table[measure]);
    return 0;
}

static int plan_print(const struct run_plan *plan, const char *format, struct buf *ret,
                      struct err *err)
{
    const struct plan_view view = { .plan = plan->plan,
                                    .layout = &plan->layout,
                                    .ceilings = plan->ceilings,
                                    .n_ceilings = plan->n_ceilings,
                                    .refusal = plan->refusal };

    if (strcmp(format, "text") == 0)
        return report_plan_text(&view, ret, err);
    if (strcmp(format, "json") == 0)
        return report_plan_json(&view, ret, err);
    return err_usage(err, "a plan is written as text or json, not as '%s'", format);
}

/* What it would write, of a spec that is complete. */
static int plan_write(struct ration *ration, const struct spec *spec, const char *layout,
                      const char *format, int fd, struct ration_error *error)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct run_plan plan = { 0 };
    struct err err = ERR_INIT;
    int r = run_plan(ration->engine, spec, layout, &plan, &err);

    if (r >= 0)
        r = plan_print(&plan, format, &text, &err);
    run_plan_done(&plan);
    return r < 0 ? api_error(error, &err, r) : api_write(fd, &text, error);
}

int ration_plan_write(struct ration *ration, const struct ration_spec *draft, const char *layout,
                      const char *format, int fd, struct ration_error *error)
{
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct err err = ERR_INIT;
    _cleanup_(draft_freep) struct draft *copy = NULL;
    int r = prepare_plan(ration, draft, &copy, &err);

    if (r == 0)
        r = spec_seal(copy, &ration->world, &spec, &err);
    return r < 0 ? api_error(error, &err, r) : plan_write(ration, spec, layout, format, fd, error);
}

static int read_bundle(struct ration *ration, const char *bundle, struct spec **ret,
                       struct err *err)
{
    _cleanup_free_ char *path = realpath(bundle, NULL);
    _cleanup_free_ char *file = path ? text_format("%s/config.json", path) : NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    const struct oci_context context = { .name = "NAME",
                                         .bundle = path,
                                         .rootless = engine_is_rootless(ration->engine),
                                         .world = &ration->world };

    if (!path)
        return err_set_class(err, ERR_USAGE, errno, "cannot open the bundle %.300s: %s", bundle,
                             err_name(errno));
    if (!file)
        return err_nomem(err);
    int r = file_read_regular(AT_FDCWD, file, OCI_DOCUMENT_MAX, &text);
    if (r < 0)
        return err_set_class(err, ERR_USAGE, -r, "cannot read %.300s: %s", file, err_name(-r));
    return oci_read_config(buf_text(&text), text.len, &context, ret, err);
}

int ration_plan_write_bundle(struct ration *ration, const char *bundle, const char *layout,
                             const char *format, int fd, struct ration_error *error)
{
    _cleanup_(spec_freep) struct spec *spec = NULL;
    struct err err = ERR_INIT;
    int r = read_bundle(ration, bundle, &spec, &err);

    return r < 0 ? api_error(error, &err, r) : plan_write(ration, spec, layout, format, fd, error);
}
