/* Where the programs are that carry heavy libraries. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
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
