/* Which container is meant; who has which name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "life/life_private.h"

/* ---- names ------------------------------------------------------------------------------------------------ */

int life_lock_names(struct life *life)
{
    /* A description of its own: flock(2) does not tell two of ours apart otherwise. */
    int fd = openat(life->names_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR) {
            int code = errno;
            close(fd);
            return -code;
        }
    }
    return fd;
}

void life_unlock_names(struct life *life, int fd)
{
    (void)life;
    fd_close(fd);
}

/* The id that a name stands for; false when there is none. */
static bool name_read(struct life *life, const char *name, char ret[static LIFE_ID_SIZE])
{
    char target[LIFE_ID_SIZE + 1];
    ssize_t n = readlinkat(life->names_fd, name, target, sizeof(target));

    if (n != LIFE_ID_SIZE - 1)
        return false;
    target[n] = '\0';
    memcpy(ret, target, LIFE_ID_SIZE);
    return life_id_valid(ret);
}

static bool directory_exists(struct life *life, const char *prefix, const char *id)
{
    char name[LIFE_ID_SIZE + 8];

    snprintf(name, sizeof(name), "%s%s", prefix, id);
    return faccessat(life->containers_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int life_take_name(struct life *life, const char *name, const char *id, const char *old,
                   struct err *err)
{
    char owner[LIFE_ID_SIZE] = "";
    int lock = life_lock_names(life), r = 0;

    if (lock < 0)
        return err_set(err, -lock, "cannot lock the names of containers: %s", err_name(-lock));
    if (name_read(life, name, owner) && strcmp(owner, id) != 0 &&
        (directory_exists(life, "", owner) || directory_exists(life, ".new-", owner)))
        r = -EEXIST;
    /* Else it is nobody's: of a container that is gone, or no link of ours. */
    if (r == 0)
        unlinkat(life->names_fd, name, 0);
    if (r == 0 && symlinkat(id, life->names_fd, name) < 0)
        r = -errno;
    if (r == 0 && old && name_read(life, old, owner) && strcmp(owner, id) == 0)
        unlinkat(life->names_fd, old, 0);
    life_unlock_names(life, lock);
    if (r == -EEXIST)
        return err_set_class(err, ERR_USAGE, EEXIST,
                             "the name %.128s is taken by container %.12s; remove or rename that, "
                             "or choose another",
                             name, owner);
    return r < 0 ? err_set(err, -r, "cannot take the name %.128s: %s", name, err_name(-r)) : 0;
}

void life_drop_name(struct life *life, const char *name, const char *id)
{
    char owner[LIFE_ID_SIZE];
    int lock = name_valid(name) ? life_lock_names(life) : -1;

    if (lock < 0)
        return;
    if (name_read(life, name, owner) && strcmp(owner, id) == 0)
        unlinkat(life->names_fd, name, 0);
    life_unlock_names(life, lock);
}

void life_drop_names(struct life *life, const char *id)
{
    int fd = openat(life->names_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir)
        fd_close(fd);
    while (dir && (entry = readdir(dir)))
        life_drop_name(life, entry->d_name, id);
    if (dir)
        closedir(dir);
}

/* ---- finding ---------------------------------------------------------------------------------------------- */

static int find_unknown(const char *who, struct err *err)
{
    return err_set(err, ENOENT, "there is no container %.128s; ration ps -a lists what there is",
                   who);
}

/* By the beginning of an id, which no other has. */
static int find_prefix(struct life *life, const char *who, char ret[static LIFE_ID_SIZE],
                       struct err *err)
{
    _cleanup_buf_ struct buf ids = BUF_INIT;
    const char *cursor, *line;
    size_t len, found = 0;

    if (*who == '\0' || strspn(who, "0123456789abcdef") != strlen(who))
        return find_unknown(who, err);
    int r = life_list_ids(life, "", &ids);
    if (r < 0)
        return err_set(err, -r, "cannot list the containers: %s", err_name(-r));
    cursor = buf_text(&ids);
    while (line_next(&cursor, &line, &len)) {
        if (strncmp(line, who, strlen(who)) == 0) {
            snprintf(ret, LIFE_ID_SIZE, "%.*s", (int)len, line);
            found++;
        }
    }
    if (found == 0)
        return find_unknown(who, err);
    if (found > 1)
        return err_set(err, EINVAL,
                       "%.64s is the beginning of %zu containers' ids; give more digits of it", who,
                       found);
    return 0;
}

int life_find(struct life *life, const char *who, struct container_dir *ret, struct err *err)
{
    char id[LIFE_ID_SIZE];
    int r = life_containers(life, false, NULL);

    *ret = CONTAINER_DIR_INIT;
    if (r == -ENOENT)
        return find_unknown(who, err);
    if (r < 0)
        return life_containers(life, false, err);
    if (life_id_valid(who))
        snprintf(id, sizeof(id), "%s", who);
    else if (!name_valid(who) || !name_read(life, who, id) || !directory_exists(life, "", id))
        r = find_prefix(life, who, id, err);
    if (r >= 0)
        r = life_open_directory(life, "", id, ret);
    else
        return r;
    if (r == -ENOENT)
        return find_unknown(who, err);
    return r < 0 ? err_set(err, -r, "cannot open container %.128s: %s", who, err_name(-r)) : 0;
}
