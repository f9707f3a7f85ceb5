/* ration-oci exec: a further process in a container that runs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/bundle.h"
#include "ocicli/fds.h"
#include "ocicli/process.h"

static int command_exec(struct session *session, const void *values, char *const *operands,
                        struct err *err);

struct exec_values {
    struct process_values process;
    const char *file; /* --process */
    const char *console_socket, *pid_file, *cgroup;
    unsigned preserve_fds;
    bool detach, ignore_paused;
};

static const struct cli_option exec_options[] = {
    { "process", 'p', CLI_TEXT, offsetof(struct exec_values, file), "FILE",
      "the process as a document; no other option describes it then", NULL },
    { "tty", 't', CLI_FLAG, offsetof(struct exec_values, process.tty), NULL,
      "give it a terminal of its own", NULL },
    { "detach", 'd', CLI_FLAG, offsetof(struct exec_values, detach), NULL,
      "return when its program has begun", NULL },
    { "pid-file", 0, CLI_TEXT, offsetof(struct exec_values, pid_file), "FILE",
      "write its process number there", NULL },
    { "console-socket", 0, CLI_TEXT, offsetof(struct exec_values, console_socket), "SOCKET",
      "send the terminal's master to this socket", NULL },
    { "cwd", 0, CLI_TEXT, offsetof(struct exec_values, process.cwd), "DIR", "its working directory",
      NULL },
    { "env", 'e', CLI_LIST, offsetof(struct exec_values, process.env), "NAME=VALUE",
      "add a variable to the container's", NULL },
    { "user", 'u', CLI_TEXT, offsetof(struct exec_values, process.user), "UID[:GID]", "who runs it",
      NULL },
    { "additional-gids", 'g', CLI_LIST, offsetof(struct exec_values, process.gids), "GID",
      "add a supplementary group", NULL },
    { "cap", 'c', CLI_LIST, offsetof(struct exec_values, process.caps), "CAPABILITY",
      "add a capability to its bounding, effective and permitted ones", NULL },
    { "no-new-privs", 0, CLI_FLAG, offsetof(struct exec_values, process.no_new_privs), NULL,
      "it can gain no privileges by executing a program", NULL },
    { "apparmor", 0, CLI_TEXT, offsetof(struct exec_values, process.apparmor), "PROFILE",
      "its AppArmor profile", NULL },
    { "process-label", 0, CLI_TEXT, offsetof(struct exec_values, process.label), "LABEL",
      "its SELinux label", NULL },
    { "preserve-fds", 0, CLI_NUMBER, offsetof(struct exec_values, preserve_fds), "N",
      "pass N further file descriptors on, from 3", NULL },
    { "cgroup", 0, CLI_TEXT, offsetof(struct exec_values, cgroup), "PATH",
      "run it in this group beneath the container's", NULL },
    { "ignore-paused", 0, CLI_FLAG, offsetof(struct exec_values, ignore_paused), NULL,
      "also in a paused container, where it waits until that is resumed", NULL },
    { "no-subreaper", 0, CLI_IGNORED_FLAG, 0, NULL, "accepted, and without effect", NULL },
};

const struct command exec_command = {
    .name = "exec",
    .args = "ID [COMMAND [ARG...]]",
    .summary = "execute a further process in a running container",
    .description = "The exit status is that of the process, 128+N when signal N ended it, and 255 "
                   "when it could not be executed.",
    .options = exec_options,
    .n_options = ARRAY_SIZE(exec_options),
    .values_size = sizeof(struct exec_values),
    .min_operands = 1,
    .max_operands = OPERANDS_ANY,
    .takes_id = true,
    .starts = true,
    .failure_status = 255,
    .run = command_exec,
};

static int check_status(const struct container_info *info, bool ignore_paused, struct err *err)
{
    if (info->status == CONTAINER_STOPPED)
        return err_set(err, ESRCH, "cannot exec in a stopped container");
    if (info->status == CONTAINER_PAUSED && !ignore_paused)
        return err_set(err, EBUSY,
                       "cannot exec in a paused container (use --ignore-paused to override)");
    return 0;
}

/* What the process is to be, on top of what the container is. */
static int read_process(struct session *session, const struct exec_values *exec,
                        const struct container_info *info, char *const *argv, struct spec **ret,
                        struct err *err)
{
    _cleanup_(spec_freep) struct spec *base = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct oci_context context = { .name = info->name,
                                   .bundle = info->bundle,
                                   .rootless = engine_is_rootless(session->engine),
                                   .warn = log_warning,
                                   .warn_data = session };
    int r;

    if (!info->document || !info->bundle)
        return err_set(err, EINVAL, "the record of container \"%.64s\" does not tell what it is",
                       info->name);
    if (exec->file && argv[0])
        return err_usage(err, "exec takes a COMMAND or --process, not both");
    if (exec->file)
        r = document_read(AT_FDCWD, exec->file, "the process", &text, err);
    else
        r = process_write(info->document, &exec->process, argv, &text, err);
    if (r == 0)
        r = session_world(session, &context.world, err);
    if (r == 0)
        r = oci_read_config(info->document, strlen(info->document), &context, &base, err);
    if (r == 0)
        r = oci_read_process(buf_text(&text), text.len, base, &context, ret, err);
    if (r == 0)
        r = fds_add_to_spec(*ret, exec->preserve_fds, err);
    return r;
}

static int command_exec(struct session *session, const void *values, char *const *operands,
                        struct err *err)
{
    const struct exec_values *exec = values;
    _cleanup_(container_info_done) struct container_info info = { 0 };
    _cleanup_(spec_freep) struct spec *spec = NULL;
    const struct container_options options = {
        .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
        .pid_file = exec->pid_file,
        .console_socket = exec->console_socket,
        .n_preserved_fds = fds_count(exec->preserve_fds),
        .write_state = bundle_write_state,
    };
    struct engine *engine;
    int status = 0;
    int r = session_engine(session, &engine, err);

    if (r == 0)
        r = container_inspect(engine, operands[0], &info, err);
    if (r == 0)
        r = check_status(&info, exec->ignore_paused, err);
    oci_pool_begin();
    if (r == 0)
        r = read_process(session, exec, &info, operands + 1, &spec, err);
    oci_pool_end();
    if (r == 0)
        r = container_exec(engine, operands[0], spec, &options, exec->cgroup, exec->detach, &status,
                           err);
    return r < 0 ? r : status;
}
