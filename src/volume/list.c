/* What volumes there are, and who has them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "volume/volume_private.h"

#define INFO_MAX (1 << 20)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **names_list(int dir_fd)
{
    char **names = calloc(1, sizeof(*names));
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (fd >= 0 && !dir)
        close(fd);
    while (names && dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (strv_push(&names, entry->d_name) < 0) {
            strv_free(names);
            names = NULL;
        }
    }
    if (dir)
        closedir(dir);
    if (names)
        qsort(names, strv_length(names), sizeof(*names), compare_names);
    return names;
}

/* A container is in its place, or still being made. */
static bool container_exists(const struct volumes *volumes, const char *id)
{
    char aside[300];

    if (volumes->containers_fd < 0)
        return false;
    snprintf(aside, sizeof(aside), ".new-%s", id);
    return faccessat(volumes->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           faccessat(volumes->containers_fd, aside, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int volume_user(const struct volumes *volumes, int volume_fd, const char *except, char *ret,
                size_t size)
{
    _cleanup_close_ int used_fd =
        openat(volume_fd, "used", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_(strv_freep) char **ids = used_fd < 0 ? NULL : names_list(used_fd);

    ret[0] = '\0';
    if (used_fd >= 0 && !ids)
        return -ENOMEM;
    for (char **id = ids; id && *id; id++) {
        if (container_exists(volumes, *id) && !(except && strcmp(*id, except) == 0))
            snprintf(ret, size, "%s", *id);
    }
    return 0;
}

/* ---- info ------------------------------------------------------------------------------------------------- */

static int info_read(int volume_fd, struct volume *ret)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    int r = file_read_regular(volume_fd, "info", INFO_MAX, &text);
    const char *cursor = buf_text(&text), *line;
    size_t n;

    while (r == 0 && line_next(&cursor, &line, &n)) {
        _cleanup_free_ char *copy = strndup(line, n);
        uint64_t number;
        if (!copy)
            return -ENOMEM;
        if (strcmp(copy, "anonymous") == 0)
            ret->anonymous = true;
        else if (text_starts(copy, "created ") &&
                 number_parse(copy + strlen("created "), UINT64_MAX, &number) == 0)
            ret->created_us = number;
        if (!text_starts(copy, "label "))
            continue;
        line_unescape(copy);
        r = strv_push(&ret->labels, copy + strlen("label "));
    }
    return r;
}

bool volume_is_anonymous(int volume_fd)
{
    struct volume volume = { 0 };
    int r = info_read(volume_fd, &volume);

    strv_free(volume.labels);
    return r == 0 && volume.anonymous;
}

/* Somebody runs with it, or a container has it. */
static bool is_used(const struct volumes *volumes, const char *name, int volume_fd)
{
    int locked = volume_open(volumes, name, LOCK_EX | LOCK_NB);
    char user[NAME_MAX + 1];

    if (locked < 0)
        return true;
    close(locked);
    return volume_user(volumes, volume_fd, NULL, user, sizeof(user)) < 0 || user[0] != '\0';
}

static int visit_one(const struct volumes *volumes, const struct volume_place *place,
                     const char *name, int (*fn)(void *data, const struct volume *volume),
                     void *data, struct err *err)
{
    _cleanup_free_ char *directory = text_format("%s/volumes/%s/data", place->data_dir, name);
    _cleanup_close_ int fd =
        openat(volumes->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct volume volume = { .name = name, .directory = directory };

    if (fd < 0)
        return 0; /* no directory is no volume */
    int r = directory ? info_read(fd, &volume) : -ENOMEM;
    if (r == -ENOMEM) {
        strv_free(volume.labels);
        return err_nomem(err);
    }
    volume.used = is_used(volumes, name, fd);
    r = fn(data, &volume);
    strv_free(volume.labels);
    return r;
}

int volume_visit(const struct volume_place *place,
                 int (*fn)(void *data, const struct volume *volume), void *data, struct err *err)
{
    _cleanup_volumes_ struct volumes volumes = VOLUMES_INIT;
    _cleanup_(strv_freep) char **names = NULL;
    int r = volumes_open(place, false, &volumes, err);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    names = names_list(volumes.dir_fd);
    if (!names)
        return err_nomem(err);
    for (char **name = names; r == 0 && *name; name++) {
        if ((*name)[0] != '.')
            r = visit_one(&volumes, place, *name, fn, data, err);
    }
    return r;
}
