/* $NOTIFY_SOCKET */
#include <stdlib.h>
#include <sys/stat.h>

#include "ocicli/notify.h"

const char *notify_socket(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct stat st;

    if (!path || (path[0] != '/' && path[0] != '@'))
        return NULL;
    /* An abstract one ("@...") shows by using it whether it is there. */
    if (path[0] == '/' && (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode)))
        return NULL;
    return path;
}
