/* docker's configuration file, as far as it is about passwords. */
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "registry/auth.h"
#include "registry/wire.h"

#define DOCKER_HUB "https://index.docker.io/v1/"

void credentials_done(struct credentials *c)
{
    free(c->user);
    free(c->identity_token);
    free(c->registry_token);
    if (c->password)
        explicit_bzero(c->password, strlen(c->password));
    free(c->password);
    free(c->where);
    *c = (struct credentials){ 0 };
}

void auth_entry_done(struct auth_entry *entry)
{
    credentials_done(&entry->found);
    free(entry->helper);
    free(entry->helper_key);
    *entry = (struct auth_entry){ 0 };
}

const char *auth_key(const char *host)
{
    return strcmp(host, "docker.io") == 0 || strcmp(host, "registry-1.docker.io") == 0 ? DOCKER_HUB
                                                                                       : host;
}

bool auth_helper_is(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    return n > 0 && n < 100 && name[n] == '\0';
}

/* ---- base64: RFC 4648 --------------------------------------------------------------------------------------- */

char *auth_basic_format(const char *user, const char *password)
{
    _cleanup_free_ char *both = text_format("%s:%s", user, password);
    size_t len = both ? strlen(both) : 0;
    char *ret = both && len < INT32_MAX / 2 ? malloc((len + 2) / 3 * 4 + 1) : NULL;

    if (ret)
        EVP_EncodeBlock((unsigned char *)ret, (const unsigned char *)both, (int)len);
    return ret;
}

/* "auth": base64 of USER:PASSWORD. -EINVAL. */
static int basic_parse(const char *text, struct credentials *ret)
{
    size_t len = strlen(text), padding = 0;
    _cleanup_free_ char *both = malloc(len + 1);

    if (!both)
        return -ENOMEM;
    if (len == 0 || len % 4 != 0 || len > 65536)
        return -EINVAL;
    while (padding < 2 && text[len - 1 - padding] == '=')
        padding++;
    int n = EVP_DecodeBlock((unsigned char *)both, (const unsigned char *)text, (int)len);
    if (n < 0 || (size_t)n < padding)
        return -EINVAL;
    both[(size_t)n - padding] = '\0';
    char *colon = strchr(both, ':');
    /* Some writers end the password with NULs. */
    if (!colon || colon == both)
        return -EINVAL;
    ret->user = strndup(both, (size_t)(colon - both));
    ret->password = strdup(colon + 1);
    explicit_bzero(both, len);
    return ret->user && ret->password ? 0 : -ENOMEM;
}

/* ---- keys --------------------------------------------------------------------------------------------------- */

/*
 * How well a key of the file names host and repository: 0 not at all, else the longer the better. "https://HOST/v1/" is
 * HOST; "HOST/PATH" is what is beneath PATH.
 */
static size_t key_matches(const char *key, const char *host, const char *repository)
{
    const char *scheme = strstr(key, "://");
    bool address = scheme != NULL;
    size_t host_len = strlen(host);

    if (strcmp(key, auth_key(host)) == 0)
        return host_len;
    if (address)
        key = scheme + 3;
    if (strncasecmp(key, host, host_len) != 0)
        return 0;
    const char *path = key + host_len;
    if (strcmp(path, "") == 0 || strcmp(path, "/") == 0 || strcmp(path, "/v1/") == 0 ||
        strcmp(path, "/v2/") == 0 || strcmp(path, "/v1") == 0 || strcmp(path, "/v2") == 0)
        return host_len;
    if (address || *path != '/' || !repository)
        return 0;
    size_t path_len = strlen(++path);
    if (strncmp(repository, path, path_len) != 0 ||
        (repository[path_len] != '\0' && repository[path_len] != '/'))
        return 0;
    return host_len + 1 + path_len;
}

/* The member of object whose key fits best, or NULL. */
static json_t *best_member(json_t *object, const char *host, const char *repository,
                           const char **ret_key)
{
    json_t *value, *best = NULL;
    const char *key;
    size_t most = 0;

    json_object_foreach(object, key, value)
    {
        size_t fits = key_matches(key, host, repository);
        if (fits > most) {
            most = fits;
            best = value;
            *ret_key = key;
        }
    }
    return best;
}

static int copy_member(json_t *object, const char *name, char **ret)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (!text || *text == '\0')
        return 0;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

static int entry_read(json_t *entry, struct credentials *ret)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    int r = auth && *auth ? basic_parse(auth, ret) : 0;

    if (r == 0 && !ret->user) {
        r = copy_member(entry, "username", &ret->user);
        if (r == 0)
            r = copy_member(entry, "password", &ret->password);
    }
    if (r == 0)
        r = copy_member(entry, "identitytoken", &ret->identity_token);
    if (r == 0)
        r = copy_member(entry, "registrytoken", &ret->registry_token);
    return r;
}

/* Which helper is to be asked: that of the registry, else that of all. */
static int helper_read(json_t *root, const char *host, const char *repository,
                       struct auth_entry *ret)
{
    const char *key = auth_key(host);
    json_t *of_host = best_member(json_object_get(root, "credHelpers"), host, repository, &key);
    const char *name = json_string_value(of_host);

    if (!name) {
        name = json_string_value(json_object_get(root, "credsStore"));
        key = auth_key(host);
    }
    if (!name || *name == '\0')
        return 0;
    if (!auth_helper_is(name))
        return -EINVAL;
    ret->helper = strdup(name);
    ret->helper_key = strdup(key);
    return ret->helper && ret->helper_key ? 0 : -ENOMEM;
}

static int entry_parse(json_t *root, const char *host, const char *repository,
                       struct auth_entry *ret)
{
    const char *key = NULL;
    json_t *auths = json_object_get(root, "auths");

    if (!json_is_object(root) || (auths && !json_is_object(auths)))
        return -EINVAL;
    int r = helper_read(root, host, repository, ret);
    if (r < 0)
        return r;
    json_t *entry = best_member(auths, host, repository, &key);
    return entry ? entry_read(entry, &ret->found) : 0;
}

int auth_entry_parse(const char *text, size_t len, const char *host, const char *repository,
                     struct auth_entry *ret, struct err *err)
{
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    *ret = (struct auth_entry){ 0 };
    int r = root ? entry_parse(root, host, repository, ret) : -EINVAL;
    json_decref(root);
    if (r == 0)
        return 0;
    auth_entry_done(ret);
    if (r == -ENOMEM)
        return err_nomem(err);
    return err_set(err, EINVAL, "it is no configuration of docker's with passwords for %s",
                   WIRE_QUOTE(host));
}

int auth_helper_parse(const char *text, size_t len, struct credentials *ret, struct err *err)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    const char *user = json_string_value(json_object_get(root, "Username"));
    const char *secret = json_string_value(json_object_get(root, "Secret"));
    int r = 0;

    if (!user || !secret) {
        r = err_set(err, EINVAL, "its answer has no Username and Secret");
    } else if (strcmp(user, "<token>") == 0) {
        ret->identity_token = strdup(secret);
        r = ret->identity_token ? 0 : err_nomem(err);
    } else {
        ret->user = strdup(user);
        ret->password = strdup(secret);
        r = ret->user && ret->password ? 0 : err_nomem(err);
    }
    json_decref(root);
    return r;
}
