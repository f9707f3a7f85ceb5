/* Blobs that came in part: kept in tmp by their digest, so that the next call need not fetch them from the start. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "image/image_private.h"

#define BLOCK (256u << 10)

/* What is there already counts as written; it is hashed, since nobody knows what has become of it. */
static int hash_what_is_there(struct image_blob *blob, struct err *err)
{
    _cleanup_free_ char *block = malloc(BLOCK);

    if (!block)
        return err_nomem(err);
    for (;;) {
        ssize_t n = read(blob->tmp.fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno, "what there is of a blob in %.200s/tmp cannot be read: %m",
                           blob->store->path);
        if (n == 0)
            return 0;
        blob->hash->add(blob->state, block, (size_t)n);
        blob->written += (uint64_t)n;
    }
}

int image_blob_resume(struct image_store *store, const struct image_hash *hash, const char *digest,
                      struct image_blob **ret, struct err *err)
{
    _cleanup_image_blob_ struct image_blob *blob = calloc(1, sizeof(*blob));
    char name[80];

    *ret = NULL;
    if (!blob)
        return err_nomem(err);
    if (!image_digest_is(digest))
        return err_set(err, EBADMSG, "\"%.100s\" is no digest", digest);
    *blob = (struct image_blob){ .store = store, .hash = hash, .tmp = { .fd = -1 }, .keep = true };
    blob->state = hash->start();
    if (!blob->state)
        return err_nomem(err);
    snprintf(name, sizeof(name), IMAGE_PARTIAL "%s", image_digest_hex(digest));
    int r = image_tmp_take(store, name, &blob->tmp, err);
    if (r == 0)
        r = hash_what_is_there(blob, err);
    if (r == 0)
        *ret = TAKE_PTR(blob);
    return r;
}

void image_blob_forget(struct image_store *store)
{
    image_tmp_reclaim(store, true);
}
