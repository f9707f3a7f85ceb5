/* Packing: a tar, hashed, and if asked for compressed on its way out. */
#include <errno.h>
#include <locale.h>
#include <search.h>
#include <string.h>

#include "archive/pack_private.h"

#define BLOCK (256 * 1024)
#define LAYER "application/vnd.oci.image.layer.v1."

static const struct {
    const char *name, *media_type;
    int filter;
    const char *level;
} compression_table[] = {
    [LAYER_TAR] = { "none", LAYER "tar", ARCHIVE_FILTER_NONE, NULL },
    [LAYER_GZIP] = { "gzip", LAYER "tar+gzip", ARCHIVE_FILTER_GZIP, "3" },
    [LAYER_ZSTD] = { "zstd", LAYER "tar+zstd", ARCHIVE_FILTER_ZSTD, "3" },
};

bool layer_compression_parse(const char *text, enum layer_compression *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(compression_table); i++) {
        if (strcmp(text, compression_table[i].name) == 0) {
            *ret = (enum layer_compression)i;
            return true;
        }
    }
    return false;
}

const char *layer_media_type(enum layer_compression compression)
{
    return compression_table[compression].media_type;
}

/* ---- the way out ---------------------------------------------------------------------------------------- */

static la_ssize_t write_out(struct archive *archive, void *data, const void *bytes, size_t len)
{
    struct pack *pack = data;
    int r = pack->how->write(pack->how->write_data, bytes, len);

    if (r < 0) {
        pack->write_error = r;
        archive_set_error(archive, -r, "%s", err_name(-r));
        return -1;
    }
    return (la_ssize_t)len;
}

static la_ssize_t write_tar(struct archive *archive, void *data, const void *bytes, size_t len)
{
    struct pack *pack = data;

    layer_hash_add(pack->diff_id, bytes, len);
    if (!pack->out)
        return write_out(archive, data, bytes, len);
    if (archive_write_data(pack->out, bytes, len) != (la_ssize_t)len) {
        archive_set_error(archive, EIO, "%s", text_or_empty(archive_error_string(pack->out)));
        return -1;
    }
    return (la_ssize_t)len;
}

static int failed(const struct pack *pack, struct archive *archive, struct err *err)
{
    int code = pack->write_error ? -pack->write_error : archive_errno(archive);

    if (pack->write_error)
        return err_set(err, code, "it cannot be written: %s", err_name(code));
    return err_set(err, code > 0 ? code : EIO, "it cannot be packed: %.200s",
                   text_or_empty(archive_error_string(archive)));
}

int pack_header(struct pack *pack, struct archive_entry *entry, struct err *err)
{
    pack->done->entries++;
    /* A warning is of names that are not text, which are kept as they are. */
    return archive_write_header(pack->tar, entry) < ARCHIVE_WARN ? failed(pack, pack->tar, err) : 0;
}

int pack_data(struct pack *pack, const void *data, size_t len, struct err *err)
{
    return archive_write_data(pack->tar, data, len) < 0 ? failed(pack, pack->tar, err) : 0;
}

/* ---- beginning and end ------------------------------------------------------------------------------------ */

static int open_out(struct pack *pack, struct err *err)
{
    enum layer_compression compression = pack->how->compression;
    struct archive_entry *entry;

    if (compression == LAYER_TAR)
        return 0;
    pack->out = archive_write_new();
    entry = archive_entry_new();
    if (!pack->out || !entry) {
        archive_entry_free(entry);
        return err_nomem(err);
    }
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_add_filter(pack->out, compression_table[compression].filter);
    archive_write_set_format_raw(pack->out);
    archive_write_set_filter_option(pack->out, NULL, "compression-level",
                                    compression_table[compression].level);
    /* The time of packing is nothing that the bytes may depend on. */
    archive_write_set_filter_option(pack->out, "gzip", "timestamp", NULL);
    archive_write_set_bytes_per_block(pack->out, BLOCK);
    archive_write_set_bytes_in_last_block(pack->out, 1);
    int r = 0;
    if (archive_write_open(pack->out, pack, NULL, write_out, NULL) != ARCHIVE_OK ||
        archive_write_header(pack->out, entry) != ARCHIVE_OK)
        r = failed(pack, pack->out, err);
    archive_entry_free(entry);
    return r;
}

static int open_tar(struct pack *pack, struct err *err)
{
    pack->tar = archive_write_new();
    if (!pack->tar)
        return err_nomem(err);
    /* Layers have whole seconds, as everybody's have; what is copied keeps its time. */
    if (pack->how->form == LAYER_OVERLAY)
        archive_write_set_format_pax_restricted(pack->tar);
    else
        archive_write_set_format_pax(pack->tar);
    archive_write_set_format_option(pack->tar, NULL, "xattrheader", "SCHILY");
    archive_write_set_bytes_per_block(pack->tar, BLOCK);
    archive_write_set_bytes_in_last_block(pack->tar, 1);
    if (archive_write_open(pack->tar, pack, NULL, write_tar, NULL) != ARCHIVE_OK)
        return failed(pack, pack->tar, err);
    return 0;
}

static int pack_all(struct pack *pack, struct err *err)
{
    int r = open_out(pack, err);

    if (r == 0)
        r = open_tar(pack, err);
    if (r == 0)
        r = pack_walk(pack, err);
    if (r == 0 && archive_write_close(pack->tar) != ARCHIVE_OK)
        r = failed(pack, pack->tar, err);
    if (r == 0 && pack->out && archive_write_close(pack->out) != ARCHIVE_OK)
        r = failed(pack, pack->out, err);
    return r;
}

int layer_pack(const struct layer_pack *how, struct layer_packed *ret, struct err *err)
{
    struct pack pack = { .how = how, .done = ret, .diff_id = layer_hash_start() };
    /* Names are taken for what they mostly are; without this each would be marked as something else. */
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;

    *ret = (struct layer_packed){ 0 };
    int r = pack.diff_id ? pack_all(&pack, err) : err_nomem(err);
    if (r < 0) {
        /* What is half written must not be finished by freeing it. */
        archive_write_fail(pack.tar ? pack.tar : pack.out);
        if (pack.tar && pack.out)
            archive_write_fail(pack.out);
    } else {
        layer_hash_format(pack.diff_id, ret->diff_id);
    }
    archive_write_free(pack.tar);
    archive_write_free(pack.out);
    tdestroy(pack.links, free);
    if (pack.diff_id)
        layer_hash_free(pack.diff_id);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return r;
}
