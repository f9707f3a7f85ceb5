/* load: images from archives and directories. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imagecli/load.h"
#include "sys/sys.h"

#define BUFFER (1u << 20)

/* ---- files of it ---------------------------------------------------------------------------------------- */

int load_open(struct load *load, const char *path, struct err *err)
{
    struct stat st;
    int fd = sys_openat2(load->dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

    if (fd < 0)
        return err_set(err, -fd, "it has no \"%.150s\": %s", path, err_name(-fd));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, EBADMSG, "\"%.150s\" in it is no file", path);
    }
    return fd;
}

int load_text(struct load *load, const char *path, struct buf *ret, struct err *err)
{
    _cleanup_close_ int fd = load_open(load, path, err);

    if (fd < 0)
        return fd;
    int r = fd_read_all(fd, IMAGE_DOCUMENT_MAX, ret);
    return r < 0 ? err_set(err, -r, "\"%.150s\" in it cannot be read: %s", path, err_name(-r)) : 0;
}

int load_blob(struct load *load, const char *path, const char *digest, uint64_t size,
              char ret_digest[IMAGE_DIGEST_SIZE], uint64_t *ret_size, struct err *err)
{
    struct image_store *store = load->call->store;
    _cleanup_image_blob_ struct image_blob *blob = NULL;
    _cleanup_free_ char *buffer = malloc(BUFFER);
    _cleanup_close_ int fd = buffer ? load_open(load, path, err) : err_nomem(err);
    int r = fd < 0 ? fd : image_blob_start(store, &image_sha256, &blob, err);
    ssize_t n = 1;

    while (r == 0 && n != 0) {
        n = read(fd, buffer, BUFFER);
        if (n < 0 && errno != EINTR)
            r = err_set(err, errno, "\"%.150s\" in it cannot be read: %m", path);
        else if (n > 0)
            r = image_blob_add(blob, buffer, (size_t)n, err);
    }
    if (r < 0)
        return r;
    if (ret_size)
        *ret_size = image_blob_written(blob);
    return image_blob_finish(blob, digest, size, ret_digest, err);
}

/* ---- an image ----------------------------------------------------------------------------------------------- */

int load_finish(struct load *load, const char *manifest, char *const *names, struct err *err)
{
    _cleanup_image_ struct image *image = NULL;
    int r = layers_ensure(load->call, manifest, &load->ceilings, err);

    if (r == 0 && !names)
        r = image_register(load->call->store, manifest, NULL, &image, err);
    for (char *const *at = names; r == 0 && at && *at; at++) {
        image_free(TAKE_PTR(image));
        r = image_register(load->call->store, manifest, *at, &image, err);
    }
    if (r < 0 || !image)
        return r;
    load->n++;
    if (load->quiet || !names)
        buf_printf(&load->told, "%s%s\n", load->quiet ? "" : "Loaded image ID: ", image->id);
    for (char *const *at = names; !load->quiet && at && *at; at++) {
        _cleanup_free_ char *shown = image_name_show(*at);
        buf_printf(&load->told, "Loaded image: %s\n", text_or_empty(shown));
    }
    return 0;
}

static int load_directory(struct load *load, struct err *err)
{
    bool layout = faccessat(load->dir_fd, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    bool docker = faccessat(load->dir_fd, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    int r;

    if (layout)
        r = load_layout(load, err);
    else if (docker)
        r = load_docker(load, err);
    else
        r = err_set(err, EBADMSG,
                    "it holds no images: neither an index.json nor a manifest.json is in it");
    if (r == 0 && load->n == 0)
        r = err_set(err, ENOENT, "it holds no image%s%.100s", load->wanted ? " called " : "",
                    text_or_empty(load->wanted));
    return r;
}

/* An archive is unpacked aside first. */
static int load_archive(struct load *load, int fd, struct err *err)
{
    _cleanup_image_work_ struct image_work *work = NULL;
    struct layer_unpacked unpacked;
    int r = image_layer_start(load->call->store, NULL, &work, err);

    if (r < 0)
        return r;
    struct layer_unpack how = {
        .tree_fd = image_work_tree(work),
        .form = LAYER_PLAIN,
        .ceilings = load->ceilings,
        .rootless = load->call->rootless,
    };
    r = layer_unpack(fd, &how, &unpacked, err);
    load->dir_fd = how.tree_fd;
    return r < 0 ? r : load_directory(load, err);
}

static int load_path(struct load *load, const char *path, struct err *err)
{
    struct stat st;
    bool standard = strcmp(path, "-") == 0;
    _cleanup_close_ int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                      : open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    const char *what = standard ? "standard input" : path;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "cannot open %.200s: %m", what);
    if (isatty(fd))
        return err_usage(err, "an archive does not come from a terminal; use -i FILE, or a pipe");
    load->dir_fd = fd;
    int r = S_ISDIR(st.st_mode) ? load_directory(load, err) : load_archive(load, fd, err);
    if (r < 0)
        err_prefix(err, "%.200s cannot be loaded", what);
    return r;
}

/* "dir/name.tar" as the path of a name: "name"; NULL when it cannot be one. */
static char *name_of_path(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);
    _cleanup_image_ref_ struct image_ref ref = { 0 };
    size_t n = copy ? strlen(copy) : 0;

    while (n > 1 && copy[n - 1] == '/')
        copy[--n] = '\0';
    char *name = n ? strrchr(copy, '/') : NULL;
    name = name ? name + 1 : copy;
    char *dot = name ? strstr(name, ".tar") : NULL;
    if (dot)
        *dot = '\0';
    if (!name || strchr(name, ':') || image_ref_parse(name, &ref, NULL) < 0)
        return NULL;
    return strdup(name);
}

static int load_from(struct call *call, const char *path, const char *wanted, bool quiet,
                     struct err *err)
{
    _cleanup_free_ char *fallback = name_of_path(path);
    struct load load = {
        .call = call,
        .platform = call_option(call, "platform"),
        .wanted = wanted,
        .fallback = fallback,
        .quiet = quiet,
        .dir_fd = -1,
    };
    int r = call_ceilings(call, &load.ceilings, err);

    if (r == 0)
        r = call_open(call, true, err);
    if (r == 0)
        r = load_path(&load, path, err);
    if (r == 0)
        r = call_print(&load.told, err);
    buf_done(&load.told);
    return r;
}

int command_load(struct call *call, struct err *err)
{
    const char *input = call_option(call, "input");
    int r = call_need(call, 0, input ? 0 : 1, "one FILE or DIR", err);

    if (r < 0)
        return r;
    const char *path = input ? input : call->operands[0] ? call->operands[0] : "-";
    return load_from(call, path, NULL, call_flag(call, "quiet"), err);
}

/* What `ration run oci:PATH[:NAME]` and docker-archive:PATH need: prints the id. */
int command_take(struct call *call, struct err *err)
{
    int r = call_need(call, 1, 1, "oci:PATH or docker-archive:PATH", err);
    const char *colon = r == 0 ? strchr(call->operands[0], ':') : NULL;

    if (r < 0)
        return r;
    if (!colon)
        return err_usage(err, "\"%.150s\" is neither oci:PATH nor docker-archive:PATH",
                         call->operands[0]);
    _cleanup_free_ char *path = strdup(colon + 1);
    if (!path)
        return err_nomem(err);
    char *name = strrchr(path, ':');
    if (name && access(path, F_OK) < 0)
        *name++ = '\0';
    else
        name = NULL;
    return load_from(call, path, name, true, err);
}
