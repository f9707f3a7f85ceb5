/* The example document of `spec`. */
#include "oci/oci.h"

void oci_write_example(bool rootless, uid_t uid, gid_t gid, struct buf *ret)
{
    (void)rootless;
    (void)uid;
    (void)gid;
    buf_puts(ret, "{}");
}
