/* The verb create: a directory, a description in it, a name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "life/life_private.h"
#include "root/root.h"

/* Everything of one creation. */
struct creation {
    struct life *life;
    struct draft *draft; /* owned */
    const char *image;
    struct container_dir dir;
    bool hold;
    int lock_fd;
    char name[129];
    struct spec *spec;
    struct root_volumes volumes;
};

static void creation_done(struct creation *creation)
{
    draft_free(creation->draft);
    spec_free(creation->spec);
    root_volumes_done(&creation->volumes);
    container_dir_done(&creation->dir);
    fd_close(creation->lock_fd);
}

/* ---- id and directory --------------------------------------------------------------------------------------- */

/* Not of digits alone: the first twelve are a host name too, and some take such a name for a number. */
static int make_id(char ret[static LIFE_ID_SIZE], struct err *err)
{
    unsigned char bytes[32];

    do {
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
            return err_set(err, errno, "cannot make an id: %m");
        for (size_t i = 0; i < sizeof(bytes); i++)
            snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    } while (strspn(ret, "0123456789") >= LIFE_SHORT_SIZE - 1);
    return 0;
}

/* Locked from the first moment in which others can see it. */
static int make_directory(struct creation *creation, struct err *err)
{
    struct life *life = creation->life;
    char id[LIFE_ID_SIZE], name[LIFE_ID_SIZE + 8];
    int r = make_id(id, err);

    if (r < 0)
        return r;
    snprintf(name, sizeof(name), ".new-%s", id);
    int names = life_lock_names(life);
    r = names < 0 ? names : 0;
    if (r >= 0 && mkdirat(life->containers_fd, name, 0711) < 0)
        r = -errno;
    if (r >= 0)
        r = life_open_directory(life, ".new-", id, &creation->dir);
    if (r >= 0) {
        creation->lock_fd = lock_take(creation->dir.fd, LOCK_COMMAND, 0);
        r = creation->lock_fd < 0 ? creation->lock_fd : 0;
    }
    life_unlock_names(life, names);
    return r < 0 ? err_set(err, -r, "cannot make the directory of a container in %s: %s",
                           life->data_dir, err_name(-r))
                 : 0;
}

static int take_name(struct creation *creation, struct err *err)
{
    const char *asked = spec_get(creation->draft, "name");
    uint32_t random[2];
    int r = -EEXIST;

    if (asked) {
        if (!name_valid(asked))
            return err_usage(err, "--name %.128s: letters, digits, '_', '.' and '-' make a name",
                             asked);
        snprintf(creation->name, sizeof(creation->name), "%s", asked);
        return life_take_name(creation->life, asked, creation->dir.id, NULL, err);
    }
    for (unsigned attempt = 0; attempt < 32 && r == -EEXIST; attempt++) {
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return err_set(err, errno, "cannot make up a name: %m");
        name_generate(random[0], random[1], attempt, creation->name);
        r = life_take_name(creation->life, creation->name, creation->dir.id, NULL, err);
    }
    return r;
}

/* ---- what is written ---------------------------------------------------------------------------------------- */

static int write_text(const struct creation *creation, const char *name, const struct buf *text,
                      bool durable, struct err *err)
{
    int r = buf_error(text);

    if (r >= 0)
        r = life_write_file(creation->dir.fd, name, text->data, text->len, durable);
    return r < 0 ? err_set(err, -r, "cannot write %s/containers/%s/%s: %s",
                           creation->life->data_dir, creation->dir.id, name, err_name(-r))
                 : 0;
}

/* Relative paths and, on the host's root, the environment are those of whoever creates it. */
static int write_origin(const struct creation *creation, struct err *err)
{
    _cleanup_free_ char *cwd = getcwd(NULL, 0);
    _cleanup_buf_ struct buf text = BUF_INIT;
    bool host = !creation->image && !spec_get(creation->draft, "rootfs");

    buf_add(&text, cwd ? cwd : "/", strlen(cwd ? cwd : "/") + 1);
    for (char *const *v = creation->life->world->environ; host && v && *v; v++)
        buf_add(&text, *v, strlen(*v) + 1);
    return write_text(creation, "origin", &text, false, err);
}

