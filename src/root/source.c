/* Which image somebody means, and what it says of its containers. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/image.h"
#include "root/root.h"

#define HELPER "ration-image"

struct root_source {
    struct image_store *store; /* locked against who removes images; NULL: a directory */
    struct image *image;
    char *directory; /* absolute */
    char *id;
};

bool root_is_command(const char *operand)
{
    return operand[0] == '/' || text_starts(operand, "./") || text_starts(operand, "../");
}

void root_source_free(struct root_source *source)
{
    if (!source)
        return;
    image_free(source->image);
    image_store_close(source->store);
    free(source->directory);
    free(source->id);
    free(source);
}

void root_source_freep(struct root_source **source)
{
    root_source_free(*source);
}

const char *root_source_id(const struct root_source *source)
{
    return source->id;
}

/* ---- the program that gets images ---------------------------------------------------------------------------- */

static int importer_spawn(char *const *argv, char *const *env, int out_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn(ret_pid, argv[0], &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int text_read(int fd, struct buf *ret)
{
    ssize_t n;

    do {
        char *room = buf_room(ret, 4096);
        if (!room)
            return -ENOMEM;
        n = read(fd, room, 4096);
        if (n > 0)
            buf_add_length(ret, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? -errno : buf_error(ret);
}

static int helper_wait(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* The helper has said on our stderr what is wrong. */
static int helper_run(char *const *argv, char *const *env, struct buf *ret_text, struct err *err)
{
    int pipe_fds[2];
    pid_t pid = -1;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_set(err, errno, "cannot make a pipe: %m");
    int r = importer_spawn(argv, env, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    if (r < 0) {
        close(pipe_fds[0]);
        return err_set(err, -r, "cannot execute %s, which gets images: %s", argv[0], err_name(-r));
    }
    r = text_read(pipe_fds[0], ret_text);
    close(pipe_fds[0]);
    int ended = helper_wait(pid);
    if (r == 0 && ended < 0)
        r = ended;
    return r < 0 ? err_set(err, -r, "the image could not be got (see above)") : 0;
}

/* The last word that it has printed: what was got, by name or id. */
static char *last_word(const char *text)
{
    size_t end = strlen(text);

    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '))
        end--;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n' && text[begin - 1] != ' ')
        begin--;
    return strndup(text + begin, end - begin);
}

/* Our environment, with the data directory that we have been told. */
static int helper_environment(const char *data_dir, char ***ret)
{
    _cleanup_free_ char *data = text_format("RATION_DATA_DIR=%s", data_dir);
    int r = data ? strv_push(ret, data) : -ENOMEM;

    for (char **v = environ; r == 0 && *v; v++) {
        if (!text_starts(*v, "RATION_DATA_DIR="))
            r = strv_push(ret, *v);
    }
    return r;
}

struct helper_call {
    const char *command, *option, *operand; /* option: "input=PATH", or NULL */
};

/* ration-image COMMAND --option=value ... -- OPERAND: as `ration` calls it. */
static int helper_arguments(const char *path, const struct helper_call *call, const char *platform,
                            char ***ret)
{
    _cleanup_free_ char *option = call->option ? text_format("--%s", call->option) : NULL;
    _cleanup_free_ char *asked = platform ? text_format("--platform=%s", platform) : NULL;
    const char *words[] = { path, call->command, option, asked, "--", call->operand };
    int r = (call->option && !option) || (platform && !asked) ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++)
        r = words[i] ? strv_push(ret, words[i]) : 0;
    return r;
}

/* *ret_word: what it was that was got. */
static int helper_get(const char *data_dir, const struct helper_call *call,
                      const struct draft *draft, char **ret_word, struct err *err)
{
    _cleanup_(strv_freep) char **argv = NULL, **env = NULL;
    _cleanup_buf_ struct buf text = BUF_INIT;
    char path[PATH_MAX];

    if (!helper_find(HELPER, "imagecli", path))
        return err_set(err, ENOENT, "the program %.300s, which gets images, is not installed",
                       path);
    if (helper_arguments(path, call, spec_get(draft, "platform"), &argv) < 0 ||
        helper_environment(data_dir, &env) < 0)
        return err_nomem(err);
    int r = helper_run(argv, env, &text, err);
    if (r < 0)
        return r;
    *ret_word = last_word(buf_text(&text));
    return *ret_word ? 0 : err_nomem(err);
}

/* ---- in the store ---------------------------------------------------------------------------------------------- */

/* The image, and the store that it is in, locked: what is in it stays until the source is freed. */
static int find_stored(const char *data_dir, const char *what, struct root_source *source,
                       struct err *err)
{
    _cleanup_image_store_ struct image_store *store = NULL;
    _cleanup_image_ struct image *image = NULL;
    int r = image_store_open(data_dir, false, &store, err);

    if (r == 0)
        r = image_store_lock(store, IMAGE_LOCK_USE, err);
    if (r == 0)
        r = image_find(store, what, &image, err);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
        if (!image_layer_has(store, image->layers[i].diff_id))
            r = err_set(err, EBADMSG,
                        "the image %.100s is not whole: the layer %s is missing (see ration image "
                        "verify)",
                        what, image->layers[i].diff_id);
    }
    if (r < 0)
        return r;
    source->store = TAKE_PTR(store);
    source->image = TAKE_PTR(image);
    return 0;
}

/* Both ways out, in the words of the command line. */
static int is_missing(const char *operand, struct err *err)
{
    struct image_ref ref = { 0 };
    int r = image_ref_parse(operand, &ref, NULL);

    image_ref_done(&ref);
    if (r < 0)
        err_usage(
            err,
            "there is no image \"%.100s\": ration run -- %.100s runs the command of this machine",
            operand, operand);
    else
        err_usage(err,
                  "there is no image \"%.100s\": get it by ration pull %.100s (or --pull missing), "
                  "or run "
                  "the command of this machine by ration run -- %.100s",
                  operand, operand, operand);
    return -ENOENT;
}

static int find_named(const char *data_dir, const char *operand, const struct draft *draft,
                      struct root_source *ret, struct err *err)
{
    const char *pull = text_or_empty(spec_get(draft, "pull"));
    const struct helper_call call = { .command = "pull", .operand = operand };
    _cleanup_free_ char *word = NULL;
    struct err missing = ERR_INIT;
    int r = strcmp(pull, "always") == 0 ? -ENOENT : find_stored(data_dir, operand, ret, &missing);

    if (r == 0)
        return 0;
    if (r != -ENOENT && r != -EINVAL) {
        if (err)
            *err = missing;
        return r;
    }
    if (strcmp(pull, "missing") != 0 && strcmp(pull, "always") != 0)
        return is_missing(operand, err);
    r = helper_get(data_dir, &call, draft, &word, err);
    return r < 0 ? r : find_stored(data_dir, operand, ret, err);
}

/* Loading prints what it has loaded: a name, or an id. */
static int find_loaded(const char *data_dir, const char *operand, const struct draft *draft,
                       struct root_source *ret, struct err *err)
{
    _cleanup_free_ char *option = text_format("input=%s", strchr(operand, ':') + 1);
    _cleanup_free_ char *word = NULL;
    const struct helper_call call = { .command = "load", .option = option };

    if (!option)
        return err_nomem(err);
    int r = helper_get(data_dir, &call, draft, &word, err);
    return r < 0 ? r : find_stored(data_dir, word, ret, err);
}

static int find_directory(const char *operand, struct root_source *source, struct err *err)
{
    const char *path = operand + strlen("dir:");
    struct stat st;

    source->directory = realpath(path, NULL);
    if (!source->directory || stat(source->directory, &st) < 0)
        return err_set_class(err, ERR_USAGE, errno,
                             "cannot use the directory %.300s as an image: %s", path,
                             err_name(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set_class(err, ERR_USAGE, ENOTDIR,
                             "cannot use %.300s as an image: it is no directory", path);
    source->id = text_format("dir:%s", source->directory);
    return source->id ? 0 : err_nomem(err);
}

int root_find(const char *data_dir, const char *operand, const struct draft *draft,
              struct root_source **ret, struct err *err)
{
    _cleanup_root_source_ struct root_source *source = calloc(1, sizeof(*source));
    int r;

    if (!source)
        return err_nomem(err);
    if (text_starts(operand, "dir:"))
        r = find_directory(operand, source, err);
    else if (text_starts(operand, "oci:") || text_starts(operand, "docker-archive:"))
        r = find_loaded(data_dir, operand, draft, source, err);
    else
        r = find_named(data_dir, operand, draft, source, err);
    if (r < 0)
        return r;
    if (source->image && text_replace(&source->id, source->image->id) < 0)
        return err_nomem(err);
    *ret = TAKE_PTR(source);
    return 0;
}

/* ---- for a run ---------------------------------------------------------------------------------------------------- */

int root_apply(const struct root_source *source, struct draft *draft, struct err *err)
{
    char *layers[] = { source->directory, NULL };
    const struct spec_image directory = {
        .name = source->id,
        .id = source->id,
        .layers = layers,
    };

    return source->image ? image_apply(source->image, draft, err)
                         : spec_set_image(draft, &directory, err);
}

void root_describe(const struct root_source *source, const struct draft *draft, struct buf *ret)
{
    const struct spec_image *image = spec_get_image(draft);

    buf_printf(ret, "image %s\n", source->id);
    for (char **layer = image ? image->layers : NULL; layer && *layer; layer++) {
        buf_puts(ret, "layer ");
        line_escape(*layer, ret);
        buf_putc(ret, '\n');
    }
}
