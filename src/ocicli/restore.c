/* ration-oci restore: not made; what would call it is told so, by a command that has its options. */
#include <errno.h>

#include "ocicli/criu.h"

static int command_restore(struct session *session, const void *values, char *const *operands,
                           struct err *err);

static const struct cli_option restore_options[] = {
    { "image-path", 0, CLI_IGNORED, 0, "DIR", "where the files are", NULL },
    { "work-path", 0, CLI_IGNORED, 0, "DIR", "where criu's log goes", NULL },
    { "bundle", 'b', CLI_IGNORED, 0, "DIR", "the bundle", NULL },
    { "console-socket", 0, CLI_IGNORED, 0, "SOCKET", "send the terminal's master there", NULL },
    { "pid-file", 0, CLI_IGNORED, 0, "FILE", "write the process number there", NULL },
    { "manage-cgroups-mode", 0, CLI_IGNORED, 0, "MODE", "what criu does with groups", NULL },
    { "empty-ns", 0, CLI_IGNORED, 0, "network", "a namespace that is made anew", NULL },
    { "lsm-profile", 0, CLI_IGNORED, 0, "TYPE:NAME", "security profile", NULL },
    { "lsm-mount-context", 0, CLI_IGNORED, 0, "CONTEXT", "security label of mounts", NULL },
    { "detach", 'd', CLI_IGNORED_FLAG, 0, NULL, "return when it runs", NULL },
    { "tcp-established", 0, CLI_IGNORED_FLAG, 0, NULL, "also with TCP connections", NULL },
    { "ext-unix-sk", 0, CLI_IGNORED_FLAG, 0, NULL, "also with Unix sockets to the outside", NULL },
    { "shell-job", 0, CLI_IGNORED_FLAG, 0, NULL, "also with a terminal of the caller's", NULL },
    { "file-locks", 0, CLI_IGNORED_FLAG, 0, NULL, "also with file locks", NULL },
    { "lazy-pages", 0, CLI_IGNORED_FLAG, 0, NULL, "fetch memory when it is used", NULL },
    { "auto-dedup", 0, CLI_IGNORED_FLAG, 0, NULL, "drop memory from files once read", NULL },
    { "no-subreaper", 0, CLI_IGNORED_FLAG, 0, NULL, "accepted", NULL },
    { "no-pivot", 0, CLI_IGNORED_FLAG, 0, NULL, "accepted", NULL },
};

const struct command restore_command = {
    .name = "restore",
    .args = "ID",
    .summary = "make a container from such files: refused, see its --help",
    .description = "The files that checkpoint writes are criu's own, and criu restore reads them. "
                   "Nothing of this runtime's would be sure of a container that it did not make "
                   "itself: that its limits are in force, and that nothing is left of it.",
    .options = restore_options,
    .n_options = ARRAY_SIZE(restore_options),
    .min_operands = 1,
    .max_operands = 1,
    .takes_id = true,
    .run = command_restore,
};

static int command_restore(struct session *session, const void *values, char *const *operands,
                           struct err *err)
{
    int r = criu_check(session, err);

    (void)values;
    (void)operands;
    return r < 0 ? r
                 : err_refuse(err, ENOTSUP,
                              "restore is not supported: use criu restore with the files that "
                              "checkpoint wrote");
}
