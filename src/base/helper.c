/* Programs that carry heavy libraries: where they are, and a word with them. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* Only one that nobody else can have put there. */
static bool helper_is_ours(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH)) &&
           access(path, X_OK) == 0;
}

bool helper_find(const char *name, const char *room, char ret[static PATH_MAX])
{
    const char *self = (const char *)getauxval(AT_EXECFN);
    char own[PATH_MAX];

    /* Not through /proc/self/exe, which is somewhere else when the program has protected itself. */
    if (!getauxval(AT_SECURE) && self && realpath(self, own)) {
        char *slash = strrchr(own, '/');
        *slash = '\0';
        if (snprintf(ret, PATH_MAX, "%s/%s", own, name) < PATH_MAX && helper_is_ours(ret))
            return true;
        slash = strrchr(own, '/');
        if (slash)
            *slash = '\0';
        if (snprintf(ret, PATH_MAX, "%s/%s/%s", own, room, name) < PATH_MAX && helper_is_ours(ret))
            return true;
    }
    snprintf(ret, PATH_MAX, "%s/%s", RATION_LIBEXECDIR, name);
    return access(ret, X_OK) == 0;
}

int helper_spawn(const char *path, char *const *argv, char *const *environment, int socket_fd,
                 int third_fd, bool own_group, pid_t *ret)
{
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, socket_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    if (third_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, third_fd, STDERR_FILENO + 1);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + (third_fd >= 0 ? 2 : 1));
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    if (own_group)
        flags |= POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(&attributes, flags);
    int r = posix_spawn(ret, path, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

int helper_send(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t helper_read_line(int fd, char *ret, size_t size)
{
    size_t len = 0;

    while (len < size - 1) {
        ssize_t n = read(fd, ret + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        len += (size_t)n;
        if (ret[len - 1] == '\n') {
            ret[--len] = '\0';
            return (ssize_t)len;
        }
    }
    return -EMSGSIZE;
}
