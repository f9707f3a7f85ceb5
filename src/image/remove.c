/* What is in the store, and taking it out again: for whoever holds IMAGE_LOCK_DELETE. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image_private.h"

/* Each entry of a directory whose name is 64 digits; other is told of what has another. */
static int visit_directory(struct image_store *store, int dir_fd, const char *what,
                           image_entry_fn fn, void *data, struct err *err)
{
    int r = 0;

    if (store->dir_fd < 0)
        return 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        fd_close(fd);
        return err_set(err, errno, "cannot read %.200s/%s: %m", store->path, what);
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        char digest[IMAGE_DIGEST_SIZE];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(digest, sizeof(digest), "sha256:%.64s", entry->d_name);
        bool good =
            strlen(entry->d_name) == 64 && n == IMAGE_DIGEST_SIZE - 1 && image_digest_is(digest);
        r = fn(data, good ? digest : NULL, entry->d_name);
    }
    closedir(dir);
    return r;
}

int image_blob_visit(struct image_store *store, image_entry_fn fn, void *data, struct err *err)
{
    return visit_directory(store, store->blobs_fd, "blobs/sha256", fn, data, err);
}

int image_layer_visit(struct image_store *store, image_entry_fn fn, void *data, struct err *err)
{
    return visit_directory(store, store->layers_fd, "layers", fn, data, err);
}

int image_blob_remove(struct image_store *store, const char *digest, struct err *err)
{
    if (unlinkat(store->blobs_fd, image_digest_hex(digest), 0) < 0 && errno != ENOENT)
        return err_set(err, errno, "cannot remove the blob %s: %m", digest);
    return 0;
}

/* A call that is killed while it removes a tree must not leave half a layer: the tree goes from tmp. */
int image_layer_remove(struct image_store *store, const char *diff_id, struct err *err)
{
    char name[80];

    snprintf(name, sizeof(name), "gone-%s", image_digest_hex(diff_id));
    tree_remove(store->tmp_fd, name);
    if (renameat(store->layers_fd, image_digest_hex(diff_id), store->tmp_fd, name) < 0)
        return errno == ENOENT ? 0 : err_set(err, errno, "cannot remove the layer %s: %m", diff_id);
    int r = tree_remove(store->tmp_fd, name);
    return r < 0 ? err_set(err, -r, "cannot remove the layer %s: %s", diff_id, err_name(-r)) : 0;
}

int image_layer_open(struct image_store *store, const char *diff_id, struct err *err)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/tree", image_digest_hex(diff_id));
    int fd = store->dir_fd < 0
                 ? -1
                 : openat(store->layers_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_set(err, ENOENT, "the layer %s is not unpacked", diff_id) : fd;
}
