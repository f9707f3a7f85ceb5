/* The mount options of the specification ("Linux mount options"). */
#include <string.h>

#include "oci/reading.h"

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
    uint64_t propagation = spec_mount_propagation(word);

    if (propagation) {
        mount->propagation = propagation;
        return MOUNT_OPTION_APPLIED;
    }
    if (apply_kind(m, word) || spec_mount_attribute(word, &mount->attr_set, &mount->attr_clear) ||
        is_among(word, nothing_table, ARRAY_SIZE(nothing_table)))
        return MOUNT_OPTION_APPLIED;
    /* "rro": the same for the mount and all beneath it */
    if (word[0] == 'r' && spec_mount_attribute(word + 1, &mount->tree_set, &mount->tree_clear))
        return MOUNT_OPTION_APPLIED;
    return is_among(word, superblock_table, ARRAY_SIZE(superblock_table)) ? MOUNT_OPTION_SUPERBLOCK
                                                                          : MOUNT_OPTION_DATA;
}
