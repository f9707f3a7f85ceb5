/* The "resources" object: every limit of it, by the oci column of limits.def. */
#include <errno.h>
#include <string.h>

#include "oci/document.h"

int oci_resources_from_json(const json_t *resources, const char *path,
                            const struct limit_context *context, struct limit_set *set,
                            struct err *err)
{
    (void)context;
    (void)set;
    if (json_object_size(resources) == 0)
        return 0;
    return err_refuse(err, ENOTSUP, "%s: this build reads no limits", path);
}

int oci_read_resources(const char *text, size_t len, const struct limit_context *context,
                       struct limit_set *ret, struct err *err)
{
    _cleanup_json_ json_t *document = NULL;
    int r = json_document_load(text, len, &document, err);

    *ret = (struct limit_set){ 0 };
    return r < 0 ? r : oci_resources_from_json(document, "resources", context, ret, err);
}
