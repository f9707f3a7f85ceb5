/* Extended attributes: which of them an archive may set. */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "archive/archive_private.h"

bool attribute_is_overlays(const char *name)
{
    return text_starts(name, "trusted.overlay.") || text_starts(name, "user.overlay.");
}

bool attribute_is_kept(const char *name, bool rootless)
{
    if (attribute_is_overlays(name))
        return false;
    if (text_starts(name, "user.") || strcmp(name, "security.capability") == 0 ||
        strcmp(name, "system.posix_acl_access") == 0 ||
        strcmp(name, "system.posix_acl_default") == 0)
        return true;
    /* security.selinux and its like are the machine's to say, not an archive's. */
    return !rootless && text_starts(name, "trusted.");
}

int attributes_set(const char *path, struct archive_entry *entry, bool rootless, uint64_t *dropped)
{
    const char *name;
    const void *value;
    size_t size;

    if (archive_entry_xattr_reset(entry) == 0)
        return 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!name || !attribute_is_kept(name, rootless)) {
            *dropped += name && !text_starts(name, "security.");
            continue;
        }
        if (lsetxattr(path, name, value, size, 0) == 0)
            continue;
        /* What the file system or our rights do not allow is told in sum. */
        if (errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL && errno != EACCES)
            return -errno;
        ++*dropped;
    }
    return 0;
}

int directory_set_opaque(int fd, bool rootless)
{
    return fsetxattr(fd, rootless ? OPAQUE_USER : OPAQUE_TRUSTED, "y", 1, 0) < 0 ? -errno : 0;
}
