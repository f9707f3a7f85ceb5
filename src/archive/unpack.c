/* Unpacking: entry after entry, until the end of the archive or of our patience. */
#include <errno.h>
#include <string.h>

#include "archive/archive_private.h"

static la_ssize_t next_piece(struct archive *archive, void *data, const void **ret)
{
    struct stream *stream = data;
    ssize_t n = stream_next(stream, ret);

    if (n == 0 && stream_error(stream, NULL) < 0) {
        archive_set_error(archive, EBADMSG, "it ends early");
        return -1;
    }
    return n;
}

static int check_entry(const struct unpacking *u, struct archive_entry *entry, struct err *err)
{
    const struct layer_ceilings *c = &u->how->ceilings;
    int64_t size = archive_entry_size(entry);
    char shown[32];

    if (u->done->entries > c->entries)
        return err_refuse(err, E2BIG, "it has more than %llu entries (--max-entries)",
                          (unsigned long long)c->entries);
    if (size < 0 || (uint64_t)size > c->bytes || u->done->bytes > c->bytes - (uint64_t)size) {
        size_format(c->bytes, shown, sizeof(shown));
        return err_refuse(err, E2BIG, "it unpacks to more than %s (--max-bytes)", shown);
    }
    return 0;
}

static int unpack_entry(struct unpacking *u, struct archive_entry *entry, struct err *err)
{
    const char *name = archive_entry_pathname(entry);
    _cleanup_free_ char *path = NULL;

    if (!name)
        return err_set(err, EBADMSG, "it has an entry without a name");
    u->done->entries++;
    int r = check_entry(u, entry, err);
    if (r == 0)
        r = place_clean(name, u->how->ceilings.depth, &path, err);
    if (r < 0)
        return r;
    if (archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry))
        u->done->bytes += (uint64_t)archive_entry_size(entry);
    return entry_make(u, entry, path, err);
}

static int not_read(struct unpacking *u, struct stream *stream, struct err *err)
{
    int r = stream_error(stream, err);

    if (r < 0)
        return r;
    if (u->done->entries == 0)
        return err_set(err, EBADMSG, "it is no tar archive");
    return err_set(err, EBADMSG, "it is damaged: %.200s",
                   text_or_empty(archive_error_string(u->archive)));
}

static int unpack_all(struct unpacking *u, struct stream *stream, struct err *err)
{
    struct archive_entry *entry;
    int r;

    archive_read_support_format_tar(u->archive);
    if (archive_read_open(u->archive, stream, NULL, next_piece, NULL) != ARCHIVE_OK)
        return not_read(u, stream, err);
    while ((r = archive_read_next_header(u->archive, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
        r = unpack_entry(u, entry, err);
        /* Its reader has stopped at something worse than what we stumbled over. */
        if (r == -EBADMSG)
            stream_error(stream, err);
        if (r < 0)
            return r;
    }
    if (r != ARCHIVE_EOF)
        return not_read(u, stream, err);
    /* Padding behind the end is part of what the digest is of. */
    const void *rest;
    while (stream_next(stream, &rest) > 0)
        continue;
    r = stream_error(stream, err);
    return r < 0 ? r : entry_finish_times(u, err);
}

int layer_unpack(int fd, const struct layer_unpack *how, struct layer_unpacked *ret,
                 struct err *err)
{
    struct unpacking u = {
        .how = how,
        .done = ret,
        .archive = archive_read_new(),
        .place = { .root_fd = how->tree_fd, .how = how },
    };
    struct stream *stream = NULL;

    *ret = (struct layer_unpacked){ 0 };
    int r = u.archive ? stream_open(fd, how, &stream, err) : err_nomem(err);
    if (r == 0)
        r = unpack_all(&u, stream, err);
    if (r == 0)
        stream_sums(stream, ret);
    archive_read_free(u.archive);
    stream_close(stream);
    place_done(&u.place);
    for (size_t i = 0; i < u.n_times; i++)
        free(u.times[i].path);
    free(u.times);
    return r;
}
