/* Blobs: files called by what they hold. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image_private.h"

bool image_blob_has(struct image_store *store, const char *digest)
{
    struct stat st;

    return store->dir_fd >= 0 && image_digest_is(digest) &&
           fstatat(store->blobs_fd, image_digest_hex(digest), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode);
}

int image_blob_open(struct image_store *store, const char *digest, uint64_t *ret_size_bytes,
                    struct err *err)
{
    struct stat st;

    if (!image_digest_is(digest))
        return err_set(err, EBADMSG, "\"%.100s\" is no digest", text_or_empty(digest));
    if (store->dir_fd < 0)
        return image_store_missing(store, err);
    int fd = openat(store->blobs_fd, image_digest_hex(digest),
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ENOENT, "the blob %s is not in %.200s", digest, store->path);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int r = err_set(err, errno, "cannot open the blob %s: %m", digest);
        fd_close(fd);
        return r;
    }
    if (!S_ISREG(st.st_mode)) {
        fd_close(fd);
        return err_set(err, EBADMSG, "the blob %s is no file", digest);
    }
    if (ret_size_bytes)
        *ret_size_bytes = (uint64_t)st.st_size;
    return fd;
}

int image_blob_read(struct image_store *store, const char *digest, struct buf *ret, struct err *err)
{
    uint64_t size = 0;
    _cleanup_close_ int fd = image_blob_open(store, digest, &size, err);

    if (fd < 0)
        return fd;
    if (size > IMAGE_DOCUMENT_MAX)
        return err_set(err, EBADMSG, "%s is no document: it is larger than %u MiB", digest,
                       IMAGE_DOCUMENT_MAX >> 20);
    int r = fd_read_all(fd, IMAGE_DOCUMENT_MAX, ret);
    if (r < 0)
        return err_set(err, -r, "cannot read the blob %s: %s", digest, err_name(-r));
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

int image_blob_start(struct image_store *store, const struct image_hash *hash,
                     struct image_blob **ret, struct err *err)
{
    struct image_blob *blob = calloc(1, sizeof(*blob));

    if (!blob)
        return err_nomem(err);
    *blob = (struct image_blob){ .store = store, .hash = hash, .tmp = { .fd = -1 } };
    blob->state = hash->start();
    int r = blob->state ? image_tmp_make(store, false, &blob->tmp, err) : err_nomem(err);
    if (r < 0) {
        image_blob_free(blob);
        return r;
    }
    *ret = blob;
    return 0;
}

int image_blob_add(struct image_blob *blob, const void *data, size_t len, struct err *err)
{
    int r = fd_write_all(blob->tmp.fd, data, len);

    if (r < 0)
        return err_set(err, -r, "cannot write into %.200s: %s", blob->store->path, err_name(-r));
    blob->hash->add(blob->state, data, len);
    blob->written += len;
    return 0;
}

uint64_t image_blob_written(const struct image_blob *blob)
{
    return blob->written;
}

int image_blob_rewind(struct image_blob *blob, struct err *err)
{
    void *state = blob->hash->start();

    if (!state)
        return err_nomem(err);
    blob->hash->free(blob->state);
    blob->state = state;
    blob->written = 0;
    if (ftruncate(blob->tmp.fd, 0) < 0 || lseek(blob->tmp.fd, 0, SEEK_SET) < 0)
        return err_set(err, errno, "cannot begin a blob anew: %m");
    return 0;
}

static int blob_place(struct image_blob *blob, const char *digest, struct err *err)
{
    struct image_store *store = blob->store;

    if (image_blob_has(store, digest))
        return 0;
    if (fchmod(blob->tmp.fd, 0644) < 0 || fsync(blob->tmp.fd) < 0 ||
        renameat(store->tmp_fd, blob->tmp.name, store->blobs_fd, image_digest_hex(digest)) < 0)
        return err_set(err, errno, "cannot put the blob %s into %.200s: %m", digest, store->path);
    blob->tmp.name[0] = '\0';
    if (fsync(store->blobs_fd) < 0)
        return err_set(err, errno, "cannot flush %.200s/blobs: %m", store->path);
    return 0;
}

int image_blob_finish(struct image_blob *blob, const char *digest, uint64_t size_bytes,
                      char ret_digest[IMAGE_DIGEST_SIZE], struct err *err)
{
    char is[IMAGE_DIGEST_SIZE];
    uint8_t sum[32];

    blob->hash->end(blob->state, sum);
    image_digest_format(sum, is);
    if (size_bytes != UINT64_MAX && size_bytes != blob->written)
        return err_set(err, EBADMSG, "%s should have %llu bytes and has %llu", digest ? digest : is,
                       (unsigned long long)size_bytes, (unsigned long long)blob->written);
    if (digest && strcmp(digest, is) != 0)
        return err_set(err, EBADMSG, "what came as %s is %s", digest, is);
    if (ret_digest)
        memcpy(ret_digest, is, sizeof(is));
    return blob_place(blob, is, err);
}

void image_blob_free(struct image_blob *blob)
{
    if (!blob)
        return;
    if (blob->state)
        blob->hash->free(blob->state);
    /* Without its name it is closed alone. */
    if (blob->keep && blob->written > 0)
        blob->tmp.name[0] = '\0';
    image_tmp_done(blob->store, &blob->tmp);
    free(blob);
}

void image_blob_freep(struct image_blob **blob)
{
    image_blob_free(*blob);
}

int image_blob_put(struct image_store *store, const struct image_hash *hash, const void *data,
                   size_t len, char ret_digest[IMAGE_DIGEST_SIZE], struct err *err)
{
    _cleanup_image_blob_ struct image_blob *blob = NULL;
    int r = image_blob_start(store, hash, &blob, err);

    if (r == 0)
        r = image_blob_add(blob, data, len, err);
    if (r == 0)
        r = image_blob_finish(blob, NULL, UINT64_MAX, ret_digest, err);
    return r;
}
