/* The media types of manifests: OCI image specification, media-types.md; docker's image manifest version 2. */
#include <string.h>
#include <strings.h>

#include "registry/wire.h"

static const struct media_row {
    const char *name;
    enum media_kind kind;
} media_table[] = {
    { "application/vnd.oci.image.index.v1+json", MEDIA_INDEX },
    { "application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX },
    { "application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST },
    { "application/vnd.docker.distribution.manifest.v2+json", MEDIA_MANIFEST },
    { "application/vnd.docker.distribution.manifest.v1+prettyjws", MEDIA_OUTDATED },
    { "application/vnd.docker.distribution.manifest.v1+json", MEDIA_OUTDATED },
    { "text/html", MEDIA_PAGE },
    { "application/xhtml+xml", MEDIA_PAGE },
};

static size_t name_length(const char *content_type)
{
    return strcspn(content_type, "; \t");
}

enum media_kind media_kind(const char *content_type)
{
    size_t n = content_type ? name_length(content_type) : 0;

    for (size_t i = 0; n > 0 && i < ARRAY_SIZE(media_table); i++) {
        const struct media_row *row = &media_table[i];
        if (strlen(row->name) == n && strncasecmp(row->name, content_type, n) == 0)
            return row->kind;
    }
    return MEDIA_UNKNOWN;
}

char *media_accept(void)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(media_table); i++) {
        const struct media_row *row = &media_table[i];
        if (row->kind == MEDIA_INDEX || row->kind == MEDIA_MANIFEST)
            buf_printf(&text, "%s%s", text.len ? ", " : "", row->name);
    }
    return buf_take(&text);
}

char *media_name(const char *content_type)
{
    return strndup(content_type, name_length(content_type));
}
