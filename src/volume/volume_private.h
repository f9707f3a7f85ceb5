/* volume, private. */
#pragma once

#include "volume/volume.h"

/* DATA/volumes, locked for whoever changes what is in it; what killed calls left is gone. */
struct volumes {
    int dir_fd, lock_fd;
    int containers_fd; /* DATA/containers, -1: there is none */
    const struct spec_world *world;
};
#define VOLUMES_INIT ((struct volumes){ -1, -1, -1, NULL })

/* make: DATA and DATA/volumes are made when missing; otherwise -ENOENT without err set. */
int volumes_open(const struct volume_place *place, bool make, struct volumes *ret, struct err *err);
void volumes_close(struct volumes *volumes);
#define _cleanup_volumes_ _cleanup_(volumes_close)

/* Its directory, locked as asked (LOCK_SH, LOCK_EX, with LOCK_NB). -errno. */
int volume_open(const struct volumes *volumes, const char *name, int lock);
/* A container that has it, but for except (may be NULL): its id in ret, or "". Those that are gone do not count. */
int volume_user(const struct volumes *volumes, int volume_fd, const char *except, char *ret,
                size_t size);
bool volume_is_anonymous(int volume_fd);
/* Remove it, under its name or one that it was moved to, whatever it holds. */
int volume_delete(const struct volumes *volumes, const char *name);
/* The names in a directory but for those that begin with a dot; strv, sorted. NULL: no memory. */
char **names_list(int dir_fd);
