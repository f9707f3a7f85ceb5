/* An OCI image layout: index.json, and blobs by their digests. */
#include <errno.h>
#include <string.h>

#include "imagecli/load.h"

#define NESTING_MAX 4 /* indexes in indexes; a circle has no end */

/* Its bytes, checked against the digest by putting it into the store. */
static int take_document(struct load *load, const struct image_descriptor *from, struct buf *ret,
                         struct err *err)
{
    char path[IMAGE_DIGEST_SIZE + 16];

    snprintf(path, sizeof(path), "blobs/sha256/%s", image_digest_hex(from->digest));
    if (from->size_bytes > IMAGE_DOCUMENT_MAX)
        return err_set(err, EBADMSG, "%s in it is larger than a document can be", from->digest);
    int r = load_blob(load, path, from->digest, from->size_bytes, NULL, NULL, err);
    return r < 0 ? r : image_blob_read(load->call->store, from->digest, ret, err);
}

static int take_blob(struct load *load, const struct image_descriptor *from, struct err *err)
{
    char path[IMAGE_DIGEST_SIZE + 16];

    if (image_blob_has(load->call->store, from->digest))
        return 0;
    snprintf(path, sizeof(path), "blobs/sha256/%s", image_digest_hex(from->digest));
    return load_blob(load, path, from->digest, from->size_bytes, NULL, NULL, err);
}

static int take_image(struct load *load, const struct image_document *manifest, const char *digest,
                      const char *name, struct err *err)
{
    char *names[] = { (char *)(uintptr_t)name, NULL };
    int r = take_blob(load, &manifest->config, err);

    for (size_t i = 0; r == 0 && i < manifest->n_entries; i++)
        r = take_blob(load, &manifest->entries[i], err);
    return r < 0 ? r : load_finish(load, digest, name ? names : NULL, err);
}

/* What tools call it: a whole name, or a tag alone, which goes with the file's own name. NULL: nothing. */
static int name_of(const struct load *load, const char *name, char **ret, struct err *err)
{
    _cleanup_free_ char *whole = NULL;

    *ret = NULL;
    if (!name)
        return 0;
    if (strpbrk(name, ":/"))
        return build_name(name, ret, err);
    if (!load->fallback)
        return 0;
    whole = text_format("%s:%s", load->fallback, name);
    return whole ? build_name(whole, ret, err) : err_nomem(err);
}

/* From an entry of index.json down to an image's manifest, through indexes of several machines. */
static int take_entry(struct load *load, const struct image_descriptor *entry, struct err *err)
{
    struct image_descriptor at = *entry;
    char digest[IMAGE_DIGEST_SIZE];
    struct image_document document = { 0 };
    _cleanup_free_ char *name = NULL;
    int r = name_of(load, entry->name, &name, err);

    for (unsigned depth = 0; r == 0; depth++) {
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct image_document next;
        snprintf(digest, sizeof(digest), "%s", at.digest);
        r = depth == NESTING_MAX
                ? err_set(err, ELOOP, "indexes in it lie in one another more than %d deep",
                          NESTING_MAX)
                : take_document(load, &at, &text, err);
        if (r == 0)
            r = image_document_parse(buf_text(&text), text.len, &next, err);
        if (r < 0)
            break;
        image_document_done(&document);
        document = next;
        if (!document.index)
            break;
        size_t index;
        r = image_document_choose(&document, load->platform, &index, err);
        if (r == 0)
            at = document.entries[index];
    }
    if (r == 0)
        r = take_image(load, &document, digest, name, err);
    image_document_done(&document);
    return r;
}

static bool is_wanted(const struct load *load, const struct image_descriptor *entry)
{
    return !load->wanted || (entry->name && strcmp(entry->name, load->wanted) == 0);
}

int load_layout(struct load *load, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct image_document index;
    int r = load_text(load, "index.json", &text, err);

    if (r == 0)
        r = image_document_parse(buf_text(&text), text.len, &index, err);
    if (r != 0)
        return r;
    if (!index.index)
        r = err_set(err, EBADMSG, "index.json in it is no index");
    for (size_t i = 0; r == 0 && i < index.n_entries; i++) {
        if (is_wanted(load, &index.entries[i]))
            r = take_entry(load, &index.entries[i], err);
    }
    image_document_done(&index);
    return r;
}
