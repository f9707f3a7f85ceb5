/* Logging in and out: a password is tried before it is kept. */
#include <errno.h>
#include <string.h>

#include "registry/session.h"

/* Does the registry take what it has been told of us? */
static int try_login(struct registry *r, struct err *err)
{
    _cleanup_free_ char *url = text_format("%s/v2/", r->base);
    _cleanup_exchange_ struct http_exchange x = { .method = "GET",
                                                  .body_max = HTTP_ERROR_BODY_MAX,
                                                  .total_us = 2 * r->http.timeout_us };

    if (!url)
        return err_nomem(err);
    int result = session_try(r, r->curl, &x, url, "entry", err);
    if (result < 0)
        return result;
    return x.status == 200 ? 0 : session_explain(r, &x, "entry", err);
}

int registry_login(const struct registry_options *options, const char *domain, const char *user,
                   const char *password, char **ret_where, struct err *err)
{
    const struct image_ref ref = { .domain = (char *)domain };
    _cleanup_registry_ struct registry *r = NULL;
    _cleanup_free_ char *path = NULL;

    if (*user == '\0' || strchr(user, ':') || *password == '\0')
        return err_usage(err, "a user needs a name without a colon, and a password");
    int result = auth_file_path(options->auth_file, &path, err);
    if (result == 0)
        result = registry_open(options, &ref, false, &r, err);
    if (result < 0 || !r)
        return result;
    r->credentials.user = strdup(user);
    r->credentials.password = strdup(password);
    r->asked = true;
    if (!r->credentials.user || !r->credentials.password)
        return err_nomem(err);
    result = try_login(r, err);
    return result < 0 ? result : auth_write(path, domain, user, password, ret_where, err);
}

int registry_logout(const struct registry_options *options, const char *domain, char **ret_where,
                    struct err *err)
{
    _cleanup_free_ char *path = NULL;

    int r = auth_file_path(options->auth_file, &path, err);
    return r < 0 ? r : auth_erase(path, domain, ret_where, err);
}
