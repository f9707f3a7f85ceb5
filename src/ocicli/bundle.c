/* Reading a bundle. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ocicli/bundle.h"
#include "ocicli/fds.h"
#include "ocicli/notify.h"

int document_read(int dir_fd, const char *path, const char *what, struct buf *ret, struct err *err)
{
    int r = file_read_regular(dir_fd, path, OCI_DOCUMENT_MAX, ret);

    if (r == -EISDIR || r == -EINVAL)
        return err_set(err, EINVAL, "%s %.200s is not a regular file", what, path);
    if (r == -EFBIG)
        return err_set(err, EFBIG, "%s %.200s is larger than 16 MiB", what, path);
    if (r < 0)
        return err_set(err, -r, "cannot read %s %.200s: %s", what, path, err_name(-r));
    return r;
}

/* The bundle's directory and its absolute path, without links in it. */
static int open_bundle(const char *path, int *ret_fd, char **ret_path, struct err *err)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char self[32], target[4096];

    if (fd < 0)
        return err_set(err, errno, "cannot open the bundle %.300s: %s", path, err_name(errno));
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, target, sizeof(target));
    if (n < 0)
        return err_set(err, errno, "cannot find out where the bundle %.200s is: %s: %s", path, self,
                       err_name(errno));
    if (n == (ssize_t)sizeof(target) || target[0] != '/')
        return err_set(err, ENAMETOOLONG, "the bundle %.200s has no absolute path that fits", path);
    *ret_path = strndup(target, (size_t)n);
    if (!*ret_path)
        return err_nomem(err);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int bundle_read(struct session *session, const char *name, const struct bundle_values *values,
                struct spec **ret, struct err *err)
{
    _cleanup_close_ int fd = -1;
    _cleanup_free_ char *path = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct oci_context context = { .name = name,
                                   .no_pivot = values->no_pivot,
                                   .no_new_keyring = values->no_new_keyring,
                                   .warn = log_warning,
                                   .warn_data = session };
    struct engine *engine;
    int r = session_engine(session, &engine, err);

    if (r == 0)
        r = session_world(session, &context.world, err);
    if (r == 0)
        r = open_bundle(values->bundle ? values->bundle : ".", &fd, &path, err);
    if (r == 0)
        r = values->config ? document_read(AT_FDCWD, values->config, "the document", &text, err)
                           : document_read(fd, "config.json", "the bundle's", &text, err);
    if (r < 0)
        return r;
    context.bundle = path;
    context.rootless = engine_is_rootless(engine);
    context.no_groups = session->cgroup_manager && strcmp(session->cgroup_manager, "disabled") == 0;
    oci_pool_begin();
    r = oci_read_config(buf_text(&text), text.len, &context, ret, err);
    oci_pool_end();
    if (r == 0)
        r = fds_add_to_spec(*ret, values->preserve_fds, err);
    if (r < 0) {
        spec_free(*ret);
        *ret = NULL;
    }
    return r;
}

enum oci_status status_of(enum container_status status)
{
    static const enum oci_status status_table[] = {
        [CONTAINER_CREATING] = OCI_CREATING, [CONTAINER_CREATED] = OCI_CREATED,
        [CONTAINER_RUNNING] = OCI_RUNNING,   [CONTAINER_PAUSED] = OCI_PAUSED,
        [CONTAINER_STOPPED] = OCI_STOPPED,
    };

    return status_table[status];
}

int bundle_write_state(const char *name, enum container_status status, pid_t pid,
                       const struct spec *spec, struct buf *ret)
{
    const struct oci_state state = { .id = name,
                                     .bundle = spec->bundle,
                                     .rootfs = spec->rootfs,
                                     .status = status_of(status),
                                     .pid = pid,
                                     .annotations = spec->annotations };

    oci_write_state(&state, ret);
    return buf_error(ret);
}

void bundle_container_options(const struct bundle_values *values, struct container_options *ret)
{
    *ret = (struct container_options){
        .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
        .pid_file = values->pid_file,
        .console_socket = values->console_socket,
        .n_preserved_fds = fds_count(values->preserve_fds),
        .notify_socket = notify_socket(),
        .write_state = bundle_write_state,
    };
}
