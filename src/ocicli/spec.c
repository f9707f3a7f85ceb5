/* ration-oci spec: an example of config.json, which runs at once. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ocicli/info.h"

static int command_spec(struct session *session, const void *values, char *const *operands,
                        struct err *err);

struct spec_values {
    const char *bundle;
    bool rootless;
};

static const struct cli_option spec_options[] = {
    { "bundle", 'b', CLI_TEXT, offsetof(struct spec_values, bundle), "DIR",
      "where to put it (default: the current directory)", NULL },
    { "rootless", 0, CLI_FLAG, offsetof(struct spec_values, rootless), NULL,
      "one that an ordinary user can run", NULL },
};

const struct command spec_command = {
    .name = "spec",
    .args = "",
    .summary = "write a config.json to begin with: a shell in ./rootfs",
    .options = spec_options,
    .n_options = ARRAY_SIZE(spec_options),
    .values_size = sizeof(struct spec_values),
    .run = command_spec,
};

static int write_new(int dir_fd, const struct buf *text, struct err *err)
{
    static const char name[] = "config.json";
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0 && errno == EEXIST)
        return err_set(err, EEXIST, "File config.json exists. Remove it first");
    if (fd < 0)
        return err_set(err, errno, "cannot make config.json: %s", err_name(errno));
    int r = fd_write_all(fd, buf_text(text), text->len);
    if (r < 0) {
        unlinkat(dir_fd, name, 0);
        return err_set(err, -r, "cannot write config.json: %s", err_name(-r));
    }
    return 0;
}

static int command_spec(struct session *session, const void *values, char *const *operands,
                        struct err *err)
{
    const struct spec_values *spec = values;
    const char *path = spec->bundle ? spec->bundle : ".";
    _cleanup_buf_ struct buf compact = BUF_INIT, text = BUF_INIT;
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    (void)session;
    (void)operands;
    if (fd < 0)
        return err_set(err, errno, "cannot open the bundle %.300s: %s", path, err_name(errno));
    oci_write_example(spec->rootless, geteuid(), getegid(), &compact);
    if (buf_error(&compact) < 0)
        return err_nomem(err);
    int r = json_indent(buf_text(&compact), 4, &text, err);
    if (r < 0)
        return r;
    buf_putc(&text, '\n');
    return write_new(fd, &text, err);
}
