/* ration-oci features. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/info.h"
#include "sys/sys.h"

static int command_features(struct session *session, const void *values, char *const *operands,
                            struct err *err);

const struct command features_command = {
    .name = "features",
    .args = "",
    .summary = "print what this runtime can do as JSON",
    .run = command_features,
};

static int command_features(struct session *session, const void *values, char *const *operands,
                            struct err *err)
{
    _cleanup_buf_ struct buf compact = BUF_INIT, text = BUF_INIT;
    char actions[256];
    /*
     * What the document means is what this program can do, whatever the host has switched on. Only where
     * that hangs on the running kernel is it asked. No criu: a checkpoint that cannot be restored is none.
     */
    struct oci_features features = { .version = RATION_VERSION,
                                     .cap_last = sys_cap_last(),
                                     .has_v1 = true,
                                     .has_v2 = true,
                                     .has_systemd = engine_has_systemd(),
                                     .has_rdt = true,
                                     .has_apparmor = true,
                                     .has_selinux = true,
                                     .has_idmap = true,
                                     .has_userns = access("/proc/self/ns/user", F_OK) == 0 };

    (void)session;
    (void)values;
    (void)operands;
    if (file_read_line(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail", actions,
                       sizeof(actions)) >= 0)
        features.seccomp_actions = actions;
    oci_write_features(&features, &compact);
    int r = json_indent(buf_text(&compact), 2, &text, err);
    if (r < 0)
        return r;
    buf_putc(&text, '\n');
    return cli_print(&text, err);
}