static int write_config(const struct creation *creation, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (draft_write(creation->draft, &text) < 0)
        return err_nomem(err);
    return write_text(creation, "config", &text, true, err);
}

static void command_line(char *const *argv, struct buf *ret)
{
    for (char *const *word = argv; word && *word; word++)
        buf_printf(ret, "%s%s", word == argv ? "" : " ", *word);
}

static void mounts_line(const struct spec *spec, struct buf *ret)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        const char *shown = mount->volume ? mount->volume : mount->source;
        bool names = shown && spec->net.files && path_is_beneath(shown, spec->net.files);
        if (mount->kind == MOUNT_BIND && shown && !names && !text_starts(shown, "/dev/"))
            buf_printf(ret, "%s%s", ret->len ? "," : "", shown);
    }
}

static int write_state(const struct creation *creation, struct err *err)
{
    static const char *const option_table[] = { "restart", "rm", "network" };
    _cleanup_buf_ struct buf text = BUF_INIT, command = BUF_INIT, mounts = BUF_INIT;
    _cleanup_(strv_freep) char **labels = NULL;
    const struct spec_image *image = spec_get_image(creation->draft);
    const char *rootfs = spec_get(creation->draft, "rootfs");
    int r = spec_labels(creation->draft, &labels, err);

    if (r < 0)
        return r;
    command_line(creation->spec->argv, &command);
    mounts_line(creation->spec, &mounts);
    buf_printf(&text, "status created\ncreated %llu\n%s",
               (unsigned long long)clock_us(CLOCK_REALTIME), creation->hold ? "run 1\n" : "");
    state_line(&text, "name", creation->name);
    state_line(&text, "image", creation->image ? creation->image : text_or_empty(rootfs));
    state_line(&text, "image_id", image ? text_or_empty(image->id) : "");
    state_line(&text, "command", buf_text(&command));
    state_line(&text, "mounts", buf_text(&mounts));
    for (size_t i = 0; i < ARRAY_SIZE(option_table); i++) {
        const char *value = spec_get(creation->draft, option_table[i]);
        if (value)
            state_line(&text, option_table[i], value);
    }
    for (char *const *label = labels; label && *label; label++)
        state_line(&text, "label", *label);
    return write_text(creation, "state", &text, true, err);
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

static int check_options(const struct draft *draft, struct err *err)
{
    struct restart_policy policy = { 0 };
    const char *restart = spec_get(draft, "restart"), *removed = spec_get(draft, "rm");

    if (restart)
        restart_parse(restart, &policy);
    if (removed && strcmp(removed, "true") == 0 && policy.when != RESTART_NO)
        return err_usage(err,
                         "--rm and --restart %s: what is removed when it ends cannot be "
                         "started again",
                         restart);
    return 0;
}

/* What can be refused is refused now, and not at the first start. */
static int seal_once(struct creation *creation, struct err *err)
{
    _cleanup_(draft_freep) struct draft *copy = NULL;
    char name[LIFE_SHORT_SIZE];

    if (draft_copy(creation->draft, &copy) < 0)
        return err_nomem(err);
    snprintf(name, sizeof(name), "%.12s", creation->dir.id);
    int r = spec_set(copy, creation->life->world, "name", name, err);
    if (r >= 0)
        r = spec_seal(copy, creation->life->world, &creation->spec, err);
    if (r >= 0 && (!creation->spec->argv || !creation->spec->argv[0]))
        return err_usage(err,
                         creation->image ? "image %.128s has no command of its own: give one"
                                         : "there is no COMMAND to run%.0s",
                         text_or_empty(creation->image));
    return r;
}

static int creation_fill(struct creation *creation, struct err *err)
{
    int r = life_root_make(creation->life, &creation->dir, creation->image, creation->draft,
                           &creation->volumes, err);

    if (r >= 0)
        r = seal_once(creation, err);
    if (r >= 0)
        r = take_name(creation, err);
    if (r >= 0)
        r = write_origin(creation, err);
    if (r >= 0)
        r = write_config(creation, err);
    return r < 0 ? r : write_state(creation, err);
}

static int creation_settle(struct creation *creation, struct err *err)
{
    int containers_fd = creation->life->containers_fd;
    char from[LIFE_ID_SIZE + 8];

    /* So that what was killed is found without a look at each container. */
    snprintf(from, sizeof(from), ".rm-%s", creation->dir.id);
    if (creation->spec->remove && symlinkat(creation->dir.id, containers_fd, from) < 0)
        return err_set(err, errno, "cannot note that container %.12s goes when it ends: %m",
                       creation->dir.id);
    snprintf(from, sizeof(from), ".new-%s", creation->dir.id);
    if (renameat(containers_fd, from, containers_fd, creation->dir.id) < 0)
        return err_set(err, errno, "cannot put container %.12s in its place: %m", creation->dir.id);
    return 0;
}

int life_create(struct life *life, const struct draft *draft, const char *image, bool hold,
                char ret_id[static LIFE_ID_SIZE], struct err *err)
{
    _cleanup_(creation_done) struct creation creation = {
        .life = life, .image = image, .hold = hold, .dir = CONTAINER_DIR_INIT, .lock_fd = -1
    };
    char name[LIFE_ID_SIZE + 8];
    int r = check_options(draft, err);

    if (r >= 0 && draft_copy(draft, &creation.draft) < 0)
        r = err_nomem(err);
    if (r >= 0)
        r = life_containers(life, true, err);
    if (r < 0)
        return r;
    life_tidy(life);
    r = make_directory(&creation, err);
    if (r >= 0)
        r = creation_fill(&creation, err);
    if (r >= 0)
        r = creation_settle(&creation, err);
    if (r < 0) {
        if (creation.name[0])
            life_drop_name(life, creation.name, creation.dir.id);
        snprintf(name, sizeof(name), ".new-%s", creation.dir.id);
        root_volumes_done(&creation.volumes);
        if (creation.dir.fd >= 0) {
            life_root_forget(life, creation.dir.id, true, NULL);
            tree_remove(life->containers_fd, name);
        }
        snprintf(name, sizeof(name), ".rm-%s", creation.dir.id);
        unlinkat(life->containers_fd, name, 0);
        return r;
    }
    if (hold) {
        fd_close(life->held_fd);
        life->held_fd = TAKE_FD(creation.lock_fd);
        memcpy(life->held_id, creation.dir.id, LIFE_ID_SIZE);
    }
    life_event(life, &creation.dir, "create", NULL, NULL);
    memcpy(ret_id, creation.dir.id, LIFE_ID_SIZE);
    return 0;
}

int life_rename(struct life *life, const char *who, const char *name, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    _cleanup_buf_ struct buf line = BUF_INIT;

    if (!name_valid(name))
        return err_usage(err, "\"%.64s\" is no name: letters, digits, '_', '.' and '-' make one",
                         name);
    int r = life_find(life, who, &dir, err);
    if (r < 0)
        return r;
    _cleanup_close_ int lock = life_lock(&dir, LOCK_COMMAND, err);
    if (lock < 0)
        return lock;
    r = life_read_state(life, &dir, &state, err);
    if (r < 0)
        return r;
    const char *old = life_state_get(&state, "name");
    if (strcmp(old, name) == 0)
        return err_usage(err, "container %.12s has the name %.128s already", dir.id, name);
    r = life_take_name(life, name, dir.id, old, err);
    if (r < 0)
        return r;
    state_line(&line, "name", name);
    r = buf_error(&line) < 0 ? err_nomem(err) : life_set_state(&dir, buf_text(&line), err);
    if (r < 0)
        return r;
    life_event(life, &dir, "rename", "oldName", old);
    return 0;
}
