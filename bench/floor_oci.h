/* The floor of OCI containers: what its three parts share. See floor_oci.c for what it is. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { OCI_HIERARCHIES_MAX = 16 };

struct oci {
    const char *id, *rootfs, *files, *filter, *group, *state, *pid_file;
    pid_t pid;
    char **argv;
    int channel[2];
    int gate_fd; /* -1: none */
    /* by the order of the table in floor_oci_groups.c; the unified one is the last */
    size_t n_hierarchies;
    const char *names[OCI_HIERARCHIES_MAX];
    int root_fds[OCI_HIERARCHIES_MAX];
    int dir_fds[OCI_HIERARCHIES_MAX];
    int tasks_fds[OCI_HIERARCHIES_MAX];
};

/* floor_oci.c: whatever fails ends the process */

__attribute__((noreturn)) void oci_fail(const char *what);
void oci_must(long result, const char *what);

/* floor_oci_groups.c */

void oci_groups_open(struct oci *oci);
/** The two groups of the unified hierarchy. @return a descriptor of the inner one. */
int oci_groups_make_unified(struct oci *oci);
/** All others, and the limits in both levels, read back. */
void oci_groups_make(struct oci *oci);
/** The groups of a container that is there. @return the inner unified one. */
int oci_groups_find(struct oci *oci);
/** To be called by the process that is to be in them, while it has one thread. */
void oci_groups_join(const struct oci *oci);
void oci_groups_remove(const struct oci *oci);

/* floor_oci_mounts.c */

/** All mounts of the document and the new root; everything but the view of the groups. */
void oci_mounts_make(const struct oci *oci);
/** To be called within the cgroup namespace. */
void oci_mounts_show_groups(const struct oci *oci);
