/* The files in which passwords may stand, one after the other. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "registry/auth.h"
#include "registry/wire.h"

#define AUTH_FILE_MAX (1u << 20)

/* A path from a variable of the environment, or NULL when it is unset or empty. */
static char *path_from(const char *variable, const char *below)
{
    const char *base = getenv(variable);

    return base && *base ? text_format("%s%s", base, below) : NULL;
}

static char *docker_path(void)
{
    char *path = path_from("DOCKER_CONFIG", "/config.json");

    return path ? path : path_from("HOME", "/.docker/config.json");
}

static char *containers_path(void)
{
    char *path = path_from("XDG_RUNTIME_DIR", "/containers/auth.json");

    return path ? path : text_format("/run/containers/%u/auth.json", (unsigned)getuid());
}

static char *containers_home_path(void)
{
    char *path = path_from("XDG_CONFIG_HOME", "/containers/auth.json");

    return path ? path : path_from("HOME", "/.config/containers/auth.json");
}

static char *named_path(void)
{
    return path_from("REGISTRY_AUTH_FILE", "");
}

int auth_file_path(const char *asked, char **ret, struct err *err)
{
    *ret = asked ? strdup(asked) : named_path();
    if (!*ret && !asked)
        *ret = docker_path();
    if (*ret)
        return 0;
    if (!asked && !getenv("HOME"))
        return err_set(err, ENOENT,
                       "there is no place for the password: neither --authfile nor HOME is given");
    return err_nomem(err);
}

static int ask_helper(const struct auth_entry *entry, struct credentials *ret, struct err *err)
{
    _cleanup_buf_ struct buf answer = BUF_INIT;

    int r = auth_helper_run(entry->helper, "get", entry->helper_key, &answer, err);
    if (r == 0)
        r = auth_helper_parse(buf_text(&answer), answer.len, ret, err);
    if (answer.data)
        explicit_bzero(answer.data, answer.len);
    if (r < 0) {
        err_prefix(err, "no password from docker-credential-%s", entry->helper);
        return r;
    }
    if (credentials_are(ret))
        ret->where = text_format("docker-credential-%s", entry->helper);
    return 0;
}

/* What one file says. Positive: it is not there, and err says so. */
static int ask_file(const char *path, const char *host, const char *repository,
                    struct credentials *ret, struct err *err)
{
    _cleanup_buf_ struct buf text = BUF_INIT;
    struct auth_entry entry;

    int r = file_read_regular(AT_FDCWD, path, AUTH_FILE_MAX, &text);
    if (r == -ENOENT || r == -ENOTDIR) {
        err_set(err, ENOENT, "the file of passwords %.200s is not there", path);
        return 1;
    }
    if (r < 0)
        return err_set(err, -r, "the file of passwords %.200s cannot be read: %m", path);
    r = auth_entry_parse(buf_text(&text), text.len, host, repository, &entry, err);
    if (text.data)
        explicit_bzero(text.data, text.len);
    if (r < 0) {
        err_prefix(err, "%.200s", path);
        return r;
    }
    if (entry.helper)
        r = ask_helper(&entry, ret, err);
    if (r == 0 && !credentials_are(ret)) {
        *ret = entry.found;
        entry.found = (struct credentials){ 0 };
        if (credentials_are(ret))
            ret->where = strdup(path);
    }
    auth_entry_done(&entry);
    return r;
}

int credentials_find(const char *file, const char *host, const char *repository,
                     struct credentials *ret, struct err *err)
{
    static char *(*const path_table[])(void) = {
        named_path,
        docker_path,
        containers_path,
        containers_home_path,
    };

    *ret = (struct credentials){ 0 };
    if (file) {
        int r = ask_file(file, host, repository, ret, err);
        return r > 0 ? -ENOENT : r;
    }
    for (size_t i = 0; i < ARRAY_SIZE(path_table) && !credentials_are(ret); i++) {
        _cleanup_free_ char *path = path_table[i]();
        struct err why = ERR_INIT;
        int r = path ? ask_file(path, host, repository, ret, &why) : 0;
        if (r < 0) {
            *err = why;
            return r;
        }
    }
    return 0;
}
