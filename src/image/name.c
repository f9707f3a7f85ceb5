/* The names of images: a file each, whose name is the reference. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "image/image_private.h"

#define NONE_PREFIX "@sha256:"

char *image_name_escape(const char *name)
{
    struct buf text = BUF_INIT;

    for (; *name; name++) {
        if (*name == '/')
            buf_puts(&text, "%2F");
        else
            buf_putc(&text, *name);
    }
    return buf_take(&text);
}

void image_name_unescape(char *file)
{
    char *to = file;

    for (const char *from = file; *from; to++) {
        bool slash = text_starts(from, "%2F");
        *to = slash ? '/' : *from;
        from += slash ? 3 : 1;
    }
    *to = '\0';
}

int image_name_read(struct image_store *store, const char *file,
                    char ret_manifest[IMAGE_DIGEST_SIZE], char ret_config[IMAGE_DIGEST_SIZE])
{
    char line[2 * IMAGE_DIGEST_SIZE + 8];
    ssize_t n = file_read_line(store->names_fd, file, line, sizeof(line));

    if (n == -EFBIG)
        return -EBADMSG;
    if (n < 0)
        return (int)n;
    if (n != 2 * (IMAGE_DIGEST_SIZE - 1) + 1 || line[IMAGE_DIGEST_SIZE - 1] != ' ')
        return -EBADMSG;
    line[IMAGE_DIGEST_SIZE - 1] = '\0';
    memcpy(ret_manifest, line, IMAGE_DIGEST_SIZE);
    memcpy(ret_config, line + IMAGE_DIGEST_SIZE, IMAGE_DIGEST_SIZE);
    return image_digest_is(ret_manifest) && image_digest_is(ret_config) ? 0 : -EBADMSG;
}

int image_name_visit(struct image_store *store, image_name_fn fn, void *data, struct err *err)
{
    int r = 0;

    if (store->dir_fd < 0)
        return 0;
    int fd = openat(store->names_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        fd_close(fd);
        return err_set(err, errno, "cannot read %.200s/names: %m", store->path);
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        char manifest[IMAGE_DIGEST_SIZE], config[IMAGE_DIGEST_SIZE], name[NAME_MAX + 1];
        if (entry->d_name[0] == '.')
            continue;
        int found = image_name_read(store, entry->d_name, manifest, config);
        if (found == -ENOENT)
            continue; /* removed meanwhile */
        if (found < 0)
            manifest[0] = config[0] = '\0';
        snprintf(name, sizeof(name), "%s", entry->d_name);
        image_name_unescape(name);
        r = fn(data, name, manifest, config);
    }
    closedir(dir);
    return r;
}

/* ---- changing ----------------------------------------------------------------------------------------------- */

static int sync_names(struct image_store *store, struct err *err)
{
    if (fsync(store->names_fd) < 0)
        return err_set(err, errno, "cannot flush %.200s/names: %m", store->path);
    return 0;
}

static int name_write(struct image_store *store, const char *name, const char *manifest,
                      const char *config, struct err *err)
{
    _cleanup_free_ char *file = image_name_escape(name);
    struct image_tmp tmp = { .fd = -1 };
    char line[2 * IMAGE_DIGEST_SIZE + 2];

    if (!file)
        return err_nomem(err);
    if (strlen(file) > NAME_MAX)
        return err_usage(err, "the image name \"%.100s...\" is too long to be kept", name);
    int r = image_tmp_make(store, false, &tmp, err);
    if (r < 0)
        return r;
    int n = snprintf(line, sizeof(line), "%s %s\n", manifest, config);
    r = fd_write_all(tmp.fd, line, (size_t)n);
    if (r == 0 && (fsync(tmp.fd) < 0 || renameat(store->tmp_fd, tmp.name, store->names_fd, file)))
        r = -errno;
    if (r < 0)
        err_set(err, -r, "cannot write the name %.100s into %.200s/names: %s", name, store->path,
                err_name(-r));
    else
        tmp.name[0] = '\0';
    image_tmp_done(store, &tmp);
    return r < 0 ? r : sync_names(store, err);
}

struct others {
    const char *name, *config;
    bool found;
};

static int find_other(void *data, const char *name, const char *manifest, const char *config)
{
    struct others *others = data;

    (void)manifest;
    others->found = strcmp(config, others->config) == 0 && strcmp(name, others->name) != 0;
    return others->found;
}

/* Does another name than this one stand for that image? */
static bool has_other_name(struct image_store *store, const char *name, const char *config)
{
    struct others others = { .name = name, .config = config };

    image_name_visit(store, find_other, &others, NULL);
    return others.found;
}

int image_name_put_none(struct image_store *store, const char *manifest, const char *config,
                        struct err *err)
{
    char name[IMAGE_DIGEST_SIZE + 1];

    if (has_other_name(store, "", config))
        return 0;
    snprintf(name, sizeof(name), "@%s", manifest);
    return name_write(store, name, manifest, config, err);
}

struct nameless {
    struct image_store *store;
    const char *config;
};

static int remove_nameless(void *data, const char *name, const char *manifest, const char *config)
{
    struct nameless *nameless = data;

    (void)manifest;
    if (*name == '@' && strcmp(config, nameless->config) == 0)
        unlinkat(nameless->store->names_fd, name, 0);
    return 0;
}

int image_name_put(struct image_store *store, const char *name, const char *manifest,
                   const char *config, struct err *err)
{
    _cleanup_free_ char *file = image_name_escape(name);
    char old_manifest[IMAGE_DIGEST_SIZE], old_config[IMAGE_DIGEST_SIZE];
    struct nameless nameless = { .store = store, .config = config };
    int r = 0;

    if (!file)
        return err_nomem(err);
    if (image_name_read(store, file, old_manifest, old_config) == 0) {
        if (strcmp(old_config, config) == 0 && strcmp(old_manifest, manifest) == 0)
            return 0;
        if (strcmp(old_config, config) != 0 && !has_other_name(store, name, old_config)) {
            char none[IMAGE_DIGEST_SIZE + 1];
            snprintf(none, sizeof(none), "@%s", old_manifest);
            r = name_write(store, none, old_manifest, old_config, err);
        }
    }
    if (r == 0)
        r = name_write(store, name, manifest, config, err);
    if (r == 0)
        image_name_visit(store, remove_nameless, &nameless, NULL);
    return r;
}

int image_name_remove(struct image_store *store, const char *name, struct err *err)
{
    _cleanup_free_ char *file = image_name_escape(name);

    if (!file)
        return err_nomem(err);
    if (store->dir_fd < 0)
        return image_store_missing(store, err);
    if (unlinkat(store->names_fd, file, 0) < 0)
        return err_set(err, errno, "cannot remove the name %.100s: %m", name);
    return sync_names(store, err);
}
