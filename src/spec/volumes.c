/* Names for volumes that have none. */
#include <errno.h>
#include <string.h>

#include "spec/check.h"
#include "spec/option.h"

struct naming {
    struct draft *draft;
    int (*name_fn)(void *data, char ret[static 65]);
    void *data;
    char **names; /* given so far */
    struct err *err;
};

static int naming_next(struct naming *naming, char ret[static 65])
{
    int r = naming->name_fn(naming->data, ret);

    if (r < 0)
        return err_set(naming->err, -r, "no random name for a volume: %s", err_name(-r));
    return strv_push(&naming->names, ret) < 0 ? err_nomem(naming->err) : 0;
}

/* -v TARGET[:OPTIONS] */
static int name_asked(struct naming *naming)
{
    struct texts *texts = &naming->draft->value[OPTION_volume];

    for (size_t i = 0; i < texts->n; i++) {
        _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };
        char name[65];
        int r = parse_volume("volume", texts->v[i], &mount, naming->err);
        if (r == 0 && mount.volume && !*mount.volume) {
            r = naming_next(naming, name);
            _cleanup_free_ char *text = r == 0 ? text_format("%s:%s", name, texts->v[i]) : NULL;
            if (r == 0 && (!text || text_replace(&texts->v[i], text) < 0))
                r = err_nomem(naming->err);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* --mount type=volume without a source */
static int name_spelt(struct naming *naming)
{
    struct texts *texts = &naming->draft->value[OPTION_mount];

    for (size_t i = 0; i < texts->n; i++) {
        _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };
        char name[65];
        int r = parse_mount("mount", texts->v[i], &mount, naming->err);
        if (r == 0 && mount.volume && !*mount.volume) {
            r = naming_next(naming, name);
            _cleanup_free_ char *text =
                r == 0 ? text_format("%s,source=%s", texts->v[i], name) : NULL;
            if (r == 0 && (!text || text_replace(&texts->v[i], text) < 0))
                r = err_nomem(naming->err);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Each mount that was asked for; what fn returns ends it unless it is 0. */
static int mounts_visit(const struct draft *draft,
                        int (*fn)(void *data, const struct spec_mount *mount), void *data,
                        struct err *err)
{
    static const struct {
        enum option_id id;
        int (*parse)(const char *, const char *, struct spec_mount *, struct err *);
    } source_table[] = {
        { OPTION_volume, parse_volume },
        { OPTION_mount, parse_mount },
        { OPTION_tmpfs, parse_tmpfs },
    };

    for (size_t i = 0; i < ARRAY_SIZE(source_table); i++) {
        const struct texts *texts = &draft->value[source_table[i].id];
        for (size_t j = 0; j < texts->n; j++) {
            _cleanup_(spec_mount_done) struct spec_mount mount = { 0 };
            int r = source_table[i].parse(option_table[source_table[i].id].name, texts->v[j],
                                          &mount, err);
            if (r == 0)
                r = fn(data, &mount);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

static int is_at(void *data, const struct spec_mount *mount)
{
    return strcmp(mount->target, data) == 0;
}

/* Is the place taken by a mount that was asked for? */
static int is_asked(const struct draft *draft, char *target, struct err *err)
{
    return mounts_visit(draft, is_at, target, err);
}

/* In the spelling that any path can be written in: a quote in it is doubled. */
static char *mount_text(const char *name, const char *target)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    buf_printf(&text, "type=volume,source=%s,\"target=", name);
    for (; *target; target++) {
        buf_putc(&text, *target);
        if (*target == '"')
            buf_putc(&text, '"');
    }
    buf_putc(&text, '"');
    return buf_take(&text);
}

static int name_of_image(struct naming *naming)
{
    const struct spec_image *image = naming->draft->image;

    for (char **v = image ? image->volumes : NULL; v && *v; v++) {
        _cleanup_free_ char *clean = NULL;
        char name[65];
        int r = parse_target("the image's volume", *v, &clean, naming->err);
        if (r == 0)
            r = is_asked(naming->draft, clean, naming->err);
        if (r != 0) {
            if (r < 0)
                return r;
            continue;
        }
        r = naming_next(naming, name);
        _cleanup_free_ char *text = r == 0 ? mount_text(name, clean) : NULL;
        if (r == 0)
            r = text ? draft_store(naming->draft, OPTION_mount, text, naming->err)
                     : err_nomem(naming->err);
        if (r < 0)
            return r;
    }
    return 0;
}

int spec_name_volumes(struct draft *draft, int (*name_fn)(void *data, char ret[static 65]),
                      void *data, char ***ret_names, struct err *err)
{
    struct naming naming = { draft, name_fn, data, NULL, err };
    int r = name_asked(&naming);

    if (r == 0)
        r = name_spelt(&naming);
    if (r == 0)
        r = name_of_image(&naming);
    if (r < 0) {
        strv_free(naming.names);
        return r;
    }
    *ret_names = naming.names;
    return 0;
}

static int volume_collect(void *data, const struct spec_mount *mount)
{
    char ***names = data;

    for (char **name = *names; mount->volume && name && *name; name++) {
        if (strcmp(*name, mount->volume) == 0)
            return 0;
    }
    return mount->volume && *mount->volume ? strv_push(names, mount->volume) : 0;
}

int spec_volumes(const struct draft *draft, char ***ret, struct err *err)
{
    _cleanup_(strv_freep) char **names = NULL;
    int r = mounts_visit(draft, volume_collect, &names, err);

    if (r < 0)
        return r == -ENOMEM ? err_nomem(err) : r;
    *ret = TAKE_PTR(names);
    return 0;
}
