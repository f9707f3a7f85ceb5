/*
 * Which kernel parameters belong to a namespace. All others are the machine's. See namespaces(7),
 * ipc_namespaces(7) and Documentation/admin-guide/sysctl.
 */
#include <linux/sched.h>
#include <string.h>

#include "spec/spec.h"

/* A path, or with '/' at its end all that is beneath it. */
static const struct {
    const char *path;
    uint64_t namespace;
} parameter_table[] = {
    { "net/", CLONE_NEWNET },
    { "fs/mqueue/", CLONE_NEWIPC },
    { "kernel/auto_msgmni", CLONE_NEWIPC },
    { "kernel/msg_next_id", CLONE_NEWIPC },
    { "kernel/msgmax", CLONE_NEWIPC },
    { "kernel/msgmnb", CLONE_NEWIPC },
    { "kernel/msgmni", CLONE_NEWIPC },
    { "kernel/sem", CLONE_NEWIPC },
    { "kernel/sem_next_id", CLONE_NEWIPC },
    { "kernel/shm_next_id", CLONE_NEWIPC },
    { "kernel/shm_rmid_forced", CLONE_NEWIPC },
    { "kernel/shmall", CLONE_NEWIPC },
    { "kernel/shmmax", CLONE_NEWIPC },
    { "kernel/shmmni", CLONE_NEWIPC },
    { "kernel/domainname", CLONE_NEWUTS },
    { "user/", CLONE_NEWUSER },
};

uint64_t sysctl_namespace(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(parameter_table); i++) {
        const char *row = parameter_table[i].path;
        size_t length = strlen(row);

        if (row[length - 1] == '/' ? text_starts(path, row) && path[length] : !strcmp(path, row))
            return parameter_table[i].namespace;
    }
    return 0;
}
