/* The directories of containers: opening, listing, writing files whole, removing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"
#include "life/life_private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int life_open(struct engine *engine, const struct spec_world *world, const char *data_dir,
              const char *program, struct life **ret, struct err *err)
{
    struct life *life = calloc(1, sizeof(*life));

    if (!life)
        return err_nomem(err);
    *life = (struct life){
        .engine = engine, .world = world, .containers_fd = -1, .names_fd = -1, .held_fd = -1
    };
    int r = image_data_dir(data_dir, &life->data_dir, err);
    /* Without a home there are no containers; runs need none. */
    if (r == -ENOENT)
        r = 0;
    if (r >= 0 && text_replace(&life->program, program) < 0)
        r = err_nomem(err);
    if (r < 0) {
        life_close(life);
        return r;
    }
    *ret = life;
    return 0;
}

void life_close(struct life *life)
{
    if (!life)
        return;
    fd_close(life->containers_fd);
    fd_close(life->names_fd);
    fd_close(life->held_fd);
    free(life->data_dir);
    free(life->program);
    free(life);
}

const char *life_directory(const struct life *life)
{
    return life->data_dir;
}

/* What cannot be made is told by whoever opens it. */
static void make_directories(const struct life *life)
{
    _cleanup_free_ char *path = text_format("%s/containers/.names", life->data_dir);

    for (char *slash = path; slash && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(path, 0711);
        *slash = '/';
    }
    if (path)
        mkdir(path, 0700);
}

int life_containers(struct life *life, bool make, struct err *err)
{
    if (life->names_fd >= 0)
        return 0;
    if (!life->data_dir) {
        int r = image_data_dir(NULL, &life->data_dir, err);
        if (r < 0)
            return r;
    }
    _cleanup_free_ char *path = text_format("%s/containers", life->data_dir);
    if (!path)
        return err_nomem(err);
    for (int attempt = 0; attempt < 2; attempt++) {
        life->containers_fd = open(path, DIRECTORY_FLAGS);
        if (life->containers_fd >= 0)
            life->names_fd = openat(life->containers_fd, ".names", DIRECTORY_FLAGS);
        if (life->names_fd >= 0)
            return 0;
        int code = errno;
        life->containers_fd = fd_close(life->containers_fd);
        if (code != ENOENT || !make || attempt > 0)
            return err_set(err, code, "cannot open the directory of containers %s: %s", path,
                           err_name(code));
        make_directories(life);
    }
    return -ENOENT;
}

int life_write_file(int dir_fd, const char *name, const void *data, size_t len, bool durable)
{
    char beside[64];

    snprintf(beside, sizeof(beside), ".%s.new", name);
    _cleanup_close_ int fd =
        openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, data, len);
    if (r >= 0 && durable && fdatasync(fd) < 0)
        r = -errno;
    if (r >= 0 && renameat(dir_fd, beside, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dir_fd, beside, 0);
    return r;
}

bool life_id_valid(const char *id)
{
    return strlen(id) == LIFE_ID_SIZE - 1 && strspn(id, "0123456789abcdef") == LIFE_ID_SIZE - 1;
}

int life_list_ids(struct life *life, const char *prefix, struct buf *ret)
{
    struct dirent *entry;
    int fd = openat(life->containers_fd, ".", DIRECTORY_FLAGS);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        int code = errno;
        fd_close(fd);
        return -code;
    }
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (text_starts(name, prefix) && life_id_valid(name + strlen(prefix)))
            buf_printf(ret, "%s\n", name + strlen(prefix));
    }
    closedir(dir);
    return buf_error(ret);
}

int life_open_directory(struct life *life, const char *prefix, const char *id,
                        struct container_dir *ret)
{
    char name[LIFE_ID_SIZE + 8];

    snprintf(name, sizeof(name), "%s%s", prefix, id);
    *ret = CONTAINER_DIR_INIT;
    ret->fd = openat(life->containers_fd, name, DIRECTORY_FLAGS);
    if (ret->fd < 0)
        return -errno;
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    return 0;
}

void container_dir_done(struct container_dir *dir)
{
    dir->fd = fd_close(dir->fd);
}
