/*
 * volume: directories with names of their own, which outlive the containers that write to them.
 *
 *   DATA/volumes/NAME/data        what is mounted
 *   DATA/volumes/NAME/info        lines "created MICROSECONDS", "anonymous", "label KEY=VALUE"
 *   DATA/volumes/NAME/used/ID     a container that has it, whether it runs or not; one that is not in
 *                                 DATA/containers any more does not count
 *   DATA/volumes/NAME/copying     while its target's content is copied into it: not whole yet
 *   DATA/volumes/.lock            flock(2): exclusive by whoever makes or removes one
 *
 * A volume is made aside (.new-NAME) and renamed into its place; one that goes is renamed first (.gone-NAME).
 * What is found under those names under the lock was left by a call that was killed, and is cleared away.
 * A run that has a volume in use holds a shared lock on its directory.
 */
#pragma once

#include "base/base.h"
#include "spec/spec.h"

#define VOLUME_NAME_MAX 128

/* Where volumes are, and who we are that remove what others have written to them. */
struct volume_place {
    const char *data_dir; /* absolute */
    const struct spec_world *world;
};

/* Letters, digits, '_', '.' and '-', the first a letter or a digit. ERR_USAGE. */
int volume_check_name(const char *name, struct err *err);

/*
 * Make it unless it is there (then 1 is returned and nothing changed). labels: "KEY=VALUE" or NULL; anonymous:
 * it was given its name by us, and goes with its container where that is asked for. id (may be NULL) is on its list of
 * users from the beginning, so that a call that is killed leaves nothing that is nobody's.
 */
int volume_create(const struct volume_place *place, const char *name, char *const *labels,
                  bool anonymous, const char *id, struct err *err);

/*
 * Hold it for a run or a container: an fd with a shared lock on it, which whoever removes volumes heeds. id
 * (may be NULL) is put on its list of users. -ENOENT: there is no such volume.
 */
int volume_use(const struct volume_place *place, const char *name, const char *id, struct err *err);
/* Take a container off the lists of all volumes. With anonymous those without a name that nobody else has go. */
int volume_forget(const struct volume_place *place, const char *id, bool anonymous,
                  struct err *err);

/* -EBUSY while a run or a container has it, naming the container; -ENOENT. force: a missing one is no error. */
int volume_remove(const struct volume_place *place, const char *name, bool force, struct err *err);
/* Remove all that nobody has, of the anonymous ones or of all; fn (may be NULL) is told each name. */
int volume_prune(const struct volume_place *place, bool all,
                 void (*fn)(void *data, const char *name), void *data, struct err *err);

struct volume {
    const char *name, *directory; /* absolute path of the content */
    char **labels;                /* NULL-terminated, or NULL */
    uint64_t created_us;          /* CLOCK_REALTIME */
    bool anonymous;
    bool used; /* by a container or a run */
};
/* In the order of their names; what volume points to is gone afterwards. fn returns 0 to go on. */
int volume_visit(const struct volume_place *place,
                 int (*fn)(void *data, const struct volume *volume), void *data, struct err *err);
