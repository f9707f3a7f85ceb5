/* What `features` tells. */
#include "oci/oci.h"

void oci_write_features(const struct oci_features *features, struct buf *ret)
{
    (void)features;
    buf_puts(ret, "{}");
}
