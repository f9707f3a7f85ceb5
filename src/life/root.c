/* What a container's root is made of: found at create, kept in ID/root, put into the draft at each start. */
#include "root/root.h"

#include <errno.h>
#include <string.h>

#include "life/life_private.h"
#include "volume/volume.h"

#define ROOT_MAX ((size_t)1 << 20)

static int root_keep(const struct container_dir *dir, const struct root_source *source,
                     const struct draft *draft, struct err *err)
{
    _cleanup_buf_ struct buf lines = BUF_INIT;

    root_describe(source, draft, &lines);
    state_line(&lines, "source", root_source_id(source));
    int r = buf_error(&lines);
    if (r >= 0)
        r = life_write_file(dir->fd, "root", lines.data, lines.len, true);
    return r < 0 ? err_set(err, -r, "cannot write down the root of container %.12s: %s", dir->id,
                           err_name(-r))
                 : 0;
}

int life_root_make(struct life *life, const struct container_dir *dir, const char *image,
                   struct draft *draft, struct root_volumes *ret_volumes, struct err *err)
{
    const struct volume_place place = { life->data_dir, life->world };
    _cleanup_root_source_ struct root_source *source = NULL;
    int r = image ? root_find(life->data_dir, image, draft, &source, err) : 0;

    if (r >= 0 && image)
        r = root_apply(source, draft, err);
    if (r >= 0)
        r = root_use_volumes(&place, dir->id, draft, ret_volumes, err);
    return r >= 0 && image ? root_keep(dir, source, draft, err) : r;
}

/* The operand by which the same is found again; false: there is no image. */
static int read_source(const struct container_dir *dir, char *ret, size_t size)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = file_read(dir->fd, "root", ROOT_MAX, &text);
    const char *cursor, *line;
    size_t len;

    *ret = '\0';
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    cursor = buf_text(&text);
    while (line_next(&cursor, &line, &len)) {
        if (len > strlen("source ") && strncmp(line, "source ", strlen("source ")) == 0)
            snprintf(ret, size, "%.*s", (int)(len - strlen("source ")), line + strlen("source "));
    }
    return 0;
}

int life_root_describe(struct life *life, const struct container_dir *dir, struct draft *draft,
                       struct err *err)
{
    _cleanup_root_source_ struct root_source *source = NULL;
    char operand[4200];
    int r = read_source(dir, operand, sizeof(operand));

    if (r < 0)
        return err_set(err, -r, "cannot read what the root of container %.12s is made of: %s",
                       dir->id, err_name(-r));
    if (!*operand)
        return 0;
    /* It is the image that the container was made from, or none. */
    r = spec_set(draft, life->world, "pull", "never", err);
    if (r >= 0)
        r = root_find(life->data_dir, operand, draft, &source, err);
    return r < 0 ? r : root_apply(source, draft, err);
}

int life_root_use(struct life *life, const struct container_dir *dir, struct draft *draft,
                  struct root_volumes *ret_volumes, struct err *err)
{
    const struct volume_place place = { life->data_dir, life->world };
    const char *removed = spec_get(draft, "rm");
    int r = life_root_describe(life, dir, draft, err);

    if (r >= 0)
        r = root_use_volumes(&place, dir->id, draft, ret_volumes, err);
    if (r < 0 || !spec_get_image(draft))
        return r;
    _cleanup_free_ char *directory = text_format("%s/containers/%s", life->data_dir, dir->id);
    if (!directory)
        return err_nomem(err);
    return root_add_layer(directory, removed && strcmp(removed, "true") == 0, draft, err);
}

int life_root_forget(struct life *life, const char *id, bool anonymous, struct err *err)
{
    const struct volume_place place = { life->data_dir, life->world };

    return volume_forget(&place, id, anonymous, err);
}
