/* Words that change a mount, of options and of documents, as mount_setattr(2) has them. */
#include <linux/mount.h>
#include <string.h>

#include "spec/spec.h"

#define RECURSIVE MS_REC
#define DIRATIME  MOUNT_ATTR_NODIRATIME
#define ATIME     ((uint64_t)MOUNT_ATTR__ATIME) /* NOATIME, STRICTATIME or, being 0, RELATIME */

/*
 * Attributes to set and to clear. Of access times there are three ways, of which a mount has one. So a word
 * that takes one of them back ("nostrictatime") only counts where that one is in force or none was asked for;
 * it is "instead_of" then.
 */
static const struct attribute_word {
    const char *word;
    uint64_t set, clear, instead_of;
} attribute_table[] = {
    { "ro", MOUNT_ATTR_RDONLY, 0, 0 },
    { "rw", 0, MOUNT_ATTR_RDONLY, 0 },
    { "nosuid", MOUNT_ATTR_NOSUID, 0, 0 },
    { "suid", 0, MOUNT_ATTR_NOSUID, 0 },
    { "nodev", MOUNT_ATTR_NODEV, 0, 0 },
    { "dev", 0, MOUNT_ATTR_NODEV, 0 },
    { "noexec", MOUNT_ATTR_NOEXEC, 0, 0 },
    { "exec", 0, MOUNT_ATTR_NOEXEC, 0 },
    { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, 0 },
    { "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW, 0 },
    { "nodiratime", DIRATIME, 0, 0 },
    { "diratime", 0, DIRATIME, 0 },
    { "noatime", MOUNT_ATTR_NOATIME, ATIME, 0 },
    { "strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0 },
    { "relatime", MOUNT_ATTR_RELATIME, ATIME, 0 },
    { "atime", MOUNT_ATTR_RELATIME, ATIME, MOUNT_ATTR_NOATIME },
    { "nostrictatime", MOUNT_ATTR_RELATIME, ATIME, MOUNT_ATTR_STRICTATIME },
};

static const struct propagation_word {
    const char *word;
    uint64_t flags;
} propagation_table[] = {
    { "private", MS_PRIVATE },       { "rprivate", MS_PRIVATE | RECURSIVE },
    { "slave", MS_SLAVE },           { "rslave", MS_SLAVE | RECURSIVE },
    { "shared", MS_SHARED },         { "rshared", MS_SHARED | RECURSIVE },
    { "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | RECURSIVE },
};

bool spec_mount_attribute(const char *word, uint64_t *set, uint64_t *clear)
{
    for (size_t i = 0; i < ARRAY_SIZE(attribute_table); i++) {
        const struct attribute_word *row = &attribute_table[i];
        if (strcmp(row->word, word) != 0)
            continue;
        if (row->instead_of && (*set & ATIME) != row->instead_of && (*clear & ATIME))
            return true;
        *set = (*set & ~row->clear) | row->set;
        *clear = (*clear & ~(row->set & ~ATIME)) | row->clear;
        return true;
    }
    return false;
}

uint64_t spec_mount_propagation(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(propagation_table); i++) {
        if (strcmp(propagation_table[i].word, word) == 0)
            return propagation_table[i].flags;
    }
    return 0;
}
