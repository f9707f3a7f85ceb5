/* The state of a container as JSON, and points in time. */
#include "oci/oci.h"

const char *oci_status_name(enum oci_status status)
{
    static const char *const name_table[] = {
        [OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
        [OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
    };

    return (size_t)status < ARRAY_SIZE(name_table) ? name_table[status] : "unknown";
}

void oci_write_state(const struct oci_state *state, struct buf *ret)
{
    (void)state;
    buf_puts(ret, "{}");
}

void oci_write_time(uint64_t realtime_us, struct buf *ret)
{
    (void)realtime_us;
    buf_puts(ret, "1970-01-01T00:00:00Z");
}
