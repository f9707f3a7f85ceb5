/*
 * docker's configuration file, changed: the password of one registry put in or taken out, all else as it was. Written
 * aside and renamed, so that it is the old one or the new one whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/auth.h"
#include "registry/wire.h"

#define AUTH_FILE_MAX (1u << 20)

static void json_freep(json_t **json)
{
    json_decref(*json);
}
#define _cleanup_json_ _cleanup_(json_freep)

/* ---- the file ----------------------------------------------------------------------------------------------- */

/* One that is not there, or has nothing in it, is an empty object. */
static int load(const char *path, json_t **ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    int r = file_read_regular(AT_FDCWD, path, AUTH_FILE_MAX, &text);
    if (r < 0 && r != -ENOENT && r != -ENOTDIR)
        return err_set(err, -r, "the file of passwords %.200s cannot be read: %m", path);
    *ret = r < 0 || text.len == 0
               ? json_object()
               : json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
    if (text.data)
        explicit_bzero(text.data, text.len);
    if (json_is_object(*ret))
        return 0;
    return err_set(err, EINVAL, "%.200s is no configuration of docker's: it is left as it is",
                   path);
}

/* Its directory, made for ourselves alone when it is missing. */
static int make_parent(const char *path, struct err *err)
{
    _cleanup_free_ char *dir = strdup(path);
    char *slash = dir ? strrchr(dir, '/') : NULL;

    if (!dir)
        return err_nomem(err);
    if (!slash || slash == dir)
        return 0;
    *slash = '\0';
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_set(err, errno, "the directory %.200s for passwords cannot be made: %m", dir);
    return 0;
}

static int write_beside(const char *path, const char *beside, const char *text, struct err *err)
{
    _cleanup_close_ int fd =
        open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, errno, "%.200s cannot be made: %m", beside);
    int r = fd_write_all(fd, text, strlen(text));
    if (r == 0)
        r = fd_write_all(fd, "\n", 1);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    unlink(beside);
    return err_set(err, -r, "the file of passwords %.200s cannot be written: %m", path);
}

/* Where a link leads to is what is written; the link stays. */
static int store(const char *path, const json_t *root, struct err *err)
{
    int r = make_parent(path, err);
    if (r < 0)
        return r;
    _cleanup_free_ char *real = realpath(path, NULL);
    const char *to = real ? real : path;
    _cleanup_free_ char *beside = text_format("%s.new%d", to, (int)getpid());
    char *text = json_dumps(root, JSON_INDENT(4));
    r = beside && text ? write_beside(to, beside, text, err) : err_nomem(err);
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return r;
}

/* ---- what stands in it ---------------------------------------------------------------------------------------- */

/* The helper that has the passwords of host, or NULL. */
static const char *helper_of(const json_t *root, const char *host)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(root, "credHelpers"), host));

    if (!name)
        name = json_string_value(json_object_get(root, "credsStore"));
    return name && *name ? name : NULL;
}

static int helper_check(const char *path, const char *name, struct err *err)
{
    if (auth_helper_is(name))
        return 0;
    return err_set(err, EINVAL, "%.200s names the helper '%.60s', which cannot be one", path,
                   WIRE_QUOTE(name));
}

static int helper_store(const char *name, const char *key, const char *user, const char *password,
                        struct err *err)
{
    _cleanup_json_ json_t *what =
        json_pack("{ssssss}", "ServerURL", key, "Username", user, "Secret", password);
    _cleanup_buf_ struct buf said = BUF_INIT;
    char *text = what ? json_dumps(what, JSON_COMPACT) : NULL;

    int r = text ? auth_helper_run(name, "store", text, &said, err) : err_nomem(err);
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return r < 0 ? r : 0;
}

static json_t *auths_of(json_t *root)
{
    json_t *auths = json_object_get(root, "auths");

    if (json_is_object(auths))
        return auths;
    if (auths || json_object_set_new(root, "auths", json_object()) < 0)
        return NULL;
    return json_object_get(root, "auths");
}

static json_t *entry_make(const char *user, const char *password)
{
    _cleanup_free_ char *basic = auth_basic_format(user, password);

    return basic ? json_pack("{ss}", "auth", basic) : NULL;
}

int auth_write(const char *path, const char *host, const char *user, const char *password,
               char **ret_where, struct err *err)
{
    _cleanup_json_ json_t *root = NULL;
    const char *key = auth_key(host);

    int r = load(path, &root, err);
    if (r < 0)
        return r;
    json_t *auths = auths_of(root);
    const char *helper = helper_of(root, host);
    if (!auths)
        return err_set(err, EINVAL, "%.200s is no configuration of docker's: it is left as it is",
                       path);
    if (helper) {
        r = helper_check(path, helper, err);
        if (r == 0)
            r = helper_store(helper, key, user, password, err);
        if (r < 0)
            return r;
    }
    /* docker marks with an empty entry that a helper has it. */
    json_t *entry = helper ? json_object() : entry_make(user, password);
    if (!entry || json_object_set_new(auths, key, entry) < 0)
        return err_nomem(err);
    r = store(path, root, err);
    if (r == 0 && ret_where) {
        *ret_where = helper ? text_format("docker-credential-%s", helper) : strdup(path);
        r = *ret_where ? 0 : err_nomem(err);
    }
    return r;
}

int auth_erase(const char *path, const char *host, char **ret_where, struct err *err)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_buf_ struct buf said = BUF_INIT;
    const char *key = auth_key(host);
    const char *const keys[] = { key, host };
    bool found = false;

    int r = load(path, &root, err);
    if (r < 0)
        return r;
    const char *helper = helper_of(root, host);
    if (helper) {
        r = helper_check(path, helper, err);
        if (r == 0)
            r = auth_helper_run(helper, "erase", key, &said, err);
        if (r < 0)
            return r;
    }
    json_t *auths = json_object_get(root, "auths");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        found = json_object_del(auths, keys[i]) == 0 || found;
    if (!found)
        return 0;
    r = store(path, root, err);
    if (r == 0 && ret_where) {
        *ret_where = helper ? text_format("docker-credential-%s", helper) : strdup(path);
        r = *ret_where ? 0 : err_nomem(err);
    }
    return r < 0 ? r : 1;
}
