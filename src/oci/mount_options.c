/* The mount options of the specification ("Linux mount options") as attributes of a mount. */
#include <linux/mount.h>
#include <string.h>

#include "oci/reading.h"

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

/* What Linux does anyway: the defaults, and two that are about messages of the kernel's log. */
static const char *const nothing_table[] = {
    "defaults", "async", "nolazytime", "nomand",      "noiversion",
    "silent",   "loud",  "norelatime", "rnorelatime",
};

/* Options of a file system as a whole that fsconfig(2) takes by these names. */
static const char *const superblock_table[] = { "sync", "dirsync", "lazytime", "mand", "iversion" };

static bool is_among(const char *word, const char *const *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i], word) == 0)
            return true;
    }
    return false;
}

/* One word to one pair of masks: what is to be set, what is to be cleared. */
static bool apply_attribute(const char *word, uint64_t *set, uint64_t *clear)
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

uint64_t mount_propagation(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(propagation_table); i++) {
        if (strcmp(propagation_table[i].word, word) == 0)
            return propagation_table[i].flags;
    }
    return 0;
}

/* Options that say what kind of mount it is. */
static bool apply_kind(struct mount_reading *m, const char *word)
{
    static const struct {
        const char *word;
        bool bind, recursive, remount, copy_up, id_mapped, id_mapped_tree;
    } kind_table[] = {
        { "bind", .bind = true },       { "rbind", .bind = true, .recursive = true },
        { "remount", .remount = true }, { "tmpcopyup", .copy_up = true },
        { "idmap", .id_mapped = true }, { "ridmap", .id_mapped = true, .id_mapped_tree = true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (strcmp(kind_table[i].word, word) != 0)
            continue;
        m->bind |= kind_table[i].bind;
        m->remount |= kind_table[i].remount;
        m->mount->recursive |= kind_table[i].recursive;
        m->mount->copy_up |= kind_table[i].copy_up;
        m->mount->id_mapped |= kind_table[i].id_mapped;
        m->mount->id_mapped_tree |= kind_table[i].id_mapped_tree;
        return true;
    }
    return false;
}

enum mount_option mount_apply_option(struct mount_reading *m, const char *word)
{
    struct spec_mount *mount = m->mount;
    uint64_t propagation = mount_propagation(word);

    if (propagation) {
        mount->propagation = propagation;
        return MOUNT_OPTION_APPLIED;
    }
    if (apply_kind(m, word) || apply_attribute(word, &mount->attr_set, &mount->attr_clear) ||
        is_among(word, nothing_table, ARRAY_SIZE(nothing_table)))
        return MOUNT_OPTION_APPLIED;
    /* "rro": the same for the mount and all beneath it */
    if (word[0] == 'r' && apply_attribute(word + 1, &mount->tree_set, &mount->tree_clear))
        return MOUNT_OPTION_APPLIED;
    return is_among(word, superblock_table, ARRAY_SIZE(superblock_table)) ? MOUNT_OPTION_SUPERBLOCK
                                                                          : MOUNT_OPTION_DATA;
}
